//! Who may see and write what (I9): judged on what is stored, never on what is claimed.

use waymark_domain::customer::Customer;
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::member::Member;
use waymark_domain::op::{Act, Change, Draft};
use waymark_domain::record::{Body, RecordKey, Role};
use waymark_domain::refusal::Code;
use waymark_domain::scope::Scope;
use waymark_protocol::outcome::{Outcome, Why};
use waymark_server::UserChange;

use crate::support::{Device, On, World, key_of, rejected};

pub(crate) fn reassign(id: CustomerId, customer: &Customer, to: Option<UserId>) -> Draft {
    let next = Customer {
        owner: to,
        ..customer.clone()
    };
    Draft::patch(id, customer, &next).unwrap().unwrap()
}

#[test]
fn a_moved_customer_leaves_and_arrives_at_one_place_in_the_order() {
    let world = World::new();
    let (mut ben, mut eve, mut max) = (world.rep("Ben"), world.rep("Eve"), world.manager("Max"));
    let (id, customer, create) = ben.new_customer(&world, "Pharmacy");
    ben.push_one(&world, &create);
    ben.sync(&world, 4096);
    let late = Customer {
        phone: Some("1".to_owned()),
        ..customer.clone()
    };
    let late = Draft::patch(id, &customer, &late).unwrap().unwrap();
    let late = ben.seal(&world, late, On::rev(1));

    let moved = max.seal(&world, reassign(id, &customer, Some(eve.user)), On::rev(1));
    let Outcome::Applied { seq, .. } = max.push_one(&world, &moved) else {
        panic!("a manager may");
    };

    let response = ben.exchange(&world, &ben.request(&[], 4096)).unwrap();
    let changes: Vec<String> = response
        .changes
        .iter()
        .map(|change| format!("{change:?}"))
        .collect();
    assert_eq!(changes.len(), 1);
    assert!(changes[0].starts_with("Leave") && changes[0].contains(&format!("seq: {seq}")));
    let response = eve.exchange(&world, &eve.request(&[], 4096)).unwrap();
    let own = Scope::user(eve.user);
    let puts = response
        .changes
        .iter()
        .filter(|change| *change.scope() == own);
    assert!(
        puts.map(|put| format!("{put:?}"))
            .all(|put| put.contains(&format!("seq: {seq}")))
    );

    // Ben's work of before the move is not lost: a person decides
    let outcome = ben.push_one(&world, &late);
    assert!(
        matches!(
            outcome,
            Outcome::Review {
                why: Why::OutOfScope,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(world.body(&key_of(id)).unwrap().get("phone"), None);
    ben.sync(&world, 4096);
    eve.sync(&world, 4096);
    assert!(!ben.holds().contains_key(&key_of(id)));
    assert!(eve.holds().contains_key(&key_of(id)));
}

#[test]
fn a_manager_who_changes_teams_loses_sight_at_once_but_no_work() {
    let world = World::new();
    let (mut ben, mut max) = (world.rep("Ben"), world.manager("Max"));
    let (id, customer, create) = ben.new_customer(&world, "Pharmacy");
    ben.push_one(&world, &create);
    max.sync(&world, 4096);
    assert!(max.holds().contains_key(&key_of(id)));
    let edit = |max: &mut Device, phone: &str| {
        let next = Customer {
            phone: Some(phone.to_owned()),
            ..customer.clone()
        };
        let draft = Draft::patch(id, &customer, &next).unwrap().unwrap();
        max.seal(&world, draft, On::rev(1))
    };
    let pending = edit(&mut max, "1");
    let south = UserChange {
        team: Some("south".to_owned()),
        ..UserChange::default()
    };
    world.server.set_user(max.user, south).unwrap();

    max.sync(&world, 4096);
    assert!(!max.holds().contains_key(&key_of(id)));
    let outcome = max.push_one(&world, &pending);
    assert!(
        matches!(
            outcome,
            Outcome::Review {
                why: Why::OutOfScope,
                ..
            }
        ),
        "{outcome:?}"
    );
    // somebody who never saw it is simply refused
    let mut eve = world.member("Eve", Role::Manager, "south");
    let blind = edit(&mut eve, "2");
    assert_eq!(
        rejected(&eve.push_one(&world, &blind)),
        Some(Code::Forbidden)
    );
    ben.sync(&world, 4096);
    assert_eq!(
        world.server.digests().unwrap(),
        world.server.recount().unwrap()
    );
}

#[test]
fn the_effective_scopes_follow_role_and_team() {
    let world = World::new();
    let admin = world.admin();
    let (ben, max) = (world.rep("Ben"), world.manager("Max"));
    let south = world.member("Sue", Role::Rep, "south");
    let scopes = |user| world.server.scopes_of(user).unwrap();
    let user = Scope::user;
    let sorted = |mut scopes: Vec<Scope>| {
        scopes.sort();
        scopes
    };
    assert_eq!(
        scopes(ben.user),
        sorted(vec![Scope::COMPANY, user(ben.user), Scope::team("north")])
    );
    let seen = vec![
        Scope::COMPANY,
        user(max.user),
        user(ben.user),
        Scope::team("north"),
        Scope::POOL,
    ];
    assert_eq!(scopes(max.user), sorted(seen));
    let all = [admin.user, ben.user, max.user, south.user].map(user);
    let teams = ["north", "south", "office"].map(Scope::team);
    let all = all
        .into_iter()
        .chain(teams)
        .chain([Scope::POOL, Scope::COMPANY])
        .collect();
    assert_eq!(scopes(admin.user), sorted(all));
}

#[test]
fn a_company_that_outgrows_the_list_of_scopes_is_told_so_at_the_invitation() {
    let world = World::new();
    let admin = world.admin();
    let mut refused = None;
    for at in 0..250 {
        let request = waymark_protocol::enrol::InviteRequest {
            user: None,
            name: format!("Rep {at}"),
            role: Role::Rep,
            team: "north".to_owned(),
        };
        if let Err(error) = world.server.invite_as_operator(&request) {
            refused = Some((at, error.to_string()));
            break;
        }
    }
    let (at, error) = refused.unwrap();
    // the admin's own, two teams, the pool, the company
    assert_eq!(at, 200 - 5);
    assert!(error.contains("scopes"), "{error}");
    assert_eq!(world.server.scopes_of(admin.user).unwrap().len(), 200);
}

#[test]
fn people_reach_devices_as_members_and_nobody_writes_them() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let eve = world.rep("Eve");
    ben.sync(&world, 4096);
    let names: Vec<_> = ben
        .holds()
        .into_values()
        .map(|(_, body)| body["name"].clone())
        .collect();
    assert_eq!(names.len(), 2);

    let boss = UserChange {
        role: Some(Role::Manager),
        ..UserChange::default()
    };
    world.server.set_user(eve.user, boss).unwrap();
    ben.sync(&world, 4096);
    let key = RecordKey::of::<Member>(eve.user);
    assert_eq!(ben.holds()[&key].1["role"], "manager");

    let mut draft = Draft::command::<Member>(ben.user, "promote", Body::new());
    draft.act = Act::Create;
    draft.cmd = None;
    let fields = [
        ("user", eve.user.to_string()),
        ("name", "x".into()),
        ("role", "admin".into()),
        ("team", "north".into()),
    ];
    draft.set = fields
        .map(|(field, value)| {
            (
                field.to_owned(),
                Change(serde_json::Value::Null, value.into()),
            )
        })
        .into();
    draft.key.id = world.id(UserId::from_uuid).into();
    let forged = ben.seal(&world, draft, On::default());
    assert_eq!(
        rejected(&ben.push_one(&world, &forged)),
        Some(Code::Forbidden)
    );
}
