//! A check of everything that can be computed twice.

use rusqlite::Connection;
use waymark_domain::ids::OpId;
use waymark_domain::record::RecordKey;
use waymark_domain::scope::{Digest, Scope};

use crate::attention;
use crate::digests;
use crate::error::StoreError;
use crate::fold;
use crate::ledger::{self, Ledger};
use crate::meta;
use crate::sql::queries;
use crate::store::Store;
use crate::views;

/// What a check found. Nothing is repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// What SQLite says of the file; empty when it is sound.
    pub integrity: Vec<String>,
    /// Entries of the attention list whose operation is not here.
    pub strays: u64,
    /// Operations in the outbox whose bytes do not give their hash.
    pub damaged_ops: Vec<OpId>,
    /// Scopes whose stored digest is not the one of their rows.
    pub digests: Vec<Scope>,
    /// Records whose view row is not what folding gives.
    pub views: Vec<RecordKey>,
    /// The account.
    pub ledger: Ledger,
}

impl CheckReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.integrity.is_empty()
            && self.strays == 0
            && self.damaged_ops.is_empty()
            && self.digests.is_empty()
            && self.views.is_empty()
            && self.ledger.balances()
    }
}

queries! {
    // at most 100 findings, SQLite's own default
    INTEGRITY = "PRAGMA integrity_check";
    STRAYS = "
        SELECT count(*) FROM attention a
        WHERE NOT EXISTS (SELECT 1 FROM history h WHERE h.op_id = a.op_id)
          AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.op_id = a.op_id)";
    DIGESTS = "SELECT scope, digest FROM scope_state ORDER BY scope";
}

impl Store {
    /// Checks the file, the operations' hashes, the digests, the views and the account. Reads everything: seconds on a large file.
    ///
    /// # Errors
    /// As every read.
    pub fn check(&self) -> Result<CheckReport, StoreError> {
        self.read(|reader| {
            let conn = reader.conn;
            Ok(CheckReport {
                integrity: integrity(conn)?,
                strays: ledger::count(conn, STRAYS)?,
                damaged_ops: attention::damaged_rows(conn)?
                    .into_iter()
                    .map(|(_, op_id)| op_id)
                    .collect(),
                digests: wrong_digests(conn)?,
                views: wrong_views(conn)?,
                ledger: ledger::account(conn)?,
            })
        })
    }
}

fn integrity(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = conn.prepare_cached(INTEGRITY)?;
    let findings = statement.query_map([], |row| row.get(0))?;
    let mut findings: Vec<String> = findings.collect::<Result<_, _>>()?;
    findings.retain(|finding| finding != "ok");
    Ok(findings)
}

fn wrong_digests(conn: &Connection) -> Result<Vec<Scope>, StoreError> {
    let stored: Vec<(String, String)> = conn
        .prepare_cached(DIGESTS)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut wrong = Vec::new();
    for (scope, digest) in stored {
        let scope = Scope::from_wire(scope);
        if Digest::from_text(&digest) != Some(digests::recomputed(conn, &scope)?) {
            wrong.push(scope);
        }
    }
    Ok(wrong)
}

/// Every record is folded again and compared with its row; then every view is counted, for rows that nothing folds to.
fn wrong_views(conn: &Connection) -> Result<Vec<RecordKey>, StoreError> {
    let checkpoint = meta::counter(conn, meta::CHECKPOINT)?;
    let mut wrong = Vec::new();
    let mut right = std::collections::BTreeSet::new();
    for key in fold::all_keys(conn)? {
        let Some(view) = views::of(&key.kind) else {
            continue;
        };
        let row = views::get(conn, view, key.id)?;
        let row = row.map(|row| (row.rev, row.pending, row.body));
        let shown = fold::shown(conn, &key, checkpoint)?
            .filter(|shown| view.reads(&shown.body))
            .map(|shown| (shown.rev, shown.pending, shown.body));
        if row != shown {
            wrong.push(key);
        } else if row.is_some() {
            right.insert(key);
        }
    }
    for view in views::VIEWS {
        let ids = digests::keys(conn, view.common().keys, [view.kind().as_str()])?;
        wrong.extend(ids.into_iter().filter(|key| !right.contains(key)));
    }
    wrong.sort();
    wrong.dedup();
    Ok(wrong)
}
