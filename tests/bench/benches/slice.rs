//! The figures of the slice, each beside a bare SQLite that does the least that durability allows, in the same run.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has to stop"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use waymark_bench::bare_sqlite;
use waymark_client::evidence::Stretch;
use waymark_client::import::ImportRequest;
use waymark_client::system::{SystemClock, SystemEntropy};
use waymark_client::{CheckInRequest, Config, EnrolWith, NewCustomerRequest, NoteRequest, Waymark};
use waymark_domain::ambient::Entropy as _;
use waymark_domain::check_in::Moment;
use waymark_domain::customer::Customer;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, OpId};
use waymark_domain::merge::{Stored, fold};
use waymark_domain::op::{BaseRef, Draft, Operation, Seal};
use waymark_domain::record::{Role, SyncRecord as _, rules, write};
use waymark_domain::time::{Hlc, Stamp};
use waymark_evidence::verify;
use waymark_protocol::enrol::{InviteRequest, Invited};
use waymark_protocol::proof::PublicKey;
use waymark_server::Server;
use waymark_server::storage::sqlite::SqliteStorage;

/// About what an operation of a rep takes.
const ROW: [u8; 600] = [7; 600];

struct Office {
    server: Arc<Server<SqliteStorage>>,
    address: SocketAddr,
    runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    folder: TempDir,
}

impl Office {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let storage = SqliteStorage::open(&folder.path().join("server.db")).unwrap();
        let server = Server::new(
            storage,
            Arc::new(SystemClock::new()),
            Arc::new(SystemEntropy),
        )
        .unwrap();
        let server = Arc::new(server);
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = waymark_server::http::serve(listener, Arc::clone(&server), async {
            stopped.await.ok();
        });
        runtime.handle().spawn(serving);
        Self {
            server,
            address,
            runtime,
            stop: Some(stop),
            folder,
        }
    }

    fn device(&self, invited: &Invited, file: &str) -> Waymark {
        let device = Waymark::open(Config::at(self.folder.path().join(file))).unwrap();
        let with = EnrolWith {
            server: format!("http://{}", self.address),
            code: invited.code.clone(),
            device_name: file.to_owned(),
            authority: None,
        };
        self.runtime.block_on(device.enrol(&with)).unwrap();
        device
    }

    fn admin(&self) -> Waymark {
        let invited = self
            .server
            .bootstrap_admin("Bench", "Ada")
            .unwrap()
            .unwrap();
        self.device(&invited, "admin.db")
    }

    fn invite(&self, name: &str, role: Role) -> Invited {
        let request = InviteRequest {
            user: None,
            name: name.to_owned(),
            role,
            team: "North".to_owned(),
        };
        self.server.invite_as_operator(&request).unwrap()
    }

    fn sync(&self, device: &Waymark) {
        let report = self.runtime.block_on(device.sync().run(&|_| {})).unwrap();
        assert_eq!(report.pending, 0);
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
    }
}

fn rep_with_a_customer(office: &Office) -> (Waymark, CustomerId) {
    let _admin = office.admin();
    let rep = office.device(&office.invite("Anna", Role::Rep), "rep.db");
    office.sync(&rep);
    let request = NewCustomerRequest {
        name: "Bakery".to_owned(),
        owner: None,
        position: None,
        address: None,
        phone: None,
    };
    let customer = rep.customers().add(request).unwrap();
    office.sync(&rep);
    (rep, customer)
}

fn note(rep: &Waymark, customer: CustomerId) {
    let text =
        "Shelf is full, price tag of the 500 g pack is missing. 货架已补满，500 克装缺价签。"
            .to_owned();
    rep.notes()
        .write(NoteRequest {
            customer,
            visit: None,
            text,
            corrects: None,
        })
        .unwrap();
}

