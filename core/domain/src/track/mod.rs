//! Tracks: where a rep was inside a work session, with its gaps.
//!
//! - [`Entry`]: what the recorder says, one fix or the beginning of a gap at a time.
//! - [`Track`]: entries in order of time, of one boot and one datum, in which every gap is explicit. What is computed from a track says
//!   by index which fixes it comes from.
//! - [`pack`] and [`unpack`]: a track as few bytes, with a bound on what the packing may change.
//! - [`filter`]: which fixes are plausible. [`stops`]: where the rep stayed. [`distance`]: how far the rep went.
//!
//! Nothing here bridges a gap: between the last fix before one and the first after it nothing is known, and every function says so.

mod bits;
pub mod distance;
pub mod filter;
mod pack;
mod plane;
mod simplify;
mod smooth;
pub mod stops;
mod unpack;

use serde::{Deserialize, Serialize};

pub use pack::{MAX_BOUND_M, MIN_BOUND_M, PackError, Packed, pack};
pub use unpack::unpack;

use crate::fix::Fix;
use crate::geo::Datum;

/// Two fixes further apart than this have a gap between them even when nobody said so, milliseconds. A recorder of the slowest pace
/// (one fix a minute) may miss one fix without a gap.
pub const HOLE_MS: i64 = 120_000;

/// Most entries of one track: a day of one fix a second, and room for gaps.
pub const MAX_ENTRIES: usize = 100_000;

/// Boot-time clocks are taken up to here, either side of zero, milliseconds: 285,000 years, and every one is exact as a float.
pub const MAX_MONO_MS: i64 = 1 << 53;

/// What a recorder says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The device was here.
    Fix(Fix),
    /// A gap begins here and lasts to the next fix.
    Gap {
        /// Boot-time clock at its beginning, milliseconds.
        mono_ms: i64,
        /// Why there are no fixes.
        reason: GapReason,
    },
}

impl Entry {
    /// Boot-time clock, milliseconds.
    #[must_use]
    pub const fn mono_ms(&self) -> i64 {
        match self {
            Self::Fix(fix) => fix.mono_ms,
            Self::Gap { mono_ms, .. } => *mono_ms,
        }
    }
}

/// Why there are no fixes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The receiver was on and found no position.
    NoFix,
    /// The permission to use the position was taken away.
    PermissionOff,
    /// Location was switched off for the whole device.
    LocationOff,
    /// The system's battery saver stopped the recorder.
    BatterySaver,
    /// The device was off, or rebooted.
    PhoneOff,
    /// The system ended the app.
    AppKilled,
    /// The rep paused the recording.
    PausedByRep,
    /// No work session was open: nothing may be recorded.
    OutsideShift,
    /// No customer was near: positions were asked for rarely, to spare the battery.
    Sparing,
    /// Not said, or a reason of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

impl GapReason {
    /// Every reason; the index is its number in a packed track.
    pub const ALL: &'static [Self] = &[
        Self::Unknown,
        Self::NoFix,
        Self::PermissionOff,
        Self::LocationOff,
        Self::BatterySaver,
        Self::PhoneOff,
        Self::AppKilled,
        Self::PausedByRep,
        Self::OutsideShift,
        Self::Sparing,
    ];

    /// The name as on the wire and in exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoFix => "no_fix",
            Self::PermissionOff => "permission_off",
            Self::LocationOff => "location_off",
            Self::BatterySaver => "battery_saver",
            Self::PhoneOff => "phone_off",
            Self::AppKilled => "app_killed",
            Self::PausedByRep => "paused_by_rep",
            Self::OutsideShift => "outside_shift",
            Self::Sparing => "sparing",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of that name; [`Self::Unknown`] for any other.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name() == name)
            .unwrap_or_default()
    }
}

/// A gap in a [`Track`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// How many fixes of the track come before it: it lies between the fixes `fixes_before - 1` and `fixes_before`.
    pub fixes_before: usize,
    /// Boot-time clock at its beginning, milliseconds. It lasts to the next fix.
    pub mono_ms: i64,
    /// Why.
    pub reason: GapReason,
}

