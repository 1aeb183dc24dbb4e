//! How likely a point with a Gaussian error is inside a shape of the plane. Exact to about 1e-12; no sampling, no table look-up.

use std::f64::consts::PI;

/// Beyond this many sigmas a Gaussian holds less than 1e-17.
const REACH: f64 = 9.0;

/// Positive half of the nodes and weights of Gauss-Legendre quadrature with 16 nodes on -1…1 (a test derives them).
const GAUSS: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// Integral of `f` from `from` to `to`, in pieces no wider than `width`.
fn integrate(from: f64, to: f64, width: f64, f: impl Fn(f64) -> f64) -> f64 {
    if from >= to {
        return 0.0;
    }
    let pieces = ((to - from) / width).ceil().max(1.0);
    let half = (to - from) / pieces / 2.0;
    let mut sum = 0.0;
    let mut piece = 0.0;
    while piece < pieces {
        let middle = from + half * (2.0 * piece + 1.0);
        for (node, weight) in GAUSS {
            sum += weight * (f(middle - half * node) + f(middle + half * node));
        }
        piece += 1.0;
    }
    sum * half
}

/// `exp(-x) I0(x)`, the modified Bessel function of order 0, scaled, for `x >= 0`.
fn scaled_i0(x: f64) -> f64 {
    if x < 22.0 {
        let quarter = x * x / 4.0;
        let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
        while term > sum * 1e-17 {
            term *= quarter / (k * k);
            sum += term;
            k += 1.0;
        }
        sum * libm::exp(-x)
    } else {
        // asymptotic; its smallest term, where k = 2x, is below 1e-17 from here on
        let (mut term, mut sum, mut k) = (1.0_f64, 1.0, 1.0);
        while term > 1e-17 && k < 2.0 * x {
            let odd = 2.0 * k - 1.0;
            term *= odd * odd / (8.0 * k * x);
            sum += term;
            k += 1.0;
        }
        sum / (2.0 * PI * x).sqrt()
    }
}

/// Probability that the truth is within `radius` of a centre, when it was measured at `distance` from it with `sigma` per axis: the
/// cumulative Rice distribution, `1 - Q1(distance / sigma, radius / sigma)`.
pub(super) fn in_disc(distance: f64, radius: f64, sigma: f64) -> f64 {
    let (d, r) = (distance / sigma, radius / sigma);
    if !(d.is_finite() && r.is_finite()) || sigma <= 0.0 {
        return if distance <= radius { 1.0 } else { 0.0 };
    }
    let density = |x: f64| x * libm::exp(-(x - d) * (x - d) / 2.0) * scaled_i0(x * d);
    if r - d > REACH {
        return 1.0;
    }
    integrate((d - REACH).max(0.0), r.min(d + REACH), 2.5, density).clamp(0.0, 1.0)
}

/// Probability that the truth is in the polygon whose edges, as seen from where it was measured, are `edges` (counterclockwise).
///
/// In polar coordinates around the measured point the Gaussian's share within the polygon is `1/2π ∮ (1 - exp(-r²/2σ²)) dθ`. Along an
/// edge at the distance `h`, with `t` counted from the foot of the perpendicular, `dθ = h dt / (h² + t²)`: what is left to integrate is
/// smooth at the scale of sigma, even where the edge runs through the point; beyond [`REACH`] sigmas it is the angle itself.
pub(super) fn in_polygon(edges: impl Iterator<Item = ((f64, f64), (f64, f64))>, sigma: f64) -> f64 {
    let turn: f64 = edges
        .map(|(a, b)| edge((a.0 / sigma, a.1 / sigma), (b.0 / sigma, b.1 / sigma)))
        .sum();
    (turn / (2.0 * PI)).clamp(0.0, 1.0)
}

