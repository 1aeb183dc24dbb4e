//! Another size for a component, as its rows come: every sample is a weighted sum of those around its place.
//!
//! The weights are those of a cubic (Keys 1981, with a slope of -3/4 where it first meets zero, which is nearly as sharp as
//! Lanczos's), widened where the picture gets much smaller. Rows are narrowed eight at a time, one in each lane, and then
//! summed up row by row; both are loops over whole vectors of 16 bits. In integers: the same numbers on every machine.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "samples are clamped to a byte before they are cut; weights sum up to 128; places are far below 2^32"
)]

use std::collections::VecDeque;

use crate::jpeg::scaled::{LANES, Samples};
use crate::planes::Plane;
use crate::turn::transposed;

/// A column of eight rows.
type Eight = [i16; 8];

/// Weights sum up to 2^7. A sum of samples around zero then stays within 16 bits, as the cubic's weights add up to less than 1.5
/// when taken without their signs.
const WEIGHT_BITS: u32 = 7;

/// Taps that are added together: what the cubic takes where the size changes little.
const TAPS: usize = 4;

/// Fixed point for places and for the cubic.
const ONE: i64 = 1 << 16;

/// How far apart the places of neighbouring results are in the source, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) of: usize,
    pub(crate) per: usize,
}

/// Where the results of one direction lie, and what they are made of.
#[derive(Debug)]
struct Filter {
    /// How many samples each result is made of.
    taps: usize,
    /// The first of them, by result. Never before that of the result before.
    starts: Vec<usize>,
    /// As many as taps for each result.
    weights: Vec<i16>,
    /// Samples of the source.
    count: usize,
}

/// Keys's cubic at this distance.
fn cubic(distance: i64) -> i64 {
    let t = distance.abs();
    let squared = t * t / ONE;
    let cubed = squared * t / ONE;
    if t < ONE {
        (5 * cubed - 9 * squared + 4 * ONE) / 4
    } else if t < 2 * ONE {
        (-3 * cubed + 15 * squared - 24 * t + 12 * ONE) / 4
    } else {
        0
    }
}

impl Filter {
    /// For `results` of `count` samples; `together`: the number of taps is a multiple of this.
    fn new(count: usize, results: usize, step: Step, together: usize) -> Self {
        let count = count.max(1);
        let (of, per) = (step.of as i64, step.per.max(1) as i64);
        if of == per {
            let all = (0..results).map(|result| (result.min(count - 1), vec![1 << WEIGHT_BITS]));
            return Self::of_all(count, all.collect(), together);
        }
        // a little aliasing is less bad than blur: a JPEG's transform has cut off what would alias most
        let wide = if of * 5 < per * 6 {
            ONE
        } else {
            of * ONE / per
        };
        let reach = 2 * wide;
        let mut all = Vec::with_capacity(results);
        for result in 0..results as i64 {
            let centre = (2 * result + 1) * of * (ONE / 2) / per - ONE / 2;
            let first = (centre - reach).div_euclid(ONE) + 1;
            let last = (centre + reach - 1).div_euclid(ONE);
            // what lies outside counts as what lies at the edge
            let clamp = |place: i64| place.clamp(0, count as i64 - 1);
            let start = clamp(first);
            let mut weights = vec![0; (clamp(last) - start + 1) as usize];
            for place in first..=last {
                if let Some(weight) = weights.get_mut((clamp(place) - start) as usize) {
                    *weight += cubic((place * ONE - centre) * ONE / wide);
                }
            }
            all.push((start as usize, rounded(&weights)));
        }
        Self::of_all(count, all, together)
    }

    /// Of the first sample and the weights of each result.
    fn of_all(count: usize, all: Vec<(usize, Vec<i16>)>, together: usize) -> Self {
        let taps = all.iter().map(|(_, weights)| weights.len()).max();
        let taps = taps.unwrap_or(1).next_multiple_of(together);
        let mut filter = Self {
            taps,
            starts: Vec::with_capacity(all.len()),
            weights: Vec::with_capacity(all.len() * taps),
            count,
        };
        for (start, weights) in all {
            // near the end the samples before are read for nothing
            let moved = start.min(count.saturating_sub(taps));
            let before = start - moved;
            filter.starts.push(moved);
            let after = taps.saturating_sub(before + weights.len());
            filter.weights.extend(std::iter::repeat_n(0, before));
            filter.weights.extend(&weights);
            filter.weights.extend(std::iter::repeat_n(0, after));
        }
        filter
    }

