//! use-15, acc-9: people who are taken over from a source that the notice names, and how they get in.

use kept_accounts::import::{Batch, Fault, Outcome, Refused, take_in};
use kept_keeper::{Database, Status};
use kept_testkit::{CPE, PASSWORD, Site, TRAINERS};

use crate::support::{count, sign_in, sign_up};

const SOURCE: &str = r#"
[source.old-list]
says  = "the list of members of our former secretary"
gives = ["identity", "phone", "member-id", "membership"]
"#;

fn batch(columns: &[&str], lines: &[&[&str]]) -> Batch {
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    Batch {
        source: None,
        columns: owned(columns),
        lines: lines.iter().map(|line| owned(line)).collect(),
        dry_run: false,
        invite: None,
        as_of: None,
    }
}

fn ada() -> Batch {
    let columns = ["given_name", "family_name", "email", "phone"];
    batch(&columns, &[&["Ada", "Testwell", "ada@example.test", "0123 456"]])
}

fn faults(outcome: &Outcome) -> Vec<(&str, &str)> {
    let Outcome::Rejected(faults) = outcome else { panic!("{outcome:?}") };
    faults.iter().map(|Fault { column, message }| (column.as_str(), message.as_str())).collect()
}

#[tokio::test]
async fn an_imported_person_gets_in_by_a_recovery_letter() {
    gets_in(Site::under(CPE).await).await;
}

#[tokio::test]
async fn the_same_on_postgresql() {
    gets_in(Site::on(Database::Url(&kept_pgtest::empty_database()), CPE).await).await;
}

