//! Every rule is one sentence, and reads like one of a good letter.

use kept_notice::Notice;

use crate::fixtures::{short, short_but, trainers};

#[test]
fn the_trainers_notice() {
    let mut page = String::new();
    for sentence in trainers().sentences() {
        page += &format!("{} ({}) {}\n", sentence.id, sentence.modality, sentence.refs.join(" "));
        page += &format!("  {}\n", sentence.text);
        if !sentence.limited_by.is_empty() {
            page += &format!("  limited by {}\n", sentence.limited_by.join(", "));
        }
    }
    insta::assert_snapshot!(page, @r#"
    notice (obligation) ntc-1
      This is the privacy notice of Example Trainers' Network, in force from 1 January 2025 under PIPEDA and the GDPR. There is a link to it on every page, and you can write to privacy@trainers.example.test about your data.
    notice.change (obligation) 
      Before a change of this notice that matters to you takes effect, we write to you by e-mail, 30 days ahead.
    form.sign-up (obligation) acc-1
      When you sign up, you give us your name, e-mail address and password. You may add your postal address; without it, we cannot send you anything by post. You may add your telephone number; without it, we cannot call you. We ask for nothing else.
    purpose.membership (permission) 
      To run your membership, we use your name, e-mail address, postal address, telephone number, member id, membership dates and training record. The ground for this is our contract with you.
    purpose.credit-record (permission) 
      To count the credits you earned, we use your member id, membership dates and training record. The ground for this is our contract with you.
    purpose.sign-in (permission) 
      To let you, and nobody else, sign in as you, we use your name, e-mail address, password, sign-in details and sign-in history. The ground for this is our contract with you.
    purpose.messages (permission) 
      To write to you about your membership, we use your name, e-mail address, membership dates and the text of our messages to you. The ground for this is our contract with you.
    purpose.security (permission) 
      To protect the site and the people on it, we use your name, e-mail address, sign-in details, sign-in history and the record of who did what with your data. The ground for this is our legitimate interest in doing so.
    purpose.answering (permission) 
      To answer for how we handle your data, we use your name, e-mail address, member id and the record of who did what with your data. The ground for this is our obligation under the law.
    purpose.verification (permission) acc-2
      To verify your professional standing, which some services need, we use your name, e-mail address, handed-in document and verified professional standing. The ground for this is our contract with you.
    role.support (permission) 
      Our staff in the role support, who answer members' questions, may see your name, e-mail address, postal address, telephone number, member id, membership dates and training record, and only to run your membership. They first state a reason, which you can read.
    role.owner (permission) 
      Our staff in the role owner, who run this site, may see your name, e-mail address, sign-in details, sign-in history and the record of who did what with your data, and only to protect the site and the people on it.
    role.verifier (permission) acc-2
      Our staff in the role verifier, who decide on documents, may see your name, e-mail address, handed-in document and verified professional standing, and only to verify your professional standing, which some services need. They first state a reason, which you can read.
    retain.pending (obligation) acc-1
      Seven days after you sign up, unless you confirm your address before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history, membership dates, the text of our messages to you and the record of who did what with your data.
      limited by hold.dispute
    retain.expired (obligation) acc-12
      As soon as your membership expires, we disable your account: you can sign in only to see your data, take it with you or have it erased.
    retain.lapsed (obligation) acc-12
      Six months after your membership expires, unless you renew your membership before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history and the text of our messages to you. We keep your member id, membership dates and training record to count the credits you earned. We write to you 30 days before and name the day.
      limited by hold.dispute
    retain.credits (obligation) acc-12
      Ten years after your membership expires, unless you renew your membership before then, we erase your member id, membership dates and training record.
      limited by hold.dispute
    retain.trail (obligation) acc-11
      One year after your membership expires, unless you renew your membership before then, we erase the record of who did what with your data.
      limited by hold.dispute
    retain.closing (obligation) rgt-3
      Fourteen days after you ask us to close your account, unless you take that back before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history, member id, membership dates, training record, the text of our messages to you and the record of who did what with your data.
      limited by hold.dispute
    retain.closed (obligation) rgt-3
      As soon as you close your account at once, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history, member id, membership dates, training record, the text of our messages to you and the record of who did what with your data.
      limited by hold.dispute
    retain.inactive (obligation) acc-13
      Two years after you last signed in, unless you renew your membership before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history and the text of our messages to you. We keep your member id, membership dates and training record to count the credits you earned. We write to you 30 days before and name the day.
      limited by hold.dispute
    retain.mail (obligation) 
      Seven days after we write you a message, we erase the text of our messages to you.
    retain.documents (obligation) acc-2
      Thirty days after we have decided on it, we erase your handed-in document.
    retain.undecided (obligation) acc-2
      Ninety days after you hand in a document, unless we have decided on it before then, we erase your handed-in document.
    retain.standing (obligation) acc-2
      Six months after your membership expires, unless you renew your membership before then, we erase your verified professional standing.
    retain.standing-closing (obligation) acc-2 rgt-3
      Fourteen days after you ask us to close your account, unless you take that back before then, we erase your handed-in document and verified professional standing.
    retain.standing-closed (obligation) acc-2 rgt-3
      As soon as you close your account at once, we erase your handed-in document and verified professional standing.
    hold.dispute (permission) 
      When you dispute how we handle your data, we keep your name, e-mail address, member id, membership dates, training record, sign-in details, sign-in history and the record of who did what with your data until the dispute is settled, even if the day to erase them comes first. The ground for this is PIPEDA, s. 8(8).
    right.access (obligation) rgt-1
      On the page “My data”, you can at any time see what we hold about you.
    right.rectify (obligation) rgt-2
      On the page “My account”, you can at any time correct the details you gave us.
    right.erase (obligation) rgt-3
      On the page “My account”, you can at any time have what we hold about you erased.
    right.return (obligation) acc-12
      On the page “My account”, you can at any time ask by your former member id that what we keep of an earlier membership is joined to your new account; one of us makes sure that it was yours, because the number alone shows nothing.
    session (obligation) acc-7 acc-16 acc-19
      While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no cookie but those named here. Signing in opens the page “My account”, which is your own and which nobody else can open. Forms are filled in with what we already hold about you when you are signed in, and never before.
    cookie.notice-seen (permission) acc-7
      The cookie notice-seen remembers that you have seen the notification bar; it lasts one year.
    never.track (prohibition) ana-3
      We never let anybody else follow you here: our pages load nothing from other sites, as their headers show.
    never.store-in-clear (prohibition) sec-6
      We never store in the clear what identifies you: without our keys, neither a stolen disk nor a stolen backup shows who you are.
    never.send-in-clear (prohibition) sec-1
      We never send in the clear: this site is reached over TLS alone, and tells your browser to insist on it.
    "#);
}

#[test]
fn one_for_each_rule() {
    let notice = trainers();
    let rules = 2
        + notice.forms.len()
        + notice.purposes.len()
        + notice.roles.len()
        + notice.retains.len()
        + notice.holds.len()
        + notice.rights.len()
        + 1
        + notice.cookies.len()
        + notice.nevers.len();
    let mut ids: Vec<String> = notice.sentences().into_iter().map(|sentence| sentence.id).collect();
    assert_eq!(ids.len(), rules);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rules, "every id is its own");
}