    fn of(&self, result: usize) -> Option<(usize, &[i16])> {
        let weights = self
            .weights
            .get(result * self.taps..(result + 1) * self.taps)?;
        Some((*self.starts.get(result)?, weights))
    }
}

/// Weights in whole 2^7ths that sum up to one: each rounded down, and what is missing given to those that lost most.
fn rounded(weights: &[i64]) -> Vec<i16> {
    let sum: i64 = weights.iter().sum::<i64>().max(1);
    let full = 1_i64 << WEIGHT_BITS;
    let mut whole: Vec<i16> = weights
        .iter()
        .map(|weight| (weight * full).div_euclid(sum) as i16)
        .collect();
    let mut lost: Vec<(i64, usize)> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| ((weight * full).rem_euclid(sum), at))
        .collect();
    lost.sort_unstable_by(|a, b| b.cmp(a));
    let missing = full - whole.iter().map(|weight| i64::from(*weight)).sum::<i64>();
    for (_, at) in lost.iter().take(missing.max(0) as usize) {
        if let Some(weight) = whole.get_mut(*at) {
            *weight += 1;
        }
    }
    whole
}

/// A component on its way to another size.
#[derive(Debug)]
pub(crate) struct Resampler {
    across: Filter,
    down: Filter,
    /// Eight rows each, by column: samples around zero. The first is being filled.
    bands: VecDeque<Vec<Eight>>,
    /// Rows that are there, of all bands.
    filled: usize,
    /// Rows of the source that were narrowed.
    seen: usize,
    /// The last ones of them, as many as a result is made of.
    window: VecDeque<Vec<u8>>,
    /// Eight narrowed rows, one behind the other, in eights.
    lines: Vec<[u8; 8]>,
    sums: Vec<i16>,
    target: Plane,
    /// The next row of the target.
    row: usize,
}

impl Resampler {
    /// From `source` samples to `target` ones. Columns are read up to `room`, which is not less than the source has.
    pub(crate) fn new(
        source: (usize, usize),
        target: (usize, usize),
        (across, down): (Step, Step),
        room: usize,
    ) -> Self {
        let across = Filter::new(source.0, target.0, across, TAPS);
        let down = Filter::new(source.1, target.1, down, TAPS);
        Self {
            window: std::iter::repeat_with(|| vec![0; target.0])
                .take(down.taps)
                .collect(),
            bands: VecDeque::from([vec![[0; 8]; room.max(across.count).max(across.taps)]]),
            across,
            down,
            filled: 0,
            seen: 0,
            lines: vec![[0; 8]; target.0.div_ceil(8) * 8],
            sums: vec![0; target.0],
            target: Plane::new(target.0, target.1, 0),
            row: 0,
        }
    }

    /// Puts blocks of `side` by `side` samples that lie side by side, the first one at this column and this many rows below those that
    /// are done.
    #[inline]
    pub(crate) fn put(&mut self, left: usize, below: usize, side: usize, samples: &Samples) {
        for (row, line) in (self.filled + below..).zip(samples.iter().take(side)) {
            let lane = row % 8;
            let Some(columns) = self
                .band(row / 8)
                .and_then(|band| band.get_mut(left..left + side * LANES))
            else {
                continue;
            };
            for (block, columns) in columns.chunks_exact_mut(side).enumerate() {
                for (column, eight) in columns.iter_mut().zip(line) {
                    if let (Some(to), Some(sample)) = (column.get_mut(lane), eight.get(block)) {
                        *to = *sample;
                    }
                }
            }
        }
    }

    /// Puts one row of samples as bytes, and goes on to the next.
    pub(crate) fn push(&mut self, samples: &[u8]) {
        let lane = self.filled % 8;
        if let Some(band) = self.band(0) {
            for (column, sample) in band.iter_mut().zip(samples) {
                if let Some(to) = column.get_mut(lane) {
                    *to = i16::from(*sample) - 128;
                }
            }
        }
        self.advance(1);
    }

