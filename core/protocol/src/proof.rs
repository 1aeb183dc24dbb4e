//! Keys, signatures, and the exact bytes that are signed. P-256 with SHA-256 (ES256): what phones hold in hardware.
//!
//! A signature proves which key signed which bytes; it does not prove that what the bytes say is true.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{self, SigningKey, VerifyingKey};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch, TenantId};
use waymark_domain::time::UnixMs;

use crate::jws;
use crate::receipt::{HEAD_TYP, HeadStatement};

/// A P-256 public key: SEC 1 compressed, base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(String);

/// A public key made ready: decoding one costs as much as a verification. ring verifies three times as fast as the crate that signs.
#[derive(Debug, Clone)]
pub struct ReadyKey(UnparsedPublicKey<Vec<u8>>);

/// An ES256 signature: r and s, 64 bytes, base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signature(String);

/// The key store could not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the device's key cannot be used: {0}")]
pub struct SignError(pub String);

/// Signs with a key that never leaves its store: a file here, Keystore or Secure Enclave on phones.
pub trait Signer: Send + Sync {
    /// The key's public half.
    fn public_key(&self) -> PublicKey;

    /// Signs `message`.
    ///
    /// # Errors
    /// [`SignError`] when the key store refuses.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

impl PublicKey {
    /// A key as it came over the wire or from a file; checked when it is used.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as a point in SEC 1 compressed form; `None` when the text is none.
    #[must_use]
    pub fn to_bytes(&self) -> Option<[u8; 33]> {
        let bytes = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok()?;
        bytes.try_into().ok()
    }

    /// The key with its point worked out, for many signatures.
    #[must_use]
    pub fn ready(&self) -> ReadyKey {
        let sec1 = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok();
        let key = sec1.and_then(|sec1| VerifyingKey::from_sec1_bytes(&sec1).ok());
        // a text that is no key has signed nothing: no bytes are no point
        let point = key.map(|key| key.to_sec1_point(false).as_bytes().to_vec());
        ReadyKey(UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            point.unwrap_or_default(),
        ))
    }

    /// Whether the text is a key, and written as this crate writes it: one key, one text.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let sec1 = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok();
        let key = sec1.and_then(|sec1| VerifyingKey::from_sec1_bytes(&sec1).ok());
        key.is_some_and(|key| BASE64URL_NOPAD.encode(key.to_sec1_point(true).as_bytes()) == self.0)
    }

    /// Whether `signature` is this key's over `message`. A key or a signature that does not read is no proof.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = BASE64URL_NOPAD.decode(signature.0.as_bytes());
        signature.is_ok_and(|signature| self.ready().verifies(message, &signature))
    }
}

impl ReadyKey {
    /// Whether `signature`, r and s of 32 bytes each, is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(message, signature).is_ok()
    }
}

impl Signature {
    /// A signature from r and s, 32 bytes each; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let signature = ecdsa::Signature::from_slice(bytes).ok()?;
        Some(Self(BASE64URL_NOPAD.encode(&signature.to_bytes())))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// r and s, 32 bytes each; `None` when the text is no signature.
    #[must_use]
    pub fn to_bytes(&self) -> Option<[u8; 64]> {
        let bytes = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok()?;
        bytes.try_into().ok()
    }

    /// The same signature with the lower of the two values that s may have, see [`crate::jws`]; `None` when it is none.
    #[must_use]
    pub fn lowered(&self) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(self.0.as_bytes()).ok()?;
        let signature = ecdsa::Signature::from_slice(&bytes).ok()?;
        let low = signature.normalize_s();
        Some(Self(BASE64URL_NOPAD.encode(&low.to_bytes())))
    }
}

/// A key in memory: for the command line, the server and tests.
pub struct SoftwareSigner {
    key: SigningKey,
}

impl SoftwareSigner {
    /// The key of 32 secret bytes; `None` for the few values that are no P-256 scalar (zero, or not below the group's order).
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(|key| Self { key })
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({})", self.public_key().as_str())
    }
}

