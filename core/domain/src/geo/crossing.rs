//! Who entered what, and when: fences watched through a stream of fixes.
//!
//! A fence is entered or left when [`judge`](super::fence::judge) says so in fix after fix, at least two and over at least
//! [`Settings::enter_ms`] or [`Settings::leave_ms`]. A fix that cannot tell and lies on the new side leaves the evidence as it is; any other ends it. Evidence
//! is never multiplied up, since the errors of successive fixes hang together. Reported accuracies flatter, so sigma is taken as
//! [`Settings::min_sigma_m`] at least.
//!
//! Whoever passes through in less than `enter_ms` has not entered. The first fixes can enter: who starts at a customer is there.

use std::collections::{BTreeMap, BTreeSet};

use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use serde::{Deserialize, Serialize};

use super::Wgs84;
use super::fence::{Area, Side, Thresholds, key};

/// How a crossing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// When one fix counts for inside or outside.
    pub thresholds: Thresholds,
    /// Sigma is taken as this at least, metres.
    pub min_sigma_m: f64,
    /// How long the evidence for having entered must last, milliseconds.
    pub enter_ms: i64,
    /// How long the evidence for having left must last, milliseconds.
    pub leave_ms: i64,
}

impl Default for Settings {
    /// Inside as everywhere; left from 4.5 sigmas beyond, further than a single fix is judged, since the many fixes of a week give errors
    /// many chances. A sigma of 6.6 m at least (a stated 10 m on Android: what a phone that lies still wanders by, facts.md §5.2); a
    /// minute to enter; five to leave, longer than errors hang together, or a rep just outside a fence would go in and out all week. The
    /// wait does not move the crossing's time.
    fn default() -> Self {
        Self {
            thresholds: Thresholds {
                outside_sigmas: 4.5,
                ..Thresholds::default()
            },
            min_sigma_m: 6.6,
            enter_ms: 60_000,
            leave_ms: 300_000,
        }
    }
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Into the fence.
    Enter,
    /// Out of it.
    Leave,
}

/// A fence was crossed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing<K> {
    /// Which fence.
    pub fence: K,
    /// In or out.
    pub way: Way,
    /// Boot-time clock of the first fix that showed it, milliseconds: when it happened.
    pub mono_ms: i64,
    /// That fix's number, counted from 0 over all fixes observed.
    pub fix: u64,
    /// Boot-time clock of the fix that settled it, milliseconds.
    pub settled_ms: i64,
}

/// What outlives a restart: where one is, the evidence so far, and the count of fixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchState<K> {
    standings: Vec<(K, Standing)>,
    last_ms: Option<i64>,
    fixes: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    inside: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
}

/// Fixes in a row that speak for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    since_ms: i64,
    fix: u64,
    count: u32,
}

/// Fences under watch.
#[derive(Debug)]
pub struct Watch<K> {
    areas: BTreeMap<K, Area>,
    /// Boxes in earth-centred metres, so that no place on earth is special; only fences that hold the fix are looked at.
    near: RTree<GeomWithData<Rectangle<[f64; 3]>, K>>,
    settings: Settings,
    /// Only fences in which one is or for which there is evidence.
    standings: BTreeMap<K, Standing>,
    last_ms: Option<i64>,
    fixes: u64,
}

impl<K: Ord + Clone> Watch<K> {
    /// Watches these fences, as seen from outside of them all. Of two with the same key the later one counts.
    pub fn new(fences: impl IntoIterator<Item = (K, Area)>, settings: Settings) -> Self {
        let areas: BTreeMap<K, Area> = fences.into_iter().collect();
        let boxes = areas
            .iter()
            .map(|(fence, area)| {
                let (from, to) = area.bounds();
                GeomWithData::new(Rectangle::from_corners(from, to), fence.clone())
            })
            .collect();
        Self {
            near: RTree::bulk_load(boxes),
            areas,
            settings,
            standings: BTreeMap::new(),
            last_ms: None,
            fixes: 0,
        }
    }

