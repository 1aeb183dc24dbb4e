//! Calls for help. A fact: when somebody pressed, and what position was sent.
//!
//! The position is one that was recorded anyway, in the open session or at a check-in, or one that came with the press: that is the rep's own act.

pub mod sms;

use serde::{Deserialize, Serialize};

use crate::fix::MAX_ACCURACY_M;
use crate::geo::Position;
use crate::ids::UserId;
use crate::record::{Actor, Body, Kind, OnConflict, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// A call for help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sos {
    /// Who calls.
    pub rep: UserId,
    /// When.
    pub at: TimeInterval,
    /// Where the rep was last, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastSeen>,
    /// Charge of the battery, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<u8>,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// Where somebody was last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Where, in the datum in which it was reported.
    pub position: Position,
    /// The stated radius, metres.
    pub accuracy_m: f64,
    /// When.
    pub at: TimeInterval,
    /// Where it is from.
    pub from: Origin,
}

/// Where a position in a call is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It came with the press.
    Press,
    /// The open work session.
    Session,
    /// A check-in.
    CheckIn,
    /// One of a later version.
    #[serde(other)]
    Other,
}

impl SyncRecord for Sos {
    const KIND: Kind = Kind::new("sos");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str| Err(Refusal::of_field(Code::Malformed, field));
        if self.battery.is_some_and(|percent| percent > 100) {
            return wrong("battery");
        }
        let fits = |last: LastSeen| last.accuracy_m > 0.0 && last.accuracy_m <= MAX_ACCURACY_M;
        if !self.last.is_none_or(fits) {
            return wrong("last");
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
