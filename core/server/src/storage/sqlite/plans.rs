//! Every statement has a plan that does not grow with the company, or a reason.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch, OpId, RecordId, TenantId, UserId, uuid_v7};
use waymark_domain::merge::Stored;
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, Kind, RecordKey, Role};
use waymark_domain::scope::Scope;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::{PublicKey, Signer as _, SoftwareSigner};

use super::sql::Sql;
use super::{SqliteStorage, lock};
use crate::error::Result;
use crate::storage::{
    Alarm, AuditRow, DeviceRecord, Entry, HeadEvidence, HistoryRow, HoldRow, Identity, InviteRow,
    OpRow, ScopeHead, StatementRow, Tx, UserRow, View,
};

thread_local! {
    static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes a statement that this thread prepares.
pub(super) fn note(sql: &str) {
    SEEN.with_borrow_mut(|seen| seen.insert(sql.to_owned()));
}

/// Tables that are read whole on purpose: one row, or the office asks for all of it.
const WHOLE: &[&str] = &[
    "SCAN identity",
    "SCAN feed",
    "SCAN op",
    "SCAN user",
    "SCAN hold",
    "SCAN device",
    "SCAN scope_head",
    "SCAN alarm",
    "SCAN audit",
];

#[test]
fn no_statement_reads_a_table_that_it_need_not() {
    let storage = SqliteStorage::in_memory().unwrap();
    let connection = lock(&storage.writer);
    let mut sql = Sql(&connection);
    write_all(&mut sql).unwrap();
    read_all(&sql).unwrap();
    let statements = SEEN.take();
    assert!(statements.len() >= 36, "{}", statements.len());
    for statement in statements {
        for step in plan(&connection, &statement) {
            let whole = WHOLE.contains(&step.as_str()) && !statement.contains("WHERE");
            let fine = step.starts_with("SEARCH") || whole || !step.contains("SCAN");
            assert!(fine, "{step}: {statement}");
            assert!(!step.contains("TEMP B-TREE"), "{step}: {statement}");
        }
    }
}

fn plan(connection: &Connection, statement: &str) -> Vec<String> {
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .unwrap();
    let steps = explain.raw_query();
    let steps = steps.mapped(|row| row.get("detail"));
    steps.collect::<rusqlite::Result<_>>().unwrap()
}

fn id<T>(wrap: impl Fn(uuid::Uuid) -> T) -> T {
    wrap(uuid_v7(1, [1; 10]))
}

fn key() -> RecordKey {
    RecordKey {
        kind: Kind::new("visit"),
        id: id(RecordId::from_uuid),
    }
}

fn read_all(view: &dyn View) -> Result<()> {
    let (user, device) = (id(UserId::from_uuid), id(DeviceId::from_uuid));
    view.identity()?;
    view.head_seq()?;
    view.op(id(OpId::from_uuid))?;
    view.links_around(device, 1)?;
    view.links(device, 1, 2)?;
    view.statement(device, 1)?;
    view.statements(device, 1, 2)?;
    view.ops(&mut |_| Ok(ControlFlow::Continue(())))?;
    view.op_count(device)?;
    view.record(&key())?;
    view.has_record(&key())?;
    view.records(&key().kind, &mut |_| Ok(ControlFlow::Continue(())))?;
    view.history(&key())?;
    view.entries_of(&key())?;
    view.scope_head(&Scope::POOL)?;
    view.scope_heads()?;
    view.changes(&Scope::POOL, 0, &mut |_| Ok(ControlFlow::Continue(())))?;
    view.content(&Scope::POOL, Some(&key()), &mut |_| {
        Ok(ControlFlow::Continue(()))
    })?;
    view.user(user)?;
    view.users()?;
    view.former_scopes(user)?;
    view.device(device)?;
    view.devices()?;
    view.invite(Hash::ZERO)?;
    view.due_ops(&key().kind, 1, 1)?;
    view.holds()?;
    view.alarms()?;
    view.audit().map(drop)
}

fn write_all(tx: &mut dyn Tx) -> Result<()> {
    let (user, device) = (id(UserId::from_uuid), id(DeviceId::from_uuid));
    tx.put_identity(&Identity {
        tenant: id(TenantId::from_uuid),
        company: String::new(),
        epoch: id(Epoch::from_uuid),
        key: [1; 32],
        tickets: [1; 32],
    })?;
    let seq = tx.take_seq(1)?;
    tx.put_op(&OpRow {
        op: id(OpId::from_uuid),
        sha: Hash::ZERO,
        prev: None,
        device,
        user,
        n: Some(1),
        key: Some(key()),
        at_ms: 1,
        outcome: Outcome::Vaulted,
        bytes: Vec::new(),
        erased: None,
    })?;
    let body = Body::new();
    tx.put_record(
        &key(),
        &Stored {
            rev: 1,
            body: body.clone(),
        },
    )?;
    tx.put_history(&HistoryRow {
        key: key(),
        rev: 1,
        seq,
        op: None,
        at_ms: 1,
        body,
    })?;
    tx.put_entry(
        &key(),
        &Entry {
            scope: Scope::POOL,
            seq,
            present: true,
        },
    )?;
    tx.put_scope_head(&Scope::POOL, &ScopeHead::default())?;
    tx.put_user(&UserRow {
        user,
        name: String::new(),
        role: Role::Rep,
        team: String::new(),
        active: true,
    })?;
    tx.put_former_scope(user, &Scope::POOL)?;
    tx.erase_op(id(OpId::from_uuid), "")?;
    tx.erase_history(&key(), "{}")?;
    tx.put_hold(user, None)?;
    tx.put_hold(
        user,
        Some(&HoldRow {
            user,
            at_ms: 1,
            why: String::new(),
        }),
    )?;
    write_people(tx, user, device)
}

fn write_people(tx: &mut dyn Tx, user: UserId, device: DeviceId) -> Result<()> {
    let key = PublicKey::from_text(String::new());
    tx.put_device(&DeviceRecord {
        device,
        user,
        key: key.clone(),
        name: String::new(),
        app: String::new(),
        enrolled_ms: 1,
        seen_ms: 1,
        revoked: false,
        have: Ranges::default(),
        head: None,
    })?;
    tx.put_statement(&StatementRow {
        device,
        head: HeadEvidence {
            n: 1,
            head: Hash::ZERO,
            sig: SoftwareSigner::from_secret(&[1; 32])
                .unwrap()
                .sign(b"")
                .unwrap(),
        },
        at_ms: 1,
        ops: 1,
        complete: true,
        epoch: id(Epoch::from_uuid),
    })?;
    tx.put_invite(&InviteRow {
        code: Hash::ZERO,
        user,
        until_ms: 1,
        used: Some((key, device)),
    })?;
    tx.raise(&Alarm::new("test", 1, Some(device), None, ""))?;
    tx.put_audit(&AuditRow {
        at_ms: 1,
        by: None,
        what: String::new(),
        about: String::new(),
    })
}
