//! Notes.

use serde::Serialize;
use waymark_domain::ids::{CustomerId, NoteId, VisitId};
use waymark_domain::note::Note;
use waymark_domain::op::Draft;
use waymark_domain::record::Body;
use waymark_domain::time::TimeInterval;
use waymark_store::{Row, Unit};

use crate::error::WaymarkError;
use crate::waymark::Waymark;

/// The notes.
pub struct Notes(pub(crate) Waymark);

/// What to write.
#[derive(Debug, Clone)]
pub struct NoteRequest {
    /// The customer it is about.
    pub customer: CustomerId,
    /// The visit it belongs to.
    pub visit: Option<VisitId>,
    /// The text.
    pub text: String,
    /// The note that it corrects.
    pub corrects: Option<NoteId>,
}

/// A note, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoteView {
    /// The note.
    pub id: NoteId,
    /// Its text.
    pub text: String,
    /// When it was written.
    pub at: TimeInterval,
    /// The note that it corrects.
    pub corrects: Option<NoteId>,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
}

impl Notes {
    /// Writes a note. A note is a fact: what is wrong in it is corrected by another.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Required`] for an empty text, [`crate::ErrorCode::TooLong`], [`crate::ErrorCode::UnknownReference`].
    pub fn write(&self, request: NoteRequest) -> Result<NoteId, WaymarkError> {
        let id = NoteId::from_uuid(self.0.new_id());
        let note = Note {
            customer: request.customer,
            visit: request.visit,
            author: self.0.user()?,
            text: request.text.trim().to_owned(),
            at: self.0.now()?,
            corrects: request.corrects,
            extra: Body::new(),
        };
        self.0.commit(vec![Unit::One(Draft::new(id, &note)?)])?;
        Ok(id)
    }
}

impl Waymark {
    /// The notes.
    #[must_use]
    pub fn notes(&self) -> Notes {
        Notes(self.clone())
    }
}

impl From<Row<Note>> for NoteView {
    fn from(row: Row<Note>) -> Self {
        Self {
            id: row.id.into(),
            text: row.record.text,
            at: row.record.at,
            corrects: row.record.corrects,
            pending: row.pending > 0,
        }
    }
}
