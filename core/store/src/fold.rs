//! The overlay: what the server said, with this device's operations laid over it.

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use waymark_domain::hash::Hash;
use waymark_domain::merge::{Stored, fold_any};
use waymark_domain::op::Operation;
use waymark_domain::record::{KINDS, RecordKey};

use crate::error::StoreError;
use crate::meta;
use crate::sql::{self, Columns, queries};
use crate::views::{self, ViewRow};

/// Rises when folding itself changes, so that views are rebuilt after the update.
const FOLD_VERSION: u32 = 2;

queries! {
    BASE = "SELECT rev, body FROM base WHERE kind = ?1 AND id = ?2";
    // an acknowledged operation shows until base has it: until a checkpoint at or beyond its place is published, or a base row at or beyond
    // its revision has come
    OVERLAY = "
        SELECT n, bytes, NULL FROM outbox WHERE kind = ?1 AND rec = ?2
        UNION ALL
        SELECT n, bytes, effect_rev FROM history WHERE kind = ?1 AND rec = ?2 AND effect_seq > ?3 AND effect_rev > ?4
        ORDER BY 1";
    ALL_KEYS = "
        SELECT kind, id FROM base
        UNION SELECT kind, rec FROM outbox
        UNION SELECT kind, rec FROM history WHERE effect_seq > ?1";
    VIEW_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'view\\_%' ESCAPE '\\'";
}

/// A record as its user sees it, with what its view row says of it.
pub(crate) struct Shown {
    pub(crate) rev: u64,
    pub(crate) pending: u64,
    pub(crate) body: waymark_domain::record::Body,
}

/// Folds one record. `None` when nothing is shown: neither the server nor an operation of this device makes it.
pub(crate) fn shown(
    tx: &Connection,
    key: &RecordKey,
    checkpoint: u64,
) -> Result<Option<Shown>, StoreError> {
    let (kind, id) = (key.kind.as_str(), sql::rec(key.id));
    let base = base_row(tx, key)?;
    let base_rev = base.as_ref().map_or(0, |base| base.rev);
    let mut statement = tx.prepare_cached(OVERLAY)?;
    let mut rows = statement.query((kind, id, sql::int(checkpoint), sql::int(base_rev)))?;
    let (mut ops, mut pending, mut rev) = (Vec::new(), 0, base_rev);
    while let Some(row) = rows.next()? {
        match row.get::<_, Option<i64>>(2)? {
            Some(effect_rev) => rev = rev.max(u64::try_from(effect_rev).unwrap_or(0)),
            None => pending += 1,
        }
        // bytes that do not read as an operation are sent all the same, and show nothing
        if let Ok(op) = Operation::from_bytes(row.get_ref(1)?.as_blob().unwrap_or_default()) {
            ops.push(op);
        }
    }
    let folded = fold_any(&key.kind, base.as_ref(), &ops);
    Ok(folded.map(|folded| Shown {
        rev,
        pending,
        body: folded.body,
    }))
}

/// What the server said last of a record.
pub(crate) fn base_row(tx: &Connection, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
    let found = tx
        .prepare_cached(BASE)?
        .query_row((key.kind.as_str(), sql::rec(key.id)), |row| {
            Ok((row.count(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found
        .map(|(rev, body)| {
            let body = sql::body_of(&body)?;
            Ok(Stored { rev, body })
        })
        .transpose()
}

/// Brings the view row of one record up to date. `false` when the record cannot be shown because its body does not read as its kind.
pub(crate) fn refold(
    tx: &Connection,
    key: &RecordKey,
    checkpoint: u64,
) -> Result<bool, StoreError> {
    let Some(view) = views::of(&key.kind) else {
        return Ok(true);
    };
    let Some(shown) = shown(tx, key, checkpoint)? else {
        views::remove(tx, view, key.id)?;
        return Ok(true);
    };
    let readable = view.put(
        tx,
        &ViewRow {
            id: key.id,
            rev: shown.rev,
            pending: shown.pending,
            body: &shown.body,
        },
    )?;
    if !readable {
        views::remove(tx, view, key.id)?;
    }
    Ok(readable)
}

/// [`refold`] for many. Gives how many cannot be shown.
pub(crate) fn refold_all<'a>(
    tx: &Connection,
    keys: impl IntoIterator<Item = &'a RecordKey>,
) -> Result<u64, StoreError> {
    let checkpoint = meta::counter(tx, meta::CHECKPOINT)?;
    let mut unreadable = 0;
    for key in keys {
        unreadable += u64::from(!refold(tx, key, checkpoint)?);
    }
    Ok(unreadable)
}

/// Every record that may have something to show.
pub(crate) fn all_keys(tx: &Connection) -> Result<Vec<RecordKey>, StoreError> {
    let checkpoint = meta::counter(tx, meta::CHECKPOINT)?;
    let mut statement = tx.prepare_cached(ALL_KEYS)?;
    let keys = statement.query_map([sql::int(checkpoint)], |row| {
        Ok(RecordKey {
            kind: row.kind(0)?,
            id: row.rec(1)?,
        })
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Rebuilds the views when what they follow from has changed since they were built.
pub(crate) fn rebuild_if_changed(tx: &Connection) -> Result<bool, StoreError> {
    let now = definition();
    if meta::get::<Hash>(tx, meta::VIEWS).ok().flatten() == Some(now) {
        return Ok(false);
    }
    drop_views(tx)?;
    for view in views::VIEWS {
        tx.execute_batch(view.ddl())?;
    }
    refold_all(tx, &all_keys(tx)?)?;
    meta::set(tx, meta::VIEWS, &now)?;
    Ok(true)
}

fn drop_views(tx: &Connection) -> Result<(), StoreError> {
    let tables: Vec<String> = tx
        .prepare(VIEW_TABLES)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        tx.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    Ok(())
}

/// What the views follow from: their tables, the kinds' versions, and how folding is done.
fn definition() -> Hash {
    let mut text = format!("fold {FOLD_VERSION}\n");
    for rules in KINDS {
        text.push_str(&format!("{} {}\n", rules.kind(), rules.version()));
    }
    for view in views::VIEWS {
        text.push_str(view.ddl());
    }
    Hash::of(text.as_bytes())
}
