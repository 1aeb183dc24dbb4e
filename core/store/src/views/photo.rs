//! Photos.

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, PhotoId, UserId, VisitId};
use waymark_domain::merge::is_deleted;
use waymark_domain::photo::Photo;
use waymark_domain::photo::look::Look;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, Columns as _, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// What a photo looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The photo.
    pub photo: PhotoId,
    /// What it looks like.
    pub look: Look,
    /// SHA-256 of its original.
    pub sha256: Hash,
}

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
    BEFORE = "
        SELECT id, rev, pending, deleted, body FROM view_photo WHERE rep = ?1 AND at_ms < ?2 AND deleted = 0
        ORDER BY at_ms DESC, id DESC LIMIT 1";
    LOOKS_OF_REP = "
        SELECT id, look, sha256 FROM view_photo WHERE rep = ?1 AND look IS NOT NULL ORDER BY at_ms DESC, id DESC LIMIT ?2";
    LOOKS_OF_CUSTOMER = "
        SELECT id, look, sha256 FROM view_photo WHERE customer = ?1 AND look IS NOT NULL ORDER BY at_ms DESC, id DESC LIMIT ?2";
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
            photo.look.as_ref().map(|look| look.as_bytes()),
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

    /// The photo that somebody took before this moment, milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// As every read.
    pub fn photo_before(
        &self,
        rep: UserId,
        at_ms: UnixMs,
    ) -> Result<Option<Row<Photo>>, StoreError> {
        let rows = self.rows(BEFORE, (sql::blob(rep.as_uuid()), at_ms))?;
        Ok(rows.into_iter().next())
    }

    /// What the latest photos of somebody look like, latest first. Photos without a look are left out.
    ///
    /// # Errors
    /// As every read.
    pub fn looks_of_rep(&self, rep: UserId, limit: u32) -> Result<Vec<Seen>, StoreError> {
        self.looks(LOOKS_OF_REP, sql::blob(rep.as_uuid()), limit)
    }

    /// What the latest photos of a customer look like, whoever took them, latest first. Photos without a look are left out.
    ///
    /// # Errors
    /// As every read.
    pub fn looks_of_customer(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<Seen>, StoreError> {
        self.looks(LOOKS_OF_CUSTOMER, sql::blob(customer.as_uuid()), limit)
    }

    fn looks(&self, query: &str, of: [u8; 16], limit: u32) -> Result<Vec<Seen>, StoreError> {
        let mut statement = self.conn.prepare_cached(query)?;
        let rows = statement.query_map((of, limit), |row| {
            let bytes: Vec<u8> = row.get(1)?;
            let cuts = bytes.as_chunks::<32>().0;
            // a look of another version says nothing here
            let look = cuts.try_into().ok().map(Look::from_bytes);
            let photo = PhotoId::from(row.rec(0)?);
            let sha256: Vec<u8> = row.get(2)?;
            Ok(look
                .zip(Hash::from_slice(&sha256))
                .map(|(look, sha256)| Seen {
                    photo,
                    look,
                    sha256,
                }))
        })?;
        Ok(rows
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
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
