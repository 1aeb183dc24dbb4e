//! Pictures that are decoded and encoded anew: copies of another size, a strip beside the picture, and whatever is no baseline JPEG.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use waymark_domain::hash::Hash;

use crate::error::Error;
use crate::exif::{self, Tags};
use crate::font::Fonts;
use crate::jpeg::encode::encode;
use crate::jpeg::{APP1, APP2, APP13, Broken, COM, Jpeg, Why, is_complete, segments};
use crate::layout::{self, Layout};
use crate::limits::{MAX_DECODED_PIXELS, MAX_FILE_BYTES};
use crate::mark::Looks;
use crate::mark::code::Code;
use crate::mark::digest::{Cells, Lie};
use crate::paint::{Mask, Plate};
use crate::planes::{Plane, Planes, fitted, from_jpeg, from_rgb};
use crate::seal;
use crate::stamp::{
    ExifOutcome, Method, Mode, Order, Report, about, drawn_code, exif_bytes, with_code,
};
use crate::turn::Rect;

/// The long side of a copy for sending, in pixels, where a template says nothing else.
pub const COPY_LONG_SIDE: u16 = 1920;

/// The long side of a thumbnail, in pixels, and its largest size in bytes.
pub const THUMBNAIL_LONG_SIDE: usize = 320;
/// The most bytes of a thumbnail.
pub const THUMBNAIL_BYTES: usize = 30_000;

/// Of a copy for sending.
const COPY_QUALITY: u8 = 85;
/// Of a whole picture that had to be encoded anew.
const WHOLE_QUALITY: u8 = 92;

/// A decoded picture as it is shown, and what it carried.
struct Decoded {
    planes: Planes,
    /// Whole segments to keep, EXIF not among them.
    segments: Vec<u8>,
    tiff: Option<Vec<u8>>,
}

pub(crate) fn stamp(
    data: &[u8],
    order: &Order<'_>,
    fonts: &Fonts<'_>,
    why: Why,
) -> Result<(Vec<u8>, Report), Error> {
    let (long, quality) = match order.mode {
        Mode::Copy => (Some(order.template.copy_long_side.into()), COPY_QUALITY),
        Mode::Evidence | Mode::Canvas => (None, WHOLE_QUALITY),
    };
    if segments(data).is_ok_and(|segments| seal::is_stamped(data, &segments)) {
        return Err(Error::AlreadyStamped);
    }
    let mut decoded = decode(data, long)?;
    let (lines, missing_fields) = order.template.lines(order.facts);
    let size = (decoded.planes.y.width, decoded.planes.y.height);
    let plate = Plate::new(order.template.plate_opacity);
    let (layout, module, opacity) = if order.mode == Mode::Canvas {
        let shown = (size.0, size.1 + size.1 / 4);
        let (layout, module) = with_code(order, shown, |code| {
            layout::beside_picture(fonts, &lines, order.template, code, size)
        })?;
        let strip = layout.plate.bottom;
        let bottom = size.1.next_multiple_of(2) + strip;
        decoded.planes.y.extend(bottom, 0);
        decoded.planes.cb.extend(bottom.div_ceil(2), 128);
        decoded.planes.cr.extend(bottom.div_ceil(2), 128);
        let layout = layout.lowered(bottom - strip);
        (layout, module, 100)
    } else {
        let even = |plate: Rect| Rect {
            left: plate.left / 2 * 2,
            top: plate.top / 2 * 2,
            right: plate.right.next_multiple_of(2).min(size.0),
            bottom: plate.bottom.next_multiple_of(2).min(size.1),
        };
        let (layout, module) = with_code(order, size, |code| {
            layout::on_picture(fonts, &lines, order.template, code, size, even)
        })?;
        (layout, module, plate.opacity())
    };
    draw(&mut decoded.planes, fonts, &layout, order, plate);
    let drawn = match (order.mark, layout.square) {
        (Some(marker), Some(square)) => {
            let shown = (decoded.planes.y.width, decoded.planes.y.height);
            let phase = (0, 0);
            let cells = Cells::new(shown, layout.plate, phase);
            let looks = Looks {
                size: shown,
                band: layout.plate,
                corner: (square.left, square.top),
                module,
                phase,
                means: plane_means(&decoded.planes.y, &cells),
            };
            let drawn = marker.code(looks)?;
            draw_code(&mut decoded.planes, &drawn.code, module, square);
            Some((square, drawn))
        }
        _ => None,
    };

    let tags = Tags::of(order.facts).upright();
    let (tiff, outcome) = match exif::with_tags(decoded.tiff.as_deref(), &tags) {
        Ok(tiff) => (Some(tiff), ExifOutcome::Set(tags.names())),
        // what cannot be read also cannot be said to lie upright, so a damaged block is not taken along
        Err(trouble) => (
            exif::with_tags(None, &tags).ok(),
            ExifOutcome::Left(trouble),
        ),
    };
    let report = Report {
        mode: order.mode,
        method: Method::Reencoded { why },
        size: (decoded.planes.y.width, decoded.planes.y.height),
        band: layout.plate,
        em: layout.em,
        plate_opacity: opacity,
        missing_glyphs: layout.text.missing.iter().copied().collect(),
        missing_fields,
        source: order.facts.source,
        original: Hash::of(data),
        sealed_bytes: 0,
        exif: outcome,
        code: drawn_code(
            order,
            module,
            drawn.as_ref().map(|(square, drawn)| (*square, drawn)),
        ),
    };
    let mut head = JFIF.to_vec();
    if let Some(segment) = tiff.and_then(|tiff| exif_bytes(&tiff).ok()) {
        head.extend(segment);
    }
    head.extend(decoded.segments);
    head.extend(seal::about(&about(&report, order)?).ok_or(Error::SealDamaged)?);
    Ok((encode(&decoded.planes, quality, &head)?, report))
}

