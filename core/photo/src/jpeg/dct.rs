//! The 8x8 transform and its inverse in integers: the accurate algorithm of libjpeg (Loeffler, Ligtenberg and Moschytz 1989, 13 bits of
//! constants). The same numbers on every machine.

#![expect(
    clippy::cast_possible_truncation,
    reason = "coefficients of eight-bit samples times eight have 15 bits, and divisors are made to have 16"
)]

use std::array::from_fn;

use super::standard::ZIGZAG;

/// Rows of a block, as samples around zero or as coefficients.
pub(crate) type Rows = [[i32; 8]; 8];

/// Eight blocks side by side: their samples around zero by row, or their coefficients times eight, by column and then by block and row.
pub(crate) type Strip = [[i16; STRIP]; 8];

/// Columns of a strip.
pub(crate) const STRIP: usize = 64;

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

/// Divides by a power of two, to the nearest.
#[inline(always)]
const fn rounded(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// A sum of products. The constants are those of libjpeg's jidctint.c, times 2^13. A hostile file can make sums leave 32 bits; they wrap, and the
/// picture is as wrong as its file.
#[inline(always)]
fn sum<const N: usize>(terms: [(i32, i32); N]) -> i32 {
    terms.iter().fold(0_i32, |sum, (value, factor)| {
        sum.wrapping_add(value.wrapping_mul(*factor))
    })
}

/// One pass of the inverse transform.
#[inline(always)]
fn inverse_points([l0, l1, l2, l3, l4, l5, l6, l7]: [i32; 8], scale: u32) -> [i32; 8] {
    let t2 = sum([(l2, 4433), (l6, 4433 - 15137)]);
    let t3 = sum([(l2, 4433 + 6270), (l6, 4433)]);
    let t0 = l0.wrapping_add(l4).wrapping_shl(CONST_BITS);
    let t1 = l0.wrapping_sub(l4).wrapping_shl(CONST_BITS);
    let even = [
        t0.wrapping_add(t3),
        t1.wrapping_add(t2),
        t1.wrapping_sub(t2),
        t0.wrapping_sub(t3),
    ];
    let sums = [l7.wrapping_add(l3), l5.wrapping_add(l1)];
    let [o0, o1, o2, o3] = odd_points([l7, l5, l3, l1], sums);
    let [e0, e1, e2, e3] = even;
    let plus = |a: i32, b: i32| rounded(a.wrapping_add(b), scale);
    let minus = |a: i32, b: i32| rounded(a.wrapping_sub(b), scale);
    [
        plus(e0, o3),
        plus(e1, o2),
        plus(e2, o1),
        plus(e3, o0),
        minus(e3, o0),
        minus(e2, o1),
        minus(e1, o2),
        minus(e0, o3),
    ]
}

/// The odd half of either transform, of which the other's is the mirror image; the sums are those of the first and third, and of the second and fourth.
#[inline(always)]
fn odd_points([a, b, c, d]: [i32; 4], [ac, bd]: [i32; 2]) -> [i32; 4] {
    let z3 = sum([(ac, 9633 - 16069), (bd, 9633)]);
    let z4 = sum([(ac, 9633), (bd, 9633 - 3196)]);
    [
        sum([(a, 2446 - 7373), (d, -7373), (z3, 1)]),
        sum([(b, 16819 - 20995), (c, -20995), (z4, 1)]),
        sum([(c, 25172 - 20995), (b, -20995), (z3, 1)]),
        sum([(d, 12299 - 7373), (a, -7373), (z4, 1)]),
    ]
}

/// One pass of the forward transform. `even` is what the sums without a constant are brought to scale by. Everything that is multiplied has 16 bits, as vector
/// units multiply those several times faster.
#[inline(always)]
fn forward_points(
    [l0, l1, l2, l3, l4, l5, l6, l7]: [i16; 8],
    even: impl Fn(i32) -> i32,
    scale: u32,
) -> [i16; 8] {
    let ends = |a: i16, b: i16| (a.wrapping_add(b), a.wrapping_sub(b));
    let ((t0, t7), (t1, t6)) = (ends(l0, l7), ends(l1, l6));
    let ((t2, t5), (t3, t4)) = (ends(l2, l5), ends(l3, l4));
    let ((t10, t13), (t11, t12)) = (ends(t0, t3), ends(t1, t2));
    let sums = [t4.wrapping_add(t6).into(), t5.wrapping_add(t7).into()];
    let odd = [t4.into(), t5.into(), t6.into(), t7.into()];
    let [c7, c5, c3, c1] = odd_points(odd, sums);
    let (t10, t11) = (i32::from(t10), i32::from(t11));
    let (t12, t13) = (i32::from(t12), i32::from(t13));
    let c2 = sum([(t13, 4433 + 6270), (t12, 4433)]);
    let c6 = sum([(t13, 4433), (t12, 4433 - 15137)]);
    let scaled = |value: i32| rounded(value, scale) as i16;
    [
        even(t10 + t11) as i16,
        scaled(c1),
        scaled(c2),
        scaled(c3),
        even(t10 - t11) as i16,
        scaled(c5),
        scaled(c6),
        scaled(c7),
    ]
}

/// One pass down the columns of lines of any width.
#[inline(always)]
fn pass<T: Copy + Default, const WIDTH: usize>(
    lines: &[[T; WIDTH]; 8],
    out: &mut [[T; WIDTH]; 8],
    points: impl Fn([T; 8]) -> [T; 8],
) {
    for place in 0..WIDTH {
        let mut column = [T::default(); 8];
        for (value, line) in column.iter_mut().zip(lines) {
            *value = line.get(place).copied().unwrap_or_default();
        }
        for (line, value) in out.iter_mut().zip(points(column)) {
            if let Some(to) = line.get_mut(place) {
                *to = value;
            }
        }
    }
}

/// Rows as columns.
#[inline(always)]
fn transposed<T: Copy + Default>(rows: &[[T; 8]; 8]) -> [[T; 8]; 8] {
    let mut columns = [[T::default(); 8]; 8];
    for (place, row) in rows.iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            if let Some(to) = column.get_mut(place) {
                *to = *value;
            }
        }
    }
    columns
}

