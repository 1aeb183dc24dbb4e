//! `waymark track visits`.

use waymark_client::{CrossingsView, StayView, StopView};
use waymark_domain::time::TimeInterval;

use super::asked;
use crate::args::TrackDay;
use crate::context::Context;
use crate::failure::Outcome;
use crate::when::{offset, time_of_day};
use crate::width::Table;
use crate::words::{rep, track as words};

pub(super) fn run(context: &Context, args: &TrackDay) -> Outcome {
    let waymark = context.open()?;
    let asked = asked(&waymark, args)?;
    let tracks = waymark.tracks();
    let found = tracks.crossings(asked.rep, asked.day, &asked.purpose)?;
    context.show(&found, || text(context, &found, asked.others))
}

fn text(context: &Context, found: &CrossingsView, others: bool) -> String {
    let lang = context.lang;
    let mut lines = Vec::new();
    if others {
        lines.push(words::noted(lang));
    }
    lines.push(words::stays(lang));
    if found.stays.is_empty() {
        lines.push(format!("  {}", words::no_stays(lang, found.fences)));
    } else {
        let mut table = Table::new([
            words::col_entered(lang),
            words::col_left(lang),
            words::col_stay(lang),
            words::col_unseen(lang),
            rep::col_customer(lang),
        ]);
        for stay in &found.stays {
            table.row(stay_row(context, stay));
        }
        lines.push(table.render());
    }
    lines.push(String::new());
    lines.push(words::stops(lang));
    if found.stops.is_empty() {
        lines.push(format!("  {}", words::no_stops(lang)));
    } else {
        let mut table = Table::new([
            words::col_from(lang),
            words::col_until(lang),
            words::col_stay(lang),
            words::col_unseen(lang),
            words::col_place(lang),
        ]);
        for stop in &found.stops {
            table.row(stop_row(context, stop));
        }
        lines.push(table.render());
    }
    lines.push(String::new());
    let km = |metres: f64| format!("{:.1}", metres / 1_000.0);
    lines.push(words::way(
        lang,
        km(found.way_m),
        km(found.way_plus_minus_m),
    ));
    lines.push(rep::times_are_local(lang, offset(context.offset_min())));
    lines.join("\n")
}

fn stay_row(context: &Context, stay: &StayView) -> [String; 5] {
    let lang = context.lang;
    let left = stay.left.as_ref();
    let least = stay.least_ms / 60_000;
    let lasted = match stay.most_ms.map(up) {
        Some(most) if most == least => words::minutes_exactly(lang, least),
        Some(most) => words::minutes(lang, least, most),
        None => words::minutes_from(lang, least),
    };
    [
        event_time(context, &stay.entered),
        left.map_or_else(|| words::not_left(lang), |left| event_time(context, left)),
        lasted,
        unseen(context, stay.unobserved_ms),
        stay.customer_name.clone(),
    ]
}

fn stop_row(context: &Context, stop: &StopView) -> [String; 5] {
    let lang = context.lang;
    let lasted = stop.until.best_ms() - stop.from.best_ms();
    let at = stop.position;
    let place = || {
        let (lat, lon) = (at.lat(), at.lon());
        format!("{lat:.5}, {lon:.5} {}", at.datum().name())
    };
    [
        event_time(context, &stop.from),
        event_time(context, &stop.until),
        words::minutes_exactly(lang, (lasted + 30_000) / 60_000),
        unseen(context, stop.unobserved_ms),
        stop.customer_name.clone().unwrap_or_else(place),
    ]
}

/// Whole minutes, rounded up.
const fn up(ms: i64) -> i64 {
    (ms + 59_999) / 60_000
}

fn unseen(context: &Context, ms: i64) -> String {
    if ms > 0 {
        words::minutes_exactly(context.lang, up(ms))
    } else {
        "–".to_owned()
    }
}

/// A time of day; where only its end is known, that.
fn event_time(context: &Context, at: &TimeInterval) -> String {
    let (lang, offset_min) = (context.lang, context.offset_min());
    match (at.earliest, at.latest) {
        (None, Some(latest)) => {
            let exactly = TimeInterval {
                earliest: Some(latest),
                ..*at
            };
            words::at_latest(lang, time_of_day(&exactly, offset_min, lang))
        }
        _ => time_of_day(at, offset_min, lang),
    }
}
