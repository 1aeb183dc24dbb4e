//! What the server does on this machine. Run by hand: `cargo test -p waymark-server --release -- --ignored --nocapture speed`.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use waymark_server::storage::sqlite::SqliteStorage;

use crate::support::{Device, World, applied};

const OPS: usize = 500;

fn batches(world: &World, rep: &mut Device, count: usize) -> Vec<Vec<u8>> {
    let batch = |rep: &mut Device| {
        let ops: Vec<_> = (0..OPS)
            .map(|_| rep.new_customer(world, "Pharmacy at the corner").2)
            .collect();
        rep.request(&Vec::from_iter(&ops), 0).to_bytes().unwrap()
    };
    (0..count).map(|_| batch(rep)).collect()
}

fn exchange(world: &World, token: &str, bytes: &[u8]) -> usize {
    let mut session = world.server.begin_exchange(token).unwrap();
    session.feed(bytes).unwrap();
    session.finish().unwrap().len()
}

#[test]
#[ignore = "a measurement"]
fn speed_of_exchanges_on_a_real_file() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let world = World::over(SqliteStorage::open(&dir.path().join("server.db")).unwrap());
    let mut rep = world.rep("Ben");
    let requests = batches(&world, &mut rep, 20);
    let token = rep.token(&world);
    let began = Instant::now();
    for request in &requests {
        exchange(&world, &token, request);
    }
    let took = began.elapsed();
    let rate = (20 * OPS) as f64 / took.as_secs_f64();
    println!(
        "one device, 500 operations an exchange: {rate:.0} operations/s, {:.1} ms an exchange",
        took.as_secs_f64() * 50.0
    );

    let mut reps: Vec<Device> = (0..8).map(|at| world.rep(&format!("Rep {at}"))).collect();
    let work: Vec<_> = reps
        .iter_mut()
        .map(|rep| {
            (
                rep.token(&world),
                (0..100)
                    .map(|_| {
                        let op = rep.new_customer(&world, "Pharmacy").2;
                        assert!(rep.n > 0);
                        rep.request(&[&op], 0).to_bytes().unwrap()
                    })
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (token, requests) in &work {
            let world = &world;
            scope.spawn(move || {
                requests.iter().for_each(|request| {
                    exchange(world, token, request);
                })
            });
        }
    });
    let took = began.elapsed().as_secs_f64();
    println!(
        "eight devices, one operation an exchange: {:.0} exchanges/s",
        800.0 / took
    );
    let (_, _, op) = rep.new_customer(&world, "Last");
    assert!(applied(&rep.push_one(&world, &op)));

    let began = Instant::now();
    rep.sync(&world, 1 << 20);
    let took = began.elapsed().as_secs_f64();
    println!(
        "snapshot of {} records with its reading: {:.0} records/s",
        rep.holds().len(),
        rep.holds().len() as f64 / took
    );
}
