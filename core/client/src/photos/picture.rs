//! What a file says of itself: whether it is a picture, of which kind and how large. Only its head is read.

use std::io::Cursor;

use image::{ImageFormat, ImageReader};
use waymark_domain::photo::MAX_SIDE;

use crate::error::{ErrorCode, WaymarkError};

/// A picture's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) mime: &'static str,
    pub(super) extension: &'static str,
    /// As stored, before any orientation is applied.
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Reads the head of a picture. A picture that is damaged further on is kept all the same: it is what the rep has.
pub(super) fn head(bytes: &[u8]) -> Result<Head, WaymarkError> {
    let not = |about: &str| WaymarkError::new(ErrorCode::NotAPicture, about);
    // an ISO media file whose brand is one of HEIF's (ISO/IEC 23008-12, annex B)
    if bytes.get(4..8) == Some(b"ftyp") {
        return Err(not("HEIC"));
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| not(""))?;
    let (mime, extension) = match reader.format() {
        Some(ImageFormat::Jpeg) => ("image/jpeg", "jpg"),
        Some(ImageFormat::Png) => ("image/png", "png"),
        Some(ImageFormat::WebP) => ("image/webp", "webp"),
        _ => return Err(not("")),
    };
    let (width, height) = reader.into_dimensions().map_err(|_| not(extension))?;
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(not(extension));
    }
    Ok(Head {
        mime,
        extension,
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/photos/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    #[test]
    fn a_head_says_kind_and_size_as_stored() {
        let cases = [
            ("canon_422_18mp.jpg", "image/jpeg", 5184, 3456),
            ("hopper.png", "image/png", 128, 128),
            ("flower_exif.webp", "image/webp", 480, 360),
        ];
        for (name, mime, width, height) in cases {
            let head = head(&fixture(name)).unwrap();
            assert_eq!((head.mime, head.width, head.height), (mime, width, height));
        }
        for none in [fixture("hopper.heif"), fixture("README.md"), Vec::new()] {
            assert_eq!(head(&none).unwrap_err().code, ErrorCode::NotAPicture);
        }
    }
}
