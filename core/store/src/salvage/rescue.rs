//! What a damaged file still says, and writing it into a fresh one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{GroupId, OpId, PhotoId, RecordId};
use waymark_domain::time::Hlc;

use crate::error::StoreError;
use crate::fold;
use crate::meta::{self, Chain};
use crate::photos::{self, BlobRow, Capture};
use crate::salvage::Salvage;
use crate::salvage::carve::{self, Value};
use crate::sql::{self, Columns, queries};
use crate::track;
use crate::track_kept;

/// Counts that are left out when it is not known which were used: more than a device makes between two looks at its chain.
const UNKNOWN_GAP: u64 = 1000;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Found {
    ops: BTreeMap<OpId, FoundOp>,
    attention: BTreeMap<OpId, FoundAttention>,
    track: BTreeMap<i64, ([u8; 16], String)>,
    kept: BTreeMap<RecordId, Kept>,
    captures: BTreeMap<PhotoId, Capture>,
    blobs: BTreeMap<Hash, BlobRow>,
    scopes: BTreeSet<String>,
    meta: BTreeMap<String, String>,
    carved: u64,
}

/// A segment that stays on this phone: its body, its fixes, their salts.
type Kept = (String, String, Vec<u8>);

/// An operation whose bytes give their hash.
struct FoundOp {
    brief: Brief,
    bytes: Vec<u8>,
    sha: Hash,
    /// Of a device identity before this one.
    foreign: bool,
    answer: Option<Answer>,
}

/// The final answer to an operation.
struct Answer {
    outcome: String,
    effect_seq: Option<i64>,
    effect_rev: Option<i64>,
    settled_ms: Option<i64>,
}

struct FoundAttention {
    code: String,
    detail: String,
    created_ms: Option<i64>,
    resolved_by: Option<String>,
    resolved_ms: Option<i64>,
}

/// What the tables say of an operation beside its bytes, from its bytes: the columns next to them have no hash.
#[derive(Deserialize)]
struct Brief {
    op: OpId,
    n: u64,
    kind: String,
    rec: RecordId,
    act: String,
    #[serde(default)]
    group: Option<BriefGroup>,
    #[serde(default)]
    t: BriefTime,
}

#[derive(Default, Deserialize)]
struct BriefTime {
    #[serde(default)]
    hlc: Hlc,
}

#[derive(Deserialize)]
struct BriefGroup {
    id: GroupId,
}

// each table is read from both ends as far as SQLite gets
const OUTBOX: [&str; 2] = [
    "SELECT bytes, sha FROM outbox ORDER BY n",
    "SELECT bytes, sha FROM outbox ORDER BY n DESC",
];
const HISTORY: [&str; 2] = [
    "SELECT bytes, sha, n IS NULL, outcome, effect_seq, effect_rev, settled_ms FROM history NOT INDEXED ORDER BY rowid",
    "SELECT bytes, sha, n IS NULL, outcome, effect_seq, effect_rev, settled_ms FROM history NOT INDEXED ORDER BY rowid DESC",
];
const ATTENTION: [&str; 2] = [
    "SELECT op_id, code, detail, created_ms, resolved_by, resolved_ms FROM attention NOT INDEXED ORDER BY rowid",
    "SELECT op_id, code, detail, created_ms, resolved_by, resolved_ms FROM attention NOT INDEXED ORDER BY rowid DESC",
];
const TRACK: [&str; 2] = [
    "SELECT seq, shift, entry FROM track_point NOT INDEXED ORDER BY seq",
    "SELECT seq, shift, entry FROM track_point NOT INDEXED ORDER BY seq DESC",
];
const KEPT: [&str; 2] = [
    "SELECT id, body, fixes, salts FROM track_kept NOT INDEXED ORDER BY rowid",
    "SELECT id, body, fixes, salts FROM track_kept NOT INDEXED ORDER BY rowid DESC",
];
const CAPTURES: [&str; 2] = [
    "SELECT id, path, state, reserved, begun_ms, sha256, purpose FROM capture NOT INDEXED ORDER BY rowid",
    "SELECT id, path, state, reserved, begun_ms, sha256, purpose FROM capture NOT INDEXED ORDER BY rowid DESC",
];
const BLOBS: [&str; 2] = [
    "SELECT sha256, len, mime, path, role, state FROM blob NOT INDEXED ORDER BY rowid",
    "SELECT sha256, len, mime, path, role, state FROM blob NOT INDEXED ORDER BY rowid DESC",
];
const SCOPES: [&str; 2] = [
    "SELECT scope FROM scope_state ORDER BY scope",
    "SELECT scope FROM scope_state ORDER BY scope DESC",
];
const META: [&str; 2] = [
    "SELECT key, value FROM meta ORDER BY key",
    "SELECT key, value FROM meta ORDER BY key DESC",
];

