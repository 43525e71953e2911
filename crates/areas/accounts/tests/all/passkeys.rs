//! Passkeys: added, used, refused and removed. The device is the tests' own.

use jiff::SignedDuration;
use kept_accounts::give_role;
use kept_testkit::{Browser, PASSWORD, Page, Site};

use crate::{
    authenticator::Authenticator,
    support::{count, sign_in},
};

const PASSKEYS: &str = "/account/passkeys";
const ANSWER: &str = "/sign-in/passkey/answer";
const WRONG: &str = "not the password at all";

/// The question that a page asks the browser.
fn question(page: &Page) -> String {
    let said = page.html.split("data-question=\"").nth(1).unwrap_or_else(|| panic!("{}", page.text()));
    said.split('"').next().unwrap().replace("&#34;", "\"").replace("&#38;", "&")
}

/// Begins to add a passkey.
async fn begin(browser: &mut Browser, name: &str) -> Page {
    browser.send(PASSKEYS, &[("do", "add"), ("name", name), ("password", PASSWORD)]).await
}

async fn finish(browser: &mut Browser, name: &str, made: &str) -> Page {
    browser.send(PASSKEYS, &[("do", "made"), ("name", name), ("answer", made)]).await
}

/// Adds the passkey of a device.
pub(crate) async fn add(browser: &mut Browser, name: &str, device: &mut Authenticator) {
    let page = begin(browser, name).await;
    let page = finish(browser, name, &device.make(&question(&page))).await;
    assert!(page.status == 200 && page.says(name), "{}", page.text());
}

/// Somebody of this address with a passkey, and the browser in which they have added it.
pub(crate) async fn with_passkey(site: &Site, email: &str, number: u8) -> (Browser, Authenticator) {
    site.member(email).await;
    let (mut browser, mut device) = (site.signed_in(email).await, Authenticator::new(number));
    add(&mut browser, "The old telephone", &mut device).await;
    (browser, device)
}

/// The question to whoever wants to sign in.
async fn ask(browser: &mut Browser) -> String {
    question(&browser.submit("/sign-in", "/sign-in/passkey", &[]).await)
}

async fn give(browser: &mut Browser, answer: &str) -> Page {
    browser.submit("/sign-in", ANSWER, &[("answer", answer)]).await
}

/// Signs in with a passkey.
pub(crate) async fn enter(browser: &mut Browser, device: &mut Authenticator) -> Page {
    let asked = ask(browser).await;
    give(browser, &device.answer(&asked)).await
}

fn is_in(page: &Page) -> bool {
    page.path == "/account" && page.status == 200
}

#[tokio::test]
async fn a_passkey_is_added_used_and_removed() {
    story(Site::open().await).await;
}

