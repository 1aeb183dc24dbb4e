//! The sync engine.
//!
//! [`engine::Engine`] has no I/O: it takes what happened and gives back what to do, so every retry, back-off, batch size and repair can be
//! tested without a socket. What it needs of the device's database it asks for as [`store::SyncStore`]. The feature `driver` brings
//! [`driver`], which carries the engine's wishes out, and [`http`], the client side of the protocol.

pub mod engine;
pub mod store;

mod backoff;

pub use backoff::LONGEST_MS;

#[cfg(feature = "driver")]
pub mod driver;
#[cfg(feature = "driver")]
pub mod http;
