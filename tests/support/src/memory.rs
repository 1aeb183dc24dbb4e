//! A device's database without a database: what [`SyncStore`] asks for, in maps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, GroupId, OpId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, RecordKey};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::Anchor;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::receipt::Held;
use waymark_protocol::response::ScopeChange;
use waymark_protocol::snapshot::{PageToken, SnapshotPage};
use waymark_sync::store::{
    KeptReceipt, NextPage, Page, PendingOp, ScopeProgress, Settlement, StoreFault, SyncState,
    SyncStore,
};

/// [`SyncStore`] in maps: for tests of the engine that need no client, and as the plain statement of what the real one must do.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    epoch: Option<Epoch>,
    n_last: u64,
    head: Option<Hash>,
    outbox: BTreeMap<u64, PendingOp>,
    history: BTreeMap<u64, (PendingOp, Outcome)>,
    scopes_hash: Option<Hash>,
    receipts: BTreeMap<(u64, i64), KeptReceipt>,
    scopes: BTreeMap<Scope, OneScope>,
    base: BTreeMap<RecordKey, Row>,
    anchor: Option<Anchor>,
    full: bool,
}

#[derive(Debug, Default, Clone)]
struct OneScope {
    cursor: u64,
    staged_cursor: Option<u64>,
    wanted: bool,
    next: NextPage,
    staged: BTreeMap<RecordKey, (u64, Option<(u64, Body)>)>,
    rows: BTreeSet<RecordKey>,
}

#[derive(Debug, Clone)]
struct Row {
    rev: u64,
    body: Body,
    stale: bool,
}

impl MemoryStore {
    /// Puts operations into the outbox that stand or fall together; one alone is no group.
    ///
    /// # Panics
    /// Never: ids are given.
    pub fn enqueue(&self, ops: &[(OpId, &[u8])], group: Option<GroupId>) {
        let mut state = self.lock();
        for (op, bytes) in ops {
            state.n_last += 1;
            state.head = Some(Hash::of(bytes));
            let n = state.n_last;
            let pending = PendingOp {
                n,
                op: *op,
                group,
                bytes: bytes.to_vec(),
                attempts: 0,
            };
            state.outbox.insert(n, pending);
        }
    }

    /// Whether the disk is full: every write fails while it is.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// What the server said of each record: its revision and its fields.
    #[must_use]
    pub fn published(&self) -> BTreeMap<RecordKey, (u64, Body)> {
        let state = self.lock();
        let rows = state.base.iter();
        rows.map(|(key, row)| (key.clone(), (row.rev, row.body.clone())))
            .collect()
    }

    /// The final answers so far.
    #[must_use]
    pub fn outcomes(&self) -> Vec<(OpId, Outcome)> {
        let state = self.lock();
        let answered = state.history.values();
        answered
            .map(|(op, outcome)| (op.op, outcome.clone()))
            .collect()
    }

    /// The last moment at which the server's time was known.
    #[must_use]
    pub fn anchor(&self) -> Option<Anchor> {
        self.lock().anchor
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction: on a full disk nothing of it is kept.
    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, StoreFault> {
        let mut state = self.lock();
        if state.full {
            return Err(StoreFault {
                full: true,
                message: "the disk is full".to_owned(),
            });
        }
        Ok(change(&mut state))
    }
}

impl State {
    fn stage(&mut self, scope: &Scope, key: RecordKey, seq: u64, put: Option<(u64, Body)>) {
        if let Some(scope) = self.scopes.get_mut(scope)
            && scope
                .staged
                .get(&key)
                .is_none_or(|(before, _)| seq >= *before)
        {
            scope.staged.insert(key, (seq, put));
        }
    }

    fn drop_orphans(&mut self) {
        let scopes = &self.scopes;
        self.base
            .retain(|key, _| scopes.values().any(|scope| scope.rows.contains(key)));
    }

