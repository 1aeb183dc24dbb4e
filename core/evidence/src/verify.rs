//! The verifier. It takes nothing on trust but the key that it is given, and says what that proves and what it does not.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{OpId, RecordId, UserId};
use waymark_domain::op::{Act, MAX_OP_BYTES, Operation};
use waymark_domain::record::{Body, Kind, KindRules, RecordKey, rules};
use waymark_domain::time::UnixMs;
use waymark_protocol::jws;
use waymark_protocol::proof::PublicKey;
use waymark_protocol::receipt::{HEAD_TYP, HeadStatement, Receipt};

use crate::bundle::{ContextLine, Header, SEAL_TYPE, Seal, Sealer, VERSION};

/// Longest line: an operation, or a record of context with its frame.
const MAX_LINE: u64 = 2 * MAX_OP_BYTES as u64;
/// Most lines of context that are kept in memory.
const MAX_CONTEXT: usize = 10_000;
/// How far a device's own bound of a time may lie behind a receipt that covers it before it is a contradiction, milliseconds: the server's
/// clock is one, too.
const CLOCK_SLACK_MS: i64 = 60_000;

/// What a verifier finds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything that the bundle claims is so.
    pub intact: bool,
    /// Whether a receipt of the trusted company vouches for the device's key.
    pub vouched: bool,
    /// Whether a company key was given to trust. Without one the key in the bundle was used, which proves nothing about who wrote it.
    pub trusted: bool,
    /// The first thing that is not as it must be.
    pub first_bad: Option<Bad>,
    /// The first line, when it reads.
    pub header: Option<Header>,
    /// The seal, when it is the sealer's.
    pub seal: Option<Seal>,
    /// Whose device it is, by the receipts.
    pub user: Option<UserId>,
    /// Whether the device signed the chain up to its last operation: by its seal, or by a head in a bundle that the company sealed.
    pub device_signed: bool,
    /// Operations whose link in the chain holds.
    pub ops: u64,
    /// The count of the first.
    pub from: u64,
    /// The count of the last.
    pub to: u64,
    /// Whether it begins with the device's first operation.
    pub from_the_start: bool,
    /// Counts that are skipped although the chain holds: a device that lost its counter goes on higher.
    pub skipped: u64,
    /// Statements, such as check-ins, whose signature is the device's.
    pub statements: u64,
    /// Receipts of the company.
    pub receipts: u64,
    /// The count up to which receipts vouch for the chain, and the server's time of the last one.
    pub receipted: Option<(u64, UnixMs)>,
    /// What a second look at the records found to differ: not a broken link, but something to ask about.
    pub noted: Vec<Noted>,
}

/// The first bad link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Its line, from 1.
    pub line: u64,
    /// The count of the operation, where it is about one that reads.
    pub n: Option<u64>,
    /// The operation.
    pub op: Option<OpId>,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// No bundle, or one of a later version.
    NotABundle,
    /// A line that nothing writes.
    UnknownLine,
    /// The file ends before its seal.
    NoSeal,
    /// Something follows the seal.
    AfterTheSeal,
    /// The seal is not the sealer's, or not of this content.
    BadSeal,
    /// An operation that does not read.
    Unreadable,
    /// An operation that does not follow on the one before.
    BrokenLink,
    /// The operation's signed statement is not the device's.
    BadStatement,
    /// A head that the device did not sign, or of another chain.
    BadHead,
    /// A receipt that the company did not sign, or about another device or chain.
    BadReceipt,
    /// A receipt about an operation that is not there: the end was cut off.
    Truncated,
    /// A receipt about an operation of this stretch that is not there: it was taken out.
    Missing,
    /// The device says an operation was made after the server had it.
    ImpossibleTime,
}

/// Something that a second look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// The count of the operation.
    pub n: u64,
    /// The operation.
    pub op: OpId,
    /// What differs, such as `verdict_differs`.
    pub code: &'static str,
    /// How.
    pub detail: String,
}

impl Report {
    /// Whether the bundle is proven: intact, signed by its device to the end, and the device vouched for by a company that the verifier trusts.
    /// What is [`Self::noted`] is another question: the links hold, and somebody should ask.
    #[must_use]
    pub const fn proven(&self) -> bool {
        self.intact && self.vouched && self.trusted && self.device_signed
    }
}

/// Verifies a bundle. `company` is the key to trust; without it the key in the bundle is used, and the report says so.
///
/// # Errors
/// What reading may say. Whatever is wrong with the bundle is in the report.
pub fn verify(input: &mut dyn BufRead, company: Option<&PublicKey>) -> io::Result<Report> {
    verify_and_read(input, company, &mut |_| {})
}

