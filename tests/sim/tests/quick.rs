//! A minute of the simulation for everybody who runs the tests; the thousands run in `tests/run`.
#![expect(clippy::panic, reason = "test code fails by panicking")]

use waymark_sim::bugs::Bug;
use waymark_sim::fleet_of_seeds::{hunt, run_checked, run_many};
use waymark_sim::world::{Failure, Options};

fn hold(failures: &[Failure]) {
    if let Some(failure) = failures.first() {
        let tail = failure.tail.join("\n");
        let violation = &failure.violation;
        panic!(
            "{tail}\nseed {}: {} is broken: {}",
            failure.seed, violation.invariant, violation.what
        );
    }
}

#[test]
fn thirty_days_of_a_small_company_break_no_promise() {
    hold(&run_many(1, 30, 2, Options::default(), 1).failures);
}

#[test]
fn days_that_once_failed_hold() {
    for line in include_str!("../seeds.txt").lines() {
        let Some(seed) = line
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
        else {
            continue;
        };
        for longer in [1, 2] {
            let options = Options {
                longer,
                ..Options::default()
            };
            if let Err(failure) = run_checked(seed, options) {
                hold(&[*failure]);
            }
        }
    }
}

#[test]
fn the_same_seed_is_the_same_day() {
    for seed in [7, 42] {
        let options = Options::default();
        let (first, second) = (
            run_checked(seed, options).unwrap(),
            run_checked(seed, options).unwrap(),
        );
        assert_eq!(first.trace, second.trace);
        assert!(first.ops > 0);
    }
}

#[test]
fn planted_bugs_are_found() {
    for bug in [Bug::SkipWhilePending, Bug::OutcomeForgotten] {
        assert!(hunt(bug, 200, 2).is_some(), "{bug:?}");
    }
}
