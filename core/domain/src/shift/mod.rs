//! Work sessions: from when to when a rep's position may be recorded at all.
//!
//! A session is opened by its rep, on one device, and ends by the rep or by itself: when its limit is over it is closed for whoever asks,
//! whether anybody has written its end or not. [`Shift::admits`] is the gate that every point of a track passes.
//!
//! The gate asks the boot-time clock, which nobody can set. After a reboot that clock counts anew; then the gate asks the world's time, and
//! where that is not known either it stays shut until the rep says "I am still at work" ([`Step::Resume`]).

mod gate;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{BootId, DeviceId, ShiftId, UserId};
use crate::op::{Draft, Operation};
use crate::record::{Actor, Body, Commanded, Kind, OnConflict, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::time::{DRIFT_PPM, TimeInterval};

pub use gate::{Closed, OutsideShift};

/// Longest session when nobody says otherwise, minutes: twelve hours.
pub const DEFAULT_LIMIT_MIN: u16 = 720;

/// Longest session that can be asked for, minutes: sixteen hours. Nobody's working day is longer (Directive 2003/88/EC, article 3, leaves
/// eleven hours of rest in twenty-four; the rest is for those whom it does not bind).
pub const MAX_LIMIT_MIN: u16 = 960;

/// Most reboots that one session survives. A phone that reboots more often in a day is broken.
pub const MAX_RESUMED: usize = 20;

/// A rep's work session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Whose.
    pub rep: UserId,
    /// The device whose clock measures it and which alone may record in it.
    pub device: DeviceId,
    /// When it began.
    pub started: TimeInterval,
    /// Boot-time clock at the beginning, milliseconds.
    pub mono: i64,
    /// The boot of `mono`.
    pub boot: BootId,
    /// Longest duration, minutes.
    pub limit_min: u16,
    /// How it went on after reboots, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<Leg>,
    /// Open or over.
    pub state: State,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// A part of a session within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// When it began.
    pub at: TimeInterval,
    /// Boot-time clock at its beginning, milliseconds.
    pub mono: i64,
    /// The boot of `mono`.
    pub boot: BootId,
    /// How much of the session's limit was certainly used up before it, milliseconds.
    #[serde(default)]
    pub used_ms: i64,
}

/// Whether a session is open. An open one may be over all the same: see [`Shift::admits`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// Nobody has ended it yet.
    Open,
    /// It is over.
    Ended {
        /// When.
        at: TimeInterval,
        /// By what.
        by: EndedBy,
        /// Boot-time clock at the end, in the boot of the last leg, milliseconds; absent when it ended in another boot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mono: Option<i64>,
    },
    /// A state of a later version: nothing may be recorded in it.
    #[serde(untagged)]
    Unknown(Value),
}

/// What ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The rep.
    Rep,
    /// Its limit was over.
    Limit,
    /// The device rebooted and nobody said that the work went on: it ended with the last sign of life before.
    RebootUnknown,
    /// A cause of a later version.
    #[serde(other)]
    Unknown,
}

/// A step of the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The session ends.
    End(End),
    /// After a reboot: the work goes on.
    Resume {
        /// How much of the limit is certainly used up, milliseconds.
        used_ms: i64,
    },
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The rep says so.
    Rep,
    /// The limit is over.
    Limit,
    /// It was cut by a reboot. Boot-time clock of the last sign of life in the last leg, milliseconds.
    Reboot {
        /// See there.
        last_mono: i64,
    },
}

impl State {
    /// The state's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Open => "open",
            Self::Ended { .. } => "ended",
            Self::Unknown(value) => value.get("is").and_then(Value::as_str).unwrap_or("unknown"),
        }
    }
}

impl Step {
    /// The step as an operation on `shift`.
    #[must_use]
    pub fn draft(self, shift: ShiftId) -> Draft {
        let mut args = Body::new();
        let name = match self {
            Self::End(end) => {
                let by = match end {
                    End::Rep => "rep",
                    End::Limit => "limit",
                    End::Reboot { last_mono } => {
                        args.insert("last_mono".to_owned(), last_mono.into());
                        "reboot_unknown"
                    }
                };
                args.insert("by".to_owned(), by.into());
                "end"
            }
            Self::Resume { used_ms } => {
                args.insert("used_ms".to_owned(), used_ms.into());
                "resume"
            }
        };
        Draft::command::<Shift>(shift, name, args)
    }

    fn read(op: &Operation) -> Result<Self, Refusal> {
        let command = op.cmd.as_ref().ok_or(Refusal::new(Code::Malformed))?;
        let number = |field: &str| {
            let value = command.args.get(field).and_then(Value::as_i64);
            value.ok_or_else(|| Refusal::of_field(Code::Malformed, field))
        };
        match command.name.as_str() {
            "end" => Ok(Self::End(
                match command.args.get("by").and_then(Value::as_str) {
                    Some("rep") => End::Rep,
                    Some("limit") => End::Limit,
                    Some("reboot_unknown") => End::Reboot {
                        last_mono: number("last_mono")?,
                    },
                    _ => return Err(Refusal::of_field(Code::Unsupported, "by")),
                },
            )),
            "resume" => Ok(Self::Resume {
                used_ms: number("used_ms")?,
            }),
            _ => Err(Refusal::new(Code::Unsupported)),
        }
    }
}

impl Shift {
    /// The limit in milliseconds.
    #[must_use]
    pub fn limit_ms(&self) -> i64 {
        i64::from(self.limit_min) * 60_000
    }

