//! `waymark policy …`.

use std::io::Read as _;

use serde_json::json;

use crate::args::{Policy, PolicyPublish};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::rep as words;

/// Largest file of rules that is read, bytes.
const MAX_FILE: u64 = 256 * 1024;

pub(crate) fn run(context: &Context, what: Policy) -> Outcome {
    match what {
        Policy::Show => show(context),
        Policy::Publish(args) => publish(context, args),
    }
}

fn show(context: &Context) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    let current = waymark.policies().check_in()?;
    context.show(&current, || {
        let lang = context.lang;
        let mut lines = vec![match current.policy.version {
            0 => words::policy_built_in(lang),
            version => words::policy_version(lang, version),
        }];
        lines.extend(
            current
                .remark
                .as_ref()
                .map(|text| words::policy_remark(lang, text)),
        );
        // the rules are data with fixed names: they are shown as what one would publish
        lines.extend(serde_json::to_string_pretty(&current.rules).ok());
        lines.join("\n")
    })
}

fn publish(context: &Context, args: PolicyPublish) -> Outcome {
    let mut rules = String::new();
    if args.file.as_os_str() == "-" {
        std::io::stdin().take(MAX_FILE).read_to_string(&mut rules)?;
    } else {
        let file = std::fs::File::open(&args.file)
            .map_err(|_| Own::NoSuchFile(args.file.display().to_string()))?;
        file.take(MAX_FILE).read_to_string(&mut rules)?;
    }
    let waymark = context.open()?;
    waymark.me()?;
    let policy = waymark.policies().publish_check_in(&rules, args.remark)?;
    context.show(&json!({ "policy": policy }), || {
        words::policy_published(context.lang, policy.version)
    })
}
