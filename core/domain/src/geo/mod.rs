//! Positions on the earth. The datum is part of the type: a distance between two datums does not compile.
//!
//! Whatever is not exact arithmetic goes through `libm`, so that phone and server compute the same bits.

pub mod accuracy;
pub mod advice;
pub mod crossing;
pub mod datum;
pub mod fence;
pub mod links;
mod outline;
mod plane;
mod probability;

use serde::{Deserialize, Serialize};

/// Mean earth radius (IUGG R1), metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Latitude or longitude is not a finite number of degrees within its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position: latitude must lie in -90…90 and longitude in -180…180 degrees")]
pub struct NotAPosition;

macro_rules! datums {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name { lat: f64, lon: f64 }

        impl $name {
            /// A position in degrees.
            ///
            /// # Errors
            /// [`NotAPosition`] when a number is not finite or out of range.
            pub fn new(lat: f64, lon: f64) -> Result<Self, NotAPosition> {
                if lat.abs() <= 90.0 && lon.abs() <= 180.0 { Ok(Self { lat, lon }) } else { Err(NotAPosition) }
            }

            /// Degrees north.
            #[must_use]
            pub const fn lat(self) -> f64 { self.lat }

            /// Degrees east.
            #[must_use]
            pub const fn lon(self) -> f64 { self.lon }

            /// Great-circle distance in metres (haversine on a sphere: up to 0.5 % from the ellipsoid).
            #[must_use]
            pub fn distance_m(self, other: Self) -> f64 {
                haversine_m((self.lat, self.lon), (other.lat, other.lon))
            }
        }
    )+};
}

datums! {
    /// What a phone's GNSS reports.
    Wgs84;
    /// The shifted datum of maps in mainland China (AMap, Tencent).
    Gcj02;
    /// Baidu's datum, on top of GCJ-02.
    Bd09;
}

fn haversine_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_dlat = (lat_b - lat_a) / 2.0;
    let half_dlon = (b.1 - a.1).to_radians() / 2.0;
    let (sin_lat, sin_lon) = (libm::sin(half_dlat), libm::sin(half_dlon));
    let h = sin_lat * sin_lat + libm::cos(lat_a) * libm::cos(lat_b) * sin_lon * sin_lon;
    2.0 * EARTH_RADIUS_M * libm::asin(h.sqrt().min(1.0))
}

pub use datum::Regions;

/// Which datum a pair of numbers is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datum {
    /// [`Wgs84`].
    Wgs84,
    /// [`Gcj02`].
    Gcj02,
    /// [`Bd09`].
    Bd09,
}

impl Datum {
    /// The datum's lower-case name, as on the wire and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }
}

/// A position whose datum is known only at run time: as stored, and as read from outside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Flat", into = "Flat")]
pub enum Position {
    /// In WGS-84.
    Wgs84(Wgs84),
    /// In GCJ-02.
    Gcj02(Gcj02),
    /// In BD-09.
    Bd09(Bd09),
}

#[derive(Serialize, Deserialize)]
struct Flat {
    lat: f64,
    lon: f64,
    datum: Datum,
}

impl Position {
    /// A position in degrees of `datum`.
    ///
    /// # Errors
    /// [`NotAPosition`].
    pub fn new(datum: Datum, lat: f64, lon: f64) -> Result<Self, NotAPosition> {
        Ok(match datum {
            Datum::Wgs84 => Self::Wgs84(Wgs84::new(lat, lon)?),
            Datum::Gcj02 => Self::Gcj02(Gcj02::new(lat, lon)?),
            Datum::Bd09 => Self::Bd09(Bd09::new(lat, lon)?),
        })
    }

    /// The datum.
    #[must_use]
    pub const fn datum(self) -> Datum {
        match self {
            Self::Wgs84(_) => Datum::Wgs84,
            Self::Gcj02(_) => Datum::Gcj02,
            Self::Bd09(_) => Datum::Bd09,
        }
    }

    /// Degrees north, in [`Self::datum`].
    #[must_use]
    pub const fn lat(self) -> f64 {
        match self {
            Self::Wgs84(p) => p.lat,
            Self::Gcj02(p) => p.lat,
            Self::Bd09(p) => p.lat,
        }
    }

    /// Degrees east, in [`Self::datum`].
    #[must_use]
    pub const fn lon(self) -> f64 {
        match self {
            Self::Wgs84(p) => p.lon,
            Self::Gcj02(p) => p.lon,
            Self::Bd09(p) => p.lon,
        }
    }

    /// Metres between two positions of the same datum; `None` when the datums differ, since mixing them errs by hundreds of metres.
    #[must_use]
    pub fn distance_m(self, other: Self) -> Option<f64> {
        match (self, other) {
            (Self::Wgs84(a), Self::Wgs84(b)) => Some(a.distance_m(b)),
            (Self::Gcj02(a), Self::Gcj02(b)) => Some(a.distance_m(b)),
            (Self::Bd09(a), Self::Bd09(b)) => Some(a.distance_m(b)),
            _ => None,
        }
    }
}

impl TryFrom<Flat> for Position {
    type Error = NotAPosition;

    fn try_from(flat: Flat) -> Result<Self, NotAPosition> {
        Self::new(flat.datum, flat.lat, flat.lon)
    }
}

impl From<Position> for Flat {
    fn from(position: Position) -> Self {
        Self {
            lat: position.lat(),
            lon: position.lon(),
            datum: position.datum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_111_195_metres_on_the_mean_sphere() {
        let d = Wgs84::new(43.0, 7.4)
            .unwrap()
            .distance_m(Wgs84::new(44.0, 7.4).unwrap());
        assert!(
            (d - EARTH_RADIUS_M * std::f64::consts::PI / 180.0).abs() < 1e-6,
            "{d}"
        );
    }

    #[test]
    fn opposite_points_are_half_a_great_circle_apart() {
        let d = Wgs84::new(0.0, 0.0)
            .unwrap()
            .distance_m(Wgs84::new(0.0, 180.0).unwrap());
        assert!(
            (d - EARTH_RADIUS_M * std::f64::consts::PI).abs() < 1e-3,
            "{d}"
        );
    }

    #[test]
    fn what_is_not_a_position_is_refused() {
        for (lat, lon) in [
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
            (90.1, 0.0),
            (0.0, -180.5),
        ] {
            assert_eq!(Wgs84::new(lat, lon), Err(NotAPosition));
        }
        assert!(serde_json::from_str::<Position>(r#"{"lat":91,"lon":0,"datum":"wgs84"}"#).is_err());
    }

    #[test]
    fn two_datums_have_no_distance() {
        let phone = Position::new(Datum::Wgs84, 39.9087, 116.3975).unwrap();
        let map = Position::new(Datum::Gcj02, 39.910_103, 116.403_744).unwrap();
        assert_eq!(phone.distance_m(map), None);
        assert_eq!(phone.distance_m(phone), Some(0.0));
    }
}