queries! {
    INSERT_OUTBOX = "
        INSERT INTO outbox (n, op_id, kind, rec, act, group_id, bytes, sha) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT DO NOTHING";
    INSERT_HISTORY = "
        INSERT INTO history (n, op_id, kind, rec, act, group_id, bytes, sha, outcome, effect_seq, effect_rev, settled_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT DO NOTHING";
    INSERT_ATTENTION = "
        INSERT INTO attention (op_id, code, detail, created_ms, resolved_by, resolved_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    // as begin_epoch has it: what a person has settled is not to be applied after all
    SETTLED = "UPDATE outbox SET attempts = 1000 WHERE op_id = ?1";
    INSERT_TRACK = "INSERT INTO track_point (seq, shift, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    INSERT_SCOPE = "INSERT INTO scope_state (scope, digest, wanted) VALUES (?1, ?2, 1)";
}

/// Reads what can be read of a damaged file.
pub(super) fn read(damaged: &Path) -> Found {
    let mut found = Found::default();
    if let Ok(conn) = open_damaged(damaged) {
        found.read_tables(&conn);
    }
    found.carve(damaged);
    found
}

/// Opens the file so that it stays as it is: its log is read and not moved into it.
fn open_damaged(damaged: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(damaged, flags)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0")?;
    Ok(conn)
}

/// Calls `take` for every row that can be read.
fn each(conn: &Connection, sql: &[&str], mut take: impl FnMut(&rusqlite::Row<'_>)) {
    for sql in sql {
        let Ok(mut statement) = conn.prepare(sql) else {
            continue;
        };
        let Ok(mut rows) = statement.query([]) else {
            continue;
        };
        while let Ok(Some(row)) = rows.next() {
            take(row);
        }
    }
}

impl Found {
    fn read_tables(&mut self, conn: &Connection) {
        each(conn, &HISTORY, |row| {
            if let Ok(op) = history_row(row) {
                self.add(op, false);
            }
        });
        each(conn, &OUTBOX, |row| {
            let (bytes, sha) = (row.get(0), row.get::<_, Vec<u8>>(1));
            if let (Ok(bytes), Ok(sha)) = (bytes, sha) {
                self.add(FoundOp::proven(bytes, &sha, false, None), false);
            }
        });
        each(conn, &ATTENTION, |row| {
            if let Ok((op_id, entry)) = attention_row(row) {
                self.attention.insert(op_id, entry);
            }
        });
        each(conn, &TRACK, |row| {
            if let (Ok(seq), Ok(shift), Ok(entry)) =
                (row.get(0), row.get(1), row.get::<_, String>(2))
                && track::point(entry.as_bytes()).is_some()
            {
                self.track.insert(seq, (shift, entry));
            }
        });
        each(conn, &KEPT, |row| {
            if let (Ok(id), Ok(body), Ok(fixes), Ok(salts)) =
                (row.rec(0), row.get(1), row.get(2), row.get(3))
            {
                self.kept.insert(id, (body, fixes, salts));
            }
        });
        each(conn, &CAPTURES, |row| {
            if let Ok(capture) = photos::capture_row(row) {
                self.captures.insert(capture.id, capture);
            }
        });
        each(conn, &BLOBS, |row| {
            if let Ok(blob) = photos::blob_row(row) {
                self.blobs.insert(blob.sha256, blob);
            }
        });
        each(conn, &SCOPES, |row| {
            self.scopes.extend(row.get::<_, String>(0).ok());
        });
        each(conn, &META, |row| {
            if let (Ok(key), Ok(value)) = (row.get::<_, String>(0), row.get::<_, String>(1)) {
                self.meta.insert(key, value);
            }
        });
    }

    /// Adds an operation that is not known yet. One that was answered is not one that waits.
    fn add(&mut self, op: Option<FoundOp>, carved: bool) {
        let Some(op) = op else { return };
        let known = self.ops.get(&op.brief.op);
        if known.is_none_or(|known| known.answer.is_none() && op.answer.is_some()) {
            self.carved += u64::from(carved && known.is_none());
            self.ops.insert(op.brief.op, op);
        }
    }

    /// Adds what SQLite could not reach.
    fn carve(&mut self, damaged: &Path) {
        for row in carve::rows(damaged) {
            match row.as_slice() {
                [
                    Value::Null,
                    Value::Blob(_),
                    _,
                    _,
                    _,
                    _,
                    Value::Blob(bytes),
                    Value::Blob(sha),
                    ..,
                ] => {
                    self.add(FoundOp::proven(bytes.clone(), sha, false, None), true);
                }
                [
                    Value::Blob(_),
                    n,
                    _,
                    _,
                    _,
                    _,
                    Value::Blob(bytes),
                    Value::Blob(sha),
                    Value::Text(outcome),
                    seq,
                    rev,
                    at,
                    ..,
                ] => {
                    let answer = Answer {
                        outcome: outcome.clone(),
                        effect_seq: seq.int(),
                        effect_rev: rev.int(),
                        settled_ms: at.int(),
                    };
                    let foreign = *n == Value::Null;
                    self.add(
                        FoundOp::proven(bytes.clone(), sha, foreign, Some(answer)),
                        true,
                    );
                }
                [Value::Text(key), Value::Text(value)] => {
                    self.meta
                        .entry(key.clone())
                        .or_insert_with(|| value.clone());
                }
                _ => {}
            }
        }
    }

    fn meta<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.meta.get(key)?).ok()
    }
}

impl Value {
    const fn int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }
}

