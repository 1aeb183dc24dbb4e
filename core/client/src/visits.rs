//! Visits: planned, begun, ended, given up.

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::ids::{CustomerId, UserId, VisitId};
use waymark_domain::location_access::What;
use waymark_domain::op::Draft;
use waymark_domain::record::{Body, SyncRecord as _};
use waymark_domain::time::Stay;
use waymark_domain::visit::{State, Step, Visit};
use waymark_store::Unit;

use crate::check_ins::CheckInView;
use crate::customers::id_part;
use crate::error::{ErrorCode, WaymarkError};
use crate::notes::NoteView;
use crate::photos::{PhotoOf, PhotoView};
use crate::waymark::Waymark;

/// The visits.
pub struct Visits(pub(crate) Waymark);

/// A visit to be planned.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// Whom to visit.
    pub customer: CustomerId,
    /// On which local calendar day; today when absent.
    pub day: Option<NaiveDate>,
    /// Who goes; the user when absent. Managers plan for their reps.
    pub rep: Option<UserId>,
}

/// A visit, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisitRow {
    /// The visit.
    pub id: VisitId,
    /// Whom.
    pub customer: CustomerId,
    /// The customer's name; empty when the customer is no longer here.
    pub customer_name: String,
    /// The customer's address.
    pub customer_address: Option<String>,
    /// Who goes.
    pub rep: UserId,
    /// The local calendar day.
    pub day: NaiveDate,
    /// How far it has come.
    pub state: State,
    /// How long the rep was there, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stay: Option<Stay>,
    /// Whether the server has not spoken about the latest steps yet.
    pub pending: bool,
}

/// A visit, as its screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisitView {
    /// As in a list.
    #[serde(flatten)]
    pub row: VisitRow,
    /// The positions taken.
    pub check_ins: Vec<CheckInView>,
    /// What was written.
    pub notes: Vec<NoteView>,
    /// What was photographed.
    pub photos: Vec<PhotoView>,
}

impl Visits {
    /// Plans a visit.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownReference`] for an unknown customer, [`ErrorCode::Forbidden`] for somebody else's visit.
    pub fn plan(&self, request: &PlanRequest) -> Result<VisitId, WaymarkError> {
        let (id, draft) = self.planned(request)?;
        self.0.commit(vec![Unit::One(draft)])?;
        Ok(id)
    }

    /// Begins a planned visit.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::WrongState`] when it is over.
    pub fn start(&self, id: VisitId) -> Result<(), WaymarkError> {
        self.step(id, Step::Start)
    }

    /// Begins a visit that nobody planned.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownReference`] for an unknown customer.
    pub fn start_unplanned(&self, customer: CustomerId) -> Result<VisitId, WaymarkError> {
        let (id, draft) = self.planned(&PlanRequest {
            customer,
            day: None,
            rep: None,
        })?;
        self.0
            .commit(vec![Unit::Group(vec![draft, Step::Start.draft(id)?])])?;
        Ok(id)
    }

    /// Ends a visit.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::WrongState`] when it has not begun.
    pub fn finish(&self, id: VisitId) -> Result<(), WaymarkError> {
        self.step(id, Step::Finish)
    }

    /// Gives a visit up.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Required`] without a reason; [`ErrorCode::WrongState`] when it is over.
    pub fn skip(&self, id: VisitId, reason: &str) -> Result<(), WaymarkError> {
        self.step(
            id,
            Step::Skip {
                reason: reason.trim().to_owned(),
            },
        )
    }

    /// Moves a visit to another day. Gives whether the day differed.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Forbidden`].
    pub fn move_to(&self, id: VisitId, day: NaiveDate) -> Result<bool, WaymarkError> {
        let before = self.found(id)?.record;
        let after = Visit {
            day,
            ..before.clone()
        };
        match Draft::patch(id, &before, &after)? {
            Some(draft) => self.0.commit(vec![Unit::One(draft)]).map(|_| true),
            None => Ok(false),
        }
    }

    /// The visits of a day in the order in which they were made: the user's own, or all that the user sees.
    ///
    /// # Errors
    /// What reading may say.
    pub fn of_day(&self, day: NaiveDate, own_only: bool) -> Result<Vec<VisitRow>, WaymarkError> {
        let rep = if own_only { Some(self.0.user()?) } else { None };
        Ok(self
            .0
            .read(|reader| reader.visits_of_day(day, rep))?
            .into_iter()
            .map(VisitRow::from)
            .collect())
    }

    /// A visit with its check-ins, notes and photos. The check-ins of another's visit come without their positions: see [`Self::view_for`].
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn view(&self, id: VisitId) -> Result<VisitView, WaymarkError> {
        let own = self.found(id)?.record.rep == self.0.user()?;
        self.shown(id, own)
    }