#[test]
fn a_ceiling_instead_of_a_floor() {
    let notice = short_but("after = \"10 years\"", "within = \"60 days\"");
    insta::assert_snapshot!(text(&notice, "retain.numbers"), @"Within 60 days after your membership expires, we erase your identifier.");
}

#[test]
fn a_floor_and_a_ceiling() {
    let notice = short_but("after = \"6 months\"", "after = \"6 months\"\nwithin = \"7 months\"");
    insta::assert_snapshot!(text(&notice, "retain.lapsed"), @"Not before six months and not later than seven months after your membership expires, we erase your name, e-mail address, password and telephone number. We keep your identifier to run your membership. We write to you 30 days before and name the day.");
}

#[test]
fn at_once() {
    let notice = short_but("after = \"10 years\"\n", "");
    insta::assert_snapshot!(text(&notice, "retain.numbers"), @"As soon as your membership expires, we erase your identifier.");
}

#[test]
fn two_warnings() {
    let notice = short_but("warn  = [\"30 days\"]", "warn = [\"30 days\", \"1 week\"]");
    insta::assert_snapshot!(text(&notice, "retain.lapsed"), @"Six months after your membership expires, we erase your name, e-mail address, password and telephone number. We keep your identifier to run your membership. We write to you 30 days and one week before and name the day.");
}

