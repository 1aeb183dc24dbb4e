//! What the camera itself wrote about a picture.

use chrono::{FixedOffset, NaiveDateTime, NaiveTime};
use waymark_domain::photo::camera::{Camera, MAX_CAMERA_TEXT};

use crate::error::Error;
use crate::exif::{Directory, EXIF_POINTER, GPS_POINTER, Tiff};
use crate::limits::MAX_FILE_BYTES;
use crate::reencode::exif_of;

/// What was written about a picture, and where it says it was taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// What may be kept of it.
    pub camera: Camera,
    /// Degrees north and east, in whatever datum the camera used: few state it.
    pub place: Option<(f64, f64)>,
}

/// Reads what the camera wrote; nothing where there is nothing, or where the block contradicts itself.
///
/// # Errors
/// [`Error`] when it is no picture that is read here.
pub fn camera(data: &[u8]) -> Result<Written, Error> {
    if data.len() > MAX_FILE_BYTES {
        return Err(Error::FileTooLarge(data.len()));
    }
    let tiff = exif_of(data)?;
    Ok(tiff
        .as_deref()
        .and_then(|tiff| Reading::new(tiff)?.written())
        .unwrap_or_default())
}

/// A block and the directory that is being read.
struct Reading {
    tiff: Tiff,
    main: Directory,
}

impl Reading {
    fn new(tiff: &[u8]) -> Option<Self> {
        let tiff = Tiff::read(tiff).ok()?;
        let main = tiff.directory(tiff.get32(4).ok()?).ok()?;
        Some(Self { tiff, main })
    }

    fn written(&self) -> Option<Written> {
        let sub = |pointer: u16| {
            let (_, at) = self.main.entries.get(&pointer)?;
            self.tiff.directory(self.tiff.get32(at + 8).ok()?).ok()
        };
        let own = sub(EXIF_POINTER).unwrap_or_default();
        let gps = sub(GPS_POINTER).unwrap_or_default();
        let time = |text: String| NaiveDateTime::parse_from_str(&text, "%Y:%m:%d %H:%M:%S").ok();
        let offset = |text: String| text.parse::<FixedOffset>().ok();
        let utc_ms = |time: NaiveDateTime| time.and_utc().timestamp_millis();
        let offset = self.text(&own, 0x9011).and_then(offset);
        let camera = Camera {
            wall_ms: self.text(&own, 0x9003).and_then(time).map(utc_ms),
            // a zone is at most 14 hours away
            offset_min: offset.and_then(|offset| i16::try_from(offset.local_minus_utc() / 60).ok()),
            satellites_ms: self.satellites(&gps).map(utc_ms),
            metres_off: None,
            make: self.text(&self.main, 0x010F),
            model: self.text(&self.main, 0x0110),
            software: self.text(&self.main, 0x0131),
        };
        let place = self.position(&gps);
        Some(Written { camera, place })
    }

    /// What stands at an entry: its type, how many of it, and its bytes.
    fn value(&self, from: &Directory, tag: u16) -> Option<(u16, Vec<u8>)> {
        let (raw, at) = from.entries.get(&tag)?;
        let [_, _, t1, t0, ..] = *raw;
        let kind = self.tiff.order.u16([t1, t0]);
        let count = usize::try_from(self.tiff.get32(at + 4).ok()?).ok()?;
        let each = match kind {
            1 | 2 | 7 => 1,
            5 => 8,
            _ => return None,
        };
        let length = count.checked_mul(each)?;
        let start = if length <= 4 {
            at + 8
        } else {
            usize::try_from(self.tiff.get32(at + 8).ok()?).ok()?
        };
        let bytes = self.tiff.bytes.get(start..start.checked_add(length)?)?;
        Some((kind, bytes.to_vec()))
    }

    fn text(&self, from: &Directory, tag: u16) -> Option<String> {
        let (2, bytes) = self.value(from, tag)? else {
            return None;
        };
        let bytes = bytes.split(|byte| *byte == 0).next()?;
        let text = String::from_utf8_lossy(bytes);
        let text: String = text
            .trim()
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MAX_CAMERA_TEXT)
            .collect();
        (!text.is_empty()).then_some(text)
    }

    fn rationals(&self, from: &Directory, tag: u16) -> Option<[f64; 3]> {
        let (5, bytes) = self.value(from, tag)? else {
            return None;
        };
        let mut values = [0.0; 3];
        let parts = bytes.as_chunks::<8>().0;
        if parts.len() != values.len() {
            return None;
        }
        for (value, [a, b, c, d, e, f, g, h]) in values.iter_mut().zip(parts) {
            let below = self.tiff.order.u32([*e, *f, *g, *h]);
            if below == 0 {
                return None;
            }
            *value = f64::from(self.tiff.order.u32([*a, *b, *c, *d])) / f64::from(below);
        }
        Some(values)
    }

    fn position(&self, gps: &Directory) -> Option<(f64, f64)> {
        let side = |value: u16, reference: u16, negative: &str, limit: f64| {
            let [degrees, minutes, seconds] = self.rationals(gps, value)?;
            let sum = degrees + minutes / 60.0 + seconds / 3600.0;
            let behind = self.text(gps, reference)?.eq_ignore_ascii_case(negative);
            (sum <= limit).then_some(if behind { -sum } else { sum })
        };
        let found = (side(2, 1, "S", 90.0)?, side(4, 3, "W", 180.0)?);
        // what cameras write that have not found a satellite yet
        (found != (0.0, 0.0)).then_some(found)
    }

    fn satellites(&self, gps: &Directory) -> Option<NaiveDateTime> {
        let date = chrono::NaiveDate::parse_from_str(&self.text(gps, 29)?, "%Y:%m:%d").ok()?;
        let parts = self.rationals(gps, 7)?;
        if parts.iter().any(|part| *part >= 60.0) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 60"
        )]
        let [hour, minute, second] = parts.map(|part| part as u32);
        Some(date.and_time(NaiveTime::from_hms_opt(hour, minute, second)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_block_makes_the_reading_fail(
            mut block in prop::collection::vec(any::<u8>(), 8..400),
            pointers in prop::collection::vec((0_usize..30, 0_u8..=255), 0..8),
        ) {
            for (byte, from) in block.iter_mut().zip(b"MM\0\x2A\0\0\0\x08") {
                *byte = *from;
            }
            // entries that point back into the block are what hostile files have
            for (entry, to) in pointers {
                if let Some(at) = block.get_mut(10 + entry * 12..20 + entry * 12) {
                    at.copy_from_slice(&[0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0]);
                    if let Some(low) = block.get_mut(21 + entry * 12) {
                        *low = to;
                    }
                }
            }
            let _ = Reading::new(&block).and_then(|reading| reading.written());
        }
    }
}
