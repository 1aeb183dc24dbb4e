//! A simulated device: the real client on a database that survives it, with clocks, a network and a life of its own.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use waymark_client::{Parts, Waymark, WaymarkError};
use waymark_store::Store;
use waymark_sync::driver::{World as Drive, round};
use waymark_sync::engine::{Engine, Event, Trigger};
use waymark_testkit::chance::{SeededEntropy, SeededRng};
use waymark_testkit::clock::{MORNING, VirtualClock};
use waymark_testkit::database::{KillSwitch, MemoryDatabase};
use waymark_testkit::executor::poll_once;
use waymark_testkit::host::Host;
use waymark_testkit::signer::TestSigner;
use waymark_testkit::wire::{FaultyApi, Link};

use crate::bugs::{Bug, BuggyApi, BuggyStore, Counts};
use crate::storage::SimStorage;
use crate::template::Made;
use crate::world::{POLL_MS, number};

/// Longest time between two attempts while there is work to send, milliseconds (invariant I15).
const LONGEST_MS: i64 = 5 * 60 * 1000;

/// Longest drift of a device's clock, parts per million.
const DRIFT_PPM: i64 = 50;

type Flight = Pin<Box<dyn Future<Output = Landed>>>;

/// How a round ended.
pub(crate) struct Landed {
    /// Whether it succeeded.
    pub ok: bool,
    /// The engine, when it was driven directly.
    pub engine: Option<Engine>,
    /// When the engine wants to be woken, when it was driven directly.
    pub wake_at: Option<i64>,
}

/// A simulated device.
pub(crate) struct Device {
    /// The device's id.
    pub id: Uuid,
    /// Whose it is, by place.
    pub person: usize,
    /// Its file.
    pub database: MemoryDatabase,
    /// What it dies by.
    pub switch: Arc<KillSwitch>,
    /// Its clocks.
    pub clock: Arc<VirtualClock>,
    /// Its network.
    pub link: Arc<Link>,
    /// The app, while it runs.
    pub mark: Option<Waymark>,
    /// A round of sync under way.
    pub flight: Option<Flight>,
    /// What the engine told.
    pub events: Arc<Mutex<Vec<Event>>>,
    /// When the engine wants to be woken, by the boot-time clock.
    pub wake_at: i64,
    /// Its last count, as the oracle knows it.
    pub last_n: u64,
    /// Positions that the app said it had kept, and those with which it died on the way, which may be kept as well.
    pub positions: (u64, u64),
    /// Pages of disk left when the app starts; absent: enough.
    pub spare_pages: Option<i64>,
    /// How often it has booted.
    pub boots: u32,
    /// The scopes that its user saw when the server answered last.
    pub expected: BTreeSet<String>,
    /// The server's place when it answered last.
    pub head: u64,
    /// Whether the round under way has come to its end.
    pub rested: bool,
    /// The place of the last round that succeeded.
    pub synced: u64,
    direct: bool,
    calls: u64,
    called_at: i64,
    engine: Option<Engine>,
    signer: Arc<TestSigner>,
    number: usize,
    lives: u64,
    ppm: i64,
    drifted: i64,
}

impl Device {
    /// A device that was made once, in its own state of this seed.
    pub(crate) fn new(
        seed: u64,
        number: usize,
        made: &Made,
        direct: bool,
        rng: &mut SeededRng,
    ) -> Self {
        let clock = VirtualClock::at(MORNING + rng.between(-120_000, 120_000));
        if rng.chance(80) {
            clock.shift_wall(rng.between(-10, 10) * 365 * 86_400_000);
        }
        Self {
            id: made.id,
            person: made.person,
            database: made.database.copy(),
            switch: KillSwitch::new(),
            clock,
            link: Link::new(SeededRng::fork(seed, 0x11_0000 + number as u64).any()),
            mark: None,
            flight: None,
            events: Arc::default(),
            wake_at: i64::MIN,
            last_n: 0,
            positions: (0, 0),
            spare_pages: None,
            boots: 0,
            expected: BTreeSet::new(),
            head: 0,
            rested: false,
            synced: u64::MAX,
            direct,
            calls: 0,
            called_at: 0,
            engine: None,
            signer: Arc::clone(&made.signer),
            number,
            lives: 0,
            ppm: rng.between(-DRIFT_PPM, DRIFT_PPM),
            drifted: 0,
        }
    }

    /// Time passes, by the device's own crystal.
    pub(crate) fn advance(&mut self, ms: i64) {
        self.clock.advance(ms);
        self.drifted += ms * self.ppm;
        let whole = self.drifted / 1_000_000;
        self.drifted -= whole * 1_000_000;
        self.clock.advance(whole);
    }

