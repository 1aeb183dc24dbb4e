//! The mark: what makes a photo verify itself.
//!
//! Twice the device signs. A statement in the file binds every byte of it, so that an untouched file is known as such, and changed metadata from
//! a changed picture. A code on the picture binds what it looks like, so that a copy which a messenger made smaller is known as one, and an edited
//! copy by the place of the edit. Both carry the device's key and the company's signature over it: a verifier needs the company's public key,
//! and no server. The format stands in `core/docs/photo.md`.

pub(crate) mod code;
pub(crate) mod digest;
pub(crate) mod keys;
pub(crate) mod payload;
pub(crate) mod statement;
pub(crate) mod verify;
pub(crate) mod walk;

use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_domain::time::UnixMs;

use crate::error::Error;
use crate::turn::Rect;
use code::Code;
use payload::Payload;

/// A signature: r and s, big-endian, 32 bytes each.
pub type SignatureBytes = [u8; 64];

/// How the device signs: ECDSA with P-256 and SHA-256 over the bytes that it is given, or why not.
pub type SignFn<'a> = dyn Fn(&[u8]) -> Result<SignatureBytes, String> + 'a;

/// Everything that a photo needs to be marked.
#[derive(Clone, Copy)]
pub struct Marker<'a> {
    /// The company.
    pub tenant: TenantId,
    /// The device that signs.
    pub device: DeviceId,
    /// Its public key: a P-256 point in SEC 1 compressed form.
    pub key: [u8; 33],
    /// The company's signature over [`vouch_message`]; without it nobody but the ledger knows whose key it is.
    pub vouch: Option<SignatureBytes>,
    /// When the photo was taken.
    pub time: Interval,
    /// What the check-in that it belongs to came to.
    pub verdict: Verdict,
    /// The last operation of the device before the photo: its count and the SHA-256 of its bytes. All zeros before the first.
    pub head: (u64, Hash),
    /// Signs with the device's key.
    pub sign: &'a SignFn<'a>,
}

impl std::fmt::Debug for Marker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Marker({})", self.device)
    }
}

/// A time as it is known: between two instants, both within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Milliseconds since 1970-01-01 UTC, not before it.
    pub from_ms: UnixMs,
    /// Likewise; at most 49 days later.
    pub to_ms: UnixMs,
}

/// The last operation in a device's chain, as much of it as a code carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Below 2^48.
    pub(crate) n: u64,
    /// The first half of the SHA-256.
    pub(crate) hash: [u8; 16],
}

/// What the check-in came to that a photo belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It belongs to none.
    #[default]
    None,
    /// At the customer's.
    Met,
    /// Elsewhere.
    NotMet,
    /// Not to be decided.
    Unverified,
}

impl Verdict {
    const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Met => 1,
            Self::NotMet => 2,
            Self::Unverified => 3,
        }
    }

    const fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::Met,
            2 => Self::NotMet,
            3 => Self::Unverified,
            _ => return None,
        })
    }
}

/// What became of the code on the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeOutcome {
    /// It was drawn.
    Drawn {
        /// The white square, in the picture as it is shown.
        square: Rect,
        /// Pixels of a module.
        module: usize,
        /// Bytes that it carries.
        bytes: usize,
        /// Cells of the picture whose brightness it carries.
        cells: usize,
    },
    /// It was not, and why.
    None(NoCode),
}

/// Why there is no code on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoCode {
    /// In a quarter of the picture's height it could not be drawn large enough to be read from a smaller copy.
    TooSmall,
}

/// What the company signs for a device's key, so that whoever trusts the company can trust photos of the device.
#[must_use]
pub fn vouch_message(device: DeviceId, key: &[u8; 33]) -> Vec<u8> {
    let mut message = b"waymark photo key 1\n".to_vec();
    message.extend(device.as_uuid().as_bytes());
    message.extend(key);
    message
}

/// What the device signs for a code.
pub(crate) fn code_message(payload: &[u8]) -> Vec<u8> {
    let mut message = b"waymark photo code 1\n".to_vec();
    message.extend(payload);
    message
}

impl Marker<'_> {
    /// Refuses what no mark can hold, before any work is done.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let width = self.time.to_ms.checked_sub(self.time.from_ms);
        let fits = (0..1 << 47).contains(&self.time.from_ms)
            && width.is_some_and(|width| u32::try_from(width).is_ok());
        if !fits {
            return Err(Error::Value("time of the mark"));
        }
        if self.head.0 >= 1 << 48 {
            return Err(Error::Value("head of the mark"));
        }
        if !keys::is_key(&self.key) {
            return Err(Error::Value("key of the mark"));
        }
        Ok(())
    }

    /// The device's signature, with the lower of its two values of s.
    pub(crate) fn signed(&self, message: &[u8]) -> Result<SignatureBytes, Error> {
        let signature = (self.sign)(message).map_err(Error::Sign)?;
        keys::lowered(&signature)
            .filter(|signature| keys::verifies(&self.key, message, signature))
            .ok_or_else(|| Error::Sign("the signature is not the key's".to_owned()))
    }

    /// The code for a picture.
    pub(crate) fn code(&self, looks: Looks) -> Result<Drawn, Error> {
        let [hash @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *self.head.1.as_bytes();
        let payload = Payload {
            device: self.device,
            key: self.key,
            vouch: self.vouch,
            verdict: self.verdict,
            size: looks.size,
            band: looks.band,
            code: looks.corner,
            module: looks.module,
            phase: looks.phase,
            time: self.time,
            head: Head {
                n: self.head.0,
                hash,
            },
            means: looks
                .means
                .iter()
                .map(|mean| digest::coarse(*mean))
                .collect(),
        };
        let mut bytes = payload.to_bytes().ok_or(Error::Value("mark"))?;
        bytes.extend(self.signed(&code_message(&bytes))?);
        let code = Code::new(&payload::to_text(&bytes)).ok_or(Error::Value("mark"))?;
        Ok(Drawn {
            code,
            bytes: bytes.len(),
            cells: payload.means.len(),
        })
    }
}

/// What of a picture goes into its code.
pub(crate) struct Looks {
    /// Width and height as shown.
    pub(crate) size: (usize, usize),
    pub(crate) band: Rect,
    pub(crate) corner: (usize, usize),
    pub(crate) module: usize,
    pub(crate) phase: digest::Phase,
    pub(crate) means: Vec<i32>,
}

/// A code that is ready to be drawn.
pub(crate) struct Drawn {
    pub(crate) code: Code,
    /// How many bytes it carries.
    pub(crate) bytes: usize,
    /// And of how many cells.
    pub(crate) cells: usize,
}
