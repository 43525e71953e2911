//! What changes between two notices, in sentences, and which changes matter (`ntc-2`).

use kept_notice::{Difference, Notice, is_material, parse};
use proptest::prelude::*;

use crate::fixtures::{SHORT, few_words, trainers, transcript};

/// Changes that leave somebody worse off, each with the rule in which it shows.
const WEAKER: &[(&str, &str, &str)] = &[
    ("Example Club", "Example Holding", "notice"),
    ("[\"GDPR\"]", "[\"PIPEDA\"]", "notice"),
    (
        "required  = [\"identity\", \"password\"]\nvoluntary = { phone = \"we cannot call you\" }",
        "required  = [\"identity\", \"password\", \"phone\"]",
        "form.sign-up",
    ),
    ("\"run your membership\"", "\"sell your data\"", "purpose.membership"),
    ("\"dpv:ServiceProvision\"", "\"dpv:ServiceOptimisation\"", "purpose.membership"),
    ("\"contract\"", "\"legitimate interest\"", "purpose.membership"),
    (
        "uses  = [\"identity\", \"password\"]",
        "uses  = [\"identity\", \"password\", \"phone\"]",
        "purpose.security",
    ),
    ("{ phone = \"last 4\" }", "\"phone\"", "role.support"),
    ("sees = [\"identity\",", "sees = [\"identity\", \"member-id\",", "role.support"),
    ("for  = [\"membership\"]", "for  = [\"membership\", \"security\"]", "role.support"),
    ("after = \"6 months\"", "after = \"7 months\"", "retain.lapsed"),
    ("after = \"6 months\"", "after = \"6 months\"\nwithin = \"7 months\"", "retain.lapsed"),
    ("after = \"10 years\"", "after = \"10 years\"\nunless = \"membership.renewed\"", "retain.numbers"),
    (
        "when  = \"membership.expired\"\nafter = \"10",
        "when  = \"sign-up.started\"\nafter = \"10",
        "retain.numbers",
    ),
    ("warn  = [\"30 days\"]", "warn  = [\"29 days\"]", "retain.lapsed"),
    ("\nwarn  = [\"30 days\"]", "", "retain.lapsed"),
    ("data    = [\"identity\"]", "data    = [\"identity\", \"phone\"]", "hold.dispute"),
    ("data    = [\"identity\"]", "data    = \"everything\"", "hold.dispute"),
    ("until   = \"dispute.settled\"", "lasts   = \"10 years\"", "hold.dispute"),
    ("from    = \"dispute.opened\"", "from    = \"membership.expired\"", "hold.dispute"),
    ("art. 17(3)(e)", "art. 17(3)(b)", "hold.dispute"),
    ("idle    = \"1 hour\"", "idle    = \"2 hours\"", "session"),
    ("carrier = \"cookie\"\nends    = \"with the browser\"", "carrier = \"address\"", "session"),
    ("lasts = \"1 year\"", "lasts = \"2 years\"", "cookie.notice-seen"),
    ("remembers that", "tells others that", "cookie.notice-seen"),
];

/// Changes that leave nobody worse off.
const FAIR: &[(&str, &str, &str)] = &[
    ("privacy@club", "data@club", "notice"),
    ("2026-12-01", "2027-01-01", "notice"),
    ("[\"GDPR\"]", "[\"GDPR\", \"PIPEDA\"]", "notice"),
    (
        "laws      = [\"GDPR\"]",
        "laws = [\"GDPR\"]\nchange = { by = \"e-mail\", ahead = \"30 days\" }",
        "notice.change",
    ),
    ("voluntary = { phone = \"we cannot call you\" }", "", "form.sign-up"),
    ("we cannot call you", "nobody can call you", "form.sign-up"),
    (
        "uses  = [\"identity\", \"phone\", \"member-id\"]",
        "uses  = [\"phone\", \"identity\", \"member-id\"]",
        "purpose.membership",
    ),
    ("{ phone = \"last 4\" }", "{ phone = \"only whether it is there\" }", "role.support"),
    ("for  = [\"membership\"]", "for  = [\"membership\"]\nasks = \"a reason\"", "role.support"),
    ("after = \"6 months\"", "after = \"5 months\"", "retain.lapsed"),
    ("warn  = [\"30 days\"]", "warn  = [\"60 days\", \"30 days\"]", "retain.lapsed"),
    ("on = \"My data\"", "on = \"My account\"", "right.access"),
    ("idle    = \"1 hour\"", "idle    = \"30 minutes\"", "session"),
    ("lasts = \"1 year\"", "lasts = \"1 month\"", "cookie.notice-seen"),
];

/// The short notice, without its expectations: they have answers of their own to each change.
fn base() -> &'static str {
    SHORT.split("[[expect]]").next().unwrap()
}

