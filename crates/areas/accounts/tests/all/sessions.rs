//! acc-4, acc-7: sessions are what the notice says.

use jiff::SignedDuration;
use kept_keeper::Status;
use kept_testkit::{Browser, PASSWORD, Page, Site};

use crate::support::{count, deal, sign_in};

fn id(browser: &Browser) -> String {
    browser.session().unwrap().1
}

/// Whether the session opens the account.
async fn opens(browser: &mut Browser) -> bool {
    browser.get("/account").await.status == 200
}

#[tokio::test]
async fn readers_of_public_pages_get_no_cookie() {
    let site = Site::open().await;
    let mut reader = site.browser();
    for path in
        ["/", "/notice", "/notice/kept", "/notice/uses", "/account", "/desk", "/no/such/page", "/robots.txt"]
    {
        assert!(reader.get(path).await.cookies().is_empty(), "{path}");
    }
    assert!(reader.session().is_none());
}

#[tokio::test]
async fn the_cookie_ends_with_the_browser_and_tells_nothing() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let page = site.browser().get("/sign-in").await;
    let [cookie] = page.cookies()[..] else { panic!("{:?}", page.cookies()) };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!((name, value.len()), ("__Host-kept_session", 43), "32 random bytes");
    let mut attributes: Vec<_> = attributes.split("; ").collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);

    // The database has the digest, not the id.
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(opens(&mut ada).await);
    let id = data_encoding::BASE64URL_NOPAD.decode(id(&ada).as_bytes()).unwrap();
    let rows = site.keeper.store().read(|read| {
        let rows = read.query("SELECT digest FROM sessions", &[])?;
        rows.iter().map(|row| row.get::<Vec<u8>>(0)).collect::<Result<Vec<_>, kept_store::StoreError>>()
    });
    let rows = rows.await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0], id);
}

#[tokio::test]
async fn the_id_is_new_at_every_sign_in_and_the_old_one_dead() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.browser();
    ada.get("/sign-in").await;
    let before = id(&ada);
    sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    let (first, mut thief) = (ada.session().unwrap(), site.browser());
    assert_ne!(first.1, before);
    thief.plant(first.clone());
    assert!(opens(&mut thief).await, "the copied id works while it lives");
    sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    assert_ne!(id(&ada), first.1);
    assert!(opens(&mut ada).await);
    assert!(!opens(&mut thief).await, "the id of before the second sign-in must be dead");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 1);

    // A session that somebody plants is worth nothing after signing in.
    let mut planted = site.browser();
    planted.get("/sign-in").await;
    let mut victim = site.browser();
    victim.plant(planted.session().unwrap());
    sign_in(&mut victim, "ada@example.test", PASSWORD).await;
    assert!(!opens(&mut planted).await);
}

#[tokio::test]
async fn the_id_is_new_after_the_second_factor_and_the_old_one_dead() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut sam = site.signed_in("sam@example.test").await;
    let waiting = sam.session().unwrap();
    assert_eq!(sam.get("/account").await.location(), Some("/sign-in/code"));
    let mut stolen = site.browser();
    stolen.plant(waiting.clone());
    sam.send("/sign-in/code", &[("code", &site.code(&secret))]).await;
    assert_ne!(id(&sam), waiting.1);
    assert!(opens(&mut sam).await);
    assert_eq!(stolen.get("/account").await.location(), Some("/sign-in"));
}

#[tokio::test]
async fn a_failed_sign_in_keeps_the_session_that_there_is() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = sign_in(&mut ada, "ada@example.test", "not the password at all").await;
    assert!(page.cookies().is_empty());
    assert!(opens(&mut ada).await);
}

#[tokio::test]
async fn an_idle_hour_ends_a_session() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    for _ in 0..3 {
        site.clock.forward(SignedDuration::from_mins(58));
        assert!(opens(&mut ada).await, "used within the hour");
    }
    site.clock.forward(SignedDuration::from_mins(61));
    assert!(!opens(&mut ada).await);
    assert_eq!(site.promise("session").await.status, Status::Kept);
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 0);

    // The check would notice one that lasts longer.
    site.signed_in("ada@example.test").await;
    site.act(|act| Ok(act.tx().execute("UPDATE sessions SET ends = ends + 60000", &[])?)).await;
    assert_eq!(site.promise("session").await.status, Status::Broken);
}

