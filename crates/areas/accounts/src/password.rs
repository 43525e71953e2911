//! Passwords: how they are judged, hashed and compared. Hashing runs outside of any transaction, on threads of its own,
//! and few at a time.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};
use rand_core::Rng;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters that are read; NIST SP 800-63B-4 asks for at least 64.
pub const LONGEST: usize = 256;
/// How many hashes may be computed at once: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;

/// Hashes and compares passwords.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// What an unknown address's password is compared with, so that the answer takes as long.
    nobody: Arc<str>,
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too few characters.
    #[error("Choose a password of at least {SHORTEST} characters. Several words are easy to remember.")]
    Short,
    /// Among those that are tried first, or made of the person's own name or address.
    #[error(
        "This password is among the first that are guessed. Choose one that is only yours, such as four random words."
    )]
    Common,
}

/// Hashing failed; there is nothing a person could do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

impl Passwords {
    /// Argon2id with 19 MiB, two passes, one lane: the OWASP minimum, about 40 ms on a small machine.
    ///
    /// # Errors
    /// The parameters do not work on this machine.
    pub fn standard() -> Result<Passwords, HashFailed> {
        Passwords::with(19 * 1024, 2)
    }

    /// Parameters so cheap that they protect nothing: for tests and the example's invented people only.
    ///
    /// # Errors
    /// The parameters do not work on this machine.
    pub fn cheap() -> Result<Passwords, HashFailed> {
        Passwords::with(8, 1)
    }

    fn with(kibibytes: u32, passes: u32) -> Result<Passwords, HashFailed> {
        let params = Params::new(kibibytes, passes, 1, None).map_err(|_| HashFailed)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon, "nobody has this password", &[0; 16])?;
        Ok(Passwords { argon, turns: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    /// Hashes a password with a random salt.
    ///
    /// # Errors
    /// Hashing failed.
    pub async fn hash(&self, password: Zeroizing<String>, rng: &mut impl Rng) -> Result<String, HashFailed> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let argon = self.argon.clone();
        self.in_turn(move || hash(&argon, &password, &salt)).await?
    }

    /// Whether a password matches a hash; without one it takes as long and says no.
    ///
    /// # Errors
    /// Comparing failed.
    pub async fn matches(
        &self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, HashFailed> {
        let argon = self.argon.clone();
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let equal = self
            .in_turn(move || {
                let hash = PasswordHash::new(&hash).map_err(|_| HashFailed)?;
                Ok(argon.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await??;
        Ok(equal && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashFailed> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| HashFailed)?;
        // The turn goes with the work: a browser that hangs up drops the request, but not the work on its thread.
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| HashFailed)
    }
}

fn hash(argon: &Argon2<'_>, password: &str, salt: &[u8]) -> Result<String, HashFailed> {
    Ok(argon.hash_password_with_salt(password.as_bytes(), salt).map_err(|_| HashFailed)?.to_string())
}

/// Judges a new password: long enough, not common, not made of what the person has just told us. No rules on which
/// characters it must have (NIST SP 800-63B-4 §3.1.1.2).
///
/// # Errors
/// What to do instead.
pub fn judge(password: &str, about: &[&str]) -> Result<(), Weak> {
    if password.chars().count() < SHORTEST {
        return Err(Weak::Short);
    }
    // Estimating looks at every part of the text; what is longer than this is strong or one thing repeated.
    let start: String = password.chars().take(64).collect();
    if zxcvbn(&start, about).score() < Score::Three {
        return Err(Weak::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_given_up_keeps_its_turn_until_its_work_is_done() {
        let passwords = Passwords::cheap().unwrap();
        let (begun, has_begun) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let request = tokio::spawn({
            let passwords = passwords.clone();
            async move {
                let work = move || {
                    begun.send(()).unwrap();
                    may_finish.recv().unwrap();
                };
                passwords.in_turn(work).await
            }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!(passwords.turns.available_permits(), AT_ONCE - 1);

        finish.send(()).unwrap();
        drop(passwords.turns.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused_and_strong_ones_taken() {
        assert_eq!(judge("short", &[]), Err(Weak::Short));
        for common in ["password1234", "qwertyuiop123", "123456789012", "aaaaaaaaaaaaaaaa", "iloveyou1234"] {
            assert_eq!(judge(common, &[]), Err(Weak::Common), "{common}");
        }
        assert_eq!(
            judge("zoe.winterbottom", &["zoe.winterbottom@example.test", "winterbottom", "zoe"]),
            Err(Weak::Common)
        );
        for strong in [
            "violet kettle march orbit",
            "ключ от тихого зимнего сада",
            "🦔 kettle 🛶 orbit march",
            "静かな冬の庭の鍵です本当に",
        ] {
            assert_eq!(judge(strong, &[]), Ok(()), "{strong}");
        }
        assert_eq!(judge(&"violet kettle march orbit ".repeat(10), &[]), Ok(()));
    }
}