    /// Goes on where `state` ended. Fences that are gone are forgotten without a word.
    #[must_use]
    pub fn resumed(mut self, state: WatchState<K>) -> Self {
        self.standings = state
            .standings
            .into_iter()
            .filter(|(fence, _)| self.areas.contains_key(fence))
            .collect();
        self.last_ms = state.last_ms;
        self.fixes = state.fixes;
        self
    }

    /// The boot-time clock began anew: evidence that was timed by the old one is dropped. Where one is stays.
    pub fn rebooted(&mut self) {
        self.last_ms = None;
        self.standings.retain(|_, standing| standing.inside);
        for standing in self.standings.values_mut() {
            standing.run = None;
        }
    }

    /// What to keep for a restart.
    #[must_use]
    pub fn state(&self) -> WatchState<K> {
        WatchState {
            standings: self
                .standings
                .iter()
                .map(|(fence, &standing)| (fence.clone(), standing))
                .collect(),
            last_ms: self.last_ms,
            fixes: self.fixes,
        }
    }

    /// The fences in which one is, in the order of their keys.
    pub fn inside(&self) -> impl Iterator<Item = &K> {
        self.standings
            .iter()
            .filter(|(_, standing)| standing.inside)
            .map(|(fence, _)| fence)
    }

    /// Takes the next fix, and says what it settles, in the order of the keys. A fix that is not newer than the last one, or whose sigma
    /// is not a number, is counted and changes nothing.
    pub fn observe(&mut self, at: Wgs84, sigma_m: f64, mono_ms: i64) -> Vec<Crossing<K>> {
        let fix = self.fixes;
        self.fixes += 1;
        if sigma_m.is_nan() || self.last_ms.is_some_and(|last| mono_ms <= last) {
            return Vec::new();
        }
        self.last_ms = Some(mono_ms);
        let sigma_m = sigma_m.max(self.settings.min_sigma_m);
        let mut concerned: BTreeSet<K> = self.standings.keys().cloned().collect();
        concerned.extend(
            self.near
                .locate_in_envelope_intersecting(&AABB::from_point(key(at)))
                .map(|near| near.data.clone()),
        );
        let mut crossings = Vec::new();
        for fence in concerned {
            let Some(area) = self.areas.get(&fence) else {
                continue;
            };
            let (side, distance_m) = area.look(at, sigma_m, self.settings.thresholds);
            let mut standing = self.standings.get(&fence).copied().unwrap_or_default();
            if let Some(run) = standing.weigh(
                side,
                distance_m,
                Run {
                    since_ms: mono_ms,
                    fix,
                    count: 0,
                },
            ) && run.count >= 2
                && mono_ms.saturating_sub(run.since_ms)
                    >= if standing.inside {
                        self.settings.leave_ms
                    } else {
                        self.settings.enter_ms
                    }
            {
                standing = Standing {
                    inside: !standing.inside,
                    run: None,
                };
                crossings.push(Crossing {
                    fence: fence.clone(),
                    way: if standing.inside {
                        Way::Enter
                    } else {
                        Way::Leave
                    },
                    mono_ms: run.since_ms,
                    fix: run.fix,
                    settled_ms: mono_ms,
                });
            }
            if standing == Standing::default() {
                self.standings.remove(&fence);
            } else {
                self.standings.insert(fence, standing);
            }
        }
        crossings
    }
}

