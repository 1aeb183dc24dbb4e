//! What the engine needs to know to make a request.

use std::collections::BTreeSet;

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, GroupId, OpId, RecordId};
use waymark_domain::op::Operation;
use waymark_domain::ranges::Ranges;
use waymark_domain::record::Kind;
use waymark_domain::scope::Scope;

use crate::error::StoreError;
use crate::evidence;
use crate::meta;
use crate::sql::{self, Columns, queries};
use crate::store::{Mode, Store};

/// Where the device stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// The epoch that its copy is from; absent before the first answer.
    pub epoch: Option<Epoch>,
    /// The place in the tenant's order that its copy is complete up to.
    pub checkpoint_seq: u64,
    /// The count of the newest operation; 0 before the first.
    pub n_last: u64,
    /// Its hash, the head of the device's chain.
    pub head: Hash,
    /// Operations without a final answer.
    pub pending: u64,
    /// Their counts.
    pub unacked: Ranges,
    /// Hash of the scope list that the server gave last.
    pub scopes_hash: Option<Hash>,
    /// The newest receipt that is here: its count, and whether it says that the server had everything up to it.
    pub receipt: Option<(u64, bool)>,
    /// The scopes.
    pub scopes: Vec<ScopeProgress>,
}

/// How far the copy of one scope goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeProgress {
    /// The scope.
    pub scope: Scope,
    /// Everything up to this place in the tenant's order is here, published or staged.
    pub cursor: u64,
    /// A snapshot of it is still to be had, from the beginning or from `snap` on.
    pub wanted: bool,
    /// The snapshot that has been begun.
    pub snap: Option<SnapshotPlace>,
}

/// A place in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPlace {
    /// The snapshot's place in the tenant's order.
    pub pin: u64,
    /// The last record that is staged of it.
    pub after: Option<(Kind, RecordId)>,
}

/// An operation that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its count.
    pub n: u64,
    /// Its id.
    pub op_id: OpId,
    /// The group that it stands or falls with.
    pub group: Option<GroupId>,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Their hash.
    pub sha: Hash,
    /// Failed attempts so far.
    pub attempts: u32,
}

queries! {
    SCOPES = "SELECT scope FROM scope_state";
    PROGRESS = "
        SELECT scope, coalesce(staged_cursor, cursor), wanted = 1 AND staged_cursor IS NULL, snap_pin, snap_kind, snap_id
        FROM scope_state ORDER BY scope";
    COUNTS = "SELECT n FROM outbox ORDER BY n";
    LAST = "SELECT n, sha FROM outbox ORDER BY n DESC LIMIT 1";
    BATCH = "SELECT n, op_id, bytes, sha, group_id, attempts FROM outbox ORDER BY n";
    // of a file of a later version only the frozen columns are believed
    BATCH_FROZEN = "SELECT n, op_id, bytes, sha, NULL, 0 FROM outbox ORDER BY n";
    PENDING = "SELECT EXISTS (SELECT 1 FROM outbox WHERE op_id = ?1)";
    FAILED = "UPDATE outbox SET attempts = attempts + 1, last_error = ?2 WHERE n = ?1";
}

/// The scopes that the user may see, as the server said last.
pub(crate) fn scopes(conn: &Connection) -> Result<BTreeSet<Scope>, StoreError> {
    let mut statement = conn.prepare_cached(SCOPES)?;
    let scopes = statement.query_map([], |row| row.get(0).map(Scope::from_wire))?;
    Ok(scopes.collect::<Result<_, _>>()?)
}

