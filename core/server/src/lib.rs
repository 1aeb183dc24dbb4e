//! The other end of the protocol: a library, its HTTP face, and an embedded SQLite.
//!
//! The server is the authority: it runs the same domain rules on the same operations as the devices, keeps each outcome with its operation,
//! and gives every device exactly the scopes that its user may see. Its order of commits is the only order there is.
//!
//! - [`Server`]: the calls, all of them blocking, in process. [`Session`] is an exchange while it arrives.
//! - [`storage`]: what it needs of a database, and SQLite as one.
//! - [`LocalApi`]: the server behind the same traits as the HTTP client.
//! - [`http`]: the server on a socket.
//! - [`inspect`]: what it holds, for tests, the ledger and the office.

mod access;
mod audit;
mod auth;
mod commit;
mod directory;
mod enrol;
mod error;
mod evidence;
mod exchange;
pub mod http;
pub mod inspect;
mod local;
mod pull;
mod push;
mod receipt;
mod retire;
mod server;
mod snapshot;
pub mod storage;
mod vault;
mod wire;

pub use crate::directory::UserChange;
pub use crate::error::{Error, Result};
pub use crate::evidence::Exported;
pub use crate::exchange::{Half, Session};
pub use crate::local::LocalApi;
pub use crate::retire::Retired;
pub use crate::server::Server;
