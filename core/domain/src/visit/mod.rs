//! Visits, from the plan to their end.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{CustomerId, UserId, VisitId};
use crate::op::{Draft, Operation};
use crate::record::{Actor, Body, Commanded, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal, check_text};
use crate::scope::Scope;
use crate::time::{BootClock, Stamp, Stay, TimeInterval};

/// Longest reason for a skipped visit, characters.
pub const MAX_REASON: usize = 500;

/// A rep goes to a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Whom the rep visits.
    pub customer: CustomerId,
    /// Who goes.
    pub rep: UserId,
    /// The local calendar day it is planned for.
    pub day: NaiveDate,
    /// How far it has come.
    pub state: State,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// How far a visit has come. Changes only by [`Step`]s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// Not begun.
    Planned,
    /// The rep is there.
    InProgress {
        /// When the rep began.
        started: TimeInterval,
        /// The boot-time clock at that moment; absent in what version 1 wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<BootClock>,
    },
    /// Over.
    Done {
        /// When the rep began.
        started: TimeInterval,
        /// When the rep left.
        finished: TimeInterval,
        /// How long the rep was there; absent in what version 1 wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stay: Option<Stay>,
    },
    /// Given up, for a stated reason.
    Skipped {
        /// When the rep began, if so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started: Option<TimeInterval>,
        /// When it was given up.
        at: TimeInterval,
        /// Why.
        reason: String,
        /// How long the rep was there, when it had begun.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stay: Option<Stay>,
    },
    /// A state of a later version; shown by its name, stepped by no one here.
    #[serde(untagged)]
    Unknown(Value),
}

impl State {
    /// The state's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Planned => "planned",
            Self::InProgress { .. } => "in_progress",
            Self::Done { .. } => "done",
            Self::Skipped { .. } => "skipped",
            Self::Unknown(value) => value.get("is").and_then(Value::as_str).unwrap_or("unknown"),
        }
    }

    /// How long the rep was there, once it is over. Of a visit that version 1 wrote what its times prove.
    #[must_use]
    pub fn stay(&self) -> Option<Stay> {
        match self {
            Self::Done {
                started,
                finished,
                stay,
            } => Some(stay.unwrap_or_else(|| Stay::of_times(started, finished))),
            Self::Skipped {
                started: Some(started),
                at,
                stay,
                ..
            } => Some(stay.unwrap_or_else(|| Stay::of_times(started, at))),
            _ => None,
        }
    }
}

/// A step of the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The rep begins.
    Start,
    /// The rep leaves.
    Finish,
    /// The rep gives the visit up.
    Skip {
        /// Why; never empty.
        reason: String,
    },
}

impl Step {
    /// The step as an operation on `visit`.
    ///
    /// # Errors
    /// [`Code::Required`] or [`Code::TooLong`] for the reason.
    pub fn draft(self, visit: VisitId) -> Result<Draft, Refusal> {
        let mut args = Body::new();
        let name = match self {
            Self::Start => "start",
            Self::Finish => "finish",
            Self::Skip { reason } => {
                check_text("reason", &reason, MAX_REASON)?;
                args.insert("reason".to_owned(), Value::String(reason));
                "skip"
            }
        };
        Ok(Draft::command::<Visit>(visit, name, args))
    }

    fn read(op: &Operation) -> Result<Self, Refusal> {
        let command = op.cmd.as_ref().ok_or(Refusal::new(Code::Malformed))?;
        match command.name.as_str() {
            "start" => Ok(Self::Start),
            "finish" => Ok(Self::Finish),
            "skip" => {
                let reason = command
                    .args
                    .get("reason")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                check_text("reason", reason, MAX_REASON)?;
                Ok(Self::Skip {
                    reason: reason.to_owned(),
                })
            }
            _ => Err(Refusal::new(Code::Unsupported)),
        }
    }
}

/// The state after `step` was taken at the time `t` of its operation.
///
/// The same step twice, as from two phones of one rep, counts once, the first time it arrives. A step that others have overtaken (a visit
/// finished here and skipped there) is a clash for a person. A step that no order of events explains is refused.
///
/// # Errors
/// [`Code::WrongState`], [`Code::Unsupported`].
pub fn step(state: &State, step: Step, t: &Stamp) -> Result<Commanded<State>, Refusal> {
    use Commanded::{Already, Clash, Done};
    let at = t.when;
    let stay = |started: &TimeInterval, clock: &Option<BootClock>| {
        Stay::between((started, *clock), (&at, BootClock::from(t)))
    };
    Ok(match (state, step) {
        (State::Planned, Step::Start) => Done(State::InProgress {
            started: at,
            clock: Some(BootClock::from(t)),
        }),
        (State::Planned, Step::Skip { reason }) => Done(State::Skipped {
            started: None,
            at,
            reason,
            stay: None,
        }),
        (State::Planned, Step::Finish) => return Err(Refusal::of_field(Code::WrongState, "state")),
        (State::InProgress { started, clock }, Step::Finish) => Done(State::Done {
            started: *started,
            finished: at,
            stay: Some(stay(started, clock)),
        }),
        (State::InProgress { started, clock }, Step::Skip { reason }) => Done(State::Skipped {
            started: Some(*started),
            at,
            reason,
            stay: Some(stay(started, clock)),
        }),
        (State::InProgress { .. }, Step::Start)
        | (State::Done { .. }, Step::Finish)
        | (State::Skipped { .. }, Step::Skip { .. }) => Already,
        (State::Done { .. }, Step::Start | Step::Skip { .. })
        | (State::Skipped { .. }, Step::Start | Step::Finish) => Clash("state"),
        (State::Unknown(_), _) => return Err(Refusal::new(Code::Unsupported)),
    })
}

impl SyncRecord for Visit {
    const KIND: Kind = Kind::new("visit");
    const SHAPE: Shape = Shape::Living;

    fn check(&self) -> Result<(), Refusal> {
        match &self.state {
            State::Skipped { reason, .. } => check_text("reason", reason, MAX_REASON),
            _ => Ok(()),
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![RecordKey::of::<crate::customer::Customer>(self.customer)]
    }

    /// A rep's visits are the rep's and the rep's managers'. Whom a visit is for, and whose it is, never changes.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        let own = next.rep == actor.user || (actor.leads() && actor.sees(&next.scopes()));
        own && match stored {
            Some(stored) => stored.rep == next.rep && stored.customer == next.customer,
            None => next.state == State::Planned,
        }
    }

    fn on_conflict(field: &str) -> OnConflict {
        match field {
            "day" => OnConflict::NewestArrival,
            "state" => OnConflict::CommandOnly,
            _ => OnConflict::Review,
        }
    }

    fn command(&self, op: &Operation) -> Result<Commanded<Self>, Refusal> {
        Ok(match step(&self.state, Step::read(op)?, &op.t)? {
            Commanded::Done(state) => Commanded::Done(Self {
                state,
                ..self.clone()
            }),
            Commanded::Already => Commanded::Already,
            Commanded::Clash(field) => Commanded::Clash(field),
        })
    }
}
