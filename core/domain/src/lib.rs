//! What a field rep's work is.
//!
//! Everything here is a value or a pure function: whoever calls brings the time and the ids. The device and the server run this same
//! code, so a rule cannot answer differently on the two.
//!
//! - [`op`]: the operation, the only thing that changes a record.
//! - [`record`]: the one trait that says what a syncing record is, and the list of kinds.
//! - [`merge`]: `settle` applies an operation to a record; `fold` lays a device's pending operations over what the server said.
//! - [`customer`], [`visit`], [`check_in`], [`note`], [`member`], [`policy`], [`shift`], [`track_segment`], [`track_root`], [`gap_note`],
//!   [`location_access`], [`sos`], [`photo`]: the kinds.
//! - [`merkle`]: trees of hashes; [`presence`]: what a track says of time alone.
//! - [`retention`]: how long positions are kept, and what erasing leaves.

pub mod ambient;
pub mod check_in;
pub mod customer;
pub mod fix;
pub mod gap_note;
pub mod geo;
pub mod hash;
pub mod ids;
pub mod location_access;
pub mod member;
pub mod merge;
pub mod merkle;
pub mod money;
pub mod note;
pub mod op;
pub mod photo;
pub mod policy;
pub mod presence;
pub mod ranges;
pub mod record;
pub mod refusal;
pub mod retention;
pub mod scope;
pub mod shift;
pub mod sos;
pub mod time;
pub mod track;
pub mod track_root;
pub mod track_segment;
pub mod visit;
