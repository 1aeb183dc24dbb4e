//! The rules that device and server share, told by what they do to a customer and to a visit.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::json;
use waymark_domain::customer::Customer;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{BootId, CustomerId, OpId, UserId, VisitId, uuid_v7};
use waymark_domain::merge::{Settled, Stored, authorise, fold, settle};
use waymark_domain::op::{BaseRef, Draft, Operation, Seal};
use waymark_domain::record::{Actor, Body, Kind, KindRules, Role, SyncRecord, read, rules, write};
use waymark_domain::refusal::{Code, Refusal};
use waymark_domain::scope::Scope;
use waymark_domain::time::{BootClock, Hlc, Stamp, Stay, TimeClass, TimeInterval, local_day};
use waymark_domain::visit::{State, Step, Visit};

fn user(tag: u8) -> UserId {
    UserId::from_uuid(uuid_v7(1, [tag; 10]))
}

fn customer_id() -> CustomerId {
    CustomerId::from_uuid(uuid_v7(2, [1; 10]))
}

fn visit_id() -> VisitId {
    VisitId::from_uuid(uuid_v7(3, [1; 10]))
}

fn at(ms: i64) -> Stamp {
    let when = TimeInterval {
        earliest: Some(ms),
        latest: Some(ms),
        class: TimeClass::A,
        wall: ms,
    };
    Stamp {
        when,
        mono: ms,
        boot: BootId::from_uuid(uuid_v7(0, [9; 10])),
        tz: 0,
        zone: None,
        day: local_day(ms, 0),
        hlc: Hlc(ms, 0),
    }
}

fn seal_on(draft: Draft, n: u64, rev: u64) -> Operation {
    let seal = Seal {
        op: OpId::from_uuid(uuid_v7(i64::try_from(n).unwrap(), [5; 10])),
        n,
        base: BaseRef { rev, after: None },
        deps: vec![],
        group: None,
        t: at(i64::try_from(n).unwrap() * 1000),
        prev: Hash::ZERO,
    };
    draft.seal(seal).unwrap().op
}

fn seal(draft: Draft, n: u64) -> Operation {
    seal_on(draft, n, 1)
}

fn kind<R: SyncRecord>() -> &'static dyn KindRules {
    rules(&R::KIND).unwrap()
}

fn stored<R: SyncRecord>(record: &R) -> Stored {
    Stored {
        rev: 1,
        body: write(record).unwrap(),
    }
}

fn shop() -> Customer {
    Customer {
        owner: Some(user(1)),
        phone: Some("1".to_owned()),
        ..Customer::named("Shop")
    }
}

fn visit(state: State) -> Visit {
    let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    Visit {
        customer: customer_id(),
        rep: user(1),
        day,
        state,
        extra: Body::new(),
    }
}

fn edit(change: impl FnOnce(&mut Customer)) -> Draft {
    let mut after = shop();
    change(&mut after);
    Draft::patch(customer_id(), &shop(), &after)
        .unwrap()
        .unwrap()
}

fn body_of(settled: Settled) -> Body {
    match settled {
        Settled::Applied(body) | Settled::Merged(body, _) => body,
        other => panic!("nothing was applied: {other:?}"),
    }
}

#[test]
fn edits_of_different_fields_both_count() {
    let mine = seal(edit(|customer| customer.name = "Shop & Co".to_owned()), 1);
    let theirs = Customer {
        address: Some("Main Street 1".to_owned()),
        ..shop()
    };
    let merged: Customer = read(&body_of(settle(
        kind::<Customer>(),
        Some(&stored(&theirs)),
        &mine,
    )))
    .unwrap();
    assert_eq!(
        (merged.name.as_str(), merged.address.as_deref()),
        ("Shop & Co", Some("Main Street 1"))
    );
}

#[test]
fn two_names_for_one_customer_are_for_a_person_to_decide_and_nothing_is_overwritten() {
    let mine = seal(edit(|customer| customer.name = "Mine".to_owned()), 1);
    let theirs = Customer {
        name: "Theirs".to_owned(),
        ..shop()
    };
    let Settled::Review(clashes) = settle(kind::<Customer>(), Some(&stored(&theirs)), &mine) else {
        panic!("no review")
    };
    let [clash] = clashes.as_slice() else {
        panic!("one clash")
    };
    assert_eq!(
        (&clash.base, &clash.mine, &clash.theirs),
        (&json!("Shop"), &json!("Mine"), &json!("Theirs"))
    );
}

