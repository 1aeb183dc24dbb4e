//! An exchange: push and pull in one round trip. See [`crate::request`] and [`crate::response`].

use serde::{Deserialize, Serialize};
use waymark_domain::ids::OpId;

use crate::outcome::Outcome;

/// What became of operations sent earlier: for recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomesRequest {
    /// The operations.
    pub ops: Vec<OpId>,
}

/// The answer, in the order of the question; `None` for an operation that the server has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomesResponse {
    /// What became of each.
    pub outcomes: Vec<Option<Outcome>>,
}

/// An operation that the server cannot read or that keeps failing, as raw bytes: the door that is always open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRequest {
    /// The operation's id as the device knows it.
    pub op: OpId,
    /// The device's count.
    pub n: u64,
    /// The exact bytes, base64.
    pub bytes: String,
}

/// The server has the bytes, durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vaulted {
    /// The operation's outcome: [`Outcome::Vaulted`], or the earlier one when it had been settled before.
    pub outcome: Outcome,
}
