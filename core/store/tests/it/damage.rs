//! Damaged files: what is whole in them comes back, and they are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use waymark_domain::ids::OpId;
use waymark_domain::ranges::Ranges;
use waymark_store::{Opened, Store, StoreError};

use crate::desk::*;

const PAGE: usize = 4096;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A file with work of every kind, some of it larger than a page. Gives the operations that wait, and those that were answered.
fn fill(store: &Store) -> BTreeMap<OpId, Vec<u8>> {
    store.set_identity(&identity()).unwrap();
    grant(store, &[mine()]);
    let ops = commit(
        store,
        (1..=40).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    let mut all = bytes_of(store);
    let answers = ops[..20].iter().map(|op| {
        if op.n % 5 == 0 {
            rejected(op)
        } else {
            applied(op, op.n, 1)
        }
    });
    settle(store, answers.collect());
    let changes = (1..=300)
        .map(|tag| put(&mine(), customer_key(tag), 30, 1, customer_body("Shop")))
        .collect();
    receive(store, &mine(), 15, changes);
    for tag in 1..=10 {
        let text: String = (0..1500)
            .map(|i| format!("{:x} ", tag * 7919 + i))
            .collect();
        commit_one(store, new_note(tag, 30, &text));
    }
    all.extend(bytes_of(store));
    all
}

fn bytes_of(store: &Store) -> BTreeMap<OpId, Vec<u8>> {
    let rows = store
        .outbox_batch(usize::MAX, usize::MAX, &Ranges::default())
        .unwrap();
    rows.into_iter().map(|row| (row.op_id, row.bytes)).collect()
}

/// The bytes of every operation that the file at `path` has, waiting or answered, past the store.
fn kept(path: &Path) -> BTreeMap<OpId, Vec<u8>> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT op_id, bytes FROM outbox UNION ALL SELECT op_id, bytes FROM history")
        .unwrap();
    let rows = statement
        .query_map([], |row| {
            Ok((
                OpId::from_uuid(uuid::Uuid::from_bytes(row.get(0)?)),
                row.get(1)?,
            ))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// The pages on which pieces of `bytes` stand, wherever they stand. Every copy counts, so this errs by asking for less.
fn pages_of(file: &[u8], bytes: &[u8]) -> BTreeSet<usize> {
    let mut pages = BTreeSet::new();
    for piece in bytes.chunks(48).filter(|piece| piece.len() == 48) {
        let mut from = 0;
        while let Some(at) = find(&file[from..], piece) {
            pages.insert((from + at) / PAGE);
            from += at + 1;
        }
    }
    pages
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle[0];
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// Damages `file` in one of many ways. Gives the pages that are no longer what they were.
fn damage(file: &mut Vec<u8>, dice: &mut Dice) -> BTreeSet<usize> {
    let before = file.clone();
    let pages = file.len() / PAGE;
    match dice.below(6) {
        0 => file.truncate(dice.below(before.len())),
        1 => {
            let page = dice.below(pages);
            file[page * PAGE..(page + 1) * PAGE].fill(0);
        }
        2 => {
            for _ in 0..=dice.below(3) {
                let page = dice.below(pages);
                for _ in 0..40 {
                    file[page * PAGE + dice.below(PAGE)] = u8::try_from(dice.below(256)).unwrap();
                }
            }
        }
        // the header of the file, and of a page: few bytes, great effect
        3 => file[dice.below(100)] ^= 1 << dice.below(8),
        4 => {
            let page = dice.below(pages);
            file[page * PAGE + dice.below(12)] ^= 1 << dice.below(8);
        }
        _ => {
            for _ in 0..=dice.below(20) {
                let at = dice.below(before.len());
                file[at] ^= 1 << dice.below(8);
            }
        }
    }
    let page = |bytes: &[u8], page: usize| {
        bytes
            .get(page * PAGE..(page + 1) * PAGE)
            .map(<[u8]>::to_vec)
    };
    (0..pages)
        .filter(|at| page(&before, *at) != page(file, *at))
        .collect()
}

#[test]
fn whatever_is_whole_in_a_damaged_file_comes_back_and_the_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.db");
    let store = Store::open(&template).unwrap().store;
    let ops = fill(&store);
    let waiting: BTreeSet<OpId> = bytes_of(&store).into_keys().collect();
    store.suspend().unwrap();
    let file = std::fs::read(&template).unwrap();
    let places: BTreeMap<OpId, BTreeSet<usize>> = ops
        .iter()
        .map(|(op, bytes)| (*op, pages_of(&file, bytes)))
        .collect();
    assert!(
        places.values().any(|pages| pages.len() > 2),
        "some rows span pages"
    );
    let (mut salvaged, mut whole, mut refused) = (0, 0, 0);
    for seed in 0..240 {
        let mut bytes = file.clone();
        let damaged = damage(&mut bytes, &mut Dice(seed));
        let path = folder.path().join(format!("{seed}.db"));
        std::fs::write(&path, &bytes).unwrap();
        let opened = match Store::open(&path) {
            Ok(opened) => opened,
            Err(error) => {
                // a header that says another program's or a later version's file is believed only where the content agrees
                assert!(
                    matches!(error, StoreError::NotOurs),
                    "seed {seed}: {error:?}"
                );
                refused += 1;
                continue;
            }
        };
        // history is not read at each open: damage there shows when it is read, and is dealt with at the open after that
        let noticed = opened.report.salvage.is_some();
        let found = if noticed {
            kept(&path)
        } else {
            bytes_of(&opened.store)
        };
        let intact = places
            .iter()
            .filter(|(_, pages)| pages.is_disjoint(&damaged));
        for (op, pages) in intact.filter(|(op, _)| noticed || waiting.contains(op)) {
            assert_eq!(
                found.get(op),
                ops.get(op),
                "seed {seed}: {op} on {pages:?}, damaged {damaged:?}"
            );
        }
        match &opened.report.salvage {
            None => whole += 1,
            Some(salvage) => {
                salvaged += 1;
                let kept = std::fs::read(salvage.folder.join(path.file_name().unwrap())).unwrap();
                assert!(kept == bytes, "seed {seed}: the damaged file was changed");
                assert_eq!(salvage.outbox + salvage.history, found.len() as u64);
                assert_clean(&opened.store);
            }
        }
        let ledger = opened.store.ledger().unwrap();
        assert!(ledger.balances(), "seed {seed}: {ledger:?}");
    }
    assert!(
        salvaged > 60 && whole > 5,
        "salvaged {salvaged}, opened as they were {whole}, refused {refused}"
    );
    assert_eq!(refused, 0);
}

#[test]
fn what_is_only_in_the_log_comes_back_from_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.db");
    let store = Store::open(&template).unwrap().store;
    let ops = fill(&store);
    store.suspend().unwrap();
    store.resume().unwrap();
    let late = commit(
        &store,
        (500..520).map(|tag| new_customer(tag, "Late")).collect(),
    )
    .unwrap();
    let (file, log) = (
        std::fs::read(&template).unwrap(),
        std::fs::read(beside(&template, "-wal")).unwrap(),
    );
    let mut salvaged = 0;
    // most pages are of tables that hold nothing here: enough seeds to meet those that do
    for seed in 0..120 {
        let mut bytes = file.clone();
        let page = Dice(seed).below(bytes.len() / PAGE);
        bytes[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        let path = folder.path().join(format!("{seed}.db"));
        std::fs::write(&path, &bytes).unwrap();
        std::fs::write(beside(&path, "-wal"), &log).unwrap();
        let opened = Store::open(&path).unwrap();
        if opened.report.salvage.is_none() {
            // opening does not read what history holds: damage there is found by a check, and the work that waits is all there
            let waiting = crate::desk::outbox(&opened.store);
            assert!(
                late.iter()
                    .all(|op| waiting.iter().any(|found| found.op == op.op_id)),
                "seed {seed}, page {page}"
            );
            continue;
        }
        drop(opened);
        salvaged += 1;
        let found = kept(&path);
        for op in &late {
            assert!(
                found.contains_key(&op.op_id),
                "seed {seed}, page {page}: {op:?}"
            );
        }
        assert!(
            found.len() + 20 > ops.len(),
            "seed {seed}: one page cost more than its rows"
        );
    }
    assert!(salvaged > 20, "{salvaged}");
    drop(store);
}

fn salvage_of(opened: &Opened) -> &waymark_store::Salvage {
    opened.report.salvage.as_ref().unwrap()
}

#[test]
fn work_goes_on_after_a_salvage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = Store::open(&path).unwrap().store;
    let ops = fill(&store);
    let (state, attention) = (
        store.sync_state().unwrap(),
        store.read(|reader| reader.attention()).unwrap(),
    );
    store.suspend().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..100].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let opened = Store::open(&path).unwrap();
    let salvage = salvage_of(&opened);
    assert_eq!((salvage.outbox, salvage.history, salvage.lost), (30, 20, 0));
    assert!(salvage.identity && salvage.chain && salvage.carved == 50);
    let store = opened.store;
    assert_eq!(kept(&path), ops);
    let after = store.sync_state().unwrap();
    assert_eq!(
        (after.n_last, after.head, after.pending),
        (state.n_last, state.head, state.pending)
    );
    assert!(store.read(|reader| reader.attention()).unwrap().len() >= attention.len());
    // the server gives the list of scopes again, and each is to be had from the beginning
    assert_eq!(after.scopes_hash, None);
    assert!(after.scopes.iter().all(|scope| scope.wanted));
    grant(&store, &[mine()]);
    let op = commit_one(&store, new_customer(700, "After"));
    assert_eq!(op.n, state.n_last + 1);
    assert_eq!(outbox(&store).last().unwrap().prev, state.head);
    assert_clean(&store);
    drop(store);
    let again = Store::open(&path).unwrap();
    assert_eq!(again.report.salvage, None);
    assert!(folder.path().join("waymark.db.damaged-1").is_dir());
    assert!(!beside(&path, ".damaged").exists());
}

#[test]
fn what_a_person_settled_stays_settled_through_a_restore_and_a_salvage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = Store::open(&path).unwrap().store;
    store.set_identity(&identity()).unwrap();
    let op = commit_one(&store, new_customer(1, "Shop"));
    settle(&store, vec![rejected(&op)]);
    store
        .resolve_attention(op.op_id, "discarded", WALL)
        .unwrap();
    store.begin_epoch(epoch(2), &Ranges::default()).unwrap();
    let before = store.read(|reader| reader.outbox(0, 9)).unwrap();
    drop(store);
    std::fs::write(beside(&path, ".damaged"), "").unwrap();
    let opened = Store::open(&path).unwrap();
    assert_eq!(salvage_of(&opened).attention, 1);
    let after = opened.store.read(|reader| reader.outbox(0, 9)).unwrap();
    assert_eq!(after, before);
    assert_clean(&opened.store);
}

