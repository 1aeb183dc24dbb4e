//! Days made from a seed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shared by test binaries that use different parts; small numbers"
)]

use waymark_route::{Break, Lock, Matrix, Need, Problem, Stop, Window};

/// A linear congruence: the tests' own numbers.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }

    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A day of so many visits with anything in it.
pub fn any_day(seed: u64, visits: usize) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9).wrapping_add(77));
    for _ in 0..4 {
        dice.below(2);
    }
    let end = match dice.below(3) {
        0 => None,
        1 => Some(0),
        _ => Some(visits + 1),
    };
    let places = visits + 1 + usize::from(end == Some(visits + 1));
    let places_u64 = places as u64;
    let spread = 50 + dice.below(2000);
    let no_ways = dice.one_in(8);
    let rows: Vec<Vec<u32>> = (0..places)
        .map(|a| {
            let way = |b: usize, dice: &mut Dice| {
                if a == b {
                    0
                } else if no_ways && dice.one_in(10) {
                    Matrix::NO_WAY
                } else {
                    1 + dice.below(spread) as u32
                }
            };
            (0..places).map(|b| way(b, &mut dice)).collect()
        })
        .collect();
    let depart = dice.below(500) as i64;
    let day = spread * places_u64 / 2;
    let (windows, prizes, locks) = (dice.below(3), dice.below(3), dice.below(4));
    let mut stops = Vec::new();
    for _ in 0..places {
        let mut stop = Stop::must(dice.below(300) as u32);
        for _ in 0..if windows > 0 && dice.one_in(2) {
            dice.below(3)
        } else {
            0
        } {
            let last = stop.windows.last().map_or(depart, |w: &Window| w.close);
            let open = last + 1 + dice.below(day / windows) as i64 / 2;
            let close = open + dice.below(day) as i64 / 2;
            stop.windows.push(Window { open, close });
        }
        if prizes == 2 || (prizes == 1 && dice.one_in(2)) {
            stop.need = Need::Priority(dice.below(9) as u32);
        }
        if locks == 0 && dice.one_in(3) {
            stop.lock = match dice.below(5) {
                0 => Lock::First,
                1 => Lock::Last,
                2 => Lock::At(dice.below(visits as u64) as usize),
                _ => Lock::After(dice.below(places_u64) as usize),
            };
        }
        stops.push(stop);
    }
    let mut breaks = Vec::new();
    let mut open = depart;
    for _ in 0..if dice.one_in(3) { 1 + dice.below(2) } else { 0 } {
        open += dice.below(day) as i64 / 2;
        let close = open + dice.below(day) as i64 / 4;
        let window = Window { open, close };
        breaks.push(Break {
            window,
            seconds: dice.below(200) as u32,
        });
    }
    let latest = depart
        + if dice.one_in(2) {
            1_000_000
        } else {
            (day / 2 + dice.below(2 * day)) as i64
        };
    Problem {
        travel: Matrix::from_rows(&rows).unwrap(),
        stops,
        start: 0,
        end,
        depart,
        latest,
        breaks,
    }
}
