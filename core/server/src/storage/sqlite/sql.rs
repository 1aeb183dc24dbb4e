//! A connection, and how rows become values.

use std::ops::ControlFlow;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use waymark_domain::hash::Hash;
use waymark_domain::ids::RecordId;
use waymark_domain::record::{Kind, RecordKey, Role};

use crate::error::{Error, Result};
use crate::storage::Visit;

/// A connection within a transaction.
pub(super) struct Sql<'c>(pub(super) &'c Connection);

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly,
            SystemIoFailure,
        };
        let unavailable = matches!(
            error.sqlite_error_code(),
            Some(
                DiskFull
                    | SystemIoFailure
                    | DatabaseBusy
                    | DatabaseLocked
                    | CannotOpen
                    | ReadOnly
                    | PermissionDenied
            )
        );
        let detail = error.to_string();
        if unavailable {
            Self::Unavailable(detail)
        } else {
            Self::Storage(detail)
        }
    }
}

impl<'c> Sql<'c> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>> {
        #[cfg(test)]
        super::plans::note(sql);
        Ok(self.0.prepare_cached(sql)?)
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, params, read, &mut |value| {
            found.push(value);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    pub(super) fn each<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T>,
        visit: Visit<'_, T>,
    ) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            if visit(read(row)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.prepare(sql)?.execute(params)?)
    }
}

pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T> {
    Ok(row.get(column)?)
}

pub(super) fn uint(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| Error::corrupt("a count"))
}

pub(super) fn maybe_uint(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    get::<Option<i64>>(row, column)?
        .map(|n| u64::try_from(n).map_err(|_| Error::corrupt("a count")))
        .transpose()
}

/// SQLite's integers end at 2^63 - 1.
pub(super) fn int(n: u64) -> Result<i64> {
    i64::try_from(n).map_err(|_| Error::corrupt("a count"))
}

pub(super) fn id<T>(row: &Row<'_>, column: usize, wrap: impl Fn(Uuid) -> T) -> Result<T> {
    Ok(wrap(Uuid::from_bytes(get(row, column)?)))
}

pub(super) fn maybe_id<T>(
    row: &Row<'_>,
    column: usize,
    wrap: impl Fn(Uuid) -> T,
) -> Result<Option<T>> {
    let bytes: Option<[u8; 16]> = get(row, column)?;
    Ok(bytes.map(|bytes| wrap(Uuid::from_bytes(bytes))))
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> Result<Hash> {
    maybe_hash(row, column)?.ok_or_else(|| Error::corrupt("a hash"))
}

pub(super) fn maybe_hash(row: &Row<'_>, column: usize) -> Result<Option<Hash>> {
    let bytes: Option<[u8; 32]> = get(row, column)?;
    Ok(bytes.and_then(|bytes| Hash::from_slice(&bytes)))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> Result<Kind> {
    Ok(Kind::from_wire(get(row, column)?))
}

pub(super) fn key(row: &Row<'_>, column: usize) -> Result<RecordKey> {
    Ok(RecordKey {
        kind: kind(row, column)?,
        id: id(row, column + 1, RecordId::from_uuid)?,
    })
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?;
    let text = text.as_str().map_err(|_| Error::corrupt("a text"))?;
    serde_json::from_str(text).map_err(|_| Error::corrupt("a JSON text"))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::corrupt("a value"))
}

pub(super) fn role(row: &Row<'_>, column: usize) -> Result<Role> {
    let name: String = get(row, column)?;
    [Role::Rep, Role::Manager, Role::Admin]
        .into_iter()
        .find(|role| role.name() == name)
        .ok_or_else(|| Error::corrupt("a role"))
}
