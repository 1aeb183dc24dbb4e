//! The verifier. It takes nothing on trust but the key that it is given, and says what that proves and what it does not.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use waymark_domain::geo::fence::Side;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{OpId, RecordId};
use waymark_domain::op::{Act, MAX_OP_BYTES, Operation};
use waymark_domain::record::{Body, Finding, Kind, KindRules, RecordKey, rules};
use waymark_domain::time::{self, ChainEvent};
use waymark_protocol::jws;
use waymark_protocol::proof::{PublicKey, ReadyKey};
use waymark_protocol::receipt::{HEAD_TYP, HeadStatement, Receipt};

use crate::bundle::{ContextLine, Header, SEAL_TYPE, Seal, Sealer, VERSION};
use crate::report::{Bad, Noted, Report, Stated, What};

/// Longest line: an operation, or a record of context with its frame.
const MAX_LINE: u64 = 2 * MAX_OP_BYTES as u64;
/// Most lines of context that are kept in memory.
const MAX_CONTEXT: usize = 10_000;
/// Things to look at from which on a second thread pays.
const SIDE_BY_SIDE: usize = 16;
/// How far a device's own bound of a time may lie behind a receipt that covers it before it is a contradiction, milliseconds: the server's
/// clock is one, too.
const CLOCK_SLACK_MS: i64 = 60_000;

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
        events: Vec::new(),
        facts: Vec::new(),
        covered: Vec::new(),
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

/// Records that verdicts follow from, as the bundle brings them.
type Context = BTreeMap<(Kind, RecordId), Vec<Body>>;

/// A fact, whole in the one operation that writes it.
struct Fact {
    link: Link,
    kind: Kind,
    body: Body,
    rules: &'static dyn KindRules,
    statement: Option<(&'static str, String)>,
}

/// An operation as the chain has it.
struct Event {
    link: Link,
    sha: Hash,
    at: ChainEvent,
}

struct Verifier<'a> {
    each: &'a mut dyn FnMut(&Operation),
    company: Option<PublicKey>,
    report: Report,
    hash: Sha256,
    head: Hash,
    link: Option<Link>,
    context: Context,
    receipts: Vec<Signed>,
    heads: Vec<Signed>,
    events: Vec<Event>,
    facts: Vec<Fact>,
    /// The receipts of operations that are here.
    covered: Vec<time::Receipt>,
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
        if self.link.is_some()
            || serde_json::to_vec(&again).ok().as_deref() != Some(content)
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
        let at = ChainEvent {
            n: op.n,
            when: op.t.when,
            mono_ms: op.t.mono,
            boot: op.t.boot,
        };
        self.events.push(Event { link, sha, at });
        (self.each)(&op);
        self.fact(link, op);
        Ok(())
    }

    /// Keeps what there is to look at once all is read.
    fn fact(&mut self, link: Link, op: Operation) {
        let Some(rules) =
            rules(&op.kind).filter(|rules| op.act == Act::Append && op.v <= rules.version())
        else {
            return;
        };
        let fields = op.set.into_iter().filter(|(_, change)| !change.1.is_null());
        let body: Body = fields.map(|(field, change)| (field, change.1)).collect();
        match rules.statement(&body) {
            Ok(statement) => self.facts.push(Fact {
                link,
                kind: op.kind,
                body,
                rules,
                statement,
            }),
            // the device chained it, and it is nothing that could be looked at: somebody should ask
            Err(refusal) => self.note(&link, "malformed", refusal.to_string()),
        }
    }

    fn note(&mut self, link: &Link, code: &'static str, detail: String) {
        self.report.noted.push(Noted {
            n: link.n,
            op: link.op,
            code,
            detail,
        });
    }

    fn seal(&mut self, number: u64, content: &[u8]) -> Checked {
        let wrong = || bad(number, What::BadSeal);
        let header = self.report.header.as_ref().ok_or_else(wrong)?;
        let key = match header.sealed_by {
            Sealer::Device => &header.device_key,
            Sealer::Company => self.company.as_ref().unwrap_or(&header.company_key),
        };
        let jws = std::str::from_utf8(content).map_err(|_| wrong())?;
        let payload = jws::open(jws, &key.ready(), SEAL_TYPE).map_err(|_| wrong())?;
        let seal: Seal = exactly(&payload).ok_or_else(wrong)?;
        let report = &self.report;
        let same = report.ops > 0
            && seal.sha256 == self.digest
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
        let mut found = self.check_receipts(&header);
        found.extend(self.check_heads(&header));
        found.extend(self.look_at_facts(&header));
        self.report.noted.sort_by_key(|noted| noted.n);
        let worst = found.into_iter().min_by_key(|bad| bad.line);
        worst.map_or(Ok(()), Err)
    }

    fn check_receipts(&mut self, header: &Header) -> Vec<Bad> {
        let company = self.company.as_ref().unwrap_or(&header.company_key).ready();
        let opened = side_by_side(&self.receipts, |signed| {
            Receipt::open(&signed.jws, &company).ok().filter(|receipt| {
                (receipt.tenant, receipt.device) == (header.tenant, header.device)
                    && receipt.device_key == header.device_key
            })
        });
        let mut found = Vec::new();
        for (Signed { line, .. }, receipt) in self.receipts.iter().zip(opened) {
            let Some(receipt) = receipt else {
                found.push(bad(*line, What::BadReceipt));
                continue;
            };
            self.report.receipts += 1;
            self.report.vouched = true;
            self.report.user = Some(receipt.user);
            match event(&self.events, receipt.n) {
                Some(event) if event.sha == receipt.head => {
                    self.covered.push(time::Receipt {
                        n: receipt.n,
                        at_ms: receipt.at_ms,
                    });
                }
                Some(event) => found.push(bad_link(&event.link, What::BrokenLink)),
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
                // a bundle that begins with the device's first operation has none before it
                None if header.prev == Hash::ZERO => found.push(bad(*line, What::BrokenLink)),
                // about a stretch before this one: it tells only whose key it is
                None => {}
            }
        }
        self.covered
            .sort_unstable_by_key(|receipt| (receipt.n, receipt.at_ms));
        let last = self.covered.last();
        self.report.receipted = last.map(|receipt| (receipt.n, receipt.at_ms));
        found.extend(self.impossible_times());
        found
    }

    /// An operation that the server had at some time was made before it.
    fn impossible_times(&self) -> Vec<Bad> {
        let mut covered = self.covered.iter().peekable();
        let late = self.events.iter().filter(|event| {
            while covered.next_if(|receipt| receipt.n < event.link.n).is_some() {}
            let latest = covered
                .peek()
                .map(|receipt| receipt.at_ms.saturating_add(CLOCK_SLACK_MS));
            matches!((event.at.when.earliest, latest), (Some(earliest), Some(latest)) if earliest > latest)
        });
        late.map(|event| bad_link(&event.link, What::ImpossibleTime))
            .collect()
    }

    fn check_heads(&mut self, header: &Header) -> Vec<Bad> {
        let device = header.device_key.ready();
        let events = &self.events;
        let genuine = side_by_side(&self.heads, |signed| {
            let payload = jws::open(&signed.jws, &device, HEAD_TYP).ok()?;
            let head: HeadStatement = exactly(&payload)?;
            let ours = (head.tenant, head.device) == (header.tenant, header.device);
            let event = event(events, head.n)?;
            (ours && event.sha == head.head).then_some(head.n)
        });
        self.report.device_signed =
            header.sealed_by == Sealer::Device || genuine.contains(&Some(self.report.to));
        let lines = self.heads.iter().zip(genuine);
        lines
            .filter(|(_, genuine)| genuine.is_none())
            .map(|(signed, _)| bad(signed.line, What::BadHead))
            .collect()
    }

    /// The signatures of facts, and their rules computed again.
    fn look_at_facts(&mut self, header: &Header) -> Vec<Bad> {
        let facts = std::mem::take(&mut self.facts);
        let device = header.device_key.ready();
        let looks = side_by_side(&facts, |fact| {
            (fact.is_signed(&device), fact.second_look(&self.context))
        });
        let events: Vec<ChainEvent> = self.events.iter().map(|event| event.at).collect();
        let narrowed = time::narrow(&events, &self.covered);
        let mut wrong = Vec::new();
        for (fact, (signed, findings)) in facts.into_iter().zip(looks) {
            let Fact {
                link, kind, body, ..
            } = fact;
            for Finding { code, detail } in findings {
                self.note(&link, code, detail);
            }
            if signed == Some(false) {
                wrong.push(bad_link(&link, What::BadStatement));
            }
            let at = self
                .events
                .binary_search_by_key(&link.n, |event| event.link.n);
            let when = at.ok().and_then(|at| narrowed.get(at));
            if let (Some(true), Some(when)) = (signed, when) {
                self.report.statements += 1;
                self.report.stated.push(Stated {
                    n: link.n,
                    op: link.op,
                    kind,
                    side: side_of(&body),
                    when: *when,
                });
            }
        }
        wrong
    }
}

