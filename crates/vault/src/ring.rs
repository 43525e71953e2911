//! The key ring: everything a site must keep secret, in one value.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXLOWER;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cipher::{self, Secret};
use crate::{DataKey, KeyId, Kind, SubjectId, Unopened};

// Each names the list of fields it opens, and its version.
const KEY: &[u8] = b"kept/vault/key/1";
const BLIND: &[u8] = b"kept/vault/blind/1";
const DERIVE: &[u8] = b"kept/vault/derive/1";
const FINGERPRINT: &[u8] = b"kept/vault/fingerprint/1";

/// The number of a master key, counted from 1. A number is never given twice.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Epoch(pub u32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A data key as it is stored: sealed by the master key of an epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrapped {
    /// The epoch whose master key opens it.
    pub epoch: Epoch,
    /// Nonce, ciphertext and tag: 72 bytes.
    pub bytes: Vec<u8>,
}

/// The current epoch was to be destroyed.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("epoch {epoch} is the current one: rotate and wrap every live key again before destroying it")]
pub struct CurrentEpoch {
    /// The epoch asked for.
    pub epoch: Epoch,
}

/// The master keys of the live epochs, the blind-index key and the site secret.
///
/// Whoever holds it and the data can read everything, so it is kept apart from the data and its backups.
/// All of it is wiped from memory when it is dropped.
pub struct KeyRing {
    pub(crate) current: (Epoch, Secret),
    /// Epochs before the current one that are not destroyed yet.
    pub(crate) earlier: BTreeMap<Epoch, Secret>,
    pub(crate) blind: Secret,
    pub(crate) site: Secret,
}

impl KeyRing {
    /// A new ring for a new site, in epoch 1.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> KeyRing {
        KeyRing {
            current: (Epoch(1), cipher::random_secret(rng)),
            earlier: BTreeMap::new(),
            blind: cipher::random_secret(rng),
            site: cipher::random_secret(rng),
        }
    }

    /// The epoch that keys are wrapped in now.
    pub fn epoch(&self) -> Epoch {
        self.current.0
    }

    /// Wraps a data key in the current epoch. It unwraps as the key `key` of this subject and kind only.
    pub fn wrap<R: CryptoRng + ?Sized>(
        &self,
        subject: SubjectId,
        key: KeyId,
        kind: Kind,
        data: &DataKey,
        rng: &mut R,
    ) -> Wrapped {
        let (epoch, master) = &self.current;
        let bytes = cipher::encrypt(master, &key_context(subject, key, kind, *epoch), data.0.as_slice(), rng);
        Wrapped { epoch: *epoch, bytes }
    }

    /// Unwraps a data key of any live epoch.
    ///
    /// # Errors
    ///
    /// [`Unopened::NoEpoch`] if the master key is not there, which for a destroyed epoch is what was
    /// promised; [`Unopened::Refused`] if it is another subject's, another kind's or another key, or was
    /// changed.
    pub fn unwrap(
        &self,
        subject: SubjectId,
        key: KeyId,
        kind: Kind,
        wrapped: &Wrapped,
    ) -> Result<DataKey, Unopened> {
        let epoch = wrapped.epoch;
        let master = self.master(epoch).ok_or(Unopened::NoEpoch { epoch })?;
        let plain = cipher::decrypt(master, &key_context(subject, key, kind, epoch), &wrapped.bytes)
            .ok_or(Unopened::Refused)?;
        let bytes: &[u8; 32] = plain.as_slice().try_into().map_err(|_| Unopened::Refused)?;
        Ok(DataKey(Zeroizing::new(*bytes)))
    }

    /// The digest to look `value` up by in the blind index `index`: equal values give equal digests, and
    /// without the ring nobody can tell or try which value a digest stands for.
    ///
    /// The value is taken as it is: whoever calls brings it to its one form first (the case of an address).
    pub fn blind(&self, index: &str, value: &[u8]) -> [u8; 32] {
        cipher::mac(self.blind.as_slice(), &cipher::fields(&[BLIND, index.as_bytes(), value]))
    }

    /// A secret for one purpose, such as signing checkpoints. The same for ever; nothing about one
    /// purpose's secret tells another's.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        cipher::derive(self.site.as_slice(), &cipher::fields(&[DERIVE, purpose.as_bytes()]))
    }

    /// A public name of the ring, 16 hexadecimal digits, the same in every epoch. Stored beside the data,
    /// it tells that a well-formed ring is the one of another site.
    pub fn fingerprint(&self) -> String {
        let id = cipher::derive(self.site.as_slice(), &cipher::fields(&[FINGERPRINT]));
        HEXLOWER.encode(&id.first_chunk::<8>().copied().unwrap_or_default())
    }

    /// Opens the next epoch, in which keys are wrapped from now on. The one before stays until it is
    /// [destroyed](KeyRing::destroy), so that its keys can be wrapped again.
    pub fn rotate<R: CryptoRng + ?Sized>(&mut self, rng: &mut R) -> Epoch {
        let next = Epoch(self.current.0.0 + 1);
        let (epoch, master) = std::mem::replace(&mut self.current, (next, cipher::random_secret(rng)));
        self.earlier.insert(epoch, master);
        next
    }

    /// Forgets the master key of an earlier epoch, and with it every key still wrapped in it. Destroying an
    /// epoch that is not there does nothing, so that it can be done again after a crash.
    ///
    /// It takes effect once the ring is [saved](crate::KeyCustody::save).
    ///
    /// # Errors
    ///
    /// [`CurrentEpoch`] if it is the current one: everything would be lost.
    pub fn destroy(&mut self, epoch: Epoch) -> Result<(), CurrentEpoch> {
        if epoch == self.current.0 {
            return Err(CurrentEpoch { epoch });
        }
        self.earlier.remove(&epoch);
        Ok(())
    }

    fn master(&self, epoch: Epoch) -> Option<&Secret> {
        if epoch == self.current.0 { Some(&self.current.1) } else { self.earlier.get(&epoch) }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} in epoch {})", self.fingerprint(), self.epoch())
    }
}

fn key_context(subject: SubjectId, key: KeyId, kind: Kind, epoch: Epoch) -> Vec<u8> {
    cipher::fields(&[KEY, subject.as_bytes(), key.as_bytes(), kind.term().as_bytes(), &epoch.0.to_be_bytes()])
}
