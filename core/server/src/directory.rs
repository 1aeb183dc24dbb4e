//! The people: users, their member records, invitations, and the devices as an admin sees them.

use std::collections::BTreeMap;

use waymark_domain::hash::Hash;
use waymark_domain::ids::UserId;
use waymark_domain::member::Member;
use waymark_domain::merge::DELETED;
use waymark_domain::record::{self, Body, RecordKey, Role, SyncRecord as _, rules};
use waymark_domain::refusal::Refusal;
use waymark_domain::scope::Scope;
use waymark_domain::time::UnixMs;
use waymark_protocol::enrol::{DeviceRow, InviteRequest, Invited, RevokeRequest};
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::CODE_MS;

use crate::access::{Caller, scopes_of};
use crate::commit;
use crate::enrol::new_code;
use crate::error::{Error, Result};
use crate::server::{Server, note};
use crate::storage::{InviteRow, Storage, Tx, UserRow, View};

/// What changes about a user; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The name that colleagues read.
    pub name: Option<String>,
    /// What the user may do.
    pub role: Option<Role>,
    /// The user's team.
    pub team: Option<String>,
    /// Whether the user still works here.
    pub active: Option<bool>,
}

impl<S: Storage> Server<S> {
    /// Names the company and invites its first admin. `None` when the company has people already.
    ///
    /// # Errors
    /// [`ApiCode::Malformed`] for a name that is empty or too long, [`Error::Storage`].
    pub fn bootstrap_admin(&self, company: &str, name: &str) -> Result<Option<Invited>> {
        let request = InviteRequest {
            user: None,
            name: name.to_owned(),
            role: Role::Admin,
            team: "office".to_owned(),
        };
        let invitation = self.invitation(&request);
        let company = company.trim().to_owned();
        self.storage.write(move |tx| {
            if !tx.users()?.is_empty() {
                return Ok(None);
            }
            let identity = tx.identity()?;
            let mut identity = identity.ok_or_else(|| Error::corrupt("the identity"))?;
            identity.company = company;
            tx.put_identity(&identity)?;
            invitation.make(tx, None).map(Some)
        })
    }

    /// Makes a one-time enrolment code. Admins invite anybody, managers reps of their own team.
    ///
    /// # Errors
    /// [`ApiCode::Forbidden`], [`ApiCode::NotFound`] for an unknown user, [`ApiCode::Malformed`],
    /// [`ApiCode::TooLarge`] when somebody would then have more scopes than the protocol carries.
    pub fn invite(&self, token: &str, request: &InviteRequest) -> Result<Invited> {
        let device = self.token_device(token)?;
        let invitation = self.invitation(request);
        self.storage.write(move |tx| {
            let caller = crate::access::caller(tx, device)?;
            invitation.check(tx, &caller)?;
            invitation.make(tx, Some(caller.user.user))
        })
    }

    /// The same, by the operator at the machine: for an admin whose devices are all lost.
    ///
    /// # Errors
    /// As for [`Self::invite`].
    pub fn invite_as_operator(&self, request: &InviteRequest) -> Result<Invited> {
        let invitation = self.invitation(request);
        self.storage.write(move |tx| invitation.make(tx, None))
    }

    /// Changes a user. The user's member record and everybody's effective scopes follow at once.
    ///
    /// # Errors
    /// [`ApiCode::NotFound`], [`ApiCode::Malformed`], [`ApiCode::TooLarge`] as for [`Self::invite`].
    pub fn set_user(&self, user: UserId, change: UserChange) -> Result<()> {
        let now = self.now_ms();
        self.storage.write(move |tx| {
            let row = tx.user(user)?;
            let mut row = row.ok_or_else(|| Error::api(ApiCode::NotFound, "user"))?;
            row.name = change.name.unwrap_or(row.name);
            row.role = change.role.unwrap_or(row.role);
            row.team = change.team.unwrap_or(row.team);
            row.active = change.active.unwrap_or(row.active);
            put_user(tx, &row, now)?;
            note(tx, now, None, "set_user", user.to_string())
        })
    }

    /// All devices, for admins.
    ///
    /// # Errors
    /// [`ApiCode::Forbidden`].
    pub fn devices(&self, token: &str) -> Result<Vec<DeviceRow>> {
        self.storage.read(|view| {
            admin(&self.authenticate(view, token)?)?;
            let users = view.users()?.into_iter().map(|user| (user.user, user.name));
            let names: BTreeMap<UserId, String> = users.collect();
            let devices = view.devices()?.into_iter();
            devices
                .map(|device| {
                    Ok(DeviceRow {
                        device: device.device,
                        user: device.user,
                        user_name: names.get(&device.user).cloned().unwrap_or_default(),
                        ops: view.op_count(device.device)?,
                        missing: device.have.gaps(device.have.last()).count(),
                        name: device.name,
                        app: device.app,
                        enrolled_ms: device.enrolled_ms,
                        seen_ms: device.seen_ms,
                        revoked: device.revoked,
                    })
                })
                .collect()
        })
    }

