//! Whose fences count for a rep on a day.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use waymark_domain::check_in::evidence::Site;
use waymark_domain::check_in::policy::CheckInPolicy;
use waymark_domain::customer::Customer;
use waymark_domain::geo::fence::{Area, Fence};
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::visit::State;
use waymark_store::{Owner, Row};

use crate::error::WaymarkError;
use crate::waymark::Waymark;

/// A customer with its fences.
pub(super) struct Watched {
    pub(super) customer: CustomerId,
    pub(super) name: String,
    pub(super) fences: Vec<WatchedFence>,
}

/// A fence, made ready for questions.
pub(super) struct WatchedFence {
    pub(super) fence: Fence,
    pub(super) area: Area,
}

impl Watched {
    fn of(row: Row<Customer>, rules: &CheckInPolicy) -> Self {
        let fences = Site::of(&row.record, rules).fences;
        Self {
            customer: row.id.into(),
            name: row.record.name,
            fences: fences
                .into_iter()
                // what is no area was refused when it was written
                .filter_map(|fence| {
                    let area = fence.area(rules.regions).ok()?;
                    Some(WatchedFence { fence, area })
                })
                .collect(),
        }
    }
}

impl WatchedFence {
    /// What people call it.
    pub(super) fn name(&self) -> Option<&str> {
        let (Fence::Circle { name, .. } | Fence::Polygon { name, .. }) = &self.fence;
        name.as_deref()
    }
}

impl Waymark {
    /// The customers that are a rep's own, and those of the rep's visits of a day.
    pub(super) fn watched(
        &self,
        rep: UserId,
        day: NaiveDate,
    ) -> Result<Vec<Watched>, WaymarkError> {
        let rules = self.policies().check_in()?.rules;
        let rows = self.read(|reader| {
            let mut rows = reader.customers(Owner::User(rep), u32::MAX, 0)?;
            let own: BTreeSet<CustomerId> = rows.iter().map(|row| row.id.into()).collect();
            let visits = reader.visits_of_day(day, Some(rep))?;
            let visited: BTreeSet<CustomerId> = visits
                .iter()
                .map(|row| row.visit.record.customer)
                .filter(|customer| !own.contains(customer))
                .collect();
            for customer in visited {
                rows.extend(reader.customer(customer)?);
            }
            Ok(rows)
        })?;
        Ok(rows
            .into_iter()
            .map(|row| Watched::of(row, &rules))
            .collect())
    }

    /// The customers of a rep's visits of a day that are still to be made, or in progress.
    pub(super) fn to_be_visited(
        &self,
        rep: UserId,
        day: NaiveDate,
    ) -> Result<Vec<Watched>, WaymarkError> {
        let rules = self.policies().check_in()?.rules;
        let rows = self.read(|reader| {
            let visits = reader.visits_of_day(day, Some(rep))?;
            let left: BTreeSet<CustomerId> = visits
                .iter()
                .map(|row| &row.visit.record)
                .filter(|visit| matches!(visit.state, State::Planned | State::InProgress { .. }))
                .map(|visit| visit.customer)
                .collect();
            let mut rows = Vec::new();
            for customer in left {
                rows.extend(reader.customer(customer)?);
            }
            Ok(rows)
        })?;
        Ok(rows
            .into_iter()
            .map(|row| Watched::of(row, &rules))
            .collect())
    }
}
