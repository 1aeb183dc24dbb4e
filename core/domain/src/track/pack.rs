//! Packing. The format is described in full at [`pack`].

use super::bits::{BitWriter, Context, put_varint, zigzag};
use super::simplify::{Coded, Kept, simplify};
use super::{Gap, GapReason, HOLE_MS, NotATrack, Track};
use crate::geo::Datum;

/// Version of the format: the first byte.
pub(super) const VERSION: u8 = 1;
/// Tightest bound, metres. The coordinates themselves are rounded by up to 8 mm.
pub const MIN_BOUND_M: f64 = 0.05;
/// Widest bound, metres.
pub const MAX_BOUND_M: f64 = 1_000.0;
/// A whole circle in units of 1e-7 degrees.
pub(super) const CIRCLE: i64 = 3_600_000_000;

/// A packed track.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The track as bytes, for [`super::unpack`].
    pub bytes: Vec<u8>,
    /// Fixes that were given.
    pub fixes_in: usize,
    /// Fixes that were kept.
    pub points_out: usize,
    /// The largest distance between a given fix and the position that a reader gets for its time, metres. At most the bound.
    pub worst_error_m: f64,
    /// Boot-time clock of the first entry, milliseconds.
    pub first_mono_ms: i64,
    /// Boot-time clock of the last entry, milliseconds.
    pub last_mono_ms: i64,
    /// The datum of the fixes; `None` when there are gaps alone.
    pub datum: Option<Datum>,
}

/// Entries that cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Nothing to pack.
    #[error("a track without entries")]
    Empty,
    /// The bound is no number of metres between [`MIN_BOUND_M`] and [`MAX_BOUND_M`].
    #[error("the bound must lie between {MIN_BOUND_M} and {MAX_BOUND_M} metres")]
    Bound,
    /// The entries are no track.
    #[error(transparent)]
    NotATrack(#[from] NotATrack),
}

/// Packs a track so that every fix that is left out lies within `bound_m` metres of where a reader will put the device at its time.
///
/// Kept of each fix that stays: position to 1e-7 degrees (in the datum in which it was reported), time to the millisecond, accuracy
/// rounded up to the next of a scale of steps of √2 from 0.5 m, source, provider, and whether it was mock, simulated or from an accessory.
/// Altitude, speed, bearing, satellites and satellite time are not kept. A dropped fix has the same source, provider and marks as the
/// kept one before it, and its accuracy is at most twice the worse of the two around it, or at most the bound. Every gap is kept; holes of
/// more than [`HOLE_MS`] become gaps of unknown reason.
///
/// # Format, version 1
///
/// Whole bytes first. *varint* is LEB128: groups of seven bits, low group first, the high bit set when more follow. *zigzag* maps 0, -1, 1,
/// -2, … to 0, 1, 2, 3, …
///
/// | field | coded as | |
/// | --- | --- | --- |
/// | version | byte | 1 |
/// | datum | byte | 0 none (no fixes), 1 WGS-84, 2 GCJ-02, 3 BD-09 |
/// | bound | varint | millimetres, rounded up |
/// | worst error | varint | millimetres, rounded up |
/// | fixes in | varint | how many fixes the entries had |
/// | entries | varint | how many entries follow: fixes kept, and gaps; at least 1 |
/// | tick | varint | milliseconds; every time is the first time plus a whole number of ticks; at least 1 |
/// | first time | varint | zigzag, milliseconds of the boot-time clock |
///
/// Then bits, high bit first, to the end; the last byte is filled up with zero-bits. *rice(c)* is the adaptive Rice code with the
/// context c, as the module `bits` describes it; a context starts with count 2 and sum twice the number given here: kind 0, time 10,
/// latitude 2,000, longitude 2,000, level 0. Each entry is:
///
/// | field | coded as | |
/// | --- | --- | --- |
/// | kind | rice(kind) | 0 a fix of the same class as the last fix; 1 a fix, its class follows; 2 a gap |
/// | time | rice(time) | ticks since the entry before; the first has 0 |
/// | reason | 8 bits | gap only: index in [`GapReason::ALL`], an index beyond is "unknown" |
/// | class | 8 bits | kind 1 only: bits 0-1 source (Android, Apple, Web, stated), 2-4 provider (unknown, GNSS, network, fused, manual), 5 mock, 6 simulated, 7 accessory. Before the first fix the class is 0 |
/// | latitude | rice(latitude) | fix only: zigzag of the difference to the last fix in 1e-7 degrees; before the first fix it is 0 |
/// | longitude | rice(longitude) | likewise, by the shorter way round: in -1.8e9 .. 1.8e9 |
/// | level | rice(level) | zigzag of the difference to the last fix's accuracy level; before the first fix it is 0. Level n is 0.5 m · √2ⁿ, at most 100 km |
///
/// # Errors
/// [`PackError`].
pub fn pack(entries: &[super::Entry], bound_m: f64) -> Result<Packed, PackError> {
    if !(MIN_BOUND_M..=MAX_BOUND_M).contains(&bound_m) {
        return Err(PackError::Bound);
    }
    let track = Track::new(entries, HOLE_MS)?;
    pack_track(&track, bound_m)
}

