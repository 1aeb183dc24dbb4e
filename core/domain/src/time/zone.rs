//! The name of a time zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name of a zone, bytes. The longest in the IANA database, `America/Argentina/ComodRivadavia`, has 32.
pub const MAX_ZONE: usize = 40;

/// The IANA name of a time zone, such as `Asia/Shanghai`: what the device was set to, kept beside the offset that was in force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone {
    // zeros after the name
    bytes: [u8; MAX_ZONE],
}

/// The text is no name of a zone: up to 40 ASCII letters, digits and `/ _ - + .`, no part empty or beginning with `-` or `.`
/// (IANA `Theory` file, "Names of timezones").
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone's name")]
pub struct NotAZone;

impl Zone {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.bytes.split(|byte| *byte == 0).next();
        name.and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl FromStr for Zone {
    type Err = NotAZone;

    fn from_str(text: &str) -> Result<Self, NotAZone> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-+.".contains(&byte);
        let part = |part: &str| !part.is_empty() && !part.starts_with(['-', '.']);
        if !text.bytes().all(known) || !text.split('/').all(part) {
            return Err(NotAZone);
        }
        let mut bytes = [0; MAX_ZONE];
        bytes
            .get_mut(..text.len())
            .ok_or(NotAZone)?
            .copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_survives_text() {
        for name in [
            "UTC",
            "Asia/Shanghai",
            "America/Argentina/ComodRivadavia",
            "Etc/GMT+8",
            "America/Port-au-Prince",
        ] {
            let zone: Zone = name.parse().unwrap();
            assert_eq!(zone.to_string(), name);
            let json = serde_json::to_string(&zone).unwrap();
            assert_eq!(serde_json::from_str::<Zone>(&json).unwrap(), zone);
        }
    }

    #[test]
    fn what_is_no_name_of_a_zone_is_refused() {
        let long = "A".repeat(MAX_ZONE + 1);
        for text in [
            "",
            "Asia//Shanghai",
            "/etc/passwd",
            "../x",
            "Asia/",
            "Азия",
            "A B",
            "-x",
            "a\0b",
            &long,
        ] {
            assert_eq!(text.parse::<Zone>(), Err(NotAZone), "{text}");
        }
        assert!("A".repeat(MAX_ZONE).parse::<Zone>().is_ok());
    }
}
