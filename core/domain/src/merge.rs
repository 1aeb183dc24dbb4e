//! Settling: one operation meets what a record is now. The server settles for good; a device folds its pending operations the same way, so
//! what the rep sees is what the server will say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::op::{Act, Change, Operation, texts};
use crate::record::{Body, Commanded, KindRules, OnConflict, Shape, rules};
use crate::refusal::{Code, Refusal};

/// The field that marks a deleted record.
pub const DELETED: &str = "deleted";

/// A record as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Rises by one with every operation applied.
    pub rev: u64,
    /// The fields.
    pub body: Body,
}

/// Two values for one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    /// The field.
    pub field: String,
    /// What the author saw.
    pub base: Value,
    /// What the author gave.
    pub mine: Value,
    /// What it is by now.
    pub theirs: Value,
}

/// What becomes of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// The record after it.
    Applied(Body),
    /// The record after it, where the operation met other changes. Names what lost, on whichever side.
    Merged(Body, Vec<Clash>),
    /// Nothing changed: a person decides.
    Review(Vec<Clash>),
    /// It cannot be.
    Refused(Refusal),
}

/// Settles `op` on `stored`. Says nothing about whether its author may do it: that is [`KindRules::may_write`].
#[must_use]
pub fn settle(rules: &dyn KindRules, stored: Option<&Stored>, op: &Operation) -> Settled {
    let settled = match (op.act, stored) {
        (Act::Create | Act::Append, Some(_)) => Err(Refusal::new(Code::AlreadyExists)),
        (Act::Patch | Act::Delete | Act::Cmd, None) => Err(Refusal::new(Code::NotFound)),
        (Act::Create, None) if rules.shape() == Shape::Fact => Err(Refusal::new(Code::Malformed)),
        (Act::Append, None) if rules.shape() == Shape::Living => Err(Refusal::new(Code::Malformed)),
        (Act::Create | Act::Append, None) => Ok(Settled::Applied(initial(op))),
        (_, Some(_)) if rules.shape() == Shape::Fact => Err(Refusal::new(Code::AppendOnly)),
        (Act::Patch, Some(stored)) => patch(rules, &stored.body, op),
        (Act::Delete, Some(stored)) => Ok(delete(stored, op)),
        (Act::Cmd, Some(stored)) => command(rules, &stored.body, op),
    };
    let checked = settled.and_then(|settled| {
        if let Settled::Applied(body) | Settled::Merged(body, _) = &settled {
            rules.check(body)?;
            if matches!(op.act, Act::Create | Act::Append) {
                check_attachments(rules, body, op)?;
            }
        }
        Ok(settled)
    });
    checked.unwrap_or_else(Settled::Refused)
}

/// Refuses a record whose operation does not declare the files that it is about: their hashes are part of what the device signs.
fn check_attachments(rules: &dyn KindRules, body: &Body, op: &Operation) -> Result<(), Refusal> {
    let attachments = rules.attachments(body)?;
    if attachments.iter().all(|blob| op.blobs.contains(blob)) {
        Ok(())
    } else {
        Err(Refusal::of_field(Code::Malformed, "blobs"))
    }
}

fn initial(op: &Operation) -> Body {
    let fields = op.set.iter().filter(|(_, change)| !change.1.is_null());
    fields
        .map(|(field, change)| (field.clone(), change.1.clone()))
        .collect()
}

fn patch(rules: &dyn KindRules, stored: &Body, op: &Operation) -> Result<Settled, Refusal> {
    let mut body = stored.clone();
    let mut lost = Vec::new();
    let mut undecided = Vec::new();
    if is_deleted(stored) {
        undecided.push(Clash {
            field: DELETED.to_owned(),
            base: Value::Null,
            mine: Value::Null,
            theirs: Value::Bool(true),
        });
    }
    for (field, Change(old, new)) in &op.set {
        let current = stored.get(field).cloned().unwrap_or_default();
        let clash = || Clash {
            field: field.clone(),
            base: old.clone(),
            mine: new.clone(),
            theirs: current.clone(),
        };
        match rules.on_conflict(field) {
            OnConflict::CommandOnly | OnConflict::Union => {
                return Err(Refusal::of_field(Code::CommandOnly, field));
            }
            _ if current == *new => {}
            _ if current == *old => put(&mut body, field, new.clone()),
            OnConflict::NewestArrival => {
                lost.push(clash());
                put(&mut body, field, new.clone());
            }
            OnConflict::Review => undecided.push(clash()),
        }
    }
    for field in op.add.keys().chain(op.rm.keys()) {
        if rules.on_conflict(field) != OnConflict::Union {
            return Err(Refusal::of_field(Code::Malformed, field));
        }
        let nothing = BTreeSet::new();
        let mut members = texts(body.get(field));
        members.retain(|member| !op.rm.get(field).unwrap_or(&nothing).contains(member));
        members.extend(op.add.get(field).unwrap_or(&nothing).iter().cloned());
        let members = if members.is_empty() {
            Value::Null
        } else {
            members.into_iter().map(Value::String).collect()
        };
        put(&mut body, field, members);
    }
    Ok(if !undecided.is_empty() {
        Settled::Review(undecided)
    } else if !lost.is_empty() {
        Settled::Merged(body, lost)
    } else {
        Settled::Applied(body)
    })
}

