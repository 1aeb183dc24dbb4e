//! A company with a virtual clock and seeded chance; devices that chain and sign like real ones; replicas that check every checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use waymark_domain::ambient::{Clock, Entropy};
use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, DeviceId, Epoch, GroupId, OpId, RecordId, TenantId, UserId};
use waymark_domain::op::{BaseRef, Draft, Group, Seal, Sealed};
use waymark_domain::record::{Body, RecordKey, Role};
use waymark_domain::scope::{Digest, Scope};
use waymark_domain::time::{Hlc, Stamp};
use waymark_protocol::enrol::{EnrolRequest, InviteRequest, Invited, TokenRequest};
use waymark_protocol::limits::TOKEN_MS;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::{
    Signer as _, SoftwareSigner, enrol_payload, head_payload, token_payload,
};
use waymark_protocol::receipt::HeadStatement;
use waymark_protocol::request::{ExchangeRequest, RequestHeader, ScopeCursor};
use waymark_protocol::response::{ExchangeResponse, ScopeChange};
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};
use waymark_protocol::{PROTO, SCHEMA};
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{Result, Server};

use crate::ambient::{Seeded, VirtualClock};

/// A company on one server.
pub struct World {
    pub server: Arc<Server<SqliteStorage>>,
    pub clock: Arc<VirtualClock>,
    pub chance: Arc<Seeded>,
}

impl World {
    pub fn new() -> Self {
        Self::over(SqliteStorage::in_memory().unwrap())
    }

