//! Which scopes hold which base rows, and the digest of each scope, kept as rows come and go.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params};
use waymark_domain::record::RecordKey;
use waymark_domain::scope::{Digest, Scope};

use crate::error::StoreError;
use crate::sql::{self, Columns, queries};

/// The digest of nothing, as [`Digest::to_text`].
pub(crate) const EMPTY: &str = "0:00000000000000000000000000000000";

queries! {
    ALL = "SELECT scope, digest FROM scope_state";
    SET = "UPDATE scope_state SET digest = ?2 WHERE scope = ?1";
    HOLDERS = "SELECT scope FROM base_scope WHERE kind = ?1 AND id = ?2";
    HELD = "SELECT EXISTS (SELECT 1 FROM base_scope WHERE kind = ?1 AND id = ?2)";
    HOLD = "INSERT INTO base_scope (scope, kind, id) VALUES (?1, ?2, ?3) ON CONFLICT (scope, kind, id) DO NOTHING";
    LET_GO = "DELETE FROM base_scope WHERE scope = ?1 AND kind = ?2 AND id = ?3";
    REV = "SELECT rev, stale FROM base WHERE kind = ?1 AND id = ?2";
    PUT = "
        INSERT INTO base (kind, id, rev, body, stale) VALUES (?1, ?2, ?3, ?4, 0)
        ON CONFLICT (kind, id) DO UPDATE SET rev = excluded.rev, body = excluded.body, stale = 0";
    DROP = "DELETE FROM base WHERE kind = ?1 AND id = ?2";
    DISTRUST = "
        UPDATE base SET stale = 1
        WHERE rowid IN (SELECT b.rowid FROM base_scope s JOIN base b ON b.kind = s.kind AND b.id = s.id WHERE s.scope = ?1)";
    OF_SCOPE = "SELECT b.kind, b.id, b.rev FROM base_scope s JOIN base b ON b.kind = s.kind AND b.id = s.id WHERE s.scope = ?1";
}

/// The digests of all scopes, while a checkpoint is published.
pub(crate) struct Digests {
    by_scope: BTreeMap<Scope, Digest>,
}

