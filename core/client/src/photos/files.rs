//! The folder of photos beside the database: `inbox/` with the slots, originals under their hash, `previews/` likewise.
//!
//! What the tables say of a file is relative to the folder, because the container of an app moves with updates.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use waymark_domain::hash::Hash;
use waymark_domain::photo::MAX_BYTES;

use crate::error::{ErrorCode, WaymarkError};
use crate::keys::sync_folder;

/// Bytes that have to stay free beside a photo: for its preview and for the database with its log.
const MARGIN: u64 = 4 << 20;

const INBOX: &str = "inbox";
const PREVIEWS: &str = "previews";

/// The folder of photos.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
}

/// A file that a look around found.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the folder.
    pub(super) path: String,
    pub(super) len: u64,
}

impl Files {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn exists(&self) -> bool {
        self.root.is_dir()
    }

    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The file of a slot. Its ending says nothing about what the camera writes.
    pub(super) fn slot(id: impl std::fmt::Display) -> String {
        format!("{INBOX}/{id}.jpg")
    }

    /// Where an original with this hash lies.
    pub(super) fn original(sha256: Hash, extension: &str) -> String {
        addressed("", sha256, extension)
    }

    /// Where a preview with this hash lies.
    pub(super) fn preview(sha256: Hash) -> String {
        addressed("previews/", sha256, "jpg")
    }

    /// The hash in the name of an original; `None` for any other file.
    pub(super) fn hash_of(path: &str) -> Option<Hash> {
        let (folder, name) = path.split_once('/')?;
        let (rest, _) = name.split_once('.')?;
        Hash::from_hex(&format!("{folder}{rest}"))
    }

