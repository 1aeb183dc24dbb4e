//! What a stated accuracy says about the error: three platforms, three meanings, one sigma.
//!
//! The model is a Gaussian error, equal in every direction, of standard deviation sigma per axis. Of such errors the share `p` lies
//! within `sigma * sqrt(-2 ln(1 - p))` of the truth.

use crate::fix::AccuracySource;

/// `sqrt(-2 ln(1 - 0.68))`: Android's radius, in sigmas.
const ANDROID: f64 = 1.509_592_185_451_663_6;
/// `sqrt(1 + 1)`: Apple's root of the summed variances, in sigmas.
const APPLE: f64 = std::f64::consts::SQRT_2;
/// `sqrt(-2 ln(1 - 0.95))`: the radius of W3C Geolocation, in sigmas.
const WEB: f64 = 2.447_746_830_680_816_5;

/// How many sigmas the stated radius is.
///
/// A radius of an unknown source is read as Android's. Read as 95 % it would make sigma smaller, and a wrong "outside" likelier, on the
/// strength of a guess; read as a mere 39 % (one sigma) it would never let a good hand-held receiver decide anything. 68 % is the most
/// common meaning of an unqualified accuracy, and within 7 % of Apple's.
const fn factor(source: AccuracySource) -> f64 {
    match source {
        AccuracySource::Android | AccuracySource::Stated => ANDROID,
        AccuracySource::Apple => APPLE,
        AccuracySource::Web => WEB,
    }
}

/// Standard deviation per axis, metres, of a fix with which `accuracy_m` was stated.
#[must_use]
pub fn sigma_m(accuracy_m: f64, source: AccuracySource) -> f64 {
    accuracy_m / factor(source)
}

/// What `source` states for a standard deviation of `sigma_m` metres per axis.
#[must_use]
pub fn accuracy_of(sigma_m: f64, source: AccuracySource) -> f64 {
    sigma_m * factor(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_follow_from_the_shares() {
        let of = |p: f64| (-2.0 * libm::log(1.0 - p)).sqrt();
        for (source, must) in [
            (AccuracySource::Android, of(0.68)),
            (AccuracySource::Stated, of(0.68)),
            (AccuracySource::Apple, 2.0_f64.sqrt()),
            (AccuracySource::Web, of(0.95)),
        ] {
            assert!(
                (accuracy_of(1.0, source) - must).abs() < 1e-14,
                "{source:?}: {must:.17}"
            );
            assert!((sigma_m(accuracy_of(17.0, source), source) - 17.0).abs() < 1e-14);
        }
        // facts.md §5.2
        assert_eq!(
            format!("{:.4}", accuracy_of(1.0, AccuracySource::Android)),
            "1.5096"
        );
        assert_eq!(
            format!("{:.4}", accuracy_of(1.0, AccuracySource::Apple)),
            "1.4142"
        );
        assert_eq!(
            format!("{:.4}", accuracy_of(1.0, AccuracySource::Web)),
            "2.4477"
        );
    }
}
