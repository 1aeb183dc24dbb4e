//! `waymark check-in`.

use serde_json::json;
use waymark_client::CheckInRequest;
use waymark_domain::visit::State;

use super::visit::named_or_current;
use crate::args::CheckIn;
use crate::context::Context;
use crate::failure::Outcome;
use crate::words::rep as words;

pub(crate) fn run(context: &Context, args: &CheckIn) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    let visit = named_or_current(&waymark, args.visit.as_deref())?;
    let request = CheckInRequest {
        visit: Some(visit.id),
        lat: args.lat,
        lon: args.lon,
        datum: args.datum.into(),
        accuracy_m: args.accuracy,
        source: args.source.into(),
    };
    let view = waymark.check_ins().check_in(&request)?;
    let begins = matches!(visit.state, State::Planned);
    context.show(
        &json!({ "check_in": view, "visit": visit.id, "started": begins }),
        || {
            let lang = context.lang;
            let mut lines = vec![words::checked_in(
                lang,
                args.accuracy,
                view.position.datum().name(),
            )];
            if begins {
                lines.push(words::check_in_started(lang));
            }
            lines.push(match view.distance_m {
                Some(metres) => words::check_in_distance(lang, format!("{metres:.0}")),
                None => words::check_in_no_distance(lang),
            });
            lines.join("\n")
        },
    )
}
