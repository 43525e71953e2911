//! Form tokens.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use kept_web::{
    Problem,
    session::SessionId,
    token::{LIFETIME, TokenError, TokenKey},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

#[test]
fn a_token_is_good_for_its_session_until_it_is_stale() {
    let key = TokenKey::new(&[7; 32]);
    let (session, _) = sessions();
    let token = key.issue(&session, at(0));
    assert_eq!(key.check(Some(&token), &session, at(0)), Ok(()));
    assert_eq!(key.check(Some(&token), &session, at(0) + LIFETIME), Ok(()));
    let late = at(0) + LIFETIME + SignedDuration::from_mins(1);
    assert_eq!(key.check(Some(&token), &session, late), Err(TokenError::Stale));
    assert_eq!(key.check(Some(&token), &session, at(-61)), Err(TokenError::Stale), "from the future");
}

#[test]
fn a_missing_foreign_or_forged_token_is_not_ours() {
    let key = TokenKey::new(&[7; 32]);
    let (session, stranger) = sessions();
    let token = key.issue(&session, at(0));
    let refused = Err(TokenError::NotOurs);
    assert_eq!(key.check(None, &session, at(0)), refused);
    assert_eq!(key.check(Some(""), &session, at(0)), refused);
    assert_eq!(key.check(Some("not base64!"), &session, at(0)), refused);
    assert_eq!(key.check(Some(&token), &stranger, at(0)), refused, "another session's");
    assert_eq!(TokenKey::new(&[8; 32]).check(Some(&token), &session, at(0)), refused, "another site's");
    assert_eq!(key.check(Some(&token[..20]), &session, at(0)), refused, "cut short");
    assert_eq!(key.check(Some(&format!("{token}AAAA")), &session, at(0)), refused, "made longer");
}

#[test]
fn no_single_character_of_a_token_can_be_changed() {
    let key = TokenKey::new(&[7; 32]);
    let (session, _) = sessions();
    let token = key.issue(&session, at(0));
    for place in 0..token.len() {
        let other = if &token[place..=place] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &token[..place], &token[place + 1..]);
        assert_eq!(key.check(Some(&forged), &session, at(0)), Err(TokenError::NotOurs), "character {place}");
    }
}

#[test]
fn both_refusals_are_403_and_the_stale_one_says_what_to_do() {
    let problem = Problem::from(TokenError::NotOurs);
    assert_eq!(problem.status(), StatusCode::FORBIDDEN);
    let problem = Problem::from(TokenError::Stale);
    assert_eq!(problem.status(), StatusCode::FORBIDDEN);
    let said = format!("{problem:?}");
    assert!(
        said.contains("This page was open too long")
            && said.contains("Go back, reload the page, and try again.")
    );
}

#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", TokenKey::new(&[7; 32])), "TokenKey(hidden)");
}

fn sessions() -> (SessionId, SessionId) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    (SessionId::random(&mut rng), SessionId::random(&mut rng))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}
