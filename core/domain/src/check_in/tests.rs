//! Verdicts on stories, and what must hold for all of them.

use proptest::prelude::*;

use super::evidence::{Device, Evidence, Offer, Station};
use super::policy::{Accept, CheckInPolicy};
use super::signals::Sign;
use super::verdict::{Reason, Verdict, WouldPass};
use super::*;
use crate::fix::{Fix, Provider};
use crate::geo::Wgs84;
use crate::geo::fence::{Fence, Side};
use crate::ids::{BootId, uuid_v7};
use crate::policy::PolicyRef;
use crate::time::{Anchor, AnchorSource, Anchors, Hlc, Reading, Stamp};

/// The customer's door: Monaco, Rocher.
const DOOR: (f64, f64) = (43.7305, 7.4245);
/// Metres of a degree of latitude on the mean sphere.
const DEGREE_M: f64 = crate::geo::EARTH_RADIUS_M * std::f64::consts::PI / 180.0;
/// Boot-time clock of the judgement, milliseconds.
const NOW: i64 = 1_000_000;

fn north(metres: f64) -> Position {
    Position::Wgs84(Wgs84::new(DOOR.0 + metres / DEGREE_M, DOOR.1).unwrap())
}

fn fix(metres_north: f64, accuracy_m: f64, age_s: i64) -> Fix {
    Fix::new(
        north(metres_north),
        accuracy_m,
        AccuracySource::Android,
        NOW - age_s * 1_000,
    )
}

fn circle(radius_m: f64) -> Fence {
    Fence::Circle {
        center: north(0.0),
        radius_m,
        name: None,
    }
}

fn evidence(fixes: Vec<Fix>) -> Evidence {
    let boot = BootId::from_uuid(uuid_v7(0, [1; 10]));
    let reading = Reading {
        wall_ms: 1_773_468_202_000, // 2026-03-14T06:03:22Z, a Saturday
        mono_ms: NOW,
        boot,
        utc_offset_min: 480,
        zone: None,
    };
    let anchor = Anchor {
        utc_ms: 1_773_468_202_000 - 1_000,
        uncertainty_ms: 20,
        mono_ms: NOW - 1_000,
        boot,
        source: AnchorSource::Server,
    };
    let mut anchors = Anchors::default();
    anchors.take(anchor);
    Evidence {
        fixes,
        site: Site {
            fences: vec![circle(100.0)],
            stations: ["aa:bb:cc:dd:ee:ff".to_owned()].into(),
        },
        t: Stamp::take(reading, &anchors, Hlc::default()),
        policy: PolicyRef::default(),
        device: Device::default(),
        before: None,
        stations: Vec::new(),
        offer: Offer::default(),
        stayed_ms: None,
    }
}

fn judged(evidence: &Evidence) -> Verdict {
    assess(evidence, &CheckInPolicy::default()).unwrap()
}

fn signs(verdict: &Verdict) -> Vec<Sign> {
    verdict.signals.iter().map(|signal| signal.sign).collect()
}

#[test]
fn forty_metres_from_the_door_with_a_fine_fix_is_inside() {
    let verdict = judged(&evidence(vec![fix(41.0, 14.0, 6)]));
    assert_eq!(verdict.side, Side::Inside);
    assert_eq!(
        (verdict.door_cm, verdict.gap_cm, verdict.age_ms),
        (Some(4_100), Some(0), 6_000)
    );
    assert!(verdict.inside_ppm.unwrap() > 999_000, "{verdict:?}");
    assert!(verdict.counts() && verdict.reasons.is_empty() && verdict.would_pass.is_none());
}

#[test]
fn a_coarse_fix_decides_nothing_and_says_which_accuracy_would() {
    let verdict = judged(&evidence(vec![fix(41.0, 200.0, 0)]));
    assert_eq!(verdict.side, Side::Uncertain);
    assert_eq!(verdict.reasons, [Reason::TooCoarse]);
    let Some(WouldPass::AccuracyM(metres)) = verdict.would_pass else {
        panic!("{verdict:?}");
    };
    let (passes, fails) = (f64::from(metres), f64::from(metres + 1));
    assert_eq!(
        judged(&evidence(vec![fix(41.0, passes, 0)])).side,
        Side::Inside
    );
    assert_eq!(
        judged(&evidence(vec![fix(41.0, fails, 0)])).side,
        Side::Uncertain
    );
    assert_eq!(
        verdict.acceptable,
        [Accept::Bssid, Accept::Photo, Accept::Reason]
    );
    assert!(!verdict.counts());
}

