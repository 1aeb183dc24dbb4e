//! The picture.

use serde_json::{Value, json};
use waymark_domain::geo::{EARTH_RADIUS_M, Position};
use waymark_domain::time::UnixMs;

use super::words::{self, reason_text};
use super::{Outline, Place, Replay, ReplayGap, ReplayPoint, clock, escaped};
use crate::lang::Lang;

/// Size of the picture in its own units.
const WIDE: f64 = 1000.0;
const HIGH: f64 = 680.0;
/// Left free around the day.
const MARGIN: f64 = 70.0;
/// Least width of what is shown, metres: a day at one place is no blank page of jitter.
const LEAST_M: f64 = 300.0;
/// Most accuracy discs; a phone draws them at once.
const DISCS: usize = 400;
/// Colours from the day's first to its last minute.
const COLOURS: i64 = 40;

/// From degrees to the picture.
pub(super) struct Plane {
    lat: f64,
    lon: f64,
    /// Units per degree.
    east: f64,
    north: f64,
    /// Units per metre.
    pub(super) metre: f64,
}

impl Plane {
    pub(super) fn around(replay: &Replay) -> Self {
        let origin = replay.positions().next().map_or(0.0, Position::lon);
        let (mut south, mut north, mut west, mut east) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
        for position in replay.positions() {
            let lon = turn(origin, position.lon());
            (south, north) = (south.min(position.lat()), north.max(position.lat()));
            (west, east) = (west.min(lon), east.max(lon));
        }
        if south > north {
            (south, north, west, east) = (0.0, 0.0, 0.0, 0.0);
        }
        let lat = f64::midpoint(south, north);
        let degree_m = EARTH_RADIUS_M * std::f64::consts::PI / 180.0;
        let east_m = degree_m * libm::cos(lat.to_radians()).max(0.001);
        let across = ((east - west) * east_m).max(LEAST_M);
        let up = ((north - south) * degree_m).max(LEAST_M);
        let metre = ((WIDE - 2.0 * MARGIN) / across).min((HIGH - 2.0 * MARGIN) / up);
        Self {
            lat,
            lon: origin + f64::midpoint(west, east),
            east: east_m * metre,
            north: degree_m * metre,
            metre,
        }
    }

    fn at(&self, position: Position) -> (f64, f64) {
        let x = WIDE / 2.0 + turn(self.lon, position.lon()) * self.east;
        let y = HIGH / 2.0 - (position.lat() - self.lat) * self.north;
        (x, y)
    }
}

/// The shorter way round, degrees.
fn turn(from: f64, to: f64) -> f64 {
    let d = to - from;
    if d > 180.0 {
        d - 360.0
    } else if d < -180.0 {
        d + 360.0
    } else {
        d
    }
}

/// The points of each run without a gap.
fn runs(replay: &Replay) -> Vec<&[ReplayPoint]> {
    let mut runs = Vec::new();
    let mut rest = replay.points.as_slice();
    for gap in &replay.gaps {
        // a gap that begins with a point's own time begins after it
        let (run, after) = rest.split_at(rest.partition_point(|point| point.at <= gap.from));
        runs.push(run);
        rest = after;
    }
    runs.push(rest);
    runs.retain(|run| !run.is_empty());
    runs
}

pub(super) fn svg(replay: &Replay, plane: &Plane, lang: Lang) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDE} {HIGH}\" role=\"img\" aria-label=\"{}\">",
        words::PICTURE.pick(lang)
    );
    svg.push_str(&graticule(plane));
    if replay.points.is_empty() {
        let (x, y) = (WIDE / 2.0 - 120.0, HIGH / 2.0);
        svg.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\">{}</text>",
            words::NO_POINTS.pick(lang)
        ));
    }
    for fence in &replay.fences {
        svg.push_str(&place(fence, plane));
    }
    for point in replay
        .points
        .iter()
        .step_by(replay.points.len().div_ceil(DISCS).max(1))
    {
        let (x, y) = plane.at(point.position);
        let r = point.accuracy_m * plane.metre;
        svg.push_str(&format!(
            "<circle class=\"disc\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\"/>"
        ));
    }
    let (from, to) = replay.span();
    for run in runs(replay) {
        svg.push_str(&coloured(run, plane, from, to));
    }
    svg.push_str(&gaps(replay, plane, lang));
    for mark in &replay.marks {
        if let Some((x, y)) = mark.position.map(|position| plane.at(position)) {
            let class = words::verdict_class(mark.verdict);
            let at = clock(mark.at, replay.utc_offset_min);
            let (kind, label) = (words::kind_text(mark.kind, lang), escaped(&mark.label));
            svg.push_str(&format!(
                "<rect class=\"mark {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"20\" height=\"20\" transform=\"rotate(45 {x:.1} {y:.1})\"><title>{at} {kind} {label}</title></rect>",
                x - 10.0, y - 10.0
            ));
        }
    }
    for (n, stop) in (1..).zip(&replay.stops) {
        let (x, y) = plane.at(stop.position);
        let (from, to) = (
            clock(stop.from, replay.utc_offset_min),
            clock(stop.to, replay.utc_offset_min),
        );
        svg.push_str(&format!(
            "<g><title>{from}–{to}</title><circle class=\"stop\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"14\"/><text class=\"no\" x=\"{x:.1}\" y=\"{y:.1}\">{n}</text></g>"
        ));
    }
    svg.push_str("<circle id=\"halo\" r=\"0\" visibility=\"hidden\"/><circle id=\"me\" r=\"9\" visibility=\"hidden\"/>");
    svg.push_str(&legend(plane));
    svg.push_str("</svg>");
    svg
}

