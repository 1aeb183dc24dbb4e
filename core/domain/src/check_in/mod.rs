//! Check-ins: the rep was here, then. A fact: written once, never changed.

use serde::{Deserialize, Serialize};

use crate::fix::{AccuracySource, MAX_ACCURACY_M};
use crate::geo::Position;
use crate::ids::{CustomerId, UserId, VisitId};
use crate::record::{Actor, Body, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// A position taken at a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckIn {
    /// The visit it belongs to.
    pub visit: VisitId,
    /// The customer of that visit.
    pub customer: CustomerId,
    /// Who was there.
    pub rep: UserId,
    /// Where, as the device reported it and in the datum it reported.
    pub position: Position,
    /// The radius in metres that the device stated with it. What share of fixes lies within differs by platform, hence `source`.
    pub accuracy_m: f64,
    /// Who stated the accuracy.
    pub source: AccuracySource,
    /// When.
    pub at: TimeInterval,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl SyncRecord for CheckIn {
    const KIND: Kind = Kind::new("check_in");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        if self.accuracy_m > 0.0 && self.accuracy_m <= MAX_ACCURACY_M {
            Ok(())
        } else {
            Err(Refusal::of_field(Code::Malformed, "accuracy_m"))
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![
            RecordKey::of::<crate::visit::Visit>(self.visit),
            RecordKey::of::<crate::customer::Customer>(self.customer),
        ]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
