//! Kinds of personal data.

use std::fmt;

/// A kind of personal data that this software can hold, named by its term.
///
/// `pd:` terms are those of the W3C Data Privacy Vocabulary 2.3, personal data extension
/// (<https://w3id.org/dpv/pd>); `kept:` terms are our own. The term is written into every seal, so a kind
/// is never renamed: data sealed under the old term would no longer open.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Kind(&'static str);

impl Kind {
    /// What a person is called.
    pub const NAME: Kind = Kind("pd:Name");
    /// An electronic mail address.
    pub const EMAIL_ADDRESS: Kind = Kind("pd:EmailAddress");
    /// A postal address.
    pub const PHYSICAL_ADDRESS: Kind = Kind("pd:PhysicalAddress");
    /// A telephone number.
    pub const TELEPHONE_NUMBER: Kind = Kind("pd:TelephoneNumber");
    /// A number or name given to a person to tell them apart, such as a member id.
    pub const IDENTIFIER: Kind = Kind("pd:Identifier");
    /// A password, held only as its hash.
    pub const PASSWORD: Kind = Kind("pd:Password");
    /// Other means of signing in: one-time codes, second factors, recovery codes.
    pub const AUTHENTICATING: Kind = Kind("pd:Authenticating");
    /// When and from where a person signed in, or failed to.
    pub const AUTHENTICATION_HISTORY: Kind = Kind("pd:AuthenticationHistory");
    /// Training taken and the credits earned by it.
    pub const PROFESSIONAL_TRAINING: Kind = Kind("pd:ProfessionalTraining");
    /// Certificates and licences held.
    pub const PROFESSIONAL_CERTIFICATION: Kind = Kind("pd:ProfessionalCertification");
    /// A number that an authority gave a person, such as that of a licence.
    pub const OFFICIAL_ID: Kind = Kind("pd:OfficialID");
    /// Documents that a person has handed in, such as a licence.
    pub const PERSONAL_DOCUMENTS: Kind = Kind("pd:PersonalDocuments");
    /// What tells a machine apart, such as the id of an installation.
    pub const DEVICE_BASED: Kind = Kind("pd:DeviceBased");
    /// What was bought, when, and for how much.
    pub const PURCHASE: Kind = Kind("pd:Purchase");
    /// An address in the Internet Protocol.
    pub const IP_ADDRESS: Kind = Kind("pd:IPAddress");
    /// The text of an electronic mail.
    pub const EMAIL_CONTENT: Kind = Kind("pd:EmailContent");
    /// The text of a conversation that is not an electronic mail.
    pub const COMMUNICATION: Kind = Kind("pd:Communication");
    /// The record of who did what with a person's data.
    pub const TRAIL: Kind = Kind("kept:Trail");
    /// The dates of a membership.
    pub const MEMBERSHIP: Kind = Kind("kept:Membership");
    /// The state of an account, since when, and the roles that somebody has.
    pub const ACCOUNT: Kind = Kind("kept:Account");

    /// Every kind, in no meaningful order.
    pub const ALL: &[Kind] = &[
        Kind::NAME,
        Kind::EMAIL_ADDRESS,
        Kind::PHYSICAL_ADDRESS,
        Kind::TELEPHONE_NUMBER,
        Kind::IDENTIFIER,
        Kind::PASSWORD,
        Kind::AUTHENTICATING,
        Kind::AUTHENTICATION_HISTORY,
        Kind::PROFESSIONAL_TRAINING,
        Kind::PROFESSIONAL_CERTIFICATION,
        Kind::OFFICIAL_ID,
        Kind::PERSONAL_DOCUMENTS,
        Kind::DEVICE_BASED,
        Kind::PURCHASE,
        Kind::IP_ADDRESS,
        Kind::EMAIL_CONTENT,
        Kind::COMMUNICATION,
        Kind::TRAIL,
        Kind::MEMBERSHIP,
        Kind::ACCOUNT,
    ];

    /// The term, with its prefix: `pd:EmailAddress`.
    pub fn term(self) -> &'static str {
        self.0
    }

    /// The kind with this very term, if there is one.
    pub fn parse(term: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.0 == term)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