impl Fact {
    /// Whether its statement is the device's; `None` for a fact without one.
    fn is_signed(&self, device: &ReadyKey) -> Option<bool> {
        let (typ, statement) = self.statement.as_ref()?;
        Some(jws::open(statement, device, typ).is_ok())
    }

    fn second_look(&self, context: &Context) -> Vec<Finding> {
        let find = |key: &RecordKey| {
            let known = context.get(&(key.kind.clone(), key.id));
            known.cloned().unwrap_or_default()
        };
        let looked = self.rules.second_look(&self.body, &find);
        looked.unwrap_or_else(|refusal| {
            vec![Finding {
                code: "malformed",
                detail: refusal.to_string(),
            }]
        })
    }
}

/// The operation with this count.
fn event(events: &[Event], n: u64) -> Option<&Event> {
    let at = events.binary_search_by_key(&n, |event| event.link.n).ok()?;
    events.get(at)
}

fn side_of(body: &Body) -> Option<Side> {
    Side::deserialize(body.get("verdict")?.get("side")?).ok()
}

/// `look` at each of `items`, in their order, on every core: signatures are most of a verifier's work, and independent of each other.
fn side_by_side<T: Sync, R: Send>(items: &[T], look: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if workers == 1 || items.len() < SIDE_BY_SIDE {
        return items.iter().map(look).collect();
    }
    let look = &look;
    std::thread::scope(|scope| {
        let share = items.len().div_ceil(workers);
        let parts: Vec<_> = items
            .chunks(share)
            .map(|part| {
                let looks = scope.spawn(move || part.iter().map(look).collect::<Vec<_>>());
                (part, looks)
            })
            .collect();
        // a thread that died has looked at nothing: its part is looked at here
        let looks = parts.into_iter().map(|(part, looks)| {
            let looks = looks.join();
            looks.unwrap_or_else(|_| part.iter().map(look).collect())
        });
        looks.flatten().collect()
    })
}

/// Reads what was written in exactly these bytes, and nothing else.
fn exactly<T: Serialize + for<'de> Deserialize<'de>>(content: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(content).ok()?;
    (serde_json::to_vec(&value).ok()? == content).then_some(value)
}
