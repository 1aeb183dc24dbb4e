//! The day in tables, for those who cannot see the picture, and for paper.

use super::words::{self, Both, lasted, reason_text};
use super::{Replay, clock, escaped};
use crate::lang::Lang;

/// The day in one line.
pub(super) fn facts(replay: &Replay, lang: Lang) -> String {
    let mut facts = String::new();
    let mut fact = |value: String, what: &str| {
        facts.push_str(&format!("<li><b>{value}</b>{what}</li>"));
    };
    if let Some((metres, off)) = replay.way_m {
        let value = format!("{:.1} ± {:.1} km", metres / 1000.0, off / 1000.0);
        fact(value, words::WAY.pick(lang));
    }
    fact(
        replay.stops.len().to_string(),
        words::SO_MANY_STOPS.pick(lang),
    );
    fact(
        replay.gaps.len().to_string(),
        words::SO_MANY_GAPS.pick(lang),
    );
    fact(replay.points.len().to_string(), words::POINTS.pick(lang));
    format!("<ul class=\"facts\">{facts}</ul>")
}

/// Stops, marks and gaps.
pub(super) fn all(replay: &Replay, lang: Lang) -> String {
    let at = |ms| clock(ms, replay.utc_offset_min);
    let stops = (1..).zip(&replay.stops).map(|(n, stop): (usize, _)| {
        let position = format!("{:.5}, {:.5}", stop.position.lat(), stop.position.lon());
        let place = if stop.name.is_empty() {
            position
        } else {
            escaped(&stop.name)
        };
        vec![
            n.to_string(),
            at(stop.from),
            at(stop.to),
            lasted(stop.to - stop.from, lang),
            place,
            format!("± {}", lasted(stop.uncertain_ms, lang)),
            if stop.unobserved_ms > 0 {
                lasted(stop.unobserved_ms, lang)
            } else {
                "–".to_owned()
            },
        ]
    });
    let marks = replay.marks.iter().map(|mark| {
        let verdict = mark.verdict.map(|verdict| {
            let class = words::verdict_class(Some(verdict));
            format!(
                "<span class=\"{class}\">{}</span>",
                words::verdict_text(verdict, lang)
            )
        });
        vec![
            at(mark.at),
            words::kind_text(mark.kind, lang).to_owned(),
            escaped(&mark.label),
            verdict.unwrap_or_else(|| "–".to_owned()),
        ]
    });
    let gaps = replay.gaps.iter().map(|gap| {
        let (to, length) = match gap.to {
            Some(to) => (at(to), lasted(to - gap.from, lang)),
            None => ("–".to_owned(), words::OPEN_END.pick(lang).to_owned()),
        };
        vec![
            at(gap.from),
            to,
            length,
            reason_text(gap.reason, lang).to_owned(),
        ]
    });
    use words::{AT, FOUND, FROM, LASTED, PLACE, TO, UNSEEN, UNSURE, WHAT, WHY};
    let number = Both("No.", "序号");
    let customer = Both("Customer", "客户");
    let mut tables = table(
        &words::STOPS,
        &[&number, &FROM, &TO, &LASTED, &PLACE, &UNSURE, &UNSEEN],
        4,
        stops,
        lang,
    );
    if tables.is_empty() {
        tables = format!(
            "<h2>{}</h2><p>{}</p>",
            words::STOPS.pick(lang),
            words::NO_STOPS.pick(lang)
        );
    }
    tables.push_str(&table(
        &words::MARKS,
        &[&AT, &WHAT, &customer, &FOUND],
        2,
        marks,
        lang,
    ));
    tables.push_str(&table(
        &words::GAPS,
        &[&FROM, &TO, &LASTED, &WHY],
        3,
        gaps,
        lang,
    ));
    tables
}

/// A table with its heading; nothing without rows. The cells are HTML; those of the column `long` may run over several lines.
fn table(
    heading: &Both,
    columns: &[&Both],
    long: usize,
    rows: impl Iterator<Item = Vec<String>>,
    lang: Lang,
) -> String {
    let body: String = rows
        .map(|row| {
            let cells = row.iter().enumerate().map(|(i, cell)| {
                let class = if i == long { "w" } else { "n" };
                format!("<td class=\"{class}\">{cell}</td>")
            });
            format!("<tr>{}</tr>", cells.collect::<String>())
        })
        .collect();
    if body.is_empty() {
        return String::new();
    }
    let head: String = columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", column.pick(lang)))
        .collect();
    let heading = heading.pick(lang);
    format!(
        "<h2>{heading}</h2><div class=\"card wide\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}
