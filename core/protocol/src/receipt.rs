//! What each end signs about a device's chain: the device its head, the server that it has seen it.

use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch, TenantId, UserId};
use waymark_domain::time::UnixMs;

use crate::jws::{self, JwsError};
use crate::proof::{PublicKey, ReadyKey, SignError, Signature, Signer, photo_key_payload};

/// Type of a device's statement of the head of its chain.
pub const HEAD_TYP: &str = "waymark-head+json";

/// Type of a server's receipt.
pub const RECEIPT_TYP: &str = "waymark-receipt+json";

/// What a device states with each exchange: operation `n` is the last one it made, and its bytes have this hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadStatement {
    /// The company.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// Its last count; 0 before the first.
    pub n: u64,
    /// The hash of that operation's bytes.
    pub head: Hash,
}

/// What the server states: at my time `at_ms` I had seen this device's chain up to `n`, with this head, signed by this key.
///
/// It names the device's key, so whoever trusts the server's key can trust the device's: it is that key's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The company.
    pub tenant: TenantId,
    /// The company's name.
    pub company: String,
    /// The device.
    pub device: DeviceId,
    /// The device's key, as it enrolled with it.
    pub device_key: PublicKey,
    /// Whose device it is.
    pub user: UserId,
    /// The user's name, where the server knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The device's last count, as it stated.
    pub n: u64,
    /// The hash of that operation, as it stated.
    pub head: Hash,
    /// How many of its operations up to `n` were stored here.
    pub ops: u64,
    /// Whether those are all of them.
    pub complete: bool,
    /// The server's clock.
    pub at_ms: UnixMs,
    /// The continuity of the server's log.
    pub epoch: Epoch,
    /// The company's signature over [`crate::proof::photo_key_payload`]: for photos, whose code has no room for a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouch: Option<Signature>,
}

/// Which receipt a device holds for its head, so that the server signs none twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// [`Receipt::n`].
    pub n: u64,
    /// [`Receipt::complete`].
    pub complete: bool,
}

fn to_payload<T: Serialize>(statement: &T) -> Result<Vec<u8>, SignError> {
    serde_json::to_vec(statement).map_err(|error| SignError(error.to_string()))
}

impl HeadStatement {
    /// The payload: the fields in the order above, without spaces.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let Self {
            tenant,
            device,
            n,
            head,
        } = self;
        format!(r#"{{"tenant":"{tenant}","device":"{device}","n":{n},"head":"{head}"}}"#)
            .into_bytes()
    }
}

impl Receipt {
    /// The same receipt, with the company's signature over the device's key for photos.
    ///
    /// # Errors
    /// [`SignError`]; also when the device's key is none.
    pub fn vouched(mut self, signer: &dyn Signer) -> Result<Self, SignError> {
        let payload = photo_key_payload(self.device, &self.device_key);
        let payload = payload.ok_or_else(|| SignError("the device's key is none".to_owned()))?;
        self.vouch = Some(jws::sign_low(signer, &payload)?);
        Ok(self)
    }

    /// Signs the receipt with the server's key.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, SignError> {
        jws::sign(signer, RECEIPT_TYP, &to_payload(self)?)
    }

    /// Reads a receipt that is the server's.
    ///
    /// # Errors
    /// [`JwsError`]; [`JwsError::Form`] also when the payload does not read.
    pub fn open(compact: &str, server: &ReadyKey) -> Result<Self, JwsError> {
        let payload = jws::open(compact, server, RECEIPT_TYP)?;
        serde_json::from_slice(&payload).map_err(|_| JwsError::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{SoftwareSigner, head_jws, head_payload};

    fn id(last: u8) -> uuid::Uuid {
        let mut bytes = [0; 16];
        bytes[15] = last;
        uuid::Uuid::from_bytes(bytes)
    }

    #[test]
    fn a_receipt_opens_with_the_servers_key_alone() {
        let server = SoftwareSigner::from_secret(&[1; 32]).unwrap();
        let receipt = Receipt {
            tenant: TenantId::from_uuid(id(1)),
            company: "Café".to_owned(),
            device: DeviceId::from_uuid(id(2)),
            device_key: server.public_key(),
            user: UserId::from_uuid(id(3)),
            user_name: None,
            n: 7,
            head: Hash::ZERO,
            ops: 7,
            complete: true,
            at_ms: 5,
            epoch: Epoch::from_uuid(id(4)),
            vouch: None,
        };
        let compact = receipt.sign(&server).unwrap();
        assert_eq!(
            Receipt::open(&compact, &server.public_key().ready()),
            Ok(receipt)
        );
        let other = SoftwareSigner::from_secret(&[2; 32]).unwrap();
        let opened = Receipt::open(&compact, &other.public_key().ready());
        assert_eq!(opened, Err(JwsError::Signature));
    }

    #[test]
    fn a_vouch_is_the_companys_word_for_one_key_of_one_device() {
        let (server, phone) = (
            SoftwareSigner::from_secret(&[1; 32]).unwrap(),
            SoftwareSigner::from_secret(&[2; 32]).unwrap(),
        );
        let device = DeviceId::from_uuid(id(2));
        let receipt = Receipt {
            tenant: TenantId::from_uuid(id(1)),
            company: "Café".to_owned(),
            device,
            device_key: phone.public_key(),
            user: UserId::from_uuid(id(3)),
            user_name: None,
            n: 7,
            head: Hash::ZERO,
            ops: 7,
            complete: true,
            at_ms: 5,
            epoch: Epoch::from_uuid(id(4)),
            vouch: None,
        };
        let compact = receipt.vouched(&server).unwrap().sign(&server).unwrap();
        let opened = Receipt::open(&compact, &server.public_key().ready()).unwrap();
        let vouch = opened.vouch.unwrap();
        let payload = photo_key_payload(device, &phone.public_key()).unwrap();
        assert!(server.public_key().verifies(&payload, &vouch));
        let other = photo_key_payload(DeviceId::from_uuid(id(9)), &phone.public_key()).unwrap();
        assert!(!server.public_key().verifies(&other, &vouch));
        assert_eq!(
            photo_key_payload(device, &PublicKey::from_text("x".to_owned())),
            None
        );
    }

    #[test]
    fn a_head_statement_is_rebuilt_from_what_is_stored_of_it() {
        let device = SoftwareSigner::from_secret(&[3; 32]).unwrap();
        let statement = HeadStatement {
            tenant: TenantId::from_uuid(id(1)),
            device: DeviceId::from_uuid(id(2)),
            n: 3,
            head: Hash::of(b"3"),
        };
        let signature = jws::sign_low(&device, &head_payload(&statement)).unwrap();
        let compact = head_jws(&statement, &signature);
        let payload = jws::open(&compact, &device.public_key().ready(), HEAD_TYP).unwrap();
        let read: HeadStatement = serde_json::from_slice(&payload).unwrap();
        assert_eq!(read, statement);
        assert_eq!(serde_json::to_vec(&statement).unwrap(), payload);
    }
}
