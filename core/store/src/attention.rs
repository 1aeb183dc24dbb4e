//! What a person has to look at, and what waits to be sent.

use rusqlite::Connection;
use serde_json::Value;
use waymark_domain::hash::Hash;
use waymark_domain::ids::OpId;
use waymark_domain::record::RecordKey;
use waymark_domain::time::UnixMs;

use crate::digests;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::settle;
use crate::sql::{self, Columns, queries};
use crate::store::Store;

/// The code of an operation whose bytes do not give their hash any more.
const DAMAGED: &str = "damaged";

/// An operation that a person has to look at, or had to.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionRow {
    /// The operation.
    pub op_id: OpId,
    /// Its count; `None` for one of a device identity before this one.
    pub n: Option<u64>,
    /// Its record.
    pub key: RecordKey,
    /// Why, as [`crate::SettledOp::attention`] gave it; `damaged` for bytes that do not give their hash any more.
    pub code: String,
    /// More about it.
    pub detail: Value,
    /// What the server said.
    pub outcome: Value,
    /// The operation's exact bytes.
    pub bytes: Vec<u8>,
    /// Since when, by this device's wall clock; `None` when it was found at a start.
    pub created_ms: Option<UnixMs>,
    /// How it was dealt with; `None` while it is open.
    pub resolved_by: Option<String>,
    /// When it was dealt with.
    pub resolved_ms: Option<UnixMs>,
}

/// An operation that waits for its final answer, for a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outboxed {
    /// Its count.
    pub n: u64,
    /// The operation.
    pub op_id: OpId,
    /// Its record.
    pub key: RecordKey,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Failed attempts so far.
    pub attempts: u32,
    /// What the last of them said.
    pub last_error: Option<String>,
}

queries! {
    OPEN = "
        SELECT a.op_id, h.n, h.kind, h.rec, a.code, a.detail, h.outcome, h.bytes, a.created_ms, a.resolved_by, a.resolved_ms
        FROM attention a JOIN history h ON h.op_id = a.op_id
        WHERE a.resolved_by IS NULL ORDER BY a.created_ms, h.n";
    ONE = "
        SELECT a.op_id, h.n, h.kind, h.rec, a.code, a.detail, h.outcome, h.bytes, a.created_ms, a.resolved_by, a.resolved_ms
        FROM attention a JOIN history h ON h.op_id = a.op_id
        WHERE a.op_id = ?1";
    WAITING = "SELECT n, op_id, kind, rec, bytes, attempts, last_error FROM outbox WHERE n > ?1 ORDER BY n LIMIT ?2";
    RESOLVE = "UPDATE attention SET resolved_by = ?2, resolved_ms = ?3 WHERE op_id = ?1 AND resolved_by IS NULL";
    RAISE = "
        INSERT INTO attention (op_id, code, detail, created_ms) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (op_id) DO NOTHING";
    RECORD = "SELECT kind, rec FROM history WHERE n = ?1";
    // with all that sending reads: damage to any of it has to show before it stops the sending
    HASHES = "SELECT n, op_id, bytes, sha, group_id, attempts FROM outbox ORDER BY n";
    RENAME = "UPDATE outbox SET op_id = ?2 WHERE n = ?1";
}

/// Puts an operation of history before a person.
pub(crate) fn raise(
    tx: &Connection,
    op_id: OpId,
    code: &str,
    detail: &str,
    at_ms: Option<UnixMs>,
) -> Result<(), StoreError> {
    tx.prepare_cached(RAISE)?
        .execute((sql::op(op_id), code, detail, at_ms))?;
    Ok(())
}

/// Notes that it was dealt with. `false` when there was nothing open.
pub(crate) fn resolve(
    tx: &Connection,
    op_id: OpId,
    how: &str,
    at_ms: UnixMs,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(RESOLVE)?
        .execute((sql::op(op_id), how, at_ms))?;
    Ok(changed > 0)
}

/// The outbox rows whose bytes do not give their hash.
pub(crate) fn damaged_rows(conn: &Connection) -> Result<Vec<(u64, OpId)>, StoreError> {
    let mut statement = conn.prepare_cached(HASHES)?;
    let mut rows = statement.query([])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
        let sha = row.get_ref(3)?.as_blob().unwrap_or_default();
        let _: (Option<[u8; 16]>, u32) = (row.get(4)?, row.get(5)?);
        if Hash::from_slice(sha) != Some(Hash::of(bytes)) {
            damaged.push((row.count(0)?, row.op(1)?));
        }
    }
    Ok(damaged)
}