#[tokio::test]
async fn signing_out_ends_it_here_and_in_the_database() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut copy = ada.clone();
    let page = ada.post("/account", "/sign-out", &[]).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, Some("/signed-out")));
    assert!(page.cookies()[0].contains("Max-Age=0"));
    assert!(ada.session().is_none());
    assert!(!opens(&mut copy).await);
    // sec-5: what to do where others use the computer, too.
    let page = ada.get("/signed-out").await;
    assert!(page.says("close every window of the browser"), "{}", page.text());
    assert!(site.browser().get("/sign-in").await.says("On a computer that others use, too"));
}

/// A session that is used all the time ends all the same.
#[tokio::test]
async fn twelve_hours_end_a_session_however_much_it_is_used() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    for _ in 0..14 {
        site.clock.forward(SignedDuration::from_mins(50));
        assert!(opens(&mut ada).await);
    }
    assert_eq!(site.promise("session").await.status, Status::Kept);
    site.clock.forward(SignedDuration::from_mins(21));
    assert!(!opens(&mut ada).await, "12 h 1 min after signing in");

    // The check would notice one that may be used longer.
    site.signed_in("ada@example.test").await;
    site.act(|act| Ok(act.tx().execute("UPDATE sessions SET began = began - 43200000", &[])?)).await;
    assert_eq!(site.promise("session").await.status, Status::Broken);
}

/// Every session of one's own is shown and can be ended; nobody else's can.
#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    site.member("bert@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    site.clock.forward(SignedDuration::from_mins(10));
    let mut phone = site.signed_in("ada@example.test").await;
    let mut library = site.signed_in("ada@example.test").await;
    let mut bert = site.signed_in("bert@example.test").await;

    let page = ada.visit("/account/sessions").await;
    assert!(page.says("this is the one you are looking at") && page.says("31 January 2027, 09:10 UTC"));
    let digests = |page: &Page| -> Vec<String> {
        let buttons = page.html.split("name=\"end\" value=\"").skip(1);
        buttons.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    assert_eq!(digests(&page).len(), 3);
    let bert_page = bert.visit("/account/sessions").await;
    assert_eq!(digests(&bert_page).len(), 1);

    // Somebody else's is not there for her.
    ada.send("/account/sessions", &[("end", &digests(&bert_page)[0])]).await;
    assert!(opens(&mut bert).await);
    for bad in ["", "zz", "00"] {
        assert_eq!(ada.send("/account/sessions", &[("end", bad)]).await.status, 400, "{bad}");
    }
    assert_eq!(ada.send("/account/sessions", &[]).await.status, 400);

    // One, all others, and this one.
    let this = |page: &Page| {
        let rows = page.html.split("<tr>").find(|row| row.contains("Sign out here")).unwrap();
        rows.split("value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned()
    };
    let library_page = library.visit("/account/sessions").await;
    let page = ada.send("/account/sessions", &[("end", &this(&library_page))]).await;
    assert_eq!((page.path.as_str(), digests(&page).len()), ("/account/sessions", 2));
    assert!(!opens(&mut library).await && opens(&mut phone).await);
    ada.send("/account/sessions", &[("others", "yes")]).await;
    assert!(!opens(&mut phone).await && opens(&mut ada).await);
    let page = ada.visit("/account/sessions").await;
    assert!(!page.says("End all sessions but this one"));
    let trail = ada.visit("/account/trail").await;
    assert!(
        trail.says("You ended one session.") && trail.says("You ended all other sessions."),
        "{}",
        trail.text()
    );
    let page = ada.send("/account/sessions", &[("end", &digests(&page)[0])]).await;
    assert_eq!(page.path, "/signed-out");
    assert!(ada.session().is_none() && !opens(&mut ada).await);
}

#[tokio::test]
async fn an_account_that_is_switched_off_ends_its_sessions() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let mut ada = site.signed_in("ada@example.test").await;
    deal(&mut desk, "ada@example.test", "disable").await;
    assert!(!opens(&mut ada).await);
    let page = sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    assert!(
        page.says("Your account is switched off") && !page.says("ended on"),
        "the membership has not ended: {}",
        page.text()
    );
    deal(&mut desk, "ada@example.test", "enable").await;
    site.signed_in("ada@example.test").await;
}
