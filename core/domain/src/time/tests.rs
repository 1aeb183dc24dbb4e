use proptest::prelude::*;

use super::*;
use crate::fix::{AccuracySource, Fix, Provider};
use crate::geo::{Datum, Position};
use crate::ids::uuid_v7;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-11-23T08:00:00Z.
const MORNING: i64 = 1_795_420_800_000;

fn boot(tag: u8) -> BootId {
    BootId::from_uuid(uuid_v7(0, [tag; 10]))
}

fn reading(wall_ms: i64, mono_ms: i64, boot: BootId) -> Reading {
    Reading {
        wall_ms,
        mono_ms,
        boot,
        utc_offset_min: 480,
        zone: "Asia/Shanghai".parse().ok(),
    }
}

fn anchor(source: AnchorSource, utc_ms: i64, uncertainty_ms: i64, mono_ms: i64) -> Anchor {
    Anchor {
        utc_ms,
        uncertainty_ms,
        mono_ms,
        boot: boot(1),
        source,
    }
}

fn server(utc_ms: i64, uncertainty_ms: i64, mono_ms: i64) -> Anchor {
    anchor(AnchorSource::Server, utc_ms, uncertainty_ms, mono_ms)
}

fn network(utc_ms: i64, error_ms: i64, mono_ms: i64) -> Candidate {
    Candidate::Network {
        utc_ms,
        error_ms: Some(error_ms),
        mono_ms,
    }
}

fn fix(gnss_ms: i64, mono_ms: i64) -> Fix {
    let position = Position::new(Datum::Wgs84, 31.2, 121.5).unwrap();
    Fix {
        provider: Provider::Gnss,
        gnss_ms: Some(gnss_ms),
        ..Fix::new(position, 8.0, AccuracySource::Android, mono_ms)
    }
}

fn ends(when: &TimeInterval) -> (Option<i64>, Option<i64>, TimeClass) {
    (when.earliest, when.latest, when.class)
}

#[test]
fn five_days_after_an_anchor_the_time_is_known_to_22_seconds() {
    let anchors = Anchors::from(server(MORNING, 100, 0));
    let when = place(reading(0, 5 * DAY, boot(1)), &anchors);
    assert_eq!(when.class, TimeClass::A);
    // 432,000 s at 50 ppm of the true time
    assert_eq!(when.uncertainty_ms(), Some(21_601 + 1 + 100 + 2));
}

#[test]
fn a_quarter_of_an_hour_drifts_too() {
    assert_eq!(drift_ms(900_000), 46);
    assert_eq!(drift_ms(-900_000), 46);
    assert_eq!(drift_ms(0), 1);
    assert!(drift_ms(i64::MIN) > 0);
}

#[test]
fn after_a_reboot_the_time_has_no_upper_end_and_says_so() {
    let anchors = Anchors::from(server(MORNING, 0, 50));
    let known = Some(MORNING - 3);
    let when = place(reading(MORNING + 5_000, 10, boot(2)), &anchors);
    assert_eq!(ends(&when), (known, None, TimeClass::C));
    let set_back = place(reading(10, 10, boot(2)), &anchors);
    assert_eq!(ends(&set_back), (known, None, TimeClass::D));
    let nothing = place(reading(5_000, 10, boot(2)), &Anchors::default());
    assert_eq!(ends(&nothing), (None, None, TimeClass::C));
}

#[test]
fn what_is_known_to_be_over_is_the_last_work_before_the_reboot_and_not_the_last_anchor() {
    let mut anchors = Anchors::from(server(MORNING, 0, 0));
    anchors.note(reading(0, 5 * HOUR, boot(1)));
    let when = place(reading(MORNING, 10, boot(2)), &anchors);
    let earliest = when.earliest.unwrap();
    assert!(earliest > MORNING + 5 * HOUR - 1_000, "{earliest}");
    assert_eq!(
        when.class,
        TimeClass::D,
        "the wall clock is five hours behind"
    );
    // a later anchor with a wide round trip takes nothing back
    anchors.take(server(MORNING + 5 * HOUR, 3_000, 5 * HOUR));
    assert_eq!(
        place(reading(MORNING, 10, boot(2)), &anchors).earliest,
        Some(earliest)
    );
}

