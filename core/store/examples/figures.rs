//! How long the store takes for what it does most: `cargo run --release -p waymark-store --example figures [folder]`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints what a stopwatch says, and fails by panicking"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use uuid::Uuid;
use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{BootId, CustomerId, DeviceId, TenantId, UserId, uuid_v7};
use waymark_domain::op::Draft;
use waymark_domain::record::{Body, RecordKey, Role, write};
use waymark_domain::scope::Scope;
use waymark_domain::time::Reading;
use waymark_store::{Change, Identity, Owner, Page, Settlement, Store, Unit, What};

const MANY: u64 = 10_000;
const SINGLE: u64 = 200;

fn uuid(tag: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&tag.to_be_bytes());
    uuid_v7(1_795_000_000_000, random)
}

fn anna() -> UserId {
    UserId::from_uuid(uuid(1))
}

fn customer(tag: u64) -> Customer {
    Customer {
        owner: Some(anna()),
        address: Some(format!("Via Appia Nuova {tag}, Roma")),
        category: Some("amenity=pharmacy".to_owned()),
        external: Some(format!("node/{tag}")),
        ..Customer::named(&format!("Farmacia {tag}"))
    }
}

fn drafts(tags: std::ops::Range<u64>) -> Vec<Unit> {
    let draft = |tag| Draft::new(CustomerId::from_uuid(uuid(tag)), &customer(tag)).unwrap();
    tags.map(|tag| Unit::One(draft(tag))).collect()
}

fn timed<R>(what: &str, count: u64, work: impl FnOnce() -> R) -> R {
    let begin = Instant::now();
    let result = work();
    let took = begin.elapsed();
    let each = took / u32::try_from(count).unwrap();
    println!("{what:<58} {took:>12.1?} {each:>12.1?} each");
    result
}

fn middle(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// One row of the size of an operation per transaction, with the same durability and nothing else.
fn bare(path: &Path) {
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = 1;
         CREATE TABLE bare (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    )
    .unwrap();
    let bytes = vec![b'x'; 800];
    let times = (0..SINGLE).map(|_| {
        let begin = Instant::now();
        let tx = conn.transaction().unwrap();
        tx.execute("INSERT INTO bare (bytes) VALUES (?1)", [&bytes])
            .unwrap();
        tx.commit().unwrap();
        begin.elapsed()
    });
    let (half, most) = middle(times.collect());
    println!(
        "bare SQLite, one row of 800 bytes in one FULL commit: median {half:.1?}, 99 % {most:.1?}"
    );
}

fn main() {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/figures".to_owned());
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    bare(&folder.join("bare.db"));
    let path = folder.join("store.db");
    let store = timed("open, fresh", 1, || Store::open(&path).unwrap().store);
    set_up(&store);
    let reading = Reading {
        wall_ms: 1_795_000_000_000,
        mono_ms: 0,
        boot: BootId::from_uuid(uuid(3)),
        utc_offset_min: 60,
        zone: None,
    };
    let mut next = 50_000_000;
    let mut new_id = || {
        next += 1;
        uuid(next)
    };
    let times = (1000..1000 + SINGLE).map(|tag| {
        let units = drafts(tag..tag + 1);
        let begin = Instant::now();
        store.commit(units, reading, &mut new_id).unwrap();
        begin.elapsed()
    });
    let (half, most) = middle(times.collect());
    println!("commit of one operation: median {half:.1?}, 99 % {most:.1?}");
    let units = drafts(100_000..100_000 + MANY);
    timed("commit of 10,000 operations in one call", MANY, || {
        store.commit(units, reading, &mut new_id).unwrap()
    });
    let page = page();
    timed("stage 10,000 rows", MANY, || store.stage(&page).unwrap());
    timed("publish 10,000 rows", MANY, || {
        store.publish(1, &[]).unwrap()
    });
    timed("outbox batch of 500", 500, || {
        store
            .outbox_batch(500, usize::MAX, &Default::default())
            .unwrap()
    });
    timed("search in 20,200 customers, two words", 1, || {
        store
            .read(|reader| reader.search_customers("farmacia 9999", Owner::Any, 50))
            .unwrap()
    });
    timed("a page of 50 customers", 1, || {
        store
            .read(|reader| reader.customers(Owner::User(anna()), 50, 1000))
            .unwrap()
    });
    timed("check of everything", 1, || {
        assert!(store.check().unwrap().is_clean())
    });
    timed("suspend", 1, || store.suspend().unwrap());
    timed("open with 10,200 operations waiting", 1, || {
        drop(Store::open(&path).unwrap())
    });
}

fn set_up(store: &Store) {
    store
        .set_identity(&Identity {
            tenant: TenantId::from_uuid(uuid(4)),
            user: anna(),
            device: DeviceId::from_uuid(uuid(5)),
            role: Role::Rep,
            user_name: "Anna".to_owned(),
            company: "Example".to_owned(),
            team: "north".to_owned(),
            server_url: "https://waymark.example".to_owned(),
            server_key: String::new(),
            extra: Body::new(),
        })
        .unwrap();
    let scopes = vec![Scope::user(anna())];
    store
        .settle(&Settlement {
            scopes: Some((Hash::of(b"scopes"), scopes)),
            ..Settlement::default()
        })
        .unwrap();
}

fn page() -> Page {
    let scope = Scope::user(anna());
    let change = |tag: u64| Change {
        scope: scope.clone(),
        key: RecordKey::of::<Customer>(CustomerId::from_uuid(uuid(tag))),
        seq: 1,
        what: What::Put {
            rev: 1,
            body: write(&customer(tag)).unwrap(),
        },
    };
    Page {
        changes: (200_000..200_000 + MANY).map(change).collect(),
        next: vec![(scope.clone(), 1)],
        wanted: Vec::new(),
    }
}
