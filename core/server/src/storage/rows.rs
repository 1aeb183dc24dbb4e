//! What is stored, row by row.

use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch, OpId, RecordId, TenantId, UserId};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Body, RecordKey, Role};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::UnixMs;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::{PublicKey, Signature};

/// Who the server is.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The company.
    pub tenant: TenantId,
    /// Its name.
    pub company: String,
    /// The continuity of the log.
    pub epoch: Epoch,
    /// The P-256 key that signs the time.
    pub key: [u8; 32],
    /// The HMAC key of the tokens.
    pub tickets: [u8; 32],
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({}, {}, …)", self.tenant, self.epoch)
    }
}

/// An operation as it arrived, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OpRow {
    /// Its id.
    pub op: OpId,
    /// The hash of its bytes.
    pub sha: Hash,
    /// The hash that it names as the one before it; absent when it does not read.
    pub prev: Option<Hash>,
    /// The device that brought it.
    pub device: DeviceId,
    /// Whose device that is.
    pub user: UserId,
    /// The device's count; absent when it does not read.
    pub n: Option<u64>,
    /// The record; absent when it does not read.
    pub key: Option<RecordKey>,
    /// When it arrived.
    pub at_ms: UnixMs,
    /// What became of it.
    pub outcome: Outcome,
    /// Its exact bytes; none once erased.
    pub bytes: Vec<u8>,
    /// When and why its bytes were emptied, as JSON.
    pub erased: Option<String>,
}

/// An operation whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueOp {
    /// The operation.
    pub op: OpId,
    /// Its record.
    pub key: RecordKey,
}

/// A user of whom nothing is emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// The user.
    pub user: UserId,
    /// Since when.
    pub at_ms: UnixMs,
    /// Why.
    pub why: String,
}

/// An operation's place in its device's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The operation.
    pub op: OpId,
    /// The device's count.
    pub n: u64,
    /// The hash of its bytes.
    pub sha: Hash,
    /// The hash that it names as the one before it.
    pub prev: Option<Hash>,
    /// When it arrived.
    pub at_ms: UnixMs,
}

/// A record as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRow {
    /// Its id.
    pub id: RecordId,
    /// Its revision.
    pub rev: u64,
    /// Its fields.
    pub body: Body,
}

/// One revision of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// The record.
    pub key: RecordKey,
    /// The revision.
    pub rev: u64,
    /// Its place in the tenant's order.
    pub seq: u64,
    /// The operation that made it; absent when the server made it.
    pub op: Option<OpId>,
    /// When.
    pub at_ms: UnixMs,
    /// The fields after it.
    pub body: Body,
}

/// A record's place in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The scope.
    pub scope: Scope,
    /// When it came, changed or left.
    pub seq: u64,
    /// Whether it is there now.
    pub present: bool,
}

/// A change in a scope, as it is read for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub seq: u64,
    /// The record.
    pub key: RecordKey,
    /// Its revision and its body as JSON text; absent when it left.
    pub record: Option<(u64, String)>,
}

/// Where a scope stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeHead {
    /// Its last change.
    pub seq: u64,
    /// What is in it.
    pub digest: Digest,
}

/// A person of the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The user.
    pub user: UserId,
    /// The name that colleagues read.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The user's team.
    pub team: String,
    /// Whether the user still works here.
    pub active: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRecord {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// Its key.
    pub key: PublicKey,
    /// What its user calls it.
    pub name: String,
    /// The app's version when last seen.
    pub app: String,
    /// When it enrolled.
    pub enrolled_ms: UnixMs,
    /// When it was last seen.
    pub seen_ms: UnixMs,
    /// Whether it is shut out.
    pub revoked: bool,
    /// Its counts that are stored.
    pub have: Ranges,
    /// The last head of its chain that it signed.
    pub head: Option<HeadEvidence>,
}

/// A device's signed statement of the head of its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadEvidence {
    /// Its last count.
    pub n: u64,
    /// The hash of that operation.
    pub head: Hash,
    /// The signature, verified.
    pub sig: Signature,
}

/// What a device stated of its chain, and what was stored of it then: all that a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// The device.
    pub device: DeviceId,
    /// What it stated, with its signature.
    pub head: HeadEvidence,
    /// When it arrived.
    pub at_ms: UnixMs,
    /// How many operations up to its count were stored.
    pub ops: u64,
    /// Whether those were all of them.
    pub complete: bool,
    /// The continuity of the log then.
    pub epoch: Epoch,
}

/// An invitation. Its code is kept only as a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// The hash of the code.
    pub code: Hash,
    /// Who is invited.
    pub user: UserId,
    /// When it is over.
    pub until_ms: UnixMs,
    /// Who used it.
    pub used: Option<(PublicKey, DeviceId)>,
}

/// Something that a person who runs the server should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What sort, such as `op_id_reused`.
    pub code: String,
    /// The device that it is about.
    pub device: Option<DeviceId>,
    /// The operation that it is about.
    pub op: Option<OpId>,
    /// What exactly, without personal data.
    pub detail: String,
    /// When it was raised first.
    pub first_ms: UnixMs,
    /// When it was raised last.
    pub last_ms: UnixMs,
    /// How often.
    pub times: u64,
}

/// What an admin or the operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at_ms: UnixMs,
    /// Who; absent for the operator at the machine.
    pub by: Option<UserId>,
    /// What, such as `invite`.
    pub what: String,
    /// To whom or to what.
    pub about: String,
}

impl Alarm {
    /// An alarm raised once.
    pub(crate) fn new(
        code: &str,
        at_ms: UnixMs,
        device: Option<DeviceId>,
        op: Option<OpId>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            device,
            op,
            detail: detail.into(),
            first_ms: at_ms,
            last_ms: at_ms,
            times: 1,
        }
    }
}
