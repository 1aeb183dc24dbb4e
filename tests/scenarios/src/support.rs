//! An office with a server on a socket, and people with real clients on real files.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use waymark_client::{
    Config, CustomerEdit, EnrolWith, NewCustomerRequest, NoteRequest, SyncReport, Waymark,
    WaymarkError,
};
use waymark_domain::ids::{CustomerId, DeviceId, NoteId, OpId, UserId, VisitId};
use waymark_domain::record::Role;
use waymark_domain::scope::Digest;
use waymark_protocol::enrol::{InviteRequest, Invited};
use waymark_server::Server;
use waymark_server::http::{self, Patience};
use waymark_server::storage::OpRow;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_testkit::chance::SeededEntropy;
use waymark_testkit::clock::{MORNING, VirtualClock};

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

/// The runtime that servers run on and that clients wait on.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// Waits for a future that does real I/O.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// A socket on this port, on one that is free for 0, beside others of ours that are bound to it.
fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    socket
}

/// Listens on a port, also where an [`Office`] that is down holds it.
pub(crate) fn listening(port: u16) -> TcpListener {
    let _context = runtime().enter();
    bound(port).listen(1024).unwrap()
}

/// Another seed with every call: two starts of a process never draw the same ids.
pub(crate) fn next_seed() -> u64 {
    static SEEDS: AtomicU64 = AtomicU64::new(1);
    SEEDS.fetch_add(1, Ordering::Relaxed)
}

pub(crate) type TheServer = Arc<Server<SqliteStorage>>;

/// A company: a server on a real file and a real socket.
pub(crate) struct Office {
    folder: TempDir,
    pub(crate) clock: Arc<VirtualClock>,
    patience: Patience,
    port: u16,
    /// Holds the port while the server is down: nobody listens on it, and no other test's connection gets it either.
    port_kept: Option<TcpSocket>,
    running: Option<Running>,
}

struct Running {
    server: TheServer,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Office {
    /// A company that was founded this morning; its server is up.
    pub(crate) fn open() -> Self {
        Self::open_with(Patience::default())
    }

    pub(crate) fn open_with(patience: Patience) -> Self {
        let mut office = Self {
            folder: TempDir::new().unwrap(),
            clock: VirtualClock::at(MORNING),
            patience,
            port: 0,
            port_kept: None,
            running: None,
        };
        office.start();
        let admin = office.server().bootstrap_admin("Acme", "Ada").unwrap();
        assert!(admin.is_some());
        office
    }

    /// Another company whose server takes over this one's address.
    pub(crate) fn impostor(&mut self) -> Self {
        self.stop();
        let mut other = Self {
            folder: TempDir::new().unwrap(),
            clock: VirtualClock::at(MORNING),
            patience: self.patience,
            port: self.port,
            port_kept: None,
            running: None,
        };
        other.start();
        other
    }

    /// The same company at another address: somebody else has taken the old one.
    pub(crate) fn moved(self) -> Self {
        assert!(self.running.is_none(), "the server is up");
        Self {
            port: 0,
            port_kept: None,
            ..self
        }
    }

    /// The server starts, on the same port as before.
    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "the server is up");
        let storage = SqliteStorage::open(&self.file()).unwrap();
        let entropy = Arc::new(SeededEntropy::new(next_seed()));
        let server = Arc::new(Server::new(storage, self.clock.clone(), entropy).unwrap());
        let kept = self.port_kept.get_or_insert_with(|| bound(self.port));
        self.port = kept.local_addr().unwrap().port();
        let listener = listening(self.port);
        let (stop, stopped) = oneshot::channel();
        let serving = http::serve_with(listener, Arc::clone(&server), self.patience, async {
            let _ = stopped.await;
        });
        let task = runtime().spawn(async { serving.await.unwrap() });
        self.running = Some(Running { server, stop, task });
    }

    /// The server stops; nobody listens on its port any more.
    pub(crate) fn stop(&mut self) {
        let Running { server, stop, task } = self.running.take().expect("the server is down");
        let _ = stop.send(());
        wait(task).unwrap();
        drop(server);
    }

    /// The server starts again from a copy of its database, as if nothing had happened since, and without telling anybody.
    pub(crate) fn go_back_to(&mut self, copy: &Path) {
        self.stop();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&self.file(), suffix));
        }
        std::fs::copy(copy, self.file()).unwrap();
        self.start();
    }

    pub(crate) fn server(&self) -> TheServer {
        Arc::clone(&self.running.as_ref().expect("the server is down").server)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The server's database.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("server.db")
    }

    pub(crate) fn invite(&self, name: &str, role: Role, team: &str) -> Invited {
        let request = InviteRequest {
            user: None,
            name: name.to_owned(),
            role,
            team: team.to_owned(),
        };
        self.server().invite_as_operator(&request).unwrap()
    }

    /// A code for one more device of somebody.
    pub(crate) fn invite_again(&self, user: UserId) -> Invited {
        let request = InviteRequest {
            user: Some(user),
            name: String::new(),
            role: Role::Rep,
            team: String::new(),
        };
        self.server().invite_as_operator(&request).unwrap()
    }

    pub(crate) fn admin(&self, name: &str) -> Person {
        self.person(name, Role::Admin)
    }

    pub(crate) fn manager(&self, name: &str) -> Person {
        self.person(name, Role::Manager)
    }

    pub(crate) fn rep(&self, name: &str) -> Person {
        self.person(name, Role::Rep)
    }

    fn person(&self, name: &str, role: Role) -> Person {
        let person = Person::new(self.clock.wall_ms());
        person.enrol(&self.url(), &self.invite(name, role, "north").code);
        person.sync().unwrap();
        person
    }

    /// Time passes for the office and for these people.
    pub(crate) fn pass(&self, ms: i64, people: &[&Person]) {
        self.clock.advance(ms);
        for person in people {
            person.clock.advance(ms);
        }
    }

    /// Every operation that the server has of a device.
    pub(crate) fn ops_of(&self, device: DeviceId) -> Vec<OpRow> {
        let mut rows = self.server().ops().unwrap();
        rows.retain(|row| row.device == device);
        rows
    }

    /// Operations that a person has to look at, as the server lists them.
    pub(crate) fn on_the_servers_list(&self) -> Vec<OpId> {
        let rows = self.server().ops().unwrap().into_iter();
        rows.filter(|row| row.outcome.needs_attention())
            .map(|row| row.op)
            .collect()
    }

    /// What the server keeps of its scopes is what its records give.
    pub(crate) fn assert_sound(&self) {
        let server = self.server();
        assert_eq!(server.digests().unwrap(), server.recount().unwrap());
    }
}

