//! Fences: an area around a customer, and whether a fix with its error lies in it.
//!
//! A fix never says where somebody is, only where he may be. So the answer has three values, and the two wrong ones do not cost the
//! same: who is there and is called "outside" loses a day's proof. [`judge`] is the one rule; everybody uses it.

use geo::{Area as _, Centroid as _, Contains as _, Validation as _};
use serde::{Deserialize, Serialize};

use super::plane::{Plane, earth_centred, to_segment_squared};
use super::{Datum, Position, Regions, Wgs84, probability};
use crate::refusal::{Code, Refusal, check_text};

/// Smallest and largest radius of a circle, metres. Below a metre no phone tells in from out; above 50 km it is no place.
pub const RADIUS_M: std::ops::RangeInclusive<f64> = 1.0..=50_000.0;
/// Largest distance between two corners of a polygon, metres: up to here the flat map around it is right to a few parts in 100,000.
pub const MAX_EXTENT_M: f64 = 100_000.0;
/// Most corners of a polygon, the closing one not counted.
pub const MAX_CORNERS: usize = 200;
/// Longest name, characters.
pub const MAX_NAME: usize = 200;

/// An area, as people draw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum Fence {
    /// Everything within a radius of a place.
    Circle {
        /// The middle.
        center: Position,
        /// Radius, metres.
        radius_m: f64,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Everything within a ring of corners, joined by straight lines (geodesics).
    Polygon {
        /// The datum of the corners.
        datum: Datum,
        /// Corners as degrees north and east, in either direction; the first may be repeated at the end.
        ring: Vec<(f64, f64)>,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

/// When a fix is taken for inside or outside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Probability of being inside from which a fix is inside.
    pub inside: f64,
    /// Sigmas beyond the fence from which a fix is outside.
    pub outside_sigmas: f64,
}

impl Default for Thresholds {
    /// Inside from 85 % (the overlap that Play services asks of a geofence); outside from 3.26 sigmas: a Gaussian error is larger in
    /// `exp(-3.26²/2)` = 0.49 % of fixes, so that no more of those truly inside are turned away, whatever the shape.
    fn default() -> Self {
        Self {
            inside: 0.85,
            outside_sigmas: 3.26,
        }
    }
}

/// Where a fix lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In the fence, probably enough.
    Inside,
    /// Beyond the fence by more than the error explains.
    Outside,
    /// The fix is too coarse to tell.
    Uncertain,
}

/// The rule, asymmetric on purpose: for somebody truly inside, the distance to the fence is never more than the position's error.
///
/// `distance_m` is from the fix to the area, 0 inside. What is not a number decides nothing.
#[must_use]
pub fn judge(p_inside: f64, distance_m: f64, sigma_m: f64, thresholds: Thresholds) -> Side {
    if p_inside >= thresholds.inside {
        Side::Inside
    } else if distance_m > thresholds.outside_sigmas * sigma_m {
        Side::Outside
    } else {
        Side::Uncertain
    }
}

impl Fence {
    /// Refuses what is no area: a radius out of [`RADIUS_M`]; a ring of fewer than 3 or more than [`MAX_CORNERS`] corners, one that is not
    /// in degrees, crosses or touches itself, encloses nothing or is wider than [`MAX_EXTENT_M`].
    ///
    /// Poles and the antimeridian may lie inside.
    ///
    /// # Errors
    /// [`Code::Malformed`] naming `radius_m` or `ring`; [`Code::TooLong`] naming `ring`; what is wrong with the `name`.
    pub fn check(&self) -> Result<(), Refusal> {
        // where the shift applies does not matter to the shape's validity
        self.area(Regions::default()).map(|_| ())
    }

