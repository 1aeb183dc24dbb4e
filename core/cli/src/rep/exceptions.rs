//! `waymark shift report` and `waymark shift explain`.

use waymark_client::{ExceptionsView, GapView, Lang, SessionView, thousandths};
use waymark_domain::track::GapReason;

use super::user;
use crate::args::{ShiftExplain, ShiftReport};
use crate::context::Context;
use crate::failure::Outcome;
use crate::when::{offset, short_time};
use crate::words::{presence as words, rep, track};

pub(super) fn report(context: &Context, args: &ShiftReport) -> Outcome {
    let waymark = context.open()?;
    let me = waymark.me()?;
    let whose = match &args.of.rep {
        Some(text) => user(&waymark, text)?,
        None => me.user,
    };
    let day = args.of.day.map_or_else(|| waymark.today_date(), Ok)?;
    let purpose = args.of.purpose.as_deref().unwrap_or_default();
    let view = waymark.shift().exceptions(whose, day, purpose)?;
    let name = if whose == me.user {
        me.user_name
    } else {
        let members = waymark.team().list()?;
        let member = members.into_iter().find(|member| member.user == whose);
        member.map_or_else(|| whose.to_string(), |member| member.name)
    };
    context.show(&view, || text(context, &view, &name, whose != me.user))
}

pub(super) fn explain(context: &Context, args: &ShiftExplain) -> Outcome {
    let waymark = context.open()?;
    let day = args.day.map_or_else(|| waymark.today_date(), Ok)?;
    let gap = waymark.shift().explain(day, args.from, &args.text)?;
    context.show(&gap, || {
        let time = |ms| short_time(ms, context.offset_min());
        words::explained(context.lang, time(gap.from), time(gap.until))
    })
}

fn text(context: &Context, view: &ExceptionsView, name: &str, others: bool) -> String {
    let (lang, offset_min) = (context.lang, context.offset_min());
    let mut lines = vec![words::report_head(lang, name, view.day)];
    if others {
        lines.push(track::noted(lang));
    }
    if view.sessions.is_empty() {
        lines.push(words::report_none(lang));
        return lines.join("\n");
    }
    for session in &view.sessions {
        lines.push(head(session, lang, offset_min));
        if session.tracked && session.gaps.is_empty() {
            lines.push(words::report_no_gaps(lang));
        }
        for gap in &session.gaps {
            lines.push(gap_line(gap, lang, offset_min));
            let notes = gap.notes.iter();
            lines.extend(notes.map(|note| words::gap_note(lang, &note.text)));
        }
    }
    lines.push(match thousandths(view.observed_ms, view.session_ms) {
        None => words::report_na(lang),
        Some(_) => words::report_sum(
            lang,
            share(lang, view.observed_ms, view.session_ms),
            duration(lang, view.observed_ms),
            duration(lang, view.session_ms),
        ),
    });
    let unexplained = |gap: &GapView| gap.notes.is_empty();
    let mut gaps = view.sessions.iter().flat_map(|session| &session.gaps);
    if !others && gaps.any(unexplained) {
        lines.push(words::explain_how(lang));
    }
    lines.push(rep::times_are_local(lang, offset(offset_min)));
    lines.join("\n")
}

fn head(session: &SessionView, lang: Lang, offset_min: i16) -> String {
    let from = short_time(session.from, offset_min);
    let until = short_time(session.until, offset_min);
    let share = share(lang, session.observed_ms, session.session_ms);
    match (session.tracked, session.open) {
        (false, _) => words::report_untracked(lang, from, until),
        (true, true) => words::report_running(lang, from, until, share),
        (true, false) => words::report_session(lang, from, until, share),
    }
}

fn gap_line(gap: &GapView, lang: Lang, offset_min: i16) -> String {
    let time = |ms| short_time(ms, offset_min);
    words::gap(
        lang,
        time(gap.from),
        time(gap.until),
        cause(gap.cause, lang),
    )
}

fn cause(cause: Option<GapReason>, lang: Lang) -> String {
    match cause {
        Some(GapReason::NoFix) => words::cause_no_fix(lang),
        Some(GapReason::PermissionOff) => words::cause_permission(lang),
        Some(GapReason::LocationOff) => words::cause_location_off(lang),
        Some(GapReason::BatterySaver) => words::cause_battery_saver(lang),
        Some(GapReason::PhoneOff) => words::cause_phone_off(lang),
        Some(GapReason::AppKilled) => words::cause_app_killed(lang),
        Some(GapReason::PausedByRep) => words::cause_paused(lang),
        Some(GapReason::Sparing) => words::cause_sparing(lang),
        Some(GapReason::OutsideShift) => words::cause_outside(lang),
        Some(GapReason::Unknown) | None => words::cause_none(lang),
    }
}

fn share(lang: Lang, part: i64, whole: i64) -> String {
    match thousandths(part, whole) {
        Some(thousandths) => words::share(lang, thousandths / 10, thousandths % 10),
        None => words::no_share(lang),
    }
}

fn duration(lang: Lang, ms: i64) -> String {
    words::duration(lang, ms / 3_600_000, ms / 60_000 % 60)
}
