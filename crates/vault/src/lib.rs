//! Where personal data is made unreadable, and readable again.
//!
//! A subject's data of one [`Kind`] is sealed under a [`DataKey`] of its own, bound to its [`Place`]: it
//! opens nowhere else. Data keys are kept wrapped by the [`KeyRing`], whose master keys live in [`Epoch`]s.
//! Destroying a data key erases what it sealed; destroying an epoch erases every key that was not carried
//! into the next one, in every backup too.
//!
//! The crate knows no database, clock or network. The one thing it touches is the [`KeyFile`], the default
//! [`KeyCustody`]. Randomness is an argument.

mod cipher;
mod custody;
mod id;
mod kind;
mod mask;
mod ring;
mod ring_text;
mod seal;

pub use custody::{KeyCustody, KeyFile, KeyRingError};
pub use id::{BadId, KeyId, SubjectId};
pub use kind::Kind;
pub use mask::Mask;
pub use ring::{CurrentEpoch, Epoch, KeyRing, Wrapped};
pub use seal::{DataKey, Place, Source, SourceName, Unopened, open, seal};
