//! The embedded database, for one machine.
//!
//! One connection writes; whoever gets it commits the work of everybody who waits (group commit). A few others read, each from one snapshot.

mod group;
#[cfg(test)]
mod plans;
mod schema;
mod sql;
mod tx;
mod view;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use self::group::{Queued, Task};
use self::sql::Sql;
use super::{Storage, Tx, View};
use crate::error::{Error, Result};

/// Most connections that read at the same time. SQLite reads are bound by the processor, and phones do not wait for one another long.
const MAX_READERS: usize = 4;

/// How long a connection waits for another process that holds the file, such as a backup.
const BUSY: Duration = Duration::from_secs(5);

/// WAL mode loses pages when two connections checkpoint at the same instant, in every version before this one (fixed 2026-03-13).
const OLDEST_SQLITE: i32 = 3_051_003;

/// A database in a file, or in memory.
pub struct SqliteStorage {
    writer: Mutex<Connection>,
    queue: Mutex<VecDeque<Box<dyn Queued>>>,
    readers: Option<Readers>,
}

struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

impl SqliteStorage {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be opened, is not a Waymark server's, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let mut writer = Connection::open(path)?;
        writer.busy_timeout(BUSY)?;
        writer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        prepare(&mut writer)?;
        let readers = Readers {
            path: path.to_owned(),
            pool: Mutex::default(),
            returned: Condvar::new(),
        };
        Ok(Self {
            writer: Mutex::new(writer),
            queue: Mutex::default(),
            readers: Some(readers),
        })
    }

    /// A database in memory, gone with the value. Reads go through the writer.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn in_memory() -> Result<Self> {
        Self::over(Connection::open_in_memory()?)
    }

    /// A database over a connection that the caller has opened, with its hooks. Reads go through the same connection.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn over(mut connection: Connection) -> Result<Self> {
        prepare(&mut connection)?;
        Ok(Self {
            writer: Mutex::new(connection),
            queue: Mutex::default(),
            readers: None,
        })
    }

    /// Writes a whole and compact copy to `to`, which must not exist. Writers wait meanwhile, readers do not.
    ///
    /// Who puts a copy in place of the database calls [`crate::Server::rotate_epoch`] before the first request.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn backup_into(&self, to: &Path) -> Result<()> {
        let to = to
            .to_str()
            .ok_or_else(|| Error::Storage("the path is not UTF-8".to_owned()))?;
        lock(&self.writer).execute("VACUUM INTO ?1", [to])?;
        Ok(())
    }
}

impl Storage for SqliteStorage {
    fn read<T>(&self, job: impl FnOnce(&dyn View) -> Result<T>) -> Result<T> {
        let Some(readers) = &self.readers else {
            return snapshot(&lock(&self.writer), job);
        };
        let lent = readers.lend()?;
        match &lent.connection {
            Some(connection) => snapshot(connection, job),
            None => Err(Error::Storage("no reader".to_owned())),
        }
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (task, answer) = Task::new(job);
        lock(&self.queue).push_back(Box::new(task));
        // whoever holds the writer may have done the work while this thread waited for it
        let writer = lock(&self.writer);
        loop {
            match answer.try_recv() {
                Ok(answer) => return answer,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    return Err(Error::Storage("the work was dropped".to_owned()));
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => {
                    let tasks = group::take(&mut lock(&self.queue));
                    group::commit(&writer, tasks);
                }
            }
        }
    }
}

fn prepare(writer: &mut Connection) -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        let version = rusqlite::version();
        return Err(Error::Storage(format!("SQLite {version} is too old")));
    }
    // without it SQLite plans a statement anew whenever a value is bound that a partial index or a LIMIT depends on
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    writer.set_prepared_statement_cache_capacity(64);
    writer.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cache_size = -32000;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    schema::migrate(writer)
}

fn snapshot<T>(connection: &Connection, job: impl FnOnce(&dyn View) -> Result<T>) -> Result<T> {
    connection.execute_batch("BEGIN")?;
    let result = job(&Sql(connection));
    // nothing was written: how it ends makes no difference to the result
    let ended = connection.execute_batch("ROLLBACK");
    let value = result?;
    ended?;
    Ok(value)
}

/// A connection out of the pool; goes back when it is dropped.
struct Lent<'a> {
    connection: Option<Connection>,
    readers: &'a Readers,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut pool = lock(&self.readers.pool);
        match self.connection.take() {
            // a panic may have left it within a transaction: such a one is closed
            Some(connection) if connection.is_autocommit() => pool.idle.push(connection),
            _ => pool.open -= 1,
        }
        self.readers.returned.notify_one();
    }
}

impl Readers {
    fn lend(&self) -> Result<Lent<'_>> {
        let mut pool = lock(&self.pool);
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(Lent {
                    connection: Some(connection),
                    readers: self,
                });
            }
            if pool.open < MAX_READERS {
                let connection = self.open()?;
                pool.open += 1;
                return Ok(Lent {
                    connection: Some(connection),
                    readers: self,
                });
            }
            pool = self
                .returned
                .wait(pool)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.execute_batch(
            "PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -16000;",
        )?;
        Ok(connection)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
