//! Whatever comes in, an answer that the checker accepts or an error comes out, and the error names the stop.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use waymark_route::check::check;
use waymark_route::json::{Given, Taken};
use waymark_route::model::{MAX_SPAN, MAX_TIME};
use waymark_route::{
    Break, Error, Fault, Lock, Matrix, Need, Options, Problem, Stop, Window, Work, solve,
};

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -100..2_000_i64,
        1 => Just(MAX_TIME),
        1 => Just(-MAX_TIME),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ]
}

fn any_window() -> impl Strategy<Value = Window> {
    prop_oneof![
        60 => (0..3_000_i64, 0..2_000_i64).prop_map(|(open, long)| Window { open, close: open + long }),
        1 => (any_time(), any_time()).prop_map(|(open, close)| Window { open, close }),
    ]
}

fn any_span() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 0..600_u32, 1 => Just(MAX_SPAN), 1 => Just(u32::MAX), 1 => Just(0)]
}

fn any_stop(places: usize) -> impl Strategy<Value = Stop> {
    let need = prop_oneof![
        40 => Just(Need::Must),
        30 => (0..9_u32).prop_map(Need::Priority),
        1 => Just(Need::Out),
        1 => Just(Need::Priority(u32::MAX)),
    ];
    let lock = prop_oneof![
        60 => Just(Lock::Free),
        1 => Just(Lock::First),
        1 => Just(Lock::Last),
        1 => (0..places + 2).prop_map(Lock::At),
        2 => (0..places + 2).prop_map(Lock::After),
    ];
    let windows = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec(any_window(), 1..3),
    ];
    (
        prop_oneof![200 => 0..900_u32, 1 => any_span()],
        windows,
        need,
        lock,
    )
        .prop_map(|(service, windows, need, lock)| Stop {
            service,
            windows,
            need,
            lock,
        })
}

fn any_problem() -> impl Strategy<Value = Problem> {
    (1..24_usize).prop_flat_map(|places| {
        let span = prop_oneof![400 => 0..600_u32, 1 => any_span()];
        let rows = prop::collection::vec(prop::collection::vec(span, places), places);
        let stops = prop::collection::vec(any_stop(places), places);
        let rest =
            (any_window(), any_span()).prop_map(|(window, seconds)| Break { window, seconds });
        let breaks = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(rest, 1..4)];
        let end = prop::option::of(0..places + 1);
        let depart = prop_oneof![20 => 0..100_i64, 1 => any_time()];
        let latest = prop_oneof![20 => 2_000..20_000_i64, 1 => any_time()];
        (rows, stops, 0..places, end, depart, latest, breaks).prop_filter_map(
            "a matrix",
            |(rows, stops, start, end, depart, latest, breaks)| {
                Some(Problem {
                    travel: Matrix::from_rows(&rows).ok()?,
                    stops,
                    start,
                    end,
                    depart,
                    latest,
                    breaks,
                })
            },
        )
    })
}

#[test]
fn nothing_panics_and_every_answer_checks() {
    let config = ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let answered = std::cell::Cell::new(0);
    let days = (any_problem(), any::<bool>());
    let outcome = TestRunner::new(config).run(&days, |(problem, allow_past)| {
        let options = Options {
            seed: 3,
            allow_past,
        };
        match solve(&problem, options, &mut Work(3_000)) {
            Ok(answer) => {
                answered.set(answered.get() + 1);
                let checked = check(&problem, &answer);
                prop_assert!(checked.is_ok(), "{:?} {:?}", checked, answer);
            }
            Err(Error::Stop { stop, fault }) => {
                prop_assert!(stop < problem.stops.len() || fault == Fault::NoSuchPlace);
            }
            Err(_) => {}
        }
        Ok(())
    });
    outcome.unwrap();
    // about 110 of them are days; chance alone never leaves half of that
    assert!(answered.get() > 50, "{}", answered.get());
}

