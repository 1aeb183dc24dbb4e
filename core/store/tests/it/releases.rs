//! Files of released versions open in this one, with everything that waits in them.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::visit::Step;
use waymark_store::{Mode, Store};

use crate::desk::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/db")
}

fn released() -> Vec<PathBuf> {
    let files = std::fs::read_dir(fixtures()).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
    paths.sort();
    paths
}

/// Count, id, bytes and hash of an operation.
type Frozen = (i64, Vec<u8>, Vec<u8>, Vec<u8>);

/// The outbox's frozen columns, past the store.
fn frozen(path: &Path) -> Vec<Frozen> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT n, op_id, bytes, sha FROM outbox ORDER BY n")
        .unwrap();
    let rows = statement
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn broken_references(path: &Path) -> u32 {
    let conn = Connection::open(path).unwrap();
    let count = "SELECT count(*) FROM pragma_foreign_key_check";
    conn.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn every_released_file_opens_with_the_schema_of_a_fresh_one_and_all_that_waits_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = Store::open(&folder.path().join("fresh.db")).unwrap();
    assert!(fresh.report.created);
    let fresh = fresh.store.schema_sql().unwrap();
    let released = released();
    assert!(
        released.len() >= 2,
        "an empty and a filled file of each version: {released:?}"
    );
    for original in released {
        let name = original.file_name().unwrap();
        let path = folder.path().join(name);
        std::fs::copy(&original, &path).unwrap();
        let waiting = frozen(&path);
        let filled = name.to_str().unwrap().ends_with("-filled.db");
        assert_eq!(!waiting.is_empty(), filled);
        let opened = Store::open(&path).unwrap();
        assert_eq!(
            (opened.report.mode, opened.report.created),
            (Mode::ReadWrite, false)
        );
        assert_eq!(
            (opened.report.damaged_ops, opened.report.salvage),
            (0, None)
        );
        let store = opened.store;
        assert_eq!(store.schema_sql().unwrap(), fresh, "{name:?}");
        assert_clean(&store);
        assert_eq!(frozen(&path), waiting);
        assert_eq!(broken_references(&path), 0);
        for (_, _, bytes, sha) in &waiting {
            assert_eq!(Hash::of(bytes).as_bytes().as_slice(), sha);
        }
        if filled {
            assert_eq!(store.identity().unwrap(), Some(identity()));
            assert!(
                store
                    .read(|reader| reader.customers(waymark_store::Owner::Any, 9, 0))
                    .unwrap()
                    .len()
                    > 1
            );
            assert_eq!(store.read(|reader| reader.attention()).unwrap().len(), 1);
        }
        commit_after_update(&store, filled);
    }
}

fn commit_after_update(store: &Store, filled: bool) {
    if !filled {
        store.set_identity(&identity()).unwrap();
    }
    let before = store.sync_state().unwrap();
    let op = commit_one(store, new_customer(900, "After the update"));
    assert_eq!(op.n, before.n_last + 1);
    let ops = outbox(store);
    assert_eq!(ops.last().unwrap().prev, before.head);
    assert_clean(store);
}

/// Writes the two files of the present version. Run it once, when a version is released:
/// `cargo test -p waymark-store --test it -- --ignored write_the_fixtures`.
#[test]
#[ignore = "writes into tests/fixtures/db"]
fn write_the_fixtures_of_this_version() {
    let version = {
        let conn = in_memory().into_connection().unwrap();
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
            .unwrap()
    };
    std::fs::create_dir_all(fixtures()).unwrap();
    for kind in ["empty", "filled"] {
        let path = fixtures().join(format!("v{version}-{kind}.db"));
        assert!(
            !path.exists(),
            "{} is released: it is never written again",
            path.display()
        );
        let store = Store::open(&path).unwrap().store;
        if kind == "filled" {
            fill(&store);
        }
        store.suspend().unwrap();
    }
}

/// A little of everything: rows of base of a known and an unknown kind, history, attention, an incomplete snapshot, and work of every kind
/// that waits.
fn fill(store: &Store) {
    store.set_identity(&identity()).unwrap();
    let team = waymark_domain::scope::Scope::team("north");
    grant(store, &[mine(), team.clone()]);
    let ops = commit(
        store,
        vec![
            new_customer(1, "Apotheke"),
            new_customer(2, "Kiosk"),
            new_customer(3, "Bar"),
        ],
    )
    .unwrap();
    settle(
        store,
        vec![
            applied(&ops[0], 5, 1),
            applied(&ops[1], 6, 1),
            rejected(&ops[2]),
        ],
    );
    let changes = vec![
        put(&mine(), customer_key(1), 5, 1, customer_body("Apotheke")),
        put(
            &mine(),
            unknown_kind(1),
            5,
            3,
            body(&serde_json::json!({"later": [1, {"x": null}]})),
        ),
    ];
    receive(store, &mine(), 5, changes);
    store
        .stage(&waymark_store::Page {
            wanted: vec![team.clone()],
            ..Default::default()
        })
        .unwrap();
    store
        .stage_snapshot(&waymark_store::SnapshotStage {
            scope: team,
            pin: 7,
            puts: vec![waymark_store::StagedPut {
                key: customer_key(40),
                seq: 2,
                rev: 1,
                body: customer_body("Staged"),
            }],
            next: Some((customer_key(40).kind, customer_key(40).id)),
        })
        .unwrap();
    let visit = vec![
        new_visit(1, 1),
        step(1, Step::Start),
        new_check_in(1, 1, 1),
        new_note(1, 1, "Kühlschrank defekt"),
        step(1, Step::Finish),
    ];
    commit_group(store, visit).unwrap();
    commit(
        store,
        vec![
            renamed(2, "Kiosk", "Kiosk am Tor"),
            new_visit(2, 2),
            step(
                2,
                Step::Skip {
                    reason: "closed".to_owned(),
                },
            ),
        ],
    )
    .unwrap();
    store.note_failure(&[4], "timeout").unwrap();
}