    /// Shuts a device out, for admins. Twice is as good as once.
    ///
    /// # Errors
    /// [`ApiCode::Forbidden`], [`ApiCode::NotFound`].
    pub fn revoke(&self, token: &str, request: &RevokeRequest) -> Result<()> {
        let (by, now, about) = (self.token_device(token)?, self.now_ms(), request.device);
        self.storage.write(move |tx| {
            let caller = crate::access::caller(tx, by)?;
            admin(&caller)?;
            let device = tx.device(about)?;
            let mut device = device.ok_or_else(|| Error::api(ApiCode::NotFound, "device"))?;
            device.revoked = true;
            tx.put_device(&device)?;
            note(tx, now, Some(caller.user.user), "revoke", about.to_string())
        })
    }

    fn invitation(&self, request: &InviteRequest) -> Invitation {
        let now = self.now_ms();
        Invitation {
            request: request.clone(),
            fresh: UserId::from_uuid(self.entropy.new_id(now)),
            code: new_code(&*self.entropy),
            now,
        }
    }
}

/// An invitation with all the chance that it needs.
struct Invitation {
    request: InviteRequest,
    fresh: UserId,
    code: (String, Hash),
    now: UnixMs,
}

impl Invitation {
    fn check(&self, view: &dyn View, caller: &Caller) -> Result<()> {
        let forbidden = || Error::api(ApiCode::Forbidden, "invite");
        let (role, team) = match self.request.user {
            None => (self.request.role, self.request.team.clone()),
            Some(user) => {
                let known = view.user(user)?.ok_or_else(forbidden)?;
                (known.role, known.team)
            }
        };
        match caller.user.role {
            Role::Admin => Ok(()),
            Role::Manager if role == Role::Rep && team == caller.user.team => Ok(()),
            Role::Manager | Role::Rep => Err(forbidden()),
        }
    }

    fn make(self, tx: &mut dyn Tx, by: Option<UserId>) -> Result<Invited> {
        let user = match self.request.user {
            Some(user) => {
                let known = tx.user(user)?.filter(|known| known.active);
                known
                    .ok_or_else(|| Error::api(ApiCode::NotFound, "user"))?
                    .user
            }
            None => {
                let row = UserRow {
                    user: self.fresh,
                    name: self.request.name,
                    role: self.request.role,
                    team: self.request.team,
                    active: true,
                };
                put_user(tx, &row, self.now)?;
                row.user
            }
        };
        let (code, hash) = self.code;
        let until_ms = self.now.saturating_add(CODE_MS);
        tx.put_invite(&InviteRow {
            code: hash,
            user,
            until_ms,
            used: None,
        })?;
        note(tx, self.now, by, "invite", user.to_string())?;
        Ok(Invited {
            user,
            code,
            until_ms,
        })
    }
}

fn admin(caller: &Caller) -> Result<()> {
    match caller.user.role {
        Role::Admin => Ok(()),
        Role::Manager | Role::Rep => Err(Error::api(ApiCode::Forbidden, "admins only")),
    }
}

/// Writes a user and the user's member record, and notes whose sight shrinks by it.
fn put_user(tx: &mut dyn Tx, row: &UserRow, now: UnixMs) -> Result<()> {
    let before = sights(tx)?;
    tx.put_user(row)?;
    put_member(tx, row, now)?;
    let after = sights(tx)?;
    for (user, scopes) in before {
        let now_seen = after.get(&user).map(Vec::as_slice).unwrap_or_default();
        for scope in scopes.iter().filter(|scope| !now_seen.contains(scope)) {
            tx.put_former_scope(user, scope)?;
        }
    }
    Ok(())
}

fn sights(view: &dyn View) -> Result<BTreeMap<UserId, Vec<Scope>>> {
    let users = view.users()?.into_iter();
    users
        .map(|user| Ok((user.user, scopes_of(view, &user)?)))
        .collect()
}

/// Mirrors a user in the user's member record, by the same path as any other change.
fn put_member(tx: &mut dyn Tx, row: &UserRow, now: UnixMs) -> Result<()> {
    let malformed = |refusal: Refusal| Error::api(ApiCode::Malformed, refusal.to_string());
    let member = Member {
        user: row.user,
        name: row.name.clone(),
        role: row.role,
        team: row.team.clone(),
        extra: Body::new(),
    };
    member.check().map_err(malformed)?;
    let mut body = record::write(&member).map_err(malformed)?;
    if !row.active {
        body.insert(DELETED.to_owned(), true.into());
    }
    let key = RecordKey::of::<Member>(row.user);
    let stored = tx.record(&key)?;
    if stored.as_ref().is_some_and(|stored| stored.body == body) {
        return Ok(());
    }
    let rules = rules(&key.kind).ok_or_else(|| Error::corrupt("the kind of a member"))?;
    let step = commit::write(tx, rules, key, stored.as_ref(), body, None)?.map_err(malformed)?;
    let seq = tx.take_seq(1)?;
    commit::publish(tx, step, seq, now)
}
