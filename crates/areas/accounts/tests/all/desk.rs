//! The support desk: what it may see, and what it may do.

use kept_accounts::MemberCard;
use kept_keeper::{Actor, Database, Deed, KeeperError, Status};
use kept_testkit::{Browser, CPE, Site};

use crate::support::{count, deal, look_up, notice_with};

/// use-1: a notice that does not let support see identity switches the view off, and the desk says so.
#[tokio::test]
async fn a_view_that_the_notice_does_not_allow_is_off() {
    let notice = notice_with(
        "sees = [\"identity\", \"address\", \"phone\", \"member-id\", \"membership\", \"credits\"]",
        "sees = [\"member-id\", \"membership\", \"credits\"]",
    );
    // The notice's own tests speak of what support sees.
    let notice = notice.replace("answer = \"support\"", "answer = \"nobody\"");
    let site = Site::under(&notice).await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let page = sam.visit("/desk").await;
    assert!(page.says("The notice does not allow the support desk to see people’s data"), "{}", page.text());
    assert_eq!(page.value("email"), None);

    // Sent all the same, it is refused, and in the same words whether or not the address has an account.
    let form = |email| [("email", email), ("reason", "asked on the phone")];
    let known = sam.submit("/account", "/desk", &form("ada@example.test")).await;
    let unknown = sam.submit("/account", "/desk", &form("nobody@example.test")).await;
    assert_eq!((known.status.as_u16(), known.says("Testwell")), (403, false));
    assert_eq!(known.without_tokens(), unknown.without_tokens());
    assert!(site.browser().visit("/notice/uses").await.says("member card"));
}

/// use-1, use-11: no look without a reason; and the address must be written exactly.
#[tokio::test]
async fn a_card_opens_with_a_reason_and_the_exact_address() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    for reason in ["", "   "] {
        let page = look_up(&mut sam, "ada@example.test", reason).await;
        assert_eq!(page.status, 422);
        assert!(page.says("Fill in “Reason”.") && !page.says("Testwell"));
        assert_eq!(page.value("email").as_deref(), Some("ada@example.test"), "typed once");
    }
    for email in ["ada@example", "ada", "da@example.test", "%@example.test"] {
        assert!(!look_up(&mut sam, email, "asked on the phone").await.says("Testwell"), "{email}");
    }
    let page = look_up(&mut sam, "ADA@example.TEST", "asked on the phone").await;
    assert!(page.says("Ada Testwell") && page.says("The person sees this look"), "{}", page.text());
    assert!(page.says("Account Open since 31 January 2027."), "{}", page.text());
    assert!(!page.html.contains("argon2"));
    // Only the look that showed something is on the trail.
    let trail = site.signed_in("ada@example.test").await.visit("/account/data").await.text();
    assert_eq!(trail.matches("Our support desk looked").count(), 1, "{trail}");
}

/// An act fits how things stand when it is done, not when the card was opened.
#[tokio::test]
async fn an_act_that_no_longer_fits_changes_nothing() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    deal(&mut sam, "ada@example.test", "expire").await;
    site.days(100).await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;

    // Ending it once more would move the dates of erasing; opening it would leave an account without a membership.
    let due = "SELECT MAX(due) FROM duties WHERE rule = 'retain.lapsed'";
    let before = count(&site, due).await;
    for word in ["expire", "enable", "disable", "settle-dispute"] {
        let page = deal(&mut sam, "ada@example.test", word).await;
        assert_eq!(page.status, 409, "{word}: {}", page.text());
    }
    assert_eq!(count(&site, due).await, before);
    for (fields, status) in [
        (vec![("subject", "nobody"), ("do", "renew"), ("reason", "x")], 400),
        (vec![("subject", "00000000000000000000000000000000"), ("do", "renew"), ("reason", "x")], 404),
        (vec![("do", "renew"), ("reason", "x")], 400),
    ] {
        assert_eq!(sam.submit("/desk", "/desk/act", &fields).await.status, status, "{fields:?}");
    }

    // Of a member whose identity has been erased there is nothing to renew.
    let card = look_up(&mut sam, "ada@example.test", "asked on the phone").await;
    let id = card.value("subject").unwrap();
    site.days(90).await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let fields = [("subject", id.as_str()), ("do", "renew"), ("reason", "asked on the phone")];
    assert_eq!(sam.submit("/desk", "/desk/act", &fields).await.status, 404);
}

