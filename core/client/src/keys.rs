//! The device's key in a file: for the command line and tests. Phones bring a signer over their hardware key store instead.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use waymark_domain::ambient::Entropy;
use waymark_protocol::proof::SoftwareSigner;

use crate::error::{ErrorCode, WaymarkError};

/// Opens the key in `path`, or makes one there: 32 bytes, base64url, readable only by the file's owner.
///
/// # Errors
/// [`ErrorCode::Io`]; [`ErrorCode::KeyUnavailable`] when the file holds no key.
pub(crate) fn open_or_make(
    path: &Path,
    entropy: &dyn Entropy,
) -> Result<SoftwareSigner, WaymarkError> {
    match read(path) {
        Ok(signer) => Ok(signer),
        Err(error) if error.code == ErrorCode::NotFound => make(path, entropy),
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> Result<SoftwareSigner, WaymarkError> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(128).read_to_string(&mut text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(WaymarkError::new(ErrorCode::NotFound, "key"));
        }
        Err(error) => return Err(error.into()),
    };
    let secret = BASE64URL_NOPAD.decode(text.trim().as_bytes()).ok();
    let secret: Option<[u8; 32]> = secret.and_then(|bytes| bytes.try_into().ok());
    secret
        .and_then(|secret| SoftwareSigner::from_secret(&secret))
        .ok_or(WaymarkError::new(ErrorCode::KeyUnavailable, "key file"))
}

fn make(path: &Path, entropy: &dyn Entropy) -> Result<SoftwareSigner, WaymarkError> {
    let mut secret = [0; 32];
    let signer = loop {
        entropy.fill(&mut secret);
        if let Some(signer) = SoftwareSigner::from_secret(&secret) {
            break signer;
        }
    };
    // written aside and renamed, so that a crash leaves either no key or a whole one
    let aside = path.with_extension("key-new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    file.write_all(BASE64URL_NOPAD.encode(&secret).as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    sync_folder(path)?;
    Ok(signer)
}

/// Makes a rename in the folder of `path` durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), WaymarkError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}
