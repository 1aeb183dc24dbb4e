//! Trusted time: what the clocks prove, and how long a visit lasted.

use waymark_client::Lang;
use waymark_client::when::stay_text;
use waymark_domain::time::{AnchorSource, Candidate, Stay, TimeClass};

use crate::support::Office;

const MINUTE: i64 = 60_000;

/// 2.9: the wall clock is set three years back and forth in the middle of a visit.
#[test]
fn a_stay_is_right_within_a_second_whatever_the_wall_clock_does_and_both_ends_say_the_same() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    anna.sync().unwrap();
    let shop = anna.add_customer("Shop");
    let visit = anna.visits().start_unplanned(shop).unwrap();
    assert_eq!(anna.visits().view(visit).unwrap().row.stay, None);
    anna.clock.advance(10 * MINUTE);
    anna.clock.shift_wall(-3 * 365 * 86_400_000);
    anna.clock.advance(8 * MINUTE + 20_000);
    anna.visits().finish(visit).unwrap();
    let stay = anna.visits().view(visit).unwrap().row.stay.unwrap();
    let counted = 18 * MINUTE + 20_000;
    assert!(stay.exact);
    assert!(counted - stay.least_ms < 1_000 && stay.most_ms.unwrap() - counted < 1_000);
    assert_eq!(stay_text(stay, Lang::En), "stayed 18 min 20 s");

    // the server steps the visit by the same rule
    anna.sync().unwrap();
    anna.assert_same_as(&office);
    assert_eq!(
        anna.visits().view(visit).unwrap().row.stay,
        Some(stay),
        "and says the same"
    );
}

#[test]
fn across_a_reboot_a_stay_is_an_interval_and_never_a_guess() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    anna.sync().unwrap();
    let shop = anna.add_customer("Shop");
    let open = anna.visits().start_unplanned(shop).unwrap();
    anna.clock.advance(5 * MINUTE);
    anna.note(shop, "still here");
    anna.clock.reboot(1, 2 * MINUTE);
    anna.visits().finish(open).unwrap();
    let stay = anna.visits().view(open).unwrap().row.stay.unwrap();
    assert_eq!((stay.exact, stay.most_ms), (false, None));
    // the note was written five minutes after the start, and that is proven
    assert!(
        (4 * MINUTE..=5 * MINUTE).contains(&stay.least_ms),
        "{stay:?}"
    );
    assert_eq!(
        stay_text(stay, Lang::En),
        "stayed at least 4 min (the phone restarted or changed)"
    );

    // with an anchor on either side of the reboot the interval is closed
    anna.sync().unwrap();
    let closed = anna.visits().start_unplanned(shop).unwrap();
    anna.clock.advance(20 * MINUTE);
    anna.clock.reboot(2, MINUTE);
    office.clock.set_wall(anna.clock.wall_ms());
    anna.sync().unwrap();
    anna.visits().finish(closed).unwrap();
    let stay = anna.visits().view(closed).unwrap().row.stay.unwrap();
    let Stay {
        least_ms,
        most_ms: Some(most_ms),
        exact: false,
    } = stay
    else {
        panic!("{stay:?}")
    };
    assert!(least_ms <= most_ms);
    anna.sync().unwrap();
    anna.assert_same_as(&office);
}

#[test]
fn a_shell_offers_its_network_clock_and_the_time_says_what_it_rests_on() {
    let office = Office::open();
    let anna = office.rep("Anna");
    // enrolment brought the server's time
    let view = anna.time().view().unwrap();
    assert_eq!(
        view.basis.map(|basis| basis.source),
        Some(AnchorSource::Server)
    );
    assert_eq!(view.when.class, TimeClass::A);
    let text = anna.time().text(Lang::En).unwrap();
    assert!(text.ends_with("+08:00 (±1 s, server just now)"), "{text}");

    anna.clock.reboot(1, MINUTE);
    let text = anna.time().text(Lang::ZhHans).unwrap();
    assert!(text.contains("时间未核实"), "{text}");
    let network = |utc_ms| Candidate::Network {
        utc_ms,
        error_ms: Some(250),
        mono_ms: anna.clock.mono_ms(),
    };
    let answers = anna
        .time()
        .offer(&[network(0), network(anna.clock.wall_ms())]);
    let answers = answers.unwrap();
    assert!(answers[0].is_err() && answers[1].is_ok(), "{answers:?}");
    anna.clock.advance(3 * 60 * MINUTE);
    let text = anna.time().text(Lang::En).unwrap();
    assert!(text.ends_with("(±1 s, network clock 3 h ago)"), "{text}");
    assert!(!anna.time().view().unwrap().anchors_disagree);
}
