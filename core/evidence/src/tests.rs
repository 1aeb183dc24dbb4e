//! A day's bundle, and what happens to it when somebody lays hands on it.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use uuid::Uuid;
use waymark_domain::check_in::evidence::{Device, Evidence, Offer, Site};
use waymark_domain::check_in::policy::CheckInPolicy;
use waymark_domain::check_in::{CheckIn, Moment, STATEMENT_TYPE, Statement, assess};
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::fence::{Fence, Side};
use waymark_domain::geo::{Position, Wgs84};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{
    BootId, CustomerId, DeviceId, Epoch, NoteId, OpId, RecordId, TenantId, UserId, VisitId, uuid_v7,
};
use waymark_domain::note::Note;
use waymark_domain::op::{BaseRef, Draft, Seal as OpSeal, Sealed};
use waymark_domain::policy::PolicyRef;
use waymark_domain::record::Body;
use waymark_domain::time::{Anchor, AnchorSource, Anchors, Hlc, Reading, Stamp};
use waymark_protocol::jws;
use waymark_protocol::proof::{PublicKey, Signer as _, SoftwareSigner};
use waymark_protocol::receipt::{HEAD_TYP, HeadStatement, Receipt};

use super::*;

const T0: i64 = 1_773_468_202_000;

fn signer(tag: u8) -> SoftwareSigner {
    SoftwareSigner::from_secret(&[tag; 32]).unwrap()
}

fn id(tag: u64) -> Uuid {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&tag.to_be_bytes());
    uuid_v7(T0, random)
}

fn stamp(n: u64) -> Stamp {
    let boot = BootId::from_uuid(id(1));
    let mono_ms = 1_000_000 + i64::try_from(n).unwrap() * 60_000;
    let reading = Reading {
        wall_ms: T0,
        mono_ms,
        boot,
        utc_offset_min: 480,
        zone: None,
    };
    let mut anchors = Anchors::default();
    anchors.take(Anchor {
        utc_ms: T0,
        uncertainty_ms: 20,
        mono_ms: 1_000_000,
        boot,
        source: AnchorSource::Server,
    });
    Stamp::take(reading, &anchors, Hlc::default())
}

/// A device with its chain, and a company.
struct Chain {
    tag: u8,
    ops: Vec<Sealed>,
}

impl Chain {
    /// A day of `ops` operations; every tenth is a check-in with its statement.
    fn of(tag: u8, ops: u64) -> Self {
        let mut chain = Self {
            tag,
            ops: Vec::new(),
        };
        for n in 1..=ops {
            chain.add(n);
        }
        chain
    }

    fn add(&mut self, n: u64) {
        let t = stamp(n);
        let (draft, record) = if n % 10 == 3 {
            self.check_in(n, &t)
        } else {
            note(n, &t)
        };
        let prev = self.ops.last().map_or(Hash::ZERO, |op| op.sha);
        let base = BaseRef::default();
        let seal = OpSeal {
            op: OpId::from_uuid(record),
            n,
            base,
            deps: Vec::new(),
            group: None,
            t,
            prev,
        };
        self.ops.push(draft.seal(seal).unwrap());
    }

    fn check_in(&self, n: u64, t: &Stamp) -> (Draft, Uuid) {
        let at = Position::Wgs84(Wgs84::new(43.7305, 7.4245).unwrap());
        let fix = Fix::new(at, 12.0, AccuracySource::Android, t.mono - 2_000);
        let fence = Fence::Circle {
            center: at,
            radius_m: 100.0,
            name: None,
        };
        let evidence = Evidence {
            fixes: vec![fix],
            site: Site {
                fences: vec![fence],
                stations: Default::default(),
            },
            t: *t,
            policy: PolicyRef::default(),
            device: Device::default(),
            before: None,
            stations: Vec::new(),
            offer: Offer::default(),
            stayed_ms: None,
        };
        let verdict = assess(&evidence, &CheckInPolicy::default()).unwrap();
        assert_eq!(verdict.side, Side::Inside);
        let statement = Statement {
            visit: VisitId::from_uuid(id(n + 500)),
            customer: CustomerId::from_uuid(id(77)),
            rep: UserId::from_uuid(id(78)),
            moment: Moment::Arrival,
            evidence,
        };
        let payload = serde_json::to_vec(&statement).unwrap();
        let check_in = CheckIn {
            visit: statement.visit,
            customer: statement.customer,
            rep: statement.rep,
            moment: Moment::Arrival,
            position: at,
            accuracy_m: 12.0,
            source: AccuracySource::Android,
            at: t.when,
            verdict: Some(verdict),
            statement: Some(jws::sign(&signer(self.tag), STATEMENT_TYPE, &payload).unwrap()),
            extra: Body::new(),
        };
        let record = id(n + 10_000);
        (
            Draft::new(RecordId::from_uuid(record), &check_in).unwrap(),
            record,
        )
    }

