//! The server's tests, in process and over sockets.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod feed;
mod groups;
mod pull;
mod replay;
mod rights;
mod support;
mod tickets;
