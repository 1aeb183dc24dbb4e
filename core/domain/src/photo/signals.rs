//! What is noticed about a photo. Each signal stands with the number that it rests on; none of them refuses or alters anything, and none is a
//! verdict: there are honest photos behind each.

use serde::{Deserialize, Serialize};

use super::{Photo, Place, Source};
use crate::geo::{Position, Wgs84};
use crate::ids::PhotoId;
use crate::time::UnixMs;

/// Up to this many of 256 bits two pictures are taken for the same one. Measured in core/docs/photo.md.
pub const SAME_BITS: u32 = 72;
/// Most earlier pictures that are named.
pub const MAX_ALIKE: usize = 3;
/// How far the camera's time may be from the photo's, milliseconds: cameras write the time when the file is closed, phones correct their clocks.
const TIME_SLACK_MS: i64 = 10 * 60_000;
/// How far the camera's place may be from the photo's, metres: in mainland China a camera that writes shifted degrees is off by up to 1.4 km
/// (BD-09), and few say which they write.
const PLACE_SLACK_M: u32 = 2_000;
/// Fastest that anything on the ground moves, metres per second.
const FASTEST_MPS: f64 = 150.0;

/// An earlier photo that shows the same picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// The earlier photo.
    pub photo: PhotoId,
    /// In how many of 256 bits the two looks differ, whichever way the picture lies; 0 for the same bytes.
    pub bits: u32,
    /// Whether it is the same file, byte for byte.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_file: bool,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is.
    pub sign: Sign,
    /// The number that it rests on, in the sign's unit; 0 where there is none.
    pub value: i64,
    /// The photo that it is about beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<PhotoId>,
}

/// What a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The same file was used before.
    UsedBefore,
    /// It looks like an earlier picture: the same one again, or the same thing from the same spot. Value: how many of 256 bits differ.
    LooksUsed,
    /// There is too little in it to tell it from another: a wall, a pocket.
    NothingToSee,
    /// The camera's clock says another time. Value: seconds outside of what is known, negative for earlier.
    OtherTime,
    /// The satellites that the camera heard say another time. Value: as above.
    OtherSatelliteTime,
    /// The camera says another place. Value: metres.
    OtherPlace,
    /// Taken in the app, and no camera wrote its name into it.
    NoCamera,
    /// Faster from the photo before to this one than anything moves. Value: metres per second.
    TooFast,
    /// It was taken before it was brought here, as its camera says. Value: seconds.
    BroughtLater,
}

/// Everything that is noticed about `photo`, in a fixed order; `before` is the one that its author took before it.
#[must_use]
pub fn signals(photo: &Photo, before: Option<(PhotoId, &Photo)>) -> Vec<Signal> {
    let mut found = Vec::new();
    let mut note = |sign, value, other| found.push(Signal { sign, value, other });
    for alike in &photo.alike {
        if alike.same_file {
            note(Sign::UsedBefore, 0, Some(alike.photo));
        } else if alike.bits <= SAME_BITS {
            note(Sign::LooksUsed, alike.bits.into(), Some(alike.photo));
        }
    }
    if photo.nothing_to_see {
        note(Sign::NothingToSee, 0, None);
    }
    let camera = &photo.camera;
    let taken_here = photo.source == Source::Camera;
    let clock = camera.wall_ms.map(|wall| {
        let offset = camera.offset_min.unwrap_or(photo.tz);
        wall.saturating_sub(i64::from(offset) * 60_000)
    });
    match (clock, taken_here) {
        (Some(clock), true) => {
            if let Some(outside) = outside(photo, clock) {
                note(Sign::OtherTime, outside / 1000, None);
            }
        }
        (Some(clock), false) => {
            // brought from elsewhere it has to be older; how much is for a person to weigh
            let age = photo.at.best_ms().saturating_sub(clock);
            if age > TIME_SLACK_MS {
                note(Sign::BroughtLater, age / 1000, None);
            } else if age < -TIME_SLACK_MS {
                note(Sign::OtherTime, age.saturating_neg() / 1000, None);
            }
        }
        (None, _) => {}
    }
    if let (Some(heard), true) = (camera.satellites_ms, taken_here)
        && let Some(outside) = outside(photo, heard)
    {
        note(Sign::OtherSatelliteTime, outside / 1000, None);
    }
    if let Some(metres) = camera.metres_off.filter(|metres| *metres > PLACE_SLACK_M) {
        note(Sign::OtherPlace, metres.into(), None);
    }
    if taken_here && camera.make.is_none() && camera.model.is_none() {
        note(Sign::NoCamera, 0, None);
    }
    if let Some((id, before)) = before
        && let (Some(here), Some(there)) = (measured(&photo.place), measured(&before.place))
    {
        let metres = here.0.distance_m(there.0) - here.1 - there.1;
        // the longest time that may lie between them; a second at least, or two photos in a row would divide by next to nothing
        let (until, since) = (photo.at.latest, before.at.earliest);
        let millis = match (until, since) {
            (Some(until), Some(since)) => until.saturating_sub(since),
            _ => photo.at.best_ms().saturating_sub(before.at.best_ms()),
        };
        let speed = metres / (seconds(millis).max(1.0));
        if speed > FASTEST_MPS {
            note(Sign::TooFast, whole(speed), Some(id));
        }
    }
    found
}

