//! Notes: what somebody wrote about a visit or a customer. A fact: a correction is a new note.

use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, NoteId, UserId, VisitId};
use crate::record::{Actor, Body, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Refusal, check_text};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// Longest note, characters: about ten pages.
pub const MAX_TEXT: usize = 20_000;

/// Something somebody wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The customer it is about.
    pub customer: CustomerId,
    /// The visit during which it was written.
    #[serde(default)]
    pub visit: Option<VisitId>,
    /// Who wrote it.
    pub author: UserId,
    /// The text.
    pub text: String,
    /// When.
    pub at: TimeInterval,
    /// The note that this one corrects.
    #[serde(default)]
    pub corrects: Option<NoteId>,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl SyncRecord for Note {
    const KIND: Kind = Kind::new("note");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        check_text("text", &self.text, MAX_TEXT)
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.author)]
    }

    fn references(&self) -> Vec<RecordKey> {
        let mut keys = vec![RecordKey::of::<crate::customer::Customer>(self.customer)];
        keys.extend(self.visit.map(RecordKey::of::<crate::visit::Visit>));
        keys.extend(self.corrects.map(RecordKey::of::<Self>));
        keys
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.author == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
