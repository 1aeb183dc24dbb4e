//! What the engine needs of the device's database.

use std::collections::BTreeMap;

use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, GroupId, OpId};
use waymark_domain::ranges::Ranges;
use waymark_domain::scope::Scope;
use waymark_domain::time::{Anchor, UnixMs};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::receipt::Held;
use waymark_protocol::response::{ScopeChange, ScopeList};
use waymark_protocol::snapshot::{PageToken, SnapshotPage};

/// The database could not do it. Nothing of the step was written, and the engine ends the exchange: nothing is built on a write that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreFault {
    /// Whether the disk is full.
    pub full: bool,
    /// For the log, without personal data.
    pub message: String,
}

/// The device's database, as the engine sees it. Every method that writes is one transaction: all of it or nothing, durable when it returns.
pub trait SyncStore: Send + Sync {
    /// Where sync stands.
    ///
    /// # Errors
    /// [`StoreFault`], as for every method here.
    fn state(&self) -> Result<SyncState, StoreFault>;

    /// The oldest pending operations, in local order, without those in `skip`; groups whole. Empty only when none is left.
    fn batch(
        &self,
        max_ops: usize,
        max_bytes: usize,
        skip: &Ranges,
    ) -> Result<Vec<PendingOp>, StoreFault>;

    /// Whether an operation is still pending.
    fn is_pending(&self, op: OpId) -> Result<bool, StoreFault>;

    /// Writes terminal outcomes to history, what needs a person to the attention list, the scopes the user has now, and the anchor. Records
    /// of scopes that the user lost are gone when it returns; pending operations never are.
    fn settle(&self, settlement: &Settlement) -> Result<(), StoreFault>;

    /// Puts changes aside until [`Self::publish`].
    fn stage(&self, page: &Page) -> Result<(), StoreFault>;

    /// Puts a page of a snapshot aside; after the last one, publishing replaces the scope's content.
    fn stage_snapshot(&self, scope: &Scope, page: &SnapshotPage) -> Result<(), StoreFault>;

    /// Makes everything that was put aside what the server said, moves the cursors in the same transaction, and compares digests. Gives the
    /// scopes that differ; they are wanted anew.
    fn publish(
        &self,
        seq: u64,
        digests: &BTreeMap<Scope, String>,
    ) -> Result<Vec<Scope>, StoreFault>;

    /// The server's log begins anew: every scope is wanted anew, and what the device had been told was applied but the server no longer has
    /// is pending again, with its exact bytes. Gives how many.
    fn begin_epoch(&self, epoch: Epoch, have: &Ranges) -> Result<u64, StoreFault>;

    /// Counts a failure against operations.
    fn note_failure(&self, ns: &[u64], error: &str) -> Result<(), StoreFault>;
}

/// Where sync stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    /// The continuity of what is here; `None` before the first answer.
    pub epoch: Option<Epoch>,
    /// The device's last count.
    pub n_last: u64,
    /// Hash of that operation.
    pub head: Hash,
    /// Counts without a terminal outcome.
    pub unacked: Ranges,
    /// Hash of the scopes that the device knows.
    pub scopes_hash: Option<Hash>,
    /// The newest receipt that is here.
    pub receipt: Option<Held>,
    /// The scopes.
    pub scopes: Vec<ScopeProgress>,
}

/// How far one scope is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeProgress {
    /// The scope.
    pub scope: Scope,
    /// Everything up to here is here, published or put aside.
    pub cursor: u64,
    /// The next page to ask for, when the scope is wanted as a snapshot.
    pub wanted: Option<NextPage>,
}

/// Where a snapshot goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextPage {
    /// The snapshot's pin; absent before the first page.
    pub pin: Option<u64>,
    /// The last record of the page before.
    pub after: Option<PageToken>,
}

/// A pending operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOp {
    /// Its count.
    pub n: u64,
    /// Its id.
    pub op: OpId,
    /// Its group.
    pub group: Option<GroupId>,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// How often it failed.
    pub attempts: u32,
}

/// What an answer settles.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Terminal outcomes.
    pub outcomes: Vec<Settled>,
    /// The user's scopes, when they changed.
    pub scopes: Option<ScopeList>,
    /// The continuity of the answer; taken only by a device that has none yet.
    pub epoch: Option<Epoch>,
    /// The server's time, when the answer brought it.
    pub anchor: Option<Anchor>,
    /// The server's receipt for the head that the request stated, verified.
    pub receipt: Option<KeptReceipt>,
    /// When it arrived, by the device's wall clock; for pruning only.
    pub at_ms: UnixMs,
}

/// A receipt to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The device's count that it is for.
    pub n: u64,
    /// Whether the server had every operation up to it.
    pub complete: bool,
    /// The server's clock.
    pub at_ms: UnixMs,
    /// The receipt, a compact JWS.
    pub jws: String,
}

/// One operation's terminal outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its count.
    pub n: u64,
    /// Its id.
    pub op: OpId,
    /// What became of it.
    pub outcome: Outcome,
}

/// Changes to put aside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The changes, in the server's order per scope.
    pub changes: Vec<ScopeChange>,
    /// Where each scope stands after them.
    pub next: BTreeMap<Scope, u64>,
    /// Scopes to be had as snapshots.
    pub snapshots: Vec<Scope>,
}
