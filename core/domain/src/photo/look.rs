//! What a picture looks like, in 256 bits, so that one that was taken twice is found although its bytes differ.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A perceptual hash: pictures that look alike differ in few of its bits. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look([u8; 32]);

impl Look {
    /// Takes 32 bytes that are a look already.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// In how many of the 256 bits the two differ.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        let pairs = self.0.iter().zip(other.0);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Look({self})")
    }
}

impl Serialize for Look {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Look {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("not 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_survives_json_and_counts_the_bits_that_differ() {
        let mut bytes = [0; 32];
        let none = Look::from_bytes(bytes);
        (bytes[0], bytes[31]) = (0x80, 0x03);
        let three = Look::from_bytes(bytes);
        assert_eq!((none.distance(none), none.distance(three)), (0, 3));
        assert_eq!(none.distance(Look::from_bytes([0xff; 32])), 256);
        let json = serde_json::to_string(&three).unwrap();
        assert_eq!(json, format!("\"80{}03\"", "0".repeat(60)));
        assert_eq!(serde_json::from_str::<Look>(&json).unwrap(), three);
        for wrong in ["\"80\"", "\"\"", "7"] {
            assert!(serde_json::from_str::<Look>(wrong).is_err(), "{wrong}");
        }
    }
}
