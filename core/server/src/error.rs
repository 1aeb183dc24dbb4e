//! What can go wrong inside the server.

use waymark_protocol::error::{ApiCode, ApiError, CallError};

/// A failure of a call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault, or a limit: the answer to the call.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The storage failed on what the call wanted. Nothing of it is done, and nothing that was acknowledged before is lost.
    #[error("storage: {0}")]
    Storage(String),
    /// The storage has no room, does not answer or is held by others, whatever the call wanted: no call is to blame, and each can be made again.
    #[error("the storage is unavailable: {0}")]
    Unavailable(String),
}

/// What a call of the server brings.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A refusal of the whole call.
    pub(crate) fn api(code: ApiCode, detail: impl Into<String>) -> Self {
        Self::Api(ApiError::new(code, detail))
    }

    /// A storage whose content contradicts itself.
    pub(crate) fn corrupt(what: &str) -> Self {
        Self::Storage(format!("{what} does not read"))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(error) => error,
            Error::Storage(detail) => Self::new(ApiCode::Internal, detail),
            // devices look for the culprit behind an internal failure; here there is none
            Error::Unavailable(detail) => Self::new(ApiCode::Busy, detail),
        }
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Api(error.into())
    }
}
