//! From one datum to another.
//!
//! The shift is the published formula with the Krasovsky axis. The ellipsoid of the formula is a convention: implementations with
//! 6378137 m differ by up to 12 mm. Only [`Wgs84`] is stored as truth; shifted positions belong at the edges, where maps are.
//! BD-09 is defined here on top of GCJ-02 everywhere, also abroad, where nobody says what Baidu does.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::{Bd09, Datum, Gcj02, Position, Wgs84, outline};

/// Semi-major axis of Krasovsky 1940, metres.
const A: f64 = 6_378_245.0;
/// Its eccentricity squared.
const EE: f64 = 0.006_693_421_622_965_943;
/// The constant of Baidu's formula.
const X_PI: f64 = PI * 3000.0 / 180.0;
/// Baidu's constant offset, degrees north and east.
const BD_OFFSET: (f64, f64) = (0.006, 0.0065);
/// Change, in degrees, below which an iteration has arrived: 0.02 µm.
const ARRIVED_DEG: f64 = 2e-13;
/// Steps of an iteration. Five do in the mainland; in the fading strip each step gains a factor of 0.6 at least, so 80 do.
const MAX_STEPS: usize = 200;

/// Where a map provider shifts besides the mainland. Providers differ, so it is a setting; the default is nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regions {
    /// Hong Kong is shifted.
    pub hong_kong: bool,
    /// Macau is shifted.
    pub macau: bool,
    /// Taiwan is shifted.
    pub taiwan: bool,
}

/// The formula's shift at WGS-84 degrees: degrees north and east.
fn shift(lat: f64, lon: f64) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = |amplitude: f64, argument: f64| amplitude * libm::sin(argument * PI);
    let root = x.abs().sqrt();
    let common = wave(20.0, 6.0 * x) + wave(20.0, 2.0 * x);
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + (common
            + (wave(20.0, y) + wave(40.0, y / 3.0))
            + (wave(160.0, y / 12.0) + wave(320.0, y / 30.0)))
            * 2.0
            / 3.0;
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + (common
            + (wave(20.0, x) + wave(40.0, x / 3.0))
            + (wave(150.0, x / 12.0) + wave(300.0, x / 30.0)))
            * 2.0
            / 3.0;
    let phi = lat.to_radians();
    let sin = libm::sin(phi);
    let m = 1.0 - EE * sin * sin;
    let root_m = m.sqrt();
    let north = north_m * 180.0 / (A * (1.0 - EE) / (m * root_m) * PI);
    let east = east_m * 180.0 / (A / root_m * libm::cos(phi) * PI);
    (north, east)
}

/// The shift that applies: the formula's, in the share that belongs here.
fn applied(lat: f64, lon: f64, regions: Regions) -> (f64, f64) {
    let weight = outline::weight(lat, lon, regions);
    if weight > 0.0 {
        let (north, east) = shift(lat, lon);
        (weight * north, weight * east)
    } else {
        (0.0, 0.0)
    }
}

/// Solves `at + step(at) = target` for `at`, by putting the last answer in again.
fn undo(target: (f64, f64), step: impl Fn(f64, f64) -> (f64, f64)) -> (f64, f64) {
    let mut at = target;
    for _ in 0..MAX_STEPS {
        let (north, east) = step(at.0, at.1);
        let next = (target.0 - north, target.1 - east);
        let change = (next.0 - at.0).abs().max((next.1 - at.1).abs());
        at = next;
        if change < ARRIVED_DEG {
            break;
        }
    }
    at
}

/// Baidu's offset at GCJ-02 degrees: degrees north and east.
fn baidu(lat: f64, lon: f64) -> (f64, f64) {
    let radius = (lon * lon + lat * lat).sqrt() + 0.000_02 * libm::sin(lat * X_PI);
    let angle = libm::atan2(lat, lon) + 0.000_003 * libm::cos(lon * X_PI);
    (
        radius * libm::sin(angle) + BD_OFFSET.0 - lat,
        radius * libm::cos(angle) + BD_OFFSET.1 - lon,
    )
}