#[test]
fn of_two_telephone_numbers_the_one_that_arrives_last_wins_and_the_other_is_kept_with_the_outcome()
{
    let mine = seal(edit(|customer| customer.phone = Some("3".to_owned())), 1);
    let theirs = Customer {
        phone: Some("2".to_owned()),
        ..shop()
    };
    let Settled::Merged(body, lost) = settle(kind::<Customer>(), Some(&stored(&theirs)), &mine)
    else {
        panic!("no merge")
    };
    assert_eq!(body["phone"], json!("3"));
    assert_eq!(lost[0].theirs, json!("2"));
}

#[test]
fn the_same_edit_from_two_sides_is_no_conflict() {
    let mine = seal(edit(|customer| customer.name = "Same".to_owned()), 1);
    let theirs = Customer {
        name: "Same".to_owned(),
        ..shop()
    };
    assert!(matches!(
        settle(kind::<Customer>(), Some(&stored(&theirs)), &mine),
        Settled::Applied(_)
    ));
}

#[test]
fn a_field_of_a_later_version_survives_an_edit_by_this_one() {
    let mut later = stored(&shop());
    later
        .body
        .insert("loyalty".to_owned(), json!({ "points": 7 }));
    let before: Customer = read(&later.body).unwrap();
    let after = Customer {
        phone: None,
        ..before.clone()
    };
    let op = seal(
        Draft::patch(customer_id(), &before, &after)
            .unwrap()
            .unwrap(),
        1,
    );
    assert!(!op.set.contains_key("loyalty"));
    let body = body_of(settle(kind::<Customer>(), Some(&later), &op));
    assert_eq!(body.get("loyalty"), Some(&json!({ "points": 7 })));
    assert_eq!(body.get("phone"), None);
}

#[test]
fn a_wrong_record_is_refused_with_its_field() {
    let empty = Customer::named("  ");
    assert_eq!(
        Draft::new(customer_id(), &empty),
        Err(Refusal::of_field(Code::Required, "name"))
    );
    // a device of another make may send it all the same: the server's answer is the same refusal
    let mut long = seal(edit(|customer| customer.address = Some("x".repeat(500))), 1);
    long.set.insert(
        "address".to_owned(),
        waymark_domain::op::Change(json!(null), json!("x".repeat(501))),
    );
    let sent = settle(kind::<Customer>(), Some(&stored(&shop())), &long);
    assert_eq!(
        sent,
        Settled::Refused(Refusal::of_field(Code::TooLong, "address"))
    );
}

#[test]
fn a_state_changes_only_by_a_step() {
    let (planned, done) = (
        visit(State::Planned),
        visit(State::InProgress {
            started: at(1).when,
            clock: Some(BootClock::from(&at(1))),
        }),
    );
    let refused = Draft::patch(visit_id(), &planned, &done);
    assert_eq!(refused, Err(Refusal::of_field(Code::CommandOnly, "state")));
    let mut op = seal(Step::Start.draft(visit_id()).unwrap(), 1);
    op.act = waymark_domain::op::Act::Patch;
    op.set.insert(
        "state".to_owned(),
        waymark_domain::op::Change(json!({"is":"planned"}), json!({"is":"done"})),
    );
    let forged = settle(kind::<Visit>(), Some(&stored(&planned)), &op);
    assert_eq!(
        forged,
        Settled::Refused(Refusal::of_field(Code::CommandOnly, "state"))
    );
}

#[test]
fn a_visit_goes_from_plan_to_end_with_the_times_of_its_steps() {
    let mut current = stored(&visit(State::Planned));
    for (n, step) in [(1, Step::Start), (2, Step::Finish)] {
        let op = seal(step.draft(visit_id()).unwrap(), n);
        current.body = body_of(settle(kind::<Visit>(), Some(&current), &op));
    }
    let over: Visit = read(&current.body).unwrap();
    assert_eq!(
        over.state,
        State::Done {
            started: at(1000).when,
            finished: at(2000).when,
            stay: Some(Stay {
                least_ms: 999,
                most_ms: Some(1001),
                exact: true
            })
        }
    );
}

