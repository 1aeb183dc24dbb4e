//! What a device's database owes the sync engine, as a suite that any [`SyncStore`] can take.
//!
//! [`crate::memory::MemoryStore`] and the client's own store both pass it, so an engine tested over the one behaves over the other.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;
use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{Epoch, OpId, RecordId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, RecordKey, SyncRecord as _};
use waymark_domain::scope::{Digest, Scope};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::response::{Leave, Put, ScopeChange, ScopeList};
use waymark_protocol::snapshot::{PageToken, SnapshotPage};
use waymark_sync::store::{NextPage, Page, Settled, Settlement, SyncState, SyncStore};

/// A store under test: empty, and of a user who may make operations.
pub trait Subject {
    /// Gives the store to `f`.
    fn with(&self, f: &mut dyn FnMut(&dyn SyncStore));

    /// The user makes `n` operations that stand alone (`1`), or a group (`2`).
    fn make(&self, n: usize);

    /// Revisions of what the server said, by record.
    fn published(&self) -> BTreeMap<RecordKey, u64>;
}

/// Runs every test of the suite, each on a fresh store.
///
/// # Panics
/// When one fails.
pub fn suite<S: Subject>(make: impl Fn() -> S) {
    let tests: &[(&str, Test)] = &[
        (
            "an outcome takes its operation out of the outbox, once",
            outcomes,
        ),
        (
            "an outcome for another operation of that count changes nothing",
            mismatched,
        ),
        ("what is put aside shows when it is published", staging),
        (
            "a page that comes twice counts once, and an older one not at all",
            repeated,
        ),
        ("the scope list is level-triggered", scopes),
        ("a record that another scope holds stays", shared),
        ("a change of a scope that is not ours is dropped", foreign),
        (
            "a snapshot goes on where it was, and replaces the scope",
            snapshots,
        ),
        ("a snapshot with another pin begins anew", repinned),
        (
            "a digest that differs wants its scope anew, and a snapshot mends it",
            digests,
        ),
        (
            "a new epoch brings back what the server has not, byte for byte",
            epochs,
        ),
        ("the epoch is taken once", first_epoch),
        (
            "a batch is in order, within its limits, with groups whole",
            batches,
        ),
        ("failures are counted", failures),
    ];
    for (name, test) in tests {
        let subject = make();
        let lab = Lab(&subject);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&lab)));
        assert!(outcome.is_ok(), "{name}");
    }
}

type Test = fn(&Lab<'_>);

struct Lab<'a>(&'a dyn Subject);

impl Lab<'_> {
    fn ask<T>(&self, f: impl FnOnce(&dyn SyncStore) -> T) -> T {
        let (mut f, mut answer) = (Some(f), None);
        self.0
            .with(&mut |store| answer = f.take().map(|f| f(store)));
        answer.expect("a store")
    }

    fn state(&self) -> SyncState {
        self.ask(|store| store.state().unwrap())
    }

    fn batch(&self, max_ops: usize, max_bytes: usize, skip: &[u64]) -> Vec<u64> {
        let skip: Ranges = skip.iter().copied().collect();
        let batch = self.ask(|store| store.batch(max_ops, max_bytes, &skip).unwrap());
        batch.into_iter().map(|op| op.n).collect()
    }

    fn settle(&self, settlement: Settlement) {
        self.ask(|store| store.settle(&settlement).unwrap());
    }

    fn grant(&self, names: &[&str]) {
        let ids = names.iter().map(|name| scope(name)).collect();
        self.settle(Settlement {
            scopes: Some(ScopeList::new(ids)),
            ..nothing()
        });
    }

    fn stage(&self, changes: Vec<ScopeChange>, next: &[(&str, u64)]) {
        let next = next.iter().map(|(name, at)| (scope(name), *at)).collect();
        let page = Page {
            changes,
            next,
            snapshots: Vec::new(),
        };
        self.ask(|store| store.stage(&page).unwrap());
    }

    fn want(&self, name: &str) {
        let page = Page {
            snapshots: vec![scope(name)],
            ..Page::default()
        };
        self.ask(|store| store.stage(&page).unwrap());
    }

    fn snapshot(&self, name: &str, pin: u64, records: &[(u8, u64)], next: Option<u8>) {
        let puts = records.iter().map(|&(id, rev)| bare(name, id, rev, pin));
        let page = SnapshotPage {
            epoch: epoch(1),
            pin,
            puts: puts.collect(),
            next: next.map(|id| PageToken::from(key(id))),
        };
        self.ask(|store| store.stage_snapshot(&scope(name), &page).unwrap());
    }

    fn publish(&self, seq: u64, digests: &[(&str, String)]) -> Vec<Scope> {
        let digests = digests
            .iter()
            .map(|(name, digest)| (scope(name), digest.clone()))
            .collect();
        self.ask(|store| store.publish(seq, &digests).unwrap())
    }

    fn published(&self) -> Vec<(u8, u64)> {
        let rows = self.0.published();
        let mut rows: Vec<(u8, u64)> = (0..=255)
            .filter_map(|id| Some((id, *rows.get(&key(id))?)))
            .collect();
        rows.sort_unstable();
        rows
    }

    fn wanted(&self, name: &str) -> Option<NextPage> {
        let state = self.state();
        let found = state.scopes.into_iter().find(|of| of.scope == scope(name));
        found.expect("the scope").wanted
    }

    fn cursor(&self, name: &str) -> u64 {
        let state = self.state();
        let found = state.scopes.into_iter().find(|of| of.scope == scope(name));
        found.expect("the scope").cursor
    }

    fn pending(&self) -> Vec<(u64, OpId, Vec<u8>)> {
        let batch = self.ask(|store| store.batch(usize::MAX, usize::MAX, &Ranges::default()));
        let ops = batch.unwrap().into_iter();
        ops.map(|op| (op.n, op.op, op.bytes)).collect()
    }
}

