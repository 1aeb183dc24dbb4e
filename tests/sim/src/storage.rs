//! The server's storage with a seam in it, where bugs are planted. Without one it passes everything on.

use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, OpId, UserId};
use waymark_domain::merge::Stored;
use waymark_domain::record::{Kind, RecordKey, Role};
use waymark_domain::scope::Scope;
use waymark_domain::time::UnixMs;
use waymark_protocol::outcome::Outcome;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::storage::{
    Alarm, AuditRow, Change, DeviceRecord, DueOp, Entry, HistoryRow, HoldRow, Identity, InviteRow,
    Link, OpRow, RecordRow, ScopeHead, StatementRow, Storage, Tx, UserRow, View, Visit,
};
use waymark_server::{Error, Result};

use crate::bugs::Bug;

/// [`SqliteStorage`], or a wrong one.
pub struct SimStorage {
    inner: SqliteStorage,
    bug: Option<Bug>,
    poison: Poison,
}

/// Operations that break the server whenever it judges them: a bug in it that has yet to be mended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Poison(Option<u128>);

impl Poison {
    /// One in this many operations breaks a server that has such a bug.
    const ONE_IN: u128 = 48;

    /// The operations that `seed` chooses.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(Some(u128::from(seed) % Self::ONE_IN))
    }

    /// Whether the operation is one of them.
    #[must_use]
    pub fn is(self, op: OpId) -> bool {
        self.0 == Some(op.as_uuid().as_u128() % Self::ONE_IN)
    }
}

impl SimStorage {
    /// `inner` with `bug` in it.
    #[must_use]
    pub const fn new(inner: SqliteStorage, bug: Option<Bug>, poison: Poison) -> Self {
        Self { inner, bug, poison }
    }
}

impl Storage for SimStorage {
    fn read<T>(&self, job: impl FnOnce(&dyn View) -> Result<T>) -> Result<T> {
        let bug = self.bug;
        self.inner.read(|view| {
            job(&Reading {
                inner: view,
                bug,
                late: &[],
            })
        })
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (bug, poison) = (self.bug, self.poison);
        let (value, late) = self.inner.write(move |tx| {
            let mut writing = Writing {
                inner: tx,
                bug,
                poison,
                late: Vec::new(),
                stored: None,
            };
            let value = job(&mut writing)?;
            Ok((value, writing.late))
        })?;
        if !late.is_empty() {
            // the planted bug: outcomes in a transaction of their own
            self.inner
                .write(move |tx| late.iter().try_for_each(|row| tx.put_op(row)))?;
        }
        Ok(value)
    }
}

/// What is read, with the bug in between.
struct Reading<'a> {
    inner: &'a dyn View,
    bug: Option<Bug>,
    late: &'a [OpRow],
}

struct Writing<'a> {
    inner: &'a mut dyn Tx,
    bug: Option<Bug>,
    poison: Poison,
    late: Vec<OpRow>,
    /// Operations stored in the part under way; absent outside of one.
    stored: Option<usize>,
}

impl Writing<'_> {
    /// Whether what is written now is of the second half of a group that a wrong server leaves out.
    fn leaves_out(&self) -> bool {
        self.bug == Some(Bug::GroupHalfApplied) && self.stored.is_some_and(|stored| stored > 0)
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            inner: &*self.inner,
            bug: self.bug,
            late: &self.late,
        }
    }
}

macro_rules! pass {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)+) => {
        $(fn $name(&self, $($arg: $ty),*) -> $out { self.inner.$name($($arg),*) })+
    };
}

macro_rules! pass_to_reading {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)+) => {
        $(fn $name(&self, $($arg: $ty),*) -> $out { self.reading().$name($($arg),*) })+
    };
}

