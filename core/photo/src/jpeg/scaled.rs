//! The inverse transform straight to a smaller picture: an 8x8 block becomes N by N samples, N from 1 to 8.
//!
//! The N lowest frequencies each way, transformed with N points, are what an ideal filter would leave of the block; the frequencies above are
//! not even looked at. Many blocks go at a time, one in each lane, so that nothing has to be turned over between the two passes and
//! a compiler finds whole vectors. In integers: the same numbers on every machine.

#![expect(
    clippy::cast_possible_truncation,
    reason = "samples and coefficients stay within 16 bits; a hostile file's wrap, and the picture is as wrong as its file"
)]

use super::standard::ZIGZAG;

/// Blocks that are transformed together.
pub(crate) const LANES: usize = 32;

/// The same coefficient, or sample, of as many blocks.
pub(crate) type Lanes = [i16; LANES];

/// The samples of as many blocks: by row, then column.
pub(crate) type Samples = [[Lanes; 8]; 8];

/// cos(k pi / 2N) times 2^13, by N - 1 and k.
const COSINES: [[i16; 9]; 8] = [
    [8192, 0, 0, 0, 0, 0, 0, 0, 0],
    [8192, 5793, 0, 0, 0, 0, 0, 0, 0],
    [8192, 7094, 4096, 0, 0, 0, 0, 0, 0],
    [8192, 7568, 5793, 3135, 0, 0, 0, 0, 0],
    [8192, 7791, 6627, 4815, 2531, 0, 0, 0, 0],
    [8192, 7913, 7094, 5793, 4096, 2120, 0, 0, 0],
    [8192, 7987, 7381, 6405, 5108, 3554, 1823, 0, 0],
    [8192, 8035, 7568, 6811, 5793, 4551, 3135, 1598, 0],
];

/// The scale of one pass: a coefficient counts for half of its cosine.
const BASIS_BITS: u32 = 14;
/// Bits below one that samples keep between the passes.
const BETWEEN_BITS: u32 = 4;

/// What is kept of the blocks of one component, and how it is transformed.
#[derive(Debug, Clone)]
pub(crate) struct Scaled {
    /// Samples each way.
    pub(crate) side: usize,
    /// The last coefficient that counts, in zigzag order.
    pub(crate) last: u32,
    /// For each coefficient in zigzag order where it belongs among those that are kept, and the size of its steps. Those that are not kept
    /// belong behind all others.
    steps: [(u16, u16); 64],
    transform: fn(&[Lanes], &mut Samples),
}

impl Scaled {
    /// For blocks of `side` samples each way, 1 to 8, and steps in zigzag order.
    pub(crate) fn new(side: usize, quant: &[u16; 64]) -> Self {
        let side = side.clamp(1, 8);
        let mut steps = [(0, 0); 64];
        let mut last = 0;
        for (k, ((entry, step), at)) in (0..).zip(steps.iter_mut().zip(quant).zip(ZIGZAG)) {
            let (row, column) = (usize::from(at) / 8, usize::from(at) % 8);
            let kept = row < side && column < side;
            let place = if kept {
                row * side + column
            } else {
                side * side
            };
            *entry = ((place * LANES) as u16, *step);
            if kept {
                last = k;
            }
        }
        Self {
            side,
            last,
            steps,
            transform: match side {
                1 => transform::<1>,
                2 => transform::<2>,
                3 => transform::<3>,
                4 => transform::<4>,
                5 => transform::<5>,
                6 => transform::<6>,
                7 => transform::<7>,
                _ => transform::<8>,
            },
        }
    }

    /// How many coefficients a block has, the place for what is not kept among them.
    pub(crate) const fn room(&self) -> usize {
        self.side * self.side + 1
    }

    /// How far behind the first one a coefficient belongs, given its number in zigzag order, and its value.
    #[inline(always)]
    pub(crate) fn place(&self, k: u32, value: i16) -> (usize, i16) {
        let (place, step) = self.steps.get(k as usize).copied().unwrap_or_default();
        (place.into(), value.wrapping_mul(step.cast_signed()))
    }

    /// The samples around zero, in the first `side` rows and columns.
    #[inline]
    pub(crate) fn transform(&self, coefficients: &[Lanes], samples: &mut Samples) {
        (self.transform)(coefficients, samples);
    }
}

/// The basis of a transform with N points times 2^14: by sample, then frequency.
#[expect(
    clippy::indexing_slicing,
    reason = "done by the compiler, which would say so"
)]
const fn basis<const N: usize>() -> [[i32; N]; N] {
    let mut table = [[0; N]; N];
    let mut x = 0;
    while x < N {
        let mut u = 1;
        while u < N {
            // cos(m pi / 2N), m in the first quarter but for its sign
            let m = (2 * x + 1) * u % (4 * N);
            let m = if m > 2 * N { 4 * N - m } else { m };
            let (m, sign) = if m > N { (2 * N - m, -1) } else { (m, 1) };
            table[x][u] = sign * COSINES[N - 1][m] as i32;
            u += 1;
        }
        // the lowest frequency counts for the root of a half
        table[x][0] = 5793;
        x += 1;
    }
    table
}

