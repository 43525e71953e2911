//! What a notice must be, beyond each of its words: nothing held without a reason and an end, nothing promised twice
//! over, nothing asked for or shown without need.

use super::read::Reader;
use crate::choice::{Right, Shown};
use crate::notice::{DataSource, Form, HoldData, HoldEnd, Notice, Purpose, Retain, RetainAction, Role};
use crate::terms::{self, Family};
use crate::time::longer;
use crate::vocabulary::{FormWords, Leaving};

/// Every check, each reporting to the reader.
pub(super) fn check(notice: &Notice, reader: &mut Reader<'_>) {
    holdings(notice, reader);
    each_kind_once(notice, reader);
    each_label(notice, reader);
    for purpose in &notice.purposes {
        marketing(purpose, reader);
    }
    for source in &notice.sources {
        source_gives(source, notice, reader);
    }
    for form in &notice.forms {
        form_fields(form, notice, reader);
    }
    forms_needed(notice, reader);
    for role in &notice.roles {
        role_needs(role, notice, reader);
    }
    for retain in &notice.retains {
        erase_or_keep(retain, notice, reader);
        one_record(retain, notice, reader);
        times(retain, reader);
    }
    leaving(notice, reader);
    for hold in &notice.holds {
        if matches!(&hold.end, HoldEnd::Until(until) if *until == hold.from && !until.is_empty()) {
            let path = format!("{}.until", hold.rule.id);
            reader.problem_with(
                &path,
                format!("[{}] ends where it starts", hold.rule.id),
                "name another event",
            );
        }
    }
}

/// The code holds nothing that the notice does not name.
fn holdings(notice: &Notice, reader: &mut Reader<'_>) {
    if notice.data.is_empty() {
        return;
    }
    for id in reader.words.holdings.clone() {
        if notice.label_of(id).is_none() {
            let what = terms::find(id).map_or(id, |term| term.label);
            let message = format!("the code holds {id} ({what}), which no label of [data] names");
            reader.problem_with("data", message, format!("add a label, or add \"{id}\" to one"));
        }
    }
}

/// A kind belongs to one label, so that what is said of one label is never undone by another.
fn each_kind_once(notice: &Notice, reader: &mut Reader<'_>) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for data in &notice.data {
        for term in &data.kinds {
            match seen.iter().find(|(id, _)| *id == term.id) {
                Some((id, first)) => {
                    let message = format!("{id} is already in {first}");
                    reader.problem_with(&format!("{} {id}", data.label), message, "name each kind once");
                }
                None => seen.push((term.id, &data.label)),
            }
        }
    }
}

/// What a label holds is used for something and ends some day.
fn each_label(notice: &Notice, reader: &mut Reader<'_>) {
    for data in &notice.data {
        let label = &data.label;
        let path = format!("data.{label}");
        let used = is_used(notice, label);
        let ends = notice.retains.iter().any(|retain| retain.erases(label));
        if !used && !ends && !is_named(notice, label) {
            reader.problem_with(
                &path,
                format!("no rule uses the label {label}"),
                "leave it out, or say what it is for",
            );
            continue;
        }
        if !used && !notice.forms.iter().any(|form| asks_for(form, label)) {
            let help = format!("add \"{label}\" to the uses of a [purpose]");
            reader.problem_with(&path, format!("{label} is held without a purpose"), help);
        }
        if !ends {
            let help = format!("add \"{label}\" to the erase of a [retain] rule");
            reader.problem_with(&path, format!("{label} is kept without an end"), help);
        }
    }
}

fn is_used(notice: &Notice, label: &str) -> bool {
    notice.purposes.iter().any(|purpose| purpose.uses(label))
}

fn is_named(notice: &Notice, label: &String) -> bool {
    notice.forms.iter().any(|form| asks_for(form, label))
        || notice.sources.iter().any(|source| source.gives.contains(label))
        || notice.roles.iter().any(|role| role.sees.iter().any(|(seen, _)| seen == label))
        || notice.retains.iter().any(|retain| retain.keep.iter().any(|(kept, _)| kept == label))
        || notice
            .holds
            .iter()
            .any(|hold| matches!(&hold.data, HoldData::Labels(labels) if labels.contains(label)))
}

fn asks_for(form: &Form, label: &String) -> bool {
    form.required.contains(label) || form.voluntary.iter().any(|(voluntary, _)| voluntary == label)
}

/// People can always object to marketing, so it needs a way out, which this version does not run.
fn marketing(purpose: &Purpose, reader: &mut Reader<'_>) {
    if purpose.is.family == Family::Marketing {
        let message = format!("[{}] is {}, and has no opt-out", purpose.rule.id, purpose.is.label);
        let help = "marketing needs an opt-out (GDPR, art. 21(2)), which this version of Kept cannot run yet: leave it out";
        reader.problem_with(&format!("{}.is", purpose.rule.id), message, help);
    }
}

