//! What a rep says about a time without fixes. A fact: managers read it beside the gap.

use serde::{Deserialize, Serialize};

use crate::ids::{ShiftId, UserId};
use crate::record::{Actor, Body, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal, check_text};
use crate::scope::Scope;
use crate::shift::Shift;
use crate::time::{TimeInterval, UnixMs};

/// Longest explanation, characters.
pub const MAX_TEXT: usize = 1_000;

/// An explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GapNote {
    /// Who explains.
    pub rep: UserId,
    /// The session that the gap is in.
    pub shift: ShiftId,
    /// Best single moment of the gap's beginning, milliseconds since 1970 UTC.
    pub from: UnixMs,
    /// The same of its end.
    pub until: UnixMs,
    /// The explanation, in the rep's own words.
    pub text: String,
    /// When it was given.
    pub at: TimeInterval,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl GapNote {
    /// Whether it is about a time that lies, even in part, from `from` to `until`.
    #[must_use]
    pub const fn is_about(&self, from: UnixMs, until: UnixMs) -> bool {
        self.from < until && from < self.until
    }
}

impl SyncRecord for GapNote {
    const KIND: Kind = Kind::new("gap_note");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        if self.until <= self.from {
            return Err(Refusal::of_field(Code::Malformed, "until"));
        }
        check_text("text", &self.text, MAX_TEXT)
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![RecordKey::of::<Shift>(self.shift)]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
