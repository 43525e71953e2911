//! Random identifiers of people and of keys.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use rand_core::CryptoRng;

/// Text that is not an identifier. The text itself is not repeated, as it may be anything.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an identifier: write 32 lower-case hexadecimal digits")]
pub struct BadId;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 128 random bits, written as 32 lower-case hexadecimal digits.
        #[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new identifier.
            pub fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> $name {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                $name(bytes)
            }

            /// The identifier with these bytes, as they were stored.
            pub const fn from_bytes(bytes: [u8; 16]) -> $name {
                $name(bytes)
            }

            /// The bytes to store.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<$name, BadId> {
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| BadId)?;
                bytes.try_into().map($name).map_err(|_| BadId)
            }
        }
    };
}

random_id! {
    /// A person whose data is held, or what stands for one (a visitor, a day's access log).
    SubjectId
}

random_id! {
    /// A data key of one subject and one kind.
    KeyId
}
