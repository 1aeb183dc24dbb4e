//! `waymark visit …`.

use serde_json::json;
use waymark_client::{ErrorCode, NoteRequest, PlanRequest, VisitRow, VisitView, Waymark};
use waymark_domain::visit::State;

use super::{customer_name, state_text, user};
use crate::args::{
    Visit, VisitMaybe, VisitMove, VisitNote, VisitPlan, VisitShow, VisitSkip, VisitWhich,
};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::{day_and_time, offset, stay_text, time_of_day};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, what: Visit) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    match what {
        Visit::Plan(args) => plan(context, &waymark, args),
        Visit::Start(args) => start(context, &waymark, &args),
        Visit::Note(args) => note(context, &waymark, args),
        Visit::Finish(args) => finish(context, &waymark, args),
        Visit::Skip(args) => skip(context, &waymark, &args),
        Visit::Move(args) => move_to(context, &waymark, &args),
        Visit::Show(args) => show(context, &waymark, &args),
    }
}

/// The visit that was named, or the one in progress.
pub(crate) fn named_or_current(waymark: &Waymark, which: Option<&str>) -> Outcome<VisitRow> {
    match which {
        Some(which) => Ok(waymark.visits().find(which)?),
        None => Ok(waymark.visits().in_progress()?.ok_or(Own::NoVisit)?),
    }
}

fn plan(context: &Context, waymark: &Waymark, args: VisitPlan) -> Outcome {
    let customer = super::customer_named(context, waymark, &args.who.who)?;
    let rep = args.rep.map(|rep| user(waymark, &rep)).transpose()?;
    let day = args.day.map_or_else(|| waymark.today_date(), Ok)?;
    let visit = waymark.visits().plan(&PlanRequest {
        customer: customer.id,
        day: Some(day),
        rep,
    })?;
    context.show(
        &json!({ "visit": visit, "customer": customer.id, "day": day }),
        || words::visit_planned(context.lang, &customer.name, day),
    )
}

