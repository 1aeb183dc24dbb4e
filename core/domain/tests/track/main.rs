//! Tracks: packing, plausibility, stays and distances, on recordings and on simulated days.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test fails by panicking, its numbers are small, and it says what it counted"
)]

mod duty;
mod packing;
mod score;
mod sim;
mod staying;
