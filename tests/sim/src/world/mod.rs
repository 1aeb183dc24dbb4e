//! One simulated company: its server, its devices, its bad days.
//! Over 800 lines because the world is one state, and its turns read best in one place.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError};

use serde_json::{Map, Value};
use waymark_protocol::outcome::Outcome;
use waymark_server::Server;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_sync::engine::{Event, Trigger};
use waymark_testkit::chance::{SeededEntropy, SeededRng};
use waymark_testkit::clock::{MORNING, VirtualClock};
use waymark_testkit::database::{Address, KillSwitch, MemoryDatabase};
use waymark_testkit::host::Host;
use waymark_testkit::wire::{Rates, Sent};

use crate::bugs::{Bug, Counts, puts};
use crate::device::{Device, Landed};
use crate::oracle::{Checked, Logged, Oracle, Violation, broken, scope_of};
use crate::storage::{Poison, SimStorage};
use crate::template::Template;

mod trouble;
mod verdict;

pub(crate) use verdict::number;
use verdict::{check_store, texts, uuid};

/// Longest time between two attempts while there is work to send, milliseconds (invariant I15).
const LONGEST_MS: i64 = 5 * 60 * 1000;

/// How long the world may take to come to rest once nothing goes wrong any more, milliseconds.
const REST_WITHIN_MS: i64 = 60 * 60 * 1000;

/// How often a device without a known wake-up is asked whether it is due, milliseconds.
pub const POLL_MS: i64 = 30_000;

/// Lines of the trace that a failure shows.
const TAIL: usize = 45;

/// How to run a seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The bug to plant.
    pub bug: Option<Bug>,
    /// Print the trace as it grows.
    pub verbose: bool,
    /// Drive every engine at the seam where bugs are planted, and none through the client's own loop.
    pub direct: bool,
    /// Days this many times as long.
    pub longer: u64,
}

/// What a seed did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Hash of everything that happened.
    pub trace: u64,
    /// Operations that devices made.
    pub ops: u64,
    /// Exchanges that the server answered.
    pub exchanges: u64,
    /// How often what was seen.
    pub seen: BTreeMap<String, u64>,
}

/// A seed that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The step.
    pub step: u64,
    /// The promise.
    pub violation: Violation,
    /// What happened last.
    pub tail: Vec<String>,
}

/// What the seed decides once and for all.
#[derive(Debug, Clone, Copy)]
struct Plan {
    steps: u64,
    reps: usize,
    doubles: usize,
    rates: Rates,
    small_pages: bool,
    restores: bool,
    revokes: bool,
    poison: Poison,
}

impl Plan {
    fn of(seed: u64, rng: &mut SeededRng) -> Self {
        let poisoned = SeededRng::fork(seed, 2).chance(100);
        let severity = [0, 8, 25, 60][rng.index(4)];
        Self {
            steps: 60 + rng.below(40),
            reps: [2, 2, 2, 3, 3, 4][rng.index(6)],
            doubles: [0, 0, 1, 1, 2][rng.index(5)],
            rates: Rates {
                slow: [0, 150, 400][rng.index(3)],
                ..Rates::all(severity)
            },
            small_pages: rng.chance(250),
            restores: rng.chance(200),
            revokes: rng.chance(40),
            poison: if poisoned {
                Poison::of(seed)
            } else {
                Poison::default()
            },
        }
    }
}

/// Records by kind and id, each with its revision and its fields.
type Copies = BTreeMap<(String, String), (u64, Map<String, Value>)>;

struct Backup {
    database: MemoryDatabase,
    oracle: Oracle,
}

/// The world of one seed.
pub struct World {
    pub(crate) rng: SeededRng,
    pub(crate) devices: Vec<Device>,
    pub(crate) oracle: Oracle,
    pub(crate) seen: BTreeMap<String, u64>,
    pub(crate) truth_ms: i64,
    seed: u64,
    options: Options,
    plan: Plan,
    host: Arc<Host<SimStorage>>,
    server_clock: Arc<VirtualClock>,
    database: MemoryDatabase,
    backup: Option<Backup>,
    counts: Counts,
    step: u64,
    exchanges: u64,
    hasher: DefaultHasher,
    tail: VecDeque<String>,
}

