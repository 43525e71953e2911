//! The site as what Web Authentication calls a relying party: the questions that it asks of passkeys, and whether an
//! answer is right (W3C Web Authentication, level 3, §7). Pure but for the question's random bytes and the moment at which
//! the library itself gives it up, both of which `webauthn_rp` takes from the machine.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use kept_keeper::KeeperError;
use kept_web::BaseUrl;
use sha2::{Digest, Sha256};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
    bin::{Decode, Encode},
    request::{
        AsciiDomain, PublicKeyCredentialDescriptor, RpId,
        auth::AuthenticationVerificationOptions,
        register::{
            CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle, Username,
        },
    },
    response::{
        AuthTransports, CredentialId, SentChallenge,
        auth::error::AuthCeremonyErr,
        register::{CompressedPubKey, DynamicState, StaticState},
    },
};

use crate::records::Passkey;

/// How many bytes the name has by which a passkey knows whose it is.
pub(crate) const HANDLE: usize = 32;

type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// A site whose address lets it have passkeys.
pub(crate) struct RelyingParty {
    id: RpId,
    origin: String,
}

/// A question to a passkey.
pub(crate) struct Question {
    /// SHA-256 of its challenge: by this the answer is matched to it.
    pub(crate) digest: [u8; 32],
    /// What judging the answer needs.
    pub(crate) state: Vec<u8>,
    /// What the browser is asked, as its script hands it on (JSON).
    pub(crate) options: String,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Not an answer, or not to a question that waits.
    #[error("the passkey's answer answers no question")]
    NoAnswer,
    /// Wrong site, person, question or signature, or nobody was verified.
    #[error("the passkey's answer is not right")]
    Wrong,
    /// The passkey counts its uses, and has counted fewer than before: there may be two of it.
    #[error("the passkey has counted backwards")]
    CountedBack,
}

/// What a browser sends when it has made a passkey.
pub(crate) struct Made(Registration);

/// What a browser sends when a passkey has answered.
pub(crate) struct Answer(DiscoverableAuthentication<HANDLE>);

impl RelyingParty {
    /// The site at this address; nothing where browsers give it no passkeys.
    pub(crate) fn at(base: &BaseUrl) -> Option<RelyingParty> {
        let domain = AsciiDomain::try_from(base.passkey_domain()?.to_owned()).ok()?;
        Some(RelyingParty { id: RpId::Domain(domain), origin: base.origin().to_owned() })
    }

    /// Asks for a new passkey: one that finds its account by itself and makes sure of the person who uses it. `name` is
    /// what the person's own device lists it under.
    pub(crate) fn ask_for_new(
        &self,
        handle: [u8; HANDLE],
        name: &str,
        known: &[Passkey],
    ) -> Result<Question, KeeperError> {
        let Ok(handle) = UserHandle::decode(handle);
        let name = Username::try_from(name).or_else(|_| Username::try_from("account"));
        let user = PublicKeyCredentialUserEntity {
            name: name.map_err(|_| malformed())?,
            id: &handle,
            display_name: None,
        };
        let known = known.iter().map(Passkey::descriptor).collect::<Result<_, _>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.id, user, known);
        // Browsers refuse every device that does not know this extension; here the person is verified at each sign-in anyhow.
        options.extensions.cred_protect = CredProtect::None;
        let (state, asked) = options.start_ceremony().map_err(|_| malformed())?;
        let options = json(&asked)?;
        let state = state.encode().map_err(|_| malformed())?;
        Ok(Question { digest: digest(Of::New, asked.options().challenge.as_data()), state, options })
    }

    /// Asks whichever passkey of this site the browser has.
    pub(crate) fn ask(&self) -> Result<Question, KeeperError> {
        let (state, asked) = DiscoverableCredentialRequestOptions::passkey(&self.id)
            .start_ceremony()
            .map_err(|_| malformed())?;
        let options = json(&asked)?;
        let state = state.encode().map_err(|_| malformed())?;
        Ok(Question { digest: digest(Of::SignIn, asked.options().0.challenge.as_data()), state, options })
    }

    /// The new passkey, if it answers the question.
    pub(crate) fn take(
        &self,
        state: &[u8],
        made: &Made,
        name: String,
        now: Timestamp,
    ) -> Result<Passkey, Refused> {
        let asked = RegistrationServerState::<HANDLE>::decode(state).map_err(|_| Refused::NoAnswer)?;
        let origins = [self.origin.as_str()];
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &origins,
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let credential = asked.verify(&self.id, &made.0, &options).map_err(|_| Refused::Wrong)?;
        let (Ok(key), Ok(state)) = (credential.static_state().encode(), credential.dynamic_state().encode());
        let Ok(transports) = credential.transports().encode();
        Ok(Passkey {
            id: BASE64URL_NOPAD.encode(credential.id().as_ref()),
            name,
            added: now,
            used: None,
            key: BASE64URL_NOPAD.encode(&key),
            state: BASE64URL_NOPAD.encode(&state),
            transports,
        })
    }

    /// The passkey as it is after an answer of its own to the question; `handle` is its owner's.
    pub(crate) fn judge(
        &self,
        state: &[u8],
        answer: &Answer,
        passkey: &Passkey,
        handle: [u8; HANDLE],
        now: Timestamp,
    ) -> Result<Passkey, Refused> {
        let asked = DiscoverableAuthenticationServerState::decode(state).map_err(|_| Refused::NoAnswer)?;
        let Ok(handle) = UserHandle::decode(handle);
        let (key, before) = passkey.opened().ok_or(Refused::Wrong)?;
        let mut credential = AuthenticatedCredential::new(answer.0.raw_id(), &handle, key, before)
            .map_err(|_| Refused::Wrong)?;
        let origins = [self.origin.as_str()];
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &origins,
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        asked.verify(&self.id, &answer.0, &mut credential, &options).map_err(|cause| match cause {
            AuthCeremonyErr::SignatureCounter => Refused::CountedBack,
            _ => Refused::Wrong,
        })?;
        let Ok(after) = credential.dynamic_state().encode();
        Ok(Passkey { state: BASE64URL_NOPAD.encode(&after), used: Some(now), ..passkey.clone() })
    }
}

