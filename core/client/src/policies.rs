//! The company's policies: which rules hold, and publishing new ones.

use serde::Serialize;
use waymark_domain::check_in::policy::CheckInPolicy;
use waymark_domain::geo::Regions;
use waymark_domain::ids::PolicyId;
use waymark_domain::op::Draft;
use waymark_domain::policy::{Policy, PolicyRef, Topic};
use waymark_domain::record::Body;
use waymark_domain::time::TimeInterval;
use waymark_store::Unit;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// The policies.
pub struct Policies(pub(crate) Waymark);

/// The rules of check-ins that hold here now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckInRules {
    /// The policy that they are from.
    pub policy: PolicyRef,
    /// The rules.
    pub rules: CheckInPolicy,
    /// When they were published; absent for what is built in.
    pub since: Option<TimeInterval>,
    /// Why, in the words of whoever published them.
    pub remark: Option<String>,
}

impl Policies {
    /// The rules of check-ins: those of the newest version that this app reads, else what is built in.
    ///
    /// # Errors
    /// What reading may say.
    pub fn check_in(&self) -> Result<CheckInRules, WaymarkError> {
        let readable = self.0.read(|reader| reader.check_in_rules())?;
        let readable = readable.map(|(row, rules)| CheckInRules {
            policy: PolicyRef {
                id: Some(row.id.into()),
                version: row.record.version,
            },
            rules,
            since: Some(row.record.at),
            remark: row.record.remark,
        });
        Ok(readable.unwrap_or_else(|| CheckInRules {
            policy: PolicyRef::default(),
            rules: CheckInPolicy::default(),
            since: None,
            remark: None,
        }))
    }

    /// Publishes new rules of check-ins, as JSON; what they leave out is built in. Check-ins that were judged by older versions keep their
    /// verdicts. Gives the new version.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for rules that do not read or are not fair, naming the first that is not; [`ErrorCode::Forbidden`] for
    /// anybody but an admin.
    pub fn publish_check_in(
        &self,
        rules: &str,
        remark: Option<String>,
    ) -> Result<PolicyRef, WaymarkError> {
        let unreadable = |error: serde_json::Error| {
            WaymarkError::new(ErrorCode::InvalidInput, error.to_string())
        };
        let read: CheckInPolicy = serde_json::from_str(rules).map_err(unreadable)?;
        read.check()?;
        let newest = self.0.read(|reader| reader.policies(Topic::CheckIn))?;
        let id = PolicyId::from_uuid(self.0.new_id());
        let policy = Policy {
            topic: Topic::CheckIn,
            version: newest
                .first()
                .map_or(0, |row| row.record.version)
                .saturating_add(1),
            // written out whole: what is built in may be another thing in a later version of the app
            rules: serde_json::to_value(&read).map_err(unreadable)?,
            remark,
            author: self.0.user()?,
            at: self.0.now()?,
            extra: Body::new(),
        };
        self.0.commit(vec![Unit::One(Draft::new(id, &policy)?)])?;
        Ok(PolicyRef {
            id: Some(id),
            version: policy.version,
        })
    }
}

impl Waymark {
    /// The policies.
    #[must_use]
    pub fn policies(&self) -> Policies {
        Policies(self.clone())
    }

    /// Where the company's map provider shifts positions: what a conversion between datums has to know.
    ///
    /// # Errors
    /// What reading may say.
    pub fn regions(&self) -> Result<Regions, WaymarkError> {
        Ok(self.policies().check_in()?.rules.regions)
    }
}