#[test]
fn every_step_from_every_state_has_its_answer() {
    let (t, reason) = (at(1).when, "closed".to_owned());
    let states = [
        State::Planned,
        State::InProgress {
            started: t,
            clock: None,
        },
        State::Done {
            started: t,
            finished: t,
            stay: None,
        },
        State::Skipped {
            started: None,
            at: t,
            reason: reason.clone(),
            stay: None,
        },
        serde_json::from_value(json!({ "is": "postponed", "until": "spring" })).unwrap(),
    ];
    let steps = [Step::Start, Step::Finish, Step::Skip { reason }];
    let answer = |state: &State, step: &Step| {
        let op = seal(step.clone().draft(visit_id()).unwrap(), 7);
        match settle(kind::<Visit>(), Some(&stored(&visit(state.clone()))), &op) {
            Settled::Applied(_) => "done",
            Settled::Merged(..) => "already",
            Settled::Review(_) => "review",
            Settled::Refused(refusal) if refusal.code == Code::WrongState => "refused",
            Settled::Refused(_) => "unsupported",
        }
    };
    let table = states
        .each_ref()
        .map(|state| steps.each_ref().map(|step| answer(state, step)));
    let expected = [
        ["done", "refused", "done"],
        ["already", "done", "done"],
        ["review", "already", "review"],
        ["review", "review", "already"],
        ["unsupported", "unsupported", "unsupported"],
    ];
    assert_eq!(table, expected);
}

#[test]
fn a_state_of_a_later_version_is_kept_word_for_word() {
    let raw = json!({ "customer": customer_id(), "rep": user(1), "day": "2026-11-23", "state": { "is": "postponed", "until": "spring" } });
    let visit: Visit = serde_json::from_value(raw.clone()).unwrap();
    assert_eq!(visit.state.name(), "postponed");
    assert_eq!(serde_json::to_value(&visit).unwrap(), raw);
}

#[test]
fn a_fact_is_written_once() {
    let note = waymark_domain::note::Note {
        customer: customer_id(),
        visit: None,
        author: user(1),
        text: "out of stock".to_owned(),
        at: at(1).when,
        corrects: None,
        extra: Body::new(),
    };
    let id = waymark_domain::ids::NoteId::from_uuid(uuid_v7(4, [1; 10]));
    let rules = rules(&Kind::new("note")).unwrap();
    let append = seal(Draft::new(id, &note).unwrap(), 1);
    let body = body_of(settle(rules, None, &append));
    let there = Stored { rev: 1, body };
    assert_eq!(
        settle(rules, Some(&there), &append),
        Settled::Refused(Refusal::new(Code::AlreadyExists))
    );
    let mut patch = append;
    patch.act = waymark_domain::op::Act::Patch;
    assert_eq!(
        settle(rules, Some(&there), &patch),
        Settled::Refused(Refusal::new(Code::AppendOnly))
    );
}

#[test]
fn a_delete_that_meets_an_edit_is_for_a_person_to_decide() {
    let mut delete = seal(edit(|customer| customer.phone = None), 1);
    delete.act = waymark_domain::op::Act::Delete;
    delete.set.clear();
    let seen = stored(&shop());
    assert!(matches!(
        settle(kind::<Customer>(), Some(&seen), &delete),
        Settled::Applied(_)
    ));
    let edited = Stored { rev: 2, ..seen };
    assert!(matches!(
        settle(kind::<Customer>(), Some(&edited), &delete),
        Settled::Review(_)
    ));
}

#[test]
fn whose_record_it_is_decides_the_stored_one_not_the_claim() {
    let rep = |tag| Actor {
        user: user(tag),
        role: Role::Rep,
        scopes: BTreeSet::from([Scope::user(user(tag))]),
    };
    let manager = Actor {
        user: user(9),
        role: Role::Manager,
        scopes: BTreeSet::from([Scope::user(user(1)), Scope::user(user(9)), Scope::POOL]),
    };
    let of = |owner| write(&Customer { owner, ..shop() }).unwrap();
    let anna = Stored {
        rev: 1,
        body: of(Some(user(1))),
    };
    let claim = of(Some(user(2)));
    let ok = |actor: &Actor, stored: Option<&Stored>, next: &Body| {
        authorise(kind::<Customer>(), actor, stored, next).is_ok()
    };
    assert!(ok(&rep(1), Some(&anna), &of(Some(user(1)))));
    assert!(
        !ok(&rep(2), Some(&anna), &claim),
        "a rep takes a customer by saying so"
    );
    assert!(
        !ok(&rep(1), Some(&anna), &claim),
        "a rep gives a customer away"
    );
    assert!(!ok(&rep(1), None, &of(None)), "a rep fills the pool");
    assert!(ok(&manager, Some(&anna), &of(None)));
    assert!(
        !ok(&manager, Some(&anna), &claim),
        "a manager gives a customer to another team's rep"
    );
    assert!(
        !ok(
            &manager,
            Some(&Stored {
                rev: 1,
                body: claim.clone()
            }),
            &of(None)
        ),
        "a manager takes another team's"
    );
}

