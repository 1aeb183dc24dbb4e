//! The account of a session: what was observed of it, and what is known of the rest.

use serde::Serialize;

use super::{Cause, Seen};
use crate::track::{GapReason, HOLE_MS};

/// What was observed of a session, and the rest with its causes. Milliseconds of one clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// How long the session lasted.
    pub session_ms: i64,
    /// For how long of it fixes followed one another.
    pub observed_ms: i64,
    /// The rest, in order of time.
    pub missed: Vec<Missed>,
}

/// A part of a session without fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// Since when.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// The recorded cause; `None` when none was recorded.
    pub cause: Option<GapReason>,
}

/// Accounts for a session from `from` to `until`.
///
/// Up to [`HOLE_MS`] between two fixes without a recorded cause is the recorder's pace and counts as observed, as it does within a track; so it does
/// between an end of the session and the fix next to it. What is longer is missed. A missed part is split where another cause was recorded; what
/// comes before its first cause by no more than the recorder's pace has that cause, since a cause is noticed after the last fix.
#[must_use]
pub fn account((from, until): (i64, i64), seen: &[Seen], causes: &[Cause]) -> Account {
    let mut seen: Vec<Seen> = seen
        .iter()
        .filter(|seen| seen.to >= from && seen.from <= until)
        .map(|seen| Seen {
            from: seen.from.max(from),
            to: seen.to.min(until),
        })
        .collect();
    seen.sort_by_key(|seen| seen.from);
    let mut causes = causes.to_vec();
    causes.sort_by_key(|cause| cause.from);
    let mut account = Account {
        session_ms: until.saturating_sub(from).max(0),
        ..Account::default()
    };
    // nothing at all was seen: no pace to speak of
    let paced = !seen.is_empty();
    let mut at = from;
    let end = Seen {
        from: until,
        to: until,
    };
    for next in seen.into_iter().chain([end]) {
        if next.from > at {
            account.between((at, next.from), &causes, paced);
        }
        account.observed_ms += next.to.saturating_sub(next.from.max(at)).max(0);
        at = at.max(next.to);
    }
    account
}

impl Account {
    /// Takes the time between two stretches into account.
    fn between(&mut self, (from, until): (i64, i64), causes: &[Cause], paced: bool) {
        let inside: Vec<&Cause> = causes
            .iter()
            .filter(|cause| (from..until).contains(&cause.from))
            .collect();
        let known = |cause: &&&Cause| cause.reason != GapReason::Unknown;
        if paced && until - from <= HOLE_MS && !inside.iter().any(|cause| known(&cause)) {
            self.observed_ms += until - from;
            return;
        }
        let mut at = (from, None);
        let mut parts: Vec<Missed> = Vec::new();
        let mut miss = |from: i64, until: i64, cause| match parts.last_mut() {
            _ if until <= from => {}
            Some(last) if last.cause == cause => last.until = until,
            _ => parts.push(Missed { from, until, cause }),
        };
        for cause in inside {
            let reason = Some(cause.reason).filter(|reason| *reason != GapReason::Unknown);
            let noticed_late = at == (from, None) && cause.from - from <= HOLE_MS;
            if !noticed_late {
                miss(at.0, cause.from, at.1);
                at.0 = cause.from;
            }
            at.1 = reason;
        }
        miss(at.0, until, at.1);
        // the recorder's pace again, once a cause was recorded to be over
        let pace = |last: &Missed| last.cause.is_none() && last.until - last.from <= HOLE_MS;
        if parts.len() > 1 && parts.last().is_some_and(pace) {
            self.observed_ms += parts.pop().map_or(0, |last| last.until - last.from);
        }
        self.missed.extend(parts);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn seen(from: i64, to: i64) -> Seen {
        Seen {
            from: from * MINUTE,
            to: to * MINUTE,
        }
    }

    fn cause(from: i64, reason: GapReason) -> Cause {
        Cause {
            from: from * MINUTE,
            reason,
        }
    }

    fn missed(from: i64, until: i64, cause: Option<GapReason>) -> Missed {
        Missed {
            from: from * MINUTE,
            until: until * MINUTE,
            cause,
        }
    }

    #[test]
    fn a_gap_has_the_cause_that_was_recorded_and_none_that_was_not() {
        let causes = [
            cause(43, GapReason::PermissionOff),
            cause(50, GapReason::BatterySaver),
        ];
        let account = account(
            (0, 100 * MINUTE),
            &[seen(1, 42), seen(60, 70), seen(80, 100)],
            &causes,
        );
        assert_eq!(
            account.missed,
            [
                missed(42, 50, Some(GapReason::PermissionOff)),
                missed(50, 60, Some(GapReason::BatterySaver)),
                missed(70, 80, None),
            ]
        );
        assert_eq!(account.observed_ms, 72 * MINUTE);
    }

    #[test]
    fn what_came_long_before_a_cause_does_not_have_that_cause() {
        let account = account(
            (0, 60 * MINUTE),
            &[seen(0, 10), seen(50, 60)],
            &[
                cause(30, GapReason::PhoneOff),
                cause(40, GapReason::Unknown),
            ],
        );
        assert_eq!(
            account.missed,
            [
                missed(10, 30, None),
                missed(30, 40, Some(GapReason::PhoneOff)),
                missed(40, 50, None),
            ]
        );
    }

    #[test]
    fn the_recorder_s_pace_is_no_gap_but_a_stated_cause_is_one_however_short() {
        let stretches = [seen(1, 10), seen(12, 20)];
        let whole = (0, 21 * MINUTE);
        let quiet = account(whole, &stretches, &[]);
        assert_eq!((quiet.observed_ms, quiet.missed), (21 * MINUTE, vec![]));
        let stated = account(whole, &stretches, &[cause(11, GapReason::PausedByRep)]);
        assert_eq!(
            stated.missed,
            [missed(10, 12, Some(GapReason::PausedByRep))]
        );
    }

    #[test]
    fn a_session_without_any_fix_is_missed_whole_however_short() {
        let account = account((0, MINUTE), &[], &[]);
        assert_eq!(account.missed, [missed(0, 1, None)]);
        assert_eq!(account.observed_ms, 0);
    }

    proptest! {
        #[test]
        fn observed_and_missed_are_the_session_and_nothing_is_missed_where_something_was_seen(
            length in 0_i64..600,
            raw in prop::collection::vec((-50_i64..650, 0_i64..90), 0..12),
            marks in prop::collection::vec((-50_i64..650, 0..GapReason::ALL.len()), 0..12),
        ) {
            let stretches: Vec<Seen> = raw.iter().map(|(from, long)| seen(*from, from + long)).collect();
            let causes: Vec<Cause> = marks.iter().map(|(from, which)| cause(*from, GapReason::ALL[*which])).collect();
            let account = account((0, length * MINUTE), &stretches, &causes);
            let missed: i64 = account.missed.iter().map(|missed| missed.until - missed.from).sum();
            prop_assert_eq!(account.observed_ms + missed, account.session_ms);
            for missed in &account.missed {
                prop_assert!(missed.until > missed.from && missed.from >= 0 && missed.until <= length * MINUTE);
                for stretch in &stretches {
                    prop_assert!(stretch.to <= missed.from || stretch.from >= missed.until, "{stretch:?} {missed:?}");
                }
                if let Some(cause) = missed.cause {
                    prop_assert!(causes.iter().any(|known| known.reason == cause), "a cause that nobody recorded");
                }
            }
        }
    }
}
