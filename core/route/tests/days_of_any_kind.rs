//! Days too large to look at every order: whatever is answered, the checker bears it out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test stops at what it does not expect; small numbers"
)]

mod days;

use days::{Dice, any_day};
use waymark_route::answer::{Answer, Proof};
use waymark_route::check::check;
use waymark_route::{
    Change, Error, Fault, Lock, Matrix, Need, Options, Problem, Stop, Work, from_here, replan,
    solve,
};

const LATE_TOO: Options = Options {
    seed: 1,
    allow_past: true,
};

fn solved(problem: &Problem, work: u64) -> Option<Answer> {
    match solve(problem, LATE_TOO, &mut Work(work)) {
        Ok(answer) => Some(answer),
        Err(Error::Stop {
            fault: Fault::Lock | Fault::NoWay,
            ..
        }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_checker_accepts_every_answer() {
    let (mut solved_days, mut late, mut skipping, mut resting) = (0, 0, 0, 0);
    for seed in 0..160 {
        let visits = 12 + (seed as usize * 7) % 40;
        let problem = any_day(seed, visits);
        let Some(answer) = solved(&problem, 4_000) else {
            continue;
        };
        let checked = check(&problem, &answer);
        assert!(
            checked.is_ok(),
            "{seed}: {checked:?}\n{problem:?}\n{answer:?}"
        );
        solved_days += 1;
        late += u32::from(answer.cost.late > 0);
        skipping += u32::from(!answer.skipped.is_empty());
        resting += u32::from(!answer.breaks.is_empty());
    }
    assert!(
        solved_days > 90 && late > 5 && skipping > 10 && resting > 10,
        "{solved_days} {late} {skipping} {resting}"
    );
}

/// A day in town without a clock: places on a plane, ways there a little longer than back.
fn town(seed: u64, visits: usize) -> Problem {
    let mut dice = Dice(seed.wrapping_mul(7_919) + 3);
    let places: Vec<(i64, i64)> = (0..=visits)
        .map(|_| (dice.below(9_000) as i64, dice.below(9_000) as i64))
        .collect();
    let rows: Vec<Vec<u32>> = places
        .iter()
        .map(|a| {
            let way = |b: &(i64, i64), dice: &mut Dice| {
                let (x, y) = ((a.0 - b.0) as f64, (a.1 - b.1) as f64);
                let metres = x.hypot(y);
                if metres == 0.0 {
                    0
                } else {
                    (metres / 10.0) as u32 + 1 + dice.below(20) as u32
                }
            };
            places.iter().map(|b| way(b, &mut dice)).collect()
        })
        .collect();
    Problem {
        travel: Matrix::from_rows(&rows).unwrap(),
        stops: vec![Stop::must(300); visits + 1],
        start: 0,
        end: Some(0),
        depart: 0,
        latest: 1_000_000,
        breaks: Vec::new(),
    }
}

/// Nearest neighbour, then 2-opt until nothing improves.
fn plain_way(problem: &Problem) -> i64 {
    let d = |a: usize, b: usize| i64::from(problem.travel.seconds(a, b).unwrap());
    let size = problem.stops.len();
    let mut tour = vec![0];
    while tour.len() < size {
        let here = *tour.last().unwrap();
        let left = (0..size).filter(|p| !tour.contains(p));
        tour.push(left.min_by_key(|&p| d(here, p)).unwrap());
    }
    tour.push(0);
    let length = |tour: &[usize]| tour.windows(2).map(|arc| d(arc[0], arc[1])).sum::<i64>();
    loop {
        let mut better = None;
        let now = length(&tour);
        for i in 1..size {
            for j in i + 1..size {
                let mut other = tour.clone();
                other[i..=j].reverse();
                if length(&other) < now {
                    better = Some(other);
                }
            }
        }
        match better {
            Some(other) => tour = other,
            None => return now,
        }
    }
}

#[test]
fn no_order_is_worse_than_nearest_neighbour_with_two_opt() {
    for seed in 0..12 {
        let problem = town(seed, 5 + 3 * seed as usize);
        let answer = solved(&problem, 30_000).unwrap();
        assert!(answer.cost.travel <= plain_way(&problem), "{seed}");
        check(&problem, &answer).unwrap();
    }
}

/// The same day with its places numbered otherwise; the start stays 0.
fn renumbered(problem: &Problem, seed: u64) -> Problem {
    let size = problem.stops.len();
    let mut old: Vec<usize> = (0..size).collect();
    let mut dice = Dice(seed);
    for i in (2..size).rev() {
        old.swap(i, 1 + dice.below(i as u64) as usize);
    }
    let new = |place: usize| old.iter().position(|&p| p == place).unwrap();
    let seconds = |a: usize, b: usize| problem.travel.seconds(a, b).unwrap_or(Matrix::NO_WAY);
    let rows: Vec<Vec<u32>> = old
        .iter()
        .map(|&a| old.iter().map(|&b| seconds(a, b)).collect())
        .collect();
    let stop = |&place: &usize| {
        let mut stop = problem.stops[place].clone();
        if let Lock::After(other) = stop.lock {
            stop.lock = Lock::After(if other < size { new(other) } else { other });
        }
        stop
    };
    Problem {
        travel: Matrix::from_rows(&rows).unwrap(),
        stops: old.iter().map(stop).collect(),
        start: 0,
        end: problem.end.map(new),
        ..problem.clone()
    }
}

#[test]
fn the_numbering_of_the_places_does_not_change_what_the_best_day_costs() {
    let mut compared = 0;
    for seed in 0..120 {
        let problem = any_day(seed, 9 + seed as usize % 4);
        let other = renumbered(&problem, seed);
        if let (Some(a), Some(b)) = (solved(&problem, u64::MAX), solved(&other, u64::MAX))
            && matches!((&a.proof, &b.proof), (Proof::Optimal(_), Proof::Optimal(_)))
        {
            assert_eq!(a.cost, b.cost, "{seed}");
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn the_same_seed_and_work_give_the_same_answer() {
    for seed in 0..20 {
        let problem = any_day(seed, 30);
        let answers = [solved(&problem, 10_000), solved(&problem, 10_000)];
        assert_eq!(answers[0], answers[1], "{seed}");
    }
}

#[test]
fn a_day_that_changes_keeps_what_is_pinned_and_leaves_out_what_is_dropped() {
    for visits in [9, 24] {
        let mut problem = town(5, visits);
        let mut answer = solved(&problem, 20_000).unwrap();
        let pinned = answer.order[visits - 1];
        let dropped = answer.order[2];
        let mut change = |change: Change| {
            let before = (problem.clone(), answer.order.clone());
            let (then, new) =
                replan(&before.0, &before.1, change, LATE_TOO, &mut Work(20_000)).unwrap();
            check(&then, &new).unwrap();
            problem = then;
            answer = new.clone();
            new
        };
        let new = change(Change::Pin {
            stop: pinned,
            position: 1,
        });
        assert_eq!(new.order[1], pinned);
        let new = change(Change::Drop(dropped));
        assert!(
            !new.order.contains(&dropped)
                && new.order[1] == pinned
                && new.order.len() == visits - 1
        );
        let new = change(Change::Add {
            stop: dropped,
            need: Need::Must,
        });
        assert!(new.rank[dropped].is_some() && new.rank[pinned] == Some(1));
        let free = change(Change::Free(pinned));
        assert!(free.cost.travel <= new.cost.travel);
        let (problem, order) = (problem, answer.order);
        let refused = replan(
            &problem,
            &order,
            Change::Add {
                stop: dropped,
                need: Need::Must,
            },
            LATE_TOO,
            &mut Work(1),
        );
        assert_eq!(
            refused.unwrap_err(),
            Error::Stop {
                stop: dropped,
                fault: Fault::Change
            }
        );
    }
}

#[test]
fn the_rest_of_a_day_starts_where_the_rep_is_and_plans_missed_appointments_late() {
    let mut problem = town(8, 12);
    let missed = 7;
    problem.stops[missed].windows = vec![waymark_route::Window {
        open: 0,
        close: 2_000,
    }];
    let answer = solved(&problem, 20_000).unwrap();
    assert_eq!(answer.cost.late, 0);
    let done: Vec<usize> = answer
        .order
        .iter()
        .copied()
        .filter(|&p| p != missed)
        .take(3)
        .collect();
    let rest = from_here(&problem, &done, done[2], 9_000).unwrap();
    let strict = Options {
        allow_past: false,
        ..LATE_TOO
    };
    let refused = solve(&rest, strict, &mut Work(u64::MAX)).unwrap_err();
    assert_eq!(
        refused,
        Error::Stop {
            stop: missed,
            fault: Fault::Past
        }
    );
    let then = solve(&rest, LATE_TOO, &mut Work(u64::MAX)).unwrap();
    check(&rest, &then).unwrap();
    assert_eq!(then.order.len(), 9);
    // least late: the missed one comes first
    assert_eq!(then.order[0], missed);
    assert_eq!(then.relaxation.unwrap().without, [missed]);
}
