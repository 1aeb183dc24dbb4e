//! A damaged file: moved aside, never deleted, and what can be read of it saved into a fresh one.
//!
//! Base can be had from the server again; operations may exist nowhere else. An operation's hash proves that its bytes are whole, wherever in
//! the file they were found, so the salvage reads in two ways: through SQLite from both ends of each table, and page by page past SQLite for
//! what it can no longer reach.
//!
//! The work can be interrupted at any point. The marker `<db>.damaged` says that it is due; what it holds is the name of the folder that the
//! files are moved to. The fresh file gets its name only when it is complete.

mod carve;
pub(crate) mod rescue;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::connections;
use crate::error::StoreError;
use crate::open;

/// What was saved of a damaged file, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged files are.
    pub folder: PathBuf,
    /// Operations that wait to be sent, saved.
    pub outbox: u64,
    /// Answered operations, saved.
    pub history: u64,
    /// Entries of the attention list, saved.
    pub attention: u64,
    /// Scopes whose names were saved. All of them are to be had from the server again.
    pub scopes: u64,
    /// Points of a track that were not packed yet, saved. Those that only the raw pages still held are not: they cannot be told from points that
    /// had been packed.
    pub track_points: u64,
    /// Segments of tracks that stay on this phone, saved.
    pub tracks_kept: u64,
    /// Slots of the camera that no photo had come of yet, saved.
    pub captures: u64,
    /// What was known of files of photos, saved.
    pub photo_files: u64,
    /// Whether the file still said who works with it.
    pub identity: bool,
    /// Whether the file still said where the device's chain stands. When not, the next operation's count leaves a gap of 1000, and the server
    /// reports the counts in between as missing.
    pub chain: bool,
    /// Of `outbox` and `history`, those that SQLite could no longer reach.
    pub carved: u64,
    /// Operations that were made here and could not be saved. When the chain's place was not readable: at least so many.
    pub lost: u64,
}

/// Page size of our databases, bytes: SQLite's default.
const PAGE: u64 = 4096;

/// The files of one database: the log and its index first, so that the file itself tells whether all have been moved.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", ""];

/// Page sizes and text encodings are SQLite's to check; this is what it would take for an instruction rather than for damage.
const HEADER_LEN: usize = 100;

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

fn marker(path: &Path) -> PathBuf {
    with_suffix(path, ".damaged")
}

/// Notes that the file is damaged. The next open deals with it.
pub(crate) fn mark(path: &Path) {
    let created = File::options()
        .write(true)
        .create_new(true)
        .open(marker(path));
    // without room for the marker the damage shows again at the next open, by itself
    if let Ok(file) = created {
        let _ = file.sync_all();
        let _ = open::sync_folder(path);
    }
}

/// Whether the first 100 bytes can be those of a database that this crate made. Some damage there makes SQLite refuse to write, or read
/// otherwise than it was written, without calling it damage.
pub(crate) fn header_is_plausible(path: &Path) -> Result<bool, StoreError> {
    let mut header = [0_u8; HEADER_LEN];
    let mut file = File::open(path)?;
    let mut have = 0;
    while let Some(rest) = header.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if have == 0 {
        return Ok(true);
    }
    let byte = |at: usize| header.get(at).copied().unwrap_or(0);
    let word = |at: usize| u32::from_be_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    let journal = [byte(18), byte(19)];
    let encoding = word(56);
    Ok(have == HEADER_LEN
        && header.starts_with(b"SQLite format 3\0")
        && (journal == [1, 1] || journal == [2, 2])
        && byte(20) == 0
        && (encoding == 0 || encoding == 1)
        && word(44) <= 4)
}

/// Whether a file without a plausible header can be a database of ours that lost it: a log lies beside it, or it has the size of whole pages and
/// binary content. A text or a picture that somebody named by mistake is left where it is.
pub(crate) fn may_have_been_ours(path: &Path) -> Result<bool, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return Ok(true);
    }
    let length = fs::metadata(path)?.len();
    let mut start = Vec::new();
    File::open(path)?.take(16 * PAGE).read_to_end(&mut start)?;
    Ok(length % PAGE == 0 && start.contains(&0))
}

/// Does the salvage that is due, or finishes one that was interrupted. `None` when none is due.
pub(crate) fn finish(path: &Path) -> Result<Option<Salvage>, StoreError> {
    let marker = marker(path);
    let named = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
        Err(error) => return Err(error.into()),
    };
    let folder = match named.trim().parse::<u32>() {
        Ok(number) => folder(path, number),
        Err(_) => choose_folder(path, &marker)?,
    };
    let moved = folder.join(path.file_name().unwrap_or_default());
    // the fresh file is in place already: only the marker was left
    let finished = moved.exists() && path.exists();
    let salvage = if finished {
        None
    } else {
        move_aside(path, &folder)?;
        Some(rebuild(path, &folder, &moved)?)
    };
    fs::remove_file(&marker)?;
    open::sync_folder(path)?;
    Ok(salvage)
}

fn folder(path: &Path, number: u32) -> PathBuf {
    with_suffix(path, &format!(".damaged-{number}"))
}

/// The first folder that does not exist yet. Its number goes into the marker before anything is moved.
fn choose_folder(path: &Path, marker: &Path) -> Result<PathBuf, StoreError> {
    let mut number = 1;
    while folder(path, number).exists() {
        number += 1;
    }
    let mut file = File::create(marker)?;
    file.write_all(number.to_string().as_bytes())?;
    file.sync_all()?;
    Ok(folder(path, number))
}

fn move_aside(path: &Path, folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder)?;
    for suffix in SUFFIXES {
        let from = with_suffix(path, suffix);
        let Some(name) = from.file_name() else {
            continue;
        };
        match fs::rename(&from, folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    open::sync_folder(&folder.join("x"))?;
    open::sync_folder(path)
}

/// Builds the fresh file beside the place where it belongs, and moves it there when it is complete.
fn rebuild(path: &Path, folder: &Path, damaged: &Path) -> Result<Salvage, StoreError> {
    let fresh = with_suffix(path, ".salvaging");
    for suffix in SUFFIXES {
        // of an attempt that was interrupted
        match fs::remove_file(with_suffix(&fresh, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let (mut conn, _) = open::open_file(&fresh)?;
    let found = rescue::read(damaged);
    let mut salvage = connections::immediate(&mut conn, |tx| rescue::write(tx, found))?;
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    conn.close().map_err(|(_, error)| error)?;
    fs::rename(&fresh, path)?;
    open::sync_folder(path)?;
    salvage.folder = folder.to_owned();
    Ok(salvage)
}
