//! Metres for degrees near a place: the radii of the WGS-84 ellipsoid, so that a path agrees with geodesics to about a millimetre a
//! kilometre, where a mean sphere is up to half a percent off.

use crate::geo::Position;

/// WGS-84: semi-major axis, metres.
const A: f64 = 6_378_137.0;
/// WGS-84: first eccentricity squared.
const E2: f64 = 6.694_379_990_141_32e-3;

/// How many metres a degree has here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Northwards: meridian radius of curvature.
    lat_m: f64,
    /// Eastwards: radius of the circle of latitude.
    lon_m: f64,
}

impl Scale {
    /// The scale at a latitude in degrees.
    pub(super) fn at(lat: f64) -> Self {
        let phi = lat.to_radians();
        let sin = libm::sin(phi);
        let w2 = 1.0 - E2 * sin * sin;
        let w = w2.sqrt();
        let degree = std::f64::consts::PI / 180.0;
        Self {
            lat_m: degree * A * (1.0 - E2) / (w2 * w),
            lon_m: degree * A * libm::cos(phi) / w,
        }
    }

    /// Metres east and north for a difference in degrees.
    pub(super) fn metres(self, d_lat: f64, d_lon: f64) -> (f64, f64) {
        (d_lon * self.lon_m, d_lat * self.lat_m)
    }

    /// Degrees of latitude and longitude for metres east and north. At a pole, where no metre east exists, the longitude stays.
    pub(super) fn degrees(self, east: f64, north: f64) -> (f64, f64) {
        let d_lon = if self.lon_m > 1e-3 {
            east / self.lon_m
        } else {
            0.0
        };
        (north / self.lat_m, d_lon)
    }
}

/// The shorter way round from one longitude to another, degrees.
pub(super) fn turn(from: f64, to: f64) -> f64 {
    let d = to - from;
    if d > 180.0 {
        d - 360.0
    } else if d < -180.0 {
        d + 360.0
    } else {
        d
    }
}

/// Metres east and north from `a` to `b`, by the scale in the middle between them: right to 1e-6 of the distance for legs of a track
/// (some kilometres), away from the poles. The datum is the caller's to keep.
pub(super) fn step(a: Position, b: Position) -> (f64, f64) {
    Scale::at((a.lat() + b.lat()) / 2.0).metres(b.lat() - a.lat(), turn(a.lon(), b.lon()))
}

/// Length of [`step`], metres.
pub(super) fn apart_m(a: Position, b: Position) -> f64 {
    let (east, north) = step(a, b);
    length(east, north)
}

/// The length of a vector, by operations that every machine rounds alike.
pub(super) fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Datum;

    #[test]
    fn a_leg_is_as_long_as_the_geodesic() {
        // pyproj 3.7.2, Geod(ellps="WGS84").inv
        for (a, b, metres) in [
            ((15.97722, 86.559742), (15.986587, 86.5560794), 1108.206661),
            ((31.186815, 151.192349), (31.1867805, 151.1923578), 3.915996),
            ((57.636373, 53.33289), (57.6527951, 53.3592938), 2414.803145),
            (
                (-4.021024, -90.726926),
                (-4.0224291, -90.7276272),
                173.795091,
            ),
            (
                (-63.295155, -101.410731),
                (-63.2949626, -101.410979),
                24.792865,
            ),
            (
                (34.544309, -121.861692),
                (34.550829, -121.8523147),
                1124.265856,
            ),
        ] {
            let position = |(lat, lon)| Position::new(Datum::Wgs84, lat, lon).unwrap();
            let found = apart_m(position(a), position(b));
            assert!(
                (found - metres).abs() <= 1e-6 * metres + 1e-5,
                "{found} {metres}"
            );
        }
    }
}