impl FoundOp {
    /// `None` when the bytes do not give the hash. An answer that is no JSON is no answer: the operation waits again, and the server repeats
    /// what it said.
    fn proven(bytes: Vec<u8>, sha: &[u8], foreign: bool, answer: Option<Answer>) -> Option<Self> {
        let sha = Hash::from_slice(sha).filter(|sha| *sha == Hash::of(&bytes))?;
        let brief = serde_json::from_slice(&bytes).ok()?;
        let reads = |answer: &Answer| {
            serde_json::from_str::<serde::de::IgnoredAny>(&answer.outcome).is_ok()
        };
        Some(Self {
            brief,
            bytes,
            sha,
            foreign,
            answer: answer.filter(reads),
        })
    }
}

fn history_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<FoundOp>> {
    let answer = Answer {
        outcome: row.get(3)?,
        effect_seq: row.get(4)?,
        effect_rev: row.get(5)?,
        settled_ms: row.get(6)?,
    };
    let sha: Vec<u8> = row.get(1)?;
    Ok(FoundOp::proven(
        row.get(0)?,
        &sha,
        row.get(2)?,
        Some(answer),
    ))
}

fn attention_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(OpId, FoundAttention)> {
    let entry = FoundAttention {
        code: row.get(1)?,
        detail: row.get(2)?,
        created_ms: row.get(3)?,
        resolved_by: row.get(4)?,
        resolved_ms: row.get(5)?,
    };
    Ok((row.op(0)?, entry))
}

/// Writes what was found into a fresh file, and says how much it was.
pub(super) fn write(tx: &Connection, found: Found) -> Result<Salvage, StoreError> {
    let mut salvage = Salvage {
        carved: found.carved,
        ..Salvage::default()
    };
    write_ops(tx, &found, &mut salvage)?;
    write_attention(tx, &found, &mut salvage)?;
    for scope in &found.scopes {
        tx.prepare_cached(INSERT_SCOPE)?
            .execute((scope, crate::digests::EMPTY))?;
        salvage.scopes += 1;
    }
    for (seq, (shift, entry)) in &found.track {
        let row = (seq, shift, entry);
        salvage.track_points += sql::len(tx.prepare_cached(INSERT_TRACK)?.execute(row)?);
    }
    for (id, (body, fixes, salts)) in &found.kept {
        salvage.tracks_kept += u64::from(track_kept::keep_rescued(tx, *id, body, fixes, salts)?);
    }
    for capture in found.captures.values() {
        salvage.captures += u64::from(photos::begin(tx, capture)?);
    }
    // a file whose row is not rescued is found by its hash at the next start
    let blobs: Vec<BlobRow> = found.blobs.values().cloned().collect();
    photos::keep(tx, &blobs)?;
    salvage.photo_files = sql::len(blobs.len());
    write_meta(tx, &found, &mut salvage)?;
    fold::refold_all(tx, &fold::all_keys(tx)?)?;
    Ok(salvage)
}

