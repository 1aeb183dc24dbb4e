//! A rep's day with known truth: stays and legs, seen through a receiver whose errors hang together as real ones do.
#![allow(dead_code, reason = "each of the programs that share it uses a part")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::track::{Entry, GapReason};

/// Metres in a degree of latitude, near enough for truth that is defined by these very numbers.
pub(crate) const DEGREE_M: f64 = 111_132.0;
/// Where the day lies.
pub(crate) const HOME: (f64, f64) = (31.23, 121.47);

/// Chance with a seed.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in 0 .. 1.
    pub(crate) fn share(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.share() < p
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let u = self.share().max(1e-12);
        libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * self.share())
    }
}

/// What a day is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) hours: f64,
    pub(crate) interval_s: f64,
    /// Standard deviation of the slowly wandering error per axis while out of doors, metres.
    pub(crate) sigma_m: f64,
    /// The same inside a building, metres.
    pub(crate) indoor_sigma_m: f64,
    /// Time over which errors forget themselves, seconds.
    pub(crate) memory_s: f64,
    /// Share of fixes that are thrown 100 to 600 m away.
    pub(crate) outliers: f64,
    /// Chance that a stay has a hole without fixes in it.
    pub(crate) holes: f64,
}

impl Plan {
    pub(crate) const PHONE: Self = Self {
        hours: 8.0,
        interval_s: 10.0,
        sigma_m: 4.0,
        indoor_sigma_m: 12.0,
        memory_s: 60.0,
        outliers: 0.01,
        holes: 0.2,
    };

    /// A phone in a street canyon that sees walls more than sky.
    pub(crate) const CANYON: Self = Self {
        sigma_m: 9.0,
        indoor_sigma_m: 18.0,
        outliers: 0.03,
        ..Self::PHONE
    };

    /// A recorder at one fix a second.
    pub(crate) const FAST: Self = Self {
        interval_s: 1.0,
        ..Self::PHONE
    };

    /// A recorder that spares the battery.
    pub(crate) const SLOW: Self = Self {
        interval_s: 30.0,
        ..Self::PHONE
    };

    /// Every kind of day.
    pub(crate) const KINDS: [(&'static str, Self); 4] = [
        ("phone, 10 s", Self::PHONE),
        ("canyon, 10 s", Self::CANYON),
        ("fast, 1 s", Self::FAST),
        ("slow, 30 s", Self::SLOW),
    ];
}

/// A stay that really was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrueStay {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) east: f64,
    pub(crate) north: f64,
}

/// What was, and what was seen of it.
pub(crate) struct Day {
    pub(crate) entries: Vec<Entry>,
    pub(crate) stays: Vec<TrueStay>,
    /// Length of the way without the stays, metres.
    pub(crate) metres: f64,
}

/// One moment of the truth.
struct Moment {
    s: f64,
    east: f64,
    north: f64,
    indoors: bool,
}

/// A day of stays of 6 to 70 minutes, legs on foot or by car along a grid of streets with halts at lights, and shorter pauses that are no stays.
pub(crate) fn day(seed: u64, plan: Plan) -> Day {
    let mut dice = Dice::of(seed);
    let mut way: Vec<Moment> = Vec::new();
    let mut stays = Vec::new();
    let (mut s, mut east, mut north, mut metres) = (0.0, 0.0, 0.0, 0.0);
    let end = plan.hours * 3600.0;
    let put = |way: &mut Vec<Moment>, s, east, north, indoors| {
        way.push(Moment {
            s,
            east,
            north,
            indoors,
        })
    };
    put(&mut way, s, east, north, false);
    while s < end {
        // a leg: blocks of a grid of streets
        let walking = dice.chance(0.4);
        let speed = if walking {
            dice.between(1.1, 1.7)
        } else {
            dice.between(6.0, 16.0)
        };
        let blocks = if walking {
            3.0 + dice.between(0.0, 6.0)
        } else {
            5.0 + dice.between(0.0, 20.0)
        };
        let (mut along_east, mut sign) =
            (dice.chance(0.5), if dice.chance(0.5) { 1.0 } else { -1.0 });
        let blocks = libm::round(blocks) as u32;
        for n in 0..blocks {
            let block = dice.between(80.0, 350.0);
            let steps = libm::ceil(block / speed / 5.0).max(1.0);
            for _ in 0..steps as u32 {
                s += block / speed / steps;
                if along_east {
                    east += sign * block / steps
                } else {
                    north += sign * block / steps
                }
                put(&mut way, s, east, north, false);
            }
            metres += block;
            if n + 1 < blocks && dice.chance(0.3) {
                // a light, or a look at a window: no stay
                s += dice.between(10.0, 100.0);
                put(&mut way, s, east, north, false);
            }
            if dice.chance(0.4) {
                along_east = !along_east;
                sign = if dice.chance(0.75) { sign } else { -sign };
            }
        }
        // a stay
        let from = s;
        s += 60.0
            * if dice.chance(0.25) {
                dice.between(25.0, 70.0)
            } else {
                dice.between(6.5, 25.0)
            };
        put(&mut way, from + 0.001, east, north, true);
        put(&mut way, s - 0.001, east, north, true);
        put(&mut way, s, east, north, false);
        stays.push(TrueStay {
            from_ms: (from * 1000.0) as i64,
            to_ms: (s * 1000.0) as i64,
            east,
            north,
        });
    }
    let entries = seen(&mut dice, plan, &way, &stays);
    Day {
        entries,
        stays,
        metres,
    }
}

