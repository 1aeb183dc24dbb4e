//! Databases in memory that outlive the connections to them, so that a process can die and be started again, and the switch that kills it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

static NAMES: AtomicU64 = AtomicU64::new(0);

/// A database in memory. It is gone with this value; connections come and go.
#[derive(Debug)]
pub struct MemoryDatabase {
    address: Address,
    keeper: Connection,
}

/// Where a [`MemoryDatabase`] is, for as long as it lives.
#[derive(Debug, Clone)]
pub struct Address(String);

impl Address {
    /// A connection to it.
    ///
    /// # Panics
    /// When SQLite has no memory.
    #[must_use]
    pub fn connect(&self) -> Connection {
        open(&self.0)
    }

    /// A connection whose commits `switch` can stop.
    ///
    /// # Panics
    /// When SQLite has no memory.
    #[must_use]
    pub fn connect_with(&self, switch: &Arc<KillSwitch>) -> Connection {
        let mut connection = self.connect();
        let switch = Arc::clone(switch);
        connection
            .commit_hook(Some(move || switch.refuses()))
            .expect("a hook");
        connection
    }
}

impl MemoryDatabase {
    /// An empty one.
    ///
    /// # Panics
    /// When SQLite has no memory.
    #[must_use]
    pub fn new() -> Self {
        let number = NAMES.fetch_add(1, Ordering::Relaxed);
        // SQLite's VFS of this name shares what begins with a slash among the connections of a process
        let name = format!("file:/waymark-{number}?vfs=memdb");
        let keeper = open(&name);
        let address = Address(name);
        Self { address, keeper }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// A copy of what is committed now.
    ///
    /// # Panics
    /// When somebody is in the middle of a transaction.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        self.keeper
            .execute("VACUUM INTO ?1", [&copy.address.0])
            .expect("a copy");
        copy
    }

    /// A look at it from outside, for a test that does not trust the code under test.
    #[must_use]
    pub const fn look(&self) -> &Connection {
        &self.keeper
    }
}

impl Default for MemoryDatabase {
    fn default() -> Self {
        Self::new()
    }
}

fn open(name: &str) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(name, flags).expect("a database in memory");
    // SQLite would otherwise plan some statements anew for every value they are given
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .expect("a setting");
    connection
}

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Within a transaction: it is undone.
    Within,
    /// Right after a transaction: it stands, and nobody hears of it.
    After,
    /// Not at all: the commit fails, and the process goes on.
    Refused,
}

/// Kills whoever commits. A dead process commits nothing and says nothing; its network calls look at [`KillSwitch::is_dead`].
#[derive(Debug, Default)]
pub struct KillSwitch {
    dead: AtomicBool,
    armed: AtomicBool,
    countdown: AtomicI64,
    times: AtomicI64,
    how: AtomicI64,
    commits: AtomicU64,
}

impl KillSwitch {
    /// One that kills nobody yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Strikes at the commit after `commits` more.
    pub fn arm(&self, how: Death, commits: i64) {
        self.arm_times(how, commits, 1);
    }

    /// Strikes at the commit after `commits` more, and at those that follow: `times` in all, as a disk that is full for a while.
    pub fn arm_times(&self, how: Death, commits: i64, times: i64) {
        self.times.store(times, Ordering::Relaxed);
        self.how.store(how as i64, Ordering::Relaxed);
        self.countdown.store(commits, Ordering::Relaxed);
        self.armed.store(true, Ordering::Relaxed);
    }

    /// Nobody dies any more.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    /// Whether it is armed and has not struck yet.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Dies now.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Whether it has struck.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// How many commits stood.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn refuses(&self) -> bool {
        if self.is_dead() {
            return true;
        }
        let strikes = self.is_armed() && self.countdown.fetch_sub(1, Ordering::Relaxed) <= 0;
        let refuses = strikes && {
            if self.times.fetch_sub(1, Ordering::Relaxed) <= 1 {
                self.disarm();
            }
            let how = self.how.load(Ordering::Relaxed);
            if how != Death::Refused as i64 {
                self.kill();
            }
            how != Death::After as i64
        };
        if !refuses {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        refuses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_survives_its_connections_and_a_copy_goes_its_own_way() {
        let database = MemoryDatabase::new();
        database
            .address()
            .connect()
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
            .unwrap();
        let copy = database.copy();
        database
            .address()
            .connect()
            .execute("INSERT INTO t VALUES (2)", [])
            .unwrap();
        let count = |of: &MemoryDatabase| -> i64 {
            of.look()
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!((count(&database), count(&copy)), (2, 1));
    }

    #[test]
    fn the_switch_strikes_within_or_after_a_transaction() {
        let database = MemoryDatabase::new();
        database
            .address()
            .connect()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        for (how, stands) in [(Death::Within, 1), (Death::After, 2), (Death::Refused, 1)] {
            database
                .address()
                .connect()
                .execute("DELETE FROM t", [])
                .unwrap();
            let switch = KillSwitch::new();
            let connection = database.address().connect_with(&switch);
            switch.arm(how, 1);
            connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
            let second = connection.execute("INSERT INTO t VALUES (2)", []);
            assert_eq!(second.is_ok(), how == Death::After);
            assert_eq!(switch.is_dead(), how != Death::Refused);
            let count: i64 = database
                .look()
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(count, stands, "{how:?}");
        }
    }
}