/// The same, and hands over every operation whose link holds. They are worth what the report says: nothing, unless it says that the bundle is
/// proven.
///
/// # Errors
/// As [`verify`].
pub fn verify_and_read(
    input: &mut dyn BufRead,
    company: Option<&PublicKey>,
    each: &mut dyn FnMut(&Operation),
) -> io::Result<Report> {
    let mut verifier = Verifier {
        each,
        company: company.cloned(),
        report: Report {
            trusted: company.is_some(),
            ..Report::default()
        },
        hash: Sha256::new(),
        head: Hash::ZERO,
        link: None,
        context: BTreeMap::new(),
        receipts: Vec::new(),
        heads: Vec::new(),
        intervals: Vec::new(),
        statements: Vec::new(),
        digest: Hash::ZERO,
    };
    let result = verifier.read(input)?.and_then(|()| verifier.conclude());
    let mut report = verifier.report;
    match result {
        Ok(()) => report.intact = true,
        Err(bad) => report.first_bad = Some(bad),
    }
    Ok(report)
}

/// A line that carries a signature of its own, to be checked once all is read.
struct Signed {
    line: u64,
    jws: String,
}

/// An operation's place in the chain.
#[derive(Clone, Copy)]
struct Link {
    line: u64,
    n: u64,
    op: OpId,
}

/// An operation whose record carries a statement.
struct Stated {
    link: Link,
    typ: &'static str,
    jws: String,
    body: Body,
    rules: &'static dyn KindRules,
}

struct Verifier<'a> {
    each: &'a mut dyn FnMut(&Operation),
    company: Option<PublicKey>,
    report: Report,
    hash: Sha256,
    head: Hash,
    link: Option<Link>,
    context: BTreeMap<(Kind, RecordId), Vec<Body>>,
    receipts: Vec<Signed>,
    heads: Vec<Signed>,
    /// What each operation says of its time, and its hash.
    intervals: Vec<(Link, Option<UnixMs>, Hash)>,
    statements: Vec<Stated>,
    digest: Hash,
}

type Checked = Result<(), Bad>;

fn bad(line: u64, what: What) -> Bad {
    Bad {
        line,
        n: None,
        op: None,
        what,
    }
}

fn bad_link(link: &Link, what: What) -> Bad {
    Bad {
        line: link.line,
        n: Some(link.n),
        op: Some(link.op),
        what,
    }
}

