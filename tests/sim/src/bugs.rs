//! Bugs to be planted, each at a seam and never in the product: they prove that the simulation would have found them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use waymark_domain::ids::{Epoch, OpId, RecordId};
use waymark_domain::op::Operation;
use waymark_domain::ranges::Ranges;
use waymark_domain::refusal::Refusal;
use waymark_domain::scope::Scope;
use waymark_protocol::api::{Answer, SyncApi};
use waymark_protocol::enrol::{EnrolRequest, Enrolled, Hello, Token, TokenRequest};
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::request::ExchangeRequest;
use waymark_protocol::response::{ExchangeResponse, Out, ScopeChange, ScopeList};
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};
use waymark_sync::store::{Page, PendingOp, Settled, Settlement, StoreFault, SyncState, SyncStore};
use waymark_testkit::database::Address;

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident $text:literal;)+) => {
        /// A bug to be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug { $($(#[$doc])* $name,)+ }

        impl Bug {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What it does, in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

bugs! {
    /// At the device's database.
    SkipWhilePending "device skips a server row while a local edit of it is pending";
    /// At the device's database.
    CursorBeforeRows "device moves the cursor in a transaction before the rows";
    /// At the device's database.
    OutcomeForgotten "device takes an operation out of the outbox without writing its outcome";
    /// At the device's database.
    AckBeforeAnswer "device counts an operation as acknowledged when it is sent";
    /// At the device's database.
    RefusalSwallowed "device files a rejected operation silently";
    /// At the device's database.
    PendingPurgedWithScope "device purges pending operations with a scope that was taken away";
    /// At the device's database.
    NarrowingIgnored "device ignores that its scope list got shorter";
    /// At the device's database.
    EpochIgnored "device keeps its cursors and its history when the server begins a new epoch";
    /// At the device's timer.
    NoRetryWithoutNewWork "device tries again only when there is new work";
    /// On the wire.
    DedupeByCount "server takes an operation for a repetition by its count alone";
    /// At the server's storage.
    ServerForgetsOutcomes "server forgets stored outcomes, so a repetition is judged anew";
    /// At the server's storage.
    OutcomeOutsideTransaction "server stores outcomes after the transaction of their effects";
    /// At the server's storage.
    LeaveNotWritten "server does not write that a record left a scope";
    /// At the server's storage.
    GroupHalfApplied "server stores the first half of a group without the second";
    /// At the server's storage.
    AuthoriseByClaim "server does not authorise against the stored record";
    /// At the server's storage.
    RefusalNotStored "server does not store what it refuses";
    /// At the server's storage.
    FeedSkipsARow "server's feed skips the first row after a cursor";
    /// At the server's storage.
    SeqTwice "server gives a place in its order twice";
}

/// The device's database with a bug in it.
pub struct BuggyStore<'a> {
    /// The real one.
    pub inner: &'a dyn SyncStore,
    /// The bug.
    pub bug: Option<Bug>,
    /// The file, for bugs that the real store does not offer.
    pub file: &'a Address,
}

impl BuggyStore<'_> {
    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn pending_records(&self) -> Result<BTreeSet<RecordId>, StoreFault> {
        let pending = self
            .inner
            .batch(usize::MAX, usize::MAX, &Ranges::default())?;
        Ok(pending
            .iter()
            .filter_map(|op| Operation::from_bytes(&op.bytes).ok())
            .map(|op| op.rec)
            .collect())
    }

    fn behind_its_back(&self, sql: &str) -> Result<(), StoreFault> {
        let done = self.file.connect().execute_batch(sql);
        done.map_err(|error| StoreFault {
            full: false,
            message: error.to_string(),
        })
    }
}

