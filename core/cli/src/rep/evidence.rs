//! `waymark evidence …` and `waymark verify`.

use std::fs::File;
use std::io::BufReader;

use serde_json::json;
use waymark_client::evidence::{Stretch, words as report_words};
use waymark_evidence::verify as verify_bundle;
use waymark_protocol::proof::PublicKey;

use crate::args::{Evidence, EvidenceExport, Verify};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome, Own};
use crate::photo;
use crate::words::rep as words;

pub(crate) fn run(context: &Context, what: Evidence) -> Outcome {
    match what {
        Evidence::Export(args) => export(context, &args),
        Evidence::Key => {
            let key = context.open()?.evidence().company_key()?;
            context.show(&json!({ "company_key": key }), || key.clone())
        }
    }
}

fn export(context: &Context, args: &EvidenceExport) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    let stretch = args.day.map_or(Stretch::All, Stretch::Day);
    args.to.check()?;
    let evidence = waymark.evidence();
    let report = args
        .to
        .write(|out| Ok(evidence.export(stretch, out, &mut |_| {})?))?;
    let file = args.to.name();
    context.show(&json!({ "bundle": report, "file": file }), || {
        words::evidence_written(
            context.lang,
            report.ops,
            report.from,
            report.to,
            report.receipts,
            &file,
        )
    })
}

/// Needs no database: a key that is given is trusted, else the key in the bundle is used and the report says so.
pub(crate) fn verify(context: &Context, args: &Verify) -> Outcome {
    let mut file =
        File::open(&args.bundle).map_err(|_| Own::NoSuchFile(args.bundle.display().to_string()))?;
    if photo::is_photo(&mut file)? {
        return photo::verify(context, &args.bundle, args.key.as_deref());
    }
    let key = args
        .key
        .as_ref()
        .map(|text| PublicKey::from_text(text.trim().to_owned()));
    let report = verify_bundle(&mut BufReader::new(file), key.as_ref())?;
    context.show(&report, || report_words(context.lang, &report).join("\n"))?;
    if report.proven() && report.noted.is_empty() {
        Ok(())
    } else {
        Err(Failure::Said(Exit::Refused))
    }
}
