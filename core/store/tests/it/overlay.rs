//! Base and overlay: what the rep sees while the server and the rep both write.

use serde_json::Value;
use waymark_domain::visit::Step;
use waymark_store::Store;

use crate::desk::*;

/// A device with one customer named "Old" at revision 1, checkpoint 10.
fn with_customer() -> Store {
    let store = in_memory();
    grant(&store, &[mine()]);
    receive(
        &store,
        &mine(),
        10,
        vec![put(&mine(), customer_key(1), 10, 1, customer_body("Old"))],
    );
    store
}

#[test]
fn an_acknowledged_edit_goes_on_showing_until_its_checkpoint_is_published() {
    let store = with_customer();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    assert_eq!(
        (name_of(&store, 1).as_deref(), pending_of(&store, 1)),
        (Some("New"), 1)
    );
    settle(&store, vec![applied(&op, 12, 2)]);
    assert_eq!(
        (name_of(&store, 1).as_deref(), pending_of(&store, 1)),
        (Some("New"), 0)
    );
    // a checkpoint before the operation's place does not take it away, and a page alone shows nothing
    store.stage(&page(&mine(), 11, vec![])).unwrap();
    store.publish(11, &[]).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    let changes = vec![put(&mine(), customer_key(1), 12, 2, customer_body("New"))];
    store.stage(&page(&mine(), 12, changes)).unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    let published = store.publish(12, &[]).unwrap();
    assert_eq!(published.changed, [customer_key(1)]);
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    assert_clean(&store);
}

#[test]
fn a_checkpoint_that_says_otherwise_is_believed() {
    let store = with_customer();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    settle(&store, vec![applied(&op, 12, 2)]);
    receive(
        &store,
        &mine(),
        14,
        vec![put(
            &mine(),
            customer_key(1),
            14,
            3,
            customer_body("Theirs"),
        )],
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("Theirs"));
    assert_clean(&store);
}

#[test]
fn a_newer_row_is_not_overlaid_with_what_it_contains_already() {
    // another scope's snapshot is incomplete, so the checkpoint stays; the row itself says that it has the operation
    let store = with_customer();
    let team = waymark_domain::scope::Scope::team("north");
    grant(&store, &[mine(), team.clone()]);
    store
        .stage(&waymark_store::Page {
            wanted: vec![team],
            ..Default::default()
        })
        .unwrap();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    settle(&store, vec![applied(&op, 12, 2)]);
    receive(
        &store,
        &mine(),
        14,
        vec![put(
            &mine(),
            customer_key(1),
            14,
            3,
            customer_body("Theirs"),
        )],
    );
    assert_eq!(store.sync_state().unwrap().checkpoint_seq, 10);
    assert_eq!(name_of(&store, 1).as_deref(), Some("Theirs"));
    assert_clean(&store);
}

#[test]
fn a_rejected_edit_leaves_the_view_and_needs_attention() {
    let store = with_customer();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    let bytes = store
        .read(|reader| reader.outbox(0, 9))
        .unwrap()
        .pop()
        .unwrap()
        .bytes;
    let report = settle(&store, vec![rejected(&op)]);
    assert_eq!((report.settled, report.changed), (1, vec![customer_key(1)]));
    assert_eq!(name_of(&store, 1).as_deref(), Some("Old"));
    let attention = store.read(|reader| reader.attention()).unwrap();
    assert_eq!(attention.len(), 1);
    assert_eq!((attention[0].op_id, attention[0].n), (op.op_id, Some(op.n)));
    assert_eq!(
        (attention[0].code.as_str(), &attention[0].bytes),
        ("rejected", &bytes)
    );
    let ledger = store.ledger().unwrap();
    assert_eq!(
        (ledger.created, ledger.needs_attention, ledger.pending),
        (1, 1, 0)
    );
    assert_clean(&store);
}

#[test]
fn an_operation_that_fixes_another_closes_its_entry() {
    let store = with_customer();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    settle(&store, vec![rejected(&op)]);
    let mut again = renamed(1, "Old", "Newer");
    again.fixes = Some(op.op_id);
    let fix = commit_one(&store, again);
    assert_eq!(store.read(|reader| reader.attention()).unwrap(), []);
    let entry = store
        .read(|reader| reader.attention_of(op.op_id))
        .unwrap()
        .unwrap();
    assert_eq!(entry.resolved_by, Some(fix.op_id.to_string()));
    assert!(
        !store
            .resolve_attention(op.op_id, "discarded", WALL)
            .unwrap()
    );
    assert_clean(&store);
}