#[tokio::test]
async fn a_passkey_is_added_used_and_removed_on_postgresql() {
    story(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn story(site: Site) {
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit(PASSKEYS).await;
    assert!(page.says("You have none.") && !page.html.contains("<script"), "{}", page.text());

    // The password comes first, and a name.
    let wrong = [("do", "add"), ("name", "Telephone"), ("password", WRONG)];
    let page = ada.send(PASSKEYS, &wrong).await;
    assert!(page.status == 422 && page.says("This is not your password."), "{}", page.text());
    let page = begin(&mut ada, "").await;
    assert!(page.status == 422 && page.says("Fill in “Name of the passkey”."), "{}", page.text());
    assert_eq!(count(&site, "SELECT COUNT(*) FROM passkey_questions").await, 0);

    let page = begin(&mut ada, "Telephone & co").await;
    assert!(page.html.contains("<script type=\"module\" src=\"/assets/passkey."), "{}", page.html);
    let policy = page.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(page.says("Passkeys need a browser that knows them, with JavaScript on."));
    let asked = question(&page);
    for said in ["\"residentKey\":\"required\"", "\"userVerification\":\"required\"", "ada@example.test"] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    let mut device = Authenticator::new(1);
    let page = finish(&mut ada, "Telephone & co", &device.make(&asked)).await;
    assert!(page.says("Telephone & co 31 January 2027, 09:00 UTC not yet"), "{}", page.text());
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.subject == "A passkey was added to your account"));
    assert!(letters.iter().all(|letter| !letter.text.contains("Telephone")), "letters carry no data");
    assert!(ada.visit("/account/trail").await.says("You changed your passkeys."));
    // The browser is told of it, so that the same device is not asked for another.
    assert!(question(&begin(&mut ada, "Second").await).contains(&format!("\"id\":\"{}\"", id_of(&device))));

    // Nobody is named, and the password is not asked for.
    site.clock.forward(SignedDuration::from_hours(24));
    let mut elsewhere = site.browser();
    let page = elsewhere.visit("/sign-in").await;
    assert!(page.says("Sign in with a passkey") && !page.html.contains("<script"), "{}", page.text());
    let page = elsewhere.submit("/sign-in", "/sign-in/passkey", &[]).await;
    assert!(page.html.contains("<script type=\"module\"") && !question(&page).contains("ada"));
    let before = elsewhere.session();
    let page = give(&mut elsewhere, &device.answer(&question(&page))).await;
    assert!(is_in(&page), "{}", page.text());
    assert_ne!(elsewhere.session(), before, "acc-4: a session that was there before is none");
    let page = elsewhere.visit(PASSKEYS).await;
    assert!(
        page.says("Telephone & co 31 January 2027, 09:00 UTC 1 February 2027, 09:00 UTC"),
        "{}",
        page.text()
    );
    let page = elsewhere.visit("/account/trail").await;
    assert!(page.says("You signed in with a passkey.") && !page.says("This site changed"), "{}", page.text());
    let said = "A passkey named “Telephone & co”, added on 31 January 2027, last used on 1 February 2027.";
    assert!(elsewhere.visit("/account/data").await.says(said));
    assert!(is_in(&enter(&mut site.browser(), &mut device).await), "and again");

    // Removing asks for the password, and ends what it may have opened.
    let mut ada = site.signed_in("ada@example.test").await;
    let id = id_of(&device);
    let fields = [("do", "remove"), ("passkey", id.as_str())];
    let page = ada.send(PASSKEYS, &fields).await;
    assert!(page.status == 200 && page.says("Remove a passkey"), "{}", page.text());
    let with = |password| [fields.as_slice(), [("password", password)].as_slice()].concat();
    assert_eq!(ada.send(PASSKEYS, &with(WRONG)).await.status, 422);
    assert!(is_in(&enter(&mut site.browser(), &mut device).await), "it is still there");
    let page = ada.send(PASSKEYS, &with(PASSWORD)).await;
    assert!(page.says("You have none."), "{}", page.text());
    assert_eq!(elsewhere.get("/account").await.location(), Some("/sign-in"));
    let page = enter(&mut site.browser(), &mut device).await;
    assert!(page.status == 403 && page.says("This passkey did not sign you in"), "{}", page.text());
    assert_eq!(count(&site, "SELECT COUNT(*) FROM lookups WHERE name = 'passkey'").await, 0);
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.subject == "A passkey was removed from your account"));
    assert_eq!(ada.send(PASSKEYS, &with(PASSWORD)).await.status, 422, "it is gone already");
    // The same device can be added anew.
    add(&mut ada, "Telephone", &mut device).await;
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
}

/// The credential id, as browsers write it.
pub(crate) fn id_of(device: &Authenticator) -> String {
    data_encoding::BASE64URL_NOPAD.encode(&device.id)
}