#[test]
fn farther_out_than_the_fix_can_be_wrong_is_outside_and_says_from_where_it_would_pass() {
    let verdict = judged(&evidence(vec![fix(241.0, 14.0, 0)]));
    assert_eq!(verdict.side, Side::Outside);
    assert!(matches!(
        verdict.reasons.as_slice(),
        [Reason::TooFar { .. }]
    ));
    let Some(WouldPass::DoorM(metres)) = verdict.would_pass else {
        panic!("{verdict:?}");
    };
    assert_eq!(
        judged(&evidence(vec![fix(f64::from(metres), 14.0, 0)])).side,
        Side::Inside
    );
    assert_ne!(
        judged(&evidence(vec![fix(f64::from(metres + 1), 14.0, 0)])).side,
        Side::Inside
    );
    // a stated reason does not turn "outside" into a visit
    let mut excused = evidence(vec![fix(241.0, 14.0, 0)]);
    excused.offer.reason = Some("the shop has moved".to_owned());
    assert!(!judged(&excused).counts());
}

#[test]
fn of_several_fixes_the_finest_decides_and_not_the_most_convenient() {
    let verdict = judged(&evidence(vec![
        fix(0.0, 60.0, 9),
        fix(300.0, 10.0, 5),
        fix(0.0, 30.0, 1),
    ]));
    assert_eq!((verdict.fix, verdict.side), (1, Side::Outside));
}

#[test]
fn an_old_fix_decides_nothing_however_fine() {
    let verdict = judged(&evidence(vec![fix(0.0, 5.0, 31)]));
    assert_eq!(verdict.side, Side::Uncertain);
    assert_eq!(verdict.reasons, [Reason::Stale { limit_ms: 30_000 }]);
    assert_eq!(signs(&verdict), [Sign::StaleFix]);
    // it is not held against somebody either who was elsewhere then
    assert_eq!(
        judged(&evidence(vec![fix(900.0, 5.0, 31)])).side,
        Side::Uncertain
    );
    // a younger one that is coarser decides
    assert_eq!(
        judged(&evidence(vec![fix(0.0, 5.0, 31), fix(0.0, 20.0, 2)])).side,
        Side::Inside
    );
}

#[test]
fn the_second_door_is_a_door() {
    let mut at_gate = evidence(vec![fix(500.0, 14.0, 0)]);
    assert_eq!(judged(&at_gate).side, Side::Outside);
    let gate = Fence::Circle {
        center: north(510.0),
        radius_m: 60.0,
        name: Some("gate 2".to_owned()),
    };
    at_gate.site.fences.push(gate);
    let verdict = judged(&at_gate);
    assert_eq!((verdict.side, verdict.fence), (Side::Inside, Some(1)));
}

#[test]
fn a_customer_whose_place_nobody_knows_is_uncertain_and_says_so() {
    let mut nowhere = evidence(vec![fix(0.0, 5.0, 0)]);
    nowhere.site.fences.clear();
    let verdict = judged(&nowhere);
    assert_eq!(
        (verdict.side, verdict.reasons.as_slice()),
        (Side::Uncertain, [Reason::NoPlace].as_slice())
    );
    assert_eq!(verdict.inside_ppm, None);
}

#[test]
fn an_approximate_permission_decides_nothing_and_is_no_sign_of_fraud() {
    let mut coarse = evidence(vec![fix(0.0, 5.0, 0)]);
    coarse.device.coarse = Some(true);
    let verdict = judged(&coarse);
    assert_eq!((verdict.side, verdict.score), (Side::Uncertain, 0));
    assert_eq!(verdict.reasons, [Reason::CoarsePermission]);
}

