//! Reading: typed rows, from one moment.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params};
use waymark_domain::ids::RecordId;
use waymark_domain::merge::Stored;
use waymark_domain::record::{Body, Kind, RecordKey, SyncRecord};
use waymark_domain::scope::Scope;

use crate::error::StoreError;
use crate::fold;
use crate::sql::{self, Columns, queries};
use crate::views;

/// One read transaction.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub(crate) conn: &'a Connection,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// A record as its user sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<R> {
    /// Its id.
    pub id: RecordId,
    /// The server's revision of it, as far as this device knows; 0 when the server does not have it yet.
    pub rev: u64,
    /// How many operations of this device on it the server has not answered for good.
    pub pending: u64,
    /// It is marked as deleted. Lists leave such rows out.
    pub deleted: bool,
    /// The record.
    pub record: R,
}

impl<R: SyncRecord> Row<R> {
    /// From the columns id, rev, pending, deleted, body.
    pub(crate) fn of(row: &rusqlite::Row<'_>) -> Result<Self, StoreError> {
        let body = sql::body_of(&row.get::<_, String>(4)?)?;
        Ok(Self {
            id: row.rec(0)?,
            rev: row.count(1)?,
            pending: row.count(2)?,
            deleted: row.get(3)?,
            record: read(&body)?,
        })
    }
}

fn read<R: SyncRecord>(body: &Body) -> Result<R, StoreError> {
    views::typed(body).ok_or(StoreError::Unreadable("a record's body"))
}

/// A view row as it is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRow {
    /// The record.
    pub key: RecordKey,
    /// See [`Row::rev`].
    pub rev: u64,
    /// See [`Row::pending`].
    pub pending: u64,
    /// The fields.
    pub body: Body,
}

/// How many records of a kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All, with the deleted ones.
    pub rows: u64,
    /// Those with work that the server has not answered for good.
    pub pending: u64,
    /// Those that are marked as deleted.
    pub deleted: u64,
}

queries! {
    DIGESTS = "SELECT scope, digest FROM scope_state ORDER BY scope";
}

impl Reader<'_> {
    /// The rows of a statement that selects id, rev, pending, deleted, body.
    pub(crate) fn rows<R: SyncRecord>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<Row<R>>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_and_then(params, Row::of)?;
        rows.collect()
    }

    /// One record of type `R`, deleted or not.
    pub(crate) fn row<R: SyncRecord>(
        &self,
        id: impl Into<RecordId>,
    ) -> Result<Option<Row<R>>, StoreError> {
        let id = id.into();
        let Some(view) = views::of(&R::KIND) else {
            return Ok(None);
        };
        let current = views::get(self.conn, view, id)?;
        current
            .map(|current| {
                Ok(Row {
                    id,
                    rev: current.rev,
                    pending: current.pending,
                    deleted: current.deleted,
                    record: read(&current.body)?,
                })
            })
            .transpose()
    }

    /// Any record's fields as its user sees them; `None` when nothing is shown.
    ///
    /// # Errors
    /// As every read.
    pub fn record(&self, key: &RecordKey) -> Result<Option<ExportRow>, StoreError> {
        let Some(view) = views::of(&key.kind) else {
            return Ok(None);
        };
        let current = views::get(self.conn, view, key.id)?;
        Ok(current.map(|current| ExportRow {
            key: key.clone(),
            rev: current.rev,
            pending: current.pending,
            body: current.body,
        }))
    }

    /// Up to `limit` records of a kind whose id holds `part`: some of its hexadecimal digits, in lower case.
    ///
    /// # Errors
    /// As every read.
    pub fn ids_by_part(
        &self,
        kind: &Kind,
        part: &str,
        limit: u32,
    ) -> Result<Vec<RecordId>, StoreError> {
        let Some(view) = views::of(kind) else {
            return Ok(Vec::new());
        };
        let mut statement = self.conn.prepare_cached(view.common().by_part)?;
        let ids = statement.query_map((part, limit), |row| row.rec(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// What the server said last of a record, of whatever kind; `None` when this device has nothing of it.
    ///
    /// # Errors
    /// As every read.
    pub fn base(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        fold::base_row(self.conn, key)
    }

    /// Up to `limit` view rows of all known kinds, in the order of kind (as [`waymark_domain::record::KINDS`] lists them) and id, that come
    /// after `after`. Fewer than `limit` are the last.
    ///
    /// # Errors
    /// As every read.
    pub fn export(
        &self,
        after: Option<&RecordKey>,
        limit: u32,
    ) -> Result<Vec<ExportRow>, StoreError> {
        let mut rows = Vec::new();
        let begin = after.map(|after| after.kind.clone());
        let views = views::VIEWS
            .iter()
            .skip_while(|view| begin.as_ref().is_some_and(|begin| view.kind() != *begin));
        for view in views {
            let missing = u64::from(limit).saturating_sub(sql::len(rows.len()));
            if missing == 0 {
                break;
            }
            let kind = view.kind();
            let after = after.filter(|after| after.kind == kind);
            let after = after.map_or(Vec::new(), |after| sql::rec(after.id).to_vec());
            let mut statement = self.conn.prepare_cached(view.common().export)?;
            let found = statement.query_and_then((after, sql::int(missing)), |row| {
                Ok::<_, StoreError>(ExportRow {
                    key: RecordKey {
                        kind: kind.clone(),
                        id: row.rec(0)?,
                    },
                    rev: row.count(1)?,
                    pending: row.count(2)?,
                    body: sql::body_of(&row.get::<_, String>(3)?)?,
                })
            })?;
            for row in found {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    /// How many records of each known kind there are.
    ///
    /// # Errors
    /// As every read.
    pub fn counts(&self) -> Result<BTreeMap<Kind, Counts>, StoreError> {
        let mut counts = BTreeMap::new();
        for view in views::VIEWS {
            let mut statement = self.conn.prepare_cached(view.common().counts)?;
            let found = statement.query_row([], |row| {
                Ok(Counts {
                    rows: row.count(0)?,
                    pending: row.count(1)?,
                    deleted: row.count(2)?,
                })
            })?;
            counts.insert(view.kind(), found);
        }
        Ok(counts)
    }

    /// The digest of each scope's published rows, as [`waymark_domain::scope::Digest::to_text`].
    ///
    /// # Errors
    /// As every read.
    pub fn digests(&self) -> Result<BTreeMap<Scope, String>, StoreError> {
        let mut statement = self.conn.prepare_cached(DIGESTS)?;
        let rows =
            statement.query_map([], |row| Ok((Scope::from_wire(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