    /// Starts the app.
    pub(crate) fn open(&mut self, seed: u64) -> Result<(), WaymarkError> {
        self.lives += 1;
        self.switch = KillSwitch::new();
        let connection = self.database.address().connect_with(&self.switch);
        if let Some(spare) = self.spare_pages {
            let pages = number(&connection, "PRAGMA page_count") + spare;
            let limited =
                connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
            limited.expect("a limit");
        }
        let life = ((self.number as u64) << 32) | self.lives;
        let chance = SeededRng::fork(seed, 0xd_0000_0000_0000 + life).any();
        let parts = Parts {
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(chance)),
            signer: self.signer.clone(),
            app: "sim".to_owned(),
        };
        self.mark = Some(Waymark::assemble(
            Store::from_connection(connection)?,
            parts,
        )?);
        self.wake_at = i64::MIN;
        self.called_at = self.clock.mono_ms();
        Ok(())
    }

    /// The app is gone, and with it what it had in memory.
    pub(crate) fn close(&mut self) -> Option<Store> {
        self.flight = None;
        self.rested = false;
        self.engine = None;
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let _ = self.link.take_sent();
        self.mark.take()?.into_store()
    }

    /// Whether a timer would wake it now.
    pub(crate) fn is_due(&self) -> bool {
        self.mark.is_some()
            && self.flight.is_none()
            && !self.switch.is_dead()
            && self.clock.mono_ms() >= self.wake_at
    }

    /// How long until its timer wakes it, milliseconds.
    pub(crate) fn due_in(&self) -> i64 {
        self.wake_at.saturating_sub(self.clock.mono_ms()).max(1)
    }

    /// Sets off on a round of sync; whether it did.
    pub(crate) fn fly(
        &mut self,
        host: &Arc<Host<SimStorage>>,
        counts: &Counts,
        bug: Option<Bug>,
        trigger: Trigger,
    ) -> bool {
        if self.flight.is_some() || self.switch.is_dead() {
            return false;
        }
        let Some(mark) = self.mark.clone() else {
            return false;
        };
        let inner = FaultyApi::new(host.clone(), self.link.clone(), self.switch.clone());
        let api = BuggyApi {
            inner,
            bug,
            counts: counts.clone(),
        };
        let events = self.events.clone();
        let watch = move |event: &Event| {
            let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
            events.push(event.clone());
        };
        let waited = self.clock.mono_ms().saturating_add(POLL_MS);
        if !self.direct {
            self.wake_at = waited;
            self.flight = Some(Box::pin(async move {
                let end = mark.sync().run_over(&api, trigger, &watch).await;
                Landed {
                    ok: end.is_ok(),
                    engine: None,
                    wake_at: None,
                }
            }));
            return true;
        }
        let me = mark.me().expect("an identity");
        let mut engine = self.engine.take().unwrap_or_else(|| mark.new_engine(&me));
        let (clock, file) = (self.clock.clone(), self.database.address().clone());
        let life = SeededRng::fork(self.lives, 0xe_0000 + self.number as u64).any();
        let entropy =
            SeededEntropy::new(life ^ u64::from_ne_bytes(self.clock.mono_ms().to_ne_bytes()));
        self.flight = Some(Box::pin(async move {
            let real = mark.sync_store();
            let store = BuggyStore {
                inner: &real,
                bug,
                file: &file,
            };
            let drive = Drive {
                api: &api,
                store: &store,
                clock: &*clock,
                entropy: &entropy,
            };
            let end = round(&mut engine, &drive, trigger, &watch).await;
            Landed {
                ok: end.result.is_ok(),
                engine: Some(engine),
                wake_at: Some(end.wake_at),
            }
        }));
        true
    }

    /// Goes on with the round under way.
    pub(crate) fn poll(&mut self) -> Option<Landed> {
        let landed = poll_once(self.flight.as_mut()?.as_mut())?;
        self.flight = None;
        Some(landed)
    }

    /// Takes note of how the round ended.
    pub(crate) fn land(&mut self, landed: Landed, bug: Option<Bug>) {
        if let Some(engine) = landed.engine {
            self.engine = Some(engine);
        }
        if let Some(wake_at) = landed.wake_at {
            let swallowed = bug == Some(Bug::NoRetryWithoutNewWork) && !landed.ok;
            self.wake_at = if swallowed { i64::MAX } else { wake_at };
        }
    }

    /// Whether no call was made for longer than allowed, although the device was asked whether it is due.
    pub(crate) fn overslept(&mut self) -> bool {
        let now = self.clock.mono_ms();
        let calls = self.link.calls();
        if calls != self.calls {
            self.calls = calls;
            self.called_at = now;
        }
        now - self.called_at > LONGEST_MS
    }

    /// Whether its copy is from the server's present continuity.
    pub(crate) fn rested_in(&self, server: &MemoryDatabase) -> bool {
        let mine: Option<String> = self
            .database
            .look()
            .query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
                row.get(0)
            })
            .ok();
        let theirs: [u8; 16] = server
            .look()
            .query_row("SELECT epoch FROM identity", [], |row| row.get(0))
            .expect("an epoch");
        mine.as_deref() == Some(&format!("\"{}\"", Uuid::from_bytes(theirs)))
    }
}