#[test]
fn uncertain_is_accepted_with_what_the_policy_takes_the_strongest_first() {
    let mut basement = evidence(vec![fix(41.0, 200.0, 0)]);
    basement.offer.reason = Some("second basement".to_owned());
    let verdict = judged(&basement);
    assert_eq!(
        (verdict.accepted, verdict.counts()),
        (Some(Accept::Reason), true)
    );
    basement.stations.push(Station {
        bssid: "aa:bb:cc:dd:ee:ff".to_owned(),
        age_ms: 5_000,
    });
    assert_eq!(judged(&basement).accepted, Some(Accept::Bssid));
    // an old scan is no evidence
    basement.stations[0].age_ms = 600_000;
    assert_eq!(judged(&basement).accepted, Some(Accept::Reason));
    let strict = CheckInPolicy {
        accept_uncertain: vec![Accept::Photo],
        ..CheckInPolicy::default()
    };
    let verdict = assess(&basement, &strict).unwrap();
    assert_eq!(
        (verdict.accepted, verdict.acceptable.as_slice()),
        (None, [Accept::Photo].as_slice())
    );
}

#[test]
fn outside_the_hours_inside_becomes_uncertain_and_an_unknown_time_closes_no_door() {
    // 14:03 local time on a Saturday
    let rules = |json: &str| serde_json::from_str::<CheckInPolicy>(json).unwrap();
    let weekdays = rules(r#"{"hours": [{"days": [1,2,3,4,5], "from": "08:00", "to": "18:00"}]}"#);
    let saturdays = rules(r#"{"hours": [{"days": [6], "from": "08:00", "to": "18:00"}]}"#);
    let mut there = evidence(vec![fix(0.0, 5.0, 0)]);
    let verdict = assess(&there, &weekdays).unwrap();
    assert_eq!(
        (verdict.side, verdict.reasons.as_slice()),
        (Side::Uncertain, [Reason::ClosedHours].as_slice())
    );
    assert_eq!(assess(&there, &saturdays).unwrap().side, Side::Inside);
    there.t.when.class = crate::time::TimeClass::C;
    let verdict = assess(&there, &weekdays).unwrap();
    assert_eq!(
        (verdict.side, verdict.reasons.as_slice()),
        (Side::Inside, [Reason::HoursUnknown].as_slice())
    );
}

#[test]
fn a_stay_that_was_too_short_is_told_from_one_that_the_clocks_do_not_tell() {
    let policy = CheckInPolicy {
        min_stay_s: 300,
        ..CheckInPolicy::default()
    };
    let mut leaving = evidence(vec![fix(0.0, 5.0, 0)]);
    for (stayed, reason) in [
        ((301_000, Some(301_000)), None),
        (
            (60_000, Some(61_000)),
            Some(Reason::StayTooShort {
                most_ms: 61_000,
                wanted_ms: 300_000,
            }),
        ),
        ((0, None), Some(Reason::StayUnknown { wanted_ms: 300_000 })),
    ] {
        leaving.stayed_ms = Some(stayed);
        let verdict = assess(&leaving, &policy).unwrap();
        assert_eq!(verdict.reasons.first(), reason.as_ref());
        assert_eq!(verdict.side == Side::Inside, reason.is_none());
    }
}

#[test]
fn an_honest_external_receiver_is_named_and_not_flagged_a_frozen_mock_is() {
    let receiver = (0..12).map(|second| Fix {
        mock: true,
        provider: Provider::Gnss,
        satellites: Some(17),
        ..fix(f64::from(second) * 0.3, 1.2, i64::from(12 - second))
    });
    let verdict = judged(&evidence(receiver.collect()));
    assert_eq!(signs(&verdict), [Sign::ExternalReceiver]);
    assert!(!verdict.flagged && verdict.side == Side::Inside);
    let mocked = (0..12).map(|second| Fix {
        mock: true,
        ..fix(0.0, 5.0, 12 - second)
    });
    let verdict = judged(&evidence(mocked.collect()));
    assert_eq!(signs(&verdict), [Sign::Mock, Sign::Frozen]);
    // flagged, and still an inside: a sign never alters what is recorded
    assert!(verdict.flagged && verdict.side == Side::Inside);
}

#[test]
fn each_sign_has_what_it_rests_on() {
    let mut odd = evidence(vec![
        Fix {
            provider: Provider::Gnss,
            satellites: Some(2),
            gnss_ms: Some(1_773_468_202_000 - 3_600_000),
            ..fix(0.0, 9.0, 0)
        },
        Fix {
            provider: Provider::Network,
            ..fix(4_000.0, 50.0, 2)
        },
    ]);
    odd.before = Some(Box::new(fix(90_000.0, 10.0, 60)));
    odd.device = Device {
        rooted: Some(true),
        wall_jump_ms: Some(-3_600_000),
        developer_options: Some(false),
        ..Device::default()
    };
    let verdict = judged(&odd);
    let expected = [
        Sign::Teleport,
        Sign::ProvidersDisagree,
        Sign::TooFewSatellites,
        Sign::GnssTimeDiffers,
        Sign::ClockMoved,
        Sign::Rooted,
    ];
    assert_eq!(signs(&verdict), expected);
    assert_eq!(verdict.score, 100);
    let by_sign = |sign| {
        verdict
            .signals
            .iter()
            .find(|signal| signal.sign == sign)
            .unwrap()
            .value
    };
    assert_eq!(by_sign(Sign::ClockMoved), -3_600_000);
    assert_eq!(by_sign(Sign::TooFewSatellites), 2);
}

#[test]
fn evidence_that_nothing_could_be_judged_by_is_refused_by_name() {
    assert_eq!(
        assess(&evidence(Vec::new()), &CheckInPolicy::default())
            .unwrap_err()
            .fields,
        ["fixes"]
    );
    let many = vec![fix(0.0, 5.0, 0); evidence::MAX_FIXES + 1];
    assert_eq!(
        assess(&evidence(many), &CheckInPolicy::default())
            .unwrap_err()
            .code,
        Code::TooLong
    );
    let invalid = evidence(vec![fix(0.0, -1.0, 0)]);
    assert_eq!(
        assess(&invalid, &CheckInPolicy::default())
            .unwrap_err()
            .fields,
        ["accuracy_m"]
    );
    assert!(evidence::check_bssid("AA:BB:CC:DD:EE:FF").is_err());
    assert!(evidence::check_bssid("aa:bb:cc:dd:ee").is_err());
}

proptest! {
    #[test]
    fn a_rep_whose_error_is_within_its_bound_is_never_called_outside(
        truth in 0.0_f64..=100.0, bearing in 0.0_f64..360.0, share in 0.0_f64..=1.0, accuracy in 1.0_f64..=3_000.0, towards in 0.0_f64..360.0,
    ) {
        // the rep stands anywhere inside, and the fix is off by up to k sigma in any direction
        let policy = CheckInPolicy::default();
        let sigma = crate::geo::accuracy::sigma_m(accuracy, AccuracySource::Android);
        let error = policy.thresholds.outside_sigmas * sigma * share * 0.999;
        let (east, north) = (
            truth * bearing.to_radians().sin() + error * towards.to_radians().sin(),
            truth * bearing.to_radians().cos() + error * towards.to_radians().cos(),
        );
        let lat = DOOR.0 + north / DEGREE_M;
        let lon = DOOR.1 + east / (DEGREE_M * DOOR.0.to_radians().cos());
        let seen = Position::Wgs84(Wgs84::new(lat, lon).unwrap());
        let at = Fix::new(seen, accuracy, AccuracySource::Android, NOW);
        // the flat sums above are off by up to a few parts in 10,000 over kilometres
        let slack = error * 5e-4 + 0.1;
        let mut there = evidence(vec![at]);
        there.site.fences = vec![circle(100.0 + slack)];
        prop_assert_ne!(judged(&there).side, Side::Outside);
    }

    #[test]
    fn what_is_signed_and_read_again_leads_to_the_same_verdict_byte_for_byte(
        metres in -2_000.0_f64..2_000.0, accuracy in 0.3_f64..5_000.0, age in 0_i64..100, gnss in proptest::option::of(any::<u8>()), mock in any::<bool>(),
    ) {
        let seen = evidence(vec![Fix { satellites: gnss, mock, ..fix(metres, accuracy, age) }, fix(metres / 2.0, accuracy * 1.5, age / 2)]);
        let first = serde_json::to_vec(&judged(&seen)).unwrap();
        let read: Evidence = serde_json::from_slice(&serde_json::to_vec(&seen).unwrap()).unwrap();
        prop_assert_eq!(&read, &seen);
        prop_assert_eq!(serde_json::to_vec(&judged(&read)).unwrap(), first);
    }
}
