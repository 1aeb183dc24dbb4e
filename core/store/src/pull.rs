//! What the server says of the scopes: staged page by page, published at once.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use waymark_domain::ids::RecordId;
use waymark_domain::record::{Body, Kind, RecordKey};
use waymark_domain::scope::Scope;

use crate::digests::{self, Digests};
use crate::error::StoreError;
use crate::fold;
use crate::meta;
use crate::sql::{self, Columns, queries};
use crate::store::Store;

/// One page of changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// What changed.
    pub changes: Vec<Change>,
    /// Where each scope stands after the page.
    pub next: Vec<(Scope, u64)>,
    /// Scopes that are to be had as snapshots.
    pub wanted: Vec<Scope>,
}

/// A change to a scope's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The scope.
    pub scope: Scope,
    /// The record.
    pub key: RecordKey,
    /// Its place in the tenant's order.
    pub seq: u64,
    /// What happened to it.
    pub what: What,
}

/// What happened to a record in a scope.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// New or changed.
    Put {
        /// Its revision.
        rev: u64,
        /// Its fields, unknown ones included.
        body: Body,
    },
    /// Gone from the scope.
    Leave,
}

/// One page of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotStage {
    /// The scope.
    pub scope: Scope,
    /// The snapshot's place in the tenant's order: an exchange goes on from there.
    pub pin: u64,
    /// Records of the scope.
    pub puts: Vec<StagedPut>,
    /// The last record of the page; `None` when it is the last page.
    pub next: Option<(Kind, RecordId)>,
}

/// A record of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedPut {
    /// The record.
    pub key: RecordKey,
    /// Its place in the tenant's order.
    pub seq: u64,
    /// Its revision.
    pub rev: u64,
    /// Its fields, unknown ones included.
    pub body: Body,
}

/// What publishing changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Records whose view may have changed, sorted.
    pub changed: Vec<RecordKey>,
    /// Scopes whose digest is not the server's: to be had as snapshots. Their rows stay meanwhile.
    pub mismatched: Vec<Scope>,
    /// Records that cannot be shown, because their body does not read as their kind. Their rows are kept in base.
    pub unreadable: u64,
}

queries! {
    // a change of a scope that is not on the list is not ours to see
    STAGE = "
        INSERT INTO staged (scope, kind, id, seq, rev, body)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM scope_state WHERE scope = ?1
        ON CONFLICT (scope, kind, id) DO UPDATE SET seq = excluded.seq, rev = excluded.rev, body = excluded.body
        WHERE excluded.seq >= staged.seq";
    CURSOR = "UPDATE scope_state SET staged_cursor = ?2 WHERE scope = ?1 AND (wanted = 0 OR staged_cursor IS NOT NULL)";
    NOT_WANTED = "SELECT wanted = 0 FROM scope_state WHERE scope = ?1";
    WANT = "
        UPDATE scope_state SET wanted = 1, staged_cursor = NULL, snap_pin = NULL, snap_kind = NULL, snap_id = NULL WHERE scope = ?1";
    UNSTAGE = "DELETE FROM staged WHERE scope = ?1";
    SNAPSHOT = "SELECT snap_pin FROM scope_state WHERE scope = ?1";
    SNAPSHOT_GOES_ON = "
        UPDATE scope_state SET wanted = 1, staged_cursor = NULL, snap_pin = ?2, snap_kind = ?3, snap_id = ?4 WHERE scope = ?1";
    SNAPSHOT_ENDS = "
        UPDATE scope_state SET wanted = 1, staged_cursor = ?2, snap_pin = ?2, snap_kind = NULL, snap_id = NULL WHERE scope = ?1";
    // a scope whose snapshot is not complete waits for the next checkpoint
    READY = "SELECT scope, wanted FROM scope_state WHERE wanted = 0 OR staged_cursor IS NOT NULL ORDER BY scope";
    ANY_INCOMPLETE = "SELECT EXISTS (SELECT 1 FROM scope_state WHERE wanted = 1 AND staged_cursor IS NULL)";
    PUTS = "SELECT kind, id, rev, body FROM staged WHERE scope = ?1 AND body IS NOT NULL ORDER BY kind, id";
    LEAVES = "SELECT kind, id FROM staged WHERE scope = ?1 AND body IS NULL ORDER BY kind, id";
    GHOSTS = "
        SELECT kind, id FROM base_scope b WHERE scope = ?1
          AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.scope = b.scope AND s.kind = b.kind AND s.id = b.id)";
    DONE = "
        UPDATE scope_state SET cursor = coalesce(staged_cursor, cursor), staged_cursor = NULL, wanted = 0, snap_pin = NULL,
          snap_kind = NULL, snap_id = NULL
        WHERE scope = ?1";
    FALLEN_OUT = "SELECT DISTINCT kind, rec FROM history WHERE effect_seq > ?1 AND effect_seq <= ?2";
}

