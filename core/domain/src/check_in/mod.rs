//! Check-ins: the rep was here, then. A fact: written once, never changed.
//!
//! A check-in carries its evidence as a statement that the device signed, and the verdict that the evidence led to. The verdict is a pure
//! function of evidence and policy ([`assess`]), so whoever has both can compute it again.

mod assess;
pub mod evidence;
pub mod policy;
pub mod signals;
#[cfg(test)]
mod tests;
pub mod verdict;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

pub use self::assess::assess;
use self::evidence::{Evidence, Site};
use self::policy::CheckInPolicy;
use self::verdict::Verdict;
use crate::customer::Customer;
use crate::fix::{AccuracySource, MAX_ACCURACY_M};
use crate::geo::Position;
use crate::ids::{CustomerId, UserId, VisitId};
use crate::policy::Policy;
use crate::record::{self, Actor, Body, Finding, Kind, OnConflict, RecordKey, Shape, SyncRecord};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::time::TimeInterval;

/// `typ` of the statement's header.
pub const STATEMENT_TYPE: &str = "waymark-checkin+json";

/// Whether the rep comes or goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The rep comes.
    #[default]
    Arrival,
    /// The rep goes.
    Departure,
}

/// A position taken at a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckIn {
    /// The visit it belongs to.
    pub visit: VisitId,
    /// The customer of that visit.
    pub customer: CustomerId,
    /// Who was there.
    pub rep: UserId,
    /// Whether the rep came or went.
    #[serde(default)]
    pub moment: Moment,
    /// Where: the fix that decided, as the device reported it and in the datum it reported.
    pub position: Position,
    /// The radius in metres that the device stated with it. What share of fixes lies within differs by platform, hence `source`.
    pub accuracy_m: f64,
    /// Who stated the accuracy.
    pub source: AccuracySource,
    /// When.
    pub at: TimeInterval,
    /// What the evidence amounts to; absent in check-ins of the first version.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The evidence, signed by the device: a compact JWS whose payload is a [`Statement`].
    #[serde(default)]
    pub statement: Option<String>,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

/// What the device signs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The visit.
    pub visit: VisitId,
    /// The customer.
    pub customer: CustomerId,
    /// The rep.
    pub rep: UserId,
    /// Whether the rep came or went.
    pub moment: Moment,
    /// Everything that the verdict follows from.
    pub evidence: Evidence,
}

impl Statement {
    /// Reads the payload of a compact JWS. Says nothing about its signature: whoever has the device's key checks that.
    ///
    /// # Errors
    /// [`Code::Malformed`], naming `statement`.
    pub fn read(jws: &str) -> Result<Self, Refusal> {
        let malformed = || Refusal::of_field(Code::Malformed, "statement");
        let mut parts = jws.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let payload = BASE64URL_NOPAD
            .decode(payload.as_bytes())
            .map_err(|_| malformed())?;
        serde_json::from_slice(&payload).map_err(|_| malformed())
    }
}

impl CheckIn {
    fn stated(&self) -> Result<Option<Statement>, Refusal> {
        self.statement.as_deref().map(Statement::read).transpose()
    }

    /// Whether the record says what its statement says.
    fn agrees(&self, statement: &Statement) -> bool {
        let Statement {
            visit,
            customer,
            rep,
            moment,
            evidence,
        } = statement;
        let verdict = self.verdict.as_ref();
        let decided = verdict.and_then(|verdict| evidence.fixes.get(verdict.fix));
        let fix = decided.is_some_and(|fix| {
            (fix.position, fix.accuracy_m, fix.source)
                == (self.position, self.accuracy_m, self.source)
        });
        fix && (*visit, *customer, *rep, *moment)
            == (self.visit, self.customer, self.rep, self.moment)
            && evidence.t.when == self.at
    }

    /// Computes the verdict again, and compares the place with what is known of the customer.
    fn replay(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        let finding = |code, detail: &str| Finding {
            code,
            detail: detail.to_owned(),
        };
        let (Ok(Some(statement)), Some(verdict)) = (self.stated(), &self.verdict) else {
            return vec![finding("no_evidence", "")];
        };
        let evidence = &statement.evidence;
        let policy = match evidence.policy.id {
            None if evidence.policy.version == 0 => Some(CheckInPolicy::default()),
            None => None,
            Some(id) => {
                let known = find(&RecordKey::of::<Policy>(id)).into_iter().next();
                let policy = known.and_then(|body| record::read::<Policy>(&body).ok());
                let named = policy.filter(|policy| policy.version == evidence.policy.version);
                named.and_then(|policy| policy.check_in().ok())
            }
        };
        let Some(policy) = policy else {
            return vec![finding(
                "policy_unknown",
                &evidence.policy.version.to_string(),
            )];
        };
        let mut findings = Vec::new();
        match assess(evidence, &policy) {
            Ok(again) if again == *verdict => {}
            Ok(_) if verdict.rules > verdict::RULES => findings.push(finding("rules_unknown", "")),
            Ok(again) => {
                let detail = format!("{:?} became {:?}", verdict.side, again.side);
                findings.push(finding("verdict_differs", &detail));
            }
            Err(refusal) => findings.push(finding("verdict_differs", &refusal.to_string())),
        }
        let states = find(&RecordKey::of::<Customer>(self.customer));
        let mut sites = states
            .iter()
            .filter_map(|body| record::read::<Customer>(body).ok());
        if !states.is_empty()
            && !sites.any(|customer| Site::of(&customer, &policy) == evidence.site)
        {
            findings.push(finding("site_differs", ""));
        }
        findings
    }
}

impl SyncRecord for CheckIn {
    const KIND: Kind = Kind::new("check_in");
    const SHAPE: Shape = Shape::Fact;
    const VERSION: u16 = 2;

    fn check(&self) -> Result<(), Refusal> {
        if !(self.accuracy_m > 0.0 && self.accuracy_m <= MAX_ACCURACY_M) {
            return Err(Refusal::of_field(Code::Malformed, "accuracy_m"));
        }
        if let Some(statement) = self.stated()? {
            statement.evidence.check()?;
            if !self.agrees(&statement) {
                return Err(Refusal::of_field(Code::Malformed, "statement"));
            }
        }
        Ok(())
    }

    fn statement(&self) -> Option<(&'static str, &str)> {
        self.statement.as_deref().map(|jws| (STATEMENT_TYPE, jws))
    }

    fn second_look(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        // check-ins of the first version had neither evidence nor verdict
        if self.verdict.is_none() && self.statement.is_none() {
            return Vec::new();
        }
        self.replay(find)
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![
            RecordKey::of::<crate::visit::Visit>(self.visit),
            RecordKey::of::<crate::customer::Customer>(self.customer),
        ]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }
}
