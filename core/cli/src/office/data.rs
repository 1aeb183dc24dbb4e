//! The server's data folder, and `waymark server …`.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use waymark_client::system::{SystemClock, SystemEntropy};
use waymark_server::Server;
use waymark_server::storage::sqlite::SqliteStorage;

use crate::args::{Backup, Hold, ServerData, ServerEvidence};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::moment;
use crate::words::office as words;
use crate::words::rep as rep_words;

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
        ServerData::Retire(args) => retire(context, &args.data),
        ServerData::Hold(args) => hold(context, args),
        ServerData::Evidence(args) => evidence(context, &args),
    }
}

/// A server over the data of a folder that is there, to change it: nobody else's may be running.
fn server_in(data: &Path) -> Outcome<(Folder, Server<SqliteStorage>)> {
    let database = present(data)?;
    let folder = Folder::open(data)?;
    Ok((folder, server_on(&database)?))
}

/// The database in a folder that is there.
fn present(data: &Path) -> Outcome<PathBuf> {
    let database = data.join("server.db");
    if !database.is_file() {
        return Err(Own::NoSuchFile(database.display().to_string()).into());
    }
    Ok(database)
}

fn server_on(database: &Path) -> Outcome<Server<SqliteStorage>> {
    let storage = SqliteStorage::open(database)?;
    let clock = Arc::new(SystemClock::new());
    Ok(Server::new(storage, clock, Arc::new(SystemEntropy))?)
}

fn retire(context: &Context, data: &Path) -> Outcome {
    let (_folder, server) = server_in(data)?;
    let retired = server.retire_now()?;
    context.show(&retired, || {
        let lang = context.lang;
        let counts = retired.records.iter();
        let mut lines: Vec<String> = counts
            .map(|(kind, count)| words::retired(lang, kind, count))
            .collect();
        lines.push(words::retired_ops(lang, retired.ops));
        if retired.held > 0 {
            lines.push(words::retired_held(lang, retired.held));
        }
        lines.join("\n")
    })
}

fn hold(context: &Context, args: Hold) -> Outcome {
    let (_folder, server) = server_in(&args.data)?;
    let users = server.users()?;
    if let Some(text) = &args.of {
        let wanted = text.trim().to_lowercase();
        let mut fitting = users
            .iter()
            .filter(|row| row.user.to_string() == wanted || row.name.to_lowercase() == wanted);
        let (Some(found), None) = (fitting.next(), fitting.next()) else {
            return Err(Own::NoSuchUser(text.clone()).into());
        };
        if args.why.is_some() || args.release {
            server.set_hold(found.user, args.why)?;
        }
    }
    let holds = server.holds()?;
    let name = |user| {
        let found = users.iter().find(|row| row.user == user);
        found.map_or_else(|| user.to_string(), |row| row.name.clone())
    };
    let rows = holds.iter().map(
        |hold| json!({ "user": hold.user, "name": name(hold.user), "since_ms": hold.at_ms, "why": hold.why }),
    );
    context.show(&rows.collect::<Vec<_>>(), || {
        let lang = context.lang;
        if holds.is_empty() {
            return words::no_holds(lang);
        }
        let lines = holds.iter().map(|hold| {
            let since = moment(hold.at_ms, context.offset_min());
            words::held(lang, name(hold.user), since, &hold.why)
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// Reads alone: a server may be running on it.
fn evidence(context: &Context, args: &ServerEvidence) -> Outcome {
    let server = server_on(&present(&args.data)?)?;
    let users = server.users()?;
    let wanted = args.device.trim().to_lowercase();
    let devices = server.device_records()?;
    let mut fitting = devices.iter().filter(|row| {
        let user = users.iter().find(|user| user.user == row.user);
        row.device.to_string().starts_with(&wanted)
            || row.name.to_lowercase() == wanted
            || user.is_some_and(|user| user.name.to_lowercase() == wanted)
    });
    let (false, Some(device), None) = (wanted.is_empty(), fitting.next(), fitting.next()) else {
        return Err(Own::NoSuchDevice(args.device.clone()).into());
    };
    args.to.check()?;
    let report = args
        .to
        .write(|out| Ok(server.export_bundle(device.device, args.day, out, &mut |_| {})?))?;
    let file = args.to.name();
    context.show(&json!({ "bundle": report, "file": file }), || {
        let lang = context.lang;
        let written = rep_words::evidence_written(
            lang,
            report.ops,
            report.from,
            report.to,
            report.receipts,
            &file,
        );
        let without = report.without.map(|n| words::bundle_without(lang, n));
        [Some(written), without]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Copies the database as it is at one moment. A server may be running on it.
fn backup(context: &Context, args: &Backup) -> Outcome {
    let database = present(&args.data)?;
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
    server_on(path)?.rotate_epoch()?;
    Ok(())
}
