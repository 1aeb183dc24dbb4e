//! Signed statements: JSON Web Signatures in compact form (RFC 7515) with ES256 (RFC 7518 §3.4).
//!
//! One statement has one text. The header is exactly `{"alg":"ES256","typ":…}` as [`header`] writes it, so there is no other algorithm, no
//! `crit`, no key inside; base64url is canonical, without padding and with its spare bits zero; and of the two values of `s` that ECDSA
//! accepts for every `r`, only the lower one is taken (`s ≤ order / 2`). RFC 7518 allows both; with both, anybody could change a
//! statement's text without its key. Any ES256 verifier takes what is written here.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa;

use crate::proof::{ReadyKey, SignError, Signature, Signer};

/// Longest statement that is read, bytes. A receipt has 700, a seal 500; a check-in's policy and photos fit many times.
pub const MAX_JWS: usize = 64 * 1024;

/// Why a text is not the statement that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts of base64url, or another text for the same bytes.
    #[error("not a compact JWS in canonical form")]
    Form,
    /// Another algorithm, another type, or more in the header.
    #[error("another header than ours")]
    Header,
    /// Of another key or over another text, or with the higher of the two values of s.
    #[error("the signature is not the key's")]
    Signature,
}

/// A statement that reads, with its signature not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified<'a> {
    /// What is signed: the first two parts with the dot between them.
    pub signing_input: &'a [u8],
    /// What the statement says.
    pub payload: Vec<u8>,
    /// r and s, big-endian; s is the lower of its two values.
    pub signature: [u8; 64],
}

/// The header's JSON, byte for byte. `typ` is a media type without its `application/`, of letters that JSON does not escape.
#[must_use]
pub fn header(typ: &str) -> String {
    format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)
}

/// What is signed for `payload`.
#[must_use]
pub fn signing_input(typ: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = BASE64URL_NOPAD.encode(header(typ).as_bytes());
    text.push('.');
    BASE64URL_NOPAD.encode_append(payload, &mut text);
    text.into_bytes()
}

/// The statement of a signature over [`signing_input`] that was made elsewhere.
#[must_use]
pub fn assemble(typ: &str, payload: &[u8], signature: &Signature) -> String {
    let header = BASE64URL_NOPAD.encode(header(typ).as_bytes());
    let payload = BASE64URL_NOPAD.encode(payload);
    format!("{header}.{payload}.{}", signature.as_str())
}

/// Signs `payload`.
///
/// # Errors
/// [`SignError`] when the key store refuses, or gives what is no signature.
pub fn sign(signer: &dyn Signer, typ: &str, payload: &[u8]) -> Result<String, SignError> {
    let signature = sign_low(signer, &signing_input(typ, payload))?;
    Ok(assemble(typ, payload, &signature))
}

/// A signature with the lower `s`, whichever the key store gave: both are equally good, and the change needs no key.
///
/// # Errors
/// As [`sign`].
pub fn sign_low(signer: &dyn Signer, message: &[u8]) -> Result<Signature, SignError> {
    signer
        .sign(message)?
        .lowered()
        .ok_or_else(|| SignError("not a signature".to_owned()))
}

/// Takes a statement apart, strictly. Whether the signature is right is another question.
///
/// # Errors
/// [`JwsError`].
pub fn read<'a>(compact: &'a str, typ: &str) -> Result<Unverified<'a>, JwsError> {
    if compact.len() > MAX_JWS {
        return Err(JwsError::Form);
    }
    let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Form)?;
    let (head, payload) = signing_input.split_once('.').ok_or(JwsError::Form)?;
    if head != BASE64URL_NOPAD.encode(header(typ).as_bytes()) {
        return Err(JwsError::Header);
    }
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let payload = decode(payload).ok_or(JwsError::Form)?;
    let signature = decode(signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or(JwsError::Form)?;
    let low = ecdsa::Signature::from_slice(&signature)
        .is_ok_and(|signature| signature.normalize_s() == signature);
    if !low {
        return Err(JwsError::Signature);
    }
    Ok(Unverified {
        signing_input: signing_input.as_bytes(),
        payload,
        signature,
    })
}