fn scope(name: &str) -> Scope {
    Scope::from_wire(format!("user:{name}"))
}

fn epoch(tag: u8) -> Epoch {
    Epoch::from_uuid(Uuid::from_bytes([tag; 16]))
}

fn key(id: u8) -> RecordKey {
    RecordKey {
        kind: Customer::KIND,
        id: RecordId::from_uuid(Uuid::from_bytes([id; 16])),
    }
}

fn bare(name: &str, id: u8, rev: u64, seq: u64) -> Put {
    let mut body = Body::new();
    body.insert("name".to_owned(), json!(format!("customer {id}")));
    Put {
        scope: scope(name),
        seq,
        kind: Customer::KIND,
        id: key(id).id,
        rev,
        body,
    }
}

fn put(name: &str, id: u8, rev: u64, seq: u64) -> ScopeChange {
    ScopeChange::Put(bare(name, id, rev, seq))
}

fn leave(name: &str, id: u8, seq: u64) -> ScopeChange {
    ScopeChange::Leave(Leave {
        scope: scope(name),
        seq,
        kind: Customer::KIND,
        id: key(id).id,
    })
}

fn digest(rows: &[(u8, u64)]) -> String {
    let mut digest = Digest::default();
    for &(id, rev) in rows {
        digest.add(&Customer::KIND, key(id).id, rev);
    }
    digest.to_text()
}

fn nothing() -> Settlement {
    Settlement {
        outcomes: Vec::new(),
        scopes: None,
        epoch: None,
        anchor: None,
        receipt: None,
        at_ms: 1_000,
    }
}

fn applied(n: u64, op: OpId) -> Settled {
    let outcome = Outcome::Applied { rev: 1, seq: n };
    Settled { n, op, outcome }
}

fn outcomes(lab: &Lab<'_>) {
    lab.0.make(1);
    lab.0.make(1);
    let before = lab.state();
    assert_eq!(before.n_last, 2);
    let pending = lab.pending();
    assert_eq!(before.head, Hash::of(&pending[1].2));
    let op = pending[0].1;
    assert!(lab.ask(|store| store.is_pending(op).unwrap()));
    for _ in 0..2 {
        lab.settle(Settlement {
            outcomes: vec![applied(1, op)],
            ..nothing()
        });
        assert!(!lab.ask(|store| store.is_pending(op).unwrap()));
        let after = lab.state();
        assert_eq!(after.unacked, Ranges::from_iter([2]));
        assert_eq!((after.n_last, after.head), (before.n_last, before.head));
    }
}

fn mismatched(lab: &Lab<'_>) {
    lab.0.make(1);
    let other = OpId::from_uuid(Uuid::from_bytes([9; 16]));
    lab.settle(Settlement {
        outcomes: vec![applied(1, other)],
        ..nothing()
    });
    assert_eq!(lab.state().unacked, Ranges::from_iter([1]));
}