    fn digest(&self, scope: &OneScope) -> Digest {
        let mut digest = Digest::default();
        for key in &scope.rows {
            if let Some(row) = self.base.get(key) {
                digest.add(&key.kind, key.id, row.rev);
            }
        }
        digest
    }

    fn put(&mut self, key: &RecordKey, rev: u64, body: Body) {
        let newer = |row: &Row| row.stale || rev >= row.rev;
        if self.base.get(key).is_none_or(newer) {
            let stale = false;
            self.base.insert(key.clone(), Row { rev, body, stale });
        }
    }
}

impl OneScope {
    fn want(&mut self) {
        self.staged.clear();
        self.staged_cursor = None;
        self.wanted = true;
        self.next = NextPage::default();
    }

    fn is_ready(&self) -> bool {
        !self.wanted || self.staged_cursor.is_some()
    }
}

impl SyncStore for MemoryStore {
    fn state(&self) -> Result<SyncState, StoreFault> {
        let state = self.lock();
        let progress = |(scope, of): (&Scope, &OneScope)| ScopeProgress {
            scope: scope.clone(),
            cursor: of.staged_cursor.unwrap_or(of.cursor),
            wanted: (!of.is_ready()).then(|| of.next.clone()),
        };
        Ok(SyncState {
            epoch: state.epoch,
            n_last: state.n_last,
            head: state.head.unwrap_or(Hash::ZERO),
            unacked: state.outbox.keys().copied().collect(),
            scopes_hash: state.scopes_hash,
            receipt: state.receipts.values().next_back().map(|newest| Held {
                n: newest.n,
                complete: newest.complete,
            }),
            scopes: state.scopes.iter().map(progress).collect(),
        })
    }