    pub fn over(storage: SqliteStorage) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let chance = Arc::new(Seeded::new(7));
        let server = Server::new(storage, clock.clone(), chance.clone()).unwrap();
        Self {
            server: Arc::new(server),
            clock,
            chance,
        }
    }

    /// The same company after its server was killed and started again on the same file.
    pub fn restarted(self, storage: SqliteStorage) -> Self {
        let Self {
            server,
            clock,
            chance,
        } = self;
        drop(server);
        let server = Server::new(storage, clock.clone(), chance.clone()).unwrap();
        Self {
            server: Arc::new(server),
            clock,
            chance,
        }
    }

    pub fn admin(&self) -> Device {
        let invited = self.server.bootstrap_admin("Acme", "Ada").unwrap().unwrap();
        self.enrol(&invited)
    }

    pub fn member(&self, name: &str, role: Role, team: &str) -> Device {
        let invited = self
            .server
            .invite_as_operator(&InviteRequest {
                user: None,
                name: name.to_owned(),
                role,
                team: team.to_owned(),
            })
            .unwrap();
        self.enrol(&invited)
    }

    pub fn rep(&self, name: &str) -> Device {
        self.member(name, Role::Rep, "north")
    }

    pub fn manager(&self, name: &str) -> Device {
        self.member(name, Role::Manager, "north")
    }

    pub fn second_device(&self, of: &Device) -> Device {
        self.device_of(of.user)
    }

    /// One more device of somebody.
    pub fn device_of(&self, user: UserId) -> Device {
        let invited = self
            .server
            .invite_as_operator(&InviteRequest {
                user: Some(user),
                name: String::new(),
                role: Role::Rep,
                team: String::new(),
            })
            .unwrap();
        self.enrol(&invited)
    }

    pub fn enrol(&self, invited: &Invited) -> Device {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let secret = [NEXT.fetch_add(1, Ordering::SeqCst).max(1); 32];
        let signer = SoftwareSigner::from_secret(&secret).unwrap();
        let enrolled = self
            .server
            .enrol(&enrol_request(&signer, &invited.code))
            .unwrap();
        Device {
            tenant: enrolled.tenant,
            device: enrolled.device,
            user: enrolled.user,
            signer,
            n: 0,
            head: Hash::ZERO,
            hlc: Hlc::default(),
            epoch: None,
            token: Mutex::default(),
            cursors: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    pub fn id<T>(&self, wrap: impl Fn(uuid::Uuid) -> T) -> T {
        wrap(self.chance.new_id(self.clock.now()))
    }

    pub fn alarm_codes(&self) -> Vec<String> {
        let alarms = self.server.alarms().unwrap().into_iter();
        alarms.map(|alarm| alarm.code).collect()
    }

    /// The record as the server has it.
    pub fn body(&self, key: &RecordKey) -> Option<Body> {
        let rows = self.server.records(&key.kind).unwrap();
        rows.into_iter()
            .find(|row| row.id == key.id)
            .map(|row| row.body)
    }
}

pub fn enrol_request(signer: &SoftwareSigner, code: &str) -> EnrolRequest {
    let key = signer.public_key();
    EnrolRequest {
        code: code.to_owned(),
        sig: signer.sign(&enrol_payload(code, &key)).unwrap(),
        key,
        name: "phone".to_owned(),
        app: "1.0".to_owned(),
    }
}

/// A phone.
pub struct Device {
    pub tenant: TenantId,
    pub device: DeviceId,
    pub user: UserId,
    pub signer: SoftwareSigner,
    pub n: u64,
    pub head: Hash,
    pub hlc: Hlc,
    pub epoch: Option<Epoch>,
    pub token: Mutex<Option<(i64, String)>>,
    pub cursors: BTreeMap<Scope, u64>,
    pub rows: BTreeMap<Scope, BTreeMap<RecordKey, (u64, Body)>>,
}

/// How an operation is to be sealed.
#[derive(Default, Clone)]
pub struct On {
    pub rev: u64,
    pub after: Option<OpId>,
    pub deps: Vec<OpId>,
    pub group: Option<Group>,
}

impl On {
    pub fn rev(rev: u64) -> Self {
        Self {
            rev,
            ..Self::default()
        }
    }

    pub fn after(op: &Sealed) -> Self {
        Self {
            after: Some(op.op.op),
            ..Self::default()
        }
    }

    pub fn needs(ops: &[&Sealed]) -> Self {
        Self {
            deps: ops.iter().map(|op| op.op.op).collect(),
            ..Self::default()
        }
    }
}

impl Device {
    /// A token, the same for as long as it lives.
    pub fn token(&self, world: &World) -> String {
        let now = world.clock.now();
        let mut held = self.token.lock().unwrap();
        match &*held {
            Some((until, token)) if now < *until => token.clone(),
            _ => {
                let token = self.try_token(world).unwrap();
                *held = Some((now + TOKEN_MS, token.clone()));
                token
            }
        }
    }

    pub fn try_token(&self, world: &World) -> Result<String> {
        let challenge = world.server.hello("echo").unwrap().challenge;
        let token = world.server.token(&self.token_request(challenge))?;
        Ok(token.token)
    }

    pub fn token_request(&self, challenge: String) -> TokenRequest {
        let payload = token_payload(self.tenant, self.device, &challenge);
        TokenRequest {
            tenant: self.tenant,
            device: self.device,
            sig: self.signer.sign(&payload).unwrap(),
            challenge,
        }
    }

    /// Seals the next operation of this device's chain.
    pub fn seal(&mut self, world: &World, draft: Draft, on: On) -> Sealed {
        let t = Stamp::take(
            world.clock.read(),
            &waymark_domain::time::Anchors::default(),
            self.hlc,
        );
        self.hlc = t.hlc;
        self.n += 1;
        let sealed = draft
            .seal(Seal {
                op: world.id(OpId::from_uuid),
                n: self.n,
                base: BaseRef {
                    rev: on.rev,
                    after: on.after,
                },
                deps: on.deps,
                group: on.group,
                t,
                prev: self.head,
            })
            .unwrap();
        self.head = sealed.sha;
        sealed
    }

    /// Seals operations that stand or fall together.
    pub fn seal_group(&mut self, world: &World, drafts: Vec<(Draft, On)>) -> Vec<Sealed> {
        let (id, of) = (world.id(GroupId::from_uuid), drafts.len() as u32);
        let drafts = drafts.into_iter().zip(1..);
        drafts
            .map(|((draft, on), i)| {
                let group = Some(Group { id, i, of });
                self.seal(world, draft, On { group, ..on })
            })
            .collect()
    }

    /// A customer of the device's own user.
    pub fn new_customer(&mut self, world: &World, name: &str) -> (CustomerId, Customer, Sealed) {
        let id = world.id(CustomerId::from_uuid);
        let customer = Customer {
            owner: Some(self.user),
            ..Customer::named(name)
        };
        let draft = Draft::new(id, &customer).unwrap();
        let op = self.seal(world, draft, On::default());
        (id, customer, op)
    }

    pub fn header(&self, limit_bytes: u32) -> RequestHeader {
        let payload = head_payload(&HeadStatement {
            tenant: self.tenant,
            device: self.device,
            n: self.n,
            head: self.head,
        });
        let cursors = self.cursors.iter();
        RequestHeader {
            proto: PROTO,
            echo: "chance".to_owned(),
            epoch: self.epoch,
            device: self.device,
            app: "1.0".to_owned(),
            schema: SCHEMA,
            n_last: self.n,
            unacked: waymark_domain::ranges::Ranges::default(),
            head: self.head,
            sig: self.signer.sign(&payload).unwrap(),
            receipt: None,
            scopes: cursors
                .map(|(id, &cursor)| ScopeCursor {
                    id: id.clone(),
                    cursor,
                })
                .collect(),
            scopes_hash: None,
            limit_bytes,
        }
    }

    pub fn request(&self, ops: &[&Sealed], limit_bytes: u32) -> ExchangeRequest {
        ExchangeRequest {
            header: self.header(limit_bytes),
            ops: ops.iter().map(|op| op.bytes.clone()).collect(),
        }
    }

    /// Pushes, and gives the outcomes.
    pub fn push(&self, world: &World, ops: &[&Sealed]) -> Vec<Outcome> {
        let response = self.exchange(world, &self.request(ops, 0)).unwrap();
        response.outs.into_iter().map(|out| out.outcome).collect()
    }

    /// Pushes one.
    pub fn push_one(&self, world: &World, op: &Sealed) -> Outcome {
        self.push(world, &[op]).remove(0)
    }

    pub fn exchange(&self, world: &World, request: &ExchangeRequest) -> Result<ExchangeResponse> {
        let answer = self.answer(world, request)?;
        Ok(ExchangeResponse::from_bytes(&answer, &request.header.echo).unwrap())
    }

    pub fn answer(&self, world: &World, request: &ExchangeRequest) -> Result<Vec<u8>> {
        let mut session = world.server.begin_exchange(&self.token(world))?;
        session.feed(&request.to_bytes().unwrap())?;
        session.finish()
    }

    /// Pulls until nothing more is to be had, and compares every scope with its checkpoint.
    pub fn sync(&mut self, world: &World, limit_bytes: u32) {
        for _ in 0..10_000 {
            let request = self.request(&[], limit_bytes);
            let response = self.exchange(world, &request).unwrap();
            self.take(&response);
            for scope in &response.end.snapshots {
                self.load(world, scope, limit_bytes);
            }
            if !response.end.more && response.end.snapshots.is_empty() {
                self.compare(&response.end.checkpoint);
                return;
            }
        }
        panic!("no end of pages");
    }

    pub fn take(&mut self, response: &ExchangeResponse) {
        if self.epoch != Some(response.head.epoch) {
            self.epoch = Some(response.head.epoch);
        }
        if let Some(list) = &response.head.scopes {
            let effective: BTreeSet<&Scope> = list.ids.iter().collect();
            self.rows.retain(|scope, _| effective.contains(scope));
            self.cursors.retain(|scope, _| effective.contains(scope));
        }
        for change in &response.changes {
            let rows = self.rows.entry(change.scope().clone()).or_default();
            match change {
                ScopeChange::Put(put) => {
                    rows.insert(change.key(), (put.rev, put.body.clone()));
                }
                ScopeChange::Leave(_) => {
                    rows.remove(&change.key());
                }
            }
        }
        self.cursors.extend(response.end.next.clone());
    }

    /// One page of a snapshot after the other.
    pub fn load(&mut self, world: &World, scope: &Scope, limit_bytes: u32) {
        self.load_with(world, scope, limit_bytes, || ());
    }

    pub fn load_with(
        &mut self,
        world: &World,
        scope: &Scope,
        limit_bytes: u32,
        mut between: impl FnMut(),
    ) {
        let mut request = SnapshotRequest {
            scope: scope.clone(),
            pin: None,
            after: None,
            limit_bytes,
        };
        let mut rows = BTreeMap::new();
        loop {
            let bytes = world.server.snapshot(&self.token(world), &request).unwrap();
            let page: SnapshotPage = serde_json::from_slice(&bytes).unwrap();
            for put in page.puts {
                let key = RecordKey {
                    kind: put.kind,
                    id: put.id,
                };
                rows.insert(key, (put.rev, put.body));
            }
            request.pin = Some(page.pin);
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
            between();
        }
        self.rows.insert(scope.clone(), rows);
        self.cursors.insert(scope.clone(), request.pin.unwrap());
    }

    pub fn compare(&self, checkpoint: &BTreeMap<Scope, String>) {
        for (scope, expected) in checkpoint {
            let mut digest = Digest::default();
            for (key, (rev, _)) in self.rows.get(scope).into_iter().flatten() {
                digest.add(&key.kind, key.id, *rev);
            }
            assert_eq!(&digest.to_text(), expected, "digest of {scope}");
        }
    }

    /// Everything the device holds, whatever scope it came by.
    pub fn holds(&self) -> BTreeMap<RecordKey, (u64, Body)> {
        let rows = self.rows.values().flatten();
        rows.map(|(key, row)| (key.clone(), row.clone())).collect()
    }
}

pub fn key_of(id: CustomerId) -> RecordKey {
    RecordKey::of::<Customer>(RecordId::from(id))
}

pub fn applied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied { .. })
}

pub fn rejected(outcome: &Outcome) -> Option<waymark_domain::refusal::Code> {
    match outcome {
        Outcome::Rejected { refusal } => Some(refusal.code),
        _ => None,
    }
}