fn seen(dice: &mut Dice, plan: Plan, way: &[Moment], stays: &[TrueStay]) -> Vec<Entry> {
    let holes: Vec<(f64, f64)> = stays
        .iter()
        .filter_map(|stay| {
            let (from, to) = (stay.from_ms as f64 / 1000.0, stay.to_ms as f64 / 1000.0);
            dice.chance(plan.holes)
                .then_some((from + 90.0, to - 60.0))
                .filter(|(a, b)| b - a > 150.0)
        })
        .collect();
    let end = way.last().unwrap().s;
    let (mut at, mut s) = (0, 0.0);
    let (mut wander_e, mut wander_n) = (0.0, 0.0);
    let mut entries = Vec::new();
    let mut hole_said = false;
    while s < end {
        while at + 1 < way.len() && way[at + 1].s <= s {
            at += 1;
        }
        let (a, b) = (&way[at], &way[(at + 1).min(way.len() - 1)]);
        let share = if b.s > a.s {
            (s - a.s) / (b.s - a.s)
        } else {
            0.0
        };
        let indoors = a.indoors && b.indoors;
        let sigma = if indoors {
            plan.indoor_sigma_m
        } else {
            plan.sigma_m
        };
        // an error that remembers: first-order autoregressive, plus a little that does not
        let rho = libm::exp(-plan.interval_s / plan.memory_s);
        let fresh = libm::sqrt(1.0 - rho * rho) * sigma;
        wander_e = rho * wander_e + fresh * dice.normal();
        wander_n = rho * wander_n + fresh * dice.normal();
        let mut east = a.east + (b.east - a.east) * share + wander_e + 0.5 * dice.normal();
        let mut north = a.north + (b.north - a.north) * share + wander_n + 0.5 * dice.normal();
        let mut accuracy = sigma * 1.5096 * dice.between(0.7, 1.5);
        if dice.chance(plan.outliers) {
            east += dice.between(100.0, 600.0) * if dice.chance(0.5) { 1.0 } else { -1.0 };
            north += dice.between(-300.0, 300.0);
            // half of them do not even admit it
            accuracy = if dice.chance(0.5) {
                accuracy
            } else {
                dice.between(100.0, 400.0)
            };
        }
        let mono_ms = (s * 1000.0) as i64;
        if let Some((from, _)) = holes.iter().find(|(from, to)| *from <= s && s < *to) {
            if !hole_said {
                entries.push(Entry::Gap {
                    mono_ms: (from * 1000.0) as i64,
                    reason: GapReason::NoFix,
                });
            }
            hole_said = true;
        } else {
            hole_said = false;
            let (lat, lon) = degrees(east, north);
            let position = Position::new(Datum::Wgs84, lat, lon).unwrap();
            entries.push(Entry::Fix(Fix::new(
                position,
                accuracy,
                AccuracySource::Android,
                mono_ms,
            )));
        }
        s += plan.interval_s;
    }
    entries
}

/// Degrees of a place of the day.
pub(crate) fn degrees(east: f64, north: f64) -> (f64, f64) {
    let lon_m = 111_413.0 * libm::cos(HOME.0.to_radians());
    (HOME.0 + north / DEGREE_M, HOME.1 + east / lon_m)
}
