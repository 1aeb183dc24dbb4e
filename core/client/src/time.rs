//! Trusted time: what the platform offers, and what is known.

use serde::Serialize;
use waymark_domain::time::{Basis, Candidate, NotTaken, TimeInterval, place};

use crate::error::WaymarkError;
use crate::lang::Lang;
use crate::waymark::Waymark;
use crate::when::time_text;

/// Trusted time.
pub struct Time(pub(crate) Waymark);

/// What is known of the time now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TimeView {
    /// Now.
    pub when: TimeInterval,
    /// What it rests on; absent when nobody told the time since the device started.
    pub basis: Option<Basis>,
    /// Two sources of this boot say what cannot both be true: the server is believed.
    pub anchors_disagree: bool,
    /// By how much the wall clock was changed since the device started, as far as was seen, milliseconds.
    pub wall_jump_ms: Option<i64>,
    /// Local time minus UTC, minutes.
    pub utc_offset_min: i16,
}

impl Time {
    /// Takes the times that the platform has: its network clock, and fixes that state the satellites' time. Gives for each why it was not
    /// taken. The server's own time comes with every exchange and needs no offer.
    ///
    /// # Errors
    /// What writing may say.
    pub fn offer(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<Result<(), NotTaken>>, WaymarkError> {
        let inner = &self.0.0;
        let now = inner.parts.clock.read();
        Ok(inner.store.offer_times(candidates, now)?)
    }

    /// What is known now.
    ///
    /// # Errors
    /// What reading may say.
    pub fn view(&self) -> Result<TimeView, WaymarkError> {
        let inner = &self.0.0;
        let (now, anchors) = (inner.parts.clock.read(), inner.store.anchors()?);
        Ok(TimeView {
            when: place(now, &anchors),
            basis: anchors.basis(now),
            anchors_disagree: anchors.disagree(now),
            wall_jump_ms: anchors.wall_jumped(now),
            utc_offset_min: now.utc_offset_min,
        })
    }

    /// Now, as it is printed: `2026-03-14 14:03:22 +08:00 (±2 s, server 3 h ago)`.
    ///
    /// # Errors
    /// What reading may say.
    pub fn text(&self, lang: Lang) -> Result<String, WaymarkError> {
        let view = self.view()?;
        Ok(time_text(&view.when, view.basis, view.utc_offset_min, lang))
    }
}

impl Waymark {
    /// Trusted time.
    #[must_use]
    pub fn time(&self) -> Time {
        Time(self.clone())
    }
}
