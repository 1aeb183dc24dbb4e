//! Where a rep stayed: clusters in space and time, by accuracy, robust to jitter and to single wild fixes.

use super::filter::Filtered;
use super::plane::{Scale, apart_m, length, turn};
use super::{GapReason, Track};
use crate::fix::Fix;
use crate::geo::Position;
use crate::geo::accuracy::sigma_m;

/// What a stay is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// Radius around the middle, metres. Twice a fix's deviation is added to it by the root of squares.
    pub radius_m: f64,
    /// Shortest stay, milliseconds.
    pub least_ms: i64,
    /// Fixes outside for no longer than this, and a single one however long, do not end a stay, milliseconds.
    pub excursion_ms: i64,
    /// Two stays at one place with less than this between them are one, milliseconds.
    pub merge_ms: i64,
    /// Longest gap inside a stay, milliseconds. Of the time in it nothing is claimed: see [`Stop::unobserved_ms`].
    pub unobserved_ms: i64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            radius_m: 50.0,
            least_ms: 300_000,
            excursion_ms: 90_000,
            merge_ms: 150_000,
            unobserved_ms: 5_400_000,
        }
    }
}

/// A stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Its middle, in the track's datum.
    pub center: Position,
    /// Nine of ten of its fixes lie within this of the middle, metres.
    pub radius_m: f64,
    /// When it began.
    pub start: Edge,
    /// When it ended.
    pub end: Edge,
    /// Index of its first fix.
    pub first_fix: usize,
    /// Index of its last fix. Between the two all plausible fixes belong to it but the outliers.
    pub last_fix: usize,
    /// How many fixes it rests on.
    pub fixes: usize,
    /// Plausible fixes in between that lie elsewhere.
    pub outliers: Vec<usize>,
    /// Time inside gaps, milliseconds: the rep was at this place before and after, and nobody saw where in between.
    pub unobserved_ms: i64,
}

impl Stop {
    /// How long it lasted by the best estimates, milliseconds.
    #[must_use]
    pub const fn lasted_ms(&self) -> i64 {
        self.end.best_ms - self.start.best_ms
    }
}

/// The beginning or end of a stay, boot-time clock, milliseconds. Where the track itself begins or ends, or the recording was off by will or
/// rule, it is the beginning or end of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Not before.
    pub earliest_ms: i64,
    /// Most likely.
    pub best_ms: i64,
    /// Not after.
    pub latest_ms: i64,
}

/// The stays of a track.
#[must_use]
pub fn stops(track: &Track, filtered: &Filtered, params: &Params) -> Vec<Stop> {
    let search = Search {
        track,
        params,
        usable: filtered
            .usable()
            .filter_map(|i| Some((i, track.fixes().get(i)?)))
            .collect(),
        jumps: &filtered.jumps,
    };
    let mut found: Vec<Cluster> = Vec::new();
    let mut at = 0;
    while at < search.usable.len() {
        let Some(cluster) = search.grow(at) else {
            at += 1;
            continue;
        };
        at = cluster.last() + 1;
        match found.last_mut() {
            Some(before) if search.one_place(before, &cluster) => before.join(cluster),
            _ => found.push(cluster),
        }
    }
    found
        .iter()
        .filter_map(|cluster| search.stop(cluster))
        .filter(|stop| stop.lasted_ms() >= params.least_ms)
        .collect()
}

struct Search<'a> {
    track: &'a Track,
    params: &'a Params,
    /// Index in the track, and the fix.
    usable: Vec<(usize, &'a Fix)>,
    jumps: &'a [usize],
}

/// Members and outliers are indices of `usable`.
struct Cluster {
    members: Vec<usize>,
    outliers: Vec<usize>,
    middle: Position,
}

impl Cluster {
    fn first(&self) -> usize {
        self.members.first().copied().unwrap_or(0)
    }

    fn last(&self) -> usize {
        self.members.last().copied().unwrap_or(0)
    }

    fn join(&mut self, other: Self) {
        self.outliers.extend(self.last() + 1..other.first());
        self.members.extend(other.members);
        self.outliers.extend(other.outliers);
    }
}

/// A mean that grows: of offsets from an origin, by how long a fix stood and how accurate it is.
struct Middle {
    origin: Position,
    scale: Scale,
    east: f64,
    north: f64,
    weight: f64,
}

impl Middle {
    fn around(origin: Position) -> Self {
        Self {
            origin,
            scale: Scale::at(origin.lat()),
            east: 0.0,
            north: 0.0,
            weight: 0.0,
        }
    }

    fn offset(&self, at: Position) -> (f64, f64) {
        let d_lon = turn(self.origin.lon(), at.lon());
        self.scale.metres(at.lat() - self.origin.lat(), d_lon)
    }

    fn away_m(&self, at: Position) -> f64 {
        let (east, north) = self.offset(at);
        length(east - self.east, north - self.north)
    }

    fn add(&mut self, at: Position, weight: f64) {
        let (east, north) = self.offset(at);
        self.weight += weight;
        self.east += (east - self.east) * weight / self.weight;
        self.north += (north - self.north) * weight / self.weight;
    }