/// Entries that are no track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATrack {
    /// More than [`MAX_ENTRIES`].
    #[error("more than {MAX_ENTRIES} entries")]
    TooMany,
    /// Fixes of different datums: no line goes from one to the other.
    #[error("entry {0} is in another datum than those before it")]
    MixedDatums(usize),
    /// A fix that [`Fix::check`] refuses.
    #[error("entry {0} is no fix: its accuracy is out of range")]
    BadFix(usize),
    /// A time beyond [`MAX_MONO_MS`].
    #[error("the time of entry {0} is out of range")]
    BadTime(usize),
}

/// Fixes in order of time, of one boot and one datum, and every gap between them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    fixes: Vec<Fix>,
    gaps: Vec<Gap>,
}

impl Track {
    /// A track of what a recorder said. Entries are sorted by their time; those of the same time stay in the order in which they were said.
    /// Where two fixes are more than `hole_ms` apart and nobody said why, a gap of [`GapReason::Unknown`] is put between them.
    ///
    /// # Errors
    /// [`NotATrack`], with the index in `entries`.
    pub fn new(entries: &[Entry], hole_ms: i64) -> Result<Self, NotATrack> {
        if entries.len() > MAX_ENTRIES {
            return Err(NotATrack::TooMany);
        }
        let mut datum = None;
        for (i, entry) in entries.iter().enumerate() {
            if !(-MAX_MONO_MS..=MAX_MONO_MS).contains(&entry.mono_ms()) {
                return Err(NotATrack::BadTime(i));
            }
            if let Entry::Fix(fix) = entry {
                fix.check().map_err(|_| NotATrack::BadFix(i))?;
                if *datum.get_or_insert(fix.position.datum()) != fix.position.datum() {
                    return Err(NotATrack::MixedDatums(i));
                }
            }
        }
        let mut ordered: Vec<&Entry> = entries.iter().collect();
        ordered.sort_by_key(|entry| entry.mono_ms());
        let mut track = Self::default();
        let mut said = true;
        for entry in ordered {
            match entry {
                Entry::Fix(fix) => {
                    let before = track.fixes.last().map(|last| last.mono_ms);
                    if let Some(before) = before
                        && !said
                        && fix.mono_ms - before > hole_ms
                    {
                        track.push_gap(before, GapReason::Unknown);
                    }
                    track.fixes.push(fix.clone());
                    said = false;
                }
                Entry::Gap { mono_ms, reason } => {
                    track.push_gap(*mono_ms, *reason);
                    said = true;
                }
            }
        }
        Ok(track)
    }

    fn push_gap(&mut self, mono_ms: i64, reason: GapReason) {
        self.gaps.push(Gap {
            fixes_before: self.fixes.len(),
            mono_ms,
            reason,
        });
    }

    /// The fixes, in order of time.
    #[must_use]
    pub fn fixes(&self) -> &[Fix] {
        &self.fixes
    }

    /// The gaps, in order of time. Several may lie between two fixes, when the reason changed.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The datum of every fix; `None` without fixes.
    #[must_use]
    pub fn datum(&self) -> Option<Datum> {
        Some(self.fixes.first()?.position.datum())
    }

    /// Whether a gap lies between the fix before `i` and the fix `i`.
    #[must_use]
    pub fn gap_before(&self, i: usize) -> bool {
        self.gaps
            .binary_search_by_key(&i, |gap| gap.fixes_before)
            .is_ok()
    }

    /// The runs of fixes without a gap inside, as ranges of indices of [`Self::fixes`].
    #[must_use]
    pub fn pieces(&self) -> Vec<std::ops::Range<usize>> {
        let mut pieces = Vec::new();
        let mut from = 0;
        let ends = self.gaps.iter().map(|gap| gap.fixes_before);
        for end in ends.chain([self.fixes.len()]) {
            if end > from {
                pieces.push(from..end);
                from = end;
            }
        }
        pieces
    }

    /// The track as entries again: `Track::new` of them is this track.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(self.fixes.len() + self.gaps.len());
        let mut gaps = self.gaps.iter().peekable();
        for i in 0..=self.fixes.len() {
            while let Some(gap) = gaps.next_if(|gap| gap.fixes_before <= i) {
                entries.push(Entry::Gap {
                    mono_ms: gap.mono_ms,
                    reason: gap.reason,
                });
            }
            entries.extend(self.fixes.get(i).cloned().map(Entry::Fix));
        }
        entries
    }
}