impl Signer for SoftwareSigner {
    fn public_key(&self) -> PublicKey {
        PublicKey(BASE64URL_NOPAD.encode(self.key.verifying_key().to_sec1_point(true).as_bytes()))
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature: ecdsa::Signature = self
            .key
            .try_sign(message)
            .map_err(|error| SignError(error.to_string()))?;
        Ok(Signature(
            BASE64URL_NOPAD.encode(&signature.normalize_s().to_bytes()),
        ))
    }
}

// Each payload begins with a line of its own, so that a signature for one purpose is none for another.

/// What a server signs to say what time it is.
#[must_use]
pub fn time_payload(echo: &str, server_ms: UnixMs, epoch: Epoch) -> Vec<u8> {
    format!("waymark time 1\n{echo}\n{server_ms}\n{epoch}").into_bytes()
}

/// What a device signs to enrol.
#[must_use]
pub fn enrol_payload(code: &str, key: &PublicKey) -> Vec<u8> {
    format!(
        "waymark enrol 1\n{}\n{}",
        Hash::of(code.as_bytes()),
        key.as_str()
    )
    .into_bytes()
}

/// What a device signs to get a token.
#[must_use]
pub fn token_payload(tenant: TenantId, device: DeviceId, challenge: &str) -> Vec<u8> {
    format!("waymark token 1\n{tenant}\n{device}\n{challenge}").into_bytes()
}

/// What a device signs with each exchange: the signing input of [`head_jws`].
#[must_use]
pub fn head_payload(statement: &HeadStatement) -> Vec<u8> {
    jws::signing_input(HEAD_TYP, &statement.payload())
}

/// A device's statement of its head as a compact JWS, from the signature over [`head_payload`].
#[must_use]
pub fn head_jws(statement: &HeadStatement, signature: &Signature) -> String {
    jws::assemble(HEAD_TYP, &statement.payload(), signature)
}

/// What the company signs for a device's key, so that photos which the device marks can be verified with the company's key alone. In bytes, since a code on a
/// picture has no room for more: the line, the id's 16 bytes, the key's 33. `None` when the key is none.
#[must_use]
pub fn photo_key_payload(device: DeviceId, key: &PublicKey) -> Option<Vec<u8>> {
    let mut payload = b"waymark photo key 1\n".to_vec();
    payload.extend(device.as_uuid().as_bytes());
    payload.extend(key.to_bytes()?);
    Some(payload)
}

/// HMAC-SHA-256, for the server's own tickets.
#[must_use]
pub fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    use hmac::{KeyInit as _, Mac as _};
    // a key of any length is accepted: the error type is uninhabited in practice
    hmac::Hmac::<sha2::Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(message);
        mac.finalize().into_bytes().into()
    })
}

/// Compares without telling by its time where two tickets differ.
#[must_use]
pub fn mac_matches(key: &[u8; 32], message: &[u8], given: &[u8]) -> bool {
    use hmac::{KeyInit as _, Mac as _};
    hmac::Hmac::<sha2::Sha256>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(given).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_proves_its_message_and_no_other() {
        let signer = SoftwareSigner::from_secret(&[7; 32]).unwrap();
        let signature = signer.sign(b"here").unwrap();
        assert!(signer.public_key().verifies(b"here", &signature));
        assert!(!signer.public_key().verifies(b"there", &signature));
        let other = SoftwareSigner::from_secret(&[8; 32]).unwrap();
        assert!(!other.public_key().verifies(b"here", &signature));
        assert!(!PublicKey::from_text("rubbish".to_owned()).verifies(b"here", &signature));
    }

    #[test]
    fn zero_is_not_a_key() {
        assert!(SoftwareSigner::from_secret(&[0; 32]).is_none());
        assert!(SoftwareSigner::from_secret(&[0xff; 32]).is_none());
    }

    #[test]
    fn the_mac_is_the_one_of_rfc_4231() {
        // test case 2 uses a four-byte key; with HMAC, a key padded with zeros to any length up to the block is the same key
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = mac(&key, b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(data_encoding::HEXLOWER.encode(&mac), expected);
        assert!(mac_matches(&key, b"what do ya want for nothing?", &mac));
        assert!(!mac_matches(&key, b"what do you want for nothing?", &mac));
    }
}
