//! What the camera itself wrote into a picture.

use serde::{Deserialize, Serialize};

use crate::refusal::{Code, Refusal};
use crate::time::UnixMs;

/// Longest text that is taken over from a picture, characters; makers' names are far shorter.
pub const MAX_CAMERA_TEXT: usize = 64;

/// What the camera itself wrote into a picture (EXIF). Anybody can write any of it: it is a claim, and where it contradicts what else is known, that
/// is worth a look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Its wall clock when the picture was taken (DateTimeOriginal), in milliseconds as if that clock showed UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<UnixMs>,
    /// How far that clock was ahead of UTC, minutes (OffsetTimeOriginal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_min: Option<i16>,
    /// When the satellites were last heard (GPSDateStamp and GPSTimeStamp).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satellites_ms: Option<UnixMs>,
    /// How far the place that it wrote lies from where the photo was taken, metres, less the accuracy there; absent when either is not known. The
    /// place itself is not taken over: what a file says of where its owner was is recorded nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres_off: Option<u32>,
    /// The maker of the camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The program that wrote the file last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
}

impl Camera {
    /// Whether it wrote nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let long = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            text.chars().count() > MAX_CAMERA_TEXT || text.chars().any(char::is_control)
        };
        if [&self.make, &self.model, &self.software]
            .into_iter()
            .any(long)
        {
            return Err(Refusal::of_field(Code::Malformed, "camera"));
        }
        Ok(())
    }
}