/// acc-9: help for who cannot get in any more, with their permission on the trail; the link goes to them and nobody else.
#[tokio::test]
async fn support_sends_a_link_with_the_members_permission() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let page = deal(&mut sam, "ada@example.test", "recover").await;
    assert!(page.status == 422 && page.says("Have the person allow it first."), "{}", page.text());
    assert!(page.says("ada@example.test"), "the card is still there: {}", page.text());
    assert!(site.letters("ada@example.test").await.is_empty());
    let card = look_up(&mut sam, "ada@example.test", "has lost the password").await;
    let subject = card.value("subject").unwrap();
    let form =
        [("subject", subject.as_str()), ("do", "recover"), ("reason", "has lost it"), ("permission", "yes")];
    let page = sam.submit("/desk", "/desk/act", &form).await;
    assert!(
        page.says("A message with the link is on its way") && !page.html.contains("/recover/"),
        "{}",
        page.text()
    );
    let link = site.link("ada@example.test").await;
    assert!(link.starts_with("/recover/"));
    site.browser().send(&link, &[("new_password", "copper lantern drifts eastward")]).await;
    let mut ada = site.browser();
    crate::support::sign_in(&mut ada, "ada@example.test", "copper lantern drifts eastward").await;
    let trail = ada.visit("/account/trail").await;
    assert!(
        trail.says("Our support desk noted: help with signing in, with your permission."),
        "{}",
        trail.text()
    );
    assert!(trail.says("The reason given: “has lost it”"), "{}", trail.text());
}

/// acc-9: where the notice asks for it, nobody looks before the person has named their address and allowed it.
#[tokio::test]
async fn a_look_needs_the_persons_recorded_permission() {
    looks_with_permission(Site::under(CPE).await).await;
}

#[tokio::test]
async fn a_look_needs_permission_on_postgresql() {
    looks_with_permission(Site::on(Database::Url(&kept_pgtest::empty_database()), CPE).await).await;
}

