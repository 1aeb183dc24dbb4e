//! True time lies inside what is claimed of it, whatever happens to a device's clocks (N3, R13).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use world::{Tally, run};

fn run_all(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::new();
    for seed in seeds {
        run(seed, &mut tally);
    }
    tally
}

fn assert_sound(tally: &Tally) {
    assert_eq!(tally.outside, [0; 4], "of {:?}", tally.classes);
    assert_eq!(tally.outside_narrowed, 0);
    assert_eq!(tally.stays.1, 0, "of {}", tally.stays.0);
    assert_eq!(tally.stays_off, 0);
    assert_eq!(tally.days_moved, 0);
    assert_eq!(tally.mocks_taken, 0);
    // the schedules reach every class, and chain and receipts close what the clocks left open
    assert!(
        tally.classes.iter().all(|count| *count > 1_000),
        "{:?}",
        tally.classes
    );
    assert!(tally.closed > 1_000, "{}", tally.closed);
    assert!(tally.width_ms(50) <= 5_000, "{} ms", tally.width_ms(50));
}

#[test]
fn in_20_000_schedules_the_true_time_is_inside_every_interval() {
    assert_sound(&run_all(0..20_000));
}

#[test]
#[ignore = "a million schedules, for the sim lane: cargo test --release -p waymark-domain --test clocks -- --ignored"]
fn in_a_million_schedules_the_true_time_is_inside_every_interval() {
    assert_sound(&run_all(1_000_000..2_000_000));
}
