//! The server was restored.

use waymark_domain::ranges::Ranges;
use waymark_store::Store;

use crate::desk::*;

/// Five customers made here; the server took them all and the device has them back.
fn settled() -> (Store, Vec<Vec<u8>>) {
    let store = in_memory();
    grant(&store, &[mine()]);
    let ops = commit(
        &store,
        (1..=5).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    settle(
        &store,
        ops.iter().map(|op| applied(op, 10 + op.n, 1)).collect(),
    );
    let changes = (1..=5)
        .map(|tag| {
            put(
                &mine(),
                customer_key(tag),
                10 + tag,
                1,
                customer_body("Shop"),
            )
        })
        .collect();
    receive(&store, &mine(), 15, changes);
    (store, rows.into_iter().map(|row| row.bytes).collect())
}

#[test]
fn what_the_server_lost_goes_up_again_in_its_exact_bytes_and_nothing_else_does() {
    let (store, bytes) = settled();
    let have: Ranges = [1, 2, 4].into_iter().collect();
    let requeued = store.begin_epoch(epoch(2), &have).unwrap();
    assert_eq!(
        (requeued.ops, requeued.counts.as_slice()),
        (2, &[(3, 3), (5, 5)][..])
    );
    assert!(requeued.missing.is_empty());
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    assert_eq!(
        rows.iter().map(|row| &row.bytes).collect::<Vec<_>>(),
        [&bytes[2], &bytes[4]]
    );
    let state = store.sync_state().unwrap();
    assert_eq!(
        (state.epoch, state.checkpoint_seq, state.n_last),
        (Some(epoch(2)), 0, 5)
    );
    assert!(state.scopes.iter().all(|scope| scope.wanted));
    assert_eq!(everything(&store).len(), 5);
    assert_clean(&store);
}

#[test]
fn rows_of_the_new_epoch_replace_the_old_ones_however_low_their_revision() {
    let (store, _) = settled();
    receive(
        &store,
        &mine(),
        20,
        vec![put(&mine(), customer_key(1), 20, 9, customer_body("Lost"))],
    );
    store.begin_epoch(epoch(2), &(1..=5).collect()).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Lost"));
    store
        .stage_snapshot(&waymark_store::SnapshotStage {
            scope: mine(),
            pin: 3,
            puts: vec![waymark_store::StagedPut {
                key: customer_key(1),
                seq: 3,
                rev: 2,
                body: customer_body("Restored"),
            }],
            next: None,
        })
        .unwrap();
    let theirs = digest(&[(customer_key(1), 2)]);
    assert_eq!(
        store.publish(3, &[(mine(), theirs)]).unwrap().mismatched,
        []
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("Restored"));
    assert_eq!(name_of(&store, 2), None);
    assert_clean(&store);
}

#[test]
fn what_was_acknowledged_and_not_yet_published_shows_until_the_new_epochs_first_checkpoint() {
    let (store, _) = settled();
    let op = commit_one(&store, renamed(1, "Shop", "Kiosk"));
    settle(&store, vec![applied(&op, 16, 2)]);
    store.begin_epoch(epoch(2), &(1..=6).collect()).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Kiosk"));
    assert_clean(&store);
    store
        .stage_snapshot(&waymark_store::SnapshotStage {
            scope: mine(),
            pin: 3,
            puts: vec![waymark_store::StagedPut {
                key: customer_key(1),
                seq: 3,
                rev: 1,
                body: customer_body("Kiosk, as the server has it"),
            }],
            next: None,
        })
        .unwrap();
    store.publish(3, &[]).unwrap();
    assert_eq!(
        name_of(&store, 1).as_deref(),
        Some("Kiosk, as the server has it")
    );
    assert_clean(&store);
}

#[test]
fn counts_that_nobody_can_send_any_more_are_named() {
    let (store, _) = settled();
    let bad = commit_one(&store, new_customer(6, "Bad"));
    settle(&store, vec![rejected(&bad)]);
    assert_eq!(store.prune_history(WALL + 1).unwrap(), 5);
    let requeued = store
        .begin_epoch(epoch(2), &[1].into_iter().collect())
        .unwrap();
    assert_eq!(requeued.counts.as_slice(), &[(6, 6)]);
    assert_eq!(requeued.missing.as_slice(), &[(2, 5)]);
    assert_clean(&store);
}

#[test]
fn a_refused_operation_goes_up_again_and_what_a_person_settled_stays_settled() {
    let (store, _) = settled();
    let ops = commit(
        &store,
        vec![new_customer(6, "Open"), new_customer(7, "Dealt with")],
    )
    .unwrap();
    settle(&store, vec![rejected(&ops[0]), rejected(&ops[1])]);
    assert!(
        store
            .resolve_attention(ops[1].op_id, "discarded", WALL)
            .unwrap()
    );
    let requeued = store.begin_epoch(epoch(2), &(1..=5).collect()).unwrap();
    assert_eq!(requeued.counts.as_slice(), &[(6, 7)]);
    assert_eq!(store.read(|reader| reader.attention()).unwrap(), []);
    assert_clean(&store);
    // what was dealt with is not sent as if nothing had happened: it counts as having failed often
    let rows = store.read(|reader| reader.outbox(0, 9)).unwrap();
    assert_eq!((rows[0].attempts, rows[1].attempts > 100), (0, true));
    settle(&store, vec![rejected(&ops[0]), rejected(&ops[1])]);
    let open = store.read(|reader| reader.attention()).unwrap();
    assert_eq!(
        open.iter().map(|entry| entry.op_id).collect::<Vec<_>>(),
        [ops[0].op_id]
    );
    assert_clean(&store);
}

#[test]
fn an_answer_that_is_no_json_goes_up_again_like_any_other() {
    let (store, _) = settled();
    let op = commit_one(&store, new_customer(6, "Odd"));
    let odd = waymark_store::SettledOp {
        outcome: "no json".to_owned(),
        ..rejected(&op)
    };
    settle(&store, vec![odd]);
    let requeued = store.begin_epoch(epoch(2), &(1..=5).collect()).unwrap();
    assert_eq!(requeued.counts.as_slice(), &[(6, 6)]);
    assert_clean(&store);
}

#[test]
fn an_epoch_is_taken_once_by_settling_and_changed_only_by_beginning_another() {
    let (store, _) = settled();
    store
        .settle(&waymark_store::Settlement {
            epoch: Some(epoch(7)),
            ..Default::default()
        })
        .unwrap();
    assert_eq!(store.sync_state().unwrap().epoch, Some(epoch(1)));
}