/// Coefficients to samples around zero, not clamped.
#[inline]
pub(crate) fn inverse(coefficients: &Rows) -> Rows {
    let (mut columns, mut rows) = (Rows::default(), Rows::default());
    pass(coefficients, &mut columns, |points| {
        inverse_points(points, CONST_BITS - PASS1_BITS)
    });
    pass(&transposed(&columns), &mut rows, |points| {
        inverse_points(points, CONST_BITS + PASS1_BITS + 3)
    });
    transposed(&rows)
}

/// Along the rows of samples: a sum without a constant is brought to scale as the others are.
#[inline(always)]
fn forward_first(points: [i16; 8]) -> [i16; 8] {
    forward_points(points, |sum| sum << PASS1_BITS, CONST_BITS - PASS1_BITS)
}

/// And then along the other side.
#[inline(always)]
fn forward_second(points: [i16; 8]) -> [i16; 8] {
    let even = |sum| rounded(sum, PASS1_BITS);
    forward_points(points, even, CONST_BITS + PASS1_BITS)
}

/// Samples around zero to coefficients times eight.
#[inline]
pub(crate) fn forward(samples: &Rows) -> Rows {
    let mut short = [[0; 8]; 8];
    for (to, sample) in short
        .as_flattened_mut()
        .iter_mut()
        .zip(samples.as_flattened())
    {
        *to = *sample as i16;
    }
    let (mut rows, mut columns) = ([[0; 8]; 8], [[0; 8]; 8]);
    pass(&transposed(&short), &mut rows, forward_first);
    pass(&transposed(&rows), &mut columns, forward_second);
    let mut coefficients = Rows::default();
    let places = coefficients.as_flattened_mut().iter_mut();
    for (to, value) in places.zip(columns.as_flattened()) {
        *to = (*value).into();
    }
    coefficients
}

/// The same for eight blocks at once, whose columns come first then.
pub(crate) fn forward_strip(samples: &Strip, coefficients: &mut Strip) {
    let mut between = [[0; STRIP]; 8];
    pass(samples, &mut between, forward_first);
    let mut columns = [[0; STRIP]; 8];
    for (row, line) in between.iter().enumerate() {
        for (block, eight) in line.as_chunks::<8>().0.iter().enumerate() {
            for (column, value) in columns.iter_mut().zip(eight) {
                if let Some(to) = column.get_mut(block * 8 + row) {
                    *to = *value;
                }
            }
        }
    }
    pass(&columns, coefficients, forward_second);
}

/// The largest coefficient that an 8-bit picture can have, with room for rounding; what a file says beyond it is cut.
const MAX_COEFFICIENT: i32 = 1 << 12;

