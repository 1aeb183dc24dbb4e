//! Photos.

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, PhotoId, UserId, VisitId};
use waymark_domain::merge::is_deleted;
use waymark_domain::photo::Photo;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Photo`].
pub(crate) struct Photos;

queries! {
    PUT = "
        INSERT INTO view_photo (id, rev, pending, deleted, rep, customer, visit, number, at_ms, sha256, look, withdrawn, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted, rep = excluded.rep,
          customer = excluded.customer, visit = excluded.visit, number = excluded.number, at_ms = excluded.at_ms,
          sha256 = excluded.sha256, look = excluded.look, withdrawn = excluded.withdrawn, body = excluded.body";
    OF_VISIT = "
        SELECT id, rev, pending, deleted, body FROM view_photo WHERE visit = ?1 AND deleted = 0 ORDER BY at_ms, id";
    OF_CUSTOMER = "
        SELECT id, rev, pending, deleted, body FROM view_photo WHERE customer = ?1 AND deleted = 0
        ORDER BY at_ms DESC, id DESC LIMIT ?2";
    OF_REP = "
        SELECT id, rev, pending, deleted, body FROM view_photo WHERE rep = ?1 AND deleted = 0
        ORDER BY at_ms DESC, id DESC LIMIT ?2";
    BETWEEN = "
        SELECT id, rev, pending, deleted, body FROM view_photo
        WHERE rep = ?1 AND at_ms BETWEEN ?2 AND ?3 AND deleted = 0 ORDER BY at_ms, id";
    WITH = "SELECT id, rev, pending, deleted, body FROM view_photo WHERE sha256 = ?1 ORDER BY at_ms, id";
    NUMBER = "SELECT coalesce(max(number), 0) FROM view_photo WHERE rep = ?1";
}

impl View for Photos {
    fn kind(&self) -> Kind {
        Photo::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("photo.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_photo") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Photo>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(photo) = typed::<Photo>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(photo.rep.as_uuid()),
            sql::blob(photo.customer.as_uuid()),
            photo.visit.map(|visit| sql::blob(visit.as_uuid())),
            photo.number,
            photo.at.best_ms(),
            photo.original.file.sha256.as_bytes(),
            photo.look.map(|look| *look.as_bytes()),
            photo.is_withdrawn(),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// A photo.
    ///
    /// # Errors
    /// As every read.
    pub fn photo(&self, id: PhotoId) -> Result<Option<Row<Photo>>, StoreError> {
        self.row(id)
    }

    /// The photos of a visit, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn photos_of_visit(&self, visit: VisitId) -> Result<Vec<Row<Photo>>, StoreError> {
        self.rows(OF_VISIT, [sql::blob(visit.as_uuid())])
    }

    /// The latest photos of a customer, latest first.
    ///
    /// # Errors
    /// As every read.
    pub fn photos_of_customer(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<Row<Photo>>, StoreError> {
        self.rows(OF_CUSTOMER, (sql::blob(customer.as_uuid()), limit))
    }

    /// The latest photos that somebody took, latest first.
    ///
    /// # Errors
    /// As every read.
    pub fn photos_of_rep(&self, rep: UserId, limit: u32) -> Result<Vec<Row<Photo>>, StoreError> {
        self.rows(OF_REP, (sql::blob(rep.as_uuid()), limit))
    }

    /// The photos that somebody took between two moments, milliseconds since 1970 UTC, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn photos_between(
        &self,
        rep: UserId,
        from: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Row<Photo>>, StoreError> {
        self.rows(BETWEEN, (sql::blob(rep.as_uuid()), from, until))
    }

    /// Every photo whose original has these bytes, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn photos_with(&self, sha256: Hash) -> Result<Vec<Row<Photo>>, StoreError> {
        self.rows(WITH, [sha256.as_bytes()])
    }

    /// The highest number of a photo of this rep that this device knows of; 0 for none.
    ///
    /// # Errors
    /// As every read.
    pub fn last_photo_number(&self, rep: UserId) -> Result<u32, StoreError> {
        let mut statement = self.conn.prepare_cached(NUMBER)?;
        Ok(statement.query_row([sql::blob(rep.as_uuid())], |row| row.get(0))?)
    }
}