/// Opens a statement: what it says, when it is `key`'s and of type `typ`.
///
/// # Errors
/// [`JwsError`].
pub fn open(compact: &str, key: &ReadyKey, typ: &str) -> Result<Vec<u8>, JwsError> {
    let statement = read(compact, typ)?;
    if key.verifies(statement.signing_input, &statement.signature) {
        Ok(statement.payload)
    } else {
        Err(JwsError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proof::{PublicKey, SoftwareSigner};

    const TYP: &str = "waymark-test+json";

    fn signer() -> SoftwareSigner {
        SoftwareSigner::from_secret(&[7; 32]).unwrap()
    }

    // RFC 7515, appendix A.3: key, signing input and signature
    const A3_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const A3_INPUT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const A3_SIG: &str =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    #[test]
    fn the_example_of_rfc_7515_a_3_verifies_and_its_lower_twin_too() {
        // y of the example is odd ("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"): 03
        let mut sec1 = vec![3];
        sec1.extend(BASE64URL_NOPAD.decode(A3_X.as_bytes()).unwrap());
        let key = PublicKey::from_text(BASE64URL_NOPAD.encode(&sec1));
        let signature = BASE64URL_NOPAD.decode(A3_SIG.as_bytes()).unwrap();
        let signature = Signature::from_bytes(&signature).unwrap();
        assert!(key.verifies(A3_INPUT.as_bytes(), &signature));
        let low = signature.lowered().unwrap();
        assert_ne!(low, signature);
        assert!(key.verifies(A3_INPUT.as_bytes(), &low));
        assert!(!key.verifies(b"eyJhbGciOiJFUzI1NiJ9.e30", &low));
        // ours is stricter: no type in the header
        let compact = format!("{A3_INPUT}.{A3_SIG}");
        assert_eq!(open(&compact, &key.ready(), TYP), Err(JwsError::Header));
    }

    #[test]
    fn a_statement_opens_with_its_key_and_type_alone() {
        let compact = sign(&signer(), TYP, b"{}").unwrap();
        let key = signer().public_key().ready();
        assert_eq!(open(&compact, &key, TYP).unwrap(), b"{}");
        let other = SoftwareSigner::from_secret(&[8; 32]).unwrap();
        assert_eq!(
            open(&compact, &other.public_key().ready(), TYP),
            Err(JwsError::Signature)
        );
        assert_eq!(
            open(&compact, &key, "waymark-x+json"),
            Err(JwsError::Header)
        );
    }

    #[test]
    fn no_other_header_is_taken_whatever_it_means() {
        let key = signer().public_key().ready();
        for header in [
            r#"{"alg":"none","typ":"waymark-test+json"}"#,
            r#"{"alg":"HS256","typ":"waymark-test+json"}"#,
            r#"{"typ":"waymark-test+json","alg":"ES256"}"#,
            r#"{"alg":"ES256", "typ":"waymark-test+json"}"#,
            r#"{"alg":"ES256","typ":"waymark-test+json","crit":["exp"]}"#,
            r#"{"alg":"ES256"}"#,
        ] {
            let input = format!(
                "{}.{}",
                BASE64URL_NOPAD.encode(header.as_bytes()),
                BASE64URL_NOPAD.encode(b"{}")
            );
            let signature = sign_low(&signer(), input.as_bytes()).unwrap();
            let compact = format!("{input}.{}", signature.as_str());
            assert_eq!(open(&compact, &key, TYP), Err(JwsError::Header), "{header}");
        }
    }

    #[test]
    fn the_higher_s_is_refused_although_it_verifies() {
        let key = signer().public_key().ready();
        let compact = sign(&signer(), TYP, b"{}").unwrap();
        let (input, signature) = compact.rsplit_once('.').unwrap();
        let low = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let low = ecdsa::Signature::from_slice(&low).unwrap();
        let high = ecdsa::Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes());
        let high = Signature::from_bytes(&high.unwrap().to_bytes()).unwrap();
        assert!(signer().public_key().verifies(input.as_bytes(), &high));
        let compact = format!("{input}.{}", high.as_str());
        assert_eq!(open(&compact, &key, TYP), Err(JwsError::Signature));
    }

    #[test]
    fn a_text_of_any_length_up_to_the_limit_reads_and_beyond_does_not() {
        assert_eq!(read(&"a".repeat(MAX_JWS + 1), TYP), Err(JwsError::Form));
        for text in ["", ".", "..", "...", "a.b.c", "é.ü.ß"] {
            assert!(read(text, TYP).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_change_of_one_character_leaves_a_statement_good(at in 0_usize..200, to in any::<char>()) {
            let key = signer().public_key().ready();
            let compact = sign(&signer(), TYP, br#"{"n":1}"#).unwrap();
            let mut letters: Vec<char> = compact.chars().collect();
            let at = at % letters.len();
            prop_assume!(letters[at] != to);
            letters[at] = to;
            let changed: String = letters.into_iter().collect();
            prop_assert!(open(&changed, &key, TYP).is_err(), "{changed}");
        }
    }
}
