//! The company's policies.

use rusqlite::Connection;
use waymark_domain::check_in::policy::CheckInPolicy;
use waymark_domain::merge::is_deleted;
use waymark_domain::policy::{Policy, Topic};
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Policy`].
pub(crate) struct Policies;

queries! {
    PUT = "
        INSERT INTO view_policy (id, rev, pending, deleted, topic, version, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted,
          topic = excluded.topic, version = excluded.version, body = excluded.body";
    OF_TOPIC = "
        SELECT id, rev, pending, deleted, body FROM view_policy WHERE topic = ?1 AND deleted = 0
        ORDER BY version DESC, id DESC";
}

impl View for Policies {
    fn kind(&self) -> Kind {
        Policy::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("policy.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_policy") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Policy>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(policy) = typed::<Policy>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            policy.topic.name(),
            policy.version,
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// Every version of a topic's policy, the newest first.
    ///
    /// # Errors
    /// As every read.
    pub fn policies(&self, topic: Topic) -> Result<Vec<Row<Policy>>, StoreError> {
        self.rows(OF_TOPIC, [topic.name()])
    }

    /// The rules of check-ins that hold: those of the newest version that this app reads. `None` when what is built in holds.
    ///
    /// # Errors
    /// As every read.
    pub fn check_in_rules(&self) -> Result<Option<(Row<Policy>, CheckInPolicy)>, StoreError> {
        let versions = self.policies(Topic::CheckIn)?;
        Ok(versions.into_iter().find_map(|row| {
            let rules = row.record.check_in().ok()?;
            Some((row, rules))
        }))
    }
}
