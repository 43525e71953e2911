//! One page with every part on it, in a template that lies outside the crate's own folder.

use askama::Template;
use axum::{body::Body, extract::FromRequest, http::Request};
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use kept_web::{
    Announcement, Frame, Reader, assets,
    form::{Fields, Need, Posted},
    parts::{Consequence, Mark, Sentence, Step, StepState},
};

use crate::support::{get_page, read, site};

#[derive(Template)]
#[template(path = "specimen.html", config = "tests/askama.toml")]
struct Specimen {
    frame: Frame,
    ends: Option<Date>,
    sentences: Vec<Sentence>,
    steps: Vec<Step>,
    stays: Vec<Consequence>,
    goes: Vec<Consequence>,
    fields: Fields,
}

#[tokio::test]
async fn every_part_is_on_one_page() {
    let response = kept_web::page(&specimen().await).unwrap();
    let page = read(response).await.body;
    save_for_looking(&page);

    // the layout
    assert_eq!(page.matches("<h1").count(), 1);
    assert!(page.contains(r#"<html lang="en">"#));
    assert!(page.contains(r##"<a class="skip" href="#main">"##));
    assert!(page.contains(r#"<a href="/account/data" aria-current="page">My data</a>"#));
    assert!(page.contains(r#"<form method="post" action="/sign-out">"#));
    assert!(page.contains(r#"<a href="/notice">Notice</a>, last revised"#));
    assert!(page.contains(r#"<time datetime="2026-12-01">1 December 2026</time>"#));
    assert!(page.contains(r#"<form method="post" action="/notice/seen">"#));
    assert!(page.contains(r#"<a href="/notice/changes">See what changes</a>"#));
    assert!(page.contains(r#"<a href="/demo">"#));
    assert!(page.contains(r#"<a href="mailto:privacy@trainers.example.test">"#));

    // a form shown again: what was typed is there, escaped, and the password is not
    assert!(page.contains(r#"value="not-an-address&#34;&#62;""#), "typed text is kept and escaped");
    assert!(!page.contains("correct horse"), "a password is never shown again");
    assert!(page.contains(r##"<a href="#email">This is not an e-mail address."##));
    assert!(page.contains(r#"id="email-error""#));
    assert!(page.contains(r#"aria-describedby="email-hint email-error""#));
    assert!(page.contains(r#"required aria-invalid="true""#));
    assert!(page.contains(r#"<span class="voluntary">(voluntary)</span>"#));

    // marks are words
    for mark in Mark::ALL {
        assert!(page.contains(&format!("</svg> {}</span>", mark.word())), "{}", mark.word());
    }
    assert!(page.contains(r#"aria-current="step""#));
    assert!(page.contains(r#"role="region" tabindex="0" aria-label="Requests, the soonest due first""#));
    assert!(page.contains("28 November 2026, 14:05 UTC"));

    // nothing from elsewhere, nothing inline
    for outside in ["http://", "https://", "<script", "<style", " style=", " on"] {
        let shown = page.replace("http://www.w3.org", "");
        let found = shown.match_indices(outside).find(|(at, _)| {
            outside != " on" || shown[*at..].split(['=', ' ', '>']).next().is_some_and(|w| w.ends_with('='))
        });
        assert!(found.is_none(), "{outside}");
    }
}

#[tokio::test]
async fn a_page_and_its_files_weigh_less_than_60_kilobytes() {
    let page = specimen().await.render().unwrap();
    let mut weight = page.len();
    for path in [assets::stylesheet_path(), assets::icon_path()] {
        weight += get_page(kept_web::assets_router(), path).await.body.len();
    }
    assert!(weight < 60_000, "{weight} bytes");
}

#[test]
fn a_visitor_is_offered_no_sign_out_and_sees_no_bar() {
    #[derive(Template)]
    #[template(
        source = r#"{% extends "layout.html" %}{% block main %}<h1>{{ frame.title }}</h1>{% endblock %}"#,
        ext = "html",
        config = "tests/askama.toml"
    )]
    struct Plain {
        frame: Frame,
    }
    let frame = site("http://kept.example.test").frame("Hello <you>", "/notice");
    let page = Plain { frame }.render().unwrap();
    assert!(page.contains("<h1>Hello &#60;you&#62;</h1>"));
    assert!(page.contains(r#"<a href="/notice" aria-current="page">"#));
    assert!(!site("http://kept.example.test").frame("", "/notice/kept").is_at("/notice"), "another page");
    assert!(page.contains("Sign in</a>"));
    for absent in ["Sign out", "/notice/seen", "/demo", "form_token"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

async fn specimen() -> Specimen {
    let mut frame = site("http://kept.example.test").frame("My data", "/account/data");
    frame.reader = Reader::Person;
    frame.form_token = "specimen".into();
    frame.demo =
        Some("This is an example site. Nobody in it exists, and it forgets everything when it stops.".into());
    frame.notice_changed = Some(Announcement {
        text: "The notice changes on 1 March 2027: we add one recipient for certificates.".into(),
        href: "/notice/changes".into(),
        link: "See what changes".into(),
    });
    Specimen {
        frame,
        ends: Some(date(2027, 1, 31)),
        sentences: sentences(),
        steps: vec![
            step(date(2026, 11, 3), "You asked for a copy of your data.", StepState::Done),
            step(date(2026, 11, 4), "We confirmed that it was you.", StepState::Done),
            step(
                date(2026, 11, 28),
                "Your copy is ready. You can fetch it until 5 December.",
                StepState::Current,
            ),
            step(date(2026, 12, 3), "We must have answered by this day.", StepState::Ahead),
        ],
        stays: vec![Consequence {
            what: "Your member id and credit record".into(),
            then: "stay, so that your credits count if you return. They no longer carry your name.".into(),
            law: Some("GDPR art. 6(1)(b), art. 17(3)(e)".into()),
        }],
        goes: vec![
            Consequence {
                what: "Your name, address and telephone number".into(),
                then: "are erased on 3 January 2027.".into(),
                law: None,
            },
            Consequence {
                what: "Your sign-in".into(),
                then: "ends at once, in every browser.".into(),
                law: None,
            },
        ],
        fields: fields().await,
    }
}

async fn fields() -> Fields {
    let body =
        "given_name=&email=not-an-address%22%3E&phone=%2B49+30+000000&password=correct+horse&public=yes";
    let request = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    let Posted(mut fields) = Posted::from_request(request, &()).await.unwrap();
    fields.text("given_name", "Given name", 80, Need::Required);
    fields.text("email", "E-mail address", 254, Need::Required);
    fields.refuse("email", "This is not an e-mail address. Write it like ada@mail.example.test.");
    fields.secret("password", "Password", 200);
    fields
}

fn sentences() -> Vec<Sentence> {
    [
        ("acc-12", "When your membership ends, we close your account. Six months later we erase your name, address and sign-in. Your member id and your credit record stay.", Mark::Kept, Some("412 people, the last on 28 November 2026")),
        ("acc-13", "We erase profiles that nobody has used for three years, and write to you a month before.", Mark::NotDue, Some("first due on 1 December 2029")),
        ("bin-2", "Paper files are shredded by our own staff.", Mark::Stated, Some("by the office manager on 2 October 2026")),
        ("acc-7", "We set one cookie, which ends with your browser.", Mark::Broken, Some("1 page since 27 November 2026")),
        ("ntc-9", "Certificates are printed by a recipient in Canada.", Mark::NotInForce, None),
    ]
    .map(|(clause, text, mark, counted)| Sentence {
        clause: clause.into(),
        text: text.into(),
        mark,
        counted: counted.map(Into::into),
        evidence: counted.map(|_| format!("/notice/kept#{clause}")),
    })
    .into()
}

impl Specimen {
    fn seen(&self) -> Timestamp {
        "2026-11-28T14:05:09Z".parse().unwrap()
    }
}

fn step(on: Date, what: &str, state: StepState) -> Step {
    Step { on, what: what.into(), state }
}

/// With KEPT_SPECIMEN set to a folder, the page and its stylesheet are written there, to be looked at.
fn save_for_looking(page: &str) {
    let Some(folder) = std::env::var_os("KEPT_SPECIMEN").map(std::path::PathBuf::from) else { return };
    let page = page.replace(assets::stylesheet_path(), "kept.css");
    std::fs::write(folder.join("specimen.html"), page).unwrap();
    std::fs::write(folder.join("kept.css"), include_str!("../../assets/kept.css")).unwrap();
}

#[test]
fn a_date_in_a_sentence_is_written_as_on_a_page() {
    assert_eq!(kept_web::parts::date_in_words(date(2027, 7, 1)), "1 July 2027");
}
