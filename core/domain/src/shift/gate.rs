//! The gate: whether a position may be recorded now.

use super::{Shift, State};
use crate::ids::BootId;
use crate::time::{Reading, TimeInterval};

/// Why the gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The session is over: somebody ended it.
    Ended,
    /// The session is over: its limit is.
    Limit,
    /// The device rebooted and nobody knows how long it was off: the rep has to say that the work goes on.
    TimeUnknown,
    /// The clock stands before the session's beginning.
    NotYet,
}

/// Why a fix does not belong to a session that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideShift {
    /// It was true before the session, or before its present leg, began.
    Before,
    /// It is said to have been true later than now.
    After,
}

impl Shift {
    /// Whether a position may be recorded at `reading`. `now` is what is known of the world's time then.
    ///
    /// In a boot that the session knows, the boot-time clock alone measures, and the world's time can only shut the gate earlier. In another
    /// boot the gate opens only when the world's time proves that the limit is not over.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, reading: Reading, now: TimeInterval) -> Result<(), Closed> {
        if self.state != State::Open {
            return Err(Closed::Ended);
        }
        if self.certainly_over(now) {
            return Err(Closed::Limit);
        }
        let leg = self.leg();
        if reading.boot == leg.boot {
            let elapsed = reading.mono_ms.saturating_sub(leg.mono);
            return if elapsed < 0 {
                Err(Closed::NotYet)
            } else if leg.used_ms.saturating_add(elapsed) >= self.limit_ms() {
                Err(Closed::Limit)
            } else {
                Ok(())
            };
        }
        if self.certainly_within(now) {
            Ok(())
        } else {
            Err(Closed::TimeUnknown)
        }
    }

    /// Whether a fix that was true at `mono_ms` of the boot of `reading` lies within the session, given that the gate is open at `reading`.
    ///
    /// # Errors
    /// On which side it lies.
    pub fn admits_fix(&self, mono_ms: i64, reading: Reading) -> Result<(), OutsideShift> {
        let leg = self.leg();
        // in a boot after the session's own every moment since the boot lies after its beginning
        let from = if reading.boot == leg.boot {
            leg.mono
        } else {
            0
        };
        if mono_ms < from {
            Err(OutsideShift::Before)
        } else if mono_ms > reading.mono_ms {
            Err(OutsideShift::After)
        } else {
            Ok(())
        }
    }

    /// Whether the limit is over at a time that is known so well that no doubt is left.
    #[must_use]
    pub fn certainly_over(&self, now: TimeInterval) -> bool {
        let passed = now.earliest.zip(self.started.latest);
        passed.is_some_and(|(now, started)| now.saturating_sub(started) >= self.limit_ms())
    }

    /// Whether the limit is certainly not over yet.
    #[must_use]
    pub fn certainly_within(&self, now: TimeInterval) -> bool {
        let most = now.latest.zip(self.started.earliest);
        let least = now.earliest.zip(self.started.latest);
        most.is_some_and(|(now, started)| now.saturating_sub(started) < self.limit_ms())
            && least.is_some_and(|(now, started)| now.saturating_sub(started) >= 0)
    }

    /// Whether what was recorded from `first_mono` to `last_mono` of `boot` lies within the session, as far as boot-time clocks tell. A boot
    /// that the session does not name was admitted by the world's time: then `at` and `until` decide.
    #[must_use]
    pub fn holds(
        &self,
        boot: BootId,
        (first_mono, last_mono): (i64, i64),
        (at, until): (TimeInterval, TimeInterval),
    ) -> bool {
        let Some(leg) = self.legs().find(|leg| leg.boot == boot) else {
            return self.certainly_within(at) && self.certainly_within(until);
        };
        let limit = leg
            .mono
            .saturating_add(self.limit_ms().saturating_sub(leg.used_ms));
        let end = match &self.state {
            State::Ended {
                mono: Some(mono), ..
            } if self.leg().boot == boot => limit.min(*mono),
            _ => limit,
        };
        leg.mono <= first_mono && first_mono <= last_mono && last_mono <= end
    }
}
