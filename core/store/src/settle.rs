//! What the server said about this device's operations, and which scopes the user may see.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, OpId};
use waymark_domain::record::RecordKey;
use waymark_domain::scope::Scope;
use waymark_domain::time::{Anchor, UnixMs};

use crate::attention;
use crate::digests;
use crate::error::StoreError;
use crate::evidence::{self, ReceiptRow};
use crate::fold;
use crate::meta;
use crate::sql::{self, Columns, queries};
use crate::store::Store;
use crate::sync;
use crate::time;

/// The part of a server's answer that is about this device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Final answers to operations.
    pub outcomes: Vec<SettledOp>,
    /// The whole list of scopes, with its hash, when it has changed. What is not on it goes.
    pub scopes: Option<(Hash, Vec<Scope>)>,
    /// The server's time, when the answer was genuine.
    pub anchor: Option<Anchor>,
    /// The server's receipt for this device's chain.
    pub receipt: Option<ReceiptRow>,
    /// The epoch; taken when the device has none yet, see [`Store::begin_epoch`] for another.
    pub epoch: Option<Epoch>,
    /// Now, by this device's wall clock.
    pub at_ms: UnixMs,
}

/// The final answer to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledOp {
    /// Its count.
    pub n: u64,
    /// Its id.
    pub op_id: OpId,
    /// What the server said, as JSON.
    pub outcome: String,
    /// Where it changed its record: its place in the tenant's order and the record's revision after it.
    pub effect: Option<(u64, u64)>,
    /// A person has to look at it: why, and more about it as JSON.
    pub attention: Option<(String, String)>,
}

/// What a settlement changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettleReport {
    /// Operations that have left the outbox.
    pub settled: u64,
    /// Answers to operations that were not in the outbox: they had been answered before.
    pub ignored: u64,
    /// Records whose view may have changed, sorted.
    pub changed: Vec<RecordKey>,
    /// Scopes that are new.
    pub granted: Vec<Scope>,
    /// Scopes that are gone, with what only they held.
    pub revoked: Vec<Scope>,
}

queries! {
    FIND = "SELECT kind, rec FROM outbox WHERE n = ?1 AND op_id = ?2";
    TO_HISTORY = "
        INSERT INTO history (op_id, n, kind, rec, act, group_id, bytes, sha, outcome, effect_seq, effect_rev, settled_ms)
        SELECT op_id, n, kind, rec, act, group_id, bytes, sha, ?2, ?3, ?4, ?5 FROM outbox WHERE n = ?1";
    LEAVE_OUTBOX = "DELETE FROM outbox WHERE n = ?1";
    GRANT = "INSERT INTO scope_state (scope, digest) VALUES (?1, ?2)";
    REVOKE = "DELETE FROM scope_state WHERE scope = ?1";
    REVOKE_STAGED = "DELETE FROM staged WHERE scope = ?1";
    REVOKED_RECORDS = "SELECT kind, id FROM base_scope WHERE scope = ?1";
    REVOKE_RECORDS = "DELETE FROM base_scope WHERE scope = ?1";
}

impl Store {
    /// Takes the server's final answers: in one transaction the operations move from the outbox to history, what needs a person goes on the
    /// attention list, scopes come and go, and the views follow.
    ///
    /// # Errors
    /// As every write.
    pub fn settle(&self, settlement: &Settlement) -> Result<SettleReport, StoreError> {
        self.write(|tx| {
            let mut report = SettleReport::default();
            let mut touched = BTreeSet::new();
            for outcome in &settlement.outcomes {
                match settle_one(tx, outcome, settlement.at_ms)? {
                    Some(key) => {
                        report.settled += 1;
                        touched.insert(key);
                    }
                    None => report.ignored += 1,
                }
            }
            if let Some((hash, scopes)) = &settlement.scopes {
                take_scopes(tx, scopes, &mut report, &mut touched)?;
                meta::set(tx, meta::SCOPES_HASH, hash)?;
            }
            if let Some(anchor) = &settlement.anchor {
                time::take(tx, *anchor)?;
            }
            if let Some(receipt) = &settlement.receipt {
                evidence::keep(tx, receipt)?;
            }
            if let Some(epoch) = settlement.epoch
                && meta::get::<Epoch>(tx, meta::EPOCH)?.is_none()
            {
                meta::set(tx, meta::EPOCH, &epoch)?;
            }
            fold::refold_all(tx, &touched)?;
            report.changed = touched.into_iter().collect();
            Ok(report)
        })
    }
}

fn settle_one(
    tx: &Connection,
    settled: &SettledOp,
    at_ms: UnixMs,
) -> Result<Option<RecordKey>, StoreError> {
    let key = tx
        .prepare_cached(FIND)?
        .query_row((sql::int(settled.n), sql::op(settled.op_id)), |row| {
            Ok(RecordKey {
                kind: row.kind(0)?,
                id: row.rec(1)?,
            })
        })
        .optional()?;
    let Some(key) = key else {
        return Ok(None);
    };
    move_to_history(tx, settled.n, &settled.outcome, settled.effect, Some(at_ms))?;
    if let Some((code, detail)) = &settled.attention {
        attention::raise(tx, settled.op_id, code, detail, Some(at_ms))?;
    }
    Ok(Some(key))
}

/// Moves an operation from the outbox to history, bytes and all.
pub(crate) fn move_to_history(
    tx: &Connection,
    n: u64,
    outcome: &str,
    effect: Option<(u64, u64)>,
    at_ms: Option<UnixMs>,
) -> Result<(), StoreError> {
    tx.prepare_cached(TO_HISTORY)?.execute((
        sql::int(n),
        outcome,
        effect.map(|(seq, _)| sql::int(seq)),
        effect.map(|(_, rev)| sql::int(rev)),
        at_ms,
    ))?;
    tx.prepare_cached(LEAVE_OUTBOX)?.execute([sql::int(n)])?;
    Ok(())
}

/// The list is the truth: scopes that are not on it go, with every row that only they held; scopes that are new begin at 0.
fn take_scopes(
    tx: &Connection,
    listed: &[Scope],
    report: &mut SettleReport,
    touched: &mut BTreeSet<RecordKey>,
) -> Result<(), StoreError> {
    let listed: BTreeSet<&Scope> = listed.iter().collect();
    let known = sync::scopes(tx)?;
    for scope in known.iter().filter(|scope| !listed.contains(scope)) {
        let orphaned = revoke(tx, scope)?;
        touched.extend(orphaned);
        report.revoked.push(scope.clone());
    }
    for scope in listed.into_iter().filter(|scope| !known.contains(*scope)) {
        tx.prepare_cached(GRANT)?
            .execute((scope.as_str(), digests::EMPTY))?;
        report.granted.push(scope.clone());
    }
    Ok(())
}

/// Takes a scope away, and the base rows that no other scope holds. Gives the latter.
fn revoke(tx: &Connection, scope: &Scope) -> Result<Vec<RecordKey>, StoreError> {
    let keys = digests::keys(tx, REVOKED_RECORDS, [scope.as_str()])?;
    for sql in [REVOKE_RECORDS, REVOKE_STAGED, REVOKE] {
        tx.prepare_cached(sql)?.execute([scope.as_str()])?;
    }
    let mut orphaned = Vec::new();
    for key in keys {
        if digests::drop_if_orphaned(tx, &key)? {
            orphaned.push(key);
        }
    }
    Ok(orphaned)
}