impl Standing {
    /// Takes one fix as evidence; gives the run that it belongs to, if it speaks for the other side.
    fn weigh(&mut self, side: Side, distance_m: f64, first: Run) -> Option<Run> {
        let (other, on_new_side) = if self.inside {
            (Side::Outside, distance_m > 0.0)
        } else {
            (Side::Inside, distance_m <= 0.0)
        };
        if side == other {
            let run = self.run.unwrap_or(first);
            self.run = Some(Run {
                count: run.count.saturating_add(1),
                ..run
            });
            return self.run;
        }
        if side != Side::Uncertain || !on_new_side {
            self.run = None;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::geo::fence::Fence;
    use crate::geo::{Position, Regions};

    fn wgs(lat: f64, lon: f64) -> Wgs84 {
        Wgs84::new(lat, lon).unwrap()
    }

    fn shop(lat: f64, lon: f64, radius_m: f64) -> Area {
        let center = Position::Wgs84(wgs(lat, lon));
        Fence::Circle {
            center,
            radius_m,
            name: None,
        }
        .area(Regions::default())
        .unwrap()
    }

    /// Degrees of latitude in so many metres.
    fn deg(metres: f64) -> f64 {
        metres / 110_574.0
    }

    fn normal(random: &mut ChaCha8Rng) -> f64 {
        let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
        (-2.0 * libm::log(uniform())).sqrt() * libm::cos(std::f64::consts::TAU * uniform())
    }

    #[test]
    fn a_visit_enters_once_and_leaves_once_at_the_times_of_the_first_evidence() {
        let mut watch = Watch::new([("shop", shop(0.0, 0.0, 100.0))], Settings::default());
        let mut seen = Vec::new();
        // 30 s apart: comes from 900 m, stays, goes
        for (i, metres) in [
            900.0, 500.0, 50.0, 5.0, 0.0, 10.0, 60.0, 101.0, 105.0, 60.0, 300.0, 600.0, 900.0,
            900.0, 900.0, 900.0, 900.0, 900.0, 900.0, 900.0, 900.0,
        ]
        .into_iter()
        .enumerate()
        {
            seen.extend(watch.observe(wgs(deg(metres), 0.0), 10.0, 30_000 * i as i64));
        }
        let crossing = |way, fix: u64, settled: i64| Crossing {
            fence: "shop",
            way,
            mono_ms: 30_000 * fix as i64,
            fix,
            settled_ms: 30_000 * settled,
        };
        assert_eq!(
            seen,
            [crossing(Way::Enter, 2, 4), crossing(Way::Leave, 10, 20)]
        );
        assert_eq!(watch.inside().count(), 0);
    }

    #[test]
    fn passing_by_and_a_single_stray_fix_cross_nothing() {
        let mut watch = Watch::new([(1, shop(0.0, 0.0, 100.0))], Settings::default());
        for i in 0..40 {
            // a second each at 20 m/s, straight through
            assert_eq!(
                watch.observe(
                    wgs(deg(f64::from(i) * 20.0 - 400.0), 0.0),
                    5.0,
                    i64::from(i) * 1_000
                ),
                []
            );
        }
        let mut watch = Watch::new([(1, shop(0.0, 0.0, 100.0))], Settings::default());
        let crossings: usize = (0..60)
            .map(|i| {
                watch
                    .observe(
                        wgs(if i == 30 { 0.1 } else { 0.0 }, 0.0),
                        10.0,
                        i64::from(i) * 30_000,
                    )
                    .len()
            })
            .sum();
        assert_eq!(crossings, 1, "the one entry");
    }

    #[test]
    fn a_restart_in_the_middle_changes_nothing_and_a_reboot_only_delays() {
        let fences = || [(1, shop(0.0, 0.0, 100.0)), (2, shop(deg(50.0), 0.0, 200.0))];
        let walk: Vec<_> = (0..90)
            .map(|i| wgs(deg((f64::from(i) - 30.0) * 20.0), 0.0))
            .collect();
        let mut whole = Watch::new(fences(), Settings::default());
        let mut broken = Watch::new(fences(), Settings::default());
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (i, &at) in walk.iter().enumerate() {
            a.extend(whole.observe(at, 8.0, 20_000 * i as i64));
            let kept = serde_json::to_string(&broken.state()).unwrap();
            broken = Watch::new(fences(), Settings::default())
                .resumed(serde_json::from_str(&kept).unwrap());
            b.extend(broken.observe(at, 8.0, 20_000 * i as i64));
        }
        assert_eq!(a, b);
        assert_eq!(a.len(), 4);
        let mut watch = Watch::new(fences(), Settings::default());
        assert_eq!(watch.observe(wgs(0.0, 0.0), 8.0, 900_000), []);
        watch.rebooted();
        assert_eq!(watch.observe(wgs(0.0, 0.0), 8.0, 5_000), []);
        assert_eq!(watch.observe(wgs(0.0, 0.0), 8.0, 65_000).len(), 2);
        assert_eq!(watch.observe(wgs(0.0, 0.0), 8.0, 64_000), [], "not newer");
    }

    #[test]
    fn the_order_of_the_fences_does_not_matter_and_every_fence_that_holds_the_fix_is_found() {
        let fences: Vec<_> = (0..300)
            .map(|i| {
                (
                    i,
                    shop(
                        deg(f64::from(i % 20) * 90.0),
                        180.0 - deg(f64::from(i / 20) * 90.0),
                        60.0 + f64::from(i),
                    ),
                )
            })
            .collect();
        let mut forward = Watch::new(fences.clone(), Settings::default());
        let mut backward = Watch::new(fences.iter().rev().cloned(), Settings::default());
        let mut entered = BTreeSet::new();
        for i in 0..120 {
            let at = wgs(
                deg(f64::from(i) * 15.0),
                180.0 - deg(f64::from(i % 7) * 10.0),
            );
            let here = forward.observe(at, 7.0, i64::from(i) * 40_000);
            assert_eq!(here, backward.observe(at, 7.0, i64::from(i) * 40_000));
            entered.extend(
                here.into_iter()
                    .filter(|crossing| crossing.way == Way::Enter)
                    .map(|crossing| crossing.fence),
            );
        }
        assert!(entered.len() > 30, "{}", entered.len());
        // each fence alone enters as it does among the others
        for (fence, area) in &fences {
            let mut alone = Watch::new([(*fence, area.clone())], Settings::default());
            let found = (0..120).any(|i| {
                let at = wgs(
                    deg(f64::from(i) * 15.0),
                    180.0 - deg(f64::from(i % 7) * 10.0),
                );
                alone
                    .observe(at, 7.0, i64::from(i) * 40_000)
                    .iter()
                    .any(|crossing| crossing.way == Way::Enter)
            });
            assert_eq!(found, entered.contains(fence), "{fence}");
        }
    }

    /// A rep-week: 50 h with a fix every 30 s, standing still at `metres` from the middle of a fence of 100 m; the error drifts with a
    /// time constant of `memory_s` (0: each fix for itself). Crossings, the true first entry aside.
    fn false_crossings(metres: f64, accuracy_m: f64, memory_s: f64, seed: u64) -> usize {
        let sigma = accuracy_m / 1.5096;
        let keep = if memory_s > 0.0 {
            libm::exp(-30.0 / memory_s)
        } else {
            0.0
        };
        let fresh = (1.0 - keep * keep).sqrt();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut watch = Watch::new([(0, shop(0.0, 0.0, 100.0))], Settings::default());
        let (mut north, mut east, mut crossings) = (normal(&mut random), normal(&mut random), 0);
        for i in 0..6_000 {
            north = keep * north + fresh * normal(&mut random);
            east = keep * east + fresh * normal(&mut random);
            crossings += watch
                .observe(
                    wgs(deg(metres + sigma * north), deg(sigma * east)),
                    sigma,
                    i * 30_000,
                )
                .len();
        }
        crossings.saturating_sub(usize::from(metres <= 100.0))
    }

    #[test]
    fn a_rep_who_stands_still_crosses_falsely_at_most_once_in_a_week() {
        for (memory_s, most_at_the_edge) in [(0.0, 1.0), (120.0, 1.0)] {
            for accuracy in [10.0, 30.0, 65.0] {
                for metres in [
                    0.0, 60.0, 90.0, 100.0, 110.0, 120.0, 130.0, 150.0, 200.0, 300.0,
                ] {
                    let weeks = 4;
                    let total: usize = (0..weeks)
                        .map(|week| false_crossings(metres, accuracy, memory_s, 9 + week))
                        .sum();
                    let mean = total as f64 / weeks as f64;
                    assert!(
                        mean <= most_at_the_edge,
                        "{metres} m, ±{accuracy} m, memory {memory_s} s: {mean}"
                    );
                }
            }
        }
    }
}
