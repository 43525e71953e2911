//! acc-1: the sign-up form asks what the notice declares, and nothing else.

use kept_testkit::{PASSWORD, Page, Site};

use crate::support::{least, notice_with};

/// Every field of the page's own form, in order, but the token.
fn fields(page: &Page) -> Vec<String> {
    let main = page.html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let names = main.split(" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    names.filter(|name| name != "form_token").collect()
}

#[tokio::test]
async fn voluntary_fields_are_marked_with_what_one_loses() {
    let site = Site::open().await;
    let page = site.browser().get("/sign-up").await;
    let asked = ["given_name", "family_name", "email", "password", "address", "phone"];
    assert_eq!(fields(&page), asked);
    assert!(page.says("Postal address (voluntary) Without it, we cannot send you anything by post."));
    assert!(page.says("Telephone number (voluntary) Without it, we cannot call you."));
    assert_eq!(page.html.matches(" required").count(), 4);
    assert!(page.html.contains("<html lang=\"en\">"));
    for autocomplete in ["given-name", "family-name", "email", "new-password", "street-address", "tel"] {
        assert!(page.html.contains(&format!("autocomplete=\"{autocomplete}\"")), "{autocomplete}");
    }
}

#[tokio::test]
async fn a_field_that_the_notice_does_not_declare_is_neither_asked_for_nor_taken() {
    let without = notice_with(", phone = \"we cannot call you\"", "");
    let site = Site::under(&without).await;
    let mut browser = site.browser();
    assert!(!fields(&browser.get("/sign-up").await).contains(&"phone".to_owned()));
    let mut form = least("mira@example.test");
    form.push(("phone", "+1 555 0100"));
    browser.send("/sign-up", &form).await;
    browser.send(&site.link("mira@example.test").await, &[]).await;
    let signing = [("email", "mira@example.test"), ("password", PASSWORD)];
    let page = browser.send("/sign-in", &signing).await;
    assert!(!fields(&page).contains(&"phone".to_owned()));
    let details = [("given_name", "Mira"), ("family_name", "Oak"), ("phone", "+1 555 0100")];
    browser.send("/account", &details).await;
    assert!(!browser.visit("/account/data").await.says("+1 555 0100"));
}

#[tokio::test]
async fn what_the_notice_requires_is_enforced() {
    let strict = notice_with(
        "required  = [\"identity\", \"password\"]",
        "required  = [\"identity\", \"password\", \"phone\"]",
    )
    .replace(", phone = \"we cannot call you\"", "");
    let site = Site::under(&strict).await;
    let mut browser = site.browser();
    assert_eq!(browser.get("/sign-up").await.html.matches(" required").count(), 5);
    let page = browser.send("/sign-up", &least("mira@example.test")).await;
    assert_eq!(page.status, 422);
    assert!(page.says("Fill in “Telephone number”."));

    let site = Site::open().await;
    for missing in ["given_name", "family_name", "email", "password"] {
        let mut browser = site.browser();
        let form: Vec<_> =
            least("mira@example.test").into_iter().filter(|(name, _)| *name != missing).collect();
        let page = browser.send("/sign-up", &form).await;
        assert_eq!(page.status, 422, "without {missing}");
        assert!(page.html.contains(&format!("href=\"#{missing}\"")), "the summary leads to {missing}");
    }
    assert_eq!(site.letters("mira@example.test").await.len(), 0);
}

/// acc-16: a form that is shown again has what was typed, less the password.
#[tokio::test]
async fn a_form_that_is_shown_again_is_filled() {
    let site = Site::open().await;
    let mut form = least("mira at example");
    form.push(("address", "5 Example Lane\nSampletown"));
    let page = site.browser().send("/sign-up", &form).await;
    assert_eq!(page.status, 422);
    assert!(page.says("Write an e-mail address, such as name@example.test."));
    assert_eq!(page.value("given_name").as_deref(), Some("Mira"));
    assert_eq!(page.value("email").as_deref(), Some("mira at example"));
    assert_eq!(page.value("address").as_deref(), Some("5 Example Lane\nSampletown"));
    assert!(!page.html.contains(PASSWORD));
}
