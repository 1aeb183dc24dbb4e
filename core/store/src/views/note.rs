//! Notes about visits and customers.

use rusqlite::Connection;
use waymark_domain::ids::{CustomerId, VisitId};
use waymark_domain::merge::is_deleted;
use waymark_domain::note::Note;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Note`].
pub(crate) struct Notes;

queries! {
    PUT = "
        INSERT INTO view_note (id, rev, pending, deleted, customer, visit, author, at_ms, corrects, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          customer = excluded.customer, visit = excluded.visit, author = excluded.author, at_ms = excluded.at_ms,
          corrects = excluded.corrects, body = excluded.body";
    OF_VISIT = "
        SELECT id, rev, pending, deleted, body FROM view_note WHERE visit = ?1 AND deleted = 0 ORDER BY at_ms, id";
    OF_CUSTOMER = "
        SELECT id, rev, pending, deleted, body FROM view_note WHERE customer = ?1 AND deleted = 0
        ORDER BY at_ms DESC, id DESC LIMIT ?2";
}

impl View for Notes {
    fn kind(&self) -> Kind {
        Note::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("note.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_note") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Note>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(note) = typed::<Note>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(note.customer.as_uuid()),
            note.visit.map(|visit| sql::blob(visit.as_uuid())),
            sql::blob(note.author.as_uuid()),
            note.at.best_ms(),
            note.corrects.map(|note| sql::blob(note.as_uuid())),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// The notes of a visit, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn notes_of_visit(&self, visit: VisitId) -> Result<Vec<Row<Note>>, StoreError> {
        self.rows(OF_VISIT, [sql::blob(visit.as_uuid())])
    }

    /// The latest notes about a customer, latest first.
    ///
    /// # Errors
    /// As every read.
    pub fn notes_of_customer(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<Row<Note>>, StoreError> {
        self.rows(OF_CUSTOMER, (sql::blob(customer.as_uuid()), limit))
    }
}