    fn band(&mut self, number: usize) -> Option<&mut Vec<Eight>> {
        while self.bands.len() <= number {
            let room = self.bands.front().map_or(0, Vec::len);
            self.bands.push_back(vec![[0; 8]; room]);
        }
        self.bands.get_mut(number)
    }

    /// So many more rows are there.
    pub(crate) fn advance(&mut self, rows: usize) {
        self.filled += rows;
        while self.filled >= 8 {
            self.narrow(8);
            self.filled -= 8;
            self.bands.rotate_left(1);
        }
    }

    /// The component in its new size, once all its rows came.
    pub(crate) fn done(mut self) -> Plane {
        if self.filled > 0 {
            self.narrow(self.filled);
        }
        // a picture with fewer rows than taps has the weights of those that it lacks at nothing
        let blank = vec![0; self.target.width];
        while self.seen < self.rows() {
            self.lower(&blank);
        }
        self.target
    }

    /// Narrows the first rows of the first band, and makes what can be made of them.
    fn narrow(&mut self, rows: usize) {
        let width = self.target.width;
        let Some(band) = self.bands.front() else {
            return;
        };
        let mut lines = std::mem::take(&mut self.lines);
        let mut results =
            (self.across.starts.iter()).zip(self.across.weights.chunks(self.across.taps));
        for eight in 0..width.div_ceil(8) {
            let mut tile = [[0; 8]; 8];
            for (sums, (start, weights)) in tile.iter_mut().zip(&mut results) {
                let columns = band.get(*start..).unwrap_or_default().as_chunks().0;
                for (columns, weights) in columns.iter().zip(weights.as_chunks().0) {
                    add(sums, columns, weights);
                }
            }
            let mut bytes = [[0; 8]; 8];
            for (to, sum) in bytes.as_flattened_mut().iter_mut().zip(tile.as_flattened()) {
                *to = byte(*sum);
            }
            let row = lines.iter_mut().skip(eight).step_by(width.div_ceil(8));
            for (to, samples) in row.zip(transposed(bytes)) {
                *to = samples;
            }
        }
        for line in lines.chunks_exact(width.div_ceil(8)).take(rows) {
            self.lower(line.as_flattened());
        }
        self.lines = lines;
    }

    /// How many rows are taken.
    fn rows(&self) -> usize {
        self.down.count.max(self.down.taps)
    }

    /// Takes a narrowed row.
    fn lower(&mut self, line: &[u8]) {
        if self.seen >= self.rows() {
            return;
        }
        self.window.rotate_left(1);
        if let Some(last) = self.window.back_mut() {
            for (to, sample) in last.iter_mut().zip(line) {
                *to = *sample;
            }
        }
        self.seen += 1;
        while let Some((start, weights)) = self.down.of(self.row)
            && start + self.down.taps <= self.seen
        {
            // samples around zero: less 128 times the sum of all weights
            self.sums.fill(-1 << (WEIGHT_BITS + 7));
            let (weights, _) = weights.as_chunks::<TAPS>();
            let lines = self.window.make_contiguous().as_chunks::<TAPS>().0;
            for ([a, b, c, d], weights) in lines.iter().zip(weights) {
                let lines = a.iter().zip(b).zip(c).zip(d);
                for (sum, (((a, b), c), d)) in self.sums.iter_mut().zip(lines) {
                    let samples = [*a, *b, *c, *d].map(i16::from);
                    *sum = sum.wrapping_add(weighted(samples, weights));
                }
            }
            for (to, sum) in self.target.row_mut(self.row).iter_mut().zip(&self.sums) {
                *to = byte(*sum);
            }
            self.row += 1;
        }
    }
}

/// Adds columns times their weights.
#[inline(always)]
fn add(sums: &mut Eight, [a, b, c, d]: &[Eight; TAPS], weights: &[i16; TAPS]) {
    for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *sum = sum.wrapping_add(weighted([*a, *b, *c, *d], weights));
    }
}

#[inline(always)]
const fn weighted([a, b, c, d]: [i16; TAPS], [e, f, g, h]: &[i16; TAPS]) -> i16 {
    let ab = a.wrapping_mul(*e).wrapping_add(b.wrapping_mul(*f));
    let cd = c.wrapping_mul(*g).wrapping_add(d.wrapping_mul(*h));
    ab.wrapping_add(cd)
}

