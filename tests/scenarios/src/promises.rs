//! The promises of `core/docs/protocol.md` that no other story tells: I1, I3 to I6, I9 to I13. I2 and I8 stand with a rep's day, I7 and I15
//! with the engine, I14 with attention.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use waymark_client::{CustomerEdit, EnrolWith, NewCustomerRequest, Parts, PlanRequest, Waymark};
use waymark_domain::ambient::Entropy as _;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{OpId, RecordId};
use waymark_domain::note::Note;
use waymark_domain::op::{Act, Blob, Change, Draft, Operation};
use waymark_domain::record::{Body, Kind, RecordKey, Role};
use waymark_domain::refusal::Code;
use waymark_domain::scope::Scope;
use waymark_domain::visit::Visit;
use waymark_protocol::api::{Answer, SyncApi};
use waymark_protocol::enrol::{EnrolRequest, Enrolled, Hello, Token, TokenRequest};
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::SoftwareSigner;
use waymark_protocol::request::{ExchangeRequest, ScopeCursor};
use waymark_protocol::response::{ExchangeResponse, ScopeChange};
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{LocalApi, Server};
use waymark_store::Store;
use waymark_sync::engine::{Event, Trigger};
use waymark_sync::http::HttpApi;
use waymark_testkit::chance::SeededEntropy;
use waymark_testkit::database::{Death, KillSwitch, MemoryDatabase};

use crate::phone::Phone;
use crate::support::{Office, Person, beside, next_seed, wait};

fn rejected(outcome: &Outcome) -> Option<Code> {
    match outcome {
        Outcome::Rejected { refusal } => Some(refusal.code),
        _ => None,
    }
}

/// What lies on the disk the moment a use case returns is enough to have the work back, with its view.
#[test]
fn i1_durable_first_what_was_called_saved_is_on_the_disk_with_its_view() {
    let office = Office::open();
    let anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let elsewhere = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let text = format!("note {round}");
        let note = anna.note(shop, &text);
        let copy = elsewhere.path().join(format!("{round}.db"));
        for suffix in ["", "-wal"] {
            std::fs::copy(beside(&anna.file(), suffix), beside(&copy, suffix)).unwrap();
        }
        let after_power_loss = Waymark::open(anna.config(copy)).unwrap();
        let view = after_power_loss.customers().view(shop).unwrap();
        let found = view.notes.iter().find(|found| found.id == note);
        assert_eq!(found.expect("the note").text, text);
        assert_eq!(after_power_loss.status().unwrap().pending, round + 2);
    }
}

/// A commit that fails, wherever in work and sync it falls, is never called saved and never tears an operation out of outbox and history.
#[test]
fn i1_i2_whichever_commit_fails_nothing_is_half_done() {
    let office = Office::open();
    let server = office.server();
    let mut stood = false;
    for at in 0..40 {
        let database = MemoryDatabase::new();
        let switch = KillSwitch::new();
        let opened = Store::from_connection(database.address().connect_with(&switch)).unwrap();
        let anna = Waymark::assemble(opened, parts(&office)).unwrap();
        let api = LocalApi(server.clone());
        let code = office
            .invite(&format!("Anna {at}"), Role::Rep, "north")
            .code;
        let with = EnrolWith {
            server: office.url(),
            code,
            device_name: "phone".to_owned(),
            authority: None,
        };
        wait(anna.enrol_over(&api, &with)).unwrap();
        switch.arm(Death::Refused, at);
        let mut said_saved = 0;
        let add = || {
            anna.customers().add(NewCustomerRequest {
                name: "Shop".to_owned(),
                owner: None,
                position: None,
                address: None,
                phone: None,
            })
        };
        for _ in 0..2 {
            said_saved += u64::from(add().is_ok());
        }
        let trigger = Trigger::User;
        let sync = Waymark::sync(&anna);
        let first = wait(sync.run_over(&api, trigger, &|_| {}));
        said_saved += u64::from(add().is_ok());
        let second = wait(sync.run_over(&api, trigger, &|_| {}));
        stood = switch.is_armed();
        switch.disarm();
        let status = anna.status().unwrap();
        assert!(status.balanced, "commit {at}: {status:?}");
        assert_eq!(status.created, said_saved, "commit {at}");
        wait(sync.run_over(&api, trigger, &|_| {})).unwrap();
        let status = anna.status().unwrap();
        assert_eq!(
            status.acknowledged, said_saved,
            "commit {at}: {first:?}, {second:?}"
        );
        let me = anna.me().unwrap();
        assert_eq!(
            office.ops_of(me.device).len() as u64,
            said_saved,
            "commit {at}"
        );
        if stood {
            break;
        }
    }
    assert!(stood, "40 commits do not reach the end of two syncs");
}

