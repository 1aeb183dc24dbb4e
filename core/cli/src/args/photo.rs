//! The grammar of photos taken in the app.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use waymark_domain::photo::layer::Ink;

use super::NewFile;
use crate::stamp::ModeArg;
use crate::values::DatumArg;

/// What a photo is of.
#[derive(Debug, Args)]
pub(crate) struct PhotoOf {
    /// The visit [default: the one in progress]
    #[arg(
        long = "visit",
        value_name = "VISIT",
        conflicts_with = "photo_customer"
    )]
    pub(crate) photo_visit: Option<String>,
    /// A customer, outside any visit
    #[arg(long = "customer", value_name = "CUSTOMER")]
    pub(crate) photo_customer: Option<String>,
}

/// What is to be photographed.
#[derive(Debug, Args)]
pub(crate) struct PhotoSlot {
    #[command(flatten)]
    pub(crate) of: PhotoOf,
    /// What it is to show, a word of your company's own
    #[arg(long, value_name = "NAME", default_value = "photo")]
    pub(crate) slot: String,
    /// A caption
    #[arg(long, value_name = "TEXT")]
    pub(crate) caption: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoTake {
    /// The picture: stands for the camera
    #[arg(value_name = "FILE")]
    pub(crate) picture: PathBuf,
    #[command(flatten)]
    pub(crate) what: PhotoSlot,
    /// It is from the gallery, not from the camera: the file stays where it is
    #[arg(long, conflicts_with = "lat")]
    pub(crate) gallery: bool,
    /// Degrees north; recorded inside a work session alone
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES", requires_all = ["lon", "datum", "accuracy"])]
    pub(crate) lat: Option<f64>,
    /// Degrees east
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "DEGREES",
        requires = "lat"
    )]
    pub(crate) lon: Option<f64>,
    /// The datum of the position; there is no default
    #[arg(long, value_enum, requires = "lat")]
    pub(crate) datum: Option<DatumArg>,
    /// The radius that the device states, metres
    #[arg(long, value_name = "METRES", requires = "lat")]
    pub(crate) accuracy: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoList {
    #[command(flatten)]
    pub(crate) of: PhotoOf,
    /// The photos that somebody took, by name or id
    #[arg(long, value_name = "USER", conflicts_with_all = ["photo_visit", "photo_customer"])]
    pub(crate) rep: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoWhich {
    /// The photo's number, its id, or a part of that
    #[arg(value_name = "PHOTO")]
    pub(crate) which_photo: String,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoExport {
    #[command(flatten)]
    pub(crate) which: PhotoWhich,
    #[command(flatten)]
    pub(crate) to: NewFile,
    /// What to make of it; the original as it was taken when left out
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
    /// What the stamp looks like, a JSON file
    #[arg(long, value_name = "FILE", requires = "mode")]
    pub(crate) template: Option<PathBuf>,
    /// Seal the original into the file with this key, see `waymark photo key`
    #[arg(long, value_name = "FILE", requires = "mode")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoAnnotate {
    #[command(flatten)]
    pub(crate) which: PhotoWhich,
    /// An arrow to the second point, in percent of width and height from the upper left: X,Y,X,Y; can be repeated
    #[arg(long, value_name = "POINTS")]
    pub(crate) arrow: Vec<String>,
    /// A rectangle between two corners: X,Y,X,Y; can be repeated
    #[arg(long, value_name = "POINTS")]
    pub(crate) rect: Vec<String>,
    /// A line through points: X,Y,X,Y,…; can be repeated
    #[arg(long, value_name = "POINTS")]
    pub(crate) stroke: Vec<String>,
    /// Words at a point: X,Y,WORDS; can be repeated
    #[arg(long, value_name = "WORDS")]
    pub(crate) text: Vec<String>,
    /// The colour of what is added
    #[arg(long, value_enum, default_value_t = InkArg::Red)]
    pub(crate) ink: InkArg,
    /// Wipe off what was drawn before
    #[arg(long)]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoWithdraw {
    #[command(flatten)]
    pub(crate) which: PhotoWhich,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct PhotoRecover {
    /// The slot to keep or to discard, its id or the end of it; all are listed when left out
    #[arg(value_name = "SLOT")]
    pub(crate) which_slot: Option<String>,
    /// Throw the picture away
    #[arg(long, requires = "which_slot", conflicts_with_all = ["photo_visit", "photo_customer"])]
    pub(crate) discard: bool,
    #[command(flatten)]
    pub(crate) of: PhotoOf,
    /// Compare every byte of every photo with its hash
    #[arg(long, conflicts_with = "which_slot")]
    pub(crate) check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum InkArg {
    Red,
    Yellow,
    Green,
    Blue,
    Black,
    White,
}

impl From<InkArg> for Ink {
    fn from(arg: InkArg) -> Self {
        match arg {
            InkArg::Red => Self::Red,
            InkArg::Yellow => Self::Yellow,
            InkArg::Green => Self::Green,
            InkArg::Blue => Self::Blue,
            InkArg::Black => Self::Black,
            InkArg::White => Self::White,
        }
    }
}
