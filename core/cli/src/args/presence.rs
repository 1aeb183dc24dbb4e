//! The grammar of gaps, of tracks that stay on the phone, and of calls for help.

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};
use clap::Args;

use super::{NewFile, TrackDay};
use crate::values::DatumArg;

#[derive(Debug, Args)]
pub(crate) struct ShiftReport {
    #[command(flatten)]
    pub(crate) of: TrackDay,
}

#[derive(Debug, Args)]
pub(crate) struct ShiftExplain {
    /// When the gap begins, local time as HH:MM
    #[arg(long, value_name = "TIME")]
    pub(crate) from: NaiveTime,
    /// The day, as YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
    /// The explanation
    pub(crate) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct TrackOpen {
    /// From when on, local time as HH:MM
    #[arg(long, value_name = "TIME")]
    pub(crate) from: NaiveTime,
    /// Until when, local time as HH:MM, included
    #[arg(long, value_name = "TIME")]
    pub(crate) to: NaiveTime,
    /// The day, as YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
    #[command(flatten)]
    pub(crate) out: NewFile,
}

#[derive(Debug, Args)]
pub(crate) struct TrackCheck {
    /// The file with the opened fixes
    pub(crate) file: PathBuf,
    /// The bundle of evidence of that day
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The company's key, as `waymark evidence key` prints it; without one nothing is proven
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sos {
    /// Charge of the battery, percent [default: not known]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) battery: Option<u8>,
    /// To whom, a telephone number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<String>,
    /// Degrees north of where you are now
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES", requires_all = ["lon", "datum", "accuracy"])]
    pub(crate) lat: Option<f64>,
    /// Degrees east of where you are now
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "DEGREES",
        requires = "lat"
    )]
    pub(crate) lon: Option<f64>,
    /// The radius that the device states, metres
    #[arg(long, value_name = "METRES", requires = "lat")]
    pub(crate) accuracy: Option<f64>,
    /// The datum of the position; there is no default
    #[arg(long, value_enum, requires = "lat")]
    pub(crate) datum: Option<DatumArg>,
}
