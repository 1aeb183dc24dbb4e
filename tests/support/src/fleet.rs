//! A company in a few lines: a server, named people, and a real client for each of them.
//!
//! ```
//! use waymark_testkit::fleet::Fleet;
//!
//! let fleet = Fleet::new().admin("ada").manager("mia").rep("anna").rep("boris");
//! let kiosk = fleet.customer("Kiosk").owned_by("anna");
//!
//! // Anna works without a network, and her phone dies in the middle
//! fleet.link("anna").set_up(false);
//! fleet.device("anna").visits().start_unplanned(kiosk).unwrap();
//! fleet.restart("anna");
//! assert_eq!(fleet.device("anna").status().unwrap().pending, 2);
//!
//! // the network is back
//! fleet.link("anna").set_up(true);
//! fleet.sync("anna").unwrap();
//! fleet.sync("mia").unwrap();
//! assert_eq!(fleet.device("mia").customers().view(kiosk).unwrap().visits.len(), 1);
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waymark_client::{EnrolWith, NewCustomerRequest, Parts, SyncReport, Waymark, WaymarkError};
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::record::Role;
use waymark_protocol::enrol::InviteRequest;
use waymark_server::Server;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_store::Store;
use waymark_sync::engine::{Event, Trigger};

use crate::chance::SeededEntropy;
use crate::clock::{MORNING, VirtualClock};
use crate::database::{KillSwitch, MemoryDatabase};
use crate::executor::block_on;
use crate::host::Host;
use crate::signer::TestSigner;
use crate::wire::{FaultyApi, Link};

/// The team that people join unless told otherwise.
const TEAM: &str = "north";

/// A company: its server, its people, and their devices, which are named after them.
///
/// Every device has a chance of its own, so that ids never meet by accident and code that mixes two of them up fails.
pub struct Fleet {
    place: Place,
    clock: Arc<VirtualClock>,
    host: Arc<Host<SqliteStorage>>,
    people: BTreeMap<String, Person>,
    devices: BTreeMap<String, Slot>,
    team: String,
    lives: AtomicU64,
}

/// Where the databases are.
enum Place {
    /// In memory; the server's is kept here.
    Memory { _server: MemoryDatabase },
    /// In a folder.
    Folder(PathBuf),
}

struct Person {
    user: UserId,
    role: Role,
}

struct Slot {
    home: Home,
    clock: Arc<VirtualClock>,
    link: Arc<Link>,
    signer: Arc<TestSigner>,
    number: u64,
    app: Mutex<Option<App>>,
}

enum Home {
    Memory(MemoryDatabase),
    File(PathBuf),
}

struct App {
    mark: Waymark,
    switch: Arc<KillSwitch>,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("devices", &self.devices.keys())
            .finish_non_exhaustive()
    }
}

impl Default for Fleet {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    /// A company without people, all in memory.
    #[must_use]
    pub fn new() -> Self {
        let database = MemoryDatabase::new();
        let address = database.address().clone();
        let start = move |switch: &Arc<KillSwitch>| {
            SqliteStorage::over(address.connect_with(switch)).expect("the server's database")
        };
        Self::build(Place::Memory { _server: database }, start)
    }

