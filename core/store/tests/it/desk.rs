//! What the tests work with: a device at a desk, with ids that count and a clock that is told.

use std::cell::Cell;

use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;
use waymark_domain::check_in::{CheckIn, Moment};
use waymark_domain::customer::Customer;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{
    BootId, CustomerId, DeviceId, Epoch, NoteId, RecordId, TenantId, UserId, VisitId, uuid_v7,
};
use waymark_domain::note::Note;
use waymark_domain::op::{Draft, Operation};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, Kind, RecordKey, Role, SyncRecord, write};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::{Anchors, Reading, place};
use waymark_domain::visit::{State, Step, Visit};
use waymark_store::{
    Change, Committed, Identity, Page, SettledOp, Settlement, Store, StoreError, Unit, What,
};

pub(crate) const WALL: i64 = 1_795_000_000_000;

pub(crate) fn uuid(tag: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&tag.to_be_bytes());
    uuid_v7(WALL, random)
}

pub(crate) fn user(tag: u64) -> UserId {
    UserId::from_uuid(uuid(1_000_000 + tag))
}

pub(crate) fn epoch(tag: u64) -> Epoch {
    Epoch::from_uuid(uuid(2_000_000 + tag))
}

pub(crate) fn customer_id(tag: u64) -> CustomerId {
    CustomerId::from_uuid(uuid(3_000_000 + tag))
}

pub(crate) fn visit_id(tag: u64) -> VisitId {
    VisitId::from_uuid(uuid(4_000_000 + tag))
}

pub(crate) fn note_id(tag: u64) -> NoteId {
    NoteId::from_uuid(uuid(5_000_000 + tag))
}

/// The rep whose device it is.
pub(crate) fn anna() -> UserId {
    user(1)
}

/// Her own scope.
pub(crate) fn mine() -> Scope {
    Scope::user(anna())
}

pub(crate) fn identity() -> Identity {
    Identity {
        tenant: TenantId::from_uuid(uuid(9_000_001)),
        user: anna(),
        device: DeviceId::from_uuid(uuid(9_000_002)),
        role: Role::Rep,
        user_name: "Anna".to_owned(),
        company: "Example".to_owned(),
        team: "north".to_owned(),
        server_url: "https://waymark.example".to_owned(),
        server_key: "key".to_owned(),
        extra: Body::new(),
    }
}

pub(crate) fn reading(seconds: i64) -> Reading {
    Reading {
        wall_ms: WALL + seconds * 1000,
        mono_ms: seconds * 1000,
        boot: BootId::from_uuid(uuid(9_000_003)),
        utc_offset_min: 60,
        zone: None,
    }
}

pub(crate) fn customer(name: &str) -> Customer {
    Customer {
        owner: Some(anna()),
        ..Customer::named(name)
    }
}

pub(crate) fn new_customer(tag: u64, name: &str) -> Draft {
    Draft::new(customer_id(tag), &customer(name)).unwrap()
}

pub(crate) fn renamed(tag: u64, from: &str, to: &str) -> Draft {
    Draft::patch(customer_id(tag), &customer(from), &customer(to))
        .unwrap()
        .unwrap()
}

pub(crate) fn new_visit(tag: u64, customer: u64) -> Draft {
    let visit = Visit {
        customer: customer_id(customer),
        rep: anna(),
        day: "2026-11-23".parse().unwrap(),
        state: State::Planned,
        extra: Body::new(),
    };
    Draft::new(visit_id(tag), &visit).unwrap()
}

pub(crate) fn step(tag: u64, step: Step) -> Draft {
    step.draft(visit_id(tag)).unwrap()
}

pub(crate) fn new_check_in(tag: u64, visit: u64, customer: u64) -> Draft {
    let check_in = CheckIn {
        visit: visit_id(visit),
        customer: customer_id(customer),
        rep: anna(),
        moment: Moment::Arrival,
        position: Position::new(Datum::Wgs84, 43.7384, 7.4246).unwrap(),
        accuracy_m: 12.5,
        source: AccuracySource::Android,
        verdict: None,
        statement: None,
        at: place(reading(5), &Anchors::default()),
        extra: Body::new(),
    };
    Draft::new(RecordId::from_uuid(uuid(6_000_000 + tag)), &check_in).unwrap()
}

pub(crate) fn new_note(tag: u64, customer: u64, text: &str) -> Draft {
    let note = Note {
        customer: customer_id(customer),
        visit: None,
        author: anna(),
        text: text.to_owned(),
        at: place(reading(6), &Anchors::default()),
        corrects: None,
        extra: Body::new(),
    };
    Draft::new(note_id(tag), &note).unwrap()
}

pub(crate) fn key<R: SyncRecord>(id: impl Into<RecordId>) -> RecordKey {
    RecordKey::of::<R>(id)
}

pub(crate) fn customer_key(tag: u64) -> RecordKey {
    key::<Customer>(customer_id(tag))
}

pub(crate) fn in_memory() -> Store {
    let opened = Store::from_connection(Connection::open_in_memory().unwrap()).unwrap();
    opened.store.set_identity(&identity()).unwrap();
    opened.store
}

/// Ids for operations, never the same twice in a test process.
pub(crate) struct Ids(Cell<u64>);

