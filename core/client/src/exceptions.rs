//! For how much of a day's sessions the rep was observed, and what is known of the rest: each gap with its recorded cause, and what the rep says.

use chrono::{NaiveDate, NaiveTime};
use serde::Serialize;
use waymark_domain::gap_note::GapNote;
use waymark_domain::ids::{BootId, GapNoteId, ShiftId, UserId};
use waymark_domain::location_access::What;
use waymark_domain::op::Draft;
use waymark_domain::presence::{Cause, Presence, Seen, account};
use waymark_domain::record::Body;
use waymark_domain::shift::{Leg, Shift, State};
use waymark_domain::time::{TimeInterval, UnixMs, local_day};
use waymark_domain::track::{Entry, GapReason};
use waymark_store::{Reader, Row, StoreError, Unit};

use crate::error::{ErrorCode, WaymarkError};
use crate::shift::{SHIFTS_OF_A_DAY, Shifts, Stands, stands};

/// A day's exceptions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExceptionsView {
    /// Whose.
    pub rep: UserId,
    /// The local calendar day.
    pub day: NaiveDate,
    /// The sessions that began on it, the first first. Of another's only those that are over.
    pub sessions: Vec<SessionView>,
    /// For how long the rep was observed in all of them that have tracks, milliseconds.
    pub observed_ms: i64,
    /// How long all of those lasted, milliseconds.
    pub session_ms: i64,
}

/// A session with its gaps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionView {
    /// The session.
    pub shift: ShiftId,
    /// Best single moment of its beginning, milliseconds since 1970 UTC.
    pub from: UnixMs,
    /// The same of its end; of an open session, now.
    pub until: UnixMs,
    /// Whether it is still open.
    pub open: bool,
    /// Whether its track was to be recorded at all. Without one there is nothing to observe, and nothing to miss.
    pub tracked: bool,
    /// For how long of it the rep was observed, milliseconds.
    pub observed_ms: i64,
    /// How long it lasted, milliseconds.
    pub session_ms: i64,
    /// The rest, in the order of time.
    pub gaps: Vec<GapView>,
}

/// A time without fixes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapView {
    /// Best single moment of its beginning, milliseconds since 1970 UTC.
    pub from: UnixMs,
    /// The same of its end.
    pub until: UnixMs,
    /// The cause that the device recorded; absent when it recorded none.
    pub cause: Option<GapReason>,
    /// What the rep says about it.
    pub notes: Vec<GapNoteView>,
}

/// What a rep says about a gap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapNoteView {
    /// The explanation.
    pub text: String,
    /// When it was given.
    pub at: TimeInterval,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
}

/// Thousandths of `session_ms` in `observed_ms`, rounded down; `None` when there is nothing to divide by.
#[must_use]
pub fn thousandths(observed_ms: i64, session_ms: i64) -> Option<i64> {
    observed_ms.saturating_mul(1_000).checked_div(session_ms)
}

