//! The engine over a real store, in the hands of a test: each answer comes from the server in process, or from the test.

use std::sync::Arc;

use waymark_client::{EnrolWith, NewCustomerRequest, NoteRequest, Parts, Waymark, WaymarkError};
use waymark_domain::ambient::Clock as _;
use waymark_domain::ids::{CustomerId, NoteId, OpId};
use waymark_domain::op::Operation;
use waymark_domain::record::Role;
use waymark_protocol::api::SyncApi as _;
use waymark_protocol::enrol::InviteRequest;
use waymark_protocol::error::{ApiCode, ApiError, CallError};
use waymark_protocol::outcome::Outcome;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{LocalApi, Server};
use waymark_store::Store;
use waymark_sync::LONGEST_MS;
use waymark_sync::engine::{
    Answered, Call, Context, Effect, Engine, Event, Failure, Input, Progress, Trigger,
};
use waymark_testkit::chance::SeededEntropy;
use waymark_testkit::clock::{MORNING, VirtualClock};
use waymark_testkit::executor::block_on;
use waymark_testkit::signer::TestSigner;

use crate::support::next_seed;

/// An engine over a real store, in the hands of the test.
pub(crate) struct Bench {
    pub(crate) server: Arc<Server<SqliteStorage>>,
    pub(crate) api: LocalApi<SqliteStorage>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) server_clock: Arc<VirtualClock>,
    entropy: SeededEntropy,
    pub(crate) waymark: Waymark,
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    /// Operations of each exchange that was asked for.
    pub(crate) batches: Vec<usize>,
    /// Bytes of changes that each exchange asked for.
    pub(crate) pages: Vec<u32>,
    pub(crate) wake_at: i64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let server_clock = VirtualClock::at(MORNING);
        let storage = SqliteStorage::in_memory().unwrap();
        let entropy = Arc::new(SeededEntropy::new(next_seed()));
        let server = Arc::new(Server::new(storage, server_clock.clone(), entropy).unwrap());
        server.bootstrap_admin("Acme", "Ada").unwrap();
        let api = LocalApi(server.clone());
        let clock = VirtualClock::at(MORNING);
        let waymark = device(&server, &api, &clock);
        let engine = waymark.new_engine(&waymark.me().unwrap());
        Self {
            server,
            api,
            clock,
            server_clock,
            entropy: SeededEntropy::new(next_seed()),
            waymark,
            engine,
            events: Vec::new(),
            batches: Vec::new(),
            pages: Vec::new(),
            wake_at: i64::MIN,
        }
    }

    pub(crate) fn customer(&self, name: &str) -> CustomerId {
        let request = NewCustomerRequest {
            name: name.to_owned(),
            owner: None,
            position: None,
            address: None,
            phone: None,
        };
        self.waymark.customers().add(request).unwrap()
    }

    pub(crate) fn note(&self, customer: CustomerId, text: &str) {
        self.try_note(customer, text).unwrap();
    }

    pub(crate) fn try_note(
        &self,
        customer: CustomerId,
        text: &str,
    ) -> Result<NoteId, WaymarkError> {
        self.waymark.notes().write(NoteRequest {
            customer,
            visit: None,
            text: text.to_owned(),
            corrects: None,
        })
    }

    /// One step: gives the call that the engine wants made. Checks that it wants a call or to be woken, never both or neither.
    pub(crate) fn handle(&mut self, input: Input) -> Option<Call> {
        let ctx = Context {
            now: self.clock.read(),
            entropy: &self.entropy,
        };
        let effects = self.engine.handle(input, &ctx, &self.waymark.sync_store());
        let mut call = None;
        let mut wakes = 0;
        for effect in effects {
            match effect {
                Effect::Call(wanted) => {
                    assert!(call.is_none(), "two calls at once");
                    call = Some(wanted);
                }
                Effect::WakeAt(at) => {
                    wakes += 1;
                    self.wake_at = at;
                }
                Effect::Tell(event) => self.events.push(event),
            }
        }
        assert_eq!(
            usize::from(call.is_some()) + wakes,
            1,
            "a call, or a wake-up"
        );
        assert_eq!(self.engine.is_resting(), call.is_none());
        if call.is_none() {
            let wait = self.wake_at - self.clock.mono_ms();
            assert!(wait <= LONGEST_MS, "I15: {wait} ms until the next attempt");
        }
        if let Some(Call::Exchange { request, .. }) = &call {
            self.batches.push(request.ops.len());
            self.pages.push(request.header.limit_bytes);
        }
        call
    }

    pub(crate) fn honest(&self, call: &Call) -> Answered {
        match call {
            Call::Hello { echo } => Answered::Hello(block_on(self.api.hello(echo))),
            Call::Token(request) => Answered::Token(block_on(self.api.token(request))),
            Call::Exchange { token, request } => {
                Answered::Exchange(block_on(self.api.exchange(token, request)))
            }
            Call::Snapshot { token, request } => {
                Answered::Snapshot(block_on(self.api.snapshot(token, request)))
            }
            Call::Vault { token, request } => {
                Answered::Vault(block_on(self.api.vault(token, request)))
            }
        }
    }

    /// A whole round. `script` answers in the server's place where it wants to.
    pub(crate) fn round(
        &mut self,
        trigger: Trigger,
        mut script: impl FnMut(&Call) -> Option<CallError>,
    ) -> Result<Progress, Failure> {
        let mut call = self.handle(Input::Wake(trigger));
        for _ in 0..10_000 {
            let Some(wanted) = call else {
                let last = self.events.iter().rev().find_map(|event| match event {
                    Event::Rested(progress) => Some(Ok(*progress)),
                    Event::Failed { why, .. } => Some(Err(why.clone())),
                    _ => None,
                });
                return last.expect("an end");
            };
            let answered = match script(&wanted) {
                Some(error) => fail(&wanted, error),
                None => self.honest(&wanted),
            };
            call = self.handle(Input::Answered(Box::new(answered)));
        }
        panic!("a round without end");
    }

    /// The round that the engine asked to be woken for.
    pub(crate) fn next_round(
        &mut self,
        script: impl FnMut(&Call) -> Option<CallError>,
    ) -> Result<Progress, Failure> {
        let wait = self.wake_at.saturating_sub(self.clock.mono_ms()).max(0);
        self.clock.advance(wait);
        self.server_clock.advance(wait);
        self.round(Trigger::Timer, script)
    }

    pub(crate) fn ledger(&self) -> (u64, u64, u64) {
        let status = self.waymark.status().unwrap();
        assert!(status.balanced, "{status:?}");
        (status.acknowledged, status.pending, status.needs_attention)
    }

    pub(crate) fn is_at_the_server(&self, op: OpId) -> Option<Outcome> {
        let rows = self.server.ops().unwrap();
        rows.into_iter()
            .find(|row| row.op == op)
            .map(|row| row.outcome)
    }

    /// The pending operation whose bytes hold `text`.
    pub(crate) fn pending(&self, text: &str) -> Operation {
        let batch = waymark_sync::store::SyncStore::batch(
            &self.waymark.sync_store(),
            1_000,
            1_000_000,
            &waymark_domain::ranges::Ranges::default(),
        );
        let bytes = batch.unwrap().into_iter().map(|op| op.bytes);
        let mut fitting = bytes.filter(|bytes| holds(bytes, text));
        Operation::from_bytes(&fitting.next().expect("such an operation")).unwrap()
    }
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn device(
    server: &Arc<Server<SqliteStorage>>,
    api: &LocalApi<SqliteStorage>,
    clock: &Arc<VirtualClock>,
) -> Waymark {
    let request = InviteRequest {
        user: None,
        name: "Anna".to_owned(),
        role: Role::Rep,
        team: "north".to_owned(),
    };
    let code = server.invite_as_operator(&request).unwrap().code;
    // a connection of its own: gone with the store
    let opened = Store::from_connection(rusqlite::Connection::open_in_memory().unwrap()).unwrap();
    let parts = Parts {
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(next_seed())),
        signer: Arc::new(TestSigner::new(next_seed())),
        app: "test".to_owned(),
    };
    let waymark = Waymark::assemble(opened, parts).unwrap();
    let with = EnrolWith {
        server: "http://localhost".to_owned(),
        code,
        device_name: "phone".to_owned(),
        authority: None,
    };
    block_on(waymark.enrol_over(api, &with)).unwrap();
    waymark
}

pub(crate) fn fail(call: &Call, error: CallError) -> Answered {
    match call {
        Call::Hello { .. } => Answered::Hello(Err(error)),
        Call::Token(_) => Answered::Token(Err(error)),
        Call::Exchange { .. } => Answered::Exchange(Err(error)),
        Call::Snapshot { .. } => Answered::Snapshot(Err(error)),
        Call::Vault { .. } => Answered::Vault(Err(error)),
    }
}

pub(crate) fn api(code: ApiCode) -> CallError {
    CallError::Api(ApiError::new(code, "test"))
}

pub(crate) const HONEST: fn(&Call) -> Option<CallError> = |_| None;
