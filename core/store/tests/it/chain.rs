//! Sealing: the chain of operations, and what is refused.

use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::op::{Act, Draft};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, Role};
use waymark_domain::refusal::Code;
use waymark_domain::time::{Anchor, AnchorSource};
use waymark_domain::visit::Step;
use waymark_store::{Settlement, StoreError, Unit};

use crate::desk::*;

#[test]
fn the_chain_is_unbroken_and_every_hash_is_that_of_its_bytes() {
    let store = in_memory();
    for tag in 1..=20 {
        commit_one(&store, new_customer(tag, "Shop"));
    }
    commit_group(&store, vec![new_visit(1, 1), step(1, Step::Start)]).unwrap();
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    let ops = outbox(&store);
    let mut prev = Hash::ZERO;
    for (n, (row, op)) in (1..).zip(rows.iter().zip(&ops)) {
        assert_eq!(Hash::of(&row.bytes), row.sha);
        assert_eq!((row.n, op.n, op.prev), (n, n, prev));
        assert_eq!(row.op_id, op.op);
        prev = row.sha;
    }
    let state = store.sync_state().unwrap();
    assert_eq!((state.n_last, state.head, state.pending), (22, prev, 22));
    assert_eq!(state.unacked.as_slice(), &[(1, 22)]);
    assert_clean(&store);
}