/// A small picture for lists, at most [`THUMBNAIL_BYTES`] large, as it is shown and without any metadata.
///
/// # Errors
/// [`Error`] when the picture cannot be decoded.
pub fn thumbnail(data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut long = THUMBNAIL_LONG_SIDE;
    loop {
        let planes = decode(data, Some(long))?.planes;
        for quality in [80, 65, 50] {
            let bytes = encode(&planes, quality, JFIF)?;
            if bytes.len() <= THUMBNAIL_BYTES {
                return Ok(bytes);
            }
        }
        long = long * 3 / 4;
    }
}

/// A picture's brightness as it is shown, with its long side at most `long`.
pub(crate) fn brightness(data: &[u8], long: usize) -> Result<Plane, Error> {
    if data.len() > MAX_FILE_BYTES {
        return Err(Error::FileTooLarge(data.len()));
    }
    Ok(decode(data, Some(long))?.planes.y)
}

/// The EXIF block of a picture, without what comes before it in its segment or chunk.
pub(crate) fn exif_of(data: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let format = format(data)?;
    if format == ImageFormat::Jpeg {
        return Ok(kept(data)?.1);
    }
    let damaged = |error: image::ImageError| Error::Damaged(error.to_string());
    let mut decoder = ImageReader::with_format(Cursor::new(data), format)
        .into_decoder()
        .map_err(damaged)?;
    Ok(decoder.exif_metadata().ok().flatten().map(bare))
}

/// Without the prefix that belongs to a JPEG's segment, which some writers put into other files too.
fn bare(tiff: Vec<u8>) -> Vec<u8> {
    match tiff.strip_prefix(exif::PREFIX.as_slice()) {
        Some(bare) => bare.to_vec(),
        None => tiff,
    }
}

/// Version 1.1, no resolution, no thumbnail.
const JFIF: &[u8] = b"\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

