//! Tracks as files: GPX and GeoJSON out and in, and a day's replay as a page.
//!
//! Files are WGS-84 by their standards, and say so. What is written reads back as the same points, bit for bit; gaps stay gaps.

pub mod geojson;
pub mod gpx;
mod metered;
pub mod replay;

use serde::Serialize;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Position, Regions, Wgs84};
use waymark_domain::time::UnixMs;
use waymark_domain::track::{Entry, GapReason, Track};

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::tracks::TrackDay;

/// Largest file that is read, bytes: a month of one fix a second in a talkative dialect.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Most points of one file.
pub const MAX_POINTS: usize = 500_000;

/// Most oddities that are listed; the rest are counted.
const MAX_ODDITIES: usize = 100;

/// The datum, as files name it.
const DATUM: &str = "WGS-84";

/// Before this no satellite gave the time: 1980-01-06, when GPS time begins.
const GPS_BEGAN_MS: UnixMs = 315_964_800_000;

/// A recording as a file holds it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// Its name.
    pub name: String,
    /// Runs of points and the gaps between them, in order.
    pub parts: Vec<Part>,
}

/// A stretch of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Points without a gap.
    Points(Vec<Point>),
    /// Nothing was recorded.
    Gap {
        /// Why.
        reason: GapReason,
        /// When it began.
        from: Option<UnixMs>,
    },
}

/// A point of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where.
    pub position: Wgs84,
    /// When; unknown in recordings of other makers.
    pub at: Option<UnixMs>,
    /// Metres, as the receiver had it.
    pub altitude_m: Option<f64>,
    /// Stated radius, metres, and who stated it.
    pub accuracy: Option<(f64, AccuracySource)>,
}

impl Recording {
    /// The recording of a track, its boot-time clock being `mono_to_utc_ms` behind UTC. What is in another datum becomes WGS-84; where map
    /// providers shift, `regions` says.
    #[must_use]
    pub fn of(name: &str, track: &Track, mono_to_utc_ms: i64, regions: Regions) -> Self {
        let utc = |mono_ms: i64| mono_ms.saturating_add(mono_to_utc_ms);
        let mut parts = Vec::new();
        let mut run = Vec::new();
        for entry in track.entries() {
            match entry {
                Entry::Fix(fix) => run.push(Point {
                    position: fix.position.to_wgs84(regions),
                    at: Some(utc(fix.mono_ms)),
                    altitude_m: fix.altitude_m.filter(|metres| metres.is_finite()),
                    accuracy: Some((fix.accuracy_m, fix.source)),
                }),
                Entry::Gap { mono_ms, reason } => {
                    if !run.is_empty() {
                        parts.push(Part::Points(std::mem::take(&mut run)));
                    }
                    let from = Some(utc(mono_ms));
                    parts.push(Part::Gap { reason, from });
                }
            }
        }
        if !run.is_empty() {
            parts.push(Part::Points(run));
        }
        Self {
            name: name.to_owned(),
            parts,
        }
    }

    /// The recording of a day, with its gaps.
    ///
    /// # Errors
    /// As [`TrackDay::joined`].
    pub fn of_day(name: &str, day: &TrackDay, regions: Regions) -> Result<Self, WaymarkError> {
        let joined = day.joined(regions)?;
        Ok(Self::of(name, &joined, 0, regions))
    }

    /// The points of all parts.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.parts.iter().flat_map(|part| match part {
            Part::Points(points) => points.as_slice(),
            Part::Gap { .. } => &[],
        })
    }

    /// The recording as entries whose boot-time clock is `mono_to_utc_ms` behind UTC. Points that state no accuracy get
    /// `accuracy_m`, as stated by hand. Gives also how many points had no time and are left out. A gap without a time begins at the
    /// point before it.
    #[must_use]
    pub fn entries(&self, mono_to_utc_ms: i64, accuracy_m: f64) -> (Vec<Entry>, usize) {
        let mono = |at: UnixMs| at.saturating_sub(mono_to_utc_ms);
        let mut entries: Vec<Entry> = Vec::new();
        let mut untimed = 0;
        for part in &self.parts {
            match part {
                Part::Gap { reason, from } => {
                    let begin = from.map(mono).or(entries.last().map(Entry::mono_ms));
                    entries.extend(begin.map(|mono_ms| Entry::Gap {
                        mono_ms,
                        reason: *reason,
                    }));
                }
                Part::Points(points) => {
                    for point in points {
                        let Some(at) = point.at else {
                            untimed += 1;
                            continue;
                        };
                        let stated = (accuracy_m, AccuracySource::Stated);
                        let (accuracy_m, source) = point.accuracy.unwrap_or(stated);
                        let position = Position::Wgs84(point.position);
                        entries.push(Entry::Fix(Fix {
                            altitude_m: point.altitude_m,
                            ..Fix::new(position, accuracy_m, source, mono(at))
                        }));
                    }
                }
            }
        }
        (entries, untimed)
    }
}

