//! Photographs: stamped, kept whole, and given back.
//!
//! A baseline JPEG is stamped in place ([`Method::InPlace`]): only the blocks under the stamp are decoded and written again, with the
//! picture's own tables; what they covered can be sealed into the file, and [`restore`] gives the original back to the last bit. Whatever
//! else a picture is, it is decoded, stamped and encoded anew, and [`Report`] says so and why.
//!
//! Nothing here knows a clock, a disk, a network or randomness; the same input gives the same bytes on every machine.

mod camera;
mod error;
mod exif;
mod facts;
mod font;
mod jpeg;
mod layout;
/// What is accepted from outside.
pub mod limits;
mod logo;
mod look;
mod mark;
mod mpf;
mod paint;
mod patch;
mod planes;
mod reencode;
mod resample;
mod seal;
mod stamp;
mod template;
mod text;
mod turn;

pub use camera::{Written, camera};
pub use error::Error;
pub use exif::ExifTrouble;
pub use facts::{Facts, Fix, Source, Taken, Text};
pub use jpeg::{Broken, Why};
pub use logo::Logo;
pub use look::{Looks, looks};
pub use mark::statement::Position;
pub use mark::verify::{Checked, Geometry, Measure, Picture, Place, Said, Vouched, verify};
pub use mark::{
    CodeOutcome, Interval, Marker, NoCode, SignFn, SignatureBytes, Verdict, vouch_message,
};
pub use reencode::{COPY_LONG_SIDE, THUMBNAIL_BYTES, THUMBNAIL_LONG_SIDE, thumbnail};
pub use seal::{SealKey, restore};
pub use stamp::{ExifOutcome, Method, Mode, Order, Report, Stamped, stamp};
pub use template::{Corner, Field, Language, MissingField, Shape, Template};
pub use turn::Rect;
