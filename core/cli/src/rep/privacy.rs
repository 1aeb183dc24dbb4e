//! `waymark privacy`.

use waymark_client::{PrivacyView, Sort};
use waymark_domain::location_access::What;

use crate::args::Privacy;
use crate::context::Context;
use crate::failure::Outcome;
use crate::when::{day_and_time, moment};
use crate::width::Table;
use crate::words::{rep as words, track};

pub(crate) fn run(context: &Context, args: &Privacy) -> Outcome {
    let waymark = context.open()?;
    let to = match args.to {
        Some(day) => day,
        None => waymark.today_date()?,
    };
    let from = args
        .from
        .unwrap_or_else(|| to.checked_sub_days(chrono::Days::new(30)).unwrap_or(to));
    let view = waymark.privacy().collected(from, to)?;
    context.show(&view, || text(context, &view))
}

fn text(context: &Context, view: &PrivacyView) -> String {
    let (lang, offset_min) = (context.lang, context.offset_min());
    let mut lines = vec![words::privacy_head(lang, view.from, view.to)];
    for sort in &view.collected {
        let name = match sort.what {
            Sort::CheckIns => words::privacy_check_ins(lang),
            Sort::Tracks => words::privacy_tracks(lang),
            Sort::TracksKeptBack => words::privacy_kept_back(lang),
            Sort::CallsForHelp => words::privacy_calls(lang),
            Sort::Photos => words::privacy_photos(lang),
        };
        lines.push(String::new());
        lines.push(name);
        lines.push(words::privacy_why(lang, sort.what.purpose(lang)));
        if let Some(days) = sort.kept_days {
            lines.push(words::privacy_kept(lang, days));
        }
        if sort.days.is_empty() {
            lines.push(words::privacy_nothing(lang));
            continue;
        }
        let mut table = Table::new([
            words::field_day(lang),
            words::col_positions(lang),
            track::col_from(lang),
            track::col_until(lang),
            words::col_bytes(lang),
        ]);
        for day in &sort.days {
            table.row([
                day.day.to_string(),
                day.positions.to_string(),
                moment(day.first_ms, offset_min),
                moment(day.last_ms, offset_min),
                day.bytes.to_string(),
            ]);
        }
        lines.push(table.render());
    }
    lines.push(String::new());
    lines.push(words::privacy_seen_by(lang, view.seen_by.join(", ")));
    if view.looked.is_empty() {
        lines.push(words::privacy_nobody_looked(lang));
    }
    for look in &view.looked {
        let what = match look.what {
            What::TrackDay => words::look_track(lang),
            What::CheckIn => words::look_check_in(lang),
            What::Live => words::look_live(lang),
            What::Exceptions => words::look_exceptions(lang),
            What::Unknown => words::look_unknown(lang),
        };
        let who = look
            .viewer_name
            .clone()
            .unwrap_or_else(|| look.viewer.to_string());
        let when = day_and_time(&look.at, offset_min, lang);
        lines.push(words::looked(
            lang,
            when,
            who,
            what,
            look.day,
            &look.purpose,
        ));
    }
    lines.join("\n")
}
