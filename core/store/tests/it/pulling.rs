//! Staging, snapshots, publishing and digests.

use serde_json::json;
use waymark_domain::ids::RecordId;
use waymark_domain::record::RecordKey;
use waymark_domain::scope::Scope;
use waymark_store::{Page, SnapshotStage, StagedPut, Store};

use crate::desk::*;

fn team() -> Scope {
    Scope::team("north")
}

fn with_scopes() -> Store {
    let store = in_memory();
    grant(&store, &[mine(), team()]);
    store
}

fn snapshot(pin: u64, tags: &[u64], rev: u64, last: bool) -> SnapshotStage {
    let puts: Vec<StagedPut> = tags
        .iter()
        .map(|tag| StagedPut {
            key: customer_key(*tag),
            seq: pin.min(*tag),
            rev,
            body: customer_body(&format!("Shop {tag} at {rev}")),
        })
        .collect();
    let next = puts.last().map(|put| (put.key.kind.clone(), put.key.id));
    SnapshotStage {
        scope: mine(),
        pin,
        puts,
        next: next.filter(|_| !last),
    }
}

fn want(store: &Store, scope: Scope) {
    let page = Page {
        wanted: vec![scope],
        ..Page::default()
    };
    store.stage(&page).unwrap();
}

fn wanted(store: &Store) -> Vec<Scope> {
    let scopes = store.sync_state().unwrap().scopes;
    scopes
        .into_iter()
        .filter(|scope| scope.wanted)
        .map(|scope| scope.scope)
        .collect()
}

#[test]
fn nothing_of_a_page_is_seen_before_it_is_published() {
    let store = with_scopes();
    let changes = vec![put(&mine(), customer_key(1), 5, 1, customer_body("Shop"))];
    store.stage(&page(&mine(), 5, changes)).unwrap();
    assert_eq!(everything(&store), []);
    let state = store.sync_state().unwrap();
    let cursor = |scope: &Scope| {
        state
            .scopes
            .iter()
            .find(|at| at.scope == *scope)
            .unwrap()
            .cursor
    };
    assert_eq!(
        (cursor(&mine()), cursor(&team()), state.checkpoint_seq),
        (5, 0, 0)
    );
    store
        .publish(5, &[(mine(), digest(&[(customer_key(1), 1)]))])
        .unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Shop"));
    assert_eq!(store.sync_state().unwrap().checkpoint_seq, 5);
    assert_clean(&store);
}

#[test]
fn the_digest_follows_rows_that_come_change_move_and_go() {
    let store = with_scopes();
    let check = |mine_rows: &[(RecordKey, u64)], team_rows: &[(RecordKey, u64)]| {
        let digests = store.read(|reader| reader.digests()).unwrap();
        assert_eq!(digests[&mine()], digest(mine_rows));
        assert_eq!(digests[&team()], digest(team_rows));
        assert_clean(&store);
    };
    let (one, two) = (customer_key(1), customer_key(2));
    let rows = |seq, rev| {
        vec![
            put(&mine(), one.clone(), seq, rev, customer_body("A")),
            put(&team(), one.clone(), seq, rev, customer_body("A")),
        ]
    };
    let stage = |seq, changes| {
        store
            .stage(&Page {
                changes,
                next: vec![(mine(), seq), (team(), seq)],
                wanted: vec![],
            })
            .unwrap();
        store.publish(seq, &[]).unwrap();
    };
    stage(1, rows(1, 1));
    check(&[(one.clone(), 1)], &[(one.clone(), 1)]);
    // a new revision through one scope counts in both
    stage(
        2,
        vec![
            put(&mine(), one.clone(), 2, 2, customer_body("B")),
            put(&mine(), two.clone(), 2, 1, customer_body("C")),
        ],
    );
    check(&[(one.clone(), 2), (two.clone(), 1)], &[(one.clone(), 2)]);
    // it moves from one scope to another under one place
    stage(
        3,
        vec![
            leave(&mine(), two.clone(), 3),
            put(&team(), two.clone(), 3, 2, customer_body("D")),
        ],
    );
    check(&[(one.clone(), 2)], &[(one.clone(), 2), (two.clone(), 2)]);
    assert_eq!(name_of(&store, 2).as_deref(), Some("D"));
    stage(
        4,
        vec![
            leave(&team(), two.clone(), 4),
            leave(&mine(), one.clone(), 4),
            leave(&mine(), customer_key(9), 4),
        ],
    );
    check(&[], &[(one.clone(), 2)]);
    assert_eq!(
        (name_of(&store, 1).as_deref(), name_of(&store, 2)),
        (Some("B"), None)
    );
}