fn write_ops(tx: &Connection, found: &Found, salvage: &mut Salvage) -> Result<(), StoreError> {
    for op in found.ops.values() {
        let brief = &op.brief;
        let n = (!op.foreign).then_some(sql::int(brief.n));
        let group = brief
            .group
            .as_ref()
            .map(|group| sql::blob(group.id.as_uuid()));
        let (op_id, rec) = (sql::op(brief.op), sql::rec(brief.rec));
        let (kind, act, sha) = (&brief.kind, &brief.act, op.sha.as_bytes());
        match &op.answer {
            None => {
                let row = (n, op_id, kind, rec, act, group, &op.bytes, sha);
                salvage.outbox += sql::len(tx.prepare_cached(INSERT_OUTBOX)?.execute(row)?);
            }
            Some(answer) => {
                let effect = (answer.effect_seq, answer.effect_rev);
                let row = rusqlite::params![
                    n,
                    op_id,
                    kind,
                    rec,
                    act,
                    group,
                    op.bytes,
                    sha,
                    answer.outcome,
                    effect.0,
                    effect.1,
                    answer.settled_ms
                ];
                salvage.history += sql::len(tx.prepare_cached(INSERT_HISTORY)?.execute(row)?);
            }
        }
    }
    Ok(())
}

/// An answered operation that changed nothing, and whose entry on the list is gone, is put there again: better twice than never. Of one that
/// waits only what a person has settled is kept: it is on its way up again after a restore of the server.
fn write_attention(
    tx: &Connection,
    found: &Found,
    salvage: &mut Salvage,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(INSERT_ATTENTION)?;
    for (op_id, op) in &found.ops {
        let id = sql::op(*op_id);
        let changed_nothing = op
            .answer
            .as_ref()
            .is_some_and(|answer| answer.effect_rev.is_none());
        let entry = found.attention.get(op_id);
        match entry.filter(|entry| op.answer.is_some() || entry.resolved_by.is_some()) {
            Some(entry) => {
                statement.execute((
                    id,
                    &entry.code,
                    &entry.detail,
                    entry.created_ms,
                    &entry.resolved_by,
                    entry.resolved_ms,
                ))?;
                tx.prepare_cached(SETTLED)?.execute([id])?;
                salvage.attention += 1;
            }
            None if changed_nothing => {
                let nothing: Option<i64> = None;
                statement.execute((id, "salvaged", "{}", nothing, nothing, nothing))?;
            }
            None => {}
        }
    }
    Ok(())
}

fn write_meta(tx: &Connection, found: &Found, salvage: &mut Salvage) -> Result<(), StoreError> {
    salvage.identity = copy::<crate::Identity>(tx, found, meta::IDENTITY)?;
    copy::<waymark_domain::time::Anchors>(tx, found, meta::ANCHORS)?;
    copy::<waymark_domain::time::Anchor>(tx, found, meta::ANCHOR)?;
    copy::<waymark_domain::ids::Epoch>(tx, found, meta::EPOCH)?;
    copy::<u64>(tx, found, meta::PRUNED)?;
    let pruned = found.meta::<u64>(meta::PRUNED).unwrap_or(0);
    let read: Option<Chain> = found.meta(meta::CHAIN);
    salvage.chain = read.is_some();
    let mut chain = resumed(read, found);
    let saved = salvage.outbox + salvage.history + pruned;
    chain.created = chain.created.max(saved);
    salvage.lost = chain.created - saved;
    meta::set(tx, meta::CHAIN, &chain)?;
    meta::set(tx, meta::LOST, &salvage.lost)
}

fn copy<T: DeserializeOwned + serde::Serialize>(
    tx: &Connection,
    found: &Found,
    key: &'static str,
) -> Result<bool, StoreError> {
    match found.meta::<T>(key) {
        Some(value) => meta::set(tx, key, &value).map(|()| true),
        None => Ok(false),
    }
}

/// Where the chain goes on: after everything that is known to have been made. A count that was used must not be used again; a gap only makes
/// the server report counts as missing.
fn resumed(read: Option<Chain>, found: &Found) -> Chain {
    let own = found.ops.values().filter(|op| !op.foreign);
    let newest = own.max_by_key(|op| op.brief.n);
    let newest_n = newest.map_or(0, |op| op.brief.n);
    let mut chain = read.unwrap_or(Chain {
        next_n: newest_n + 1 + UNKNOWN_GAP,
        created: newest_n,
        ..Chain::START
    });
    if let Some(newest) = newest
        && newest_n > chain.head_n
    {
        chain.head_n = newest_n;
        chain.head = newest.sha;
        chain.hlc = chain.hlc.max(newest.brief.t.hlc);
    }
    chain.next_n = chain.next_n.max(newest_n + 1);
    chain
}
