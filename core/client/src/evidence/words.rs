//! What a verifier's report says, in words.

use waymark_domain::time::TimeInterval;
use waymark_evidence::{Report, What};

use crate::lang::Lang;
use crate::verdict::side as side_word;

/// Most check-ins that are told one by one.
const MOST_STATED: usize = 40;

/// What a verifier's report proves, and what it does not: a sentence each.
#[must_use]
pub fn words(lang: Lang, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let Report {
        ops,
        from,
        to,
        statements,
        receipts,
        ..
    } = report;
    if let Some(bad) = &report.first_bad {
        let what = what(lang, bad.what);
        let line = bad.line;
        lines.push(match (lang, bad.n) {
            (Lang::En, Some(n)) => {
                format!("NOT PROVEN. First bad link: operation {n}, line {line}: {what}")
            }
            (Lang::En, None) => format!("NOT PROVEN. First bad link: line {line}: {what}"),
            (Lang::ZhHans, Some(n)) => {
                format!("未能证明。首个错误环节：操作 {n}，第 {line} 行：{what}")
            }
            (Lang::ZhHans, None) => format!("未能证明。首个错误环节：第 {line} 行：{what}"),
        });
        return lines;
    }
    lines.push(match (lang, report.proven()) {
        (Lang::En, true) => "PROVEN.".to_owned(),
        (Lang::En, false) => "INTACT, but not proven.".to_owned(),
        (Lang::ZhHans, true) => "已证明。".to_owned(),
        (Lang::ZhHans, false) => "内容完整，但未能证明。".to_owned(),
    });
    lines.push(match lang {
        Lang::En => {
            let check_ins = if *statements == 1 { "check-in" } else { "check-ins" };
            format!("The chain of operations {from} to {to} is unbroken: {ops} operations, {statements} signed {check_ins}.")
        }
        Lang::ZhHans => format!("操作 {from} 至 {to} 的链条完整：共 {ops} 个操作，{statements} 个已签名签到。"),
    });
    lines.extend(stated(lang, report));
    match (lang, report.receipted) {
        (Lang::En, Some((n, at_ms))) => {
            lines.push(format!(
                "{receipts} receipts of the company: it had operations up to {n} by {}.",
                utc(at_ms)
            ));
            if n < *to {
                lines.push(format!(
                    "Operations {} to {to} are vouched for by the device alone.",
                    n + 1
                ));
            }
        }
        (Lang::ZhHans, Some((n, at_ms))) => {
            lines.push(format!(
                "公司回执 {receipts} 份：公司在 {} 之前已收到至操作 {n}。",
                utc(at_ms)
            ));
            if n < *to {
                lines.push(format!("操作 {} 至 {to} 仅由设备自身担保。", n + 1));
            }
        }
        (Lang::En, None) if report.vouched => lines
            .push("The company knows the device; no receipt covers these operations.".to_owned()),
        (Lang::ZhHans, None) if report.vouched => {
            lines.push("公司认识该设备；但没有回执涵盖这些操作。".to_owned())
        }
        (Lang::En, None) => lines
            .push("No receipt: nobody but the bundle itself says whose key this is.".to_owned()),
        (Lang::ZhHans, None) => {
            lines.push("没有回执：除本文件外，无人证明该密钥属于谁。".to_owned())
        }
    }
    if !report.device_signed {
        let text = "The device did not sign the chain to its end: only the company says that these are its operations.";
        lines.push(
            lang.pick(text, "设备未对链条签名至末尾：仅由公司声称这些是其操作。")
                .to_owned(),
        );
    }
    if report.skipped > 0 {
        let skipped = report.skipped;
        lines.push(match lang {
            Lang::En => format!("{skipped} counts are skipped: nothing here says what they were."),
            Lang::ZhHans => format!("有 {skipped} 个序号被跳过：此处无从得知其内容。"),
        });
    }
    if !report.from_the_start {
        lines.push(
            lang.pick(
                "It begins in the middle of the device's work, which is no fault.",
                "从设备工作的中段开始，这并非缺陷。",
            )
            .to_owned(),
        );
    }
    if !report.trusted {
        lines.push(
            lang.pick(
                "No company key was given: the one inside the bundle was used.",
                "未提供公司密钥：使用了文件内的密钥。",
            )
            .to_owned(),
        );
    }
    for noted in &report.noted {
        let (n, code, detail) = (noted.n, noted.code, &noted.detail);
        lines.push(match lang {
            Lang::En => format!("To ask about: operation {n}: {code} {detail}")
                .trim_end()
                .to_owned(),
            Lang::ZhHans => format!("需要询问：操作 {n}：{code} {detail}")
                .trim_end()
                .to_owned(),
        });
    }
    lines.push(lang.pick(
        "A signature proves which key signed which bytes. It does not prove that the scene was as the phone saw it, nor that nothing came after.",
        "签名只证明哪个密钥签署了哪些内容，不证明现场与手机所见一致，也不证明其后没有更多内容。",
    ).to_owned());
    lines
}

