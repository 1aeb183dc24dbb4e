//! Photos: judged like every record, and compared with the visit and the session that they name.

use waymark_domain::customer::Customer;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, DeviceId, PhotoId, ShiftId, UserId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::photo::camera::Camera;
use waymark_domain::photo::{Attachment, NoPlace, Original, Photo, Place, Source, State};
use waymark_domain::record::Body;
use waymark_domain::refusal::Code;
use waymark_domain::shift::{DEFAULT_LIMIT_MIN, Shift, State as ShiftState};
use waymark_domain::time::{Anchors, Hlc, Stamp, TimeClass, TimeInterval};
use waymark_domain::visit::{State as VisitState, Visit};

use crate::support::{Device, On, World, applied, rejected};

pub(crate) fn photo_of(rep: UserId, visit: Option<VisitId>, customer: CustomerId) -> Photo {
    Photo {
        rep,
        customer,
        visit,
        check_in: None,
        number: 1,
        original: Original {
            file: Attachment {
                sha256: Hash::of(b"picture"),
                len: 7,
                mime: "image/jpeg".to_owned(),
            },
            width: 4,
            height: 3,
        },
        preview: None,
        source: Source::Camera,
        at: TimeInterval {
            earliest: None,
            latest: None,
            class: TimeClass::C,
            wall: 0,
        },
        tz: 0,
        place: Place::None {
            why: NoPlace::OutsideWork,
        },
        slot: "shelf".to_owned(),
        caption: None,
        look: None,
        nothing_to_see: false,
        alike: Vec::new(),
        camera: Camera::default(),
        layer: None,
        state: State::Kept,
        extra: Body::new(),
    }
}

fn made(world: &World, rep: &mut Device, draft: Draft) {
    let op = rep.seal(world, draft, On::default());
    assert!(applied(&rep.push_one(world, &op)));
}

/// A rep with a customer and a visit there.
fn rep(world: &World, name: &str) -> (Device, CustomerId, VisitId) {
    let mut rep = world.rep(name);
    let (customer, visit) = (
        world.id(CustomerId::from_uuid),
        world.id(VisitId::from_uuid),
    );
    let place = Customer {
        owner: Some(rep.user),
        ..Customer::named("Pharmacy")
    };
    let planned = Visit {
        customer,
        rep: rep.user,
        day: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
        state: VisitState::Planned,
        extra: Body::new(),
    };
    made(world, &mut rep, Draft::new(customer, &place).unwrap());
    made(world, &mut rep, Draft::new(visit, &planned).unwrap());
    (rep, customer, visit)
}

/// Pushes it; it is applied whatever the other records say. Gives the alarms that it raised.
fn alarms_of(world: &World, rep: &mut Device, photo: &Photo) -> Vec<String> {
    let draft = Draft::new(world.id(PhotoId::from_uuid), photo).unwrap();
    let op = rep.seal(world, draft, On::default());
    assert!(applied(&rep.push_one(world, &op)));
    let alarms = world.server.alarms().unwrap().into_iter();
    let own = alarms.filter(|alarm| alarm.op == Some(op.op.op));
    own.map(|alarm| alarm.code).collect()
}

#[test]
fn a_photo_of_anothers_visit_is_an_alarm_and_no_refusal() {
    let world = World::new();
    let (mut ben, customer, visit) = rep(&world, "Ben");
    let (_, theirs, other) = rep(&world, "Eve");
    let user = ben.user;
    let mut alarms = |visit, customer| {
        let photo = photo_of(user, Some(visit), customer);
        alarms_of(&world, &mut ben, &photo)
    };
    assert_eq!(alarms(visit, customer), Vec::<String>::new());
    assert_eq!(alarms(other, theirs), ["visit_differs"]);
    assert_eq!(alarms(visit, theirs), ["visit_differs"]);
}

#[test]
fn a_photo_whose_operation_does_not_declare_its_original_is_refused() {
    let world = World::new();
    let (mut ben, customer, visit) = rep(&world, "Ben");
    let photo = photo_of(ben.user, Some(visit), customer);
    let mut draft = Draft::new(world.id(PhotoId::from_uuid), &photo).unwrap();
    draft.blobs.clear();
    let op = ben.seal(&world, draft, On::default());
    let outcome = ben.push_one(&world, &op);
    assert_eq!(rejected(&outcome), Some(Code::Malformed));
}

#[test]
fn a_position_from_outside_its_work_session_is_an_alarm() {
    let world = World::new();
    let (mut ben, customer, visit) = rep(&world, "Ben");
    let reading = waymark_domain::ambient::Clock::read(&*world.clock);
    let t = Stamp::take(reading, &Anchors::default(), Hlc::default());
    let shift = world.id(ShiftId::from_uuid);
    let session = Shift {
        rep: ben.user,
        device: DeviceId::from_uuid(ben.device.as_uuid()),
        started: t.when,
        mono: t.mono,
        boot: t.boot,
        limit_min: DEFAULT_LIMIT_MIN,
        resumed: Vec::new(),
        state: ShiftState::Open,
        extra: Body::new(),
    };
    made(&world, &mut ben, Draft::new(shift, &session).unwrap());
    let user = ben.user;
    let mut alarms = |mono_ms| {
        let position = Position::new(Datum::Wgs84, 43.73, 7.42).unwrap();
        let photo = Photo {
            at: t.when,
            place: Place::Session {
                shift,
                boot: t.boot,
                fix: Fix::new(position, 9.0, AccuracySource::Android, mono_ms),
            },
            ..photo_of(user, Some(visit), customer)
        };
        alarms_of(&world, &mut ben, &photo)
    };
    assert_eq!(alarms(t.mono + 1_000), Vec::<String>::new());
    assert_eq!(alarms(t.mono - 1), ["outside_session"]);
}
