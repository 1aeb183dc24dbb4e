//! Groups and dependencies: I6 causality, I7 no head of line, all or nothing.

use chrono::NaiveDate;
use waymark_domain::customer::Customer;
use waymark_domain::ids::{CustomerId, OpId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::record::{Body, RecordKey, SyncRecord as _};
use waymark_domain::refusal::Code;
use waymark_domain::visit::{State, Step, Visit};
use waymark_protocol::outcome::{Outcome, Why};

use crate::support::{Device, On, World, applied, key_of, rejected};

fn visit(rep: &Device, customer: CustomerId) -> Visit {
    Visit {
        customer,
        rep: rep.user,
        day: NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
        state: State::Planned,
        extra: Body::new(),
    }
}

#[test]
fn an_operation_is_deferred_until_the_one_it_builds_on_arrives() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (customer, _, create) = rep.new_customer(&world, "Pharmacy");
    let id = world.id(VisitId::from_uuid);
    let planned = Draft::new(id, &visit(&rep, customer)).unwrap();
    let planned = rep.seal(&world, planned, On::needs(&[&create]));
    let started = rep.seal(&world, Step::Start.draft(id).unwrap(), On::after(&planned));
    let (_, _, independent) = rep.new_customer(&world, "Bakery");

    let outcomes = rep.push(&world, &[&planned, &started, &independent]);
    let missing = |op: OpId| Outcome::Deferred { missing: vec![op] };
    assert_eq!(outcomes[0], missing(create.op.op));
    assert_eq!(outcomes[1], missing(planned.op.op));
    assert!(applied(&outcomes[2]), "it waits for nothing");
    assert_eq!(world.server.have(rep.device).unwrap().as_slice(), [(4, 4)]);
    assert_eq!(world.server.ops().unwrap().len(), 1);

    let outcomes = rep.push(&world, &[&create, &planned, &started]);
    assert!(outcomes.iter().all(applied));
    assert_eq!(world.server.have(rep.device).unwrap().as_slice(), [(1, 4)]);
    assert!(world.alarm_codes().is_empty(), "waiting breaks no chain");
}

#[test]
fn what_builds_on_a_refused_operation_is_refused_with_it() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let customer = world.id(CustomerId::from_uuid);
    let ownerless = Draft::new(customer, &Customer::named("Pharmacy")).unwrap();
    let ownerless = rep.seal(&world, ownerless, On::default());
    let id = world.id(VisitId::from_uuid);
    let planned = Draft::new(id, &visit(&rep, customer)).unwrap();
    let planned = rep.seal(&world, planned, On::needs(&[&ownerless]));
    let outcomes = rep.push(&world, &[&ownerless, &planned]);
    assert_eq!(rejected(&outcomes[0]), Some(Code::Forbidden));
    assert_eq!(rejected(&outcomes[1]), Some(Code::Dependency));
    assert_eq!(world.server.ops().unwrap().len(), 2, "both are kept");
    assert_eq!(
        world.server.head_seq().unwrap(),
        1,
        "and neither has an effect"
    );
}

#[test]
fn what_builds_on_an_operation_under_review_waits_for_the_same_person() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (id, customer, create) = rep.new_customer(&world, "Pharmacy");
    let name = |from: &str, to: &str| {
        let named = |name: &str| Customer {
            name: name.to_owned(),
            ..customer.clone()
        };
        Draft::patch(id, &named(from), &named(to)).unwrap().unwrap()
    };
    rep.push_one(&world, &create);
    let clash = rep.seal(&world, name("Another", "Chemist"), On::rev(1));
    let next = rep.seal(&world, name("Chemist", "Drugstore"), On::after(&clash));
    let outcomes = rep.push(&world, &[&clash, &next]);
    let why = |outcome: &Outcome| match outcome {
        Outcome::Review { why, .. } => Some(*why),
        _ => None,
    };
    assert_eq!(why(&outcomes[0]), Some(Why::Clash));
    assert_eq!(why(&outcomes[1]), Some(Why::Dependency));
    assert_eq!(world.body(&key_of(id)).unwrap()["name"], "Pharmacy");
}

#[test]
fn a_reference_to_nothing_is_refused_by_name() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let id = world.id(VisitId::from_uuid);
    let nobody = world.id(CustomerId::from_uuid);
    let draft = Draft::new(id, &visit(&rep, nobody)).unwrap();
    let op = rep.seal(&world, draft, On::default());
    assert_eq!(
        rejected(&rep.push_one(&world, &op)),
        Some(Code::UnknownReference)
    );
    assert_eq!(world.body(&RecordKey::of::<Visit>(id)), None);
}

#[test]
fn an_operation_that_waits_for_itself_is_refused_at_once() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let mut own = op.clone();
    own.op.deps = vec![own.op.op];
    own.bytes = serde_json::to_vec(&own.op).unwrap();
    assert_eq!(
        rejected(&rep.push_one(&world, &own)),
        Some(Code::Dependency)
    );
}

/// Three members; the one at `bad` cannot be done.
fn group_with(world: &World, rep: &mut Device, bad: usize) -> Vec<waymark_domain::op::Sealed> {
    let owner = Some(rep.user);
    let drafts = (0..3).map(|at| {
        let customer = Customer {
            owner: owner.filter(|_| at != bad),
            ..Customer::named(&format!("Customer {at}"))
        };
        let id = world.id(CustomerId::from_uuid);
        (Draft::new(id, &customer).unwrap(), On::default())
    });
    let drafts = drafts.collect();
    rep.seal_group(world, drafts)
}

