//! Check-ins: the rep was here, then. A fact: written once, never changed.

use serde::{Deserialize, Serialize};

use crate::geo::Position;
use crate::ids::{CustomerId, UserId, VisitId};
use crate::record::{Actor, Body, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// Largest accuracy radius that is taken for a position at all, metres. Beyond it a phone knows its country.
pub const MAX_ACCURACY_M: f64 = 100_000.0;

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

/// What a stated accuracy means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracySource {
    /// Android `Location.getAccuracy()`: 68 % of fixes lie within.
    Android,
    /// Apple `horizontalAccuracy`: the root of the summed variances.
    Apple,
    /// W3C Geolocation: 95 % of fixes lie within.
    Web,
    /// Given by hand or by an unknown source.
    Stated,
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
