//! The office's commands: the server, its people and devices, its data.

pub(crate) mod admin;
pub(crate) mod data;
pub(crate) mod serve;
