//! The code on the picture: drawn as black and white, found and read again.

use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};
use rqrr::{BitGrid, Grid, PreparedImage};

use super::payload::PREFIX;
use crate::planes::Plane;
use crate::turn::Rect;

/// One size of code for all photos, so that its place is known before what it says: version 13 with the level L holds 619 characters of the
/// alphanumeric mode (ISO/IEC 18004, table 7), which is the longest payload to the character.
const VERSION: i16 = 13;

/// Modules of a side without the quiet zone.
pub(crate) const MODULES: usize = 69;

/// White modules around it.
pub(crate) const QUIET: usize = 4;

/// Modules of the white square.
pub(crate) const SIDE: usize = MODULES + 2 * QUIET;

/// Pixels of a module that are aimed at, once the picture's long side is reduced to [`REDUCED`].
const WANTED: usize = 3;

/// What messengers reduce a picture to.
const REDUCED: usize = 1280;

/// The fewest that could be read after that, in tenths of a pixel; measured, see `core/docs/photo.md`.
const LEAST_TENTHS: usize = 15;

/// A code, module by module.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    dark: Vec<bool>,
}

impl Code {
    /// Of this text; `None` when it is too long.
    pub(crate) fn new(text: &str) -> Option<Self> {
        // all in one mode: left to itself, the crate begins others for runs of digits, and has no room left
        let mut bits = Bits::new(Version::Normal(VERSION));
        bits.push_alphanumeric_data(text.as_bytes()).ok()?;
        bits.push_terminator(EcLevel::L).ok()?;
        let code = QrCode::with_bits(bits, EcLevel::L).ok()?;
        let dark: Vec<bool> = code
            .to_colors()
            .into_iter()
            .map(|color| color == Color::Dark)
            .collect();
        (dark.len() == MODULES * MODULES).then_some(Self { dark })
    }

    /// Whether a pixel of the white square is white, for modules of this size.
    pub(crate) fn white(&self, x: usize, y: usize, module: usize) -> bool {
        let place = |at: usize| {
            (at / module)
                .checked_sub(QUIET)
                .filter(|place| *place < MODULES)
        };
        match (place(x), place(y)) {
            (Some(x), Some(y)) => !self.dark.get(y * MODULES + x).copied().unwrap_or(false),
            _ => true,
        }
    }
}

/// The sizes of a module that a picture can have, in pixels, the best first.
pub(crate) fn modules((width, height): (usize, usize)) -> impl Iterator<Item = usize> {
    let long = width.max(height).max(REDUCED);
    let wanted = (long * WANTED).div_ceil(REDUCED);
    let least = (long * LEAST_TENTHS).div_ceil(REDUCED * 10);
    (least.max(1)..=wanted).rev()
}

/// A code that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// Its corners without the quiet zone, upper left first and then clockwise as the code stands, in parts of the picture's width and height.
    pub(crate) corners: [(f64, f64); 4],
}

/// A code of ours stands at the end of a band, so in a corner, or else beside a block of text, so at the upper or lower edge: within this part of the picture's
/// long side, in percent: three pixels of 1280 for each module, and some room for rounding and for the inset.
const CORNER_PERCENT: usize = 21;

/// Sides to which corners are scaled before they are looked at, in pixels, one after the other: fine modules are told apart where there are some pixels between
/// their middles, and a detector that misses a code at one size finds it at another.
const CORNER_LOOKS: [usize; 5] = [640, 480, 800, 560, 1000];

/// Long sides to which the upper and the lower edge are scaled.
const EDGE_LOOKS: [usize; 4] = [2600, 2000, 3200, 1600];

/// Long sides to which the whole picture is scaled, for codes that stand elsewhere.
const WHOLE_LOOKS: [usize; 2] = [2600, 1600];

/// What is dark on a code: it is drawn in black and white, so the middle between them holds over all of it.
const MIDDLE: u8 = 128;

/// Our codes on a picture, each text once: those in its corners, or else those at its edges, or else those anywhere.
pub(crate) fn find(picture: &Plane) -> Vec<Found> {
    let side = picture.width.max(picture.height) * CORNER_PERCENT / 100 + 1;
    let (wide, high) = (side.min(picture.width), side.min(picture.height));
    look_at(picture, (wide, high), &CORNER_LOOKS)
        .or_else(|| look_at(picture, (picture.width, high), &EDGE_LOOKS))
        .or_else(|| look_at(picture, (picture.width, picture.height), &WHOLE_LOOKS))
        .unwrap_or_default()
}

/// Looks at the parts of this size in the corners of a picture, as they are and then sharpened.
fn look_at(picture: &Plane, size: (usize, usize), looks: &[usize]) -> Option<Vec<Found>> {
    let parts = parts(picture, size);
    let sharp: Vec<(Plane, Rect)> = parts
        .iter()
        .map(|(part, at)| (sharpened(part), *at))
        .collect();
    let long = size.0.max(size.1);
    for parts in [&parts, &sharp] {
        // more than eight times as large shows nothing new
        for look in looks.iter().filter(|look| **look <= long * 8) {
            let mut found: Vec<Found> = Vec::new();
            for (part, at) in parts {
                for code in read(&scaled(part, *look)) {
                    if !found.iter().any(|other| other.text == code.text) {
                        found.push(code.within(*at, picture));
                    }
                }
            }
            if !found.is_empty() {
                return Some(found);
            }
        }
    }
    None
}