impl SyncStore for BuggyStore<'_> {
    fn state(&self) -> Result<SyncState, StoreFault> {
        self.inner.state()
    }

    fn batch(
        &self,
        max_ops: usize,
        max_bytes: usize,
        skip: &Ranges,
    ) -> Result<Vec<PendingOp>, StoreFault> {
        let batch = self.inner.batch(max_ops, max_bytes, skip)?;
        if self.is(Bug::AckBeforeAnswer) && max_ops > 1 && !batch.is_empty() {
            let outcomes = batch.iter().map(|op| Settled {
                n: op.n,
                op: op.op,
                outcome: Outcome::Applied { rev: 1, seq: 1 },
            });
            self.inner.settle(&Settlement {
                outcomes: outcomes.collect(),
                scopes: None,
                epoch: None,
                anchor: None,
                receipt: None,
                at_ms: 0,
            })?;
        }
        Ok(batch)
    }

    fn is_pending(&self, op: OpId) -> Result<bool, StoreFault> {
        self.inner.is_pending(op)
    }

    fn settle(&self, settlement: &Settlement) -> Result<(), StoreFault> {
        let mut settlement = settlement.clone();
        if self.is(Bug::OutcomeForgotten) {
            for settled in &settlement.outcomes {
                self.behind_its_back(&format!("DELETE FROM outbox WHERE n = {}", settled.n))?;
            }
        }
        if self.is(Bug::RefusalSwallowed) {
            for settled in &mut settlement.outcomes {
                if matches!(settled.outcome, Outcome::Rejected { .. }) {
                    settled.outcome = Outcome::Applied { rev: 1, seq: 1 };
                }
            }
        }
        if let Some(list) = &mut settlement.scopes {
            let known = self.inner.state()?.scopes;
            let known = known.into_iter().map(|progress| progress.scope);
            let gone: Vec<Scope> = known.filter(|scope| !list.ids.contains(scope)).collect();
            if self.is(Bug::NarrowingIgnored) {
                let hash = list.hash;
                let ids = list.ids.iter().cloned().chain(gone).collect();
                *list = ScopeList {
                    hash,
                    ..ScopeList::new(ids)
                };
            } else if self.is(Bug::PendingPurgedWithScope) {
                for scope in gone {
                    self.behind_its_back(&format!(
                        "DELETE FROM outbox WHERE (kind, rec) IN (SELECT kind, id FROM base_scope WHERE scope = '{scope}')"
                    ))?;
                }
            }
        }
        self.inner.settle(&settlement)
    }

    fn stage(&self, page: &Page) -> Result<(), StoreFault> {
        let mut page = page.clone();
        if self.is(Bug::SkipWhilePending) {
            let pending = self.pending_records()?;
            page.changes
                .retain(|change| !pending.contains(&change.key().id));
        }
        if self.is(Bug::CursorBeforeRows) {
            self.inner.stage(&Page {
                changes: Vec::new(),
                ..page.clone()
            })?;
        }
        self.inner.stage(&page)
    }

    fn stage_snapshot(&self, scope: &Scope, page: &SnapshotPage) -> Result<(), StoreFault> {
        self.inner.stage_snapshot(scope, page)
    }

    fn publish(
        &self,
        seq: u64,
        digests: &BTreeMap<Scope, String>,
    ) -> Result<Vec<Scope>, StoreFault> {
        self.inner.publish(seq, digests)
    }

    fn begin_epoch(&self, epoch: Epoch, have: &Ranges) -> Result<u64, StoreFault> {
        if self.is(Bug::EpochIgnored) {
            self.behind_its_back(&format!(
                "UPDATE meta SET value = '\"{epoch}\"' WHERE key = 'epoch'"
            ))?;
            return Ok(0);
        }
        self.inner.begin_epoch(epoch, have)
    }

    fn note_failure(&self, ns: &[u64], error: &str) -> Result<(), StoreFault> {
        self.inner.note_failure(ns, error)
    }
}

/// Counts that a wrong server believes to know, with the operation that brought each first.
pub type Counts = Arc<Mutex<BTreeMap<u64, OpId>>>;

/// The way to the server with a bug in it.
#[derive(Debug)]
pub struct BuggyApi<A> {
    /// The real one.
    pub inner: A,
    /// The bug.
    pub bug: Option<Bug>,
    /// For [`Bug::DedupeByCount`].
    pub counts: Counts,
}

impl<A: SyncApi> SyncApi for BuggyApi<A> {
    async fn hello(&self, echo: &str) -> Answer<Hello> {
        self.inner.hello(echo).await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Answer<Enrolled> {
        self.inner.enrol(request).await
    }

    async fn token(&self, request: &TokenRequest) -> Answer<Token> {
        self.inner.token(request).await
    }

    async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Answer<ExchangeResponse> {
        if self.bug != Some(Bug::DedupeByCount) {
            return self.inner.exchange(token, request).await;
        }
        let read: Vec<(usize, Result<Operation, Refusal>)> = request
            .ops
            .iter()
            .map(|bytes| Operation::from_bytes(bytes))
            .enumerate()
            .collect();
        let (mut known, mut fresh) = (Vec::new(), Vec::new());
        {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (at, op) in read {
                let op = op.ok();
                let first = op.as_ref().map(|op| *counts.entry(op.n).or_insert(op.op));
                match op {
                    Some(op) if first != Some(op.op) => known.push((at, op.op)),
                    _ => fresh.push(at),
                }
            }
        }
        let ops = fresh.iter().map(|&at| request.ops[at].clone()).collect();
        let header = request.header.clone();
        let sent = ExchangeRequest { header, ops };
        let mut response = self.inner.exchange(token, &sent).await?;
        for out in &mut response.outs {
            out.i = fresh[out.i];
        }
        response.outs.extend(known.into_iter().map(|(i, op)| Out {
            i,
            op: Some(op),
            outcome: Outcome::Applied { rev: 1, seq: 1 },
        }));
        Ok(response)
    }

    async fn snapshot(&self, token: &str, request: &SnapshotRequest) -> Answer<SnapshotPage> {
        self.inner.snapshot(token, request).await
    }

    async fn outcomes(&self, token: &str, request: &OutcomesRequest) -> Answer<OutcomesResponse> {
        self.inner.outcomes(token, request).await
    }

    async fn vault(&self, token: &str, request: &VaultRequest) -> Answer<Vaulted> {
        self.inner.vault(token, request).await
    }
}

/// The scope and the body of what is put into a scope.
#[must_use]
pub fn puts(response: &ExchangeResponse) -> Vec<&waymark_protocol::response::Put> {
    let changes = response.changes.iter();
    changes
        .filter_map(|change| match change {
            ScopeChange::Put(put) => Some(put),
            ScopeChange::Leave(_) => None,
        })
        .collect()
}
