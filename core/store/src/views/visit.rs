//! Visits: the day's list, a customer's past, and the one in progress.

use chrono::NaiveDate;
use rusqlite::{Connection, Params};
use waymark_domain::ids::{CustomerId, UserId, VisitId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::time::UnixMs;
use waymark_domain::visit::{State, Visit};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// A visit with the name of its customer.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitRow {
    /// The visit.
    pub visit: Row<Visit>,
    /// The customer's name; absent when this device may not see the customer.
    pub customer_name: Option<String>,
    /// The customer's address.
    pub customer_address: Option<String>,
}

/// [`View`] of [`Visit`].
pub(crate) struct Visits;

queries! {
    PUT = "
        INSERT INTO view_visit (id, rev, pending, deleted, customer, rep, day, state, started_ms, finished_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          customer = excluded.customer, rep = excluded.rep, day = excluded.day, state = excluded.state,
          started_ms = excluded.started_ms, finished_ms = excluded.finished_ms, body = excluded.body";
    OF_DAY = "
        SELECT v.id, v.rev, v.pending, v.deleted, v.body, c.name, c.body ->> 'address'
        FROM view_visit v LEFT JOIN view_customer c ON c.id = v.customer
        WHERE v.day = ?1 AND v.deleted = 0 ORDER BY v.id";
    OF_DAY_AND_REP = "
        SELECT v.id, v.rev, v.pending, v.deleted, v.body, c.name, c.body ->> 'address'
        FROM view_visit v LEFT JOIN view_customer c ON c.id = v.customer
        WHERE v.day = ?1 AND v.rep = ?2 AND v.deleted = 0 ORDER BY v.id";
    OF_CUSTOMER = "
        SELECT v.id, v.rev, v.pending, v.deleted, v.body, c.name, c.body ->> 'address'
        FROM view_visit v LEFT JOIN view_customer c ON c.id = v.customer
        WHERE v.customer = ?1 AND v.deleted = 0 ORDER BY v.day DESC, v.id DESC LIMIT ?2";
    ONE = "
        SELECT v.id, v.rev, v.pending, v.deleted, v.body, c.name, c.body ->> 'address'
        FROM view_visit v LEFT JOIN view_customer c ON c.id = v.customer
        WHERE v.id = ?1";
    IN_PROGRESS = "
        SELECT v.id, v.rev, v.pending, v.deleted, v.body, c.name, c.body ->> 'address'
        FROM view_visit v LEFT JOIN view_customer c ON c.id = v.customer
        WHERE v.rep = ?1 AND v.state = 'in_progress' AND v.deleted = 0 ORDER BY v.started_ms DESC LIMIT 1";
}

impl View for Visits {
    fn kind(&self) -> Kind {
        Visit::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("visit.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_visit") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Visit>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(visit) = typed::<Visit>(row.body) else {
            return Ok(false);
        };
        let (started, finished) = moments(&visit.state);
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(visit.customer.as_uuid()),
            sql::blob(visit.rep.as_uuid()),
            visit.day.to_string(),
            visit.state.name(),
            started,
            finished,
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

/// When the visit began and when it was over, as single moments.
fn moments(state: &State) -> (Option<UnixMs>, Option<UnixMs>) {
    match state {
        State::Planned | State::Unknown(_) => (None, None),
        State::InProgress { started, .. } => (Some(started.best_ms()), None),
        State::Done {
            started, finished, ..
        } => (Some(started.best_ms()), Some(finished.best_ms())),
        State::Skipped { started, at, .. } => (
            started.as_ref().map(|started| started.best_ms()),
            Some(at.best_ms()),
        ),
    }
}

impl Reader<'_> {
    /// The visits planned for a day, one rep's or everybody's, in the order in which they were made.
    ///
    /// # Errors
    /// As every read.
    pub fn visits_of_day(
        &self,
        day: NaiveDate,
        rep: Option<UserId>,
    ) -> Result<Vec<VisitRow>, StoreError> {
        let day = day.to_string();
        match rep {
            None => self.visits(OF_DAY, [day]),
            Some(rep) => self.visits(OF_DAY_AND_REP, (day, sql::blob(rep.as_uuid()))),
        }
    }

    /// The latest visits to a customer, latest day first.
    ///
    /// # Errors
    /// As every read.
    pub fn visits_of_customer(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<VisitRow>, StoreError> {
        self.visits(OF_CUSTOMER, (sql::blob(customer.as_uuid()), limit))
    }

    /// One visit.
    ///
    /// # Errors
    /// As every read.
    pub fn visit(&self, id: VisitId) -> Result<Option<VisitRow>, StoreError> {
        Ok(self.visits(ONE, [sql::blob(id.as_uuid())])?.pop())
    }

    /// The visit that a rep is at; the one begun last when there are several.
    ///
    /// # Errors
    /// As every read.
    pub fn visit_in_progress(&self, rep: UserId) -> Result<Option<VisitRow>, StoreError> {
        Ok(self.visits(IN_PROGRESS, [sql::blob(rep.as_uuid())])?.pop())
    }

    fn visits(&self, sql: &str, params: impl Params) -> Result<Vec<VisitRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_and_then(params, |row| {
            Ok(VisitRow {
                visit: Row::of(row)?,
                customer_name: row.get(5)?,
                customer_address: row.get(6)?,
            })
        })?;
        rows.collect()
    }
}
