//! A day on one clock: what files, stays and fences need, over sessions, reboots and datums.
//!
//! Each piece of a day counts by the boot-time clock of its boot. Here every boot's clock is laid on UTC by the best that is known of that
//! boot, one offset for all of its pieces, so that nothing within a boot is moved against anything else; and every position is WGS-84.
//! Where one piece does not go on from the one before, a gap says why.

use std::collections::BTreeMap;

use waymark_domain::fix::{Fix, MAX_ACCURACY_M};
use waymark_domain::geo::accuracy::{accuracy_of, sigma_m};
use waymark_domain::geo::{Position, Regions, Wgs84};
use waymark_domain::ids::BootId;
use waymark_domain::shift::later;
use waymark_domain::time::{TimeInterval, UnixMs};
use waymark_domain::track::filter::Filtered;
use waymark_domain::track::{Entry, GapReason, HOLE_MS, NotATrack, Track};

use super::{TrackDay, TrackPiece};
use crate::error::{ErrorCode, WaymarkError};

/// Shortest pace that is restored between two kept fixes, milliseconds: receivers give a fix a second.
const LEAST_PACE_MS: i64 = 1_000;

/// What is known of a boot's clock at one of its moments.
#[derive(Debug, Clone, Copy)]
struct Clock {
    at: TimeInterval,
    mono: i64,
}

impl Clock {
    fn utc(&self, mono: i64) -> UnixMs {
        self.at
            .best_ms()
            .saturating_add(mono.saturating_sub(self.mono))
    }

    fn moment(&self, utc_ms: UnixMs) -> TimeInterval {
        later(self.at, utc_ms.saturating_sub(self.at.best_ms()))
    }
}

/// Where a fix of the joined track comes from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    utc_ms: UnixMs,
    piece: usize,
    clock: Clock,
    /// How far apart the piece's fixes were on average when they were recorded, milliseconds.
    pace_ms: i64,
    /// By how much packing moved the worst of them, metres.
    moved_m: f64,
}

/// The day.
#[derive(Debug, Default)]
pub(super) struct Day {
    /// All of it. Its clock is UTC, its datum WGS-84.
    pub(super) track: Track,
    /// One for each fix.
    origins: Vec<Origin>,
}

/// Where the rep was at a moment, as far as it is plausible.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) at: Wgs84,
    /// Standard deviation per axis, metres.
    pub(super) sigma_m: f64,
    pub(super) utc_ms: UnixMs,
    /// Nothing is known of the time since the sample before.
    pub(super) after_gap: bool,
    clock: Clock,
}

impl Sample {
    /// Its time with its uncertainty.
    pub(super) fn moment(&self) -> TimeInterval {
        self.clock.moment(self.utc_ms)
    }
}

impl TrackDay {
    /// The whole day as one track, whose clock is UTC in milliseconds since 1970 and whose datum is WGS-84, with a gap wherever one piece
    /// does not go on from the one before.
    ///
    /// # Errors
    /// [`ErrorCode::TooLong`] for a day of more entries than a track may have.
    pub fn joined(&self, regions: Regions) -> Result<Track, WaymarkError> {
        Ok(self.on_one_clock(regions)?.track)
    }

    pub(super) fn on_one_clock(&self, regions: Regions) -> Result<Day, WaymarkError> {
        let clocks = self.clocks();
        let mut pieces: Vec<(&TrackPiece, Clock)> = self
            .pieces
            .iter()
            .filter_map(|piece| Some((piece, *clocks.get(&piece.boot)?)))
            .collect();
        pieces.sort_by_key(|(piece, clock)| clock.utc(piece.mono));
        let (mut entries, mut origins) = (Vec::new(), Vec::new());
        let mut before: Option<(&TrackPiece, Clock)> = None;
        for (n, (piece, clock)) in pieces.iter().enumerate() {
            if let Some(before) = before {
                between(before, (*piece, *clock), &mut entries);
            }
            before = Some((*piece, *clock));
            let (pace_ms, moved_m) = (piece.pace_ms(), piece.worst_error_m);
            for entry in piece.track.entries() {
                let utc_ms = clock.utc(entry.mono_ms());
                entries.push(match entry {
                    Entry::Gap { reason, .. } => Entry::Gap {
                        mono_ms: utc_ms,
                        reason,
                    },
                    Entry::Fix(mut fix) => {
                        origins.push(Origin {
                            utc_ms,
                            piece: n,
                            clock: *clock,
                            pace_ms,
                            moved_m,
                        });
                        fix.position = Position::Wgs84(fix.position.to_wgs84(regions));
                        fix.mono_ms = utc_ms;
                        Entry::Fix(fix)
                    }
                });
            }
        }
        // stable, as the track sorts its fixes
        origins.sort_by_key(|origin| origin.utc_ms);
        // every hole is a stated gap already; between two kept fixes of a piece packing left out what lay on the way
        let track = Track::new(&entries, i64::MAX).map_err(not_a_track)?;
        Ok(Day { track, origins })
    }

    /// What is known best of each boot.
    fn clocks(&self) -> BTreeMap<BootId, Clock> {
        let mut clocks: BTreeMap<BootId, Clock> = BTreeMap::new();
        let width = |at: &TimeInterval| at.uncertainty_ms().unwrap_or(i64::MAX);
        for piece in &self.pieces {
            let clock = Clock {
                at: piece.at,
                mono: piece.mono,
            };
            let known = clocks.entry(piece.boot).or_insert(clock);
            if width(&clock.at) < width(&known.at) {
                *known = clock;
            }
        }
        clocks
    }
}