    /// A company without people, whose databases are files in `folder`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join("server.db");
        let start =
            move |_: &Arc<KillSwitch>| SqliteStorage::open(&path).expect("the server's database");
        Self::build(Place::Folder(folder.to_owned()), start)
    }

    fn build(
        place: Place,
        storage: impl Fn(&Arc<KillSwitch>) -> SqliteStorage + Send + Sync + 'static,
    ) -> Self {
        let clock = VirtualClock::at(MORNING);
        let (server_clock, starts) = (clock.clone(), AtomicU64::new(0));
        let host = Host::new(move |switch| {
            let start = starts.fetch_add(1, Ordering::Relaxed);
            let entropy = Arc::new(SeededEntropy::new(0x5e5e_0000 + start));
            let server = Server::new(storage(switch), server_clock.clone(), entropy);
            Arc::new(server.expect("the server"))
        });
        Self {
            place,
            clock,
            host,
            people: BTreeMap::new(),
            devices: BTreeMap::new(),
            team: TEAM.to_owned(),
            lives: AtomicU64::new(0),
        }
    }

    /// The people who follow join this team.
    #[must_use]
    pub fn team(mut self, team: &str) -> Self {
        team.clone_into(&mut self.team);
        self
    }

    /// Hires an admin, with an enrolled device.
    #[must_use]
    pub fn admin(self, name: &str) -> Self {
        self.hire(name, Role::Admin)
    }

    /// Hires a manager, with an enrolled device.
    #[must_use]
    pub fn manager(self, name: &str) -> Self {
        self.hire(name, Role::Manager)
    }

    /// Hires a rep, with an enrolled device.
    #[must_use]
    pub fn rep(self, name: &str) -> Self {
        self.hire(name, Role::Rep)
    }

    /// Gives somebody one more device, by the name of `device`.
    #[must_use]
    pub fn more(mut self, name: &str, device: &str) -> Self {
        let person = &self.people[name];
        let request = InviteRequest {
            user: Some(person.user),
            name: name.to_owned(),
            role: person.role,
            team: String::new(),
        };
        self.enrol(device, &request);
        self
    }

    fn hire(mut self, name: &str, role: Role) -> Self {
        assert!(!self.people.contains_key(name), "{name} works here already");
        let request = InviteRequest {
            user: None,
            name: name.to_owned(),
            role,
            team: self.team.clone(),
        };
        let user = self.enrol(name, &request);
        self.people.insert(name.to_owned(), Person { user, role });
        self
    }

    fn enrol(&mut self, device: &str, request: &InviteRequest) -> UserId {
        let invited = self.server().invite_as_operator(request);
        let code = invited.expect("an invitation").code;
        let number = self.devices.len() as u64 + 1;
        let home = match &self.place {
            Place::Memory { .. } => Home::Memory(MemoryDatabase::new()),
            Place::Folder(folder) => Home::File(folder.join(format!("{device}.db"))),
        };
        let slot = Slot {
            home,
            // no two phones show the same time, and none the server's
            clock: VirtualClock::at(self.clock.wall_ms() + 700 * i64::try_from(number).unwrap()),
            link: Link::new(0x11_0000 + number),
            signer: Arc::new(TestSigner::new(number)),
            number,
            app: Mutex::new(None),
        };
        self.devices.insert(device.to_owned(), slot);
        self.open(device);
        let with = EnrolWith {
            server: "https://fleet.invalid".to_owned(),
            code,
            device_name: format!("{device}'s phone"),
            authority: None,
        };
        let (mark, api) = (self.device(device), self.api(device));
        let me = block_on(mark.enrol_over(&api, &with)).expect("enrolled");
        self.sync(device).expect("the first sync");
        me.user
    }

    fn slot(&self, device: &str) -> &Slot {
        let slot = self.devices.get(device);
        slot.unwrap_or_else(|| panic!("nobody has a device {device:?}"))
    }

    fn open(&self, device: &str) {
        let slot = self.slot(device);
        let switch = KillSwitch::new();
        let opened = match &slot.home {
            Home::Memory(database) => {
                Store::from_connection(database.address().connect_with(&switch))
            }
            Home::File(path) => Store::open(path),
        };
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        let parts = Parts {
            clock: slot.clock.clone(),
            entropy: Arc::new(SeededEntropy::new((slot.number << 32) | life)),
            signer: slot.signer.clone(),
            app: "fleet".to_owned(),
        };
        let mark = Waymark::assemble(opened.expect("a database"), parts).expect("a client");
        *lock(&slot.app) = Some(App { mark, switch });
    }

    /// The client on a device: the first device of a person has the person's name.
    ///
    /// # Panics
    /// When nobody has such a device, as with every function here that takes a name.
    #[must_use]
    pub fn device(&self, device: &str) -> Waymark {
        let app = lock(&self.slot(device).app);
        app.as_ref().expect("a running app").mark.clone()
    }

    /// A person's id.
    ///
    /// # Panics
    /// When nobody has the name.
    #[must_use]
    pub fn user(&self, name: &str) -> UserId {
        self.people[name].user
    }

    /// A device's clocks.
    #[must_use]
    pub fn clock(&self, device: &str) -> Arc<VirtualClock> {
        self.slot(device).clock.clone()
    }

    /// A device's network.
    #[must_use]
    pub fn link(&self, device: &str) -> Arc<Link> {
        self.slot(device).link.clone()
    }

    /// What a device's app dies by, when its database is in memory.
    #[must_use]
    pub fn switch(&self, device: &str) -> Arc<KillSwitch> {
        let app = lock(&self.slot(device).app);
        app.as_ref().expect("a running app").switch.clone()
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> Arc<Server<SqliteStorage>> {
        self.host.server()
    }

    /// The machine that the server runs on.
    #[must_use]
    pub fn host(&self) -> Arc<Host<SqliteStorage>> {
        self.host.clone()
    }

    /// A device's way to the server.
    #[must_use]
    pub fn api(&self, device: &str) -> FaultyApi<SqliteStorage> {
        FaultyApi::new(self.host(), self.link(device), self.switch(device))
    }

    /// Time passes, everywhere.
    pub fn pass(&self, ms: i64) {
        self.clock.advance(ms);
        for slot in self.devices.values() {
            slot.clock.advance(ms);
        }
    }

    /// Syncs a device, as when its user asks for it.
    ///
    /// # Errors
    /// What the client says.
    pub fn sync(&self, device: &str) -> Result<SyncReport, WaymarkError> {
        self.sync_with(device, Trigger::User, &|_| {})
    }

    /// Syncs a device for `trigger`, under the eyes of `watch`.
    ///
    /// # Errors
    /// What the client says.
    pub fn sync_with(
        &self,
        device: &str,
        trigger: Trigger,
        watch: &(dyn Fn(&Event) + Send + Sync),
    ) -> Result<SyncReport, WaymarkError> {
        let (mark, api) = (self.device(device), self.api(device));
        block_on(mark.sync().run_over(&api, trigger, watch))
    }

    /// Syncs every device, twice, so that what one brings reaches the others.
    ///
    /// # Panics
    /// When one fails.
    pub fn sync_all(&self) {
        for _ in 0..2 {
            for device in self.devices.keys() {
                self.sync(device).expect("a round");
            }
        }
    }

    /// The app on a device is killed and started again. Only what its database has survives.
    pub fn restart(&self, device: &str) {
        drop(lock(&self.slot(device).app).take());
        self.open(device);
    }

    /// A customer to be made by the office.
    #[must_use]
    pub fn customer<'a>(&'a self, name: &'a str) -> CustomerMaker<'a> {
        CustomerMaker { fleet: self, name }
    }
}

