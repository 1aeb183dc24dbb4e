//! What this device lends to the photos that it takes: its key, the head of its chain, and the company's word for the key.

use std::sync::Arc;

use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_photo::{Interval, Marker, SignFn, SignatureBytes, Verdict, vouch_message};
use waymark_protocol::proof::{PublicKey, Signature, Signer};
use waymark_protocol::receipt::Receipt;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// What a photo's mark needs of the device, as it stands now.
pub struct PhotoMark {
    tenant: TenantId,
    device: DeviceId,
    key: [u8; 33],
    vouch: Option<SignatureBytes>,
    head: (u64, Hash),
    signer: Arc<dyn Signer>,
}

impl PhotoMark {
    /// Whether the company has vouched for the device: it does with its first receipt. Without that a photo can be verified only by somebody who knows the
    /// device's key.
    #[must_use]
    pub const fn is_vouched(&self) -> bool {
        self.vouch.is_some()
    }

    /// Signs with the device's key.
    ///
    /// # Errors
    /// What the key store says.
    pub fn sign(&self, message: &[u8]) -> Result<SignatureBytes, String> {
        let signature = self.signer.sign(message);
        let signature = signature.map_err(|error| error.to_string())?;
        signature
            .to_bytes()
            .ok_or_else(|| "not a signature".to_owned())
    }

    /// The marker for a photo of this time; `sign` is [`Self::sign`].
    #[must_use]
    pub const fn marker<'a>(
        &self,
        time: Interval,
        verdict: Verdict,
        sign: &'a SignFn<'a>,
    ) -> Marker<'a> {
        Marker {
            tenant: self.tenant,
            device: self.device,
            key: self.key,
            vouch: self.vouch,
            time,
            verdict,
            head: self.head,
            sign,
        }
    }
}

impl Waymark {
    /// What a photo's mark needs of this device.
    ///
    /// # Errors
    /// [`ErrorCode::NotEnrolled`], [`ErrorCode::KeyUnavailable`].
    pub fn photo_mark(&self) -> Result<PhotoMark, WaymarkError> {
        let me = self.me()?;
        let signer = self.0.parts.signer.clone();
        let key = signer.public_key().to_bytes();
        let key = key.ok_or(WaymarkError::new(ErrorCode::KeyUnavailable, "device key"))?;
        let (head, receipt) =
            self.read(|reader| Ok((reader.chain_head()?, reader.newest_receipt()?)))?;
        let company = PublicKey::from_text(me.server_key);
        let ready = company.ready();
        let message = vouch_message(me.device, &key);
        // a receipt of a server that does not know photos has none
        let vouch = receipt
            .and_then(|receipt| Receipt::open(&receipt.jws, &ready).ok())
            .and_then(|receipt| receipt.vouch.as_ref().and_then(Signature::to_bytes))
            .filter(|vouch| ready.verifies(&message, vouch));
        Ok(PhotoMark {
            tenant: me.tenant,
            device: me.device,
            key,
            vouch,
            head,
            signer,
        })
    }
}
