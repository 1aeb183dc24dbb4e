//! `waymark track open` and `waymark track check`.

use std::fs::File;
use std::io::{BufReader, Read as _};

use serde_json::json;
use waymark_client::evidence::words as report_words;
use waymark_client::{Lang, LeafReport, OpeningReport, Unproven, check_opening};
use waymark_domain::track_root::opening::{NotOpened, Opening};
use waymark_protocol::proof::PublicKey;

use crate::args::{TrackCheck, TrackOpen};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome, Own};
use crate::when::day_and_time;
use crate::words::presence as words;

/// Largest file of opened fixes that is read, bytes: a day of one fix a second.
const MAX_FILE: u64 = 128 * 1024 * 1024;

pub(super) fn open(context: &Context, args: &TrackOpen) -> Outcome {
    args.out.check()?;
    let waymark = context.open()?;
    let day = args.day.map_or_else(|| waymark.today_date(), Ok)?;
    let opening = waymark.tracks().open(day, args.from, args.to)?;
    let text = serde_json::to_string_pretty(&opening).map_err(std::io::Error::from)?;
    args.out.write(|out| Ok(writeln!(out, "{text}")?))?;
    let file = args.out.name();
    let fixes: usize = opening.segments.iter().map(|own| own.leaves.len()).sum();
    context.show(&json!({ "file": file, "fixes": fixes, "day": day }), || {
        words::opened(context.lang, fixes, &file)
    })
}

/// Needs no database.
pub(super) fn check(context: &Context, args: &TrackCheck) -> Outcome {
    let there = |path: &std::path::Path| {
        File::open(path).map_err(|_| Own::NoSuchFile(path.display().to_string()))
    };
    let mut text = String::new();
    let not_one = || Own::NotAnOpening(args.file.display().to_string());
    there(&args.file)?
        .take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|_| not_one())?;
    let opening: Opening = serde_json::from_str(&text).map_err(|_| not_one())?;
    let key = args
        .key
        .as_ref()
        .map(|text| PublicKey::from_text(text.trim().to_owned()));
    let bundle = there(&args.bundle)?;
    let report = check_opening(&opening, &mut BufReader::new(bundle), key.as_ref())?;
    let value = json!({ "proven": report.proven(), "opening": report });
    let all: u64 = opening
        .segments
        .iter()
        .map(|segment| u64::from(segment.count))
        .sum();
    context.show(&value, || said(context, &report, all))?;
    if report.proven() {
        Ok(())
    } else {
        Err(Failure::Said(Exit::Refused))
    }
}

fn said(context: &Context, report: &OpeningReport, all: u64) -> String {
    let lang = context.lang;
    let mut lines = report_words(lang, &report.bundle);
    lines.push(String::new());
    lines.extend(report.leaves.iter().map(|leaf| line(context, leaf)));
    lines.push(if report.proven() {
        words::check_proven(lang, report.leaves.len(), all)
    } else {
        words::check_not_proven(lang)
    });
    lines.join("\n")
}

fn line(context: &Context, leaf: &LeafReport) -> String {
    let lang = context.lang;
    match (&leaf.fix, &leaf.at, leaf.why) {
        (Some(fix), Some(at), None) => words::leaf(
            lang,
            day_and_time(at, context.offset_min(), lang),
            format!("{:.5}", fix.position.lat()),
            format!("{:.5}", fix.position.lon()),
            fix.position.datum().name(),
            format!("{:.0}", fix.accuracy_m.ceil()),
        ),
        (.., why) => words::leaf_bad(lang, leaf.index, reason(why, lang)),
    }
}

fn reason(why: Option<Unproven>, lang: Lang) -> String {
    match why {
        Some(Unproven::NoSuchSegment) | None => words::why_no_segment(lang),
        Some(Unproven::OtherSegment) => words::why_other_segment(lang),
        Some(Unproven::Leaf(NotOpened::Unreadable)) => words::why_unreadable(lang),
        Some(Unproven::Leaf(NotOpened::NotAFix)) => words::why_not_a_fix(lang),
        Some(Unproven::Leaf(NotOpened::OtherRoot)) => words::why_other_root(lang),
    }
}
