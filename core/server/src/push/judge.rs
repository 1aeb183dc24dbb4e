//! Steps 2 to 5: whether one operation can be done, and the record after it.

use waymark_domain::ids::OpId;
use waymark_domain::merge::{Clash, DELETED, Settled, Stored, authorise, settle};
use waymark_domain::op::{Act, Operation};
use waymark_domain::record::{Body, KindRules, RecordKey, rules};
use waymark_domain::refusal::{Code, Refusal};
use waymark_protocol::limits::MAX_LINE;
use waymark_protocol::outcome::{Outcome, Why};

use super::{Push, is_count};
use crate::access::saw_once;
use crate::commit::{self, Step};
use crate::error::Result;
use crate::storage::{Tx, View};

/// Room for the frame of a line around a record's body or an outcome: ids, a scope, numbers.
const FRAME: usize = 2 * 1024;

/// The judgement of one operation.
pub(super) enum Judged {
    /// It is done; its place in the order is still to come.
    Done(Done),
    /// It is not, or not yet.
    Not(Outcome),
}

/// An operation that is done.
pub(super) struct Done {
    pub(super) step: Step,
    /// What lost, when it met other changes.
    pub(super) lost: Option<Vec<Clash>>,
}

impl Push {
    /// Judges `op`, with `earlier` before it in its group, and writes its record when it can be done.
    pub(super) fn judge(
        &self,
        tx: &mut dyn Tx,
        op: &Operation,
        earlier: &[OpId],
    ) -> Result<Judged> {
        if !is_count(op.n) {
            return Ok(not(Code::Malformed));
        }
        if let Some(outcome) = waits_for(tx, op, earlier)? {
            return Ok(Judged::Not(outcome));
        }
        let rules = rules(&op.kind).filter(|rules| op.v <= rules.version());
        let Some(rules) = rules else {
            return Ok(Judged::Not(Outcome::Vaulted));
        };
        let key = op.key();
        let stored = tx.record(&key)?;
        if let Some(outcome) = self.out_of_sight(tx, rules, &key, stored.as_ref())? {
            return Ok(Judged::Not(outcome));
        }
        let (body, lost) = match self.settle(rules, stored.as_ref(), op) {
            Ok(settled) => settled,
            Err(outcome) => return Ok(Judged::Not(deliverable(outcome))),
        };
        if let Some(outcome) = unfit(tx, rules, &body, lost.as_deref())? {
            return Ok(Judged::Not(outcome));
        }
        let written = commit::write(tx, rules, key, stored.as_ref(), body, Some(op.op))?;
        Ok(match written {
            Ok(step) => Judged::Done(Done { step, lost }),
            Err(refusal) => Judged::Not(Outcome::Rejected { refusal }),
        })
    }

    /// Step 3, first half: the stored record decides who sees it, whatever the operation claims.
    fn out_of_sight(
        &self,
        view: &dyn View,
        rules: &dyn KindRules,
        key: &RecordKey,
        stored: Option<&Stored>,
    ) -> Result<Option<Outcome>> {
        let Some(stored) = stored else {
            return Ok(None);
        };
        let scopes = rules.scopes(&stored.body);
        if scopes.is_ok_and(|scopes| self.actor.sees(&scopes)) {
            return Ok(None);
        }
        Ok(Some(if saw_once(view, &self.actor, key)? {
            Outcome::Review {
                why: Why::OutOfScope,
                clashes: Vec::new(),
            }
        } else {
            rejected(Refusal::new(Code::Forbidden))
        }))
    }

    /// Step 3, second half, and step 5: the record after the operation, if its author may bring it there.
    fn settle(
        &self,
        rules: &dyn KindRules,
        stored: Option<&Stored>,
        op: &Operation,
    ) -> std::result::Result<(Body, Option<Vec<Clash>>), Outcome> {
        let allow = |next: &Body| authorise(rules, &self.actor, stored, next).map_err(rejected);
        match settle(rules, stored, op) {
            Settled::Applied(body) => allow(&body).map(|()| (body, None)),
            Settled::Merged(body, lost) => allow(&body).map(|()| (body, Some(lost))),
            Settled::Review(clashes) => {
                // what nobody may decide in the author's favour is refused, not put before a person
                allow(&wanted(stored, op))?;
                Err(Outcome::Review {
                    why: Why::Clash,
                    clashes,
                })
            }
            Settled::Refused(refusal) => Err(rejected(refusal)),
        }
    }
}

/// Step 2: what has to come first.
fn waits_for(view: &dyn View, op: &Operation, earlier: &[OpId]) -> Result<Option<Outcome>> {
    let mut missing = Vec::new();
    let mut in_review = false;
    for need in op.needs().filter(|need| !earlier.contains(need)) {
        match view.op(need)?.map(|row| row.outcome) {
            // nothing comes before itself
            None if need == op.op => return Ok(Some(rejected(Refusal::new(Code::Dependency)))),
            None => missing.push(need),
            Some(Outcome::Applied { .. } | Outcome::Merged { .. }) => {}
            Some(Outcome::Review { .. }) => in_review = true,
            Some(_) => return Ok(Some(rejected(Refusal::new(Code::Dependency)))),
        }
    }
    missing.sort();
    missing.dedup();
    Ok(if !missing.is_empty() {
        Some(Outcome::Deferred { missing })
    } else if in_review {
        Some(Outcome::Review {
            why: Why::Dependency,
            clashes: Vec::new(),
        })
    } else {
        None
    })
}

/// What the record would be if everything went the author's way.
fn wanted(stored: Option<&Stored>, op: &Operation) -> Body {
    let mut body = stored.map(|stored| stored.body.clone()).unwrap_or_default();
    for (field, change) in &op.set {
        if change.1.is_null() {
            body.remove(field);
        } else {
            body.insert(field.clone(), change.1.clone());
        }
    }
    if op.act == Act::Delete {
        body.insert(DELETED.to_owned(), true.into());
    }
    body
}

/// Why a body that its kind accepts cannot be kept all the same: it points at nothing, or would not fit a line of an answer.
fn unfit(
    view: &dyn View,
    rules: &dyn KindRules,
    body: &Body,
    lost: Option<&[Clash]>,
) -> Result<Option<Outcome>> {
    let references = match rules.references(body) {
        Ok(references) => references,
        Err(refusal) => return Ok(Some(rejected(refusal))),
    };
    for key in &references {
        if !view.has_record(key)? {
            return Ok(Some(rejected(Refusal::new(Code::UnknownReference))));
        }
    }
    let fits = fits(body) && lost.is_none_or(fits);
    Ok((!fits).then(|| rejected(Refusal::new(Code::TooLong))))
}

/// An outcome that would not fit a line cannot be given to the device: the operation is refused by name instead.
fn deliverable(outcome: Outcome) -> Outcome {
    if fits(&outcome) {
        outcome
    } else {
        rejected(Refusal::new(Code::TooLong))
    }
}

fn fits<T: serde::Serialize + ?Sized>(value: &T) -> bool {
    serde_json::to_vec(value).is_ok_and(|bytes| bytes.len() <= MAX_LINE - FRAME)
}

fn rejected(refusal: Refusal) -> Outcome {
    Outcome::Rejected { refusal }
}

fn not(code: Code) -> Judged {
    Judged::Not(rejected(Refusal::new(code)))
}
