//! The rep's day on one screen.

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::visit::State;

use crate::error::WaymarkError;
use crate::shift::ShiftView;
use crate::status::StatusView;
use crate::visits::{VisitRow, VisitView};
use crate::waymark::Waymark;

/// The day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TodayView {
    /// The local calendar day.
    pub day: NaiveDate,
    /// Its visits.
    pub visits: Vec<VisitRow>,
    /// The visit that has begun and not ended.
    pub current: Option<VisitView>,
    /// The user's work sessions of the day, the first first.
    pub shifts: Vec<ShiftView>,
    /// Visits of the day that are over.
    pub done: usize,
    /// Where the work stands.
    pub status: StatusView,
}

impl Waymark {
    /// The day of the user: today when `day` is absent.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotEnrolled`], and what reading may say.
    pub fn today(&self, day: Option<NaiveDate>) -> Result<TodayView, WaymarkError> {
        let day = day.map_or_else(|| self.today_date(), Ok)?;
        // a session that has ended by itself is said to have
        self.shift().tidy()?;
        let visits = self.visits().of_day(day, true)?;
        let current = self.visits().in_progress()?;
        let current = current.map(|row| self.visits().view(row.id)).transpose()?;
        let over =
            |row: &&VisitRow| matches!(row.state, State::Done { .. } | State::Skipped { .. });
        Ok(TodayView {
            day,
            done: visits.iter().filter(over).count(),
            visits,
            shifts: self.shift().of_day(day)?,
            current,
            status: self.status()?,
        })
    }
}
