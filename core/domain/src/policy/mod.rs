//! Policies: the company's rules as data. A version is a fact: written once by an admin, named in every verdict that it led to, and kept, so
//! that the verdict can be computed again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check_in::policy::CheckInPolicy;
use crate::ids::{PolicyId, UserId};
use crate::record::{Actor, Body, Kind, OnConflict, Role, Shape, SyncRecord};
use crate::refusal::{Code, Refusal, check_length};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// Longest remark, characters.
pub const MAX_REMARK: usize = 500;

/// Highest version that is taken for one.
pub const MAX_VERSION: u32 = 1_000_000;

/// One version of one set of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What it rules.
    pub topic: Topic,
    /// Counts up from 1 within its topic; 0 is what is built in. The highest one holds.
    pub version: u32,
    /// The rules themselves; their form is the topic's.
    pub rules: Value,
    /// Why it was changed.
    #[serde(default)]
    pub remark: Option<String>,
    /// Who published it.
    pub author: UserId,
    /// When.
    pub at: TimeInterval,
    /// Fields of a later version of the app, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// What a policy rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// [`CheckInPolicy`].
    CheckIn,
    /// One of a later version.
    #[serde(other)]
    Other,
}

impl Topic {
    /// The topic's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckIn => "check_in",
            Self::Other => "other",
        }
    }
}

/// Names the policy that a verdict follows from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The record; absent for what is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PolicyId>,
    /// Its version.
    pub version: u32,
}

impl Policy {
    /// The rules of a check-in policy.
    ///
    /// # Errors
    /// [`Code::Malformed`] for another topic or rules that do not read, else what [`CheckInPolicy::check`] says.
    pub fn check_in(&self) -> Result<CheckInPolicy, Refusal> {
        let malformed = |_| Refusal::of_field(Code::Malformed, "rules");
        if self.topic != Topic::CheckIn {
            return Err(Refusal::of_field(Code::Malformed, "topic"));
        }
        let rules = CheckInPolicy::deserialize(&self.rules).map_err(malformed)?;
        rules.check()?;
        Ok(rules)
    }
}

impl SyncRecord for Policy {
    const KIND: Kind = Kind::new("policy");
    const SHAPE: Shape = Shape::Fact;

    fn check(&self) -> Result<(), Refusal> {
        check_length(
            "remark",
            self.remark.as_deref().unwrap_or_default(),
            MAX_REMARK,
        )?;
        if !(1..=MAX_VERSION).contains(&self.version) {
            return Err(Refusal::of_field(Code::Malformed, "version"));
        }
        match self.topic {
            Topic::CheckIn => self.check_in().map(drop),
            Topic::Other => Err(Refusal::of_field(Code::Unsupported, "topic")),
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::COMPANY]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && actor.role == Role::Admin && next.author == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
