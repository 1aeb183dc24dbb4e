//! What the server needs of a database, for one tenant. Says what is needed, never in SQL; why it is synchronous stands in
//! `core/docs/adr/0003-server-storage-trait.md`.
//!
//! Two promises carry the protocol. A write is one transaction, durable when the call returns. And a place in the tenant's order
//! ([`Tx::take_seq`]) is visible to readers only together with every place before it.

mod rows;
pub mod sqlite;

use std::ops::ControlFlow;

use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, OpId, UserId};
use waymark_domain::merge::Stored;
use waymark_domain::record::{Kind, RecordKey};
use waymark_domain::scope::Scope;
use waymark_domain::time::UnixMs;

pub use self::rows::{
    Alarm, AuditRow, Change, DeviceRecord, DueOp, Entry, HeadEvidence, HistoryRow, HoldRow,
    Identity, InviteRow, Link, OpRow, RecordRow, ScopeHead, StatementRow, UserRow,
};
use crate::error::Result;

/// A database of one tenant.
pub trait Storage: Send + Sync + 'static {
    /// Reads from one snapshot: whatever `job` sees was true at one moment.
    ///
    /// # Errors
    /// What `job` says, or [`crate::Error::Storage`].
    fn read<T>(&self, job: impl FnOnce(&dyn View) -> Result<T>) -> Result<T>;

    /// Runs `job` as one transaction and returns once it is durable. An error undoes all of it.
    ///
    /// The job may run on another thread, between jobs of others, and shares their commit.
    ///
    /// # Errors
    /// What `job` says, or [`crate::Error::Storage`].
    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T>;
}

/// Visits rows one after the other, as long as it wants more.
pub type Visit<'a, T> = &'a mut dyn FnMut(T) -> Result<ControlFlow<()>>;

/// What can be read.
pub trait View {
    /// The server's identity; `None` before its first start.
    fn identity(&self) -> Result<Option<Identity>>;

    /// The last place taken in the tenant's order.
    fn head_seq(&self) -> Result<u64>;

    /// An operation with its outcome.
    fn op(&self, op: OpId) -> Result<Option<OpRow>>;

    /// The links of a device's chain at `n - 1`, `n` and `n + 1`, as far as they are here.
    fn links_around(&self, device: DeviceId, n: u64) -> Result<Vec<Link>>;

    /// The links of a device's chain with counts `from` to `to`, by count and arrival.
    fn links(&self, device: DeviceId, from: u64, to: u64) -> Result<Vec<Link>>;

    /// The latest statement of a device for count `n`.
    fn statement(&self, device: DeviceId, n: u64) -> Result<Option<StatementRow>>;

    /// A device's statements for counts `from` to `to`, by count and time.
    fn statements(&self, device: DeviceId, from: u64, to: u64) -> Result<Vec<StatementRow>>;

