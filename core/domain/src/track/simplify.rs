//! Which fixes a packed track keeps.
//!
//! Between two kept fixes a reader puts the position on the straight line (in degrees) in proportion to the time. A fix may be dropped
//! when that position at its own time is no further from it than the bound; so stays and speeds survive, not only the shape. Every
//! dropped fix is measured against the very numbers that a reader will have. From a kept fix the next one is the furthest that this
//! allows (an opening window). A box around the velocities that all fixes passed so far permit tells early when none further can be
//! reached.

use std::ops::Range;

use super::plane::{Scale, length, turn};
use crate::fix::{Fix, Provider};

/// Fixes looked at beyond the furthest reachable one before giving up: what bounds the time on a track made to be slow.
const LOOK_AHEAD: usize = 2_000;
/// Candidates measured per window, furthest first.
const TRIES: usize = 64;

/// A fix as the packed track holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coded {
    /// Latitude in 1e-7 degrees.
    pub(super) lat: i64,
    /// Longitude in 1e-7 degrees.
    pub(super) lon: i64,
    /// See [`level_of`].
    pub(super) level: u8,
    /// See [`class_of`].
    pub(super) class: u8,
}

impl Coded {
    pub(super) fn of(fix: &Fix) -> Self {
        Self {
            lat: units(fix.position.lat()),
            lon: units(fix.position.lon()),
            level: level_of(fix.accuracy_m),
            class: class_of(fix),
        }
    }
}

/// Degrees in units of 1e-7, half a unit at most away: 5.6 mm.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a position's degrees are at most 180 either side: 1.8e9 units"
)]
fn units(degrees: f64) -> i64 {
    (degrees * 1e7).round() as i64
}

/// Units of 1e-7 degrees as degrees: the nearest float to that decimal number.
#[expect(clippy::cast_precision_loss, reason = "at most 1.8e9 units")]
pub(super) fn degrees(units: i64) -> f64 {
    units as f64 / 1e7
}

/// Accuracy levels in metres, each √2 times the one before: 0.5, 0.71, 1, 1.41, … 131,072.
const LEVELS: u8 = 37;

/// The radius that a level stands for, metres.
pub(super) fn radius_of(level: u8) -> f64 {
    let whole = (0..level / 2).fold(0.5, |radius, _| radius * 2.0);
    if level % 2 == 1 {
        whole * std::f64::consts::SQRT_2
    } else {
        whole
    }
}

/// The lowest level whose radius is not below `accuracy_m`: a packed track never claims to be more accurate than its fixes were.
fn level_of(accuracy_m: f64) -> u8 {
    (0..LEVELS)
        .find(|level| radius_of(*level) >= accuracy_m)
        .unwrap_or(LEVELS)
}

/// What else is kept of a fix, in eight bits: source of the accuracy (bits 0-1), provider (bits 2-4), mock, simulated, accessory (5-7).
fn class_of(fix: &Fix) -> u8 {
    use crate::fix::AccuracySource as Source;
    let source = match fix.source {
        Source::Android => 0,
        Source::Apple => 1,
        Source::Web => 2,
        Source::Stated => 3,
    };
    let provider = match fix.provider {
        Provider::Unknown => 0,
        Provider::Gnss => 1,
        Provider::Network => 2,
        Provider::Fused => 3,
        Provider::Manual => 4,
    };
    source
        | provider << 2
        | u8::from(fix.mock) << 5
        | u8::from(fix.simulated) << 6
        | u8::from(fix.accessory) << 7
}

/// What is kept, and the largest distance of a fix to where a reader will put it at its time, metres.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) indices: Vec<usize>,
    pub(super) worst_m: f64,
}

/// Simplifies the runs between gaps, each with both its ends kept.
pub(super) fn simplify(
    fixes: &[Fix],
    coded: &[Coded],
    pieces: &[Range<usize>],
    bound_m: f64,
) -> Kept {
    let all: Vec<Seen> = fixes
        .iter()
        .zip(coded)
        .map(|(fix, coded)| Seen::of(fix, *coded))
        .collect();
    let mut kept = Kept::default();
    for piece in pieces {
        let Some(run) = all.get(piece.clone()) else {
            continue;
        };
        let mut at = 0;
        while let Some(start) = run.get(at) {
            kept.indices.push(piece.start + at);
            kept.worst_m = kept.worst_m.max(start.away_from(start.q_lat, start.q_lon));
            let Some((step, worst_m)) = furthest(run.get(at..).unwrap_or_default(), bound_m) else {
                break;
            };
            kept.worst_m = kept.worst_m.max(worst_m);
            at += step;
        }
    }
    kept
}

/// A fix with all that the search asks of it.
struct Seen {
    /// As reported, degrees.
    lat: f64,
    lon: f64,
    /// As a reader will have it, degrees.
    q_lat: f64,
    q_lon: f64,
    time: f64,
    scale: Scale,
    level: u8,
    class: u8,
}

impl Seen {
    #[expect(clippy::cast_precision_loss, reason = "times are at most 2^53")]
    fn of(fix: &Fix, coded: Coded) -> Self {
        Self {
            lat: fix.position.lat(),
            lon: fix.position.lon(),
            q_lat: degrees(coded.lat),
            q_lon: degrees(coded.lon),
            time: fix.mono_ms as f64,
            scale: Scale::at(fix.position.lat()),
            level: coded.level,
            class: coded.class,
        }
    }

    /// Metres from the reported position to another, by the scale here.
    fn away_from(&self, lat: f64, lon: f64) -> f64 {
        let (east, north) = self.scale.metres(lat - self.lat, turn(self.lon, lon));
        length(east, north)
    }

