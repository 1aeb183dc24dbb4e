//! `waymark enroll`.

use serde_json::json;
use waymark_client::EnrolWith;

use super::role_text;
use crate::args::Enroll;
use crate::context::{Context, wait_for};
use crate::failure::{Outcome, Own};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, args: Enroll) -> Outcome {
    let authority = match args.ca {
        Some(path) => {
            let text = std::fs::read_to_string(&path);
            Some(text.map_err(|_| Own::NoSuchFile(path.display().to_string()))?)
        }
        None => None,
    };
    let waymark = context.open()?;
    let with = EnrolWith {
        server: args.server,
        code: args.code,
        device_name: args.name,
        authority,
    };
    let me = wait_for(waymark.enrol(&with))??;
    let value = json!({
        "company": me.company, "user": me.user, "name": me.user_name, "role": me.role, "team": me.team, "device": me.device,
    });
    context.show(&value, || {
        let enrolled = words::enrolled(
            context.lang,
            &me.user_name,
            &me.company,
            role_text(me.role, context.lang),
        );
        format!("{enrolled}\n{}", words::enrol_next(context.lang))
    })
}
