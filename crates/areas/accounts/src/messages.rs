//! Messages to people: whom they reach, and the ones that the notice asks for, a warning before an end (`warn`) and word of
//! another notice (`tell`).

use kept_keeper::{Act, Announcement, KeeperError, Letter, Told, Warning, time::long_date};
use kept_notice::words::{capital, counted};
use kept_vault::{Kind, SubjectId};

use crate::{
    closing, import,
    members::{Standing, account},
    records::Addressee,
    sessions,
};

/// `warn = [..]`: a message with the day from which the person's data will be erased, and what keeps it from coming.
pub(crate) fn warn(act: &mut Act<'_, '_>, warning: &Warning<'_>) -> Result<(), KeeperError> {
    let notice = &act.ctx.policy.notice;
    let begun_by = notice.retain(warning.rule).map(|rule| rule.when.as_str());
    let stay = match begun_by {
        Some(sessions::SIGNED_IN | closing::DEACTIVATED) => "sign in before that day".to_owned(),
        Some(import::IMPORTED) => {
            "choose a password on the page “Forgotten password” before that day".to_owned()
        }
        Some(closing::CLOSING) => "sign in and keep your account before that day".to_owned(),
        _ => format!("write to {} before that day", notice.contact),
    };
    let text = format!(
        "We will erase your data on or after {}. Our notice says: “{}”\n\nIf you want to stay, {stay}. Until then you can \
         sign in and take a copy of your data with you.",
        long_date(warning.when),
        warning.sentence,
    );
    let subject = format!("Your data will be erased from {}", long_date(warning.when));
    write(act, warning.subject, "warning", &subject, &text)
}

/// A change of the notice (`ntc-2`, `ntc-3`): what changes, from what day, and what one can do before. Told to everybody
/// whose address is known to be theirs, also when the account is switched off: their data is still here.
pub(crate) fn tell(act: &mut Act<'_, '_>, announcement: &Announcement<'_>) -> Result<Told, KeeperError> {
    let person = announcement.subject;
    match account(act.tx(), person)? {
        None => return Ok(Told::Nobody),
        Some(account) if account.standing == Standing::Pending => return Ok(Told::Later),
        Some(_) => {}
    }
    let Some(to) = reached(act, person)? else { return Ok(Told::Nobody) };
    let day = announcement.effective.strftime("%-d %B %Y");
    let mut text = format!("Our privacy notice changes. The change takes effect on {day}, not before.\n");
    let said = |text: &mut String, lead: &str, sentence: Option<&String>| {
        if let Some(sentence) = sentence {
            text.push_str(&format!("{lead} {sentence}\n"));
        }
    };
    for one in announcement.changes.iter().filter(|one| one.is_material()) {
        text.push_str(&format!("\nWhat matters: {}.\n", one.reasons.join("; ")));
        said(&mut text, "Until then:", one.before.as_ref());
        said(&mut text, "From then on:", one.after.as_ref());
    }
    let fair = announcement.changes.iter().filter(|one| !one.is_material()).count();
    if fair > 0 {
        let sentences = counted(fair, "other sentence changes", "other sentences change");
        text.push_str(&format!("\n{}, and nobody is worse off by it.\n", capital(&sentences)));
    }
    text.push_str(&format!(
        "\nOn our site, the page “Earlier and coming notices” shows both notices in full. If you do not agree, you can take \
         your data with you from the page “My data” and leave before that day; write to {} if you need help. If you do \
         nothing, the new notice applies to you from then on. What was promised more strictly for data that you gave us \
         before, we keep.",
        act.ctx.policy.notice.contact
    ));
    post(act, person, to, "notice-change", &format!("Our privacy notice changes on {day}"), &text)?;
    Ok(Told::Now)
}

/// Whom our messages reach, and how they greet them.
pub(crate) struct Reached {
    name: Option<String>,
    email: String,
}

/// Where our messages reach a person: at their own address, if they still have one here, and if it is not a dispute alone that
/// keeps it. The day on which our messages to them are erased does not come twice.
pub(crate) fn reached(act: &mut Act<'_, '_>, person: SubjectId) -> Result<Option<Reached>, KeeperError> {
    let Addressee { given_name, email } = act.view(person, None)?;
    let over = act.is_over(person, Kind::EMAIL_CONTENT)?;
    Ok(email.filter(|_| !over).map(|email| Reached { name: given_name, email }))
}

/// Writes a message to a person at their own address, if that reaches them.
pub(crate) fn write(
    act: &mut Act<'_, '_>,
    person: SubjectId,
    about: &'static str,
    subject: &str,
    text: &str,
) -> Result<(), KeeperError> {
    match reached(act, person)? {
        Some(to) => post(act, person, to, about, subject, text),
        None => Ok(()),
    }
}

/// Writes a message to a person at another address of theirs, if our messages reach them at all.
pub(crate) fn write_to(
    act: &mut Act<'_, '_>,
    person: SubjectId,
    email: &str,
    about: &'static str,
    subject: &str,
    text: &str,
) -> Result<(), KeeperError> {
    match reached(act, person)? {
        Some(to) => post(act, person, Reached { email: email.into(), ..to }, about, subject, text),
        None => Ok(()),
    }
}

fn post(
    act: &mut Act<'_, '_>,
    person: SubjectId,
    to: Reached,
    about: &'static str,
    subject: &str,
    text: &str,
) -> Result<(), KeeperError> {
    let name = to.name.unwrap_or_else(|| "member".into());
    let text = format!("Hello {name},\n\n{text}\n\n{}", act.ctx.policy.notice.of);
    act.mail(person, &Letter { about, to: to.email, subject: subject.into(), text })
}