/// A form asks for what the code can take, requires what the code needs, and asks for nothing without a purpose.
fn form_fields(form: &Form, notice: &Notice, reader: &mut Reader<'_>) {
    let id = &form.rule.id;
    let Some(words) = reader.words.forms.iter().find(|words| words.name == form.name).cloned() else {
        return;
    };
    let voluntary = form.voluntary.iter().map(|(label, _)| (format!("{id}.voluntary {label}"), label));
    let required = form.required.iter().map(|label| (format!("{id}.required {label}"), label));
    for (path, label) in required.chain(voluntary.clone()) {
        if !notice.kinds_of(label).any(|kind| words.kinds.iter().any(|(term, _)| *term == kind)) {
            let asks: Vec<&str> = words.kinds.iter().map(|(term, _)| *term).collect();
            let help = format!("it can ask for {}", asks.join(", "));
            reader.problem_with(&path, format!("the form {} cannot ask for {label}", form.name), help);
        }
        if !is_used(notice, label) {
            let help = format!("leave it out, or add \"{label}\" to the uses of a [purpose]");
            reader.problem_with(&path, format!("[{id}] asks for {label}, which no purpose uses"), help);
        }
    }
    for (path, label) in voluntary {
        if form.required.contains(label) {
            let help = "keep it in one of the two";
            reader.problem_with(&path, format!("{label} is both required and voluntary"), help);
        }
    }
    let unnamed = |term: &&str| reader.words.holdings.contains(term) && notice.label_of(term).is_none();
    for term in needed(&words).filter(|term| !unnamed(term)).collect::<Vec<_>>() {
        if !form.required.iter().any(|label| notice.kinds_of(label).any(|kind| kind == term)) {
            let label = notice.label_of(term).map_or(term, |data| data.label.as_str());
            let help = format!("add \"{label}\" to required");
            reader.problem_with(
                &form.rule.id,
                format!("the form {} cannot do without {term}", form.name),
                help,
            );
        }
    }
}

/// Nothing is taken from elsewhere without a purpose.
fn source_gives(source: &DataSource, notice: &Notice, reader: &mut Reader<'_>) {
    let id = &source.rule.id;
    for label in source.gives.iter().filter(|label| !is_used(notice, label)) {
        let help = format!("leave it out, or add \"{label}\" to the uses of a [purpose]");
        reader.problem_with(
            &format!("{id}.gives {label}"),
            format!("[{id}] gives {label}, which no purpose uses"),
            help,
        );
    }
}

/// A form that cannot do without some data has a rule.
fn forms_needed(notice: &Notice, reader: &mut Reader<'_>) {
    for words in reader.words.forms.clone() {
        if notice.form(words.name).is_none() && needed(&words).next().is_some() {
            let message = format!("there is no [form.{}]", words.name);
            reader.problem_with("", message, "say what people must give, and what they may");
        }
    }
}

fn needed(words: &FormWords) -> impl Iterator<Item = &'static str> {
    words.kinds.iter().filter(|(_, needed)| *needed).map(|(term, _)| *term)
}

/// A role sees no more than its purposes use.
fn role_needs(role: &Role, notice: &Notice, reader: &mut Reader<'_>) {
    for (label, shown) in &role.sees {
        let uses = |name: &String| notice.purpose(name).is_some_and(|purpose| purpose.uses(label));
        if is_used(notice, label) && !role.for_.iter().any(uses) {
            let message = format!("[{}] sees {label}, which none of its purposes uses", role.rule.id);
            let help = format!("leave it out, or let one of these purposes use it: {}", role.for_.join(", "));
            reader.problem_with(&format!("{}.sees {label}", role.rule.id), message, help);
        }
        let other = notice.kinds_of(label).find(|term| !term.starts_with("pd:EmailAddress"));
        if let (Shown::Domain, Some(term)) = (shown, other) {
            let message = format!("[{}] sees the domain of {label}, but {term} has none", role.rule.id);
            let help = "only e-mail addresses have a domain: give them a label of their own";
            reader.problem_with(&format!("{}.sees {label}", role.rule.id), message, help);
        }
    }
}

