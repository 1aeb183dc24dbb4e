//! What is known of a picture, as data: the stamp prints it, EXIF keeps it.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use waymark_domain::geo::Wgs84;

use crate::error::Error;

/// What is known of a picture. What is not given is printed as missing, never guessed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// When it was taken.
    pub time: Option<Taken>,
    /// Where it was taken.
    pub position: Option<Fix>,
    /// Why there is no position, to be printed.
    pub position_missing: Option<String>,
    /// Where the picture comes from.
    pub source: Source,
    /// All else, by the key of its field.
    pub texts: BTreeMap<String, Text>,
}

impl Facts {
    /// Refuses numbers that nothing can mean.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self
            .time
            .as_ref()
            .is_some_and(|time| time.local().is_none())
        {
            return Err(Error::Value("time"));
        }
        let Some(fix) = &self.position else {
            return Ok(());
        };
        Wgs84::new(fix.lat, fix.lon).map_err(|_| Error::Value("position"))?;
        let within = |value: Option<f64>, range: std::ops::RangeInclusive<f64>| {
            value.is_none_or(|value| range.contains(&value))
        };
        // from the Dead Sea's bottom to where airliners fly, with room
        if !within(fix.altitude_m, -12_000.0..=100_000.0) {
            return Err(Error::Value("altitude_m"));
        }
        if !within(fix.accuracy_m, 0.0..=1_000_000.0) {
            return Err(Error::Value("accuracy_m"));
        }
        if !within(fix.heading_deg, 0.0..=360.0) {
            return Err(Error::Value("heading_deg"));
        }
        if !within(fix.dop, 0.0..=1000.0) {
            return Err(Error::Value("dop"));
        }
        Ok(())
    }
}

/// When a picture was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// With the zone in which it is to be read.
    pub at: DateTime<FixedOffset>,
    /// How far off it may be, in seconds either way.
    #[serde(default)]
    pub plus_minus_s: Option<u32>,
    /// Whether somebody other than the device's own clock vouches for it.
    #[serde(default)]
    pub verified: bool,
}

impl Taken {
    /// The time, if it lies in the years 1 to 9999 that EXIF can hold.
    pub(crate) fn local(&self) -> Option<DateTime<FixedOffset>> {
        use chrono::Datelike as _;
        (1..=9999).contains(&self.at.year()).then_some(self.at)
    }
}

/// A position in WGS-84, the only datum that EXIF and the stamp know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Degrees, north positive.
    pub lat: f64,
    /// Degrees, east positive.
    pub lon: f64,
    /// The radius of accuracy in metres.
    #[serde(default)]
    pub accuracy_m: Option<f64>,
    /// Metres above the sea.
    #[serde(default)]
    pub altitude_m: Option<f64>,
    /// Where the camera looks, in degrees from true north.
    #[serde(default)]
    pub heading_deg: Option<f64>,
    /// Dilution of precision.
    #[serde(default)]
    pub dop: Option<f64>,
}

/// Where a picture comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The camera inside the app.
    Camera,
    /// The device's gallery.
    Gallery,
    /// Another app.
    OtherApp,
    /// Nobody said.
    #[default]
    Unknown,
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// This.
    Is(String),
    /// Nothing, and why.
    Missing(String),
}
