//! What putting a day in order costs: a small day to its proof, larger ones for a fixed amount of work, and one changed stop.
//!
//! The amount of work is fixed rather than the time, so that what is measured is the same search each time.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a bench stops at what it does not expect; coordinates and times are small"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use waymark_route::{
    Break, Change, Matrix, Need, Options, Problem, Stop, Window, Work, replan, solve,
};

/// Numbers that follow from a seed: a linear congruence, its upper half.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A day in town with opening hours for most: places on a plane of 14 km, ways there up to a tenth longer than back.
fn day(visits: usize, seed: u64) -> Problem {
    let mut dice = Dice(seed);
    let places: Vec<(f64, f64)> = (0..=visits)
        .map(|_| (dice.below(14_000) as f64, dice.below(14_000) as f64))
        .collect();
    let mut rows = Vec::new();
    for a in &places {
        let way = |b: &(f64, f64), longer: u64| {
            let metres = (a.0 - b.0).hypot(a.1 - b.1);
            (metres * (10.0 + longer as f64 / 100.0) / 80.0) as u32
        };
        rows.push(places.iter().map(|b| way(b, dice.below(100))).collect());
    }
    let service = (24_000 / visits as u32).clamp(120, 1_200);
    let mut stops = vec![Stop::must(service); visits + 1];
    let length = 40_000 + 250 * visits as i64;
    for stop in stops.iter_mut().skip(1) {
        let close = match dice.below(4) {
            0 => length,
            1 => length / 2,
            _ => length * 3 / 4,
        };
        stop.windows = vec![Window { open: 0, close }];
    }
    Problem {
        travel: Matrix::from_rows(&rows).unwrap(),
        stops,
        start: 0,
        end: Some(0),
        depart: 0,
        latest: 1_000_000,
        breaks: Vec::new(),
    }
}

fn route(c: &mut Criterion) {
    let options = Options::default();
    let mut group = c.benchmark_group("route");
    group.sample_size(10);
    let mut small = day(15, 3);
    for place in [3, 7, 11] {
        small.stops.get_mut(place).unwrap().need = Need::Priority(5);
    }
    let window = Window {
        open: 11_000,
        close: 16_000,
    };
    small.breaks = vec![Break {
        window,
        seconds: 2_700,
    }];
    group.bench_function("15 visits, hours, priorities, a break, to the proof", |b| {
        b.iter(|| solve(black_box(&small), options, &mut Work(u64::MAX)).unwrap());
    });
    for visits in [60, 200] {
        let problem = day(visits, 3);
        group.bench_function(format!("{visits} visits, hours, 50,000 units"), |b| {
            b.iter(|| solve(black_box(&problem), options, &mut Work(50_000)).unwrap());
        });
        let known = solve(&problem, options, &mut Work(100_000)).unwrap();
        let change = Change::Drop(*known.order.get(visits / 2).unwrap());
        group.bench_function(format!("{visits} visits, one dropped, 8,000 units"), |b| {
            let mut work = Work(8_000);
            b.iter(|| {
                replan(
                    black_box(&problem),
                    &known.order,
                    change,
                    options,
                    &mut work,
                )
                .unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, route);
criterion_main!(benches);
