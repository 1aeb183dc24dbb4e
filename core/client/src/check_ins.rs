//! Check-ins: a position taken at a customer, judged on the spot, signed with its evidence.

use serde::Serialize;
use waymark_domain::check_in::evidence::{Device, Evidence, Offer, Site, Station};
use waymark_domain::check_in::verdict::Verdict;
use waymark_domain::check_in::{CheckIn, Moment, STATEMENT_TYPE, Statement, assess};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CheckInId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::record::Body;
use waymark_domain::time::{BootClock, Candidate, Hlc, Stamp, Stay, TimeInterval};
use waymark_domain::visit::{State, Step};
use waymark_protocol::jws;
use waymark_store::{Row, Unit};

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// The check-ins.
pub struct CheckIns(pub(crate) Waymark);

/// What to check in with.
#[derive(Debug, Clone)]
pub struct CheckInRequest {
    /// The visit; the one in progress when absent.
    pub visit: Option<VisitId>,
    /// Whether the rep comes or goes. Going ends the visit.
    pub moment: Moment,
    /// Every fix of the acquisition. All are kept, the finest of the young ones decides.
    pub fixes: Vec<Fix>,
    /// What the shell knows of the device.
    pub device: Device,
    /// The Wi-Fi stations of the last scan.
    pub stations: Vec<Station>,
    /// What the rep offers should the position not decide.
    pub offer: Offer,
}

impl CheckInRequest {
    /// Arriving, with one fix and nothing else.
    #[must_use]
    pub fn arriving(visit: Option<VisitId>, fix: Fix) -> Self {
        Self {
            visit,
            moment: Moment::Arrival,
            fixes: vec![fix],
            device: Device::default(),
            stations: Vec::new(),
            offer: Offer::default(),
        }
    }
}

/// A check-in, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckInView {
    /// The check-in.
    pub id: CheckInId,
    /// Whether the rep came or went.
    pub moment: Moment,
    /// Where: the fix that decided. Absent where another's check-in is shown without a purpose for looking at the position.
    pub position: Option<Position>,
    /// Its stated radius, metres.
    pub accuracy_m: f64,
    /// When.
    pub at: TimeInterval,
    /// What it amounts to; absent in check-ins of the first version. Its words: [`crate::verdict`].
    pub verdict: Option<Verdict>,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
}

impl CheckIns {
    /// Checks in, or out. A visit that is only planned begins with it, one that is in progress ends with a departure, in one step that
    /// succeeds or fails as a whole. Whatever the verdict: the check-in is saved.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when no visit is in progress and none is named, [`ErrorCode::InvalidInput`] for what is no fix,
    /// [`ErrorCode::WrongState`] when the visit is over or, for a departure, has not begun, [`ErrorCode::KeyUnavailable`] when the
    /// device's key cannot sign.
    pub fn check_in(&self, request: &CheckInRequest) -> Result<CheckInView, WaymarkError> {
        let (visit, state, check_in) = self.judged(request)?;
        let id = CheckInId::from_uuid(self.0.new_id());
        let draft = Draft::new(id, &check_in)?;
        let unit = match (&state, request.moment) {
            (State::Planned, Moment::Arrival) => {
                Unit::Group(vec![Step::Start.draft(visit)?, draft])
            }
            (State::InProgress { .. }, Moment::Arrival) => Unit::One(draft),
            (State::InProgress { .. }, Moment::Departure) => {
                Unit::Group(vec![draft, Step::Finish.draft(visit)?])
            }
            (State::Planned, Moment::Departure)
            | (State::Done { .. } | State::Skipped { .. } | State::Unknown(_), _) => {
                return Err(WaymarkError::new(ErrorCode::WrongState, "state"));
            }
        };
        self.0.commit(vec![unit])?;
        Ok(CheckInView {
            id,
            moment: check_in.moment,
            position: Some(check_in.position),
            accuracy_m: check_in.accuracy_m,
            at: check_in.at,
            verdict: check_in.verdict,
            pending: true,
        })
    }

    /// What [`Self::check_in`] would say. Nothing is saved and nothing signed.
    ///
    /// # Errors
    /// As there, but for the visit's state and the key.
    pub fn preview(&self, request: &CheckInRequest) -> Result<Verdict, WaymarkError> {
        Ok(self.evidence(request)?.verdict)
    }

