//! How long something took.

use serde::{Deserialize, Serialize};

use super::{Stamp, TimeInterval, drift_ms};
use crate::ids::BootId;

/// The boot-time clock at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BootClock {
    /// Milliseconds since boot, sleep included.
    #[serde(rename = "mono")]
    pub mono_ms: i64,
    /// Which boot.
    pub boot: BootId,
}

impl From<&Stamp> for BootClock {
    fn from(stamp: &Stamp) -> Self {
        Self {
            mono_ms: stamp.mono,
            boot: stamp.boot,
        }
    }
}

/// How long a visit lasted: measured on one clock, or what the times of its ends prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// At least, milliseconds.
    pub least_ms: i64,
    /// At most, milliseconds; absent when nothing bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_ms: Option<i64>,
    /// Both ends are of one boot: measured by the boot-time clock, whatever happened to the wall clock, give or take its drift.
    pub exact: bool,
}

impl Stay {
    /// From `started` to `finished`. Within one boot the boot-time clock counts; across a reboot, or on another device, the two times prove
    /// what they prove, and ends that they leave open stay open.
    #[must_use]
    pub fn between(
        started: (&TimeInterval, Option<BootClock>),
        finished: (&TimeInterval, BootClock),
    ) -> Self {
        let ((start, start_clock), (end, end_clock)) = (started, finished);
        if let Some(clock) = start_clock
            && clock.boot == end_clock.boot
            && clock.mono_ms <= end_clock.mono_ms
        {
            let counted = end_clock.mono_ms.saturating_sub(clock.mono_ms);
            let drift = drift_ms(counted);
            return Self {
                least_ms: counted.saturating_sub(drift).max(0),
                most_ms: Some(counted.saturating_add(drift)),
                exact: true,
            };
        }
        Self::of_times(start, end)
    }

    /// What the times of both ends prove.
    #[must_use]
    pub fn of_times(start: &TimeInterval, end: &TimeInterval) -> Self {
        let least_ms = bound(end.earliest, start.latest).unwrap_or(0).max(0);
        // two times that prove the end to be before the beginning prove nothing
        let most_ms = bound(end.latest, start.earliest).filter(|most| *most >= least_ms);
        Self {
            least_ms,
            most_ms,
            exact: false,
        }
    }
}

fn bound(end: Option<i64>, start: Option<i64>) -> Option<i64> {
    Some(end?.saturating_sub(start?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::uuid_v7;
    use crate::time::TimeClass;

    const MINUTE: i64 = 60_000;

    fn clock(boot: u8, mono_ms: i64) -> BootClock {
        let boot = BootId::from_uuid(uuid_v7(0, [boot; 10]));
        BootClock { mono_ms, boot }
    }

    fn when(earliest: Option<i64>, latest: Option<i64>) -> TimeInterval {
        TimeInterval {
            earliest,
            latest,
            class: TimeClass::A,
            wall: 0,
        }
    }

    #[test]
    fn within_a_boot_a_stay_is_known_within_a_second_whatever_the_wall_clock_does() {
        let start = TimeInterval {
            wall: 4_000_000_000_000,
            ..when(None, None)
        };
        let end = TimeInterval {
            wall: -1,
            ..when(None, None)
        };
        let begun = clock(1, 500);
        for counted in [0, 1_100_000, 5 * 60 * MINUTE] {
            let stay = Stay::between((&start, Some(begun)), (&end, clock(1, 500 + counted)));
            assert!(stay.exact);
            let most = stay.most_ms.unwrap();
            assert!(stay.least_ms <= counted && counted <= most);
            assert!(most - counted <= 1_000 && counted - stay.least_ms <= 1_000);
        }
    }

    #[test]
    fn across_a_reboot_a_stay_is_what_both_times_prove_and_never_a_guess() {
        let start = when(Some(10 * MINUTE), Some(11 * MINUTE));
        let over = |end: TimeInterval| {
            let stay = Stay::between((&start, Some(clock(1, 9_000))), (&end, clock(2, 9_000)));
            assert!(!stay.exact);
            (
                stay.least_ms / MINUTE,
                stay.most_ms.map(|most| most / MINUTE),
            )
        };
        assert_eq!(
            over(when(Some(23 * MINUTE), Some(41 * MINUTE))),
            (12, Some(31))
        );
        assert_eq!(over(when(Some(12 * MINUTE), None)), (1, None));
        assert_eq!(over(when(None, Some(12 * MINUTE))), (0, Some(2)));
        assert_eq!(over(when(None, None)), (0, None));
        assert_eq!(
            over(when(Some(MINUTE), Some(2 * MINUTE))),
            (0, None),
            "the times contradict each other"
        );
    }

    #[test]
    fn a_visit_that_an_older_version_began_has_no_clock_and_is_taken_by_its_times() {
        let (start, end) = (when(Some(0), Some(0)), when(Some(MINUTE), Some(MINUTE)));
        let stay = Stay::between((&start, None), (&end, clock(1, 5)));
        assert_eq!(
            (stay.least_ms, stay.most_ms, stay.exact),
            (MINUTE, Some(MINUTE), false)
        );
    }
}