impl Made {
    /// Reads what the page's script sent.
    pub(crate) fn read(sent: &str) -> Result<Made, Refused> {
        Registration::from_json_relaxed(sent.as_bytes()).map(Made).map_err(|_| Refused::NoAnswer)
    }

    /// Of which question this is the answer, as it says.
    pub(crate) fn answers(&self) -> Result<[u8; 32], Refused> {
        let SentChallenge(challenge) = self.0.challenge_relaxed().map_err(|_| Refused::NoAnswer)?;
        Ok(digest(Of::New, challenge))
    }
}

impl Answer {
    /// Reads what the page's script sent.
    pub(crate) fn read(sent: &str) -> Result<Answer, Refused> {
        DiscoverableAuthentication::from_json_relaxed(sent.as_bytes())
            .map(Answer)
            .map_err(|_| Refused::NoAnswer)
    }

    /// Of which question this is the answer, as it says.
    pub(crate) fn answers(&self) -> Result<[u8; 32], Refused> {
        let SentChallenge(challenge) = self.0.challenge_relaxed().map_err(|_| Refused::NoAnswer)?;
        Ok(digest(Of::SignIn, challenge))
    }

    /// The id of the passkey, as it says.
    pub(crate) fn id(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.raw_id().as_ref())
    }
}

impl Passkey {
    fn descriptor(&self) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>, KeeperError> {
        let id = BASE64URL_NOPAD.decode(self.id.as_bytes()).map_err(|_| malformed())?;
        Ok(PublicKeyCredentialDescriptor {
            id: CredentialId::<Vec<u8>>::decode(id).map_err(|_| malformed())?,
            transports: AuthTransports::decode(self.transports).map_err(|_| malformed())?,
        })
    }

    fn opened(&self) -> Option<(StaticState<PublicKey>, DynamicState)> {
        let key = BASE64URL_NOPAD.decode(self.key.as_bytes()).ok()?;
        let state: [u8; 7] = BASE64URL_NOPAD.decode(self.state.as_bytes()).ok()?.try_into().ok()?;
        Some((StaticState::decode(&key).ok()?, DynamicState::decode(state).ok()?))
    }
}

/// What a question is for: the answer to one is none to another.
#[derive(Clone, Copy)]
enum Of {
    New,
    SignIn,
}

fn digest(of: Of, challenge: u128) -> [u8; 32] {
    let of: &[u8] = match of {
        Of::New => b"new passkey",
        Of::SignIn => b"sign in",
    };
    Sha256::new().chain_update(of).chain_update(challenge.to_le_bytes()).finalize().into()
}

fn json(options: &impl serde::Serialize) -> Result<String, KeeperError> {
    serde_json::to_string(options).map_err(|_| malformed())
}

fn malformed() -> KeeperError {
    KeeperError::Malformed("a passkey or a question to one")
}
