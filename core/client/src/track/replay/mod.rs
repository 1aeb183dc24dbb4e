//! A day's replay: one HTML page that needs nothing but itself. No network, no map of others, no script but its own, whose hash its
//! content security policy names.
//!
//! The picture is a plane around the middle of the day (degrees scaled by the cosine of the middle latitude): right to about a percent over
//! a hundred kilometres, and it says how long its bar is. Between points without a gap a line is drawn; a gap is a dashed ring at either end,
//! never a line, and says why.

mod draw;
mod tables;
mod words;

use waymark_domain::geo::fence::Fence;
use waymark_domain::geo::{Datum, Position, Regions};
use waymark_domain::time::UnixMs;
use waymark_domain::track::filter::{Limits, filter};
use waymark_domain::track::stops::{Params, stops};
use waymark_domain::track::{GapReason, Track, distance::distance};

pub use words::reason_text;

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;

/// Most points of one page: a browser draws them at once.
pub const MAX_POINTS: usize = 50_000;

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// A day to be shown. Everything is in one datum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// Heading.
    pub title: String,
    /// The day, as it is to be read.
    pub day: String,
    /// Whose day.
    pub rep: String,
    /// Local time minus UTC, minutes.
    pub utc_offset_min: i16,
    /// Points in order of time.
    pub points: Vec<ReplayPoint>,
    /// Stays in order of time.
    pub stops: Vec<ReplayStop>,
    /// Gaps in order of time.
    pub gaps: Vec<ReplayGap>,
    /// Check-ins, visits and the like.
    pub marks: Vec<Mark>,
    /// Places of customers.
    pub fences: Vec<Place>,
    /// Length of the way that was seen, and how much it may be off, metres.
    pub way_m: Option<(f64, f64)>,
}

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplayPoint {
    /// Where.
    pub position: Position,
    /// When.
    pub at: UnixMs,
    /// Stated radius, metres.
    pub accuracy_m: f64,
}

/// A stay.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayStop {
    /// Where.
    pub position: Position,
    /// From when.
    pub from: UnixMs,
    /// Until when.
    pub to: UnixMs,
    /// How far the two may be off, milliseconds.
    pub uncertain_ms: i64,
    /// How much of it nobody saw, milliseconds.
    pub unobserved_ms: i64,
    /// What is there, if known.
    pub name: String,
}

/// A gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayGap {
    /// From when.
    pub from: UnixMs,
    /// Until the next point; `None` when none came.
    pub to: Option<UnixMs>,
    /// Why.
    pub reason: GapReason,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When.
    pub at: UnixMs,
    /// Where, if it has a place of its own.
    pub position: Option<Position>,
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: MarkKind,
    /// What was found about its place.
    pub verdict: Option<Verdict>,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A check-in.
    CheckIn,
    /// A check-out.
    CheckOut,
    /// A visit began.
    VisitStart,
    /// A visit ended.
    VisitEnd,
    /// Anything else.
    Other,
}

/// What was found about a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// At the customer's.
    Inside,
    /// Not there.
    Outside,
    /// Not to be decided.
    Uncertain,
}

/// The place of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub outline: Outline,
}

/// A shape on the ground.
#[derive(Debug, Clone, PartialEq)]
pub enum Outline {
    /// Everything around a middle.
    Circle {
        /// The middle.
        center: Position,
        /// Its radius, metres.
        radius_m: f64,
    },
    /// Everything within these corners.
    Ring(Vec<Position>),
}

impl Place {
    /// The place of a fence, in WGS-84. `None` for a fence whose corners are no positions.
    #[must_use]
    pub fn of(name: &str, fence: &Fence, regions: Regions) -> Option<Self> {
        let wgs84 = |position: Position| Position::Wgs84(position.to_wgs84(regions));
        let outline = match fence {
            Fence::Circle {
                center, radius_m, ..
            } => Outline::Circle {
                center: wgs84(*center),
                radius_m: *radius_m,
            },
            Fence::Polygon { datum, ring, .. } => {
                let corner = |&(lat, lon): &(f64, f64)| Position::new(*datum, lat, lon).ok();
                let corners: Option<Vec<Position>> = ring.iter().map(corner).collect();
                Outline::Ring(corners?.into_iter().map(wgs84).collect())
            }
        };
        Some(Self {
            name: name.to_owned(),
            outline,
        })
    }

    fn positions(&self) -> &[Position] {
        match &self.outline {
            Outline::Circle { center, .. } => std::slice::from_ref(center),
            Outline::Ring(corners) => corners,
        }
    }
}

