//! A device that a test plays by hand: it seals what it likes and says what it likes.

use std::sync::Arc;

use uuid::Uuid;
use waymark_domain::ambient::{Clock as _, Entropy as _};
use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, NoteId, OpId};
use waymark_domain::note::Note;
use waymark_domain::op::{BaseRef, Draft, Seal, Sealed};
use waymark_domain::ranges::Ranges;
use waymark_domain::record::Body;
use waymark_domain::time::{Anchors, Hlc, Stamp, place};
use waymark_protocol::api::SyncApi as _;
use waymark_protocol::enrol::{EnrolRequest, Enrolled, TokenRequest};
use waymark_protocol::error::CallError;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::{
    Signer as _, SoftwareSigner, enrol_payload, head_payload, token_payload,
};
use waymark_protocol::receipt::HeadStatement;
use waymark_protocol::request::{ExchangeRequest, RequestHeader};
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::{PROTO, SCHEMA};
use waymark_sync::http::HttpApi;
use waymark_testkit::chance::SeededEntropy;
use waymark_testkit::clock::VirtualClock;

use crate::support::{next_seed, wait};

/// A device in the hands of a test.
pub(crate) struct Phone {
    pub(crate) api: HttpApi,
    pub(crate) me: Enrolled,
    signer: SoftwareSigner,
    clock: Arc<VirtualClock>,
    chance: SeededEntropy,
    n: u64,
    head: Hash,
}

impl Phone {
    pub(crate) fn enrol(url: &str, code: &str, clock: &Arc<VirtualClock>) -> Self {
        let api = HttpApi::new(url, None, clock.clone(), Anchors::default()).unwrap();
        let chance = SeededEntropy::new(next_seed());
        let mut secret = [0; 32];
        chance.fill(&mut secret);
        let signer = SoftwareSigner::from_secret(&secret).unwrap();
        let key = signer.public_key();
        let request = EnrolRequest {
            code: code.to_owned(),
            sig: signer.sign(&enrol_payload(code, &key)).unwrap(),
            key,
            name: "phone".to_owned(),
            app: "by hand".to_owned(),
        };
        let me = wait(api.enrol(&request)).unwrap();
        Self {
            api,
            me,
            signer,
            clock: clock.clone(),
            chance,
            n: 0,
            head: Hash::ZERO,
        }
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.chance.new_id(self.clock.wall_ms())
    }

    pub(crate) fn try_token(&self) -> Result<String, CallError> {
        let challenge = wait(self.api.hello("echo"))?.challenge;
        Ok(wait(self.api.token(&self.token_request(challenge)))?.token)
    }

    pub(crate) fn token_request(&self, challenge: String) -> TokenRequest {
        let payload = token_payload(self.me.tenant, self.me.device, &challenge);
        TokenRequest {
            tenant: self.me.tenant,
            device: self.me.device,
            sig: self.signer.sign(&payload).unwrap(),
            challenge,
        }
    }

    pub(crate) fn token(&self) -> String {
        self.try_token().unwrap()
    }

    pub(crate) fn seal(&mut self, draft: Draft) -> Sealed {
        self.seal_as(draft, |_| ())
    }

    /// The next operation of this device's chain, with whatever the test wants different.
    pub(crate) fn seal_as(&mut self, draft: Draft, change: impl FnOnce(&mut Seal)) -> Sealed {
        self.n += 1;
        let mut seal = Seal {
            op: OpId::from_uuid(self.new_id()),
            n: self.n,
            base: BaseRef::default(),
            deps: Vec::new(),
            group: None,
            t: Stamp::take(self.clock.read(), &Anchors::default(), Hlc::default()),
            prev: self.head,
        };
        change(&mut seal);
        let sealed = draft.seal(seal).unwrap();
        self.head = sealed.sha;
        sealed
    }

    /// A customer of this user's own.
    pub(crate) fn customer(&self, name: &str) -> (CustomerId, Draft) {
        let id = CustomerId::from_uuid(self.new_id());
        let customer = Customer {
            owner: Some(self.me.user),
            ..Customer::named(name)
        };
        (id, Draft::new(id, &customer).unwrap())
    }

    pub(crate) fn note(&self, customer: CustomerId, text: &str) -> (NoteId, Draft) {
        let id = NoteId::from_uuid(self.new_id());
        let note = Note {
            customer,
            visit: None,
            author: self.me.user,
            text: text.to_owned(),
            at: place(self.clock.read(), &Anchors::default()),
            corrects: None,
            extra: Body::new(),
        };
        (id, Draft::new(id, &note).unwrap())
    }

    pub(crate) fn header(&self) -> RequestHeader {
        let payload = head_payload(&HeadStatement {
            tenant: self.me.tenant,
            device: self.me.device,
            n: self.n,
            head: self.head,
        });
        RequestHeader {
            proto: PROTO,
            echo: "chance".to_owned(),
            epoch: None,
            device: self.me.device,
            app: "by hand".to_owned(),
            schema: SCHEMA,
            n_last: self.n,
            unacked: Ranges::default(),
            head: self.head,
            sig: self.signer.sign(&payload).unwrap(),
            receipt: None,
            scopes: vec![],
            scopes_hash: None,
            limit_bytes: 64 * 1024,
        }
    }

    pub(crate) fn request(&self, ops: &[&[u8]]) -> ExchangeRequest {
        ExchangeRequest {
            header: self.header(),
            ops: ops.iter().map(|op| op.to_vec()).collect(),
        }
    }

    pub(crate) fn exchange(
        &self,
        request: &ExchangeRequest,
    ) -> Result<ExchangeResponse, CallError> {
        let token = self.try_token()?;
        wait(self.api.exchange(&token, request))
    }

    /// Pushes over HTTP; gives what became of each.
    pub(crate) fn push(&self, ops: &[&Sealed]) -> Vec<Outcome> {
        let bytes: Vec<&[u8]> = ops.iter().map(|op| op.bytes.as_slice()).collect();
        self.push_bytes(&bytes)
    }

    pub(crate) fn push_bytes(&self, ops: &[&[u8]]) -> Vec<Outcome> {
        let response = self.exchange(&self.request(ops)).unwrap();
        response.outs.into_iter().map(|out| out.outcome).collect()
    }
}
