//! What is told of segments of tracks that stay on their phone. Where this is that phone, `track_kept` has the segment itself.

use chrono::NaiveDate;
use rusqlite::Connection;
use waymark_domain::ids::{ShiftId, UserId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::track_root::TrackRoot;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::track_kept;
use crate::views::track_segment::{Collected, collected};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`TrackRoot`].
pub(crate) struct TrackRoots;

queries! {
    PUT = "
        INSERT INTO view_track_root (id, rev, pending, deleted, shift, rep, i, day, at_ms, until_ms, fixes, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          shift = excluded.shift, rep = excluded.rep, i = excluded.i, day = excluded.day, at_ms = excluded.at_ms,
          until_ms = excluded.until_ms, fixes = excluded.fixes, body = excluded.body";
    ELSEWHERE = "
        SELECT r.id, r.rev, r.pending, r.deleted, r.body FROM view_track_root r
        WHERE r.rep = ?1 AND r.day = ?2 AND r.deleted = 0 AND NOT EXISTS (SELECT 1 FROM track_kept k WHERE k.id = r.id)
        ORDER BY r.at_ms, r.i";
    OF_SHIFT = "
        SELECT id, rev, pending, deleted, body FROM view_track_root WHERE shift = ?1 AND deleted = 0 ORDER BY i, id";
    COLLECTED = "
        SELECT r.day, count(*), sum(r.fixes), min(r.at_ms), max(r.until_ms),
          coalesce(sum((SELECT length(CAST(k.fixes AS BLOB)) + length(k.salts) FROM track_kept k WHERE k.id = r.id)), 0)
        FROM view_track_root r
        WHERE r.rep = ?1 AND r.day BETWEEN ?2 AND ?3 AND r.deleted = 0 GROUP BY r.day ORDER BY r.day";
}

impl View for TrackRoots {
    fn kind(&self) -> Kind {
        TrackRoot::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("track_root.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_track_root") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<TrackRoot>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(root) = typed::<TrackRoot>(row.body) else {
            return Ok(false);
        };
        let deleted = is_deleted(row.body);
        if deleted {
            // its period is over: the segment goes with what was told of it
            track_kept::forget(tx, row.id)?;
        }
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            deleted,
            sql::blob(root.shift.as_uuid()),
            sql::blob(root.rep.as_uuid()),
            root.i,
            root.day.to_string(),
            root.at.best_ms(),
            root.until.best_ms(),
            root.fixes,
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// What is told of a rep's segments that begin on a day and stay on another phone than this, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn roots_of_day_elsewhere(
        &self,
        rep: UserId,
        day: NaiveDate,
    ) -> Result<Vec<Row<TrackRoot>>, StoreError> {
        self.rows(ELSEWHERE, (sql::blob(rep.as_uuid()), day.to_string()))
    }

    /// What is told of a session's segments, in their order.
    ///
    /// # Errors
    /// As every read.
    pub fn roots_of_shift(&self, shift: ShiftId) -> Result<Vec<Row<TrackRoot>>, StoreError> {
        self.rows(OF_SHIFT, [sql::blob(shift.as_uuid())])
    }

    /// What a rep's tracks of some days that stay on their phone amount to, day by day. The bytes are those on this one.
    ///
    /// # Errors
    /// As every read.
    pub fn tracks_kept_back(
        &self,
        rep: UserId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<Collected>, StoreError> {
        collected(
            self.conn,
            COLLECTED,
            (sql::blob(rep.as_uuid()), from.to_string(), to.to_string()),
        )
    }
}
