//! The steps from an empty file to the schema of today. A step, once released, never changes.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Error, Result};

/// `WAYS`, so that `file` and other servers can tell what it is.
const APPLICATION_ID: i32 = 0x5741_5953;

/// Each brings the schema one version up.
const STEPS: &[&str] = &[include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// Brings the schema up to today's.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id: i32 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && (id != 0 || version != 0 || tables != 0) {
        return Err(Error::Storage("not a Waymark server's file".to_owned()));
    }
    let Some(steps) = STEPS.get(version..) else {
        let known = STEPS.len();
        return Err(Error::Storage(format!(
            "written by a newer server: version {version}, known {known}"
        )));
    };
    if steps.is_empty() {
        return Ok(());
    }
    for step in steps {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    let today = u32::try_from(STEPS.len()).map_err(|_| Error::corrupt("the schema"))?;
    tx.pragma_update(None, "user_version", today)?;
    tx.commit()?;
    Ok(())
}
