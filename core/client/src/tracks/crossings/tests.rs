//! A rep-week of jitter, packed as it is kept, and read as it is read (features.md row 1.4).
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it counted"
)]

use uuid::Uuid;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::fence::Fence;
use waymark_domain::geo::{Datum, Regions};
use waymark_domain::ids::{BootId, ShiftId};
use waymark_domain::time::TimeClass;
use waymark_domain::track::{Entry, pack, unpack};
use waymark_domain::track_segment::BOUND_M;

use super::super::TrackPiece;
use super::*;

const PACE_MS: i64 = 30_000;
/// Fixes of a segment: a quarter of an hour.
const SEGMENT: usize = 30;
/// Ten hours.
const DAY: usize = 1_200;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / 4_294_967_296.0
    }

    /// Nearly normal, of deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn fence() -> Fence {
    Fence::Circle {
        center: Position::new(Datum::Wgs84, 0.0, 0.0).unwrap(),
        radius_m: 100.0,
        name: None,
    }
}

fn watched() -> Vec<Watched> {
    let fence = fence();
    let area = fence.area(Regions::default()).unwrap();
    vec![Watched {
        customer: CustomerId::from_uuid(Uuid::nil()),
        name: "Kiosk".to_owned(),
        fences: vec![WatchedFence { fence, area }],
    }]
}

/// A day of standing `metres` north of the fence's middle, as it is kept. The error hangs together for `memory_s`.
fn standing(metres: f64, accuracy_m: f64, memory_s: f64, dice: &mut Dice) -> TrackDay {
    let sigma = accuracy_m / 1.5096;
    let keep = if memory_s > 0.0 {
        libm::exp(-30.0 / memory_s)
    } else {
        0.0
    };
    let fresh = (1.0 - keep * keep).sqrt();
    let (mut north, mut east) = (dice.normal(), dice.normal());
    let mut entries = Vec::new();
    for step in 0_i64.. {
        if entries.len() == DAY {
            break;
        }
        north = keep * north + fresh * dice.normal();
        east = keep * east + fresh * dice.normal();
        let degrees = |metres: f64| metres / 110_574.0;
        let (lat, lon) = (degrees(metres + sigma * north), degrees(sigma * east));
        let position = Position::new(Datum::Wgs84, lat, lon).unwrap();
        let source = AccuracySource::Android;
        entries.push(Entry::Fix(Fix::new(
            position,
            accuracy_m,
            source,
            step * PACE_MS,
        )));
    }
    let pieces = entries.chunks(SEGMENT).map(|chunk| {
        let packed = pack(chunk, BOUND_M).unwrap();
        let mono = packed.first_mono_ms;
        TrackPiece {
            shift: ShiftId::from_uuid(Uuid::nil()),
            session_end: None,
            recorded: SEGMENT as u64,
            at: TimeInterval {
                earliest: Some(mono),
                latest: Some(mono),
                class: TimeClass::A,
                wall: mono,
            },
            mono,
            boot: BootId::from_uuid(Uuid::nil()),
            track: unpack(&packed.bytes).unwrap().track,
            worst_error_m: packed.worst_error_m,
        }
    });
    TrackDay {
        rep: UserId::from_uuid(Uuid::nil()),
        day: NaiveDate::MIN,
        pieces: pieces.collect(),
        recorded: DAY as u64,
        bytes: 0,
        damaged: 0,
    }
}

#[test]
fn a_rep_who_stands_still_crosses_falsely_at_most_once_in_a_week_after_packing_too() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut worst, mut missed) = (0.0_f64, 0);
    for memory_s in [0.0, 120.0] {
        for accuracy_m in [10.0, 30.0] {
            for metres in [0.0, 60.0, 90.0, 100.0, 110.0, 130.0, 200.0] {
                let weeks = 2;
                let mut wrong = 0;
                for _ in 0..weeks * 5 {
                    let day = standing(metres, accuracy_m, memory_s, &mut dice);
                    let found = day.crossings(&watched(), Regions::default()).unwrap();
                    // who starts the day inside has come, once
                    wrong += found
                        .crossings
                        .len()
                        .saturating_sub(usize::from(metres <= 100.0));
                    missed += usize::from(metres <= 60.0 && found.stays.len() != 1);
                }
                let mean = f64::from(u32::try_from(wrong).unwrap()) / f64::from(weeks);
                worst = worst.max(mean);
                assert!(
                    mean <= 1.0,
                    "{metres} m, ±{accuracy_m} m, memory {memory_s} s: {mean} a week"
                );
            }
        }
    }
    eprintln!("false crossings a rep-week, packed at {BOUND_M} m: at most {worst}");
    assert_eq!(missed, 0, "who stands well inside is seen there every day");
}