fn parts(office: &Office) -> Parts {
    let mut secret = [0; 32];
    let entropy = SeededEntropy::new(next_seed());
    entropy.fill(&mut secret);
    let signer = SoftwareSigner::from_secret(&secret).unwrap();
    Parts {
        clock: office.clock.clone(),
        entropy: Arc::new(entropy),
        signer: Arc::new(signer),
        app: "test".to_owned(),
    }
}

#[test]
fn i3_exactly_once_a_replay_gets_the_stored_outcome_and_other_bytes_are_refused_loudly() {
    let mut office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut phone = Phone::enrol(&office.url(), &code, &office.clock);
    let (shop, draft) = phone.customer("Shop");
    let made = phone.seal(draft);
    let (_, draft) = phone.note(shop, "hello");
    let noted = phone.seal_as(draft, |seal| seal.deps = vec![made.op.op]);
    let first = phone.push(&[&made, &noted]);
    let head = office.server().head_seq().unwrap();
    for _ in 0..3 {
        assert_eq!(phone.push(&[&made, &noted]), first);
        assert_eq!(phone.push(&[&noted]), first[1..]);
    }
    // a server that was restarted knows as well
    office.stop();
    office.start();
    assert_eq!(phone.push(&[&made, &noted]), first);
    let asked = OutcomesRequest {
        ops: vec![noted.op.op, made.op.op],
    };
    let answer = wait(phone.api.outcomes(&phone.token(), &asked)).unwrap();
    assert_eq!(
        answer.outcomes,
        [Some(first[1].clone()), Some(first[0].clone())]
    );
    assert_eq!(office.server().head_seq().unwrap(), head);
    assert!(office.server().alarms().unwrap().is_empty());

    // the same id with other bytes: refused, an alarm, and what is stored stays
    let text = String::from_utf8(made.bytes.clone()).unwrap();
    let other = text.replace("Shop", "Spot");
    assert_ne!(other, text);
    let outcome = phone.push_bytes(&[other.as_bytes()]);
    assert_eq!(rejected(&outcome[0]), Some(Code::OpIdReused));
    let alarms = office.server().alarms().unwrap();
    assert!(alarms.iter().any(|alarm| alarm.code == "op_id_reused"));
    assert_eq!(phone.push(&[&made]), first[..1]);
    assert_eq!(office.server().ops().unwrap().len(), 2);
    assert_eq!(office.server().head_seq().unwrap(), head);
}

/// A server that pulls are answered by, and that hears no operation.
struct Deaf(HttpApi);