#[test]
fn when_the_chains_place_is_lost_a_gap_is_left_for_the_server_to_see() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = Store::open(&path).unwrap().store;
    fill(&store);
    let last = store.sync_state().unwrap();
    store.suspend().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = pages_of(
        &bytes,
        br#"{"next_n":51,"head_n":50,"head":""#.repeat(2).get(..48).unwrap(),
    );
    assert!(pages.is_empty());
    let at = find(&bytes, br#"{"next_n":51,"head_n":50,"head":""#).unwrap() / PAGE;
    bytes[at * PAGE..(at + 1) * PAGE].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let opened = Store::open(&path).unwrap();
    let salvage = salvage_of(&opened);
    assert!(!salvage.chain && !salvage.identity);
    let store = opened.store;
    let state = store.sync_state().unwrap();
    assert_eq!((state.n_last, state.head), (last.n_last, last.head));
    store.set_identity(&identity()).unwrap();
    let op = commit_one(&store, new_customer(700, "After"));
    assert_eq!(op.n, last.n_last + 1001);
    let op = outbox(&store).pop().unwrap();
    assert_eq!(op.prev, last.head);
    assert_clean(&store);
}

#[test]
fn damage_that_shows_while_the_store_runs_is_dealt_with_at_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    let store = Store::open(&path).unwrap().store;
    let ops = fill(&store);
    store.suspend().unwrap();
    // every page that holds rows of customers and nothing of an operation's
    let mut bytes = std::fs::read(&path).unwrap();
    let root: u32 = {
        let conn = Connection::open(&path).unwrap();
        conn.query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'view_customer'",
            [],
            |row| row.get(0),
        )
        .unwrap()
    };
    bytes[(root as usize - 1) * PAGE] = 0x77;
    std::fs::write(&path, &bytes).unwrap();
    let opened = Store::open(&path).unwrap();
    assert_eq!(opened.report.salvage, None);
    let store = opened.store;
    let answer = store.read(|reader| reader.customer(customer_id(1)));
    assert_eq!(answer, Err(StoreError::Corrupt));
    assert!(beside(&path, ".damaged").exists());
    drop(store);
    let opened = Store::open(&path).unwrap();
    assert_eq!(salvage_of(&opened).lost, 0);
    assert_eq!(kept(&path), ops);
    assert_clean(&opened.store);
}

