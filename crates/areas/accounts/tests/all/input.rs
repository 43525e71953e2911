//! What people, and others, type in.

use jiff::SignedDuration;
use kept_testkit::{Browser, PASSWORD, Site};

use crate::support::{least, look_up, sign_in};

/// The Big List of Naughty Strings (MIT licence, beside it).
const NAUGHTY: &str = include_str!("naughty.json");

/// The text fields of My account, with the most characters of each.
const FIELDS: [(&str, usize); 4] =
    [("given_name", 100), ("family_name", 100), ("address", 500), ("phone", 40)];

/// What a form makes of a text, and what a page then shows: lines end in `\n`, and the space around goes.
fn kept(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
}

fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

async fn member(site: &Site) -> Browser {
    site.member("ada@example.test").await;
    site.signed_in("ada@example.test").await
}

/// acc-3: what fits comes back as it was typed, byte for byte, and as text.
#[tokio::test]
async fn naughty_strings_come_back_as_they_were() {
    let site = Site::open().await;
    let mut ada = member(&site).await;
    let strings: Vec<String> = serde_json::from_str(NAUGHTY).unwrap();
    let own = [
        "O'Brien",
        "Zoë 🦔 Ōé",
        "שלום עולם",
        "مرحبا",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=y>",
        "&amp; & &#60;",
        "{{ 7 * 7 }}",
        "</textarea><b>",
        "first\r\nsecond\tthird",
        "x' OR '1'='1",
    ];
    let strings: Vec<&str> = strings.iter().map(String::as_str).chain(own).collect();
    assert!(strings.len() > 200);
    let token = ada.token("/account").await;
    let mut taken = 0;
    for string in strings {
        let typed = FIELDS.map(|(name, most)| (name, string.chars().take(most).collect::<String>()));
        let form: Vec<(&str, &str)> = typed.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let page = ada.post_with("/account", &token, &form).await;
        let fits = typed.iter().all(|(name, text)| {
            let text = kept(text);
            (*name == "address" || !text.contains(['\n', '\t']))
                && (!text.is_empty() || !name.ends_with("name"))
        });
        let expected = match (is_text(form[2].1), fits) {
            (false, _) => 400,
            (true, false) => 422,
            (true, true) => 303,
        };
        assert_eq!(page.status, expected, "{string:?}");
        if page.status == 303 {
            taken += 1;
            let page = ada.get("/account").await;
            for (name, text) in &typed {
                assert_eq!(page.value(name), Some(kept(text)), "{name} of {string:?}");
            }
            assert!(!page.html.contains("<script") && !page.html.contains("<img"), "{string:?}");
        }
    }
    assert!(taken > 400, "{taken} were taken");
}

/// No field of any form answers a naughty string with an error of ours, or gives it back as markup.
#[tokio::test]
async fn naughty_strings_break_no_form() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let strings: Vec<String> = serde_json::from_str(NAUGHTY).unwrap();
    for string in strings.iter().step_by(2) {
        let forms: [(&str, Vec<(&str, &str)>); 5] = [
            (
                "/sign-up",
                ["given_name", "family_name", "email", "address", "phone"]
                    .map(|f| (f, string.as_str()))
                    .to_vec(),
            ),
            ("/sign-in", vec![("email", string), ("password", string)]),
            ("/desk", vec![("email", string), ("reason", string)]),
            ("/desk", vec![("email", "sam@example.test"), ("reason", string)]),
            ("/desk/act", vec![("subject", string), ("do", string), ("reason", string)]),
        ];
        for (path, form) in forms {
            let mut visitor = site.browser();
            let page = match path {
                "/desk" | "/desk/act" => desk.submit("/desk", path, &form).await,
                _ => visitor.send(path, &form).await,
            };
            assert!(page.status.as_u16() < 500, "{path}: {string:?}");
            assert!(!page.html.contains("<script") && !page.html.contains("<img"), "{path}: {string:?}");
        }
    }
}

