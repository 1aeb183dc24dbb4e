//! Fixes: what a positioning source says about where the device is, kept as it was said.
//!
//! A fix enters in exactly two ways: as a sample of a check-in, and as a point of a track inside an open work session.

use serde::{Deserialize, Serialize};

use crate::geo::Position;
use crate::refusal::{Code, Refusal};
use crate::time::UnixMs;

/// Largest accuracy radius that is taken for a position at all, metres. Beyond it a phone knows its country.
pub const MAX_ACCURACY_M: f64 = 100_000.0;

/// One fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// Where, in the datum in which it was reported.
    pub position: Position,
    /// The radius in metres that was stated with it. What share of fixes lies within differs by platform, hence `source`.
    pub accuracy_m: f64,
    /// Who stated the accuracy.
    pub source: AccuracySource,
    /// Boot-time clock at which the position was true, not at which it was delivered, milliseconds.
    pub mono_ms: i64,
    /// What determined it.
    #[serde(default, skip_serializing_if = "Provider::is_unknown")]
    pub provider: Provider,
    /// Metres above the ellipsoid or sea, as the platform has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
    /// Metres per second over ground, as the receiver measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_mps: Option<f64>,
    /// Degrees clockwise from north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearing_deg: Option<f64>,
    /// Satellites used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satellites: Option<u8>,
    /// What the satellites said about the time, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gnss_ms: Option<UnixMs>,
    /// The platform declares it a mock location (Android `Location.isMock`). External receivers arrive so too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mock: bool,
    /// The platform declares it simulated by software (Apple `isSimulatedBySoftware`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// It comes from an accessory, such as an external receiver or a car (Apple `isProducedByAccessory`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accessory: bool,
}

/// What a stated accuracy means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracySource {
    /// Android `Location.getAccuracy()`: 68 % of fixes lie within.
    Android,
    /// Apple `horizontalAccuracy`: the root of the summed variances.
    Apple,
    /// W3C Geolocation: 95 % of fixes lie within.
    Web,
    /// Given by hand or by an unknown source.
    Stated,
}

/// What determined a position.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Satellites.
    Gnss,
    /// Radio cells and Wi-Fi.
    Network,
    /// The platform's mixture.
    Fused,
    /// Typed by a person.
    Manual,
    /// Not said, or one of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Provider {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

impl Fix {
    /// A fix of which nothing but place, accuracy and time is known.
    #[must_use]
    pub const fn new(
        position: Position,
        accuracy_m: f64,
        source: AccuracySource,
        mono_ms: i64,
    ) -> Self {
        Self {
            position,
            accuracy_m,
            source,
            mono_ms,
            provider: Provider::Unknown,
            altitude_m: None,
            speed_mps: None,
            bearing_deg: None,
            satellites: None,
            gnss_ms: None,
            mock: false,
            simulated: false,
            accessory: false,
        }
    }

    /// Refuses what is no fix: an accuracy that is not above zero (Apple states a negative one for "invalid") or beyond
    /// [`MAX_ACCURACY_M`].
    ///
    /// # Errors
    /// [`Code::Malformed`], naming `accuracy_m`.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.accuracy_m > 0.0 && self.accuracy_m <= MAX_ACCURACY_M {
            Ok(())
        } else {
            Err(Refusal::of_field(Code::Malformed, "accuracy_m"))
        }
    }
}
