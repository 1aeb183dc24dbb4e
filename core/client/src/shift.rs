//! Work sessions: from when to when the rep's position may be recorded.

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::check_in::policy::TrackKeeping;
use waymark_domain::ids::ShiftId;
use waymark_domain::shift::{Closed, DEFAULT_LIMIT_MIN, EndedBy, MAX_LIMIT_MIN, Shift, State};
use waymark_domain::time::{Reading, TimeInterval};
use waymark_store::{Began, Ended, Row};

use crate::error::{ErrorCode, WaymarkError};
use crate::events::ClientEvent;
use crate::waymark::Waymark;

/// The work session of this user on this device.
pub struct Shifts(pub(crate) Waymark);

/// A session, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftView {
    /// The session.
    pub id: ShiftId,
    /// When it began.
    pub started: TimeInterval,
    /// When it ends by itself at the latest, as far as that is known.
    pub limit_at: TimeInterval,
    /// Longest duration, minutes.
    pub limit_min: u16,
    /// How it stands at this moment, whatever has been written.
    pub stands: Stands,
    /// When it ended; for one that is over by its limit, when that was.
    pub ended: Option<TimeInterval>,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
    /// Positions of it that the disk damaged before they were packed. They are kept as they are; nothing waits for them.
    pub damaged: u64,
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Positions may be recorded.
    Open,
    /// The device rebooted: the rep has to say that the work goes on.
    Unconfirmed,
    /// The rep ended it.
    EndedByRep,
    /// Its limit is over.
    EndedByLimit,
    /// A reboot cut it, and nobody went on.
    EndedByReboot,
    /// It ended in a way of a later version.
    EndedOtherwise,
}

impl Shifts {
    /// Opens a session of at most `limit_min` minutes; the policy's limit when absent.
    ///
    /// # Errors
    /// [`ErrorCode::ShiftOpen`] when one is open, [`ErrorCode::InvalidInput`] for a limit that is zero or beyond [`MAX_LIMIT_MIN`].
    pub fn start(&self, limit_min: Option<u16>) -> Result<ShiftView, WaymarkError> {
        self.tidy()?;
        let most = self.0.track_policy()?.limit_min.min(MAX_LIMIT_MIN);
        let limit = limit_min.unwrap_or(most);
        if limit == 0 || limit > most {
            return Err(WaymarkError::new(ErrorCode::InvalidInput, "limit"));
        }
        let began: Began = self
            .0
            .0
            .store
            .begin_shift(limit, self.0.reading(), self.0.entropy())?;
        self.0.changed();
        self.view(began.shift)
    }

    /// Ends the open session.
    ///
    /// # Errors
    /// [`ErrorCode::NoShift`].
    pub fn end(&self) -> Result<ShiftView, WaymarkError> {
        if let Some(ended) = self.tidy()? {
            return self.view(ended.shift);
        }
        let ended = self
            .0
            .0
            .store
            .end_shift(self.0.reading(), self.0.entropy())?;
        self.0.changed();
        self.view(ended.shift)
    }

    /// The session that is open on this device, or that waits for a word after a reboot. One whose limit is over gets its end written.
    ///
    /// # Errors
    /// What reading may say.
    pub fn status(&self) -> Result<Option<ShiftView>, WaymarkError> {
        self.tidy()?;
        let me = self.0.me()?;
        let open = self
            .0
            .read(|reader| reader.open_shift(me.user, me.device))?;
        open.map(|row| self.shown(row)).transpose()
    }

    /// The user's session that began last, on whatever device: of this device's own by its count of operations, whatever its clock claimed.
    ///
    /// # Errors
    /// What reading may say.
    pub fn latest(&self) -> Result<Option<ShiftView>, WaymarkError> {
        self.tidy()?;
        let user = self.0.user()?;
        let rows = self.0.read(|reader| reader.shifts_of(user, 1))?;
        rows.into_iter()
            .next()
            .map(|row| self.shown(row))
            .transpose()
    }

    /// The user's sessions of a local calendar day, the first first.
    ///
    /// # Errors
    /// What reading may say.
    pub fn of_day(&self, day: NaiveDate) -> Result<Vec<ShiftView>, WaymarkError> {
        let user = self.0.user()?;
        let tz = self.0.reading().utc_offset_min;
        let rows = self
            .0
            .read(|reader| reader.shifts_of(user, SHIFTS_OF_A_DAY))?;
        let mut views = Vec::new();
        for row in rows {
            if waymark_domain::time::local_day(row.record.started.best_ms(), tz) == day {
                views.push(self.shown(row)?);
            }
        }
        views.reverse();
        Ok(views)
    }

