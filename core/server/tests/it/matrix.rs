//! The generated matrix: every role, kind, act and owner.

use chrono::NaiveDate;
use waymark_domain::check_in::{CheckIn, Moment};
use waymark_domain::customer::Customer;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CustomerId, UserId, VisitId};
use waymark_domain::note::Note;
use waymark_domain::op::{Act, Draft};
use waymark_domain::record::{Body, Role, SyncRecord};
use waymark_domain::refusal::Code;
use waymark_domain::scope::Scope;
use waymark_domain::time::{TimeClass, TimeInterval};
use waymark_domain::visit::{State, Step, Visit};
use waymark_protocol::outcome::Outcome;

use crate::photos::photo_of;
use crate::rights::reassign;
use crate::support::{Device, On, World, applied, rejected};

const AT: TimeInterval = TimeInterval {
    earliest: None,
    latest: None,
    class: TimeClass::C,
    wall: 0,
};

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
        moment: Moment::Arrival,
        position: Position::new(Datum::Wgs84, 43.73, 7.42).unwrap(),
        accuracy_m: 8.5,
        source: AccuracySource::Android,
        at: AT,
        verdict: None,
        statement: None,
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
        (
            "photo create",
            draft(world, &photo_of(owner, Some(visit_id), id)),
        ),
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
        "check-in create" | "note create" | "photo create" => whose == Whose::Own,
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
    assert_eq!(judged, 3 * (9 + 11 + 11));
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
