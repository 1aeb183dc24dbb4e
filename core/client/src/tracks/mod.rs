//! Tracks: recorded inside the open session alone, read for a stated purpose.

mod advice;
mod crossings;
mod day;
mod import;
mod opening;
mod replay;
mod watched;

pub use advice::{AdviceRequest, AdviceView, NextCustomer};
pub use crossings::{CrossingView, CrossingsView, StayView, StopView};
pub use import::FeedReport;
pub use opening::{LeafReport, OpeningReport, Unproven, check_opening};

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::fix::Fix;
use waymark_domain::geo::Position;
use waymark_domain::ids::{BootId, LocationAccessId, ShiftId, UserId};
use waymark_domain::location_access::{LocationAccess, What};
use waymark_domain::op::Draft;
use waymark_domain::record::Body;
use waymark_domain::refusal::check_text;
use waymark_domain::shift::{Shift, State, later};
use waymark_domain::time::{TimeInterval, UnixMs};
use waymark_domain::track::{Entry, GapReason, HOLE_MS, Track};
use waymark_store::{Appended, Unit};

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// Older than this a position is not live, milliseconds (features.md row 1.1).
pub const LIVE_MS: i64 = 5 * 60_000;

/// One look at a current position is written down once in so long, milliseconds: a map that is left open is one look, not hundreds.
pub const LOOK_MS: i64 = 15 * 60_000;

/// The tracks.
pub struct Tracks(pub(crate) Waymark);

/// A day's track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackDay {
    /// Whose.
    pub rep: UserId,
    /// The local calendar day.
    pub day: NaiveDate,
    /// Its pieces in the order of time, each of one boot and one datum. [`TrackDay::joined`] makes one track of them.
    pub pieces: Vec<TrackPiece>,
    /// Positions that were recorded.
    pub recorded: u64,
    /// Bytes that they take, packed.
    pub bytes: u64,
    /// Positions of the open session that the disk damaged: they are kept as they are, and missing here.
    pub damaged: u64,
    /// Stretches whose positions stay on another phone than this, in the order of time.
    pub hidden: Vec<HiddenPiece>,
}

/// A stretch of a track that stays on another phone: when and how much, not where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HiddenPiece {
    /// The session.
    pub shift: ShiftId,
    /// When it begins.
    pub from: TimeInterval,
    /// When it ends.
    pub until: TimeInterval,
    /// Fixes in it.
    pub fixes: u32,
}

/// A piece of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackPiece {
    /// The session.
    pub shift: ShiftId,
    /// When the session ended; absent while it is open, and where the session is not known here.
    pub session_end: Option<TimeInterval>,
    /// Positions that were recorded in it.
    pub recorded: u64,
    /// When the boot-time clock stood at `mono`.
    pub at: TimeInterval,
    /// See `at`; milliseconds.
    pub mono: i64,
    /// The boot of every clock in the piece.
    pub boot: BootId,
    /// The fixes that the packing keeps, and every gap.
    pub track: Track,
    /// By how much packing moved the worst fix, metres; 0 for what is not packed yet.
    pub worst_error_m: f64,
}

/// Where somebody was last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatestView {
    /// Where, in the datum in which it was reported.
    pub position: Position,
    /// The stated radius, metres.
    pub accuracy_m: f64,
    /// When.
    pub at: TimeInterval,
    /// How long ago at the most, milliseconds; absent when the time of either end is not known.
    pub age_ms: Option<i64>,
    /// Whether it may be shown as where the rep is now: known to be no older than [`LIVE_MS`].
    pub live: bool,
}

impl TrackPiece {
    /// When the boot-time clock stood at `mono`.
    #[must_use]
    pub fn moment(&self, mono: i64) -> TimeInterval {
        later(self.at, mono.saturating_sub(self.mono))
    }

    /// The same as one moment, milliseconds since 1970 UTC.
    #[must_use]
    pub fn moment_ms(&self, mono: i64) -> UnixMs {
        self.moment(mono).best_ms()
    }
}

impl Tracks {
    /// Keeps fixes of the open session. Those that were true before it began are left out and named.
    ///
    /// # Errors
    /// [`ErrorCode::NoShift`], [`ErrorCode::ShiftOver`], [`ErrorCode::ShiftUnconfirmed`] after a reboot, [`ErrorCode::TracksOff`] where
    /// the company keeps no tracks.
    pub fn record(&self, fixes: &[Fix]) -> Result<Appended, WaymarkError> {
        let entries: Vec<Entry> = fixes.iter().cloned().map(Entry::Fix).collect();
        self.append(&entries)
    }

