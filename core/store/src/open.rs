//! Opening: is it ours, is it sound, is it up to date.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use waymark_domain::ids::Epoch;

use crate::attention;
use crate::connections::{self, Connections};
use crate::digests::Digests;
use crate::error::StoreError;
use crate::fold;
use crate::identity::Identity;
use crate::ledger;
use crate::meta;
use crate::salvage::{self, Salvage};
use crate::schema::{self, APPLICATION_ID, STEPS};
use crate::store::{Mode, Store};

/// The first release without the WAL-reset bug, by which two connections could lose pages.
const OLDEST_SQLITE: i32 = 3_051_003;

/// A store, and what was found when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was found.
    pub report: OpenReport,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// There was no file, or an empty one.
    pub created: bool,
    /// The schema's version before this open brought it up to date.
    pub migrated_from: Option<u32>,
    /// The views were folded anew.
    pub views_rebuilt: bool,
    /// What may be done with the file.
    pub mode: Mode,
    /// Operations whose bytes do not give their hash any more: set aside for a person, never sent.
    pub damaged_ops: u64,
    /// The file was damaged: what was saved of it.
    pub salvage: Option<Salvage>,
}

/// What a file turns out to be.
enum Nature {
    Fresh,
    Ours,
    Newer,
}

pub(crate) fn open(path: &Path) -> Result<Opened, StoreError> {
    refuse_old_sqlite()?;
    let salvaged = salvage::finish(path)?;
    let (conn, mut report) = match open_file(path) {
        Err(StoreError::Corrupt) => {
            salvage::mark(path);
            let salvaged = salvage::finish(path)?;
            let (conn, mut report) = open_file(path)?;
            report.salvage = salvaged;
            (conn, report)
        }
        other => other?,
    };
    report.salvage = report.salvage.or(salvaged);
    let connections = Connections::to_file(path, conn, report.mode)?;
    Ok(Opened {
        store: Store::new(connections),
        report,
    })
}

pub(crate) fn from_connection(mut conn: Connection) -> Result<Opened, StoreError> {
    refuse_old_sqlite()?;
    connections::set_up(&conn)?;
    let report = bring_up(&mut conn)?;
    let connections = Connections::borrowed(conn, report.mode);
    Ok(Opened {
        store: Store::new(connections),
        report,
    })
}

fn refuse_old_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() >= OLDEST_SQLITE {
        Ok(())
    } else {
        Err(StoreError::SqliteTooOld(rusqlite::version().to_owned()))
    }
}

/// Opens the connection that writes and brings the file up to date.
pub(crate) fn open_file(path: &Path) -> Result<(Connection, OpenReport), StoreError> {
    let existed = path.exists();
    if existed && !salvage::header_is_plausible(path)? {
        let ours = salvage::may_have_been_ours(path)?;
        return Err(if ours {
            StoreError::Corrupt
        } else {
            StoreError::NotOurs
        });
    }
    let mut conn = connections::open_writer(path, Mode::ReadWrite)?;
    // a newer file is left exactly as it is: closing must not move its log either
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let report = bring_up(&mut conn)?;
    if !existed {
        sync_folder(path)?;
    }
    match report.mode {
        Mode::ReadWrite => {
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            Ok((conn, report))
        }
        Mode::PushOnly => {
            drop(conn);
            let conn = connections::open_writer(path, Mode::PushOnly)?;
            Ok((conn, report))
        }
    }
}

/// Makes the name of a new file durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn bring_up(conn: &mut Connection) -> Result<OpenReport, StoreError> {
    let nature = nature(conn)?;
    let mut report = OpenReport {
        created: matches!(nature, Nature::Fresh),
        migrated_from: None,
        views_rebuilt: false,
        mode: Mode::ReadWrite,
        damaged_ops: 0,
        salvage: None,
    };
    if matches!(nature, Nature::Newer) {
        report.mode = Mode::PushOnly;
        return Ok(report);
    }
    // an in-memory database answers "memory": nothing to insist on
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    connections::immediate(conn, |tx| {
        let migrated = schema::migrate(tx, STEPS)?;
        report.migrated_from = migrated.filter(|_| !report.created);
        let (damaged_ops, rebuilt) = verify(tx).map_err(unreadable)?;
        report.damaged_ops = damaged_ops;
        report.views_rebuilt = rebuilt && !report.created;
        Ok(())
    })?;
    Ok(report)
}

/// Reads what every piece of work will need, sets operations aside whose bytes have changed, and rebuilds the views if that is due. Gives how
/// many operations were set aside, and whether the views are new.
fn verify(tx: &Connection) -> Result<(u64, bool), StoreError> {
    refuse_missing_rows(tx)?;
    meta::get::<Identity>(tx, meta::IDENTITY)?;
    meta::anchors(tx)?;
    meta::get::<Epoch>(tx, meta::EPOCH)?;
    meta::counter(tx, meta::CHECKPOINT)?;
    Digests::load(tx)?;
    let (damaged_ops, records) = attention::set_damaged_aside(tx)?;
    let rebuilt = fold::rebuild_if_changed(tx)?;
    if !rebuilt {
        fold::refold_all(tx, &records)?;
    }
    Ok((damaged_ops, rebuilt))
}

/// A damaged page can hide rows without SQLite noticing: then the account of all operations does not balance, or the outbox or history has
/// another number of rows than its index.
fn refuse_missing_rows(tx: &Connection) -> Result<(), StoreError> {
    let account = ledger::account(tx)?;
    let history = ledger::count(tx, ledger::HISTORY)?;
    if account.balances()
        && ledger::count(tx, ledger::OUTBOX_ROWS)? == account.pending
        && ledger::count(tx, ledger::HISTORY_ROWS)? == history
    {
        Ok(())
    } else {
        Err(StoreError::Corrupt)
    }
}

/// Tells a fresh file, ours, a later version's, another program's and a damaged header apart. The header's numbers have no checksum, so
/// they are believed only where the content agrees.
fn nature(conn: &Connection) -> Result<Nature, StoreError> {
    let ours: i32 = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(damaged)?;
    let version = schema::user_version(conn)?;
    if schema::objects(conn).map_err(schema_damaged)? == 0 {
        return if version == 0 && (ours == 0 || ours == APPLICATION_ID) {
            Ok(Nature::Fresh)
        } else if ours == APPLICATION_ID {
            Err(StoreError::Corrupt)
        } else {
            Err(StoreError::NotOurs)
        };
    }
    let recorded: Option<u32> = recorded_version(conn)?;
    if ours != APPLICATION_ID {
        return Err(if recorded.is_some() {
            StoreError::Corrupt
        } else {
            StoreError::NotOurs
        });
    }
    match recorded {
        Some(recorded) if recorded != version => Err(StoreError::Corrupt),
        _ if version > schema::version_of(STEPS) => Ok(Nature::Newer),
        None => Err(StoreError::Corrupt),
        Some(_) => Ok(Nature::Ours),
    }
}

fn recorded_version(conn: &Connection) -> Result<Option<u32>, StoreError> {
    match meta::get(conn, meta::SCHEMA) {
        Ok(version) => Ok(version),
        // no such table, or a value that is no number
        Err(StoreError::Sqlite(_) | StoreError::Unreadable(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

// an existing file of which not even the schema reads, for a reason that is not the disk's
fn schema_damaged(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(_) => StoreError::Corrupt,
        other => other,
    }
}

// our own file, up to date, and still a value is not what its column holds
fn unreadable(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(_) | StoreError::Unreadable(_) => StoreError::Corrupt,
        other => other,
    }
}

fn damaged(error: rusqlite::Error) -> StoreError {
    schema_damaged(error.into())
}
