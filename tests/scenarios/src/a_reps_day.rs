//! The slice of the whole product: a day in the field, from the import of the customers to the office's books.

use std::collections::BTreeSet;

use waymark_client::import::{ImportReport, ImportRequest};
use waymark_client::{CheckInRequest, ErrorCode, PlanRequest, Waymark};
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Datum;
use waymark_domain::ids::{OpId, VisitId};
use waymark_domain::op::Operation;
use waymark_domain::record::Kind;
use waymark_domain::visit::State;

use crate::support::{Office, Person, root};

const MINUTE: i64 = 60_000;

fn import(manager: &Person, owner: &Person) -> ImportReport {
    let request = ImportRequest {
        path: root().join("tests/fixtures/pois/monaco_osm.csv"),
        datum: Some(Datum::Wgs84),
        owner: Some(owner.user()),
        dry_run: false,
    };
    manager.import_customers(&request).unwrap()
}

fn here(rep: &Waymark, visit: Option<VisitId>, at: (f64, f64)) -> CheckInRequest {
    let fix = rep.fix(at, Datum::Wgs84, 12.0, AccuracySource::Android, 2_000);
    CheckInRequest::arriving(visit, fix.unwrap())
}

#[test]
fn a_reps_day_worked_offline_and_killed_in_the_middle_reaches_the_office_once() {
    let mut office = Office::open();
    let mut mia = office.manager("Mia");
    let mut anna = office.rep("Anna");
    mia.sync().unwrap(); // hears of Anna

    // the manager imports the customers, and they arrive at the rep: over 500, so as a snapshot
    let report = import(&mia, &anna);
    assert!(report.wrong.is_empty(), "{:?}", report.wrong);
    assert_eq!((report.rows, report.imported), (524, 524));
    mia.assert_ledger(0, 524, 0);
    mia.sync().unwrap();
    mia.assert_ledger(524, 0, 0);
    anna.sync().unwrap();
    assert_eq!(anna.customers().page(true, 1_000, 0).unwrap().len(), 524);
    let again = import(&mia, &anna);
    assert_eq!((again.imported, again.already_here), (0, 524));

    // the network goes away, and the rep works the day
    office.stop();
    let customers = anna.customers().page(true, 4, 0).unwrap();
    let plan = |at: usize| {
        let request = PlanRequest {
            customer: customers[at].id,
            day: None,
            rep: None,
        };
        anna.visits().plan(&request).unwrap()
    };
    let (first, second, third) = (plan(0), plan(1), plan(2));
    anna.clock.advance(30 * MINUTE);
    anna.visits().start(first).unwrap();
    let seen = anna
        .check_ins()
        .check_in(&here(&anna, None, (43.7389, 7.4243)))
        .unwrap();
    let verdict = seen.verdict.unwrap();
    assert!(verdict.door_cm.is_some_and(|door| door < 1_000_000));
    assert_eq!((verdict.policy.version, verdict.age_ms), (0, 2_000));
    let at_first = anna
        .try_note(customers[0].id, Some(first), "Shelf is empty")
        .unwrap();
    let failed = anna.sync().unwrap_err();
    assert_eq!((failed.code, failed.work_saved), (ErrorCode::Offline, true));

    // the process dies in the middle of the first visit
    anna.kill();
    anna.start();
    let current = anna
        .visits()
        .in_progress()
        .unwrap()
        .expect("the visit goes on");
    assert_eq!(current.id, first);
    let view = anna.visits().view(first).unwrap();
    assert_eq!(
        view.notes.iter().map(|note| note.id).collect::<Vec<_>>(),
        [at_first]
    );
    assert_eq!(view.check_ins.len(), 1);

    anna.clock.advance(20 * MINUTE);
    anna.visits().finish(first).unwrap();
    // a check-in begins a visit that is only planned
    let at_second = here(&anna, Some(second), (43.74, 7.42));
    anna.check_ins().check_in(&at_second).unwrap();
    anna.clock.advance(15 * MINUTE);
    anna.visits().finish(second).unwrap();
    anna.visits().skip(third, "closed on Mondays").unwrap();
    let unplanned = anna.visits().start_unplanned(customers[3].id).unwrap();
    anna.visits().finish(unplanned).unwrap();
    let shop = anna.add_customer("Épicerie Nouvelle");
    anna.note(shop, "Opened last week");
    let today = anna.today(None).unwrap();
    assert_eq!((today.visits.len(), today.done), (4, 4));
    // 3 plans, start, check-in, note, finish, start and check-in, finish, skip, plan and start, finish, customer, note
    anna.assert_ledger(0, 16, 0);
    anna.kill();
    anna.start();
    anna.assert_ledger(0, 16, 0);

    // the network is back: the office sees every record once
    office.start();
    office.clock.advance(65 * MINUTE);
    let report = anna.sync().unwrap();
    assert_eq!(
        (report.settled, report.pending, report.attention),
        (16, 0, 0)
    );
    anna.assert_ledger(16, 0, 0);
    let idle = anna.sync().unwrap();
    assert_eq!((idle.settled, idle.fetched), (0, 0));

    let server = office.server();
    let count = |kind| server.records(&Kind::new(kind)).unwrap().len();
    assert_eq!((count("customer"), count("visit")), (525, 4));
    assert_eq!((count("check_in"), count("note")), (2, 2));
    let rows = office.ops_of(anna.device());
    let ids: BTreeSet<OpId> = rows.iter().map(|row| row.op).collect();
    assert_eq!((rows.len(), ids.len()), (16, 16));
    let counts: Vec<u64> = rows.iter().filter_map(|row| row.n).collect();
    assert_eq!(counts, (1..=16).collect::<Vec<u64>>());
    assert!(office.on_the_servers_list().is_empty());
    assert!(server.alarms().unwrap().is_empty());

    // the manager sees the rep's visits
    mia.sync().unwrap();
    let day = anna.today_date().unwrap();
    let visits = mia.visits().of_day(day, false).unwrap();
    assert!(visits.iter().all(|visit| visit.rep == anna.user()));
    let states = |wanted: &str| {
        let fitting = visits.iter().filter(|visit| visit.state.name() == wanted);
        fitting.count()
    };
    assert_eq!((states("done"), states("skipped")), (3, 1));
    let seen = mia.visits().view(first).unwrap();
    assert_eq!(seen.notes[0].text, "Shelf is empty");
    let State::Done {
        started, finished, ..
    } = &seen.row.state
    else {
        panic!("{:?}", seen.row.state)
    };
    assert!(started.best_ms() + 20 * MINUTE <= finished.best_ms() + 1_000);

    // both ends hold the same
    mia.assert_same_as(&office);
    anna.assert_same_as(&office);
    office.assert_sound();
}