/// The parts of this size in the corners of a picture, as many as there are, and where they lie.
fn parts(picture: &Plane, (wide, high): (usize, usize)) -> Vec<(Plane, Rect)> {
    let mut tops = vec![picture.height - high, 0];
    let mut lefts = vec![picture.width - wide, 0];
    tops.dedup();
    lefts.dedup();
    let mut parts = Vec::new();
    for top in tops {
        for left in lefts.iter().copied() {
            let mut part = Plane::new(wide, high, 0);
            for y in 0..high {
                let row = picture.row(top + y).iter().skip(left);
                for (to, from) in part.row_mut(y).iter_mut().zip(row) {
                    *to = *from;
                }
            }
            let at = Rect {
                left,
                top,
                right: left + wide,
                bottom: top + high,
            };
            parts.push((part, at));
        }
    }
    parts
}

impl Found {
    /// In parts of the whole picture, given where the part lies in which it was found.
    fn within(mut self, at: Rect, whole: &Plane) -> Self {
        let size = (whole.width as f64, whole.height as f64);
        self.corners = self.corners.map(|(x, y)| {
            (
                (at.left as f64 + x * at.width() as f64) / size.0,
                (at.top as f64 + y * at.height() as f64) / size.1,
            )
        });
        self
    }
}

/// Each pixel farther from the mean of its neighbours: what making a picture smaller took from modules of less than two pixels.
fn sharpened(picture: &Plane) -> Plane {
    let (width, height) = (picture.width, picture.height);
    let mut plane = Plane::new(width, height, 0);
    for y in 0..height {
        let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)].map(|y| picture.row(y));
        let [above, row, below] = rows;
        let at = |row: &[u8], x: usize| i32::from(row.get(x).copied().unwrap_or_default());
        for (x, pixel) in plane.row_mut(y).iter_mut().enumerate() {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
            let around = at(above, x) + at(below, x) + at(row, left) + at(row, right);
            let middle = at(row, x);
            let value = middle + (4 * middle - around) / 2;
            *pixel = u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX);
        }
    }
    plane
}

fn read(picture: &Plane) -> Vec<Found> {
    let pixel = |x: usize, y: usize| picture.row(y).get(x).copied().unwrap_or(u8::MAX);
    let (width, height) = (picture.width, picture.height);
    let mut found = Vec::new();
    let mut image = PreparedImage::prepare_from_bitmap(width, height, |x, y| pixel(x, y) < MIDDLE);
    collect(&image.detect_grids(), (width, height), &mut found);
    if found.is_empty() {
        let mut image = PreparedImage::prepare_from_greyscale(width, height, pixel);
        collect(&image.detect_grids(), (width, height), &mut found);
    }
    found
}

fn collect<G: BitGrid>(grids: &[Grid<G>], (width, height): (usize, usize), found: &mut Vec<Found>) {
    for grid in grids {
        let Ok((_, text)) = grid.decode() else {
            continue;
        };
        if !text.starts_with(PREFIX) || found.iter().any(|other| other.text == text) {
            continue;
        }
        let corners = grid.bounds.map(|point| {
            (
                f64::from(point.x) / width as f64,
                f64::from(point.y) / height as f64,
            )
        });
        found.push(Found { text, corners });
    }
}

/// The picture with its long side at `long`, between the four nearest pixels. Less than half as large, some pixels would count for nothing; a code is no finer than that.
fn scaled(picture: &Plane, long: usize) -> Plane {
    let longest = picture.width.max(picture.height).max(1);
    let side = |side: usize| ((side * long + longest / 2) / longest).max(1);
    let (width, height) = (side(picture.width), side(picture.height));
    // the middle of a pixel among the others', in 256ths, and the two pixels that it lies between
    let place = |at: usize, to: usize, from: usize| {
        let middle = ((2 * at + 1) * from * 128 / to).saturating_sub(128);
        let low = (middle >> 8).min(from - 1);
        (low, (low + 1).min(from - 1), middle & 255)
    };
    let columns: Vec<_> = (0..width).map(|x| place(x, width, picture.width)).collect();
    let mut plane = Plane::new(width, height, 0);
    for y in 0..height {
        let (above, below, down) = place(y, height, picture.height);
        let (above, below) = (picture.row(above), picture.row(below));
        for (pixel, (left, right, across)) in plane.row_mut(y).iter_mut().zip(&columns) {
            let of = |row: &[u8]| {
                let at = |x: usize| usize::from(row.get(x).copied().unwrap_or_default());
                at(*left) * (256 - across) + at(*right) * across
            };
            let value = (of(above) * (256 - down) + of(below) * down + (1 << 15)) >> 16;
            *pixel = u8::try_from(value).unwrap_or(u8::MAX);
        }
    }
    plane
}