fn pack_track(track: &Track, bound_m: f64) -> Result<Packed, PackError> {
    let coded: Vec<Coded> = track.fixes.iter().map(Coded::of).collect();
    let kept = simplify(&track.fixes, &coded, &track.pieces(), bound_m);
    let items = items(track, &coded, &kept);
    let first_mono_ms = items.first().ok_or(PackError::Empty)?.mono_ms;
    let last_mono_ms = items.last().ok_or(PackError::Empty)?.mono_ms;
    Ok(Packed {
        bytes: write(track, &items, &kept, bound_m),
        fixes_in: track.fixes.len(),
        points_out: kept.indices.len(),
        worst_error_m: kept.worst_m,
        first_mono_ms,
        last_mono_ms,
        datum: track.datum(),
    })
}

struct Item {
    mono_ms: i64,
    what: What,
}

enum What {
    Fix(Coded),
    Gap(GapReason),
}

/// Kept fixes and gaps in their order.
fn items(track: &Track, coded: &[Coded], kept: &Kept) -> Vec<Item> {
    let mut items = Vec::with_capacity(kept.indices.len() + track.gaps.len());
    let mut gaps = track.gaps.iter().peekable();
    let gap_item = |gap: &Gap| Item {
        mono_ms: gap.mono_ms,
        what: What::Gap(gap.reason),
    };
    for index in &kept.indices {
        while let Some(gap) = gaps.next_if(|gap| gap.fixes_before <= *index) {
            items.push(gap_item(gap));
        }
        if let (Some(fix), Some(coded)) = (track.fixes.get(*index), coded.get(*index)) {
            items.push(Item {
                mono_ms: fix.mono_ms,
                what: What::Fix(*coded),
            });
        }
    }
    items.extend(gaps.map(gap_item));
    items
}

/// The contexts of the bit stream, as both ends start them.
pub(super) struct Contexts {
    pub(super) kind: Context,
    pub(super) time: Context,
    pub(super) lat: Context,
    pub(super) lon: Context,
    pub(super) level: Context,
}

impl Contexts {
    pub(super) const fn start() -> Self {
        Self {
            kind: Context::expecting(0),
            time: Context::expecting(10),
            lat: Context::expecting(2_000),
            lon: Context::expecting(2_000),
            level: Context::expecting(0),
        }
    }
}

fn write(track: &Track, items: &[Item], kept: &Kept, bound_m: f64) -> Vec<u8> {
    let first = items.first().map_or(0, |item| item.mono_ms);
    let tick = items
        .iter()
        .fold(0, |tick, item| gcd(tick, item.mono_ms.abs_diff(first)))
        .max(1);
    let datum = match track.datum() {
        None => 0,
        Some(Datum::Wgs84) => 1,
        Some(Datum::Gcj02) => 2,
        Some(Datum::Bd09) => 3,
    };
    let mut bytes = vec![VERSION, datum];
    put_varint(&mut bytes, millimetres(bound_m));
    put_varint(&mut bytes, millimetres(kept.worst_m));
    put_varint(&mut bytes, track.fixes.len() as u64);
    put_varint(&mut bytes, items.len() as u64);
    put_varint(&mut bytes, tick);
    put_varint(&mut bytes, zigzag(first));

    let mut bits = BitWriter::after(bytes);
    let mut contexts = Contexts::start();
    let mut time = first;
    let mut last = Coded {
        lat: 0,
        lon: 0,
        level: 0,
        class: 0,
    };
    for item in items {
        let ticks = item.mono_ms.abs_diff(time) / tick;
        time = item.mono_ms;
        match &item.what {
            What::Gap(reason) => {
                bits.rice(&mut contexts.kind, 2);
                bits.rice(&mut contexts.time, ticks);
                let index = GapReason::ALL.iter().position(|other| other == reason);
                bits.bits(index.unwrap_or(0) as u64, 8);
            }
            What::Fix(coded) => {
                let same = coded.class == last.class;
                bits.rice(&mut contexts.kind, u64::from(!same));
                bits.rice(&mut contexts.time, ticks);
                if !same {
                    bits.bits(u64::from(coded.class), 8);
                }
                bits.rice(&mut contexts.lat, zigzag(coded.lat - last.lat));
                bits.rice(&mut contexts.lon, zigzag(shorter(coded.lon - last.lon)));
                let level = i64::from(coded.level) - i64::from(last.level);
                bits.rice(&mut contexts.level, zigzag(level));
                last = *coded;
            }
        }
    }
    bits.finish()
}

/// The shorter way round, units of 1e-7 degrees.
const fn shorter(d: i64) -> i64 {
    if d > CIRCLE / 2 {
        d - CIRCLE
    } else if d < -CIRCLE / 2 {
        d + CIRCLE
    } else {
        d
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "metres between zero and the widest bound"
)]
fn millimetres(metres: f64) -> u64 {
    (metres * 1000.0).ceil() as u64
}