impl Digests {
    /// As they are stored.
    pub(crate) fn load(tx: &Connection) -> Result<Self, StoreError> {
        let mut statement = tx.prepare_cached(ALL)?;
        let mut rows = statement.query([])?;
        let mut by_scope = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            let digest = Digest::from_text(&text).ok_or(StoreError::Unreadable("a digest"))?;
            by_scope.insert(Scope::from_wire(row.get(0)?), digest);
        }
        Ok(Self { by_scope })
    }

    /// Stores them.
    pub(crate) fn save(&self, tx: &Connection) -> Result<(), StoreError> {
        let mut statement = tx.prepare_cached(SET)?;
        for (scope, digest) in &self.by_scope {
            statement.execute((scope.as_str(), digest.to_text()))?;
        }
        Ok(())
    }

    /// One scope's.
    pub(crate) fn of(&self, scope: &Scope) -> Digest {
        self.by_scope.get(scope).copied().unwrap_or_default()
    }

    /// Counts a scope's rows anew.
    pub(crate) fn recount(&mut self, tx: &Connection, scope: &Scope) -> Result<(), StoreError> {
        self.by_scope.insert(scope.clone(), recomputed(tx, scope)?);
        Ok(())
    }

    /// Takes a record into a scope, or a newer revision of it into all the scopes that hold it.
    ///
    /// A row that is older than what base has never replaces it: the same record may come through two scopes at different times. A row of an
    /// epoch before, or of a scope whose digest was wrong, is replaced by whatever comes.
    pub(crate) fn put(
        &mut self,
        tx: &Connection,
        scope: &Scope,
        key: &RecordKey,
        rev: u64,
        body: &str,
    ) -> Result<(), StoreError> {
        let (kind, id) = (key.kind.as_str(), sql::rec(key.id));
        let before = rev_of(tx, key)?;
        let replaces = before.is_none_or(|(before, stale)| stale || rev >= before);
        let rev = match before {
            Some((before, _)) if !replaces => before,
            _ => rev,
        };
        if replaces {
            if let Some((before, _)) = before {
                self.restamp(tx, key, before, rev)?;
            }
            tx.prepare_cached(PUT)?
                .execute((kind, id, sql::int(rev), body))?;
        }
        let held = tx
            .prepare_cached(HOLD)?
            .execute((scope.as_str(), kind, id))?;
        if held > 0 {
            let digest = self.by_scope.entry(scope.clone()).or_default();
            digest.add(&key.kind, key.id, rev);
        }
        Ok(())
    }

    fn restamp(
        &mut self,
        tx: &Connection,
        key: &RecordKey,
        before: u64,
        after: u64,
    ) -> Result<(), StoreError> {
        let mut statement = tx.prepare_cached(HOLDERS)?;
        let mut rows = statement.query((key.kind.as_str(), sql::rec(key.id)))?;
        while let Some(row) = rows.next()? {
            let digest = self
                .by_scope
                .entry(Scope::from_wire(row.get(0)?))
                .or_default();
            digest.remove(&key.kind, key.id, before);
            digest.add(&key.kind, key.id, after);
        }
        Ok(())
    }

    /// Takes a record out of a scope. The base row stays until [`drop_if_orphaned`].
    pub(crate) fn leave(
        &mut self,
        tx: &Connection,
        scope: &Scope,
        key: &RecordKey,
    ) -> Result<(), StoreError> {
        let left = tx.prepare_cached(LET_GO)?.execute((
            scope.as_str(),
            key.kind.as_str(),
            sql::rec(key.id),
        ))?;
        if left > 0
            && let Some((rev, _)) = rev_of(tx, key)?
        {
            let digest = self.by_scope.entry(scope.clone()).or_default();
            digest.remove(&key.kind, key.id, rev);
        }
        Ok(())
    }
}

/// A base row's revision, and whether it is from an epoch before.
fn rev_of(tx: &Connection, key: &RecordKey) -> Result<Option<(u64, bool)>, StoreError> {
    let mut statement = tx.prepare_cached(REV)?;
    Ok(statement
        .query_row((key.kind.as_str(), sql::rec(key.id)), |row| {
            Ok((row.count(0)?, row.get(1)?))
        })
        .optional()?)
}

/// Drops a base row that no scope holds. Whether there was none to hold it.
pub(crate) fn drop_if_orphaned(tx: &Connection, key: &RecordKey) -> Result<bool, StoreError> {
    let record = (key.kind.as_str(), sql::rec(key.id));
    let held: bool = tx
        .prepare_cached(HELD)?
        .query_row(record, |row| row.get(0))?;
    if !held {
        tx.prepare_cached(DROP)?.execute(record)?;
    }
    Ok(!held)
}

/// Lets whatever comes next replace the rows of a scope, whose digest was wrong.
pub(crate) fn distrust(tx: &Connection, scope: &Scope) -> Result<(), StoreError> {
    tx.prepare_cached(DISTRUST)?.execute([scope.as_str()])?;
    Ok(())
}

/// The digest of a scope, computed from its rows.
pub(crate) fn recomputed(conn: &Connection, scope: &Scope) -> Result<Digest, StoreError> {
    let mut statement = conn.prepare_cached(OF_SCOPE)?;
    let mut rows = statement.query([scope.as_str()])?;
    let mut digest = Digest::default();
    while let Some(row) = rows.next()? {
        digest.add(&row.kind(0)?, row.rec(1)?, row.count(2)?);
    }
    Ok(digest)
}

/// The records that a statement selects as kind and id.
pub(crate) fn keys(
    conn: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<RecordKey>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let keys = statement.query_map(params, |row| {
        Ok(RecordKey {
            kind: row.kind(0)?,
            id: row.rec(1)?,
        })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}
