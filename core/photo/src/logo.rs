//! A company's logo: white on the plate like the letters, so that it can be read on every picture.

use std::io::Cursor;

use data_encoding::BASE64;
use image::{ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;
use crate::limits::{MAX_LOGO_BYTES, MAX_LOGO_SIDE};
use crate::planes::{Plane, from_rgb};

/// A logo as a PNG. Where it is transparent nothing is drawn; without transparency, dark is drawn and white is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo(Vec<u8>);

impl Logo {
    /// Takes a PNG.
    ///
    /// # Errors
    /// [`Error::Template`] when it is none, or too large.
    pub fn from_png(png: Vec<u8>) -> Result<Self, Error> {
        let logo = Self(png);
        logo.ink()?;
        Ok(logo)
    }

    /// How much of each pixel is drawn.
    pub(crate) fn ink(&self) -> Result<Plane, Error> {
        let wrong = |why: &str| Error::Template(format!("logo: {why}"));
        if self.0.len() > MAX_LOGO_BYTES {
            return Err(wrong("it has more than 40,000 bytes"));
        }
        let mut reader = ImageReader::with_format(Cursor::new(&self.0), ImageFormat::Png);
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_LOGO_SIDE);
        limits.max_image_height = Some(MAX_LOGO_SIDE);
        reader.limits(limits);
        let picture = reader
            .decode()
            .map_err(|_| wrong("it is no PNG of at most 1024 pixels a side"))?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let transparent = picture.color().has_alpha();
        let mut ink = Plane::new(width, height, 0);
        let mut drawn = false;
        for (y, line) in picture.into_luma_alpha8().rows().enumerate() {
            for (to, image::LumaA([luma, alpha])) in ink.row_mut(y).iter_mut().zip(line) {
                *to = if transparent { *alpha } else { u8::MAX - *luma };
                drawn |= *to > 0;
            }
        }
        if drawn {
            Ok(ink)
        } else {
            Err(wrong("there is nothing on it"))
        }
    }
}

/// The ink at another size, which is no larger.
pub(crate) fn fitted(ink: &Plane, target: (usize, usize)) -> Plane {
    let source = (ink.width, ink.height);
    let rgb: Vec<u8> = (0..ink.height)
        .flat_map(|y| ink.row(y))
        .flat_map(|ink| [*ink; 3])
        .collect();
    from_rgb(&rgb, source, target).y
}

impl Serialize for Logo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Logo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64
            .decode(text.as_bytes())
            .map(Self)
            .map_err(|_| de::Error::custom("logo: not a PNG in base64"))
    }
}