    fn batch(
        &self,
        max_ops: usize,
        max_bytes: usize,
        skip: &Ranges,
    ) -> Result<Vec<PendingOp>, StoreFault> {
        let state = self.lock();
        let mut units: Vec<Vec<PendingOp>> = Vec::new();
        for op in state.outbox.values().filter(|op| !skip.contains(op.n)) {
            match units.last_mut() {
                Some(unit) if op.group.is_some() && unit[0].group == op.group => {
                    unit.push(op.clone())
                }
                _ => units.push(vec![op.clone()]),
            }
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for unit in units {
            let more: usize = unit.iter().map(|op| op.bytes.len()).sum();
            if !batch.is_empty() && (batch.len() + unit.len() > max_ops || bytes + more > max_bytes)
            {
                break;
            }
            bytes += more;
            batch.extend(unit);
        }
        Ok(batch)
    }

    fn is_pending(&self, op: OpId) -> Result<bool, StoreFault> {
        Ok(self.lock().outbox.values().any(|pending| pending.op == op))
    }

    fn settle(&self, settlement: &Settlement) -> Result<(), StoreFault> {
        self.write(|state| {
            for settled in &settlement.outcomes {
                if state
                    .outbox
                    .get(&settled.n)
                    .is_some_and(|op| op.op == settled.op)
                    && let Some(op) = state.outbox.remove(&settled.n)
                {
                    state
                        .history
                        .insert(settled.n, (op, settled.outcome.clone()));
                }
            }
            if let Some(list) = &settlement.scopes {
                state.scopes.retain(|scope, _| list.ids.contains(scope));
                for scope in &list.ids {
                    state.scopes.entry(scope.clone()).or_default();
                }
                state.scopes_hash = Some(list.hash);
                state.drop_orphans();
            }
            if let Some(receipt) = &settlement.receipt {
                let place = (receipt.n, receipt.at_ms);
                state.receipts.entry(place).or_insert(receipt.clone());
            }
            state.epoch = state.epoch.or(settlement.epoch);
            state.anchor = settlement.anchor.or(state.anchor);
        })
    }

    fn stage(&self, page: &Page) -> Result<(), StoreFault> {
        self.write(|state| {
            for change in &page.changes {
                let (seq, put) = match change {
                    ScopeChange::Put(put) => (put.seq, Some((put.rev, put.body.clone()))),
                    ScopeChange::Leave(leave) => (leave.seq, None),
                };
                state.stage(change.scope(), change.key(), seq, put);
            }
            for (scope, cursor) in &page.next {
                if let Some(scope) = state.scopes.get_mut(scope).filter(|scope| scope.is_ready()) {
                    scope.staged_cursor = Some(*cursor);
                }
            }
            for scope in &page.snapshots {
                if let Some(scope) = state.scopes.get_mut(scope).filter(|scope| !scope.wanted) {
                    scope.want();
                }
            }
        })
    }

    fn stage_snapshot(&self, scope: &Scope, page: &SnapshotPage) -> Result<(), StoreFault> {
        self.write(|state| {
            let Some(of) = state.scopes.get_mut(scope) else {
                return;
            };
            if of.next.pin != Some(page.pin) {
                of.staged.clear();
            }
            of.wanted = true;
            of.staged_cursor = page.next.is_none().then_some(page.pin);
            of.next = NextPage {
                pin: Some(page.pin),
                after: page.next.clone(),
            };
            for put in &page.puts {
                let key = RecordKey {
                    kind: put.kind.clone(),
                    id: put.id,
                };
                state.stage(scope, key, put.seq, Some((put.rev, put.body.clone())));
            }
        })
    }

    fn publish(
        &self,
        _seq: u64,
        digests: &BTreeMap<Scope, String>,
    ) -> Result<Vec<Scope>, StoreFault> {
        self.write(|state| {
            let ready: Vec<Scope> = state
                .scopes
                .iter()
                .filter(|(_, scope)| scope.is_ready())
                .map(|(scope, _)| scope.clone())
                .collect();
            for scope in &ready {
                let Some(mut of) = state.scopes.remove(scope) else {
                    continue;
                };
                let staged = std::mem::take(&mut of.staged);
                if of.wanted {
                    of.rows.clear();
                }
                for (key, (_, put)) in staged {
                    match put {
                        Some((rev, body)) => {
                            state.put(&key, rev, body);
                            of.rows.insert(key);
                        }
                        None => drop(of.rows.remove(&key)),
                    }
                }
                of.cursor = of.staged_cursor.take().unwrap_or(of.cursor);
                of.wanted = false;
                of.next = NextPage::default();
                state.scopes.insert(scope.clone(), of);
            }
            state.drop_orphans();
            let mut differing = Vec::new();
            for scope in ready {
                let Some(of) = state.scopes.get(&scope) else {
                    continue;
                };
                let theirs = digests.get(&scope);
                if theirs.is_some_and(|theirs| state.digest(of).to_text() != *theirs) {
                    for key in of.rows.clone() {
                        if let Some(row) = state.base.get_mut(&key) {
                            row.stale = true;
                        }
                    }
                    if let Some(of) = state.scopes.get_mut(&scope) {
                        of.want();
                    }
                    differing.push(scope);
                }
            }
            differing
        })
    }

    fn begin_epoch(&self, epoch: Epoch, have: &Ranges) -> Result<u64, StoreFault> {
        self.write(|state| {
            state.epoch = Some(epoch);
            let lost: Vec<u64> = state
                .history
                .keys()
                .copied()
                .filter(|n| !have.contains(*n))
                .collect();
            for n in &lost {
                if let Some((op, _)) = state.history.remove(n) {
                    state.outbox.insert(*n, PendingOp { attempts: 0, ..op });
                }
            }
            for scope in state.scopes.values_mut() {
                scope.want();
            }
            for row in state.base.values_mut() {
                row.stale = true;
            }
            lost.len() as u64
        })
    }

    fn note_failure(&self, ns: &[u64], _error: &str) -> Result<(), StoreFault> {
        self.write(|state| {
            for n in ns {
                if let Some(op) = state.outbox.get_mut(n) {
                    op.attempts += 1;
                }
            }
        })
    }
}

/// A page's place after a record.
#[must_use]
pub fn after(key: &RecordKey) -> PageToken {
    PageToken::from(key.clone())
}
