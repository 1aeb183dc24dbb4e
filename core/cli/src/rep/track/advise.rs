//! `waymark track advise`.

use waymark_client::{AdviceRequest, AdviceView};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::advice::Accuracy;

use crate::args::TrackAdvise;
use crate::context::Context;
use crate::failure::Outcome;
use crate::words::track as words;

pub(super) fn run(context: &Context, args: &TrackAdvise) -> Outcome {
    let waymark = context.open()?;
    let (at, datum) = ((args.lat, args.lon), args.datum.into());
    let fix = waymark.fix(at, datum, args.accuracy, AccuracySource::Stated, 0)?;
    let view = waymark.tracks().advice(&AdviceRequest {
        fix: Fix {
            speed_mps: args.speed,
            ..fix
        },
        battery: args.battery.map(|percent| f64::from(percent) / 100.0),
        charging: args.charging,
    })?;
    context.show(&view, || text(context, &view))
}

fn text(context: &Context, view: &AdviceView) -> String {
    let lang = context.lang;
    let (Some(next), Some(advice)) = (&view.next, &view.advice) else {
        return words::advise_nothing(lang);
    };
    let metres = format!("{:.0}", next.distance_m);
    let place = if view.inside {
        words::advise_inside(lang, &next.name)
    } else if next.planned {
        words::advise_planned(lang, &next.name, metres)
    } else {
        words::advise_own(lang, &next.name, metres)
    };
    let accuracy = match advice.accuracy {
        Accuracy::Low => words::accuracy_low(lang),
        Accuracy::Balanced => words::accuracy_balanced(lang),
        Accuracy::High => words::accuracy_high(lang),
    };
    let (seconds, wake) = (
        format!("{:.0}", advice.interval_s),
        format!("{:.0}", advice.wake_distance_m),
    );
    let ask = words::advise_ask(lang, seconds, accuracy, wake);
    format!("{place}\n{ask}")
}
