//! The folder of the artefacts.

use std::io;
use std::path::{Path, PathBuf};

use waymark_client::system::SystemEntropy;
use waymark_domain::ambient::Entropy as _;

use crate::args::Demo;
use crate::failure::{Outcome, Own};

/// Marks a folder as a demo's: only such a one is emptied.
const MARKER: &str = ".waymark-demo";

/// Makes the folder: empty, and the demo's own.
pub(super) fn make(args: &Demo) -> Outcome<PathBuf> {
    let fresh = format!("waymark-demo-{}", chance());
    let path = match &args.out {
        None => std::env::temp_dir().join(fresh),
        Some(out) if args.keep && is_filled(out)? => out.join(fresh),
        Some(out) => {
            if is_filled(out)? {
                if !out.join(MARKER).is_file() {
                    return Err(Own::DataThere(out.display().to_string()).into());
                }
                std::fs::remove_dir_all(out)?;
            }
            out.clone()
        }
    };
    std::fs::create_dir_all(&path)?;
    std::fs::write(path.join(MARKER), "")?;
    Ok(std::path::absolute(path)?)
}

fn is_filled(path: &Path) -> io::Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn chance() -> String {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}
