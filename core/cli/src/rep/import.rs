//! `waymark import customers`.

use waymark_client::import::{ImportReport, ImportRequest};
use waymark_client::{ErrorCode, WaymarkError};

use super::user;
use crate::args::ImportCustomers;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome, Own};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, args: ImportCustomers) -> Outcome {
    if !args.file.is_file() {
        return Err(Own::NoSuchFile(args.file.display().to_string()).into());
    }
    let waymark = context.open()?;
    waymark.me()?;
    let owner = args.owner.map(|owner| user(&waymark, &owner)).transpose()?;
    let request = ImportRequest {
        path: args.file,
        datum: args.datum.map(Into::into),
        owner,
        dry_run: args.dry_run,
    };
    let report = waymark.import_customers(&request)?;
    if !report.wrong.is_empty() {
        return refuse(context, &report);
    }
    context.show(&report, || {
        let lang = context.lang;
        let count = report.imported;
        let mut lines = vec![match (args.dry_run, count) {
            (_, 0) => words::nothing_imported(lang),
            (true, _) => words::would_import(lang, count),
            (false, _) => words::imported(lang, count),
        }];
        if report.already_here > 0 {
            lines.push(words::already_here(lang, report.already_here));
        }
        lines.join("\n")
    })
}

/// Names every wrong row. For programs the report goes to standard output, as when all is well.
fn refuse(context: &Context, report: &ImportReport) -> Outcome {
    let lang = context.lang;
    let failure = Failure::Client(WaymarkError::new(ErrorCode::ImportRefused, ""));
    if context.json {
        context.show(report, String::new)?;
        return Err(failure);
    }
    for wrong in &report.wrong {
        let why = wrong.why.text(lang);
        let line = if wrong.column.is_empty() {
            words::wrong_row_no_column(lang, wrong.row, why)
        } else {
            words::wrong_row(lang, wrong.row, &wrong.column, why)
        };
        context.tell(&line);
    }
    context.tell(&failure.text(lang).unwrap_or_default());
    Err(Failure::Said(Exit::Refused))
}