/// The area of a customer, with its name.
fn place(place: &Place, plane: &Plane) -> String {
    let name = escaped(&place.name);
    match &place.outline {
        Outline::Circle { center, radius_m } => {
            let ((x, y), r) = (plane.at(*center), radius_m * plane.metre);
            format!(
                "<circle class=\"fence\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\"><title>{name}</title></circle>"
            )
        }
        Outline::Ring(corners) => {
            let corners: Vec<String> = corners
                .iter()
                .map(|corner| {
                    let (x, y) = plane.at(*corner);
                    format!("{x:.1},{y:.1}")
                })
                .collect();
            let points = corners.join(" ");
            format!("<polygon class=\"fence\" points=\"{points}\"><title>{name}</title></polygon>")
        }
    }
}

/// A run, its colour going from blue over green to orange with the time of day.
fn coloured(run: &[ReplayPoint], plane: &Plane, from: UnixMs, to: UnixMs) -> String {
    let colour = |point: &ReplayPoint| (point.at - from) * COLOURS / (to - from).max(1);
    let mut lines = String::new();
    let mut last: Option<(f64, f64)> = None;
    for chunk in run.chunk_by(|a, b| colour(a) == colour(b)) {
        let hue = 220 - chunk.first().map_or(0, colour) * 190 / COLOURS;
        let places = chunk.iter().map(|point| plane.at(point.position));
        let places: Vec<(f64, f64)> = last.into_iter().chain(places).collect();
        last = places.last().copied();
        if let [(x, y)] = places.as_slice() {
            lines.push_str(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"hsl({hue} 75% 48%)\"/>"
            ));
            continue;
        }
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let path = path.join(" ");
        lines.push_str(&format!(
            "<polyline class=\"way\" stroke=\"hsl({hue} 75% 48%)\" points=\"{path}\"/>"
        ));
    }
    lines
}

/// Gaps at the points around them; those that follow each other between two points are one with all reasons. Nothing is drawn from the one end to
/// the other: nobody knows the way.
fn gaps(replay: &Replay, plane: &Plane, lang: Lang) -> String {
    let mut drawn = String::new();
    let after = |gap: &ReplayGap| replay.points.partition_point(|point| point.at <= gap.from);
    for group in replay.gaps.chunk_by(|a, b| after(a) == after(b)) {
        let Some(next) = group.first().map(after) else {
            continue;
        };
        let ends = next
            .checked_sub(1)
            .and_then(|i| replay.points.get(i))
            .zip(replay.points.get(next));
        let Some((a, b)) = ends else { continue };
        let ((ax, ay), (bx, by)) = (plane.at(a.position), plane.at(b.position));
        let mut reasons: Vec<&str> = group
            .iter()
            .map(|gap| reason_text(gap.reason, lang))
            .collect();
        reasons.dedup();
        let reasons = reasons.join(" · ");
        let far = (bx - ax) * (bx - ax) + (by - ay) * (by - ay);
        let (from, to) = (
            clock(a.at, replay.utc_offset_min),
            clock(b.at, replay.utc_offset_min),
        );
        let title = format!("<title>{from}–{to} {reasons}</title>");
        let mut ring = |x: f64, y: f64, r: u8| {
            drawn.push_str(&format!(
                "<circle class=\"gap\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\">{title}</circle>"
            ));
        };
        if far < 400.0 {
            ring(f64::midpoint(ax, bx), f64::midpoint(ay, by), 20);
        } else {
            ring(ax, ay, 12);
            ring(bx, by, 12);
        }
        // words only where the ends are far enough apart to leave room for them; the table has them all
        if far > 120.0 * 120.0 {
            let (anchor, x) = if ax > WIDE * 0.6 {
                ("end", ax - 18.0)
            } else {
                ("start", ax + 18.0)
            };
            drawn.push_str(&format!("<text class=\"why\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{reasons} → {to}</text>", ay + 8.0));
        }
    }
    drawn
}

