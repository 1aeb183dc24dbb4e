//! `waymark photo …`, and what it shares with `waymark stamp`: keys, and files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use waymark_client::system::SystemEntropy;
use waymark_domain::ambient::Entropy as _;
use waymark_domain::hash::Hash;
use waymark_photo::limits::MAX_FILE_BYTES;
use waymark_photo::{Error, restore};

use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::photo as words;

#[derive(Debug, Subcommand)]
pub(crate) enum Photo {
    /// Give back the original of a stamped photo, bit for bit
    Restore(Restore),
    /// Make a key for sealing originals
    Key(NewKey),
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The stamped photo
    #[arg(value_name = "IN")]
    pub(crate) photo: PathBuf,
    /// Where the original goes
    #[arg(value_name = "OUT")]
    pub(crate) result: PathBuf,
    /// The key with which it was sealed
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) seal_key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// Where to; the file must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) key_file: PathBuf,
}

pub(crate) fn run(context: &Context, what: Photo) -> Outcome {
    match what {
        Photo::Restore(args) => give_back(context, &args),
        Photo::Key(args) => make_key(context, &args),
    }
}

fn give_back(context: &Context, args: &Restore) -> Outcome {
    let data = read_photo(&args.photo, MAX_FILE_BYTES * 2)?;
    let key = read_key(&args.seal_key)?;
    let original = restore(&data, &key).map_err(Own::Photo)?;
    write_whole(&args.photo, &args.result, &mut |out| {
        out.write_all(&original)
    })?;
    let file = args.result.display().to_string();
    let hash = Hash::of(&original);
    let value = json!({ "file": file, "bytes": original.len(), "sha256": hash });
    context.show(&value, || words::restored(context.lang, &file, hash))
}

fn make_key(context: &Context, args: &NewKey) -> Outcome {
    let mut key = [0; 32];
    SystemEntropy.fill(&mut key);
    let text = format!("{}\n", Hash::from_slice(&key).unwrap_or(Hash::ZERO));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // for its owner alone
        options.mode(0o600);
    }
    let mut file = options.open(&args.key_file).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Own::KeyThere(args.key_file.display().to_string()).into()
        } else {
            crate::failure::Failure::from(error)
        }
    })?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let path = args.key_file.display().to_string();
    context.show(&json!({ "key_file": path }), || {
        words::key_made(context.lang, &path)
    })
}

/// A key as `photo key` writes it: 64 hexadecimal digits.
pub(crate) fn read_key(path: &Path) -> Outcome<[u8; 32]> {
    let file = open(path)?;
    let mut text = String::new();
    // a key is 65 bytes; whatever is much longer is none
    let read = file.take(1024).read_to_string(&mut text);
    let key = read.ok().and_then(|_| Hash::from_hex(text.trim()));
    let key = key.ok_or_else(|| Own::NotAKey(path.display().to_string()))?;
    Ok(*key.as_bytes())
}

/// The whole file, unless it is larger than `limit` bytes.
pub(crate) fn read_photo(path: &Path, limit: usize) -> Outcome<Vec<u8>> {
    let file = open(path)?;
    let mut data = Vec::with_capacity(
        usize::try_from(file.metadata()?.len())
            .unwrap_or(limit)
            .min(limit)
            + 1,
    );
    file.take(limit as u64 + 1).read_to_end(&mut data)?;
    if data.len() > limit {
        return Err(Own::Photo(Error::FileTooLarge(data.len())).into());
    }
    Ok(data)
}

fn open(path: &Path) -> Outcome<File> {
    File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Own::NoSuchFile(path.display().to_string()).into(),
        _ => error.into(),
    })
}

/// Writes a file beside its place, makes it durable and moves it there: it is there whole or not at all. The input is never its place.
pub(crate) fn write_whole(
    input: &Path,
    output: &Path,
    write: &mut dyn FnMut(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Outcome {
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder =
        fs::canonicalize(folder).map_err(|_| Own::NoSuchFile(folder.display().to_string()))?;
    let name = output
        .file_name()
        .ok_or_else(|| Own::NoSuchFile(output.display().to_string()))?;
    let place = folder.join(name);
    let same = |path: &Path| fs::canonicalize(path).is_ok_and(|input| input == place);
    // through links too: whoever names the input as output has made a mistake
    let linked = fs::canonicalize(&place).ok();
    if same(input) || (linked.is_some() && linked == fs::canonicalize(input).ok()) {
        return Err(Own::OverInput(output.display().to_string()).into());
    }
    let mut random = [0; 8];
    SystemEntropy.fill(&mut random);
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{:016x}.part", u64::from_be_bytes(random)));
    let part = folder.join(hidden);
    let done = write_part(&part, write).and_then(|()| fs::rename(&part, &place));
    if let Err(error) = done {
        let _ = fs::remove_file(&part);
        return Err(error.into());
    }
    // the name itself is durable once its folder is
    #[cfg(unix)]
    File::open(&folder)?.sync_all()?;
    Ok(())
}

fn write_part(
    part: &Path,
    write: &mut dyn FnMut(&mut BufWriter<File>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(part)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()
}