    /// Says after a reboot that the work goes on. What is left of the limit is what all clocks together leave.
    ///
    /// # Errors
    /// [`ErrorCode::NoShift`]; [`ErrorCode::ShiftOver`] when its limit is over.
    pub fn resume(&self) -> Result<ShiftView, WaymarkError> {
        if self.tidy()?.is_some() {
            return Err(WaymarkError::new(ErrorCode::ShiftOver, ""));
        }
        let store = &self.0.0.store;
        if store.resume_shift(self.0.reading(), self.0.entropy())? {
            self.0.changed();
        }
        self.status()?
            .ok_or(WaymarkError::new(ErrorCode::NoShift, ""))
    }

    /// Writes down what has ended by itself.
    pub(crate) fn tidy(&self) -> Result<Option<Ended>, WaymarkError> {
        self.0.me()?;
        if self.0.is_push_only() {
            return Ok(None);
        }
        let ended = self
            .0
            .0
            .store
            .tidy_shift(self.0.reading(), self.0.entropy())?;
        if ended.is_some() {
            self.0.changed();
        }
        Ok(ended)
    }

    fn view(&self, id: ShiftId) -> Result<ShiftView, WaymarkError> {
        let row = self.0.read(|reader| reader.shift(id))?;
        self.shown(row.ok_or(WaymarkError::new(ErrorCode::NotFound, "shift"))?)
    }

    fn shown(&self, row: Row<Shift>) -> Result<ShiftView, WaymarkError> {
        let shift = &row.record;
        let waiting = self.0.read(|reader| reader.track_points(row.id.into()))?;
        let (stands, ended) = stands(shift, self.0.reading(), self.0.now()?);
        Ok(ShiftView {
            id: row.id.into(),
            started: shift.started,
            limit_at: shift.limit_at(),
            limit_min: shift.limit_min,
            stands,
            ended,
            pending: row.pending > 0,
            damaged: waiting.damaged,
        })
    }
}

/// More sessions than anybody opens in the days that a screen shows.
pub(crate) const SHIFTS_OF_A_DAY: u32 = 200;

pub(crate) fn stands(
    shift: &Shift,
    reading: Reading,
    now: TimeInterval,
) -> (Stands, Option<TimeInterval>) {
    if let State::Ended { at, by, .. } = &shift.state {
        let stands = match by {
            EndedBy::Rep => Stands::EndedByRep,
            EndedBy::Limit => Stands::EndedByLimit,
            EndedBy::RebootUnknown => Stands::EndedByReboot,
            EndedBy::Unknown => Stands::EndedOtherwise,
        };
        return (stands, Some(*at));
    }
    match shift.admits(reading, now) {
        Ok(()) => (Stands::Open, None),
        Err(Closed::TimeUnknown | Closed::NotYet) => (Stands::Unconfirmed, None),
        Err(Closed::Limit) => (Stands::EndedByLimit, Some(shift.limit_at())),
        Err(Closed::Ended) => (Stands::EndedOtherwise, None),
    }
}

impl Waymark {
    /// The work session.
    #[must_use]
    pub fn shift(&self) -> Shifts {
        Shifts(self.clone())
    }

    pub(crate) fn reading(&self) -> Reading {
        self.0.parts.clock.read()
    }

    pub(crate) fn changed(&self) {
        self.0.events.push(ClientEvent::Changed);
    }
}

/// What a company lets tracks be. A country may forbid them altogether; visits and check-ins do not need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct TrackPolicy {
    /// Whether positions may be recorded between check-ins.
    pub allowed: bool,
    /// Whether they stay on the phone: what is sent says when and how much, never where.
    #[serde(default)]
    pub on_device: bool,
    /// Longest work session, minutes.
    pub limit_min: u16,
}

impl Default for TrackPolicy {
    fn default() -> Self {
        Self {
            allowed: true,
            on_device: false,
            limit_min: DEFAULT_LIMIT_MIN,
        }
    }
}

impl Waymark {
    /// What the company's policy says of tracks and sessions: the one place that reads it.
    ///
    /// # Errors
    /// What reading may say.
    pub fn track_policy(&self) -> Result<TrackPolicy, WaymarkError> {
        let rules = self.policies().check_in()?.rules;
        Ok(TrackPolicy {
            allowed: rules.tracks != TrackKeeping::Nowhere,
            on_device: rules.tracks == TrackKeeping::Device,
            limit_min: u16::try_from(rules.shift_limit_min).unwrap_or(DEFAULT_LIMIT_MIN),
        })
    }
}