/// A block in zigzag order, times its quantisation steps, as rows.
#[inline]
pub(crate) fn dequantise(block: &[i16; 64], quant: &[u16; 64]) -> Rows {
    let mut flat = [0_i32; 64];
    for ((value, step), at) in block.iter().zip(quant).zip(ZIGZAG) {
        if let Some(place) = flat.get_mut(usize::from(at)) {
            *place =
                (i32::from(*value) * i32::from(*step)).clamp(-MAX_COEFFICIENT, MAX_COEFFICIENT);
        }
    }
    let mut rows = Rows::default();
    for (row, values) in rows.iter_mut().zip(flat.as_chunks::<8>().0) {
        *row = *values;
    }
    rows
}

/// Quantisation steps, prepared for dividing by them. All by row and column.
#[derive(Debug, Clone)]
pub(crate) struct Divisors {
    half: [u16; 64],
    reciprocal: [u16; 64],
    /// What is left to divide by after the first 2^16, as a factor.
    rest: [u16; 64],
}

impl Divisors {
    /// From steps in zigzag order.
    ///
    /// A quotient is a product with 2^k over the divisor, rounded up. With k the bits of the divisor less one, and 15 more, that takes 16 bits,
    /// and is exact for dividends below 2^15. The divisor is the step times eight; from 2^15 on it divides all there is to nothing.
    pub(crate) fn new(quant: &[u16; 64]) -> Self {
        let mut divisors = Self {
            half: [0; 64],
            reciprocal: [0; 64],
            rest: [0; 64],
        };
        for (step, at) in quant.iter().zip(ZIGZAG) {
            let by = u32::from((*step).max(1)) * 8;
            let bits = (by - 1).ilog2() + 1;
            if let Self {
                half,
                reciprocal,
                rest,
            } = &mut divisors
                && by < 1 << 15
                && let (Some(half), Some(reciprocal), Some(rest)) = (
                    half.get_mut(usize::from(at)),
                    reciprocal.get_mut(usize::from(at)),
                    rest.get_mut(usize::from(at)),
                )
            {
                *half = (by / 2) as u16;
                *reciprocal = (1_u32 << (15 + bits)).div_ceil(by) as u16;
                *rest = 1 << (17 - bits);
            }
        }
        divisors
    }

    /// What `forward` gave, divided by the steps to the nearest, halves away from zero; in zigzag order.
    #[inline]
    pub(crate) fn quantise(&self, coefficients: &Rows) -> [i16; 64] {
        let mut quotients = [0_i16; 64];
        let steps = self.half.iter().zip(&self.reciprocal).zip(&self.rest);
        for ((quotient, value), ((half, reciprocal), rest)) in quotients
            .iter_mut()
            .zip(coefficients.as_flattened())
            .zip(steps)
        {
            let value = (*value).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            *quotient = divided(value, *half, *reciprocal, *rest);
        }
        ZIGZAG.map(|at| quotients.get(usize::from(at)).copied().unwrap_or_default())
    }
}

/// A coefficient times eight, divided by a step.
#[inline(always)]
fn divided(value: i16, half: u16, reciprocal: u16, rest: u16) -> i16 {
    let value = value.clamp(-MAX_DIVIDEND, MAX_DIVIDEND);
    let size = value.unsigned_abs() + half;
    let high = |a: u16, b: u16| ((u32::from(a) * u32::from(b)) >> 16) as u16;
    let size = high(high(size, reciprocal), rest).min(1023) as i16;
    let sign = value >> 15;
    (size ^ sign) - sign
}

/// Quantisation steps for the blocks of a strip.
#[derive(Debug, Clone)]
pub(crate) struct StripDivisors {
    half: [[u16; STRIP]; 8],
    reciprocal: [[u16; STRIP]; 8],
    rest: [[u16; STRIP]; 8],
}

/// Where the first block of a strip has its coefficients, in zigzag order; the next one's lie eight further.
#[expect(
    clippy::indexing_slicing,
    reason = "done by the compiler, which would say so"
)]
const STRIP_ZIGZAG: [u16; 64] = {
    let mut places = [0; 64];
    let mut k = 0;
    while k < 64 {
        let at = ZIGZAG[k] as u16;
        places[k] = at % 8 * STRIP as u16 + at / 8;
        k += 1;
    }
    places
};