/// A recording from a file, and what was odd about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What was read.
    pub recording: Recording,
    /// Oddities in the order of the file, the first hundred.
    pub oddities: Vec<Odd>,
    /// How many there were in all.
    pub odd: usize,
}

/// Something odd in a file. The point is imported with what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Odd {
    /// Line of a GPX file; number of a GeoJSON feature. The first is 1.
    pub line: u64,
    /// What.
    pub what: Oddity,
}

/// What is odd about a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// It has no time.
    NoTime,
    /// Its time does not read; taken as none.
    UnreadableTime,
    /// Its time is before 1980, so the receiver did not know it; taken as none.
    ClockNotSet,
    /// The same time as the point before.
    RepeatedTime,
    /// Earlier than the point before.
    TimeWentBack,
    /// Its elevation or accuracy is no number of use; taken as none.
    BadNumber,
}

impl Oddity {
    /// What it is, in words.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::NoTime => lang.pick("has no time", "没有时间"),
            Self::UnreadableTime => lang.pick("has a time that does not read", "时间无法识别"),
            Self::ClockNotSet => lang.pick(
                "has a time before 1980: the receiver's clock was not set",
                "时间早于 1980 年：接收机时钟未设置",
            ),
            Self::RepeatedTime => {
                lang.pick("has the same time as the point before", "与前一点时间相同")
            }
            Self::TimeWentBack => lang.pick("is earlier than the point before", "时间早于前一点"),
            Self::BadNumber => lang.pick(
                "has an elevation or accuracy that is no number of use",
                "海拔或精度数值无效",
            ),
        }
    }
}

/// Collects a recording while it is read.
#[derive(Debug, Default)]
struct Reading {
    recording: Recording,
    run: Vec<Point>,
    points: usize,
    last_at: Option<UnixMs>,
    oddities: Vec<Odd>,
    odd: usize,
}

impl Reading {
    fn odd(&mut self, line: u64, what: Oddity) {
        self.odd += 1;
        if self.oddities.len() < MAX_ODDITIES {
            self.oddities.push(Odd { line, what });
        }
    }

    /// Takes a point with its time as text.
    fn point(
        &mut self,
        line: u64,
        mut point: Point,
        time: Option<&str>,
    ) -> Result<(), WaymarkError> {
        self.points += 1;
        if self.points > MAX_POINTS {
            return Err(wrong(line, "more points than a recording may have"));
        }
        point.at = match time.map(str::trim).filter(|time| !time.is_empty()) {
            None => {
                self.odd(line, Oddity::NoTime);
                None
            }
            Some(time) => match instant(time) {
                None => {
                    self.odd(line, Oddity::UnreadableTime);
                    None
                }
                Some(at) if at < GPS_BEGAN_MS => {
                    self.odd(line, Oddity::ClockNotSet);
                    None
                }
                at => at,
            },
        };
        if let Some(at) = point.at {
            match self.last_at {
                Some(last) if last == at => self.odd(line, Oddity::RepeatedTime),
                Some(last) if last > at => self.odd(line, Oddity::TimeWentBack),
                _ => {}
            }
            self.last_at = Some(at);
        }
        self.run.push(point);
        Ok(())
    }

    fn end_run(&mut self) {
        if !self.run.is_empty() {
            let run = std::mem::take(&mut self.run);
            self.recording.parts.push(Part::Points(run));
        }
    }

    fn gap(&mut self, reason: &str, from: Option<&str>) {
        self.end_run();
        self.recording.parts.push(Part::Gap {
            reason: GapReason::of_name(reason),
            from: from.and_then(instant),
        });
    }

    fn finish(mut self) -> Imported {
        self.end_run();
        Imported {
            recording: self.recording,
            oddities: self.oddities,
            odd: self.odd,
        }
    }
}

/// A moment of RFC 3339; without a zone it is UTC, as GPX says. Parts of a millisecond are cut off.
fn instant(text: &str) -> Option<UnixMs> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(at.timestamp_millis());
    }
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(local.and_utc().timestamp_millis())
}

/// A moment as text, to the millisecond.
fn written(at: UnixMs) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_millis(at)?;
    Some(at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

fn source_name(source: AccuracySource) -> &'static str {
    match source {
        AccuracySource::Android => "android",
        AccuracySource::Apple => "apple",
        AccuracySource::Web => "web",
        AccuracySource::Stated => "stated",
    }
}

fn source_of(name: Option<&str>) -> AccuracySource {
    match name {
        Some("android") => AccuracySource::Android,
        Some("apple") => AccuracySource::Apple,
        Some("web") => AccuracySource::Web,
        _ => AccuracySource::Stated,
    }
}

fn wrong(line: u64, what: &str) -> WaymarkError {
    WaymarkError::new(ErrorCode::InvalidInput, format!("line {line}: {what}"))
}