/// Whatever is wrong with an answer, nobody gets in by it, and its question waits no longer.
#[tokio::test]
async fn a_wrong_answer_opens_nothing() {
    let site = Site::open().await;
    let (_, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let (_, other) = with_passkey(&site, "bert@example.test", 2).await;
    type Spoil = fn(&mut Authenticator, &Authenticator);
    let spoilt: [(&str, Spoil); 9] = [
        ("another site's page", |device, _| device.origin = "https://trainers.example.test.evil.test".into()),
        ("plain http", |device, _| device.origin = "http://trainers.example.test".into()),
        ("another port", |device, _| device.origin = "https://trainers.example.test:8443".into()),
        ("made for another site", |device, _| device.site = "example.test".into()),
        ("nobody was verified", |device, _| device.verifies = false),
        ("another's key", |device, other| {
            *device = Authenticator { id: device.id.clone(), handle: device.handle.clone(), ..other.clone() };
        }),
        ("another's name", |device, other| device.handle.clone_from(&other.handle)),
        ("an id that nobody has", |device, _| device.id = vec![9; 24]),
        ("another's id", |device, other| device.id.clone_from(&other.id)),
    ];
    for (what, spoil) in spoilt {
        let (mut browser, mut spoilt) = (site.browser(), device.clone());
        spoil(&mut spoilt, &other);
        let asked = ask(&mut browser).await;
        let page = give(&mut browser, &spoilt.answer(&asked)).await;
        assert_eq!(page.status, 403, "{what}: {}", page.text());
        assert_eq!(browser.get("/account").await.location(), Some("/sign-in"), "{what}");
        assert_eq!(
            give(&mut browser, &device.clone().answer(&asked)).await.status,
            403,
            "{what}: asked once"
        );
        assert!(is_in(&enter(&mut browser, &mut device).await), "{what}: the right one still does");
    }
    let trail = site.signed_in("ada@example.test").await.visit("/account/trail").await;
    assert!(trail.says("Somebody tried to sign in as you with a passkey and failed"), "{}", trail.text());
}

#[tokio::test]
async fn an_answer_is_good_once_in_its_own_browser_and_for_five_minutes() {
    let site = Site::open().await;
    let (mut ada, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let mut browser = site.browser();
    let asked = ask(&mut browser).await;
    let answer = device.answer(&asked);

    // Whoever has seen the answer on its way is not in by it, also before its owner is.
    let mut thief = site.browser();
    ask(&mut thief).await;
    assert_eq!(give(&mut thief, &answer).await.status, 403);
    assert!(is_in(&give(&mut browser, &answer).await));
    let mut again = browser.clone();
    assert_eq!(again.submit("/account", ANSWER, &[("answer", &answer)]).await.status, 403, "a replay");

    for (minutes, lets_in) in [(4, true), (5, false)] {
        let mut browser = site.browser();
        let answer = device.answer(&ask(&mut browser).await);
        site.clock.forward(SignedDuration::from_mins(minutes));
        assert_eq!(is_in(&give(&mut browser, &answer).await), lets_in, "{minutes} minutes");
    }
    // An answer to the question for a new passkey is none to sign in by, and the other way round.
    let asked = question(&begin(&mut ada, "Second").await);
    assert_eq!(give(&mut ada, &device.answer(&asked)).await.status, 403);
    let asked = ask(&mut ada).await;
    let made = Authenticator::new(3).make(&asked.replacen('{', "{\"user\":{\"id\":\"AAAA\"},", 1));
    assert_eq!(finish(&mut ada, "Second", &made).await.status, 422);

    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM passkey_questions").await, 2);
    site.clock.forward(SignedDuration::from_mins(5));
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM passkey_questions").await, 0, "none waits for ever");
}

/// A counter that goes back means that there are two of one passkey; those that do not count stay at nothing.
#[tokio::test]
async fn a_passkey_that_counts_backwards_is_refused() {
    let site = Site::open().await;
    let (_, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let mut copied = device.clone();
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
    assert_eq!(enter(&mut site.browser(), &mut copied).await.status, 403);
    let trail = site.signed_in("ada@example.test").await.visit("/account/trail").await;
    assert!(trail.says("refused, because somebody may have copied it"), "{}", trail.text());
    assert!(is_in(&enter(&mut site.browser(), &mut device).await), "the owner's own goes on");

    site.member("bert@example.test").await;
    let mut bert = site.signed_in("bert@example.test").await;
    let mut synced = Authenticator { used: 0, ..Authenticator::new(2) };
    add(&mut bert, "Everywhere", &mut synced).await;
    for _ in 0..2 {
        assert!(is_in(&enter(&mut site.browser(), &mut synced).await));
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    let site = Site::open().await;
    let (mut ada, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let answer = device.answer(&ask(&mut site.browser()).await);
    let cut: String = answer.chars().take(answer.len() / 2).collect();
    let garbage = ["", "{}", "null", "[]", "ключ", "{\"id\":\"AAAA\"}", cut.as_str(), &"x".repeat(60_000)];
    for sent in garbage {
        let mut browser = site.browser();
        ask(&mut browser).await;
        assert_eq!(give(&mut browser, sent).await.status, 403, "{}", sent.len());
        let page = finish(&mut ada, "Another", sent).await;
        assert!(page.status == 422 && page.says("Begin anew."), "{}", page.text());
    }
    assert_eq!(ada.send(PASSKEYS, &[("do", "dance")]).await.status, 400);
    for path in ["/sign-in/passkey", ANSWER] {
        assert_eq!(site.browser().get(path).await.location(), Some("/sign-in"), "nothing changes on GET");
    }
}

/// What a browser makes is taken for the session that was asked, once, and only from the site's own page.
#[tokio::test]
async fn a_new_passkey_is_taken_only_as_it_was_asked_for() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    site.member("bert@example.test").await;
    let (mut ada, mut bert) =
        (site.signed_in("ada@example.test").await, site.signed_in("bert@example.test").await);
    type Spoil = fn(&mut Authenticator);
    let spoilt: [(&str, Spoil); 3] = [
        ("another site's page", |device| device.origin = "https://evil.example.test".into()),
        ("made for another site", |device| device.site = "example.test".into()),
        ("nobody was verified", |device| device.verifies = false),
    ];
    for (what, spoil) in spoilt {
        let mut device = Authenticator::new(1);
        spoil(&mut device);
        let made = device.make(&question(&begin(&mut ada, "Mine").await));
        let page = finish(&mut ada, "Mine", &made).await;
        assert!(page.status == 422 && page.says("Begin anew."), "{what}: {}", page.text());
    }
    let mut device = Authenticator::new(1);
    let made = device.make(&question(&begin(&mut ada, "Mine").await));
    assert_eq!(finish(&mut bert, "Mine", &made).await.status, 422, "it was not he who was asked");
    assert_eq!(finish(&mut ada, "Mine", &made).await.path, PASSKEYS);
    assert_eq!(finish(&mut ada, "Mine", &made).await.status, 422, "once");
    let late = Authenticator::new(2).make(&question(&begin(&mut ada, "Late").await));
    site.clock.forward(SignedDuration::from_mins(5));
    assert_eq!(finish(&mut ada, "Late", &late).await.status, 422, "too late");

    // An id that somebody has belongs to nobody else, nor twice to them.
    for browser in [&mut ada, &mut bert] {
        let made = Authenticator::new(1).make(&question(&begin(browser, "Another").await));
        let page = finish(browser, "Another", &made).await;
        assert!(page.status == 422 && page.says("has been added already"), "{}", page.text());
    }
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));

    // Somebody else's is not there for them.
    let remove = [("do", "remove"), ("passkey", &id_of(&device)), ("password", PASSWORD)];
    assert_eq!(bert.send(PASSKEYS, &remove).await.status, 422);
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
    for number in 2..=10 {
        add(&mut ada, &format!("Key {number}"), &mut Authenticator::new(number)).await;
    }
    let page = ada.visit(PASSKEYS).await;
    assert!(page.says("You have as many as can be kept."), "{}", page.text());
    assert_eq!(begin(&mut ada, "One more").await.status, 422);
}

/// Thirty wrong passwords shut the door to every password of the day, and the tries of the place are used up, too: whoever
/// has a passkey gets in all the same.
#[tokio::test]
async fn wrong_passwords_do_not_lock_out_who_has_a_passkey() {
    let site = Site::open().await;
    let (_, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let mut guesser = site.browser();
    for guess in 0..30 {
        if guess % 9 == 0 {
            site.clock.forward(SignedDuration::from_mins(15));
        }
        assert_eq!(sign_in(&mut guesser, "ada@example.test", WRONG).await.status, 422, "{guess}");
    }
    site.clock.forward(SignedDuration::from_mins(15));
    assert_eq!(sign_in(&mut site.browser(), "ada@example.test", PASSWORD).await.status, 429);
    for guess in 0..100 {
        sign_in(&mut guesser, &format!("nobody{guess}@example.test"), WRONG).await;
    }
    assert_eq!(
        sign_in(&mut guesser, "somebody@example.test", WRONG).await.status,
        429,
        "the place's are used up"
    );

    // From where the guesses come, and from elsewhere.
    assert!(is_in(&enter(&mut guesser, &mut device).await));
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
    assert_eq!(
        sign_in(&mut site.browser(), "ada@example.test", PASSWORD).await.status,
        429,
        "that she came in forgives nobody's guesses"
    );
}

/// Questions are rows, so that one place cannot ask for any number; another place is not touched by it.
#[tokio::test]
async fn asking_is_throttled_by_place() {
    let site = Site::open().await;
    let (_, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let mut busy = site.browser();
    let token = busy.token("/sign-in").await;
    for _ in 0..100 {
        assert_eq!(busy.post_with("/sign-in/passkey", &token, &[]).await.status, 200);
    }
    assert_eq!(busy.post_with("/sign-in/passkey", &token, &[]).await.status, 429);
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
}

/// A passkey is both factors: it opens the desk, and whoever has only the password of its owner does not get past it.
#[tokio::test]
async fn a_passkey_opens_the_desk_and_a_password_does_not_get_round_it() {
    let site = Site::open().await;
    let sam = site.member("sam@example.test").await;
    site.act(move |act| give_role(act, sam, "support")).await;
    let mut browser = site.signed_in("sam@example.test").await;
    let mut device = Authenticator::new(1);
    assert_eq!(browser.get("/desk").await.location(), Some("/account/second-factor"));
    add(&mut browser, "Key ring", &mut device).await;
    assert_eq!(browser.get("/desk").await.location(), Some("/account/second-factor"), "it has to be used");
    let mut desk = site.browser();
    assert!(is_in(&enter(&mut desk, &mut device).await));
    assert_eq!(desk.get("/desk").await.status, 200);

    // The thief of the password sets up no other factor, and does not take this one away.
    let mut thief = site.signed_in("sam@example.test").await;
    assert!(thief.visit("/account/second-factor").await.says("sign out, and in again with your passkey"));
    let page = thief.send("/account/second-factor", &[("do", "begin"), ("password", PASSWORD)]).await;
    assert!(page.status == 422 && !page.html.contains("<svg"), "{}", page.text());
    assert!(thief.visit(PASSKEYS).await.says("sign out, and in again with your passkey"));
    assert_eq!(begin(&mut thief, "Mine").await.status, 422);
    let remove = [("do", "remove"), ("passkey", &id_of(&device)), ("password", PASSWORD)];
    assert_eq!(thief.send(PASSKEYS, &remove).await.status, 422);
    assert_eq!(thief.get("/desk").await.location(), Some("/account/second-factor"));

    // Its owner does both.
    let page = desk.send("/account/second-factor", &[("do", "begin"), ("password", PASSWORD)]).await;
    assert!(page.html.contains("<svg"), "{}", page.text());
    add(&mut desk, "In the drawer", &mut Authenticator::new(2)).await;
    let page = desk.send(PASSKEYS, &remove).await;
    assert!(page.says("In the drawer") && !page.says("Key ring"), "{}", page.text());
}

/// A second factor that is set up already is not asked for after a passkey.
#[tokio::test]
async fn no_code_is_asked_for_after_a_passkey() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut device = Authenticator::new(1);
    add(&mut site.at_desk("sam@example.test", &secret).await, "Key ring", &mut device).await;
    let mut desk = site.browser();
    assert!(is_in(&enter(&mut desk, &mut device).await));
    assert_eq!(desk.get("/desk").await.status, 200);
    let mut waiting = site.signed_in("sam@example.test").await;
    let page = waiting.visit(PASSKEYS).await;
    assert_eq!(page.path, "/sign-in/code?to=%2Faccount%2Fpasskeys", "the password alone adds none");
}

/// acc-10: a new password changes no passkey, and the pages say so and name them.
#[tokio::test]
async fn passkeys_outlast_a_password_and_are_shown_when_somebody_may_know_it() {
    let site = Site::open().await;
    let (mut ada, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let page = ada.visit("/account/compromised").await;
    assert!(
        page.says("Your passkeys stay") && page.says("A passkey named “The old telephone”"),
        "{}",
        page.text()
    );
    let fields = [("password", PASSWORD), ("new_password", "copper lantern drifts eastward")];
    let page = ada.send("/account/compromised", &fields).await;
    assert!(
        page.says("The old telephone") && page.html.contains("href=\"/account/passkeys\""),
        "{}",
        page.text()
    );
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));

    ada.send("/account/compromised", &[("by", "letter")]).await;
    assert!(is_in(&enter(&mut site.browser(), &mut device).await), "the way in while there is no password");
    let link = site.link("ada@example.test").await;
    let fields = [("new_password", "a quieter lantern over the harbour")];
    assert_eq!(site.browser().send(&link, &fields).await.status, 200);
    assert!(is_in(&enter(&mut site.browser(), &mut device).await));
}

/// acc-14, acc-15: resting ends by a passkey as by a password; being switched off does not; closing takes it
/// away.
#[tokio::test]
async fn a_passkey_ends_with_the_account() {
    let site = Site::open().await;
    let (mut ada, mut device) = with_passkey(&site, "ada@example.test", 1).await;
    let subject = site.find("ada@example.test").await.unwrap();
    site.act(move |act| kept_accounts::members::deactivate(act, subject)).await;
    assert_eq!(ada.get("/account").await.location(), Some("/sign-in"));
    let mut back = site.browser();
    assert!(is_in(&enter(&mut back, &mut device).await));
    assert!(
        site.letters("ada@example.test")
            .await
            .iter()
            .any(|letter| letter.subject == "Your account is in use again")
    );

    site.act(move |act| kept_accounts::members::disable(act, subject)).await;
    let page = enter(&mut site.browser(), &mut device).await;
    assert!(page.says("Your account is switched off"), "{}", page.text());
    site.act(move |act| kept_accounts::members::enable(act, subject)).await;

    assert!(is_in(&enter(&mut back, &mut device).await));
    back.send("/account/close", &[("do", "now"), ("password", PASSWORD), ("sure", "yes")]).await;
    site.sweep().await;
    for gone in [
        "SELECT COUNT(*) FROM lookups WHERE name = 'passkey'",
        "SELECT COUNT(*) FROM vault WHERE record = 'passkeys'",
        "SELECT COUNT(*) FROM keys WHERE kind = 'pd:Authenticating'",
    ] {
        assert_eq!(count(&site, gone).await, 0, "{gone}");
    }
    assert_eq!(enter(&mut site.browser(), &mut device).await.status, 403);
}
