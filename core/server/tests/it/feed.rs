//! The order (I5), under real threads on a real file with real group commits; and what a failed commit leaves behind.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use waymark_domain::scope::Scope;
use waymark_protocol::outcome::Outcome;
use waymark_server::storage::Storage as _;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{Error, Server};

use crate::support::{Device, World, applied};

const THREADS: usize = 8;
const EXCHANGES: usize = 40;
const OPS: usize = 3;

/// Follows one scope by its places, as a device does, and notes every place that it saw.
fn follow(server: &Server<SqliteStorage>, scope: &Scope, from: &mut u64, seen: &mut Vec<u64>) {
    let read = server.storage().read(|view| {
        let head = view.head_seq()?;
        let mut rows = Vec::new();
        view.changes(scope, *from, &mut |change| {
            rows.push(change.seq);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((head, rows))
    });
    let (head, rows) = read.unwrap();
    assert!(
        rows.iter().all(|&seq| seq <= head),
        "nothing beyond the head of the same moment"
    );
    seen.extend(rows);
    *from = head;
}

#[test]
fn the_order_is_dense_and_no_reader_ever_misses_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::over(SqliteStorage::open(&dir.path().join("server.db")).unwrap());
    let mut devices: Vec<Device> = (0..THREADS)
        .map(|at| world.rep(&format!("Rep {at}")))
        .collect();
    let scopes: Vec<Scope> = devices
        .iter()
        .map(|device| Scope::user(device.user))
        .collect();
    let start = world.server.head_seq().unwrap();
    let done = AtomicBool::new(false);

    let (places, seen) = std::thread::scope(|scope| {
        let readers: Vec<_> = scopes
            .iter()
            .take(3)
            .map(|of| {
                let (world, done) = (&world, &done);
                scope.spawn(move || {
                    let (mut from, mut seen) = (start, Vec::new());
                    while !done.load(Ordering::SeqCst) {
                        follow(&world.server, of, &mut from, &mut seen);
                    }
                    follow(&world.server, of, &mut from, &mut seen);
                    seen
                })
            })
            .collect();
        let writers: Vec<_> = devices
            .iter_mut()
            .map(|device| {
                let world = &world;
                scope.spawn(move || write(world, device))
            })
            .collect();
        let places: Vec<Vec<u64>> = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect();
        done.store(true, Ordering::SeqCst);
        let seen: Vec<Vec<u64>> = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect();
        (places, seen)
    });

    let all: BTreeSet<u64> = places.iter().flatten().copied().collect();
    let count = (THREADS * EXCHANGES * OPS) as u64;
    assert_eq!(
        all,
        (start + 1..=start + count).collect(),
        "dense, each once"
    );
    assert_eq!(world.server.head_seq().unwrap(), start + count);
    for (seen, places) in seen.iter().zip(&places) {
        assert_eq!(seen, places, "every row, once, in order");
    }
    assert_eq!(
        world.server.digests().unwrap(),
        world.server.recount().unwrap()
    );
    assert!(world.alarm_codes().is_empty());
}

fn write(world: &World, device: &mut Device) -> Vec<u64> {
    let mut places = Vec::new();
    for _ in 0..EXCHANGES {
        let ops: Vec<_> = (0..OPS)
            .map(|_| device.new_customer(world, "Pharmacy").2)
            .collect();
        let outcomes = device.push(world, &Vec::from_iter(&ops));
        places.extend(outcomes.iter().filter_map(Outcome::effect_seq));
    }
    places
}

#[test]
fn a_commit_that_fails_is_told_to_everybody_in_it_and_leaves_nothing() {
    let mut connection = rusqlite::Connection::open_in_memory().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let hook = Arc::clone(&broken);
    connection
        .commit_hook(Some(move || hook.load(Ordering::SeqCst)))
        .unwrap();
    let world = World::over(SqliteStorage::over(connection).unwrap());
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let request = rep.request(&[&op], 0);
    let token = rep.token(&world);

    broken.store(true, Ordering::SeqCst);
    let mut session = world.server.begin_exchange(&token).unwrap();
    let failed = session.feed(&request.to_bytes().unwrap());
    // nobody's operation is to blame: a device must not look for a culprit
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    assert!(
        session.finish().is_err(),
        "no outcome of what is not durable"
    );
    broken.store(false, Ordering::SeqCst);

    assert!(world.server.ops().unwrap().is_empty());
    assert!(applied(&rep.push_one(&world, &op)));
    assert_eq!(
        world.server.head_seq().unwrap(),
        2,
        "the place was given back"
    );
}

#[test]
fn one_callers_panic_or_error_is_that_callers_alone() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&dir.path().join("server.db")).unwrap();
    let kept = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for at in 0..24_u64 {
            let (storage, kept) = (&storage, &kept);
            scope.spawn(move || {
                let result = storage.write(move |tx| {
                    let seq = tx.take_seq(1)?;
                    match at % 3 {
                        0 => Ok(seq),
                        1 => Err(Error::Storage("no".to_owned())),
                        _ => panic!("a panic on purpose, in a job of {at}"),
                    }
                });
                assert_eq!(result.is_ok(), at % 3 == 0);
                kept.fetch_add(u64::from(result.is_ok()), Ordering::SeqCst);
            });
        }
    });
    let seq = storage.read(|view| view.head_seq()).unwrap();
    assert_eq!(seq, kept.load(Ordering::SeqCst));
    assert_eq!(seq, 8);
}

#[test]
fn a_reader_sees_one_moment_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&dir.path().join("server.db")).unwrap();
    storage
        .read(|view| {
            let before = view.head_seq()?;
            storage.write(|tx| tx.take_seq(5))?;
            assert_eq!(view.head_seq()?, before);
            Ok(())
        })
        .unwrap();
    assert_eq!(storage.read(|view| view.head_seq()).unwrap(), 5);
}
