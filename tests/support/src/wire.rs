//! The network between a device and the server in process: it loses, repeats and cuts bytes, on a seeded plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waymark_protocol::api::{Answer, SyncApi};
use waymark_protocol::enrol::{EnrolRequest, Enrolled, Hello, Token, TokenRequest};
use waymark_protocol::error::CallError;
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::request::ExchangeRequest;
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};
use waymark_server::Server;
use waymark_server::storage::Storage;

use crate::chance::SeededRng;
use crate::database::KillSwitch;
use crate::executor::Pause;
use crate::host::Host;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The request never arrives.
    LostRequest,
    /// Only the beginning of the request arrives.
    CutRequest,
    /// The request arrives twice.
    Duplicate,
    /// The request arrives after the one that follows it.
    Late,
    /// The answer never arrives.
    LostAnswer,
    /// Only the beginning of the answer arrives.
    CutAnswer,
    /// Somebody else answers.
    Portal,
    /// The server dies while the request arrives.
    ServerKilled,
}

/// How often each goes wrong, in a thousand calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// [`Fault::LostRequest`].
    pub lost_request: u64,
    /// [`Fault::CutRequest`].
    pub cut_request: u64,
    /// [`Fault::Duplicate`].
    pub duplicate: u64,
    /// [`Fault::Late`].
    pub late: u64,
    /// [`Fault::LostAnswer`].
    pub lost_answer: u64,
    /// [`Fault::CutAnswer`].
    pub cut_answer: u64,
    /// [`Fault::Portal`].
    pub portal: u64,
    /// [`Fault::ServerKilled`].
    pub server_killed: u64,
    /// A call takes its time: others go first.
    pub slow: u64,
}

impl Rates {
    /// Every fault in `per_mille` of the calls, kills of the server in a tenth of that.
    #[must_use]
    pub const fn all(per_mille: u64) -> Self {
        Self {
            lost_request: per_mille,
            cut_request: per_mille,
            duplicate: per_mille,
            late: per_mille,
            lost_answer: per_mille,
            cut_answer: per_mille,
            portal: per_mille,
            server_killed: per_mille / 10,
            slow: 0,
        }
    }

    fn draw(&self, rng: &mut SeededRng) -> Option<Fault> {
        let mut at = rng.below(1000);
        let faults = [
            (self.lost_request, Fault::LostRequest),
            (self.cut_request, Fault::CutRequest),
            (self.duplicate, Fault::Duplicate),
            (self.late, Fault::Late),
            (self.lost_answer, Fault::LostAnswer),
            (self.cut_answer, Fault::CutAnswer),
            (self.portal, Fault::Portal),
            (self.server_killed, Fault::ServerKilled),
        ];
        faults.into_iter().find_map(|(rate, fault)| {
            if at < rate {
                return Some(fault);
            }
            at -= rate;
            None
        })
    }
}

/// What the server put on the wire, whether or not it arrived.
#[derive(Debug)]
pub enum Sent {
    /// An answer to an exchange.
    Exchange(Box<ExchangeResponse>),
    /// A page of a snapshot.
    Snapshot(SnapshotPage),
    /// A call of so many operations that brought no answer, and why as far as the network knows.
    Nothing(usize, CallError),
}

/// One device's way to the server.
#[derive(Debug)]
pub struct Link(Mutex<State>);

#[derive(Debug)]
struct State {
    rng: SeededRng,
    rates: Rates,
    up: bool,
    largest_page: u32,
    calls: u64,
    counts: BTreeMap<Fault, u64>,
    /// A request that is still on its way, with its token.
    late: Option<(String, Vec<u8>)>,
    sent: Option<Vec<Sent>>,
}

