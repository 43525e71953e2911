//! The cookies of a session and of a remembered device.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use kept_web::{
    BaseUrl,
    session::{self, DeviceId, SessionId},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

#[test]
fn the_cookie_ends_with_the_browser_and_is_out_of_reach() {
    let session = SessionId::random(&mut ChaCha20Rng::seed_from_u64(1));
    let plain = session.set_cookie(&http());
    let (value, attributes) = plain.to_str().unwrap().split_once("; ").unwrap();
    assert_eq!(value.len(), "kept_session=".len() + 43);
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
    assert!(plain.is_sensitive());

    let secure = session.set_cookie(&https());
    let secure = secure.to_str().unwrap();
    assert!(secure.starts_with("__Host-kept_session="));
    assert!(
        secure.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"),
        "{}",
        secure.split_once(';').unwrap().1
    );
}

#[test]
fn what_was_set_is_read_again() {
    for base in [http(), https()] {
        let session = SessionId::random(&mut ChaCha20Rng::seed_from_u64(1));
        let set = session.set_cookie(&base);
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let read = SessionId::read(&cookies(&format!("other=1; {pair}; more=2")), &base).unwrap();
        assert_eq!(read.digest(), session.digest());
    }
}

#[test]
fn what_is_not_a_session_is_none() {
    let session = SessionId::random(&mut ChaCha20Rng::seed_from_u64(1));
    let set = session.set_cookie(&http());
    let pair = set.to_str().unwrap().split(';').next().unwrap();
    assert_eq!(SessionId::read(&HeaderMap::new(), &http()), None);
    assert_eq!(SessionId::read(&cookies(pair), &https()), None, "over https only the __Host- cookie counts");
    for broken in
        ["kept_session=", "kept_session=AAAA", "kept_session=!", "=", "kept_session", &format!("{pair}A")]
    {
        assert_eq!(SessionId::read(&cookies(broken), &http()), None, "{broken}");
    }
}

#[test]
fn leaving_takes_the_cookie_out_of_the_browser() {
    let removal = session::removal(&https());
    let removal = removal.to_str().unwrap();
    assert_eq!(removal, "__Host-kept_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
}

/// acc-6, acc-8: a second cookie with nothing in it but another random id, for as long as the notice says.
#[test]
fn a_device_is_known_by_a_cookie_of_its_own() {
    let device = DeviceId::random(&mut ChaCha20Rng::seed_from_u64(1));
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    for (base, name) in [(http(), "kept_device"), (https(), "__Host-kept_device")] {
        let set = device.set_cookie(&base, month);
        let (pair, attributes) = set.to_str().unwrap().split_once("; ").unwrap();
        assert_eq!(pair.len(), name.len() + 1 + 43);
        assert!(pair.starts_with(name));
        assert!(
            attributes.starts_with("HttpOnly; SameSite=Lax;") && attributes.ends_with("; Max-Age=2592000")
        );
        assert!(set.is_sensitive());

        assert_eq!(DeviceId::read(&cookies(pair), &base).unwrap().digest(), device.digest());
        assert_eq!(SessionId::read(&cookies(pair), &base), None, "a device is no session");
        let removal = session::device_removal(&base);
        assert!(removal.to_str().unwrap().starts_with(&format!("{name}=; ")));
        assert!(removal.to_str().unwrap().ends_with("; Max-Age=0"));
    }
    assert_eq!(format!("{device:?}"), "DeviceId(hidden)");
}

#[test]
fn sessions_differ_and_are_not_shown() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (one, other) = (SessionId::random(&mut rng), SessionId::random(&mut rng));
    assert_ne!(one.digest(), other.digest());
    assert_eq!(format!("{one:?}"), "SessionId(hidden)");
}

fn cookies(text: &str) -> HeaderMap {
    [(header::COOKIE, HeaderValue::from_str(text).unwrap())].into_iter().collect()
}

fn http() -> BaseUrl {
    "http://kept.example.test".parse().unwrap()
}

fn https() -> BaseUrl {
    "https://kept.example.test".parse().unwrap()
}