fn staging(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    lab.stage(vec![put("a", 1, 1, 5)], &[("a", 5)]);
    assert_eq!(lab.published(), []);
    assert_eq!(lab.cursor("a"), 5);
    lab.stage(vec![put("a", 2, 1, 6), put("a", 1, 2, 7)], &[("a", 7)]);
    assert!(
        lab.publish(7, &[("a", digest(&[(1, 2), (2, 1)]))])
            .is_empty()
    );
    assert_eq!(lab.published(), [(1, 2), (2, 1)]);
    lab.stage(vec![leave("a", 1, 8)], &[("a", 8)]);
    assert!(lab.publish(8, &[("a", digest(&[(2, 1)]))]).is_empty());
    assert_eq!(lab.published(), [(2, 1)]);
    assert_eq!(lab.cursor("a"), 8);
}

fn repeated(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    for _ in 0..2 {
        lab.stage(vec![put("a", 1, 2, 6)], &[("a", 6)]);
    }
    lab.stage(vec![leave("a", 1, 5)], &[("a", 6)]);
    assert!(lab.publish(6, &[("a", digest(&[(1, 2)]))]).is_empty());
    assert_eq!(lab.published(), [(1, 2)]);
}

fn scopes(lab: &Lab<'_>) {
    lab.0.make(1);
    lab.grant(&["a", "b"]);
    lab.stage(
        vec![put("a", 1, 1, 1), put("b", 2, 1, 2)],
        &[("a", 2), ("b", 2)],
    );
    assert!(lab.publish(2, &[]).is_empty());
    lab.grant(&["a", "c"]);
    assert_eq!(lab.published(), [(1, 1)]);
    let state = lab.state();
    let known: Vec<(Scope, u64)> = state
        .scopes
        .into_iter()
        .map(|of| (of.scope, of.cursor))
        .collect();
    assert_eq!(known, [(scope("a"), 2), (scope("c"), 0)]);
    assert_eq!(
        state.scopes_hash,
        Some(ScopeList::new(vec![scope("a"), scope("c")]).hash)
    );
    assert_eq!(state.unacked.count(), 1);
}

fn shared(lab: &Lab<'_>) {
    lab.grant(&["a", "b"]);
    let changes = vec![put("a", 1, 1, 1), put("b", 1, 1, 1)];
    lab.stage(changes, &[("a", 1), ("b", 1)]);
    assert!(lab.publish(1, &[]).is_empty());
    lab.grant(&["b"]);
    assert_eq!(lab.published(), [(1, 1)]);
    lab.grant(&["c"]);
    assert_eq!(lab.published(), []);
}

fn foreign(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    lab.stage(
        vec![put("x", 1, 1, 1), put("a", 2, 1, 1)],
        &[("x", 1), ("a", 1)],
    );
    assert!(lab.publish(1, &[]).is_empty());
    assert_eq!(lab.published(), [(2, 1)]);
    assert_eq!(lab.state().scopes.len(), 1);
}

fn snapshots(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    lab.stage(vec![put("a", 1, 1, 1), put("a", 9, 1, 2)], &[("a", 2)]);
    assert!(lab.publish(2, &[]).is_empty());
    lab.want("a");
    assert_eq!(lab.wanted("a"), Some(NextPage::default()));
    lab.snapshot("a", 7, &[(1, 3), (2, 1)], Some(2));
    let place = NextPage {
        pin: Some(7),
        after: Some(PageToken::from(key(2))),
    };
    assert_eq!(lab.wanted("a"), Some(place.clone()));
    // another answer that asks for the same snapshot does not begin it anew
    lab.want("a");
    assert_eq!(lab.wanted("a"), Some(place));
    assert!(lab.publish(7, &[]).is_empty());
    assert_eq!(
        lab.published(),
        [(1, 1), (9, 1)],
        "an incomplete snapshot shows nothing"
    );
    lab.snapshot("a", 7, &[(3, 1)], None);
    assert_eq!(lab.wanted("a"), None);
    assert_eq!(lab.cursor("a"), 7);
    assert!(
        lab.publish(7, &[("a", digest(&[(1, 3), (2, 1), (3, 1)]))])
            .is_empty()
    );
    assert_eq!(lab.published(), [(1, 3), (2, 1), (3, 1)]);
}

