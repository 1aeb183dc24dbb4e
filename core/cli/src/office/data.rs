//! The server's data folder, and `waymark server …`.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use waymark_client::system::{SystemClock, SystemEntropy};
use waymark_server::Server;
use waymark_server::storage::sqlite::SqliteStorage;

use crate::args::{Backup, ServerData};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::office as words;

/// A data folder that nobody else's server works in.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder, makes it when it is not there, readable only by its owner: the server's key lies in it.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        make_private(path).map_err(|error| wrong(path, &error.kind().to_string()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("server.lock"));
        let lock = lock.map_err(|error| wrong(path, &error.kind().to_string()))?;
        lock.try_lock().map_err(|_| wrong(path, "in use"))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("server.db")
    }
}

fn wrong(path: &Path, why: &str) -> Own {
    Own::ServerData(format!("{}: {why}", path.display()))
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(crate) fn run(context: &Context, what: ServerData) -> Outcome {
    match what {
        ServerData::Backup(args) => backup(context, &args),
        ServerData::Restore(args) => restore(context, &args),
    }
}

/// Copies the database as it is at one moment. A server may be running on it.
fn backup(context: &Context, args: &Backup) -> Outcome {
    let database = args.data.join("server.db");
    if !database.is_file() {
        return Err(Own::NoSuchFile(database.display().to_string()).into());
    }
    if args.file.exists() {
        return Err(Own::DataThere(args.file.display().to_string()).into());
    }
    SqliteStorage::open(&database)?.backup_into(&args.file)?;
    context.show(&json!({ "backup": args.file }), || {
        words::backed_up(context.lang, args.file.display())
    })
}

/// Puts a backup in place and begins a new continuity of the log, so that devices send again what the backup lacks.
fn restore(context: &Context, args: &Backup) -> Outcome {
    if !args.file.is_file() {
        return Err(Own::NoSuchFile(args.file.display().to_string()).into());
    }
    let folder = Folder::open(&args.data)?;
    let database = folder.database();
    if database.exists() {
        return Err(Own::DataThere(args.data.display().to_string()).into());
    }
    // tried beside its place first: what is no backup never gets there
    let aside = args.data.join("server.db.restoring");
    std::fs::copy(&args.file, &aside).map_err(|error| wrong(&aside, &error.kind().to_string()))?;
    let tried = try_backup(&aside);
    if tried.is_err() {
        // the copy is of no use; that it stays is no harm
        let _ = std::fs::remove_file(&aside);
    }
    tried?;
    std::fs::rename(&aside, &database)
        .map_err(|error| wrong(&database, &error.kind().to_string()))?;
    File::open(&args.data)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| wrong(&args.data, &error.kind().to_string()))?;
    context.show(&json!({ "restored": args.data }), || {
        words::restored(context.lang, args.data.display())
    })
}

fn try_backup(path: &Path) -> Outcome {
    let storage = SqliteStorage::open(path)?;
    Server::new(
        storage,
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
    )?
    .rotate_epoch()?;
    Ok(())
}
