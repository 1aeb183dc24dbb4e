//! What is answered: the order, its times, what was left out and why, and how good it is known to be.

use serde::{Deserialize, Serialize};

/// One visit as it will happen. All times on the clock of the problem, seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Its place in the matrix.
    pub stop: usize,
    /// When it is reached.
    pub arrival: i64,
    /// How long is waited for it to open, breaks taken meanwhile not counted.
    pub wait: i64,
    /// When the visit begins.
    pub begin: i64,
    /// By how much that is after its last window closes; 0 in time.
    pub late: i64,
    /// How much later it could be reached with everything after it still in time; 0 when it or something after it is late.
    pub slack: i64,
}

/// Where a break is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// Before driving to the visit at this position (or to the end, when it is the number of visits).
    BeforeDrive(usize),
    /// On arrival, before the visit at this position begins.
    BeforeVisit(usize),
    /// Nowhere: the day is over before it may begin.
    NotDue,
}

/// A break as it will be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Where it is taken.
    pub place: Where,
    /// When it begins; when it could have begun at the earliest, if it is not due.
    pub begin: i64,
    /// By how much that is too late; 0 in time.
    pub late: i64,
}

/// Why a visit was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Even alone it cannot be visited in time.
    OutOfReach,
    /// It does not fit beside visits that count for more.
    NoRoom,
    /// It counts for nothing and costs travel.
    NoValue,
}

/// A visit that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its place in the matrix.
    pub stop: usize,
    /// Why.
    pub why: Why,
}

/// What counts, in this order: least lateness, then most priority, then least travel, then the earliest finish.
///
/// Lateness stands before priority because a visit that may be left out is never made late and never makes another later:
/// otherwise visiting everybody late would always be best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds by which visits that must be made, breaks and the end are late, summed.
    pub late: i64,
    /// Priority left out.
    pub lost: i64,
    /// Seconds of travel.
    pub travel: i64,
    /// When the day is over.
    pub finish: i64,
}

/// What a bound bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// No order in time travels less than the bound.
    Travel,
    /// No order leaves out less priority than the bound.
    Lost,
    /// No order is less late than the bound.
    Late,
}

/// What a bound rests on; `check` recomputes it from the problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// Every set of visits and last visit was looked at; checked by doing so again.
    Replay,
    /// Held-Karp: a price per node (the start, the visits in the order of their places, the end), in 1/100 of a second. The
    /// cheapest spanning tree under the prices, less what the prices add to any order, is the bound.
    Tree(Vec<i64>),
    /// Dual prices of the assignment problem: no arc costs less than the price of leaving its tail plus that of reaching its head.
    Assignment {
        /// Price of leaving each node.
        leave: Vec<i64>,
        /// Price of reaching each node.
        reach: Vec<i64>,
    },
    /// The visits as items of a knapsack: each takes at least its service and the shortest way to it.
    Knapsack,
    /// The bound is trivial (nothing costs less than nothing).
    Trivial,
}

/// How good the order is known to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// There is no better one.
    Optimal(Certificate),
    /// There may be a better one, but none below the bound.
    Gap {
        /// What is bounded.
        measure: Measure,
        /// The bound, in the measure's unit.
        bound: i64,
        /// How far the order is above the bound, in percent of the bound (of the whole priority for [`Measure::Lost`]).
        percent: f64,
        /// What the bound rests on.
        certificate: Certificate,
    },
}

/// Who has to give way so that the day works out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gives {
    /// The visit at this place may begin later.
    Visit(usize),
    /// The break with this number may begin later.
    Break(usize),
    /// The day may end later.
    End,
}

/// What would make a day that cannot be met possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// The order as answered is in time when each of these gives way by so many seconds: the smallest sum that was found.
    pub later: Vec<(Gives, i64)>,
    /// Or: without these visits all others can be made in time. The fewest that were found.
    pub without: Vec<usize>,
    /// Whether both are proven the smallest.
    pub proven: bool,
}

/// The order of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The visits, by their places in the matrix, in the order in which they are made.
    pub order: Vec<usize>,
    /// The inverse: for each place of the matrix its position in `order`, `None` if it is not visited.
    pub rank: Vec<Option<usize>>,
    /// The visits with their times, in order.
    pub visits: Vec<Visit>,
    /// The breaks, in order.
    pub breaks: Vec<Rest>,
    /// What the order costs.
    pub cost: Cost,
    /// By how much the end is too late; 0 in time. Part of `cost.late`.
    pub end_late: i64,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// How good it is known to be.
    pub proof: Proof,
    /// What would make the day possible; `None` when it is.
    pub relaxation: Option<Relaxation>,
}