/// By how many milliseconds a moment lies outside of the photo's time, with slack; negative before it.
fn outside(photo: &Photo, moment: UnixMs) -> Option<i64> {
    let best = photo.at.best_ms();
    let first = photo.at.earliest.unwrap_or(best).min(best);
    let last = photo.at.latest.unwrap_or(best).max(best);
    if moment < first.saturating_sub(TIME_SLACK_MS) {
        Some(moment.saturating_sub(first))
    } else if moment > last.saturating_add(TIME_SLACK_MS) {
        Some(moment.saturating_sub(last))
    } else {
        None
    }
}

/// How far the place that a camera wrote lies from where the photo was taken, metres, less the accuracy there.
#[must_use]
pub fn metres_off(taken: &Place, (lat, lon): (f64, f64)) -> Option<u32> {
    let there = Wgs84::new(lat, lon).ok()?;
    let (here, accuracy) = measured(taken)?;
    u32::try_from(whole((here.distance_m(there) - accuracy).max(0.0))).ok()
}

/// Where a photo was taken by its own fix, and how far off that may be in metres.
fn measured(place: &Place) -> Option<(Wgs84, f64)> {
    match place {
        Place::Session { fix, .. } => match fix.position {
            Position::Wgs84(at) => Some((at, fix.accuracy_m)),
            Position::Gcj02(_) | Position::Bd09(_) => None,
        },
        Place::CheckIn | Place::None { .. } | Place::Unknown(_) => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a day in milliseconds is far below 2^52"
)]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "metres on the earth and what they give divided by a second"
)]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
mod tests {
    use super::super::tests::{id, photo, session};
    use super::*;
    use crate::photo::camera::Camera;
    use crate::time::{TimeClass, TimeInterval};

    const NOON: i64 = 1_773_000_000_000;

    fn taken(from: i64, until: i64) -> Photo {
        Photo {
            at: TimeInterval {
                earliest: Some(from),
                latest: Some(until),
                class: TimeClass::A,
                wall: from,
            },
            camera: Camera {
                make: Some("Maker".to_owned()),
                ..Camera::default()
            },
            ..photo()
        }
    }

    fn signs(photo: &Photo) -> Vec<(Sign, i64)> {
        let found = signals(photo, None);
        found
            .iter()
            .map(|found| (found.sign, found.value))
            .collect()
    }

