//! Figures of trusted time: `cargo run --release -p waymark-domain --example clocks -- 1000000`.

#[path = "../tests/clocks/world.rs"]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "it is a test's world"
)]
mod world;

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let schedules: u64 = asked.unwrap_or(100_000);
    let mut tally = world::Tally::new();
    for seed in 0..schedules {
        world::run(seed, &mut tally);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "schedules {schedules}")?;
    writeln!(
        out,
        "events A/B/C/D {:?}, outside {:?}, after narrowing outside {}",
        tally.classes, tally.outside, tally.outside_narrowed
    )?;
    writeln!(
        out,
        "open intervals closed by chain and receipts {} of {}",
        tally.closed,
        tally.classes[2] + tally.classes[3]
    )?;
    writeln!(
        out,
        "stays {}, outside {}, measured ones of at most 4 h off by more than 1 s {}",
        tally.stays.0, tally.stays.1, tally.stays_off
    )?;
    writeln!(
        out,
        "width within 8 h of an anchor, ms: median {}, p90 {}, p99 {}",
        tally.width_ms(50),
        tally.width_ms(90),
        tally.width_ms(99)
    )?;
    writeln!(
        out,
        "days moved {}, mock fixes taken {}",
        tally.days_moved, tally.mocks_taken
    )
}
