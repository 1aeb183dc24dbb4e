//! What a verifier finds.

use serde::Serialize;
use waymark_domain::geo::fence::Side;
use waymark_domain::ids::{OpId, UserId};
use waymark_domain::record::Kind;
use waymark_domain::time::{TimeInterval, UnixMs};

use crate::bundle::{Header, Seal};

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
    /// The same, one by one, with what the chain and the receipts together prove of their time.
    pub stated: Vec<Stated>,
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

/// A signed statement, such as a check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// The count of the operation.
    pub n: u64,
    /// The operation.
    pub op: OpId,
    /// The kind of its record.
    pub kind: Kind,
    /// The side that the device's verdict took, where the record has one. [`Noted`] says when the evidence gives another.
    pub side: Option<Side>,
    /// When: what the device claimed, narrowed by every event around it and by the receipts ([`waymark_domain::time::narrow`]).
    pub when: TimeInterval,
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