fn short() -> Notice {
    short_but("", "")
}

/// The short notice with one text replaced.
fn short_but(old: &str, new: &str) -> Notice {
    assert!(old.is_empty() || base().matches(old).count() == 1, "{old} is not there exactly once");
    read(&base().replacen(old, new, 1))
}

fn read(source: &str) -> Notice {
    parse(source, &few_words()).unwrap_or_else(|problems| panic!("{}", transcript(&problems)))
}

#[test]
fn what_leaves_somebody_worse_off_is_material() {
    for (old, new, rule) in WEAKER {
        let all = short_but(old, new).changes_from(&short());
        assert!(all.iter().any(|one| one.id == *rule && one.is_material()), "{new}: {all:#?}");
    }
}

#[test]
fn what_leaves_nobody_worse_off_is_not() {
    for (old, new, rule) in FAIR {
        let all = short_but(old, new).changes_from(&short());
        assert!(!is_material(&all), "{new}: {all:#?}");
        assert!(all.iter().any(|one| one.id == *rule), "{new}: not seen");
    }
}

#[test]
fn what_goes_or_comes_as_a_whole() {
    let purpose = "\n[purpose.more]\nsays = \"do more\"\nis = \"dpv:ServiceProvision\"\nbasis = \"contract\"\nuses = [\"identity\"]\n";
    for (taken, whole, rule) in
        [("[right]\naccess = { on = \"My data\" }\n", "", "right.access"), ("track = {}", "", "never.track")]
    {
        let less = short_but(taken, whole);
        assert!(material_in(&less.changes_from(&short()), rule), "{rule} is weaker without");
        assert!(!is_material(&short().changes_from(&less)), "{rule} is stronger with");
    }
    for (place, more, rule) in [
        ("[role.support]", format!("{purpose}\n[role.support]"), "purpose.more"),
        (
            "[retain.lapsed]",
            "[role.owner]\nsays = \"run it\"\nsees = [\"identity\"]\nfor = [\"security\"]\n\n[retain.lapsed]".to_owned(),
            "role.owner",
        ),
        (
            "[right]",
            "[hold.law]\nbecause = \"a law\"\ndata = [\"phone\"]\nfrom = \"sign-up.started\"\nlasts = \"1 year\"\n\n[right]"
                .to_owned(),
            "hold.law",
        ),
    ] {
        let other = short_but(place, &more);
        assert!(material_in(&other.changes_from(&short()), rule), "{rule} is new");
        assert!(!is_material(&short().changes_from(&other)), "{rule} may go");
    }
    let numbers =
        "[retain.numbers]\nwhen  = \"membership.expired\"\nafter = \"10 years\"\nerase = [\"member-id\"]\n";
    let split =
        short_but(numbers, &format!("{numbers}\n{}", numbers.replace("numbers", "ids").replace("10", "9")));
    assert!(material_in(&short().changes_from(&split), "retain.ids"), "what it ended goes on");
}

/// A label's own words hide its kinds from the sentences, and the change from nobody.
#[test]
fn a_new_kind_behind_old_words_is_seen() {
    let with = |kinds: &str| format!("phone     = {{ is = [{kinds}], says = \"contact data\" }}");
    let one = short_but("phone     = [\"pd:TelephoneNumber\"]", &with("\"pd:TelephoneNumber\""));
    let two = short_but(
        "phone     = [\"pd:TelephoneNumber\"]",
        &with("\"pd:TelephoneNumber\", \"pd:PhysicalAddress\""),
    );
    let all = two.changes_from(&one);
    assert!(material_in(&all, "data.pd:PhysicalAddress"));
    assert!(material_in(&all, "purpose.membership"), "the sentence reads as before, and uses more");
    assert!(material_in(&all, "role.support"));
    assert!(!is_material(&one.changes_from(&two)), "holding less needs no announcement");
}

#[test]
fn announcing_later_is_itself_announced() {
    let laws = "laws      = [\"GDPR\"]";
    let says = |ahead: &str| {
        short_but(laws, &format!("{laws}\nchange = {{ by = \"e-mail\", ahead = \"{ahead}\" }}"))
    };
    assert!(material_in(&says("29 days").changes_from(&says("30 days")), "notice.change"));
    assert!(material_in(&short().changes_from(&says("30 days")), "notice.change"), "left out");
    assert!(!is_material(&says("31 days").changes_from(&says("30 days"))));
}

