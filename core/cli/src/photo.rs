//! `waymark photo …`, and what it shares with `waymark stamp`: keys, and reading photos.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use waymark_client::system::SystemEntropy;
use waymark_domain::ambient::Entropy as _;
use waymark_domain::hash::Hash;
use waymark_photo::limits::MAX_FILE_BYTES;
use waymark_photo::{Error, restore};
use waymark_protocol::proof::PublicKey;

use crate::args::NewFile;
use crate::args::photo::{
    PhotoAnnotate, PhotoExport, PhotoList, PhotoRecover, PhotoSlot, PhotoTake, PhotoWhich,
    PhotoWithdraw,
};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome, Own};
use crate::rep::photo;
use crate::words::{photo as words, photo_check};

#[derive(Debug, Subcommand)]
pub(crate) enum Photo {
    /// Take a photo for a visit or a customer: a slot, the picture, the record
    Take(PhotoTake),
    /// Open a slot for a camera that writes by itself
    Slot(PhotoSlot),
    /// The photos of a visit, a customer or a person; your own latest when nothing is named
    List(PhotoList),
    /// One photo: what was recorded, where its file is
    Show(PhotoWhich),
    /// Write the original, or a stamped picture made of it
    Export(PhotoExport),
    /// Draw over a photo; the picture itself is never changed
    Annotate(PhotoAnnotate),
    /// Withdraw a photo; its record stays
    Withdraw(PhotoWithdraw),
    /// Pictures that were taken and not saved: list, keep, discard; and a check of every file
    Recover(PhotoRecover),
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
    #[command(flatten)]
    pub(crate) to: NewFile,
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
        Photo::Take(args) => photo::take(context, &args),
        Photo::Slot(args) => photo::slot(context, &args),
        Photo::List(args) => photo::list(context, &args),
        Photo::Show(args) => photo::show(context, &args),
        Photo::Export(args) => photo::export(context, &args),
        Photo::Annotate(args) => photo::annotate(context, &args),
        Photo::Withdraw(args) => photo::withdraw(context, &args),
        Photo::Recover(args) => photo::recover(context, &args),
        Photo::Restore(args) => give_back(context, &args),
        Photo::Key(args) => make_key(context, &args),
    }
}

fn give_back(context: &Context, args: &Restore) -> Outcome {
    check_place(&args.photo, &args.to)?;
    let data = read_photo(&args.photo, MAX_FILE_BYTES * 2)?;
    let key = read_key(&args.seal_key)?;
    let original = restore(&data, &key).map_err(Own::Photo)?;
    args.to.write(|out| Ok(out.write_all(&original)?))?;
    let file = args.to.name();
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

/// Whether a file begins as a picture does and not as a bundle: with JPEG's, PNG's or RIFF's first bytes, or those of an ISO media file. The file is at
/// its beginning again.
pub(crate) fn is_photo(file: &mut File) -> Outcome<bool> {
    let mut head = Vec::with_capacity(12);
    (&*file).take(12).read_to_end(&mut head)?;
    file.rewind()?;
    let begins = |with: &[u8]| head.starts_with(with);
    let iso = head.get(4..).is_some_and(|rest| rest.starts_with(b"ftyp"));
    Ok(begins(b"\xFF\xD8") || begins(b"\x89PNG") || begins(b"RIFF") || iso)
}

/// Needs no database, and no network.
pub(crate) fn verify(context: &Context, path: &Path, key: Option<&str>) -> Outcome {
    let data = read_photo(path, MAX_FILE_BYTES * 2)?;
    let key = key
        .map(|text| PublicKey::from_text(text.trim().to_owned()).to_bytes())
        .map(|key| key.ok_or(Own::Photo(Error::CompanyKey)))
        .transpose()?;
    let checked = waymark_photo::verify(&data, key.as_ref()).map_err(Own::Photo)?;
    context.show(&checked, || {
        photo_check::told(context.lang, &checked).join("\n")
    })?;
    if checked.proven() {
        Ok(())
    } else {
        Err(Failure::Said(Exit::Refused))
    }
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

/// Refuses to write over the photo itself, whatever links lead to it, and over what else is there, before any work is done for it.
pub(crate) fn check_place(input: &Path, to: &NewFile) -> Outcome {
    let place = fs::canonicalize(&to.new_file).ok();
    if place.is_some() && place == fs::canonicalize(input).ok() {
        return Err(Own::OverInput(to.name()).into());
    }
    to.check()
}
