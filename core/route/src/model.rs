//! What is asked: the places, the travel times between them, and what binds the day.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Fault};

/// The most places in one problem, start and end included. A rep makes tens of visits a day; a thousand keeps the matrix at 4 MB.
pub const MAX_PLACES: usize = 1_000;
/// The longest single travel or service time, in seconds: close to a year, so that no sum of them overflows.
pub const MAX_SPAN: u32 = 30_000_000;
/// The furthest clock value either side of zero, in seconds.
pub const MAX_TIME: i64 = 1_000_000_000;
/// The highest priority of one visit.
pub const MAX_PRIORITY: u32 = 1_000_000;
/// The most breaks in one day.
pub const MAX_BREAKS: usize = 3;
/// The most windows of one visit.
pub const MAX_WINDOWS: usize = 32;

/// Travel times in whole seconds from every place to every place; the way back may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    places: usize,
    seconds: Vec<u32>,
}

impl Matrix {
    /// Stands for "there is no way".
    pub const NO_WAY: u32 = u32::MAX;

    /// From rows of whole seconds, [`Self::NO_WAY`] where there is no way.
    ///
    /// # Errors
    /// When it is not square, too large, or a time is longer than [`MAX_SPAN`]; the error names the row's place.
    pub fn from_rows(rows: &[Vec<u32>]) -> Result<Self, Error> {
        if rows.len() > MAX_PLACES {
            return Err(Error::TooManyPlaces(rows.len()));
        }
        for (place, row) in rows.iter().enumerate() {
            if row.len() != rows.len() {
                return Err(Error::at(place, Fault::RowLength(row.len())));
            }
            if row.iter().any(|&s| s > MAX_SPAN && s != Self::NO_WAY) {
                return Err(Error::at(place, Fault::Travel));
            }
        }
        Ok(Self {
            places: rows.len(),
            seconds: rows.concat(),
        })
    }

    /// From rows of seconds as numbers, rounded to whole seconds; infinity is "no way".
    ///
    /// # Errors
    /// As [`Self::from_rows`], and for a time that is negative or no number.
    pub fn from_numbers(rows: &[Vec<f64>]) -> Result<Self, Error> {
        Self::whole(rows, |&seconds| seconds)
    }

    pub(crate) fn from_some(rows: &[Vec<Option<f64>>]) -> Result<Self, Error> {
        Self::whole(rows, |seconds| seconds.unwrap_or(f64::NAN))
    }

    fn whole<T>(rows: &[Vec<T>], number: impl Fn(&T) -> f64) -> Result<Self, Error> {
        if rows.len() > MAX_PLACES {
            return Err(Error::TooManyPlaces(rows.len()));
        }
        let whole = |place, seconds: f64| {
            if seconds == f64::INFINITY || seconds == f64::from(Self::NO_WAY) {
                return Ok(Self::NO_WAY);
            }
            whole_span(seconds).ok_or_else(|| Error::at(place, Fault::Travel))
        };
        let rows = rows.iter().enumerate();
        let rows: Result<Vec<Vec<u32>>, Error> = rows
            .map(|(place, row)| row.iter().map(|s| whole(place, number(s))).collect())
            .collect();
        Self::from_rows(&rows?)
    }

    /// How many places there are.
    #[must_use]
    pub const fn places(&self) -> usize {
        self.places
    }

    /// The seconds from one place to another; `None` when there is no way, or no such place.
    #[must_use]
    pub fn seconds(&self, from: usize, to: usize) -> Option<u32> {
        if to >= self.places {
            return None;
        }
        let at = from.checked_mul(self.places)?.checked_add(to)?;
        self.seconds
            .get(at)
            .copied()
            .filter(|&seconds| seconds != Self::NO_WAY)
    }
}

/// A number as whole seconds from 0 to [`MAX_SPAN`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked just before; NaN fails the check"
)]
pub(crate) fn whole_span(seconds: f64) -> Option<u32> {
    (0.0..=f64::from(MAX_SPAN))
        .contains(&seconds)
        .then(|| seconds.round() as u32)
}

/// When a visit may begin, both ends included, on the clock of the problem (seconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Earliest begin; who comes earlier waits.
    pub open: i64,
    /// Latest begin.
    pub close: i64,
}

/// Whether a visit has to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It is made, late if it cannot be in time.
    Must,
    /// It is made in time or left out; leaving out costs this much priority.
    Priority(u32),
    /// It is not made today.
    Out,
}

/// Where in the order a visit stands. First, last and a position make a visit a [`Need::Must`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Wherever it is best.
    Free,
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// At this position, counted from 0.
    At(usize),
    /// At some time after the visit at that place; without effect when that one is left out.
    After(usize),
}

/// One place. For start and end only the windows of the end count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// How long the visit takes, seconds.
    pub service: u32,
    /// When it may begin; empty is always. Sorted and apart.
    pub windows: Vec<Window>,
    /// Whether it has to be made.
    pub need: Need,
    /// Where in the order it stands.
    pub lock: Lock,
}

impl Stop {
    /// A visit that must be made, at any time, anywhere in the order.
    #[must_use]
    pub const fn must(service: u32) -> Self {
        Self {
            service,
            windows: Vec::new(),
            need: Need::Must,
            lock: Lock::Free,
        }
    }
}

/// A rest between visits: at the place just visited before driving on, or at the next before the visit begins.
/// When the day is over before it may begin, it is not due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// When it may begin.
    pub window: Window,
    /// How long it takes, seconds.
    pub seconds: u32,
}

/// A day to put in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Travel times between the places.
    pub travel: Matrix,
    /// What happens at each place, in the matrix's order.
    pub stops: Vec<Stop>,
    /// Where the day starts.
    pub start: usize,
    /// Where it ends: with the last visit when `None`; may be the start.
    pub end: Option<usize>,
    /// When it starts.
    pub depart: i64,
    /// When it has to be over.
    pub latest: i64,
    /// Rests, in the order in which they are taken.
    pub breaks: Vec<Break>,
}

impl Problem {
    /// Whether a place is visited, rather than only start or end.
    #[must_use]
    pub fn is_visit(&self, place: usize) -> bool {
        let planned = self
            .stops
            .get(place)
            .is_some_and(|stop| stop.need != Need::Out);
        planned && place != self.start && Some(place) != self.end
    }

    /// Whether a visit has to be made: it says so, or its position is locked.
    #[must_use]
    pub fn is_must(&self, place: usize) -> bool {
        self.stops.get(place).is_some_and(|stop| {
            stop.need == Need::Must || matches!(stop.lock, Lock::First | Lock::Last | Lock::At(_))
        })
    }

    /// The priority that leaving a visit out costs; 0 for one that must be made.
    #[must_use]
    pub fn priority(&self, place: usize) -> i64 {
        match self.stops.get(place).map(|stop| stop.need) {
            Some(Need::Priority(priority)) if !self.is_must(place) => i64::from(priority),
            _ => 0,
        }
    }
}
