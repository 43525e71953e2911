//! Recovery codes: for the day on which the phone with the second factor is gone. Shown once, each good for once.

use kept_keeper::{Act, KeeperError};
use kept_vault::SubjectId;

use crate::{
    messages,
    records::{RecoveryCodes, SecondFactorCheck},
    typed_code::{self, digest, plain},
};

/// How many there are.
const COUNT: usize = 10;
/// How many random bytes each has: 80 bits, 16 letters and digits.
const BYTES: usize = 10;
/// How many characters each has.
const CHARS: usize = 16;

/// Makes new ones in the place of any there are. Each is four groups of four: `K3QX-…`.
pub(crate) fn make(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<Vec<String>, KeeperError> {
    let codes: Vec<String> = (0..COUNT).map(|_| typed_code::random::<BYTES>(&mut act.ctx.rng)).collect();
    keep(act, subject, codes.iter().map(|code| digest(code)).collect())?;
    Ok(codes.iter().map(|code| typed_code::grouped(code, 4)).collect())
}

/// Takes them all back.
pub(crate) fn drop_all(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    keep(act, subject, Vec::new())
}

/// Whether what was typed may be a recovery code, and not a code of the app.
pub(crate) fn looks_like(typed: &str) -> bool {
    plain(typed).len() == CHARS
}

/// Whether it is one of the person's; a right one cannot be used again, and a letter says that it was used.
pub(crate) fn spend(act: &mut Act<'_, '_>, subject: SubjectId, typed: &str) -> Result<bool, KeeperError> {
    let known = act.view::<SecondFactorCheck>(subject, None)?;
    let used = digest(typed);
    let left: Vec<String> = known.digests.iter().filter(|digest| **digest != used).cloned().collect();
    if !known.confirmed || left.len() == known.digests.len() {
        return Ok(false);
    }
    let text = format!(
        "Somebody signed in as you with one of your recovery codes; {} are left. If this was not you, change your \
         password at once, and make new codes on the page “Your second factor”.",
        left.len()
    );
    keep(act, subject, left)?;
    messages::write(act, subject, "recovery-code", "A recovery code was used", &text)?;
    Ok(true)
}

fn keep(act: &mut Act<'_, '_>, subject: SubjectId, digests: Vec<String>) -> Result<(), KeeperError> {
    act.put(subject, &RecoveryCodes { digests: Some(digests).filter(|left| !left.is_empty()) })
}