/// Degrees back into their ranges: an offset can lead over the antimeridian, or past a pole by the offset's width.
fn within(lat: f64, lon: f64) -> (f64, f64) {
    let lon = if lon > 180.0 {
        lon - 360.0
    } else if lon < -180.0 {
        lon + 360.0
    } else {
        lon
    };
    (lat.clamp(-90.0, 90.0), lon)
}

impl Wgs84 {
    /// The position on a map of GCJ-02. Outside the shifted area it is the same numbers.
    #[must_use]
    pub fn to_gcj02(self, regions: Regions) -> Gcj02 {
        let (north, east) = applied(self.lat, self.lon, regions);
        Gcj02 {
            lat: self.lat + north,
            lon: self.lon + east,
        }
    }

    /// The position on a map of Baidu.
    #[must_use]
    pub fn to_bd09(self, regions: Regions) -> Bd09 {
        self.to_gcj02(regions).to_bd09()
    }
}

impl Gcj02 {
    /// The position that a satellite receiver would state there; exact to 1 µm against [`Wgs84::to_gcj02`].
    #[must_use]
    pub fn to_wgs84(self, regions: Regions) -> Wgs84 {
        let (lat, lon) = undo((self.lat, self.lon), |lat, lon| applied(lat, lon, regions));
        Wgs84 { lat, lon }
    }

    /// The position on a map of Baidu.
    #[must_use]
    pub fn to_bd09(self) -> Bd09 {
        let (north, east) = baidu(self.lat, self.lon);
        let (lat, lon) = within(self.lat + north, self.lon + east);
        Bd09 { lat, lon }
    }
}

impl Bd09 {
    /// The position on a map of GCJ-02. The usual closed form errs by up to 0.22 m; this is iterated to 1 µm.
    #[must_use]
    pub fn to_gcj02(self) -> Gcj02 {
        let (lat, lon) = undo((self.lat, self.lon), baidu);
        let (lat, lon) = within(lat, lon);
        Gcj02 { lat, lon }
    }

    /// The position that a satellite receiver would state there.
    #[must_use]
    pub fn to_wgs84(self, regions: Regions) -> Wgs84 {
        self.to_gcj02().to_wgs84(regions)
    }
}

impl Position {
    /// The position in WGS-84.
    #[must_use]
    pub fn to_wgs84(self, regions: Regions) -> Wgs84 {
        match self {
            Self::Wgs84(p) => p,
            Self::Gcj02(p) => p.to_wgs84(regions),
            Self::Bd09(p) => p.to_wgs84(regions),
        }
    }

