//! Unpacking: bytes from anywhere.

use super::bits::{BitReader, take_varint, unzigzag};
use super::pack::{CIRCLE, Contexts, MAX_BOUND_M, VERSION};
use super::simplify::{degrees, radius_of};
use super::{Gap, GapReason, MAX_ENTRIES, MAX_MONO_MS, Track, Unpacked};
use crate::fix::{AccuracySource, Fix, MAX_ACCURACY_M, Provider};
use crate::geo::{Datum, Position};
use crate::refusal::{Code, Refusal};

/// Fewest bits of an entry: kind, time, latitude, longitude and level of a fix, one each.
const LEAST_BITS: usize = 2;

/// Reads what [`super::pack`] wrote, and refuses everything else: what is cut short, counts that the bytes cannot hold, positions and
/// times out of range, anything behind the end. Memory is taken in proportion to the bytes.
///
/// # Errors
/// [`Code::Malformed`], naming the field of the format; [`Code::Unsupported`] for a later version of it.
pub fn unpack(bytes: &[u8]) -> Result<Unpacked, Refusal> {
    let (&version, rest) = bytes.split_first().ok_or_else(|| wrong("version"))?;
    if version != VERSION {
        return Err(Refusal::of_field(Code::Unsupported, "version"));
    }
    let (&datum, mut rest) = rest.split_first().ok_or_else(|| wrong("datum"))?;
    let datum = match datum {
        0 => None,
        1 => Some(Datum::Wgs84),
        2 => Some(Datum::Gcj02),
        3 => Some(Datum::Bd09),
        _ => return Err(wrong("datum")),
    };
    let mut number = |field| take_varint(&mut rest).ok_or_else(|| wrong(field));
    let bound_m = metres(number("bound")?, "bound")?;
    let worst_error_m = metres(number("worst_error")?, "worst_error")?;
    let fixes_in = count(number("fixes_in")?, "fixes_in")?;
    let entries = count(number("entries")?, "entries")?;
    let tick = number("tick")?;
    let first = unzigzag(number("first_time")?);
    if entries == 0 || entries > rest.len().saturating_mul(8) / LEAST_BITS {
        return Err(wrong("entries"));
    }
    if tick == 0 {
        return Err(wrong("tick"));
    }
    if worst_error_m > bound_m {
        return Err(wrong("worst_error"));
    }
    let mut reader = Reader {
        bits: BitReader::new(rest),
        contexts: Contexts::start(),
        tick,
        time: first,
        datum,
        lat: 0,
        lon: 0,
        level: 0,
        class: 0,
    };
    let mut track = Track::default();
    for _ in 0..entries {
        reader.entry(&mut track)?;
    }
    if !reader.bits.at_end() {
        return Err(wrong("end"));
    }
    if fixes_in < track.fixes.len() || (datum.is_some() && track.fixes.is_empty()) {
        return Err(wrong("fixes_in"));
    }
    Ok(Unpacked {
        track,
        fixes_in,
        bound_m,
        worst_error_m,
    })
}

fn wrong(field: &str) -> Refusal {
    Refusal::of_field(Code::Malformed, field)
}

fn count(value: u64, field: &str) -> Result<usize, Refusal> {
    usize::try_from(value)
        .ok()
        .filter(|count| *count <= MAX_ENTRIES)
        .ok_or_else(|| wrong(field))
}

fn metres(millimetres: u64, field: &str) -> Result<f64, Refusal> {
    let metres =
        u32::try_from(millimetres).map_or(f64::INFINITY, |value| f64::from(value) / 1000.0);
    if metres <= MAX_BOUND_M {
        Ok(metres)
    } else {
        Err(wrong(field))
    }
}

struct Reader<'a> {
    bits: BitReader<'a>,
    contexts: Contexts,
    tick: u64,
    time: i64,
    datum: Option<Datum>,
    lat: i64,
    lon: i64,
    level: i64,
    class: u8,
}

impl Reader<'_> {
    fn entry(&mut self, track: &mut Track) -> Result<(), Refusal> {
        let kind = self.bits.rice(&mut self.contexts.kind);
        let kind = kind.ok_or_else(|| wrong("kind"))?;
        self.time = self.next_time().ok_or_else(|| wrong("time"))?;
        match kind {
            0 => {}
            1 => self.class = self.byte().ok_or_else(|| wrong("class"))?,
            2 => {
                let index = self.byte().ok_or_else(|| wrong("reason"))?;
                track.gaps.push(Gap {
                    fixes_before: track.fixes.len(),
                    mono_ms: self.time,
                    reason: GapReason::ALL
                        .get(usize::from(index))
                        .copied()
                        .unwrap_or_default(),
                });
                return Ok(());
            }
            _ => return Err(wrong("kind")),
        }
        let fix = self.fix()?;
        track.fixes.push(fix);
        Ok(())
    }

    fn next_time(&mut self) -> Option<i64> {
        let ticks = self.bits.rice(&mut self.contexts.time)?;
        let elapsed = i64::try_from(ticks.checked_mul(self.tick)?).ok()?;
        let time = self.time.checked_add(elapsed)?;
        (-MAX_MONO_MS..=MAX_MONO_MS).contains(&time).then_some(time)
    }

    fn byte(&mut self) -> Option<u8> {
        u8::try_from(self.bits.bits(8)?).ok()
    }

    fn fix(&mut self) -> Result<Fix, Refusal> {
        let contexts = &mut self.contexts;
        let mut difference = |context, field| {
            let code = self.bits.rice(context).ok_or_else(|| wrong(field))?;
            Ok(unzigzag(code))
        };
        let lat = difference(&mut contexts.lat, "latitude")?;
        let lon = difference(&mut contexts.lon, "longitude")?;
        let level = difference(&mut contexts.level, "level")?;
        self.lat = self.lat.saturating_add(lat);
        self.lon = around(self.lon.saturating_add(lon));
        self.level = self.level.saturating_add(level);
        let datum = self.datum.ok_or_else(|| wrong("datum"))?;
        let position = Position::new(datum, degrees(self.lat), degrees(self.lon))
            .map_err(|_| wrong("position"))?;
        let level = u8::try_from(self.level).map_err(|_| wrong("level"))?;
        let accuracy_m = radius_of(level.min(MAX_LEVEL)).min(MAX_ACCURACY_M);
        if level > MAX_LEVEL {
            return Err(wrong("level"));
        }
        let source = match self.class & 3 {
            0 => AccuracySource::Android,
            1 => AccuracySource::Apple,
            2 => AccuracySource::Web,
            _ => AccuracySource::Stated,
        };
        Ok(Fix {
            provider: match (self.class >> 2) & 7 {
                1 => Provider::Gnss,
                2 => Provider::Network,
                3 => Provider::Fused,
                4 => Provider::Manual,
                _ => Provider::Unknown,
            },
            mock: self.class & 1 << 5 != 0,
            simulated: self.class & 1 << 6 != 0,
            accessory: self.class & 1 << 7 != 0,
            ..Fix::new(position, accuracy_m, source, self.time)
        })
    }
}

/// The highest accuracy level that a fix can have.
const MAX_LEVEL: u8 = 36;

/// A longitude that went over the antimeridian, from its other side. -180 and 180 degrees stay as they are.
const fn around(lon: i64) -> i64 {
    if lon > CIRCLE / 2 {
        lon - CIRCLE
    } else if lon < -CIRCLE / 2 {
        lon + CIRCLE
    } else {
        lon
    }
}
