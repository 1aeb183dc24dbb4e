//! `waymark shift …`.

use waymark_client::{Lang, ShiftView, Stands};

use super::exceptions;
use crate::args::Shift;
use crate::context::Context;
use crate::failure::Outcome;
use crate::when::{day_and_time, time_of_day};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, what: Shift) -> Outcome {
    match &what {
        Shift::Report(args) => return exceptions::report(context, args),
        Shift::Explain(args) => return exceptions::explain(context, args),
        _ => {}
    }
    let waymark = context.open()?;
    let shifts = waymark.shift();
    let view = match what {
        Shift::Start(args) => Some(shifts.start(args.limit)?),
        Shift::End => Some(shifts.end()?),
        Shift::Resume => Some(shifts.resume()?),
        Shift::Report(_) | Shift::Explain(_) | Shift::Status => match shifts.status()? {
            Some(view) => Some(view),
            None => shifts.latest()?,
        },
    };
    context.show(&view, || match &view {
        Some(view) => {
            let line = text(view, context.offset_min(), context.lang);
            match view.damaged {
                0 => line,
                count => format!("{line}\n{}", words::shift_damaged(context.lang, count)),
            }
        }
        None => words::shift_none(context.lang),
    })
}

/// A session in a line.
pub(crate) fn text(view: &ShiftView, offset_min: i16, lang: Lang) -> String {
    let started = day_and_time(&view.started, offset_min, lang);
    let ended = view.ended.as_ref().unwrap_or(&view.limit_at);
    let ended = time_of_day(ended, offset_min, lang);
    match view.stands {
        Stands::Open => words::shift_open(lang, started, ended),
        Stands::Unconfirmed => words::shift_unconfirmed(lang, started),
        Stands::EndedByRep => words::shift_ended(lang, started, ended),
        Stands::EndedByLimit => words::shift_ended_limit(lang, started, ended, view.limit_min),
        Stands::EndedByReboot => words::shift_ended_reboot(lang, started, ended),
        Stands::EndedOtherwise => words::shift_ended_otherwise(lang, started),
    }
}
