//! How a device becomes known, and how it proves each time that it is the one.

use serde::{Deserialize, Serialize};
use waymark_domain::ids::{DeviceId, Epoch, TenantId, UserId};
use waymark_domain::record::Role;
use waymark_domain::time::UnixMs;

use crate::proof::{PublicKey, Signature};

/// The server presents itself. Needs no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol versions that it speaks, both included.
    pub protocols: (u16, u16),
    /// Body versions that it answers pulls for, both included.
    pub schemas: (u16, u16),
    /// The continuity of its log.
    pub epoch: Epoch,
    /// The caller's.
    pub echo: String,
    /// Its clock.
    pub server_ms: UnixMs,
    /// Its signature over [`crate::proof::time_payload`].
    pub sig: Signature,
    /// Its key; devices pin it when they enrol.
    pub key: PublicKey,
    /// For [`TokenRequest::challenge`].
    pub challenge: String,
}

/// A device asks to be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-time code that an admin gave.
    pub code: String,
    /// The device's key.
    pub key: PublicKey,
    /// The device's signature over [`crate::proof::enrol_payload`].
    pub sig: Signature,
    /// What the user calls the device.
    pub name: String,
    /// The app's version.
    pub app: String,
}

/// The device is known. The same code with the same key gives the same answer, so a lost answer costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The company.
    pub tenant: TenantId,
    /// The company's name.
    pub company: String,
    /// The user.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The user's role.
    pub role: Role,
    /// The user's team.
    pub team: String,
    /// The device.
    pub device: DeviceId,
    /// The server's key, to be pinned.
    pub server_key: PublicKey,
}

/// A device asks for a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The company.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// [`Hello::challenge`], to be used once.
    pub challenge: String,
    /// The device's signature over [`crate::proof::token_payload`].
    pub sig: Signature,
}

/// Admits the device for [`crate::limits::TOKEN_MS`], unless it is revoked before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Goes into the `authorization` header. Never logged.
    pub token: String,
    /// How long it is good for, milliseconds.
    pub lives_ms: i64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// An admin invites somebody, or one more device of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRequest {
    /// The user, when known already; else a new one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The name that colleagues read.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The user's team.
    pub team: String,
}

/// An invitation. The code is shown once and kept only as a hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The user.
    pub user: UserId,
    /// The one-time enrolment code.
    pub code: String,
    /// When it is over.
    pub until_ms: UnixMs,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invited({}, …)", self.user)
    }
}

/// A device, as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// The user's name.
    pub user_name: String,
    /// What the user calls the device.
    pub name: String,
    /// The app's version when it was last seen.
    pub app: String,
    /// When it enrolled.
    pub enrolled_ms: UnixMs,
    /// When it was last seen.
    pub seen_ms: UnixMs,
    /// Whether it is revoked.
    pub revoked: bool,
    /// Operations stored from it.
    pub ops: u64,
    /// Counts that never arrived although later ones did.
    pub missing: u64,
}

/// An admin revokes a device. What it holds unsent stays on it and is never taken from its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRequest {
    /// The device.
    pub device: DeviceId,
}
