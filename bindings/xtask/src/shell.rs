//! Running cargo and git, and why that may fail.

use std::path::PathBuf;
use std::process::Command;

use thiserror::Error;

/// Why a check could not be made.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// The program is not there, or cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        program: String,
        source: std::io::Error,
    },
    /// The program ran and said no.
    #[error("{command} failed:\n{stderr}")]
    Failed { command: String, stderr: String },
    /// The program's answer is not what this check knows how to read.
    #[error("cannot read the answer of {command}: {reason}")]
    Answer { command: String, reason: String },
    /// A file that should be there cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, Trouble> {
    let command = || format!("{program} {}", arguments.join(" "));
    let done = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|source| Trouble::Start {
            program: program.to_owned(),
            source,
        })?;
    if !done.status.success() {
        let stderr = String::from_utf8_lossy(&done.stderr).trim_end().to_owned();
        return Err(Trouble::Failed {
            command: command(),
            stderr,
        });
    }
    String::from_utf8(done.stdout).map_err(|error| Trouble::Answer {
        command: command(),
        reason: error.to_string(),
    })
}

/// The cargo that runs this program, so that a check never asks a different one.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
