//! Answers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use waymark_domain::ids::DeviceId;
use waymark_protocol::error::{ApiCode, ApiError};

use super::From;

/// zstd's own default: a phone's answer shrinks four times, in a millisecond.
const LEVEL: i32 = 3;

/// An answer in JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with(StatusCode::OK, "application/json", bytes),
        Err(_) => error(&ApiError::new(ApiCode::Internal, "an answer")),
    }
}

/// A refusal of the whole call.
pub(super) fn error(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = serde_json::to_vec(error).unwrap_or_default();
    with(status, "application/json", bytes)
}

/// Whichever it is.
pub(super) fn of(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(|refused| error(&refused))
}

/// A body that may be compressed already.
pub(super) struct Packed {
    bytes: Vec<u8>,
    zstd: bool,
}

/// Whether the caller takes zstd.
pub(super) fn takes_zstd(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        name.eq_ignore_ascii_case("zstd") && !parts.any(|part| part == "q=0" || part == "q=0.0")
    })
}

impl Packed {
    /// Compresses when the caller takes it. Blocks.
    pub(super) fn new(bytes: Vec<u8>, zstd: bool) -> Self {
        let packed = zstd.then(|| zstd::encode_all(bytes.as_slice(), LEVEL).ok());
        match packed.flatten() {
            Some(bytes) => Self { bytes, zstd: true },
            None => Self { bytes, zstd: false },
        }
    }

    /// As an answer to `device`.
    pub(super) fn answer(self, media: &'static str, device: Option<DeviceId>) -> Response {
        let mut answer = with(StatusCode::OK, media, self.bytes);
        if self.zstd {
            let coding = HeaderValue::from_static("zstd");
            answer
                .headers_mut()
                .insert(header::CONTENT_ENCODING, coding);
        }
        if let Some(device) = device {
            answer.extensions_mut().insert(From(device));
        }
        answer
    }
}

fn with(status: StatusCode, media: &'static str, bytes: Vec<u8>) -> Response {
    let mut answer = Response::new(Body::from(bytes));
    *answer.status_mut() = status;
    let media = HeaderValue::from_static(media);
    answer.headers_mut().insert(header::CONTENT_TYPE, media);
    answer
}
