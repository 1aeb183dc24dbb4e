//! ES256 as verifiers of a mark have to do it, by `p256`: `ring` takes no compressed points, and a code has no room for others. Signing is the caller's, whose key
//! may lie in hardware.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

/// Whether these bytes are a point of the curve.
pub(crate) fn is_key(key: &[u8; 33]) -> bool {
    VerifyingKey::from_sec1_bytes(key).is_ok()
}

/// The same signature with the lower of the two values that s may have; `None` when it is none.
pub(crate) fn lowered(signature: &[u8; 64]) -> Option<[u8; 64]> {
    let signature = Signature::from_slice(signature).ok()?;
    Some(signature.normalize_s().to_bytes().into())
}

/// Whether the signature is the key's over the message, and the one of its two forms that is taken.
pub(crate) fn verifies(key: &[u8; 33], message: &[u8], signature: &[u8; 64]) -> bool {
    let (Ok(key), Ok(signature)) = (
        VerifyingKey::from_sec1_bytes(key),
        Signature::from_slice(signature),
    ) else {
        return false;
    };
    signature.normalize_s() == signature && key.verify(message, &signature).is_ok()
}
