//! The plate and the text on it, as a change of blocks.
//!
//! A translucent plate is the same factor for every sample, so a block with nothing written on it keeps the shape that it has and is painted
//! in its coefficients alone. Only blocks under letters go through samples.

#![expect(
    clippy::cast_possible_truncation,
    reason = "samples and coefficients stay within 16 bits; a mask's average within 8"
)]

use crate::jpeg::Jpeg;
use crate::jpeg::blocks::Block;
use crate::jpeg::dct::{Divisors, dequantise, forward, inverse};
use crate::turn::Rect;

/// How much of each pixel of a rectangle is letter, as the picture is stored. The rectangle begins at a multiple of 8.
#[derive(Debug)]
pub(crate) struct Mask {
    pub(crate) rect: Rect,
    stride: usize,
    pixels: Vec<u8>,
    /// Whether anything is written in each square of 8 by 8.
    tiles: Vec<bool>,
    tiles_across: usize,
}

impl Mask {
    pub(crate) fn new(rect: Rect) -> Self {
        let tiles_across = rect.width().div_ceil(8);
        Self {
            rect,
            stride: rect.width(),
            pixels: vec![0; rect.width() * rect.height()],
            tiles: vec![false; tiles_across * rect.height().div_ceil(8)],
            tiles_across,
        }
    }

    /// Adds a letter's coverage at a pixel of the stored picture.
    pub(crate) fn dot(&mut self, x: usize, y: usize, coverage: u8) {
        let (Some(x), Some(y)) = (x.checked_sub(self.rect.left), y.checked_sub(self.rect.top))
        else {
            return;
        };
        if x >= self.stride {
            return;
        }
        if let Some(pixel) = self.pixels.get_mut(y * self.stride + x) {
            *pixel = pixel.saturating_add(coverage);
            if let Some(tile) = self.tiles.get_mut(y / 8 * self.tiles_across + x / 8) {
                *tile = true;
            }
        }
    }

    /// A row of the mask, by its row in the rectangle.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        self.pixels
            .get(y * self.stride..(y + 1) * self.stride)
            .unwrap_or_default()
    }

    /// The coverage of 8 by 8 samples that are each so many pixels wide and high, from this pixel of the rectangle on; `None`: nothing is
    /// written there.
    fn samples(&self, x: usize, y: usize, (wide, high): (usize, usize)) -> Option<[[i32; 8]; 8]> {
        let written = (y / 8..y / 8 + high).any(|row| {
            (x / 8..x / 8 + wide).any(|column| {
                column < self.tiles_across
                    && self
                        .tiles
                        .get(row * self.tiles_across + column)
                        .is_some_and(|tile| *tile)
            })
        });
        if !written {
            return None;
        }
        let mut samples = [[0; 8]; 8];
        for (down, line) in (y..).step_by(high).zip(samples.iter_mut()) {
            for row in down..down + high {
                let pixels = self.row(row).get(x..).unwrap_or_default();
                for (sample, group) in line.iter_mut().zip(pixels.chunks(wide)) {
                    *sample += group.iter().map(|pixel| i32::from(*pixel)).sum::<i32>();
                }
            }
        }
        let area = (wide * high) as i32;
        if area > 1 {
            for sample in samples.as_flattened_mut() {
                *sample = (*sample + area / 2) / area;
            }
        }
        Some(samples)
    }
}

/// The code as a mask of its own: what it covers whole, and what of that is white.
#[derive(Debug)]
pub(crate) struct Cover {
    opaque: Mask,
    white: Mask,
}

impl Cover {
    /// For this rectangle of the stored picture, which consists of whole MCUs.
    pub(crate) fn new(rect: Rect) -> Self {
        Self {
            opaque: Mask::new(rect),
            white: Mask::new(rect),
        }
    }

    /// Covers a pixel of the stored picture.
    pub(crate) fn dot(&mut self, x: usize, y: usize, white: bool) {
        self.opaque.dot(x, y, u8::MAX);
        self.white.dot(x, y, if white { u8::MAX } else { 0 });
    }

    /// As [`Mask::samples`], from this pixel of the stored picture on.
    fn samples(&self, x: usize, y: usize, pixels: (usize, usize)) -> Option<Covered> {
        let rect = self.opaque.rect;
        let (x, y) = (x.checked_sub(rect.left)?, y.checked_sub(rect.top)?);
        let opaque = self.opaque.samples(x, y, pixels)?;
        let white = self.white.samples(x, y, pixels)?;
        Some(Covered { opaque, white })
    }
}

/// How much of each sample of a block is covered, and how much of it is white, of 255.
struct Covered {
    opaque: [[i32; 8]; 8],
    white: [[i32; 8]; 8],
}

/// How dark the plate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plate {
    /// What is left of the picture, of 256.
    keep: i32,
}

/// White letters on what a black plate leaves of a white picture: for a contrast of 4.5:1 (WCAG 2.2, 1.4.3) its luminance may be 1.05/4.5 - 0.05 =
/// 0.183, which is 119 of 255 in sRGB, so the plate takes 53.4 %. One more for samples that JPEG lets overshoot.
pub(crate) const LEAST_OPACITY: u8 = 55;

/// Beyond this nothing of the picture is left to see.
pub(crate) const MOST_OPACITY: u8 = 90;