#[test]
fn logical_time_rises_even_when_the_wall_clock_goes_back() {
    let store = in_memory();
    let mut tag = 0;
    for seconds in [100, 50, 10] {
        tag += 1;
        let unit = vec![Unit::One(new_customer(tag, "Shop"))];
        let mut id = || uuid(8_000_000 + tag);
        store.commit(unit, reading(seconds), &mut id).unwrap();
    }
    let times: Vec<_> = outbox(&store).iter().map(|op| op.t.hlc).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn an_operation_is_stamped_with_the_anchor_of_the_last_exchange() {
    let store = in_memory();
    let anchor = Anchor {
        utc_ms: WALL + 1_000_000,
        uncertainty_ms: 50,
        mono_ms: 0,
        boot: reading(0).boot,
        source: AnchorSource::Server,
    };
    let older = Anchor {
        mono_ms: -5,
        ..anchor
    };
    for anchor in [anchor, older] {
        store
            .settle(&Settlement {
                anchor: Some(anchor),
                ..Settlement::default()
            })
            .unwrap();
    }
    assert_eq!(store.anchors().unwrap().server(), Some(anchor));
    commit_one(&store, new_customer(1, "Shop"));
    let op = outbox(&store).pop().unwrap();
    assert!(op.t.when.earliest.unwrap() > WALL + 1_000_000);
}

#[test]
fn an_operation_names_the_revision_it_saw_and_the_operation_it_was_stacked_on() {
    let store = in_memory();
    grant(&store, &[mine()]);
    receive(
        &store,
        &mine(),
        5,
        vec![put(&mine(), customer_key(1), 5, 4, customer_body("Old"))],
    );
    let first = commit_one(&store, renamed(1, "Old", "New"));
    let second = commit_one(&store, renamed(1, "New", "Newer"));
    let ops = outbox(&store);
    assert_eq!((ops[0].base.rev, ops[0].base.after), (4, None));
    assert_eq!((ops[1].base.rev, ops[1].base.after), (4, Some(first.op_id)));
    settle(&store, vec![applied(&first, 6, 5), applied(&second, 7, 6)]);
    commit_one(&store, renamed(1, "Newer", "Newest"));
    let op = outbox(&store).pop().unwrap();
    assert_eq!((op.base.rev, op.base.after), (6, None));
    assert_clean(&store);
}

#[test]
fn what_points_at_pending_records_depends_on_the_operations_that_make_them() {
    let store = in_memory();
    let shop = commit_one(&store, new_customer(1, "Shop"));
    let visit = commit_one(&store, new_visit(1, 1));
    commit_one(&store, step(1, Step::Start));
    commit_one(&store, new_check_in(1, 1, 1));
    let ops = outbox(&store);
    assert_eq!(ops[1].deps, [shop.op_id]);
    assert_eq!(ops[2].deps, []);
    assert_eq!(ops[3].deps, [visit.op_id, shop.op_id]);
    settle(&store, vec![applied(&shop, 1, 1), applied(&visit, 2, 1)]);
    commit_one(&store, new_check_in(2, 1, 1));
    assert_eq!(outbox(&store).pop().unwrap().deps, []);
}

#[test]
fn a_group_stands_together_in_its_bytes_and_in_batches() {
    let store = in_memory();
    commit_one(&store, new_customer(1, "Shop"));
    commit_group(
        &store,
        vec![new_visit(1, 1), step(1, Step::Start), new_check_in(1, 1, 1)],
    )
    .unwrap();
    commit_one(&store, new_customer(2, "Bar"));
    let ops = outbox(&store);
    let places: Vec<_> = ops[1..4].iter().map(|op| op.group.unwrap()).collect();
    assert!(
        places
            .iter()
            .all(|place| place.id == places[0].id && place.of == 3)
    );
    assert_eq!(
        places.iter().map(|place| place.i).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let counts = |max_ops, max_bytes| -> Vec<u64> {
        let rows = store
            .outbox_batch(max_ops, max_bytes, &Ranges::default())
            .unwrap();
        rows.iter().map(|row| row.n).collect()
    };
    assert_eq!(counts(1, usize::MAX), [1]);
    assert_eq!(counts(2, usize::MAX), [1]);
    assert_eq!(counts(3, usize::MAX), [1]);
    assert_eq!(counts(4, usize::MAX), [1, 2, 3, 4]);
    assert_eq!(counts(usize::MAX, 1), [1]);
    assert_eq!(counts(0, 0), [1]);
    assert_eq!(counts(usize::MAX, usize::MAX), [1, 2, 3, 4, 5]);
    let without = |skip: u64| -> Vec<u64> {
        let skip = [skip].into_iter().collect();
        let rows = store.outbox_batch(usize::MAX, usize::MAX, &skip).unwrap();
        rows.iter().map(|row| row.n).collect()
    };
    assert_eq!(without(1), [2, 3, 4, 5]);
    assert_eq!(without(3), [1, 5]);
    assert_eq!(without(5), [1, 2, 3, 4]);
    settle(
        &store,
        vec![applied(
            &waymark_store::Committed {
                op_id: ops[0].op,
                n: 1,
                key: ops[0].key(),
            },
            1,
            1,
        )],
    );
    let group = store.outbox_batch(1, 1, &Ranges::default()).unwrap();
    assert_eq!(group.iter().map(|row| row.n).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(group.iter().all(|row| row.group == Some(places[0].id)));
}

#[test]
fn a_refused_draft_writes_nothing_of_its_call() {
    let store = in_memory();
    commit_one(&store, new_customer(1, "Shop"));
    let before = (
        everything(&store),
        store.sync_state().unwrap(),
        store.ledger().unwrap(),
    );
    let foreign = Customer {
        owner: Some(user(2)),
        ..customer("Theirs")
    };
    let delete = Draft {
        act: Act::Delete,
        set: Default::default(),
        references: Vec::new(),
        ..new_note(9, 1, "x")
    };
    let cases = [
        (vec![new_customer(1, "Again")], Code::AlreadyExists),
        (
            vec![Draft::new(customer_id(2), &foreign).unwrap()],
            Code::Forbidden,
        ),
        (vec![new_visit(1, 99)], Code::UnknownReference),
        (vec![step(7, Step::Start)], Code::NotFound),
        (
            vec![new_visit(1, 1), step(1, Step::Finish)],
            Code::WrongState,
        ),
        (
            vec![renamed(1, "What nobody saw", "Mine")],
            Code::WrongState,
        ),
        (vec![new_note(9, 1, "x"), delete], Code::AppendOnly),
    ];
    for (drafts, code) in cases {
        let drafts: Vec<Draft> = std::iter::once(new_customer(50, "Good"))
            .chain(drafts)
            .collect();
        for result in [commit(&store, drafts.clone()), commit_group(&store, drafts)] {
            match result {
                Err(StoreError::Refused(refusal)) => assert_eq!(refusal.code, code),
                other => panic!("{code:?}: {other:?}"),
            }
        }
        let after = (
            everything(&store),
            store.sync_state().unwrap(),
            store.ledger().unwrap(),
        );
        assert_eq!(before, after);
    }
    assert_clean(&store);
}

#[test]
fn a_draft_may_point_at_what_an_earlier_draft_of_the_call_makes() {
    let store = in_memory();
    let drafts = vec![
        new_customer(1, "Shop"),
        new_visit(1, 1),
        step(1, Step::Start),
        new_check_in(1, 1, 1),
    ];
    commit_group(&store, drafts).unwrap();
    let visit = store
        .read(|reader| reader.visit_in_progress(anna()))
        .unwrap()
        .unwrap();
    assert_eq!(visit.visit.id, visit_id(1).into());
    assert_eq!(visit.customer_name.as_deref(), Some("Shop"));
    assert_eq!(visit.visit.pending, 2);
    assert_clean(&store);
}

#[test]
fn a_group_larger_than_its_limit_is_refused() {
    let store = in_memory();
    let drafts = (0..501).map(|tag| new_customer(tag, "Shop")).collect();
    assert!(
        matches!(commit_group(&store, drafts), Err(StoreError::Refused(refusal)) if refusal.code == Code::TooLong)
    );
}

#[test]
fn without_an_identity_nothing_is_sealed() {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    let store = waymark_store::Store::from_connection(conn).unwrap().store;
    assert_eq!(store.identity().unwrap(), None);
    assert_eq!(
        commit(&store, vec![new_customer(1, "Shop")]),
        Err(StoreError::NoIdentity)
    );
}

#[test]
fn a_file_stays_with_its_user_and_a_device_with_its_unsent_work() {
    let store = in_memory();
    let op = commit_one(&store, new_customer(1, "Shop"));
    let other_user = waymark_store::Identity {
        user: user(2),
        ..identity()
    };
    assert_eq!(store.set_identity(&other_user), Err(StoreError::OtherUser));
    let promoted = waymark_store::Identity {
        role: Role::Manager,
        extra: Body::new(),
        ..identity()
    };
    store.set_identity(&promoted).unwrap();
    let other_device = waymark_store::Identity {
        device: waymark_domain::ids::DeviceId::from_uuid(uuid(9_000_009)),
        ..promoted
    };
    assert_eq!(
        store.set_identity(&other_device),
        Err(StoreError::UnsentWork)
    );
    settle(&store, vec![applied(&op, 1, 1)]);
    store.set_identity(&other_device).unwrap();
    assert_eq!(store.identity().unwrap(), Some(other_device));
    commit_one(&store, new_customer(2, "Bar"));
    let ops = outbox(&store);
    assert_eq!((ops[0].n, ops[0].prev), (1, Hash::ZERO));
    assert_clean(&store);
}
