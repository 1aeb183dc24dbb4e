//! What a track says of time alone: from when to when a rep was observed, and what was recorded about the rest.
//!
//! No position is in here, so it may be told where the track may not.

mod account;

use serde::{Deserialize, Serialize};

use crate::track::{GapReason, Track};

pub use account::{Account, Missed, account};

/// A track without its positions. Clocks are boot-time clocks of one boot, milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Stretches of fixes without a gap inside, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// What was recorded about the gaps, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
}

/// From one fix to another, with nothing missing between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The first fix.
    pub from: i64,
    /// The last fix.
    pub to: i64,
}

/// Why there were no fixes from a moment on, as the device recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Since when.
    pub from: i64,
    /// Why; [`GapReason::Unknown`] when nobody said.
    #[serde(rename = "why")]
    pub reason: GapReason,
}

impl Presence {
    /// Of a track.
    #[must_use]
    pub fn of(track: &Track) -> Self {
        let ends = |piece: std::ops::Range<usize>| {
            let fixes = track.fixes().get(piece)?;
            let (first, last) = fixes.first().zip(fixes.last())?;
            Some(Seen {
                from: first.mono_ms,
                to: last.mono_ms,
            })
        };
        Self {
            seen: track.pieces().into_iter().filter_map(ends).collect(),
            causes: track
                .gaps()
                .iter()
                .map(|gap| Cause {
                    from: gap.mono_ms,
                    reason: gap.reason,
                })
                .collect(),
        }
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len() + self.causes.len()
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
