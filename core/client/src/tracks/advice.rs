//! How often to ask for the position: rarely far from customers, never where nobody is to be visited.

use serde::Serialize;
use waymark_domain::fix::Fix;
use waymark_domain::geo::accuracy::sigma_m;
use waymark_domain::geo::advice::{Advice, Situation, advise};
use waymark_domain::geo::fence::{Side, Thresholds};
use waymark_domain::ids::CustomerId;
use waymark_domain::track::{GapReason, HOLE_MS};

use super::Tracks;
use super::watched::Watched;
use crate::error::{ErrorCode, WaymarkError};
use crate::shift::Stands;

/// [`HOLE_MS`] in seconds.
#[expect(clippy::cast_precision_loss, reason = "two minutes")]
const HOLE_S: f64 = HOLE_MS as f64 / 1_000.0;

/// What the shell knows when it asks.
#[derive(Debug, Clone)]
pub struct AdviceRequest {
    /// The last fix, with its speed where the receiver measured it.
    pub fix: Fix,
    /// Charge of the battery, 0 to 1.
    pub battery: Option<f64>,
    /// Connected to a charger.
    pub charging: bool,
}

/// What to ask of the platform, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdviceView {
    /// The customer whose fence is nearest; absent when there is none to watch for.
    pub next: Option<NextCustomer>,
    /// Inside that fence already.
    pub inside: bool,
    /// What to ask for; absent: nothing, nobody is to be visited.
    pub advice: Option<Advice>,
    /// What the shell notes with [`Tracks::gap`] before it waits, where the wait is longer than two fixes of a track may be apart: so that
    /// the track says why nothing is known of that time.
    pub gap: Option<GapReason>,
}

/// The customer whose fence is nearest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NextCustomer {
    /// The customer.
    pub customer: CustomerId,
    /// Its name.
    pub name: String,
    /// Metres to its fence, 0 inside.
    pub distance_m: f64,
    /// A visit of today is still to be made there; else it is one of the user's own.
    pub planned: bool,
}

impl Tracks {
    /// What the shell should ask of the platform now: by the distance to the customers of today's visits that are still to be made, and when
    /// there is none, to the user's own customers. Asks nothing of the network and writes nothing.
    ///
    /// # Errors
    /// As [`Tracks::record`]: where no position may be recorded, none is to be asked for.
    pub fn advice(&self, request: &AdviceRequest) -> Result<AdviceView, WaymarkError> {
        if !self.0.track_policy()?.allowed {
            return Err(WaymarkError::new(ErrorCode::TracksOff, ""));
        }
        let stands = self.0.shift().status()?.map(|shift| shift.stands);
        match stands {
            Some(Stands::Open) => {}
            Some(Stands::Unconfirmed) => {
                return Err(WaymarkError::new(ErrorCode::ShiftUnconfirmed, ""));
            }
            Some(_) => return Err(WaymarkError::new(ErrorCode::ShiftOver, "")),
            None => return Err(WaymarkError::new(ErrorCode::NoShift, "")),
        }
        request.fix.check()?;
        let (me, day) = (self.0.user()?, self.0.today_date()?);
        let planned = self.0.to_be_visited(me, day)?;
        let (near, is_planned) = match self.nearest(&planned, &request.fix)? {
            Some(near) => (Some(near), true),
            None => (
                self.nearest(&self.0.watched(me, day)?, &request.fix)?,
                false,
            ),
        };
        let inside = near.as_ref().is_some_and(|near| near.inside);
        let situation = Situation {
            distance_to_next_m: near.as_ref().map(|near| near.distance_m),
            speed_mps: request.fix.speed_mps,
            inside,
            battery: request.battery,
            charging: request.charging,
        };
        let advice = advise(&situation);
        let rare = advice.is_none_or(|advice| advice.interval_s > HOLE_S);
        Ok(AdviceView {
            next: near.map(|near| NextCustomer {
                customer: near.customer,
                name: near.name,
                distance_m: near.distance_m,
                planned: is_planned,
            }),
            inside,
            advice,
            gap: rare.then_some(GapReason::Sparing),
        })
    }

    fn nearest(&self, watched: &[Watched], fix: &Fix) -> Result<Option<Near>, WaymarkError> {
        let at = fix.position.to_wgs84(self.0.regions()?);
        let sigma = sigma_m(fix.accuracy_m, fix.source);
        let fences = watched
            .iter()
            .flat_map(|watched| watched.fences.iter().map(move |fence| (watched, fence)));
        let distances = fences.map(|(watched, fence)| (fence.area.distance_m(at), watched, fence));
        let nearest = distances.min_by(|a, b| a.0.total_cmp(&b.0));
        Ok(nearest.map(|(distance_m, watched, fence)| Near {
            customer: watched.customer,
            name: watched.name.clone(),
            distance_m,
            inside: fence.area.judge(at, sigma, Thresholds::default()) == Side::Inside,
        }))
    }
}

struct Near {
    customer: CustomerId,
    name: String,
    distance_m: f64,
    inside: bool,
}
