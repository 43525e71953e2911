//! The addresses that the layout links to, so that pages and links cannot drift apart.

/// The front page.
pub const HOME: &str = "/";
/// The notice, for people to read (`ntc-1`).
pub const NOTICE: &str = "/notice";
/// What the notice said before, and what it is to say (`ntc-1`, `ntc-3`).
pub const VERSIONS: &str = "/notice/versions";
/// POST: the reader has seen that the notice changed (`ntc-4`).
pub const NOTICE_SEEN: &str = "/notice/seen";
/// How the notice is kept: the public board of promises with their evidence.
pub const KEPT: &str = "/notice/kept";
/// Who sees what, why, and in what form.
pub const USES: &str = "/notice/uses";
/// What a filled example site is, and how to sign in to it.
pub const DEMO: &str = "/demo";
/// Registering.
pub const SIGN_UP: &str = "/sign-up";
/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// POST: signing out.
pub const SIGN_OUT: &str = "/sign-out";
/// The signed-in person's account.
pub const ACCOUNT: &str = "/account";
/// What is held about the signed-in person.
pub const MY_DATA: &str = "/account/data";
/// The desk of the staff.
pub const DESK: &str = "/desk";
/// GET: 200 and `ok` while the server answers.
pub const HEALTH: &str = "/healthz";

/// Whether anybody reads this page, and its address may be passed on: it never carries a session (`acc-5`).
#[must_use]
pub fn is_public(path: &str) -> bool {
    let under =
        |start: &&str| path.strip_prefix(*start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    [HOME, "/robots.txt"].contains(&path)
        || [NOTICE, DEMO, HEALTH, "/assets", "/.well-known"].iter().any(under)
}

/// Whether this is an address of this site, and nothing else: `//` would be another host, browsers take a backslash for a
/// slash, and leave out line breaks.
#[must_use]
pub fn is_own(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    address.starts_with('/') && !address.starts_with("//") && address.chars().all(plain)
}