impl SyncApi for Deaf {
    async fn hello(&self, echo: &str) -> Answer<Hello> {
        self.0.hello(echo).await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Answer<Enrolled> {
        self.0.enrol(request).await
    }

    async fn token(&self, request: &TokenRequest) -> Answer<Token> {
        self.0.token(request).await
    }

    async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Answer<ExchangeResponse> {
        let request = ExchangeRequest {
            ops: vec![],
            ..request.clone()
        };
        self.0.exchange(token, &request).await
    }

    async fn snapshot(&self, token: &str, request: &SnapshotRequest) -> Answer<SnapshotPage> {
        self.0.snapshot(token, request).await
    }

    async fn outcomes(&self, token: &str, request: &OutcomesRequest) -> Answer<OutcomesResponse> {
        self.0.outcomes(token, request).await
    }

    async fn vault(&self, token: &str, request: &VaultRequest) -> Answer<Vaulted> {
        self.0.vault(token, request).await
    }
}

#[test]
fn i4_what_the_server_says_goes_below_what_the_rep_has_not_sent_yet() {
    let office = Office::open();
    let mia = office.manager("Mia");
    let mut anna = office.rep("Anna");
    mia.sync().unwrap();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    let phone = |text: &str| CustomerEdit {
        phone: Some(text.to_owned()),
        ..CustomerEdit::default()
    };
    anna.customers().edit(shop, phone("0123")).unwrap();
    mia.rename(shop, "Corner Shop");
    mia.sync().unwrap();

    // the device pulls the manager's change while its own work does not get through: both show
    let deaf = Deaf(
        HttpApi::new(
            &office.url(),
            None,
            office.clock.clone(),
            waymark_domain::time::Anchors::default(),
        )
        .unwrap(),
    );
    wait(Waymark::sync(&anna).run_over(&deaf, Trigger::User, &|_| {})).unwrap();
    anna.assert_ledger(0, 1, 0);
    let view = anna.customers().view(shop).unwrap();
    assert_eq!(
        (view.row.name.as_str(), view.phone.as_deref()),
        ("Corner Shop", Some("0123"))
    );
    let base = |anna: &Person| -> String {
        let look = anna.look();
        let key = RecordId::from(shop).as_uuid();
        let sql = "SELECT body FROM base WHERE kind = 'customer' AND id = ?1";
        look.query_row(sql, [key.as_bytes()], |row| row.get(0))
            .unwrap()
    };
    let said = base(&anna);
    assert!(
        said.contains("Corner Shop") && !said.contains("0123"),
        "{said}"
    );
    anna.rename(shop, "Anna's name");
    assert_eq!(base(&anna), said, "base is the server's alone");
    assert_eq!(anna.name_of(shop), "Anna's name");
    anna.sync().unwrap();
    let said = base(&anna);
    assert!(
        said.contains("Anna's name") && said.contains("0123"),
        "{said}"
    );
    anna.assert_same_as(&office);
}

/// Two people write at full speed while a third reads: every checkpoint that the reader publishes is whole.
#[test]
fn i5_a_reader_that_has_seen_a_place_in_the_order_could_have_seen_all_before_it() {
    let office = Office::open();
    let mut mia = office.manager("Mia");
    let writers = [office.rep("Anna"), office.rep("Ben")];
    mia.sync().unwrap();
    let left = AtomicUsize::new(writers.len());
    let mut reads = 0;
    std::thread::scope(|scope| {
        for writer in &writers {
            let left = &left;
            scope.spawn(move || {
                for round in 0..25 {
                    let shop = writer.add_customer(&format!("Shop {round}"));
                    writer.note(shop, "hello");
                    writer.sync().unwrap();
                }
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while left.load(Ordering::SeqCst) > 0 {
            let torn = AtomicBool::new(false);
            let watch = |event: &Event| {
                torn.fetch_or(matches!(event, Event::Repairing(_)), Ordering::Relaxed);
            };
            wait(Waymark::sync(&mia).run(&watch)).unwrap();
            assert!(!torn.into_inner(), "a checkpoint was not whole");
            reads += 1;
        }
    });
    assert!(reads > 0);
    mia.sync().unwrap();
    mia.assert_same_as(&office);
    assert_eq!(
        office.server().records(&Kind::new("note")).unwrap().len(),
        50
    );
    office.assert_sound();
}

#[test]
fn i6_causality_nothing_is_applied_before_what_it_builds_on() {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut phone = Phone::enrol(&office.url(), &code, &office.clock);
    let (shop, draft) = phone.customer("Shop");
    let made = phone.seal(draft);
    let (_, draft) = phone.note(shop, "early");
    let noted = phone.seal_as(draft, |seal| seal.deps = vec![made.op.op]);
    let mut draft =
        Draft::command::<Visit>(RecordId::from_uuid(phone.new_id()), "start", Body::new());
    draft.references.clear();
    let stacked = phone.seal_as(draft, |seal| seal.base.after = Some(noted.op.op));

    // the youngest first: it waits, as often as it is sent, and leaves no trace
    for _ in 0..2 {
        let outcomes = phone.push(&[&stacked, &noted]);
        let missing = |outcome: &Outcome| match outcome {
            Outcome::Deferred { missing } => missing.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(&outcomes[0]), [noted.op.op]);
        assert_eq!(missing(&outcomes[1]), [made.op.op]);
    }
    assert!(
        office
            .server()
            .records(&Kind::new("note"))
            .unwrap()
            .is_empty()
    );
    let outcomes = phone.push(&[&made, &noted]);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Applied { .. }))
    );
    let seqs: Vec<u64> = outcomes.iter().filter_map(Outcome::effect_seq).collect();
    assert!(seqs.is_sorted());
    // a step on a visit that nobody made is refused, and what builds on it with it
    let refused = phone.push(&[&stacked]);
    assert_eq!(rejected(&refused[0]), Some(Code::NotFound));
    let (_, draft) = phone.note(shop, "late");
    let dependent = phone.seal_as(draft, |seal| seal.deps = vec![stacked.op.op]);
    assert_eq!(
        rejected(&phone.push(&[&dependent])[0]),
        Some(Code::Dependency)
    );
    let (_, draft) = phone.note(shop, "free");
    let free = phone.seal(draft);
    assert!(
        matches!(phone.push(&[&free])[0], Outcome::Applied { .. }),
        "I7"
    );
}

#[test]
fn i9_a_device_is_never_sent_what_its_user_may_not_see_and_what_leaves_goes_within_one_exchange() {
    let office = Office::open();
    let mia = office.manager("Mia");
    let mut anna = office.rep("Anna");
    let mut ben = office.rep("Ben");
    mia.sync().unwrap();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    let secret = mia.add_customer_of("Ben's secret", Some(ben.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    ben.sync().unwrap();
    assert!(anna.customers().view(secret).is_err());

    // on the wire, whatever the device claims to hold already
    let code = office.invite_again(anna.user()).code;
    let phone = Phone::enrol(&office.url(), &code, &office.clock);
    let mut greedy = phone.request(&[]);
    greedy.header.scopes.push(ScopeCursor {
        id: Scope::user(ben.user()),
        cursor: 1,
    });
    for request in [phone.request(&[]), greedy] {
        let response = phone.exchange(&request).unwrap();
        let seen: Vec<RecordKey> = response.changes.iter().map(ScopeChange::key).collect();
        assert!(seen.iter().all(|key| key.id != secret.into()), "{seen:?}");
        assert!(seen.iter().any(|key| key.id == shop.into()));
    }
    let snapshot = SnapshotRequest {
        scope: Scope::user(ben.user()),
        pin: None,
        after: None,
        limit_bytes: 64 * 1024,
    };
    assert!(wait(phone.api.snapshot(&phone.token(), &snapshot)).is_err());

    // the customer moves to Ben while Anna has unsent work on it: it goes from her in one exchange, her work does not
    let visit = anna
        .visits()
        .plan(&PlanRequest {
            customer: shop,
            day: None,
            rep: None,
        })
        .unwrap();
    anna.rename(shop, "Anna's name");
    mia.give(shop, ben.user());
    mia.sync().unwrap();
    let report = anna.sync().unwrap();
    assert_eq!((report.settled, report.pending), (2, 0));
    let base = "SELECT count(*) FROM base WHERE kind = 'customer'";
    let left: i64 = anna.look().query_row(base, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    assert!(anna.customers().view(shop).is_err());
    let ops = office.ops_of(anna.device());
    assert_eq!(ops.len(), 2);
    assert!(
        ops.iter()
            .any(|row| row.key.as_ref().is_some_and(|key| key.id == visit.into()))
    );
    ben.sync().unwrap();
    assert_eq!(ben.name_of(shop), "Shop");
    anna.assert_same_as(&office);
    ben.assert_same_as(&office);
}

#[test]
fn i10_the_door_is_open_for_every_version_and_for_bytes_that_nobody_can_read() {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut phone = Phone::enrol(&office.url(), &code, &office.clock);
    let (shop, mut draft) = phone.customer("From the future");
    draft.v = 99;
    let newer = phone.seal(draft);
    let (_, mut draft) = phone.note(shop, "an order, one day");
    draft.key.kind = Kind::from_wire("order".to_owned());
    let unknown = phone.seal(draft);
    let id = phone.new_id();
    let loose = format!("{{\"op\":\"{id}\",\"n\":3,\"act\":\"of a version that nobody knows\"}}");
    let garbage = b"\x00\xff this is no operation {".as_slice();
    let (_, draft) = phone.customer("Today");
    let plain = phone.seal(draft);
    let ops: [&[u8]; 4] = [&newer.bytes, loose.as_bytes(), &unknown.bytes, &plain.bytes];
    let outcomes = phone.push_bytes(&ops);
    assert_eq!(
        outcomes[..3],
        [Outcome::Vaulted, Outcome::Vaulted, Outcome::Vaulted]
    );
    assert!(matches!(outcomes[3], Outcome::Applied { .. }));
    let kept: Vec<Vec<u8>> = office
        .server()
        .ops()
        .unwrap()
        .into_iter()
        .map(|row| row.bytes)
        .collect();
    for op in ops {
        assert!(kept.iter().any(|bytes| bytes == op));
    }
    let alarms = office.server().alarms().unwrap();
    assert!(
        alarms
            .iter()
            .filter(|alarm| alarm.code == "vaulted")
            .count()
            >= 2,
        "{alarms:?}"
    );
    // bytes that do not even say their id are asked for by it, at the vault's own door: once is as good as twice
    let outcome = phone.push_bytes(&[garbage]);
    assert_eq!(outcome, [Outcome::Retry { after_ms: 0 }]);
    let request = VaultRequest {
        op: OpId::from_uuid(phone.new_id()),
        n: 77,
        bytes: data_encoding::BASE64.encode(garbage),
    };
    for _ in 0..2 {
        let vaulted = wait(phone.api.vault(&phone.token(), &request)).unwrap();
        assert_eq!(vaulted.outcome, Outcome::Vaulted);
    }
    assert_eq!(office.server().ops().unwrap().len(), 5);
    // a device of a schema before ours still pushes
    let mut old = phone.request(&[&plain.bytes]);
    old.header.schema = 0;
    let response = phone.exchange(&old).unwrap();
    assert!(response.head.upgrade && response.changes.is_empty());
    assert_eq!(response.outs[0].outcome, outcomes[3]);
}

/// I11's place: the engine, the store and the server know the epoch already.
#[test]
fn i11_after_a_restore_the_devices_send_again_what_the_server_lost() {
    let mut office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    anna.sync().unwrap();
    let backup = office.file().with_extension("backup");
    office.server().storage().backup_into(&backup).unwrap();
    for at in 0..5 {
        anna.note(shop, &format!("after the backup {at}"));
    }
    anna.sync().unwrap();
    anna.assert_ledger(6, 0, 0);
    office.stop();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&office.file(), suffix));
    }
    std::fs::rename(&backup, office.file()).unwrap();
    {
        let storage = SqliteStorage::open(&office.file()).unwrap();
        let entropy = Arc::new(SeededEntropy::new(next_seed()));
        let restored = Server::new(storage, office.clock.clone(), entropy).unwrap();
        restored.rotate_epoch().unwrap();
    }
    office.start();
    assert_eq!(office.ops_of(anna.device()).len(), 1);
    let again = AtomicU64::new(0);
    let watch = |event: &Event| {
        if let Event::EpochChanged(count) = event {
            again.store(*count, Ordering::Relaxed);
        }
    };
    wait(Waymark::sync(&anna).run(&watch)).unwrap();
    assert_eq!(again.into_inner(), 5);
    assert_eq!(office.ops_of(anna.device()).len(), 6);
    anna.assert_ledger(6, 0, 0);
    anna.assert_same_as(&office);
}

#[test]
fn i12_a_fact_is_never_changed() {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut phone = Phone::enrol(&office.url(), &code, &office.clock);
    let (shop, draft) = phone.customer("Shop");
    let made = phone.seal(draft);
    let (note, draft) = phone.note(shop, "what was seen");
    let noted = phone.seal(draft);
    phone.push(&[&made, &noted]);
    let mut patch = Draft::command::<Note>(note, "", Body::new());
    patch.act = Act::Patch;
    patch.cmd = None;
    let change = Change("what was seen".into(), "what was wished".into());
    patch.set.insert("text".to_owned(), change);
    let patched = phone.seal(patch.clone());
    patch.act = Act::Delete;
    patch.set.clear();
    let deleted = phone.seal(patch);
    let mut again = phone.note(shop, "another text").1;
    again.key.id = note.into();
    let replaced = phone.seal(again);
    let outcomes = phone.push(&[&patched, &deleted, &replaced]);
    assert_eq!(rejected(&outcomes[0]), Some(Code::AppendOnly));
    assert_eq!(rejected(&outcomes[1]), Some(Code::AppendOnly));
    assert_eq!(rejected(&outcomes[2]), Some(Code::AlreadyExists));
    let rows = office.server().records(&Kind::new("note")).unwrap();
    assert_eq!((rows.len(), rows[0].rev), (1, 1));
    assert_eq!(rows[0].body["text"], "what was seen");
}

/// I13's place: an operation names its attachments' hashes; their bytes are nobody's condition.
#[test]
fn i13_an_operation_does_not_wait_for_its_attachment() {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut phone = Phone::enrol(&office.url(), &code, &office.clock);
    let sealed = {
        let (_, draft) = phone.customer("With a photo");
        phone.seal(draft)
    };
    let mut op: Operation = sealed.op;
    op.blobs.push(Blob {
        sha256: Hash::of(b"a photo that has not left the phone"),
        len: 2_000_000,
        mime: "image/jpeg".to_owned(),
        role: "shelf".to_owned(),
    });
    let bytes = serde_json::to_vec(&op).unwrap();
    let outcomes = phone.push_bytes(&[&bytes]);
    assert!(
        matches!(outcomes[0], Outcome::Applied { .. }),
        "{outcomes:?}"
    );
    assert_eq!(office.server().ops().unwrap()[0].bytes, bytes);
}
