//! A day that changes: a stop more, one less, one pinned; or the rest of it from where the rep is now.

use crate::answer::Answer;
use crate::budget::Budget;
use crate::error::{Error, Fault};
use crate::model::{Lock, Need, Problem};
use crate::solve::{Options, improve};

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A place of the matrix that was not visited is.
    Add {
        /// The place.
        stop: usize,
        /// Whether it has to be.
        need: Need,
    },
    /// A visit is not made.
    Drop(usize),
    /// A visit keeps this position, counted from 0; the others find theirs around it. This is also what dragging a stop does.
    Pin {
        /// The visit.
        stop: usize,
        /// Its position.
        position: usize,
    },
    /// A visit may stand anywhere again.
    Free(usize),
}

/// Makes one change, and improves the order that was there until the budget ends.
///
/// Gives the problem as it is then, for the next change, and its answer.
///
/// # Errors
/// When the stop is not there to be changed, or as [`crate::solve`].
pub fn replan(
    problem: &Problem,
    order: &[usize],
    change: Change,
    options: Options,
    budget: &mut dyn Budget,
) -> Result<(Problem, Answer), Error> {
    let mut changed = problem.clone();
    let mut start = order.to_vec();
    let (Change::Add { stop, .. }
    | Change::Drop(stop)
    | Change::Pin { stop, .. }
    | Change::Free(stop)) = change;
    let adds = matches!(change, Change::Add { .. });
    if stop == problem.start || Some(stop) == problem.end || problem.is_visit(stop) == adds {
        return Err(Error::at(stop, Fault::Change));
    }
    let here = changed.stops.get_mut(stop);
    let here = here.ok_or(Error::at(stop, Fault::NoSuchPlace))?;
    match change {
        Change::Add { need, .. } => {
            here.need = need;
            here.lock = Lock::Free;
        }
        Change::Drop(_) => {
            here.need = Need::Out;
            here.lock = Lock::Free;
            start.retain(|&place| place != stop);
            // what was to come after it may now come at any time
            for other in &mut changed.stops {
                if other.lock == Lock::After(stop) {
                    other.lock = Lock::Free;
                }
            }
        }
        Change::Pin { position, .. } => {
            here.lock = Lock::At(position);
            start.retain(|&place| place != stop);
            start.insert(position.min(start.len()), stop);
        }
        Change::Free(_) => here.lock = Lock::Free,
    }
    let answer = improve(&changed, &start, options, budget)?;
    Ok((changed, answer))
}

/// The rest of the day: from the place `at` (any place of the matrix, such as the stop just left), leaving it at `depart`, without the
/// visits that are `done`. Positions count from here: the locked ones move up by what is done.
///
/// Solve it with [`Options::allow_past`], so that what is missed already is planned late rather than refused.
///
/// # Errors
/// When there is no such place.
pub fn from_here(
    problem: &Problem,
    done: &[usize],
    at: usize,
    depart: i64,
) -> Result<Problem, Error> {
    let mut rest = problem.clone();
    if at >= rest.stops.len() {
        return Err(Error::at(at, Fault::NoSuchPlace));
    }
    let out: Vec<usize> = (0..rest.stops.len())
        .filter(|&place| !problem.is_visit(place) || done.contains(&place) || place == at)
        .collect();
    let made = done
        .iter()
        .filter(|&&place| problem.is_visit(place))
        .count();
    for (place, stop) in rest.stops.iter_mut().enumerate() {
        if out.contains(&place) {
            stop.need = Need::Out;
            stop.lock = Lock::Free;
        }
        stop.lock = match stop.lock {
            Lock::First if made > 0 => Lock::Free,
            Lock::At(position) => position.checked_sub(made).map_or(Lock::Free, Lock::At),
            Lock::After(other) if out.contains(&other) => Lock::Free,
            lock => lock,
        };
    }
    // a break whose time is over was taken, or is not taken any more
    rest.breaks.retain(|pause| pause.window.close >= depart);
    rest.start = at;
    rest.depart = depart;
    rest.latest = rest.latest.max(depart);
    Ok(rest)
}
