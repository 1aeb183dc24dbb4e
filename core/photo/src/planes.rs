//! A picture as brightness and two colours at half size, and the ways into it: from a baseline JPEG row by row, already smaller, or from
//! whatever a general decoder gives.

#![expect(
    clippy::cast_sign_loss,
    reason = "samples are clamped to a byte before they are cut"
)]

use crate::jpeg::blocks::{Decoders, Destination, Walker};
use crate::jpeg::scaled::{LANES, Scaled};
use crate::jpeg::{Broken, Jpeg};
use crate::resample::{Resampler, Step};
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
        let mut shown = Self::new(width, height, 0);
        turn.turn(&self.pixels, &mut shown.pixels);
        shown
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

/// The three components of a picture.
struct Resamplers([Option<Resampler>; 3]);

impl Resamplers {
    fn done(self, (width, height): (usize, usize)) -> Planes {
        let half = (width.div_ceil(2), height.div_ceil(2));
        let [y, cb, cr] = self.0;
        let plane = |component: Option<Resampler>, (width, height)| {
            component.map_or_else(|| Plane::new(width, height, 128), Resampler::done)
        };
        Planes {
            y: plane(y, (width, height)),
            cb: plane(cb, half),
            cr: plane(cr, half),
        }
    }
}

/// One component of a JPEG on its way.
struct Component {
    /// Blocks in an MCU, across and down.
    h: usize,
    v: usize,
    scaled: Scaled,
    resampler: Resampler,
}

impl Component {
    fn new(jpeg: &Jpeg<'_>, number: usize, target: (usize, usize)) -> Result<Self, Broken> {
        let component = jpeg.components.get(number).ok_or(Broken::Frame)?;
        let quant = jpeg.quant.get(component.quant).copied().flatten();
        let (h, v) = (component.h, component.v);
        // of the result's colours a sample stands for two pixels each way
        let pixels = if number == 0 { 1 } else { 2 };
        let results = (target.0.div_ceil(pixels), target.1.div_ceil(pixels));
        // at N by N samples a block this component has N h / mcu_width samples for each column of the picture, N v / mcu_height for each row
        let enough = |side: usize| {
            jpeg.width * h * side * pixels >= target.0 * jpeg.mcu_width
                && jpeg.height * v * side * pixels >= target.1 * jpeg.mcu_height
        };
        let side = (1..8).find(|side| enough(*side)).unwrap_or(8);
        let source = (
            (jpeg.width * h * side).div_ceil(jpeg.mcu_width),
            (jpeg.height * v * side).div_ceil(jpeg.mcu_height),
        );
        let steps = (
            Step {
                of: jpeg.width * pixels * h * side,
                per: target.0 * jpeg.mcu_width,
            },
            Step {
                of: jpeg.height * pixels * v * side,
                per: target.1 * jpeg.mcu_height,
            },
        );
        let room = jpeg.across.next_multiple_of(LANES) * h * side;
        Ok(Self {
            h,
            v,
            scaled: Scaled::new(side, &quant.ok_or(Broken::QuantTable)?),
            resampler: Resampler::new(source, results, steps, room),
        })
    }

    /// The coefficients of as many MCUs as a transform takes blocks: so any component's blocks in a row come out even.
    const fn coefficients(&self) -> usize {
        self.scaled.room() * LANES * self.h * self.v
    }
}

/// Decodes a baseline JPEG in YCbCr or grey, as it is stored, to this size.
pub(crate) fn from_jpeg(jpeg: &Jpeg<'_>, target: (usize, usize)) -> Result<Planes, Broken> {
    let decoders = Decoders::new(jpeg)?;
    let mut walker = Walker::new(jpeg, &decoders)?;
    let mut components = (0..jpeg.components.len())
        .map(|number| Component::new(jpeg, number, target))
        .collect::<Result<Vec<_>, _>>()?;
    let scaled: Vec<Scaled> = components.iter().map(|c| c.scaled.clone()).collect();
    let mut coefficients = vec![0; components.iter().map(Component::coefficients).sum()];
    // for each of the MCUs that are decoded together, where its blocks go
    let destinations: Vec<Vec<Destination<'_>>> = (0..LANES)
        .map(|mcu| destinations(&components, &scaled, mcu))
        .collect();
    let mut samples = [[[0; LANES]; 8]; 8];
    for row in 0..jpeg.down {
        for first in (0..jpeg.across).step_by(LANES) {
            coefficients.fill(0);
            for (column, destinations) in (first..jpeg.across).zip(&destinations) {
                walker.skip_to(row * jpeg.across + column)?;
                walker.decode_scaled(destinations, &mut coefficients)?;
            }
            let mut rest = coefficients.as_slice();
            for component in &mut components {
                let (own, others) = rest
                    .split_at_checked(component.coefficients())
                    .unwrap_or_default();
                rest = others;
                let side = component.scaled.side;
                let lanes = own.as_chunks().0.chunks_exact(component.scaled.room());
                for (number, lanes) in lanes.enumerate() {
                    component.scaled.transform(lanes, &mut samples);
                    let left = (first * component.h + number % component.h * LANES) * side;
                    let below = number / component.h * side;
                    component.resampler.put(left, below, side, &samples);
                }
            }
        }
        for component in &mut components {
            let rows = component.v * component.scaled.side;
            component.resampler.advance(rows);
        }
    }
    let mut resamplers = components.into_iter().map(|component| component.resampler);
    Ok(Resamplers([(); 3].map(|()| resamplers.next())).done(target))
}

/// Where the blocks of the MCU with this number among those that are decoded together go.
fn destinations<'s>(
    components: &[Component],
    scaled: &'s [Scaled],
    mcu: usize,
) -> Vec<Destination<'s>> {
    let mut all = Vec::new();
    let mut start = 0;
    for (component, scaled) in components.iter().zip(scaled) {
        for down in 0..component.v {
            for right in 0..component.h {
                let block = mcu * component.h + right;
                let group = down * component.h + block / LANES;
                all.push(Destination {
                    scaled,
                    start: start + group * scaled.room() * LANES + block % LANES,
                });
            }
        }
        start += component.coefficients();
    }
    all
}

/// A picture of red, green and blue, as it is stored, to this size.
pub(crate) fn from_rgb(rgb: &[u8], source: (usize, usize), target: (usize, usize)) -> Planes {
    let resampler = |pixels: usize| {
        Resampler::new(
            source,
            (target.0.div_ceil(pixels), target.1.div_ceil(pixels)),
            (
                Step {
                    of: source.0 * pixels,
                    per: target.0,
                },
                Step {
                    of: source.1 * pixels,
                    per: target.1,
                },
            ),
            source.0,
        )
    };
    let (mut to_y, mut to_cb, mut to_cr) = (resampler(1), resampler(2), resampler(2));
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
        to_y.push(&y);
        to_cb.push(&cb);
        to_cr.push(&cr);
    }
    Resamplers([Some(to_y), Some(to_cb), Some(to_cr)]).done(target)
}