impl StripDivisors {
    /// From steps in zigzag order.
    pub(crate) fn new(quant: &[u16; 64]) -> Self {
        let divisors = Divisors::new(quant);
        let strip = |flat: &[u16; 64]| {
            from_fn(|column| {
                from_fn(|place| {
                    let value = flat.get(place % 8 * 8 + column);
                    value.copied().unwrap_or_default()
                })
            })
        };
        Self {
            half: strip(&divisors.half),
            reciprocal: strip(&divisors.reciprocal),
            rest: strip(&divisors.rest),
        }
    }

    /// What `forward_strip` gave, likewise divided, block by block.
    pub(crate) fn quantise(&self, coefficients: &Strip, blocks: &mut [[i16; 64]; 8]) {
        let mut quotients = [[0_i16; STRIP]; 8];
        let steps = (self.half.as_flattened().iter())
            .zip(self.reciprocal.as_flattened())
            .zip(self.rest.as_flattened());
        for ((quotient, value), ((half, reciprocal), rest)) in quotients
            .as_flattened_mut()
            .iter_mut()
            .zip(coefficients.as_flattened())
            .zip(steps)
        {
            *quotient = divided(*value, *half, *reciprocal, *rest);
        }
        let flat = quotients.as_flattened();
        for (number, block) in blocks.iter_mut().enumerate() {
            for (value, place) in block.iter_mut().zip(STRIP_ZIGZAG) {
                let place = usize::from(place) + number * 8;
                *value = flat.get(place).copied().unwrap_or_default();
            }
        }
    }
}

/// Above any coefficient of an 8-bit picture, times eight: 2^13.
const MAX_DIVIDEND: i16 = (1 << 14) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The transform by its definition (A.3.3), in floating point.
    fn reference(samples: &Rows) -> [[f64; 8]; 8] {
        let c = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let cos = |x: usize, u: usize| {
            ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
        };
        from_fn(|v| {
            from_fn(|u| {
                let sum: f64 = (0..64)
                    .map(|n| f64::from(samples[n / 8][n % 8]) * cos(n % 8, u) * cos(n / 8, v))
                    .sum();
                sum * c(u) * c(v) / 4.0
            })
        })
    }

    proptest! {
        #[test]
        fn the_transform_is_the_standards_and_its_inverse_undoes_it(samples in prop::array::uniform8(prop::array::uniform8(-128_i32..128))) {
            let exact = reference(&samples);
            let coefficients = forward(&samples);
            for (row, exact) in coefficients.iter().zip(exact) {
                for (value, exact) in row.iter().zip(exact) {
                    prop_assert!((f64::from(*value) / 8.0 - exact).abs() < 0.5, "{value} {exact}");
                }
            }
            let divided = Divisors::new(&[1; 64]).quantise(&coefficients);
            let back = inverse(&dequantise(&divided, &[1; 64]));
            for (a, b) in back.as_flattened().iter().zip(samples.as_flattened()) {
                prop_assert!((a - b).abs() <= 1, "{a} {b}");
            }
        }

        #[test]
        fn a_strip_is_eight_blocks(
            samples in prop::collection::vec(-128_i16..128, 512),
            step in 1_u16..64,
        ) {
            let mut strip = [[0; STRIP]; 8];
            strip.as_flattened_mut().copy_from_slice(&samples);
            let (mut coefficients, mut blocks) = ([[0; STRIP]; 8], [[0; 64]; 8]);
            forward_strip(&strip, &mut coefficients);
            StripDivisors::new(&[step; 64]).quantise(&coefficients, &mut blocks);
            for (number, block) in blocks.iter().enumerate() {
                let rows: Rows = from_fn(|y| from_fn(|x| strip[y][number * 8 + x].into()));
                let alone = Divisors::new(&[step; 64]).quantise(&forward(&rows));
                for (a, b) in block.iter().zip(alone) {
                    // rows first or columns first rounds another way
                    prop_assert!(a.abs_diff(b) <= 1, "{a} {b}");
                }
            }
        }

        #[test]
        fn dividing_by_a_reciprocal_is_dividing(value in -16_383_i32..16_384, step in 1_u16..=u16::MAX) {
            let mut rows = Rows::default();
            rows[0][0] = value;
            let by = i32::from(step) * 8;
            let exact = ((value.abs() + by / 2) / by).min(1023) * value.signum();
            prop_assert_eq!(i32::from(Divisors::new(&[step; 64]).quantise(&rows)[0]), exact);
        }
    }
}