    fn device(&self) -> DeviceId {
        DeviceId::from_uuid(id(u64::from(self.tag)))
    }

    fn receipt(&self, n: u64, at_ms: i64) -> String {
        let head = self.ops[usize::try_from(n).unwrap() - 1].sha;
        let receipt = Receipt {
            tenant: tenant(),
            device: self.device(),
            company: "Demo".to_owned(),
            device_key: signer(self.tag).public_key(),
            user_name: None,
            ops: n,
            user: UserId::from_uuid(id(78)),
            n,
            head,
            complete: true,
            at_ms,
            epoch: Epoch::from_uuid(id(5)),
            vouch: None,
        };
        receipt.sign(&signer(200)).unwrap()
    }

    fn header(&self, from: u64) -> Header {
        Header {
            v: 1,
            tenant: tenant(),
            device: self.device(),
            device_key: signer(self.tag).public_key(),
            company_key: company(),
            prev: if from == 1 {
                Hash::ZERO
            } else {
                self.ops[usize::try_from(from).unwrap() - 2].sha
            },
            sealed_by: Sealer::Device,
        }
    }

    /// Operations `from..=to` with a receipt after every twentieth and one after the last but two.
    fn bundle(&self, from: u64, to: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::begin(&mut out, &self.header(from)).unwrap();
        for n in from..=to {
            let op = &self.ops[usize::try_from(n).unwrap() - 1];
            writer.op(n, &op.bytes).unwrap();
            if n % 20 == 0 || n + 2 == to {
                let stated = HeadStatement {
                    tenant: tenant(),
                    device: self.device(),
                    n,
                    head: op.sha,
                };
                writer
                    .head(&jws::sign(&signer(self.tag), HEAD_TYP, &stated.payload()).unwrap())
                    .unwrap();
                writer
                    .receipt(&self.receipt(n, T0 + 1_000_000_000))
                    .unwrap();
            }
        }
        writer.seal(&signer(self.tag), T0).unwrap();
        out
    }
}

fn note(n: u64, t: &Stamp) -> (Draft, Uuid) {
    let note = Note {
        customer: CustomerId::from_uuid(id(77)),
        visit: None,
        author: UserId::from_uuid(id(78)),
        text: format!("Shelf {n} is empty, price tag missing"),
        at: t.when,
        corrects: None::<NoteId>,
        extra: Body::new(),
    };
    let record = id(n + 10_000);
    (
        Draft::new(RecordId::from_uuid(record), &note).unwrap(),
        record,
    )
}

fn tenant() -> TenantId {
    TenantId::from_uuid(id(4))
}

fn company() -> PublicKey {
    signer(200).public_key()
}

fn look(bundle: &[u8]) -> Report {
    verify(&mut &*bundle, Some(&company())).unwrap()
}

