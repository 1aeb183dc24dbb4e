//! Calls for help.

use rusqlite::Connection;
use waymark_domain::ids::UserId;
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::sos::Sos;
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Sos`].
pub(crate) struct SosCalls;

queries! {
    PUT = "
        INSERT INTO view_sos (id, rev, pending, deleted, rep, at_ms, placed, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          rep = excluded.rep, at_ms = excluded.at_ms, placed = excluded.placed, body = excluded.body";
    OF_REP = "
        SELECT id, rev, pending, deleted, body FROM view_sos
        WHERE rep = ?1 AND at_ms BETWEEN ?2 AND ?3 AND deleted = 0 ORDER BY at_ms, id";
}

impl View for SosCalls {
    fn kind(&self) -> Kind {
        Sos::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("sos.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_sos") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Sos>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(sos) = typed::<Sos>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(sos.rep.as_uuid()),
            sos.at.best_ms(),
            sos.last.is_some(),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// A rep's calls for help between two moments, milliseconds since 1970 UTC, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn sos_of(
        &self,
        rep: UserId,
        from: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Row<Sos>>, StoreError> {
        self.rows(OF_REP, (sql::blob(rep.as_uuid()), from, until))
    }
}
