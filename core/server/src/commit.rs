//! The commit path: how a record changes, whoever changes it. Nothing else writes records, scopes or the order.

use std::collections::BTreeSet;

use waymark_domain::ids::OpId;
use waymark_domain::merge::Stored;
use waymark_domain::record::{Body, KindRules, RecordKey};
use waymark_domain::refusal::Refusal;
use waymark_domain::scope::Scope;
use waymark_domain::time::UnixMs;

use crate::error::Result;
use crate::storage::{Entry, HistoryRow, Tx};

/// A record's step from one revision to the next: written, but in no order yet.
#[derive(Debug)]
pub(crate) struct Step {
    key: RecordKey,
    next: Stored,
    scopes: BTreeSet<Scope>,
    op: Option<OpId>,
}

impl Step {
    /// The record.
    pub(crate) const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Its fields after it.
    pub(crate) const fn body(&self) -> &Body {
        &self.next.body
    }

    /// The revision after it.
    pub(crate) const fn rev(&self) -> u64 {
        self.next.rev
    }
}

/// Writes `body` as the record's next revision.
///
/// The inner error is the body's fault: its scopes do not read.
pub(crate) fn write(
    tx: &mut dyn Tx,
    rules: &dyn KindRules,
    key: RecordKey,
    stored: Option<&Stored>,
    body: Body,
    op: Option<OpId>,
) -> Result<std::result::Result<Step, Refusal>> {
    let scopes = match rules.scopes(&body) {
        Ok(scopes) => scopes.into_iter().collect(),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let rev = stored.map_or(0, |stored| stored.rev) + 1;
    let next = Stored { rev, body };
    tx.put_record(&key, &next)?;
    Ok(Ok(Step {
        key,
        next,
        scopes,
        op,
    }))
}

/// Gives the step its place in the order: the record's history, the scopes that it is in now, and those that it left.
pub(crate) fn publish(tx: &mut dyn Tx, step: Step, seq: u64, now: UnixMs) -> Result<()> {
    let Step {
        key,
        next,
        scopes,
        op,
    } = step;
    let rev = next.rev;
    tx.put_history(&HistoryRow {
        key: key.clone(),
        rev,
        seq,
        op,
        at_ms: now,
        body: next.body,
    })?;
    let held: BTreeSet<Scope> = tx
        .entries_of(&key)?
        .into_iter()
        .filter(|entry| entry.present)
        .map(|entry| entry.scope)
        .collect();
    for scope in held.union(&scopes) {
        let present = scopes.contains(scope);
        let entry = Entry {
            scope: scope.clone(),
            seq,
            present,
        };
        tx.put_entry(&key, &entry)?;
        let mut head = tx.scope_head(scope)?;
        head.seq = seq;
        if held.contains(scope) {
            head.digest.remove(&key.kind, key.id, rev - 1);
        }
        if present {
            head.digest.add(&key.kind, key.id, rev);
        }
        tx.put_scope_head(scope, &head)?;
    }
    Ok(())
}