/// A weighted sum of samples around zero as a byte.
#[inline(always)]
fn byte(sum: i16) -> u8 {
    let sample = sum.wrapping_add(1 << (WEIGHT_BITS - 1)) >> WEIGHT_BITS;
    (sample.clamp(-128, 127) + 128) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resampled(pixels: &[u8], source: (usize, usize), target: (usize, usize)) -> Plane {
        let step = |of, per| Step { of, per };
        let steps = (step(source.0, target.0), step(source.1, target.1));
        let mut resampler = Resampler::new(source, target, steps, source.0);
        for line in pixels.chunks(source.0) {
            resampler.push(line);
        }
        resampler.done()
    }

    /// The weights of one direction in floating point, by result and then sample.
    fn reference(count: usize, results: usize) -> Vec<Vec<f64>> {
        let scale = count as f64 / results as f64;
        let wide = if scale < 1.2 { 1.0 } else { scale };
        let cubic = |t: f64| match t.abs() {
            t if t < 1.0 => 1.25 * t * t * t - 2.25 * t * t + 1.0,
            t if t < 2.0 => -0.75 * t * t * t + 3.75 * t * t - 6.0 * t + 3.0,
            _ => 0.0,
        };
        let row = |result: usize| {
            let centre = (result as f64 + 0.5) * scale - 0.5;
            let mut row = vec![0.0; count];
            let far = (2.0 * wide) as i64 + 2;
            for place in centre as i64 - far..=centre as i64 + far {
                row[place.clamp(0, count as i64 - 1) as usize] +=
                    cubic((place as f64 - centre) / wide);
            }
            let sum: f64 = row.iter().sum();
            row.iter().map(|weight| weight / sum).collect()
        };
        (0..results).map(row).collect()
    }

    fn sizes() -> impl Strategy<Value = (usize, usize)> {
        // smaller by any factor, the same, and larger
        prop_oneof![
            (1_usize..40, 1_usize..40),
            (1_usize..40).prop_map(|side| (side, side))
        ]
    }

    proptest! {
        #[test]
        fn every_sample_is_the_weighted_sum_around_its_place(
            ((width, narrow), (height, low), pixels) in (sizes(), sizes()).prop_flat_map(|(w, h)| {
                (Just(w), Just(h), prop::collection::vec(any::<u8>(), w.0 * h.0))
            }),
        ) {
            let found = resampled(&pixels, (width, height), (narrow, low));
            let (across, down) = (reference(width, narrow), reference(height, low));
            // narrowed samples are bytes
            let line = |y: usize, weights: &[f64]| -> f64 {
                let terms = weights.iter().zip(&pixels[y * width..]);
                terms.map(|(weight, pixel)| weight * f64::from(*pixel)).sum::<f64>().clamp(0.0, 255.0)
            };
            for (y, rows) in down.iter().enumerate() {
                for (x, columns) in across.iter().enumerate() {
                    let exact: f64 = (0..height).map(|row| rows[row] * line(row, columns)).sum();
                    let taps = columns.iter().chain(rows).filter(|weight| **weight != 0.0).count();
                    // each weight may be off by one of 128, of samples up to 128 from the middle, and half of that most of the time
                    let slack = 2.0 + taps as f64 * 1.1;
                    let exact = exact.clamp(0.0, 255.0);
                    let sample = f64::from(found.row(y)[x]);
                    prop_assert!((sample - exact).abs() < slack, "{sample} {exact} {slack}");
                }
            }
        }

        #[test]
        fn what_is_even_stays_so_and_what_fits_is_not_touched(
            (width, narrow) in sizes(),
            (height, low) in sizes(),
            value in any::<u8>(),
            pixels in prop::collection::vec(any::<u8>(), 1600),
        ) {
            let even = resampled(&vec![value; width * height], (width, height), (narrow, low));
            prop_assert_eq!(even, Plane::new(narrow, low, value));
            let pixels = &pixels[..width * height];
            let same = resampled(pixels, (width, height), (width, height));
            for (y, line) in pixels.chunks(width).enumerate() {
                prop_assert_eq!(same.row(y), line);
            }
        }
    }
}
