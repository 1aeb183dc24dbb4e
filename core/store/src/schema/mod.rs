//! The schema and its steps. The version of a file is the number of steps it has been through; nobody types it.

#[cfg(test)]
mod tests;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::meta;
use crate::sql::queries;

/// Marks the file as ours, in SQLite's header: `WMRK`.
pub(crate) const APPLICATION_ID: i32 = 0x574d_524b;

/// One step from a version to the next. A step that was released is never edited.
pub(crate) struct Step {
    /// For messages and tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "names the step in tests"))]
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) run: Run,
}

/// What a step does.
pub(crate) enum Run {
    /// Statements.
    Sql(&'static str),
    /// More than SQL can say.
    #[cfg_attr(not(test), expect(dead_code, reason = "no released step needs it yet"))]
    Code(fn(&Connection) -> Result<(), StoreError>),
}

/// Every step ever released, oldest first.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "base, outbox, history, attention, scopes",
        run: Run::Sql(include_str!("step1.sql")),
    },
    Step {
        name: "receipts, points of open tracks",
        run: Run::Sql(include_str!("step2.sql")),
    },
    Step {
        name: "tracks that stay on the phone",
        run: Run::Sql(include_str!("step3.sql")),
    },
    Step {
        name: "slots of the camera, files of photos",
        run: Run::Sql(include_str!("step4.sql")),
    },
];

/// The version that `steps` lead to.
pub(crate) fn version_of(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// The version of a file.
pub(crate) fn user_version(conn: &Connection) -> Result<u32, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Runs every step that the file has not been through, inside the caller's transaction. `None` when there was none to run, else the
/// version that the file had.
pub(crate) fn migrate(tx: &Connection, steps: &[Step]) -> Result<Option<u32>, StoreError> {
    let from = user_version(tx)?;
    let pending = steps.get(usize::try_from(from).unwrap_or(usize::MAX)..);
    let pending = pending.unwrap_or_default();
    if pending.is_empty() {
        return Ok(None);
    }
    for step in pending {
        match step.run {
            Run::Sql(sql) => tx.execute_batch(sql)?,
            Run::Code(run) => run(tx)?,
        }
    }
    let version = version_of(steps);
    tx.pragma_update(None, "user_version", version)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    meta::set(tx, meta::SCHEMA, &version)?;
    Ok(Some(from))
}

queries! {
    SCHEMA_TEXT = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index', tbl_name, name";
    TABLES = "SELECT count(*) FROM sqlite_schema";
}

/// Every statement that makes up the schema, tables before indexes, by name.
pub(crate) fn text(conn: &Connection) -> Result<String, StoreError> {
    let mut statement = conn.prepare(SCHEMA_TEXT)?;
    let mut text = String::new();
    for sql in statement.query_map([], |row| row.get::<_, String>(0))? {
        text.push_str(&sql?);
        text.push_str(";\n\n");
    }
    Ok(text)
}

/// How many tables and indexes the file has.
pub(crate) fn objects(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.query_row(TABLES, [], |row| row.get(0))?)
}