async fn looks_with_permission(site: Site) {
    let secret = site.staff("sam@example.test", "support").await;
    let ada = site.member("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let page = look_up(&mut sam, "ada@example.test", "cannot sign in").await;
    assert!(page.status == 422 && page.says("allow it first") && !page.says("Testwell"), "{}", page.text());
    let refused =
        site.keeper.act(site.keeper.ctx(support()), move |act| act.view::<MemberCard>(ada, Some("because")));
    assert!(matches!(refused.await, Err(KeeperError::NoPermission { .. })), "nor by another page");

    let form = [("email", "ada@example.test"), ("reason", "cannot sign in"), ("permission", "yes")];
    assert!(sam.send("/desk", &form).await.says("Ada Testwell"));
    let trail = site.signed_in("ada@example.test").await.visit("/account/trail").await;
    let noted = "Our support desk noted that you allow a look into your account: they named its address.";
    assert!(trail.says(noted), "{}", trail.text());
    // What the notice does not know is not held: the look is not said to have shown it (use-2).
    for promise in ["role.support", "purpose.courses"] {
        assert_eq!(site.promise(promise).await.status, Status::Kept, "{promise}");
    }

    // A look that somebody brought about behind the kernel's back, without a permission: the check finds it.
    site.clock.forward(jiff::SignedDuration::from_secs(1));
    let looked = site.keeper.act(site.keeper.ctx(support()), move |act| {
        act.note(ada, Deed::Read, "member-card", &[], Some("because"))
    });
    looked.await.map_err(|cause: KeeperError| cause).unwrap();
    let found = site.promise("role.support").await;
    assert_eq!(
        (found.status, found.detail.as_str()),
        (Status::Broken, "looks without a recorded permission: 1")
    );
}

fn support() -> Actor {
    Actor::Staff { subject: kept_vault::SubjectId::from_bytes([9; 16]), role: "support" }
}

/// acc-9: a caller is known by the number that they gave, which the desk does not see.
#[tokio::test]
async fn a_licence_number_is_compared_and_not_shown() {
    compares_a_licence(Site::under(CPE).await).await;
}

#[tokio::test]
async fn a_licence_number_is_compared_on_postgresql() {
    let url = kept_pgtest::empty_database();
    compares_a_licence(Site::on(Database::Url(&url), CPE).await).await;
}

async fn compares_a_licence(site: Site) {
    const MINE: &str = "/account/licence";
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let look = [("email", "ada@example.test"), ("reason", "has called"), ("permission", "yes")];
    let card = sam.send("/desk", &look).await;
    let subject = card.value("subject").unwrap();
    let compare = async |sam: &mut Browser, said| {
        let fields = [("do", "compare"), ("subject", &subject), ("reason", "has called"), ("licence", said)];
        sam.submit("/desk", "/desk/act", &fields).await
    };
    assert!(compare(&mut sam, "CPA-0").await.says("We hold no licence number of this person."));

    let wrong = ada.send(MINE, &[("licence", "--")]).await;
    assert_eq!(wrong.status, 422, "nothing that could be compared");
    assert!(!wrong.says("Remove it"), "none is held: {}", wrong.text());
    assert_eq!(ada.send(MINE, &[("licence", "CPA-2041 77")]).await.value("licence").unwrap(), "CPA-2041 77");
    let wrong = ada.send(MINE, &[("licence", "--")]).await;
    assert!(wrong.status == 422 && wrong.says("Remove it"), "one is held all the same: {}", wrong.text());
    let other = compare(&mut sam, "CPA-2041 78").await;
    assert!(other.says("This is not the licence number that we hold."), "{}", other.text());
    let same = compare(&mut sam, "cpa 204177").await;
    assert!(same.says("This is the licence number that we hold."), "{}", same.text());
    for page in [&card, &other, &same] {
        assert!(!page.html.contains("2041 77"), "the number that is held is shown: {}", page.text());
    }
    assert_eq!(compare(&mut sam, "").await.status, 422);

    let trail = ada.visit("/account/trail").await;
    assert!(trail.says("Our support desk looked at your licence number"), "{}", trail.text());
    assert!(ada.visit("/account/data").await.says("CPA-2041 77"));
    for promise in ["role.support", "purpose.calls"] {
        assert_ne!(site.promise(promise).await.status, Status::Broken, "{promise}");
    }
    ada.send(MINE, &[("do", "remove")]).await;
    assert!(compare(&mut sam, "cpa 204177").await.says("We hold no licence number of this person."));

    // Where the notice knows none, there is none.
    let trainers = Site::open().await;
    trainers.member("ada@example.test").await;
    assert_eq!(trainers.signed_in("ada@example.test").await.get(MINE).await.status, 404);
}

/// acc-9: the check finds a link to a new password that works for too long, and one too many.
#[tokio::test]
async fn a_link_that_works_for_too_long_is_found() {
    let site = Site::under(CPE).await;
    let ada = site.member("ada@example.test").await;
    site.browser().send("/forgotten", &[("name", "ada@example.test")]).await;
    assert_eq!(site.promise("right.recover").await.status, Status::Kept);
    let more = |digest: u8, hours: i64| {
        let ends = site.now().as_millisecond() + hours * 3_600_000;
        site.act(move |act| {
            let row = kept_store::params![[digest; 32], ada.as_bytes(), ends];
            Ok(act.tx().execute(
                "INSERT INTO links (digest, subject, leads, ends) VALUES ($1, $2, 'recovery', $3)",
                &row,
            )?)
        })
    };
    more(1, 1).await;
    assert_eq!(site.promise("right.recover").await.status, Status::Broken, "two of one person");
    site.act(|act| Ok(act.tx().execute("DELETE FROM links", &[])?)).await;
    assert_eq!(site.promise("right.recover").await.status, Status::Kept);
    more(2, 25).await;
    assert_eq!(site.promise("right.recover").await.status, Status::Broken, "for more than a day");
}

/// acc-16, acc-19: My account is one's own, and its form shows what is held; the sign-up form never does.
#[tokio::test]
async fn members_have_a_page_of_their_own_that_fills_itself_in() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert_eq!(ada.history.last().map(String::as_str), Some("/account"), "signing in opens it");
    assert_eq!(ada.visit("/account").await.value("given_name").as_deref(), Some("Ada"));
    assert_eq!(site.browser().get("/account").await.location(), Some("/sign-in"));
    assert_eq!(ada.get("/sign-up").await.value("email").unwrap_or_default(), "");
    assert_eq!(site.promise("session").await.status, Status::Kept);
    site.act(|act| {
        let ends = act.ctx.now.as_millisecond() + 1000;
        let row = kept_store::params![[1; 32], [8; 16], ends - 2000, ends];
        Ok(act.tx().execute(
            "INSERT INTO sessions (digest, subject, began, seen, ends, factor) VALUES ($1, $2, $3, $3, $4, 'none')",
            &row,
        )?)
    })
    .await;
    let found = site.promise("session").await;
    assert_eq!(
        (found.status, found.detail.as_str()),
        (Status::Broken, "sessions that belong to nobody who may sign in: 1")
    );
}
