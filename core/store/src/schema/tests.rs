//! Steps, with a toy schema of three.

use rusqlite::Connection;

use super::*;
use crate::connections::immediate;

const TOY: &[Step] = &[
    Step {
        name: "shops",
        run: Run::Sql(
            "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE shop (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;",
        ),
    },
    Step {
        name: "names in lower case",
        run: Run::Code(|tx| {
            tx.execute_batch("ALTER TABLE shop ADD COLUMN folded TEXT NOT NULL DEFAULT ''")?;
            tx.execute("UPDATE shop SET folded = lower(name)", [])?;
            Ok(())
        }),
    },
    Step {
        name: "an index on them",
        run: Run::Sql("CREATE INDEX shop_folded ON shop (folded)"),
    },
];

fn at_version(version: usize, filled: bool) -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    let steps = TOY.get(..version).unwrap();
    immediate(&mut conn, |tx| migrate(tx, steps)).unwrap();
    if filled && version > 0 {
        conn.execute("INSERT INTO shop (name) VALUES ('Kiosk')", [])
            .unwrap();
    }
    conn
}

fn folded(conn: &Connection) -> Vec<String> {
    let mut statement = conn.prepare("SELECT folded FROM shop").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn from_every_version_the_schema_comes_out_as_a_fresh_one() {
    let fresh = text(&at_version(TOY.len(), false)).unwrap();
    for version in 0..=TOY.len() {
        for filled in [false, true] {
            let mut conn = at_version(version, filled);
            let ran = immediate(&mut conn, |tx| migrate(tx, TOY)).unwrap();
            let from = u32::try_from(version).unwrap();
            assert_eq!(ran, (version < TOY.len()).then_some(from));
            assert_eq!(user_version(&conn).unwrap(), version_of(TOY));
            assert_eq!(
                text(&conn).unwrap(),
                fresh,
                "from {version}, filled: {filled}"
            );
            if filled && version == 1 {
                assert_eq!(folded(&conn), ["kiosk"]);
            }
        }
    }
}

#[test]
fn a_death_after_any_step_leaves_the_version_before_and_the_next_start_goes_through() {
    let fresh = text(&at_version(TOY.len(), false)).unwrap();
    for from in 0..TOY.len() {
        for dies_after in from..=TOY.len() {
            let mut conn = at_version(from, true);
            let before = text(&conn).unwrap();
            let died: Result<(), StoreError> = immediate(&mut conn, |tx| {
                migrate(tx, TOY.get(..dies_after).unwrap())?;
                Err(StoreError::Closed)
            });
            assert_eq!(died, Err(StoreError::Closed));
            assert_eq!(text(&conn).unwrap(), before);
            assert_eq!(user_version(&conn).unwrap(), u32::try_from(from).unwrap());
            immediate(&mut conn, |tx| migrate(tx, TOY)).unwrap();
            assert_eq!(text(&conn).unwrap(), fresh);
        }
    }
}

#[test]
fn a_step_that_fails_takes_the_steps_before_it_along() {
    let broken = &[
        Step {
            name: "good",
            run: Run::Sql("CREATE TABLE good (id INTEGER PRIMARY KEY) STRICT"),
        },
        Step {
            name: "bad",
            run: Run::Sql("CREATE TABLE bad (id NONSENSE) STRICT"),
        },
    ];
    let mut conn = Connection::open_in_memory().unwrap();
    assert!(immediate(&mut conn, |tx| migrate(tx, broken)).is_err());
    assert_eq!(
        (objects(&conn).unwrap(), user_version(&conn).unwrap()),
        (0, 0)
    );
}

#[test]
fn every_step_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
    assert_eq!(names.len(), STEPS.len());
}
