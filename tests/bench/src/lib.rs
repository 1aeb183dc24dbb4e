//! What the benches share.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a bench that cannot be set up has to stop"
)]

use std::path::Path;

use rusqlite::Connection;

/// A bare SQLite table in a file, as durable as ours: WAL, `synchronous=FULL`.
#[must_use]
pub fn bare_sqlite(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
        .unwrap();
    conn
}
