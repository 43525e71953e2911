//! Settings: what they mean, and what is said of those that are none.

use std::fmt::Write as _;

use kept::config::Config;

const GOOD: &str = r#"
notice = "notice.toml"
data = "data"
listen = "127.0.0.1:8080"
base = "https://members.example.test"
proxies = ["127.0.0.1", "10.0.0.0/24"]
database = "postgresql://kept:hush-hush@localhost/kept"
"#;

fn problems(source: &str) -> String {
    let mut text = String::new();
    for problem in Config::parse(source).unwrap_err() {
        writeln!(text, "kept.toml:{problem}").unwrap();
    }
    text
}

#[test]
fn settings_are_read_and_the_databases_address_is_shown_nowhere() {
    let config = Config::parse(GOOD).unwrap();
    assert_eq!(config.listen.port(), 8080);
    assert_eq!(config.base.origin(), "https://members.example.test");
    assert_eq!(config.proxies.len(), 2);
    assert_eq!(config.database.as_ref().unwrap().reveal(), "postgresql://kept:hush-hush@localhost/kept");
    assert!(!format!("{config:?}").contains("hush"), "{config:?}");
}

#[test]
fn every_problem_has_its_place_and_what_to_do() {
    insta::assert_snapshot!(problems("notise = \"notice.toml\"\nlisten = 8080\nbase = \"members.example.test\"\nproxies = [\"proxy\", 7]\n"), @r#"
    kept.toml:1:1: the settings have no "data"
      help: write data = "data"
    kept.toml:1:1: unknown key "notise"
      help: did you mean "notice"?
    kept.toml:2:10: listen must be a text
      help: write it in quotes
    kept.toml:3:8: the base URL must start with https:// or http://
      help: write base = "https://members.example.test"
    kept.toml:4:12: "proxy" is no address of a proxy
      help: write "192.0.2.7" for one or "192.0.2.0/24" for a network
    kept.toml:4:21: each of the proxies must be a text
      help: write it in quotes
    "#);
    insta::assert_snapshot!(problems("listen = \n"), @r#"kept.toml:1:10: string values must be quoted, expected literal string"#);
    // What stands in a line that is no TOML may be a password.
    let torn = GOOD.replace("database = \"postgresql", "database = postgresql");
    assert!(!problems(&torn).contains("hush"), "{}", problems(&torn));
}

#[test]
fn passwords_do_not_cross_a_network_in_the_clear() {
    let open = GOOD.replace("127.0.0.1:8080", "0.0.0.0:8080");
    assert!(Config::parse(&open).is_ok(), "for the proxies");
    let no_proxy = |settings: &str| settings.replace("proxies =", "# proxies =");
    insta::assert_snapshot!(problems(&no_proxy(&open)), @r#"
    kept.toml:4:10: this would serve plain http to the network
      help: listen on 127.0.0.1, or name the proxies in front that speak https: proxies = ["10.0.0.2"]
    kept.toml:5:8: a proxy in front speaks https, and none is named: all its visitors would count as one
      help: name it: proxies = ["127.0.0.1"]
    "#);
    insta::assert_snapshot!(problems(&GOOD.replace("https://", "http://")), @r#"
    kept.toml:5:8: people would send their passwords over plain http
      help: put a proxy that speaks https in front, and write its https:// address
    "#);
    for here in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        let here = no_proxy(GOOD).replace("https://members.example.test", here);
        assert!(Config::parse(&here).is_ok(), "{here}");
    }
}
