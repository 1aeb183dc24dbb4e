//! EXIF tags added to what is there, and nothing lost: the old block stays as it is, byte for byte and at its offsets, so that maker notes
//! which point into it still do. A directory that gets tags is written anew behind it, and only the pointer to it changes.
//!
//! Exif 2.32 (CIPA DC-008), which lays TIFF 6.0 into an APP1 segment.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Timelike as _, Utc};

use crate::facts::Facts;

/// Why a block of EXIF was left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ExifTrouble {
    /// Its directories contradict themselves.
    #[error("the EXIF block is damaged")]
    Damaged,
    /// With the tags it would be longer than a segment may be.
    #[error("the EXIF block has no room left")]
    NoRoom,
}

/// What an APP1 segment with EXIF begins with.
pub(crate) const PREFIX: &[u8; 6] = b"Exif\0\0";

/// A segment's body is at most 65,533 bytes.
const MAX_TIFF: usize = 65_533 - PREFIX.len();

pub(crate) const EXIF_POINTER: u16 = 0x8769;
pub(crate) const GPS_POINTER: u16 = 0x8825;
const ORIENTATION: u16 = 0x0112;

/// What a tag is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Ascii(String),
    Short(u16),
    Rational(Vec<(u32, u32)>),
}

/// The tags to set, by directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags {
    pub(crate) main: BTreeMap<u16, Value>,
    pub(crate) exif: BTreeMap<u16, Value>,
    pub(crate) gps: BTreeMap<u16, Value>,
}

impl Tags {
    /// The tags for what is known of a picture; what is not known is not touched.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut tags = Self::default();
        if let Some(taken) = facts.time.as_ref().and_then(|time| time.local()) {
            tags.set_time(taken);
        }
        if let Some(fix) = &facts.position {
            tags.set_position(fix, facts.time.as_ref().and_then(|time| time.local()));
        }
        tags
    }

    /// The picture is stored as it is shown.
    pub(crate) fn upright(mut self) -> Self {
        self.main.insert(ORIENTATION, Value::Short(1));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.main.is_empty() && self.exif.is_empty() && self.gps.is_empty()
    }

    /// Names of the tags, as exiftool calls them.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let exif = self.exif.keys().filter_map(|tag| match tag {
            0x9003 => Some("DateTimeOriginal"),
            0x9011 => Some("OffsetTimeOriginal"),
            0x9291 => Some("SubSecTimeOriginal"),
            _ => None,
        });
        let gps = self.gps.keys().filter_map(|tag| {
            GPS_NAMES
                .iter()
                .find(|(number, _)| number == tag)
                .map(|(_, name)| *name)
        });
        exif.chain(gps).collect()
    }

    fn set_time(&mut self, taken: DateTime<FixedOffset>) {
        let text = |format: &str| Value::Ascii(taken.format(format).to_string());
        self.exif.insert(0x9003, text("%Y:%m:%d %H:%M:%S"));
        self.exif.insert(0x9011, text("%:z"));
        self.exif.insert(0x9291, text("%3f"));
    }

    fn set_position(&mut self, fix: &crate::facts::Fix, taken: Option<DateTime<FixedOffset>>) {
        let reference = |negative: bool, names: [&str; 2]| {
            let [positive, other] = names;
            Value::Ascii(if negative { other } else { positive }.to_owned())
        };
        let gps = &mut self.gps;
        gps.insert(0, Value::Bytes(vec![2, 3, 0, 0]));
        gps.insert(1, reference(fix.lat < 0.0, ["N", "S"]));
        gps.insert(2, Value::Rational(degrees(fix.lat)));
        gps.insert(3, reference(fix.lon < 0.0, ["E", "W"]));
        gps.insert(4, Value::Rational(degrees(fix.lon)));
        if let Some(altitude) = fix.altitude_m.and_then(|m| thousandths(m.abs())) {
            // 0 is above the sea and 1 below it; a manual that is often copied has it the wrong way round
            let below = fix.altitude_m.is_some_and(|m| m < 0.0);
            gps.insert(5, Value::Bytes(vec![u8::from(below)]));
            gps.insert(6, Value::Rational(vec![altitude]));
        }
        if let Some(utc) = taken.map(|taken| taken.with_timezone(&Utc)) {
            let seconds = utc.second() * 1000 + utc.timestamp_subsec_millis();
            gps.insert(
                7,
                Value::Rational(vec![(utc.hour(), 1), (utc.minute(), 1), (seconds, 1000)]),
            );
            gps.insert(29, Value::Ascii(utc.format("%Y:%m:%d").to_string()));
        }
        if let Some(dop) = fix.dop.and_then(thousandths) {
            gps.insert(11, Value::Rational(vec![dop]));
        }
        if let Some(heading) = fix.heading_deg.and_then(thousandths) {
            gps.insert(16, Value::Ascii("T".to_owned()));
            gps.insert(17, Value::Rational(vec![heading]));
        }
        gps.insert(18, Value::Ascii("WGS-84".to_owned()));
        if let Some(accuracy) = fix.accuracy_m.and_then(thousandths) {
            gps.insert(31, Value::Rational(vec![accuracy]));
        }
    }
}