impl Store {
    /// Keeps a page of changes aside until [`Store::publish`]. Nobody sees it before.
    ///
    /// Changes of scopes that the user may not see are dropped. Changes of a scope whose snapshot is being had are kept with it.
    ///
    /// # Errors
    /// As every write.
    pub fn stage(&self, page: &Page) -> Result<(), StoreError> {
        self.write(|tx| {
            for change in &page.changes {
                match &change.what {
                    What::Put { rev, body } => {
                        let put = Some((*rev, body));
                        stage_one(tx, &change.scope, &change.key, change.seq, put)?;
                    }
                    What::Leave => stage_one(tx, &change.scope, &change.key, change.seq, None)?,
                }
            }
            for (scope, cursor) in &page.next {
                tx.prepare_cached(CURSOR)?
                    .execute((scope.as_str(), sql::int(*cursor)))?;
            }
            for scope in &page.wanted {
                let begins: Option<bool> = tx
                    .prepare_cached(NOT_WANTED)?
                    .query_row([scope.as_str()], |row| row.get(0))
                    .optional()?;
                // a snapshot that is under way goes on where it is
                if begins == Some(true) {
                    want(tx, scope)?;
                }
            }
            Ok(())
        })
    }

    /// Keeps a page of a snapshot aside, and where the next one begins, so that a snapshot survives any number of interruptions. With the last
    /// page the snapshot is complete: [`Store::publish`] replaces the scope's content with it.
    ///
    /// A page with another pin than the one before begins anew.
    ///
    /// # Errors
    /// As every write.
    pub fn stage_snapshot(&self, page: &SnapshotStage) -> Result<(), StoreError> {
        self.write(|tx| {
            let scope = page.scope.as_str();
            let pin: Option<Option<i64>> = tx
                .prepare_cached(SNAPSHOT)?
                .query_row([scope], |row| row.get(0))
                .optional()?;
            if pin != Some(Some(sql::int(page.pin))) {
                tx.prepare_cached(UNSTAGE)?.execute([scope])?;
            }
            for put in &page.puts {
                let fields = Some((put.rev, &put.body));
                stage_one(tx, &page.scope, &put.key, put.seq, fields)?;
            }
            let pin = sql::int(page.pin);
            match &page.next {
                Some((kind, id)) => {
                    let place = (scope, pin, kind.as_str(), sql::rec(*id));
                    tx.prepare_cached(SNAPSHOT_GOES_ON)?.execute(place)?;
                }
                None => {
                    tx.prepare_cached(SNAPSHOT_ENDS)?.execute((scope, pin))?;
                }
            }
            Ok(())
        })
    }

    /// Makes everything that is staged visible at once: base, scopes, cursors, digests and views, in one transaction.
    ///
    /// `seq` is the place in the tenant's order that base is complete up to from then on; acknowledged operations up to it are no longer laid
    /// over base, because base has them. While a scope's snapshot is incomplete base is not complete up to anything new: that scope stays
    /// staged and the checkpoint stays where it was.
    ///
    /// # Errors
    /// As every write.
    pub fn publish(&self, seq: u64, digests: &[(Scope, String)]) -> Result<Published, StoreError> {
        self.write(|tx| {
            let mut touched = BTreeSet::new();
            let kept = apply_staged(tx, &mut touched)?;
            let incomplete: bool = tx.query_row(ANY_INCOMPLETE, [], |row| row.get(0))?;
            let mismatched = compare(tx, &kept, digests)?;
            kept.save(tx)?;
            let before = meta::counter(tx, meta::CHECKPOINT)?;
            if seq > before && !incomplete {
                move_checkpoint(tx, before, seq, &mut touched)?;
            }
            let unreadable = fold::refold_all(tx, &touched)?;
            Ok(Published {
                changed: touched.into_iter().collect(),
                mismatched,
                unreadable,
            })
        })
    }
}

