//! Other versions: a database that a newer app wrote, and those that every released version wrote.

use std::collections::BTreeSet;

use waymark_client::{ErrorCode, Waymark};
use waymark_domain::record::Role;

use crate::support::{Office, Person, beside, root};

/// What a newer app leaves behind, as far as this one can know: a higher version, and a table that nobody here has heard of.
fn make_newer(person: &mut Person) {
    person.close();
    let newer = version_of(person) + 1;
    let database = rusqlite::Connection::open(person.file()).unwrap();
    let sql = format!(
        "PRAGMA user_version = {newer}; UPDATE meta SET value = '{newer}' WHERE key = 'schema'; CREATE TABLE from_the_future (x);"
    );
    database.execute_batch(&sql).unwrap();
    drop(database);
    person.start();
}

fn version_of(person: &Person) -> u32 {
    let database = rusqlite::Connection::open(person.file()).unwrap();
    database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn a_database_of_a_newer_app_reads_sends_what_is_pending_and_takes_no_new_work() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    anna.sync().unwrap();
    anna.note(shop, "one");
    anna.note(shop, "two");
    let status = anna.status().unwrap();
    make_newer(&mut anna);
    assert!(anna.status().unwrap().read_only);
    assert_eq!(anna.name_of(shop), "Shop");
    assert_eq!(anna.customers().view(shop).unwrap().notes.len(), 2);

    let before = std::fs::read(anna.file()).unwrap();
    anna.sync().unwrap();
    assert_eq!(
        office.ops_of(anna.device()).len(),
        3,
        "what was pending is sent"
    );
    // and again: the server takes it once
    anna.sync().unwrap();
    assert_eq!(office.ops_of(anna.device()).len(), 3);
    let refused = anna.try_note(shop, None, "three").unwrap_err();
    assert_eq!(
        (refused.code, refused.work_saved),
        (ErrorCode::DatabaseNewer, true)
    );
    let mut out = Vec::new();
    anna.export(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("two"));
    assert_eq!(
        std::fs::read(anna.file()).unwrap(),
        before,
        "the file is as it was"
    );

    // the newer app is back: the outcomes come with the replay
    let restore = |sql: &str| {
        rusqlite::Connection::open(anna.file())
            .unwrap()
            .execute_batch(sql)
            .unwrap()
    };
    let version = version_of(&anna) - 1;
    restore(&format!(
        "PRAGMA user_version = {version}; UPDATE meta SET value = '{version}' WHERE key = 'schema'; DROP TABLE from_the_future;",
    ));
    let mut anna = anna;
    anna.kill();
    anna.start();
    assert_eq!(anna.status().unwrap().pending, status.pending);
    anna.sync().unwrap();
    anna.assert_ledger(3, 0, 0);
    anna.assert_same_as(&office);
}

/// `tests/fixtures/db/v<version>-….db`: databases as released versions left them, with work that was never sent.
#[test]
fn every_released_database_opens_and_its_pending_work_is_sent() {
    let folder = root().join("tests/fixtures/db");
    let files = std::fs::read_dir(&folder)
        .expect("tests/fixtures/db")
        .map(|entry| entry.unwrap().path());
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "db"))
        .collect();
    assert!(
        !files.is_empty(),
        "no database of a released version in tests/fixtures/db"
    );
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let office = Office::open();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("waymark.db");
        std::fs::copy(&file, &copy).unwrap();
        let key = beside(&file, ".key");
        if key.exists() {
            std::fs::copy(key, beside(&copy, ".key")).unwrap();
        }
        // its server is long gone: the same work goes to ours, under an identity of ours
        let newcomer = office.rep("Anna");
        let person = Person::new(office.clock.wall_ms());
        person.enrol(
            &office.url(),
            &office.invite("Ben", Role::Rep, "north").code,
        );
        let identity: String = person
            .look()
            .query_row("SELECT value FROM meta WHERE key = 'identity'", [], |row| {
                row.get(0)
            })
            .unwrap();
        drop(newcomer);
        std::fs::copy(beside(&person.file(), ".key"), beside(&copy, ".key")).unwrap();
        let database = rusqlite::Connection::open(&copy).unwrap();
        database
            .execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('identity', ?1)",
                [identity],
            )
            .unwrap();
        let bytes_in = |table: &str| -> BTreeSet<Vec<u8>> {
            let mut rows = database
                .prepare(&format!("SELECT bytes FROM {table}"))
                .unwrap();
            let rows = rows.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let (pending, answered) = (bytes_in("outbox"), bytes_in("history"));
        drop(database);

        let opened =
            Waymark::open(person.config(copy)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(opened.opened().salvage.is_none(), "{name}");
        assert_eq!(
            opened.status().unwrap().pending,
            pending.len() as u64,
            "{name}"
        );
        let sync = opened.sync();
        crate::support::wait(sync.run(&|_| {})).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let status = opened.status().unwrap();
        assert!(status.balanced && status.pending == 0, "{name}: {status:?}");
        let there: BTreeSet<Vec<u8>> = office
            .ops_of(person.device())
            .into_iter()
            .map(|row| row.bytes)
            .collect();
        assert!(pending.is_subset(&there), "{name}");
        // a server of another epoch gets what it lacks as well, and nothing that was never made
        assert!(
            there
                .iter()
                .all(|bytes| pending.contains(bytes) || answered.contains(bytes)),
            "{name}"
        );
    }
}
