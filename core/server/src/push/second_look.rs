//! A second look at what was just applied: the device's signature on it, and the rules computed again. What is found raises alarms; the work
//! stands whatever is found.

use std::cell::RefCell;

use waymark_domain::op::Operation;
use waymark_domain::record::{Body, RecordKey, rules};
use waymark_protocol::jws;

use super::Push;
use crate::commit::Step;
use crate::error::{Error, Result};
use crate::storage::{Tx, View};

impl Push {
    /// Looks at the record after `op`, before its place in the order is written.
    pub(super) fn look_again(&self, tx: &mut dyn Tx, op: &Operation, step: &Step) -> Result<()> {
        let Some(rules) = rules(&step.key().kind) else {
            return Ok(());
        };
        let malformed = |_| Error::corrupt("a record that was just checked");
        // what a device cannot send itself any more comes by way of another one of its user, and raises the alarm: somebody should know
        if let Some((typ, statement)) = rules.statement(step.body()).map_err(malformed)?
            && jws::open(&statement, &self.caller.device.key.ready(), typ).is_err()
        {
            self.alarm(tx, "bad_statement", op.op, "")?;
        }
        let failed = RefCell::new(None);
        let view: &dyn View = tx;
        let find = |key: &RecordKey| match states(view, key) {
            Ok(states) => states,
            Err(error) => {
                failed.borrow_mut().get_or_insert(error);
                Vec::new()
            }
        };
        let findings = rules.second_look(step.body(), &find).map_err(malformed)?;
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        for finding in findings {
            self.alarm(tx, finding.code, op.op, &finding.detail)?;
        }
        Ok(())
    }
}

/// Every state of a record, the newest first.
fn states(view: &dyn View, key: &RecordKey) -> Result<Vec<Body>> {
    let mut states = view.history(key)?;
    states.sort_by_key(|state| std::cmp::Reverse(state.rev));
    Ok(states.into_iter().map(|state| state.body).collect())
}