#[test]
fn within_a_boot_the_narrower_of_two_anchors_is_kept_and_the_later_when_they_contradict() {
    let sharp = server(MORNING, 20, 1_000);
    let wide = server(MORNING + 9_500, 800, 11_000);
    let mut anchors = Anchors::from(sharp);
    anchors.take(wide);
    assert_eq!(anchors.server(), Some(sharp));
    let corrected = server(MORNING + 60_000, 800, 12_000);
    anchors.take(corrected);
    assert_eq!(anchors.server(), Some(corrected));
    // an answer that was overtaken by another does not take its place
    anchors.take(server(MORNING, 800, 11_000));
    assert_eq!(anchors.server(), Some(corrected));
}

#[test]
fn sources_that_fit_narrow_each_other() {
    let mut anchors = Anchors::from(server(MORNING, 3_000, 0));
    let now = reading(0, 1_000, boot(1));
    let candidate = Candidate::Fix(fix(MORNING + 3_000, 1_000));
    anchors.offer(&candidate, now).unwrap();
    let when = place(now, &anchors);
    let (lo, hi) = (MORNING + 3_000 - 2_000 - 3, MORNING + 1_000 + 3_000 + 3);
    assert_eq!(ends(&when), (Some(lo), Some(hi), TimeClass::A));
    assert!(!anchors.disagree(now));
}

#[test]
fn the_server_stands_against_the_satellites_and_the_contradiction_shows() {
    let mut anchors = Anchors::from(server(MORNING, 100, 0));
    let now = reading(0, 1_000, boot(1));
    anchors.offer_fix(&fix(MORNING + HOUR, 1_000), now).unwrap();
    assert!(anchors.disagree(now));
    let alone = place(now, &Anchors::from(server(MORNING, 100, 0)));
    assert_eq!(place(now, &anchors), alone);
    // and after a reboot nothing is left of the lie
    let rebooted = place(reading(MORNING + 5_000, 10, boot(2)), &anchors);
    assert!(rebooted.earliest.unwrap() < MORNING + 5_000);
}

#[test]
fn a_lie_that_came_before_the_server_is_forgotten_when_the_server_speaks() {
    let mut anchors = Anchors::default();
    let now = reading(0, 1_000, boot(1));
    anchors.offer_fix(&fix(MORNING + DAY, 1_000), now).unwrap();
    assert!(anchors.known_ms().unwrap() > MORNING + HOUR);
    anchors.take(server(MORNING, 100, 2_000));
    assert!(anchors.known_ms().unwrap() <= MORNING);
}

#[test]
fn without_the_server_satellites_and_the_network_clock_give_class_b() {
    let mut anchors = Anchors::default();
    let now = reading(0, 10_000, boot(1));
    anchors
        .offer_fix(&fix(MORNING + 10_000, 10_000), now)
        .unwrap();
    let when = place(now, &anchors);
    assert_eq!(
        (when.class, when.uncertainty_ms()),
        (TimeClass::B, Some(2_003))
    );
    anchors
        .offer(&network(MORNING + 9_000, 50, 9_000), now)
        .unwrap();
    let sharper = place(now, &anchors);
    assert_eq!(
        (sharper.class, sharper.uncertainty_ms()),
        (TimeClass::B, Some(53))
    );
    let basis = anchors.basis(now).unwrap();
    assert_eq!((basis.source, basis.age_ms), (AnchorSource::Network, 1_000));
    // contradicting each other they leave open which of the two is right
    anchors
        .offer(&network(MORNING + HOUR, 0, 10_000), now)
        .unwrap();
    assert!(anchors.disagree(now));
    let open = place(now, &anchors);
    assert!(open.earliest.unwrap() < MORNING + 10_000 && open.latest.unwrap() > MORNING + HOUR);
}

