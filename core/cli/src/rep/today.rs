//! `waymark today`.

use waymark_client::{Lang, TodayView, VisitRow, Waymark};
use waymark_domain::visit::State;

use super::{customer_name, short_id, state_text};
use crate::args::Today;
use crate::context::Context;
use crate::failure::Outcome;
use crate::when::{offset, time_of_day, weekday};
use crate::width::Table;
use crate::words::rep as words;

pub(crate) fn run(context: &Context, args: &Today) -> Outcome {
    let waymark = context.open()?;
    let view = waymark.today(args.day)?;
    context.show(&view, || {
        text(&waymark, &view, context.offset_min(), context.lang)
    })
}

/// The day as text; the demo writes the same.
pub(crate) fn text(waymark: &Waymark, view: &TodayView, offset_min: i16, lang: Lang) -> String {
    let user = waymark.me().map(|me| me.user_name).unwrap_or_default();
    let mut lines = vec![words::day_head(
        lang,
        view.day,
        weekday(view.day, lang),
        user,
    )];
    if view.visits.is_empty() {
        lines.push(words::no_visits(lang, view.day));
    } else {
        lines.push(String::new());
        lines.push(visits(&view.visits, offset_min, lang));
        lines.push(String::new());
        lines.push(words::day_progress(lang, view.done, view.visits.len()));
    }
    lines.push(match &view.current {
        Some(current) => {
            let since = times(&current.row.state, offset_min, lang);
            words::current_visit(lang, customer_name(&current.row.customer_name, lang), since)
        }
        None => words::no_current_visit(lang),
    });
    for shift in &view.shifts {
        lines.push(super::shift::text(shift, offset_min, lang));
    }
    lines.push(words::footer(
        lang,
        view.status.pending,
        view.status.needs_attention,
    ));
    if view.status.needs_attention > 0 {
        lines.push(words::see_attention(lang));
    }
    if view
        .visits
        .iter()
        .any(|visit| !matches!(visit.state, State::Planned))
    {
        lines.push(words::times_are_local(lang, offset(offset_min)));
    }
    lines.join("\n")
}

/// Visits as a table.
pub(crate) fn visits(rows: &[VisitRow], offset_min: i16, lang: Lang) -> String {
    let mut table = Table::new([
        words::col_state(lang),
        words::col_time(lang),
        words::col_customer(lang),
        words::col_address(lang),
        words::col_sync(lang),
        words::col_id(lang),
    ]);
    for visit in rows {
        table.row([
            state_text(&visit.state, lang),
            times(&visit.state, offset_min, lang),
            customer_name(&visit.customer_name, lang),
            visit.customer_address.clone().unwrap_or_default(),
            if visit.pending {
                words::unsent_mark(lang)
            } else {
                String::new()
            },
            short_id(visit.id),
        ]);
    }
    table.render()
}

/// When the visit began or was given up, and how well that is known.
pub(crate) fn times(state: &State, offset_min: i16, lang: Lang) -> String {
    match state {
        State::Planned | State::Unknown(_) => String::new(),
        State::InProgress { started, .. } | State::Done { started, .. } => {
            time_of_day(started, offset_min, lang)
        }
        State::Skipped { at, .. } => time_of_day(at, offset_min, lang),
    }
}