const GPS_NAMES: &[(u16, &str)] = &[
    (0, "GPSVersionID"),
    (1, "GPSLatitudeRef"),
    (2, "GPSLatitude"),
    (3, "GPSLongitudeRef"),
    (4, "GPSLongitude"),
    (5, "GPSAltitudeRef"),
    (6, "GPSAltitude"),
    (7, "GPSTimeStamp"),
    (11, "GPSDOP"),
    (16, "GPSImgDirectionRef"),
    (17, "GPSImgDirection"),
    (18, "GPSMapDatum"),
    (29, "GPSDateStamp"),
    (31, "GPSHPositioningError"),
];

/// Degrees, minutes and ten-thousandths of a second: 3 mm.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most 180 degrees in ten-thousandths of a second, without the sign"
)]
fn degrees(value: f64) -> Vec<(u32, u32)> {
    let total = (value.abs() * 36_000_000.0).round() as u64;
    let part = |number: u64| number as u32;
    vec![
        (part(total / 36_000_000), 1),
        (part(total / 600_000 % 60), 1),
        (part(total % 600_000), 10_000),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn thousandths(value: f64) -> Option<(u32, u32)> {
    (0.0..4_000_000.0)
        .contains(&value)
        .then(|| ((value * 1000.0).round() as u32, 1000))
}

/// An entry of a directory as it stands: tag, type, count, value or offset.
pub(crate) type Raw = [u8; 12];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }
    pub(crate) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
    const fn put16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
    const fn put32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// A TIFF block that is being added to.
pub(crate) struct Tiff {
    pub(crate) bytes: Vec<u8>,
    pub(crate) order: Order,
}

/// A directory: its entries by tag, where each stands, and the offset of the next one.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) entries: BTreeMap<u16, (Raw, usize)>,
    next: u32,
}

/// The block with the tags set; a new one where there is none.
pub(crate) fn with_tags(tiff: Option<&[u8]>, tags: &Tags) -> Result<Vec<u8>, ExifTrouble> {
    let mut tiff = match tiff {
        Some(bytes) => Tiff::read(bytes)?,
        // big-endian, an empty directory at 8
        None => Tiff {
            bytes: b"MM\0\x2A\0\0\0\x08\0\0\0\0\0\0".to_vec(),
            order: Order::Big,
        },
    };
    let first = tiff.get32(4)?;
    let main = tiff.directory(first)?;
    let mut added = Vec::new();
    for (pointer, tags) in [(EXIF_POINTER, &tags.exif), (GPS_POINTER, &tags.gps)] {
        if tags.is_empty() {
            continue;
        }
        let old = match main.entries.get(&pointer) {
            // a position is replaced whole: the camera's altitude, direction or precision beside another place would belong to neither
            Some((_, at)) if pointer == EXIF_POINTER => {
                let offset = tiff.get32(at + 8)?;
                tiff.directory(offset)?
            }
            _ => Directory::default(),
        };
        let offset = tiff.append(old, tags)?;
        match main.entries.get(&pointer) {
            Some((_, at)) => tiff.set32(at + 8, offset)?,
            None => added.push((pointer, offset)),
        }
    }
    let mut values = BTreeMap::new();
    for (tag, value) in &tags.main {
        match (main.entries.get(tag), value) {
            (Some((_, at)), Value::Short(number)) => tiff.set_short(*at, *number)?,
            _ => {
                values.insert(*tag, value.clone());
            }
        }
    }
    if !added.is_empty() || !values.is_empty() {
        let mut main = tiff.directory(first)?;
        for (tag, offset) in added {
            main.entries
                .insert(tag, (tiff.raw(tag, 4, 1, tiff.order.put32(offset)), 0));
        }
        let offset = tiff.append(main, &values)?;
        tiff.set32(4, offset)?;
    }
    if tiff.bytes.len() > MAX_TIFF {
        return Err(ExifTrouble::NoRoom);
    }
    Ok(tiff.bytes)
}

