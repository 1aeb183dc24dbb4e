//! Which way a problem is solved.

use crate::answer::{Answer, Certificate, Proof};
use crate::budget::{Budget, Meter};
use crate::error::Error;
use crate::exact::{self, Exact};
use crate::ils::Ils;
use crate::inst::{Inst, Node};
use crate::model::Problem;
use crate::plain::Plain;
use crate::ruin::Ruin;

/// The share of the budget after which searching ends and bounding begins.
const SEARCH: f64 = 0.93;

/// The share that a day with breaks or locked positions is searched for without them.
const UNBOUND: f64 = 0.4;
/// The work of the search before an exact one.
const QUICK: u64 = 2_000;

/// How to solve.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The same seed, problem and amount of work give the same order.
    pub seed: u64,
    /// Plan visits late that have closed for good before the day starts, instead of refusing the problem: for a day that is
    /// running already.
    pub allow_past: bool,
}

/// Finds the best order that the budget allows, and says how good it is known to be.
///
/// # Errors
/// When the problem is malformed, or a visit that must be made has no way to it or has closed for good; the error names the stop.
pub fn solve(
    problem: &Problem,
    options: Options,
    budget: &mut dyn Budget,
) -> Result<Answer, Error> {
    improve(problem, &[], options, budget)
}

/// As [`solve`], starting from an order that is known, such as the one before a change. What of it does not fit is dropped.
///
/// # Errors
/// As [`solve`].
pub fn improve(
    problem: &Problem,
    order: &[usize],
    options: Options,
    budget: &mut dyn Budget,
) -> Result<Answer, Error> {
    let inst = Inst::new(problem, options.allow_past)?;
    let mut meter = Meter::new(budget);
    if inst.m == 0 {
        return inst.answer(problem, &[], Proof::Optimal(Certificate::Replay));
    }
    let mut fewest = None;
    let mut known = inst.nodes(order);
    let mut found = None;
    if exact::fits(&inst) {
        // a quick search first: should the budget end the exact one, there is a good order all the same
        meter.part(QUICK);
        found = Some(search(&inst, &known, options.seed, &mut meter));
        meter.whole();
        match exact::search(&inst, &mut meter) {
            Exact::Best(path) => {
                if let Some(cost) = inst.cost(&path) {
                    meter.better(&cost, &inst.places(&path));
                }
                return inst.answer(problem, &path, Proof::Optimal(Certificate::Replay));
            }
            Exact::Late {
                path: Some(path),
                without,
            } => {
                let proof = Proof::Optimal(Certificate::Replay);
                let mut answer = inst.answer(problem, &path, proof)?;
                if let Some(relaxation) = &mut answer.relaxation {
                    relaxation.proven = without.is_some();
                    relaxation.without = inst.places(&without.unwrap_or_default());
                }
                return Ok(answer);
            }
            Exact::Impossible => return Err(inst.impossible()),
            Exact::Late { without, .. } => fewest = without,
            Exact::Unsettled => {}
        }
    }
    let found = match found {
        Some(found) if !meter.go_on(0) => found,
        other => {
            known = other.and_then(|found| found.path).unwrap_or(known);
            search(&inst, &known, options.seed, &mut meter)
        }
    };
    let priced = found.path.and_then(|path| Some((inst.cost(&path)?, path)));
    let (cost, path) = priced.ok_or_else(|| inst.impossible())?;
    let complete = path.len() == inst.m;
    let proof = inst.bounded(&cost, complete, &mut meter);
    let mut answer = inst.answer(problem, &path, proof)?;
    if let Some(relaxation) = &mut answer.relaxation {
        relaxation.without = inst.places(&fewest.unwrap_or(found.without));
    }
    Ok(answer)
}

struct Found {
    /// `None` when no order was found that keeps the locks on the ways that there are.
    path: Option<Vec<Node>>,
    /// Visits that must be made and without which the others can be made in time.
    without: Vec<Node>,
}

/// A good order of the day without its breaks and positions: the quick search finds it, and what it lacks is little.
fn unbound(inst: &Inst, seed: u64, meter: &mut Meter<'_>) -> Vec<Node> {
    let mut free = inst.clone();
    free.pauses.clear();
    free.locks.at.retain(|&(position, _)| position == 0);
    let mut ruin = Ruin::new(&free, seed);
    ruin.quiet = true;
    ruin.run(meter, 0.0, UNBOUND);
    ruin.best.visits().to_vec()
}

fn search(inst: &Inst, known: &[Node], seed: u64, meter: &mut Meter<'_>) -> Found {
    let middle = inst.locks.at.iter().any(|&(position, _)| position > 0);
    if middle || !inst.pauses.is_empty() {
        let start = if known.is_empty() {
            unbound(inst, seed, meter)
        } else {
            known.to_vec()
        };
        let mut plain = Plain::new(inst, seed, &start, meter);
        let from = meter.share();
        plain.run(meter, from, SEARCH);
        let (path, without) = (plain.found(), Vec::new());
        return Found { path, without };
    }
    let mut ruin = Ruin::new(inst, seed);
    if !known.is_empty() {
        ruin.take(known);
    }
    if !inst.timed && inst.all_must && !inst.locks.any() {
        let mut ils = Ils::new(inst, seed, ruin.best.visits(), !known.is_empty());
        ils.run(meter, 0.0, SEARCH);
        let (path, without) = (Some(ils.best), Vec::new());
        return Found { path, without };
    }
    ruin.run(meter, 0.0, SEARCH);
    let path = ruin.best.visits().to_vec();
    if ruin.best_worth.unmade == 0 && inst.keeps_locks(&path) {
        let (path, without) = (Some(path), Vec::new());
        return Found { path, without };
    }
    let without = inst.musts_missing(&path);
    let mut plain = Plain::new(inst, seed, &path, meter);
    let from = meter.share();
    plain.run(meter, from, SEARCH);
    let path = plain.found();
    Found { path, without }
}
