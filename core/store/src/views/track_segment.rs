//! Segments of tracks.

use chrono::NaiveDate;
use rusqlite::Connection;
use waymark_domain::ids::{ShiftId, UserId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::track_segment::TrackSegment;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, Columns, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`TrackSegment`].
pub(crate) struct TrackSegments;

/// What was collected of a sort of data on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The local calendar day.
    pub day: NaiveDate,
    /// Records.
    pub records: u64,
    /// Positions that were recorded.
    pub positions: u64,
    /// Best single moment of the first, milliseconds since 1970 UTC.
    pub first_ms: i64,
    /// The same of the last.
    pub last_ms: i64,
    /// Bytes that they take.
    pub bytes: u64,
}

queries! {
    PUT = "
        INSERT INTO view_track_segment (id, rev, pending, deleted, shift, rep, i, day, at_ms, until_ms, fixes, bytes, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          shift = excluded.shift, rep = excluded.rep, i = excluded.i, day = excluded.day, at_ms = excluded.at_ms,
          until_ms = excluded.until_ms, fixes = excluded.fixes, bytes = excluded.bytes, body = excluded.body";
    // what stays on this phone is read beside what was sent: the rest of the app need not know which is which
    OF_DAY = "
        SELECT id, rev, pending, deleted, body FROM (
          SELECT id, rev, pending, deleted, body, at_ms, i FROM view_track_segment WHERE rep = ?1 AND day = ?2 AND deleted = 0
          UNION ALL
          SELECT id, 0, 0, 0, body, at_ms, i FROM track_kept WHERE rep = ?1 AND day = ?2)
        ORDER BY at_ms, i";
    OF_SHIFT = "
        SELECT id, rev, pending, deleted, body FROM (
          SELECT id, rev, pending, deleted, body, i FROM view_track_segment WHERE shift = ?1 AND deleted = 0
          UNION ALL
          SELECT id, 0, 0, 0, body, i FROM track_kept WHERE shift = ?1)
        ORDER BY i, id";
    LAST_OF_SHIFT = "
        SELECT id, rev, pending, deleted, body FROM (
          SELECT id, rev, pending, deleted, body, i FROM view_track_segment WHERE shift = ?1 AND deleted = 0
          UNION ALL
          SELECT id, 0, 0, 0, body, i FROM track_kept WHERE shift = ?1)
        ORDER BY i DESC, id LIMIT 1";
    NEXT_I = "
        SELECT max(
          (SELECT coalesce(max(i) + 1, 0) FROM view_track_segment WHERE shift = ?1),
          (SELECT coalesce(max(i) + 1, 0) FROM view_track_root WHERE shift = ?1))";
    COLLECTED = "
        SELECT day, count(*), sum(fixes), min(at_ms), max(until_ms), sum(bytes) FROM view_track_segment
        WHERE rep = ?1 AND day BETWEEN ?2 AND ?3 AND deleted = 0 GROUP BY day ORDER BY day";
}

impl View for TrackSegments {
    fn kind(&self) -> Kind {
        TrackSegment::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("track_segment.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_track_segment") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<TrackSegment>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(segment) = typed::<TrackSegment>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(segment.shift.as_uuid()),
            sql::blob(segment.rep.as_uuid()),
            segment.i,
            segment.day.to_string(),
            segment.at.best_ms(),
            segment.until.best_ms(),
            segment.fixes,
            sql::int(sql::len(segment.packed.len() / 4 * 3)),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// A rep's segments that begin on a day, in the order of time: those that were sent, and those that stay on this phone.
    ///
    /// # Errors
    /// As every read.
    pub fn segments_of_day(
        &self,
        rep: UserId,
        day: NaiveDate,
    ) -> Result<Vec<Row<TrackSegment>>, StoreError> {
        self.rows(OF_DAY, (sql::blob(rep.as_uuid()), day.to_string()))
    }

    /// A session's segments, in their order: those that were sent, and those that stay on this phone.
    ///
    /// # Errors
    /// As every read.
    pub fn segments_of_shift(&self, shift: ShiftId) -> Result<Vec<Row<TrackSegment>>, StoreError> {
        self.rows(OF_SHIFT, [sql::blob(shift.as_uuid())])
    }

    /// A session's newest segment that was sent or stays on this phone.
    ///
    /// # Errors
    /// As every read.
    pub fn last_segment(&self, shift: ShiftId) -> Result<Option<Row<TrackSegment>>, StoreError> {
        Ok(self
            .rows(LAST_OF_SHIFT, [sql::blob(shift.as_uuid())])?
            .pop())
    }

    /// What a rep's tracks of some days amount to, day by day.
    ///
    /// # Errors
    /// As every read.
    pub fn tracks_collected(
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

/// Rows of day, count, positions, first, last, bytes.
pub(crate) fn collected(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Collected>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_and_then(params, |row| {
        let day: String = row.get(0)?;
        Ok(Collected {
            day: day.parse().map_err(|_| StoreError::Unreadable("a day"))?,
            records: row.count(1)?,
            positions: row.count(2)?,
            first_ms: row.get(3)?,
            last_ms: row.get(4)?,
            bytes: row.count(5)?,
        })
    })?;
    rows.collect()
}

/// The number of a session's next segment.
pub(crate) fn next_i(conn: &Connection, shift: ShiftId) -> Result<u32, StoreError> {
    Ok(conn
        .prepare_cached(NEXT_I)?
        .query_row([sql::blob(shift.as_uuid())], |row| row.get(0))?)
}