/// A day of three visits, as JSON with one thing replaced.
fn given(what: &str, by: &str) -> Given {
    let day = r#"{"matrix": [[0, 60, 90], [60, 0, 30], [90, 30, 0]], "service": [0, 300, 300],
        "windows": [[], [[0, 9000]], []], "end": 0, "depart": 100, "latest": 20000, "prize": null}"#;
    assert!(day.contains(what), "{what}");
    serde_json::from_str(&day.replacen(what, by, 1)).unwrap()
}

fn refused(given: &Given) -> Error {
    given
        .problem()
        .and_then(|problem| solve(&problem, Options::default(), &mut Work(1000)))
        .unwrap_err()
}

#[test]
fn bad_input_is_refused_with_the_stop_that_is_to_blame() {
    let blamed = |stop, fault| Error::Stop { stop, fault };
    for (what, by, error) in [
        ("[60, 0, 30]", "[60, 0, null]", blamed(1, Fault::Travel)),
        ("[60, 0, 30]", "[60, 0, -1]", blamed(1, Fault::Travel)),
        ("[60, 0, 30]", "[60, 0, 1e12]", blamed(1, Fault::Travel)),
        ("[60, 0, 30]", "[60, 0]", blamed(1, Fault::RowLength(2))),
        (
            "[60, 0, 30]",
            "[4294967295, 0, 4294967295]",
            blamed(1, Fault::NoWay),
        ),
        ("300, 300]", "300, -5]", blamed(2, Fault::Service)),
        ("300, 300]", "300, null]", blamed(2, Fault::Service)),
        ("[0, 9000]", "[0, 99]", blamed(1, Fault::Past)),
        ("[0, 9000]", "[9000, 0]", blamed(1, Fault::Window)),
        ("[0, 9000]", "[0, null]", blamed(1, Fault::Window)),
        (
            "[0, 9000]",
            "[0, 900], [500, 1000]",
            blamed(1, Fault::Window),
        ),
        (
            "\"prize\": null",
            "\"prize\": [0, 1, -1]",
            blamed(2, Fault::Priority),
        ),
        ("\"end\": 0", "\"end\": 7", blamed(7, Fault::NoSuchPlace)),
        (
            "\"prize\": null",
            "\"locks\": [{\"stop\": 1, \"lock\": \"last\"}, {\"stop\": 2, \"lock\": \"last\"}]",
            blamed(2, Fault::Lock),
        ),
        (
            "\"prize\": null",
            "\"locks\": [{\"stop\": 1, \"lock\": {\"at\": 2}}]",
            blamed(1, Fault::Lock),
        ),
        ("\"depart\": 100", "\"depart\": 30000", Error::Day),
        (
            "[0, 300, 300]",
            "[0, 300]",
            Error::Shape {
                stops: 2,
                places: 3,
            },
        ),
    ] {
        assert_eq!(refused(&given(what, by)), error, "{by}");
    }
    let many = vec![Vec::new(); 10_000];
    assert_eq!(Matrix::from_rows(&many), Err(Error::TooManyPlaces(10_000)));
    let not_a_number = Matrix::from_numbers(&[vec![0.0, f64::NAN], vec![1.0, 0.0]]);
    assert_eq!(not_a_number, Err(blamed(0, Fault::Travel)));
}

#[test]
fn the_answer_in_json_has_the_order_and_its_inverse() {
    let problem = given("[90, 30, 0]", "[80, 40, 0]").problem().unwrap();
    let answer = solve(&problem, Options::default(), &mut Work(1000)).unwrap();
    let json = serde_json::to_value(Taken::new(&answer, &[])).unwrap();
    assert_eq!(json["order"], serde_json::json!([1, 2]));
    assert_eq!(json["rank"], serde_json::json!([null, 0, 1]));
    assert_eq!(json["arrival"], serde_json::json!([160, 490]));
    assert_eq!(json["optimal"], true);
    assert_eq!(json["travel"], 170);
}