impl Link {
    /// A link without faults, whose later ones come from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            rng: SeededRng::new(seed),
            rates: Rates::default(),
            up: true,
            largest_page: u32::MAX,
            calls: 0,
            counts: BTreeMap::new(),
            late: None,
            sent: None,
        })))
    }

    /// How often what goes wrong from now on.
    pub fn set_rates(&self, rates: Rates) {
        self.lock().rates = rates;
    }

    /// Whether there is a network.
    pub fn set_up(&self, up: bool) {
        self.lock().up = up;
    }

    /// Whether there is a network.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.lock().up
    }

    /// Lets no device ask for more than `bytes` a page, so that there is more than one.
    pub fn set_largest_page(&self, bytes: u32) {
        self.lock().largest_page = bytes;
    }

    /// Keeps what the server sends, for [`Link::take_sent`].
    pub fn record(&self) {
        self.lock().sent.get_or_insert_default();
    }

    /// What the server has sent since the last time.
    #[must_use]
    pub fn take_sent(&self) -> Vec<Sent> {
        self.lock()
            .sent
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Calls that the device has tried to make.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// What went wrong so far.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of the next call: its fault, and whether it is slow before and after the server.
    fn begin(&self, exchange: bool) -> Plan {
        let mut state = self.lock();
        state.calls += 1;
        let rates = state.rates;
        let mut fault = rates.draw(&mut state.rng);
        if !exchange {
            // what is one packet is not cut, and only exchanges are worth the death of a server
            fault = match fault {
                Some(Fault::CutRequest | Fault::ServerKilled | Fault::Late) => {
                    Some(Fault::LostRequest)
                }
                Some(Fault::CutAnswer) => Some(Fault::LostAnswer),
                other => other,
            };
        }
        Plan {
            fault,
            slow: (state.rng.chance(rates.slow), state.rng.chance(rates.slow)),
            largest_page: state.largest_page,
        }
    }

    fn count(&self, fault: Fault) {
        *self.lock().counts.entry(fault).or_default() += 1;
    }

    fn below(&self, end: usize) -> usize {
        self.lock().rng.index(end)
    }

    fn keep(&self, sent: impl FnOnce() -> Option<Sent>) {
        let mut state = self.lock();
        if let Some(kept) = &mut state.sent {
            kept.extend(sent());
        }
    }
}

struct Plan {
    fault: Option<Fault>,
    slow: (bool, bool),
    largest_page: u32,
}

/// The server in process, behind a [`Link`]. Requests and answers travel as the bytes that a socket would carry.
pub struct FaultyApi<S: Storage> {
    host: Arc<Host<S>>,
    link: Arc<Link>,
    caller: Arc<KillSwitch>,
}

impl<S: Storage> std::fmt::Debug for FaultyApi<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyApi").finish_non_exhaustive()
    }
}

impl<S: Storage> FaultyApi<S> {
    /// The way of one device to the server at `host`. A dead `caller` calls nobody.
    pub const fn new(host: Arc<Host<S>>, link: Arc<Link>, caller: Arc<KillSwitch>) -> Self {
        Self { host, link, caller }
    }

    /// A call whose request and answer are one packet each.
    async fn packet<T>(&self, call: impl Fn(&Server<S>) -> Answer<T> + Send) -> Answer<T> {
        let plan = self.link.begin(false);
        Pause::when(plan.slow.0).await;
        let server = self.reach()?;
        let answer = self.deliver_packet(&plan, &server, call);
        drop(server);
        self.note(0, &answer);
        self.survived()?;
        Pause::when(plan.slow.1).await;
        self.arrive()?;
        answer
    }

    fn deliver_packet<T>(
        &self,
        plan: &Plan,
        server: &Server<S>,
        call: impl Fn(&Server<S>) -> Answer<T>,
    ) -> Answer<T> {
        if let Some(fault) = plan.fault {
            self.link.count(fault);
        }
        match plan.fault {
            Some(Fault::LostRequest) => Err(CallError::Unreachable),
            Some(Fault::Portal) => Err(CallError::NotWaymark),
            Some(Fault::LostAnswer) => {
                drop(call(server));
                Err(CallError::Silent)
            }
            Some(Fault::Duplicate) => {
                let (first, second) = (call(server), call(server));
                if self.link.below(2) == 0 {
                    first
                } else {
                    second
                }
            }
            _ => call(server),
        }
    }

    fn reach(&self) -> Answer<Arc<Server<S>>> {
        if self.caller.is_dead() || !self.link.is_up() {
            return Err(CallError::Unreachable);
        }
        self.host.reach()
    }

    /// Whether the answer finds anybody.
    fn arrive(&self) -> Answer<()> {
        if self.caller.is_dead() || !self.link.is_up() {
            return Err(CallError::Silent);
        }
        Ok(())
    }

    fn note<T>(&self, ops: usize, answer: &Answer<T>) {
        if let Err(error) = answer {
            self.link.keep(|| Some(Sent::Nothing(ops, error.clone())));
        }
    }

    /// Whether the server lived to say it.
    fn survived(&self) -> Answer<()> {
        self.host.reach().map(drop).map_err(|_| CallError::Cut)
    }

