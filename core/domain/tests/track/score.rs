//! How well stops and ways are found on simulated days.

use std::fmt;
use std::ops::Range;

use waymark_domain::track::distance::distance;
use waymark_domain::track::filter::{Limits, filter};
use waymark_domain::track::stops::{Params, Stop, stops};
use waymark_domain::track::{HOLE_MS, Track, pack, unpack};

use crate::sim::{Plan, TrueStay, day, degrees};

#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) hits: usize,
    pub(crate) missed: usize,
    pub(crate) invented: usize,
    /// Absolute errors of starts and ends, seconds, where the edge was not inside a hole.
    pub(crate) edges_s: Vec<f64>,
    /// Relative error of each day's way, and whether the truth was within the stated interval.
    pub(crate) ways: Vec<(f64, bool)>,
}

impl Score {
    pub(crate) fn f1(&self) -> f64 {
        2.0 * self.hits as f64 / (2 * self.hits + self.missed + self.invented) as f64
    }

    pub(crate) fn edge_p90_s(&self) -> f64 {
        let mut edges = self.edges_s.clone();
        edges.sort_by(f64::total_cmp);
        edges[edges.len() * 9 / 10]
    }

    pub(crate) fn way_error_mean(&self) -> f64 {
        self.ways.iter().map(|(error, _)| error.abs()).sum::<f64>() / self.ways.len() as f64
    }

    pub(crate) fn way_error_worst(&self) -> f64 {
        self.ways
            .iter()
            .map(|(error, _)| error.abs())
            .fold(0.0, f64::max)
    }

    pub(crate) fn way_covered(&self) -> f64 {
        self.ways.iter().filter(|(_, inside)| *inside).count() as f64 / self.ways.len() as f64
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bias = self.ways.iter().map(|(error, _)| error).sum::<f64>() / self.ways.len() as f64;
        write!(
            f,
            "F1 {:.3} (hits {}, missed {}, invented {}), edges p90 {:.0} s, way off by {:.2} % on average (bias {:+.2} %, worst {:.2} %), inside the interval {:.0} %",
            self.f1(),
            self.hits,
            self.missed,
            self.invented,
            self.edge_p90_s(),
            100.0 * self.way_error_mean(),
            100.0 * bias,
            100.0 * self.way_error_worst(),
            100.0 * self.way_covered(),
        )
    }
}

/// Scores days. A stop is a hit when it and a stay overlap by half of the longer of the two; each stay is hit once.
pub(crate) fn score(seeds: Range<u64>, plan: Plan) -> Score {
    score_with(seeds, plan, None)
}

/// The same after packing with a bound, metres.
pub(crate) fn score_with(seeds: Range<u64>, plan: Plan, bound_m: Option<f64>) -> Score {
    let mut score = Score::default();
    for seed in seeds {
        let day = day(seed, plan);
        let track = match bound_m {
            None => Track::new(&day.entries, HOLE_MS).unwrap(),
            Some(bound_m) => {
                unpack(&pack(&day.entries, bound_m).unwrap().bytes)
                    .unwrap()
                    .track
            }
        };
        let filtered = filter(&track, Limits::default());
        let found = stops(&track, &filtered, &Params::default());
        compare(&mut score, &found, &day.stays);
        let way = distance(&track, &filtered, &found);
        score.ways.push((
            way.metres / day.metres - 1.0,
            (way.metres - day.metres).abs() <= way.plus_minus_m,
        ));
    }
    score
}

fn compare(score: &mut Score, found: &[Stop], stays: &[TrueStay]) {
    let mut used = vec![false; found.len()];
    for stay in stays {
        let hit = found.iter().enumerate().find(|(i, stop)| {
            let overlap = stop.end.best_ms.min(stay.to_ms) - stop.start.best_ms.max(stay.from_ms);
            let longer = stop.lasted_ms().max(stay.to_ms - stay.from_ms);
            !used[*i] && 2 * overlap >= longer
        });
        let Some((i, stop)) = hit else {
            score.missed += 1;
            continue;
        };
        used[i] = true;
        score.hits += 1;
        let (lat, lon) = degrees(stay.east, stay.north);
        assert!((stop.center.lat() - lat).abs() < 1e-3 && (stop.center.lon() - lon).abs() < 1e-3);
        score
            .edges_s
            .push((stop.start.best_ms - stay.from_ms).abs() as f64 / 1000.0);
        score
            .edges_s
            .push((stop.end.best_ms - stay.to_ms).abs() as f64 / 1000.0);
    }
    score.invented += used.iter().filter(|used| !**used).count();
}
