//! Work sessions: the open one, and those of the past.

use rusqlite::Connection;
use waymark_domain::ids::{DeviceId, ShiftId, UserId};
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};
use waymark_domain::shift::Shift;

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Shift`].
pub(crate) struct Shifts;

queries! {
    PUT = "
        INSERT INTO view_shift (id, rev, pending, deleted, rep, device, state, started_ms, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted, rep = excluded.rep,
          device = excluded.device, state = excluded.state, started_ms = excluded.started_ms, body = excluded.body";
    OPEN = "
        SELECT id, rev, pending, deleted, body FROM view_shift
        WHERE rep = ?1 AND device = ?2 AND state = 'open' AND deleted = 0 ORDER BY started_ms DESC LIMIT 1";
    // clocks jump, a device's own count of operations does not: of two sessions that were opened on this device the one with the higher count
    // is the later one, whatever its clock claimed. What has left history came before all that is still there
    OF_REP = "
        SELECT id, rev, pending, deleted, body FROM (
          SELECT id, rev, pending, deleted, body, made, max(started_ms) OVER (PARTITION BY device ORDER BY made, started_ms, id) AS began
          FROM (
            SELECT s.id, s.rev, s.pending, s.deleted, s.body, s.device, s.started_ms, coalesce(
              (SELECT n FROM outbox WHERE kind = 'shift' AND rec = s.id AND act = 'create'),
              (SELECT n FROM history WHERE kind = 'shift' AND rec = s.id AND act = 'create')) AS made
            FROM view_shift s WHERE s.rep = ?1 AND s.deleted = 0))
        ORDER BY began DESC, made DESC, id DESC LIMIT ?2";
}

impl View for Shifts {
    fn kind(&self) -> Kind {
        Shift::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("shift.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_shift") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Shift>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(shift) = typed::<Shift>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            sql::blob(shift.rep.as_uuid()),
            sql::blob(shift.device.as_uuid()),
            shift.state.name(),
            shift.started.best_ms(),
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// The session of a rep on a device that nobody has ended. Its limit may be over all the same.
    ///
    /// # Errors
    /// As every read.
    pub fn open_shift(
        &self,
        rep: UserId,
        device: DeviceId,
    ) -> Result<Option<Row<Shift>>, StoreError> {
        let ids = (sql::blob(rep.as_uuid()), sql::blob(device.as_uuid()));
        Ok(self.rows(OPEN, ids)?.pop())
    }

    /// The latest sessions of a rep, latest first, on whatever device. Those of this device are in the order in which it opened them, those of
    /// others by what their clocks say.
    ///
    /// # Errors
    /// As every read.
    pub fn shifts_of(&self, rep: UserId, limit: u32) -> Result<Vec<Row<Shift>>, StoreError> {
        self.rows(OF_REP, (sql::blob(rep.as_uuid()), limit))
    }

    /// One session.
    ///
    /// # Errors
    /// As every read.
    pub fn shift(&self, id: ShiftId) -> Result<Option<Row<Shift>>, StoreError> {
        self.row(id)
    }
}