/// A customer that the office is about to make.
#[derive(Debug)]
pub struct CustomerMaker<'a> {
    fleet: &'a Fleet,
    name: &'a str,
}

impl CustomerMaker<'_> {
    /// Makes it for a rep, on whose devices it is when this returns.
    ///
    /// # Panics
    /// When the company has neither a manager nor an admin who sees the rep.
    #[must_use]
    pub fn owned_by(self, rep: &str) -> CustomerId {
        let owner = self.fleet.user(rep);
        let leads = |person: &Person| person.role != Role::Rep;
        let makers = self.fleet.people.iter().filter(|(_, person)| leads(person));
        let request = NewCustomerRequest {
            name: self.name.to_owned(),
            owner: Some(owner),
            position: None,
            address: None,
            phone: None,
        };
        for (maker, _) in makers {
            self.fleet.sync(maker).expect("the office syncs");
            let Ok(customer) = self.fleet.device(maker).customers().add(request.clone()) else {
                continue;
            };
            self.fleet.sync(maker).expect("the office syncs");
            for device in self.fleet.devices.keys() {
                let owners = self
                    .fleet
                    .device(device)
                    .me()
                    .is_ok_and(|me| me.user == owner);
                if owners {
                    self.fleet.sync(device).expect("the rep syncs");
                }
            }
            return customer;
        }
        panic!("nobody may make a customer for {rep}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Death;
    use crate::wire::Rates;

    fn company() -> Fleet {
        Fleet::new()
            .admin("ada")
            .manager("mia")
            .rep("anna")
            .rep("boris")
    }

    #[test]
    fn what_a_rep_does_reaches_her_manager_and_nobody_else() {
        let fleet = company();
        let shop = fleet.customer("Shop").owned_by("anna");
        let visit = fleet.device("anna").visits().start_unplanned(shop).unwrap();
        fleet.sync_all();
        assert_eq!(
            fleet
                .device("mia")
                .visits()
                .view(visit)
                .unwrap()
                .row
                .customer,
            shop
        );
        assert!(fleet.device("boris").visits().view(visit).is_err());
    }

    #[test]
    fn a_second_device_of_the_same_rep_has_the_same_work() {
        let fleet = company().more("anna", "anna's tablet");
        let shop = fleet.customer("Shop").owned_by("anna");
        let visit = fleet.device("anna").visits().start_unplanned(shop).unwrap();
        fleet.sync_all();
        assert!(fleet.device("anna's tablet").visits().view(visit).is_ok());
    }

    #[test]
    fn a_killed_app_has_kept_what_was_saved_and_nothing_else() {
        let fleet = company();
        let shop = fleet.customer("Shop").owned_by("anna");
        fleet.device("anna").visits().start_unplanned(shop).unwrap();
        fleet.switch("anna").arm(Death::Within, 0);
        assert!(fleet.device("anna").visits().start_unplanned(shop).is_err());
        fleet.restart("anna");
        assert_eq!(fleet.device("anna").status().unwrap().pending, 2);
    }

    #[test]
    fn a_bad_network_costs_time_and_no_work() {
        let fleet = company();
        let shop = fleet.customer("Shop").owned_by("anna");
        fleet.link("anna").set_rates(Rates::all(90));
        let mut rounds = 0;
        for _ in 0..20 {
            fleet.device("anna").visits().start_unplanned(shop).unwrap();
            while fleet.device("anna").status().unwrap().pending > 0 {
                drop(fleet.sync("anna"));
                fleet.pass(1_000);
                rounds += 1;
            }
        }
        assert!((21..400).contains(&rounds), "{rounds}");
        assert!(!fleet.link("anna").faults().is_empty());
        assert_eq!(fleet.device("anna").status().unwrap().needs_attention, 0);
    }

    #[test]
    fn a_company_can_live_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::in_folder(folder.path()).manager("mia").rep("anna");
        let shop = fleet.customer("Shop").owned_by("anna");
        fleet.device("anna").visits().start_unplanned(shop).unwrap();
        fleet.restart("anna");
        assert_eq!(fleet.sync("anna").unwrap().settled, 2);
    }
}