impl Replay {
    /// The replay of a track whose boot-time clock is `mono_to_utc_ms` behind UTC: plausible points, stays, gaps and the length of the way
    /// by the usual parameters. Title, names, marks and fences are the caller's to add.
    #[must_use]
    pub fn of(track: &Track, mono_to_utc_ms: i64) -> Self {
        let utc = |mono_ms: i64| mono_ms.saturating_add(mono_to_utc_ms);
        let filtered = filter(track, Limits::default());
        let found = stops(track, &filtered, &Params::default());
        let way = distance(track, &filtered, &found);
        let fixes = track.fixes();
        let points = filtered.usable().filter_map(|i| fixes.get(i));
        let points = points.map(|fix| ReplayPoint {
            position: fix.position,
            at: utc(fix.mono_ms),
            accuracy_m: fix.accuracy_m,
        });
        let gaps = track.gaps().iter().enumerate().map(|(n, gap)| {
            let next = track.gaps().get(n + 1).map(|next| next.mono_ms);
            let fix = fixes.get(gap.fixes_before).map(|fix| fix.mono_ms);
            ReplayGap {
                from: utc(gap.mono_ms),
                to: [next, fix].into_iter().flatten().min().map(utc),
                reason: gap.reason,
            }
        });
        let jumps = filtered.jumps.iter().filter_map(|i| {
            let before = fixes.get(i.checked_sub(1)?)?;
            Some(ReplayGap {
                from: utc(before.mono_ms),
                to: Some(utc(fixes.get(*i)?.mono_ms)),
                reason: GapReason::Unknown,
            })
        });
        let mut gaps: Vec<ReplayGap> = gaps.chain(jumps).collect();
        gaps.sort_by_key(|gap| gap.from);
        Self {
            points: points.collect(),
            stops: found
                .iter()
                .map(|stop| ReplayStop {
                    position: stop.center,
                    from: utc(stop.start.best_ms),
                    to: utc(stop.end.best_ms),
                    uncertain_ms: [stop.start, stop.end]
                        .iter()
                        .map(|edge| {
                            (edge.best_ms - edge.earliest_ms).max(edge.latest_ms - edge.best_ms)
                        })
                        .max()
                        .unwrap_or(0),
                    unobserved_ms: stop.unobserved_ms,
                    name: String::new(),
                })
                .collect(),
            gaps,
            way_m: Some((way.metres, way.plus_minus_m)),
            ..Self::default()
        }
    }

    /// The page.
    ///
    /// # Errors
    /// [`ErrorCode::TooLong`] beyond [`MAX_POINTS`]; [`ErrorCode::InvalidInput`] when datums are mixed.
    pub fn html(&self, lang: Lang) -> Result<String, WaymarkError> {
        if self.points.len() > MAX_POINTS {
            return Err(WaymarkError::new(ErrorCode::TooLong, "points"));
        }
        let datum = self.datum()?;
        let plane = draw::Plane::around(self);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            base64_sha256(CSS),
            base64_sha256(JS),
        );
        let title = escaped(&self.title);
        let html_lang = lang.pick("en", "zh-Hans");
        let sub = escaped(&[self.rep.as_str(), self.day.as_str()].join(" · "));
        let facts = tables::facts(self, lang);
        let picture = draw::svg(self, &plane, lang);
        let when = words::WHEN.pick(lang);
        let (from, to) = self.span();
        let data = draw::data(self, &plane, lang);
        let tables = tables::all(self, lang);
        let credit = words::credit(datum, self.utc_offset_min, lang);
        Ok(format!(
            r#"<!DOCTYPE html>
<html lang="{html_lang}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>{title}</title><style>{CSS}</style></head>
<body><main><h1>{title}</h1><p class="sub">{sub}</p>
{facts}
<div class="card">{picture}
<div class="play"><label for="when">{when}</label><input id="when" type="range" min="{from}" max="{to}" step="1000" value="{from}"><output id="said" for="when"></output></div></div>
{tables}
<footer>{credit}</footer></main>
<script type="application/json" id="data">{data}</script><script>{JS}</script></body></html>
"#
        ))
    }

    fn datum(&self) -> Result<Option<Datum>, WaymarkError> {
        let mut datums = self.positions().map(Position::datum);
        let first = datums.next();
        if datums.any(|datum| Some(datum) != first) {
            return Err(WaymarkError::new(
                ErrorCode::InvalidInput,
                "datums are mixed",
            ));
        }
        Ok(first)
    }

    fn positions(&self) -> impl Iterator<Item = Position> {
        let points = self.points.iter().map(|point| point.position);
        let stops = self.stops.iter().map(|stop| stop.position);
        let marks = self.marks.iter().filter_map(|mark| mark.position);
        let fences = self.fences.iter().flat_map(Place::positions).copied();
        points.chain(stops).chain(marks).chain(fences)
    }

    /// From the first to the last that is known.
    fn span(&self) -> (UnixMs, UnixMs) {
        let points = self.points.iter().map(|point| point.at);
        let gaps = self
            .gaps
            .iter()
            .flat_map(|gap| [Some(gap.from), gap.to])
            .flatten();
        let times = points
            .chain(gaps)
            .chain(self.marks.iter().map(|mark| mark.at));
        times
            .fold(None, |span: Option<(UnixMs, UnixMs)>, at| {
                Some(span.map_or((at, at), |(from, to)| (from.min(at), to.max(at))))
            })
            .unwrap_or((0, 0))
    }
}

fn base64_sha256(text: &str) -> String {
    use sha2::Digest as _;
    data_encoding::BASE64.encode(&sha2::Sha256::digest(text.as_bytes()))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Local time of day, `14:05`.
fn clock(at: UnixMs, utc_offset_min: i16) -> String {
    let local = at.saturating_add(i64::from(utc_offset_min) * 60_000);
    let minutes = local.div_euclid(60_000).rem_euclid(1440);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
