//! Check-ins of a visit.

use chrono::NaiveDate;
use rusqlite::Connection;
use waymark_domain::check_in::CheckIn;
use waymark_domain::ids::{UserId, VisitId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::track_segment::{Collected, collected};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`CheckIn`].
pub(crate) struct CheckIns;

queries! {
    PUT = "
        INSERT INTO view_check_in (id, rev, pending, deleted, visit, customer, rep, lat, lon, datum, accuracy_m, at_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          visit = excluded.visit, customer = excluded.customer, rep = excluded.rep, lat = excluded.lat, lon = excluded.lon,
          datum = excluded.datum, accuracy_m = excluded.accuracy_m, at_ms = excluded.at_ms, body = excluded.body";
    LATEST = "
        SELECT id, rev, pending, deleted, body FROM view_check_in WHERE rep = ?1 AND deleted = 0 ORDER BY at_ms DESC, id DESC LIMIT 1";
    OF_VISIT = "
        SELECT id, rev, pending, deleted, body FROM view_check_in WHERE visit = ?1 AND deleted = 0 ORDER BY at_ms, id";
    COLLECTED = "
        SELECT v.day, count(*), count(*), min(c.at_ms), max(c.at_ms), sum(length(c.body))
        FROM view_visit v JOIN view_check_in c ON c.visit = v.id
        WHERE v.rep = ?1 AND v.day BETWEEN ?2 AND ?3 AND c.rep = ?1 AND c.deleted = 0 GROUP BY v.day ORDER BY v.day";
}

impl View for CheckIns {
    fn kind(&self) -> Kind {
        CheckIn::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("check_in.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_check_in") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<CheckIn>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(check_in) = typed::<CheckIn>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(check_in.visit.as_uuid()),
            sql::blob(check_in.customer.as_uuid()),
            sql::blob(check_in.rep.as_uuid()),
            check_in.position.lat(),
            check_in.position.lon(),
            check_in.position.datum().name(),
            check_in.accuracy_m,
            check_in.at.best_ms(),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// A rep's latest check-in.
    ///
    /// # Errors
    /// As every read.
    pub fn latest_check_in(&self, rep: UserId) -> Result<Option<Row<CheckIn>>, StoreError> {
        Ok(self.rows(LATEST, [sql::blob(rep.as_uuid())])?.pop())
    }

    /// The check-ins of a visit, in the order of time.
    ///
    /// # Errors
    /// As every read.
    pub fn check_ins_of_visit(&self, visit: VisitId) -> Result<Vec<Row<CheckIn>>, StoreError> {
        self.rows(OF_VISIT, [sql::blob(visit.as_uuid())])
    }

    /// What a rep's check-ins at the visits of some days amount to, day by day.
    ///
    /// # Errors
    /// As every read.
    pub fn check_ins_collected(
        &self,
        rep: UserId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<Collected>, StoreError> {
        let days = (from.to_string(), to.to_string());
        collected(
            self.conn,
            COLLECTED,
            (sql::blob(rep.as_uuid()), days.0, days.1),
        )
    }
}
