//! Where a request comes from, with and without proxies in front.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, routing::get};
use kept_web::{Client, Network, NotANetwork, ShellConfig, shell};

use crate::support::{config, send};

const PROXIES: [&str; 3] = ["127.0.0.1", "10.0.0.0/8", "2001:db8:aa::/48"];

/// The place that a site behind [`PROXIES`] sees.
async fn seen(peer: &str, headers: &[(&str, &str)]) -> String {
    let proxies: Vec<Network> = PROXIES.iter().map(|proxy| proxy.parse().unwrap()).collect();
    let routes = Router::new().route("/", get(async |client: Client| client.place()));
    let app = shell(routes, ShellConfig { proxies, ..config("https://kept.example.test") });
    let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
    let mut request = Request::get("/").extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(app, request.body(Body::empty()).unwrap()).await.body
}

#[tokio::test]
async fn who_is_no_proxy_speaks_for_nobody_else() {
    let said = [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=198.51.100.9")];
    assert_eq!(seen("192.0.2.1", &said).await, "192.0.2.1");
    assert_eq!(seen("::ffff:192.0.2.1", &said).await, "192.0.2.1");
}

#[tokio::test]
async fn behind_proxies_it_is_the_last_address_that_is_none_of_theirs() {
    for (header, list, client) in [
        ("x-forwarded-for", "198.51.100.9", "198.51.100.9"),
        ("x-forwarded-for", "203.0.113.5, 198.51.100.9 , 10.1.2.3", "198.51.100.9"),
        ("x-forwarded-for", "198.51.100.9:4711", "198.51.100.9"),
        ("x-forwarded-for", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::"),
        ("x-forwarded-for", "2001:db8:1:2:3::4, 2001:db8:aa::1", "2001:db8:1:2::"),
        ("forwarded", "for=203.0.113.5, For=\"198.51.100.9:4711\";proto=https", "198.51.100.9"),
        ("forwarded", "proto=https;for=\"[2001:db8:1:2:3::4]\";by=10.0.0.1, for=10.9.9.9", "2001:db8:1:2::"),
        // A quote that a visitor left open ends where the proxy's own words begin.
        ("forwarded", "for=\"203.0.113.5, for=198.51.100.9", "198.51.100.9"),
        // What is no address is nobody: the last proxy stands for whoever it was.
        ("x-forwarded-for", "198.51.100.9, unknown", "127.0.0.1"),
        ("forwarded", "for=198.51.100.9, for=_hidden, for=10.0.0.7", "10.0.0.7"),
        ("forwarded", "proto=https", "127.0.0.1"),
        ("x-forwarded-for", "", "127.0.0.1"),
        ("x-forwarded-for", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
    ] {
        assert_eq!(seen("127.0.0.1", &[(header, list)]).await, client, "{header}: {list}");
    }
    assert_eq!(seen("127.0.0.1", &[]).await, "127.0.0.1");
    let lines = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "198.51.100.9")];
    assert_eq!(seen("127.0.0.1", &lines).await, "198.51.100.9");
}

/// A proxy writes one of the headers, and lets through what a visitor wrote in the other.
#[tokio::test]
async fn two_headers_that_disagree_are_not_believed() {
    let one = [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=203.0.113.5")];
    assert_eq!(seen("127.0.0.1", &one).await, "127.0.0.1");
    let same = [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=198.51.100.9")];
    assert_eq!(seen("127.0.0.1", &same).await, "198.51.100.9");
}

#[test]
fn a_network_is_an_address_or_a_prefix() {
    for wrong in ["", "localhost", "10.0.0.0/33", "10.0.0", "192.0.2.1:80"] {
        assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong}");
    }
}