    /// Makes the file of a slot and holds `expected` bytes for it where the system can. Gives the bytes that are held.
    ///
    /// A full disk is known here, before the camera opens.
    pub(super) fn reserve(&self, path: &str, expected: u64) -> Result<u64, WaymarkError> {
        let place = self.absolute(path);
        self.make_folder_of(&place)?;
        self.check_room(expected)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&place)?;
        let held = match hold(&file, expected) {
            Ok(held) => held,
            Err(error) => {
                drop(file);
                fs::remove_file(&place)?;
                return Err(match error.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => self.no_room(expected),
                    _ => error.into(),
                });
            }
        };
        file.sync_all()?;
        sync_folder(&place)?;
        Ok(held)
    }

    #[cfg(unix)]
    fn free(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    #[cfg(not(unix))]
    fn free(&self) -> Option<u64> {
        None
    }

    fn check_room(&self, expected: u64) -> Result<(), WaymarkError> {
        let needed = expected.saturating_add(MARGIN);
        match self.free() {
            Some(free) if free < needed => Err(self.no_room(expected)),
            _ => Ok(()),
        }
    }

    fn no_room(&self, expected: u64) -> WaymarkError {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let needed = megabytes(expected.saturating_add(MARGIN)).saturating_add(1);
        let free = self.free().map_or(0, megabytes);
        WaymarkError::new(ErrorCode::NoRoom, format!("{free} MB < {needed} MB"))
    }

    /// The bytes of a file; `None` when it is not there or empty.
    pub(super) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, WaymarkError> {
        read(&self.absolute(path))
    }

    /// How long a file is; `None` when it is not there.
    pub(super) fn len(&self, path: &str) -> Result<Option<u64>, WaymarkError> {
        match fs::metadata(self.absolute(path)) {
            Ok(meta) => Ok(meta.is_file().then_some(meta.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// When a file was written last, milliseconds since 1970 by the device's wall clock.
    pub(super) fn written_ms(&self, path: &str) -> Option<i64> {
        let written = fs::metadata(self.absolute(path)).ok()?.modified().ok()?;
        let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    }

    /// Makes the bytes of a file and its name durable.
    pub(super) fn sync(&self, path: &str) -> Result<(), WaymarkError> {
        let place = self.absolute(path);
        File::open(&place)?.sync_all()?;
        sync_folder(&place)
    }

    /// Moves a file that is durable to the address of its hash. A file that is there already stays if it has the same bytes.
    pub(super) fn place(&self, from: &str, to: &str, sha256: Hash) -> Result<(), WaymarkError> {
        if from == to {
            return Ok(());
        }
        let (source, place) = (self.absolute(from), self.absolute(to));
        self.make_folder_of(&place)?;
        if read(&place)?.is_some_and(|bytes| Hash::of(&bytes) == sha256) {
            return Ok(());
        }
        fs::rename(&source, &place)?;
        sync_folder(&place)?;
        sync_folder(&source)
    }

    /// Writes a file that is derived from another: aside, then renamed.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), WaymarkError> {
        let place = self.absolute(path);
        self.make_folder_of(&place)?;
        let aside = place.with_extension("new");
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, &place)?;
        sync_folder(&place)
    }

    /// Copies a file of somebody else's into a slot.
    pub(super) fn bring(&self, from: &Path, path: &str) -> Result<(), WaymarkError> {
        let source = File::open(from).map_err(|error| match error.kind() {
            ErrorKind::NotFound => WaymarkError::new(ErrorCode::NoPicture, ""),
            _ => error.into(),
        })?;
        let mut file = File::create(self.absolute(path))?;
        let copied = std::io::copy(&mut source.take(MAX_BYTES + 1), &mut file)?;
        if copied > MAX_BYTES {
            return Err(too_large());
        }
        file.sync_all()?;
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, path: &str) -> Result<(), WaymarkError> {
        match fs::remove_file(self.absolute(path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The files of slots.
    pub(super) fn inbox(&self) -> Result<Vec<Found>, WaymarkError> {
        let mut found = Vec::new();
        self.look_into(INBOX, &mut found)?;
        Ok(found)
    }

    /// The originals.
    pub(super) fn originals(&self) -> Result<Vec<Found>, WaymarkError> {
        let mut found = Vec::new();
        for folder in folders(&self.root)? {
            if folder != INBOX && folder != PREVIEWS {
                self.look_into(&folder, &mut found)?;
            }
        }
        Ok(found)
    }

    /// The previews, and what a death left of writing them.
    pub(super) fn previews(&self) -> Result<Vec<Found>, WaymarkError> {
        let mut found = Vec::new();
        for folder in folders(&self.root.join(PREVIEWS))? {
            self.look_into(&format!("{PREVIEWS}/{folder}"), &mut found)?;
        }
        Ok(found)
    }

    fn look_into(&self, folder: &str, found: &mut Vec<Found>) -> Result<(), WaymarkError> {
        for entry in entries(&self.root.join(folder))? {
            let (meta, name) = (entry.metadata()?, entry.file_name());
            // a name that is no text is none of ours
            if let (true, Some(name)) = (meta.is_file(), name.to_str()) {
                found.push(Found {
                    path: format!("{folder}/{name}"),
                    len: meta.len(),
                });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    fn make_folder_of(&self, place: &Path) -> Result<(), WaymarkError> {
        let Some(folder) = place.parent().filter(|folder| !folder.is_dir()) else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        // the new name lies in the folder above, and that one's may be new as well
        sync_folder(folder)?;
        sync_folder(&self.root)
    }
}

pub(super) fn too_large() -> WaymarkError {
    let most = MAX_BYTES / 1_000_000;
    WaymarkError::new(ErrorCode::NotAPicture, format!("> {most} MB"))
}

fn addressed(before: &str, sha256: Hash, extension: &str) -> String {
    let hex = sha256.to_string();
    // a hash has 64 digits
    let (first, rest) = hex.split_at_checked(2).unwrap_or((&hex, ""));
    format!("{before}{first}/{rest}.{extension}")
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WaymarkError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let len = file.metadata()?.len();
    if len > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok((!bytes.is_empty()).then_some(bytes))
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, WaymarkError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.collect::<Result<_, _>>()?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The names of the folders in a folder.
fn folders(folder: &Path) -> Result<Vec<String>, WaymarkError> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        if let (true, Some(name)) = (entry.file_type()?.is_dir(), entry.file_name().to_str()) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Holds bytes for a file that stays empty, so that nobody takes an empty slot for a picture. Gives how many; 0 where the file system cannot.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn hold(file: &File, bytes: u64) -> std::io::Result<u64> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Ok(()) => Ok(bytes),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn hold(_: &File, _: u64) -> std::io::Result<u64> {
    // elsewhere the free space was looked at, and that has to do
    Ok(0)
}