#[test]
fn an_operation_whose_bytes_changed_is_set_aside_and_never_sent() {
    let store = in_memory();
    let ops = commit(
        &store,
        (1..=3).map(|tag| new_customer(tag, "Shop")).collect(),
    )
    .unwrap();
    let conn = store.into_connection().unwrap();
    conn.execute(
        "UPDATE outbox SET bytes = CAST(replace(bytes, 'Shop', 'Sh0p') AS BLOB) WHERE n = 2",
        [],
    )
    .unwrap();
    let opened = Store::from_connection(conn).unwrap();
    assert_eq!(opened.report.damaged_ops, 1);
    let store = opened.store;
    let counts: Vec<_> = outbox(&store).iter().map(|op| op.n).collect();
    assert_eq!(counts, [1, 3]);
    let attention = store.read(|reader| reader.attention()).unwrap();
    assert_eq!(
        (
            attention[0].op_id,
            attention[0].code.as_str(),
            attention[0].created_ms
        ),
        (ops[1].op_id, "damaged", None)
    );
    assert!(String::from_utf8_lossy(&attention[0].bytes).contains("Sh0p"));
    assert_eq!(name_of(&store, 2), None);
    assert_clean(&store);
}

#[test]
fn whole_pages_in_which_nothing_of_ours_is_left_are_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    for round in 1..=2 {
        std::fs::write(&path, [0, 0xff].repeat(4 * 4096)).unwrap();
        let opened = Store::open(&path).unwrap();
        let salvage = salvage_of(&opened);
        assert_eq!((salvage.outbox, salvage.identity), (0, false));
        assert_eq!(
            salvage.folder,
            folder.path().join(format!("waymark.db.damaged-{round}"))
        );
        opened.store.set_identity(&identity()).unwrap();
        assert_eq!(commit_one(&opened.store, new_customer(1, "Shop")).n, 1001);
    }
}