    #[test]
    fn an_ordinary_photo_has_no_signal() {
        let mut photo = taken(NOON, NOON + 2_000);
        assert_eq!(signs(&photo), []);
        // an hour ahead of UTC, as the photo is, and as the camera says itself
        photo.camera.wall_ms = Some(NOON + 3_600_000 + 5_000);
        assert_eq!(signs(&photo), []);
        photo.camera.wall_ms = Some(NOON + 8 * 3_600_000);
        photo.camera.offset_min = Some(480);
        photo.camera.satellites_ms = Some(NOON - 500_000);
        photo.camera.metres_off = Some(1_400);
        assert_eq!(signs(&photo), []);
    }

    #[test]
    fn a_picture_that_was_there_already_is_named_with_how_much_differs() {
        let mut photo = taken(NOON, NOON);
        let alike = |tag, bits, same_file| Alike {
            photo: id(tag),
            bits,
            same_file,
        };
        photo.alike = vec![
            alike(20, 0, true),
            alike(21, SAME_BITS, false),
            alike(22, SAME_BITS + 1, false),
        ];
        let found = signals(&photo, None);
        let named: Vec<_> = found
            .iter()
            .map(|found| (found.sign, found.other))
            .collect();
        assert_eq!(
            named,
            [
                (Sign::UsedBefore, Some(id(20))),
                (Sign::LooksUsed, Some(id(21)))
            ]
        );
        photo.alike.clear();
        photo.nothing_to_see = true;
        assert_eq!(signs(&photo), [(Sign::NothingToSee, 0)]);
    }

    #[test]
    fn a_camera_that_says_another_time_or_place_is_reported_by_how_much() {
        let mut photo = taken(NOON, NOON + 60_000);
        photo.camera.offset_min = Some(0);
        photo.camera.wall_ms = Some(NOON - 86_400_000);
        photo.camera.satellites_ms = Some(NOON + 60_000 + 3_600_000);
        photo.camera.metres_off = Some(5_000);
        assert_eq!(
            signs(&photo),
            [
                (Sign::OtherTime, -86_400),
                (Sign::OtherSatelliteTime, 3_600),
                (Sign::OtherPlace, 5_000)
            ]
        );
        // of one that was brought, its age is said, and only a time to come is odd
        photo.source = Source::Gallery;
        photo.camera.metres_off = None;
        assert_eq!(signs(&photo), [(Sign::BroughtLater, 86_430)]);
        photo.camera.wall_ms = Some(NOON + 86_400_000);
        assert_eq!(signs(&photo), [(Sign::OtherTime, 86_370)]);
        photo.source = Source::Camera;
        photo.camera = Camera::default();
        assert_eq!(signs(&photo), [(Sign::NoCamera, 0)]);
    }

    #[test]
    fn from_one_photo_to_the_next_nobody_moves_faster_than_anything_does() {
        let at = |lat: f64, ms: i64| {
            let mut photo = taken(ms, ms + 2_000);
            photo.place = session(Position::Wgs84(Wgs84::new(lat, 8.0).unwrap()));
            photo
        };
        let first = at(47.0, NOON);
        // 11.1 km, less 24 m that the accuracies allow: in a minute 179 m/s, in two 91
        let minute = at(47.1, NOON + 60_000);
        let found = signals(&minute, Some((id(9), &first)));
        assert_eq!(
            found,
            [Signal {
                sign: Sign::TooFast,
                value: 179,
                other: Some(id(9))
            }]
        );
        assert_eq!(
            signals(&at(47.1, NOON + 120_000), Some((id(9), &first))),
            []
        );
        // two in a row, a hundred metres of noise between them
        let again = at(47.001, NOON + 500);
        assert_eq!(signals(&again, Some((id(9), &first))), []);
        assert_eq!(metres_off(&first.place, (47.0, 8.0)), Some(0));
        assert_eq!(metres_off(&first.place, (47.1, 8.0)), Some(11_108));
        assert_eq!(metres_off(&first.place, (91.0, 8.0)), None);
        assert_eq!(metres_off(&photo().place, (47.0, 8.0)), None);
    }
}
