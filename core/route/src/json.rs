//! A problem and an answer as JSON, the form that the bench and the command line use.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Proof, Relaxation, Rest, Skipped, Visit};
use crate::error::{Error, Fault};
use crate::model::{Break, Lock, Matrix, Need, Problem, Stop, Window, whole_span};

/// A problem. All times in seconds; numbers may come with decimals and are rounded.
#[derive(Debug, Clone, Deserialize)]
pub struct Given {
    /// Seconds from each place (row) to each place; 4294967295 is no way. A number that is null is none, here and below.
    pub matrix: Vec<Vec<Option<f64>>>,
    /// Seconds that each visit takes.
    #[serde(default)]
    pub service: Vec<Option<f64>>,
    /// `[open, close]` pairs of each place; none is always.
    #[serde(default)]
    pub windows: Vec<Vec<(Option<f64>, Option<f64>)>>,
    /// Where the day starts.
    #[serde(default)]
    pub start: usize,
    /// Where it ends; with the last visit when missing or null.
    #[serde(default)]
    pub end: Option<usize>,
    /// When it starts.
    #[serde(default)]
    pub depart: f64,
    /// When it has to be over.
    #[serde(default)]
    pub latest: Option<f64>,
    /// Priority of each visit; without it all must be made.
    #[serde(default)]
    pub prize: Option<Vec<Option<f64>>>,
    /// With `prize`: places that must be visited nevertheless.
    #[serde(default)]
    pub must: Vec<usize>,
    /// Locked places in the order: `{"stop": 3, "lock": "first"}`, `"last"`, `{"at": 2}`, `{"after": 5}`.
    #[serde(default)]
    pub locks: Vec<Locked>,
    /// Rests.
    #[serde(default)]
    pub breaks: Vec<Break>,
    /// Names of the places, for messages.
    #[serde(default)]
    pub names: Vec<String>,
    /// How long to search, milliseconds.
    #[serde(default)]
    pub budget_ms: Option<f64>,
    /// The seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// A locked place.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Locked {
    /// The place.
    pub stop: usize,
    /// Its lock.
    pub lock: Lock,
}

/// The clock's range, as the model checks it; what is no number is out of range.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked before; NaN fails the check"
)]
fn whole_time(seconds: f64) -> Option<i64> {
    (-1e9..=1e9)
        .contains(&seconds)
        .then(|| seconds.round() as i64)
}

impl Given {
    /// The problem that is given.
    ///
    /// # Errors
    /// When a number is none, negative or too large; the error names the stop.
    pub fn problem(&self) -> Result<Problem, Error> {
        let travel = Matrix::from_some(&self.matrix)?;
        let places = travel.places();
        for given in [
            self.service.len(),
            self.windows.len(),
            self.prize.as_ref().map_or(0, Vec::len),
        ] {
            if given != 0 && given != places {
                return Err(Error::Shape {
                    stops: given,
                    places,
                });
            }
        }
        let mut stops = Vec::with_capacity(places);
        for place in 0..places {
            stops.push(self.stop(place)?);
        }
        for &place in &self.must {
            let stop = stops.get_mut(place);
            stop.ok_or(Error::at(place, Fault::NoSuchPlace))?.need = Need::Must;
        }
        for locked in &self.locks {
            let stop = stops.get_mut(locked.stop);
            stop.ok_or(Error::at(locked.stop, Fault::NoSuchPlace))?.lock = locked.lock;
        }
        let latest = self.latest.unwrap_or(1e9).min(1e9);
        Ok(Problem {
            travel,
            stops,
            start: self.start,
            end: self.end,
            depart: whole_time(self.depart).ok_or(Error::Day)?,
            latest: whole_time(latest).ok_or(Error::Day)?,
            breaks: self.breaks.clone(),
        })
    }

    fn stop(&self, place: usize) -> Result<Stop, Error> {
        let service = self.service.get(place).copied().unwrap_or(Some(0.0));
        let service = service
            .and_then(whole_span)
            .ok_or(Error::at(place, Fault::Service))?;
        let windows = self.windows.get(place).map_or(&[][..], Vec::as_slice);
        let window = |&(open, close): &(Option<f64>, Option<f64>)| {
            let (open, close) = (whole_time(open?)?, whole_time(close?)?);
            Some(Window { open, close })
        };
        let windows: Option<Vec<Window>> = windows.iter().map(window).collect();
        let windows = windows.ok_or(Error::at(place, Fault::Window))?;
        let need = match &self.prize {
            None => Need::Must,
            Some(prizes) => {
                let prize = prizes.get(place).copied().flatten().and_then(whole_span);
                Need::Priority(prize.ok_or(Error::at(place, Fault::Priority))?)
            }
        };
        Ok(Stop {
            service,
            windows,
            need,
            lock: Lock::Free,
        })
    }
}

/// An answer.
#[derive(Debug, Clone, Serialize)]
pub struct Taken<'a> {
    /// The visits in the order in which they are made.
    pub order: &'a [usize],
    /// For each place its position in `order`.
    pub rank: &'a [Option<usize>],
    /// When each visit of `order` is reached.
    pub arrival: Vec<i64>,
    /// Waiting at each visit of `order`.
    pub wait: Vec<i64>,
    /// How much later each visit of `order` could be reached.
    pub slack: Vec<i64>,
    /// The visits in full.
    pub visits: &'a [Visit],
    /// The breaks.
    pub breaks: &'a [Rest],
    /// Places left out.
    pub skipped: Vec<usize>,
    /// Why.
    pub why_skipped: &'a [Skipped],
    /// Seconds of travel.
    pub travel: i64,
    /// Seconds of lateness.
    pub late: i64,
    /// Priority left out.
    pub lost: i64,
    /// When the day is over.
    pub finish: i64,
    /// Whether this is proven the best.
    pub optimal: bool,
    /// The proof.
    pub proof: &'a Proof,
    /// What would make the day possible.
    pub relaxation: Option<&'a Relaxation>,
    /// `[ms, cost]` of each better order as it was found.
    pub trace: &'a [(f64, i64)],
}

impl<'a> Taken<'a> {
    /// Of an answer, with its trace.
    #[must_use]
    pub fn new(answer: &'a Answer, trace: &'a [(f64, i64)]) -> Self {
        let visits = answer.visits.iter();
        Self {
            order: &answer.order,
            rank: &answer.rank,
            arrival: visits.clone().map(|visit| visit.arrival).collect(),
            wait: visits.clone().map(|visit| visit.wait).collect(),
            slack: visits.map(|visit| visit.slack).collect(),
            visits: &answer.visits,
            breaks: &answer.breaks,
            skipped: answer.skipped.iter().map(|skipped| skipped.stop).collect(),
            why_skipped: &answer.skipped,
            travel: answer.cost.travel,
            late: answer.cost.late,
            lost: answer.cost.lost,
            finish: answer.cost.finish,
            optimal: matches!(answer.proof, Proof::Optimal(_)),
            proof: &answer.proof,
            relaxation: answer.relaxation.as_ref(),
            trace,
        }
    }
}