/// Runs a seed.
///
/// # Errors
/// The first promise that it breaks.
pub fn run(seed: u64, options: Options) -> Result<Report, Box<Failure>> {
    let mut world = World::new(seed, options);
    let lived = world.live();
    match lived {
        Ok(()) => Ok(world.report()),
        Err(violation) => Err(Box::new(Failure {
            seed,
            step: world.step,
            violation,
            tail: world.tail.into_iter().collect(),
        })),
    }
}

fn server_on(
    address: Address,
    clock: Arc<VirtualClock>,
    seed: u64,
    bug: Option<Bug>,
    poison: Poison,
) -> impl Fn(&Arc<KillSwitch>) -> Arc<Server<SimStorage>> + Send + Sync + 'static {
    let starts = std::sync::atomic::AtomicU64::new(0);
    move |switch| {
        let start = starts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let chance = SeededRng::fork(seed, 0x5e5e_0000 + start).any();
        let storage = SqliteStorage::over(address.connect_with(switch)).expect("a database");
        let storage = SimStorage::new(storage, bug, poison);
        let server = Server::new(storage, clock.clone(), Arc::new(SeededEntropy::new(chance)));
        Arc::new(server.expect("a server"))
    }
}

impl World {
    fn new(seed: u64, options: Options) -> Self {
        let mut rng = SeededRng::fork(seed, 1);
        let plan = Plan::of(seed, &mut rng);
        let template = Template::with(plan.reps, plan.doubles);
        let database = template.server.copy();
        let server_clock = VirtualClock::at(MORNING);
        let host = Host::new(server_on(
            database.address().clone(),
            server_clock.clone(),
            seed,
            options.bug,
            plan.poison,
        ));
        let mut world = Self {
            devices: Vec::new(),
            oracle: Oracle::default(),
            seen: BTreeMap::new(),
            truth_ms: 0,
            seed,
            options,
            plan,
            host,
            server_clock,
            database,
            backup: None,
            counts: Counts::default(),
            step: 0,
            exchanges: 0,
            hasher: DefaultHasher::new(),
            tail: VecDeque::new(),
            rng,
        };
        world.oracle.poison = plan.poison;
        world.oracle.people = template.people.clone();
        world.oracle.note_sights();
        for (at, made) in template.devices.iter().enumerate() {
            let direct = options.direct || options.bug.is_some() || world.rng.chance(800);
            let device = Device::new(seed, at, made, direct, &mut world.rng);
            device.link.set_rates(plan.rates);
            device.link.record();
            if plan.small_pages {
                device.link.set_largest_page(4096);
            }
            world.devices.push(device);
            world.open(at).expect("a fresh database opens");
        }
        world
    }

    /// Writes a line of the trace.
    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        let line = line();
        line.hash(&mut self.hasher);
        if self.options.verbose {
            eprint_line(&format!("{:>4} {:>9} {line}", self.step, self.truth_ms));
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail
            .push_back(format!("{:>4} {:>9} {line}", self.step, self.truth_ms));
    }