#[test]
fn a_time_that_cannot_be_is_not_taken() {
    let mut anchors = Anchors::from(server(MORNING, 100, 0));
    let now = reading(MORNING, HOUR, boot(1));
    let truth = MORNING + HOUR;
    let of = |change: &dyn Fn(&mut Fix)| {
        let mut made = fix(truth, HOUR);
        change(&mut made);
        made
    };
    let week_rollover = 1024 * 7 * DAY;
    for (made, why) in [
        (of(&|fix| fix.mock = true), NotTaken::Simulated),
        (of(&|fix| fix.simulated = true), NotTaken::Simulated),
        (of(&|fix| fix.accessory = true), NotTaken::Simulated),
        (of(&|fix| fix.gnss_ms = None), NotTaken::NoTime),
        (
            of(&|fix| fix.provider = Provider::Network),
            NotTaken::NoTime,
        ),
        (of(&|fix| fix.provider = Provider::Manual), NotTaken::NoTime),
        (of(&|fix| fix.mono_ms += 1), NotTaken::Future),
        (
            of(&|fix| fix.mono_ms -= MAX_FIX_AGE_MS + 1),
            NotTaken::Stale,
        ),
        (
            of(&|fix| fix.gnss_ms = Some(truth - week_rollover)),
            NotTaken::BeforeKnown,
        ),
        (of(&|fix| fix.gnss_ms = Some(0)), NotTaken::BeforeKnown),
        (
            of(&|fix| fix.gnss_ms = Some(truth + week_rollover)),
            NotTaken::Absurd,
        ),
        (of(&|fix| fix.gnss_ms = Some(i64::MAX)), NotTaken::Absurd),
    ] {
        assert_eq!(anchors.offer_fix(&made, now), Err(why), "{made:?}");
    }
    for (candidate, why) in [
        (network(truth, -1, HOUR), NotTaken::Absurd),
        (network(truth, i64::MAX, HOUR), NotTaken::Absurd),
        (network(i64::MIN, 1, HOUR), NotTaken::BeforeKnown),
        (network(truth, 1, HOUR + 1), NotTaken::Future),
    ] {
        assert_eq!(anchors.offer(&candidate, now), Err(why), "{candidate:?}");
    }
    assert_eq!(anchors, Anchors::from(server(MORNING, 100, 0)));
    anchors.offer_fix(&fix(truth, HOUR), now).unwrap();
    assert_eq!(
        anchors.offer_fix(&fix(truth, HOUR), now),
        Err(NotTaken::NoBetter)
    );
    // a phone that has heard of no server yet knows its own year
    let fresh = Anchors::default().offer_fix(&fix(truth - week_rollover, HOUR), now);
    assert_eq!(fresh, Err(NotTaken::BeforeKnown));
}

#[test]
fn a_jump_of_the_wall_clock_shows_within_a_boot_and_no_clock_of_the_platform_hides_it() {
    let before = reading(MORNING, 0, boot(1));
    let now = |jump: i64| reading(MORNING + HOUR + jump, HOUR, boot(1));
    assert_eq!(wall_jump(before, now(0)), None);
    assert_eq!(wall_jump(before, now(WALL_JUMP_MS)), None);
    assert_eq!(wall_jump(before, now(2 * HOUR)), Some(2 * HOUR));
    assert_eq!(wall_jump(before, now(-DAY)), Some(-DAY));
    let rebooted = reading(0, 5, boot(2));
    assert_eq!(wall_jump(before, rebooted), None);

    let mut anchors = Anchors::default();
    anchors.note(before);
    assert_eq!(place(now(0), &anchors).class, TimeClass::C);
    assert_eq!(place(now(DAY), &anchors).class, TimeClass::D);
    anchors.note(now(DAY));
    // set back to the right time, it has still been changed, by nothing altogether
    assert_eq!(anchors.wall_jumped(now(0)), Some(0));
    assert_eq!(place(now(0), &anchors).class, TimeClass::D);
    assert_eq!(anchors.wall_jumped(rebooted), None);
}

#[test]
fn an_anchor_that_version_1_stored_still_reads() {
    let text = format!(
        r#"{{"server_ms":{MORNING},"rtt_ms":101,"mono_ms":7,"boot":"{}"}}"#,
        boot(1)
    );
    let read: Anchor = serde_json::from_str(&text).unwrap();
    assert_eq!(read, server(MORNING, 51, 7));
    let mut anchors = Anchors::from(read);
    anchors.note(reading(1, 8, boot(1)));
    let again: Anchors = serde_json::from_str(&serde_json::to_string(&anchors).unwrap()).unwrap();
    assert_eq!(again, anchors);
    assert_eq!(
        serde_json::from_str::<Anchors>("{}").unwrap(),
        Anchors::default()
    );
}

