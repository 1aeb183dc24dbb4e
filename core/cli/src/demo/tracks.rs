//! The real recordings, and what the demo changes about them: one constant shift each, and the date of one.

use chrono::{DateTime, Timelike as _};
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Wgs84;
use waymark_domain::time::UnixMs;

use super::clock::MIDNIGHT;

/// A phone's location history of a day in Zürich (trackintel, MIT).
const GOOGLE: &str = include_str!("../../../../tests/fixtures/tracks/google_trajectory.csv");

/// A recording of a morning near Lyon (gpxo, BSD-3-Clause).
const GPX: &str = include_str!("../../../../tests/fixtures/tracks/ExampleTrack.gpx");

/// Accuracy given to fixes of a recording that states none, metres. Marked as stated by hand, not by a device.
const NO_ACCURACY_M: f64 = 15.0;

/// A position at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fix {
    /// When, on the demo's day.
    pub(super) at_ms: UnixMs,
    /// Degrees north.
    pub(super) lat: f64,
    /// Degrees east.
    pub(super) lon: f64,
    /// Stated radius, metres.
    pub(super) accuracy_m: f64,
}

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    /// Fixes in order of time.
    pub(super) fixes: Vec<Fix>,
    /// Who states the accuracies.
    pub(super) source: AccuracySource,
    /// Where it was recorded.
    pub(super) recorded_in: &'static str,
    /// On which day.
    pub(super) recorded_on: &'static str,
    /// Degrees by which it was moved north and east; zero as recorded.
    pub(super) shift: (f64, f64),
}

impl Track {
    /// The phone's recording of Zürich, with the accuracies that the phone stated.
    pub(super) fn zurich() -> Self {
        let mut fixes: Vec<Fix> = GOOGLE.lines().skip(1).filter_map(google_line).collect();
        // the file is newest first
        fixes.sort_by_key(|fix| fix.at_ms);
        Self {
            fixes,
            source: AccuracySource::Android,
            recorded_in: "Zürich",
            recorded_on: "2012-12-18",
            shift: (0.0, 0.0),
        }
    }

    /// The recording of Lyon, which states no accuracy.
    pub(super) fn lyon() -> Self {
        let fixes = GPX.split("<trkpt ").skip(1).filter_map(gpx_point).collect();
        Self {
            fixes,
            source: AccuracySource::Stated,
            recorded_in: "Lyon",
            recorded_on: "2020-10-29",
            shift: (0.0, 0.0),
        }
    }

    /// The whole recording moved by one constant number of degrees, so that its middle lies at the middle of `places`.
    pub(super) fn moved_to(mut self, places: &[Wgs84]) -> Self {
        let lat = middle(places.iter().map(|place| place.lat()))
            - middle(self.fixes.iter().map(|fix| fix.lat));
        let lon = middle(places.iter().map(|place| place.lon()))
            - middle(self.fixes.iter().map(|fix| fix.lon));
        for fix in &mut self.fixes {
            fix.lat += lat;
            fix.lon += lon;
        }
        self.shift = (lat, lon);
        self
    }

    /// By how many percent the move in degrees made east-west distances longer: circles of latitude differ in length.
    pub(super) fn stretch_percent(&self) -> f64 {
        let now = middle(self.fixes.iter().map(|fix| fix.lat));
        let before = now - self.shift.0;
        (now.to_radians().cos() / before.to_radians().cos() - 1.0) * 100.0
    }

    /// The first fix at or after `at_ms`; the last one when there is none.
    pub(super) fn at(&self, at_ms: UnixMs) -> Option<Fix> {
        self.fixes
            .iter()
            .find(|fix| fix.at_ms >= at_ms)
            .or(self.fixes.last())
            .copied()
    }
}

/// The median: a few far places do not move it.
fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// `user_id;tracked_at;latitude;longitude;elevation;accuracy`.
fn google_line(line: &str) -> Option<Fix> {
    let mut cells = line.split(';').skip(1);
    let mut cell = || cells.next();
    let at_ms = on_the_day(cell()?)?;
    let (lat, lon) = (cell()?.parse().ok()?, cell()?.parse().ok()?);
    let _elevation = cell()?;
    Some(Fix {
        at_ms,
        lat,
        lon,
        accuracy_m: cell()?.trim().parse().ok()?,
    })
}

/// `lat="…" lon="…"> … <time>…</time>`.
fn gpx_point(point: &str) -> Option<Fix> {
    let between = |open: &str, close: &str| {
        point
            .split_once(open)?
            .1
            .split_once(close)
            .map(|(value, _)| value)
    };
    Some(Fix {
        at_ms: on_the_day(between("<time>", "</time>")?)?,
        lat: between("lat=\"", "\"")?.parse().ok()?,
        lon: between("lon=\"", "\"")?.parse().ok()?,
        accuracy_m: NO_ACCURACY_M,
    })
}

/// The recording's time of day, on the demo's day.
fn on_the_day(text: &str) -> Option<UnixMs> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc().time();
    Some(MIDNIGHT + i64::from(time.num_seconds_from_midnight()) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_recordings_read_whole_and_in_order() {
        let zurich = Track::zurich();
        let lyon = Track::lyon();
        assert_eq!((zurich.fixes.len(), lyon.fixes.len()), (416, 1024));
        for track in [&zurich, &lyon] {
            assert!(
                track
                    .fixes
                    .windows(2)
                    .all(|pair| pair[0].at_ms <= pair[1].at_ms)
            );
        }
        assert_eq!(zurich.fixes[0].accuracy_m, 930.0);
        assert_eq!(
            (lyon.fixes[0].lat, lyon.fixes[0].lon),
            (45.840_660, 4.830_770)
        );
    }

    #[test]
    fn a_shift_is_the_same_for_every_fix() {
        let before = Track::lyon();
        let after = before.clone().moved_to(&[Wgs84::new(41.9, 12.5).unwrap()]);
        let (lat, lon) = after.shift;
        for (a, b) in before.fixes.iter().zip(&after.fixes) {
            assert!((a.lat + lat - b.lat).abs() < 1e-9 && (a.lon + lon - b.lon).abs() < 1e-9);
        }
    }
}
