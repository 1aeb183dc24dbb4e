//! Time as it can be known offline: an interval with its source, never a bare stamp.
//!
//! The boot-time clock counts milliseconds since the device started, sleep included, and nobody can set it. The server's time, seen once,
//! anchors it to the world's. Between anchors the interval grows with the drift of a phone's crystal.

use chrono::{DateTime, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::ids::BootId;

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
}

/// A moment at which the server's time was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The server's clock.
    pub server_ms: UnixMs,
    /// Round trip of the exchange that brought it; the true time lies within half of it.
    pub rtt_ms: i64,
    /// Boot-time clock when the answer arrived.
    pub mono_ms: i64,
    /// The boot of `mono_ms`.
    pub boot: BootId,
}

impl Anchor {
    /// The anchor of a round trip: the server read its clock somewhere within it, so the middle, give or take half of it.
    #[must_use]
    pub fn of_round_trip(server_ms: UnixMs, sent: Reading, received: Reading) -> Self {
        let rtt_ms = received.mono_ms.saturating_sub(sent.mono_ms).max(0);
        Self {
            server_ms: server_ms.saturating_add(rtt_ms / 2),
            rtt_ms,
            mono_ms: received.mono_ms,
            boot: received.boot,
        }
    }
}

/// How well a time is known. Shown to managers; never blocks a rep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimeClass {
    /// Anchored to the server in the same boot.
    A,
    /// From a satellite fix.
    B,
    /// Only the wall clock, which does not contradict what is known.
    C,
    /// Only the wall clock, and it contradicts what is known: it went back.
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
            (Some(lo), Some(hi)) => lo + (hi - lo) / 2,
            _ => self.wall,
        }
    }

    /// Half the width in milliseconds; `None` when an end is unknown.
    #[must_use]
    pub fn uncertainty_ms(&self) -> Option<i64> {
        Some((self.latest? - self.earliest? + 1) / 2)
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
pub struct Stamp {
    /// What the clocks prove.
    #[serde(flatten)]
    pub when: TimeInterval,
    /// Boot-time clock.
    pub mono: i64,
    /// Which boot.
    pub boot: BootId,
    /// Local time minus UTC, minutes: fixes the calendar day at capture.
    pub tz: i16,
    /// Local order.
    pub hlc: Hlc,
}

impl Stamp {
    /// The time of `reading`, given the last `anchor` and the last logical time.
    #[must_use]
    pub fn take(reading: Reading, anchor: Option<Anchor>, last: Hlc) -> Self {
        let when = place(reading, anchor);
        let ceiling = when
            .latest
            .map_or(i64::MAX, |latest| latest.saturating_add(MAX_AHEAD_MS));
        Self {
            when,
            mono: reading.mono_ms,
            boot: reading.boot,
            tz: reading.utc_offset_min,
            hlc: last.tick(reading.wall_ms, ceiling),
        }
    }

    /// The local calendar day, fixed at capture.
    #[must_use]
    pub fn local_day(&self) -> NaiveDate {
        local_day(self.when.best_ms(), self.tz)
    }
}

/// Places a reading in the world's time.
#[must_use]
pub fn place(reading: Reading, anchor: Option<Anchor>) -> TimeInterval {
    let wall = reading.wall_ms;
    let unknown = TimeInterval {
        earliest: None,
        latest: None,
        class: TimeClass::C,
        wall,
    };
    let Some(anchor) = anchor else { return unknown };
    let elapsed = reading.mono_ms.saturating_sub(anchor.mono_ms);
    if anchor.boot == reading.boot && elapsed >= 0 {
        let spread = anchor.rtt_ms / 2 + elapsed / 1_000_000 * DRIFT_PPM + 1;
        let middle = anchor.server_ms.saturating_add(elapsed);
        return TimeInterval {
            earliest: Some(middle.saturating_sub(spread)),
            latest: Some(middle.saturating_add(spread)),
            class: TimeClass::A,
            wall,
        };
    }
    // after a reboot only this is certain: it is later than the last time that was known
    let class = if wall < anchor.server_ms {
        TimeClass::D
    } else {
        TimeClass::C
    };
    TimeInterval {
        earliest: Some(anchor.server_ms),
        class,
        ..unknown
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::uuid_v7;

    fn boot(tag: u8) -> BootId {
        BootId::from_uuid(uuid_v7(0, [tag; 10]))
    }

    fn reading(wall_ms: i64, mono_ms: i64, boot: BootId) -> Reading {
        Reading {
            wall_ms,
            mono_ms,
            boot,
            utc_offset_min: 480,
        }
    }

    #[test]
    fn five_days_after_an_anchor_the_time_is_known_to_22_seconds() {
        let anchor = Anchor {
            server_ms: 1_000_000_000_000,
            rtt_ms: 200,
            mono_ms: 0,
            boot: boot(1),
        };
        let five_days = 5 * 86_400_000;
        let when = place(reading(0, five_days, boot(1)), Some(anchor));
        assert_eq!(when.class, TimeClass::A);
        assert_eq!(when.uncertainty_ms(), Some(21_600 + 100 + 1));
    }

    #[test]
    fn after_a_reboot_the_time_has_no_upper_end_and_says_so() {
        let anchor = Anchor {
            server_ms: 1_000,
            rtt_ms: 0,
            mono_ms: 50,
            boot: boot(1),
        };
        let when = place(reading(5_000, 10, boot(2)), Some(anchor));
        assert_eq!(
            (when.earliest, when.latest, when.class),
            (Some(1_000), None, TimeClass::C)
        );
        let set_back = place(reading(10, 10, boot(2)), Some(anchor));
        assert_eq!(set_back.class, TimeClass::D);
        assert_eq!(place(reading(5_000, 10, boot(2)), None).earliest, None);
    }

    #[test]
    fn a_phone_set_to_2099_does_not_win_for_ever() {
        let anchor = Anchor {
            server_ms: 1_000_000,
            rtt_ms: 0,
            mono_ms: 0,
            boot: boot(1),
        };
        let in_2099 = reading(4_070_908_800_000, 10, boot(1));
        let stamp = Stamp::take(in_2099, Some(anchor), Hlc::default());
        assert!(stamp.hlc.0 <= 1_000_010 + MAX_AHEAD_MS + 1);
    }

    #[test]
    fn the_day_is_the_one_on_the_wall_of_the_shop() {
        let ms = 1_763_830_800_000; // 2025-11-22T17:00Z
        assert_eq!(local_day(ms, 480).to_string(), "2025-11-23");
        assert_eq!(local_day(ms, 0).to_string(), "2025-11-22");
    }

    proptest! {
        #[test]
        fn true_time_is_inside_the_interval_whatever_the_wall_clock_says(
            wall in any::<i64>(), elapsed in 0_i64..30 * 86_400_000, ppm in -50_i64..=50, rtt in 0_i64..60_000, share in 0_i64..=100,
        ) {
            // the server read its clock somewhere inside the round trip, and the device's crystal is off by `ppm`
            let true_at_anchor = 1_700_000_000_000 + rtt * share / 100;
            let anchor = Anchor { server_ms: 1_700_000_000_000 + rtt / 2, rtt_ms: rtt, mono_ms: 1_000, boot: boot(1) };
            let device_elapsed = elapsed + elapsed / 1_000_000 * ppm;
            let when = place(reading(wall, 1_000 + device_elapsed, boot(1)), Some(anchor));
            let truth = true_at_anchor + elapsed;
            // the assumed drift bounds the device's own count, so a remainder of ppm² and of the integer division is allowed for
            let slack = elapsed / 1_000_000_000 + 2;
            prop_assert!(when.earliest.unwrap() - slack <= truth && truth <= when.latest.unwrap() + slack);
        }

        #[test]
        fn the_logical_clock_only_goes_up(walls in proptest::collection::vec(any::<i64>(), 1..50)) {
            let mut last = Hlc::default();
            for wall in walls {
                let next = last.tick(wall, 2_000_000_000_000);
                prop_assert!(next > last);
                last = next;
            }
        }
    }
}
