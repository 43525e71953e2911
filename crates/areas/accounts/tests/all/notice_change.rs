//! A change of the notice, as a member lives through it (`ntc-2`, `ntc-3`, `ntc-4`).

use kept_keeper::Status;
use kept_testkit::{PASSWORD, Site, TRAINERS};

use crate::support::{sign_in, sign_up};

#[tokio::test]
async fn everybody_is_told_and_the_site_follows_without_a_restart() {
    let site = Site::open().await;
    site.member("mira@example.test").await;
    let (mut pending, mut reader) = (site.browser(), site.browser());
    sign_up(&mut pending, "pending@example.test").await;

    let new = TRAINERS
        .replace("effective = 2025-01-01", "effective = 2027-03-10")
        .replace("privacy@trainers", "data@trainers")
        .replace(
            "when  = \"mail.queued\"\nafter = \"7 days\"",
            "when  = \"mail.queued\"\nafter = \"30 days\"",
        );
    site.keeper.propose(&new).await.unwrap();
    let home = reader.get("/").await;
    assert!(
        home.says("Our privacy notice is to change, on 10 March 2027 at the earliest."),
        "{}",
        home.text()
    );
    site.sweep().await;

    let letters = site.letters("mira@example.test").await;
    let told: Vec<_> = letters.iter().filter(|letter| letter.subject.contains("notice")).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "Our privacy notice changes on 10 March 2027");
    insta::assert_snapshot!(told[0].text, @"
    Hello Ada,

    Our privacy notice changes. The change takes effect on 10 March 2027, not before.

    What matters: it happens later.
    Until then: Seven days after we write you a message, we erase the text of our messages to you.
    From then on: Thirty days after we write you a message, we erase the text of our messages to you.

    1 other sentence changes, and nobody is worse off by it.

    On our site, the page “Earlier and coming notices” shows both notices in full. If you do not agree, you can take your data with you from the page “My data” and leave before that day; write to privacy@trainers.example.test if you need help. If you do nothing, the new notice applies to you from then on. What was promised more strictly for data that you gave us before, we keep.

    Example Trainers' Network
    ");
    let waiting = site.letters("pending@example.test").await;
    assert!(!waiting.iter().any(|letter| letter.subject.contains("notice")), "the address may be another's");
    let link = site.link("pending@example.test").await;
    pending.get(&link).await;
    pending.send(&link, &[]).await;
    site.days(2).await;
    let letters = site.letters("pending@example.test").await;
    assert!(letters.iter().any(|letter| letter.subject.contains("notice changes")), "once it is confirmed");

    let mut mira = site.browser();
    sign_in(&mut mira, "mira@example.test", PASSWORD).await;
    site.days(35).await;
    assert!(reader.get("/").await.html.contains("privacy@trainers.example.test"));
    site.days(1).await;
    let home = reader.get("/").await;
    assert!(
        home.says("Our privacy notice has changed. The new one is in force since 10 March 2027."),
        "{}",
        home.text()
    );
    assert!(home.html.contains("data@trainers.example.test"), "every page says what is in force");
    assert!(home.says("last revised 10 March 2027"), "{}", home.text());
    assert_eq!(site.promise("notice.change").await.status, Status::Kept);
    assert_eq!(site.promise("notice").await.status, Status::Kept);
}