fn durable_command(c: &mut Criterion) {
    let office = Office::open();
    let (rep, customer) = rep_with_a_customer(&office);
    let bare = bare_sqlite(&office.folder.path().join("bare.db"));
    let mut group = c.benchmark_group("durable single command");
    group.bench_function("bare SQLite, one row, FULL commit", |b| {
        b.iter(|| {
            bare.execute("INSERT INTO row (bytes) VALUES (?1)", [&ROW[..]])
                .unwrap()
        });
    });
    group.bench_function("a note is saved", |b| b.iter(|| note(&rep, customer)));
    group.finish();
}

fn fold_of_fifty(c: &mut Criterion) {
    let rules = rules(&Customer::KIND).unwrap();
    let shop = Customer::named("Shop");
    let base = Stored {
        rev: 1,
        body: write(&shop).unwrap(),
    };
    let id = CustomerId::from_uuid(SystemEntropy.new_id(0));
    let clock = SystemClock::new();
    let stamp = Stamp::take(
        waymark_domain::ambient::Clock::read(&clock),
        &waymark_domain::time::Anchors::default(),
        Hlc::default(),
    );
    let mut before = shop;
    let sealed: Vec<Vec<u8>> = (1..=50)
        .map(|n| {
            let after = Customer {
                phone: Some(format!("+377 {n}")),
                ..before.clone()
            };
            let draft = Draft::patch(id, &before, &after).unwrap().unwrap();
            before = after;
            let seal = Seal {
                op: OpId::from_uuid(SystemEntropy.new_id(0)),
                n,
                base: BaseRef::default(),
                deps: vec![],
                group: None,
                t: stamp,
                prev: Hash::ZERO,
            };
            draft.seal(seal).unwrap().bytes
        })
        .collect();
    let mut group = c.benchmark_group("fold of a record with 50 pending operations");
    group.bench_function("from stored bytes", |b| {
        b.iter(|| {
            let ops: Vec<Operation> = sealed
                .iter()
                .map(|bytes| Operation::from_bytes(bytes).unwrap())
                .collect();
            fold(rules, Some(&base), &ops).unwrap()
        });
    });
    let ops: Vec<Operation> = sealed
        .iter()
        .map(|bytes| Operation::from_bytes(bytes).unwrap())
        .collect();
    group.bench_function("the fold alone", |b| {
        b.iter(|| fold(rules, Some(&base), &ops).unwrap())
    });
    group.finish();
}

fn write_customers(path: &Path, count: usize) {
    let mut text = "id,name,category,lat,lon,address,opening_hours\n".to_owned();
    for i in 0..count {
        text.push_str(&format!(
            "c{i},Pharmacie {i},amenity=pharmacy,43.7{:04},7.4{:04},\"{i} Avenue de la Costa, 98000 Monaco\",Mo-Fr 08:00-19:00\n",
            i % 10_000,
            (i * 7) % 10_000
        ));
    }
    std::fs::write(path, text).unwrap();
}

