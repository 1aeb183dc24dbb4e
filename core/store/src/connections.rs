//! The connections to one file: one that writes, two that read. A borrowed connection does both.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::StoreError;
use crate::salvage;
use crate::store::Mode;

/// Two screens can read while a third thing waits for the disk; more only cost memory.
const READERS: usize = 2;

/// How long a connection waits for another one's transaction, milliseconds. Ours take milliseconds; this leaves room for a checkpoint on
/// a tired card.
const BUSY_MS: u32 = 5_000;

/// Prepared statements kept per connection: more than this crate has.
const STATEMENTS: usize = 192;

/// What makes "saved" true and a damaged page loud. `fullfsync` matters on Apple's systems, where a plain `fsync` stops at the drive's
/// cache. `secure_delete` wipes what a revoked scope leaves behind.
const PRAGMAS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = 1;
    PRAGMA checkpoint_fullfsync = 1;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 4194304;
    PRAGMA trusted_schema = OFF;
    PRAGMA mmap_size = 0;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = ON;
    PRAGMA cache_size = -8000;
";

/// The connections to one file.
pub(crate) struct Connections {
    home: Home,
    mode: Mode,
    // dropped before the writer, which as the last to close moves the log into the file
    readers: [Mutex<Option<Connection>>; READERS],
    writer: Mutex<Option<Connection>>,
    turn: AtomicUsize,
}

/// Where the connections come from.
enum Home {
    /// From a file: they can be closed and opened again.
    File(PathBuf),
    /// From the caller.
    Borrowed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // a panic in the middle of a transaction has rolled it back: the connection is as good as before
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Takes over a connection of the caller's.
    pub(crate) fn borrowed(conn: Connection, mode: Mode) -> Self {
        Self::new(Home::Borrowed, mode, Some(conn), [None, None])
    }

    /// Takes over the writer to the file at `path`, and opens its readers.
    pub(crate) fn to_file(path: &Path, writer: Connection, mode: Mode) -> Result<Self, StoreError> {
        let readers = [Some(open_reader(path)?), Some(open_reader(path)?)];
        Ok(Self::new(
            Home::File(path.to_owned()),
            mode,
            Some(writer),
            readers,
        ))
    }

    fn new(
        home: Home,
        mode: Mode,
        writer: Option<Connection>,
        readers: [Option<Connection>; READERS],
    ) -> Self {
        Self {
            home,
            mode,
            writer: Mutex::new(writer),
            readers: readers.map(Mutex::new),
            turn: AtomicUsize::new(0),
        }
    }

    /// What may be done with the file.
    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The connection that writes, for `f`.
    pub(crate) fn with_writer<R>(
        &self,
        f: impl FnOnce(&mut Connection) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut guard = lock(&self.writer);
        let result = f(guard.as_mut().ok_or(StoreError::Closed)?);
        self.noticing(result)
    }

    /// A connection that reads, for `f`.
    pub(crate) fn with_reader<R>(
        &self,
        f: impl FnOnce(&Connection) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let guard = match self.home {
            Home::File(_) => self.free_reader(),
            Home::Borrowed => lock(&self.writer),
        };
        let result = f(guard.as_ref().ok_or(StoreError::Closed)?);
        drop(guard);
        self.noticing(result)
    }

    fn free_reader(&self) -> MutexGuard<'_, Option<Connection>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let [first, second] = &self.readers;
        let (mine, other) = if turn.is_multiple_of(READERS) {
            (first, second)
        } else {
            (second, first)
        };
        mine.try_lock()
            .or_else(|_| other.try_lock())
            .unwrap_or_else(|_| lock(mine))
    }

    // damage that shows while the store runs is dealt with at the next open, when nobody holds the file
    fn noticing<R>(&self, result: Result<R, StoreError>) -> Result<R, StoreError> {
        let damaged = matches!(result, Err(StoreError::Corrupt | StoreError::Unreadable(_)));
        if let (true, Home::File(path)) = (damaged, &self.home) {
            salvage::mark(path);
        }
        result
    }

    /// Waits for whoever works, moves the log into the file and closes everything. Calls that follow find the store closed.
    pub(crate) fn suspend(&self) -> Result<(), StoreError> {
        if matches!(self.home, Home::Borrowed) {
            return Ok(());
        }
        let mut writer = lock(&self.writer);
        for reader in &self.readers {
            drop(lock(reader).take());
        }
        let Some(conn) = writer.take() else {
            return Ok(());
        };
        if self.mode == Mode::ReadWrite {
            // a log that stays behind is no loss: the next open reads it
            let truncated = conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            self.noticing(truncated.map_err(StoreError::from))?;
        }
        Ok(())
    }

    /// Opens everything again.
    pub(crate) fn resume(&self) -> Result<(), StoreError> {
        let Home::File(path) = &self.home else {
            return Ok(());
        };
        let mut writer = lock(&self.writer);
        if writer.is_some() {
            return Ok(());
        }
        let opened = open_writer(path, self.mode)?;
        for reader in &self.readers {
            *lock(reader) = Some(open_reader(path)?);
        }
        *writer = Some(opened);
        Ok(())
    }

    /// Gives the caller's connection back; `None` for a store that opened its own.
    pub(crate) fn into_borrowed(self) -> Option<Connection> {
        let conn = match self.home {
            Home::Borrowed => lock(&self.writer).take(),
            Home::File(_) => None,
        };
        if let Some(conn) = &conn {
            conn.flush_prepared_statement_cache();
        }
        conn
    }
}

/// Opens the connection that writes. In [`Mode::PushOnly`] it cannot.
pub(crate) fn open_writer(path: &Path, mode: Mode) -> Result<Connection, StoreError> {
    let access = match mode {
        Mode::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Mode::PushOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set_up(&conn)?;
    if mode == Mode::PushOnly {
        conn.execute_batch("PRAGMA query_only = ON")?;
    }
    Ok(conn)
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    open_writer(path, Mode::PushOnly)
}

/// What every connection is given. Says nothing about the journal, which belongs to the file.
pub(crate) fn set_up(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS.into()))?;
    // without it SQLite plans a statement anew whenever a value is bound that a partial index or a LIMIT depends on
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch(PRAGMAS)?;
    Ok(())
}

/// Runs `f` in a transaction that has the right to write from its first statement.
pub(crate) fn immediate<R>(
    conn: &mut Connection,
    f: impl FnOnce(&Connection) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = f(tx.deref())?;
    tx.commit()?;
    Ok(result)
}

/// Runs `f` in a transaction that sees one state of the file.
pub(crate) fn snapshot<R>(
    conn: &Connection,
    f: impl FnOnce(&Connection) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let tx = conn.unchecked_transaction()?;
    let result = f(tx.deref())?;
    tx.commit()?;
    Ok(result)
}
