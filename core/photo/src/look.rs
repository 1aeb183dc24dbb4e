//! What a picture looks like, in 256 bits: the same for a copy, a smaller one, one that was compressed again.
//!
//! As PDQ does it (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019): brightness at 64 × 64, of its
//! cosine transform the 16 × 16 lowest frequencies without the constant ones, and of each whether it lies above their median. Our numbers are
//! not PDQ's, whose first step is another blur.

use waymark_domain::photo::look::{CUTS, Look};

use crate::error::Error;
use crate::planes::Plane;
use crate::reencode::brightness;

/// The side of the square that a picture is brought to.
const SIDE: usize = 64;
/// Frequencies kept in each direction, from the first.
const KEPT: usize = 16;
/// Enough pixels that each of the square covers a few.
const DECODED_LONG_SIDE: usize = 256;
/// Below this mean size of a coefficient, in steps of brightness, its sign is noise of the encoder: a wall, a black picture.
const LEAST_DETAIL: f64 = 2.0;

type Square<const N: usize> = [[f64; N]; N];

/// What of a picture is looked at: all of it, and its middle without this share of each side, in thousandths. So a picture is known again of
/// which the edges were cut off, the nearest way to make another one of it.
const SHARES: [usize; CUTS] = [0, 50, 100];

/// What a picture looks like, and what it would look like lying or mirrored in any of the eight ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// As it is shown. This is kept.
    pub upright: Look,
    /// In the seven other ways. These are only compared with what was kept.
    others: [Look; 7],
}

impl Looks {
    /// In how many of 256 bits it differs from one that was kept, in whichever way is nearest. Two pictures that have nothing in common differ
    /// in about 128 in each, and in about 110 in the nearest.
    #[must_use]
    pub fn distance(&self, kept: &Look) -> u32 {
        let others = self.others.iter().map(|look| look.distance(kept));
        others.fold(self.upright.distance(kept), u32::min)
    }
}

/// What a picture looks like; `None` when there is too little in it to tell it from another: a wall, a picture taken in a pocket.
///
/// # Errors
/// [`Error`] when the picture cannot be decoded.
pub fn looks(data: &[u8]) -> Result<Option<Looks>, Error> {
    let plane = brightness(data, DECODED_LONG_SIDE)?;
    let low = SHARES.map(|cut| frequencies(&square(&plane, cut)));
    let detail = low.first().map_or(0.0, |low| {
        low.iter().flatten().map(|value| value.abs()).sum()
    });
    if detail < LEAST_DETAIL * f64::from(256_u16) {
        return Ok(None);
    }
    let seen = |transposed: bool, mirrored_x: bool, mirrored_y: bool| {
        Look::from_bytes(low.map(|low| {
            let mut seen = if transposed { transpose(&low) } else { low };
            // turning a picture over turns the sign of each odd frequency, which are those at even places here
            for (y, line) in seen.iter_mut().enumerate() {
                for (x, value) in line.iter_mut().enumerate() {
                    if (mirrored_x && x % 2 == 0) != (mirrored_y && y % 2 == 0) {
                        *value = -*value;
                    }
                }
            }
            bits(&seen)
        }))
    };
    Ok(Some(Looks {
        upright: seen(false, false, false),
        others: [
            seen(false, true, false),
            seen(false, false, true),
            seen(false, true, true),
            seen(true, false, false),
            seen(true, true, false),
            seen(true, false, true),
            seen(true, true, true),
        ],
    }))
}

/// The mean of what each of 64 × 64 equal parts covers, of what is left without `cut` thousandths of each side.
fn square(plane: &Plane, cut: usize) -> Square<SIDE> {
    let mut square = [[0.0; SIDE]; SIDE];
    let (left, top) = (plane.width * cut / 1000, plane.height * cut / 1000);
    let across = overlaps(plane.width - 2 * left);
    for (line, rows) in square.iter_mut().zip(overlaps(plane.height - 2 * top)) {
        for (value, columns) in line.iter_mut().zip(&across) {
            for (y, high) in &rows {
                let pixels = plane.row(top + y);
                for (x, wide) in columns {
                    let pixel = pixels.get(left + x).copied().unwrap_or_default();
                    *value += f64::from(pixel) * wide * high;
                }
            }
        }
    }
    square
}