#[test]
fn a_stamp_of_version_1_still_reads_and_a_new_one_keeps_its_day() {
    let text = format!(
        r#"{{"lo":1,"hi":null,"cls":"C","wall":1763830800000,"mono":5,"boot":"{}","tz":480,"hlc":[9,0]}}"#,
        boot(1)
    );
    let old: Stamp = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (old.day.to_string().as_str(), old.zone),
        ("2025-11-23", None)
    );
    assert!(old.day_fits());

    let anchors = Anchors::from(server(MORNING, 100, 0));
    let stamp = Stamp::take(reading(MORNING, 1_000, boot(1)), &anchors, Hlc::default());
    let bytes = serde_json::to_string(&stamp).unwrap();
    assert!(
        bytes.contains(r#""zone":"Asia/Shanghai","day":"2026-11-23""#),
        "{bytes}"
    );
    assert_eq!(serde_json::from_str::<Stamp>(&bytes).unwrap(), stamp);
    // the time becomes better known, the zone's offset another: the day stays
    let mut later = stamp;
    later.when.earliest = Some(MORNING - DAY);
    later.when.latest = Some(MORNING - DAY);
    later.tz = -600;
    let later: Stamp = serde_json::from_value(serde_json::to_value(later).unwrap()).unwrap();
    assert_eq!(later.local_day(), stamp.day);
    assert!(!later.day_fits());
}

#[test]
fn a_phone_set_to_2099_does_not_win_for_ever() {
    let anchors = Anchors::from(server(MORNING, 0, 0));
    let in_2099 = reading(4_070_908_800_000, 10, boot(1));
    let stamp = Stamp::take(in_2099, &anchors, Hlc::default());
    assert!(stamp.hlc.0 <= MORNING + 10 + MAX_AHEAD_MS + 3);
}

#[test]
fn the_day_is_the_one_on_the_wall_of_the_shop() {
    let ms = 1_763_830_800_000; // 2025-11-22T17:00Z
    assert_eq!(local_day(ms, 480).to_string(), "2025-11-23");
    assert_eq!(local_day(ms, 0).to_string(), "2025-11-22");
}

// narrowing

fn event(n: u64, boot_tag: u8, mono_ms: i64, ends: (Option<i64>, Option<i64>)) -> ChainEvent {
    ChainEvent {
        n,
        when: TimeInterval {
            earliest: ends.0,
            latest: ends.1,
            class: TimeClass::C,
            wall: 0,
        },
        mono_ms,
        boot: boot(boot_tag),
    }
}

fn narrowed(events: &[ChainEvent], receipts: &[Receipt]) -> Vec<(Option<i64>, Option<i64>)> {
    let intervals = narrow(events, receipts);
    intervals
        .iter()
        .map(|when| (when.earliest, when.latest))
        .collect()
}

#[test]
fn a_receipt_bounds_a_whole_morning_in_the_same_boot() {
    let events = [
        event(1, 1, 0, (None, None)),
        event(2, 1, HOUR, (None, None)),
        event(3, 1, 2 * HOUR, (None, None)),
    ];
    let receipt = Receipt {
        n: 3,
        at_ms: MORNING,
    };
    let (drift, cut) = (181, 2);
    assert_eq!(
        narrowed(&events, &[receipt]),
        [
            (None, Some(MORNING - 2 * HOUR + 2 * drift - 1 + cut)),
            (None, Some(MORNING - HOUR + drift + cut)),
            (None, Some(MORNING))
        ]
    );
}

#[test]
fn the_first_anchor_after_an_event_bounds_it_and_a_reboot_between_leaves_only_the_order() {
    let known = (Some(MORNING - 100), Some(MORNING + 100));
    let events = [
        event(1, 1, 50, (None, None)),
        event(2, 2, 5_000, (Some(7), None)),
        event(3, 2, 65_000, known),
    ];
    let bounds = narrowed(&events, &[]);
    assert_eq!(bounds[1].0, Some(MORNING - 100 - 60_000 - 6));
    assert_eq!(bounds[1].1, Some(MORNING + 100 - 60_000 + 6));
    assert_eq!(bounds[0], (None, bounds[1].1));
    assert_eq!(bounds[2], known);
}

#[test]
fn only_the_first_receipt_that_covers_an_event_counts_whatever_the_order() {
    let receipt = |n, at_ms| Receipt { n, at_ms };
    let events = [event(5, 1, 0, (None, None)), event(4, 2, 0, (None, None))];
    let receipts = [
        receipt(9, 900),
        receipt(4, 500),
        receipt(5, 700),
        receipt(3, 1),
    ];
    assert_eq!(
        narrowed(&events, &receipts),
        [(None, Some(700)), (None, Some(500))]
    );
}

#[test]
fn a_receipt_does_not_prove_that_later_work_came_after_it() {
    // sealed while the request with the head was on its way: before the server looked at its clock
    let events = [event(1, 1, 0, (None, None)), event(2, 1, 10, (None, None))];
    let receipt = Receipt { n: 1, at_ms: 900 };
    assert_eq!(narrowed(&events, &[receipt])[1].0, None);
}

