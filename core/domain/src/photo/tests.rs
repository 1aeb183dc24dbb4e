use proptest::prelude::*;

use super::layer::{EDGE, Form, Ink, MAX_MARK_TEXT, MAX_MARKS, MAX_POINTS, MAX_WIDTH, Point};
use super::*;
use crate::fix::AccuracySource;
use crate::geo::{Datum, Position};
use crate::ids::{OpId, RecordId, uuid_v7};
use crate::merge::{Settled, Stored, authorise, settle};
use crate::op::{BaseRef, MAX_OP_BYTES, Seal, Sealed};
use crate::record::{Role, rules};
use crate::retention;
use crate::time::{Anchors, Hlc, Reading, Stamp, TimeClass};

const AT: TimeInterval = TimeInterval {
    earliest: Some(1_773_000_000_000),
    latest: Some(1_773_000_002_000),
    class: TimeClass::A,
    wall: 1_773_000_000_000,
};

pub(super) fn id<T: From<RecordId>>(tag: u8) -> T {
    RecordId::from_uuid(uuid_v7(1, [tag; 10])).into()
}

pub(super) fn photo() -> Photo {
    Photo {
        rep: id(1),
        customer: id(2),
        visit: Some(id(3)),
        check_in: None,
        number: 7,
        original: Original {
            file: Attachment {
                sha256: Hash::of(b"picture"),
                len: 812_331,
                mime: "image/jpeg".to_owned(),
            },
            width: 4000,
            height: 3000,
        },
        preview: Some(Attachment {
            sha256: Hash::of(b"preview"),
            len: 18_000,
            mime: "image/jpeg".to_owned(),
        }),
        source: Source::Camera,
        at: AT,
        tz: 60,
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

fn here() -> Place {
    session(Position::new(Datum::Gcj02, 30.27, 120.15).unwrap())
}

pub(super) fn session(position: Position) -> Place {
    Place::Session {
        shift: id(5),
        boot: BootId::from_uuid(uuid_v7(1, [9; 10])),
        fix: Fix::new(position, 12.0, AccuracySource::Android, 4_000),
    }
}

fn actor(tag: u8, role: Role) -> Actor {
    let scopes = [Scope::user(id(1)), Scope::user(id(tag))].into();
    let user = id(tag);
    Actor { user, role, scopes }
}

fn sealed(draft: Draft) -> Sealed {
    let reading = Reading {
        wall_ms: 1_773_000_000_000,
        mono_ms: 5_000,
        boot: BootId::from_uuid(uuid_v7(1, [9; 10])),
        utc_offset_min: 0,
        zone: None,
    };
    let t = Stamp::take(reading, &Anchors::default(), Hlc::default());
    draft
        .seal(Seal {
            op: OpId::from_uuid(uuid_v7(1, [8; 10])),
            n: 1,
            base: BaseRef::default(),
            deps: Vec::new(),
            group: None,
            t,
            prev: Hash::ZERO,
        })
        .unwrap()
}

/// The record after `step`, as both ends settle it.
fn after(photo: &Photo, step: Step) -> Settled {
    let op = sealed(step.draft(id(4)).unwrap()).op;
    let stored = Stored {
        rev: 1,
        body: record::write(photo).unwrap(),
    };
    settle(rules(&Photo::KIND).unwrap(), Some(&stored), &op)
}

fn applied(settled: Settled) -> Photo {
    match settled {
        Settled::Applied(body) => record::read(&body).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn annotate(over: u32, marks: Vec<Mark>) -> Step {
    let by = id(1);
    Step::Annotate { over, by, marks }
}

fn arrow() -> Mark {
    Mark {
        ink: Ink::Red,
        width: 40,
        form: Form::Arrow {
            from: Point(0, 0),
            to: Point(EDGE, 5_000),
        },
    }
}

#[test]
fn a_photo_survives_its_bytes_with_and_without_everything_that_may_be_missing() {
    let full = Photo {
        check_in: Some(id(6)),
        place: here(),
        caption: Some("the new display".to_owned()),
        look: Some(Look::from_bytes([[7; 32]; look::CUTS])),
        ..photo()
    };
    for photo in [photo(), full] {
        photo.check().unwrap();
        let body = record::write(&photo).unwrap();
        assert_eq!(record::read::<Photo>(&body).unwrap(), photo);
    }
}

#[test]
fn an_operation_declares_the_original_and_the_preview_or_it_is_refused() {
    let op = sealed(Draft::new(id::<PhotoId>(4), &photo()).unwrap()).op;
    let roles: Vec<&str> = op.blobs.iter().map(|blob| blob.role.as_str()).collect();
    assert_eq!(roles, [ORIGINAL, PREVIEW]);
    let rules = rules(&Photo::KIND).unwrap();
    assert!(matches!(settle(rules, None, &op), Settled::Applied(_)));
    for missing in 0..2 {
        let mut op = op.clone();
        op.blobs.remove(missing);
        let refused = Refusal::of_field(Code::Malformed, "blobs");
        assert_eq!(settle(rules, None, &op), Settled::Refused(refused));
    }
}

#[test]
fn what_no_photo_can_be_is_refused() {
    type Change = fn(&mut Photo);
    let cases: &[(&str, Change)] = &[
        ("slot", |photo| photo.slot = " ".to_owned()),
        ("slot", |photo| photo.slot = "x".repeat(MAX_SLOT + 1)),
        ("caption", |photo| {
            photo.caption = Some("x".repeat(MAX_TEXT + 1))
        }),
        ("original", |photo| photo.original.file.len = 0),
        ("original", |photo| photo.original.file.len = MAX_BYTES + 1),
        ("original", |photo| {
            photo.original.file.mime = "text/html".to_owned()
        }),
        ("original", |photo| photo.original.width = 0),
        ("preview", |photo| {
            photo.preview.as_mut().unwrap().len = MAX_PREVIEW_BYTES + 1
        }),
        ("number", |photo| photo.number = 0),
        ("check_in", |photo| {
            (photo.visit, photo.check_in) = (None, Some(id(6)))
        }),
        ("place", |photo| photo.place = Place::CheckIn),
        ("place", |photo| {
            (photo.place, photo.source) = (here(), Source::Gallery)
        }),
    ];
    for (field, change) in cases {
        let mut photo = photo();
        change(&mut photo);
        assert_eq!(photo.check().unwrap_err().fields, [*field]);
    }
}

#[test]
fn a_layer_is_drawn_in_versions_and_leaves_the_picture_alone() {
    let photo = photo();
    let first = applied(after(&photo, annotate(0, vec![arrow()])));
    assert_eq!(first.layer_version(), 1);
    let second = applied(after(&first, annotate(1, Vec::new())));
    assert_eq!(second.layer_version(), 2);
    assert_eq!(
        (first.taken(), second.taken()),
        (photo.clone(), photo.clone())
    );
    // the same once more changes nothing, and what was drawn over an older version is a person's to settle
    let again = after(&first, annotate(0, vec![arrow()]));
    assert!(matches!(again, Settled::Merged(..)), "{again:?}");
    let late = after(&second, annotate(1, vec![arrow()]));
    assert!(matches!(late, Settled::Review(_)), "{late:?}");
}

#[test]
fn a_withdrawn_photo_stays_with_its_reason_and_is_drawn_over_no_more() {
    let withdraw = |reason: &str| Step::Withdraw {
        reason: reason.to_owned(),
    };
    let gone = applied(after(&photo(), withdraw("wrong shop")));
    assert!(gone.is_withdrawn());
    assert_eq!(gone.taken(), photo());
    assert!(matches!(
        after(&gone, withdraw("again")),
        Settled::Merged(..)
    ));
    assert!(matches!(
        after(&gone, annotate(0, vec![arrow()])),
        Settled::Review(_)
    ));
    assert_eq!(withdraw(" ").draft(id(4)).unwrap_err().code, Code::Required);
}

#[test]
fn its_author_owns_a_photo_and_a_manager_may_draw_over_it_in_the_managers_own_name() {
    let stored = Stored {
        rev: 1,
        body: record::write(&photo()).unwrap(),
    };
    let may = |actor: &Actor, stored: Option<&Stored>, next: &Photo| {
        let rules = rules(&Photo::KIND).unwrap();
        authorise(rules, actor, stored, &record::write(next).unwrap()).is_ok()
    };
    let (author, colleague) = (actor(1, Role::Rep), actor(7, Role::Rep));
    let manager = actor(8, Role::Manager);
    assert!(may(&author, None, &photo()));
    assert!(!may(&manager, None, &photo()) && !may(&colleague, None, &photo()));

    let drawn = |by| Photo {
        layer: Some(Layer {
            version: 1,
            by,
            at: AT,
            marks: vec![arrow()],
        }),
        ..photo()
    };
    assert!(may(&author, Some(&stored), &drawn(id(1))));
    assert!(may(&manager, Some(&stored), &drawn(id(8))));
    assert!(!may(&manager, Some(&stored), &drawn(id(1))));
    assert!(!may(&colleague, Some(&stored), &drawn(id(7))));

    let withdrawn = Photo {
        state: State::Withdrawn {
            at: AT,
            reason: "blurred".to_owned(),
        },
        ..photo()
    };
    assert!(may(&author, Some(&stored), &withdrawn));
    assert!(!may(&manager, Some(&stored), &withdrawn));

    let mut deleted = photo();
    deleted.extra.insert(DELETED.to_owned(), true.into());
    let retitled = Photo {
        caption: Some("other".to_owned()),
        ..photo()
    };
    for changed in [deleted, retitled] {
        assert!(!may(&author, Some(&stored), &changed), "{changed:?}");
    }
}

#[test]
fn when_its_period_is_over_a_photo_stays_without_its_position() {
    let on = chrono::NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
    let erased = |photo: &Photo| {
        let body = record::write(photo).unwrap();
        let left = retention::erase(&Photo::KIND, &body, on).unwrap();
        assert!(retention::is_erased(&left));
        record::read::<Photo>(&left).unwrap()
    };
    let placed = Photo {
        place: here(),
        ..photo()
    };
    let why = NoPlace::Erased;
    assert_eq!(erased(&placed).place, Place::None { why });
    assert_eq!(erased(&placed).original, placed.original);
    assert_eq!(erased(&photo()).place, photo().place);
}

#[test]
fn what_other_records_say_otherwise_is_found_and_refuses_nothing() {
    let visit = Visit {
        customer: id(2),
        rep: id(1),
        day: chrono::NaiveDate::from_ymd_opt(2026, 3, 9).unwrap(),
        state: crate::visit::State::Planned,
        extra: Body::new(),
    };
    let look = |visit: Visit| {
        let find = |key: &RecordKey| match key.kind == Visit::KIND {
            true => vec![record::write(&visit).unwrap()],
            false => Vec::new(),
        };
        photo()
            .second_look(&find)
            .into_iter()
            .map(|f| f.code)
            .next()
    };
    assert_eq!(look(visit.clone()), None);
    let theirs = Visit {
        rep: id(7),
        ..visit.clone()
    };
    let elsewhere = Visit {
        customer: id(9),
        ..visit
    };
    assert_eq!(look(theirs), Some("visit_differs"));
    assert_eq!(look(elsewhere), Some("visit_differs"));
}

fn points(at_most: usize) -> impl Strategy<Value = Vec<Point>> {
    let point = (0..EDGE + 3, 0..EDGE + 3).prop_map(|(x, y)| Point(x, y));
    prop::collection::vec(point, 0..at_most)
}

fn marks() -> impl Strategy<Value = Vec<Mark>> {
    let form = prop_oneof![
        points(MAX_POINTS / 40).prop_map(|points| Form::Stroke { points }),
        points(3).prop_map(|points| Form::Arrow {
            from: points.first().copied().unwrap_or(Point(0, 0)),
            to: points.last().copied().unwrap_or(Point(1, 1)),
        }),
        (".{0,210}", points(2)).prop_map(|(text, points)| Form::Text {
            at: points.first().copied().unwrap_or(Point(0, 0)),
            text,
        }),
    ];
    let mark = (0..MAX_WIDTH + 3, form).prop_map(|(width, form)| Mark {
        ink: Ink::Blue,
        width,
        form,
    });
    prop::collection::vec(mark, 0..MAX_MARKS + 3)
}

proptest! {
    #[test]
    fn a_layer_that_is_taken_is_within_every_limit_and_survives_its_bytes(marks in marks()) {
        if layer::check(&marks).is_ok() {
            prop_assert!(marks.len() <= MAX_MARKS);
            for mark in &marks {
                prop_assert!((1..=MAX_WIDTH).contains(&mark.width));
            }
            let drawn = applied(after(&photo(), annotate(0, marks.clone())));
            prop_assert_eq!(drawn.layer.unwrap().marks, marks);
        }
    }
}

#[test]
fn the_largest_layer_fits_an_operation() {
    let text = "\u{1f600}".repeat(MAX_MARK_TEXT);
    let words = Mark {
        ink: Ink::Yellow,
        width: MAX_WIDTH,
        form: Form::Text {
            at: Point(EDGE, EDGE),
            text,
        },
    };
    let line = Mark {
        ink: Ink::Yellow,
        width: MAX_WIDTH,
        form: Form::Stroke {
            points: vec![Point(EDGE, EDGE); MAX_POINTS],
        },
    };
    let mut marks = vec![words; MAX_MARKS - 1];
    marks.push(line.clone());
    let bytes = sealed(annotate(0, marks.clone()).draft(id(4)).unwrap()).bytes;
    assert!(bytes.len() < MAX_OP_BYTES, "{}", bytes.len());
    marks.push(line);
    assert_eq!(layer::check(&marks).unwrap_err().code, Code::TooLong);
    assert_eq!(
        layer::check(&marks[MAX_MARKS - 1..]).unwrap_err().code,
        Code::TooLong
    );
}