    fn judged(&self, request: &CheckInRequest) -> Result<(VisitId, State, CheckIn), WaymarkError> {
        let Judged {
            visit,
            found,
            evidence,
            verdict,
        } = self.evidence(request)?;
        let decided = evidence.fixes.get(verdict.fix);
        let decided = decided
            .cloned()
            .ok_or(WaymarkError::new(ErrorCode::Internal, "fix"))?;
        let at = evidence.t.when;
        let rep = self.0.user()?;
        let statement = Statement {
            visit,
            customer: found.customer,
            rep,
            moment: request.moment,
            evidence,
        };
        let payload = serde_json::to_vec(&statement)
            .map_err(|error| WaymarkError::new(ErrorCode::Internal, error.to_string()))?;
        let statement = jws::sign(&*self.0.0.parts.signer, STATEMENT_TYPE, &payload)
            .map_err(|error| WaymarkError::new(ErrorCode::KeyUnavailable, error.to_string()))?;
        let check_in = CheckIn {
            visit,
            customer: found.customer,
            rep,
            moment: request.moment,
            position: decided.position,
            accuracy_m: decided.accuracy_m,
            source: decided.source,
            at,
            verdict: Some(verdict),
            statement: Some(statement),
            extra: Body::new(),
        };
        Ok((visit, found.state, check_in))
    }

    fn evidence(&self, request: &CheckInRequest) -> Result<Judged, WaymarkError> {
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
        let rules = self.0.policies().check_in()?;
        let user = self.0.user()?;
        let (customer, latest) = self.0.read(|reader| {
            let customer = reader.customer(found.customer)?;
            Ok((customer, reader.latest_check_in(user)?))
        })?;
        let site = match &customer {
            Some(customer) => Site::of(&customer.record, &rules.rules),
            None => Site {
                fences: Vec::new(),
                stations: Default::default(),
            },
        };
        let reading = self.0.0.parts.clock.read();
        self.0
            .0
            .store
            .offer_times(&times(&request.fixes), reading)?;
        let anchors = self.0.0.store.anchors()?;
        let t = Stamp::take(reading, &anchors, Hlc::default());
        let device = Device {
            wall_jump_ms: request.device.wall_jump_ms.or(anchors.wall_jumped(reading)),
            clocks_disagree: Some(anchors.disagree(reading)),
            ..request.device.clone()
        };
        let stayed_ms = match (&found.state, request.moment) {
            (State::InProgress { started, clock }, Moment::Departure) => {
                let stay = Stay::between((started, *clock), (&t.when, BootClock::from(&t)));
                Some((stay.least_ms, stay.most_ms))
            }
            _ => None,
        };
        let evidence = Evidence {
            fixes: request.fixes.clone(),
            site,
            before: latest.and_then(|latest| last_fix(&latest.record, &t)),
            t,
            policy: rules.policy,
            device,
            stations: request.stations.clone(),
            offer: request.offer.clone(),
            stayed_ms,
        };
        let verdict = assess(&evidence, &rules.rules)?;
        Ok(Judged {
            visit,
            found,
            evidence,
            verdict,
        })
    }
}

/// What the fixes say of the time.
fn times(fixes: &[Fix]) -> Vec<Candidate> {
    let timed = fixes.iter().filter(|fix| fix.gnss_ms.is_some());
    timed.cloned().map(Candidate::Fix).collect()
}

/// A check-in before it is signed.
struct Judged {
    visit: VisitId,
    found: waymark_domain::visit::Visit,
    evidence: Evidence,
    verdict: Verdict,
}

/// The fix that decided an earlier check-in, when it was taken in the same boot: the clocks of two boots cannot be compared.
fn last_fix(check_in: &CheckIn, t: &Stamp) -> Option<Box<Fix>> {
    let statement = Statement::read(check_in.statement.as_deref()?).ok()?;
    let verdict = check_in.verdict.as_ref()?;
    let fix = statement.evidence.fixes.get(verdict.fix)?;
    let comparable = statement.evidence.t.boot == t.boot && fix.mono_ms <= t.mono;
    comparable.then(|| Box::new(fix.clone()))
}

impl CheckInView {
    /// With its position, or without.
    pub(crate) fn new(row: Row<CheckIn>, placed: bool) -> Self {
        Self {
            id: row.id.into(),
            moment: row.record.moment,
            position: placed.then_some(row.record.position),
            accuracy_m: row.record.accuracy_m,
            at: row.record.at,
            verdict: row.record.verdict,
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

    /// A fix that was true `age_ms` milliseconds ago, of which nothing but place and accuracy is known. Shells that know the boot-time clock
    /// of a fix make it themselves.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for what is no position.
    pub fn fix(
        &self,
        (lat, lon): (f64, f64),
        datum: Datum,
        accuracy_m: f64,
        source: AccuracySource,
        age_ms: i64,
    ) -> Result<Fix, WaymarkError> {
        let position = Position::new(datum, lat, lon)
            .map_err(|_| WaymarkError::new(ErrorCode::InvalidInput, "position"))?;
        let now = self.0.parts.clock.read().mono_ms;
        Ok(Fix::new(
            position,
            accuracy_m,
            source,
            now.saturating_sub(age_ms.max(0)),
        ))
    }
}