    /// The area, made ready for questions. Whoever asks more than once keeps it.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn area(&self, regions: Regions) -> Result<Area, Refusal> {
        let (Self::Circle { name, .. } | Self::Polygon { name, .. }) = self;
        name.as_deref()
            .map_or(Ok(()), |name| check_text("name", name, MAX_NAME))?;
        match self {
            Self::Circle {
                center, radius_m, ..
            } => {
                if !RADIUS_M.contains(radius_m) {
                    return Err(Refusal::of_field(Code::Malformed, "radius_m"));
                }
                let center = center.to_wgs84(regions);
                Ok(Area {
                    plane: Plane::at(center),
                    center,
                    shape: Shape::Disc {
                        radius_m: *radius_m,
                    },
                    reach_m: *radius_m,
                })
            }
            Self::Polygon { datum, ring, .. } => polygon(*datum, ring, regions),
        }
    }

    /// Metres from `at` to the area; 0 inside.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn distance_m(&self, at: Wgs84, regions: Regions) -> Result<f64, Refusal> {
        Ok(self.area(regions)?.distance_m(at))
    }

    /// Probability that the truth is inside, for a fix at `at`.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn probability_inside(
        &self,
        at: Wgs84,
        sigma_m: f64,
        regions: Regions,
    ) -> Result<f64, Refusal> {
        Ok(self.area(regions)?.probability_inside(at, sigma_m))
    }
}

fn polygon(datum: Datum, ring: &[(f64, f64)], regions: Regions) -> Result<Area, Refusal> {
    let wrong = || Refusal::of_field(Code::Malformed, "ring");
    let mut corners = ring;
    if let [first, between @ .., last] = ring
        && first == last
    {
        corners = ring.get(..=between.len()).unwrap_or_default();
    }
    if corners.len() > MAX_CORNERS {
        return Err(Refusal::of_field(Code::TooLong, "ring"));
    }
    if corners.len() < 3 {
        return Err(wrong());
    }
    let places = corners
        .iter()
        .map(|&(lat, lon)| Ok(Position::new(datum, lat, lon)?.to_wgs84(regions)))
        .collect::<Result<Vec<_>, super::NotAPosition>>()
        .map_err(|_| wrong())?;
    let plane = Plane::amid(&places).ok_or_else(wrong)?;
    let flat: Vec<(f64, f64)> = places.iter().map(|&place| plane.flat(place)).collect();
    let apart =
        |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1);
    if flat.iter().any(|a| {
        flat.iter()
            .any(|b| apart(a, b) > MAX_EXTENT_M * MAX_EXTENT_M)
    }) {
        return Err(wrong());
    }
    let reach_m = flat
        .iter()
        .map(|at| apart(at, &(0.0, 0.0)))
        .fold(0.0, f64::max)
        .sqrt();
    let drawn = geo::Polygon::new(geo::LineString::from(flat.clone()), vec![]);
    if !drawn.is_valid() || touches_itself(&flat) {
        return Err(wrong());
    }
    let area = drawn.signed_area();
    // less than a square centimetre is a line that a finger drew back over itself
    if area.abs() < 1e-4 {
        return Err(wrong());
    }
    let center = drawn
        .centroid()
        .and_then(|centroid| plane.place((centroid.x(), centroid.y())))
        .ok_or_else(wrong)?;
    let mut flat = flat;
    if area < 0.0 {
        flat.reverse();
    }
    Ok(Area {
        plane,
        center,
        shape: Shape::Ring {
            polygon: geo::Polygon::new(geo::LineString::from(flat), vec![]),
        },
        reach_m,
    })
}

/// Whether two edges that are not neighbours meet, or a corner comes twice: `geo` looks past meetings at corners.
fn touches_itself(flat: &[(f64, f64)]) -> bool {
    flat.iter()
        .enumerate()
        .any(|(i, a)| flat.iter().skip(i + 1).any(|b| a == b))
}

/// A fence, made ready for questions: where it is, and the flat map around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    plane: Plane,
    center: Wgs84,
    shape: Shape,
    /// No point of the area is farther from the map's origin, metres.
    reach_m: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Disc {
        radius_m: f64,
    },
    /// Metres on the map, counterclockwise.
    Ring {
        polygon: geo::Polygon<f64>,
    },
}