    fn exchange_now(&self, plan: &Plan, token: &str, bytes: &[u8], echo: &str) -> Answer<Vec<u8>> {
        let server = self.reach()?;
        if let Some(fault) = plan.fault {
            self.link.count(fault);
        }
        match plan.fault {
            Some(Fault::LostRequest) => return Err(CallError::Unreachable),
            Some(Fault::Portal) => return Err(CallError::NotWaymark),
            Some(Fault::Late) => {
                self.link.lock().late = Some((token.to_owned(), bytes.to_vec()));
                return Err(CallError::Silent);
            }
            Some(fault @ (Fault::CutRequest | Fault::ServerKilled)) => {
                let mut session = server.begin_exchange(token)?;
                let arrives = self.link.below(bytes.len() + 1);
                let fed = self.feed(&mut session, &bytes[..arrives]);
                drop(session);
                drop(server);
                if fault == Fault::ServerKilled {
                    self.host.restart();
                }
                return fed.and(Err(CallError::Cut));
            }
            Some(Fault::Duplicate) => {
                drop(self.exchange_whole(&server, token, bytes, echo));
            }
            _ => {}
        }
        let answer = self.exchange_whole(&server, token, bytes, echo)?;
        let late = self.link.lock().late.take();
        if let Some((token, bytes)) = late {
            // nobody waits for its answer any more
            let arrived = server.begin_exchange(&token);
            drop(arrived.map(|mut session| self.feed(&mut session, &bytes)));
            self.survived()?;
        }
        Ok(match plan.fault {
            Some(Fault::LostAnswer) => return Err(CallError::Silent),
            Some(Fault::CutAnswer) => answer[..self.link.below(answer.len())].to_vec(),
            _ => answer,
        })
    }

    fn exchange_whole(
        &self,
        server: &Arc<Server<S>>,
        token: &str,
        bytes: &[u8],
        echo: &str,
    ) -> Answer<Vec<u8>> {
        let mut session = server.begin_exchange(token)?;
        self.feed(&mut session, bytes)?;
        let answer = session.finish()?;
        self.survived()?;
        self.link.keep(|| {
            ExchangeResponse::from_bytes(&answer, echo)
                .ok()
                .map(|response| Sent::Exchange(Box::new(response)))
        });
        Ok(answer)
    }

    /// Packets of any size.
    fn feed(&self, session: &mut waymark_server::Session<S>, mut bytes: &[u8]) -> Answer<()> {
        while !bytes.is_empty() {
            let size = (1 + self.link.below(4096)).min(bytes.len());
            let (packet, rest) = bytes.split_at(size);
            session.feed(packet)?;
            bytes = rest;
        }
        Ok(())
    }
}

impl<S: Storage> SyncApi for FaultyApi<S> {
    async fn hello(&self, echo: &str) -> Answer<Hello> {
        self.packet(|server| Ok(server.hello(echo)?)).await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Answer<Enrolled> {
        self.packet(|server| Ok(server.enrol(request)?)).await
    }

    async fn token(&self, request: &TokenRequest) -> Answer<Token> {
        self.packet(|server| Ok(server.token(request)?)).await
    }

    async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Answer<ExchangeResponse> {
        let plan = self.link.begin(true);
        Pause::when(plan.slow.0).await;
        let mut request = request.clone();
        request.header.limit_bytes = request.header.limit_bytes.min(plan.largest_page);
        let echo = &request.header.echo;
        let answer = self.exchange_now(&plan, token, &request.to_bytes()?, echo);
        self.note(request.ops.len(), &answer);
        Pause::when(plan.slow.1).await;
        self.arrive()?;
        ExchangeResponse::from_bytes(&answer?, echo)
    }

    async fn snapshot(&self, token: &str, request: &SnapshotRequest) -> Answer<SnapshotPage> {
        let mut request = request.clone();
        request.limit_bytes = request.limit_bytes.min(self.link.lock().largest_page);
        self.packet(|server| {
            let bytes = server.snapshot(token, &request)?;
            let page: SnapshotPage = serde_json::from_slice(&bytes)
                .map_err(|error| CallError::Malformed(error.to_string()))?;
            self.link.keep(|| Some(Sent::Snapshot(page.clone())));
            Ok(page)
        })
        .await
    }

    async fn outcomes(&self, token: &str, request: &OutcomesRequest) -> Answer<OutcomesResponse> {
        self.packet(|server| Ok(server.outcomes(token, request)?))
            .await
    }

    async fn vault(&self, token: &str, request: &VaultRequest) -> Answer<Vaulted> {
        self.packet(|server| Ok(server.vault(token, request)?))
            .await
    }
}
