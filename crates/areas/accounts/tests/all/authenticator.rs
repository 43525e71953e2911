//! A device that makes passkeys and answers with them, with the browser around it: as much of W3C Web Authentication, level
//! 3, as a site sees, and everything about it can be made wrong.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// §6.1: flags of authenticator data.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const NEW: u8 = 0x40;

/// A passkey on a device. Copying it is what a thief of the device's inside would do.
#[derive(Clone)]
pub(crate) struct Authenticator {
    /// What it signs with.
    pub(crate) key: SigningKey,
    /// The credential id.
    pub(crate) id: Vec<u8>,
    /// The site whose the browser says it shows.
    pub(crate) origin: String,
    /// The site for which the passkey was made.
    pub(crate) site: String,
    /// Whether it makes sure of the person.
    pub(crate) verifies: bool,
    /// How often it has been used; 0 stays 0, as with passkeys that are on several devices.
    pub(crate) used: u32,
    /// Whose it is, as the site said.
    pub(crate) handle: Vec<u8>,
}

impl Authenticator {
    /// One that has no passkey yet. Two of one number are the same.
    pub(crate) fn new(number: u8) -> Authenticator {
        Authenticator {
            key: SigningKey::from_slice(&[number; 32]).unwrap(),
            id: vec![number; 24],
            origin: "https://trainers.example.test".into(),
            site: "trainers.example.test".into(),
            verifies: true,
            used: 1,
            handle: Vec::new(),
        }
    }

    /// §7.1: makes its passkey, and says what the browser sends.
    pub(crate) fn make(&mut self, question: &str) -> String {
        let question: Json = serde_json::from_str(question).unwrap();
        self.handle = BASE64URL_NOPAD.decode(text(&question["user"]["id"]).as_bytes()).unwrap();
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut data = self.data(NEW);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend_from_slice(&self.id);
        // RFC 9053 §7.1.1 in CTAP2's canonical CBOR: EC2, ES256, P-256, x, y.
        data.extend_from_slice(&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        data.extend_from_slice(point.x().unwrap());
        data.extend_from_slice(&[0x22, 0x58, 32]);
        data.extend_from_slice(point.y().unwrap());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend_from_slice(&data);
        let client = self.client("webauthn.create", &question);
        self.sent(&json!({
            "clientDataJSON": base64(client.as_bytes()), "attestationObject": base64(&object), "transports": ["internal"],
        }))
    }

    /// §7.2: answers a question, and says what the browser sends.
    pub(crate) fn answer(&mut self, question: &str) -> String {
        let question: Json = serde_json::from_str(question).unwrap();
        if self.used > 0 {
            self.used += 1;
        }
        let (data, client) = (self.data(0), self.client("webauthn.get", &question));
        let signed = [data.as_slice(), Sha256::digest(&client).as_slice()].concat();
        let signature: Signature = self.key.sign(&signed);
        self.sent(&json!({
            "clientDataJSON": base64(client.as_bytes()), "authenticatorData": base64(&data),
            "signature": base64(signature.to_der().as_bytes()), "userHandle": base64(&self.handle),
        }))
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let flags = PRESENT | more | if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.site).to_vec();
        data.push(flags);
        data.extend_from_slice(&self.used.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, question: &Json) -> String {
        let (challenge, origin) = (text(&question["challenge"]), &self.origin);
        format!(
            "{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"{origin}\",\"crossOrigin\":false}}"
        )
    }

    fn sent(&self, response: &Json) -> String {
        let id = base64(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        })
        .to_string()
    }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
