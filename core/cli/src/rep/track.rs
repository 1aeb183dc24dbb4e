//! `waymark track …`.

use serde_json::json;
use waymark_client::TrackDay;

use super::user;
use crate::args::{Track, TrackImport, TrackShow};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::{day_and_time, offset, time_of_day};
use crate::width::Table;
use crate::words::rep as words;

pub(crate) fn run(context: &Context, what: Track) -> Outcome {
    match what {
        Track::Import(args) => import(context, &args),
        Track::Show(args) => show(context, &args),
        Track::Where(args) => latest(context, &args),
    }
}

fn import(context: &Context, args: &TrackImport) -> Outcome {
    let bytes =
        std::fs::read(&args.file).map_err(|_| Own::NoSuchFile(args.file.display().to_string()))?;
    let waymark = context.open()?;
    let report = waymark
        .tracks()
        .feed(&bytes, args.datum.into(), args.squeeze)?;
    context.show(&report, || {
        let lang = context.lang;
        let mut lines = vec![
            words::track_fed(lang, report.kept, report.read),
            words::track_simulated(lang),
        ];
        if report.before > 0 {
            lines.push(words::track_before(lang, report.before));
        }
        if report.others > 0 {
            lines.push(words::track_others(lang, report.others));
        }
        if let Some(thousandths) = report.squeezed_to {
            lines.push(words::track_squeezed(lang, thousandths));
        }
        lines.join("\n")
    })
}

fn show(context: &Context, args: &TrackShow) -> Outcome {
    let waymark = context.open()?;
    let me = waymark.me()?.user;
    let rep = match &args.rep {
        Some(text) => user(&waymark, text)?,
        None => me,
    };
    let day = match args.day {
        Some(day) => day,
        None => waymark.today_date()?,
    };
    let purpose = args.purpose.as_deref().unwrap_or_default();
    let found = waymark.tracks().of(rep, day, purpose)?;
    context.show(&value(&found), || text(context, &found, rep != me))
}

fn value(found: &TrackDay) -> serde_json::Value {
    let piece = |piece: &waymark_client::TrackPiece| {
        let points = piece.track.fixes().iter().map(|fix| {
            json!({
                "at": piece.moment(fix.mono_ms), "position": fix.position, "accuracy_m": fix.accuracy_m, "simulated": fix.simulated,
                "mock": fix.mock,
            })
        });
        let gaps = piece
            .track
            .gaps()
            .iter()
            .map(|gap| json!({ "from": piece.moment(gap.mono_ms), "reason": gap.reason }));
        json!({
            "shift": piece.shift, "points": points.collect::<Vec<_>>(), "gaps": gaps.collect::<Vec<_>>(),
            "worst_error_m": piece.worst_error_m,
        })
    };
    json!({
        "rep": found.rep, "day": found.day, "recorded": found.recorded, "bytes": found.bytes,
        "pieces": found.pieces.iter().map(piece).collect::<Vec<_>>(),
    })
}

fn text(context: &Context, found: &TrackDay, others: bool) -> String {
    let (lang, offset_min) = (context.lang, context.offset_min());
    let mut lines = Vec::new();
    if others {
        lines.push(words::track_noted(lang));
    }
    if found.pieces.is_empty() {
        lines.push(words::track_none(lang, found.day));
        return lines.join("\n");
    }
    let mut table = Table::new([
        words::col_from(lang),
        words::col_until(lang),
        words::col_points(lang),
        words::col_gaps(lang),
        words::col_error(lang),
    ]);
    for piece in &found.pieces {
        let fixes = piece.track.fixes();
        let time = |mono: i64| time_of_day(&piece.moment(mono), offset_min, lang);
        let ends = fixes.first().zip(fixes.last());
        let (from, until) = ends
            .map(|(first, last)| (time(first.mono_ms), time(last.mono_ms)))
            .unwrap_or_default();
        table.row([
            from,
            until,
            fixes.len().to_string(),
            piece.track.gaps().len().to_string(),
            format!("{:.1} m", piece.worst_error_m),
        ]);
    }
    lines.push(table.render());
    lines.push(words::track_sum(
        lang,
        found.recorded,
        found.pieces.len(),
        found.bytes,
    ));
    lines.push(words::times_are_local(lang, offset(offset_min)));
    lines.join("\n")
}

fn latest(context: &Context, args: &crate::args::TrackWhere) -> Outcome {
    let waymark = context.open()?;
    let rep = match &args.rep {
        Some(text) => user(&waymark, text)?,
        None => waymark.me()?.user,
    };
    let purpose = args.purpose.as_deref().unwrap_or_default();
    let found = waymark.tracks().latest(rep, purpose)?;
    context.show(&found, || {
        let lang = context.lang;
        let Some(view) = &found else {
            return words::where_unknown(lang);
        };
        let line = words::where_line(
            lang,
            day_and_time(&view.at, context.offset_min(), lang),
            format!("{:.5}", view.position.lat()),
            format!("{:.5}", view.position.lon()),
            view.position.datum().name(),
            format!("{:.0}", view.accuracy_m),
        );
        let age = match (view.live, view.age_ms) {
            (true, Some(ms)) => words::where_live(lang, ms / 1000),
            (_, Some(ms)) => words::where_old(lang, ms / 60_000),
            (_, None) => words::where_age_unknown(lang),
        };
        format!("{line}\n{age}")
    })
}
