//! How far a rep went: every metre traceable to two fixes, and none counted where nothing was seen.

use super::filter::Filtered;
use super::plane::{apart_m, length, step};
use super::smooth::{Sample, smooth};
use super::stops::Stop;
use super::{GapReason, Track};
use crate::fix::Fix;
use crate::geo::accuracy;

/// Share of the counted length that the method may be off in any case, by simulated days.
const METHOD_SHARE: f64 = 0.015;
/// Share of a leg that a corner inside it hides at most: half the way round a right angle is 41 % more than straight across.
const CORNER_SHARE: f64 = 0.42;

/// A distance and where it comes from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distance {
    /// Length of the way that was seen, metres.
    pub metres: f64,
    /// Half width of the interval around it, metres, as the root of the squares of: half of what smoothing took away, the ends of each
    /// piece by their deviations, what corners between two fixes may hide, and 1.5 % of the length.
    pub plus_minus_m: f64,
    /// The legs that add up to `metres`.
    pub legs: Vec<Leg>,
    /// Where nothing was seen. None of this is in `metres`.
    pub uncounted: Vec<Uncounted>,
}

/// A stretch that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// Index of the fix at its beginning.
    pub from: usize,
    /// Index of the fix at its end. Plausible fixes in between stood still by their accuracy.
    pub to: usize,
    /// Its length between the smoothed positions of the two, metres.
    pub metres: f64,
}

/// A stretch that does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncounted {
    /// Index of the last plausible fix before it.
    pub from: usize,
    /// Index of the first plausible fix after it.
    pub to: usize,
    /// Straight line between the two, metres.
    pub straight_m: f64,
    /// Time between the two, milliseconds.
    pub lasted_ms: i64,
    /// Why nothing was seen, in order; empty where the fixes themselves jump.
    pub reasons: Vec<GapReason>,
}

/// The length of the way: plausible fixes, smoothed piece by piece; a stop is
/// one place, its middle, to which the way leads and from which it goes on; and a move within the accuracy of the
/// fixes is none. Gaps and jumps are reported and never bridged.
#[must_use]
pub fn distance(track: &Track, filtered: &Filtered, stops: &[Stop]) -> Distance {
    let fixes = track.fixes();
    let mut result = Distance::default();
    let (mut raw_m, mut corners_m) = (0.0, 0.0);
    let mut ends = 0.0;
    let mut piece: Vec<usize> = Vec::new();
    let mut last: Option<usize> = None;
    for i in filtered.usable() {
        if let Some(before) = last {
            let reasons: Vec<GapReason> = track
                .gaps()
                .iter()
                .filter(|gap| before < gap.fixes_before && gap.fixes_before <= i)
                .map(|gap| gap.reason)
                .collect();
            if !reasons.is_empty() || filtered.jumps.binary_search(&i).is_ok() {
                let (raw, corners) = count(fixes, &piece, stops, &mut result, &mut ends);
                raw_m += raw;
                corners_m += corners;
                piece.clear();
                result.uncounted.extend(hole(fixes, before, i, reasons));
            }
        }
        piece.push(i);
        last = Some(i);
    }
    let (raw, corners) = count(fixes, &piece, stops, &mut result, &mut ends);
    raw_m += raw;
    corners_m += corners;
    result.metres = result.legs.iter().fold(0.0, |sum, leg| sum + leg.metres);
    let taken = (raw_m - result.metres) / 2.0;
    let method = METHOD_SHARE * result.metres;
    result.plus_minus_m = (taken * taken + ends + corners_m * corners_m + method * method).sqrt();
    result
}

fn hole(fixes: &[Fix], from: usize, to: usize, reasons: Vec<GapReason>) -> Option<Uncounted> {
    let (a, b) = (fixes.get(from)?, fixes.get(to)?);
    Some(Uncounted {
        from,
        to,
        straight_m: apart_m(a.position, b.position),
        lasted_ms: b.mono_ms - a.mono_ms,
        reasons,
    })
}