/// I8: digests, for everybody and every scope, after everybody has been at it.
#[test]
fn i8_at_rest_the_digest_of_every_scope_is_the_same_on_both_ends() {
    let office = Office::open();
    let mut mia = office.manager("Mia");
    let mut anna = office.rep("Anna");
    let mut ben = office.rep("Ben");
    mia.sync().unwrap();
    let bakery = mia.add_customer_of("Bakery", Some(anna.user()));
    let kiosk = mia.add_customer_of("Kiosk", Some(ben.user()));
    mia.add_customer_of("Nobody's", None);
    mia.sync().unwrap();
    anna.sync().unwrap();
    ben.sync().unwrap();
    for round in 0..5 {
        anna.note(bakery, &format!("note {round}"));
        if round <= 2 {
            ben.visits().start_unplanned(kiosk).unwrap();
        }
        mia.rename(bakery, &format!("Bakery {round}"));
        if round == 2 {
            mia.give(kiosk, anna.user());
        }
        anna.sync().unwrap();
        mia.sync().unwrap();
        ben.sync().unwrap();
    }
    for person in [&mut mia, &mut anna, &mut ben] {
        person.sync().unwrap();
        person.assert_same_as(&office);
    }
    office.assert_sound();
}

/// I2: an operation leaves the outbox only with its outcome, and its bytes stay.
#[test]
fn i2_what_was_acknowledged_keeps_its_exact_bytes_in_history() {
    let office = Office::open();
    let anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    for at in 0..10 {
        anna.note(shop, &format!("note {at}"));
    }
    let bytes_in = |table: &str| -> Vec<Vec<u8>> {
        let look = anna.look();
        let mut rows = look
            .prepare(&format!("SELECT bytes FROM {table} ORDER BY n"))
            .unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = bytes_in("outbox");
    assert_eq!((before.len(), bytes_in("history").len()), (11, 0));
    anna.sync().unwrap();
    assert_eq!(bytes_in("outbox").len(), 0);
    assert_eq!(bytes_in("history"), before);
    let there = office
        .ops_of(anna.device())
        .into_iter()
        .map(|row| row.bytes);
    assert_eq!(there.collect::<Vec<_>>(), before);
    assert!(
        before
            .iter()
            .all(|bytes| Operation::from_bytes(bytes).is_ok())
    );
}