fn repinned(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    lab.want("a");
    lab.snapshot("a", 7, &[(1, 1)], Some(1));
    lab.snapshot("a", 8, &[(2, 1)], None);
    assert!(lab.publish(8, &[("a", digest(&[(2, 1)]))]).is_empty());
    assert_eq!(lab.published(), [(2, 1)]);
}

fn digests(lab: &Lab<'_>) {
    lab.grant(&["a", "b"]);
    let changes = vec![put("a", 1, 5, 1), put("b", 2, 1, 1)];
    lab.stage(changes, &[("a", 1), ("b", 1)]);
    let theirs = [("a", digest(&[(1, 4)])), ("b", digest(&[(2, 1)]))];
    assert_eq!(lab.publish(1, &theirs), [scope("a")]);
    assert_eq!(lab.published(), [(1, 5), (2, 1)], "the rows stay meanwhile");
    assert_eq!(lab.wanted("a"), Some(NextPage::default()));
    assert_eq!(lab.wanted("b"), None);
    lab.snapshot("a", 1, &[(1, 4)], None);
    assert!(lab.publish(1, &theirs).is_empty());
    assert_eq!(lab.published(), [(1, 4), (2, 1)]);
}

fn epochs(lab: &Lab<'_>) {
    lab.grant(&["a"]);
    lab.settle(Settlement {
        epoch: Some(epoch(1)),
        ..nothing()
    });
    lab.stage(vec![put("a", 1, 5, 1)], &[("a", 1)]);
    assert!(lab.publish(1, &[]).is_empty());
    for _ in 0..3 {
        lab.0.make(1);
    }
    let made = lab.pending();
    let outcomes = made[..2].iter().map(|(n, op, _)| applied(*n, *op));
    lab.settle(Settlement {
        outcomes: outcomes.collect(),
        ..nothing()
    });
    let have = Ranges::from_iter([1]);
    let again = lab.ask(|store| store.begin_epoch(epoch(2), &have).unwrap());
    assert_eq!(again, 1);
    assert_eq!(lab.pending(), made[1..]);
    assert_eq!(lab.state().epoch, Some(epoch(2)));
    assert_eq!(lab.wanted("a"), Some(NextPage::default()));
    assert_eq!(lab.published(), [(1, 5)], "the rows stay meanwhile");
    lab.snapshot("a", 1, &[(1, 2)], None);
    assert!(lab.publish(1, &[("a", digest(&[(1, 2)]))]).is_empty());
    assert_eq!(
        lab.published(),
        [(1, 2)],
        "whatever comes replaces a row of an epoch before"
    );
}

fn first_epoch(lab: &Lab<'_>) {
    for tag in [1, 2] {
        lab.settle(Settlement {
            epoch: Some(epoch(tag)),
            ..nothing()
        });
        assert_eq!(lab.state().epoch, Some(epoch(1)));
    }
}

