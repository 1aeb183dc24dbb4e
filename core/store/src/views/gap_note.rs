//! Explanations of gaps.

use rusqlite::Connection;
use waymark_domain::gap_note::GapNote;
use waymark_domain::ids::ShiftId;
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`GapNote`].
pub(crate) struct GapNotes;

queries! {
    PUT = "
        INSERT INTO view_gap_note (id, rev, pending, deleted, shift, from_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          shift = excluded.shift, from_ms = excluded.from_ms, body = excluded.body";
    OF_SHIFT = "
        SELECT id, rev, pending, deleted, body FROM view_gap_note WHERE shift = ?1 AND deleted = 0 ORDER BY from_ms, id";
}

impl View for GapNotes {
    fn kind(&self) -> Kind {
        GapNote::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("gap_note.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_gap_note") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<GapNote>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(note) = typed::<GapNote>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(note.shift.as_uuid()),
            note.from,
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// What a session's rep said about its gaps, in the order of the gaps and then of writing.
    ///
    /// # Errors
    /// As every read.
    pub fn gap_notes(&self, shift: ShiftId) -> Result<Vec<Row<GapNote>>, StoreError> {
        self.rows(OF_SHIFT, [sql::blob(shift.as_uuid())])
    }
}
