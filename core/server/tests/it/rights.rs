//! Who may see and write what (I9): judged on what is stored, never on what is claimed.

use chrono::NaiveDate;
use waymark_domain::check_in::{AccuracySource, CheckIn};
use waymark_domain::customer::Customer;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CustomerId, UserId, VisitId};
use waymark_domain::member::Member;
use waymark_domain::note::Note;
use waymark_domain::op::{Act, Change, Draft};
use waymark_domain::record::{Body, RecordKey, Role, SyncRecord};
use waymark_domain::refusal::Code;
use waymark_domain::scope::Scope;
use waymark_domain::time::{TimeClass, TimeInterval};
use waymark_domain::visit::{State, Step, Visit};
use waymark_protocol::outcome::{Outcome, Why};
use waymark_server::UserChange;

use crate::support::{Device, On, World, applied, key_of, rejected};

const AT: TimeInterval = TimeInterval {
    earliest: None,
    latest: None,
    class: TimeClass::C,
    wall: 0,
};

fn reassign(id: CustomerId, customer: &Customer, to: Option<UserId>) -> Draft {
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
        sorted(vec![user(ben.user), Scope::team("north")])
    );
    let seen = vec![
        user(max.user),
        user(ben.user),
        Scope::team("north"),
        Scope::POOL,
    ];
    assert_eq!(scopes(max.user), sorted(seen));
    let all = [admin.user, ben.user, max.user, south.user].map(user);
    let teams = ["north", "south", "office"].map(Scope::team);
    let all = all.into_iter().chain(teams).chain([Scope::POOL]).collect();
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
    // the admin's own, two teams, the pool
    assert_eq!(at, 200 - 4);
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

/// Whose a record is, as seen by the one who acts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whose {
    Own,
    Teams,
    Others,
}

struct Cast {
    world: World,
    rep: Device,
    manager: Device,
    admin: Device,
    team: Device,
    other: Device,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let admin = world.admin();
        let (rep, manager) = (world.rep("Ben"), world.manager("Max"));
        let team = world.rep("Eve");
        let other = world.member("Sue", Role::Rep, "south");
        Self {
            world,
            rep,
            manager,
            admin,
            team,
            other,
        }
    }

    fn actor(&mut self, role: Role) -> &mut Device {
        match role {
            Role::Rep => &mut self.rep,
            Role::Manager => &mut self.manager,
            Role::Admin => &mut self.admin,
        }
    }

    fn owner(&self, role: Role, whose: Whose) -> UserId {
        match (whose, role) {
            (Whose::Own, Role::Rep) => self.rep.user,
            (Whose::Own, Role::Manager) => self.manager.user,
            (Whose::Own, Role::Admin) => self.admin.user,
            (Whose::Teams, _) => self.team.user,
            (Whose::Others, _) => self.other.user,
        }
    }

    /// A customer and a planned visit of `user`, made by the admin, who sees everybody.
    fn stock(&mut self, user: UserId) -> (CustomerId, Customer, VisitId, Visit) {
        let customer = Customer {
            owner: Some(user),
            ..Customer::named("Pharmacy")
        };
        let id = self.world.id(CustomerId::from_uuid);
        let visit = visit_of(user, id);
        let visit_id = self.world.id(VisitId::from_uuid);
        for draft in [
            Draft::new(id, &customer).unwrap(),
            Draft::new(visit_id, &visit).unwrap(),
        ] {
            let op = self.admin.seal(&self.world, draft, On::default());
            assert!(applied(&self.admin.push_one(&self.world, &op)));
        }
        (id, customer, visit_id, visit)
    }

    fn outcome(&mut self, role: Role, draft: Draft) -> Outcome {
        let Self { world, .. } = self;
        let world: &World = world;
        let actor = match role {
            Role::Rep => &mut self.rep,
            Role::Manager => &mut self.manager,
            Role::Admin => &mut self.admin,
        };
        let op = actor.seal(world, draft, On::rev(1));
        actor.push_one(world, &op)
    }
}

fn visit_of(rep: UserId, customer: CustomerId) -> Visit {
    Visit {
        customer,
        rep,
        day: NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
        state: State::Planned,
        extra: Body::new(),
    }
}

fn check_in_of(rep: UserId, visit: VisitId, customer: CustomerId) -> CheckIn {
    CheckIn {
        visit,
        customer,
        rep,
        position: Position::new(Datum::Wgs84, 43.73, 7.42).unwrap(),
        accuracy_m: 8.5,
        source: AccuracySource::Android,
        at: AT,
        extra: Body::new(),
    }
}

fn note_of(author: UserId, customer: CustomerId) -> Note {
    Note {
        customer,
        visit: None,
        author,
        text: "Wants more".to_owned(),
        at: AT,
        corrects: None,
        extra: Body::new(),
    }
}

fn draft<R: SyncRecord>(world: &World, record: &R) -> Draft {
    Draft::new(world.id(waymark_domain::ids::RecordId::from_uuid), record).unwrap()
}

