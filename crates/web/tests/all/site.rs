//! Base URLs.

use kept_web::{BaseUrl, BaseUrlError};

#[test]
fn a_base_url_is_read_as_an_origin() {
    for (text, origin, https) in [
        ("https://Members.Example.test", "https://members.example.test", true),
        ("https://members.example.test:443/", "https://members.example.test", true),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", false),
        ("http://[::1]:80", "http://[::1]", false),
    ] {
        let base: BaseUrl = text.parse().unwrap();
        assert_eq!((base.origin(), base.is_https()), (origin, https), "{text}");
    }
    let base: BaseUrl = "https://members.example.test/".parse().unwrap();
    assert_eq!(base.join("/notice"), "https://members.example.test/notice");
}

#[test]
fn only_this_machine_is_loopback() {
    let local = |text: &str| text.parse::<BaseUrl>().unwrap().is_loopback();
    for text in ["http://127.0.0.1:8080", "http://127.1.2.3", "http://[::1]:80", "http://localhost"] {
        assert!(local(text), "{text}");
    }
    for text in ["http://192.0.2.7", "https://localhost.example.test", "http://[2001:db8::1]:80"] {
        assert!(!local(text), "{text}");
    }
}

/// W3C Web Authentication, level 3, §5.1.2: the name is a domain, and the page came safely.
#[test]
fn passkeys_are_for_a_name_that_is_reached_safely() {
    let domain = |text: &str| text.parse::<BaseUrl>().unwrap().passkey_domain().map(str::to_owned);
    for (text, name) in [
        ("https://Members.Example.test:8443", Some("members.example.test")),
        ("http://localhost:8080", Some("localhost")),
        ("http://members.example.test", None),
        ("http://127.0.0.1:8080", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
    ] {
        assert_eq!(domain(text).as_deref(), name, "{text}");
    }
}

#[test]
fn what_is_more_or_less_than_an_origin_is_refused() {
    for (text, error) in [
        ("", BaseUrlError::NotAnAddress),
        ("members.example.test", BaseUrlError::Scheme),
        ("ftp://members.example.test", BaseUrlError::Scheme),
        ("https://members.example.test/app", BaseUrlError::More),
        ("https://members.example.test/?a", BaseUrlError::More),
        ("https://members.example.test/#a", BaseUrlError::More),
        ("https://a:b@members.example.test", BaseUrlError::More),
    ] {
        assert_eq!(text.parse::<BaseUrl>(), Err(error), "{text}");
    }
}
