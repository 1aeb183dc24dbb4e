use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::track::distance::distance;
use waymark_domain::track::filter::{Filtered, Limits, Mark, Rejection, filter};
use waymark_domain::track::stops::{Params, stops};
use waymark_domain::track::{Entry, GapReason, HOLE_MS, Track};

use crate::score::{score, score_with};
use crate::sim::{Plan, degrees};

fn fix(s: i64, east: f64, north: f64, accuracy_m: f64) -> Entry {
    let (lat, lon) = degrees(east, north);
    let position = Position::new(Datum::Wgs84, lat, lon).unwrap();
    Entry::Fix(Fix::new(
        position,
        accuracy_m,
        AccuracySource::Android,
        s * 1000,
    ))
}

fn gap(s: i64, reason: GapReason) -> Entry {
    Entry::Gap {
        mono_ms: s * 1000,
        reason,
    }
}

fn seen(entries: &[Entry]) -> (Track, Filtered) {
    let track = Track::new(entries, HOLE_MS).unwrap();
    let filtered = filter(&track, Limits::default());
    (track, filtered)
}

#[test]
fn each_implausible_fix_is_marked_with_its_reason_and_none_is_deleted() {
    let entries = [
        fix(0, 0.0, 0.0, 5.0),
        fix(10, 20.0, 0.0, 5.0),
        fix(20, 40.0, 0.0, 500.0),
        fix(30, 60.0, 0.0, 5.0),
        fix(40, 9_000.0, 0.0, 5.0),
        fix(50, 100.0, 0.0, 5.0),
        fix(50, 100.0, 0.0, 5.0),
        fix(50, 130.0, 0.0, 9.0),
        fix(60, 103.0, 0.0, 5.0),
    ];
    let (track, filtered) = seen(&entries);
    assert_eq!((track.fixes().len(), filtered.marks.len()), (9, 9));
    assert_eq!(filtered.marks[2], Mark::Rejected(Rejection::TooCoarse));
    let Mark::Rejected(Rejection::Teleport { from: 3, speed_mps }) = filtered.marks[4] else {
        panic!("{:?}", filtered.marks[4])
    };
    assert!((speed_mps - 893.0).abs() < 5.0, "{speed_mps}");
    assert_eq!(
        filtered.marks[6],
        Mark::Rejected(Rejection::Duplicate { of: 5 })
    );
    assert_eq!(
        filtered.marks[7],
        Mark::Rejected(Rejection::RepeatedTime { of: 5 })
    );
    assert_eq!(filtered.marks[8], Mark::Standing { since: 5 });
    assert_eq!(filtered.usable().collect::<Vec<_>>(), [0, 1, 3, 5, 8]);
}

#[test]
fn a_wild_first_fix_does_not_condemn_the_day_and_a_real_jump_is_told() {
    let mut entries = vec![fix(0, 90_000.0, 0.0, 5.0)];
    entries.extend((1..10).map(|i| fix(i * 5, 20.0 * i as f64, 0.0, 5.0)));
    let (_, filtered) = seen(&entries);
    assert!(matches!(
        filtered.marks[0],
        Mark::Rejected(Rejection::Teleport { .. })
    ));
    assert_eq!((filtered.usable().count(), filtered.jumps.len()), (9, 0));

    let mut entries: Vec<Entry> = (0..10).map(|i| fix(i, 10.0 * i as f64, 0.0, 5.0)).collect();
    entries.extend((10..20).map(|i| fix(i, 50_000.0 + 10.0 * i as f64, 0.0, 5.0)));
    let (track, filtered) = seen(&entries);
    assert_eq!(
        (filtered.jumps.as_slice(), filtered.usable().count()),
        ([10].as_slice(), 20)
    );
    let way = distance(&track, &filtered, &[]);
    assert!(way.metres < 200.0, "{}", way.metres);
    assert_eq!(
        (way.uncounted.len(), way.uncounted[0].reasons.len()),
        (1, 0)
    );
    assert!((way.uncounted[0].straight_m - 50_010.0).abs() < 150.0);
}

#[test]
fn a_gap_is_reported_with_its_reason_and_its_straight_line_and_counts_nothing() {
    let mut entries: Vec<Entry> = (0..=60)
        .map(|i| fix(i * 10, 15.0 * i as f64, 0.0, 5.0))
        .collect();
    entries.push(gap(605, GapReason::PermissionOff));
    entries.extend((0..=60).map(|i| fix(1_200 + i * 10, 5_900.0 + 15.0 * i as f64, 0.0, 5.0)));
    let (track, filtered) = seen(&entries);
    let way = distance(&track, &filtered, &[]);
    assert!((way.metres - 1_800.0).abs() < 20.0, "{}", way.metres);
    assert!((way.metres - 1_800.0).abs() <= way.plus_minus_m);
    let hole = &way.uncounted[0];
    assert_eq!((hole.from, hole.to, hole.lasted_ms), (60, 61, 600_000));
    assert_eq!(hole.reasons, [GapReason::PermissionOff]);
    assert!(
        (hole.straight_m - 5_000.0).abs() < 10.0,
        "{}",
        hole.straight_m
    );
    let sum: f64 = way.legs.iter().map(|leg| leg.metres).sum();
    assert_eq!(sum, way.metres);
    assert!(way.legs.iter().all(|leg| leg.to <= 60 || leg.from >= 61));
}