impl View for Reading<'_> {
    pass! {
        identity() -> Result<Option<Identity>>;
        head_seq() -> Result<u64>;
        links_around(device: DeviceId, n: u64) -> Result<Vec<Link>>;
        ops(visit: Visit<'_, OpRow>) -> Result<()>;
        op_count(device: DeviceId) -> Result<u64>;
        record(key: &RecordKey) -> Result<Option<Stored>>;
        has_record(key: &RecordKey) -> Result<bool>;
        records(kind: &Kind, visit: Visit<'_, RecordRow>) -> Result<()>;
        history(key: &RecordKey) -> Result<Vec<HistoryRow>>;
        entries_of(key: &RecordKey) -> Result<Vec<Entry>>;
        scope_head(scope: &Scope) -> Result<ScopeHead>;
        scope_heads() -> Result<Vec<(Scope, ScopeHead)>>;
        content(scope: &Scope, after: Option<&RecordKey>, visit: Visit<'_, Change>) -> Result<()>;
        users() -> Result<Vec<UserRow>>;
        former_scopes(user: UserId) -> Result<Vec<Scope>>;
        device(device: DeviceId) -> Result<Option<DeviceRecord>>;
        devices() -> Result<Vec<DeviceRecord>>;
        invite(code: Hash) -> Result<Option<InviteRow>>;
        alarms() -> Result<Vec<Alarm>>;
        audit() -> Result<Vec<AuditRow>>;
        due_ops(kind: &Kind, cut: UnixMs, limit: usize) -> Result<Vec<DueOp>>;
        holds() -> Result<Vec<HoldRow>>;
        links(device: DeviceId, from: u64, to: u64) -> Result<Vec<Link>>;
        statement(device: DeviceId, n: u64) -> Result<Option<StatementRow>>;
        statements(device: DeviceId, from: u64, to: u64) -> Result<Vec<StatementRow>>;
    }

    fn op(&self, op: OpId) -> Result<Option<OpRow>> {
        if self.bug == Some(Bug::ServerForgetsOutcomes) && op.as_uuid().as_u128().is_multiple_of(8)
        {
            return Ok(None);
        }
        if let Some(row) = self.late.iter().find(|row| row.op == op) {
            return Ok(Some(row.clone()));
        }
        self.inner.op(op)
    }

    fn changes(&self, scope: &Scope, after: u64, visit: Visit<'_, Change>) -> Result<()> {
        if self.bug != Some(Bug::FeedSkipsARow) {
            return self.inner.changes(scope, after, visit);
        }
        // a cursor that means "from here" on one side and "after here" on the other
        let skipped = if after == 0 { 0 } else { after + 1 };
        self.inner.changes(scope, skipped, visit)
    }

    fn user(&self, user: UserId) -> Result<Option<UserRow>> {
        self.inner.user(user)
    }
}

impl View for Writing<'_> {
    pass_to_reading! {
        identity() -> Result<Option<Identity>>;
        head_seq() -> Result<u64>;
        op(op: OpId) -> Result<Option<OpRow>>;
        links_around(device: DeviceId, n: u64) -> Result<Vec<Link>>;
        ops(visit: Visit<'_, OpRow>) -> Result<()>;
        op_count(device: DeviceId) -> Result<u64>;
        record(key: &RecordKey) -> Result<Option<Stored>>;
        has_record(key: &RecordKey) -> Result<bool>;
        records(kind: &Kind, visit: Visit<'_, RecordRow>) -> Result<()>;
        history(key: &RecordKey) -> Result<Vec<HistoryRow>>;
        entries_of(key: &RecordKey) -> Result<Vec<Entry>>;
        scope_head(scope: &Scope) -> Result<ScopeHead>;
        scope_heads() -> Result<Vec<(Scope, ScopeHead)>>;
        changes(scope: &Scope, after: u64, visit: Visit<'_, Change>) -> Result<()>;
        content(scope: &Scope, after: Option<&RecordKey>, visit: Visit<'_, Change>) -> Result<()>;
        users() -> Result<Vec<UserRow>>;
        former_scopes(user: UserId) -> Result<Vec<Scope>>;
        device(device: DeviceId) -> Result<Option<DeviceRecord>>;
        devices() -> Result<Vec<DeviceRecord>>;
        invite(code: Hash) -> Result<Option<InviteRow>>;
        alarms() -> Result<Vec<Alarm>>;
        audit() -> Result<Vec<AuditRow>>;
        due_ops(kind: &Kind, cut: UnixMs, limit: usize) -> Result<Vec<DueOp>>;
        holds() -> Result<Vec<HoldRow>>;
        links(device: DeviceId, from: u64, to: u64) -> Result<Vec<Link>>;
        statement(device: DeviceId, n: u64) -> Result<Option<StatementRow>>;
        statements(device: DeviceId, from: u64, to: u64) -> Result<Vec<StatementRow>>;
    }

    fn user(&self, user: UserId) -> Result<Option<UserRow>> {
        let row = self.inner.user(user)?;
        if self.bug != Some(Bug::AuthoriseByClaim) {
            return Ok(row);
        }
        // the planted bug: whoever brings work is taken for somebody who sees everything
        Ok(row.map(|row| UserRow {
            role: Role::Admin,
            ..row
        }))
    }
}

impl Tx for Writing<'_> {
    fn lock(&mut self, keys: &[RecordKey]) -> Result<()> {
        self.inner.lock(keys)
    }

    fn begin_nested(&mut self) -> Result<()> {
        self.stored = Some(0);
        self.inner.begin_nested()
    }

    fn keep_nested(&mut self) -> Result<()> {
        self.stored = None;
        self.inner.keep_nested()
    }

    fn undo_nested(&mut self) -> Result<()> {
        self.stored = None;
        self.inner.undo_nested()
    }

    fn put_identity(&mut self, identity: &Identity) -> Result<()> {
        self.inner.put_identity(identity)
    }

    fn take_seq(&mut self, count: u64) -> Result<u64> {
        let first = self.inner.take_seq(count)?;
        if self.bug == Some(Bug::SeqTwice) && first.is_multiple_of(16) {
            return Ok(first - 1);
        }
        Ok(first)
    }

    fn erase_op(&mut self, op: OpId, why: &str) -> Result<()> {
        self.inner.erase_op(op, why)
    }

    fn erase_history(&mut self, key: &RecordKey, body: &str) -> Result<()> {
        self.inner.erase_history(key, body)
    }

    fn put_hold(&mut self, user: UserId, hold: Option<&HoldRow>) -> Result<()> {
        self.inner.put_hold(user, hold)
    }

    fn put_statement(&mut self, row: &StatementRow) -> Result<()> {
        self.inner.put_statement(row)
    }

    fn put_op(&mut self, row: &OpRow) -> Result<()> {
        if self.poison.is(row.op) && row.outcome != Outcome::Vaulted {
            return Err(Error::Storage("a bug of the server".to_owned()));
        }
        if self.leaves_out() {
            return Ok(());
        }
        self.stored = self.stored.map(|stored| stored + 1);
        if self.bug == Some(Bug::OutcomeOutsideTransaction) {
            self.late.push(row.clone());
            return Ok(());
        }
        if self.bug == Some(Bug::RefusalNotStored)
            && matches!(row.outcome, Outcome::Rejected { .. })
        {
            return Ok(());
        }
        self.inner.put_op(row)
    }

    fn put_record(&mut self, key: &RecordKey, stored: &Stored) -> Result<()> {
        self.inner.put_record(key, stored)
    }

    fn put_history(&mut self, row: &HistoryRow) -> Result<()> {
        if self.leaves_out() {
            return Ok(());
        }
        self.inner.put_history(row)
    }

    fn put_entry(&mut self, key: &RecordKey, entry: &Entry) -> Result<()> {
        if self.leaves_out() || (self.bug == Some(Bug::LeaveNotWritten) && !entry.present) {
            return Ok(());
        }
        self.inner.put_entry(key, entry)
    }

    fn put_scope_head(&mut self, scope: &Scope, head: &ScopeHead) -> Result<()> {
        if self.leaves_out() {
            return Ok(());
        }
        self.inner.put_scope_head(scope, head)
    }

    fn put_user(&mut self, row: &UserRow) -> Result<()> {
        self.inner.put_user(row)
    }

    fn put_former_scope(&mut self, user: UserId, scope: &Scope) -> Result<()> {
        self.inner.put_former_scope(user, scope)
    }

    fn put_device(&mut self, row: &DeviceRecord) -> Result<()> {
        self.inner.put_device(row)
    }

    fn put_invite(&mut self, row: &InviteRow) -> Result<()> {
        self.inner.put_invite(row)
    }

    fn raise(&mut self, alarm: &Alarm) -> Result<bool> {
        self.inner.raise(alarm)
    }

    fn put_audit(&mut self, row: &AuditRow) -> Result<()> {
        self.inner.put_audit(row)
    }
}
