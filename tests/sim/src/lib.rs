//! Simulated fleets: real clients, the real server on real SQLite, and a clock, a network, disks and deaths that a seed decides.
//!
//! A seed is a whole day of a small company, replayed exactly by its number. The [`oracle`] keeps what must be true without asking the
//! code under test; the [`bugs`] prove that it would have noticed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code fails by panicking"
)]

pub mod bugs;
pub mod fleet_of_seeds;
pub mod oracle;
pub mod storage;
pub mod world;

mod device;
mod session;
mod template;
mod work;
