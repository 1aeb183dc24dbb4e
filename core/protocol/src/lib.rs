//! The wire between a device and the server ("Field Sync 1"): operations up, scoped state down.
//!
//! Both ends speak through this crate: the messages, the incremental parser of a request, the limits, the error codes, the bytes that are
//! signed, and [`api::SyncApi`], which the HTTP client and the server in process both implement. In words: `core/docs/protocol.md`.

pub mod api;
pub mod enrol;
pub mod error;
pub mod exchange;
pub mod jws;
pub mod limits;
pub mod lines;
pub mod outcome;
pub mod proof;
pub mod receipt;
pub mod request;
pub mod response;
pub mod snapshot;

/// Version of this protocol.
pub const PROTO: u16 = 1;

/// Version of the records' bodies that this code writes. A server answers pulls for this and the four versions before it; it takes
/// operations of every version ever shipped.
pub const SCHEMA: u16 = 1;

/// Response header that only a Waymark server sends: a captive portal's page with status 200 lacks it.
pub const HEADER: &str = "x-waymark";

/// Media type of an exchange's bodies.
pub const NDJSON: &str = "application/x-ndjson";