/// The orientation that a block states; `None` when it states none or cannot be read.
pub(crate) fn orientation(tiff: &[u8]) -> Option<u16> {
    let tiff = Tiff::read(tiff).ok()?;
    let main = tiff.directory(tiff.get32(4).ok()?).ok()?;
    let ([_, _, t1, t0, _, _, _, _, v1, v0, _, _], _) = main.entries.get(&ORIENTATION)?;
    (tiff.order.u16([*t1, *t0]) == 3).then(|| tiff.order.u16([*v1, *v0]))
}

impl Tiff {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ExifTrouble> {
        let order = match bytes.first_chunk::<4>() {
            Some(b"II\x2A\0") => Order::Little,
            Some(b"MM\0\x2A") => Order::Big,
            _ => return Err(ExifTrouble::Damaged),
        };
        Ok(Self {
            bytes: bytes.to_vec(),
            order,
        })
    }

    fn take<const N: usize>(&self, at: usize) -> Result<[u8; N], ExifTrouble> {
        self.bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or(ExifTrouble::Damaged)
    }

    pub(crate) fn get32(&self, at: usize) -> Result<u32, ExifTrouble> {
        Ok(self.order.u32(self.take(at)?))
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<(), ExifTrouble> {
        self.bytes
            .get_mut(at..at + bytes.len())
            .ok_or(ExifTrouble::Damaged)?
            .copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn set32(&mut self, at: usize, value: u32) -> Result<(), ExifTrouble> {
        self.put(at, &self.order.put32(value))
    }

    /// Writes a short into the entry that stands at `at`.
    fn set_short(&mut self, at: usize, value: u16) -> Result<(), ExifTrouble> {
        let [v1, v0] = self.order.put16(value);
        let [t1, t0] = self.order.put16(3);
        let [c3, c2, c1, c0] = self.order.put32(1);
        self.put(at + 2, &[t1, t0, c3, c2, c1, c0, v1, v0, 0, 0])
    }

    pub(crate) fn directory(&self, offset: u32) -> Result<Directory, ExifTrouble> {
        let at = usize::try_from(offset).map_err(|_| ExifTrouble::Damaged)?;
        let count = usize::from(self.order.u16(self.take(at)?));
        let mut entries = BTreeMap::new();
        for number in 0..count {
            let at = at + 2 + number * 12;
            let raw: Raw = self.take(at)?;
            let [t1, t0, ..] = raw;
            // of a tag that stands twice readers take the first
            entries.entry(self.order.u16([t1, t0])).or_insert((raw, at));
        }
        // some writers leave out the offset of the next directory after the last one
        let next = self.get32(at + 2 + count * 12).unwrap_or(0);
        Ok(Directory { entries, next })
    }

    fn raw(&self, tag: u16, kind: u16, count: u32, value: [u8; 4]) -> Raw {
        let mut raw = [0; 12];
        let fields = [
            self.order.put16(tag).as_slice(),
            &self.order.put16(kind),
            &self.order.put32(count),
            &value,
        ]
        .concat();
        for (byte, field) in raw.iter_mut().zip(fields) {
            *byte = field;
        }
        raw
    }

    /// Writes a directory behind everything, with these values set; where it starts.
    fn append(
        &mut self,
        mut directory: Directory,
        values: &BTreeMap<u16, Value>,
    ) -> Result<u32, ExifTrouble> {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
        for (tag, value) in values {
            let (kind, count, data) = self.encode(value)?;
            let inline = match data.as_slice() {
                [] => [0; 4],
                [a] => [*a, 0, 0, 0],
                [a, b] => [*a, *b, 0, 0],
                [a, b, c] => [*a, *b, *c, 0],
                [a, b, c, d] => [*a, *b, *c, *d],
                longer => {
                    let at = self.end()?;
                    self.bytes.extend(longer);
                    if self.bytes.len() % 2 == 1 {
                        self.bytes.push(0);
                    }
                    self.order.put32(at)
                }
            };
            let raw = self.raw(*tag, kind, count, inline);
            directory.entries.insert(*tag, (raw, 0));
        }
        let start = self.end()?;
        let count = u16::try_from(directory.entries.len()).map_err(|_| ExifTrouble::NoRoom)?;
        self.bytes.extend(self.order.put16(count));
        for (raw, _) in directory.entries.values() {
            self.bytes.extend(raw);
        }
        self.bytes.extend(self.order.put32(directory.next));
        Ok(start)
    }

    fn end(&self) -> Result<u32, ExifTrouble> {
        u32::try_from(self.bytes.len()).map_err(|_| ExifTrouble::NoRoom)
    }

    fn encode(&self, value: &Value) -> Result<(u16, u32, Vec<u8>), ExifTrouble> {
        let count = |number: usize| u32::try_from(number).map_err(|_| ExifTrouble::NoRoom);
        Ok(match value {
            Value::Bytes(bytes) => (1, count(bytes.len())?, bytes.clone()),
            Value::Ascii(text) => {
                let bytes: Vec<u8> = text.bytes().chain([0]).collect();
                (2, count(bytes.len())?, bytes)
            }
            Value::Short(number) => (3, 1, self.order.put16(*number).to_vec()),
            Value::Rational(numbers) => {
                let bytes = numbers
                    .iter()
                    .flat_map(|(a, b)| [self.order.put32(*a), self.order.put32(*b)])
                    .flatten()
                    .collect();
                (5, count(numbers.len())?, bytes)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Fix;

    fn tags() -> Tags {
        let facts = Facts {
            position: Some(Fix {
                lat: -30.25,
                lon: 120.5,
                accuracy_m: Some(12.0),
                altitude_m: Some(-3.5),
                heading_deg: None,
                dop: None,
            }),
            ..Facts::default()
        };
        Tags::of(&facts)
    }

    #[test]
    fn below_the_sea_is_one_and_above_it_zero() {
        let mut facts = Facts {
            position: Some(Fix {
                lat: 0.0,
                lon: 0.0,
                accuracy_m: None,
                altitude_m: Some(-3.5),
                heading_deg: None,
                dop: None,
            }),
            ..Facts::default()
        };
        assert_eq!(Tags::of(&facts).gps.get(&5), Some(&Value::Bytes(vec![1])));
        assert_eq!(
            Tags::of(&facts).gps.get(&6),
            Some(&Value::Rational(vec![(3500, 1000)]))
        );
        facts.position.as_mut().unwrap().altitude_m = Some(8848.0);
        assert_eq!(Tags::of(&facts).gps.get(&5), Some(&Value::Bytes(vec![0])));
    }

    #[test]
    fn a_block_that_is_made_anew_is_read_back_and_set_again_without_loss() {
        let once = with_tags(None, &tags().upright()).unwrap();
        assert_eq!(orientation(&once), Some(1));
        let tiff = Tiff::read(&once).unwrap();
        let main = tiff.directory(tiff.get32(4).unwrap()).unwrap();
        let gps = tiff
            .directory(tiff.get32(main.entries[&GPS_POINTER].1 + 8).unwrap())
            .unwrap();
        let found: Vec<u16> = gps.entries.keys().copied().collect();
        assert_eq!(found, [0, 1, 2, 3, 4, 5, 6, 18, 31]);
        let twice = with_tags(Some(&once), &tags()).unwrap();
        assert_eq!(orientation(&twice), Some(1));
        // all that stood there stands there still, but for the pointers
        let changed = once.iter().zip(&twice).filter(|(a, b)| a != b).count();
        assert!(changed <= 8, "{changed}");
    }

    #[test]
    fn nothing_of_the_camera_s_position_stays_beside_another_one() {
        let camera = Facts {
            position: Some(Fix {
                lat: 50.0,
                lon: 14.0,
                accuracy_m: Some(3.0),
                altitude_m: Some(252.0),
                heading_deg: Some(90.0),
                dop: Some(18.0),
            }),
            ..Facts::default()
        };
        let own = Facts {
            position: Some(Fix {
                lat: 31.0,
                lon: 121.0,
                accuracy_m: None,
                altitude_m: None,
                heading_deg: None,
                dop: None,
            }),
            ..Facts::default()
        };
        let block = with_tags(None, &Tags::of(&camera)).unwrap();
        let block = with_tags(Some(&block), &Tags::of(&own)).unwrap();
        let tiff = Tiff::read(&block).unwrap();
        let main = tiff.directory(tiff.get32(4).unwrap()).unwrap();
        let gps = tiff.get32(main.entries[&GPS_POINTER].1 + 8).unwrap();
        let gps = tiff.directory(gps).unwrap();
        let found: Vec<u16> = gps.entries.keys().copied().collect();
        assert_eq!(found, [0, 1, 2, 3, 4, 18]);
    }

    proptest! {
        #[test]
        fn no_block_makes_it_fail_otherwise_than_by_saying_so(
            mut block in prop::collection::vec(any::<u8>(), 0..400),
            little in any::<bool>(),
            at in 0_u8..60,
        ) {
            if let Some(head) = block.first_chunk_mut::<8>() {
                *head = if little { [b'I', b'I', 42, 0, at, 0, 0, 0] } else { [b'M', b'M', 0, 42, 0, 0, 0, at] };
            }
            let _ = orientation(&block);
            if let Ok(set) = with_tags(Some(&block), &tags().upright()) {
                prop_assert!(set.len() > block.len());
            }
        }
    }
}
