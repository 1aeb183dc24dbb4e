//! What can go wrong. No message carries a value of a record.

use rusqlite::ErrorCode;
use waymark_domain::refusal::Refusal;
use waymark_domain::shift::Closed;

/// Why the store did not do what it was asked. Whatever the reason, nothing was half done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk did not read or write.
    #[error("the storage does not answer: {0}")]
    Io(String),
    /// The disk is full. What was saved before is safe; free some space and try again.
    #[error("the storage is full")]
    Full,
    /// The file is damaged. The next open moves it aside and saves what can be read.
    #[error("the database is damaged")]
    Corrupt,
    /// A later version of the app wrote the file: its work can be sent, nothing can be added.
    #[error("the database is from a later version of the app")]
    NewerDatabase,
    /// The file belongs to another program.
    #[error("the file is not a Waymark database")]
    NotOurs,
    /// The SQLite library has the WAL-reset bug, or is older.
    #[error("SQLite {0} is too old")]
    SqliteTooOld(String),
    /// Another connection holds the file for longer than the store waits.
    #[error("the database is busy")]
    Busy,
    /// The store is suspended.
    #[error("the store is closed")]
    Closed,
    /// The domain refuses the work.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// No work session is open on this device: no position may be kept.
    #[error("no work session is open")]
    NoShift,
    /// The work session is not open any more, or not for certain: no position may be kept.
    #[error("the work session is closed: {0:?}")]
    ShiftClosed(Closed),
    /// A work session is open on this device already.
    #[error("a work session is open already")]
    ShiftOpen,
    /// Nobody is signed in on this file.
    #[error("no identity is set")]
    NoIdentity,
    /// The file belongs to another user or another company.
    #[error("the database belongs to another user")]
    OtherUser,
    /// The device's identity cannot be replaced while operations of the old one wait to be sent.
    #[error("there is work that has not been sent")]
    UnsentWork,
    /// A stored value does not read as what its column holds: damage, dealt with as [`StoreError::Corrupt`] is.
    #[error("{0} does not read")]
    Unreadable(&'static str),
    /// Anything else that SQLite says, without the values it was given.
    #[error("SQLite: {0}")]
    Sqlite(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return other(&error);
        };
        let said = || message.clone().unwrap_or_else(|| failure.to_string());
        match failure.code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                Self::Io(said())
            }
            _ => Self::Sqlite(said()),
        }
    }
}

// the texts of these errors name columns and types; those that would carry a value are reduced to their kind
fn other(error: &rusqlite::Error) -> StoreError {
    StoreError::Sqlite(match error {
        rusqlite::Error::InvalidColumnType(index, name, kind) => {
            format!("column {index} ({name}) holds a value of type {kind}")
        }
        rusqlite::Error::FromSqlConversionFailure(index, kind, _) => {
            format!("column {index} of type {kind} does not convert")
        }
        rusqlite::Error::IntegralValueOutOfRange(index, _) => {
            format!("column {index} is out of range")
        }
        rusqlite::Error::QueryReturnedNoRows => "a row is missing".to_owned(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        _ => "an unexpected failure".to_owned(),
    })
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            Self::Full
        } else {
            Self::Io(error.kind().to_string())
        }
    }
}