impl Plate {
    /// A black plate of this opacity in percent; one that would not make the text readable on any picture is raised.
    pub(crate) fn new(opacity: u8) -> Self {
        let opacity = i32::from(opacity.clamp(LEAST_OPACITY, MOST_OPACITY));
        Self {
            keep: 256 - (opacity * 256 + 50) / 100,
        }
    }

    /// In percent.
    pub(crate) fn opacity(self) -> u8 {
        u8::try_from(((256 - self.keep) * 100 + 128) / 256).unwrap_or(MOST_OPACITY)
    }

    /// A sample around zero under the plate; black and white are where a component has them.
    #[inline(always)]
    pub(crate) const fn sample(self, sample: i32, black: i32, white: i32, letter: i32) -> i32 {
        let under = (sample * self.keep + black * (256 - self.keep) + 128) >> 8;
        under + ((white - under) * letter + 127) / 255
    }
}

/// Paints MCUs of a picture.
pub(crate) struct Painter<'m> {
    mask: &'m Mask,
    cover: Option<&'m Cover>,
    plate: Plate,
    kinds: Vec<Kind>,
    mcu: (usize, usize),
}

/// A block of an MCU.
#[derive(Debug, Clone)]
struct Kind {
    quant: [u16; 64],
    divisors: Divisors,
    /// Pixels per sample, across and down.
    pixels: (usize, usize),
    /// Its corner in the MCU, in pixels.
    corner: (usize, usize),
    /// Where black and white are, around zero.
    black: i32,
    white: i32,
}

impl<'m> Painter<'m> {
    pub(crate) fn new(
        jpeg: &Jpeg<'_>,
        mask: &'m Mask,
        cover: Option<&'m Cover>,
        plate: Plate,
    ) -> Self {
        let rgb = jpeg.is_rgb();
        let mut kinds = Vec::new();
        for (number, component) in jpeg.components.iter().enumerate() {
            let pixels = (
                jpeg.mcu_width / 8 / component.h,
                jpeg.mcu_height / 8 / component.v,
            );
            // black and white have no colour: 128 in Cb and Cr
            let (black, white) = if number == 0 || rgb {
                (-128, 127)
            } else {
                (0, 0)
            };
            let quant = jpeg.quant.get(component.quant).copied().flatten();
            let quant = quant.unwrap_or([1; 64]);
            for row in 0..component.v {
                for column in 0..component.h {
                    kinds.push(Kind {
                        quant,
                        divisors: Divisors::new(&quant),
                        pixels,
                        corner: (column * 8 * pixels.0, row * 8 * pixels.1),
                        black,
                        white,
                    });
                }
            }
        }
        Self {
            mask,
            cover,
            plate,
            kinds,
            mcu: (jpeg.mcu_width, jpeg.mcu_height),
        }
    }

    /// Paints the MCU in this column and row of the picture.
    pub(crate) fn paint(&self, column: usize, row: usize, blocks: &mut [Block]) {
        let (Some(x), Some(y)) = (
            (column * self.mcu.0).checked_sub(self.mask.rect.left),
            (row * self.mcu.1).checked_sub(self.mask.rect.top),
        ) else {
            return;
        };
        for (block, kind) in blocks.iter_mut().zip(&self.kinds) {
            let (x, y) = (x + kind.corner.0, y + kind.corner.1);
            let letters = self.mask.samples(x, y, kind.pixels);
            let (left, top) = (self.mask.rect.left, self.mask.rect.top);
            let covered = self
                .cover
                .and_then(|cover| cover.samples(left + x, top + y, kind.pixels));
            match (letters, covered) {
                (None, None) => self.darken(block, kind),
                (letters, covered) => {
                    self.write_on(block, kind, &letters.unwrap_or_default(), covered.as_ref());
                }
            }
        }
    }

    fn darken(&self, block: &mut Block, kind: &Kind) {
        let keep = self.plate.keep;
        for value in block.iter_mut() {
            let v = i32::from(*value);
            // to the nearest, halves towards zero: what is half a step is noise, and costs bits
            *value = (((v.abs() * keep + 127) >> 8) * v.signum()) as i16;
        }
        let [dc, ..] = block;
        let [step, ..] = kind.quant;
        // a flat block of s has a DC of 8 s
        let shift = (256 - keep) * kind.black * 8;
        let step = i32::from(step) * 256;
        let shift = if shift < 0 {
            -((step / 2 - shift) / step)
        } else {
            (shift + step / 2) / step
        };
        *dc = (i32::from(*dc) + shift).clamp(-1023, 1023) as i16;
    }

    fn write_on(
        &self,
        block: &mut Block,
        kind: &Kind,
        letters: &[[i32; 8]; 8],
        covered: Option<&Covered>,
    ) {
        let mut samples = inverse(&dequantise(block, &kind.quant));
        for (sample, letter) in samples
            .as_flattened_mut()
            .iter_mut()
            .zip(letters.as_flattened())
        {
            let inside = (*sample).clamp(-128, 127);
            *sample = self
                .plate
                .sample(inside, kind.black, kind.white, (*letter).min(255));
        }
        if let Some(Covered { opaque, white }) = covered {
            let shares = opaque.as_flattened().iter().zip(white.as_flattened());
            for (sample, (opaque, white)) in samples.as_flattened_mut().iter_mut().zip(shares) {
                let (opaque, white) = ((*opaque).min(255), (*white).min(255));
                let code = kind.black * (opaque - white) + kind.white * white;
                *sample = (*sample * (255 - opaque) + code) / 255;
            }
        }
        *block = kind.divisors.quantise(&forward(&samples));
    }
}
