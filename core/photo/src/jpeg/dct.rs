//! The 8x8 transform and its inverse in integers: the accurate algorithm of libjpeg (Loeffler, Ligtenberg and Moschytz 1989, 13 bits of
//! constants), a row of eight at a time so that the compiler can use vector units. The same numbers on every machine.

use std::array::from_fn;

use super::standard::ZIGZAG;

/// Eight columns, or eight rows, side by side.
#[derive(Debug, Clone, Copy)]
struct Lanes([i32; 8]);

/// Rows of a block, as samples around zero or as coefficients.
pub(crate) type Rows = [[i32; 8]; 8];

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

// The constants of libjpeg's jidctint.c, times 2^13. A hostile file can make sums leave 32 bits; they wrap, and the picture is as wrong as its file.
impl Lanes {
    #[inline(always)]
    fn with(self, other: Self, join: impl Fn(i32, i32) -> i32) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a = join(*a, b);
        }
        Self(out)
    }
    #[inline(always)]
    fn each(self, change: impl Fn(i32) -> i32) -> Self {
        Self(self.0.map(change))
    }
    #[inline(always)]
    fn times(self, factor: i32) -> Self {
        self.each(|a| a.wrapping_mul(factor))
    }
    #[inline(always)]
    fn up(self, bits: u32) -> Self {
        self.each(|a| a.wrapping_shl(bits))
    }
    /// Divides by a power of two, to the nearest.
    #[inline(always)]
    fn down(self, bits: u32) -> Self {
        self.each(|a| a.wrapping_add(1 << (bits - 1)) >> bits)
    }
}

impl std::ops::Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, i32::wrapping_add)
    }
}

impl std::ops::Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, i32::wrapping_sub)
    }
}

#[inline(always)]
fn transpose(lanes: [Lanes; 8]) -> [Lanes; 8] {
    let rows = lanes.map(|lane| lane.0);
    from_fn(|column| {
        Lanes(from_fn(|row| {
            rows.get(row)
                .and_then(|row| row.get(column))
                .copied()
                .unwrap_or_default()
        }))
    })
}

/// One pass of the inverse transform down the columns.
#[inline(always)]
fn inverse_pass(lanes: [Lanes; 8], scale: u32) -> [Lanes; 8] {
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    let z1 = (l2 + l6).times(4433);
    let t2 = z1 - l6.times(15137);
    let t3 = z1 + l2.times(6270);
    let t0 = (l0 + l4).up(CONST_BITS);
    let t1 = (l0 - l4).up(CONST_BITS);
    let (e0, e3, e1, e2) = (t0 + t3, t0 - t3, t1 + t2, t1 - t2);

    let (z1, z2, z3, z4) = (l7 + l1, l5 + l3, l7 + l3, l5 + l1);
    let z5 = (z3 + z4).times(9633);
    let z1 = z1.times(-7373);
    let z2 = z2.times(-20995);
    let z3 = z3.times(-16069) + z5;
    let z4 = z4.times(-3196) + z5;
    let o0 = l7.times(2446) + z1 + z3;
    let o1 = l5.times(16819) + z2 + z4;
    let o2 = l3.times(25172) + z2 + z3;
    let o3 = l1.times(12299) + z1 + z4;
    [
        e0 + o3,
        e1 + o2,
        e2 + o1,
        e3 + o0,
        e3 - o0,
        e2 - o1,
        e1 - o2,
        e0 - o3,
    ]
    .map(|lane| lane.down(scale))
}