/// Gives every operation whose bytes are whole the id that stands in them: the column beside them may be damaged, and the server answers to
/// the id that it reads.
fn mend_ids(tx: &Connection) -> Result<(), StoreError> {
    #[derive(serde::Deserialize)]
    struct Named {
        op: OpId,
    }
    let mut wrong = Vec::new();
    {
        let mut statement = tx.prepare_cached(HASHES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
            let sha = row.get_ref(3)?.as_blob().unwrap_or_default();
            let whole = Hash::from_slice(sha) == Some(Hash::of(bytes));
            if let Ok(named) = serde_json::from_slice::<Named>(bytes)
                && whole
                && row.op(1).ok() != Some(named.op)
            {
                wrong.push((row.count(0)?, named.op));
            }
        }
    }
    for (n, op) in wrong {
        tx.prepare_cached(RENAME)?
            .execute((sql::int(n), sql::op(op)))?;
    }
    Ok(())
}

/// Moves operations whose bytes do not give their hash out of the outbox: they are kept and shown, never sent.
/// Gives how many, and their records.
pub(crate) fn set_damaged_aside(tx: &Connection) -> Result<(u64, Vec<RecordKey>), StoreError> {
    mend_ids(tx)?;
    let damaged = damaged_rows(tx)?;
    for (n, op_id) in &damaged {
        let outcome = r#"{"is":"damaged"}"#;
        settle::move_to_history(tx, *n, outcome, None, None)?;
        raise(tx, *op_id, DAMAGED, "{}", None)?;
    }
    // taking a row from a page that is damaged elsewhere, too, may leave a page that does not read: better known now than at the next sync
    if !damaged.is_empty() && !damaged_rows(tx)?.is_empty() {
        return Err(StoreError::Corrupt);
    }
    let keys = damaged
        .iter()
        .map(|(n, _)| digests::keys(tx, RECORD, [sql::int(*n)]));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    Ok((sql::len(damaged.len()), keys.concat()))
}

impl Store {
    /// Notes how an operation that needed attention was dealt with, such as `discarded`. `false` when there was nothing open.
    ///
    /// # Errors
    /// As every write.
    pub fn resolve_attention(
        &self,
        op_id: OpId,
        how: &str,
        at_ms: UnixMs,
    ) -> Result<bool, StoreError> {
        self.write(|tx| resolve(tx, op_id, how, at_ms))
    }
}

impl Reader<'_> {
    /// Every operation that a person has to look at, oldest first.
    ///
    /// # Errors
    /// As every read.
    pub fn attention(&self) -> Result<Vec<AttentionRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(OPEN)?;
        statement.query_and_then([], attention_row)?.collect()
    }

    /// One operation that a person has to look at, or had to.
    ///
    /// # Errors
    /// As every read.
    pub fn attention_of(&self, op_id: OpId) -> Result<Option<AttentionRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(ONE)?;
        let mut rows = statement.query_and_then([sql::op(op_id)], attention_row)?;
        rows.next().transpose()
    }

    /// Up to `limit` operations that wait for their final answer and come after the count `after`.
    ///
    /// # Errors
    /// As every read.
    pub fn outbox(&self, after: u64, limit: u32) -> Result<Vec<Outboxed>, StoreError> {
        let mut statement = self.conn.prepare_cached(WAITING)?;
        let rows = statement.query_map((sql::int(after), limit), |row| {
            Ok(Outboxed {
                n: row.count(0)?,
                op_id: row.op(1)?,
                key: RecordKey {
                    kind: row.kind(2)?,
                    id: row.rec(3)?,
                },
                bytes: row.get(4)?,
                attempts: row.get(5)?,
                last_error: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn attention_row(row: &rusqlite::Row<'_>) -> Result<AttentionRow, StoreError> {
    let json = |i: usize| -> Result<Value, StoreError> {
        let text: String = row.get(i)?;
        // what is no JSON is shown as the text it is
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    };
    let n: Option<i64> = row.get(1)?;
    Ok(AttentionRow {
        op_id: row.op(0)?,
        n: n.and_then(|n| u64::try_from(n).ok()),
        key: RecordKey {
            kind: row.kind(2)?,
            id: row.rec(3)?,
        },
        code: row.get(4)?,
        detail: json(5)?,
        outcome: json(6)?,
        bytes: row.get(7)?,
        created_ms: row.get(8)?,
        resolved_by: row.get(9)?,
        resolved_ms: row.get(10)?,
    })
}
