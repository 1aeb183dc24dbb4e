//! A picture as brightness and two colours at half size, and the ways into it: from a baseline JPEG row by row, already smaller, or from
//! whatever a general decoder gives.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples are clamped to a byte before they are cut; averages of bytes are bytes"
)]

use crate::jpeg::blocks::{Decoders, Walker};
use crate::jpeg::dct::{dequantise, inverse};
use crate::jpeg::{Broken, Jpeg};
use crate::turn::Turn;

/// One component, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pixels: Vec<u8>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize, value: u8) -> Self {
        Self {
            width,
            height,
            pixels: vec![value; width * height],
        }
    }

    pub(crate) fn row(&self, y: usize) -> &[u8] {
        self.pixels
            .get(y * self.width..(y + 1) * self.width)
            .unwrap_or_default()
    }

    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [u8] {
        self.pixels
            .get_mut(y * self.width..(y + 1) * self.width)
            .unwrap_or_default()
    }

    /// Adds rows below, all of this value.
    pub(crate) fn extend(&mut self, height: usize, value: u8) {
        self.height = height;
        self.pixels.resize(self.width * height, value);
    }

    /// As it is shown.
    fn turned(self, orientation: u16) -> Self {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let turn = Turn::new(orientation, self.width, self.height);
        let (width, height) = turn.shown();
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..height {
            pixels.extend((0..width).map(|x| {
                let (x, y) = turn.stored(x, y);
                self.pixels
                    .get(y * self.width + x)
                    .copied()
                    .unwrap_or_default()
            }));
        }
        Self {
            width,
            height,
            pixels,
        }
    }
}

/// A picture in YCbCr 4:2:0, as JFIF defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planes {
    pub(crate) y: Plane,
    pub(crate) cb: Plane,
    pub(crate) cr: Plane,
}

impl Planes {
    /// As it is shown, given its EXIF orientation.
    pub(crate) fn turned(self, orientation: u16) -> Self {
        Self {
            y: self.y.turned(orientation),
            cb: self.cb.turned(orientation),
            cr: self.cr.turned(orientation),
        }
    }
}

/// The size whose long side is `long`, or the same size where that is no larger.
pub(crate) fn fitted((width, height): (usize, usize), long: Option<usize>) -> (usize, usize) {
    let longest = width.max(height);
    match long {
        Some(long) if long < longest => {
            let scaled = |side: usize| ((side * long + longest / 2) / longest).max(1);
            (scaled(width), scaled(height))
        }
        _ => (width, height),
    }
}

/// Makes a component smaller as its rows come: every pixel of the result is the mean of the area that it covers.
#[derive(Debug)]
struct Shrink {
    source: (usize, usize),
    target: Plane,
    /// The row of the target that is being summed up, and the next row of the source.
    row: usize,
    next: usize,
    /// Sums of the row, each pixel times the part of a row that it counts for.
    sums: Vec<u32>,
    /// One row, narrowed: in 64ths.
    line: Vec<u32>,
}

impl Shrink {
    fn new(source: (usize, usize), (width, height): (usize, usize)) -> Self {
        Self {
            source,
            target: Plane::new(width, height, 0),
            row: 0,
            next: 0,
            sums: vec![0; width],
            line: vec![0; width],
        }
    }

    /// Takes the next row of the source.
    fn push(&mut self, pixels: &[u8]) {
        let (width, height) = self.source;
        if self.next >= height {
            return;
        }
        if self.source == (self.target.width, self.target.height) {
            for (to, from) in self.target.row_mut(self.next).iter_mut().zip(pixels) {
                *to = *from;
            }
            self.next += 1;
            return;
        }
        self.narrow(pixels.get(..width).unwrap_or(pixels));
        // the source's row covers target.height units of height, a row of the target source.height of them
        let mut left = self.target.height;
        let start = self.next * left;
        let mut at = start;
        while left > 0 && self.row < self.target.height {
            let end = (self.row + 1) * height;
            let part = left.min(end - at);
            for (sum, value) in self.sums.iter_mut().zip(&self.line) {
                *sum += *value * part as u32;
            }
            at += part;
            left -= part;
            if at == end {
                self.finish_row();
            }
        }
        self.next += 1;
    }

