//! The questions that screens ask.

use waymark_domain::customer::Customer;
use waymark_domain::member::Member;
use waymark_domain::op::Draft;
use waymark_domain::record::{Body, KINDS, Role, write};
use waymark_domain::scope::Scope;
use waymark_domain::visit::Step;
use waymark_store::{Owner, Store};

use crate::desk::*;

fn names(rows: &[waymark_store::Row<Customer>]) -> Vec<&str> {
    rows.iter().map(|row| row.record.name.as_str()).collect()
}

fn with_customers() -> Store {
    let store = in_memory();
    grant(&store, &[mine(), Scope::POOL]);
    let list = [
        (
            "Zum Löwen",
            "Kirchstraße 3, Köln",
            "amenity=pub",
            Some(anna()),
        ),
        (
            "Adler Apotheke",
            "Am Markt 1, Köln",
            "amenity=pharmacy",
            Some(anna()),
        ),
        (
            "Москва Кафе",
            "улица Ленина 5",
            "amenity=cafe",
            Some(anna()),
        ),
        ("Nobody's Shop", "Am Markt 2, Bonn", "shop=kiosk", None),
    ];
    let changes = (1..)
        .zip(list)
        .map(|(tag, (name, address, category, owner))| {
            let customer = Customer {
                owner,
                address: Some(address.to_owned()),
                category: Some(category.to_owned()),
                external: Some(format!("osm/{}", tag % 3)),
                tags: ["Key Account".to_owned()]
                    .into_iter()
                    .filter(|_| tag == 2)
                    .collect(),
                ..Customer::named(name)
            };
            put(
                &mine(),
                customer_key(tag),
                tag,
                1,
                write(&customer).unwrap(),
            )
        });
    receive(&store, &mine(), 9, changes.collect());
    store
}

#[test]
fn customers_come_in_pages_by_name_and_owner() {
    let store = with_customers();
    let page = |owner, limit, offset| {
        store
            .read(|reader| reader.customers(owner, limit, offset))
            .unwrap()
    };
    assert_eq!(
        names(&page(Owner::Any, 2, 0)),
        ["Adler Apotheke", "Nobody's Shop"]
    );
    assert_eq!(names(&page(Owner::Any, 2, 2)), ["Zum Löwen", "Москва Кафе"]);
    assert_eq!(names(&page(Owner::Nobody, 9, 0)), ["Nobody's Shop"]);
    assert_eq!(page(Owner::User(anna()), 9, 0).len(), 3);
    assert_eq!(page(Owner::User(user(2)), 9, 0), []);
}