/// What [`unpack`] reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Unpacked {
    /// The fixes that were kept, and every gap.
    pub track: Track,
    /// How many fixes there were before packing.
    pub fixes_in: usize,
    /// The bound that packing kept to, metres.
    pub bound_m: f64,
    /// The largest error that packing made, metres, rounded up to the millimetre.
    pub worst_error_m: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::AccuracySource;
    use crate::geo::Position;

    fn fix(mono_ms: i64) -> Entry {
        let position = Position::new(Datum::Wgs84, 43.7, 7.4).unwrap();
        Entry::Fix(Fix::new(position, 5.0, AccuracySource::Android, mono_ms))
    }

    #[test]
    fn a_hole_that_nobody_explained_is_a_gap_of_unknown_reason() {
        let track = Track::new(&[fix(0), fix(120_000), fix(240_001)], HOLE_MS).unwrap();
        assert_eq!(
            track.gaps(),
            [Gap {
                fixes_before: 2,
                mono_ms: 120_000,
                reason: GapReason::Unknown
            }]
        );
        assert_eq!(track.pieces(), [0..2, 2..3]);
        assert!(track.gap_before(2) && !track.gap_before(1) && !track.gap_before(0));
    }

    #[test]
    fn a_stated_gap_splits_however_short_and_late_fixes_find_their_place() {
        let gap = |mono_ms, reason| Entry::Gap { mono_ms, reason };
        let entries = [
            gap(0, GapReason::NoFix),
            fix(20),
            fix(10),
            gap(30, GapReason::PermissionOff),
            gap(35, GapReason::PhoneOff),
            fix(40),
            gap(50, GapReason::OutsideShift),
        ];
        let track = Track::new(&entries, HOLE_MS).unwrap();
        assert_eq!(track.pieces(), [0..2, 2..3]);
        assert_eq!(track.gaps().len(), 4);
        assert_eq!(Track::new(&track.entries(), HOLE_MS).unwrap(), track);
    }

    #[test]
    fn entries_read_back_as_written_and_a_later_reason_is_unknown() {
        let entries = [
            fix(5),
            Entry::Gap {
                mono_ms: 6,
                reason: GapReason::BatterySaver,
            },
        ];
        let text = serde_json::to_string(&entries).unwrap();
        assert!(
            text.contains(r#"{"entry":"gap","mono_ms":6,"reason":"battery_saver"}"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Vec<Entry>>(&text).unwrap(), entries);
        let later = r#"{"entry":"gap","mono_ms":6,"reason":"abducted"}"#;
        assert_eq!(
            serde_json::from_str::<Entry>(later).unwrap(),
            Entry::Gap {
                mono_ms: 6,
                reason: GapReason::Unknown
            }
        );
        for reason in GapReason::ALL {
            assert_eq!(GapReason::of_name(reason.name()), *reason);
            let wire = serde_json::to_value(reason).unwrap();
            assert_eq!(wire, reason.name());
        }
    }

    #[test]
    fn what_is_no_track_is_refused_with_its_place() {
        let mut elsewhere = fix(1);
        if let Entry::Fix(fix) = &mut elsewhere {
            fix.position = Position::new(Datum::Gcj02, 43.7, 7.4).unwrap();
        }
        assert_eq!(
            Track::new(&[fix(0), elsewhere], HOLE_MS),
            Err(NotATrack::MixedDatums(1))
        );
        let mut invalid = fix(1);
        if let Entry::Fix(fix) = &mut invalid {
            fix.accuracy_m = f64::NAN;
        }
        assert_eq!(
            Track::new(&[fix(0), invalid], HOLE_MS),
            Err(NotATrack::BadFix(1))
        );
        assert_eq!(
            Track::new(&[fix(i64::MIN)], HOLE_MS),
            Err(NotATrack::BadTime(0))
        );
        let many = vec![fix(0); MAX_ENTRIES + 1];
        assert_eq!(Track::new(&many, HOLE_MS), Err(NotATrack::TooMany));
    }
}