    /// All operations, in the order of their arrival.
    fn ops(&self, visit: Visit<'_, OpRow>) -> Result<()>;

    /// How many operations are stored of a device.
    fn op_count(&self, device: DeviceId) -> Result<u64>;

    /// A record as it is now.
    fn record(&self, key: &RecordKey) -> Result<Option<Stored>>;

    /// Whether there is such a record.
    fn has_record(&self, key: &RecordKey) -> Result<bool>;

    /// All records of a kind.
    fn records(&self, kind: &Kind, visit: Visit<'_, RecordRow>) -> Result<()>;

    /// What a record went through.
    fn history(&self, key: &RecordKey) -> Result<Vec<HistoryRow>>;

    /// The scopes that a record is or was in.
    fn entries_of(&self, key: &RecordKey) -> Result<Vec<Entry>>;

    /// Where a scope stands; empty for one that never held anything.
    fn scope_head(&self, scope: &Scope) -> Result<ScopeHead>;

    /// Every scope that ever held anything.
    fn scope_heads(&self) -> Result<Vec<(Scope, ScopeHead)>>;

    /// What changed in a scope after `after`, in the tenant's order, each record as it is now.
    fn changes(&self, scope: &Scope, after: u64, visit: Visit<'_, Change>) -> Result<()>;

    /// What a scope holds now, in the order of kind and id, from after `after` on. Every row has its body.
    fn content(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        visit: Visit<'_, Change>,
    ) -> Result<()>;

    /// A user.
    fn user(&self, user: UserId) -> Result<Option<UserRow>>;

    /// All users, by id.
    fn users(&self) -> Result<Vec<UserRow>>;

    /// Scopes that a user once saw and sees no more.
    fn former_scopes(&self, user: UserId) -> Result<Vec<Scope>>;

    /// A device.
    fn device(&self, device: DeviceId) -> Result<Option<DeviceRecord>>;

    /// All devices, by id.
    fn devices(&self) -> Result<Vec<DeviceRecord>>;

    /// An invitation, by the hash of its code.
    fn invite(&self, code: Hash) -> Result<Option<InviteRow>>;

    /// Operations on records of `kind` that arrived before `cut`, whose bytes are here and whose users are on no hold; at most `limit`.
    fn due_ops(&self, kind: &Kind, cut: UnixMs, limit: usize) -> Result<Vec<DueOp>>;

    /// The users on hold, by id.
    fn holds(&self) -> Result<Vec<HoldRow>>;

    /// All alarms, the oldest first.
    fn alarms(&self) -> Result<Vec<Alarm>>;

    /// What admins and operators did, the oldest first.
    fn audit(&self) -> Result<Vec<AuditRow>>;
}

/// What can be written. Reads see what the same transaction wrote.
pub trait Tx: View {
    /// Locks records, in the order given, until the transaction ends. A database with one writer has nothing to do.
    fn lock(&mut self, keys: &[RecordKey]) -> Result<()>;

    /// Begins a part that can be undone alone; parts may lie within parts.
    fn begin_nested(&mut self) -> Result<()>;

    /// Keeps the part.
    fn keep_nested(&mut self) -> Result<()>;

    /// Undoes the part.
    fn undo_nested(&mut self) -> Result<()>;

    /// Writes the server's identity.
    fn put_identity(&mut self, identity: &Identity) -> Result<()>;

    /// Takes the next `count` places in the tenant's order and gives the first. Nobody else gets one until this transaction ends, so it is
    /// the last thing asked for before the writes that carry it.
    fn take_seq(&mut self, count: u64) -> Result<u64>;

    /// Stores an operation with its outcome, unless its id is stored already.
    fn put_op(&mut self, row: &OpRow) -> Result<()>;

    /// Keeps a statement of a device; the same one again makes no difference.
    fn put_statement(&mut self, row: &StatementRow) -> Result<()>;

    /// Writes a record as it is now.
    fn put_record(&mut self, key: &RecordKey, stored: &Stored) -> Result<()>;

    /// Notes what happened to a record.
    fn put_history(&mut self, row: &HistoryRow) -> Result<()>;

    /// Says that a record is in a scope, or has left it.
    fn put_entry(&mut self, key: &RecordKey, entry: &Entry) -> Result<()>;

    /// Writes where a scope stands.
    fn put_scope_head(&mut self, scope: &Scope, head: &ScopeHead) -> Result<()>;

    /// Writes a user.
    fn put_user(&mut self, row: &UserRow) -> Result<()>;

    /// Notes that a user saw a scope, and sees it no more.
    fn put_former_scope(&mut self, user: UserId, scope: &Scope) -> Result<()>;

    /// Writes a device.
    fn put_device(&mut self, row: &DeviceRecord) -> Result<()>;

    /// Writes an invitation.
    fn put_invite(&mut self, row: &InviteRow) -> Result<()>;

    /// Raises an alarm. The same one again (code, device, operation, detail) counts up. Gives whether it is new.
    fn raise(&mut self, alarm: &Alarm) -> Result<bool>;

    /// Empties an operation's bytes and notes why; its hash stays.
    fn erase_op(&mut self, op: OpId, why: &str) -> Result<()>;

    /// Puts `body` in place of every revision of a record that is here.
    fn erase_history(&mut self, key: &RecordKey, body: &str) -> Result<()>;

    /// Puts a user on hold, or ends the hold.
    fn put_hold(&mut self, user: UserId, hold: Option<&HoldRow>) -> Result<()>;

    /// Notes what an admin or the operator did.
    fn put_audit(&mut self, row: &AuditRow) -> Result<()>;
}

/// Whether a part of a transaction stands.
#[derive(Debug)]
pub(crate) enum Part<T> {
    /// It stands.
    Keep(T),
    /// It is undone, for this.
    Undo(T),
}

/// Runs a part of a transaction that can be undone without the rest.
pub(crate) fn nested<T>(
    tx: &mut dyn Tx,
    part: impl FnOnce(&mut dyn Tx) -> Result<Part<T>>,
) -> Result<T> {
    tx.begin_nested()?;
    match part(tx) {
        Ok(Part::Keep(value)) => {
            tx.keep_nested()?;
            Ok(value)
        }
        Ok(Part::Undo(value)) => {
            tx.undo_nested()?;
            Ok(value)
        }
        Err(error) => {
            tx.undo_nested()?;
            Err(error)
        }
    }
}