fn batches(lab: &Lab<'_>) {
    lab.0.make(1);
    lab.0.make(2);
    lab.0.make(2);
    lab.0.make(1);
    let all = usize::MAX;
    assert_eq!(lab.batch(all, all, &[]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(lab.batch(1, all, &[]), [1]);
    assert_eq!(lab.batch(2, all, &[]), [1], "half a group does not go");
    assert_eq!(lab.batch(3, all, &[]), [1, 2, 3]);
    assert_eq!(lab.batch(all, 1, &[]), [1]);
    assert_eq!(
        lab.batch(1, 1, &[1]),
        [2, 3],
        "a group goes whole, whatever the limits"
    );
    assert_eq!(lab.batch(all, all, &[1, 2, 3, 6]), [4, 5]);
    assert_eq!(lab.batch(all, all, &[1, 2, 3, 4, 5, 6]), [0; 0]);
}

fn failures(lab: &Lab<'_>) {
    lab.0.make(1);
    lab.0.make(1);
    for _ in 0..2 {
        lab.ask(|store| store.note_failure(&[2, 77], "no").unwrap());
    }
    let batch = lab.ask(|store| store.batch(9, usize::MAX, &Ranges::default()).unwrap());
    let attempts: Vec<u32> = batch.iter().map(|op| op.attempts).collect();
    assert_eq!(attempts, [0, 2]);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    use waymark_client::{NewCustomerRequest, Parts, Waymark};
    use waymark_domain::ids::{CustomerId, DeviceId, GroupId, TenantId, UserId};
    use waymark_domain::record::{Kind, Role};
    use waymark_store::{Identity, Store};

    use super::*;
    use crate::chance::SeededEntropy;
    use crate::clock::{MORNING, VirtualClock};
    use crate::database::MemoryDatabase;
    use crate::memory::MemoryStore;
    use crate::signer::TestSigner;

    #[derive(Default)]
    struct InMaps {
        store: MemoryStore,
        made: AtomicU8,
    }

    impl Subject for InMaps {
        fn with(&self, f: &mut dyn FnMut(&dyn SyncStore)) {
            f(&self.store);
        }

        fn make(&self, n: usize) {
            let ops: Vec<(OpId, &[u8])> = (0..n)
                .map(|_| {
                    let tag = 1 + self.made.fetch_add(1, Ordering::Relaxed);
                    let op = OpId::from_uuid(Uuid::from_bytes([tag; 16]));
                    (op, b"an operation".as_slice())
                })
                .collect();
            let group = GroupId::from_uuid(ops[0].0.as_uuid());
            self.store.enqueue(&ops, (n > 1).then_some(group));
        }

        fn published(&self) -> BTreeMap<RecordKey, u64> {
            let rows = self.store.published().into_iter();
            rows.map(|(key, (rev, _))| (key, rev)).collect()
        }
    }

    struct InSqlite {
        database: MemoryDatabase,
        mark: Waymark,
        customer: std::sync::Mutex<Option<CustomerId>>,
    }

    impl InSqlite {
        fn new() -> Self {
            let database = MemoryDatabase::new();
            let opened = Store::from_connection(database.address().connect()).unwrap();
            let id = |tag| Uuid::from_bytes([tag; 16]);
            let identity = Identity {
                tenant: TenantId::from_uuid(id(0xa0)),
                user: UserId::from_uuid(id(0xa1)),
                device: DeviceId::from_uuid(id(0xa2)),
                role: Role::Rep,
                user_name: "anna".to_owned(),
                company: String::new(),
                team: "north".to_owned(),
                server_url: String::new(),
                server_key: String::new(),
                extra: Body::new(),
            };
            opened.store.set_identity(&identity).unwrap();
            let parts = Parts {
                clock: VirtualClock::at(MORNING),
                entropy: Arc::new(SeededEntropy::new(7)),
                signer: Arc::new(TestSigner::new(7)),
                app: "test".to_owned(),
            };
            let mark = Waymark::assemble(opened, parts).unwrap();
            Self {
                database,
                mark,
                customer: std::sync::Mutex::new(None),
            }
        }

        fn add(&self) -> CustomerId {
            let request = NewCustomerRequest {
                name: "Shop".to_owned(),
                owner: None,
                position: None,
                address: None,
                phone: None,
            };
            self.mark.customers().add(request).unwrap()
        }
    }

    impl Subject for InSqlite {
        fn with(&self, f: &mut dyn FnMut(&dyn SyncStore)) {
            f(&self.mark.sync_store());
        }

        fn make(&self, n: usize) {
            let mut customer = self.customer.lock().unwrap();
            match (n, *customer) {
                (2, Some(customer)) => drop(self.mark.visits().start_unplanned(customer).unwrap()),
                _ => *customer = Some(self.add()),
            }
        }

        fn published(&self) -> BTreeMap<RecordKey, u64> {
            let look = self.database.look();
            let mut statement = look.prepare("SELECT kind, id, rev FROM base").unwrap();
            let rows = statement.query_map([], |row| {
                let key = RecordKey {
                    kind: Kind::from_wire(row.get(0)?),
                    id: RecordId::from_uuid(Uuid::from_bytes(row.get(1)?)),
                };
                let rev: i64 = row.get(2)?;
                Ok((key, u64::try_from(rev).unwrap()))
            });
            rows.unwrap().map(Result::unwrap).collect()
        }
    }

    #[test]
    fn the_store_in_maps_conforms() {
        suite(InMaps::default);
    }

    #[test]
    fn the_clients_store_conforms() {
        suite(InSqlite::new);
    }

    #[test]
    fn a_full_disk_keeps_nothing_of_a_step() {
        let store = InMaps::default();
        store.make(1);
        store.store.set_full(true);
        let lab = Lab(&store);
        assert!(
            lab.ask(|store| store.note_failure(&[1], "no"))
                .is_err_and(|fault| fault.full)
        );
        store.store.set_full(false);
        failures(&Lab(&InMaps::default()));
    }
}