impl Verifier<'_> {
    /// Reads line after line, follows the chain, and stops at the first line that is not as it must be.
    fn read(&mut self, input: &mut dyn BufRead) -> io::Result<Checked> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line)?;
            let Some(content) = line.strip_suffix(b"\n") else {
                // nothing more, a last line without its end, or a line beyond every limit
                return Ok(Err(bad(
                    number,
                    if number == 1 {
                        What::NotABundle
                    } else {
                        What::NoSeal
                    },
                )));
            };
            if let Some(seal) = content.strip_prefix(b"seal ") {
                let digest = std::mem::take(&mut self.hash).finalize();
                self.digest = Hash::from_slice(&digest).unwrap_or(Hash::ZERO);
                let sealed = self.seal(number, seal);
                let more = !input.fill_buf()?.is_empty();
                return Ok(sealed.and(if more {
                    Err(bad(number + 1, What::AfterTheSeal))
                } else {
                    Ok(())
                }));
            }
            if let Err(bad) = self.line(number, content) {
                return Ok(Err(bad));
            }
            self.hash.update(&line);
        }
        Ok(Ok(()))
    }

    fn line(&mut self, number: u64, content: &[u8]) -> Checked {
        let unknown = || {
            bad(
                number,
                if number == 1 {
                    What::NotABundle
                } else {
                    What::UnknownLine
                },
            )
        };
        let at = content
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or_else(unknown)?;
        let (word, rest) = content.split_at_checked(at).ok_or_else(unknown)?;
        let rest = rest.strip_prefix(b" ").ok_or_else(unknown)?;
        match (word, number) {
            (b"waymark-evidence", 1) => self.header(rest),
            (_, 1) => Err(unknown()),
            (b"op", _) => self.op(number, rest),
            (b"context", _) => self.context_line(number, rest),
            (b"receipt", _) | (b"head", _) => {
                let jws = String::from_utf8(rest.to_vec()).map_err(|_| unknown())?;
                let signed = Signed { line: number, jws };
                if word == b"head" {
                    &mut self.heads
                } else {
                    &mut self.receipts
                }
                .push(signed);
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    fn header(&mut self, content: &[u8]) -> Checked {
        let header: Option<Header> = exactly(content).filter(|header: &Header| header.v == VERSION);
        let header = header.ok_or_else(|| bad(1, What::NotABundle))?;
        self.head = header.prev;
        self.report.from_the_start = header.prev == Hash::ZERO;
        self.report.header = Some(header);
        Ok(())
    }

    fn context_line(&mut self, number: u64, content: &[u8]) -> Checked {
        #[derive(Deserialize)]
        struct Line {
            kind: Kind,
            id: RecordId,
            body: Body,
        }
        let wrong = || bad(number, What::UnknownLine);
        let line: Line = serde_json::from_slice(content).map_err(|_| wrong())?;
        let again = ContextLine {
            kind: &line.kind,
            id: line.id,
            body: &line.body,
        };
        if serde_json::to_vec(&again).ok().as_deref() != Some(content)
            || self.context.len() >= MAX_CONTEXT
        {
            return Err(wrong());
        }
        self.context
            .entry((line.kind, line.id))
            .or_default()
            .push(line.body);
        Ok(())
    }

    fn op(&mut self, number: u64, bytes: &[u8]) -> Checked {
        let Ok(op) = Operation::from_bytes(bytes) else {
            return Err(bad(number, What::Unreadable));
        };
        let link = Link {
            line: number,
            n: op.n,
            op: op.op,
        };
        let before = self.link.map_or(op.n.saturating_sub(1), |before| before.n);
        let skipped = op.n.checked_sub(before.saturating_add(1));
        let (Some(skipped), true) = (skipped, op.prev == self.head) else {
            return Err(bad_link(&link, What::BrokenLink));
        };
        let sha = Hash::of(bytes);
        self.head = sha;
        self.report.skipped += skipped;
        self.report.ops += 1;
        self.report.to = op.n;
        if self.link.replace(link).is_none() {
            self.report.from = op.n;
        }
        self.intervals.push((link, op.t.when.earliest, sha));
        (self.each)(&op);
        // the record as this operation alone makes it: facts are whole in the one operation that writes them
        if let Some(rules) =
            rules(&op.kind).filter(|rules| op.act == Act::Append && op.v <= rules.version())
        {
            let fields = op.set.into_iter().filter(|(_, change)| !change.1.is_null());
            let body: Body = fields.map(|(field, change)| (field, change.1)).collect();
            if let Ok(Some((typ, jws))) = rules.statement(&body) {
                self.statements.push(Stated {
                    link,
                    typ,
                    jws,
                    body,
                    rules,
                });
            } else {
                self.look_again(&link, &body, rules);
            }
        }
        Ok(())
    }

    fn look_again(&mut self, link: &Link, body: &Body, rules: &dyn KindRules) {
        let context = &self.context;
        let find = |key: &RecordKey| {
            context
                .get(&(key.kind.clone(), key.id))
                .cloned()
                .unwrap_or_default()
        };
        let findings = rules.second_look(body, &find).unwrap_or_default();
        self.report
            .noted
            .extend(findings.into_iter().map(|finding| Noted {
                n: link.n,
                op: link.op,
                code: finding.code,
                detail: finding.detail,
            }));
    }

    fn seal(&mut self, number: u64, content: &[u8]) -> Checked {
        let wrong = || bad(number, What::BadSeal);
        let header = self.report.header.as_ref().ok_or_else(wrong)?;
        let key = match header.sealed_by {
            Sealer::Device => &header.device_key,
            Sealer::Company => self.company.as_ref().unwrap_or(&header.company_key),
        };
        let jws = std::str::from_utf8(content).map_err(|_| wrong())?;
        let payload = jws::open(jws, key, SEAL_TYPE).map_err(|_| wrong())?;
        let seal: Seal = exactly(&payload).ok_or_else(wrong)?;
        let report = &self.report;
        let same = seal.sha256 == self.digest
            && (seal.ops, seal.from, seal.to) == (report.ops, report.from, report.to)
            && seal.head == self.head;
        if !same {
            return Err(wrong());
        }
        self.report.seal = Some(seal);
        Ok(())
    }

    /// Everything that needs the whole: signatures, receipts, times, second looks. The earliest bad line wins.
    fn conclude(&mut self) -> Checked {
        let header = self
            .report
            .header
            .clone()
            .ok_or_else(|| bad(1, What::NotABundle))?;
        let mut worst: Option<Bad> = None;
        let mut blame = |found: Bad| {
            if worst.as_ref().is_none_or(|worst| found.line < worst.line) {
                worst = Some(found);
            }
        };
        for found in self
            .check_receipts(&header)
            .into_iter()
            .chain(self.check_heads(&header))
        {
            blame(found);
        }
        let statements = std::mem::take(&mut self.statements);
        for (stated, good) in statements
            .iter()
            .zip(signed(&statements, &header.device_key))
        {
            if good {
                self.report.statements += 1;
            } else {
                blame(bad_link(&stated.link, What::BadStatement));
            }
            self.look_again(&stated.link, &stated.body, stated.rules);
        }
        self.report.noted.sort_by_key(|noted| noted.n);
        worst.map_or(Ok(()), Err)
    }

    fn check_receipts(&mut self, header: &Header) -> Vec<Bad> {
        let company = self
            .company
            .clone()
            .unwrap_or_else(|| header.company_key.clone());
        let mut found = Vec::new();
        let mut covered: Vec<(u64, UnixMs)> = Vec::new();
        for Signed { line, jws } in &self.receipts {
            let receipt = Receipt::open(jws, &company).ok().filter(|receipt| {
                (receipt.tenant, receipt.device) == (header.tenant, header.device)
                    && receipt.device_key == header.device_key
            });
            let Some(receipt) = receipt else {
                found.push(bad(*line, What::BadReceipt));
                continue;
            };
            self.report.receipts += 1;
            self.report.vouched = true;
            self.report.user = Some(receipt.user);
            let own = self
                .intervals
                .binary_search_by_key(&receipt.n, |(link, ..)| link.n);
            match own.ok().and_then(|at| self.intervals.get(at)) {
                Some((_, _, sha)) if *sha == receipt.head => {
                    covered.push((receipt.n, receipt.at_ms))
                }
                Some((link, ..)) => found.push(bad_link(link, What::BrokenLink)),
                None if receipt.n > self.report.to => found.push(bad(*line, What::Truncated)),
                None if self.report.ops > 0 && receipt.n >= self.report.from => {
                    found.push(bad(*line, What::Missing));
                }
                // the operation right before the first: the bundle must go on from it
                None if receipt.n.checked_add(1) == Some(self.report.from)
                    && receipt.head != header.prev =>
                {
                    found.push(bad(*line, What::BrokenLink));
                }
                // about a stretch before this one: it tells only whose key it is
                None => {}
            }
        }
        covered.sort_unstable();
        self.report.receipted = covered.last().copied();
        // an operation that the server had at some time was made before it
        let mut covered = covered.into_iter().peekable();
        for (link, earliest, _) in &self.intervals {
            while covered.next_if(|(n, _)| *n < link.n).is_some() {}
            let latest = covered
                .peek()
                .map(|(_, at_ms)| at_ms.saturating_add(CLOCK_SLACK_MS));
            if let (Some(earliest), Some(latest)) = (earliest, latest)
                && *earliest > latest
            {
                found.push(bad_link(link, What::ImpossibleTime));
            }
        }
        found
    }

    fn check_heads(&mut self, header: &Header) -> Vec<Bad> {
        let mut signed_to_the_end = header.sealed_by == Sealer::Device;
        let genuine = |signed: &Signed| {
            let payload = jws::open(&signed.jws, &header.device_key, HEAD_TYP).ok()?;
            let head: HeadStatement = exactly(&payload)?;
            let ours = (head.tenant, head.device) == (header.tenant, header.device);
            let at = self
                .intervals
                .binary_search_by_key(&head.n, |(link, ..)| link.n)
                .ok()?;
            let (_, _, sha) = self.intervals.get(at)?;
            (ours && *sha == head.head).then_some(head.n)
        };
        let mut wrong = Vec::new();
        for signed in &self.heads {
            match genuine(signed) {
                Some(n) => signed_to_the_end |= n == self.report.to,
                None => wrong.push(bad(signed.line, What::BadHead)),
            }
        }
        self.report.device_signed = signed_to_the_end;
        wrong
    }
}

/// Which statements the device signed, in their order. Signatures are most of a verifier's work and independent of each other.
fn signed(statements: &[Stated], key: &PublicKey) -> Vec<bool> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = statements.len().div_ceil(workers).max(1);
    // a key that is none has signed nothing
    let point = key.to_uncompressed().unwrap_or_default();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_slice());
    let key = &key;
    let check = move |stated: &Stated| {
        jws::read(&stated.jws, stated.typ)
            .is_ok_and(|read| key.verify(read.signing_input, &read.signature).is_ok())
    };
    if workers == 1 || statements.len() < 32 {
        return statements.iter().map(check).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = statements
            .chunks(share)
            .map(|part| {
                (
                    part.len(),
                    scope.spawn(move || part.iter().map(check).collect::<Vec<_>>()),
                )
            })
            .collect();
        // a part whose thread died proves nothing
        parts
            .into_iter()
            .flat_map(|(len, part)| part.join().unwrap_or_else(|_| vec![false; len]))
            .collect()
    })
}

/// Reads what was written in exactly these bytes, and nothing else.
fn exactly<T: Serialize + for<'de> Deserialize<'de>>(content: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(content).ok()?;
    (serde_json::to_vec(&value).ok()? == content).then_some(value)
}