impl Area {
    /// The circle's middle, or the polygon's centre of gravity, which can lie outside of a hollow one.
    #[must_use]
    pub const fn center(&self) -> Wgs84 {
        self.center
    }

    /// Metres from `at` to the area; 0 inside.
    #[must_use]
    pub fn distance_m(&self, at: Wgs84) -> f64 {
        self.beyond(self.plane.flat(at)).max(0.0)
    }

    /// Metres from `at` to the boundary, when inside; 0 outside.
    #[must_use]
    pub fn depth_m(&self, at: Wgs84) -> f64 {
        (-self.beyond(self.plane.flat(at))).max(0.0)
    }

    /// Probability that the truth is inside, for a fix at `at` with a Gaussian error of `sigma_m` per axis.
    #[must_use]
    pub fn probability_inside(&self, at: Wgs84, sigma_m: f64) -> f64 {
        let at = self.plane.flat(at);
        self.probability(at, self.beyond(at), sigma_m)
    }

    /// Which side a fix is on.
    #[must_use]
    pub fn judge(&self, at: Wgs84, sigma_m: f64, thresholds: Thresholds) -> Side {
        self.look(at, sigma_m, thresholds).0
    }

    /// The side, and metres to the area.
    pub(super) fn look(&self, at: Wgs84, sigma_m: f64, thresholds: Thresholds) -> (Side, f64) {
        let at = self.plane.flat(at);
        let beyond = self.beyond(at);
        let distance_m = beyond.max(0.0);
        (
            judge(
                self.probability(at, beyond, sigma_m),
                distance_m,
                sigma_m,
                thresholds,
            ),
            distance_m,
        )
    }

    /// A box in earth-centred metres that holds the area.
    pub(super) fn bounds(&self) -> ([f64; 3], [f64; 3]) {
        // a hair wider than the reach, for the map's curvature
        let pad = self.reach_m * 1.001 + 1.0;
        let origin = self.plane.origin();
        (origin.map(|axis| axis - pad), origin.map(|axis| axis + pad))
    }

    /// Metres to the boundary, negative inside.
    fn beyond(&self, at: (f64, f64)) -> f64 {
        match &self.shape {
            Shape::Disc { radius_m } => (at.0 * at.0 + at.1 * at.1).sqrt() - radius_m,
            Shape::Ring { polygon } => {
                let to_edge = edges_from(polygon, at)
                    .map(|(a, b)| to_segment_squared(a, b))
                    .fold(f64::INFINITY, f64::min)
                    .sqrt();
                if polygon.contains(&geo::Point::new(at.0, at.1)) {
                    -to_edge
                } else {
                    to_edge
                }
            }
        }
    }

    fn probability(&self, at: (f64, f64), beyond: f64, sigma_m: f64) -> f64 {
        // also when sigma is nought or not a number: then it is where it is
        let decided = beyond.abs() > 9.0 * sigma_m || sigma_m.is_nan() || sigma_m <= 0.0;
        match &self.shape {
            _ if decided => {
                if beyond <= 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Shape::Disc { radius_m } => {
                probability::in_disc((at.0 * at.0 + at.1 * at.1).sqrt(), *radius_m, sigma_m)
            }
            Shape::Ring { polygon } => probability::in_polygon(edges_from(polygon, at), sigma_m),
        }
    }
}

/// The polygon's edges, as seen from a point.
fn edges_from(
    polygon: &geo::Polygon<f64>,
    at: (f64, f64),
) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    polygon.exterior().lines().map(move |line| {
        (
            (line.start.x - at.0, line.start.y - at.1),
            (line.end.x - at.0, line.end.y - at.1),
        )
    })
}

/// The place of a fix in earth-centred metres, to look it up among [`Area::bounds`].
pub(super) fn key(at: Wgs84) -> [f64; 3] {
    earth_centred(at)
}

#[cfg(test)]
mod tests;
