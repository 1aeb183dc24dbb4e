//! `waymark sos`.

use waymark_client::SosRequest;
use waymark_domain::fix::AccuracySource;

use crate::args::Sos;
use crate::context::Context;
use crate::failure::Outcome;
use crate::words::presence as words;

pub(crate) fn run(context: &Context, args: &Sos) -> Outcome {
    let waymark = context.open()?;
    let fix = match (args.lat, args.lon, args.datum, args.accuracy) {
        (Some(lat), Some(lon), Some(datum), Some(accuracy)) => Some(waymark.fix(
            (lat, lon),
            datum.into(),
            accuracy,
            AccuracySource::Stated,
            0,
        )?),
        // the grammar takes all four or none
        _ => None,
    };
    let request = SosRequest {
        fix,
        battery: args.battery,
        to: args.to.clone(),
    };
    let lang = context.lang;
    let view = waymark.sos(&request, lang)?;
    context.show(&view, || {
        let (units, parts) = (view.size.units, view.size.parts);
        let saved = match &view.not_saved {
            None => words::sos_size(lang, units, parts),
            Some(why) => words::sos_not_saved(lang, units, parts, why),
        };
        let link = view.uri.clone().unwrap_or_else(|| words::sos_to(lang));
        format!("{}\n{link}\n{saved}", view.text)
    })
}