    /// Notes that from now on there are no fixes, and why.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub fn gap(&self, reason: GapReason) -> Result<(), WaymarkError> {
        let mono_ms = self.0.reading().mono_ms;
        self.append(&[Entry::Gap { mono_ms, reason }]).map(|_| ())
    }

    fn append(&self, entries: &[Entry]) -> Result<Appended, WaymarkError> {
        if !self.0.track_policy()?.allowed {
            return Err(WaymarkError::new(ErrorCode::TracksOff, ""));
        }
        if self.0.shift().tidy()?.is_some() {
            return Err(WaymarkError::new(ErrorCode::ShiftOver, ""));
        }
        let store = &self.0.0.store;
        let appended = store.append_track(entries, self.0.reading(), self.0.entropy())?;
        if appended.segments > 0 {
            self.0.changed();
        }
        Ok(appended)
    }

    /// A rep's track of a day. Reading another's is written down first, for what `purpose` says, and the other one gets to read that.
    ///
    /// # Errors
    /// [`ErrorCode::Required`] without a purpose for another's track, [`ErrorCode::Forbidden`] for whom one does not lead.
    pub fn of(&self, rep: UserId, day: NaiveDate, purpose: &str) -> Result<TrackDay, WaymarkError> {
        let me = self.0.me()?;
        self.0.note_access(rep, What::TrackDay, day, purpose)?;
        let (segments, elsewhere, ends, open) = self.0.read(|reader| {
            let segments = reader.segments_of_day(rep, day)?;
            let elsewhere = reader.roots_of_day_elsewhere(rep, day)?;
            let open = match reader.open_shift(me.user, me.device)? {
                Some(open) if rep == me.user => {
                    Some((ShiftId::from(open.id), reader.track_points(open.id.into())?))
                }
                _ => None,
            };
            let mut ends = BTreeMap::new();
            for row in &segments {
                let shift = row.record.shift;
                if !ends.contains_key(&shift)
                    && let Some(found) = reader.shift(shift)?
                    && let State::Ended { at, .. } = found.record.state
                {
                    ends.insert(shift, at);
                }
            }
            Ok((segments, elsewhere, ends, open))
        })?;
        let mut found = TrackDay {
            rep,
            day,
            pieces: Vec::new(),
            recorded: 0,
            bytes: 0,
            damaged: 0,
            hidden: Vec::new(),
        };
        let hidden = elsewhere.into_iter().map(|row| HiddenPiece {
            shift: row.record.shift,
            from: row.record.at,
            until: row.record.until,
            fixes: row.record.fixes,
        });
        found.hidden.extend(hidden);
        for row in segments {
            let segment = row.record;
            found.recorded += u64::from(segment.fixes);
            found.bytes += u64::try_from(segment.packed.len() / 4 * 3).unwrap_or(u64::MAX);
            found.pieces.push(TrackPiece {
                shift: segment.shift,
                session_end: ends.get(&segment.shift).copied(),
                recorded: u64::from(segment.fixes),
                at: segment.at,
                mono: segment.first_mono,
                boot: segment.boot,
                track: segment.track()?,
                worst_error_m: segment.worst_error_m,
            });
        }
        if let Some((shift, waiting)) = open {
            found.damaged = waiting.damaged;
            found.add_waiting(shift, &waiting.points);
        }
        Ok(found)
    }

    /// Where a rep was last, inside the rep's open session; `None` outside one, and when nothing was recorded in it. Looking at another's is written
    /// down for what `purpose` says.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn latest(&self, rep: UserId, purpose: &str) -> Result<Option<LatestView>, WaymarkError> {
        let me = self.0.me()?;
        let now = self.0.now()?;
        self.0
            .note_access(rep, What::Live, self.0.today_date()?, purpose)?;
        let reading = self.0.reading();
        let found = self.0.read(|reader| {
            let shifts = reader.shifts_of(rep, 5)?;
            let open = shifts.into_iter().find(|row| {
                let own = row.record.device == me.device;
                is_open(&row.record, own.then_some(reading), now)
            });
            let Some(open) = open else { return Ok(None) };
            let waiting = reader.track_points(open.id.into())?;
            Ok(Some((waiting.points, reader.last_segment(open.id.into())?)))
        })?;
        let Some((points, segment)) = found else {
            return Ok(None);
        };
        let waiting = points.iter().rev().find_map(|point| match &point.entry {
            Entry::Fix(fix) => Some((fix.clone(), point.moment())),
            Entry::Gap { .. } => None,
        });
        let last = match (waiting, segment) {
            (Some(found), _) => Some(found),
            (None, Some(row)) => {
                let track = row.record.track()?;
                let fix = track.fixes().last().cloned();
                fix.map(|fix| {
                    let at = row.record.moment(fix.mono_ms);
                    (fix, at)
                })
            }
            (None, None) => None,
        };
        Ok(last.map(|(fix, at)| LatestView::new(&fix, at, now)))
    }
}

