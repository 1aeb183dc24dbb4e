//! What can go wrong between the two ends.

use serde::{Deserialize, Serialize};

/// The server's own refusal of a whole call. Refusals of single operations are outcomes instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code:?}: {detail}")]
pub struct ApiError {
    /// What is wrong.
    pub code: ApiCode,
    /// For the log: what exactly, without personal data.
    #[serde(default)]
    pub detail: String,
}

/// What is wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiCode {
    /// The message does not read.
    Malformed,
    /// A limit of [`crate::limits`] is exceeded.
    TooLarge,
    /// The protocol's version is not one that the server speaks.
    WrongProtocol,
    /// No token, or one that is over: ask for a new one.
    Unauthorised,
    /// The challenge is over, was used, or is not this server's: ask for a new one.
    BadChallenge,
    /// The signature is not the device's.
    BadSignature,
    /// The enrolment code is wrong, used or over.
    BadCode,
    /// The device was revoked by an admin.
    DeviceRevoked,
    /// The user may not do this.
    Forbidden,
    /// There is no such thing, or the user may not know of it.
    NotFound,
    /// The server failed. What it had acknowledged stands.
    Internal,
    /// The server has no time now.
    Busy,
    /// A code that this version does not know.
    #[serde(other)]
    Other,
}

impl ApiCode {
    /// The HTTP status that carries it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::WrongProtocol | Self::BadCode | Self::Other => 400,
            Self::Unauthorised | Self::BadChallenge | Self::BadSignature => 401,
            Self::DeviceRevoked | Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::Internal => 500,
            Self::Busy => 503,
        }
    }
}

impl ApiError {
    /// An error with its detail.
    pub fn new(code: ApiCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// Why a call brought no answer that can be used, as the device sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection.
    #[error("the server cannot be reached")]
    Unreachable,
    /// No bytes moved for too long.
    #[error("the connection went silent")]
    Silent,
    /// The answer ended before its end.
    #[error("the answer was cut off")]
    Cut,
    /// Somebody else answered, such as the sign-in page of a Wi-Fi.
    #[error("the answer is not from a Waymark server")]
    NotWaymark,
    /// By this device's date the server's certificate is over or not yet good.
    #[error("the server's certificate is not good at this device's date")]
    WrongDate,
    /// The server's certificate is not to be trusted, or the connection would not be encrypted.
    #[error("the connection is not safe")]
    NotSafe,
    /// The answer is from a Waymark server but does not read.
    #[error("the answer does not read: {0}")]
    Malformed(String),
    /// The server refused.
    #[error(transparent)]
    Api(#[from] ApiError),
}