#[test]
fn a_claim_that_contradicts_its_receipt_is_dropped_and_says_so() {
    let lie = MORNING + DAY;
    let events = [
        event(1, 1, 0, (Some(MORNING - HOUR), None)),
        event(2, 2, 0, (Some(lie), Some(lie + 5))),
        event(3, 3, 0, (None, None)),
    ];
    let receipt = Receipt {
        n: 3,
        at_ms: MORNING,
    };
    let intervals = narrow(&events, &[receipt]);
    assert_eq!(
        ends(&intervals[1]),
        (Some(MORNING - HOUR), Some(MORNING), TimeClass::D)
    );
    assert_eq!(
        ends(&intervals[2]),
        (Some(MORNING - HOUR), Some(MORNING), TimeClass::C)
    );
}

#[test]
fn a_long_chain_adds_no_rounding() {
    let count = 20_000_u64;
    let mut events: Vec<ChainEvent> = (1..=count)
        .map(|n| event(n, 1, i64::try_from(n).unwrap(), (None, None)))
        .collect();
    events[0].when.earliest = Some(MORNING);
    events[0].when.latest = Some(MORNING);
    let last = *narrow(&events, &[]).last().unwrap();
    let counted = MORNING + i64::try_from(count).unwrap() - 1;
    assert!(counted - last.earliest.unwrap() <= 4 && last.latest.unwrap() - counted <= 4);
}

proptest! {
    #[test]
    fn true_time_is_inside_the_interval_whatever_the_wall_clock_says(
        wall in any::<i64>(), elapsed_us in 0_i64..30 * 86_400_000_000, ppm in -50_i64..=50, rtt_us in 0_i64..60_000_000,
        share in 0_i64..=100, begin_us in 0_i64..1_000_000,
    ) {
        // the server read its clock somewhere inside the round trip, and the device's crystal is off by `ppm`
        let counted = |us: i64| us + us / 1_000_000 * ppm + us % 1_000_000 * ppm / 1_000_000;
        let at = |us: i64| reading(wall, (begin_us + counted(us)) / 1_000, boot(1));
        let answered_us = MORNING * 1_000 + begin_us + rtt_us * share / 100;
        let anchor = Anchor::of_round_trip(answered_us / 1_000, at(0), at(rtt_us));
        let when = place(at(rtt_us + elapsed_us), &anchor.into());
        let truth_us = MORNING * 1_000 + begin_us + rtt_us + elapsed_us;
        prop_assert!(when.earliest.unwrap() * 1_000 <= truth_us && truth_us <= when.latest.unwrap() * 1_000);
    }

    #[test]
    fn no_reading_and_no_anchor_makes_a_panic(
        ms in proptest::collection::vec(any::<i64>(), 8), boots in proptest::collection::vec(0_u8..3, 4), ns in proptest::collection::vec(0_u64..4, 4),
    ) {
        let mut anchors = Anchors::default();
        let now = reading(ms[0], ms[1], boot(boots[0]));
        for source in [AnchorSource::Server, AnchorSource::Gnss, AnchorSource::Network] {
            anchors.take(Anchor { boot: boot(boots[1]), ..anchor(source, ms[2], ms[3].saturating_abs(), ms[4]) });
        }
        let _ = anchors.offer_fix(&fix(ms[5], ms[6]), now);
        anchors.note(now);
        let stamp = Stamp::take(reading(ms[7], ms[6], boot(boots[2])), &anchors, Hlc::default());
        let _ = (stamp.when.uncertainty_ms(), anchors.disagree(now), anchors.basis(now), anchors.wall_jumped(now));
        let started = (&stamp.when, Some(BootClock::from(&stamp)));
        let _ = Stay::between(started, (&stamp.when, BootClock { mono_ms: ms[1], boot: stamp.boot }));
        let events: Vec<ChainEvent> = ns.iter().zip(&ms).zip(&boots)
            .map(|((n, ms), tag)| ChainEvent { n: *n, when: stamp.when, mono_ms: *ms, boot: boot(*tag) }).collect();
        let receipts = [Receipt { n: ns[0], at_ms: ms[2] }];
        prop_assert_eq!(narrow(&events, &receipts).len(), events.len());
    }

    #[test]
    fn the_logical_clock_only_goes_up(walls in proptest::collection::vec(any::<i64>(), 1..50)) {
        let mut last = Hlc::default();
        for wall in walls {
            let next = last.tick(wall, 2_000_000_000_000);
            prop_assert!(next > last);
            last = next;
        }
    }
}