/// Ten minutes on foot, ten minutes at one place with a wild fix and a hole, ten minutes on foot.
fn visit(hole: Option<GapReason>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for i in 0..180_i64 {
        let s = i * 10;
        let east = if s < 600 {
            1.4 * (s - 600) as f64
        } else if s < 1_200 {
            0.0
        } else {
            1.4 * (s - 1_200) as f64
        };
        let jitter = ((i * 7919) % 11 - 5) as f64 * 2.0;
        match s {
            800 => entries.push(fix(s, east + 400.0, 200.0, 10.0)),
            910..1_100 if hole.is_some() => {
                if s == 910 {
                    entries.push(gap(905, hole.unwrap()));
                }
            }
            _ => entries.push(fix(s, east + jitter, jitter / 2.0, 10.0)),
        }
    }
    entries
}

#[test]
fn a_stay_has_its_times_its_place_and_its_outlier() {
    let (track, filtered) = seen(&visit(None));
    let found = stops(&track, &filtered, &Params::default());
    assert_eq!(found.len(), 1);
    let stop = &found[0];
    assert!(
        (stop.start.best_ms - 600_000).abs() <= 30_000,
        "{:?}",
        stop.start
    );
    assert!(
        (stop.end.best_ms - 1_200_000).abs() <= 30_000,
        "{:?}",
        stop.end
    );
    assert!(
        stop.start.earliest_ms <= stop.start.best_ms && stop.start.best_ms <= stop.start.latest_ms
    );
    assert_eq!(stop.outliers, [0; 0]);
    assert!(
        matches!(filtered.marks[80], Mark::Rejected(Rejection::Spike { off_m }) if off_m > 400.0)
    );
    assert!(stop.radius_m < 25.0 && stop.unobserved_ms == 0);
    assert!(track.fixes()[stop.first_fix].mono_ms <= 610_000);
}

#[test]
fn a_stay_goes_on_over_lost_signal_and_says_so_but_not_over_a_pause_that_the_rep_chose() {
    let (track, filtered) = seen(&visit(Some(GapReason::NoFix)));
    let found = stops(&track, &filtered, &Params::default());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].unobserved_ms, 195_000);
    let (track, filtered) = seen(&visit(Some(GapReason::PausedByRep)));
    let found = stops(&track, &filtered, &Params::default());
    assert!(
        found
            .iter()
            .all(|stop| stop.end.latest_ms <= 905_000 || stop.start.earliest_ms >= 1_100_000)
    );
}

#[test]
fn walking_slowly_is_not_staying() {
    let entries: Vec<Entry> = (0..300)
        .map(|i| fix(i * 10, 6.0 * i as f64, 0.0, 8.0))
        .collect();
    let (track, filtered) = seen(&entries);
    assert_eq!(stops(&track, &filtered, &Params::default()), []);
}

#[test]
fn a_device_that_lies_still_for_an_hour_goes_nowhere() {
    let plan = Plan::PHONE;
    let day = crate::sim::day(
        11,
        Plan {
            hours: 0.01,
            ..plan
        },
    );
    let (track, filtered) = seen(&day.entries);
    let found = stops(&track, &filtered, &Params::default());
    let way = distance(&track, &filtered, &found);
    for leg in &way.legs {
        for stop in &found {
            assert!(leg.from >= stop.last_fix || leg.to <= stop.first_fix);
        }
    }
}

#[test]
fn stops_of_simulated_days_are_found_with_their_times() {
    for (name, plan) in Plan::KINDS {
        let score = score(0..40, plan);
        assert!(score.f1() >= 0.95, "{name}: {score}");
        assert!(score.edge_p90_s() <= 60.0, "{name}: {score}");
        // at one fix in 30 s a car turns corners that nobody sees; the interval says so
        let at_most = if plan.interval_s > 10.0 { 0.08 } else { 0.03 };
        assert!(score.way_error_mean() <= at_most, "{name}: {score}");
        assert!(score.way_covered() >= 0.9, "{name}: {score}");
    }
}

#[test]
fn packing_changes_neither_the_stops_nor_the_way_by_much() {
    let score = score_with(0..20, Plan::PHONE, Some(10.0));
    assert!(score.f1() >= 0.95, "{score}");
    assert!(score.way_error_mean() <= 0.04, "{score}");
}
