//! Segments of a track: where a rep was for a while inside a work session, packed. A fact.

use chrono::NaiveDate;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::geo::Datum;
use crate::ids::{BootId, ShiftId, UserId};
use crate::record::{Actor, Body, Finding, Kind, OnConflict, RecordKey, Shape, SyncRecord, read};
use crate::refusal::{Code, Refusal};
use crate::scope::Scope;
use crate::shift::Shift;
use crate::time::TimeInterval;
use crate::track::{self, Track};

/// Largest packed segment, bytes. In base64 it leaves a third of an operation for the frame.
pub const MAX_PACKED: usize = 64 * 1024;

/// A segment is sealed when its first entry is so old, milliseconds: a quarter of an hour of work is the most that a lost phone takes along.
pub const SEGMENT_MS: i64 = 15 * 60_000;

/// A segment is sealed when it has so many entries.
pub const SEGMENT_ENTRIES: usize = 2_000;

/// What packing may move a fix by, metres (features.md row 1.2).
pub const BOUND_M: f64 = 10.0;

/// A piece of a track, of one boot and one datum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackSegment {
    /// The work session that it lies in.
    pub shift: ShiftId,
    /// Whose track.
    pub rep: UserId,
    /// Its number within the session, from 0.
    pub i: u32,
    /// The local calendar day of its beginning, fixed at capture.
    pub day: NaiveDate,
    /// When it begins.
    pub at: TimeInterval,
    /// When it ends.
    pub until: TimeInterval,
    /// The boot of the clock inside.
    pub boot: BootId,
    /// Boot-time clock of the first entry, milliseconds.
    pub first_mono: i64,
    /// Boot-time clock of the last entry, milliseconds.
    pub last_mono: i64,
    /// Fixes that were recorded.
    pub fixes: u32,
    /// Fixes that the packing keeps.
    pub points: u32,
    /// By how much the packing moved the worst of them, metres.
    pub worst_error_m: f64,
    /// The datum of every fix; absent when there is none, only gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datum: Option<Datum>,
    /// [`track::pack`]'s bytes, base64. Empty once erased.
    pub packed: String,
    /// Fields of a later version, kept.
    #[serde(flatten)]
    pub extra: Body,
}

impl TrackSegment {
    /// The packed bytes.
    ///
    /// # Errors
    /// [`Code::Malformed`], [`Code::TooLong`].
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        // four characters for three bytes
        if self.packed.len() > MAX_PACKED.div_ceil(3) * 4 {
            return Err(Refusal::of_field(Code::TooLong, "packed"));
        }
        BASE64
            .decode(self.packed.as_bytes())
            .map_err(|_| Refusal::of_field(Code::Malformed, "packed"))
    }

    /// What is inside.
    ///
    /// # Errors
    /// As [`Self::bytes`], and what [`track::unpack`] says. [`Code::Required`] for an erased one.
    pub fn track(&self) -> Result<Track, Refusal> {
        if self.packed.is_empty() {
            return Err(Refusal::of_field(Code::Required, "packed"));
        }
        Ok(track::unpack(&self.bytes()?)?.track)
    }

    /// The moment of an entry at `mono` of this segment's boot.
    #[must_use]
    pub fn moment(&self, mono: i64) -> TimeInterval {
        crate::shift::later(self.at, mono.saturating_sub(self.first_mono))
    }
}

impl SyncRecord for TrackSegment {
    const KIND: Kind = Kind::new("track_segment");
    const SHAPE: Shape = Shape::Fact;

    /// Unpacks it, and compares what is said with what is inside.
    fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str| Err(Refusal::of_field(Code::Malformed, field));
        let track = self.track()?;
        let entries = track.entries();
        let monos = entries.iter().map(track::Entry::mono_ms);
        let (first, last) = (monos.clone().min(), monos.max());
        if first.is_none_or(|first| first < self.first_mono) {
            return wrong("first_mono");
        }
        if last.is_none_or(|last| last > self.last_mono) {
            return wrong("last_mono");
        }
        if usize::try_from(self.points) != Ok(track.fixes().len()) || self.points > self.fixes {
            return wrong("points");
        }
        if track.datum() != self.datum {
            return wrong("datum");
        }
        if !(0.0..=BOUND_M).contains(&self.worst_error_m) {
            return wrong("worst_error_m");
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::user(self.rep)]
    }

    fn references(&self) -> Vec<RecordKey> {
        vec![RecordKey::of::<Shift>(self.shift)]
    }

    fn may_write(actor: &Actor, stored: Option<&Self>, next: &Self) -> bool {
        stored.is_none() && next.rep == actor.user
    }

    fn on_conflict(_: &str) -> OnConflict {
        OnConflict::CommandOnly
    }

    /// A segment lies within its session.
    fn second_look(&self, find: &dyn Fn(&RecordKey) -> Vec<Body>) -> Vec<Finding> {
        outside_session(
            find,
            (self.shift, self.rep, self.boot),
            (self.first_mono, self.last_mono),
            (self.at, self.until),
        )
    }
}

/// What there is to say against a piece of a track lying within its session.
pub(crate) fn outside_session(
    find: &dyn Fn(&RecordKey) -> Vec<Body>,
    (shift, rep, boot): (ShiftId, UserId, BootId),
    monos: (i64, i64),
    times: (TimeInterval, TimeInterval),
) -> Vec<Finding> {
    let found = find(&RecordKey::of::<Shift>(shift));
    let newest = found.first().and_then(|body| read::<Shift>(body).ok());
    let Some(shift) = newest else {
        return Vec::new();
    };
    let finding = |detail: &str| {
        vec![Finding {
            code: "outside_shift",
            detail: detail.to_owned(),
        }]
    };
    if shift.rep != rep {
        finding("the session is another rep's")
    } else if !shift.holds(boot, monos, times) {
        finding("the segment does not lie within its session")
    } else {
        Vec::new()
    }
}