impl Shifts {
    /// For how much of a day's sessions the rep was observed, and each gap with its recorded cause. Of another's is shown what is over and was
    /// sent, so its rep could read it and explain first; the look is written down for what `purpose` says.
    ///
    /// # Errors
    /// [`ErrorCode::Required`] without a purpose for another's, [`ErrorCode::Forbidden`] for whom one does not lead.
    pub fn exceptions(
        &self,
        rep: UserId,
        day: NaiveDate,
        purpose: &str,
    ) -> Result<ExceptionsView, WaymarkError> {
        let me = self.0.me()?;
        if rep == me.user {
            self.tidy()?;
        }
        self.0.note_access(rep, What::Exceptions, day, purpose)?;
        let (reading, now) = (self.0.reading(), self.0.now()?);
        let allowed = self.0.track_policy()?.allowed;
        let sessions = self.0.read(|reader| {
            let mut sessions = Vec::new();
            for row in reader.shifts_of(rep, SHIFTS_OF_A_DAY)? {
                let shift = &row.record;
                if local_day(shift.started.best_ms(), reading.utc_offset_min) != day {
                    continue;
                }
                let limit = shift.limit_at().best_ms();
                let (until, open) = match &shift.state {
                    State::Ended { .. } => (ended_ms(shift), false),
                    _ if shift.device == me.device => {
                        match stands(shift, reading, now) {
                            (Stands::EndedByLimit, Some(at)) => (at.best_ms(), false),
                            // within the boot its own clock tells how long it lasts
                            _ if shift.leg().boot == reading.boot => {
                                (utc(&shift.leg(), reading.mono_ms), true)
                            }
                            _ => (now.best_ms(), true),
                        }
                    }
                    _ => (limit.min(now.best_ms()), now.best_ms() < limit),
                };
                if open && rep != me.user {
                    continue;
                }
                sessions.push(session(reader, &row, (until, open), allowed)?);
            }
            sessions.reverse();
            Ok(sessions)
        })?;
        let tracked = || sessions.iter().filter(|session| session.tracked);
        Ok(ExceptionsView {
            rep,
            day,
            observed_ms: tracked().map(|session| session.observed_ms).sum(),
            session_ms: tracked().map(|session| session.session_ms).sum(),
            sessions,
        })
    }

    /// Explains the user's own gap that begins at a local time of a day, to the minute, or that holds it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no such gap, [`ErrorCode::Required`], [`ErrorCode::TooLong`].
    pub fn explain(
        &self,
        day: NaiveDate,
        from: NaiveTime,
        text: &str,
    ) -> Result<GapView, WaymarkError> {
        let me = self.0.user()?;
        let at = self.0.local_ms(day, from);
        let view = self.exceptions(me, day, "")?;
        let gaps = view.sessions.into_iter().flat_map(|session| {
            session
                .gaps
                .into_iter()
                .map(move |gap| (session.shift, gap))
        });
        let minute = |ms: UnixMs| ms - ms.rem_euclid(60_000);
        let holds = |gap: &GapView| (minute(gap.from)..gap.until).contains(&at);
        // one that begins in that minute goes before one that ends in it
        let found = gaps
            .filter(|(_, gap)| holds(gap))
            .max_by_key(|(_, gap)| gap.from);
        let Some((shift, mut gap)) = found else {
            return Err(WaymarkError::new(ErrorCode::NotFound, "gap"));
        };
        let note = GapNote {
            rep: me,
            shift,
            from: gap.from,
            until: gap.until,
            text: text.trim().to_owned(),
            at: self.0.now()?,
            extra: Body::new(),
        };
        let id = GapNoteId::from_uuid(self.0.new_id());
        self.0.commit(vec![Unit::One(Draft::new(id, &note)?)])?;
        gap.notes.push(GapNoteView {
            text: note.text,
            at: note.at,
            pending: true,
        });
        Ok(gap)
    }
}

/// When the leg's boot-time clock stood at `mono`: one clock for everything of a leg, so that nothing in it moves against anything else.
fn utc(leg: &Leg, mono: i64) -> UnixMs {
    leg.at
        .best_ms()
        .saturating_add(mono.saturating_sub(leg.mono))
}

fn ended_ms(shift: &Shift) -> UnixMs {
    match &shift.state {
        State::Ended {
            mono: Some(mono), ..
        } => utc(&shift.leg(), *mono),
        State::Ended { at, .. } => at.best_ms(),
        _ => shift.limit_at().best_ms(),
    }
}