#[test]
fn a_search_finds_every_word_anywhere_whatever_its_case() {
    let store = with_customers();
    let search = |text: &str, owner| -> Vec<String> {
        let rows = store
            .read(|reader| reader.search_customers(text, owner, 10))
            .unwrap();
        names(&rows).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(search("KÖLN markt", Owner::Any), ["Adler Apotheke"]);
    assert_eq!(search("кафе ЛЕНИНА", Owner::Any), ["Москва Кафе"]);
    assert_eq!(search("key account", Owner::Any), ["Adler Apotheke"]);
    assert_eq!(search("markt", Owner::Nobody), ["Nobody's Shop"]);
    assert_eq!(search("markt", Owner::User(anna())), ["Adler Apotheke"]);
    assert_eq!(search("  ", Owner::Any).len(), 4);
    assert_eq!(search("100% _ ' \"", Owner::Any), [""; 0]);
    let six = "adler apotheke am markt 1, köln";
    assert_eq!(search(six, Owner::Any), ["Adler Apotheke"]);
}

#[test]
fn a_customer_is_found_by_the_identity_it_was_imported_with() {
    let store = with_customers();
    let ids = store
        .read(|reader| reader.customers_by_external("osm/1"))
        .unwrap();
    assert_eq!(ids, [customer_id(1), customer_id(4)]);
    assert_eq!(
        store
            .read(|reader| reader.customers_by_external("osm/7"))
            .unwrap(),
        []
    );
}

#[test]
fn deleted_records_leave_the_lists_and_are_still_found_by_id() {
    let store = with_customers();
    let mut delete = renamed(1, "a", "b");
    delete.act = waymark_domain::op::Act::Delete;
    delete.set.clear();
    commit_one(&store, delete);
    let row = store
        .read(|reader| reader.customer(customer_id(1)))
        .unwrap()
        .unwrap();
    assert!(row.deleted);
    assert_eq!(
        store
            .read(|reader| reader.customers(Owner::Any, 10, 0))
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        store
            .read(|reader| reader.customers_by_external("osm/1"))
            .unwrap(),
        [customer_id(4)]
    );
    let counts = store.read(|reader| reader.counts()).unwrap();
    let counts = counts[&customer_key(1).kind];
    assert_eq!((counts.rows, counts.pending, counts.deleted), (4, 1, 1));
    assert_clean(&store);
}

#[test]
fn visits_are_found_by_day_customer_id_and_progress() {
    let store = with_customers();
    commit(
        &store,
        vec![new_visit(1, 2), new_visit(2, 1), step(2, Step::Start)],
    )
    .unwrap();
    let day = "2026-11-23".parse().unwrap();
    store
        .read(|reader| {
            let today = reader.visits_of_day(day, Some(anna()))?;
            let seen: Vec<_> = today
                .iter()
                .map(|row| {
                    (
                        row.visit.record.state.name(),
                        row.customer_name.as_deref().unwrap(),
                    )
                })
                .collect();
            assert_eq!(
                seen,
                [("planned", "Adler Apotheke"), ("in_progress", "Zum Löwen")]
            );
            assert_eq!(reader.visits_of_day(day, None)?, today);
            assert_eq!(reader.visits_of_day(day, Some(user(2)))?, []);
            assert_eq!(
                reader.visits_of_day("2026-11-24".parse().unwrap(), None)?,
                []
            );
            assert_eq!(reader.visits_of_customer(customer_id(1), 5)?, today[1..]);
            assert_eq!(reader.visit(visit_id(1))?.as_ref(), today.first());
            assert_eq!(reader.visit_in_progress(anna())?.as_ref(), today.last());
            assert_eq!(reader.visit_in_progress(user(2))?, None);
            Ok(())
        })
        .unwrap();
    commit_one(
        &store,
        step(
            2,
            Step::Skip {
                reason: "closed".to_owned(),
            },
        ),
    );
    assert_eq!(
        store
            .read(|reader| reader.visit_in_progress(anna()))
            .unwrap(),
        None
    );
    assert_clean(&store);
}

#[test]
fn check_ins_and_notes_are_found_with_their_visit_and_customer() {
    let store = with_customers();
    commit(
        &store,
        vec![
            new_visit(1, 1),
            step(1, Step::Start),
            new_check_in(1, 1, 1),
            new_note(1, 1, "first"),
        ],
    )
    .unwrap();
    let mut with_visit = new_note(2, 1, "second");
    with_visit.set.insert(
        "visit".to_owned(),
        waymark_domain::op::Change(serde_json::Value::Null, visit_id(1).to_string().into()),
    );
    commit_one(&store, with_visit);
    store
        .read(|reader| {
            assert_eq!(reader.check_ins_of_visit(visit_id(1))?.len(), 1);
            assert_eq!(reader.check_ins_of_visit(visit_id(2))?.len(), 0);
            let notes = reader.notes_of_customer(customer_id(1), 5)?;
            let texts: Vec<_> = notes.iter().map(|note| note.record.text.as_str()).collect();
            assert_eq!(texts, ["second", "first"]);
            assert_eq!(reader.notes_of_visit(visit_id(1))?, notes[..1]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn members_are_found_by_name_and_by_user() {
    let store = with_customers();
    let member = |tag: u64, name: &str| {
        let member = Member {
            user: user(tag),
            name: name.to_owned(),
            role: Role::Rep,
            team: "north".to_owned(),
            extra: Body::new(),
        };
        put(
            &mine(),
            key::<Member>(user(tag)),
            20 + tag,
            1,
            write(&member).unwrap(),
        )
    };
    receive(
        &store,
        &mine(),
        30,
        vec![member(1, "Anna"), member(2, "boris"), member(3, "Çelik")],
    );
    store
        .read(|reader| {
            let members = reader.members()?;
            let names: Vec<_> = members.iter().map(|row| row.record.name.as_str()).collect();
            assert_eq!(names, ["Anna", "boris", "Çelik"]);
            assert_eq!(reader.members_by_name(" ÇELIK ")?, members[2..]);
            assert_eq!(reader.member(user(2))?.unwrap(), members[1]);
            assert_eq!(reader.member(user(9))?, None);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_export_in_chunks_is_the_export_at_once() {
    let store = with_customers();
    commit(
        &store,
        vec![new_visit(1, 1), new_note(1, 1, "x"), new_note(2, 1, "y")],
    )
    .unwrap();
    let whole = everything(&store);
    assert_eq!(whole.len(), 7);
    let order: Vec<_> = KINDS.iter().map(|rules| rules.kind()).collect();
    let place = |row: &waymark_store::ExportRow| {
        (
            order.iter().position(|kind| *kind == row.key.kind),
            row.key.id,
        )
    };
    assert!(whole.is_sorted_by_key(place));
    for limit in 1..=8_u32 {
        let mut rows: Vec<waymark_store::ExportRow> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.key.clone());
            let chunk = store
                .read(|reader| reader.export(after.as_ref(), limit))
                .unwrap();
            if chunk.is_empty() {
                break;
            }
            rows.extend(chunk);
        }
        assert_eq!(rows, whole, "in chunks of {limit}");
    }
}

#[test]
fn work_on_what_cannot_be_seen_is_refused_and_managers_see_their_pool() {
    let store = with_customers();
    let manager = waymark_store::Identity {
        role: Role::Manager,
        ..identity()
    };
    store.set_identity(&manager).unwrap();
    let free = Customer::named("Pool");
    commit_one(&store, Draft::new(customer_id(50), &free).unwrap());
    grant(&store, &[mine()]);
    assert!(commit(&store, vec![Draft::new(customer_id(51), &free).unwrap()]).is_err());
    assert_clean(&store);
}
