//! `waymark attention …`.

use serde_json::{Value, json};
use waymark_client::{AttentionRow, Lang, Waymark};
use waymark_domain::ids::OpId;
use waymark_domain::op::Act;
use waymark_protocol::outcome::{Outcome as ServerOutcome, Why};

use super::short_id;
use crate::args::AttentionWhat;
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::when::day_and_time;
use crate::width::cut;
use crate::words::rep as words;

/// What a value is cut to in a line.
const VALUE: usize = 40;

pub(crate) fn run(context: &Context, what: Option<AttentionWhat>) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    match what.unwrap_or(AttentionWhat::List) {
        AttentionWhat::List => list(context, &waymark),
        AttentionWhat::Retry(arg) => {
            let op = find(&waymark, &arg.op)?;
            let again = waymark.attention().retry(op)?;
            context.show(&json!({ "operation": op, "again": again }), || {
                words::attention_retried(context.lang)
            })
        }
        AttentionWhat::Dismiss(arg) => {
            let op = find(&waymark, &arg.op)?;
            waymark.attention().dismiss(op)?;
            context.show(&json!({ "operation": op, "dismissed": true }), || {
                words::attention_dismissed(context.lang)
            })
        }
    }
}

/// The operation of that id, or the only one whose id has that part.
fn find(waymark: &Waymark, text: &str) -> Outcome<OpId> {
    if let Ok(op) = text.parse() {
        return Ok(op);
    }
    let wanted = text.to_ascii_lowercase();
    let rows = waymark.attention().list()?;
    let mut fitting = rows
        .iter()
        .filter(|row| row.op.to_string().contains(&wanted));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) if wanted.len() >= 4 => Ok(row.op),
        _ => Err(Own::NotAnOp.into()),
    }
}

fn list(context: &Context, waymark: &Waymark) -> Outcome {
    let rows = waymark.attention().list()?;
    context.show(&rows, || {
        if rows.is_empty() {
            return words::attention_none(context.lang);
        }
        let texts: Vec<String> = rows
            .iter()
            .map(|row| text(row, context.offset_min(), context.lang))
            .collect();
        texts.join("\n")
    })
}

/// One operation: what, when, why, and the ways out.
pub(crate) fn text(row: &AttentionRow, offset_min: i16, lang: Lang) -> String {
    let when = row
        .at
        .as_ref()
        .map(|at| day_and_time(at, offset_min, lang))
        .unwrap_or_default();
    let step = match &row.command {
        Some(command) => step_text(command, lang),
        None => row.act.map(|act| act_text(act, lang)).unwrap_or_default(),
    };
    let reason = why(row, lang);
    let mut lines = vec![format!(
        "{}  {when}  {}: {step} - {reason}",
        short_id(row.op),
        kind_text(&row.kind, lang)
    )];
    for (field, value) in &row.values {
        lines.push(format!("    {field} = {}", short(value)));
    }
    if let Some(ServerOutcome::Review { clashes, .. }) = &row.outcome {
        for clash in clashes {
            lines.push(words::clash_line(
                lang,
                &clash.field,
                short(&clash.base),
                short(&clash.mine),
                short(&clash.theirs),
            ));
        }
    }
    if row.can_retry {
        lines.push(words::attention_ways(lang, short_id(row.op)));
    }
    lines.join("\n")
}

fn why(row: &AttentionRow, lang: Lang) -> String {
    match &row.outcome {
        Some(ServerOutcome::Review {
            why: Why::Clash, ..
        }) => words::why_clash(lang),
        Some(ServerOutcome::Review {
            why: Why::OutOfScope,
            ..
        }) => words::why_out_of_scope(lang),
        Some(ServerOutcome::Review {
            why: Why::Dependency,
            ..
        }) => words::why_dependency(lang),
        Some(ServerOutcome::Rejected { refusal }) => {
            let error = waymark_client::WaymarkError::from(refusal.clone());
            format!("{}: {}", words::why_rejected(lang), error.message(lang))
        }
        Some(ServerOutcome::Vaulted) => words::why_vaulted(lang),
        None if row.code == "damaged" => words::why_damaged(lang),
        _ => words::why_other(lang),
    }
}

fn act_text(act: Act, lang: Lang) -> String {
    match act {
        Act::Create => words::act_create(lang),
        Act::Append => words::act_append(lang),
        Act::Patch => words::act_patch(lang),
        Act::Delete => words::act_delete(lang),
        Act::Cmd => words::act_command(lang),
    }
}

fn step_text(command: &str, lang: Lang) -> String {
    match command {
        "start" => words::step_start(lang),
        "finish" => words::step_finish(lang),
        "skip" => words::step_skip(lang),
        other => other.to_owned(),
    }
}

fn kind_text(kind: &str, lang: Lang) -> String {
    match kind {
        "customer" => words::kind_customer(lang),
        "visit" => words::kind_visit(lang),
        "note" => words::kind_note(lang),
        "check_in" => words::kind_check_in(lang),
        other => other.to_owned(),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    };
    cut(&text, VALUE)
}
