//! Evidence: what this device did, in a bundle that anyone can verify without our server.

use std::io::{BufRead, Write};

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::op::Operation;
use waymark_domain::policy::{Policy, Topic};
use waymark_domain::record::RecordKey;
use waymark_evidence::{Header, Report, Sealer, What, Writer};
use waymark_protocol::proof::PublicKey;

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::waymark::Waymark;

/// Operations read at a time.
const CHUNK: u32 = 500;

/// The evidence.
pub struct Evidence(pub(crate) Waymark);

/// Which operations go into a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// All that are still here: those of the last 30 days, and whatever waits.
    All,
    /// From the first of a local calendar day, by the day that was fixed at capture, to its last, and on to the receipt that covers that one.
    Day(NaiveDate),
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EvidenceExport {
    /// The count of the first operation.
    pub from: u64,
    /// The count of the last.
    pub to: u64,
    /// How many there are.
    pub ops: u64,
    /// Receipts of the server among them.
    pub receipts: u64,
}

impl Evidence {
    /// The company's key, which a verifier has to be given by another way than the bundle.
    ///
    /// # Errors
    /// [`ErrorCode::NotEnrolled`].
    pub fn company_key(&self) -> Result<String, WaymarkError> {
        Ok(self.0.me()?.server_key)
    }

    /// Writes a bundle. `progress` hears how many operations are written.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no operation of that stretch, [`ErrorCode::KeyUnavailable`], [`ErrorCode::Io`].
    pub fn export(
        &self,
        stretch: Stretch,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<EvidenceExport, WaymarkError> {
        let me = self.0.me()?;
        let signer = &*self.0.0.parts.signer;
        let (from, to) = self.range(stretch)?;
        let mut receipts = self.0.read(|reader| {
            let before = reader.receipt_before(from)?;
            let mut receipts: Vec<_> = before.into_iter().collect();
            receipts.extend(reader.receipts(from, to)?);
            Ok(receipts)
        })?;
        let count = u64::try_from(receipts.len()).unwrap_or(u64::MAX);
        receipts.reverse();
        let first = self
            .0
            .read(|reader| reader.chain(from.saturating_sub(1), from, 1))?;
        let first = first
            .first()
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "operation"))?;
        let header = Header {
            v: waymark_evidence::VERSION,
            tenant: me.tenant,
            device: me.device,
            device_key: signer.public_key(),
            company_key: PublicKey::from_text(me.server_key),
            prev: Operation::from_bytes(&first.bytes).map_or(Hash::ZERO, |op| op.prev),
            sealed_by: Sealer::Device,
        };
        let mut writer = Writer::begin(out, &header)?;
        for key in self.context()? {
            if let Some(row) = self.0.read(|reader| reader.record(&key))? {
                writer.context(&key, &row.body)?;
            }
        }
        let (mut last, mut ops) = (from.saturating_sub(1), 0);
        while last < to {
            let rows = self.0.read(|reader| reader.chain(last, to, CHUNK))?;
            let Some(newest) = rows.last() else { break };
            last = newest.n;
            for row in &rows {
                // a bundle that is sealed and broken would fail only at the auditor's
                if Hash::of(&row.bytes) != row.sha {
                    return Err(WaymarkError::new(
                        ErrorCode::DatabaseDamaged,
                        format!("operation {}", row.n),
                    ));
                }
                writer.op(row.n, &row.bytes)?;
                ops += 1;
                while let Some(receipt) = receipts.pop_if(|receipt| receipt.n <= row.n) {
                    writer.receipt(&receipt.jws)?;
                }
            }
            progress(ops);
        }
        let at_ms = self.0.now()?.best_ms();
        let seal = writer.seal(signer, at_ms)?;
        Ok(EvidenceExport {
            from: seal.from,
            to: seal.to,
            ops: seal.ops,
            receipts: count,
        })
    }

    /// Verifies a bundle. With a key that the caller trusts, else with the one that this device pinned.
    ///
    /// # Errors
    /// What reading may say.
    pub fn verify(&self, input: &mut dyn BufRead) -> Result<Report, WaymarkError> {
        let key = PublicKey::from_text(self.company_key()?);
        Ok(waymark_evidence::verify(input, Some(&key))?)
    }

    fn range(&self, stretch: Stretch) -> Result<(u64, u64), WaymarkError> {
        let nothing = || WaymarkError::new(ErrorCode::NotFound, "operation");
        let (begin, end) = self.0.read(|reader| {
            let end = reader.chain_end()?;
            Ok((reader.chain_begin(end)?, end))
        })?;
        let begin = begin.ok_or_else(nothing)?;
        let Stretch::Day(day) = stretch else {
            return Ok((begin, end));
        };
        let (mut first, mut newest, mut last) = (None, 0, begin.saturating_sub(1));
        loop {
            let rows = self.0.read(|reader| reader.chain(last, end, CHUNK))?;
            let Some(row) = rows.last() else { break };
            last = row.n;
            for row in &rows {
                if Operation::from_bytes(&row.bytes).is_ok_and(|op| op.t.local_day() == day) {
                    first.get_or_insert(row.n);
                    newest = row.n;
                }
            }
        }
        // up to the receipt that covers the day's last operation: without it the tail would stand on the device's word
        let covered = self.0.read(|reader| reader.receipted_from(newest))?;
        let to = covered.filter(|covered| *covered <= end).unwrap_or(newest);
        Ok((first.ok_or_else(nothing)?, to))
    }

    /// The records that verdicts follow from.
    fn context(&self) -> Result<Vec<RecordKey>, WaymarkError> {
        let policies = self.0.read(|reader| reader.policies(Topic::CheckIn))?;
        Ok(policies
            .into_iter()
            .map(|row| RecordKey::of::<Policy>(row.id))
            .collect())
    }
}

impl Waymark {
    /// The evidence.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence(self.clone())
    }
}

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
        Lang::En => format!("The chain of operations {from} to {to} is unbroken: {ops} operations, {statements} signed check-ins."),
        Lang::ZhHans => format!("操作 {from} 至 {to} 的链条完整：共 {ops} 个操作，{statements} 个已签名签到。"),
    });
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
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(
        || ms.to_string(),
        |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