impl Ids {
    pub(crate) const fn from(first: u64) -> Self {
        Self(Cell::new(first))
    }

    pub(crate) fn next(&self) -> Uuid {
        self.0.set(self.0.get() + 1);
        uuid(100_000_000 + self.0.get())
    }
}

thread_local! {
    static IDS: Ids = const { Ids::from(0) };
}

/// Commits each draft on its own, in one call.
pub(crate) fn commit(store: &Store, drafts: Vec<Draft>) -> Result<Vec<Committed>, StoreError> {
    let units = drafts.into_iter().map(Unit::One).collect();
    store.commit(units, reading(10), &mut || IDS.with(Ids::next))
}

pub(crate) fn commit_one(store: &Store, draft: Draft) -> Committed {
    commit(store, vec![draft]).unwrap().pop().unwrap()
}

pub(crate) fn commit_group(
    store: &Store,
    drafts: Vec<Draft>,
) -> Result<Vec<Committed>, StoreError> {
    store.commit(vec![Unit::Group(drafts)], reading(10), &mut || {
        IDS.with(Ids::next)
    })
}

/// The answer that an operation changed its record.
pub(crate) fn applied(op: &Committed, seq: u64, rev: u64) -> SettledOp {
    SettledOp {
        n: op.n,
        op_id: op.op_id,
        outcome: json!({"is": "applied", "rev": rev, "seq": seq}).to_string(),
        effect: Some((seq, rev)),
        attention: None,
    }
}

/// The answer that it cannot be.
pub(crate) fn rejected(op: &Committed) -> SettledOp {
    SettledOp {
        n: op.n,
        op_id: op.op_id,
        outcome: json!({"is": "rejected", "refusal": {"code": "forbidden"}}).to_string(),
        effect: None,
        attention: Some((
            "rejected".to_owned(),
            json!({"code": "forbidden"}).to_string(),
        )),
    }
}

pub(crate) fn settle(store: &Store, outcomes: Vec<SettledOp>) -> waymark_store::SettleReport {
    store
        .settle(&Settlement {
            outcomes,
            at_ms: WALL,
            ..Settlement::default()
        })
        .unwrap()
}

/// Tells the device which scopes its user may see.
pub(crate) fn grant(store: &Store, scopes: &[Scope]) -> waymark_store::SettleReport {
    let text: String = scopes.iter().map(Scope::as_str).collect();
    store
        .settle(&Settlement {
            scopes: Some((Hash::of(text.as_bytes()), scopes.to_vec())),
            epoch: Some(epoch(1)),
            at_ms: WALL,
            ..Settlement::default()
        })
        .unwrap()
}

pub(crate) fn body(value: &Value) -> Body {
    value.as_object().unwrap().clone()
}

pub(crate) fn customer_body(name: &str) -> Body {
    write(&customer(name)).unwrap()
}

pub(crate) fn put(scope: &Scope, key: RecordKey, seq: u64, rev: u64, body: Body) -> Change {
    Change {
        scope: scope.clone(),
        key,
        seq,
        what: What::Put { rev, body },
    }
}

pub(crate) fn leave(scope: &Scope, key: RecordKey, seq: u64) -> Change {
    Change {
        scope: scope.clone(),
        key,
        seq,
        what: What::Leave,
    }
}

/// One page that brings the scope to `cursor`.
pub(crate) fn page(scope: &Scope, cursor: u64, changes: Vec<Change>) -> Page {
    Page {
        changes,
        next: vec![(scope.clone(), cursor)],
        wanted: Vec::new(),
    }
}

/// Stages changes of one scope and publishes them, with the digest left unsaid.
pub(crate) fn receive(store: &Store, scope: &Scope, seq: u64, changes: Vec<Change>) {
    store.stage(&page(scope, seq, changes)).unwrap();
    store.publish(seq, &[]).unwrap();
}

pub(crate) fn digest(records: &[(RecordKey, u64)]) -> String {
    let mut digest = Digest::default();
    for (key, rev) in records {
        digest.add(&key.kind, key.id, *rev);
    }
    digest.to_text()
}

pub(crate) fn name_of(store: &Store, tag: u64) -> Option<String> {
    let row = store
        .read(|reader| reader.customer(customer_id(tag)))
        .unwrap();
    row.map(|row| row.record.name)
}

pub(crate) fn pending_of(store: &Store, tag: u64) -> u64 {
    let row = store
        .read(|reader| reader.customer(customer_id(tag)))
        .unwrap();
    row.unwrap().pending
}

pub(crate) fn outbox(store: &Store) -> Vec<Operation> {
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    rows.iter()
        .map(|row| Operation::from_bytes(&row.bytes).unwrap())
        .collect()
}

/// Everything that a view shows, for comparing two moments.
pub(crate) fn everything(store: &Store) -> Vec<waymark_store::ExportRow> {
    store.read(|reader| reader.export(None, u32::MAX)).unwrap()
}

pub(crate) fn assert_clean(store: &Store) {
    let report = store.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

pub(crate) fn unknown_kind(tag: u64) -> RecordKey {
    RecordKey {
        kind: Kind::from_wire("contract".to_owned()),
        id: RecordId::from_uuid(uuid(7_000_000 + tag)),
    }
}