    /// Narrows a row to the target's width.
    fn narrow(&mut self, pixels: &[u8]) {
        let (wide, narrow) = (self.source.0, self.target.width);
        if wide == narrow {
            for (to, from) in self.line.iter_mut().zip(pixels) {
                *to = u32::from(*from) * 64;
            }
            return;
        }
        let scale = (64_u64 << 32) / wide as u64;
        let mut pixels = pixels.iter();
        // what of the current pixel is not used up, in units of which a pixel of the source has `narrow` and one of the target `wide`
        let (mut value, mut left) = (0_u32, 0_usize);
        for to in &mut self.line {
            let mut need = wide;
            let mut sum = 0;
            loop {
                if need <= left {
                    sum += value * need as u32;
                    left -= need;
                    break;
                }
                sum += value * left as u32;
                need -= left;
                let Some(next) = pixels.next() else { break };
                value = u32::from(*next);
                left = narrow;
            }
            *to = ((u64::from(sum) * scale + (1 << 31)) >> 32) as u32;
        }
    }

    fn finish_row(&mut self) {
        let full = 64 * self.source.1 as u64;
        let scale = (1_u64 << 40).div_ceil(full);
        let half = full / 2;
        for (pixel, sum) in self.target.row_mut(self.row).iter_mut().zip(&mut self.sums) {
            *pixel = (((u64::from(*sum) + half) * scale) >> 40).min(255) as u8;
            *sum = 0;
        }
        self.row += 1;
    }
}

/// The three components of a picture of `source` size on their way to one of `target` size.
struct Shrinks {
    y: Shrink,
    cb: Shrink,
    cr: Shrink,
}

impl Shrinks {
    fn new(luma: (usize, usize), chroma: (usize, usize), target: (usize, usize)) -> Self {
        let half = (target.0.div_ceil(2), target.1.div_ceil(2));
        Self {
            y: Shrink::new(luma, target),
            cb: Shrink::new(chroma, half),
            cr: Shrink::new(chroma, half),
        }
    }

    fn done(self) -> Planes {
        Planes {
            y: self.y.target,
            cb: self.cb.target,
            cr: self.cr.target,
        }
    }
}

/// Decodes a baseline JPEG in YCbCr or grey, as it is stored, to this size.
pub(crate) fn from_jpeg(jpeg: &Jpeg<'_>, target: (usize, usize)) -> Result<Planes, Broken> {
    let decoders = Decoders::new(jpeg)?;
    let mut walker = Walker::new(jpeg, &decoders)?;
    let size = |h: usize, v: usize| {
        (
            (jpeg.width * h * 8).div_ceil(jpeg.mcu_width),
            (jpeg.height * v * 8).div_ceil(jpeg.mcu_height),
        )
    };
    let colour = jpeg.components.get(1);
    let mut shrinks = Shrinks::new(
        jpeg.components.first().map_or((1, 1), |c| size(c.h, c.v)),
        colour.map_or((1, 1), |c| size(c.h, c.v)),
        target,
    );
    if colour.is_none() {
        for plane in [&mut shrinks.cb, &mut shrinks.cr] {
            plane.target.pixels.fill(128);
        }
    }
    let mut bands = Vec::new();
    for component in &jpeg.components {
        let quant = jpeg.quant.get(component.quant).copied().flatten();
        bands.push((
            *component,
            quant.ok_or(Broken::QuantTable)?,
            Plane::new(component.h * 8 * jpeg.across, component.v * 8, 0),
        ));
    }
    let mut blocks = Vec::new();
    for row in 0..jpeg.down {
        for column in 0..jpeg.across {
            walker.skip_to(row * jpeg.across + column)?;
            walker.decode(&mut blocks)?;
            let mut next = blocks.iter();
            for (component, quant, band) in &mut bands {
                for down in 0..component.v {
                    for right in 0..component.h {
                        let Some(block) = next.next() else { continue };
                        let left = (column * component.h + right) * 8;
                        if block.iter().skip(1).all(|value| *value == 0) {
                            flat(band, left, down * 8, block, quant);
                        } else {
                            put(band, left, down * 8, &inverse(&dequantise(block, quant)));
                        }
                    }
                }
            }
        }
        let mut targets = [&mut shrinks.y, &mut shrinks.cb, &mut shrinks.cr].into_iter();
        for ((_, _, band), shrink) in bands.iter().zip(&mut targets) {
            for line in 0..band.height {
                shrink.push(band.row(line));
            }
        }
    }
    Ok(shrinks.done())
}

