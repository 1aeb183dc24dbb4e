//! The store through its public face, against real SQLite.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod chain;
mod damage;
mod desk;
mod epochs;
mod failures;
mod ledger;
mod overlay;
mod photos;
mod pulling;
mod reading;
mod releases;
mod times;