/// Round numbers: 1, 2 or 5 times a power of ten, the largest that is not above `most`.
fn round_down(most: f64) -> f64 {
    let mut step = 1e-6;
    loop {
        for factor in [2.0, 5.0, 10.0] {
            if step * factor > most {
                return if factor == 2.0 {
                    step
                } else if factor == 5.0 {
                    step * 2.0
                } else {
                    step * 5.0
                };
            }
        }
        step *= 10.0;
    }
}

/// Lines of latitude and longitude, with their degrees.
fn graticule(plane: &Plane) -> String {
    let mut lines = String::new();
    // far enough apart for the labels on a small screen too
    let step = round_down(320.0 / plane.east);
    let digits = (0..6)
        .find(|digits| step * 10_f64.powi(*digits) >= 0.999)
        .unwrap_or(6);
    let digits = usize::try_from(digits).unwrap_or(6);
    let half = WIDE / 2.0 / plane.east;
    let mut lon = ((plane.lon - half) / step).ceil() * step;
    while lon < plane.lon + half {
        let x = WIDE / 2.0 + (lon - plane.lon) * plane.east;
        let named = turn(0.0, lon);
        lines.push_str(&format!("<path class=\"grid\" d=\"M{x:.1} 0V{HIGH}\"/><text x=\"{:.1}\" y=\"{}\">{named:.digits$}°</text>", x + 5.0, HIGH - 8.0));
        lon += step;
    }
    let half = HIGH / 2.0 / plane.north;
    let mut lat = ((plane.lat - half) / step).ceil() * step;
    while lat < plane.lat + half {
        let y = HIGH / 2.0 - (lat - plane.lat) * plane.north;
        lines.push_str(&format!("<path class=\"grid\" d=\"M0 {y:.1}H{WIDE}\"/><text x=\"8\" y=\"{:.1}\">{lat:.digits$}°</text>", y - 6.0));
        lat += step;
    }
    lines
}

/// Scale bar and north.
fn legend(plane: &Plane) -> String {
    let metres = round_down(220.0 / plane.metre);
    let (x, y) = (WIDE - 40.0 - metres * plane.metre, HIGH - 40.0);
    let text = if metres >= 1000.0 {
        format!("{} km", metres / 1000.0)
    } else {
        format!("{metres} m")
    };
    let north = WIDE - 45.0;
    format!(
        "<path class=\"bar\" d=\"M{x:.1} {:.1}V{y:.1}H{:.1}V{:.1}\"/><text x=\"{x:.1}\" y=\"{:.1}\">{text}</text><path class=\"north\" d=\"M{north} 20l10 30l-10 -7l-10 7z\"/><text x=\"{north}\" y=\"80\" text-anchor=\"middle\">N</text>",
        y - 8.0,
        WIDE - 40.0,
        y - 8.0,
        y - 14.0
    )
}

/// What the slider needs: points as time, place in the picture, accuracy radius and run; gaps as times and words.
pub(super) fn data(replay: &Replay, plane: &Plane, lang: Lang) -> String {
    let tenth = |units: f64| (units * 10.0).round() / 10.0;
    let points: Vec<Value> = (0..)
        .zip(runs(replay))
        .flat_map(|(run, points): (usize, _)| points.iter().map(move |point| (run, point)))
        .map(|(run, point)| {
            let (x, y) = plane.at(point.position);
            json!([
                point.at,
                tenth(x),
                tenth(y),
                tenth(point.accuracy_m * plane.metre),
                run
            ])
        })
        .collect();
    let (_, end) = replay.span();
    let gaps = replay.gaps.iter();
    let gaps: Vec<Value> = gaps
        .map(|gap| {
            json!([
                gap.from,
                gap.to.unwrap_or(end + 1),
                reason_text(gap.reason, lang)
            ])
        })
        .collect();
    let data = json!({
        "offset": i64::from(replay.utc_offset_min) * 60_000, "nowhere": words::NOWHERE.pick(lang), "points": points, "gaps": gaps,
    });
    // within a script element only this could end it
    data.to_string().replace('<', "\\u003c")
}
