//! The database as the engine wants it: [`SyncStore`] over [`Store`].

use std::collections::BTreeMap;

use waymark_domain::ids::{Epoch, OpId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::RecordKey;
use waymark_domain::scope::Scope;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::receipt::Held;
use waymark_protocol::response::{Put, ScopeChange};
use waymark_protocol::snapshot::{PageToken, SnapshotPage};
use waymark_store::{
    Change, Mode, ReceiptRow, SettledOp, SnapshotStage, StagedPut, Store, StoreError, What,
};
use waymark_sync::store::{
    NextPage, Page, PendingOp, ScopeProgress, Settlement, StoreFault, SyncState, SyncStore,
};

use crate::waymark::Waymark;

/// [`SyncStore`] over the device's database. A database that a newer app wrote is only read: outcomes are not taken, so what was sent
/// stays pending until the newer app asks again.
pub struct DeviceStore<'a>(pub(crate) &'a Store);

impl Waymark {
    /// The database as the engine sees it.
    #[must_use]
    pub fn sync_store(&self) -> DeviceStore<'_> {
        DeviceStore(&self.0.store)
    }
}

impl DeviceStore<'_> {
    fn unless_push_only(
        &self,
        step: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Result<(), StoreFault> {
        match self.0.mode() {
            Mode::PushOnly => Ok(()),
            Mode::ReadWrite => step(self.0).map_err(fault),
        }
    }
}

impl SyncStore for DeviceStore<'_> {
    fn state(&self) -> Result<SyncState, StoreFault> {
        let state = self.0.sync_state().map_err(fault)?;
        let scopes = state.scopes.into_iter().map(|progress| ScopeProgress {
            wanted: progress.wanted.then(|| match progress.snap {
                None => NextPage::default(),
                Some(place) => NextPage {
                    pin: Some(place.pin),
                    after: place.after.map(|(kind, id)| PageToken { kind, id }),
                },
            }),
            scope: progress.scope,
            cursor: progress.cursor,
        });
        Ok(SyncState {
            epoch: state.epoch,
            n_last: state.n_last,
            head: state.head,
            unacked: state.unacked,
            scopes_hash: state.scopes_hash,
            receipt: state.receipt.map(|(n, complete)| Held { n, complete }),
            scopes: scopes.collect(),
        })
    }

    fn batch(
        &self,
        max_ops: usize,
        max_bytes: usize,
        skip: &Ranges,
    ) -> Result<Vec<PendingOp>, StoreFault> {
        let rows = self
            .0
            .outbox_batch(max_ops, max_bytes, skip)
            .map_err(fault)?;
        let pending = |row: waymark_store::OutboxRow| PendingOp {
            n: row.n,
            op: row.op_id,
            group: row.group,
            bytes: row.bytes,
            attempts: row.attempts,
        };
        Ok(rows.into_iter().map(pending).collect())
    }

    fn is_pending(&self, op: OpId) -> Result<bool, StoreFault> {
        self.0.is_pending(op).map_err(fault)
    }

    fn settle(&self, settlement: &Settlement) -> Result<(), StoreFault> {
        let outcomes = settlement.outcomes.iter().map(|settled| {
            Ok(SettledOp {
                n: settled.n,
                op_id: settled.op,
                outcome: to_json(&settled.outcome)?,
                effect: effect(&settled.outcome),
                attention: attention(&settled.outcome)?,
            })
        });
        let settlement = waymark_store::Settlement {
            outcomes: outcomes.collect::<Result<_, StoreFault>>()?,
            scopes: settlement
                .scopes
                .as_ref()
                .map(|list| (list.hash, list.ids.clone())),
            anchor: settlement.anchor,
            receipt: settlement.receipt.as_ref().map(|receipt| ReceiptRow {
                n: receipt.n,
                at_ms: receipt.at_ms,
                complete: receipt.complete,
                jws: receipt.jws.clone(),
            }),
            epoch: settlement.epoch,
            at_ms: settlement.at_ms,
        };
        self.unless_push_only(|store| store.settle(&settlement).map(|_| ()))
    }

    fn stage(&self, page: &Page) -> Result<(), StoreFault> {
        let page = waymark_store::Page {
            changes: page.changes.iter().map(change).collect(),
            next: page
                .next
                .iter()
                .map(|(scope, cursor)| (scope.clone(), *cursor))
                .collect(),
            wanted: page.snapshots.clone(),
        };
        self.unless_push_only(|store| store.stage(&page))
    }

    fn stage_snapshot(&self, scope: &Scope, page: &SnapshotPage) -> Result<(), StoreFault> {
        let put = |put: &Put| StagedPut {
            key: key(put),
            seq: put.seq,
            rev: put.rev,
            body: put.body.clone(),
        };
        let stage = SnapshotStage {
            scope: scope.clone(),
            pin: page.pin,
            puts: page.puts.iter().map(put).collect(),
            next: page.next.as_ref().map(|next| (next.kind.clone(), next.id)),
        };
        self.unless_push_only(|store| store.stage_snapshot(&stage))
    }

    fn publish(
        &self,
        seq: u64,
        digests: &BTreeMap<Scope, String>,
    ) -> Result<Vec<Scope>, StoreFault> {
        if self.0.mode() == Mode::PushOnly {
            return Ok(Vec::new());
        }
        let digests: Vec<_> = digests
            .iter()
            .map(|(scope, digest)| (scope.clone(), digest.clone()))
            .collect();
        Ok(self.0.publish(seq, &digests).map_err(fault)?.mismatched)
    }

    fn begin_epoch(&self, epoch: Epoch, have: &Ranges) -> Result<u64, StoreFault> {
        if self.0.mode() == Mode::PushOnly {
            return Ok(0);
        }
        Ok(self.0.begin_epoch(epoch, have).map_err(fault)?.ops)
    }

    fn note_failure(&self, ns: &[u64], error: &str) -> Result<(), StoreFault> {
        self.unless_push_only(|store| store.note_failure(ns, error))
    }
}

fn key(put: &Put) -> RecordKey {
    RecordKey {
        kind: put.kind.clone(),
        id: put.id,
    }
}

fn change(change: &ScopeChange) -> Change {
    let (seq, what) = match change {
        ScopeChange::Put(put) => (
            put.seq,
            What::Put {
                rev: put.rev,
                body: put.body.clone(),
            },
        ),
        ScopeChange::Leave(leave) => (leave.seq, What::Leave),
    };
    Change {
        scope: change.scope().clone(),
        key: change.key(),
        seq,
        what,
    }
}

fn effect(outcome: &Outcome) -> Option<(u64, u64)> {
    match outcome {
        Outcome::Applied { rev, seq } | Outcome::Merged { rev, seq, .. } => Some((*seq, *rev)),
        _ => None,
    }
}

fn attention(outcome: &Outcome) -> Result<Option<(String, String)>, StoreFault> {
    let code = match outcome {
        Outcome::Review { .. } => "review",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Vaulted => "vaulted",
        Outcome::Applied { .. }
        | Outcome::Merged { .. }
        | Outcome::Deferred { .. }
        | Outcome::Retry { .. } => {
            return Ok(None);
        }
    };
    Ok(Some((code.to_owned(), to_json(outcome)?)))
}

fn to_json(outcome: &Outcome) -> Result<String, StoreFault> {
    serde_json::to_string(outcome).map_err(|error| StoreFault {
        full: false,
        message: error.to_string(),
    })
}

fn fault(error: StoreError) -> StoreFault {
    StoreFault {
        full: error == StoreError::Full,
        message: error.to_string(),
    }
}