fn lines(bundle: &[u8]) -> Vec<Vec<u8>> {
    bundle
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

#[test]
fn a_days_bundle_is_proven_and_the_report_says_how_far() {
    let chain = Chain::of(7, 50);
    let report = look(&chain.bundle(1, 50));
    assert!(report.proven(), "{report:?}");
    assert_eq!(
        (report.ops, report.from, report.to, report.skipped),
        (50, 1, 50, 0)
    );
    assert_eq!((report.statements, report.receipts), (5, 3));
    assert_eq!(report.receipted.unwrap().0, 48);
    assert!(report.from_the_start && report.noted.is_empty());
    // without a key to trust it is intact and proves nothing
    let untrusted = verify(&mut &*chain.bundle(1, 50), None).unwrap();
    assert!(untrusted.intact && !untrusted.proven());
    // another company's key knows none of its receipts
    let stranger = verify(&mut &*chain.bundle(1, 50), Some(&signer(9).public_key())).unwrap();
    assert_eq!(stranger.first_bad.unwrap().what, What::BadReceipt);
}

#[test]
fn a_bundle_that_begins_in_the_middle_says_so_and_is_no_worse() {
    let report = look(&Chain::of(7, 50).bundle(21, 45));
    assert!(report.proven() && !report.from_the_start, "{report:?}");
    assert_eq!((report.from, report.to), (21, 45));
}

#[test]
fn a_forger_without_the_device_s_key_is_named_at_the_first_bad_link() {
    let chain = Chain::of(7, 30);
    let mut forged = Chain {
        tag: 7,
        ops: chain.ops.clone(),
    };
    // an operation in the middle says something else, and everything after it is chained anew
    forged.ops.truncate(12);
    let before = forged.ops.pop().unwrap();
    let mut op = before.op.clone();
    op.set.get_mut("text").unwrap().1 = "Shelf was full".into();
    let bytes = serde_json::to_vec(&op).unwrap();
    forged.ops.push(Sealed {
        sha: Hash::of(&bytes),
        op,
        bytes,
    });
    for n in 13..=30 {
        forged.add(n);
    }
    // the forger has the device's key here, and still the company's receipt speaks against it
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, &forged.header(1)).unwrap();
    for (n, op) in (1..).zip(&forged.ops) {
        writer.op(n, &op.bytes).unwrap();
        if n == 20 {
            writer
                .receipt(&chain.receipt(20, T0 + 1_000_000_000))
                .unwrap();
        }
    }
    writer.seal(&signer(7), T0).unwrap();
    let bad = look(&out).first_bad.unwrap();
    assert_eq!((bad.n, bad.what), (Some(20), What::BrokenLink));
}

#[test]
fn a_tail_that_was_cut_off_after_a_receipt_is_missed() {
    let chain = Chain::of(7, 30);
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, &chain.header(1)).unwrap();
    for n in 1..=10 {
        writer
            .op(n, &chain.ops[usize::try_from(n).unwrap() - 1].bytes)
            .unwrap();
    }
    writer
        .receipt(&chain.receipt(20, T0 + 1_000_000_000))
        .unwrap();
    writer.seal(&signer(7), T0).unwrap();
    assert_eq!(look(&out).first_bad.unwrap().what, What::Truncated);
}

#[test]
fn an_operation_that_claims_to_be_younger_than_its_receipt_is_impossible() {
    let chain = Chain::of(7, 10);
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, &chain.header(1)).unwrap();
    for (n, op) in (1..).zip(&chain.ops) {
        writer.op(n, &op.bytes).unwrap();
    }
    // the server had all ten three minutes after the anchor; the tenth says it was made ten minutes after
    writer.receipt(&chain.receipt(10, T0 + 180_000)).unwrap();
    writer.seal(&signer(7), T0).unwrap();
    let bad = look(&out).first_bad.unwrap();
    assert_eq!(bad.what, What::ImpossibleTime);
}

/// A chain whose owner re-signs it without operation 5.
fn without_the_fifth() -> Vec<Sealed> {
    let mut ops = Chain::of(7, 4).ops;
    for n in 6..=8 {
        let t = stamp(n);
        let (draft, record) = note(n, &t);
        let prev = ops.last().unwrap().sha;
        let base = BaseRef::default();
        let op = OpId::from_uuid(record);
        let seal = OpSeal {
            op,
            n,
            base,
            deps: Vec::new(),
            group: None,
            t,
            prev,
        };
        ops.push(draft.seal(seal).unwrap());
    }
    ops
}

