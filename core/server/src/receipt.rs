//! Receipts: what the server signs about a device's chain.

use waymark_domain::ids::{DeviceId, Epoch, TenantId};
use waymark_domain::time::UnixMs;
use waymark_protocol::error::ApiCode;
use waymark_protocol::jws;
use waymark_protocol::proof::head_jws;
use waymark_protocol::receipt::{HEAD_TYP, HeadStatement, Held, Receipt};

use crate::access::Caller;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::storage::{DeviceRecord, HeadEvidence, Identity, StatementRow, Storage, UserRow, View};

/// A device's statement as it stated it: a compact JWS.
pub(crate) fn compact(tenant: TenantId, device: DeviceId, head: &HeadEvidence) -> String {
    let statement = HeadStatement {
        tenant,
        device,
        n: head.n,
        head: head.head,
    };
    head_jws(&statement, &head.sig)
}

/// Whether the statement is the device's.
pub(crate) fn verified(tenant: TenantId, device: &DeviceRecord, head: &HeadEvidence) -> bool {
    let compact = compact(tenant, device.device, head);
    i64::try_from(head.n).is_ok() && jws::open(&compact, &device.key.ready(), HEAD_TYP).is_ok()
}

/// Whether what is stored of the device does not contradict the statement.
pub(crate) fn fits(view: &dyn View, device: DeviceId, head: &HeadEvidence) -> Result<bool> {
    let links = view.links(device, head.n, head.n)?;
    Ok(links.is_empty() || links.iter().any(|link| link.sha == head.head))
}

/// Whether the receipt that the device holds says all that one of now could say.
pub(crate) fn suffices(held: Option<Held>, head: &HeadEvidence, device: &DeviceRecord) -> bool {
    let complete = stored(device, head.n).1;
    head.n == 0 || held.is_some_and(|held| held.n == head.n && (held.complete || !complete))
}

/// How many operations of the device up to `n` are stored, and whether those are all.
fn stored(device: &DeviceRecord, n: u64) -> (u64, bool) {
    let missing = device.have.gaps(n).count();
    (n.saturating_sub(missing), missing == 0)
}

/// What is to be kept of a statement that arrives now.
pub(crate) fn row(
    device: &DeviceRecord,
    head: &HeadEvidence,
    at_ms: UnixMs,
    epoch: Epoch,
) -> StatementRow {
    let (ops, complete) = stored(device, head.n);
    StatementRow {
        device: device.device,
        head: head.clone(),
        at_ms,
        ops,
        complete,
        epoch,
    }
}

/// The statement that was kept for this head, unless more is stored by now than it could say.
pub(crate) fn stated(
    view: &dyn View,
    device: &DeviceRecord,
    head: &HeadEvidence,
) -> Result<Option<StatementRow>> {
    let complete = stored(device, head.n).1;
    let row = view.statement(device.device, head.n)?;
    Ok(row.filter(|row| row.head.head == head.head && (row.complete || !complete)))
}

/// The receipt of a statement, in the server's words.
pub(crate) fn receipt(
    identity: &Identity,
    user: &UserRow,
    device: &DeviceRecord,
    row: &StatementRow,
) -> Receipt {
    Receipt {
        tenant: identity.tenant,
        company: identity.company.clone(),
        device: row.device,
        device_key: device.key.clone(),
        user: user.user,
        user_name: Some(user.name.clone()).filter(|name| !name.is_empty()),
        n: row.head.n,
        head: row.head.head,
        ops: row.ops,
        complete: row.complete,
        at_ms: row.at_ms,
        epoch: row.epoch,
        vouch: None,
    }
}

/// Signs the receipt for a head that the device has just stated; `None` when nothing was kept of it, as when it contradicts what is stored.
pub(crate) fn sign<S: Storage>(
    server: &Server<S>,
    view: &dyn View,
    caller: &Caller,
    head: &HeadEvidence,
) -> Result<Option<String>> {
    let Some(row) = stated(view, &caller.device, head)? else {
        return Ok(None);
    };
    let identity = view.identity()?;
    let identity = identity.ok_or_else(|| Error::corrupt("the identity"))?;
    let receipt = receipt(&identity, &caller.user, &caller.device, &row);
    server.sign_receipt(receipt).map(Some)
}

impl<S: Storage> Server<S> {
    /// Signs a receipt, and in it for the device's key.
    pub(crate) fn sign_receipt(&self, receipt: Receipt) -> Result<String> {
        let vouched = receipt.vouched(self.signer());
        let signed = vouched.and_then(|receipt| receipt.sign(self.signer()));
        signed.map_err(|error| Error::api(ApiCode::Internal, error.to_string()))
    }
}