/// The edge's part of the integral, in units of sigma.
fn edge(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (ux, uy) = (b.0 - a.0, b.1 - a.1);
    let length = (ux * ux + uy * uy).sqrt();
    if length <= 0.0 {
        return 0.0;
    }
    let (ux, uy) = (ux / length, uy / length);
    let h = a.0 * uy - a.1 * ux;
    let (from, to) = (a.0 * ux + a.1 * uy, b.0 * ux + b.1 * uy);
    let angle = |from: f64, to: f64| {
        if from < to {
            libm::atan2(h * (to - from), h * h + from * to)
        } else {
            0.0
        }
    };
    if h.abs() >= REACH {
        return angle(from, to);
    }
    let (low, high) = (from.clamp(-REACH, REACH), to.clamp(-REACH, REACH));
    let core = integrate(low, high, 2.5, |t| {
        let square = h * h + t * t;
        // (1 - exp(-s/2)) / s, whose limit at nought is 1/2
        let share = if square > 1e-30 {
            -libm::expm1(-square / 2.0) / square
        } else {
            0.5
        };
        h * share
    });
    core + angle(from, to.min(-REACH)) + angle(from.max(REACH), to)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn the_quadratures_table_is_that_of_the_legendre_polynomial() {
        for (node, weight) in GAUSS {
            // P16 and its derivative by the three-term recurrence
            let (mut before, mut here) = (1.0, node);
            for k in 2..=16 {
                let k = f64::from(k);
                (before, here) = (
                    here,
                    ((2.0 * k - 1.0) * node * here - (k - 1.0) * before) / k,
                );
            }
            let slope = 16.0 * (node * here - before) / (node * node - 1.0);
            assert!((here / slope).abs() < 2e-16, "{node}");
            assert!(
                (2.0 / ((1.0 - node * node) * slope * slope) - weight).abs() < 1e-14,
                "{node}: {weight}"
            );
        }
    }

    #[test]
    fn both_ways_to_the_bessel_function_meet() {
        // I0(1), I0(5): Abramowitz and Stegun, table 9.8
        assert!((scaled_i0(1.0) - 0.465_759_607_6).abs() < 1e-10);
        assert!((scaled_i0(5.0) - 0.183_540_812_6).abs() < 1e-10);
        let below = scaled_i0(22.0 - 1e-9);
        let above = scaled_i0(22.0);
        assert!(
            (below - above).abs() < 1e-10 * 0.01 + 1e-12,
            "{below} {above}"
        );
    }

    /// facts.md §5.2, accuracy as Android states it.
    #[test]
    fn the_reference_table_comes_out() {
        let table = [
            (100.0, 10.0, [1.000, 1.000, 0.487, 0.000, 0.000, 0.000]),
            (100.0, 30.0, [1.000, 0.991, 0.460, 0.089, 0.005, 0.000]),
            (100.0, 65.0, [0.933, 0.800, 0.412, 0.218, 0.090, 0.007]),
            (100.0, 100.0, [0.680, 0.582, 0.357, 0.243, 0.149, 0.040]),
            (100.0, 200.0, [0.248, 0.233, 0.194, 0.169, 0.142, 0.092]),
            (200.0, 30.0, [1.000, 1.000, 0.480, 0.005, 0.000, 0.000]),
            (200.0, 100.0, [0.990, 0.898, 0.433, 0.183, 0.050, 0.001]),
            (300.0, 30.0, [1.000, 1.000, 0.487, 0.000, 0.000, 0.000]),
            (300.0, 100.0, [1.000, 0.983, 0.456, 0.109, 0.009, 0.000]),
            (300.0, 200.0, [0.923, 0.789, 0.409, 0.221, 0.094, 0.008]),
        ];
        for (radius, accuracy, row) in table {
            let sigma =
                crate::geo::accuracy::sigma_m(accuracy, crate::fix::AccuracySource::Android);
            for (share, must) in [0.0, 0.5, 1.0, 1.25, 1.5, 2.0].into_iter().zip(row) {
                let is = in_disc(share * radius, radius, sigma);
                assert!(
                    (is - must).abs() <= 0.000_5 + 1e-9,
                    "R {radius}, ±{accuracy}, {share} R: {is} is not {must}"
                );
            }
        }
    }

    #[test]
    fn at_the_centre_of_a_disc_the_probability_is_known_in_closed_form() {
        for ratio in [0.01, 0.5, 1.0, 3.0, 6.0, 8.9, 9.1, 50.0] {
            let must = -libm::expm1(-ratio * ratio / 2.0);
            assert!((in_disc(0.0, ratio, 1.0) - must).abs() < 1e-13, "{ratio}");
        }
    }

    #[test]
    fn an_exact_fix_is_inside_or_not() {
        assert_eq!(in_disc(5.0, 6.0, 0.0), 1.0);
        assert_eq!(in_disc(7.0, 6.0, 0.0), 0.0);
        assert_eq!(in_disc(7e9, 6.0, 1.0), 0.0);
    }

    fn seen_from(ring: &[(f64, f64)], x: f64, y: f64, sigma: f64) -> f64 {
        let moved = |(a, b): (f64, f64)| (a - x, b - y);
        in_polygon(
            (0..ring.len()).map(|i| (moved(ring[i]), moved(ring[(i + 1) % ring.len()]))),
            sigma,
        )
    }

    #[test]
    fn a_polygon_of_200_corners_is_nearly_the_disc_of_the_same_area() {
        let wedge = 2.0 * PI / 200.0;
        let corner_radius = 100.0 * (wedge / libm::sin(wedge)).sqrt();
        let ring: Vec<_> = (0..200)
            .map(|i| f64::from(i) * wedge)
            .map(|angle| {
                (
                    corner_radius * libm::cos(angle),
                    corner_radius * libm::sin(angle),
                )
            })
            .collect();
        for sigma in [2.0, 20.0, 66.0, 500.0] {
            for d in [0.0, 50.0, 95.0, 100.0, 125.0, 200.0, 900.0] {
                let (polygon, disc) = (seen_from(&ring, d, 0.0, sigma), in_disc(d, 100.0, sigma));
                assert!(
                    (polygon - disc).abs() < 6e-3 / sigma.max(1.0),
                    "{d} {sigma}: {polygon} {disc}"
                );
            }
        }
    }

    #[test]
    fn half_planes_and_quadrants_are_known_in_closed_form() {
        // a square so large that only one side, or one corner, is near; from 9.5 sigmas it is all or nothing
        let square = [(0.0, 0.0), (1e6, 0.0), (1e6, 1e6), (0.0, 1e6)];
        for (x, y, must) in [
            (0.0, 0.0, 0.25),
            (5e5, 0.0, 0.5),
            (0.0, 5e5, 0.5),
            (95.0, 95.0, 1.0),
            (-95.0, 50.0, 0.0),
        ] {
            let is = seen_from(&square, x, y, 10.0);
            assert!((is - must).abs() < 1e-12, "{x} {y}: {is}");
        }
        // one sigma within a side: the normal distribution at 1, Abramowitz and Stegun 26.2
        let is = seen_from(&square, 5e5, 10.0, 10.0);
        assert!((is - 0.841_344_746_068_543).abs() < 1e-12, "{is}");
    }

    #[test]
    fn a_hollow_polygon_agrees_with_drawing_lots() {
        let ring = [
            (-60.0, -40.0),
            (70.0, -40.0),
            (70.0, 50.0),
            (30.0, 50.0),
            (30.0, 0.0),
            (-20.0, 0.0),
            (-20.0, 50.0),
            (-60.0, 50.0),
        ];
        let within = |x: f64, y: f64| {
            (-60.0..=70.0).contains(&x)
                && (-40.0..=50.0).contains(&y)
                && !((-20.0..=30.0).contains(&x) && y > 0.0)
        };
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
        for (x, y, sigma) in [
            (0.0, 30.0, 25.0),
            (-40.0, 10.0, 15.0),
            (90.0, 0.0, 40.0),
            (5.0, 0.0, 3.0),
            (0.0, -10.0, 120.0),
        ] {
            let mut hits = 0.0;
            for _ in 0..200_000 {
                let r = sigma * (-2.0 * libm::log(uniform())).sqrt();
                let angle = 2.0 * PI * uniform();
                if within(x + r * libm::cos(angle), y + r * libm::sin(angle)) {
                    hits += 1.0;
                }
            }
            let (drawn, exact) = (hits / 200_000.0, seen_from(&ring, x, y, sigma));
            // four standard errors of a share drawn 200,000 times
            assert!(
                (drawn - exact).abs() < 4.0 * 0.5 / 447.2,
                "{x} {y} {sigma}: {drawn} {exact}"
            );
        }
    }
}