    /// The part of the session that runs, or ran last.
    #[must_use]
    pub fn leg(&self) -> Leg {
        self.resumed.last().copied().unwrap_or(Leg {
            at: self.started,
            mono: self.mono,
            boot: self.boot,
            used_ms: 0,
        })
    }

    /// All parts, oldest first.
    pub fn legs(&self) -> impl Iterator<Item = Leg> + '_ {
        let first = Leg {
            at: self.started,
            mono: self.mono,
            boot: self.boot,
            used_ms: 0,
        };
        std::iter::once(first).chain(self.resumed.iter().copied())
    }

    /// When the limit is over, as far as that is known.
    #[must_use]
    pub fn limit_at(&self) -> TimeInterval {
        let whole = later(self.started, self.limit_ms());
        if self.resumed.is_empty() {
            return whole;
        }
        let leg = self.leg();
        let rest = later(leg.at, self.limit_ms().saturating_sub(leg.used_ms));
        match whole.earliest.zip(rest.earliest) {
            Some((whole_from, rest_from)) if whole_from <= rest_from => whole,
            _ => rest,
        }
    }

    fn step(&self, step: Step, op: &Operation) -> Result<Commanded<Self>, Refusal> {
        let wrong = || Refusal::of_field(Code::WrongState, "state");
        match (&self.state, step) {
            (State::Unknown(_), _) => Err(Refusal::new(Code::Unsupported)),
            (State::Ended { .. }, Step::End(_)) => Ok(Commanded::Already),
            (State::Ended { .. }, Step::Resume { .. }) => Err(wrong()),
            (State::Open, Step::End(end)) => {
                let state = self.ended(end, op).ok_or_else(wrong)?;
                Ok(Commanded::Done(Self {
                    state,
                    ..self.clone()
                }))
            }
            (State::Open, Step::Resume { used_ms }) => {
                let leg = self.leg();
                if op.t.boot == leg.boot {
                    return Ok(Commanded::Already);
                }
                if used_ms < leg.used_ms || used_ms >= self.limit_ms() {
                    return Err(Refusal::of_field(Code::WrongState, "used_ms"));
                }
                if self.resumed.len() >= MAX_RESUMED || self.certainly_over(op.t.when) {
                    return Err(wrong());
                }
                let mut next = self.clone();
                next.resumed.push(Leg {
                    at: op.t.when,
                    mono: op.t.mono,
                    boot: op.t.boot,
                    used_ms,
                });
                Ok(Commanded::Done(next))
            }
        }
    }

    /// `None` when it cannot have ended so: a limit that is not over, a sign of life outside the session.
    fn ended(&self, end: End, op: &Operation) -> Option<State> {
        let leg = self.leg();
        let rest = self.limit_ms().saturating_sub(leg.used_ms);
        let last = leg.mono.saturating_add(rest);
        let here = op.t.boot == leg.boot;
        Some(match end {
            End::Rep => State::Ended {
                at: op.t.when,
                by: EndedBy::Rep,
                mono: here.then(|| op.t.mono.clamp(leg.mono, last)),
            },
            End::Limit => {
                let over = if self.certainly_over(op.t.when) {
                    true
                } else if here {
                    op.t.mono >= last
                } else {
                    // in another boot only a time that is known to lie before it contradicts
                    let due = self.limit_at().earliest;
                    let known = op.t.when.latest.zip(due);
                    known.is_none_or(|(now, due)| now >= due)
                };
                if !over {
                    return None;
                }
                State::Ended {
                    at: self.limit_at(),
                    by: EndedBy::Limit,
                    mono: Some(last),
                }
            }
            End::Reboot { last_mono } => {
                if here || !(leg.mono..=last).contains(&last_mono) {
                    return None;
                }
                State::Ended {
                    at: later(leg.at, last_mono.saturating_sub(leg.mono)),
                    by: EndedBy::RebootUnknown,
                    mono: Some(last_mono),
                }
            }
        })
    }
}

/// `interval`, later by `ms` of a device's clock, and as much less certain as that clock may drift.
#[must_use]
pub fn later(interval: TimeInterval, ms: i64) -> TimeInterval {
    let drift = ms.saturating_abs() / 1_000_000 * DRIFT_PPM;
    let add = |end: i64, spread: i64| end.saturating_add(ms).saturating_add(spread);
    TimeInterval {
        earliest: interval.earliest.map(|end| add(end, -drift)),
        latest: interval.latest.map(|end| add(end, drift)),
        class: interval.class,
        wall: interval.wall.saturating_add(ms),
    }
}

impl SyncRecord for Shift {
    const KIND: Kind = Kind::new("shift");
    const SHAPE: Shape = Shape::Living;

    fn check(&self) -> Result<(), Refusal> {
        if !(1..=MAX_LIMIT_MIN).contains(&self.limit_min) {
            return Err(Refusal::of_field(Code::Malformed, "limit_min"));
        }
        if self.resumed.len() > MAX_RESUMED {
            return Err(Refusal::of_field(Code::TooLong, "resumed"));
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    /// A session is its rep's alone: nobody opens or ends another's. It begins open, and whose it is never changes.
    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        next.rep == actor.user
            && match stored {
                Some(stored) => stored.rep == next.rep,
                None => next.state == State::Open && next.resumed.is_empty(),
            }
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }

    fn command(&self, op: &Operation) -> Result<Commanded<Self>, Refusal> {
        self.step(Step::read(op)?, op)
    }
}