impl TrackPiece {
    /// How far apart its fixes were on average when they were recorded, milliseconds.
    fn pace_ms(&self) -> i64 {
        let fixes = self.track.fixes();
        let ends = fixes.first().zip(fixes.last());
        let lasted = ends.map_or(0, |(first, last)| last.mono_ms - first.mono_ms);
        let steps = i64::try_from(self.recorded.saturating_sub(1)).unwrap_or(i64::MAX);
        (lasted / steps.max(1)).clamp(LEAST_PACE_MS, HOLE_MS)
    }

    fn last_mono(&self) -> i64 {
        let entries = self.track.entries();
        entries.last().map_or(self.mono, Entry::mono_ms)
    }
}

/// What is to be said between two pieces that follow each other.
fn between(
    (before, before_clock): (&TrackPiece, Clock),
    (after, after_clock): (&TrackPiece, Clock),
    entries: &mut Vec<Entry>,
) {
    let last = before_clock.utc(before.last_mono());
    let next = after_clock.utc(after.mono);
    let mut gap = |mono_ms, reason| entries.push(Entry::Gap { mono_ms, reason });
    if before.shift != after.shift {
        let end = before.session_end.map_or(last, |end| end.best_ms());
        if end - last > HOLE_MS {
            gap(last, GapReason::Unknown);
        }
        gap(end.clamp(last, next.max(last)), GapReason::OutsideShift);
    } else if before.boot != after.boot {
        gap(last, GapReason::PhoneOff);
    } else if next - last > HOLE_MS {
        gap(last, GapReason::Unknown);
    }
}

pub(super) fn not_a_track(error: NotATrack) -> WaymarkError {
    match error {
        NotATrack::TooMany => WaymarkError::new(ErrorCode::TooLong, "track"),
        other => WaymarkError::new(ErrorCode::Internal, other.to_string()),
    }
}

impl Day {
    /// The day with what packing left out put back, at the pace at which it was recorded: on the straight way between the two kept fixes, as
    /// packing promises, less certain by what packing may have moved it. What judges fixes by those next to them needs them there.
    pub(super) fn restored(&self) -> Result<Self, WaymarkError> {
        let (mut entries, mut origins) = (Vec::new(), Vec::new());
        let mut known = self.origins.iter();
        let mut before: Option<(Fix, Origin)> = None;
        for entry in self.track.entries() {
            match entry {
                Entry::Gap { .. } => {
                    before = None;
                    entries.push(entry);
                }
                Entry::Fix(fix) => {
                    let Some(origin) = known.next().copied() else {
                        continue;
                    };
                    if let Some((from, last)) = &before
                        && last.piece == origin.piece
                    {
                        for fix in left_out(from, &fix, &origin) {
                            let utc_ms = fix.mono_ms;
                            origins.push(Origin { utc_ms, ..origin });
                            entries.push(Entry::Fix(fix));
                        }
                    }
                    origins.push(origin);
                    entries.push(Entry::Fix(fix.clone()));
                    before = Some((fix, origin));
                }
            }
        }
        let track = Track::new(&entries, i64::MAX).map_err(not_a_track)?;
        Ok(Self { track, origins })
    }

    /// The plausible fixes.
    pub(super) fn samples(&self, filtered: &Filtered) -> Vec<Sample> {
        let fixes = self.track.fixes();
        let mut last: Option<usize> = None;
        filtered
            .usable()
            .filter_map(|i| {
                let (fix, origin) = (fixes.get(i)?, self.origins.get(i)?);
                let Position::Wgs84(at) = fix.position else {
                    return None;
                };
                let jumped = |last: usize| {
                    filtered.jumps.binary_search(&i).is_ok()
                        || (last + 1..=i).any(|between| self.track.gap_before(between))
                };
                let after_gap = last.is_some_and(jumped);
                last = Some(i);
                Some(Sample {
                    at,
                    sigma_m: sigma_m(fix.accuracy_m, fix.source),
                    utc_ms: origin.utc_ms,
                    after_gap,
                    clock: origin.clock,
                })
            })
            .collect()
    }

    /// The time of fix `i` moved to `utc_ms`, with its uncertainty.
    pub(super) fn moment(&self, i: usize, utc_ms: UnixMs) -> Option<TimeInterval> {
        Some(self.origins.get(i)?.clock.moment(utc_ms))
    }
}

/// What packing left out between two fixes of a piece.
fn left_out(from: &Fix, to: &Fix, origin: &Origin) -> Vec<Fix> {
    let lasted = to.mono_ms - from.mono_ms;
    let (d_lat, d_lon) = (
        to.position.lat() - from.position.lat(),
        to.position.lon() - from.position.lon(),
    );
    if d_lon.abs() > 180.0 {
        return Vec::new();
    }
    let sigma = |fix: &Fix| sigma_m(fix.accuracy_m, fix.source);
    let worse = sigma(from).max(sigma(to));
    let sigma_m = (worse * worse + origin.moved_m * origin.moved_m).sqrt();
    (1..lasted / origin.pace_ms)
        .filter_map(|step| {
            let elapsed = step * origin.pace_ms;
            let share = share(elapsed, lasted);
            let (lat, lon) = (
                from.position.lat() + d_lat * share,
                from.position.lon() + d_lon * share,
            );
            Some(Fix {
                position: Position::Wgs84(Wgs84::new(lat, lon).ok()?),
                accuracy_m: accuracy_of(sigma_m, from.source).min(MAX_ACCURACY_M),
                mono_ms: from.mono_ms + elapsed,
                ..from.clone()
            })
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}