#[test]
fn an_operation_that_its_owner_took_out_is_missed_by_its_receipt() {
    let chain = Chain::of(7, 8);
    let ops = without_the_fifth();
    for with_receipt in [true, false] {
        let mut out = Vec::new();
        let mut writer = Writer::begin(&mut out, &chain.header(1)).unwrap();
        for op in &ops {
            writer.op(op.op.n, &op.bytes).unwrap();
        }
        writer
            .receipt(&chain.receipt(if with_receipt { 5 } else { 4 }, T0 + 1_000_000_000))
            .unwrap();
        writer.seal(&signer(7), T0).unwrap();
        let report = look(&out);
        // without its receipt nobody can tell it from a counter that was damaged; the report counts it
        assert_eq!(report.skipped, 1);
        assert_eq!(
            report.first_bad.map(|bad| bad.what),
            with_receipt.then_some(What::Missing)
        );
    }
}

#[test]
fn what_the_company_alone_sealed_is_not_proven_to_be_the_device_s() {
    let chain = Chain::of(7, 6);
    for head_at in [None, Some(4), Some(6)] {
        let mut out = Vec::new();
        let header = Header {
            sealed_by: Sealer::Company,
            ..chain.header(1)
        };
        let mut writer = Writer::begin(&mut out, &header).unwrap();
        for (n, op) in (1..).zip(&chain.ops) {
            writer.op(n, &op.bytes).unwrap();
            if head_at == Some(n) {
                let stated = HeadStatement {
                    tenant: tenant(),
                    device: chain.device(),
                    n,
                    head: op.sha,
                };
                writer
                    .head(&jws::sign(&signer(7), HEAD_TYP, &stated.payload()).unwrap())
                    .unwrap();
            }
        }
        writer
            .receipt(&chain.receipt(6, T0 + 1_000_000_000))
            .unwrap();
        writer.seal(&signer(200), T0).unwrap();
        let report = look(&out);
        assert!(report.intact, "{report:?}");
        assert_eq!(report.proven(), head_at == Some(6));
    }
}

#[test]
fn a_bundle_that_does_not_go_on_from_the_operation_before_it_is_broken() {
    let chain = Chain::of(7, 10);
    for honest in [true, false] {
        let mut out = Vec::new();
        let mut writer = Writer::begin(&mut out, &chain.header(6)).unwrap();
        let mut receipt =
            Receipt::open(&chain.receipt(5, T0 + 1_000_000_000), &company().ready()).unwrap();
        if !honest {
            receipt.head = Hash::of(b"another history");
        }
        writer
            .receipt(&receipt.sign(&signer(200)).unwrap())
            .unwrap();
        for n in 6..=10 {
            writer
                .op(n, &chain.ops[usize::try_from(n).unwrap() - 1].bytes)
                .unwrap();
        }
        writer.seal(&signer(7), T0).unwrap();
        assert_eq!(look(&out).proven(), honest);
    }
}

#[test]
fn a_verdict_that_does_not_follow_is_noted_with_its_operation() {
    let mut chain = Chain::of(7, 12);
    let lying = chain.ops.iter().position(|op| op.op.n == 3).unwrap();
    chain.ops.truncate(lying);
    let t = stamp(3);
    let (mut draft, record) = chain.check_in(3, &t);
    let verdict = &mut draft.set.get_mut("verdict").unwrap().1;
    verdict["inside_ppm"] = 1.into();
    let prev = chain.ops.last().unwrap().sha;
    let seal = OpSeal {
        op: OpId::from_uuid(record),
        n: 3,
        base: BaseRef::default(),
        deps: Vec::new(),
        group: None,
        t,
        prev,
    };
    chain.ops.push(draft.seal(seal).unwrap());
    let report = look(&chain.bundle(1, 3));
    assert!(report.intact);
    assert_eq!(
        (report.noted[0].n, report.noted[0].code),
        (3, "verdict_differs")
    );
}

