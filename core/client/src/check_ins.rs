//! Check-ins: a position taken at a customer. The only place where a position enters.

use serde::Serialize;
use waymark_domain::check_in::CheckIn;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CheckInId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::record::Body;
use waymark_domain::time::TimeInterval;
use waymark_domain::visit::{State, Step};
use waymark_store::{Row, Unit};

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// The check-ins.
pub struct CheckIns(pub(crate) Waymark);

/// A position to check in with.
#[derive(Debug, Clone)]
pub struct CheckInRequest {
    /// The visit; the one in progress when absent.
    pub visit: Option<VisitId>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// The datum of both.
    pub datum: Datum,
    /// The radius that the device states, metres.
    pub accuracy_m: f64,
    /// Who states it.
    pub source: AccuracySource,
}

/// A check-in, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckInView {
    /// The check-in.
    pub id: CheckInId,
    /// Where.
    pub position: Position,
    /// The stated radius, metres.
    pub accuracy_m: f64,
    /// When.
    pub at: TimeInterval,
    /// Metres from the customer's position; absent when the customer has none, or one in another datum.
    pub distance_m: Option<f64>,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
}

impl CheckIns {
    /// Checks in. A visit that is only planned begins with it, in one step that succeeds or fails as a whole.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when no visit is in progress and none is named, [`ErrorCode::InvalidInput`] for what is no position,
    /// [`ErrorCode::WrongState`] when the visit is over.
    pub fn check_in(&self, request: &CheckInRequest) -> Result<CheckInView, WaymarkError> {
        let visits = self.0.visits();
        let visit = match request.visit {
            Some(visit) => visit,
            None => {
                let current = visits.in_progress()?;
                current
                    .ok_or(WaymarkError::new(ErrorCode::NotFound, "visit in progress"))?
                    .id
            }
        };
        let found = visits.found(visit)?.record;
        let position = Position::new(request.datum, request.lat, request.lon)
            .map_err(|_| WaymarkError::new(ErrorCode::InvalidInput, "position"))?;
        let id = CheckInId::from_uuid(self.0.new_id());
        let check_in = CheckIn {
            visit,
            customer: found.customer,
            rep: self.0.user()?,
            position,
            accuracy_m: request.accuracy_m,
            source: request.source,
            at: self.0.now()?,
            extra: Body::new(),
        };
        let draft = Draft::new(id, &check_in)?;
        let unit = match found.state {
            State::Planned => Unit::Group(vec![Step::Start.draft(visit)?, draft]),
            State::InProgress { .. } => Unit::One(draft),
            State::Done { .. } | State::Skipped { .. } | State::Unknown(_) => {
                return Err(WaymarkError::new(ErrorCode::WrongState, "state"));
            }
        };
        self.0.commit(vec![unit])?;
        let place = self
            .0
            .read(|reader| reader.customer(found.customer))?
            .and_then(|customer| customer.record.position);
        Ok(CheckInView {
            id,
            position,
            accuracy_m: check_in.accuracy_m,
            at: check_in.at,
            distance_m: place.and_then(|place| place.distance_m(position)),
            pending: true,
        })
    }
}

impl CheckInView {
    pub(crate) fn new(row: Row<CheckIn>, place: Option<Position>) -> Self {
        Self {
            id: row.id.into(),
            position: row.record.position,
            accuracy_m: row.record.accuracy_m,
            at: row.record.at,
            distance_m: place.and_then(|place| place.distance_m(row.record.position)),
            pending: row.pending > 0,
        }
    }
}

impl Waymark {
    /// The check-ins.
    #[must_use]
    pub fn check_ins(&self) -> CheckIns {
        CheckIns(self.clone())
    }
}
