//! What became of an operation.

use serde::{Deserialize, Serialize};
use waymark_domain::ids::OpId;
use waymark_domain::merge::Clash;
use waymark_domain::refusal::Refusal;

/// The server's answer to one operation. All but [`Outcome::Deferred`] and [`Outcome::Retry`] are terminal: stored with the operation, in
/// the transaction of its effects, and given again to every replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// Done as asked.
    Applied {
        /// The record's revision after it.
        rev: u64,
        /// Its place in the tenant's order.
        seq: u64,
    },
    /// Done, where it met other changes.
    Merged {
        /// The record's revision after it.
        rev: u64,
        /// Its place in the tenant's order.
        seq: u64,
        /// What lost.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<Clash>,
    },
    /// Nothing changed: a person decides.
    Review {
        /// Why.
        why: Why,
        /// The values that clash.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        clashes: Vec<Clash>,
    },
    /// It cannot be. The bytes are kept.
    Rejected {
        /// Why.
        refusal: Refusal,
    },
    /// It could not be read, or kept failing. The bytes are kept, and an alarm is raised.
    Vaulted,
    /// Operations that it builds on have not arrived.
    Deferred {
        /// Those.
        missing: Vec<OpId>,
    },
    /// Not now.
    Retry {
        /// Earliest time of another attempt, milliseconds from now.
        after_ms: u64,
    },
}

/// Why a person has to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Others changed the same.
    Clash,
    /// The record is no longer the author's to change; it was when the work was done.
    OutOfScope,
    /// An operation that it builds on is under review.
    Dependency,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

impl Outcome {
    /// Whether the server has spoken for good.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        !matches!(self, Self::Deferred { .. } | Self::Retry { .. })
    }

    /// Whether the operation has changed its record, and at which place in the order.
    #[must_use]
    pub const fn effect_seq(&self) -> Option<u64> {
        match self {
            Self::Applied { seq, .. } | Self::Merged { seq, .. } => Some(*seq),
            _ => None,
        }
    }

    /// Whether a person has to look at it.
    #[must_use]
    pub const fn needs_attention(&self) -> bool {
        matches!(
            self,
            Self::Review { .. } | Self::Rejected { .. } | Self::Vaulted
        )
    }
}
