//! The second look: what a device says of a check-in is signed, computed again, and compared with what is known of the place.

use waymark_domain::check_in::evidence::{Device as Report, Evidence, Offer, Site};
use waymark_domain::check_in::policy::CheckInPolicy;
use waymark_domain::check_in::{CheckIn, Moment, STATEMENT_TYPE, Statement, assess};
use waymark_domain::customer::Customer;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::fence::Side;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CheckInId, CustomerId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::policy::PolicyRef;
use waymark_domain::record::Body;
use waymark_domain::time::{Anchors, Hlc, Stamp};
use waymark_domain::visit::{State, Visit};
use waymark_protocol::jws;
use waymark_protocol::proof::SoftwareSigner;

use crate::support::{Device, On, World, applied};

/// The customer's door.
fn door() -> Position {
    Position::new(Datum::Wgs84, 43.7305, 7.4245).unwrap()
}

struct Scene {
    world: World,
    rep: Device,
    visit: VisitId,
    customer: CustomerId,
    place: Customer,
}

fn scene() -> Scene {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let customer = world.id(CustomerId::from_uuid);
    let place = Customer {
        owner: Some(rep.user),
        position: Some(door()),
        ..Customer::named("Pharmacy")
    };
    let visit = world.id(VisitId::from_uuid);
    let planned = Visit {
        customer,
        rep: rep.user,
        day: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
        state: State::Planned,
        extra: Body::new(),
    };
    for draft in [
        Draft::new(customer, &place).unwrap(),
        Draft::new(visit, &planned).unwrap(),
    ] {
        let op = rep.seal(&world, draft, On::default());
        assert!(applied(&rep.push_one(&world, &op)));
    }
    Scene {
        world,
        rep,
        visit,
        customer,
        place,
    }
}

impl Scene {
    /// A check-in at the door, as an honest device makes it.
    fn honest(&self) -> CheckIn {
        self.seen_at(&Site::of(&self.place, &CheckInPolicy::default()))
    }

    fn seen_at(&self, site: &Site) -> CheckIn {
        let reading = waymark_domain::ambient::Clock::read(&*self.world.clock);
        let t = Stamp::take(reading, &Anchors::default(), Hlc::default());
        let fix = Fix::new(door(), 12.0, AccuracySource::Android, t.mono);
        let evidence = Evidence {
            fixes: vec![fix],
            site: site.clone(),
            t,
            policy: PolicyRef::default(),
            device: Report::default(),
            before: None,
            stations: Vec::new(),
            offer: Offer::default(),
            stayed_ms: None,
        };
        let verdict = assess(&evidence, &CheckInPolicy::default()).unwrap();
        let statement = Statement {
            visit: self.visit,
            customer: self.customer,
            rep: self.rep.user,
            moment: Moment::Arrival,
            evidence,
        };
        let payload = serde_json::to_vec(&statement).unwrap();
        CheckIn {
            visit: self.visit,
            customer: self.customer,
            rep: self.rep.user,
            moment: Moment::Arrival,
            position: door(),
            accuracy_m: 12.0,
            source: AccuracySource::Android,
            at: t.when,
            verdict: Some(verdict),
            statement: Some(jws::sign(&self.rep.signer, STATEMENT_TYPE, &payload).unwrap()),
            extra: Body::new(),
        }
    }

    /// Pushes it; it is applied whatever it says. Gives the alarms that it raised.
    fn alarms_of(&mut self, check_in: &CheckIn) -> Vec<String> {
        let id = self.world.id(CheckInId::from_uuid);
        let op = self.rep.seal(
            &self.world,
            Draft::new(id, check_in).unwrap(),
            On::default(),
        );
        assert!(applied(&self.rep.push_one(&self.world, &op)));
        let alarms = self.world.server.alarms().unwrap();
        let own = alarms
            .into_iter()
            .filter(|alarm| alarm.op == Some(op.op.op));
        own.map(|alarm| alarm.code).collect()
    }
}

#[test]
fn an_honest_check_in_raises_nothing() {
    let mut scene = scene();
    let check_in = scene.honest();
    assert_eq!(check_in.verdict.as_ref().unwrap().side, Side::Inside);
    assert_eq!(scene.alarms_of(&check_in), Vec::<String>::new());
}

#[test]
fn a_verdict_that_does_not_follow_from_its_evidence_is_an_alarm_and_no_refusal() {
    let mut scene = scene();
    let mut check_in = scene.honest();
    check_in.verdict.as_mut().unwrap().inside_ppm = Some(1);
    assert_eq!(scene.alarms_of(&check_in), ["verdict_differs"]);
}

#[test]
fn evidence_that_another_key_signed_is_an_alarm() {
    let mut scene = scene();
    let mut check_in = scene.honest();
    let payload = jws::read(check_in.statement.as_deref().unwrap(), STATEMENT_TYPE)
        .unwrap()
        .payload;
    let other = SoftwareSigner::from_secret(&[99; 32]).unwrap();
    check_in.statement = Some(jws::sign(&other, STATEMENT_TYPE, &payload).unwrap());
    assert_eq!(scene.alarms_of(&check_in), ["bad_statement"]);
}

#[test]
fn a_place_that_the_customer_never_had_is_an_alarm_and_one_that_it_had_before_is_not() {
    let mut scene = scene();
    let before = scene.honest();
    let moved = Customer {
        position: Some(Position::new(Datum::Wgs84, 44.0, 8.0).unwrap()),
        ..scene.place.clone()
    };
    let draft = Draft::patch(scene.customer, &scene.place, &moved)
        .unwrap()
        .unwrap();
    let op = scene.rep.seal(&scene.world, draft, On::rev(1));
    assert!(applied(&scene.rep.push_one(&scene.world, &op)));
    // judged offline, before the device heard of the move
    assert_eq!(scene.alarms_of(&before), Vec::<String>::new());
    let made_up = Customer {
        position: Some(Position::new(Datum::Wgs84, 43.7306, 7.4245).unwrap()),
        ..scene.place.clone()
    };
    let site = Site::of(&made_up, &CheckInPolicy::default());
    let check_in = scene.seen_at(&site);
    assert_eq!(scene.alarms_of(&check_in), ["site_differs"]);
}

#[test]
fn a_policy_that_nobody_published_is_an_alarm() {
    let mut scene = scene();
    let mut check_in = scene.honest();
    let jws_text = check_in.statement.as_deref().unwrap();
    let payload = jws::read(jws_text, STATEMENT_TYPE).unwrap().payload;
    let mut statement: Statement = serde_json::from_slice(&payload).unwrap();
    statement.evidence.policy.version = 7;
    check_in.verdict.as_mut().unwrap().policy.version = 7;
    let payload = serde_json::to_vec(&statement).unwrap();
    check_in.statement = Some(jws::sign(&scene.rep.signer, STATEMENT_TYPE, &payload).unwrap());
    assert_eq!(scene.alarms_of(&check_in), ["policy_unknown"]);
}