fn any_edit() -> impl Strategy<Value = Draft> {
    let word = "[a-c]{1,2}";
    (
        proptest::option::of(word),
        proptest::option::of(word),
        proptest::collection::btree_set(word, 0..3),
    )
        .prop_filter_map("an edit that changes nothing", |(name, phone, tags)| {
            let mut after = shop();
            after.name = name.unwrap_or(after.name);
            after.phone = phone.or(after.phone);
            after.tags = tags;
            Draft::patch(customer_id(), &shop(), &after).unwrap()
        })
}

proptest! {
    #[test]
    fn what_is_settled_again_does_not_change_again(edit in any_edit(), other in any_edit()) {
        let rules = kind::<Customer>();
        let (edit, other) = (seal(edit, 1), seal(other, 2));
        let current = match settle(rules, Some(&stored(&shop())), &other) {
            Settled::Applied(body) | Settled::Merged(body, _) => Stored { rev: 2, body },
            _ => unreachable!("the first edit meets nothing"),
        };
        if let Settled::Applied(body) | Settled::Merged(body, _) = settle(rules, Some(&current), &edit) {
            let again = settle(rules, Some(&Stored { rev: 3, body: body.clone() }), &edit);
            prop_assert_eq!(again, Settled::Applied(body));
        }
    }

    #[test]
    fn a_value_that_does_not_survive_is_named_in_the_outcome(edit in any_edit(), other in any_edit()) {
        let rules = kind::<Customer>();
        let (edit, other) = (seal(edit, 1), seal(other, 2));
        let current = Stored { rev: 2, body: body_of(settle(rules, Some(&stored(&shop())), &other)) };
        let (body, lost) = match settle(rules, Some(&current), &edit) {
            Settled::Applied(body) => (body, vec![]),
            Settled::Merged(body, lost) => (body, lost),
            // nothing changed, and the operation is kept whole
            Settled::Review(clashes) => return { prop_assert!(!clashes.is_empty()); Ok(()) },
            Settled::Refused(refusal) => panic!("{refusal}"),
        };
        for (field, change) in &edit.set {
            prop_assert_eq!(body.get(field).cloned().unwrap_or_default(), change.1.clone());
        }
        for (field, value) in current.body.iter().filter(|(field, _)| *field != "tags") {
            let kept = body.get(field) == Some(value);
            let knowingly = edit.set.get(field).is_some_and(|change| change.0 == *value);
            prop_assert!(kept || knowingly || lost.iter().any(|clash| clash.field == *field && clash.theirs == *value));
        }
    }

    #[test]
    fn words_added_and_removed_on_two_sides_do_not_depend_on_who_comes_first(
        base in proptest::collection::btree_set("[a-e]", 0..4),
        mine in proptest::collection::btree_set("[a-e]", 0..4),
        theirs in proptest::collection::btree_set("[a-e]", 0..4),
    ) {
        let rules = kind::<Customer>();
        let tagged = |tags: &BTreeSet<String>| Customer { tags: tags.clone(), ..shop() };
        let draft = |to: &BTreeSet<String>| Draft::patch(customer_id(), &tagged(&base), &tagged(to)).unwrap();
        let (Some(first), Some(second)) = (draft(&mine), draft(&theirs)) else { return Ok(()) };
        let (first, second) = (seal(first, 1), seal(second, 2));
        let run = |one: &Operation, two: &Operation| {
            let after_one = body_of(settle(rules, Some(&stored(&tagged(&base))), one));
            body_of(settle(rules, Some(&Stored { rev: 2, body: after_one }), two))
        };
        prop_assert_eq!(run(&first, &second), run(&second, &first));
    }

    #[test]
    fn what_the_device_folds_is_what_the_server_settles_when_nobody_interferes(edits in proptest::collection::vec(any_edit(), 0..8)) {
        let rules = kind::<Customer>();
        let base = stored(&shop());
        let (mut server, mut ops) = (base.clone(), Vec::new());
        for (n, draft) in (1..).zip(edits) {
            // each edit is made on what the user sees at the time
            let seen: Customer = read(&fold(rules, Some(&base), &ops).unwrap().body).unwrap();
            let mut wanted = seen.clone();
            for (field, change) in &draft.set {
                match field.as_str() {
                    "name" => wanted.name = change.1.as_str().unwrap().to_owned(),
                    _ => wanted.phone = change.1.as_str().map(str::to_owned),
                }
            }
            if let Some(draft) = Draft::patch(customer_id(), &seen, &wanted).unwrap() {
                let op = seal(draft, n);
                server = Stored { rev: server.rev + 1, body: body_of(settle(rules, Some(&server), &op)) };
                ops.push(op);
            }
        }
        prop_assert_eq!(fold(rules, Some(&base), &ops).unwrap().body, server.body);
    }
}
