//! What is wrong with a problem. Every error that concerns one stop names it by its place in the matrix.

use crate::model::{MAX_BREAKS, MAX_PLACES, MAX_WINDOWS};

/// Why a problem is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More places than can be handled.
    #[error("{0} places are too many: at most {MAX_PLACES}")]
    TooManyPlaces(usize),
    /// No place at all, or the stops are not as many as the matrix has places.
    #[error("{stops} stops for a matrix of {places} places")]
    Shape {
        /// How many stops are given.
        stops: usize,
        /// How many places the matrix has.
        places: usize,
    },
    /// Departure or latest end out of range, or the wrong way round.
    #[error("the day's start and latest end are out of range or the wrong way round")]
    Day,
    /// A break that cannot be.
    #[error(
        "break {0} is out of range, inverted, or before the one before it (at most {MAX_BREAKS})"
    )]
    Break(usize),
    /// One stop is wrong.
    #[error("stop {stop}: {fault}")]
    Stop {
        /// Its place in the matrix.
        stop: usize,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl Error {
    pub(crate) const fn at(stop: usize, fault: Fault) -> Self {
        Self::Stop { stop, fault }
    }
}

/// What is wrong with one stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such place.
    #[error("there is no such place")]
    NoSuchPlace,
    /// Its row of the matrix has another length than the matrix has rows.
    #[error("its row has {0} travel times")]
    RowLength(usize),
    /// A travel time from it is negative, too long or no number.
    #[error("a travel time from it is negative, too long or no number")]
    Travel,
    /// Its service time is negative, too long or no number.
    #[error("its service time is negative, too long or no number")]
    Service,
    /// Its priority is negative, too high or no number.
    #[error("its priority is negative, too high or no number")]
    Priority,
    /// A window of it is inverted, out of range, no number, overlaps the one before, or there are too many.
    #[error(
        "a window is inverted, out of order, out of range or no number, or there are more than {MAX_WINDOWS}"
    )]
    Window,
    /// It must be visited and closes for good before the day starts.
    #[error("it closes for good before the day starts")]
    Past,
    /// It must be visited and there is no way to it, or none on from it.
    #[error("there is no way to it or from it")]
    NoWay,
    /// Its lock contradicts another or names a place that is not visited.
    #[error("its place in the order contradicts another, or names a place that is not visited")]
    Lock,
    /// A change asks to add what is planned already, or to move what is not.
    #[error("it is in the order already, or is not")]
    Change,
}