#[test]
fn a_group_never_half_applies_wherever_it_fails() {
    for bad in 0..3 {
        let world = World::new();
        let mut rep = world.rep("Ben");
        let seq = world.server.head_seq().unwrap();
        let group = group_with(&world, &mut rep, bad);
        let outcomes = rep.push(&world, &Vec::from_iter(&group));
        for (at, outcome) in outcomes.iter().enumerate() {
            let expected = if at == bad {
                Code::Forbidden
            } else {
                Code::Dependency
            };
            assert_eq!(rejected(outcome), Some(expected), "member {at} of {bad}");
        }
        let kinds = world.server.records(&Customer::KIND).unwrap();
        assert!(kinds.is_empty());
        assert_eq!(world.server.head_seq().unwrap(), seq);
        assert_eq!(world.server.ops().unwrap().len(), 3);
        assert_eq!(rep.push(&world, &Vec::from_iter(&group)), outcomes);
        let (_, _, next) = rep.new_customer(&world, "After");
        assert!(applied(&rep.push_one(&world, &next)));
        assert_eq!(
            world.server.head_seq().unwrap(),
            seq + 1,
            "no hole in the order"
        );
    }
}

#[test]
fn a_whole_group_applies_in_order_and_may_build_on_itself() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let customer = world.id(CustomerId::from_uuid);
    let id = world.id(VisitId::from_uuid);
    let mine = Customer {
        owner: Some(rep.user),
        ..Customer::named("Pharmacy")
    };
    let planned = Draft::new(id, &visit(&rep, customer)).unwrap();
    let group = vec![
        (Draft::new(customer, &mine).unwrap(), On::default()),
        (planned, On::default()),
        (Step::Start.draft(id).unwrap(), On::default()),
        (Step::Finish.draft(id).unwrap(), On::default()),
    ];
    let group = rep.seal_group(&world, group);
    let seq = world.server.head_seq().unwrap();
    let outcomes = rep.push(&world, &Vec::from_iter(&group));
    let places: Vec<u64> = outcomes.iter().filter_map(Outcome::effect_seq).collect();
    assert_eq!(places, [seq + 1, seq + 2, seq + 3, seq + 4]);
    let history = world.server.history(&RecordKey::of::<Visit>(id)).unwrap();
    assert_eq!(
        history.iter().map(|row| row.rev).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(history[2].body["state"]["is"], "done");
}

#[test]
fn a_group_whose_need_is_missing_waits_whole() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (customer, _, create) = rep.new_customer(&world, "Pharmacy");
    let id = world.id(VisitId::from_uuid);
    let other = Customer {
        owner: Some(rep.user),
        ..Customer::named("Bakery")
    };
    let group = vec![
        (
            Draft::new(world.id(CustomerId::from_uuid), &other).unwrap(),
            On::default(),
        ),
        (
            Draft::new(id, &visit(&rep, customer)).unwrap(),
            On::needs(&[&create]),
        ),
    ];
    let group = rep.seal_group(&world, group);
    let outcomes = rep.push(&world, &Vec::from_iter(&group));
    let deferred = Outcome::Deferred {
        missing: vec![create.op.op],
    };
    assert_eq!(outcomes, [deferred.clone(), deferred]);
    assert!(world.server.ops().unwrap().is_empty());
    rep.push_one(&world, &create);
    assert!(
        rep.push(&world, &Vec::from_iter(&group))
            .iter()
            .all(applied)
    );
}

#[test]
fn a_group_of_which_a_member_went_to_the_vault_falls_as_a_whole() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let group = group_with(&world, &mut rep, 9);
    let mut rubbish = rep.request(&[], 0);
    let mut broken: serde_json::Value = serde_json::from_slice(&group[1].bytes).unwrap();
    broken["act"] = "entangle".into();
    rubbish.ops = vec![serde_json::to_vec(&broken).unwrap()];
    rep.exchange(&world, &rubbish).unwrap();
    let outcomes = rep.push(&world, &Vec::from_iter(&group));
    assert_eq!(rejected(&outcomes[0]), Some(Code::Dependency));
    assert_eq!(rejected(&outcomes[1]), Some(Code::OpIdReused));
    assert_eq!(rejected(&outcomes[2]), Some(Code::Dependency));
    assert!(world.server.records(&Customer::KIND).unwrap().is_empty());
}

#[test]
fn twice_the_same_operation_in_one_group_is_stored_once() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let group = group_with(&world, &mut rep, 9);
    let mut twice = group.clone();
    let again = |op: &mut waymark_domain::op::Sealed| {
        op.op.op = group[0].op.op;
        op.bytes = serde_json::to_vec(&op.op).unwrap();
    };
    again(&mut twice[1]);
    let outcomes = rep.push(&world, &Vec::from_iter(&twice));
    assert_eq!(outcomes.len(), 3);
    assert_eq!(
        world.server.digests().unwrap(),
        world.server.recount().unwrap()
    );
    let (_, _, next) = rep.new_customer(&world, "After");
    assert!(
        applied(&rep.push_one(&world, &next)),
        "nothing else suffers"
    );
}

#[test]
fn a_body_that_would_not_fit_a_line_of_an_answer_is_refused_by_name() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (id, customer, create) = rep.new_customer(&world, "Pharmacy");
    rep.push_one(&world, &create);
    let mut grown = customer;
    let mut codes = Vec::new();
    for at in 0..4 {
        let before = grown.clone();
        grown
            .extra
            .insert(format!("field{at}"), "x".repeat(100_000).into());
        let draft = Draft::patch(id, &before, &grown).unwrap().unwrap();
        let op = rep.seal(&world, draft, On::rev(1));
        codes.push(rejected(&rep.push_one(&world, &op)));
    }
    assert_eq!(
        codes,
        [None, None, Some(Code::TooLong), Some(Code::TooLong)]
    );
    rep.sync(&world, 4096);
}
