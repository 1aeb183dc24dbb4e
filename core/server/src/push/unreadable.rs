//! Operations that do not read: kept as bytes. Nothing that a device holds is ever turned away for good.

use serde::Deserialize;
use waymark_domain::hash::Hash;
use waymark_domain::ids::OpId;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::request::OpLine;
use waymark_protocol::response::Out;

use super::{Known, Push, is_count, reused};
use crate::error::Result;
use crate::storage::{OpRow, Tx};

/// What can still be read of an operation of any version.
#[derive(Deserialize)]
struct Loose {
    op: OpId,
    #[serde(default)]
    n: Option<u64>,
}

impl Push {
    /// Keeps a line that is no operation, if at least its id can be read. If not, the device is asked to bring it to the vault, by its id.
    pub(super) fn unreadable(&mut self, tx: &mut dyn Tx, line: &OpLine) -> Result<Out> {
        let Ok(loose) = serde_json::from_slice::<Loose>(&line.bytes) else {
            return Ok(Out {
                i: line.index,
                op: None,
                outcome: Outcome::Retry { after_ms: 0 },
            });
        };
        Ok(Out {
            i: line.index,
            op: Some(loose.op),
            outcome: self.vault(tx, loose.op, loose.n, &line.bytes)?,
        })
    }

    /// Keeps `bytes` as the operation `op`, unless it has an outcome already.
    pub(crate) fn vault(
        &mut self,
        tx: &mut dyn Tx,
        op: OpId,
        n: Option<u64>,
        bytes: &[u8],
    ) -> Result<Outcome> {
        let sha = Hash::of(bytes);
        match self.known(tx, op, sha)? {
            Some(Known::Settled(outcome)) => return Ok(outcome),
            Some(Known::Reused) => {
                self.alarm(tx, "op_id_reused", op, "")?;
                return Ok(reused());
            }
            None => {}
        }
        self.alarm(tx, "vaulted", op, "does not read, or kept failing")?;
        self.store_row(
            tx,
            &OpRow {
                op,
                sha,
                prev: None,
                device: self.caller.device.device,
                user: self.caller.user.user,
                n: n.filter(|&n| is_count(n)),
                key: None,
                at_ms: self.now,
                outcome: Outcome::Vaulted,
                bytes: bytes.to_vec(),
                erased: None,
            },
        )?;
        Ok(Outcome::Vaulted)
    }
}