async fn gets_in(site: Site) {
    assert_eq!(site.promise("source.former-register").await.status, Status::NotDue);
    for outcome in [Outcome::Added, Outcome::Known] {
        assert_eq!(take_in(&site.keeper, ada()).await.unwrap(), [outcome]);
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts").await, 1, "nobody is here twice");
    assert!(site.letters("ada@example.test").await.is_empty(), "the import writes to nobody");
    let mut browser = site.browser();
    let page = sign_in(&mut browser, "ada@example.test", PASSWORD).await;
    assert!(page.says("do not match"), "there is no password yet: {}", page.text());

    browser.send("/forgotten", &[("name", "ada@example.test")]).await;
    let link = site.link("ada@example.test").await;
    assert!(browser.send(&link, &[("new_password", PASSWORD)]).await.says("Your password is new"));
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account/data").await;
    assert!(page.says("the register of customers that we kept before this site"), "{}", page.text());
    assert!(page.says("We took over your account."), "{}", page.text());
    assert!(!page.says("after you sign up"), "they never signed up: {}", page.text());
    assert_eq!(ada.visit("/account").await.value("phone").unwrap(), "0123 456");
    for promise in ["source.former-register", "never.collect-elsewhere"] {
        assert_eq!(site.promise(promise).await.status, Status::Kept, "{promise}");
    }
    site.days(366).await;
    assert!(site.find("ada@example.test").await.is_some(), "who has come stays");
}

#[tokio::test]
async fn a_letter_says_where_the_data_comes_from() {
    let site = Site::under(CPE).await;
    let invite = Some("https://cpe.example.test".into());
    take_in(&site.keeper, Batch { invite, ..ada() }).await.unwrap();
    let letters = site.letters("ada@example.test").await;
    let [letter] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    assert!(letter.text.contains("comes from the register of customers that we kept before this site"));
    assert!(letter.text.contains("https://cpe.example.test/forgotten"));
    assert!(letter.text.contains("nothing to do: we erase it from 31 January 2028."), "{}", letter.text);
}

#[tokio::test]
async fn who_never_comes_is_forgotten_after_a_warning() {
    let site = Site::under(CPE).await;
    take_in(&site.keeper, ada()).await.unwrap();
    site.days(340).await;
    let letters = site.letters("ada@example.test").await;
    assert!(
        letters
            .iter()
            .any(|letter| letter.text.contains("choose a password on the page “Forgotten password”"))
    );
    site.days(27).await;
    assert_eq!(site.find("ada@example.test").await, None);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM vault").await, 0);
    assert_eq!(site.promise("retain.untaken").await.status, Status::Kept);
}

/// A file from before somebody was erased would bring them back.
#[tokio::test]
async fn an_old_file_is_refused() {
    let site = Site::under(CPE).await;
    let before = site.now();
    take_in(&site.keeper, ada()).await.unwrap();
    site.days(367).await;
    assert_eq!(site.find("ada@example.test").await, None);
    let with = |as_of, dry_run| Batch { as_of, dry_run, ..ada() };
    for dry_run in [true, false] {
        let refused = take_in(&site.keeper, with(None, dry_run)).await.unwrap_err();
        assert!(matches!(&refused, Refused::Undated(people) if people == "1 person was"), "{refused}");
        let refused = take_in(&site.keeper, with(Some(before), dry_run)).await.unwrap_err();
        assert!(matches!(&refused, Refused::Outdated(people) if people == "1 person was"), "{refused}");
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts").await, 0);
    let taken = take_in(&site.keeper, with(Some(site.now()), false)).await.unwrap();
    assert_eq!(taken, [Outcome::Added], "she has come back by a file of now");

    // Whoever signed up and never confirmed was nobody's.
    let other = Site::under(CPE).await;
    sign_up(&mut other.browser(), "mira@example.test").await;
    other.days(8).await;
    assert_eq!(take_in(&other.keeper, ada()).await.unwrap(), [Outcome::Added]);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_foresees_everything() {
    let site = Site::under(CPE).await;
    site.member("bob@example.test").await;
    let before = site.keeper.prove().await.unwrap().ledger;
    let columns = ["given_name", "family_name", "email"];
    let lines: [&[&str]; 3] = [
        &["Ada", "Testwell", "ada@example.test"],
        &["Bob", "Testwell", "Bob@Example.test"],
        &["", "Testwell", "not an address"],
    ];
    let lines = batch(&columns, &lines);
    let foreseen = take_in(&site.keeper, Batch { dry_run: true, ..lines.clone() }).await.unwrap();
    assert_eq!(foreseen[..2], [Outcome::Added, Outcome::Known]);
    assert_eq!(
        faults(&foreseen[2]),
        [
            ("given_name", "Fill in “Given name”."),
            ("email", "Write an e-mail address, such as name@example.test.")
        ]
    );
    assert_eq!(site.keeper.prove().await.unwrap().ledger.size, before.size, "not a leaf");
    assert_eq!(take_in(&site.keeper, lines).await.unwrap(), foreseen);
}

#[tokio::test]
async fn members_bring_their_id_and_the_end_of_their_membership() {
    let site = Site::under(&TRAINERS.replace("[form.sign-up]", &format!("{SOURCE}\n[form.sign-up]"))).await;
    let columns = ["given_name", "family_name", "email", "member_id", "expires"];
    let lines: [&[&str]; 6] = [
        &["Ada", "Testwell", "ada@example.test", "old-77", "2027-06-30"],
        &["Bob", "Testwell", "bob@example.test", "OLD-77", "2027-06-30"],
        &["Cyd", "Testwell", "cyd@example.test", "", "2027-01-30"],
        &["Dee", "Testwell", "dee@example.test", "dee@example.test", "30.6.2027"],
        &["Eve", "Testwell", "eve@example.test", "", "2027-06-30"],
        &["Fay", "Testwell", "fay@example.test", "", "2027-06-30", "", "one too many"],
    ];
    let outcomes = take_in(&site.keeper, batch(&columns, &lines)).await.unwrap();
    assert_eq!((&outcomes[0], &outcomes[4]), (&Outcome::Added, &Outcome::Added));
    assert_eq!(
        faults(&outcomes[1]),
        [("member_id", "somebody else here has this member id; find out whose it is")]
    );
    assert!(faults(&outcomes[2])[0].1.starts_with("The membership is over"));
    assert_eq!(
        faults(&outcomes[3]).into_iter().map(|(column, _)| column).collect::<Vec<_>>(),
        ["member_id", "expires"]
    );
    assert!(faults(&outcomes[5])[0].1.contains("7 cells and the first line 5"));

    let mut browser = site.browser();
    browser.send("/forgotten", &[("name", "old-77")]).await;
    let link = site.link("ada@example.test").await;
    browser.send(&link, &[("new_password", PASSWORD)]).await;
    let page = site.signed_in("ada@example.test").await.visit("/account").await;
    assert!(page.says("OLD-77") && page.says("30 June 2027"), "{}", page.text());
    site.days(151).await;
    let ended = "SELECT COUNT(*) FROM accounts WHERE standing = 'disabled'";
    assert_eq!(count(&site, ended).await, 2, "memberships end on their day");
}

#[tokio::test]
async fn what_no_source_gives_is_refused_as_a_whole() {
    let site = Site::open().await;
    let refused = async |batch| take_in(&site.keeper, batch).await.unwrap_err().to_string();
    assert!(refused(ada()).await.starts_with("the notice names nobody but the person"));

    let two = SOURCE.to_owned() + &SOURCE.replace("old-list", "other-list").replace("\"identity\", ", "");
    let site = Site::under(&TRAINERS.replace("[form.sign-up]", &format!("{two}\n[form.sign-up]"))).await;
    let refused = async |source: Option<&str>, columns: &[&str]| {
        let batch = Batch { source: source.map(Into::into), ..batch(columns, &[]) };
        take_in(&site.keeper, batch).await.unwrap_err().to_string()
    };
    let good = ["given_name", "family_name", "email", "expires"];
    insta::assert_snapshot!(refused(None, &good).await, @"the notice names more than one source: choose one with --source: old-list, other-list");
    insta::assert_snapshot!(refused(Some("new-list"), &good).await, @"the notice names no such source, so nothing was taken in: it names old-list, other-list; choose one with --source");
    insta::assert_snapshot!(refused(Some("other-list"), &good).await, @r#"[source.other-list] of the notice gives no name or no e-mail address, and no account can be without: add them to its "gives""#);
    insta::assert_snapshot!(refused(Some("old-list"), &good[..3]).await, @r#"the first line has no column "expires", and nobody can be taken in without"#);
    insta::assert_snapshot!(refused(Some("old-list"), &["given_name", "emial"]).await, @r#"column 2 of the first line: its name is not known; did you mean "email"?"#);
    insta::assert_snapshot!(refused(Some("old-list"), &["Ada", "Testwell"]).await, @"column 1 of the first line: its name is not known; choose one of: given_name, family_name, email, phone, member_id, expires");
    insta::assert_snapshot!(refused(Some("old-list"), &["email", " ", "phone"]).await, @"column 2 of the first line: it has no name; name it, or leave it out");
    insta::assert_snapshot!(refused(Some("old-list"), &["email", "email "]).await, @"column 2 of the first line: email is there twice; leave one out");
    insta::assert_snapshot!(refused(Some("old-list"), &["email", "address"]).await, @"column 2 of the first line: [source.old-list] of the notice does not give address, or its sign-up form does not ask for it; leave it out");
}

/// The checks find what came from elsewhere, and what a source was not to give.
#[tokio::test]
async fn data_from_elsewhere_is_found() {
    let site = Site::under(CPE).await;
    take_in(&site.keeper, ada()).await.unwrap();
    assert_eq!(site.promise("source.former-register").await.status, Status::Kept);
    let change = |sql: &'static str| site.act(move |act| Ok(act.tx().execute(sql, &[])?));
    assert_eq!(change("UPDATE vault SET source = 'source.broker' WHERE kind = 'pd:Name'").await, 1);
    assert_eq!(site.promise("never.collect-elsewhere").await.status, Status::Broken);
    change("UPDATE vault SET source = 'source.former-register', kind = 'pd:Password' WHERE kind = 'pd:Name'")
        .await;
    assert_eq!(site.promise("never.collect-elsewhere").await.status, Status::Kept);
    assert_eq!(site.promise("source.former-register").await.status, Status::Broken);
}
