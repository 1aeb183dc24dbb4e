//! What a picture looks like, so that one that was taken twice is found although its bytes differ.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What of a picture is looked at: all of it, and its middle twice, smaller each time.
pub const CUTS: usize = 3;

/// Perceptual hashes of a picture and of its middle: pictures that look alike differ in few of the 256 bits of one of them. Written as
/// lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look([[u8; 32]; CUTS]);

impl Look {
    /// Takes what is a look already.
    #[must_use]
    pub const fn from_bytes(bytes: [[u8; 32]; CUTS]) -> Self {
        Self(bytes)
    }

    /// All bytes, one cut behind the other.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_flattened()
    }

    /// Reads hexadecimal digits in lower case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        let (cuts, rest) = bytes.as_chunks::<32>();
        (rest.is_empty())
            .then(|| cuts.try_into().ok().map(Self))
            .flatten()
    }

    /// In how many of 256 bits the two differ, in the two cuts that are nearest.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        let pairs = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(move |other| (one, other)));
        let differing = |(one, other): (&[u8; 32], &[u8; 32])| {
            let bytes = one.iter().zip(other);
            bytes.map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        pairs.map(differing).min().unwrap_or_default()
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.as_bytes()))
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
        Self::from_hex(&text)
            .ok_or_else(|| de::Error::custom("not the hexadecimal digits of a look"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_survives_json_and_counts_the_bits_that_differ_in_the_nearest_cuts() {
        let none = Look::from_bytes([[0; 32]; CUTS]);
        let mut middle = [0xff; 32];
        (middle[0], middle[31]) = (0x7f, 0xfc);
        let near = Look::from_bytes([[0x0f; 32], [0xff; 32], middle]);
        let far = Look::from_bytes([[0xff; 32]; CUTS]);
        assert_eq!((none.distance(&none), none.distance(&far)), (0, 256));
        assert_eq!((near.distance(&far), none.distance(&near)), (0, 128));
        let json = serde_json::to_string(&near).unwrap();
        assert!(
            json.starts_with("\"0f0f") && json.ends_with("fc\""),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Look>(&json).unwrap(), near);
        for wrong in ["\"80\"", "\"\"", "7"] {
            assert!(serde_json::from_str::<Look>(wrong).is_err(), "{wrong}");
        }
    }
}
