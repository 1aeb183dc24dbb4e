//! The server's tests, in process and over sockets.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod ambient;
mod feed;
mod groups;
mod http;
mod matrix;
mod photos;
mod pull;
mod replay;
mod rights;
mod second_look;
mod speed;
mod support;
mod tickets;
mod town;
