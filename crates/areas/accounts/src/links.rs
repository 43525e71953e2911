//! Links in letters: each works once and until a moment. The letter has the token; the database has its digest.

use data_encoding::BASE64URL_NOPAD;
use jiff::{Span, Timestamp};
use kept_keeper::{Act, KeeperError, time::to_millis};
use kept_notice::due;
use kept_store::{Read, params};
use kept_vault::SubjectId;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// Choosing a new password.
    Recovery,
    /// Confirming one more address.
    Address,
}

impl Leads {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Leads::Recovery => "recovery",
            Leads::Address => "address",
        }
    }
}

/// Makes a link's token. An older link of the same person to the same thing stops working.
pub(crate) fn make(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    leads: Leads,
    lasts: Span,
) -> Result<String, KeeperError> {
    revoke(act, subject, leads)?;
    let (token, digest) = token(&mut act.ctx.rng);
    let ends = due(act.ctx.now, &lasts).map_err(|_| KeeperError::Calendar)?;
    act.tx().execute(
        "INSERT INTO links (digest, subject, leads, ends) VALUES ($1, $2, $3, $4)",
        &params![digest, subject.as_bytes(), leads.word(), to_millis(ends)],
    )?;
    Ok(token)
}

/// Whose a link is, while it works.
pub(crate) fn find(
    read: &Read<'_>,
    token: &str,
    leads: Leads,
    now: Timestamp,
) -> Result<Option<SubjectId>, KeeperError> {
    let Some(digest) = parse(token) else { return Ok(None) };
    let row = read.query_opt(
        "SELECT subject FROM links WHERE digest = $1 AND leads = $2 AND ends > $3",
        &params![digest, leads.word(), to_millis(now)],
    )?;
    Ok(row.map(|row| row.get(0)).transpose()?.map(SubjectId::from_bytes))
}

/// Takes back a person's links to something.
pub(crate) fn revoke(act: &Act<'_, '_>, subject: SubjectId, leads: Leads) -> Result<(), KeeperError> {
    act.tx().execute(
        "DELETE FROM links WHERE subject = $1 AND leads = $2",
        &params![subject.as_bytes(), leads.word()],
    )?;
    Ok(())
}

/// A token, as the letter has it, and its digest.
pub(crate) fn token(rng: &mut impl CryptoRng) -> (String, [u8; 32]) {
    let mut token = [0; 32];
    rng.fill_bytes(&mut token);
    (BASE64URL_NOPAD.encode(&token), Sha256::digest(token).into())
}

/// The digest of a token as it stands in an address; nothing if it was never one of ours.
pub(crate) fn parse(token: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?.try_into().ok()?;
    Some(Sha256::digest(bytes).into())
}