/// Each signed check-in with the time that is proven of it, as far as a page holds.
fn stated(lang: Lang, report: &Report) -> Vec<String> {
    let all = &report.stated;
    let shown = all.iter().take(MOST_STATED);
    let mut lines: Vec<String> = shown
        .map(|stated| {
            let when = interval(lang, &stated.when);
            let side = stated.side.map_or_else(
                || lang.pick("without a verdict", "没有结论").to_owned(),
                |side| side_word(lang, side).to_owned(),
            );
            let n = stated.n;
            match lang {
                Lang::En => format!("  {when}: {side} (operation {n})"),
                Lang::ZhHans => format!("  {when}：{side}（操作 {n}）"),
            }
        })
        .collect();
    let more = all.len().saturating_sub(MOST_STATED);
    if more > 0 {
        lines.push(match lang {
            Lang::En => format!("  and {more} more: --json has them all"),
            Lang::ZhHans => format!("  另有 {more} 个：用 --json 查看全部"),
        });
    }
    lines
}

/// An interval as the chain and the receipts prove it, in UTC: an auditor has no time zone in common with the rep.
fn interval(lang: Lang, when: &TimeInterval) -> String {
    match (lang, when.earliest, when.latest) {
        (Lang::En, Some(lo), Some(hi)) => format!("between {} and {}", exact(lo), exact(hi)),
        (Lang::ZhHans, Some(lo), Some(hi)) => format!("{} 至 {} 之间", exact(lo), exact(hi)),
        (Lang::En, Some(lo), None) => format!("not before {}", exact(lo)),
        (Lang::ZhHans, Some(lo), None) => format!("不早于 {}", exact(lo)),
        (Lang::En, None, Some(hi)) => format!("not after {}", exact(hi)),
        (Lang::ZhHans, None, Some(hi)) => format!("不晚于 {}", exact(hi)),
        (_, None, None) => lang.pick("time unverified", "时间未核实").to_owned(),
    }
}

const fn what(lang: Lang, what: What) -> &'static str {
    match what {
        What::NotABundle => lang.pick(
            "no bundle of evidence, or one of a later version",
            "不是证据文件，或来自更新版本",
        ),
        What::UnknownLine => lang.pick("a line that nothing writes", "无法识别的行"),
        What::NoSeal => lang.pick("the file ends before its seal", "文件在封印之前结束"),
        What::AfterTheSeal => lang.pick("something follows the seal", "封印之后还有内容"),
        What::BadSeal => lang.pick("the seal does not fit the content", "封印与内容不符"),
        What::Unreadable => lang.pick("the operation does not read", "操作无法读取"),
        What::BrokenLink => lang.pick(
            "the operation does not follow on the one before",
            "操作与前一个不衔接",
        ),
        What::BadStatement => lang.pick(
            "the check-in's signature is not the device's",
            "签到签名并非该设备所签",
        ),
        What::BadHead => lang.pick("the device did not sign this head", "设备并未签署此链首"),
        What::BadReceipt => lang.pick(
            "the receipt is not the company's, or not about this device",
            "回执并非该公司所签，或与此设备无关",
        ),
        What::Truncated => lang.pick(
            "a receipt names a later operation: the end was cut off",
            "回执提到更晚的操作：结尾被截断",
        ),
        What::Missing => lang.pick(
            "a receipt names an operation that was taken out",
            "回执提到的操作已被取出",
        ),
        What::ImpossibleTime => lang.pick(
            "it says that it was made after the server had it",
            "其时间晚于服务器收到它的时间",
        ),
    }
}

fn utc(ms: i64) -> String {
    written(ms, "%Y-%m-%d %H:%M:%S UTC")
}

/// To the millisecond: an interval may be shorter than a second.
fn exact(ms: i64) -> String {
    written(ms, "%Y-%m-%d %H:%M:%S%.3f UTC")
}

fn written(ms: i64, form: &str) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(|| ms.to_string(), |at| at.format(form).to_string())
}
