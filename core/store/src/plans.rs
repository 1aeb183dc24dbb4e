//! Every statement's plan: none reads the whole of a table that grows, unless it says why.

use rusqlite::Connection;

use crate::store::Store;
use crate::{
    attention, check, commit, digests, epoch, evidence, fold, identity, ledger, meta, photos, pull,
    reader, salvage, schema, settle, sync, track, track_kept, views,
};

const FILES: &[(&str, &[(&str, &str)])] = &[
    ("attention", attention::QUERIES),
    ("check", check::QUERIES),
    ("commit", commit::QUERIES),
    ("digests", digests::QUERIES),
    ("epoch", epoch::QUERIES),
    ("evidence", evidence::QUERIES),
    ("fold", fold::QUERIES),
    ("identity", identity::QUERIES),
    ("ledger", ledger::QUERIES),
    ("meta", meta::QUERIES),
    ("pull", pull::QUERIES),
    ("reader", reader::QUERIES),
    ("salvage", salvage::rescue::QUERIES),
    ("schema", schema::QUERIES),
    ("settle", settle::QUERIES),
    ("sync", sync::QUERIES),
    ("customer", views::customer::QUERIES),
    ("visit", views::visit::QUERIES),
    ("check_in", views::check_in::QUERIES),
    ("note", views::note::QUERIES),
    ("member", views::member::QUERIES),
    ("policy", views::policy::QUERIES),
    ("shift", views::shift::QUERIES),
    ("track_segment", views::track_segment::QUERIES),
    ("track_root", views::track_root::QUERIES),
    ("gap_note", views::gap_note::QUERIES),
    ("sos", views::sos::QUERIES),
    ("photo", views::photo::QUERIES),
    ("photos", photos::QUERIES),
    ("track_kept", track_kept::QUERIES),
    ("location_access", views::location_access::QUERIES),
    ("track", track::QUERIES),
];

/// Tables of a few rows: values by name, at most 200 scopes, and SQLite's own list of tables.
const SMALL: &[&str] = &["meta", "scope_state", "sqlite_schema", "sqlite_master"];

/// Statements that read a whole table, and why they may.
const ALLOWED: &[(&str, &str)] = &[
    (
        "attention.HASHES",
        "verifies every waiting operation, once at each open",
    ),
    (
        "attention.OPEN",
        "in the order of the partial index of open entries: the entries that a person sees",
    ),
    ("check.STRAYS", "a check of everything"),
    (
        "customer.PAGE_ANY",
        "in the order of the index, and stops after the page",
    ),
    (
        "customer.SEARCH_ANY",
        "a word may stand anywhere in the text; in the order of the index, and stops after the page",
    ),
    (
        "evidence.NEWEST",
        "in the order of the key, and stops at the first row",
    ),
    ("epoch.STALE", "once after a restore of the server"),
    ("fold.ALL_KEYS", "rebuilds all views after an update"),
    ("identity.ANY_OUTBOX", "stops at the first row"),
    (
        "ledger.ANSWERED",
        "counts all of history: the account is of everything",
    ),
    ("ledger.PENDING", "counts the outbox"),
    ("ledger.OUTBOX_ROWS", "counts the outbox, once at each open"),
    ("ledger.HISTORY", "counts history, once at each open"),
    ("ledger.HISTORY_ROWS", "counts history, once at each open"),
    (
        "ledger.OPEN",
        "counts through the partial index of open entries",
    ),
    (
        "ledger.PRUNE_RESOLVED",
        "once a day; entries that a person has dealt with",
    ),
    (
        "member.ALL",
        "a company's people, in the order of the index",
    ),
    (
        "photos.BLOBS",
        "once at each start: whether the files are there",
    ),
    ("photos.CAPTURES", "slots that no photo came of yet: a few"),
    (
        "sync.BATCH",
        "in the order of the key, and stops when the batch is full",
    ),
    (
        "sync.BATCH_FROZEN",
        "in the order of the key, and stops when the batch is full",
    ),
    (
        "sync.COUNTS",
        "the counts of all waiting operations are what is asked for",
    ),
    ("sync.LAST", "stops at the first row"),
    (
        "track.SHIFTS",
        "the points of the last quarter of an hour, by the index",
    ),
];

fn steps(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
    let unbound = rusqlite::params_from_iter(unbound);
    let rows = statement.query_map(unbound, |row| row.get(3)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn scans(conn: &Connection, sql: &str) -> Vec<String> {
    let mut found = steps(conn, sql);
    found.retain(|step| {
        let table = step
            .strip_prefix("SCAN ")
            .and_then(|rest| rest.split(' ').next());
        table.is_some_and(|table| {
            !SMALL.contains(&table) && !table.starts_with('(') && table != "CONSTANT"
        })
    });
    found
}

fn database() -> Connection {
    let opened = Store::from_connection(Connection::open_in_memory().unwrap()).unwrap();
    opened.store.into_connection().unwrap()
}

#[test]
fn no_statement_reads_a_whole_table_without_a_reason() {
    let conn = database();
    let (mut used, mut wrong) = (Vec::new(), Vec::new());
    for (file, queries) in FILES {
        for (name, sql) in *queries {
            let name = format!("{file}.{name}");
            let scans = scans(&conn, sql);
            let allowed = ALLOWED.iter().any(|(allowed, _)| *allowed == name);
            if !scans.is_empty() && !allowed {
                wrong.push(format!("{name}: {scans:?}"));
            }
            if !scans.is_empty() {
                used.push(name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let idle = ALLOWED.iter().map(|(name, _)| name);
    let idle: Vec<_> = idle
        .filter(|name| !used.iter().any(|used| used == *name))
        .collect();
    assert!(
        idle.is_empty(),
        "these need no permission any more: {idle:?}"
    );
}

#[test]
fn what_every_view_has_goes_by_its_key() {
    let conn = database();
    for view in views::VIEWS {
        for (name, sql) in view.common().all() {
            let scans = scans(&conn, sql);
            // counting and checking read everything by their nature; a part of an id may stand anywhere in it
            let whole = ["counts", "keys", "by_part"].contains(&name);
            assert!(
                scans.is_empty() || whole,
                "{name} of {}: {scans:?}",
                view.kind()
            );
        }
    }
}

#[test]
fn a_page_of_customers_is_not_sorted() {
    let conn = database();
    let pages = views::customer::QUERIES.iter();
    for (name, sql) in
        pages.filter(|(name, _)| name.starts_with("PAGE") || name.starts_with("SEARCH"))
    {
        let steps = steps(&conn, sql);
        assert!(
            steps.iter().all(|step| !step.contains("TEMP B-TREE")),
            "{name}: {steps:?}"
        );
    }
}

#[test]
fn the_plan_of_a_full_scan_is_noticed() {
    let scans = scans(&database(), "SELECT body FROM view_customer WHERE lat > 5");
    assert_eq!(scans, ["SCAN view_customer"]);
}
