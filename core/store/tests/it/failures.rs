//! A commit that fails, a disk that is full, a file that is closed, newer, shared or somebody else's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use waymark_domain::hash::Hash;
use waymark_domain::ranges::Ranges;
use waymark_store::{Mode, Store, StoreError, Unit};

use crate::desk::*;

fn opened(path: &Path) -> Store {
    let store = Store::open(path).unwrap().store;
    store.set_identity(&identity()).unwrap();
    store
}

#[test]
fn a_commit_that_fails_leaves_the_state_before_and_the_next_one_works() {
    let fails = Arc::new(AtomicBool::new(false));
    let hook = Arc::clone(&fails);
    let mut conn = Connection::open_in_memory().unwrap();
    conn.commit_hook(Some(move || hook.load(Ordering::SeqCst)))
        .unwrap();
    let store = Store::from_connection(conn).unwrap().store;
    store.set_identity(&identity()).unwrap();
    grant(&store, &[mine()]);
    let first = commit_one(&store, new_customer(1, "Shop"));
    let moment = || {
        (
            everything(&store),
            outbox(&store),
            store.sync_state().unwrap(),
            store.ledger().unwrap(),
        )
    };
    let before = moment();
    fails.store(true, Ordering::SeqCst);
    assert!(commit(&store, vec![new_customer(2, "Bar")]).is_err());
    assert!(
        store
            .settle(&waymark_store::Settlement {
                outcomes: vec![applied(&first, 1, 1)],
                ..Default::default()
            })
            .is_err()
    );
    assert!(
        store
            .stage(&page(
                &mine(),
                1,
                vec![put(&mine(), customer_key(1), 1, 1, customer_body("Shop"))]
            ))
            .is_err()
    );
    assert!(store.publish(1, &[]).is_err());
    assert!(store.begin_epoch(epoch(2), &Ranges::default()).is_err());
    assert_eq!(moment(), before);
    fails.store(false, Ordering::SeqCst);
    assert_eq!(commit_one(&store, new_customer(2, "Bar")).n, 2);
    assert_clean(&store);
}

#[test]
fn a_full_disk_loses_nothing_and_the_work_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = opened(&path);
    commit_one(&store, new_customer(1, "Shop"));
    drop(store);
    let limit = |store: Store, pages: i64| {
        let conn = store.into_connection().unwrap();
        let set = format!("PRAGMA max_page_count = {pages}");
        conn.query_row(&set, [], |row| row.get::<_, i64>(0))
            .unwrap();
        Store::from_connection(conn).unwrap().store
    };
    let conn = Connection::open(&path).unwrap();
    let pages: i64 = conn
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let store = limit(Store::from_connection(conn).unwrap().store, pages + 4);
    let mut saved = 1;
    let error = loop {
        match commit(&store, vec![new_note(saved, 1, &"long ".repeat(300))]) {
            Ok(_) => saved += 1,
            Err(error) => break error,
        }
        assert!(saved < 1000, "the limit does not bite");
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(outbox(&store).len() as u64, saved);
    assert_eq!(
        commit(&store, vec![new_note(saved, 1, &"long ".repeat(300))]),
        Err(StoreError::Full)
    );
    assert_clean(&store);
    let store = limit(store, 1_000_000);
    assert_eq!(commit_one(&store, new_note(saved, 1, "short")).n, saved + 1);
    assert_clean(&store);
}

#[test]
fn a_suspended_store_is_closed_and_resumes_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = opened(&path);
    commit_one(&store, new_customer(1, "Shop"));
    let before = everything(&store);
    store.suspend().unwrap();
    store.suspend().unwrap();
    assert_eq!(
        commit(&store, vec![new_customer(2, "Bar")]),
        Err(StoreError::Closed)
    );
    assert_eq!(store.ledger(), Err(StoreError::Closed));
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "the log is in the file");
    store.resume().unwrap();
    store.resume().unwrap();
    assert_eq!(everything(&store), before);
    assert_eq!(commit_one(&store, new_customer(2, "Bar")).n, 2);
    assert_clean(&store);
    let borrowed = in_memory();
    borrowed.suspend().unwrap();
    borrowed.resume().unwrap();
    commit_one(&borrowed, new_customer(1, "Shop"));
}

#[test]
fn what_was_saved_is_there_after_a_start_without_a_goodbye() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = opened(&path);
    commit(
        &store,
        (1..=9).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    let before = (
        everything(&store),
        outbox(&store),
        store.sync_state().unwrap(),
    );
    // the file and its log as they are on disk at this moment
    let elsewhere = folder.path().join("after-the-crash.db");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", path.display());
        std::fs::copy(from, format!("{}{suffix}", elsewhere.display())).unwrap();
    }
    let store = Store::open(&elsewhere).unwrap().store;
    assert_eq!(
        (
            everything(&store),
            outbox(&store),
            store.sync_state().unwrap()
        ),
        before
    );
    assert_clean(&store);
}