fn bootstrap(c: &mut Criterion) {
    const CUSTOMERS: usize = 10_000;
    let office = Office::open();
    let admin = office.admin();
    office.sync(&admin);
    let rep = office.invite("Anna", Role::Rep);
    office.sync(&admin);
    let file = office.folder.path().join("customers.csv");
    write_customers(&file, CUSTOMERS);
    let request = ImportRequest {
        path: file,
        datum: Some(Datum::Wgs84),
        owner: Some(rep.user),
        dry_run: false,
    };
    assert_eq!(
        admin.import_customers(&request).unwrap().imported,
        CUSTOMERS
    );
    office.sync(&admin);
    let mut devices = 0;
    let mut bare = bare_sqlite(&office.folder.path().join("bare.db"));
    let mut group = c.benchmark_group("bootstrap of 10,000 customers");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(CUSTOMERS as u64));
    group.bench_function("bare SQLite, 10,000 rows in one FULL commit", |b| {
        b.iter(|| {
            let tx = bare.transaction().unwrap();
            let mut insert = tx.prepare("INSERT INTO row (bytes) VALUES (?1)").unwrap();
            for _ in 0..CUSTOMERS {
                insert.execute([&ROW[..]]).unwrap();
            }
            drop(insert);
            tx.commit().unwrap();
        });
    });
    group.bench_function("a new device over HTTP on loopback", |b| {
        b.iter_batched(
            || {
                devices += 1;
                let request = InviteRequest {
                    user: Some(rep.user),
                    name: "Anna".to_owned(),
                    role: Role::Rep,
                    team: "North".to_owned(),
                };
                let invited = office.server.invite_as_operator(&request).unwrap();
                office.device(&invited, &format!("rep-{devices}.db"))
            },
            |device| {
                office.sync(&device);
                assert_eq!(
                    device.customers().page(true, u32::MAX, 0).unwrap().len(),
                    CUSTOMERS
                );
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn exchange(c: &mut Criterion) {
    const OPS: u64 = 500;
    let office = Office::open();
    let (rep, customer) = rep_with_a_customer(&office);
    let bare = bare_sqlite(&office.folder.path().join("bare.db"));
    let mut group = c.benchmark_group("exchange of 500 operations");
    group.sample_size(10).throughput(Throughput::Elements(OPS));
    group.bench_function("bare SQLite, 500 FULL commits", |b| {
        b.iter(|| {
            for _ in 0..OPS {
                bare.execute("INSERT INTO row (bytes) VALUES (?1)", [&ROW[..]])
                    .unwrap();
            }
        });
    });
    group.bench_function("pushed, settled and pulled over HTTP on loopback", |b| {
        b.iter_batched(
            || (0..OPS).for_each(|_| note(&rep, customer)),
            |()| office.sync(&rep),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A rep's day of 1,000 operations, each tenth of them a signed check-in, as a verifier gets it: every signature, link and verdict.
fn verify_bundle(c: &mut Criterion) {
    const VISITS: u64 = 50;
    const NOTES: u64 = 16;
    let office = Office::open();
    let rep = office.device(&office.invite("Rita", Role::Rep), "evidence.db");
    office.sync(&rep);
    let at = (43.7305, 7.4245);
    let shop = rep
        .customers()
        .add(NewCustomerRequest {
            name: "Kiosk".to_owned(),
            owner: None,
            position: Some(Position::new(Datum::Wgs84, at.0, at.1).unwrap()),
            address: None,
            phone: None,
        })
        .unwrap();
    let fix = || {
        rep.fix(at, Datum::Wgs84, 12.0, AccuracySource::Android, 1_000)
            .unwrap()
    };
    for visit in 0..VISITS {
        let id = rep.visits().start_unplanned(shop).unwrap();
        let arriving = CheckInRequest::arriving(Some(id), fix());
        rep.check_ins().check_in(&arriving).unwrap();
        for note in 0..NOTES {
            let text = format!("Visit {visit}, note {note}: shelf empty, wants the new list");
            rep.notes()
                .write(NoteRequest {
                    customer: shop,
                    visit: Some(id),
                    text,
                    corrects: None,
                })
                .unwrap();
        }
        let leaving = CheckInRequest {
            moment: Moment::Departure,
            ..arriving
        };
        rep.check_ins().check_in(&leaving).unwrap();
        if visit % 5 == 4 {
            office.sync(&rep);
        }
    }
    let mut bundle = Vec::new();
    let written = rep
        .evidence()
        .export(Stretch::All, &mut bundle, &mut |_| {})
        .unwrap();
    let key = PublicKey::from_text(rep.evidence().company_key().unwrap());
    let mut group = c.benchmark_group("evidence");
    group.throughput(Throughput::Elements(written.ops));
    group.bench_function(
        "verify a bundle of 1,000 operations, 100 signed check-ins",
        |b| {
            b.iter(|| {
                let report = verify(&mut bundle.as_slice(), Some(&key)).unwrap();
                assert!(report.proven() && report.statements == 2 * VISITS);
            });
        },
    );
    group.finish();
}

criterion_group!(
    benches,
    durable_command,
    fold_of_fifty,
    bootstrap,
    exchange,
    verify_bundle
);
criterion_main!(benches);
