//! Time as it can be known offline: an interval with its source, never a bare stamp.
//!
//! The boot-time clock counts milliseconds since the device started, sleep included, and nobody can set it. The server's time, seen once,
//! anchors it to the world's; so do satellites and the platform's network clock, which nobody signs. Between anchors the interval grows with
//! the drift of a phone's crystal.

use chrono::{DateTime, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::ids::BootId;

mod anchors;
mod narrow;
mod stay;
mod zone;

pub use anchors::{
    Anchor, AnchorSource, Anchors, Basis, Candidate, GNSS_UNCERTAINTY_MS, MAX_FIX_AGE_MS,
    MAX_UNCERTAINTY_MS, NETWORK_UNCERTAINTY_MS, NotTaken, WALL_JUMP_MS, place, wall_jump,
};
pub use narrow::{ChainEvent, Receipt, narrow};
pub use stay::{BootClock, Stay};
pub use zone::{MAX_ZONE, NotAZone, Zone};

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMs = i64;

/// Largest drift assumed of a phone's clock, parts per million. Crystals are specified at 20, 50 leaves room for cold and age.
pub const DRIFT_PPM: i64 = 50;

/// How far ahead of the server's time a device's logical clock may run before it is held back, so that one phone set to 2099 cannot win
/// for ever.
pub const MAX_AHEAD_MS: i64 = 5 * 60 * 1000;

/// Both clocks of a device, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What the wall clock claims. The user can set it.
    pub wall_ms: UnixMs,
    /// Milliseconds since boot, sleep included.
    pub mono_ms: i64,
    /// Which boot `mono_ms` counts from.
    pub boot: BootId,
    /// Local time minus UTC, minutes.
    pub utc_offset_min: i16,
    /// The time zone that the device is set to, where the platform tells.
    pub zone: Option<Zone>,
}

/// How far a device's clock may be off after it counted `elapsed_ms`, milliseconds, rounded up. The drift is a share of the true time, so
/// it is divided by what the slowest clock counts in a million.
#[must_use]
pub const fn drift_ms(elapsed_ms: i64) -> i64 {
    let counted = elapsed_ms.saturating_abs();
    let slowest = 1_000_000 - DRIFT_PPM;
    let whole = counted / slowest * DRIFT_PPM + counted % slowest * DRIFT_PPM / slowest;
    whole.saturating_add(1)
}

/// How well a time is known. Shown to managers; never blocks a rep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimeClass {
    /// Anchored to the server in the same boot.
    A,
    /// Anchored to satellites or the platform's network clock in the same boot.
    B,
    /// Only the wall clock, which does not contradict what is known.
    C,
    /// Only the wall clock, and it contradicts what is known: it was changed.
    D,
}

/// When something happened: inside `[earliest, latest]`, an absent end being unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeInterval {
    /// Not before; `None` when nothing is known.
    #[serde(rename = "lo")]
    pub earliest: Option<UnixMs>,
    /// Not after; `None` until a later anchor bounds it.
    #[serde(rename = "hi")]
    pub latest: Option<UnixMs>,
    /// The source of the two.
    #[serde(rename = "cls")]
    pub class: TimeClass,
    /// What the device's wall clock claimed.
    #[serde(rename = "wall")]
    pub wall: UnixMs,
}

impl TimeInterval {
    /// The single moment to show: the middle of a bounded interval, else what the wall clock claimed.
    #[must_use]
    pub fn best_ms(&self) -> UnixMs {
        match (self.earliest, self.latest) {
            (Some(lo), Some(hi)) => lo.saturating_add(hi.saturating_sub(lo) / 2),
            _ => self.wall,
        }
    }

    /// Half the width in milliseconds; `None` when an end is unknown.
    #[must_use]
    pub fn uncertainty_ms(&self) -> Option<i64> {
        Some(
            self.latest?
                .saturating_sub(self.earliest?)
                .saturating_add(1)
                / 2,
        )
    }
}

/// A hybrid logical clock: wall milliseconds, then a counter (Kulkarni et al., 2014). Orders a device's own work even when its wall clock
/// jumps.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Hlc(pub UnixMs, pub u32);

impl Hlc {
    /// The next value after `self`, not beyond `ceiling` by its wall part (pass `i64::MAX` when the server's time is unknown).
    #[must_use]
    pub fn tick(self, wall_ms: UnixMs, ceiling: UnixMs) -> Self {
        let wall = wall_ms.min(ceiling);
        if wall > self.0 {
            Self(wall, 0)
        } else {
            Self(self.0, self.1.saturating_add(1))
        }
    }
}

/// The time of an operation: both clocks raw, and what they prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredStamp")]
pub struct Stamp {
    /// What the clocks prove.
    #[serde(flatten)]
    pub when: TimeInterval,
    /// Boot-time clock.
    pub mono: i64,
    /// Which boot.
    pub boot: BootId,
    /// Local time minus UTC, minutes.
    pub tz: i16,
    /// The time zone that the device was set to, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// The local calendar day, fixed at capture: later news about the time, zones or daylight saving do not move it.
    pub day: NaiveDate,
    /// Local order.
    pub hlc: Hlc,
}

/// [`Stamp`] as any version wrote it: version 1 left the day to be computed.
#[derive(Deserialize)]
struct StoredStamp {
    #[serde(flatten)]
    when: TimeInterval,
    mono: i64,
    boot: BootId,
    tz: i16,
    #[serde(default)]
    zone: Option<Zone>,
    #[serde(default)]
    day: Option<NaiveDate>,
    hlc: Hlc,
}

impl From<StoredStamp> for Stamp {
    fn from(stored: StoredStamp) -> Self {
        let computed = || local_day(stored.when.best_ms(), stored.tz);
        Self {
            when: stored.when,
            mono: stored.mono,
            boot: stored.boot,
            tz: stored.tz,
            zone: stored.zone,
            day: stored.day.unwrap_or_else(computed),
            hlc: stored.hlc,
        }
    }
}

impl Stamp {
    /// The time of `reading`, given what the device knows of the world's time and the last logical time.
    #[must_use]
    pub fn take(reading: Reading, anchors: &Anchors, last: Hlc) -> Self {
        let when = place(reading, anchors);
        let ceiling = when
            .latest
            .map_or(i64::MAX, |latest| latest.saturating_add(MAX_AHEAD_MS));
        Self {
            when,
            mono: reading.mono_ms,
            boot: reading.boot,
            tz: reading.utc_offset_min,
            zone: reading.zone,
            day: local_day(when.best_ms(), reading.utc_offset_min),
            hlc: last.tick(reading.wall_ms, ceiling),
        }
    }

    /// The local calendar day, fixed at capture.
    #[must_use]
    pub const fn local_day(&self) -> NaiveDate {
        self.day
    }

    /// Whether the stated day is the one that the stamp's own time and offset give, as every device of ours writes it.
    #[must_use]
    pub fn day_fits(&self) -> bool {
        self.day == local_day(self.when.best_ms(), self.tz)
    }
}

/// The calendar day at `ms` where local time is `utc_offset_min` minutes ahead of UTC.
#[must_use]
pub fn local_day(ms: UnixMs, utc_offset_min: i16) -> NaiveDate {
    DateTime::from_timestamp_millis(ms)
        .and_then(|utc| utc.checked_add_signed(TimeDelta::minutes(i64::from(utc_offset_min))))
        .map_or(NaiveDate::MIN, |local| local.date_naive())
}

#[cfg(test)]
mod tests;
