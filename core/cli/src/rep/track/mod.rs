//! `waymark track …`.

mod advise;
mod files;
mod open;
mod visits;

use chrono::NaiveDate;
use serde_json::json;
use waymark_client::{TrackDay, Waymark};
use waymark_domain::ids::UserId;

use super::user;
use crate::args::{self, Track, TrackImport};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::{day_and_time, offset, time_of_day};
use crate::width::Table;
use crate::words::{presence, rep, track as words};

pub(crate) fn run(context: &Context, what: Track) -> Outcome {
    match what {
        Track::Import(args) => import(context, &args),
        Track::Show(args) => show(context, &args),
        Track::Where(args) => latest(context, &args),
        Track::Visits(args) => visits::run(context, &args),
        Track::Export(args) => files::export(context, &args),
        Track::Replay(args) => files::replay(context, &args),
        Track::Advise(args) => advise::run(context, &args),
        Track::Open(args) => open::open(context, &args),
        Track::Check(args) => open::check(context, &args),
    }
}

fn import(context: &Context, args: &TrackImport) -> Outcome {
    let bytes =
        std::fs::read(&args.file).map_err(|_| Own::NoSuchFile(args.file.display().to_string()))?;
    let waymark = context.open()?;
    let report = waymark
        .tracks()
        .feed(&bytes, args.datum.map(Into::into), args.squeeze)?;
    context.show(&report, || {
        let lang = context.lang;
        let mut lines = vec![
            words::fed(lang, report.kept, report.read),
            words::simulated(lang),
        ];
        if report.before > 0 {
            lines.push(words::before(lang, report.before));
        }
        if report.others > 0 {
            lines.push(words::others(lang, report.others));
        }
        if report.untimed > 0 {
            lines.push(words::untimed(lang, report.untimed));
        }
        if let Some(thousandths) = report.squeezed_to {
            lines.push(words::squeezed(lang, thousandths));
        }
        lines.join("\n")
    })
}

/// Whose track of which day is asked for, and what for.
struct Asked {
    rep: UserId,
    day: NaiveDate,
    purpose: String,
    /// It is another's.
    others: bool,
}

fn asked(waymark: &Waymark, args: &args::TrackDay) -> Outcome<Asked> {
    let me = waymark.me()?.user;
    let rep = match &args.rep {
        Some(text) => user(waymark, text)?,
        None => me,
    };
    let day = args.day.map_or_else(|| waymark.today_date(), Ok)?;
    let purpose = args.purpose.clone().unwrap_or_default();
    Ok(Asked {
        rep,
        day,
        purpose,
        others: rep != me,
    })
}

fn show(context: &Context, args: &args::TrackDay) -> Outcome {
    let waymark = context.open()?;
    let asked = asked(&waymark, args)?;
    let found = waymark.tracks().of(asked.rep, asked.day, &asked.purpose)?;
    context.show(&value(&found), || text(context, &found, asked.others))
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
        "rep": found.rep, "day": found.day, "recorded": found.recorded, "bytes": found.bytes, "damaged": found.damaged,
        "pieces": found.pieces.iter().map(piece).collect::<Vec<_>>(), "hidden": found.hidden,
    })
}

fn text(context: &Context, found: &TrackDay, others: bool) -> String {
    let (lang, offset_min) = (context.lang, context.offset_min());
    let mut lines = Vec::new();
    if others {
        lines.push(words::noted(lang));
    }
    lines.extend(found.hidden.iter().map(|piece| {
        let time = |at| time_of_day(at, offset_min, lang);
        presence::hidden(lang, time(&piece.from), time(&piece.until), piece.fixes)
    }));
    if found.pieces.is_empty() && !found.hidden.is_empty() {
        lines.push(rep::times_are_local(lang, offset(offset_min)));
        return lines.join("\n");
    }
    if found.pieces.is_empty() {
        lines.push(words::none(lang, found.day));
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
    lines.push(words::sum(
        lang,
        found.recorded,
        found.pieces.len(),
        found.bytes,
    ));
    if found.damaged > 0 {
        lines.push(words::damaged(lang, found.damaged));
    }
    lines.push(rep::times_are_local(lang, offset(offset_min)));
    lines.join("\n")
}

fn latest(context: &Context, args: &crate::args::TrackWhere) -> Outcome {
    let waymark = context.open()?;
    let whose = match &args.rep {
        Some(text) => user(&waymark, text)?,
        None => waymark.me()?.user,
    };
    let purpose = args.purpose.as_deref().unwrap_or_default();
    let found = waymark.tracks().latest(whose, purpose)?;
    context.show(&found, || {
        let lang = context.lang;
        let Some(view) = &found else {
            return words::unknown_where(lang);
        };
        let line = words::line(
            lang,
            day_and_time(&view.at, context.offset_min(), lang),
            format!("{:.5}", view.position.lat()),
            format!("{:.5}", view.position.lon()),
            view.position.datum().name(),
            format!("{:.0}", view.accuracy_m),
        );
        let age = match (view.live, view.age_ms) {
            (true, Some(ms)) => words::live(lang, ms / 1000),
            (_, Some(ms)) => words::old(lang, ms / 60_000),
            (_, None) => words::age_unknown(lang),
        };
        format!("{line}\n{age}")
    })
}