    /// Notes that something worth covering happened.
    pub(crate) fn saw(&mut self, what: &str) {
        match self.seen.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.seen.insert(what.to_owned(), 1)),
        }
    }

    fn live(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            self.learn_promises(at)?;
        }
        self.read_log()?;
        for step in 0..self.plan.steps * self.options.longer.max(1) {
            self.step = step;
            self.pass_time();
            self.happen()?;
            self.wake_the_due();
            self.poll_all()?;
            if step % 50 == 49 {
                self.check_databases()?;
            }
        }
        self.heal()?;
        self.come_to_rest()?;
        self.check_everything()
    }

    fn pass_time(&mut self) {
        let ms = match self.rng.below(1000) {
            0..940 => self.rng.between(0, 4_000),
            940..990 => self.rng.between(4_000, 60_000),
            _ => self.rng.between(60_000, 900_000),
        };
        self.advance(ms);
    }

    fn advance(&mut self, ms: i64) {
        self.truth_ms += ms;
        self.server_clock.advance(ms);
        for device in &mut self.devices {
            device.advance(ms);
        }
    }

    fn happen(&mut self) -> Checked {
        match self.rng.below(1000) {
            0..620 => {
                // people write more often than their phones find a network
                for _ in 0..=self.rng.below(3) {
                    self.somebody_works()?;
                }
                Ok(())
            }
            620..760 => {
                let triggers = [Trigger::NewWork, Trigger::Opportunity, Trigger::User];
                let trigger = triggers[self.rng.index(3)];
                let at = self.rng.index(self.devices.len());
                self.fly(at, trigger);
                Ok(())
            }
            760..900 => self.device_trouble(),
            900..960 => {
                self.server_trouble();
                Ok(())
            }
            _ => {
                self.office_changes_its_mind();
                Ok(())
            }
        }
    }

    /// Starts what is due by its own timer.
    fn wake_the_due(&mut self) {
        for at in 0..self.devices.len() {
            if self.devices[at].is_due() {
                self.fly(at, Trigger::Timer);
            }
        }
    }

    pub(crate) fn fly(&mut self, at: usize, trigger: Trigger) {
        let (host, counts, bug) = (&self.host, &self.counts, self.options.bug);
        if self.devices[at].fly(host, counts, bug, trigger) {
            self.trace(|| format!("d{at} sets off: {trigger:?}"));
        }
    }

    fn poll_all(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            self.poll(at)?;
        }
        Ok(())
    }

    fn poll(&mut self, at: usize) -> Checked {
        if self.devices[at].flight.is_none() {
            return Ok(());
        }
        let landed = self.devices[at].poll();
        // a round packs the last positions before it sends
        self.learn_promises(at)?;
        self.look_at_the_wire(at)?;
        self.read_log()?;
        self.look_at_events(at)?;
        if let Some(landed) = landed {
            self.land(at, landed)?;
            self.devices[at].rested = false;
        }
        if self.devices[at].switch.is_dead() {
            self.saw("kill mid transaction");
            self.trace(|| format!("d{at} died"));
            self.close(at)?;
        }
        Ok(())
    }

    /// I9: nothing goes over the wire that its reader may not see.
    fn look_at_the_wire(&mut self, at: usize) -> Checked {
        let sent = self.devices[at].link.take_sent();
        let person = self.devices[at].person;
        let allowed = self.oracle.scopes(&self.oracle.people[person].user);
        for sent in sent {
            let rows = match &sent {
                Sent::Exchange(response) => {
                    self.exchanges += 1;
                    self.devices[at].expected = allowed.clone();
                    self.devices[at].head = response.end.seq;
                    let (ops, changes) = (response.outs.len(), response.changes.len());
                    let more = response.end.more;
                    if more {
                        self.saw("page more");
                    }
                    if response
                        .outs
                        .iter()
                        .any(|out| matches!(out.outcome, Outcome::Deferred { .. }))
                    {
                        self.saw("deferred");
                    }
                    if response
                        .outs
                        .iter()
                        .any(|out| matches!(out.outcome, Outcome::Retry { .. }))
                    {
                        self.saw("retry");
                    }
                    let (seq, snapshots) = (response.end.seq, response.end.snapshots.len());
                    self.trace(|| {
                        format!("d{at} <- {ops} outcomes, {changes} changes, seq {seq}, more {more}, snapshots {snapshots}")
                    });
                    puts(response)
                }
                Sent::Snapshot(page) => {
                    self.saw("snapshot");
                    page.puts.iter().collect()
                }
                Sent::Nothing(ops, error) => {
                    self.trace(|| format!("d{at} call with {ops} operations: {error}"));
                    continue;
                }
            };
            for put in rows {
                let scope = put.scope.as_str();
                let home = scope_of(put.kind.as_str(), &put.body);
                if !allowed.contains(scope) || home != scope {
                    let (kind, id) = (&put.kind, put.id);
                    return broken(
                        "unauthorised_row",
                        format!("d{at} was sent {kind} {id} of {home} as of {scope}"),
                    );
                }
            }
        }
        Ok(())
    }

    fn look_at_events(&mut self, at: usize) -> Checked {
        let events = {
            let mut events = self.devices[at]
                .events
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *events)
        };
        for event in events {
            match event {
                Event::Repairing(scope) => {
                    return broken(
                        "repaired",
                        format!("d{at} differed in {scope} and had to fetch it anew"),
                    );
                }
                Event::ReceiptIgnored => {
                    return broken("receipt", format!("d{at} was given a wrong receipt"));
                }
                Event::EpochChanged(again) => {
                    self.saw("epoch taken");
                    if again > 0 {
                        self.saw("requeued");
                    }
                    self.trace(|| format!("d{at} sends {again} again"));
                }
                Event::Failed { why, retry_ms } => {
                    if retry_ms > LONGEST_MS {
                        return broken("liveness", format!("d{at} waits {retry_ms}"));
                    }
                    self.trace(|| format!("d{at} fails: {why}; again in {retry_ms}"));
                    if why.to_string().contains("full") {
                        self.saw("disk full");
                    }
                }
                Event::Rested(progress) => {
                    self.devices[at].rested = true;
                    self.trace(|| format!("d{at} rests: {progress:?}"));
                }
                Event::Attention(_) => self.saw("attention"),
                Event::Progress(_) | Event::UpgradeNeeded => {}
            }
        }
        Ok(())
    }

    fn land(&mut self, at: usize, landed: Landed) -> Checked {
        // a timer that was early ends well, too, and says nothing
        let ok = landed.ok && self.devices[at].rested;
        let wake_at = landed.wake_at;
        self.devices[at].land(landed, self.options.bug);
        if self.devices[at].switch.is_dead() {
            return Ok(());
        }
        let status = self.check_ledger(at)?;
        let device = &self.devices[at];
        if let Some(wake_at) = wake_at.map(|_| device.wake_at) {
            let wait = wake_at.saturating_sub(device.clock.mono_ms());
            if status.pending > 0 && wait > LONGEST_MS {
                return broken(
                    "liveness",
                    format!("d{at} has {} to send and sleeps for {wait}", status.pending),
                );
            }
        }
        if wake_at.is_none() && self.devices[at].overslept() && status.pending > 0 {
            return broken(
                "liveness",
                format!(
                    "d{at} has {} to send and made no call for five minutes",
                    status.pending
                ),
            );
        }
        if ok {
            self.check_scopes(at)?;
            self.devices[at].synced = self.devices[at].head;
        }
        Ok(())
    }

    /// The account balances, and it is the oracle's.
    pub(crate) fn check_ledger(&self, at: usize) -> Checked<waymark_client::StatusView> {
        let device = &self.devices[at];
        let mark = device.mark.as_ref().expect("a running app");
        let status = mark.status().expect("status");
        if !status.balanced || status.lost > 0 {
            return broken("ledger", format!("d{at}: {status:?}"));
        }
        if status.created != device.last_n {
            return broken(
                "ledger",
                format!("d{at} made {} and counts {status:?}", device.last_n),
            );
        }
        Ok(status)
    }

    /// After an exchange a device holds what its user may see, and nothing else.
    fn check_scopes(&mut self, at: usize) -> Checked {
        let device = &self.devices[at];
        let held = texts(device.database.look(), "SELECT scope FROM scope_state");
        if held != device.expected {
            let (expected, user) = (&device.expected, device.person);
            return broken(
                "scopes",
                format!("d{at} of person {user} holds {held:?} and may see {expected:?}"),
            );
        }
        let rows = texts(
            device.database.look(),
            "SELECT DISTINCT scope FROM base_scope",
        );
        let stray: i64 = number(
            device.database.look(),
            "SELECT count(*) FROM base b WHERE NOT EXISTS (SELECT 1 FROM base_scope s WHERE s.kind = b.kind AND s.id = b.id)",
        );
        if !rows.is_subset(&device.expected) || stray > 0 {
            return broken(
                "visible",
                format!("d{at} keeps rows of {rows:?}, {stray} of no scope"),
            );
        }
        Ok(())
    }

    /// Takes what arrived at the server since.
    pub(crate) fn read_log(&mut self) -> Checked {
        let mut rows = Vec::new();
        {
            let look = self.database.look();
            let mut statement = look
                .prepare_cached("SELECT arrival, op, user, outcome, bytes FROM op WHERE arrival > ?1 ORDER BY arrival")
                .expect("the log");
            let mut found = statement.query([self.oracle.arrival]).expect("the log");
            while let Some(row) = found.next().expect("the log") {
                let outcome: String = row.get(3).expect("outcome");
                let arrival: i64 = row.get(0).expect("arrival");
                rows.push((
                    arrival,
                    Logged {
                        op: uuid(row.get(1).expect("op")),
                        user: uuid(row.get(2).expect("user")),
                        outcome: serde_json::from_str(&outcome).unwrap_or_default(),
                        bytes: row.get(4).expect("bytes"),
                    },
                ));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        for (arrival, row) in rows {
            let (op, is) = (row.op.clone(), row.outcome.to_string());
            self.trace(|| format!("server {op}: {is}"));
            self.oracle.arrival = arrival;
            self.oracle.take(row)?;
        }
        let look = self.database.look();
        let head = number(look, "SELECT seq FROM feed");
        let (count, distinct, last) = look
            .query_row(
                "SELECT count(*), count(DISTINCT seq), coalesce(max(seq), 0) FROM history",
                [],
                |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get::<_, i64>(1)?,
                        row.get::<_, i64>(2)?,
                    ))
                },
            )
            .expect("the feed");
        if (count, distinct, last) != (head, head, head) {
            return broken(
                "feed",
                format!("head {head}, {count} entries, {distinct} places, last {last}"),
            );
        }
        Ok(())
    }

    /// Learns what the device has promised since.
    pub(crate) fn learn_promises(&mut self, at: usize) -> Checked<Vec<Value>> {
        let device = &self.devices[at];
        let mut found = Vec::new();
        {
            let mut statement = device
                .database
                .look()
                .prepare_cached(
                    "SELECT n, op_id, bytes FROM outbox WHERE n > ?1 UNION ALL SELECT n, op_id, bytes FROM history WHERE n > ?1 ORDER BY 1",
                )
                .expect("the outbox");
            let last = i64::try_from(device.last_n).unwrap_or(i64::MAX);
            let mut rows = statement.query([last]).expect("the outbox");
            while let Some(row) = rows.next().expect("the outbox") {
                let n: i64 = row.get(0).expect("n");
                let bytes: Vec<u8> = row.get(2).expect("bytes");
                found.push((n, uuid(row.get(1).expect("op")), bytes));
            }
        }
        let mut ops = Vec::new();
        for (n, op, bytes) in found {
            let device = &mut self.devices[at];
            device.last_n += 1;
            let n = u64::try_from(n).unwrap_or(0);
            if n != device.last_n {
                return broken(
                    "dense",
                    format!("d{at} counts {n} after {}", device.last_n - 1),
                );
            }
            let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if !body["group"].is_null() {
                self.saw("group");
            }
            self.trace(|| {
                format!(
                    "d{at} made {n}: {} {} {} {op}",
                    body["act"], body["kind"], body["rec"]
                )
            });
            ops.push(body);
            let promise = crate::oracle::Promise {
                device: at,
                n,
                bytes,
            };
            if self.oracle.promises.insert(op.clone(), promise).is_some() {
                return broken("dense", format!("d{at} made {op} twice"));
            }
        }
        Ok(ops)
    }

    /// Starts the app of a device.
    pub(crate) fn open(&mut self, at: usize) -> Checked {
        if self.devices[at].mark.is_some() {
            return Ok(());
        }
        match self.devices[at].open(self.seed) {
            Ok(()) => {
                self.trace(|| format!("d{at} opens"));
                Ok(())
            }
            Err(error) if self.devices[at].spare_pages.is_some() => {
                self.trace(|| format!("d{at} does not open: {error:?}"));
                Ok(())
            }
            Err(error) => broken("opens", format!("d{at}: {error:?}")),
        }
    }

    /// The app of a device is gone. What it had in memory is lost; its file is checked.
    pub(crate) fn close(&mut self, at: usize) -> Checked {
        let dead = self.devices[at].switch.is_dead();
        let Some(store) = self.devices[at].close() else {
            return Ok(());
        };
        if !dead && self.rng.chance(100) {
            check_store(at, &store)?;
        }
        Ok(())
    }

    fn check_databases(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            if self.devices[at].flight.is_none() && self.devices[at].mark.is_some() {
                let dead = self.devices[at].switch.is_dead();
                let full = self.devices[at].spare_pages.is_some();
                if dead || full || !self.rng.chance(300) {
                    continue;
                }
                if let Some(store) = self.devices[at].close() {
                    check_store(at, &store)?;
                }
                self.open(at)?;
            }
        }
        Ok(())
    }

    /// Nothing goes wrong from now on.
    fn heal(&mut self) -> Checked {
        self.step += 1;
        self.trace(|| "heal".to_owned());
        if self.host.reach().is_err() {
            self.host.restart();
        }
        if let Some(switch) = self.host.switch() {
            switch.disarm();
        }
        for at in 0..self.devices.len() {
            self.devices[at].link.set_rates(Rates::default());
            self.devices[at].link.set_up(true);
            self.devices[at].switch.disarm();
            if self.devices[at].spare_pages.is_some() || self.devices[at].switch.is_dead() {
                self.close(at)?;
                self.devices[at].spare_pages = None;
            }
            self.open(at)?;
            self.end_session(at)?;
        }
        Ok(())
    }

    /// Timers alone bring everything home.
    fn come_to_rest(&mut self) -> Checked {
        let deadline = self.truth_ms + REST_WITHIN_MS;
        loop {
            for _ in 0..10_000 {
                self.poll_all()?;
                if self.devices.iter().all(|device| device.flight.is_none()) {
                    break;
                }
            }
            let late: Vec<usize> = (0..self.devices.len())
                .filter(|&at| !self.is_home(at))
                .collect();
            if late.is_empty() {
                return Ok(());
            }
            if self.truth_ms > deadline {
                let device = &self.devices[late[0]];
                let left = number(device.database.look(), "SELECT count(*) FROM outbox");
                let (head, synced) = (self.head(), device.synced);
                return broken(
                    "stuck",
                    format!("{late:?} are not home; {left} to send, synced {synced} of {head}"),
                );
            }
            let wait = self.devices.iter().map(Device::due_in).min();
            self.advance(wait.unwrap_or(1).clamp(1, LONGEST_MS));
            self.wake_the_due();
        }
    }

    fn head(&self) -> u64 {
        u64::try_from(number(self.database.look(), "SELECT seq FROM feed")).unwrap_or(0)
    }

    fn is_home(&self, at: usize) -> bool {
        let device = &self.devices[at];
        if self.oracle.revoked.contains(&at) {
            return true;
        }
        let person = &self.oracle.people[device.person].user;
        device.synced == self.head()
            && device.expected == self.oracle.scopes(person)
            && number(device.database.look(), "SELECT count(*) FROM outbox") == 0
            && device.rested_in(&self.database)
    }

    fn report(&mut self) -> Report {
        for (outcome, count) in std::mem::take(&mut self.oracle.outcomes) {
            *self.seen.entry(outcome).or_default() += count;
        }
        for device in &self.devices {
            for (fault, count) in device.link.faults() {
                *self.seen.entry(format!("fault {fault:?}")).or_default() += count;
            }
        }
        let mut hasher = self.hasher.clone();
        for row in self.oracle.log.values() {
            row.bytes.hash(&mut hasher);
            row.outcome.to_string().hash(&mut hasher);
        }
        Report {
            trace: hasher.finish(),
            ops: self.oracle.promises.len() as u64,
            exchanges: self.exchanges,
            seen: std::mem::take(&mut self.seen),
        }
    }
}

#[expect(clippy::print_stderr, reason = "a trace is for whoever watches")]
fn eprint_line(line: &str) {
    eprintln!("{line}");
}
