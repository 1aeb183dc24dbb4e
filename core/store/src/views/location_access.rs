//! Who looked at whose position.

use rusqlite::Connection;
use waymark_domain::ids::UserId;
use waymark_domain::location_access::LocationAccess;
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`LocationAccess`].
pub(crate) struct LocationAccesses;

queries! {
    PUT = "
        INSERT INTO view_location_access (id, rev, pending, deleted, viewer, subject, at_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          viewer = excluded.viewer, subject = excluded.subject, at_ms = excluded.at_ms, body = excluded.body";
    OF_SUBJECT = "
        SELECT id, rev, pending, deleted, body FROM view_location_access
        WHERE subject = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND deleted = 0 ORDER BY at_ms, id";
}

impl View for LocationAccesses {
    fn kind(&self) -> Kind {
        LocationAccess::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("location_access.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_location_access") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<LocationAccess>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(access) = typed::<LocationAccess>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(access.viewer.as_uuid()),
            sql::blob(access.subject.as_uuid()),
            access.at.best_ms(),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// Who looked at a user's positions from `from_ms` on and before `to_ms`, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn accesses_of(
        &self,
        subject: UserId,
        from_ms: UnixMs,
        to_ms: UnixMs,
    ) -> Result<Vec<Row<LocationAccess>>, StoreError> {
        self.rows(OF_SUBJECT, (sql::blob(subject.as_uuid()), from_ms, to_ms))
    }
}
