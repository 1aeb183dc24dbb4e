//! Whose file this is.

use serde::{Deserialize, Serialize};
use waymark_domain::ids::{DeviceId, TenantId, UserId};
use waymark_domain::record::{Body, Role};

use crate::error::StoreError;
use crate::evidence;
use crate::meta;
use crate::sql::queries;
use crate::store::Store;

/// Who works with this file, on which device, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The company.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// This installation.
    pub device: DeviceId,
    /// What the user may do, as the server said last.
    pub role: Role,
    /// The user's name.
    pub user_name: String,
    /// The company's name.
    pub company: String,
    /// The user's team.
    pub team: String,
    /// Where the server is.
    pub server_url: String,
    /// The server's public key, as enrolment brought it.
    pub server_key: String,
    /// What else the client keeps with it.
    #[serde(flatten)]
    pub extra: Body,
}

queries! {
    ANY_OUTBOX = "SELECT EXISTS (SELECT 1 FROM outbox)";
    // the counts of another device identity mean nothing to this one's chain
    FORGET_COUNTS = "UPDATE history SET n = NULL WHERE n IS NOT NULL";
}

impl Store {
    /// Whose file this is; `None` before enrolment.
    ///
    /// # Errors
    /// As every read.
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        self.read(|reader| meta::get(reader.conn, meta::IDENTITY))
    }

    /// Sets whose file this is, or updates what the server says of the user.
    ///
    /// A new device identity starts a new chain, with count 1.
    ///
    /// # Errors
    /// [`StoreError::OtherUser`] when the file is another user's; [`StoreError::UnsentWork`] when the device changes while operations of
    /// the old one wait to be sent.
    pub fn set_identity(&self, identity: &Identity) -> Result<(), StoreError> {
        self.write(|tx| {
            let before: Option<Identity> = meta::get(tx, meta::IDENTITY)?;
            if let Some(before) = before {
                if (before.tenant, before.user) != (identity.tenant, identity.user) {
                    return Err(StoreError::OtherUser);
                }
                if before.device != identity.device {
                    if tx.query_row(ANY_OUTBOX, [], |row| row.get(0))? {
                        return Err(StoreError::UnsentWork);
                    }
                    tx.execute(FORGET_COUNTS, [])?;
                    evidence::forget(tx)?;
                    let chain = meta::chain(tx)?;
                    let fresh = meta::Chain {
                        hlc: chain.hlc,
                        created: chain.created,
                        ..meta::Chain::START
                    };
                    meta::set(tx, meta::CHAIN, &fresh)?;
                }
            }
            meta::set(tx, meta::IDENTITY, identity)
        })
    }
}