    /// Metres from here to where a reader who has `a` and `b` puts the position at this time.
    fn off(&self, a: &Self, b: &Self) -> f64 {
        let share = share(a.time, b.time, self.time);
        self.away_from(
            a.q_lat + (b.q_lat - a.q_lat) * share,
            a.q_lon + turn(a.q_lon, b.q_lon) * share,
        )
    }
}

/// How far `time` is from `a` to `b`; 0 when they are the same.
fn share(a: f64, b: f64, time: f64) -> f64 {
    if b > a { (time - a) / (b - a) } else { 0.0 }
}

/// From the first of `run`: how far the next kept one is, and the largest error in between. `None` at the end of the run.
fn furthest(run: &[Seen], bound_m: f64) -> Option<(usize, f64)> {
    let (start, rest) = run.split_first()?;
    rest.first()?;
    let mut allowed = Box2::everything();
    let mut worst_level = 0;
    // those that the box lets through, with the worst accuracy level in between
    let mut reachable: Vec<(usize, u8)> = Vec::new();
    for (i, seen) in rest.iter().enumerate() {
        let elapsed = seen.time - start.time;
        let (east, north) = start
            .scale
            .metres(seen.q_lat - start.q_lat, turn(start.q_lon, seen.q_lon));
        if i == 0 || allowed.holds(east, north, elapsed) {
            reachable.push((i + 1, worst_level));
        } else if i - reachable.last().map_or(0, |(last, _)| *last) > LOOK_AHEAD {
            break;
        }
        // from here on `seen` is one of those dropped
        worst_level = worst_level.max(seen.level);
        allowed.narrow(east, north, elapsed, bound_m * SLACK);
        if seen.class != start.class || allowed.is_empty() {
            break;
        }
    }
    let mut suspect = 0;
    let furthest_first = reachable.iter().rev().take(TRIES);
    // the very next fix is always reachable, with nothing in between
    let near = reachable.iter().take(TRIES).rev();
    for (step, worst_level) in furthest_first.chain(near) {
        if let (Some(end), Some(between)) = (run.get(*step), run.get(1..*step))
            && levels_allow(*worst_level, start, end, bound_m)
            && let Some(worst_m) = worst(start, end, between, bound_m, &mut suspect)
        {
            return Some((*step, worst_m));
        }
    }
    Some((1, 0.0))
}

/// The box is measured by the scale of the window's first fix; on a window of 100 km that scale is off by a percent, and the exact
/// measure decides anyway.
const SLACK: f64 = 1.02;

/// A dropped fix may be at most twice as uncertain as the worse of the two kept around it, unless it is better than the bound itself.
fn levels_allow(worst: u8, a: &Seen, b: &Seen, bound_m: f64) -> bool {
    worst <= a.level.max(b.level).saturating_add(2) || radius_of(worst) <= bound_m
}

/// The largest error of `between`, or `None` when one is beyond the bound. `suspect` is the one that broke the last attempt, which is
/// likely to break this one too.
fn worst(a: &Seen, b: &Seen, between: &[Seen], bound_m: f64, suspect: &mut usize) -> Option<f64> {
    if let Some(seen) = between.get(*suspect)
        && seen.off(a, b) > bound_m
    {
        return None;
    }
    let mut worst = 0.0_f64;
    for (i, seen) in between.iter().enumerate() {
        let off = seen.off(a, b);
        if off > bound_m {
            *suspect = i;
            return None;
        }
        worst = worst.max(off);
    }
    Some(worst)
}

/// The velocities (metres a millisecond, east and north) by which every dropped fix is passed within the bound: a box around them.
struct Box2 {
    east: (f64, f64),
    north: (f64, f64),
}

impl Box2 {
    const fn everything() -> Self {
        Self {
            east: (f64::NEG_INFINITY, f64::INFINITY),
            north: (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    fn narrow(&mut self, east: f64, north: f64, elapsed: f64, bound_m: f64) {
        if elapsed > 0.0 {
            for (range, at) in [(&mut self.east, east), (&mut self.north, north)] {
                range.0 = range.0.max((at - bound_m) / elapsed);
                range.1 = range.1.min((at + bound_m) / elapsed);
            }
        }
    }

    fn holds(&self, east: f64, north: f64, elapsed: f64) -> bool {
        // a fix of the same millisecond as the first ends a window of its own
        elapsed <= 0.0
            || [(self.east, east), (self.north, north)]
                .iter()
                .all(|(range, at)| range.0 <= at / elapsed && at / elapsed <= range.1)
    }

    const fn is_empty(&self) -> bool {
        self.east.0 > self.east.1 || self.north.0 > self.north.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_never_claims_more_than_the_fix_and_at_most_42_percent_less() {
        for accuracy in [0.01, 0.5, 0.500_001, 3.0, 8.0, 20.0, 99_999.0, 100_000.0] {
            let radius = radius_of(level_of(accuracy));
            assert!(radius >= accuracy, "{accuracy} {radius}");
            assert!(radius <= (accuracy * 1.42).max(0.5), "{accuracy} {radius}");
        }
        for level in 0..LEVELS {
            assert_eq!(level_of(radius_of(level)), level);
        }
    }

    #[test]
    fn units_come_back_as_the_decimal_number_that_they_are() {
        for text in ["31.2304167", "-179.9999999", "0.0000001", "180"] {
            let value: f64 = text.parse().unwrap();
            assert_eq!(degrees(units(value)), value);
        }
    }
}
