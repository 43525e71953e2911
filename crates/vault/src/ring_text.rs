//! The key ring as text.
//!
//! ```text
//! kept key ring 1
//! epoch 4 <64 hexadecimal digits>
//! epoch 5 <64 hexadecimal digits>
//! blind <64 hexadecimal digits>
//! site <64 hexadecimal digits>
//! checksum <64 hexadecimal digits: the SHA-256 of every byte above>
//! ```
//!
//! The last epoch is the current one. The checksum does not guard against forgery (who can write the file
//! can write the checksum): it tells a cut or damaged file from a whole one.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cipher::Secret;
use crate::{Epoch, KeyRing};

const HEADER: &str = "kept key ring 1\n";
const CHECKSUM: &str = "checksum ";

/// Why a text is not a key ring.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum TextError {
    /// It does not begin as one.
    NotAKeyRing,
    /// It begins as one and stops early.
    Truncated,
    /// This line, counted from 1, is not what was written; if it is the checksum's, one above is not.
    Damaged(usize),
}

/// Writes the ring.
pub(crate) fn write(ring: &KeyRing) -> Zeroizing<String> {
    let current = (&ring.current.0, &ring.current.1);
    let epochs: Vec<_> = ring.earlier.iter().chain([current]).collect();
    // Roomy enough never to be moved, which would leave a copy of the keys behind.
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + (epochs.len() + 3) * 96));
    text.push_str(HEADER);
    for (epoch, master) in epochs {
        push_line(&mut text, &format!("epoch {epoch} "), master.as_slice());
    }
    push_line(&mut text, "blind ", ring.blind.as_slice());
    push_line(&mut text, "site ", ring.site.as_slice());
    let checksum = Sha256::digest(text.as_bytes());
    push_line(&mut text, CHECKSUM, &checksum);
    text
}

fn push_line(text: &mut String, label: &str, bytes: &[u8]) {
    text.push_str(label);
    HEXLOWER.encode_append(bytes, text);
    text.push('\n');
}

/// Reads what [`write`] wrote.
pub(crate) fn read(text: &[u8]) -> Result<KeyRing, TextError> {
    if !text.starts_with(HEADER.as_bytes()) {
        let begins = HEADER.as_bytes().starts_with(text);
        return Err(if begins { TextError::Truncated } else { TextError::NotAKeyRing });
    }
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let Some((&last, above)) = lines.split_last() else { return Err(TextError::Truncated) };
    let checksum = last.strip_prefix(CHECKSUM.as_bytes()).and_then(|hex| hex.strip_suffix(b"\n"));
    let Some(checksum) = checksum else { return Err(TextError::Truncated) };

    let ring = read_keys(above)?;
    let written = above.iter().fold(Sha256::new(), |hash, line| hash.chain_update(line)).finalize();
    if HEXLOWER.encode(&written).as_bytes() != checksum {
        return Err(TextError::Damaged(lines.len()));
    }
    Ok(ring)
}

/// Reads the lines between the header and the checksum.
fn read_keys(lines: &[&[u8]]) -> Result<KeyRing, TextError> {
    let end = TextError::Damaged(lines.len() + 1);
    let mut lines = (1..).zip(lines.iter().copied()).skip(1).peekable();

    let mut earlier: BTreeMap<Epoch, Secret> = BTreeMap::new();
    while let Some((number, line)) = lines.next_if(|(_, line)| line.starts_with(b"epoch ")) {
        let damaged = TextError::Damaged(number);
        let (epoch, master) = epoch_line(line).ok_or(damaged)?;
        if earlier.last_key_value().is_some_and(|(before, _)| *before >= epoch) {
            return Err(damaged);
        }
        earlier.insert(epoch, master);
    }
    let mut labelled = |label: &str| {
        let (number, line) = lines.next().ok_or(end)?;
        line.strip_prefix(label.as_bytes()).and_then(secret).ok_or(TextError::Damaged(number))
    };
    let (blind, site) = (labelled("blind ")?, labelled("site ")?);
    if let Some((number, _)) = lines.next() {
        return Err(TextError::Damaged(number));
    }
    let current = earlier.pop_last().ok_or(TextError::Damaged(2))?;
    Ok(KeyRing { current, earlier, blind, site })
}

fn epoch_line(line: &[u8]) -> Option<(Epoch, Secret)> {
    let line = line.strip_prefix(b"epoch ")?;
    let space = line.iter().position(|&byte| byte == b' ')?;
    let (number, rest) = line.split_at_checked(space)?;
    let epoch = str::from_utf8(number).ok()?.parse().ok()?;
    Some((Epoch(epoch), secret(rest.strip_prefix(b" ")?)?))
}

/// Reads 64 hexadecimal digits and the end of the line.
fn secret(hex: &[u8]) -> Option<Secret> {
    let hex = hex.strip_suffix(b"\n").filter(|hex| hex.len() == 64)?;
    let mut secret = Secret::default();
    HEXLOWER.decode_mut(hex, secret.as_mut_slice()).ok()?;
    Some(secret)
}