/// A rule erases or keeps, never both; what it keeps, the named purpose uses.
fn erase_or_keep(retain: &Retain, notice: &Notice, reader: &mut Reader<'_>) {
    let id = &retain.rule.id;
    for (label, purpose) in &retain.keep {
        let path = format!("{id}.keep {label}");
        if retain.erases(label) {
            reader.problem_with(
                &path,
                format!("[{id}] both erases and keeps {label}"),
                "keep it in one of the two",
            );
        }
        if is_used(notice, label) && !notice.purpose(purpose).is_some_and(|purpose| purpose.uses(label)) {
            let help =
                format!("add \"{label}\" to the uses of [purpose.{purpose}], or name a purpose that uses it");
            reader.problem_with(
                &path,
                format!("[{id}] keeps {label} for {purpose}, which does not use it"),
                help,
            );
        }
    }
}

/// A clock of single records ends what such a record holds, and nothing of the person.
fn one_record(retain: &Retain, notice: &Notice, reader: &mut Reader<'_>) {
    let Some((event, kinds)) =
        reader.words.record_events.iter().find(|(event, _)| *event == retain.when).cloned()
    else {
        return;
    };
    let id = &retain.rule.id;
    let help =
        format!("a record of {event} holds {}; for more, name an event of the person", kinds.join(", "));
    match &retain.action {
        RetainAction::Disable => {
            let message = format!("[{id}] would switch an account off for a single record");
            reader.problem_with(&format!("{id}.disable"), message, help);
        }
        RetainAction::Erase { labels } => {
            for label in labels {
                if notice.kinds_of(label).any(|term| !kinds.contains(&term)) {
                    let message = format!("[{id}] would erase {label} of a person for a single record");
                    reader.problem_with(&format!("{id}.erase {label}"), message, help.clone());
                }
            }
        }
    }
}

/// A ceiling is above the floor, and a warning comes before the end.
fn times(retain: &Retain, reader: &mut Reader<'_>) {
    let id = &retain.rule.id;
    if let (Some(after), Some(within)) = (&retain.after, &retain.within)
        && !longer(within, after)
    {
        let help = "\"after\" means not before, \"within\" means not later";
        reader.problem_with(
            &format!("{id}.within"),
            format!("[{id}] must be over before it may start"),
            help,
        );
    }
    let late = |warn| !retain.after.as_ref().is_some_and(|after| longer(after, warn));
    if retain.warn.iter().any(late) {
        let message = format!("[{id}] warns before its clock has started");
        reader.problem_with(
            &format!("{id}.warn"),
            message,
            "warn later, or give the rule a longer \"after\"",
        );
    }
    if retain.unless.as_ref().is_some_and(|unless| *unless == retain.when && !unless.is_empty()) {
        let help = "name the event that stops the clock";
        reader.problem_with(&format!("{id}.unless"), format!("[{id}] is stopped by what starts it"), help);
    }
    if retain.unless.is_some() && retain.after.is_none() {
        let help = "leave \"unless\" out, or say after how long the rule ends";
        reader.problem_with(
            &format!("{id}.unless"),
            format!("[{id}] ends at once, so nothing can stop it"),
            help,
        );
    }
}

/// Whoever asks to leave has time to take it back, and whoever wants to be gone at once leaves no more behind than they.
fn leaving(notice: &Notice, reader: &mut Reader<'_>) {
    let Some(Leaving { asked, taken_back, at_once }) = reader.words.leaving else { return };
    let right = notice.rights.iter().find(|right| right.right == Right::Erase);
    if let (Some(right), None) = (right, notice.erased_from(asked).next()) {
        let message = "people may ask to be erased, and no rule erases when they do";
        let help = format!(
            "add a [retain] rule with when = \"{asked}\", unless = \"{taken_back}\" and what it erases"
        );
        reader.problem_with(&right.rule.id, message, help);
    }
    for retain in notice.erased_from(asked) {
        let id = &retain.rule.id;
        if retain.after.is_none() {
            let message = format!("[{id}] erases as soon as somebody asks, so they cannot think again");
            let help = format!(
                "say how long they may, and what stops it: after = \"14 days\", unless = \"{taken_back}\"; \"within\" only \
                 says by when all must be done"
            );
            reader.problem_with(id, message, help);
        } else if retain.unless.as_deref() != Some(taken_back) {
            let message = format!("[{id}] goes on although somebody takes back what they asked");
            reader.problem_with(id, message, format!("add unless = \"{taken_back}\""));
        }
    }
    for (event, other) in [(at_once, asked), (asked, at_once)] {
        let Some(rule) = notice.erased_from(event).next() else { continue };
        for label in notice.erased_from(other).filter_map(Retain::erased).flatten() {
            if !notice.erased_from(event).any(|retain| retain.erases(label)) {
                let message = format!("nothing erases {label} after {event}, as after {other}");
                let help = format!("add \"{label}\" to the erase of [{}]", rule.rule.id);
                reader.problem_with(&rule.rule.id, message, help);
            }
        }
    }
}
