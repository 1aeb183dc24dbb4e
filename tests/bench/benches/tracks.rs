//! A day of a rep's track: packed, unpacked, filtered, searched for stays, measured.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench that cannot be set up has to stop"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use waymark_domain::track::distance::distance;
use waymark_domain::track::filter::{Limits, filter};
use waymark_domain::track::stops::{Params, stops};
use waymark_domain::track::{HOLE_MS, Track, pack, unpack};

#[path = "../../../core/domain/tests/track/sim.rs"]
mod sim;

fn days(c: &mut Criterion) {
    for (name, plan) in [
        ("8 h, 10 s", sim::Plan::PHONE),
        ("8 h, 1 s", sim::Plan::FAST),
    ] {
        let entries = sim::day(1, plan).entries;
        let packed = pack(&entries, 10.0).unwrap();
        let track = Track::new(&entries, HOLE_MS).unwrap();
        let filtered = filter(&track, Limits::default());
        let found = stops(&track, &filtered, &Params::default());
        let mut group = c.benchmark_group(name);
        group.sample_size(20);
        group.bench_function("pack", |b| {
            b.iter(|| pack(black_box(&entries), 10.0).unwrap())
        });
        group.bench_function("unpack", |b| {
            b.iter(|| unpack(black_box(&packed.bytes)).unwrap())
        });
        group.bench_function("filter", |b| {
            b.iter(|| filter(black_box(&track), Limits::default()))
        });
        group.bench_function("stops", |b| {
            b.iter(|| stops(black_box(&track), &filtered, &Params::default()))
        });
        group.bench_function("distance", |b| {
            b.iter(|| distance(black_box(&track), &filtered, &found))
        });
        group.finish();
    }
}

criterion_group!(benches, days);
criterion_main!(benches);