#[tokio::test]
async fn a_character_too_many_is_told_beside_its_field() {
    let site = Site::open().await;
    let mut ada = member(&site).await;
    for (field, most) in FIELDS {
        for (length, status) in [(most, 303), (most + 1, 422)] {
            // Characters are counted, not bytes.
            let long = "é".repeat(length);
            let mut form = vec![("given_name", "Ada"), ("family_name", "Testwell")];
            form.retain(|(name, _)| *name != field);
            form.push((field, &long));
            let page = ada.post("/account", "/account", &form).await;
            assert_eq!(page.status, status, "{field} of {length}");
            if status == 422 {
                assert!(page.says(&format!("can have at most {most} characters; it has {}.", most + 1)));
                assert_eq!(page.value(field).as_ref(), Some(&long), "what was typed is not lost");
            }
        }
    }
    let secret = site.staff("sam@example.test", "support").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    assert_eq!(look_up(&mut desk, "ada@example.test", &"é".repeat(300)).await.status, 200);
    assert_eq!(look_up(&mut desk, "ada@example.test", &"é".repeat(301)).await.status, 422);

    let mut form = least("mira@example.test");
    let long = "x7#q".repeat(64) + "x";
    form[3].1 = &long;
    let page = site.browser().send("/sign-up", &form).await;
    assert_eq!(page.status, 422);
    assert!(!page.html.contains(&long));
    let email = format!("{}@example.test", "a".repeat(65));
    assert_eq!(site.browser().send("/sign-up", &least(&email)).await.status, 422);
    let page = sign_in(&mut site.browser(), "ada@example.test", &"p".repeat(257)).await;
    assert_eq!(page.status, 422);
}

#[tokio::test]
async fn a_form_of_a_megabyte_is_too_much() {
    let site = Site::open().await;
    let mut ada = member(&site).await;
    let token = ada.token("/account").await;
    let big = "x".repeat(1 << 20);
    let page = ada.post_with("/account", &token, &[("given_name", &big)]).await;
    assert_eq!(page.status, 413);
    assert!(page.says("This is too long") && page.html.len() < 10_000);
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    let site = Site::open().await;
    let mut ada = member(&site).await;
    let token = ada.token("/account").await;
    for bytes in ["%FF%FE", "%C3%28", "a%00b", "a%1Bb", "a%7Fb", "%C2%85"] {
        let body = format!("form_token={token}&given_name={bytes}&family_name=Testwell");
        assert_eq!(ada.post_raw("/account", body).await.status, 400, "{bytes}");
    }
    let mut raw = format!("form_token={token}&given_name=").into_bytes();
    raw.extend([0xff, 0xfe]);
    assert_eq!(ada.post_raw("/account", raw).await.status, 400);
    assert!(ada.visit("/account").await.value("given_name").as_deref() == Some("Ada"));
    assert_eq!(ada.get("/confirm/%FF").await.status, 400);
}

/// A form counts only from a page of this site that was shown to this session, not too long ago.
#[tokio::test]
async fn a_form_needs_the_token_of_its_page() {
    let site = Site::open().await;
    let mut ada = member(&site).await;
    let own = ada.token("/account").await;
    let foreign = site.browser().token("/sign-in").await;
    let mut forged = own.clone().into_bytes();
    forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let form = [("given_name", "Eve"), ("family_name", "Evil")];
    for token in ["", "x", &foreign, &forged, &own[..20]] {
        let page = ada.post_with("/account", token, &form).await;
        assert_eq!(page.status, 403);
        assert!(
            page.says("This is not allowed") && page.says("Nothing has been changed."),
            "{}",
            page.text()
        );
    }
    assert_eq!(ada.visit("/account").await.value("given_name").as_deref(), Some("Ada"));

    // Somebody who has no session yet, and a page that was open too long.
    let signing = [("email", "ada@example.test"), ("password", PASSWORD)];
    assert_eq!(site.browser().post_with("/sign-in", &foreign, &signing).await.status, 403);
    let mut late = site.browser();
    let token = late.token("/sign-in").await;
    site.clock.forward(SignedDuration::from_mins(8 * 60 + 1));
    let page = late.post_with("/sign-in", &token, &signing).await;
    assert_eq!(page.status, 403);
    assert!(page.says("This page was open too long"), "{}", page.text());
}