fn put(band: &mut Plane, left: usize, top: usize, samples: &[[i32; 8]; 8]) {
    for (y, line) in (top..).zip(samples) {
        if let Some(to) = band
            .row_mut(y)
            .get_mut(left..)
            .and_then(|rest| rest.first_chunk_mut::<8>())
        {
            *to = line.map(|sample| (sample + 128).clamp(0, 255) as u8);
        }
    }
}

/// A block without detail is one value.
fn flat(band: &mut Plane, left: usize, top: usize, block: &[i16; 64], quant: &[u16; 64]) {
    let ([dc, ..], [step, ..]) = (block, quant);
    let sample = (i32::from(*dc) * i32::from(*step) + 4) >> 3;
    put(band, left, top, &[[sample; 8]; 8]);
}

/// A picture of red, green and blue, as it is stored, to this size.
pub(crate) fn from_rgb(rgb: &[u8], source: (usize, usize), target: (usize, usize)) -> Planes {
    let mut shrinks = Shrinks::new(source, source, target);
    let (mut y, mut cb, mut cr) = (Vec::new(), Vec::new(), Vec::new());
    for line in rgb.chunks_exact((source.0 * 3).max(1)) {
        y.clear();
        cb.clear();
        cr.clear();
        for [r, g, b] in line.as_chunks::<3>().0 {
            let (r, g, b) = (i32::from(*r), i32::from(*g), i32::from(*b));
            // JFIF 1.02, times 2^16
            let byte = |sum: i32| ((sum + (1 << 15)) >> 16).clamp(0, 255) as u8;
            y.push(byte(19_595 * r + 38_470 * g + 7_471 * b));
            cb.push(byte(-11_059 * r - 21_709 * g + 32_768 * b + (128 << 16)));
            cr.push(byte(32_768 * r - 27_439 * g - 5_329 * b + (128 << 16)));
        }
        shrinks.y.push(&y);
        shrinks.cb.push(&cb);
        shrinks.cr.push(&cr);
    }
    shrinks.done()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_smaller_picture_is_the_mean_of_what_each_pixel_covers(
            (width, height, narrow, low, pixels) in (1_usize..40, 1_usize..40).prop_flat_map(|(w, h)| {
                (Just(w), Just(h), 1..=w, 1..=h, prop::collection::vec(any::<u8>(), w * h))
            }),
        ) {
            let mut shrink = Shrink::new((width, height), (narrow, low));
            for line in pixels.chunks(width) {
                shrink.push(line);
            }
            let overlap = |a: usize, n: usize, b: usize, m: usize| {
                // of pixel a of n and pixel b of m, in units of 1/(n m)
                let (start, end) = ((a * m).max(b * n), ((a + 1) * m).min((b + 1) * n));
                end.saturating_sub(start) as f64
            };
            for y in 0..low {
                for x in 0..narrow {
                    let (mut sum, mut area) = (0.0, 0.0);
                    for j in 0..height {
                        for i in 0..width {
                            let part = overlap(i, width, x, narrow) * overlap(j, height, y, low);
                            sum += part * f64::from(pixels[j * width + i]);
                            area += part;
                        }
                    }
                    let found = f64::from(shrink.target.row(y)[x]);
                    prop_assert!((found - sum / area).abs() < 0.6, "{found} {}", sum / area);
                }
            }
        }
    }
}