#[test]
fn an_older_row_of_another_scope_never_replaces_a_newer_one() {
    let store = with_scopes();
    let changes = vec![put(&mine(), customer_key(1), 9, 7, customer_body("New"))];
    store.stage(&page(&mine(), 9, changes)).unwrap();
    let changes = vec![put(&team(), customer_key(1), 5, 4, customer_body("Old"))];
    store.stage(&page(&team(), 9, changes)).unwrap();
    let theirs = digest(&[(customer_key(1), 7)]);
    let published = store
        .publish(9, &[(mine(), theirs.clone()), (team(), theirs)])
        .unwrap();
    assert_eq!(published.mismatched, []);
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    receive(
        &store,
        &team(),
        10,
        vec![put(&team(), customer_key(1), 5, 4, customer_body("Old"))],
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    assert_clean(&store);
}

#[test]
fn a_later_page_supersedes_an_earlier_one_and_never_the_other_way_round() {
    let store = with_scopes();
    let at = |seq, rev, name| put(&mine(), customer_key(1), seq, rev, customer_body(name));
    store
        .stage(&page(&mine(), 5, vec![at(5, 2, "Later")]))
        .unwrap();
    store
        .stage(&page(&mine(), 6, vec![at(4, 1, "Earlier")]))
        .unwrap();
    store.publish(6, &[]).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Later"));
}

#[test]
fn changes_of_a_scope_that_is_not_on_the_list_are_not_kept() {
    let store = with_scopes();
    let theirs = Scope::user(user(2));
    receive(
        &store,
        &theirs,
        5,
        vec![put(&theirs, customer_key(1), 5, 1, customer_body("Theirs"))],
    );
    assert_eq!(
        store.read(|reader| reader.base(&customer_key(1))).unwrap(),
        None
    );
}

#[test]
fn a_wrong_digest_marks_its_scope_alone_and_keeps_the_rows() {
    let store = with_scopes();
    let changes = vec![
        put(&mine(), customer_key(1), 5, 1, customer_body("Mine")),
        put(&team(), customer_key(2), 5, 1, customer_body("Ours")),
    ];
    store
        .stage(&Page {
            changes,
            next: vec![(mine(), 5), (team(), 5)],
            wanted: vec![],
        })
        .unwrap();
    let wrong = digest(&[(customer_key(1), 2)]);
    let right = digest(&[(customer_key(2), 1)]);
    let published = store
        .publish(5, &[(mine(), wrong.clone()), (team(), right)])
        .unwrap();
    assert_eq!(published.mismatched, [mine()]);
    assert_eq!(wanted(&store), [mine()]);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Mine"));
    // the snapshot mends it, even where a row had rotted to a higher revision
    let mut page = snapshot(5, &[1], 2, true);
    page.puts[0].rev = 2;
    store.stage_snapshot(&page).unwrap();
    assert_eq!(store.publish(6, &[(mine(), wrong)]).unwrap().mismatched, []);
    assert_eq!(wanted(&store), []);
    assert_clean(&store);
}

#[test]
fn a_row_that_rotted_to_a_higher_revision_is_mended_by_the_snapshot() {
    let store = with_scopes();
    receive(
        &store,
        &mine(),
        5,
        vec![put(&mine(), customer_key(1), 5, 3, customer_body("Shop"))],
    );
    let conn = store.into_connection().unwrap();
    conn.execute_batch("UPDATE base SET rev = 900").unwrap();
    let store = Store::from_connection(conn).unwrap().store;
    assert_eq!(store.check().unwrap().digests, [mine()]);
    let right = digest(&[(customer_key(1), 4)]);
    let changes = vec![put(&mine(), customer_key(1), 6, 4, customer_body("Shop"))];
    store.stage(&page(&mine(), 6, changes)).unwrap();
    assert_eq!(
        store
            .publish(6, &[(mine(), right.clone())])
            .unwrap()
            .mismatched,
        [mine()]
    );
    store.stage_snapshot(&snapshot(7, &[1], 4, true)).unwrap();
    assert_eq!(store.publish(7, &[(mine(), right)]).unwrap().mismatched, []);
    assert_clean(&store);
}

#[test]
fn a_snapshot_replaces_what_was_there_and_removes_ghosts() {
    let store = with_scopes();
    let changes = (1..=4)
        .map(|tag| put(&mine(), customer_key(tag), 5, 1, customer_body("Shop")))
        .collect();
    receive(&store, &mine(), 5, changes);
    commit_one(&store, renamed(3, "Shop", "Pending"));
    want(&store, mine());
    store
        .stage_snapshot(&snapshot(9, &[2, 4], 2, true))
        .unwrap();
    assert_eq!(wanted(&store), []);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Shop"));
    // between the snapshot's pin and the checkpoint one of its rows went and one came
    let changes = vec![
        leave(&mine(), customer_key(4), 10),
        put(&mine(), customer_key(5), 10, 1, customer_body("New")),
    ];
    store.stage(&page(&mine(), 10, changes)).unwrap();
    let theirs = digest(&[(customer_key(2), 2), (customer_key(5), 1)]);
    let published = store.publish(10, &[(mine(), theirs)]).unwrap();
    assert_eq!(published.mismatched, []);
    let names: Vec<_> = (1..=5).map(|tag| name_of(&store, tag)).collect();
    assert_eq!(
        names,
        [
            None,
            Some("Shop 2 at 2".to_owned()),
            None,
            None,
            Some("New".to_owned())
        ]
    );
    assert_eq!(outbox(&store).len(), 1);
    assert_clean(&store);
}

#[test]
fn a_snapshot_goes_on_where_it_was_after_a_restart_and_waits_until_it_is_complete() {
    let mut store = with_scopes();
    want(&store, mine());
    let pages: [&[u64]; 3] = [&[1, 2], &[3, 4], &[5]];
    for (i, tags) in pages.into_iter().enumerate() {
        store.stage_snapshot(&snapshot(9, tags, 1, i == 2)).unwrap();
        store = Store::from_connection(store.into_connection().unwrap())
            .unwrap()
            .store;
        if i < 2 {
            let state = store.sync_state().unwrap();
            let place = state.scopes.iter().find(|at| at.scope == mine()).unwrap();
            let snap = place.snap.clone().unwrap();
            let last: RecordId = customer_id(*tags.last().unwrap()).into();
            assert_eq!(
                (place.wanted, snap.pin, snap.after.unwrap().1),
                (true, 9, last)
            );
            // asking for it again does not begin it again, and another scope's checkpoint does not publish it
            want(&store, mine());
            receive(
                &store,
                &team(),
                8,
                vec![put(
                    &team(),
                    customer_key(70 + tags[0]),
                    8,
                    1,
                    customer_body("Ours"),
                )],
            );
            assert_eq!(name_of(&store, 1), None);
            assert_eq!(store.sync_state().unwrap().checkpoint_seq, 0);
        }
    }
    let rows: Vec<_> = (1..=5).map(|tag| (customer_key(tag), 1)).collect();
    assert_eq!(
        store
            .publish(9, &[(mine(), digest(&rows))])
            .unwrap()
            .mismatched,
        []
    );
    assert_eq!(store.sync_state().unwrap().checkpoint_seq, 9);
    assert_clean(&store);
}

#[test]
fn a_snapshot_with_another_pin_begins_anew() {
    let store = with_scopes();
    want(&store, mine());
    store
        .stage_snapshot(&snapshot(9, &[1, 2], 1, false))
        .unwrap();
    store
        .stage_snapshot(&snapshot(20, &[2, 3], 2, true))
        .unwrap();
    store
        .publish(
            20,
            &[(
                mine(),
                digest(&[(customer_key(2), 2), (customer_key(3), 2)]),
            )],
        )
        .unwrap();
    assert_eq!(name_of(&store, 1), None);
    assert_clean(&store);
}

#[test]
fn a_snapshot_page_does_not_undo_a_newer_change_that_came_meanwhile() {
    let store = with_scopes();
    want(&store, mine());
    store.stage_snapshot(&snapshot(9, &[1], 1, false)).unwrap();
    let changes = vec![
        put(&mine(), customer_key(2), 12, 5, customer_body("Newest")),
        leave(&mine(), customer_key(1), 13),
    ];
    store.stage(&page(&mine(), 13, changes)).unwrap();
    store.stage_snapshot(&snapshot(9, &[2], 1, true)).unwrap();
    store.publish(13, &[]).unwrap();
    assert_eq!(
        (name_of(&store, 1), name_of(&store, 2).as_deref()),
        (None, Some("Newest"))
    );
    assert_clean(&store);
}

#[test]
fn unknown_kinds_and_unknown_fields_are_kept_as_they_came() {
    let store = with_scopes();
    let contract =
        body(&json!({"z": 1, "a": [1.5, null, {"deep": "ü"}], "big": 9_007_199_254_740_993_i64}));
    let mut shop = customer_body("Shop");
    shop.insert(
        "loyalty".to_owned(),
        json!({"tier": "gold", "points": [1, 2]}),
    );
    let changes = vec![
        put(&mine(), unknown_kind(1), 5, 1, contract.clone()),
        put(&mine(), customer_key(1), 5, 1, shop.clone()),
    ];
    store.stage(&page(&mine(), 5, changes)).unwrap();
    let theirs = digest(&[(unknown_kind(1), 1), (customer_key(1), 1)]);
    assert_eq!(
        store.publish(5, &[(mine(), theirs)]).unwrap().mismatched,
        []
    );
    let base = store
        .read(|reader| reader.base(&unknown_kind(1)))
        .unwrap()
        .unwrap();
    assert_eq!(
        serde_json::to_string(&base.body).unwrap(),
        serde_json::to_string(&contract).unwrap()
    );
    commit_one(&store, renamed(1, "Shop", "Kiosk"));
    shop.insert("name".to_owned(), json!("Kiosk"));
    let row = store
        .read(|reader| reader.record(&customer_key(1)))
        .unwrap()
        .unwrap();
    assert_eq!(row.body, shop);
    assert_clean(&store);
}

#[test]
fn a_body_that_does_not_read_is_kept_in_base_and_counted() {
    let store = with_scopes();
    let changes = vec![put(
        &mine(),
        customer_key(1),
        5,
        1,
        body(&json!({"name": 5})),
    )];
    store.stage(&page(&mine(), 5, changes)).unwrap();
    assert_eq!(store.publish(5, &[]).unwrap().unreadable, 1);
    assert_eq!(name_of(&store, 1), None);
    assert_clean(&store);
}
