//! The statement in the file: what the device says about every byte of it.

use std::io::{self, Write};

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};

use super::{Interval, Marker, Verdict, keys};
use crate::error::Error;
use crate::facts::{Facts, Source};
use crate::jpeg::{APP0, APP14, APP15, COM, Jpeg, Segment, picture_end, segments};
use crate::patch::{self, Patch};

/// The type of the statement, which is a JSON Web Signature in compact form.
const TYP: &str = "waymark-photo+json";

/// The longest that is read, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// What is stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) v: u8,
    pub(crate) tenant: TenantId,
    pub(crate) device: DeviceId,
    /// SEC 1 compressed, base64url without padding.
    pub(crate) device_key: String,
    /// The company's signature over the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vouch: Option<String>,
    /// SHA-256 of the file without the segment of this statement.
    pub(crate) file: Hash,
    /// SHA-256 of what makes the picture.
    pub(crate) picture: Hash,
    /// SHA-256 of the file that was stamped.
    pub(crate) original: Hash,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) verdict: Verdict,
    pub(crate) n: u64,
    pub(crate) head: Hash,
    pub(crate) source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<Position>,
}

/// Where the photo was taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees in WGS-84, north positive.
    pub lat: f64,
    /// Degrees, east positive.
    pub lon: f64,
    /// The radius of accuracy in metres, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<f64>,
}

impl Statement {
    pub(crate) fn new(
        marker: &Marker<'_>,
        facts: &Facts,
        (file, picture, original): (Hash, Hash, Hash),
    ) -> Self {
        Self {
            v: 1,
            tenant: marker.tenant,
            device: marker.device,
            device_key: BASE64URL_NOPAD.encode(&marker.key),
            vouch: marker.vouch.map(|vouch| BASE64URL_NOPAD.encode(&vouch)),
            file,
            picture,
            original,
            from_ms: marker.time.from_ms,
            to_ms: marker.time.to_ms,
            verdict: marker.verdict,
            n: marker.head.0,
            head: marker.head.1,
            source: facts.source,
            position: facts.position.as_ref().map(|fix| Position {
                lat: fix.lat,
                lon: fix.lon,
                accuracy_m: fix.accuracy_m,
            }),
        }
    }

    /// Signed by the device.
    pub(crate) fn sign(&self, marker: &Marker<'_>) -> Result<Vec<u8>, Error> {
        let payload = serde_json::to_vec(self).map_err(|_| Error::Value("mark"))?;
        let mut text = header();
        text.push('.');
        BASE64URL_NOPAD.encode_append(&payload, &mut text);
        let signature = marker.signed(text.as_bytes())?;
        text.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut text);
        Ok(text.into_bytes())
    }

    /// How long it is when it is signed, whatever the hashes are.
    ///
    /// # Errors
    /// As [`Self::sign`], but for what the key says.
    pub(crate) fn signed_length(&self) -> Result<usize, Error> {
        let payload = serde_json::to_vec(self).map_err(|_| Error::Value("mark"))?;
        let parts = [payload.len(), SIGNATURE].map(|length| BASE64URL_NOPAD.encode_len(length));
        Ok(header().len() + parts.iter().map(|length| 1 + length).sum::<usize>())
    }

    /// Reads a statement; whether it is signed by the key that it names is the second answer. `None`: it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, bool)> {
        let text = std::str::from_utf8(bytes).ok()?;
        if text.len() > MAX_BYTES {
            return None;
        }
        let (message, signature) = text.rsplit_once('.')?;
        let (head, payload) = message.split_once('.')?;
        if head != header() {
            return None;
        }
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let statement: Self = serde_json::from_slice(&decode(payload)?).ok()?;
        let signed = statement
            .key()
            .zip(decode(signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok()))
            .is_some_and(|(key, signature)| keys::verifies(&key, message.as_bytes(), &signature));
        (statement.v == 1).then_some((statement, signed))
    }

    pub(crate) fn key(&self) -> Option<[u8; 33]> {
        let bytes = BASE64URL_NOPAD.decode(self.device_key.as_bytes()).ok()?;
        bytes.try_into().ok()
    }

    pub(crate) fn vouch(&self) -> Option<[u8; 64]> {
        let bytes = BASE64URL_NOPAD
            .decode(self.vouch.as_ref()?.as_bytes())
            .ok()?;
        bytes.try_into().ok()
    }

    pub(crate) const fn time(&self) -> Interval {
        Interval {
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        }
    }
}

/// Of r and s.
const SIGNATURE: usize = 64;

fn header() -> String {
    BASE64URL_NOPAD.encode(format!(r#"{{"alg":"ES256","typ":"{TYP}"}}"#).as_bytes())
}

/// A SHA-256 that is written into.
pub(crate) struct Hashing(Context);

impl Hashing {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn done(self) -> Hash {
        Hash::from_slice(self.0.finish().as_ref()).unwrap_or(Hash::ZERO)
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a segment makes the picture: all but what applications and people write, and of that Adobe's, which says what the colours are.
fn makes_picture(data: &[u8], segment: &Segment) -> bool {
    let adobe = segment.marker == APP14
        && data
            .get(segment.body.clone())
            .is_some_and(|body| body.starts_with(b"Adobe"));
    adobe || !((APP0..=APP15).contains(&segment.marker) || segment.marker == COM)
}

/// SHA-256 of what makes the picture of a JPEG file, from its tables to its last scan; `None` when it is no whole JPEG.
pub(crate) fn picture_of(data: &[u8]) -> Option<Hash> {
    let segments = segments(data).ok()?;
    let scan = segments.last()?.whole.end;
    let end = picture_end(data)?;
    let mut hashing = Hashing::new();
    for segment in segments.iter().filter(|s| makes_picture(data, s)) {
        hashing.add(data.get(segment.whole.clone())?);
    }
    hashing.add(data.get(scan..end)?);
    Some(hashing.done())
}

/// The same of a picture with patches, which replace whole segments or lie in the scan.
pub(crate) fn picture_with(jpeg: &Jpeg<'_>, patches: &[Patch]) -> io::Result<Hash> {
    let mut hashing = Hashing::new();
    let data = jpeg.data;
    for segment in jpeg.segments.iter().filter(|s| makes_picture(data, s)) {
        let replaced = patches
            .iter()
            .find(|patch| !patch.range.is_empty() && patch.range == segment.whole);
        match replaced {
            Some(patch) => hashing.add(&patch.bytes),
            None => hashing.add(data.get(segment.whole.clone()).unwrap_or_default()),
        }
    }
    let from = patches
        .iter()
        .position(|patch| patch.range.start >= jpeg.scan.start);
    let rest = from
        .and_then(|from| patches.get(from..))
        .unwrap_or_default();
    patch::write_range(data, rest, jpeg.scan.clone(), &mut hashing)?;
    Ok(hashing.done())
}

/// SHA-256 of a file with patches.
pub(crate) fn file_with(data: &[u8], patches: &[Patch]) -> io::Result<Hash> {
    let mut hashing = Hashing::new();
    patch::write(data, patches, &mut hashing)?;
    Ok(hashing.done())
}
