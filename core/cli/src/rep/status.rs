//! `waymark status`.

use serde_json::json;
use waymark_client::{Lang, StatusView};

use super::short_id;
use crate::context::Context;
use crate::failure::Outcome;
use crate::width::Table;
use crate::words::rep as words;

pub(crate) fn run(context: &Context) -> Outcome {
    let waymark = context.open()?;
    let me = waymark.me()?;
    let status = waymark.status()?;
    let value = json!({
        "status": status, "user": me.user, "name": me.user_name, "company": me.company, "device": me.device, "server": me.server_url,
    });
    context.show(&value, || {
        let lang = context.lang;
        let head = words::status_head(lang, &me.user_name, &me.company, short_id(me.device));
        format!(
            "{head}\n{}\n\n{}",
            words::status_server(lang, &me.server_url),
            text(&status, lang)
        )
    })
}

/// The counts, and whether they balance.
pub(crate) fn text(status: &StatusView, lang: Lang) -> String {
    let mut table = Table::new([String::new(), String::new()]);
    let mut row = |count: u64, name: String| table.row([format!("{count:>8}"), name]);
    row(status.created, words::count_created(lang));
    row(status.acknowledged, words::count_acknowledged(lang));
    row(status.pending, words::count_pending(lang));
    row(status.needs_attention, words::count_attention(lang));
    if status.lost > 0 {
        row(status.lost, words::count_lost(lang));
    }
    let table = table.render();
    let mut lines = vec![table.trim_start_matches('\n').to_owned(), String::new()];
    let (acknowledged, pending, attention) =
        (status.acknowledged, status.pending, status.needs_attention);
    lines.push(if status.balanced {
        words::balances(
            lang,
            status.created,
            acknowledged,
            pending,
            attention,
            status.lost,
        )
    } else {
        words::does_not_balance(
            lang,
            status.created,
            acknowledged + pending + attention + status.lost,
        )
    });
    if status.needs_attention > 0 {
        lines.push(words::see_attention(lang));
    }
    if status.read_only {
        lines.push(words::read_only(lang));
    }
    lines.join("\n")
}