/// Which of `pixels` each of 64 equal parts of a side covers, and what share of the part each is.
fn overlaps(pixels: usize) -> Vec<Vec<(usize, f64)>> {
    let part = |number: usize| {
        let (start, end) = (number * pixels, (number + 1) * pixels);
        (start / SIDE..end.div_ceil(SIDE))
            .map(|pixel| {
                let covered = end.min((pixel + 1) * SIDE) - start.max(pixel * SIDE);
                (pixel, ratio(covered, pixels))
            })
            .collect()
    };
    (0..SIDE).map(part).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sides of a picture, far below 2^52"
)]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

/// The lowest frequencies in both directions, without those that are constant in one.
fn frequencies(square: &Square<SIDE>) -> Square<KEPT> {
    let waves = waves();
    let along = |values: &[f64; SIDE]| {
        waves.map(|wave| wave.iter().zip(values).map(|(a, b)| a * b).sum::<f64>())
    };
    let narrow = square.map(|line| along(&line));
    let mut low = [[0.0; KEPT]; KEPT];
    for x in 0..KEPT {
        let mut column = [0.0; SIDE];
        for (value, line) in column.iter_mut().zip(&narrow) {
            *value = line.get(x).copied().unwrap_or_default();
        }
        for (line, value) in low.iter_mut().zip(along(&column)) {
            if let Some(to) = line.get_mut(x) {
                *to = value;
            }
        }
    }
    low
}

/// The rows of the DCT-II, from the first frequency. The cosine is the same on every platform.
fn waves() -> [[f64; SIDE]; KEPT] {
    let mut waves = [[0.0; SIDE]; KEPT];
    let scale = (2.0 / f64::from(64_u8)).sqrt();
    for (frequency, wave) in (1_u8..).zip(&mut waves) {
        for (at, value) in (0_u8..).zip(wave) {
            let angle = std::f64::consts::PI * f64::from(frequency) * (f64::from(at) + 0.5) / 64.0;
            *value = scale * libm::cos(angle);
        }
    }
    waves
}

fn transpose(low: &Square<KEPT>) -> Square<KEPT> {
    let mut transposed = *low;
    for (x, line) in transposed.iter_mut().enumerate() {
        for (value, other) in line.iter_mut().zip(low) {
            *value = other.get(x).copied().unwrap_or_default();
        }
    }
    transposed
}

/// Whether each value lies above the median of all.
fn bits(low: &Square<KEPT>) -> [u8; 32] {
    let mut sorted = low.as_flattened().to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let mut bits = [0; 32];
    let chunks = low.as_flattened().as_chunks::<8>().0;
    for (byte, values) in bits.iter_mut().zip(chunks) {
        *byte = values
            .iter()
            .fold(0, |byte, value| byte << 1 | u8::from(*value > median));
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: usize, height: usize, value: impl Fn(usize, usize) -> u8) -> Plane {
        let mut plane = Plane::new(width, height, 0);
        for y in 0..height {
            for (x, pixel) in plane.row_mut(y).iter_mut().enumerate() {
                *pixel = value(x, y);
            }
        }
        plane
    }

    proptest! {
        #[test]
        fn each_part_s_shares_add_up_to_one_and_no_pixel_is_left_out(pixels in 1_usize..300) {
            let parts = overlaps(pixels);
            let mut seen = vec![0.0; pixels];
            for part in &parts {
                let sum: f64 = part.iter().map(|(_, share)| share).sum();
                prop_assert!((sum - 1.0).abs() < 1e-12);
                for (pixel, share) in part {
                    seen[*pixel] += share;
                }
            }
            let each = 64.0 / pixels as f64;
            prop_assert!(seen.iter().all(|share| (share - each).abs() < 1e-9));
        }
    }

    #[test]
    fn a_single_wave_is_found_at_its_frequency_alone() {
        let wave = |at: usize, frequency: f64| {
            libm::cos(std::f64::consts::PI * frequency * (at as f64 + 0.5) / 64.0)
        };
        let plane = picture(64, 64, |x, y| {
            let value = 127.5 + 100.0 * wave(x, 3.0) * wave(y, 5.0);
            (0..=255)
                .find(|step| f64::from(*step) >= value - 1.0)
                .unwrap_or(255)
        });
        let low = frequencies(&square(&plane, 0));
        for (y, line) in low.iter().enumerate() {
            for (x, value) in line.iter().enumerate() {
                let expected = if (x, y) == (2, 4) { 3200.0 } else { 0.0 };
                assert!((value - expected).abs() < 5.0, "{x} {y} {value}");
            }
        }
    }
}
