//! Sampling only near customers (features.md row N21): what it saves, and that no visit is lost by it.

use std::collections::BTreeMap;

use waymark_domain::fix::Fix;
use waymark_domain::geo::accuracy::sigma_m;
use waymark_domain::geo::advice::{Advice, Situation, advise};
use waymark_domain::geo::crossing::{Settings, Watch, Way};
use waymark_domain::geo::fence::{Area, Fence};
use waymark_domain::geo::{Datum, Position, Regions, Wgs84};
use waymark_domain::track::Entry;

use crate::sim::{Day, Plan, TrueStay, day, degrees};

const DAYS: u64 = 40;

/// A recorder that knows nothing of customers: a fix every ten seconds.
const STEADY_S: i64 = 10;

fn areas(day: &Day) -> Vec<Area> {
    let area = |east, north| {
        let (lat, lon) = degrees(east, north);
        let center = Position::new(Datum::Wgs84, lat, lon).unwrap();
        let fence = Fence::Circle {
            center,
            radius_m: 100.0,
            name: None,
        };
        fence.area(Regions::default()).unwrap()
    };
    day.stays
        .iter()
        .map(|stay| area(stay.east, stay.north))
        .collect()
}

fn place(fix: &Fix) -> Wgs84 {
    fix.position.to_wgs84(Regions::default())
}

/// When each customer was entered, and how many fixes it took to see that.
#[derive(Default)]
struct Seen {
    entered: BTreeMap<usize, Vec<i64>>,
    fixes: usize,
}

impl Seen {
    /// When customer `nth` was entered for the stay that really was, milliseconds.
    fn entered_for(&self, nth: usize, stay: &TrueStay) -> Option<i64> {
        let times = self.entered.get(&nth)?.iter().copied();
        // the fence begins 100 m before the place
        let fitting = times.filter(|at| (stay.from_ms - 600_000..stay.to_ms).contains(at));
        fitting.min_by_key(|at| (at - stay.from_ms).abs())
    }
}

struct Sampler {
    watch: Watch<usize>,
    seen: Seen,
}

impl Sampler {
    fn new(areas: &[Area]) -> Self {
        Self {
            watch: Watch::new(areas.iter().cloned().enumerate(), Settings::default()),
            seen: Seen::default(),
        }
    }

    fn take(&mut self, fix: &Fix) {
        self.seen.fixes += 1;
        let sigma = sigma_m(fix.accuracy_m, fix.source);
        for crossing in self.watch.observe(place(fix), sigma, fix.mono_ms) {
            if crossing.way == Way::Enter {
                let times = self.seen.entered.entry(crossing.fence);
                times.or_default().push(crossing.mono_ms);
            }
        }
    }
}

fn steadily(fixes: &[&Fix], areas: &[Area]) -> Seen {
    let mut sampler = Sampler::new(areas);
    let mut due = i64::MIN;
    for fix in fixes {
        if fix.mono_ms >= due {
            sampler.take(fix);
            due = fix.mono_ms + STEADY_S * 1_000;
        }
    }
    sampler.seen
}

/// As the advice says: after its interval, or once moved by its distance.
fn as_advised(fixes: &[&Fix], areas: &[Area], day: &Day) -> Seen {
    let mut sampler = Sampler::new(areas);
    let mut last: Option<(&Fix, Option<Advice>)> = None;
    for fix in fixes {
        let due = match last {
            None => true,
            // nobody is left to be visited
            Some((_, None)) => false,
            Some((before, Some(advice))) => {
                let waited = (fix.mono_ms - before.mono_ms) as f64 / 1_000.0;
                let moved = place(before).distance_m(place(fix));
                waited >= advice.interval_s || moved >= advice.wake_distance_m
            }
        };
        if !due {
            continue;
        }
        sampler.take(fix);
        let still = areas
            .iter()
            .zip(&day.stays)
            .filter(|(_, stay)| stay.to_ms > fix.mono_ms);
        let nearest = still.map(|(area, _)| area.distance_m(place(fix)));
        let speed = last.map(|(before, _)| {
            let seconds = (fix.mono_ms - before.mono_ms) as f64 / 1_000.0;
            place(before).distance_m(place(fix)) / seconds
        });
        let advice = advise(&Situation {
            distance_to_next_m: nearest.min_by(f64::total_cmp),
            speed_mps: speed,
            inside: sampler.watch.inside().next().is_some(),
            battery: None,
            charging: false,
        });
        last = Some((fix, advice));
    }
    sampler.seen
}

#[test]
fn every_visit_that_a_steady_recorder_sees_is_seen_with_less_than_half_the_fixes() {
    let (mut steady_fixes, mut advised_fixes) = (0, 0);
    let (mut visits, mut lost) = (0, Vec::new());
    let mut later_s = Vec::new();
    for seed in 0..DAYS {
        let plan = Plan {
            holes: 0.0,
            ..Plan::FAST
        };
        let day = day(seed, plan);
        let areas = areas(&day);
        let fixes: Vec<&Fix> = day
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Fix(fix) => Some(fix),
                Entry::Gap { .. } => None,
            })
            .collect();
        let steady = steadily(&fixes, &areas);
        let advised = as_advised(&fixes, &areas, &day);
        steady_fixes += steady.fixes;
        advised_fixes += advised.fixes;
        for (customer, stay) in day.stays.iter().enumerate() {
            let Some(at) = steady.entered_for(customer, stay) else {
                continue;
            };
            visits += 1;
            match advised.entered_for(customer, stay) {
                Some(seen) => later_s.push((seen - at) / 1_000),
                None => lost.push((seed, customer)),
            }
        }
    }
    later_s.sort_unstable();
    let p90 = later_s[later_s.len() * 9 / 10];
    println!(
        "{visits} visits in {DAYS} days: a fix every {STEADY_S} s takes {} a day, as advised {}; lost {}; seen later by {p90} s (p90), {} s (worst)",
        steady_fixes / DAYS as usize,
        advised_fixes / DAYS as usize,
        lost.len(),
        later_s.last().unwrap(),
    );
    assert!(visits > 200, "{visits}");
    assert_eq!(lost, []);
    assert!(
        advised_fixes * 2 < steady_fixes,
        "{advised_fixes} of {steady_fixes}"
    );
    // inside a fence it is two minutes to the next fix, so that the next of two fences that overlap is seen so much later
    assert!(p90 <= 120, "{p90}");
}
