//! Evidence: a stretch of a device's chain in one file, and the verifier of it.
//!
//! The file is text, a line per thing, and every byte of it is under a signature. Its form stands in `core/docs/evidence.md`, so that somebody
//! else can write a verifier. Nothing here knows a clock, a disk or a network.

mod bundle;
#[cfg(test)]
mod tests;
mod verify;

pub use bundle::{Header, Seal, Sealer, VERSION, Writer};
pub use verify::{Bad, Noted, Report, What, verify, verify_and_read};