#[test]
fn what_the_server_says_during_a_pending_edit_changes_base_alone_and_the_view_is_the_fold() {
    let store = with_customer();
    commit_one(&store, renamed(1, "Old", "New"));
    let mut theirs = customer_body("Old");
    theirs.insert("phone".to_owned(), Value::from("+377 1"));
    receive(
        &store,
        &mine(),
        12,
        vec![put(&mine(), customer_key(1), 12, 2, theirs.clone())],
    );
    let base = store
        .read(|reader| reader.base(&customer_key(1)))
        .unwrap()
        .unwrap();
    assert_eq!((base.rev, base.body), (2, theirs));
    let row = store
        .read(|reader| reader.customer(customer_id(1)))
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.record.name.as_str(), row.record.phone.as_deref()),
        ("New", Some("+377 1"))
    );
    assert_eq!((row.rev, row.pending), (2, 1));
    // both changed the name: until the server has spoken the rep sees the rep's own
    receive(
        &store,
        &mine(),
        13,
        vec![put(
            &mine(),
            customer_key(1),
            13,
            3,
            customer_body("Theirs"),
        )],
    );
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    assert_clean(&store);
}

#[test]
fn a_narrowed_scope_hides_its_rows_and_keeps_what_is_pending() {
    let store = with_customer();
    let team = waymark_domain::scope::Scope::team("north");
    grant(&store, &[mine(), team.clone()]);
    let shared = put(&team, customer_key(2), 11, 1, customer_body("Shared"));
    let both = put(&team, customer_key(1), 11, 1, customer_body("Old"));
    receive(&store, &team, 11, vec![shared, both]);
    commit_one(&store, renamed(2, "Shared", "Mine"));
    commit_one(&store, renamed(1, "Old", "New"));
    let ops = outbox(&store);
    let report = grant(&store, std::slice::from_ref(&team));
    assert_eq!((report.revoked, report.changed), (vec![mine()], vec![]));
    assert_eq!(name_of(&store, 1).as_deref(), Some("New"));
    let report = grant(&store, &[mine()]);
    assert_eq!(report.revoked, std::slice::from_ref(&team));
    assert_eq!(report.granted, [mine()]);
    assert_eq!((name_of(&store, 1), name_of(&store, 2)), (None, None));
    assert_eq!(
        store.read(|reader| reader.base(&customer_key(2))).unwrap(),
        None
    );
    assert_eq!(outbox(&store), ops);
    assert_clean(&store);
    // the scope comes back: so does what was pending on it
    grant(&store, &[mine(), team.clone()]);
    receive(
        &store,
        &team,
        20,
        vec![put(&team, customer_key(2), 11, 1, customer_body("Shared"))],
    );
    assert_eq!(
        (name_of(&store, 2).as_deref(), pending_of(&store, 2)),
        (Some("Mine"), 1)
    );
    assert_clean(&store);
}

#[test]
fn answers_to_operations_that_were_answered_before_are_ignored() {
    let store = with_customer();
    let op = commit_one(&store, renamed(1, "Old", "New"));
    settle(&store, vec![applied(&op, 12, 2)]);
    let before = (everything(&store), store.ledger().unwrap());
    let report = settle(&store, vec![rejected(&op), applied(&op, 99, 9)]);
    assert_eq!((report.settled, report.ignored), (0, 2));
    assert_eq!((everything(&store), store.ledger().unwrap()), before);
}

#[test]
fn a_whole_visit_shows_step_by_step_and_survives_its_settlement_in_any_order() {
    let store = with_customer();
    let ops = commit(
        &store,
        vec![
            new_visit(1, 1),
            step(1, Step::Start),
            new_check_in(1, 1, 1),
            step(1, Step::Finish),
        ],
    )
    .unwrap();
    let before = everything(&store);
    let answers = vec![
        applied(&ops[0], 11, 1),
        applied(&ops[1], 12, 2),
        applied(&ops[2], 13, 1),
        applied(&ops[3], 14, 3),
    ];
    for answer in answers {
        settle(&store, vec![answer]);
        let bodies = |rows: &[waymark_store::ExportRow]| {
            rows.iter().map(|row| row.body.clone()).collect::<Vec<_>>()
        };
        assert_eq!(bodies(&everything(&store)), bodies(&before));
        assert_clean(&store);
    }
}

#[test]
fn two_stores_with_the_same_past_show_the_same_after_their_views_are_rebuilt() {
    let store = with_customer();
    commit(
        &store,
        vec![
            renamed(1, "Old", "New"),
            new_visit(1, 1),
            new_note(1, 1, "Closed on Mondays"),
        ],
    )
    .unwrap();
    let before = everything(&store);
    let conn = store.into_connection().unwrap();
    conn.execute_batch(
        "UPDATE meta SET value = '\"00\"' WHERE key = 'views'; DELETE FROM view_note",
    )
    .unwrap();
    conn.execute_batch("CREATE TABLE view_of_an_older_version (id BLOB) STRICT")
        .unwrap();
    let opened = Store::from_connection(conn).unwrap();
    assert!(opened.report.views_rebuilt);
    assert!(!opened.store.schema_sql().unwrap().contains("older_version"));
    assert_eq!(everything(&opened.store), before);
    assert_clean(&opened.store);
    let opened = Store::from_connection(opened.store.into_connection().unwrap()).unwrap();
    assert!(!opened.report.views_rebuilt && !opened.report.created);
}
