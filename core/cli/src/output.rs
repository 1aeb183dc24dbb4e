//! Files that the command line writes: whole, or not at all, and never over another without being told.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::args::NewFile;
use crate::failure::{Outcome, Own};

impl NewFile {
    /// Refuses early what [`Self::write`] would refuse in the end, before any work is done for it.
    pub(crate) fn check(&self) -> Outcome {
        if !self.force && self.new_file.try_exists()? {
            return Err(self.there().into());
        }
        Ok(())
    }

    /// Writes beside the place, and moves there what is complete and on the disk. Whatever fails leaves what was there.
    pub(crate) fn write<T>(&self, fill: impl FnOnce(&mut dyn Write) -> Outcome<T>) -> Outcome<T> {
        let draft = Draft::beside(&self.new_file)?;
        let mut out = BufWriter::new(&draft.file);
        let filled = fill(&mut out)?;
        out.flush()?;
        drop(out);
        draft.file.sync_all()?;
        if self.force {
            fs::rename(&draft.path, &self.new_file)?;
        } else if let Err(error) = fs::hard_link(&draft.path, &self.new_file) {
            // a link is refused where something is; file systems without links are asked instead
            if error.kind() == io::ErrorKind::AlreadyExists || self.new_file.try_exists()? {
                return Err(self.there().into());
            }
            fs::rename(&draft.path, &self.new_file)?;
        }
        // the name is on the disk once its folder is; where a folder cannot be synced, the file is there all the same
        let _ = File::open(folder(&self.new_file)).and_then(|folder| folder.sync_all());
        Ok(filled)
    }

    /// The path, as text.
    pub(crate) fn name(&self) -> String {
        self.new_file.display().to_string()
    }

    fn there(&self) -> Own {
        Own::FileThere(self.name())
    }
}

fn folder(path: &Path) -> &Path {
    let parent = path.parent();
    parent
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file that goes away unless it was moved to its place.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}.part", std::process::id()));
        let path = folder(path).join(draft);
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // moved away already when all went well
        let _ = fs::remove_file(&self.path);
    }
}
