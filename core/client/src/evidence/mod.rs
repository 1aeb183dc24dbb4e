//! Evidence: what this device did, in a bundle that anyone can verify without our server.

use std::io::{BufRead, Write};

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::op::Operation;
use waymark_domain::policy::{Policy, Topic};
use waymark_domain::record::RecordKey;
use waymark_evidence::{Header, Report, Sealer, Writer};
use waymark_protocol::proof::PublicKey;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

mod words;

pub use words::words;

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
