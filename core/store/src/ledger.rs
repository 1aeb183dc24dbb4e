//! The account of every operation ever made here.

use rusqlite::Connection;
use waymark_domain::time::UnixMs;

use crate::error::StoreError;
use crate::evidence;
use crate::meta;
use crate::sql::{self, Columns, queries};
use crate::store::Store;

/// Where every operation ever sealed here has gone. Each number is counted on its own, so a loss shows as a difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Sealed on this device.
    pub created: u64,
    /// Answered for good, with nothing left for a person to do.
    pub acknowledged: u64,
    /// Waiting for their final answer.
    pub pending: u64,
    /// Waiting for a person.
    pub needs_attention: u64,
    /// Not to be had any more: a damaged file did not give them back. The server reports their counts as missing, if it has not got them.
    pub lost: u64,
}

impl Ledger {
    /// Whether every operation is accounted for.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.created == self.acknowledged + self.pending + self.needs_attention + self.lost
    }
}

queries! {
    PENDING = "SELECT count(*) FROM outbox";
    // through the rows themselves; PENDING goes through an index
    OUTBOX_ROWS = "SELECT count(*) FROM outbox NOT INDEXED";
    HISTORY = "SELECT count(*) FROM history";
    // the same through the rows: a damaged page of answered operations shows at the next open, not when somebody reads it
    HISTORY_ROWS = "SELECT count(*) FROM history NOT INDEXED";
    OPEN = "SELECT count(*) FROM attention WHERE resolved_by IS NULL";
    ANSWERED = "
        SELECT count(*) FROM history h
        WHERE NOT EXISTS (SELECT 1 FROM attention a WHERE a.op_id = h.op_id AND a.resolved_by IS NULL)";
    // only what is in base for certain and what nobody has to look at
    PRUNE = "
        DELETE FROM history
        WHERE settled_ms < ?1 AND (effect_seq IS NULL OR effect_seq <= ?2)
          AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.op_id = history.op_id)";
    PRUNE_RESOLVED = "
        DELETE FROM attention
        WHERE resolved_by IS NOT NULL AND EXISTS (
          SELECT 1 FROM history h
          WHERE h.op_id = attention.op_id AND h.settled_ms < ?1 AND (h.effect_seq IS NULL OR h.effect_seq <= ?2))";
}

pub(crate) fn count(conn: &Connection, sql: &str) -> Result<u64, StoreError> {
    Ok(conn
        .prepare_cached(sql)?
        .query_row([], |row| row.count(0))?)
}

/// The account, from independent counts.
pub(crate) fn account(conn: &Connection) -> Result<Ledger, StoreError> {
    Ok(Ledger {
        created: meta::chain(conn)?.created,
        acknowledged: count(conn, ANSWERED)? + meta::counter(conn, meta::PRUNED)?,
        pending: count(conn, PENDING)?,
        needs_attention: count(conn, OPEN)?,
        lost: meta::counter(conn, meta::LOST)?,
    })
}

impl Store {
    /// The account of every operation ever made here.
    ///
    /// # Errors
    /// As every read.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        self.read(|reader| account(reader.conn))
    }

    /// Drops operations from history that were answered before `before_ms`, are in base for certain and need nobody. Until then the bytes are
    /// there to be sent again, should the server have to be restored. Gives how many went.
    ///
    /// # Errors
    /// As every write.
    pub fn prune_history(&self, before_ms: UnixMs) -> Result<u64, StoreError> {
        self.write(|tx| {
            let checkpoint = sql::int(meta::counter(tx, meta::CHECKPOINT)?);
            tx.execute(PRUNE_RESOLVED, (before_ms, checkpoint))?;
            let pruned = sql::len(tx.execute(PRUNE, (before_ms, checkpoint))?);
            let before = meta::counter(tx, meta::PRUNED)?;
            meta::set(tx, meta::PRUNED, &(before + pruned))?;
            evidence::prune(tx)?;
            Ok(pruned)
        })
    }
}