/// One pass of the forward transform down the columns. `even` is what the sums without a constant are shifted by.
#[inline(always)]
fn forward_pass(lanes: [Lanes; 8], even: impl Fn(Lanes) -> Lanes, scale: u32) -> [Lanes; 8] {
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    let (t0, t7) = (l0 + l7, l0 - l7);
    let (t1, t6) = (l1 + l6, l1 - l6);
    let (t2, t5) = (l2 + l5, l2 - l5);
    let (t3, t4) = (l3 + l4, l3 - l4);
    let (t10, t13) = (t0 + t3, t0 - t3);
    let (t11, t12) = (t1 + t2, t1 - t2);
    let c0 = even(t10 + t11);
    let c4 = even(t10 - t11);
    let z1 = (t12 + t13).times(4433);
    let c2 = (z1 + t13.times(6270)).down(scale);
    let c6 = (z1 - t12.times(15137)).down(scale);

    let (z1, z2, z3, z4) = (t4 + t7, t5 + t6, t4 + t6, t5 + t7);
    let z5 = (z3 + z4).times(9633);
    let z1 = z1.times(-7373);
    let z2 = z2.times(-20995);
    let z3 = z3.times(-16069) + z5;
    let z4 = z4.times(-3196) + z5;
    let c7 = (t4.times(2446) + z1 + z3).down(scale);
    let c5 = (t5.times(16819) + z2 + z4).down(scale);
    let c3 = (t6.times(25172) + z2 + z3).down(scale);
    let c1 = (t7.times(12299) + z1 + z4).down(scale);
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// Coefficients to samples around zero, not clamped.
#[inline]
pub(crate) fn inverse(coefficients: &Rows) -> Rows {
    let columns = inverse_pass(coefficients.map(Lanes), CONST_BITS - PASS1_BITS);
    let rows = inverse_pass(transpose(columns), CONST_BITS + PASS1_BITS + 3);
    transpose(rows).map(|lane| lane.0)
}

/// Samples around zero to coefficients times eight.
#[inline]
pub(crate) fn forward(samples: &Rows) -> Rows {
    // down the columns of the transposed block, which is along the rows
    let rows = forward_pass(
        transpose(samples.map(Lanes)),
        |lane| lane.up(PASS1_BITS),
        CONST_BITS - PASS1_BITS,
    );
    let columns = forward_pass(
        transpose(rows),
        |lane| lane.down(PASS1_BITS),
        CONST_BITS + PASS1_BITS,
    );
    columns.map(|lane| lane.0)
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

/// Quantisation steps, prepared for dividing by them.
#[derive(Debug, Clone)]
pub(crate) struct Divisors([(u32, u64); 64]);

/// A quotient is a product with 2^40 over the divisor, rounded up: exact as long as dividend times divisor stays below 2^40, and they have 17 and
/// 19 bits.
const RECIPROCAL_BITS: u32 = 40;

impl Divisors {
    /// From steps in zigzag order.
    pub(crate) fn new(quant: &[u16; 64]) -> Self {
        Self(quant.map(|step| {
            let by = u32::from(step.max(1)) * 8;
            (by / 2, (1_u64 << RECIPROCAL_BITS).div_ceil(by.into()))
        }))
    }

    /// What `forward` gave, divided by the steps to the nearest, halves away from zero; in zigzag order.
    #[inline]
    pub(crate) fn quantise(&self, coefficients: &Rows) -> [i16; 64] {
        let flat = coefficients.as_flattened();
        let mut block = [0; 64];
        for ((value, (half, reciprocal)), at) in block.iter_mut().zip(&self.0).zip(ZIGZAG) {
            let coefficient = flat.get(usize::from(at)).copied().unwrap_or_default();
            let size = coefficient.unsigned_abs().min(MAX_DIVIDEND) + half;
            let quotient = ((u64::from(size) * reciprocal) >> RECIPROCAL_BITS).min(1023) as i16;
            *value = if coefficient < 0 { -quotient } else { quotient };
        }
        block
    }
}

/// The largest coefficient, times eight, and room for rounding.
const MAX_DIVIDEND: u32 = 1 << 15;

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
        fn dividing_by_a_reciprocal_is_dividing(value in -20_000_i32..20_000, step in 1_u16..=u16::MAX) {
            let mut rows = Rows::default();
            rows[0][0] = value;
            let by = i32::from(step) * 8;
            let exact = ((value.abs() + by / 2) / by).min(1023) * value.signum();
            prop_assert_eq!(i32::from(Divisors::new(&[step; 64]).quantise(&rows)[0]), exact);
        }
    }
}