    /// The same place in `datum`; unchanged to the bit when it is in it already.
    #[must_use]
    pub fn in_datum(self, datum: Datum, regions: Regions) -> Self {
        match (self, datum) {
            (Self::Wgs84(_), Datum::Wgs84)
            | (Self::Gcj02(_), Datum::Gcj02)
            | (Self::Bd09(_), Datum::Bd09) => self,
            (Self::Wgs84(p), Datum::Gcj02) => Self::Gcj02(p.to_gcj02(regions)),
            (Self::Wgs84(p), Datum::Bd09) => Self::Bd09(p.to_bd09(regions)),
            (Self::Gcj02(p), Datum::Wgs84) => Self::Wgs84(p.to_wgs84(regions)),
            (Self::Gcj02(p), Datum::Bd09) => Self::Bd09(p.to_bd09()),
            (Self::Bd09(p), Datum::Wgs84) => Self::Wgs84(p.to_wgs84(regions)),
            (Self::Bd09(p), Datum::Gcj02) => Self::Gcj02(p.to_gcj02()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const NONE: Regions = Regions {
        hong_kong: false,
        macau: false,
        taiwan: false,
    };
    const ALL: Regions = Regions {
        hong_kong: true,
        macau: true,
        taiwan: true,
    };

    fn wgs(lat: f64, lon: f64) -> Wgs84 {
        Wgs84::new(lat, lon).unwrap()
    }

    fn round_trip_m(p: Wgs84, regions: Regions) -> f64 {
        p.distance_m(p.to_gcj02(regions).to_wgs84(regions))
    }

    /// facts.md §5.3. The last three are those of the project eviltransform; they too come from the Krasovsky axis (6378137 m
    /// misses them by 1e-8 to 1e-7 degrees).
    #[test]
    fn the_published_vectors_come_out_to_their_last_digit() {
        let chain = [
            (
                39.908_700,
                116.397_500,
                39.910_103_499,
                116.403_743_573,
                39.916_442_750,
                116.410_116_586,
            ),
            (
                31.239_700,
                121.490_600,
                31.237_713_556,
                121.495_065_840,
                31.243_365_747,
                121.501_674_254,
            ),
            (
                30.572_800,
                104.066_800,
                30.570_346_141,
                104.069_305_477,
                30.576_351_856,
                104.075_782_957,
            ),
            (
                43.825_600,
                87.616_800,
                43.826_805_393,
                87.619_649_949,
                43.832_949_795,
                87.626_099_771,
            ),
        ];
        for (lat, lon, gcj_lat, gcj_lon, bd_lat, bd_lon) in chain {
            let gcj = wgs(lat, lon).to_gcj02(NONE);
            let bd = gcj.to_bd09();
            for (is, must) in [
                (gcj.lat, gcj_lat),
                (gcj.lon, gcj_lon),
                (bd.lat, bd_lat),
                (bd.lon, bd_lon),
            ] {
                assert!((is - must).abs() <= 0.6e-9, "{is} is not {must}");
            }
        }
        let evil = [
            (
                31.177_427_6,
                121.527_210_6,
                31.175_303_983_645_97,
                121.531_541_859_215,
            ),
            (
                22.543_847,
                113.912_316,
                22.540_796_131_694_766,
                113.917_176_480_836_3,
            ),
            (
                39.911_954,
                116.377_817,
                39.913_345_455_360_69,
                116.384_047_224_556_57,
            ),
        ];
        for (lat, lon, gcj_lat, gcj_lon) in evil {
            let gcj = wgs(lat, lon).to_gcj02(NONE);
            let off = gcj.distance_m(Gcj02::new(gcj_lat, gcj_lon).unwrap());
            assert!(off < EVIL_M, "{off} m from eviltransform");
        }
    }

    /// The last printed digit: 1e-13 degrees are 0.01 µm.
    const EVIL_M: f64 = 1e-7;

    #[test]
    fn cities_of_the_mainland_are_shifted_up_to_its_border_and_those_abroad_are_not() {
        let shifted = [
            ("Beijing", 39.9, 116.4),
            ("Shanghai", 31.23, 121.47),
            ("Sanya", 18.25, 109.5),
            ("Haikou", 20.03, 110.33),
            ("Heihe", 50.24, 127.5),
            ("Kashgar", 39.47, 75.99),
            ("Yanji", 42.9, 129.5),
            ("Ruili", 24.013, 97.852),
            ("Dandong", 40.125, 124.385),
            ("Shenzhen", 22.543, 114.057),
            ("Luohu", 22.535, 114.115),
            ("Gongbei", 22.222, 113.549),
            ("Hengqin", 22.125, 113.525),
            ("Xiamen", 24.48, 118.09),
            ("Shengsi", 30.73, 122.45),
            ("Mohe", 52.97, 122.53),
            ("Fuyuan", 48.36, 134.29),
            ("Hekou", 22.53, 103.94),
            ("Erenhot", 43.65, 111.98),
            ("Manzhouli", 49.597, 117.43),
            ("Hunchun", 42.865, 130.36),
            ("Pingtan", 25.5, 119.79),
            ("Khorgas", 44.21, 80.41),
            ("Tumen", 42.965, 129.845),
        ];
        for (name, lat, lon) in shifted {
            assert_eq!(outline::weight(lat, lon, NONE), 1.0, "{name}");
        }
        let abroad = [
            ("Seoul", 37.5665, 126.978),
            ("Hanoi", 21.0278, 105.8342),
            ("Ulaanbaatar", 47.9, 106.9),
            ("Vladivostok", 43.115, 131.885),
            ("Almaty", 43.25, 76.95),
            ("Kathmandu", 27.717, 85.324),
            ("Pyongyang", 39.02, 125.75),
            ("Blagoveshchensk", 50.275, 127.54),
            ("Sinuiju", 40.095, 124.40),
            ("Khabarovsk", 48.48, 135.07),
            ("Thimphu", 27.47, 89.64),
            ("Bishkek", 42.87, 74.6),
            ("Zabaikalsk", 49.65, 117.33),
            ("Fukuoka", 33.59, 130.4),
            ("Monaco", 43.735, 7.42),
            ("Lima", -12.05, -77.04),
            ("Singapore", 1.29, 103.85),
            ("Manila", 14.6, 120.98),
            ("Vientiane", 17.97, 102.6),
            ("North Pole", 90.0, 100.0),
        ];
        for (name, lat, lon) in abroad {
            let p = wgs(lat, lon);
            let gcj = p.to_gcj02(ALL);
            assert_eq!((gcj.lat, gcj.lon), (lat, lon), "{name}");
            assert_eq!(gcj.to_wgs84(ALL), p, "{name}");
        }
    }

    #[test]
    fn the_three_regions_are_shifted_when_the_provider_does_so() {
        let hong_kong = Regions {
            hong_kong: true,
            ..NONE
        };
        let macau = Regions {
            macau: true,
            ..NONE
        };
        let taiwan = Regions {
            taiwan: true,
            ..NONE
        };
        for (place, on) in [
            ((22.28, 114.16), hong_kong),
            ((22.396, 114.109), hong_kong),
            ((22.145, 113.56), macau),
            ((25.04, 121.56), taiwan),
            ((24.44, 118.33), taiwan),
            ((26.16, 119.95), taiwan),
            ((23.57, 119.58), taiwan),
        ] {
            let p = wgs(place.0, place.1);
            assert_eq!(outline::weight(p.lat, p.lon, on), 1.0, "{place:?}");
            let moved = Position::Wgs84(p).in_datum(Datum::Gcj02, on);
            assert!(
                wgs(moved.lat(), moved.lon()).distance_m(p) > 100.0,
                "{place:?}"
            );
            let others = Regions {
                hong_kong: !on.hong_kong,
                macau: !on.macau,
                taiwan: !on.taiwan,
            };
            assert!(outline::weight(p.lat, p.lon, others) < 1.0, "{place:?}");
        }
        for (lat, lon) in [
            (22.28, 114.16),
            (22.4, 114.15),
            (25.04, 121.56),
            (24.44, 118.33),
            (26.16, 119.95),
        ] {
            assert_eq!(outline::weight(lat, lon, NONE), 0.0, "{lat} {lon}");
        }
    }

    #[test]
    fn the_size_of_the_shift_is_as_measured() {
        // facts.md §8: uniform in this box; the outline leaves the foreign part of it out, so only the box without outline compares
        let mut random = ChaCha8Rng::seed_from_u64(53);
        let mut uniform = |from: f64, to: f64| {
            from + (to - from) * f64::from(random.next_u32()) / f64::from(u32::MAX)
        };
        let mut sizes: Vec<f64> = (0..200_000)
            .map(|_| {
                let (lat, lon) = (uniform(18.2, 53.5), uniform(73.5, 134.8));
                let (north, east) = shift(lat, lon);
                wgs(lat, lon).distance_m(wgs(lat + north, lon + east))
            })
            .collect();
        sizes.sort_by(f64::total_cmp);
        let mean = sizes.iter().sum::<f64>() / 200_000.0;
        let above = |m: f64| sizes.iter().filter(|&&size| size > m).count() as f64 / 2_000.0;
        for (is, must, by) in [
            (mean, 407.0, 3.0),
            (sizes[10_000], 161.0, 4.0),
            (sizes[100_000], 430.0, 4.0),
            (sizes[190_000], 618.0, 4.0),
            (sizes[199_999], 709.0, 5.0),
            (sizes[0], 21.0, 4.0),
            (above(100.0), 98.9, 0.3),
            (above(300.0), 69.0, 1.0),
            (above(500.0), 36.0, 1.0),
        ] {
            assert!((is - must).abs() <= by, "{is} is not {must}");
        }
        assert!(
            sizes[199_999] < outline::FADE_M * 0.65,
            "the fading strip must be wider than the shift"
        );
    }

    #[test]
    fn the_round_trip_holds_on_both_sides_of_every_border() {
        let mut worst = 0.0_f64;
        for (rings, step) in [
            (&[outline::MAINLAND][..], 7),
            (outline::HONG_KONG, 1),
            (outline::MACAU, 1),
            (outline::TAIWAN, 3),
        ] {
            for &(lat, lon) in rings.iter().flat_map(|ring| ring.iter().step_by(step)) {
                for across in [
                    -0.03, -0.012, -0.008, -0.005, -0.001, 0.0, 0.000_4, 0.003, 0.006, 0.01, 0.02,
                ] {
                    for p in [
                        wgs(lat + across, lon),
                        wgs(lat, lon + across),
                        wgs(lat + across, lon - across),
                    ] {
                        for regions in [NONE, ALL] {
                            worst = worst.max(round_trip_m(p, regions));
                            let gcj = Gcj02::new(p.lat, p.lon).unwrap();
                            worst =
                                worst.max(gcj.distance_m(gcj.to_wgs84(regions).to_gcj02(regions)));
                        }
                    }
                }
            }
        }
        assert!(worst <= 1e-6, "{worst} m");
    }

    #[test]
    fn a_position_in_its_own_datum_stays_as_it_is() {
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            let p = Position::new(datum, 31.2, 121.5).unwrap();
            assert_eq!(p.in_datum(datum, NONE), p);
            for other in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
                let back = p.in_datum(other, NONE).in_datum(datum, NONE);
                assert!(p.distance_m(back).unwrap() < 1e-6);
            }
        }
    }

    #[test]
    fn offsets_past_the_ends_of_the_grid_stay_positions() {
        for (lat, lon) in [
            (90.0, 179.999),
            (-90.0, -180.0),
            (0.0, 180.0),
            (89.999, -179.999),
            (0.0, 0.0),
        ] {
            let bd = Gcj02::new(lat, lon).unwrap().to_bd09();
            assert!(Bd09::new(bd.lat, bd.lon).is_ok());
            let back = Bd09::new(lat, lon).unwrap().to_gcj02();
            assert!(Gcj02::new(back.lat, back.lon).is_ok());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_round_trip_errs_by_less_than_a_micrometre(
            lat in 15.0..55.0_f64, lon in 72.0..137.0_f64, hong_kong: bool, macau: bool, taiwan: bool,
        ) {
            let regions = Regions { hong_kong, macau, taiwan };
            let p = wgs(lat, lon);
            prop_assert!(round_trip_m(p, regions) <= 1e-6);
            prop_assert!(p.distance_m(p.to_bd09(regions).to_wgs84(regions)) <= 1e-6);
        }

        #[test]
        fn baidus_offset_can_be_undone_in_all_of_china(lat in 15.0..55.0_f64, lon in 72.0..137.0_f64) {
            let gcj = Gcj02::new(lat, lon).unwrap();
            prop_assert!(gcj.distance_m(gcj.to_bd09().to_gcj02()) <= 1e-6);
            let bd = Bd09::new(lat, lon).unwrap();
            prop_assert!(bd.distance_m(bd.to_gcj02().to_bd09()) <= 1e-6);
        }
    }
}
