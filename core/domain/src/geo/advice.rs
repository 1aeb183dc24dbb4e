//! How often and how well to ask for the position: by how soon the next customer can be reached.
//!
//! Between two fixes a rep must not be able to reach a customer unseen. So the next fix is due after half the shortest time in which the
//! fence can be reached: on the way there the fixes grow denser, and their number grows only with the logarithm of the distance.
//! Where nobody is to be visited, nothing is sampled.

use serde::{Deserialize, Serialize};

/// Shortest and longest time between fixes, seconds. A phone's receiver needs some seconds for each; after ten minutes plans change.
pub const INTERVAL_S: (f64, f64) = (10.0, 600.0);
/// Speed that is assumed when none is known, metres per second: 54 km/h, a car in a town.
pub const UNKNOWN_MPS: f64 = 15.0;
/// Speeds that are assumed at least and at most: a rep who stands can get into a car; 130 km/h.
pub const ASSUMED_MPS: (f64, f64) = (5.0, 36.0);
/// How much faster than now a rep may become before the next fix.
const FASTER: f64 = 1.5;
/// Distance to the fence, metres, within which only satellites will do.
pub const NEAR_M: f64 = 300.0;
/// Distance to the fence, metres, beyond which radio cells will do: they err by less than a tenth of it.
pub const FAR_M: f64 = 10_000.0;
/// Time between fixes inside a fence, seconds: two within the five minutes that leaving takes to settle.
pub const INSIDE_S: f64 = 120.0;
/// Charge, share of 1, below which fixes become half as many, and a quarter as many.
pub const LOW_BATTERY: (f64, f64) = (0.20, 0.10);

/// What is known of the situation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// Metres to the fence of the nearest customer that is still to be visited; `None` when there is none.
    pub distance_to_next_m: Option<f64>,
    /// Metres per second over ground.
    pub speed_mps: Option<f64>,
    /// Inside the fence of a customer.
    pub inside: bool,
    /// Charge of the battery, 0 to 1.
    pub battery: Option<f64>,
    /// Connected to a charger.
    pub charging: bool,
}

/// How good the fixes should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accuracy {
    /// Radio cells: hundreds of metres, next to no charge.
    Low,
    /// Wi-Fi and cells: tens of metres.
    Balanced,
    /// Satellites.
    High,
}

/// What to ask of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Seconds until the next fix.
    pub interval_s: f64,
    /// How good.
    pub accuracy: Accuracy,
    /// A movement of so many metres is a reason to ask earlier.
    pub wake_distance_m: f64,
}

/// What to ask for; `None`: nothing, nobody is to be visited.
///
/// Away from customers: `interval = distance / (2 * v)`, `v` being the speed times 1.5 within [`ASSUMED_MPS`], and the result within
/// [`INTERVAL_S`]; wake after half the distance. A low battery doubles or quadruples the interval, and spares the satellites beyond
/// [`NEAR_M`] anyway. A number that is none counts as unknown; a distance that is none, as no distance.
#[must_use]
pub fn advise(situation: &Situation) -> Option<Advice> {
    let stretch = match situation.battery {
        Some(charge) if !situation.charging && charge < LOW_BATTERY.1 => 4.0,
        Some(charge) if !situation.charging && charge < LOW_BATTERY.0 => 2.0,
        _ => 1.0,
    };
    if situation.inside {
        return Some(Advice {
            interval_s: INSIDE_S * stretch,
            accuracy: Accuracy::Balanced,
            wake_distance_m: 50.0,
        });
    }
    let distance = situation.distance_to_next_m?;
    let distance = if distance.is_nan() {
        0.0
    } else {
        distance.max(0.0)
    };
    let speed = situation
        .speed_mps
        .filter(|speed| speed.is_finite())
        .map_or(UNKNOWN_MPS, |speed| {
            (speed * FASTER).clamp(ASSUMED_MPS.0, ASSUMED_MPS.1)
        });
    let interval_s =
        (distance / (2.0 * speed) * stretch).clamp(INTERVAL_S.0 * stretch, INTERVAL_S.1);
    let accuracy = if distance <= NEAR_M {
        Accuracy::High
    } else if distance <= FAR_M {
        Accuracy::Balanced
    } else {
        Accuracy::Low
    };
    Some(Advice {
        interval_s,
        accuracy,
        wake_distance_m: (distance / 2.0).max(25.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(distance: f64, speed: f64) -> Situation {
        Situation {
            distance_to_next_m: Some(distance),
            speed_mps: Some(speed),
            inside: false,
            battery: None,
            charging: false,
        }
    }

    #[test]
    fn without_a_customer_to_come_nothing_is_sampled() {
        assert_eq!(
            advise(&Situation {
                distance_to_next_m: None,
                ..at(0.0, 9.0)
            }),
            None
        );
        assert!(
            advise(&Situation {
                distance_to_next_m: None,
                inside: true,
                ..at(0.0, 9.0)
            })
            .is_some()
        );
    }

    #[test]
    fn nobody_reaches_a_customer_unseen_and_the_fixes_on_the_way_are_few() {
        for speed in [1.4, 5.0, 14.0, 25.0, 33.0] {
            let (mut distance, mut fixes, mut last_seen) = (40_000.0, 0, f64::INFINITY);
            while distance > 0.0 {
                last_seen = distance;
                fixes += 1;
                distance -= speed * advise(&at(distance, speed)).unwrap().interval_s;
            }
            assert!(
                last_seen <= speed * INTERVAL_S.0 + 1.0,
                "{speed} m/s: last seen at {last_seen} m"
            );
            let seconds = 40_000.0 / speed;
            assert!(
                f64::from(fixes) < seconds / 600.0 + 60.0,
                "{speed} m/s: {fixes} fixes"
            );
        }
    }

    #[test]
    fn a_low_battery_asks_less_and_a_charger_lifts_that() {
        let base = at(9_000.0, 10.0);
        let of = |battery, charging| {
            advise(&Situation {
                battery: Some(battery),
                charging,
                ..base
            })
            .unwrap()
            .interval_s
        };
        assert_eq!(
            [
                of(0.5, false),
                of(0.15, false),
                of(0.05, false),
                of(0.05, true)
            ],
            [300.0, 600.0, 600.0, 300.0]
        );
    }

    #[test]
    fn the_nearer_the_better_and_nonsense_is_near() {
        assert_eq!(advise(&at(20_000.0, 10.0)).unwrap().accuracy, Accuracy::Low);
        assert_eq!(
            advise(&at(2_000.0, 10.0)).unwrap().accuracy,
            Accuracy::Balanced
        );
        for odd in [f64::NAN, -5.0, 200.0] {
            assert_eq!(advise(&at(odd, f64::NAN)).unwrap().accuracy, Accuracy::High);
        }
    }
}
