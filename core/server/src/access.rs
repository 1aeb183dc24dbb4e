//! Who may see what. The one place where a user's effective scopes are computed.

use std::collections::BTreeSet;

use waymark_domain::ids::{DeviceId, UserId};
use waymark_domain::record::{Actor, RecordKey, Role};
use waymark_domain::scope::Scope;
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::MAX_SCOPES;

use crate::error::{Error, Result};
use crate::storage::{DeviceRecord, UserRow, View};

/// A device that has proven itself, and its user.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) device: DeviceRecord,
    pub(crate) user: UserRow,
}

/// The caller as it is at this moment: a device that is shut out is so from the next row read on.
pub(crate) fn caller(view: &dyn View, device: DeviceId) -> Result<Caller> {
    let unknown = || Error::api(ApiCode::Unauthorised, "no such device");
    let device = view.device(device)?.ok_or_else(unknown)?;
    let user = view.user(device.user)?.ok_or_else(unknown)?;
    if device.revoked || !user.active {
        return Err(Error::api(ApiCode::DeviceRevoked, "revoked"));
    }
    Ok(Caller { device, user })
}

/// The scopes that `user` sees now, sorted.
pub(crate) fn scopes_of(view: &dyn View, user: &UserRow) -> Result<Vec<Scope>> {
    let mut scopes = BTreeSet::from([
        Scope::COMPANY,
        Scope::user(user.user),
        Scope::team(&user.team),
    ]);
    if user.role != Role::Rep {
        scopes.insert(Scope::POOL);
        for other in view.users()? {
            // those who left the company count: somebody has to take over their customers
            if user.role == Role::Admin {
                scopes.insert(Scope::user(other.user));
                scopes.insert(Scope::team(&other.team));
            } else if other.team == user.team {
                scopes.insert(Scope::user(other.user));
            }
        }
    }
    if scopes.len() > MAX_SCOPES {
        return Err(Error::api(
            ApiCode::TooLarge,
            format!("{} scopes for one user, {MAX_SCOPES} at most", scopes.len()),
        ));
    }
    Ok(scopes.into_iter().collect())
}

/// The user as the domain's rules know one.
pub(crate) fn actor(view: &dyn View, user: &UserRow) -> Result<Actor> {
    Ok(Actor {
        user: user.user,
        role: user.role,
        scopes: scopes_of(view, user)?.into_iter().collect(),
    })
}

/// Whether `actor` saw the record once: it left a scope of the actor's, or the actor left a scope of the record's.
pub(crate) fn saw_once(view: &dyn View, actor: &Actor, key: &RecordKey) -> Result<bool> {
    let former = former_scopes(view, actor.user)?;
    let entries = view.entries_of(key)?;
    Ok(entries
        .iter()
        .any(|entry| actor.scopes.contains(&entry.scope) || former.contains(&entry.scope)))
}

fn former_scopes(view: &dyn View, user: UserId) -> Result<BTreeSet<Scope>> {
    Ok(view.former_scopes(user)?.into_iter().collect())
}