fn stage_one(
    tx: &Connection,
    scope: &Scope,
    key: &RecordKey,
    seq: u64,
    put: Option<(u64, &Body)>,
) -> Result<(), StoreError> {
    let body = put.map(|(_, body)| sql::body_text(body)).transpose()?;
    tx.prepare_cached(STAGE)?.execute((
        scope.as_str(),
        key.kind.as_str(),
        sql::rec(key.id),
        sql::int(seq),
        sql::int(put.map_or(0, |(rev, _)| rev)),
        body,
    ))?;
    Ok(())
}

/// Marks a scope as to be had as a snapshot. What is published of it stays; what is staged goes.
pub(crate) fn want(tx: &Connection, scope: &Scope) -> Result<(), StoreError> {
    tx.prepare_cached(UNSTAGE)?.execute([scope.as_str()])?;
    tx.prepare_cached(WANT)?.execute([scope.as_str()])?;
    Ok(())
}

/// Moves what is staged into base. New rows first and departures after, so that a record that moves between two scopes stays throughout.
fn apply_staged(tx: &Connection, touched: &mut BTreeSet<RecordKey>) -> Result<Digests, StoreError> {
    let ready: Vec<(Scope, bool)> = tx
        .prepare_cached(READY)?
        .query_map([], |row| Ok((Scope::from_wire(row.get(0)?), row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut kept = Digests::load(tx)?;
    for (scope, _) in &ready {
        apply_puts(tx, &mut kept, scope, touched)?;
    }
    let mut left = BTreeSet::new();
    for (scope, replaces) in &ready {
        let mut leaving = digests::keys(tx, LEAVES, [scope.as_str()])?;
        if *replaces {
            leaving.extend(digests::keys(tx, GHOSTS, [scope.as_str()])?);
        }
        for key in leaving {
            kept.leave(tx, scope, &key)?;
            left.insert(key);
        }
        tx.prepare_cached(UNSTAGE)?.execute([scope.as_str()])?;
        tx.prepare_cached(DONE)?.execute([scope.as_str()])?;
    }
    for key in &left {
        digests::drop_if_orphaned(tx, key)?;
    }
    touched.extend(left);
    for (scope, _) in ready.iter().filter(|(_, replaces)| *replaces) {
        kept.recount(tx, scope)?;
    }
    Ok(kept)
}

fn apply_puts(
    tx: &Connection,
    kept: &mut Digests,
    scope: &Scope,
    touched: &mut BTreeSet<RecordKey>,
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(PUTS)?;
    let mut rows = statement.query([scope.as_str()])?;
    while let Some(row) = rows.next()? {
        let key = RecordKey {
            kind: row.kind(0)?,
            id: row.rec(1)?,
        };
        let body = row.get_ref(3)?.as_str().unwrap_or_default();
        kept.put(tx, scope, &key, row.count(2)?, body)?;
        touched.insert(key);
    }
    Ok(())
}

/// The scopes whose digest is not the server's are wanted again, with the rows kept meanwhile.
fn compare(
    tx: &Connection,
    kept: &Digests,
    theirs: &[(Scope, String)],
) -> Result<Vec<Scope>, StoreError> {
    let ready: BTreeSet<Scope> = tx
        .prepare_cached(READY)?
        .query_map([], |row| row.get(0).map(Scope::from_wire))?
        .collect::<Result<_, _>>()?;
    let mut mismatched = Vec::new();
    for (scope, digest) in theirs.iter().filter(|(scope, _)| ready.contains(scope)) {
        if kept.of(scope).to_text() != *digest {
            want(tx, scope)?;
            digests::distrust(tx, scope)?;
            mismatched.push(scope.clone());
        }
    }
    Ok(mismatched)
}

fn move_checkpoint(
    tx: &Connection,
    before: u64,
    seq: u64,
    touched: &mut BTreeSet<RecordKey>,
) -> Result<(), StoreError> {
    let window = (sql::int(before), sql::int(seq));
    touched.extend(digests::keys(tx, FALLEN_OUT, window)?);
    meta::set(tx, meta::CHECKPOINT, &seq)
}