/// The counts that wait for a final answer.
pub(crate) fn unacked(conn: &Connection) -> Result<Ranges, StoreError> {
    let mut statement = conn.prepare_cached(COUNTS)?;
    let counts = statement.query_map([], |row| row.count(0))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

fn progress(conn: &Connection) -> Result<Vec<ScopeProgress>, StoreError> {
    let mut statement = conn.prepare_cached(PROGRESS)?;
    let rows = statement.query_map([], |row| {
        let pin: Option<i64> = row.get(3)?;
        let kind: Option<String> = row.get(4)?;
        let id: Option<[u8; 16]> = row.get(5)?;
        let id = id.map(|id| RecordId::from_uuid(uuid::Uuid::from_bytes(id)));
        Ok(ScopeProgress {
            scope: Scope::from_wire(row.get(0)?),
            cursor: row.count(1)?,
            wanted: row.get(2)?,
            snap: pin.map(|pin| SnapshotPlace {
                pin: u64::try_from(pin).unwrap_or(0),
                after: kind.map(Kind::from_wire).zip(id),
            }),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Store {
    /// Where the device stands.
    ///
    /// Of a file of a later version: what waits to be sent, with the newest of it as the head.
    ///
    /// # Errors
    /// As every read.
    pub fn sync_state(&self) -> Result<SyncState, StoreError> {
        match self.mode() {
            Mode::ReadWrite => self.read(|reader| state(reader.conn)),
            Mode::PushOnly => self.read(|reader| frozen_state(reader.conn)),
        }
    }

    /// Operations to send, in local order and without the units of which a count is in `skip`: as many as fit into `max_ops` and `max_bytes`, never
    /// part of a group, always at least one operation or one whole group when there is any.
    ///
    /// # Errors
    /// As every read.
    pub fn outbox_batch(
        &self,
        max_ops: usize,
        max_bytes: usize,
        skip: &Ranges,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = match self.mode() {
            Mode::ReadWrite => BATCH,
            Mode::PushOnly => BATCH_FROZEN,
        };
        self.read(|reader| batch(reader.conn, sql, max_ops, max_bytes, skip))
    }

    /// Whether an operation waits for its answer.
    ///
    /// # Errors
    /// As every read.
    pub fn is_pending(&self, op_id: OpId) -> Result<bool, StoreError> {
        self.read(|reader| {
            let mut statement = reader.conn.prepare_cached(PENDING)?;
            Ok(statement.query_row([sql::op(op_id)], |row| row.get(0))?)
        })
    }

    /// Notes that the operations with these counts could not be sent, or had no final answer.
    ///
    /// # Errors
    /// As every write.
    pub fn note_failure(&self, ns: &[u64], error: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            let mut statement = tx.prepare_cached(FAILED)?;
            for n in ns {
                statement.execute((sql::int(*n), error))?;
            }
            Ok(())
        })
    }
}

fn state(conn: &Connection) -> Result<SyncState, StoreError> {
    let chain = meta::chain(conn)?;
    let unacked = unacked(conn)?;
    Ok(SyncState {
        epoch: meta::get(conn, meta::EPOCH)?,
        checkpoint_seq: meta::counter(conn, meta::CHECKPOINT)?,
        n_last: chain.head_n,
        head: chain.head,
        pending: unacked.count(),
        unacked,
        scopes_hash: meta::get(conn, meta::SCOPES_HASH)?,
        receipt: evidence::newest(conn)?,
        scopes: progress(conn)?,
    })
}

// what a later version made of the other tables is not ours to guess; the epoch only helps, so a failure to read it is no failure
fn frozen_state(conn: &Connection) -> Result<SyncState, StoreError> {
    let unacked = unacked(conn)?;
    let mut statement = conn.prepare_cached(LAST)?;
    let last = statement
        .query_map([], |row| Ok((row.count(0)?, row.hash(1)?)))?
        .next()
        .transpose()?;
    let (n_last, head) = last.unwrap_or((0, Hash::ZERO));
    Ok(SyncState {
        epoch: meta::get(conn, meta::EPOCH).ok().flatten(),
        checkpoint_seq: 0,
        n_last,
        head,
        pending: unacked.count(),
        unacked,
        scopes_hash: None,
        receipt: None,
        scopes: Vec::new(),
    })
}

fn batch(
    conn: &Connection,
    sql: &str,
    max_ops: usize,
    max_bytes: usize,
    skip: &Ranges,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut batch = Batch::default();
    while let Some(row) = rows.next()? {
        let row = outbox_row(row, sql == BATCH_FROZEN)?;
        let begins = row.group.is_none() || row.group != batch.group;
        if begins && !batch.take_unit(max_ops, max_bytes) {
            return Ok(batch.rows);
        }
        batch.group = row.group;
        batch.skipped |= skip.contains(row.n);
        batch.unit.push(row);
    }
    batch.take_unit(max_ops, max_bytes);
    Ok(batch.rows)
}

/// A batch that is being put together, unit by unit: an operation without a group is a unit of its own.
#[derive(Default)]
struct Batch {
    rows: Vec<OutboxRow>,
    bytes: usize,
    unit: Vec<OutboxRow>,
    group: Option<GroupId>,
    skipped: bool,
}

impl Batch {
    /// Adds the unit that was read. `false` when the batch is full.
    fn take_unit(&mut self, max_ops: usize, max_bytes: usize) -> bool {
        let unit = std::mem::take(&mut self.unit);
        if std::mem::take(&mut self.skipped) || unit.is_empty() {
            return true;
        }
        let bytes = unit.iter().map(|row| row.bytes.len()).sum::<usize>();
        let ops = self.rows.len().saturating_add(unit.len());
        let bytes = self.bytes.saturating_add(bytes);
        if !self.rows.is_empty() && (ops > max_ops || bytes > max_bytes) {
            return false;
        }
        self.rows.extend(unit);
        self.bytes = bytes;
        self.rows.len() < max_ops && bytes < max_bytes
    }
}

fn outbox_row(row: &rusqlite::Row<'_>, frozen: bool) -> Result<OutboxRow, StoreError> {
    let bytes: Vec<u8> = row.get(2)?;
    let group: Option<[u8; 16]> = row.get(4)?;
    let group = match group {
        Some(group) => Some(GroupId::from_uuid(uuid::Uuid::from_bytes(group))),
        None if frozen => Operation::from_bytes(&bytes)
            .ok()
            .and_then(|op| op.group)
            .map(|group| group.id),
        None => None,
    };
    Ok(OutboxRow {
        n: row.count(0)?,
        op_id: row.op(1)?,
        group,
        bytes,
        sha: row.hash(3)?,
        attempts: row.get(5)?,
    })
}