    fn position(&self) -> Option<Position> {
        let (lat, lon) = self.scale.degrees(self.east, self.north);
        let lon = turn(0.0, turn(0.0, self.origin.lon()) + lon);
        Position::new(self.origin.datum(), self.origin.lat() + lat, lon).ok()
    }
}

impl Search<'_> {
    fn fix(&self, n: usize) -> Option<&Fix> {
        self.usable.get(n).map(|(_, fix)| *fix)
    }

    fn time(&self, n: usize) -> i64 {
        self.fix(n).map_or(0, |fix| fix.mono_ms)
    }

    /// The gaps between two successive usable fixes, and how long they are together.
    fn unseen(&self, n: usize) -> (bool, i64) {
        let (Some((a, from)), Some((b, to))) = (self.usable.get(n), self.usable.get(n + 1)) else {
            return (true, 0);
        };
        let begin = self
            .track
            .gaps()
            .partition_point(|gap| gap.fixes_before <= *a);
        let mut gaps = self.track.gaps().iter().skip(begin);
        let mut gaps = std::iter::from_fn(|| gaps.next().filter(|gap| gap.fixes_before <= *b));
        let Some(first) = gaps.next() else {
            return (false, 0);
        };
        let closed = [first.reason]
            .into_iter()
            .chain(gaps.map(|gap| gap.reason))
            .any(closes);
        (closed, to.mono_ms - first.mono_ms.max(from.mono_ms))
    }

    /// Whether the way from usable fix `n` to the next may lie inside a stay.
    fn goes_on(&self, n: usize) -> bool {
        let (closed, unseen_ms) = self.unseen(n);
        let jump = self
            .usable
            .get(n + 1)
            .is_none_or(|(i, _)| self.jumps.binary_search(i).is_ok());
        !closed && !jump && unseen_ms <= self.params.unobserved_ms
    }

    /// How long a fix stands for, seconds, by half the way to its neighbours; gaps do not count.
    #[expect(clippy::cast_precision_loss, reason = "times are at most 2^53")]
    fn dwell_s(&self, n: usize) -> f64 {
        let after = self.time(n + 1).max(self.time(n)) - self.time(n) - self.unseen(n).1;
        let before = match n.checked_sub(1) {
            Some(before) => self.time(n) - self.time(before) - self.unseen(before).1,
            None => 0,
        };
        ((after + before).max(0) as f64 / 2000.0).max(0.5)
    }

    fn weight(&self, n: usize, fix: &Fix) -> f64 {
        let sigma = sigma_m(fix.accuracy_m, fix.source).max(3.0);
        self.dwell_s(n) / (sigma * sigma)
    }

    fn reach_m(&self, fix: &Fix) -> f64 {
        length(
            self.params.radius_m,
            2.0 * sigma_m(fix.accuracy_m, fix.source),
        )
    }

    /// A stay that begins with usable fix `at`.
    fn grow(&self, at: usize) -> Option<Cluster> {
        let start = self.fix(at)?;
        let mut end = at;
        let mut gone: Option<(usize, i64)> = None;
        while self.time(end) - start.mono_ms < self.params.least_ms {
            if !self.goes_on(end) {
                return None;
            }
            end += 1;
            // most places where nobody stays are left behind at once: three fixes and 20 s well outside any circle through the start
            let fix = self.fix(end)?;
            let far =
                apart_m(start.position, fix.position) > self.reach_m(start) + self.reach_m(fix);
            let (since, from_ms) = gone.unwrap_or((end, fix.mono_ms));
            gone = far.then_some((since, from_ms));
            if far && end - since >= 2 && fix.mono_ms - from_ms >= 20_000 {
                return None;
            }
        }
        let mut middle = self.seed(at, end)?;
        let mut cluster = Cluster {
            members: Vec::new(),
            outliers: Vec::new(),
            middle: start.position,
        };
        let (mut inside, mut outside) = (0.0, 0.0);
        for n in at..=end {
            let fix = self.fix(n)?;
            if middle.away_m(fix.position) <= self.reach_m(fix) {
                inside += self.dwell_s(n);
                cluster.members.push(n);
            } else {
                outside += self.dwell_s(n);
                cluster.outliers.push(n);
            }
        }
        if cluster.first() != at || cluster.members.len() < 2 || outside > 0.25 * (inside + outside)
        {
            return None;
        }
        let mut n = end;
        let mut away = 0;
        while self.goes_on(n) {
            n += 1;
            let fix = self.fix(n)?;
            if middle.away_m(fix.position) <= self.reach_m(fix) {
                middle.add(fix.position, self.weight(n, fix));
                cluster.outliers.extend(n - away..n);
                cluster.members.push(n);
                away = 0;
            } else {
                away += 1;
                if away > 1 && fix.mono_ms - self.time(cluster.last()) > self.params.excursion_ms {
                    break;
                }
            }
        }
        let last = cluster.last();
        cluster.outliers.retain(|n| *n < last);
        cluster.middle = middle.position()?;
        Some(cluster)
    }

    /// The middle of a window: the median on each axis, so that wild fixes do not pull; then the mean of those within reach of it.
    fn seed(&self, at: usize, end: usize) -> Option<Middle> {
        let mut middle = Middle::around(self.fix(at)?.position);
        let mut east = Vec::new();
        let mut north = Vec::new();
        for n in at..=end {
            let fix = self.fix(n)?;
            let (e, n_) = middle.offset(fix.position);
            let weight = self.weight(n, fix);
            east.push((e, weight));
            north.push((n_, weight));
        }
        (middle.east, middle.north) = (median(east), median(north));
        let near: Vec<usize> = (at..=end)
            .filter(|n| {
                self.fix(*n)
                    .is_some_and(|fix| middle.away_m(fix.position) <= self.reach_m(fix))
            })
            .collect();
        (middle.east, middle.north) = (0.0, 0.0);
        for n in near {
            let fix = self.fix(n)?;
            middle.add(fix.position, self.weight(n, fix));
        }
        (middle.weight > 0.0).then_some(middle)
    }

    fn one_place(&self, a: &Cluster, b: &Cluster) -> bool {
        self.time(b.first()) - self.time(a.last()) <= self.params.merge_ms
            && apart_m(a.middle, b.middle) <= self.params.radius_m
            && (a.last()..b.first()).all(|n| self.goes_on(n))
    }

    fn stop(&self, cluster: &Cluster) -> Option<Stop> {
        let mut middle = Middle::around(cluster.middle);
        for n in &cluster.members {
            let fix = self.fix(*n)?;
            middle.add(fix.position, self.weight(*n, fix));
        }
        let away = |n: usize| {
            self.fix(n)
                .map_or(f64::INFINITY, |fix| middle.away_m(fix.position))
        };
        let mut distances: Vec<f64> = cluster.members.iter().map(|n| away(*n)).collect();
        distances.sort_by(f64::total_cmp);
        let nine_of_ten = distances.len().saturating_sub(1) * 9 / 10;
        let radius_m = distances.get(nine_of_ten).copied()?;
        // coming and going are seen where the way crosses the radius that the stay itself fills
        let core_m = radius_m.clamp(LEAST_CORE_M, self.params.radius_m);
        let core = |n: &&usize| away(**n) <= core_m;
        let first = *cluster.members.iter().find(core)?;
        let last = *cluster.members.iter().rev().find(core)?;
        let unobserved_ms = (first..last).map(|n| self.unseen(n).1).sum();
        Some(Stop {
            center: middle.position()?,
            radius_m,
            start: self.edge(first, first.checked_sub(1), core_m, &away),
            end: self.edge(last, Some(last + 1), core_m, &away),
            first_fix: self.usable.get(first)?.0,
            last_fix: self.usable.get(last)?.0,
            fixes: cluster
                .members
                .iter()
                .filter(|n| (first..=last).contains(n))
                .count(),
            outliers: cluster
                .outliers
                .iter()
                .filter(|n| (first..=last).contains(n))
                .filter_map(|n| Some(self.usable.get(*n)?.0))
                .collect(),
            unobserved_ms,
        })
    }

    /// An edge between the outermost fix of the stay and its neighbour outside.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "times are at most 2^53, and a share of one is less"
    )]
    fn edge(
        &self,
        inner: usize,
        outer: Option<usize>,
        core_m: f64,
        away: &dyn Fn(usize) -> f64,
    ) -> Edge {
        let inner_ms = self.time(inner);
        let outer =
            outer.filter(|outer| *outer < self.usable.len() && !self.unseen(inner.min(*outer)).0);
        let outer_ms = outer.map_or(inner_ms, |outer| self.time(outer));
        let seen = outer.is_some_and(|outer| {
            self.unseen(inner.min(outer)).1 == 0 && self.goes_on(inner.min(outer))
        });
        let best_ms = match outer {
            Some(outer) if seen && away(outer) > core_m => {
                let share = (core_m - away(inner)) / (away(outer) - away(inner));
                inner_ms + ((outer_ms - inner_ms) as f64 * share.clamp(0.0, 1.0)) as i64
            }
            _ => inner_ms,
        };
        Edge {
            earliest_ms: inner_ms.min(outer_ms),
            best_ms,
            latest_ms: inner_ms.max(outer_ms),
        }
    }
}

/// Least radius by which coming and going are told, metres.
const LEAST_CORE_M: f64 = 12.0;

/// Gaps in which the rep was out of the recording by will or rule: nothing is concluded across them.
const fn closes(reason: GapReason) -> bool {
    matches!(
        reason,
        GapReason::PausedByRep
            | GapReason::OutsideShift
            | GapReason::PermissionOff
            | GapReason::LocationOff
            | GapReason::PhoneOff
    )
}

/// The weighted median.
fn median(mut values: Vec<(f64, f64)>) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= half {
            return *value;
        }
    }
    0.0
}