#[test]
fn two_handles_on_one_file_keep_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    opened(&path);
    std::thread::scope(|scope| {
        for worker in 0..2_u64 {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).unwrap().store;
                for i in 0..50 {
                    let tag = 1000 * (worker + 1) + i;
                    let mut id = || uuid(50_000_000 + tag);
                    let units = vec![Unit::One(new_customer(tag, "Shop"))];
                    store.commit(units, reading(1), &mut id).unwrap();
                }
            });
        }
    });
    let store = Store::open(&path).unwrap().store;
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    let mut prev = Hash::ZERO;
    for ((n, op), row) in (1..).zip(outbox(&store)).zip(&rows) {
        assert_eq!((op.n, op.prev), (n, prev));
        prev = row.sha;
    }
    assert_eq!(rows.len(), 100);
    assert_clean(&store);
}

#[test]
fn a_screen_reads_one_moment_while_another_thread_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder.path().join("waymark.db"));
    store
        .read(|reader| {
            let before = reader.counts()?;
            std::thread::scope(|scope| {
                scope.spawn(|| commit_one(&store, new_customer(1, "Shop")));
            });
            assert_eq!(reader.counts()?, before);
            Ok(())
        })
        .unwrap();
    assert_eq!(name_of(&store, 1).as_deref(), Some("Shop"));
}

#[test]
fn a_file_of_a_later_version_can_be_pushed_from_and_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = opened(&path);
    grant(&store, &[mine()]);
    commit_one(&store, new_customer(1, "Shop"));
    commit_group(&store, vec![new_visit(1, 1), new_note(1, 1, "x")]).unwrap();
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    let head = store.sync_state().unwrap().head;
    drop(store);
    // the later version renamed whatever it liked, but for the frozen columns
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "ALTER TABLE outbox RENAME COLUMN group_id TO bundle;
         ALTER TABLE outbox DROP COLUMN attempts;
         DROP TABLE scope_state; DROP TABLE staged; DROP TABLE view_customer;
         UPDATE meta SET value = '77' WHERE key = 'schema';
         PRAGMA user_version = 77;",
    )
    .unwrap();
    drop(conn);
    let bytes = std::fs::read(&path).unwrap();
    let opened = Store::open(&path).unwrap();
    assert_eq!(opened.report.mode, Mode::PushOnly);
    let store = opened.store;
    assert_eq!(store.mode(), Mode::PushOnly);
    assert_eq!(store.identity().unwrap(), Some(identity()));
    assert_eq!(
        store
            .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
            .unwrap(),
        rows
    );
    assert_eq!(
        store
            .outbox_batch(2, usize::MAX, &Ranges::default())
            .unwrap()
            .len(),
        1
    );
    let state = store.sync_state().unwrap();
    assert_eq!((state.n_last, state.head, state.pending), (3, head, 3));
    assert_eq!(state.epoch, Some(epoch(1)));
    assert_eq!(
        commit(&store, vec![new_customer(2, "Bar")]),
        Err(StoreError::NewerDatabase)
    );
    assert_eq!(
        store.note_failure(&[1], "x"),
        Err(StoreError::NewerDatabase)
    );
    assert_eq!(store.publish(1, &[]), Err(StoreError::NewerDatabase));
    store.suspend().unwrap();
    store.resume().unwrap();
    assert_eq!(store.sync_state().unwrap(), state);
    drop(store);
    assert!(
        std::fs::read(&path).unwrap() == bytes,
        "the file was written to"
    );
}

#[test]
fn another_programs_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA application_id = 7; CREATE TABLE photos (id INTEGER PRIMARY KEY)")
        .unwrap();
    drop(conn);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(Store::open(&path).unwrap_err(), StoreError::NotOurs);
    let anonymous = folder.path().join("anonymous.db");
    let conn = Connection::open(&anonymous).unwrap();
    conn.execute_batch("CREATE TABLE photos (id INTEGER PRIMARY KEY)")
        .unwrap();
    drop(conn);
    assert_eq!(Store::open(&anonymous).unwrap_err(), StoreError::NotOurs);
    assert!(std::fs::read(&path).unwrap() == bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_failed_attempt_is_counted_with_what_it_said() {
    let store = in_memory();
    commit(
        &store,
        vec![new_customer(1, "Shop"), new_customer(2, "Bar")],
    )
    .unwrap();
    store.note_failure(&[2], "timeout").unwrap();
    store.note_failure(&[2, 77], "reset").unwrap();
    let rows = store.read(|reader| reader.outbox(0, 10)).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.n, row.attempts, row.last_error.as_deref()))
        .collect();
    assert_eq!(seen, [(1, 0, None), (2, 2, Some("reset"))]);
    let row = &rows[1];
    assert!(store.is_pending(row.op_id).unwrap());
    assert_eq!(store.read(|reader| reader.outbox(1, 10)).unwrap().len(), 1);
}

#[test]
fn a_file_in_a_folder_that_does_not_exist_is_an_answer_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let result = Store::open(&folder.path().join("no/such/folder/waymark.db"));
    assert!(matches!(result, Err(StoreError::Io(_))), "{result:?}");
}
