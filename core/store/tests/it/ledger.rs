//! The account balances, whatever happens.

use proptest::prelude::*;
use waymark_domain::ranges::Ranges;
use waymark_domain::scope::Scope;
use waymark_store::{Committed, Page, Store};

use crate::desk::*;

/// Something that happens to a device.
#[derive(Debug, Clone)]
enum Event {
    Create(u64),
    Rename(u64),
    Visit(u64),
    Group(u64),
    Apply(usize),
    Reject(usize),
    Resolve,
    Fix,
    Server(u64, bool),
    Publish,
    Want,
    Revoke,
    Grant,
    Prune,
    Epoch(u64),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    use Event::*;
    prop_oneof![
        4 => (1..8_u64).prop_map(Create),
        4 => (1..8_u64).prop_map(Rename),
        2 => (1..8_u64).prop_map(Visit),
        1 => (1..8_u64).prop_map(Group),
        5 => (0..6_usize).prop_map(Apply),
        2 => (0..6_usize).prop_map(Reject),
        1 => Just(Resolve),
        1 => Just(Fix),
        3 => (1..8_u64, any::<bool>()).prop_map(|(tag, stays)| Server(tag, stays)),
        3 => Just(Publish),
        1 => Just(Want),
        1 => Just(Revoke),
        2 => Just(Grant),
        1 => Just(Prune),
        1 => (0..20_u64).prop_map(Epoch),
        2 => Just(Restart),
    ]
}

/// A device and what the test knows of the server.
struct World {
    store: Option<Store>,
    seq: u64,
    visits: u64,
    epochs: u64,
}

impl World {
    fn new() -> Self {
        let store = in_memory();
        grant(&store, &[mine()]);
        Self {
            store: Some(store),
            seq: 1,
            visits: 0,
            epochs: 1,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn waiting(&self, i: usize) -> Option<Committed> {
        let ops = outbox(self.store());
        ops.get(i).map(|op| Committed {
            op_id: op.op,
            n: op.n,
            key: op.key(),
        })
    }

    fn happens(&mut self, event: &Event) {
        self.seq += 1;
        let seq = self.seq;
        match event {
            // what is refused is refused: the account has to balance all the same
            Event::Create(tag) => drop(commit(self.store(), vec![new_customer(*tag, "Shop")])),
            Event::Rename(tag) => {
                if let Some(name) = name_of(self.store(), *tag) {
                    drop(commit(
                        self.store(),
                        vec![renamed(*tag, &name, &format!("Shop {seq}"))],
                    ));
                }
            }
            Event::Visit(tag) => {
                self.visits += 1;
                drop(commit(self.store(), vec![new_visit(self.visits, *tag)]));
            }
            Event::Group(tag) => {
                self.visits += 1;
                let drafts = vec![
                    new_visit(self.visits, *tag),
                    new_note(self.visits, *tag, "x"),
                ];
                drop(commit_group(self.store(), drafts));
            }
            Event::Apply(i) => {
                if let Some(op) = self.waiting(*i) {
                    settle(self.store(), vec![applied(&op, seq, seq)]);
                }
            }
            Event::Reject(i) => {
                if let Some(op) = self.waiting(*i) {
                    settle(self.store(), vec![rejected(&op)]);
                }
            }
            Event::Resolve => {
                let open = self.store().read(|reader| reader.attention()).unwrap();
                if let Some(entry) = open.first() {
                    assert!(
                        self.store()
                            .resolve_attention(entry.op_id, "discarded", WALL)
                            .unwrap()
                    );
                }
            }
            Event::Fix => {
                let open = self.store().read(|reader| reader.attention()).unwrap();
                if let Some(entry) = open.first() {
                    let mut draft = new_customer(1000 + seq, "Instead");
                    draft.fixes = Some(entry.op_id);
                    drop(commit(self.store(), vec![draft]));
                }
            }
            Event::Server(tag, true) => {
                let change = put(
                    &mine(),
                    customer_key(*tag),
                    seq,
                    seq,
                    customer_body("Server's"),
                );
                self.store()
                    .stage(&page(&mine(), seq, vec![change]))
                    .unwrap();
            }
            Event::Server(tag, false) => {
                let change = leave(&mine(), customer_key(*tag), seq);
                self.store()
                    .stage(&page(&mine(), seq, vec![change]))
                    .unwrap();
            }
            Event::Publish => drop(self.store().publish(seq, &[]).unwrap()),
            Event::Want => {
                let page = Page {
                    wanted: vec![mine()],
                    ..Page::default()
                };
                self.store().stage(&page).unwrap();
            }
            Event::Revoke => drop(grant(self.store(), &[Scope::POOL])),
            Event::Grant => drop(grant(self.store(), &[mine()])),
            Event::Prune => drop(self.store().prune_history(WALL + 1).unwrap()),
            Event::Epoch(have) => {
                self.epochs += 1;
                let have: Ranges = (1..=*have).collect();
                self.store().begin_epoch(epoch(self.epochs), &have).unwrap();
            }
            Event::Restart => {
                let conn = self.store.take().unwrap().into_connection().unwrap();
                self.store = Some(Store::from_connection(conn).unwrap().store);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_operation_is_accounted_for_and_every_view_is_its_fold(events in proptest::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in &events {
            world.happens(event);
            let report = world.store().check().unwrap();
            prop_assert!(report.is_clean(), "after {event:?}: {report:#?}");
        }
    }
}

#[test]
fn the_account_names_where_everything_is() {
    let store = in_memory();
    let ops = commit(
        &store,
        (1..=6).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    settle(
        &store,
        vec![
            applied(&ops[0], 1, 1),
            applied(&ops[1], 2, 1),
            rejected(&ops[2]),
            rejected(&ops[3]),
        ],
    );
    store
        .resolve_attention(ops[2].op_id, "discarded", WALL)
        .unwrap();
    let ledger = store.ledger().unwrap();
    assert_eq!(
        (
            ledger.created,
            ledger.acknowledged,
            ledger.pending,
            ledger.needs_attention,
            ledger.lost
        ),
        (6, 3, 2, 1, 0)
    );
    assert!(ledger.balances());
}

#[test]
fn only_what_is_old_in_base_and_nobodys_business_is_pruned() {
    let store = in_memory();
    grant(&store, &[mine()]);
    let ops = commit(
        &store,
        (1..=5).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    // one is published, one acknowledged only, one rejected and open, one rejected and dealt with, one waits
    settle(
        &store,
        vec![
            applied(&ops[0], 5, 1),
            applied(&ops[1], 9, 1),
            rejected(&ops[2]),
            rejected(&ops[3]),
        ],
    );
    receive(
        &store,
        &mine(),
        5,
        vec![put(&mine(), customer_key(1), 5, 1, customer_body("Shop"))],
    );
    store
        .resolve_attention(ops[3].op_id, "discarded", WALL)
        .unwrap();
    let before = everything(&store);
    assert_eq!(store.prune_history(WALL).unwrap(), 0);
    assert_eq!(store.prune_history(WALL + 1).unwrap(), 2);
    assert_eq!(everything(&store), before);
    let ledger = store.ledger().unwrap();
    assert_eq!(
        (
            ledger.created,
            ledger.acknowledged,
            ledger.needs_attention,
            ledger.pending
        ),
        (5, 3, 1, 1)
    );
    assert_clean(&store);
}
