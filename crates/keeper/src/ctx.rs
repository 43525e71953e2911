//! Who acts, when, under which notice: the argument that every act and look takes.

use std::sync::Arc;

use jiff::Timestamp;
use kept_vault::SubjectId;
use rand_chacha::ChaCha20Rng;

use crate::policy::Policy;

/// Where the present moment comes from. The binary reads the machine; tests and the demo move it by hand.
pub trait TimeSource: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has not signed in.
    Visitor,
    /// A person, acting on their own data.
    Person(SubjectId),
    /// A member of staff in one of the notice's roles.
    Staff {
        /// The staff member, a subject too.
        subject: SubjectId,
        /// The role of the notice under which they act.
        role: &'static str,
    },
    /// The server itself: clocks, mail, sign-in.
    System,
}

impl Actor {
    /// How the ledger names the actor; a staff member by role and random id.
    pub(crate) fn label(&self) -> String {
        match self {
            Actor::Visitor => "visitor".into(),
            Actor::Person(_) => "person".into(),
            Actor::Staff { role, subject } => format!("{role}:{subject}"),
            Actor::System => "system".into(),
        }
    }
}

/// The circumstances of one act. Time and randomness are arguments: nothing below reads the machine.
pub struct Ctx {
    /// Who acts.
    pub actor: Actor,
    /// The moment of the act; it does not move while the act runs.
    pub now: Timestamp,
    /// The policy this request began with, and keeps for as long as it lasts.
    pub policy: Arc<Policy>,
    /// Randomness for ids, keys and nonces.
    pub rng: ChaCha20Rng,
    /// Whose data the act is about, as far as is known before: see [`Ctx::about`].
    pub(crate) about: Option<SubjectId>,
}

impl Ctx {
    /// Says whose data the act is about, so that it is read together with what others need who act at the same time. It
    /// changes nothing but the time that this takes. An act by a person is about them unless something else is said.
    #[must_use]
    pub fn about(self, subject: SubjectId) -> Ctx {
        Ctx { about: Some(subject), ..self }
    }
}
