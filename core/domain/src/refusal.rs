//! Why a piece of work cannot be taken. The words for it, in the user's language, are the client's business.

use serde::{Deserialize, Serialize};

/// A refusal: a code and the fields it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code:?} {fields:?}")]
pub struct Refusal {
    /// What is wrong.
    pub code: Code,
    /// The record's fields that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body does not read as its kind says.
    Malformed,
    /// A field that must be filled is empty.
    Required,
    /// A text is longer than its limit.
    TooLong,
    /// The record exists already.
    AlreadyExists,
    /// There is no such record.
    NotFound,
    /// The record points at something that does not exist.
    UnknownReference,
    /// An append-only record cannot be changed.
    AppendOnly,
    /// The field changes only by a command.
    CommandOnly,
    /// The command does not fit the record's state.
    WrongState,
    /// This kind of record, or this command, is not known: the app or the server is too old.
    Unsupported,
    /// The user may not do this.
    Forbidden,
    /// Only the server makes such records.
    ServerOnly,
    /// An operation that this one builds on was refused.
    Dependency,
    /// The operation's id was used before for other content.
    OpIdReused,
    /// A code that this version does not know.
    #[serde(other)]
    Other,
}

impl Refusal {
    /// A refusal that is about no field in particular.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            fields: Vec::new(),
        }
    }

    /// A refusal about one field.
    #[must_use]
    pub fn of_field(code: Code, field: &str) -> Self {
        Self {
            code,
            fields: vec![field.to_owned()],
        }
    }
}

/// Refuses text that is empty once trimmed, or longer than `max` characters.
///
/// # Errors
/// [`Code::Required`] or [`Code::TooLong`], naming `field`.
pub fn check_text(field: &str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::of_field(Code::Required, field));
    }
    check_length(field, text, max)
}

/// Refuses text that is longer than `max` characters.
///
/// # Errors
/// [`Code::TooLong`], naming `field`.
pub fn check_length(field: &str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.chars().count() > max {
        Err(Refusal::of_field(Code::TooLong, field))
    } else {
        Ok(())
    }
}
