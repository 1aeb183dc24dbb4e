//! The server was restored from a backup: what it lost comes back from the devices.

use rusqlite::Connection;
use waymark_domain::ids::Epoch;
use waymark_domain::ranges::Ranges;
use waymark_domain::record::RecordKey;

use crate::error::StoreError;
use crate::fold;
use crate::meta;
use crate::pull;
use crate::sql::{self, Columns, queries};
use crate::store::Store;
use crate::sync;

/// What a new epoch sends up again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Operations that were answered for good and go up again.
    pub ops: u64,
    /// Their counts.
    pub counts: Ranges,
    /// Counts that the server does not have and this device cannot send: pruned, lost or damaged.
    pub missing: Ranges,
}

queries! {
    STALE = "UPDATE base SET stale = 1 WHERE stale = 0";
    UNSTAGE_ALL = "DELETE FROM staged";
    // whatever the answer was: one that was refused or set aside has to be on the server's list as well. Damaged bytes are never sent
    ANSWERED = "
        SELECT n, kind, rec FROM history
        WHERE n IS NOT NULL AND CASE WHEN json_valid(outcome) THEN outcome ->> 'is' END IS NOT 'damaged'
        ORDER BY n";
    // what a person has settled meanwhile must not be applied after all: it counts as having failed often, so its bytes go to the vault
    BACK = "
        INSERT INTO outbox (n, op_id, kind, rec, act, group_id, bytes, sha, attempts)
        SELECT n, op_id, kind, rec, act, group_id, bytes, sha, 1000 * EXISTS (
          SELECT 1 FROM attention a WHERE a.op_id = history.op_id AND a.resolved_by IS NOT NULL)
        FROM history WHERE n = ?1";
    // what a person has settled stays settled
    FORGET_ATTENTION = "
        DELETE FROM attention WHERE op_id = (SELECT op_id FROM history WHERE n = ?1) AND resolved_by IS NULL";
    FORGET = "DELETE FROM history WHERE n = ?1";
    // places in the order of the epoch before mean nothing now. What base had is in base; what it had not yet goes on showing until the
    // first checkpoint of the new epoch, whose place is 1 or beyond
    RENUMBER = "
        UPDATE history SET effect_seq = CASE WHEN effect_seq > ?1 THEN 1 END WHERE effect_seq IS NOT NULL";
}

impl Store {
    /// Begins a new epoch of the server's log, of which the server has the operations `have` of this device.
    ///
    /// Operations that it had answered and does not have any more go back to the outbox in their exact bytes. All scopes are to be had as
    /// snapshots; the rows stay meanwhile, and whatever comes replaces them.
    ///
    /// # Errors
    /// As every write.
    pub fn begin_epoch(&self, epoch: Epoch, have: &Ranges) -> Result<Requeued, StoreError> {
        self.write(|tx| {
            let checkpoint = meta::counter(tx, meta::CHECKPOINT)?;
            let (requeued, mut touched) = requeue(tx, have)?;
            tx.execute(RENUMBER, [sql::int(checkpoint)])?;
            tx.execute(STALE, [])?;
            tx.execute(UNSTAGE_ALL, [])?;
            for scope in sync::scopes(tx)? {
                pull::want(tx, &scope)?;
            }
            meta::set(tx, meta::EPOCH, &epoch)?;
            meta::set(tx, meta::CHECKPOINT, &0)?;
            touched.sort();
            touched.dedup();
            fold::refold_all(tx, &touched)?;
            Ok(requeued)
        })
    }
}

fn requeue(tx: &Connection, have: &Ranges) -> Result<(Requeued, Vec<RecordKey>), StoreError> {
    let answered: Vec<(u64, RecordKey)> = tx
        .prepare_cached(ANSWERED)?
        .query_map([], |row| {
            let key = RecordKey {
                kind: row.kind(1)?,
                id: row.rec(2)?,
            };
            Ok((row.count(0)?, key))
        })?
        .collect::<Result<_, _>>()?;
    let (mut counts, mut touched) = (Ranges::default(), Vec::new());
    for (n, key) in answered.into_iter().filter(|(n, _)| !have.contains(*n)) {
        for sql in [BACK, FORGET_ATTENTION, FORGET] {
            tx.prepare_cached(sql)?.execute([sql::int(n)])?;
        }
        counts.insert(n);
        touched.push(key);
    }
    let waiting = sync::unacked(tx)?;
    let gaps = have.gaps(meta::chain(tx)?.head_n);
    let missing = gaps.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi);
    let requeued = Requeued {
        ops: counts.count(),
        counts,
        missing: missing.filter(|n| !waiting.contains(*n)).collect(),
    };
    Ok((requeued, touched))
}