    /// A visit with its check-ins, their positions, the notes and the photos. That another's positions are looked at, and for what `purpose`, is written
    /// down first, and the other one gets to read that.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Required`] without a purpose for another's visit, [`ErrorCode::Forbidden`] for whom one does not
    /// lead.
    pub fn view_for(&self, id: VisitId, purpose: &str) -> Result<VisitView, WaymarkError> {
        let visit = self.found(id)?.record;
        self.0
            .note_access(visit.rep, What::CheckIn, visit.day, purpose)?;
        self.shown(id, true)
    }

    fn shown(&self, id: VisitId, placed: bool) -> Result<VisitView, WaymarkError> {
        let (visit, check_ins, notes) = self.0.read(|reader| {
            Ok((
                reader.visit(id)?,
                reader.check_ins_of_visit(id)?,
                reader.notes_of_visit(id)?,
            ))
        })?;
        let visit = visit.ok_or(WaymarkError::new(ErrorCode::NotFound, "visit"))?;
        Ok(VisitView {
            row: visit.into(),
            check_ins: check_ins
                .into_iter()
                .map(|row| CheckInView::new(row, placed))
                .collect(),
            notes: notes.into_iter().map(NoteView::from).collect(),
            photos: self.0.photos().list(PhotoOf::Visit(id))?,
        })
    }

    /// The user's visit that has begun and not ended; the latest when there are several.
    ///
    /// # Errors
    /// What reading may say.
    pub fn in_progress(&self) -> Result<Option<VisitRow>, WaymarkError> {
        let user = self.0.user()?;
        Ok(self
            .0
            .read(|reader| reader.visit_in_progress(user))?
            .map(VisitRow::from))
    }

    /// The visit that `text` names: its id or a part of it, or the customer of one of today's visits.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub fn find(&self, text: &str) -> Result<VisitRow, WaymarkError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<VisitId>()
            && let Some(row) = self.0.read(|reader| reader.visit(id))?
        {
            return Ok(row.into());
        }
        let mut rows: Vec<VisitRow> = match id_part(text) {
            Some(part) => self.by_id_part(&part)?,
            None => Vec::new(),
        };
        if rows.is_empty() {
            let wanted = text.to_lowercase();
            rows = self.of_day(self.0.today_date()?, true)?;
            rows.retain(|row| row.customer_name.to_lowercase().contains(&wanted));
            let open =
                |row: &VisitRow| matches!(row.state, State::Planned | State::InProgress { .. });
            if rows.iter().any(open) {
                rows.retain(open);
            }
        }
        let mut rows = rows.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(WaymarkError::new(ErrorCode::NotFound, "visit")),
            (Some(_), Some(_)) => Err(WaymarkError::new(ErrorCode::Ambiguous, "visit")),
        }
    }

    fn by_id_part(&self, part: &str) -> Result<Vec<VisitRow>, WaymarkError> {
        let rows = self.0.read(|reader| {
            let ids = reader.ids_by_part(&Visit::KIND, part, 2)?;
            ids.into_iter()
                .map(|id| reader.visit(id.into()))
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(rows.into_iter().flatten().map(VisitRow::from).collect())
    }

    fn planned(&self, request: &PlanRequest) -> Result<(VisitId, Draft), WaymarkError> {
        let id = VisitId::from_uuid(self.0.new_id());
        let visit = Visit {
            customer: request.customer,
            rep: request.rep.map_or_else(|| self.0.user(), Ok)?,
            day: request.day.map_or_else(|| self.0.today_date(), Ok)?,
            state: State::Planned,
            extra: Body::new(),
        };
        Ok((id, Draft::new(id, &visit)?))
    }

    fn step(&self, id: VisitId, step: Step) -> Result<(), WaymarkError> {
        self.found(id)?;
        self.0.commit(vec![Unit::One(step.draft(id)?)])?;
        Ok(())
    }

    pub(crate) fn found(&self, id: VisitId) -> Result<waymark_store::Row<Visit>, WaymarkError> {
        let found = self.0.read(|reader| reader.visit(id))?;
        Ok(found
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "visit"))?
            .visit)
    }
}

impl Waymark {
    /// The visits.
    #[must_use]
    pub fn visits(&self) -> Visits {
        Visits(self.clone())
    }
}

impl From<waymark_store::VisitRow> for VisitRow {
    fn from(found: waymark_store::VisitRow) -> Self {
        let visit = found.visit.record;
        Self {
            id: found.visit.id.into(),
            customer: visit.customer,
            customer_name: found.customer_name.unwrap_or_default(),
            customer_address: found.customer_address,
            rep: visit.rep,
            day: visit.day,
            stay: visit.state.stay(),
            state: visit.state,
            pending: found.visit.pending > 0,
        }
    }
}
