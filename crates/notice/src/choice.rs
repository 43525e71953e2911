//! What a notice chooses from: closed sets of words, each with what it stands for.

use std::fmt;

/// The legal basis of a purpose (GDPR art. 6(1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// `contract`: art. 6(1)(b).
    Contract,
    /// `legal obligation`: art. 6(1)(c).
    LegalObligation,
    /// `vital interest`: art. 6(1)(d).
    VitalInterest,
    /// `public interest`: art. 6(1)(e).
    PublicInterest,
    /// `legitimate interest`: art. 6(1)(f).
    LegitimateInterest,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 5] = [
        Self::Contract,
        Self::LegalObligation,
        Self::VitalInterest,
        Self::PublicInterest,
        Self::LegitimateInterest,
    ];

    /// The word used in a notice.
    pub fn word(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::LegalObligation => "legal obligation",
            Self::VitalInterest => "vital interest",
            Self::PublicInterest => "public interest",
            Self::LegitimateInterest => "legitimate interest",
        }
    }

    /// The DPV term.
    pub fn term(self) -> &'static str {
        match self {
            Self::Contract => "dpv:Contract",
            Self::LegalObligation => "dpv:LegalObligation",
            Self::VitalInterest => "dpv:VitalInterest",
            Self::PublicInterest => "dpv:PublicInterest",
            Self::LegitimateInterest => "dpv:LegitimateInterest",
        }
    }
}

/// How much of a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// `whole`
    Whole,
    /// `last 4`: the last four characters.
    LastFour,
    /// `initial`: the first letter.
    Initial,
    /// `domain`: what follows the @ of an address.
    Domain,
    /// `only whether it is there`
    Presence,
}

impl Shown {
    /// Every form, the widest first.
    pub const ALL: [Self; 5] = [Self::Whole, Self::LastFour, Self::Initial, Self::Domain, Self::Presence];

    /// The words used in a notice and in a view.
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::LastFour => "last 4",
            Self::Initial => "initial",
            Self::Domain => "domain",
            Self::Presence => "only whether it is there",
        }
    }

    /// The form with these words.
    pub fn find(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.words() == words)
    }

    /// Whether who may see this form may also see the other: the whole covers every mask, and every form shows
    /// whether there is a value at all.
    pub fn covers(self, other: Self) -> bool {
        self == other || self == Self::Whole || other == Self::Presence
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A right this version of Kept can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `access`: GDPR art. 15; PIPEDA 4.9.
    Access,
    /// `rectify`: GDPR art. 16; PIPEDA 4.9.5.
    Rectify,
    /// `erase`: GDPR art. 17; PIPEDA 4.5.3.
    Erase,
    /// `recover`: a way in for who has forgotten the password or the name to sign in with (`acc-9`).
    Recover,
    /// `return`: to have what is kept of an earlier membership joined to a new account (`acc-12`).
    Return,
    /// `renew`: a password, at any time, and at once if somebody else may know it (`acc-10`).
    Renew,
}

impl Right {
    /// Every right that can be run.
    pub const ALL: [Self; 6] =
        [Self::Access, Self::Rectify, Self::Erase, Self::Recover, Self::Return, Self::Renew];

    /// The key in `[right]`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rectify => "rectify",
            Self::Erase => "erase",
            Self::Recover => "recover",
            Self::Return => "return",
            Self::Renew => "renew",
        }
    }
}

/// What the pages remind people of, where they sign in and where they choose a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// `to sign out`
    SignOut,
    /// `of shared computers`
    SharedComputers,
    /// `of good passwords`
    GoodPasswords,
}

impl Reminder {
    /// Every reminder.
    pub const ALL: [Self; 3] = [Self::SignOut, Self::SharedComputers, Self::GoodPasswords];

    /// The words used in a notice and in its sentence, after "remind you".
    pub fn words(self) -> &'static str {
        match self {
            Self::SignOut => "to sign out",
            Self::SharedComputers => "of shared computers",
            Self::GoodPasswords => "of good passwords",
        }
    }
}

/// What never happens: a closed set, each proven by the code in its own way. It beats everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {
    /// `track`: nobody else follows people on these pages.
    Track,
    /// `store-in-clear`: nothing that identifies a person is stored unencrypted.
    StoreInClear,
    /// `send-in-clear`: nothing travels between a person and this site unencrypted.
    SendInClear,
    /// `collect-elsewhere`: nothing comes from anybody but the person and the sources that the notice names.
    CollectElsewhere,
    /// `ask-readers`: nobody has to say who they are to read the public pages (`acc-17`).
    AskReaders,
}

impl Never {
    /// Everything that can be promised never to happen.
    pub const ALL: [Self; 5] =
        [Self::Track, Self::StoreInClear, Self::SendInClear, Self::CollectElsewhere, Self::AskReaders];

    /// The key in `[never]`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::StoreInClear => "store-in-clear",
            Self::SendInClear => "send-in-clear",
            Self::CollectElsewhere => "collect-elsewhere",
            Self::AskReaders => "ask-readers",
        }
    }
}