#[test]
fn a_salvage_that_was_interrupted_anywhere_is_finished_by_the_next_open() {
    // what the salvage has done at each of its steps, by the files that are there
    for step in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waymark.db");
        let store = Store::open(&path).unwrap().store;
        let ops = fill(&store);
        store.suspend().unwrap();
        let aside = beside(&path, ".damaged-1");
        let marker = beside(&path, ".damaged");
        std::fs::write(&marker, if step == 0 { "" } else { "1" }).unwrap();
        if step >= 2 {
            std::fs::create_dir(&aside).unwrap();
        }
        if step >= 3 {
            std::fs::rename(&path, aside.join("waymark.db")).unwrap();
        }
        if step >= 4 {
            std::fs::write(beside(&path, ".salvaging"), b"half a file").unwrap();
            std::fs::write(beside(&path, ".salvaging-wal"), b"half a log").unwrap();
        }
        let opened = Store::open(&path).unwrap();
        assert_eq!(
            (salvage_of(&opened).outbox, salvage_of(&opened).lost),
            (30, 0),
            "step {step}"
        );
        assert_eq!(kept(&path), ops);
        assert!(aside.join("waymark.db").exists() && !marker.exists());
        assert!(!beside(&path, ".salvaging").exists());
        assert_clean(&opened.store);
        drop(opened);
        // the fresh file was in place, only the marker had not gone
        std::fs::write(&marker, "1").unwrap();
        let opened = Store::open(&path).unwrap();
        assert_eq!(opened.report.salvage, None);
        assert_eq!(kept(&path), ops);
    }
}

#[test]
fn a_file_that_was_named_by_mistake_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "milk, bread\n".repeat(2000)).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(Store::open(&path).unwrap_err(), StoreError::NotOurs);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