fn session(
    reader: &Reader<'_>,
    row: &Row<Shift>,
    (until, open): (UnixMs, bool),
    allowed: bool,
) -> Result<SessionView, StoreError> {
    let (id, shift) = (ShiftId::from(row.id), &row.record);
    let times = Times::of(reader, id, shift)?;
    let tracked = allowed || !times.is_empty();
    let from = shift.started.best_ms();
    let account = account((from, until), &times.seen, &times.causes);
    let notes = reader.gap_notes(id)?;
    let about = |from, until| {
        let own = notes
            .iter()
            .filter(move |note| note.record.is_about(from, until));
        own.map(|note| GapNoteView {
            text: note.record.text.clone(),
            at: note.record.at,
            pending: note.pending > 0,
        })
        .collect()
    };
    let gaps = account.missed.iter().map(|missed| GapView {
        from: missed.from,
        until: missed.until,
        cause: missed.cause,
        notes: about(missed.from, missed.until),
    });
    Ok(SessionView {
        shift: id,
        from,
        until,
        open,
        tracked,
        observed_ms: if tracked { account.observed_ms } else { 0 },
        session_ms: account.session_ms,
        gaps: if tracked { gaps.collect() } else { Vec::new() },
    })
}

/// What is known of a session's times, milliseconds since 1970 UTC.
#[derive(Default)]
struct Times {
    seen: Vec<Seen>,
    causes: Vec<Cause>,
}

impl Times {
    fn of(reader: &Reader<'_>, id: ShiftId, shift: &Shift) -> Result<Self, StoreError> {
        let mut times = Self::default();
        let roots = reader.roots_of_shift(id)?;
        for row in &roots {
            let root = &row.record;
            let start = root.at.best_ms() - root.first_mono;
            times.add(shift, root.boot, start, &root.presence);
        }
        for row in reader.segments_of_shift(id)? {
            // what this phone keeps back has told its times above
            if roots.iter().any(|root| root.id == row.id) {
                continue;
            }
            let segment = &row.record;
            let presence = Presence::of(&segment.track()?);
            let start = segment.at.best_ms() - segment.first_mono;
            times.add(shift, segment.boot, start, &presence);
        }
        for point in reader.track_points(id)?.points {
            let mono = point.entry.mono_ms();
            let mut presence = Presence::default();
            match point.entry {
                Entry::Fix(_) => presence.seen.push(Seen {
                    from: mono,
                    to: mono,
                }),
                Entry::Gap { reason, .. } => presence.causes.push(Cause { from: mono, reason }),
            }
            times.add(
                shift,
                point.boot,
                point.at.best_ms() - point.mono,
                &presence,
            );
        }
        times.add_restarts(shift);
        Ok(times)
    }

    fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.causes.is_empty()
    }

    /// Adds what was known in one boot, by the clock of the session's leg in it; `start` is when that boot's clock stood at zero, for a boot that
    /// has none.
    fn add(&mut self, shift: &Shift, boot: BootId, start: UnixMs, presence: &Presence) {
        let leg = shift.legs().find(|leg| leg.boot == boot);
        let utc = |mono: i64| {
            leg.as_ref()
                .map_or(start.saturating_add(mono), |leg| utc(leg, mono))
        };
        self.seen.extend(presence.seen.iter().map(|seen| Seen {
            from: utc(seen.from),
            to: utc(seen.to),
        }));
        self.causes
            .extend(presence.causes.iter().map(|cause| Cause {
                from: utc(cause.from),
                reason: cause.reason,
            }));
    }

    /// The session itself records that the device was restarted. From the last fix before on that is the cause, unless another had been recorded by
    /// then; it ends where the rep went on.
    fn add_restarts(&mut self, shift: &Shift) {
        for leg in &shift.resumed {
            let at = leg.at.best_ms();
            let seen = self.seen.iter().map(|seen| seen.to);
            let last_seen = seen.filter(|to| *to < at).max();
            let causes = self.causes.iter().map(|cause| cause.from);
            let last_cause = causes.filter(|from| *from < at).max();
            if last_cause <= last_seen {
                self.causes.push(Cause {
                    from: last_seen.unwrap_or_else(|| shift.started.best_ms()),
                    reason: GapReason::PhoneOff,
                });
            }
            self.causes.push(Cause {
                from: at,
                reason: GapReason::Unknown,
            });
        }
    }
}