/// Adds the legs of one piece; gives the length of the unsmoothed way outside stops, and what corners inside its legs may hide.
fn count(
    fixes: &[Fix],
    piece: &[usize],
    stops: &[Stop],
    result: &mut Distance,
    ends: &mut f64,
) -> (f64, f64) {
    let samples = along(fixes, piece);
    let places = smooth(&samples);
    let within = |i: usize| {
        let next = stops.partition_point(|stop| stop.last_fix < i);
        stops
            .get(next)
            .filter(|stop| stop.first_fix <= i)
            .map(|_| next)
    };
    let mut raw_m = 0.0;
    let mut before: Option<(usize, (f64, f64), &Sample)> = None;
    let mut anchor: Option<(usize, (f64, f64), f64)> = None;
    let mut steps = Vec::new();
    let mut stop_at: Option<(usize, (f64, f64))> = None;
    for ((i, place), sample) in piece.iter().zip(&places).zip(&samples) {
        // a fix of a stop stands for the middle of the stop: the way leads there and from there
        let stop = within(*i);
        if stop_at.map(|(known, _)| known) != stop {
            stop_at = stop.and_then(|stop| {
                let (to, fix) = (stops.get(stop)?, fixes.get(*i)?);
                let (east, north) = step(fix.position, to.center);
                Some((stop, (sample.east + east, sample.north + north)))
            });
        }
        let place = &stop_at.map_or(*place, |(_, middle)| middle);
        let standing = before
            .is_some_and(|(before, ..)| within(before).is_some() && within(before) == within(*i));
        if let Some((_, _, from)) = before
            && !standing
        {
            raw_m += length(sample.east - from.east, sample.north - from.north);
        }
        before = Some((*i, *place, sample));
        match anchor {
            None => {
                anchor = Some((*i, *place, sample.sigma_m));
                *ends += 2.0 * sample.sigma_m * sample.sigma_m;
            }
            Some(_) if standing => anchor = Some((*i, *place, sample.sigma_m)),
            Some((from, (east, north), sigma)) => {
                let metres = length(place.0 - east, place.1 - north);
                if metres > sigma.max(sample.sigma_m) {
                    let to = *i;
                    result.legs.push(Leg { from, to, metres });
                    steps.push((place.0 - east, place.1 - north));
                    anchor = Some((to, *place, sample.sigma_m));
                }
            }
        }
    }
    (raw_m, steps.windows(3).map(corner).sum())
}

/// What a corner inside the middle one of three steps may hide, metres: the way comes in the direction of the first, goes on in that of the
/// third, and turns once in between.
fn corner(steps: &[(f64, f64)]) -> f64 {
    let &[(a_e, a_n), (e, n), (b_e, b_n)] = steps else {
        return 0.0;
    };
    let lengths = length(a_e, a_n) * length(b_e, b_n);
    let cos = if lengths > 0.0 {
        (a_e * b_e + a_n * b_n) / lengths
    } else {
        1.0
    };
    let half = ((1.0 + cos.clamp(-1.0, 1.0)) / 2.0).sqrt();
    length(e, n) * (1.0 / half.max(0.1) - 1.0).min(CORNER_SHARE)
}

/// The way of a piece on a plane that is unrolled step by step, so that each step has its true length.
#[expect(clippy::cast_precision_loss, reason = "times are at most 2^53")]
fn along(fixes: &[Fix], piece: &[usize]) -> Vec<Sample> {
    let (mut east, mut north) = (0.0, 0.0);
    let mut before: Option<&Fix> = None;
    let known = piece.iter().filter_map(|i| fixes.get(*i));
    known
        .map(|fix| {
            if let Some(before) = before {
                let (d_east, d_north) = step(before.position, fix.position);
                east += d_east;
                north += d_north;
            }
            before = Some(fix);
            Sample {
                s: fix.mono_ms as f64 / 1000.0,
                east,
                north,
                sigma_m: accuracy::sigma_m(fix.accuracy_m, fix.source),
            }
        })
        .collect()
}