#[test]
fn a_check_in_that_another_key_signed_is_named_however_many_there_are() {
    // few are checked one after the other, many side by side
    for ops in [13, 400] {
        let mut chain = Chain::of(7, ops - 1);
        let t = stamp(ops);
        let stranger = Chain {
            tag: 9,
            ops: Vec::new(),
        };
        let (draft, record) = stranger.check_in(ops, &t);
        let prev = chain.ops.last().unwrap().sha;
        let base = BaseRef::default();
        let op = OpId::from_uuid(record);
        let seal = OpSeal {
            op,
            n: ops,
            base,
            deps: Vec::new(),
            group: None,
            t,
            prev,
        };
        chain.ops.push(draft.seal(seal).unwrap());
        let bad = look(&chain.bundle(1, ops)).first_bad.unwrap();
        assert_eq!((bad.n, bad.what), (Some(ops), What::BadStatement));
    }
}

/// One of many ways to lay hands on a bundle; never gives it back as it was.
fn mutated(bundle: &[u8], other: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut pick = |below: usize| {
        usize::try_from(random.next_u64() % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let mut bytes = bundle.to_vec();
    let mut own = lines(bundle);
    let foreign = lines(other);
    let joined = |lines: Vec<Vec<u8>>| lines.concat();
    let result = match pick(10) {
        0 => {
            let at = pick(bytes.len());
            bytes[at] ^= 1 << pick(8);
            bytes
        }
        1 => {
            let at = pick(bytes.len());
            bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(pick(254)).unwrap());
            bytes
        }
        2 => {
            bytes.truncate(pick(bytes.len()));
            bytes
        }
        3 => {
            own.remove(pick(own.len()));
            joined(own)
        }
        4 => {
            let (from, to) = (pick(own.len()), pick(own.len()));
            own.swap(from, to);
            joined(own)
        }
        5 => {
            let line = own[pick(own.len())].clone();
            own.insert(pick(own.len() + 1), line);
            joined(own)
        }
        6 => {
            let line = foreign[pick(foreign.len())].clone();
            own.insert(pick(own.len() + 1), line);
            joined(own)
        }
        7 => {
            let at = pick(own.len());
            own[at] = foreign[pick(foreign.len())].clone();
            joined(own)
        }
        8 => {
            // two days spliced
            let cut = pick(own.len().min(foreign.len()));
            joined([&own[..cut], &foreign[cut..]].concat())
        }
        _ => {
            let at = pick(bytes.len());
            let piece = pick(20) + 1;
            bytes.drain(at..(at + piece).min(bundle.len()));
            bytes
        }
    };
    if result == bundle || result == other {
        [bundle, b"\n"].concat()
    } else {
        result
    }
}

fn all_mutations_are_detected(count: u32, seed: u64) {
    let (chain, stranger) = (Chain::of(7, 64), Chain::of(8, 64));
    let bundle = chain.bundle(1, 40);
    // the device's own other day, and another device's
    let others = [chain.bundle(25, 64), stranger.bundle(1, 40)];
    assert!(look(&bundle).proven() && look(&others[0]).proven() && look(&others[1]).proven());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for number in 0..count {
        let other = &others[usize::try_from(number % 2).unwrap()];
        let mutated = mutated(&bundle, other, &mut random);
        let report = look(&mutated);
        assert!(
            !report.intact,
            "mutation {number} of seed {seed} went unnoticed"
        );
        assert!(report.first_bad.is_some());
    }
}

#[test]
fn two_thousand_random_mutations_are_all_detected() {
    all_mutations_are_detected(2_000, 1);
}

#[test]
#[ignore = "100,000 of them: in the lane of the long tests, in a release build"]
fn a_hundred_thousand_random_mutations_are_all_detected() {
    all_mutations_are_detected(100_000, 2);
}

proptest! {
    #[test]
    fn rubbish_is_no_bundle_and_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), head in any::<bool>()) {
        let prefix: &[u8] = if head { b"waymark-evidence {}\nop {}\n" } else { b"" };
        prop_assert!(!look(&[prefix, &bytes].concat()).intact);
    }
}
