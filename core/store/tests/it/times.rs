//! What is known of the world's time, over restarts.

use rusqlite::Connection;
use waymark_domain::fix::{AccuracySource, Fix, Provider};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{BootId, uuid_v7};
use waymark_domain::time::{AnchorSource, Candidate, NotTaken, Reading, TimeClass};
use waymark_store::{Settlement, Store, Unit};

use crate::desk::{identity, in_memory, new_customer, outbox, reading, uuid};

const NOW: i64 = 1_795_420_800_000;

fn fix(gnss_ms: i64, mono_ms: i64) -> Candidate {
    let position = Position::new(Datum::Wgs84, 43.7, 7.4).unwrap();
    Candidate::Fix(Fix {
        provider: Provider::Gnss,
        gnss_ms: Some(gnss_ms),
        ..Fix::new(position, 5.0, AccuracySource::Android, mono_ms)
    })
}

fn save(store: &Store, tag: u64, now: Reading) {
    let unit = vec![Unit::One(new_customer(tag, "Shop"))];
    store
        .commit(unit, now, &mut || uuid(9_000_000 + tag))
        .unwrap();
}

#[test]
fn an_anchor_that_version_1_kept_is_found_after_the_update() {
    let boot = reading(0).boot;
    let conn = in_memory().into_connection().unwrap();
    let old = format!(r#"{{"server_ms":{NOW},"rtt_ms":100,"mono_ms":0,"boot":"{boot}"}}"#);
    conn.execute("INSERT INTO meta (key, value) VALUES ('anchor', ?1)", [old])
        .unwrap();
    let store = Store::from_connection(conn).unwrap().store;
    let anchor = store.anchors().unwrap().server().unwrap();
    assert_eq!(
        (anchor.utc_ms, anchor.uncertainty_ms, anchor.source),
        (NOW, 50, AnchorSource::Server)
    );
    save(&store, 1, reading(60));
    let t = outbox(&store).pop().unwrap().t;
    assert_eq!(t.when.class, TimeClass::A);
    assert!(t.when.earliest.unwrap() > NOW + 50_000);
}

#[test]
fn satellite_time_stamps_work_as_class_b_and_a_refused_offer_writes_nothing() {
    let store = in_memory();
    let now = reading(60);
    let (mono_ms, wrong) = (now.mono_ms, NOW - 1024 * 7 * 86_400_000);
    let refused = store.offer_times(&[fix(wrong, mono_ms)], now).unwrap();
    assert_eq!(refused, [Err(NotTaken::BeforeKnown)]);
    let conn = store.into_connection().unwrap();
    let rows: u32 = conn
        .query_row(
            "SELECT count(*) FROM meta WHERE key = 'anchors'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rows, 0);
    let store = Store::from_connection(conn).unwrap().store;
    let offers = [fix(wrong, mono_ms), fix(NOW, mono_ms)];
    let answers = store.offer_times(&offers, now).unwrap();
    assert_eq!(answers, [Err(NotTaken::BeforeKnown), Ok(())]);
    save(&store, 1, reading(61));
    let t = outbox(&store).pop().unwrap().t;
    assert_eq!(t.when.class, TimeClass::B);
    assert!(t.when.earliest.unwrap() < NOW + 1_000 && NOW + 1_000 < t.when.latest.unwrap());
}

#[test]
fn after_a_reboot_work_is_later_than_the_last_work_before_it_even_in_a_new_process() {
    let store = in_memory();
    let now = reading(0);
    store
        .settle(&Settlement {
            anchor: Some(waymark_domain::time::Anchor {
                utc_ms: NOW,
                uncertainty_ms: 50,
                mono_ms: now.mono_ms,
                boot: now.boot,
                source: AnchorSource::Server,
            }),
            ..Settlement::default()
        })
        .unwrap();
    save(&store, 1, reading(7_200));
    let before = outbox(&store).pop().unwrap().t.when.earliest.unwrap();
    assert!(before > NOW + 7_100_000);
    let conn: Connection = store.into_connection().unwrap();
    let store = Store::from_connection(conn).unwrap().store;
    assert_eq!(store.identity().unwrap(), Some(identity()));
    let rebooted = Reading {
        boot: BootId::from_uuid(uuid_v7(0, [77; 10])),
        mono_ms: 5,
        ..reading(0)
    };
    save(&store, 2, rebooted);
    let after = outbox(&store).pop().unwrap().t.when;
    assert_eq!((after.earliest, after.latest), (Some(before), None));
}
