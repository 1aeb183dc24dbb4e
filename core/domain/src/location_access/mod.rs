//! Who looked at whose position, and what for. A fact that the one who was looked at receives.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::record::{Actor, Body, Kind, OnConflict, Shape, SyncRecord};
use crate::refusal::{Refusal, check_text};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// Longest purpose, characters.
pub const MAX_PURPOSE: usize = 300;

/// Somebody looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocationAccess {
    /// Who looked.
    pub viewer: UserId,
    /// Whose position it was.
    pub subject: UserId,
    /// What was looked at.
    pub what: What,
    /// The local calendar day that was looked at.
    pub day: NaiveDate,
    /// What for, in the viewer's own words.
    pub purpose: String,
    /// When.
    pub at: TimeInterval,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// What somebody looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The track of a day.
    TrackDay,
    /// The positions of check-ins.
    CheckIn,
    /// The current position.
    Live,
    /// When the rep was observed on a day, and when not.
    Exceptions,
    /// Something of a later version.
    #[serde(other)]
    Unknown,
}

impl What {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrackDay => "track_day",
            Self::CheckIn => "check_in",
            Self::Live => "live",
            Self::Exceptions => "exceptions",
            Self::Unknown => "unknown",
        }
    }
}

impl SyncRecord for LocationAccess {
    const KIND: Kind = Kind::new("location_access");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        check_text("purpose", &self.purpose, MAX_PURPOSE)
    }

    /// Both have a copy.
    fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::user(self.subject)];
        if self.viewer != self.subject {
            scopes.push(Scope::user(self.viewer));
        }
        scopes
    }

    /// Everybody writes down only their own looking, and only who leads the subject can have looked.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none()
            && next.viewer == actor.user
            && (next.subject == actor.user
                || (actor.leads() && actor.sees(&[Scope::user(next.subject)])))
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
