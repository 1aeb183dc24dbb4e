//! What a check-in's evidence amounts to, with the arithmetic behind it. Whole numbers only, so that two computations of it can be compared
//! byte for byte.

use serde::{Deserialize, Serialize};

use crate::check_in::policy::Accept;
use crate::check_in::signals::Signal;
use crate::geo::fence::Side;
use crate::policy::PolicyRef;

/// The version of the arithmetic. A change that could alter any verdict raises it, and the old arithmetic stays.
pub const RULES: u16 = 1;

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The version of the arithmetic, [`RULES`].
    pub rules: u16,
    /// The policy it follows from.
    pub policy: PolicyRef,
    /// Inside, outside, or not to be decided.
    pub side: Side,
    /// The share of positions that fit the fix and lie inside, parts per million; absent when nobody knows where the customer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside_ppm: Option<u32>,
    /// The fix that decided: its place among the evidence's.
    pub fix: usize,
    /// Its age when it was judged, milliseconds by the boot-time clock.
    pub age_ms: i64,
    /// Its standard deviation in one direction, centimetres.
    pub sigma_cm: u64,
    /// The fence that decided: its place among the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<usize>,
    /// From the fix to the middle of the fence: to the door, centimetres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door_cm: Option<u64>,
    /// From the fix to the area of the fence, centimetres; 0 when it lies in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_cm: Option<u64>,
    /// Why it is no better, the weightiest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What would have made it "inside".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_pass: Option<WouldPass>,
    /// With what an uncertain one was accepted all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accept>,
    /// With what it could still be accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptable: Vec<Accept>,
    /// What was noticed about the fixes and the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// The sum of the signals' weights, 100 at most.
    pub score: u8,
    /// Whether the score is one that the policy brings before a manager.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
}

impl Verdict {
    /// Whether the check-in counts as a visit: inside, or uncertain and accepted.
    #[must_use]
    pub const fn counts(&self) -> bool {
        match self.side {
            Side::Inside => true,
            Side::Uncertain => self.accepted.is_some(),
            Side::Outside => false,
        }
    }
}

/// Why a verdict is no better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Even at the door of this place a fix of this accuracy would not be certain.
    TooCoarse,
    /// So near the edge that both sides are possible.
    AtTheEdge,
    /// Farther out than the fix can be wrong.
    TooFar {
        /// How wrong the fix is allowed to be: k times its standard deviation, centimetres.
        allowance_cm: u64,
    },
    /// Nobody knows where the customer is.
    NoPlace,
    /// The fix is too old.
    Stale {
        /// Oldest that decides, milliseconds.
        limit_ms: i64,
    },
    /// The permission gives only an approximate place.
    CoarsePermission,
    /// Not within the hours at which visits count.
    ClosedHours,
    /// The time is not known well enough to compare it with the hours.
    HoursUnknown,
    /// The stay was too short.
    StayTooShort {
        /// The most it can have been, milliseconds.
        most_ms: i64,
        /// What is asked for, milliseconds.
        wanted_ms: i64,
    },
    /// The stay may have been too short: the clocks do not say.
    StayUnknown {
        /// What is asked for, milliseconds.
        wanted_ms: i64,
    },
}

/// What would have made a verdict "inside".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WouldPass {
    /// The same place with an accuracy, as this source states it, of at most so many metres.
    AccuracyM(u32),
    /// The same accuracy from a place at most so many metres from the middle of the fence.
    DoorM(u32),
}
