//! Bundles from the company's ledger: of a device that is lost, of a rep who has left, or of one who would rather not export.
//!
//! The server cannot sign for a device. What it has is what devices signed themselves: the statements of their heads, kept as they arrived.

use std::collections::HashMap;
use std::io::{self, Write};

use chrono::NaiveDate;
use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, OpId};
use waymark_domain::op::Operation;
use waymark_domain::policy::Policy;
use waymark_domain::record::{Body, RecordKey, SyncRecord as _};
use waymark_evidence::{Header, Sealer, VERSION, Writer};
use waymark_protocol::error::ApiCode;

use crate::error::{Error, Result};
use crate::receipt::{compact, receipt};
use crate::server::Server;
use crate::storage::{DeviceRecord, Link, StatementRow, Storage, View};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The count of the first operation.
    pub from: u64,
    /// The count of the last.
    pub to: u64,
    /// How many there are.
    pub ops: u64,
    /// Receipts among them.
    pub receipts: u64,
    /// The count of an operation right before the first that was asked for as well and cannot be in the bundle: its period is over and its
    /// bytes were emptied, or it never arrived.
    pub without: Option<u64>,
}

impl<S: Storage> Server<S> {
    /// Writes a bundle of a device's chain, sealed by the company: all of it, or from the first operation of a local calendar day to its
    /// last and on to the statement that covers that one. `progress` hears how many operations are written.
    ///
    /// # Errors
    /// [`ApiCode::NotFound`] for a device that is not known, and when no operation of that stretch can be exported; [`Error::Unavailable`] when
    /// `out` fails; [`Error::Storage`].
    pub fn export_bundle(
        &self,
        device: DeviceId,
        day: Option<NaiveDate>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported> {
        self.storage.read(|view| {
            let found = view.device(device)?;
            let device = found.ok_or_else(|| Error::api(ApiCode::NotFound, "device"))?;
            let statements = view.statements(device.device, 0, u64::MAX)?;
            let chain = Chain::of(view, &device, &statements)?;
            let stretch = chain.stretch(view, day, &statements)?;
            self.write_bundle(view, &device, stretch, &statements, out, progress)
        })
    }

    fn write_bundle(
        &self,
        view: &dyn View,
        device: &DeviceRecord,
        stretch: Stretch,
        statements: &[StatementRow],
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported> {
        let identity = view.identity()?;
        let identity = identity.ok_or_else(|| Error::corrupt("the identity"))?;
        let user = view.user(device.user)?;
        let user = user.ok_or_else(|| Error::corrupt("a device's user"))?;
        let header = Header {
            v: VERSION,
            tenant: identity.tenant,
            device: device.device,
            device_key: device.key.clone(),
            company_key: self.public_key(),
            prev: stretch.prev,
            sealed_by: Sealer::Company,
        };
        let mut writer = Writer::begin(out, &header).map_err(failed)?;
        for (key, body) in policies(view)? {
            writer.context(&key, &body).map_err(failed)?;
        }
        let mut statements = statements.iter().peekable();
        let (mut ops, mut receipts) = (0, 0);
        for link in &stretch.links {
            let bytes = bytes_of(view, link.op)?.ok_or_else(|| Error::corrupt("an operation"))?;
            if Hash::of(&bytes) != link.sha {
                return Err(Error::corrupt("an operation"));
            }
            writer.op(link.n, &bytes).map_err(failed)?;
            ops += 1;
            while let Some(row) = statements.next_if(|row| row.head.n <= link.n) {
                if row.head.n == link.n && row.head.head == link.sha {
                    let head = compact(identity.tenant, device.device, &row.head);
                    writer.head(&head).map_err(failed)?;
                    let receipt = receipt(&identity, &user, device, row);
                    let receipt = self.sign_receipt(receipt)?;
                    writer.receipt(&receipt).map_err(failed)?;
                    receipts += 1;
                }
            }
            progress(ops);
        }
        let seal = writer.seal(self.signer(), self.now_ms()).map_err(failed)?;
        Ok(Exported {
            from: seal.from,
            to: seal.to,
            ops: seal.ops,
            receipts,
            without: stretch.without,
        })
    }
}

fn failed(error: io::Error) -> Error {
    Error::Unavailable(error.to_string())
}

/// The bytes of an operation; `None` when they were emptied.
fn bytes_of(view: &dyn View, op: OpId) -> Result<Option<Vec<u8>>> {
    let row = view.op(op)?.ok_or_else(|| Error::corrupt("an operation"))?;
    Ok(row.erased.is_none().then_some(row.bytes))
}

fn policies(view: &dyn View) -> Result<Vec<(RecordKey, Body)>> {
    let mut policies = Vec::new();
    let kind = Policy::KIND;
    view.records(&kind, &mut |row| {
        let key = RecordKey {
            kind: kind.clone(),
            id: row.id,
        };
        policies.push((key, row.body));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(policies)
}

/// A device's operations, each the one that the next names as the one before it, up to the newest that the device signed.
struct Chain {
    /// From the first to the last.
    links: Vec<Link>,
    /// The count of the operation before the first, when there must be one and it is not here.
    without: Option<u64>,
}

/// What goes into a bundle.
struct Stretch {
    links: Vec<Link>,
    prev: Hash,
    without: Option<u64>,
}

impl Chain {
    /// Goes back from the newest head that the device stated; without one, from its last operation. Two operations with one count, as a copied
    /// key makes them, are told apart by this: only one of them is in the chain of the head.
    fn of(view: &dyn View, device: &DeviceRecord, statements: &[StatementRow]) -> Result<Self> {
        let all = view.links(device.device, 0, u64::MAX)?;
        let last = all.last().map(|link| link.sha);
        let mut by_sha: HashMap<Hash, Link> =
            all.into_iter().map(|link| (link.sha, link)).collect();
        let stated = statements.iter().rev().map(|row| row.head.head);
        let newest = stated.chain(last).find(|sha| by_sha.contains_key(sha));
        let mut links = Vec::new();
        let mut next = newest;
        let mut without = None;
        // each link is taken out of the map, so that a chain that bites its tail ends
        while let Some(link) = next.and_then(|sha| by_sha.remove(&sha)) {
            next = link.prev.filter(|prev| *prev != Hash::ZERO);
            without = next.is_some().then(|| link.n.saturating_sub(1));
            if bytes_of(view, link.op)?.is_none() {
                without = Some(link.n);
                break;
            }
            links.push(link);
        }
        links.reverse();
        Ok(Self { links, without })
    }

    fn stretch(
        mut self,
        view: &dyn View,
        day: Option<NaiveDate>,
        statements: &[StatementRow],
    ) -> Result<Stretch> {
        let nothing = || Error::api(ApiCode::NotFound, "operation");
        let mut without = self.without;
        if let Some(day) = day {
            let mut of_day = Vec::new();
            for (place, link) in self.links.iter().enumerate() {
                let bytes = bytes_of(view, link.op)?.unwrap_or_default();
                if Operation::from_bytes(&bytes).is_ok_and(|op| op.t.local_day() == day) {
                    of_day.push(place);
                }
            }
            let (first, last) = of_day.first().zip(of_day.last()).ok_or_else(nothing)?;
            without = without.filter(|_| *first == 0);
            // up to the statement that covers the day's last operation: only it says that the device signed that far
            let stated = |link: &Link| {
                let of = |row: &StatementRow| (row.head.n, row.head.head) == (link.n, link.sha);
                statements.iter().any(of)
            };
            let more = self
                .links
                .get(*last..)
                .and_then(|rest| rest.iter().position(stated));
            self.links
                .truncate(last.saturating_add(more.unwrap_or(0)).saturating_add(1));
            self.links.drain(..*first);
        }
        let prev = self.links.first().ok_or_else(nothing)?.prev;
        Ok(Stretch {
            prev: prev.unwrap_or(Hash::ZERO),
            links: self.links,
            without,
        })
    }
}