#[test]
fn the_earliest_day() {
    let today = "2027-01-31".parse().unwrap();
    let laws = "laws      = [\"GDPR\"]";
    let promises = short_but(laws, &format!("{laws}\nchange = {{ by = \"e-mail\", ahead = \"1 month\" }}"));
    let material = short_but("after = \"6 months\"", "after = \"7 months\"").changes_from(&short());
    assert_eq!(promises.earliest(&material, today).unwrap().to_string(), "2027-03-01");
    assert_eq!(promises.earliest(&[], today), Some(today));
    assert_eq!(short().earliest(&material, today), None, "it does not say how changes are announced");
}

#[test]
fn a_change_as_people_read_it() {
    let new = crate::fixtures::TRAINERS
        .replace("after  = \"6 months\"", "after  = \"1 year\"")
        .replace("idle    = \"1 hour\"", "idle    = \"30 minutes\"")
        .replace("store-in-clear = { ref = [\"sec-6\"] }\n", "")
        .replace("answer = \"2027-07-31\"", "answer = \"2028-01-31\"")
        .replace("answer = \"2028-02-29\"", "answer = \"2028-08-31\"");
    let new = parse(&new, &crate::fixtures::words()).unwrap();
    let mut page = String::new();
    for one in new.changes_from(&trainers()) {
        page += &format!("{} ({})\n", one.id, one.reasons.join("; "));
        page += &format!("  was: {}\n", one.before.unwrap_or_default());
        page += &format!("  now: {}\n", one.after.unwrap_or("(nothing)".into()));
    }
    insta::assert_snapshot!(page, @r#"
    retain.lapsed (it happens later)
      was: Six months after your membership expires, unless you renew your membership before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history and the text of our messages to you. We keep your member id, membership dates and training record to count the credits you earned. We write to you 30 days before and name the day.
      now: One year after your membership expires, unless you renew your membership before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history and the text of our messages to you. We keep your member id, membership dates and training record to count the credits you earned. We write to you 30 days before and name the day.
    retain.standing (it happens later)
      was: Six months after your membership expires, unless you renew your membership before then, we erase your verified professional standing.
      now: One year after your membership expires, unless you renew your membership before then, we erase your verified professional standing.
    session ()
      was: While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no cookie but those named here.
      now: While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after 30 minutes in which you do nothing. We set no cookie but those named here.
    never.store-in-clear (something that was never to happen may happen)
      was: We never store in the clear what identifies you: without our keys, neither a stolen disk nor a stolen backup shows who you are.
      now: (nothing)
    "#);
}

proptest! {
    /// Whatever is changed together, each change is seen for what it is.
    #[test]
    fn every_change_is_seen_in_any_company(chosen in proptest::sample::subsequence(independent(), 0..=6)) {
        let mut source = base().to_owned();
        for (old, new, _) in &chosen {
            source = source.replacen(old, new, 1);
        }
        let notice = read(&source);
        let (there, back) = (notice.changes_from(&short()), short().changes_from(&notice));
        for (_, new, rule) in &chosen {
            let seen = there.iter().find(|one| one.id == *rule);
            prop_assert!(seen.is_some(), "{} is not seen", new);
            prop_assert_eq!(seen.unwrap().is_material(), WEAKER.iter().any(|(_, weaker, _)| weaker == new));
        }
        prop_assert_eq!(there.is_empty(), chosen.is_empty());
        prop_assert_eq!(there.len(), back.len());
        prop_assert!(notice.changes_from(&notice).is_empty());
    }
}

/// Changes of different rules, which can be made together.
fn independent() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut chosen: Vec<(&str, &str, &str)> = Vec::new();
    for change in WEAKER.iter().chain(FAIR) {
        if !chosen.iter().any(|(_, _, rule)| rule == &change.2) {
            chosen.push(*change);
        }
    }
    chosen
}

fn material_in(all: &[Difference], rule: &str) -> bool {
    all.iter().any(|one| one.id == rule && one.is_material())
}

/// use-15: who else gives data, and what, matters; what is no longer taken from there does not.
#[test]
fn a_source_that_comes_or_gives_more_matters() {
    let with = |gives: &str| {
        short_but(
            "[session]",
            &format!("[source.list]\nsays = \"an old list\"\ngives = [{gives}]\n\n[session]"),
        )
    };
    let (one, two) = (with("\"identity\""), with("\"identity\", \"phone\""));
    let reasons = |new: &Notice, old: &Notice| {
        let changes = new.changes_from(old);
        changes.into_iter().find(|change| change.id == "source.list").map(|change| change.reasons)
    };
    assert_eq!(reasons(&one, &short()).unwrap(), ["data comes from somebody else, too"]);
    assert_eq!(reasons(&two, &one).unwrap(), ["more is taken from there: telephone number"]);
    assert!(reasons(&one, &two).unwrap().is_empty());
    assert!(reasons(&short(), &one).unwrap().is_empty());
}