/// N coefficients to N samples.
#[inline(always)]
fn points<const N: usize>(coefficients: [i32; N], shift: u32) -> [i32; N] {
    let basis = const { basis::<N>() };
    let mut samples = [0; N];
    // even frequencies are the same at both ends, odd ones the opposite
    for (x, factors) in basis.iter().take(N.div_ceil(2)).enumerate() {
        let (mut even, mut odd) = (1 << (shift - 1), 0_i32);
        for (u, (coefficient, factor)) in coefficients.iter().zip(factors).enumerate() {
            let sum = if u % 2 == 0 { &mut even } else { &mut odd };
            *sum = sum.wrapping_add(coefficient.wrapping_mul(*factor));
        }
        for (at, sum) in [
            (N - 1 - x, even.wrapping_sub(odd)),
            (x, even.wrapping_add(odd)),
        ] {
            if let Some(sample) = samples.get_mut(at) {
                *sample = sum >> shift;
            }
        }
    }
    samples
}

/// The numbers in the same place of each line.
#[inline(always)]
fn at<const N: usize>(lines: [&[i16]; N], place: usize) -> [i32; N] {
    lines.map(|line| line.get(place).copied().unwrap_or_default().into())
}

#[inline(never)]
fn transform<const N: usize>(coefficients: &[Lanes], samples: &mut Samples) {
    let Some(rows) = coefficients.as_chunks::<N>().0.first_chunk::<N>() else {
        return;
    };
    let mut between = [[[0; LANES]; N]; N];
    down(rows, &mut between);
    for (line, across) in samples.iter_mut().zip(&between) {
        if let Some(line) = line.first_chunk_mut() {
            columns(across, line);
        }
    }
}

/// The first pass, down all columns at once.
#[inline(always)]
fn down<const N: usize>(rows: &[[Lanes; N]; N], between: &mut [[Lanes; N]; N]) {
    let lines = rows.each_ref().map(|row| row.as_flattened());
    for place in 0..N * LANES {
        let points = points(at(lines, place), BASIS_BITS - BETWEEN_BITS);
        for (row, sample) in between.iter_mut().zip(points) {
            if let Some(to) = row.as_flattened_mut().get_mut(place) {
                *to = sample as i16;
            }
        }
    }
}

/// The second pass, along a row.
#[inline(always)]
fn columns<const N: usize>(across: &[Lanes; N], line: &mut [Lanes; N]) {
    let lines = across.each_ref().map(|lanes| lanes.as_slice());
    for place in 0..LANES {
        let points = points(at(lines, place), BASIS_BITS + BETWEEN_BITS);
        for (lanes, sample) in line.iter_mut().zip(points) {
            if let Some(to) = lanes.get_mut(place) {
                *to = sample.clamp(-128, 127) as i16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    /// The transform with `side` points of the lowest coefficients, by its definition.
    fn reference(block: &[i16; 64], quant: &[u16; 64], side: usize) -> Vec<f64> {
        let c = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let cos =
            |x: usize, u: usize| ((2 * x + 1) as f64 * u as f64 * PI / (2 * side) as f64).cos();
        let sample = |y: usize, x: usize| -> f64 {
            let terms = block
                .iter()
                .zip(quant)
                .zip(ZIGZAG)
                .map(|((value, step), at)| {
                    let (v, u) = (usize::from(at) / 8, usize::from(at) % 8);
                    if v >= side || u >= side {
                        return 0.0;
                    }
                    f64::from(*value) * f64::from(*step) * c(u) * c(v) * cos(x, u) * cos(y, v) / 4.0
                });
            terms.sum()
        };
        (0..side * side)
            .map(|n| sample(n / side, n % side))
            .collect()
    }

    #[test]
    fn the_cosines_are_those_of_the_standard_library() {
        for (n, cosines) in (1..).zip(COSINES) {
            for (k, cosine) in cosines.iter().take(n).enumerate() {
                let exact = (k as f64 * PI / (2 * n) as f64).cos() * 8192.0;
                assert!((f64::from(*cosine) - exact).abs() < 0.5 + 1e-9, "{n} {k}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_block_of_any_size_is_the_transform_of_its_lowest_coefficients(
            side in 1_usize..=8,
            (dc, rest) in (-60_i16..60, prop::collection::vec((1_usize..64, -6_i16..6), 0..24)),
            step in 1_u16..16,
            lane in 0..LANES,
        ) {
            let mut block = [0; 64];
            block[0] = dc;
            for (k, value) in rest {
                block[k] = value;
            }
            let quant = [step; 64];
            let scaled = Scaled::new(side, &quant);
            let mut coefficients = vec![[0; LANES]; scaled.room()];
            for (k, value) in (0..).zip(block) {
                let (place, value) = scaled.place(k, value);
                // what is not kept falls where nothing reads it
                coefficients[place / LANES][lane] = value;
            }
            let mut samples = [[[0; LANES]; 8]; 8];
            scaled.transform(&coefficients, &mut samples);
            let exact = reference(&block, &quant, side);
            for (n, exact) in exact.iter().enumerate() {
                let found = samples[n / side][n % side];
                prop_assert!((f64::from(found[lane]) - exact.clamp(-128.0, 127.0)).abs() < 0.75, "{} {exact}", found[lane]);
                prop_assert!(found.iter().enumerate().all(|(at, value)| at == lane || *value == 0));
            }
        }
    }
}