#[test]
fn data_shown_in_part() {
    insta::assert_snapshot!(text(&short(), "role.support"), @"Our staff in the role support, who answer questions, may see your name, e-mail address and the last four characters of your telephone number, and only to run your membership.");
    let masks =
        r#"{ identity = "initial" }, { member-id = "only whether it is there" }, { phone = "last 4" }"#;
    let notice = short_but(r#""identity", { phone = "last 4" }"#, masks);
    insta::assert_snapshot!(text(&notice, "role.support"), @"Our staff in the role support, who answer questions, may see the first letter of your name, the first letter of your e-mail address, whether we hold your identifier and the last four characters of your telephone number, and only to run your membership.");
}

#[test]
fn a_domain() {
    let source = crate::fixtures::SHORT
        .replace("[\"pd:Name\", \"pd:EmailAddress\"]", "[\"pd:Name\"]\nmailbox = [\"pd:EmailAddress\"]")
        .replace("\"identity\", \"p", "\"identity\", \"mailbox\", \"p")
        .replace("{ phone = \"l", "{ mailbox = \"domain\" }, { phone = \"l");
    let notice = kept_notice::parse(&source, &crate::fixtures::few_words()).unwrap();
    insta::assert_snapshot!(text(&notice, "role.support"), @"Our staff in the role support, who answer questions, may see your name, the domain of your e-mail address and the last four characters of your telephone number, and only to run your membership.");
}

#[test]
fn a_hold_on_everything_for_a_while() {
    let notice = short_but(
        "data    = [\"identity\"]\nfrom    = \"dispute.opened\"\nuntil   = \"dispute.settled\"",
        "data = \"everything\"\nfrom = \"dispute.opened\"\nlasts = \"6 years\"",
    );
    insta::assert_snapshot!(text(&notice, "hold.dispute"), @"When you dispute how we handle your data, we keep everything we hold about you for six years, even if the day to erase it comes first. The ground for this is GDPR, art. 17(3)(e).");
    let limited: Vec<String> = notice
        .sentences()
        .into_iter()
        .filter(|sentence| sentence.limited_by == ["hold.dispute"])
        .map(|sentence| sentence.id)
        .collect();
    assert_eq!(limited, ["retain.lapsed", "retain.numbers"]);
}

#[test]
fn every_ground() {
    let mut page = String::new();
    for basis in ["contract", "legal obligation", "vital interest", "public interest"] {
        let notice = short_but("basis = \"legitimate interest\"", &format!("basis = \"{basis}\""));
        page += &format!("{}\n", text(&notice, "purpose.security"));
    }
    insta::assert_snapshot!(page, @r#"
    To protect the site, we use your name, e-mail address and password. The ground for this is our contract with you.
    To protect the site, we use your name, e-mail address and password. The ground for this is our obligation under the law.
    To protect the site, we use your name, e-mail address and password. The ground for this is somebody's life or health.
    To protect the site, we use your name, e-mail address and password. The ground for this is the public interest.
    "#);
}

#[test]
fn no_cookie_but_the_session() {
    let cookie = "[cookie.notice-seen]\nsays  = \"remembers that you have seen the notification bar\"\nlasts = \"1 year\"\n";
    insta::assert_snapshot!(text(&short_but(cookie, ""), "session"), @"While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no other cookie.");
}

#[test]
fn a_session_says_what_carries_it_and_when_it_ends() {
    let session = |new| text(&short_but("ends    = \"with the browser\"", new), "session");
    insta::assert_snapshot!(session("ends = \"with the browser\"\nlasts = \"12 hours\""), @"While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, after one hour in which you do nothing, or twelve hours after you signed in. We set no cookie but those named here.");
    insta::assert_snapshot!(session("ends = \"with the browser\"\nreminds = [\"to sign out\", \"of shared computers\"]"), @"While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no cookie but those named here. Our pages remind you to sign out and of shared computers.");
    let carrier = "carrier = \"cookie\"\nends    = \"with the browser\"";
    let remember = "carrier = \"remember\"\nlasts = \"30 days\"";
    insta::assert_snapshot!(text(&short_but(carrier, remember), "session"), @"While you are signed in or fill in a form, one cookie holds a random number and nothing about you. If you ask us to remember your device, a second one holds another for 30 days, so that you need not sign in each time. You are signed out when you say so, and on a device that is not remembered also when you close your browser, or after one hour in which you do nothing. Without cookies you can read this site, but not open an account. We set no cookie but those named here.");
}

/// acc-5
#[test]
fn a_session_in_addresses_needs_no_cookie() {
    let carrier = "carrier = \"cookie\"\nends    = \"with the browser\"";
    insta::assert_snapshot!(text(&short_but(carrier, "carrier = \"address\"\nlasts = \"12 hours\""), "session"), @"No cookie holds your session. While you are signed in or fill in a form, the addresses of your pages hold a random number and nothing about you, bound to your browser and to the moment you signed in. You are signed out when you say so, when such an address is opened in another browser, after one hour in which you do nothing, or twelve hours after you signed in. This site works with cookies refused; allowing them helps some browsers with what the cookies named here do, and we set no others.");
    let cookies = format!(
        "{carrier}\nidle    = \"1 hour\"\n\n[cookie.notice-seen]\nsays  = \"remembers that you have seen the notification \
         bar\"\nlasts = \"1 year\"\n"
    );
    let none = short_but(&cookies, "carrier = \"address\"\nidle = \"1 hour\"\n");
    insta::assert_snapshot!(text(&none, "session"), @"No cookie holds your session. While you are signed in or fill in a form, the addresses of your pages hold a random number and nothing about you, bound to your browser and to the moment you signed in. You are signed out when you say so, when such an address is opened in another browser, or after one hour in which you do nothing. This site works with cookies refused; we set none.");
}

#[test]
fn erasure_and_the_way_over_the_wire() {
    let leave = "[retain.closing]\nwhen = \"account.closing\"\nunless = \"account.kept\"\nafter = \"14 days\"\n\
                 erase = [\"identity\"]\n\n[right]\nerase = { on = \"My account\" }";
    let erase = short_but("[right]", leave);
    insta::assert_snapshot!(text(&erase, "right.erase"), @"On the page “My account”, you can at any time have what we hold about you erased.");
    insta::assert_snapshot!(text(&short_but("track = {}", "send-in-clear = {}"), "never.send-in-clear"), @"We never send in the clear: this site is reached over TLS alone, and tells your browser to insist on it.");
}

#[test]
fn a_password_can_be_replaced_at_once() {
    let renew = short_but("[right]", "[right]\nrenew = { on = \"My account\" }");
    insta::assert_snapshot!(text(&renew, "right.renew"), @"On the page “My account”, you can at any time change your password; if you tell us that somebody may know it, it ends at once and with it every session.");
}

#[test]
fn prose_is_kept_apart() {
    let notice = short_but("[right]", "[right]\nprose = \"\"\"\nWrite to us.\nWe answer.\n\"\"\"");
    assert_eq!(notice.prose.len(), 1);
    assert_eq!(
        (notice.prose[0].section, notice.prose[0].text.as_str()),
        ("right", "Write to us.\nWe answer.")
    );
    assert_eq!(notice.sentences(), short().sentences());
}

fn text(notice: &Notice, id: &str) -> String {
    notice.sentences().into_iter().find(|sentence| sentence.id == id).unwrap().text
}