/// Draws the plate and the text.
fn draw(planes: &mut Planes, fonts: &Fonts<'_>, layout: &Layout, order: &Order<'_>, plate: Plate) {
    let area = layout.plate;
    let mut mask = Mask::new(area);
    layout.draw(fonts, order.template, |x, y, coverage| {
        mask.dot(x, y, coverage)
    });
    let paint = |pixel: &mut u8, black: i32, white: i32, letter: u32| {
        let letter = i32::try_from(letter).unwrap_or(255);
        let sample = plate.sample(i32::from(*pixel) - 128, black, white, letter) + 128;
        *pixel = u8::try_from(sample.clamp(0, 255)).unwrap_or(u8::MAX);
    };
    for y in 0..area.height() {
        let line = planes.y.row_mut(area.top + y);
        let pixels = line.get_mut(area.left..area.right).unwrap_or_default();
        for (pixel, letter) in pixels.iter_mut().zip(mask.row(y)) {
            paint(pixel, -128, 127, (*letter).into());
        }
    }
    for y in 0..area.height().div_ceil(2) {
        let pairs = |row: usize| mask.row(row).chunks(2).map(pair);
        let letters: Vec<u32> = pairs(y * 2)
            .zip(pairs((y * 2 + 1).min(area.height() - 1)))
            .map(|(a, b)| (a + b + 2) / 4)
            .collect();
        for plane in [&mut planes.cb, &mut planes.cr] {
            let line = plane.row_mut(area.top / 2 + y);
            let pixels = line
                .get_mut(area.left / 2..area.right.div_ceil(2))
                .unwrap_or_default();
            for (pixel, letter) in pixels.iter_mut().zip(&letters) {
                paint(pixel, 0, 0, *letter);
            }
        }
    }
}

/// Draws the code, black and white and without colour.
fn draw_code(planes: &mut Planes, code: &Code, module: usize, square: Rect) {
    for y in 0..square.height() {
        let line = planes.y.row_mut(square.top + y);
        let pixels = line.get_mut(square.left..square.right).unwrap_or_default();
        for (x, pixel) in pixels.iter_mut().enumerate() {
            *pixel = if code.white(x, y, module) { u8::MAX } else { 0 };
        }
    }
    for plane in [&mut planes.cb, &mut planes.cr] {
        for y in square.top / 2..square.bottom.div_ceil(2) {
            let line = plane.row_mut(y);
            let pixels = line.get_mut(square.left / 2..square.right.div_ceil(2));
            pixels.unwrap_or_default().fill(128);
        }
    }
}

/// The mean of each cell of a picture as it is shown.
pub(crate) fn plane_means(plane: &Plane, cells: &Cells) -> Vec<i32> {
    cells.means((plane.width, plane.height), Lie::Fitted, |y, out| {
        out.extend(plane.row(y).iter().map(|pixel| u32::from(*pixel) * 8));
    })
}

/// The sum of two neighbours; the last of a row stands for the one that it lacks.
fn pair(pixels: &[u8]) -> u32 {
    match pixels {
        [a, b] => u32::from(*a) + u32::from(*b),
        [a] => u32::from(*a) * 2,
        _ => 0,
    }
}

/// Decodes a picture as it is shown, with its long side at most `long`.
fn decode(data: &[u8], long: Option<usize>) -> Result<Decoded, Error> {
    if let Ok(jpeg) = Jpeg::parse(data)
        && !jpeg.is_rgb()
    {
        let (kept, tiff) = kept(data)?;
        let target = fitted((jpeg.width, jpeg.height), long);
        match from_jpeg(&jpeg, target) {
            Ok(planes) => {
                let orientation = tiff.as_deref().and_then(exif::orientation).unwrap_or(1);
                return Ok(Decoded {
                    planes: planes.turned(orientation),
                    segments: kept,
                    tiff,
                });
            }
            Err(broken @ (Broken::Code | Broken::EndsEarly)) => return Err(broken.into()),
            Err(_) => {}
        }
    }
    decode_any(data, long)
}

