//! The people of the company.

use rusqlite::Connection;
use waymark_domain::ids::UserId;
use waymark_domain::member::Member;
use waymark_domain::merge::is_deleted;
use waymark_domain::record::{Body, Kind, SyncRecord};

use crate::error::StoreError;
use crate::reader::{Reader, Row};
use crate::sql::{self, queries};
use crate::views::{Common, View, ViewRow, common, typed};

/// [`View`] of [`Member`].
pub(crate) struct Members;

queries! {
    PUT = "
        INSERT INTO view_member (id, rev, pending, deleted, name, search, role, team, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, pending = excluded.pending, deleted = excluded.deleted, name = excluded.name,
          search = excluded.search, role = excluded.role, team = excluded.team, body = excluded.body";
    ALL = "SELECT id, rev, pending, deleted, body FROM view_member WHERE deleted = 0 ORDER BY search, id";
    BY_NAME = "SELECT id, rev, pending, deleted, body FROM view_member WHERE search = ?1 AND deleted = 0 ORDER BY id";
}

impl View for Members {
    fn kind(&self) -> Kind {
        Member::KIND
    }

    fn ddl(&self) -> &'static str {
        include_str!("member.sql")
    }

    fn common(&self) -> &'static Common {
        &const { common!("view_member") }
    }

    fn reads(&self, body: &Body) -> bool {
        typed::<Member>(body).is_some()
    }

    fn put(&self, tx: &Connection, row: &ViewRow<'_>) -> Result<bool, StoreError> {
        let Some(member) = typed::<Member>(row.body) else {
            return Ok(false);
        };
        tx.prepare_cached(PUT)?.execute((
            sql::rec(row.id),
            sql::int(row.rev),
            sql::int(row.pending),
            is_deleted(row.body),
            &member.name,
            member.name.to_lowercase(),
            member.role.name(),
            &member.team,
            sql::body_text(row.body)?,
        ))?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// Everybody whom this device knows of, by name.
    ///
    /// # Errors
    /// As every read.
    pub fn members(&self) -> Result<Vec<Row<Member>>, StoreError> {
        self.rows(ALL, ())
    }

    /// One person.
    ///
    /// # Errors
    /// As every read.
    pub fn member(&self, user: UserId) -> Result<Option<Row<Member>>, StoreError> {
        self.row(user)
    }

    /// The people of that name, whatever its letters' case.
    ///
    /// # Errors
    /// As every read.
    pub fn members_by_name(&self, name: &str) -> Result<Vec<Row<Member>>, StoreError> {
        self.rows(BY_NAME, [name.trim().to_lowercase()])
    }
}