/// Whether a session is open for someone who looks at it: on its own device by the gate, elsewhere by what is known of the world's time.
fn is_open(
    shift: &Shift,
    reading: Option<waymark_domain::time::Reading>,
    now: TimeInterval,
) -> bool {
    match reading {
        Some(reading) => shift.admits(reading, now).is_ok(),
        None => shift.state == State::Open && shift.certainly_within(now),
    }
}

impl TrackDay {
    /// Adds what the open session has not packed yet, a piece for each boot and datum.
    fn add_waiting(&mut self, shift: ShiftId, points: &[waymark_store::TrackPoint]) {
        let of_day = |point: &&waymark_store::TrackPoint| {
            waymark_domain::time::local_day(point.moment().best_ms(), point.tz) == self.day
        };
        let points = points.iter().filter(of_day);
        let mut runs: Vec<Vec<&waymark_store::TrackPoint>> = Vec::new();
        let mut datum = None;
        for point in points {
            let own = match &point.entry {
                Entry::Fix(fix) => Some(fix.position.datum()),
                Entry::Gap { .. } => None,
            };
            let same_boot = |run: &&mut Vec<&waymark_store::TrackPoint>| {
                run.last().is_some_and(|last| last.boot == point.boot)
            };
            let fits = own.zip(datum).is_none_or(|(own, datum)| own == datum);
            match runs.last_mut().filter(same_boot).filter(|_| fits) {
                Some(run) => run.push(point),
                None => runs.push(vec![point]),
            }
            datum = own.or(datum);
        }
        for run in runs {
            let Some(first) = run.first() else { continue };
            let entries: Vec<Entry> = run.iter().map(|point| point.entry.clone()).collect();
            // what was kept is a track: each entry was looked at before it was written
            let Ok(track) = Track::new(&entries, HOLE_MS) else {
                continue;
            };
            let recorded = u64::try_from(track.fixes().len()).unwrap_or(u64::MAX);
            self.recorded += recorded;
            self.pieces.push(TrackPiece {
                shift,
                session_end: None,
                recorded,
                at: first.at,
                mono: first.mono,
                boot: first.boot,
                track,
                worst_error_m: 0.0,
            });
        }
    }
}

impl LatestView {
    fn new(fix: &Fix, at: TimeInterval, now: TimeInterval) -> Self {
        let known = now.latest.zip(at.earliest);
        let bounded = now.earliest.is_some() && at.latest.is_some();
        let age_ms = known
            .filter(|_| bounded)
            .map(|(now, at)| now.saturating_sub(at).max(0));
        Self {
            position: fix.position,
            accuracy_m: fix.accuracy_m,
            at,
            age_ms,
            live: age_ms.is_some_and(|age| age <= LIVE_MS),
        }
    }
}

impl Waymark {
    /// The tracks.
    #[must_use]
    pub fn tracks(&self) -> Tracks {
        Tracks(self.clone())
    }

    /// Writes down that the user looks at another's position, before the user sees anything. One's own is no look.
    pub(crate) fn note_access(
        &self,
        subject: UserId,
        what: What,
        day: NaiveDate,
        purpose: &str,
    ) -> Result<(), WaymarkError> {
        let me = self.me()?;
        if subject == me.user {
            return Ok(());
        }
        let purpose = purpose.trim();
        check_text(
            "purpose",
            purpose,
            waymark_domain::location_access::MAX_PURPOSE,
        )?;
        let at = self.now()?;
        let access = LocationAccess {
            viewer: me.user,
            subject,
            what,
            day,
            purpose: purpose.to_owned(),
            at,
            extra: Body::new(),
        };
        if what == What::Live {
            let from = at.best_ms().saturating_sub(LOOK_MS);
            let before = self.read(|reader| reader.accesses_of(subject, from, i64::MAX))?;
            let same = |row: &waymark_store::Row<LocationAccess>| {
                let known = &row.record;
                known.viewer == me.user && known.what == what && known.purpose == purpose
            };
            if before.iter().any(same) {
                return Ok(());
            }
        }
        let id = LocationAccessId::from_uuid(self.new_id());
        self.commit(vec![Unit::One(Draft::new(id, &access)?)])?;
        Ok(())
    }
}