/// Somebody with a device: a real client on a real file, a clock of its own.
pub(crate) struct Person {
    folder: TempDir,
    pub(crate) clock: Arc<VirtualClock>,
    waymark: Option<Waymark>,
}

impl Deref for Person {
    type Target = Waymark;

    fn deref(&self) -> &Waymark {
        self.waymark.as_ref().expect("the app does not run")
    }
}

impl Person {
    /// A new phone whose clock shows `wall_ms`.
    pub(crate) fn new(wall_ms: i64) -> Self {
        let mut person = Self {
            folder: TempDir::new().unwrap(),
            clock: VirtualClock::at(wall_ms),
            waymark: None,
        };
        person.start();
        person
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("waymark.db")
    }

    pub(crate) fn config(&self, path: PathBuf) -> Config {
        Config {
            path,
            wait: false,
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(next_seed())),
            signer: None,
            app: "test".to_owned(),
        }
    }

    pub(crate) fn try_start(&mut self) -> Result<(), WaymarkError> {
        assert!(self.waymark.is_none(), "the app runs");
        self.waymark = Some(Waymark::open(self.config(self.file()))?);
        Ok(())
    }

    pub(crate) fn start(&mut self) {
        self.try_start().unwrap();
    }

    /// The app is closed as it should be.
    pub(crate) fn close(&mut self) {
        self.suspend().unwrap();
        self.waymark = None;
    }

    /// The process dies: what lies on the disk at this moment is all that a new one finds. (Dropping a client would checkpoint its log, so
    /// the files are put back to what they were.)
    pub(crate) fn kill(&mut self) {
        let suffixes = ["", "-wal"];
        let left = suffixes.map(|suffix| {
            let path = beside(&self.file(), suffix);
            let bytes = std::fs::read(&path).unwrap_or_default();
            (path, bytes)
        });
        self.waymark = None;
        for (path, bytes) in left {
            std::fs::write(path, bytes).unwrap();
        }
        let _ = std::fs::remove_file(beside(&self.file(), "-shm"));
    }

    pub(crate) fn enrol(&self, server: &str, code: &str) {
        self.try_enrol(server, code, None).unwrap();
    }

    pub(crate) fn try_enrol(
        &self,
        server: &str,
        code: &str,
        authority: Option<String>,
    ) -> Result<(), WaymarkError> {
        let with = EnrolWith {
            server: server.to_owned(),
            code: code.to_owned(),
            device_name: "phone".to_owned(),
            authority,
        };
        let waymark: &Waymark = self;
        wait(waymark.enrol(&with)).map(drop)
    }

    /// Syncs over HTTP.
    pub(crate) fn sync(&self) -> Result<SyncReport, WaymarkError> {
        let sync = Waymark::sync(self);
        wait(sync.run(&|_| {}))
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.me().unwrap().device
    }

    pub(crate) fn user(&self) -> UserId {
        self.me().unwrap().user
    }

    pub(crate) fn add_customer(&self, name: &str) -> CustomerId {
        self.add_customer_of(name, None)
    }

    pub(crate) fn add_customer_of(&self, name: &str, owner: Option<UserId>) -> CustomerId {
        let request = NewCustomerRequest {
            name: name.to_owned(),
            owner,
            position: None,
            address: None,
            phone: None,
        };
        self.customers().add(request).unwrap()
    }

    pub(crate) fn rename(&self, customer: CustomerId, name: &str) {
        let edit = CustomerEdit {
            name: Some(name.to_owned()),
            ..CustomerEdit::default()
        };
        assert!(self.customers().edit(customer, edit).unwrap());
    }

    pub(crate) fn give(&self, customer: CustomerId, to: UserId) {
        let edit = CustomerEdit {
            owner: Some(to),
            ..CustomerEdit::default()
        };
        assert!(self.customers().edit(customer, edit).unwrap());
    }

    pub(crate) fn name_of(&self, customer: CustomerId) -> String {
        self.customers().view(customer).unwrap().row.name
    }

    pub(crate) fn try_note(
        &self,
        customer: CustomerId,
        visit: Option<VisitId>,
        text: &str,
    ) -> Result<NoteId, WaymarkError> {
        self.notes().write(NoteRequest {
            customer,
            visit,
            text: text.to_owned(),
            corrects: None,
        })
    }

    pub(crate) fn note(&self, customer: CustomerId, text: &str) -> NoteId {
        self.try_note(customer, None, text).unwrap()
    }

    /// Created = acknowledged + pending + needs attention, in these numbers.
    pub(crate) fn assert_ledger(&self, acknowledged: u64, pending: u64, attention: u64) {
        let status = self.status().unwrap();
        assert!(status.balanced, "{status:?}");
        assert_eq!(status.lost, 0, "{status:?}");
        let found = (status.acknowledged, status.pending, status.needs_attention);
        assert_eq!(found, (acknowledged, pending, attention), "{status:?}");
    }

    /// The device's file has no fault, and holds of each scope exactly what the server holds.
    pub(crate) fn assert_same_as(&mut self, office: &Office) {
        let user = self.user();
        let store = self.waymark.take().unwrap().into_store().unwrap();
        let report = store.check().unwrap();
        assert!(report.is_clean(), "{report:?}");
        let here = store.read(|reader| reader.digests()).unwrap();
        drop(store);
        self.start();
        let server = office.server();
        let all = server.digests().unwrap();
        let of = |scope| all.get(scope).copied().unwrap_or_default();
        let scopes = server.scopes_of(user).unwrap();
        let there = scopes
            .iter()
            .map(|scope| (scope.clone(), Digest::to_text(of(scope))));
        assert_eq!(here, there.collect(), "the scopes of {user}");
    }

    /// The database as another program sees it.
    pub(crate) fn look(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

/// `waymark.db` and its companions.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Says why a test did nothing.
pub(crate) fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}

/// Writes another address of the server into a closed database.
pub(crate) fn point_to(file: &Path, url: &str) {
    let database = rusqlite::Connection::open(file).unwrap();
    let sql = "UPDATE meta SET value = json_set(value, '$.server_url', ?1) WHERE key = 'identity'";
    assert_eq!(database.execute(sql, [url]).unwrap(), 1);
}
