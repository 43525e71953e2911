//! Where a request comes from on the network: the other end of the connection or, behind proxies of one's own, the
//! address that they saw.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::FORWARDED, request::Parts},
};
use ipnet::IpNet;

/// Some addresses: one (`192.0.2.7`), or all that begin alike (`192.0.2.0/24`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let one = text.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| text.parse()).map(Network).map_err(|_| NotANetwork)
    }
}

/// The text names no addresses.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no address and no network, such as 192.0.2.0/24")]
pub struct NotANetwork;

/// Who is at the other end, for throttles; as an extractor always there, and unknown where the shell does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// The client of a request that came from `peer`.
    ///
    /// Proxies append to `Forwarded` (RFC 7239) or `X-Forwarded-For` whom they saw, so each list is read from its end
    /// for as long as it is `proxies` who speak; what is further left anybody may have written. A proxy knows one of
    /// the two headers and lets the other through, so where both are there and disagree, neither is believed.
    pub(crate) fn behind(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        let is_proxy = |address: &IpAddr| proxies.iter().any(|proxy| proxy.contains(*address));
        let forwarded = elements(headers, FORWARDED.as_str()).map(|element| element.and_then(for_of));
        let x_forwarded_for = elements(headers, "x-forwarded-for").map(|element| element.and_then(address));
        let first = last_but(peer, is_proxy, forwarded);
        let second = last_but(peer, is_proxy, x_forwarded_for);
        Client(Some(match (headers.contains_key(FORWARDED), headers.contains_key("x-forwarded-for")) {
            (true, true) if first != second => peer,
            (true, _) => first,
            (false, _) => second,
        }))
    }

    /// The place on the network, for counting: an address, or of IPv6 the network that one customer gets.
    #[must_use]
    pub fn place(&self) -> String {
        match self.0 {
            Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
            Some(address) => address.to_string(),
            None => String::new(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Client, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Client(None)))
    }
}

/// The last address of which no proxy speaks, reading from the end: one that is no proxy's, or the last proxy's before
/// something that is no address.
fn last_but(
    peer: IpAddr,
    is_proxy: impl Fn(&IpAddr) -> bool,
    mut elements: impl DoubleEndedIterator<Item = Option<IpAddr>>,
) -> IpAddr {
    let mut nearest = peer;
    while is_proxy(&nearest) {
        match elements.next_back().flatten() {
            Some(next) => nearest = next,
            None => break,
        }
    }
    nearest
}

/// The elements of a list in all headers of this name; one that is no text is there as nothing.
fn elements<'h>(headers: &'h HeaderMap, name: &'h str) -> impl DoubleEndedIterator<Item = Option<&'h str>> {
    headers.get_all(name).iter().flat_map(|value| match value.to_str() {
        Ok(list) => list.split(',').map(Some).collect::<Vec<_>>(),
        Err(_) => vec![None],
    })
}

/// The address in an element of `Forwarded`: `proto=https;for="[2001:db8::1]:4711"`.
fn for_of(element: &str) -> Option<IpAddr> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| address(value.trim().trim_matches('"')))?
    };
    element.split(';').find_map(pair)
}

/// An address as proxies write it, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    found.ok().map(|address: IpAddr| address.to_canonical())
}