fn start(context: &Context, waymark: &Waymark, args: &VisitWhich) -> Outcome {
    let found = match waymark.visits().find(&args.which) {
        Ok(row) if matches!(row.state, State::Planned | State::InProgress { .. }) => Some(row),
        // the customer was visited today already: another visit is an unplanned one
        Ok(row) if args.which.parse() != Ok(row.id) => None,
        Ok(row) => Some(row),
        Err(error) if error.code == ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(row) = found {
        waymark.visits().start(row.id)?;
        return context.show(&json!({ "visit": row.id, "planned": true }), || {
            words::visit_started(
                context.lang,
                customer_name(&row.customer_name, context.lang),
            )
        });
    }
    let customer = super::customer_named(context, waymark, &args.which)?;
    let visit = waymark.visits().start_unplanned(customer.id)?;
    context.show(&json!({ "visit": visit, "planned": false }), || {
        words::visit_started_unplanned(context.lang, &customer.name)
    })
}

fn note(context: &Context, waymark: &Waymark, args: VisitNote) -> Outcome {
    let visit = named_or_current(waymark, args.visit.as_deref())?;
    let request = NoteRequest {
        customer: visit.customer,
        visit: Some(visit.id),
        text: args.text,
        corrects: None,
    };
    let note = waymark.notes().write(request)?;
    context.show(&json!({ "note": note, "visit": visit.id }), || {
        words::note_written(
            context.lang,
            customer_name(&visit.customer_name, context.lang),
        )
    })
}

fn finish(context: &Context, waymark: &Waymark, args: VisitMaybe) -> Outcome {
    let visit = named_or_current(waymark, args.which.as_deref())?;
    waymark.visits().finish(visit.id)?;
    // a second finish changes nothing; what counts is what the visit says now
    let stay = waymark.visits().view(visit.id)?.row.stay;
    context.show(&json!({ "visit": visit.id, "stay": stay }), || {
        words::visit_finished(
            context.lang,
            customer_name(&visit.customer_name, context.lang),
            stay.map(|stay| stay_text(stay, context.lang))
                .unwrap_or_default(),
        )
    })
}

fn skip(context: &Context, waymark: &Waymark, args: &VisitSkip) -> Outcome {
    let visit = waymark.visits().find(&args.visit.which)?;
    waymark.visits().skip(visit.id, &args.reason)?;
    context.show(&json!({ "visit": visit.id }), || {
        words::visit_skipped(
            context.lang,
            customer_name(&visit.customer_name, context.lang),
        )
    })
}

fn move_to(context: &Context, waymark: &Waymark, args: &VisitMove) -> Outcome {
    let visit = waymark.visits().find(&args.visit.which)?;
    let moved = waymark.visits().move_to(visit.id, args.day)?;
    context.show(
        &json!({ "visit": visit.id, "day": args.day, "changed": moved }),
        || {
            if moved {
                words::visit_moved(
                    context.lang,
                    customer_name(&visit.customer_name, context.lang),
                    args.day,
                )
            } else {
                words::visit_on_that_day(context.lang, args.day)
            }
        },
    )
}

fn show(context: &Context, waymark: &Waymark, args: &VisitShow) -> Outcome {
    let row = waymark.visits().find(&args.visit.which)?;
    let view = match &args.purpose {
        Some(purpose) => waymark.visits().view_for(row.id, purpose)?,
        None => waymark.visits().view(row.id)?,
    };
    context.show(&view, || text(context, &view))
}

fn text(context: &Context, view: &VisitView) -> String {
    let lang = context.lang;
    let offset_min = context.offset_min();
    let mut lines = vec![customer_name(&view.row.customer_name, lang)];
    if view.row.pending {
        lines.push(format!("  ({})", words::unsent(lang)));
    }
    lines.push(format!("  {}: {}", words::field_day(lang), view.row.day));
    lines.push(format!(
        "  {}: {}",
        words::field_state(lang),
        state_text(&view.row.state, lang)
    ));
    let time = |when| time_of_day(when, offset_min, lang);
    match &view.row.state {
        State::InProgress { started, .. } => lines.push(format!("  {}", time(started))),
        State::Done {
            started, finished, ..
        } => lines.push(format!("  {} – {}", time(started), time(finished))),
        State::Skipped { at, reason, .. } => lines.push(format!(
            "  {}  {}: {reason}",
            time(at),
            words::field_reason(lang)
        )),
        State::Planned | State::Unknown(_) => {}
    }
    if let Some(stay) = view.row.stay {
        lines.push(format!("  {}", stay_text(stay, lang)));
    }
    lines.push(format!("  {}: {}", words::field_id(lang), view.row.id));
    lines.push(format!("\n{}", words::check_ins(lang)));
    for check_in in &view.check_ins {
        let time = day_and_time(&check_in.at, offset_min, lang);
        let mut line = match check_in.position {
            Some(at) => words::check_in_line(
                lang,
                time,
                at.lat(),
                at.lon(),
                at.datum().name(),
                check_in.accuracy_m,
            ),
            None => words::check_in_withheld(lang, time, check_in.accuracy_m),
        };
        if let Some(verdict) = &check_in.verdict {
            let summary = waymark_client::verdict::summary(lang, verdict, check_in.accuracy_m);
            line = format!("{line}\n    {summary}");
        }
        lines.push(format!("  {line}"));
    }
    if view.check_ins.iter().any(|view| view.position.is_none()) {
        lines.push(format!("  {}", words::positions_withheld(lang)));
    }
    if view.check_ins.is_empty() {
        lines.push(format!("  {}", words::none_yet(lang)));
    }
    lines.push(format!("\n{}", words::notes(lang)));
    for note in &view.notes {
        lines.push(format!(
            "  {}  {}",
            day_and_time(&note.at, offset_min, lang),
            note.text.replace('\n', "\n    ")
        ));
    }
    if view.notes.is_empty() {
        lines.push(format!("  {}", words::none_yet(lang)));
    }
    if !view.photos.is_empty() {
        lines.push(format!("\n{}", crate::words::photos::heading(lang)));
        let photos = view.photos.iter();
        lines.extend(photos.map(|photo| format!("  {}", super::photo::line(photo, lang))));
    }
    lines.push(format!(
        "\n{}",
        words::times_are_local(lang, offset(offset_min))
    ));
    lines.join("\n")
}
