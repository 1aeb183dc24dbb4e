//! Files that are written: whole, or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Writes `path` by `fill`, under another name beside it until it is whole and on the disk. A failure leaves what was there before.
pub(crate) fn write<T>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Outcome<T>,
) -> Outcome<T> {
    let aside = beside(path);
    let written = File::create(&aside)
        .map_err(Failure::from)
        .and_then(|file| {
            let mut out = BufWriter::new(file);
            let filled = fill(&mut out)?;
            out.flush()?;
            out.get_ref().sync_all()?;
            Ok(filled)
        });
    let placed = written.and_then(|filled| {
        std::fs::rename(&aside, path)?;
        sync_folder(path)?;
        Ok(filled)
    });
    if placed.is_err() {
        // half a file is of no use; that it stays is no harm
        let _ = std::fs::remove_file(&aside);
    }
    placed
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Makes the new name of a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    #[cfg(unix)]
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_or_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.txt");
        write(&path, |out| Ok(out.write_all(b"first")?)).unwrap();
        let failed = write(&path, |out| {
            out.write_all(b"second, half")?;
            Err::<(), _>(io::Error::other("disk").into())
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