/// Every act on something that belongs to `whose`, by name.
fn acts(cast: &mut Cast, role: Role, whose: Whose) -> Vec<(&'static str, Draft)> {
    let owner = cast.owner(role, whose);
    let actor = cast.actor(role).user;
    let (id, customer, visit_id, visit) = cast.stock(owner);
    let world = &cast.world;
    let renamed = Customer {
        phone: Some("1".to_owned()),
        ..customer.clone()
    };
    let moved = Visit {
        day: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
        ..visit.clone()
    };
    let stolen = Visit {
        rep: actor,
        ..visit.clone()
    };
    let mut acts = vec![
        ("customer create", draft(world, &customer)),
        (
            "customer patch",
            Draft::patch(id, &customer, &renamed).unwrap().unwrap(),
        ),
        (
            "customer delete",
            delete(Draft::command::<Customer>(id, "", Body::new())),
        ),
        ("visit create", draft(world, &visit)),
        (
            "visit patch",
            Draft::patch(visit_id, &visit, &moved).unwrap().unwrap(),
        ),
        ("visit start", Step::Start.draft(visit_id).unwrap()),
        (
            "check-in create",
            draft(world, &check_in_of(owner, visit_id, id)),
        ),
        ("note create", draft(world, &note_of(owner, id))),
    ];
    if whose != Whose::Own {
        acts.push(("customer claim", reassign(id, &customer, Some(actor))));
        acts.push((
            "visit claim",
            Draft::patch(visit_id, &visit, &stolen).unwrap().unwrap(),
        ));
    }
    acts
}

fn delete(mut draft: Draft) -> Draft {
    draft.act = Act::Delete;
    draft.cmd = None;
    draft
}

/// The rules in words: own work is one's own; managers lead their team's customers and visits, admins everybody's; facts are their author's
/// alone; whose a visit is never changes.
fn expected(role: Role, act: &str, whose: Whose) -> bool {
    let leads = match role {
        Role::Rep => false,
        Role::Manager => whose == Whose::Teams,
        Role::Admin => true,
    };
    match act {
        "visit claim" => false,
        "customer claim" => leads,
        "check-in create" | "note create" => whose == Whose::Own,
        _ => whose == Whose::Own || leads,
    }
}

#[test]
fn the_matrix_of_role_kind_act_and_owner_holds() {
    let mut judged = 0;
    for role in [Role::Rep, Role::Manager, Role::Admin] {
        for whose in [Whose::Own, Whose::Teams, Whose::Others] {
            let mut cast = Cast::new();
            let names: Vec<_> = acts(&mut cast, role, whose)
                .into_iter()
                .map(|act| act.0)
                .collect();
            for (at, name) in names.into_iter().enumerate() {
                let (_, draft) = acts(&mut cast, role, whose).swap_remove(at);
                let before = cast.world.server.head_seq().unwrap();
                let outcome = cast.outcome(role, draft);
                let done = outcome.effect_seq().is_some();
                assert_eq!(
                    done,
                    expected(role, name, whose),
                    "{role:?} {name} {whose:?}: {outcome:?}"
                );
                let after = cast.world.server.head_seq().unwrap();
                assert_eq!(after - before, u64::from(done));
                if !done {
                    assert_eq!(
                        rejected(&outcome),
                        Some(Code::Forbidden),
                        "{role:?} {name} {whose:?}"
                    );
                }
                judged += 1;
            }
            assert_eq!(
                cast.world.server.digests().unwrap(),
                cast.world.server.recount().unwrap()
            );
        }
    }
    assert_eq!(judged, 3 * (8 + 10 + 10));
}

#[test]
fn no_row_outside_the_effective_scopes_is_ever_sent() {
    let mut cast = Cast::new();
    for whose in [Whose::Own, Whose::Teams, Whose::Others] {
        let owner = cast.owner(Role::Rep, whose);
        cast.stock(owner);
    }
    let seen = |device: &mut Device, world: &World| {
        device.sync(world, 4096);
        let mut owners: Vec<UserId> = device
            .holds()
            .into_iter()
            .filter(|(key, _)| key.kind == Customer::KIND)
            .map(|(_, (_, body))| serde_json::from_value(body["owner"].clone()).unwrap())
            .collect();
        owners.sort();
        owners
    };
    let Cast {
        world,
        rep,
        manager,
        admin,
        team,
        other,
    } = &mut cast;
    let sorted = |mut users: Vec<UserId>| {
        users.sort();
        users
    };
    assert_eq!(seen(rep, world), [rep.user]);
    assert_eq!(seen(manager, world), sorted(vec![rep.user, team.user]));
    assert_eq!(
        seen(admin, world),
        sorted(vec![rep.user, team.user, other.user])
    );
    // a cursor for a scope that is not the caller's brings nothing
    rep.cursors.insert(Scope::user(other.user), 0);
    assert_eq!(seen(rep, world), [rep.user]);
    let request = waymark_protocol::snapshot::SnapshotRequest {
        scope: Scope::user(other.user),
        pin: None,
        after: None,
        limit_bytes: 4096,
    };
    assert!(world.server.snapshot(&rep.token(world), &request).is_err());
}
