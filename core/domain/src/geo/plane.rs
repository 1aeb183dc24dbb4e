//! A flat map around a place: WGS-84 degrees to metres east and north, through earth-centred coordinates, so that neither a pole nor
//! the antimeridian is special.
//!
//! A distance from the origin is right to 1 mm at 1 km and 1 m at 100 km; between two points that both lie within 50 km of the
//! origin it is right to 3 parts in 100,000. A straight line on this map is within centimetres of the geodesic.

use super::Wgs84;

/// Semi-major axis of WGS-84, metres.
const A: f64 = 6_378_137.0;
/// First eccentricity squared of WGS-84.
const E2: f64 = 0.006_694_379_990_141_316;

type Triple = [f64; 3];

fn dot([a, b, c]: Triple, [x, y, z]: Triple) -> f64 {
    a * x + b * y + c * z
}

fn minus([a, b, c]: Triple, [x, y, z]: Triple) -> Triple {
    [a - x, b - y, c - z]
}

/// Earth-centred metres of a point on the ellipsoid.
pub(super) fn earth_centred(at: Wgs84) -> Triple {
    let (phi, lambda) = (at.lat.to_radians(), at.lon.to_radians());
    let (sin, cos) = (libm::sin(phi), libm::cos(phi));
    let n = A / (1.0 - E2 * sin * sin).sqrt();
    [
        n * cos * libm::cos(lambda),
        n * cos * libm::sin(lambda),
        n * (1.0 - E2) * sin,
    ]
}

/// The point of the ellipsoid above or below; `None` near the centre of the earth, which has no direction.
fn surface([x, y, z]: Triple) -> Option<Wgs84> {
    let axis = (x * x + y * y).sqrt();
    if axis * axis + z * z < 1e12 {
        return None;
    }
    let mut phi = libm::atan2(z, axis * (1.0 - E2));
    for _ in 0..6 {
        let sin = libm::sin(phi);
        let n = A / (1.0 - E2 * sin * sin).sqrt();
        phi = libm::atan2(z + E2 * n * sin, axis);
    }
    Wgs84::new(phi.to_degrees(), libm::atan2(y, x).to_degrees()).ok()
}

/// The flat map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    origin: Triple,
    east: Triple,
    north: Triple,
    up: Triple,
    /// Gaussian radius of curvature at the origin, metres.
    radius_m: f64,
}

impl Plane {
    pub(super) fn at(origin: Wgs84) -> Self {
        let (phi, lambda) = (origin.lat.to_radians(), origin.lon.to_radians());
        let (sin_phi, cos_phi) = (libm::sin(phi), libm::cos(phi));
        let (sin_lambda, cos_lambda) = (libm::sin(lambda), libm::cos(lambda));
        Self {
            origin: earth_centred(origin),
            east: [-sin_lambda, cos_lambda, 0.0],
            north: [-sin_phi * cos_lambda, -sin_phi * sin_lambda, cos_phi],
            up: [cos_phi * cos_lambda, cos_phi * sin_lambda, sin_phi],
            radius_m: A * (1.0 - E2).sqrt() / (1.0 - E2 * sin_phi * sin_phi),
        }
    }

    /// A plane in the middle of some points; `None` when they have no middle, being spread over the whole earth.
    pub(super) fn amid(points: &[Wgs84]) -> Option<Self> {
        let mut sum = [0.0; 3];
        let mut count = 0.0;
        for &point in points {
            let [x, y, z] = earth_centred(point);
            sum = [sum[0] + x, sum[1] + y, sum[2] + z];
            count += 1.0;
        }
        surface(sum.map(|axis| axis / count)).map(Self::at)
    }

    /// Metres east and north of the origin.
    pub(super) fn flat(&self, at: Wgs84) -> (f64, f64) {
        let away = minus(earth_centred(at), self.origin);
        let (east, north) = (dot(away, self.east), dot(away, self.north));
        let level = (east * east + north * north).sqrt();
        // the chord through the earth, and the arc over it
        let chord = dot(away, away).sqrt();
        let arc = 2.0 * self.radius_m * libm::asin((chord / (2.0 * self.radius_m)).min(1.0));
        if level > 0.0 {
            (east * (arc / level), north * (arc / level))
        } else {
            // the origin itself, or the other side of the earth, to which every direction leads
            (arc, 0.0)
        }
    }

    /// The place at metres east and north of the origin, for distances of up to 100 km (to 10 cm there).
    pub(super) fn place(&self, (east, north): (f64, f64)) -> Option<Wgs84> {
        let drop = (east * east + north * north) / (2.0 * self.radius_m);
        let mut at = self.origin;
        for (axis, along) in [(self.east, east), (self.north, north), (self.up, -drop)] {
            at = [
                at[0] + axis[0] * along,
                at[1] + axis[1] * along,
                at[2] + axis[2] * along,
            ];
        }
        surface(at)
    }

    /// Earth-centred metres of the origin.
    pub(super) const fn origin(&self) -> Triple {
        self.origin
    }
}

/// Square of the distance from the coordinates' origin to the segment from `a` to `b`.
pub(super) fn to_segment_squared(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (ux, uy) = (b.0 - a.0, b.1 - a.1);
    let length = ux * ux + uy * uy;
    let share = if length > 0.0 {
        (-(a.0 * ux + a.1 * uy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (x, y) = (a.0 + share * ux, a.1 + share * uy);
    x * x + y * y
}