fn delete(stored: &Stored, op: &Operation) -> Settled {
    if is_deleted(&stored.body) {
        return Settled::Merged(stored.body.clone(), Vec::new());
    }
    if stored.rev > op.base.rev && op.base.after.is_none() {
        let theirs = Value::from(stored.rev);
        let clash = Clash {
            field: DELETED.to_owned(),
            base: op.base.rev.into(),
            mine: Value::Bool(true),
            theirs,
        };
        return Settled::Review(vec![clash]);
    }
    let mut body = stored.body.clone();
    put(&mut body, DELETED, Value::Bool(true));
    Settled::Applied(body)
}

fn command(rules: &dyn KindRules, stored: &Body, op: &Operation) -> Result<Settled, Refusal> {
    let command = op.cmd.as_ref().ok_or(Refusal::new(Code::Malformed))?;
    let clash = |field: &str| Clash {
        field: field.to_owned(),
        base: Value::Null,
        mine: Value::String(command.name.clone()),
        theirs: stored.get(field).cloned().unwrap_or_default(),
    };
    if is_deleted(stored) {
        return Ok(Settled::Review(vec![clash(DELETED)]));
    }
    Ok(match rules.command(stored, op)? {
        Commanded::Done(body) => Settled::Applied(body),
        Commanded::Already => Settled::Merged(stored.clone(), Vec::new()),
        Commanded::Clash(field) => Settled::Review(vec![clash(field)]),
    })
}

fn put(body: &mut Body, field: &str, value: Value) {
    if value.is_null() {
        body.remove(field);
    } else {
        body.insert(field.to_owned(), value);
    }
}

/// Whether the record is marked as deleted.
#[must_use]
pub fn is_deleted(body: &Body) -> bool {
    body.get(DELETED) == Some(&Value::Bool(true))
}

/// A record as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The fields.
    pub body: Body,
    /// How many operations lie over what the server said.
    pub overlaid: usize,
}

/// Lays `ops`, in local order, over what the server said. `None` when nothing can be shown: the record is not here and none of the
/// operations makes it.
///
/// An operation that the server would set aside or refuse still shows the author's own values: until the server has spoken, the rep sees
/// what the rep wrote.
#[must_use]
pub fn fold(rules: &dyn KindRules, base: Option<&Stored>, ops: &[Operation]) -> Option<Folded> {
    let mut current = base.cloned();
    for op in ops {
        let next = match settle(rules, current.as_ref(), op) {
            Settled::Applied(body) | Settled::Merged(body, _) => Some(body),
            Settled::Review(clashes) if op.act == Act::Patch => current.as_ref().map(|stored| {
                let mut body = stored.body.clone();
                for clash in clashes.iter().filter(|clash| clash.field != DELETED) {
                    put(&mut body, &clash.field, clash.mine.clone());
                }
                body
            }),
            Settled::Review(_) | Settled::Refused(_) => None,
        };
        if let Some(body) = next {
            // the server will count each of them, so a later delete in the chain is not mistaken for a concurrent one
            current = Some(Stored {
                rev: current.map_or(0, |stored| stored.rev) + 1,
                body,
            });
        }
    }
    current.map(|stored| Folded {
        body: stored.body,
        overlaid: ops.len(),
    })
}

/// [`fold`] for a kind by name; a kind that this version does not know shows as the server said it, with nothing laid over.
#[must_use]
pub fn fold_any(
    kind: &crate::record::Kind,
    base: Option<&Stored>,
    ops: &[Operation],
) -> Option<Folded> {
    match rules(kind) {
        Some(rules) => fold(rules, base, ops),
        None => base.map(|stored| Folded {
            body: stored.body.clone(),
            overlaid: 0,
        }),
    }
}

/// Whether `actor` may turn `stored` into `next`: the actor sees what is stored, and the kind allows the change.
///
/// Judged on the stored record, never on what the author claims about it.
///
/// # Errors
/// [`Code::Forbidden`]; [`Code::Malformed`] when a body does not read.
pub fn authorise(
    rules: &dyn KindRules,
    actor: &crate::record::Actor,
    stored: Option<&Stored>,
    next: &Body,
) -> Result<(), Refusal> {
    let stored = stored.map(|stored| &stored.body);
    let visible = match stored {
        Some(body) => actor.sees(&rules.scopes(body)?),
        None => true,
    };
    if visible && rules.may_write(actor, stored, next)? {
        Ok(())
    } else {
        Err(Refusal::new(Code::Forbidden))
    }
}
