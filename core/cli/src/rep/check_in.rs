//! `waymark check-in` and `waymark check-out`.

use serde_json::json;
use waymark_client::{CheckInRequest, Waymark, verdict};
use waymark_domain::check_in::Moment;
use waymark_domain::check_in::evidence::{Device, Offer, Station};
use waymark_domain::check_in::verdict::Verdict;
use waymark_domain::fix::Fix;
use waymark_domain::geo::Datum;
use waymark_domain::visit::State;

use super::visit::named_or_current;
use crate::args::CheckIn;
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, args: &CheckIn, moment: Moment) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    let visit = named_or_current(&waymark, args.visit.as_deref())?;
    let request = CheckInRequest {
        visit: Some(visit.id),
        moment,
        fixes: fixes(&waymark, args)?,
        device: Device::default(),
        stations: args.bssid.iter().map(|text| station(text)).collect(),
        offer: Offer {
            reason: args.reason.clone(),
            photo: None,
        },
    };
    if args.preview {
        let verdict = waymark.check_ins().preview(&request)?;
        let accuracy = request
            .fixes
            .get(verdict.fix)
            .map_or(args.accuracy, |fix| fix.accuracy_m);
        return context.show(&json!({ "verdict": verdict, "saved": false }), || {
            let summary = verdict::summary(context.lang, &verdict, accuracy);
            let head = words::verdict_preview(context.lang, summary);
            with_reasons(context, head, &verdict)
        });
    }
    let view = waymark.check_ins().check_in(&request)?;
    let begins = matches!(visit.state, State::Planned);
    context.show(
        &json!({ "check_in": view, "visit": visit.id, "started": begins }),
        || {
            let lang = context.lang;
            let mut lines = vec![match moment {
                Moment::Arrival => {
                    let datum = Datum::from(args.datum).name();
                    words::checked_in(lang, view.accuracy_m, datum)
                }
                Moment::Departure => words::checked_out(lang),
            }];
            if begins {
                lines.push(words::check_in_started(lang));
            }
            if let Some(verdict) = &view.verdict {
                let summary = verdict::summary(lang, verdict, view.accuracy_m);
                lines.push(with_reasons(
                    context,
                    words::verdict_line(lang, summary),
                    verdict,
                ));
            }
            lines.join("\n")
        },
    )
}

/// The verdict's line with its reasons, its signs and its policy below.
fn with_reasons(context: &Context, head: String, verdict: &Verdict) -> String {
    let lang = context.lang;
    let mut lines = vec![head];
    let below = verdict::explanation(lang, verdict)
        .into_iter()
        .chain(verdict::signs(lang, verdict));
    lines.extend(below.map(|line| format!("  {line}")));
    lines.push(match verdict.policy.version {
        0 => words::verdict_built_in(lang),
        version => words::verdict_policy(lang, version),
    });
    lines.join("\n")
}

fn fixes(waymark: &Waymark, args: &CheckIn) -> Outcome<Vec<Fix>> {
    let datum = Datum::from(args.datum);
    let fix = |at, accuracy, age_s: i64| -> Outcome<Fix> {
        let age_ms = age_s.saturating_mul(1_000);
        Ok(Fix {
            provider: args.provider.into(),
            satellites: args.satellites,
            mock: args.mock,
            ..waymark.fix(at, datum, accuracy, args.source.into(), age_ms)?
        })
    };
    let mut fixes = Vec::new();
    for text in &args.sample {
        let (at, accuracy, age_s) = sample(text).ok_or_else(|| Own::NotASample(text.clone()))?;
        fixes.push(fix(at, accuracy, age_s)?);
    }
    fixes.push(fix(
        (args.lat, args.lon),
        args.accuracy,
        i64::from(args.age),
    )?);
    Ok(fixes)
}

/// `LAT,LON,ACCURACY[,AGE]`.
fn sample(text: &str) -> Option<((f64, f64), f64, i64)> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect();
    let (numbers, age_s) = match numbers?.as_slice() {
        [lat, lon, accuracy] => ((*lat, *lon, *accuracy), 0),
        [lat, lon, accuracy, _] => {
            let age_s = text.rsplit(',').next()?.trim().parse::<u32>().ok()?;
            ((*lat, *lon, *accuracy), i64::from(age_s))
        }
        _ => return None,
    };
    let (lat, lon, accuracy) = numbers;
    Some(((lat, lon), accuracy, age_s))
}

/// `BSSID[,AGE]`; what is wrong with the address the domain says.
fn station(text: &str) -> Station {
    let (bssid, age) = text.split_once(',').unwrap_or((text, "0"));
    let age_s = age.trim().parse::<u32>().unwrap_or(u32::MAX);
    Station {
        bssid: bssid.trim().to_ascii_lowercase(),
        age_ms: i64::from(age_s) * 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_three_numbers_or_four() {
        assert_eq!(
            sample("43.7305,7.4245,12"),
            Some(((43.7305, 7.4245), 12.0, 0))
        );
        assert_eq!(
            sample("-33.5, 151.25, 8.5, 20"),
            Some(((-33.5, 151.25), 8.5, 20))
        );
        for wrong in ["", "43.7,7.4", "43.7,7.4,x", "43.7,7.4,12,-3", "1,2,3,4,5"] {
            assert_eq!(sample(wrong), None, "{wrong}");
        }
    }
}