fn decode_any(data: &[u8], long: Option<usize>) -> Result<Decoded, Error> {
    let format = format(data)?;
    if format == ImageFormat::Jpeg && !is_complete(data) {
        return Err(Broken::EndsEarly.into());
    }
    let mut reader = ImageReader::with_format(Cursor::new(data), format);
    let mut limits = Limits::default();
    // four bytes a pixel for PNG and WebP with transparency, as much again for the decoder's own planes
    limits.max_alloc = Some(MAX_DECODED_PIXELS * 8);
    reader.limits(limits);
    let damaged = |error: image::ImageError| Error::Damaged(error.to_string());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (u64::from(width), u64::from(height));
    if width * height > MAX_DECODED_PIXELS || width.max(height) > 65_535 {
        return Err(Error::PictureTooLarge { width, height });
    }
    let (segments, tiff) = if format == ImageFormat::Jpeg {
        kept(data).unwrap_or_default()
    } else {
        let icc = decoder.icc_profile().ok().flatten();
        let tiff = decoder.exif_metadata().ok().flatten();
        let tiff = tiff.map(bare);
        (icc.map(|icc| icc_segments(&icc)).unwrap_or_default(), tiff)
    };
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let rgb = opaque(picture);
    let source = (rgb.width() as usize, rgb.height() as usize);
    let planes = from_rgb(rgb.as_raw(), source, fitted(source, long));
    drop(rgb);
    let orientation = tiff.as_deref().and_then(exif::orientation).unwrap_or(1);
    Ok(Decoded {
        planes: planes.turned(orientation),
        segments,
        tiff,
    })
}

/// On white where it is transparent.
fn opaque(picture: DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let mut rgb = image::RgbImage::new(width, height);
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let image::Rgba([r, g, b, a]) = *from;
        let over = |value: u8| {
            let sum = u32::from(value) * u32::from(a) + 255 * (255 - u32::from(a));
            u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
        };
        *to = image::Rgb([r, g, b].map(over));
    }
    rgb
}

/// What kind of picture a file is, or why it cannot be read.
fn format(data: &[u8]) -> Result<ImageFormat, Error> {
    if let Some(brand) = data.get(4..12).and_then(|head| head.strip_prefix(b"ftyp")) {
        return Err(match brand {
            b"avif" | b"avis" => Error::Unsupported("AVIF"),
            b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => Error::Heic,
            _ => Error::UnknownFormat,
        });
    }
    match image::guess_format(data) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => Ok(format),
        Ok(ImageFormat::Gif) => Err(Error::Unsupported("GIF")),
        Ok(ImageFormat::Bmp) => Err(Error::Unsupported("BMP")),
        Ok(ImageFormat::Tiff) => Err(Error::Unsupported("TIFF")),
        _ => Err(Error::UnknownFormat),
    }
}

/// What a JPEG carries beside its picture and is kept: XMP, the colour profile if it is one for RGB, IPTC and comments as whole segments; EXIF apart.
fn kept(data: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), Error> {
    let mut kept = Vec::new();
    let mut tiff = None;
    let segments = segments(data)?;
    let body_of =
        |segment: &crate::jpeg::Segment| data.get(segment.body.clone()).unwrap_or_default();
    let rgb_profile = segments
        .iter()
        .filter(|segment| segment.marker == APP2)
        .find_map(|segment| body_of(segment).strip_prefix(b"ICC_PROFILE\0\x01"))
        .is_some_and(|first| first.get(17..21) == Some(b"RGB "));
    for segment in &segments {
        let body = body_of(segment);
        let keep = match segment.marker {
            APP1 => match body.strip_prefix(exif::PREFIX.as_slice()) {
                Some(found) => {
                    tiff.get_or_insert_with(|| found.to_vec());
                    false
                }
                None => true,
            },
            APP2 => rgb_profile && body.starts_with(b"ICC_PROFILE\0"),
            APP13 | COM => true,
            _ => false,
        };
        if keep {
            // without the fill bytes before a marker, which carry nothing
            kept.extend(data.get(segment.whole.clone()).unwrap_or_default());
        }
    }
    Ok((kept, tiff))
}

/// A colour profile for RGB in segments of its own (ICC.1:2022, B.4).
fn icc_segments(icc: &[u8]) -> Vec<u8> {
    const PIECE: usize = 65_519;
    let mut segments = Vec::new();
    let Ok(count) = u8::try_from(icc.len().div_ceil(PIECE)) else {
        return segments;
    };
    if icc.get(16..20) != Some(b"RGB ") {
        return segments;
    }
    for (number, piece) in (1..=count).zip(icc.chunks(PIECE)) {
        let Ok(length) = u16::try_from(piece.len() + 16) else {
            return Vec::new();
        };
        segments.extend([0xFF, APP2]);
        segments.extend(length.to_be_bytes());
        segments.extend(b"ICC_PROFILE\0");
        segments.extend([number, count]);
        segments.extend(piece);
    }
    segments
}
