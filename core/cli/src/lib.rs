//! What the command line brings along for others: a network that fails on purpose.
//!
//! The commands themselves are in the binary of the same name. The demo and the tests put [`proxy::Proxy`] between a device and a server.

pub mod proxy;
