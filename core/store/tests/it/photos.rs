//! Slots of the camera and files of photos.

use waymark_domain::hash::Hash;
use waymark_domain::ids::PhotoId;
use waymark_domain::op::Draft;
use waymark_domain::photo::camera::Camera;
use waymark_domain::photo::{Attachment, NoPlace, ORIGINAL, Original, Photo, Place, Source, State};
use waymark_domain::record::Body;
use waymark_domain::refusal::{Code, Refusal};
use waymark_domain::time::{Anchors, place};
use waymark_store::{BlobRow, BlobState, Capture, CaptureState, Store, StoreError, Unit};

use crate::desk::*;

fn photo_id(tag: u64) -> PhotoId {
    PhotoId::from_uuid(uuid(6_000_000 + tag))
}

fn slot(tag: u64) -> Capture {
    Capture {
        id: photo_id(tag),
        path: format!("inbox/{tag}.jpg"),
        state: CaptureState::Open,
        reserved: 8 << 20,
        begun_ms: WALL,
        sha256: None,
        purpose: Some("{}".to_owned()),
    }
}

fn photo(customer: u64, number: u32) -> Photo {
    Photo {
        rep: anna(),
        customer: customer_id(customer),
        visit: None,
        check_in: None,
        number,
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
        at: place(reading(5), &Anchors::default()),
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

fn file(photo: &Photo) -> BlobRow {
    let file = &photo.original.file;
    BlobRow {
        sha256: file.sha256,
        len: file.len,
        mime: file.mime.clone(),
        path: "aa/bb.jpg".to_owned(),
        role: ORIGINAL.to_owned(),
        state: BlobState::Local,
    }
}

fn save(store: &Store, tag: u64, photo: &Photo) -> Result<(), StoreError> {
    let unit = Unit::One(Draft::new(photo_id(tag), photo).unwrap());
    let mut next = 7_000_000 + tag * 10;
    let mut new_id = || {
        next += 1;
        uuid(next)
    };
    let files = [file(photo)];
    let id = photo_id(tag);
    store
        .commit_capture(id, vec![unit], &files, reading(5), &mut new_id)
        .map(drop)
}

#[test]
fn a_slot_goes_in_the_transaction_that_saves_its_photo_and_stays_when_that_is_refused() {
    let store = in_memory();
    commit_one(&store, new_customer(1, "Shop"));
    assert!(store.begin_capture(&slot(1)).unwrap());
    assert!(!store.begin_capture(&slot(1)).unwrap());
    let sha256 = Hash::of(b"picture");
    store.move_capture(photo_id(1), sha256).unwrap();

    let refused = save(&store, 1, &photo(99, 1)).unwrap_err();
    assert_eq!(
        refused,
        StoreError::Refused(Refusal::new(Code::UnknownReference))
    );
    let moved = Capture {
        sha256: Some(sha256),
        ..slot(1)
    };
    let (captures, blobs) = store
        .read(|reader| Ok((reader.captures()?, reader.blobs()?)))
        .unwrap();
    assert_eq!((captures, blobs), (vec![moved], Vec::new()));

    save(&store, 1, &photo(1, 1)).unwrap();
    let (captures, blob, with, last) = store
        .read(|reader| {
            Ok((
                reader.captures()?,
                reader.blob(sha256)?,
                reader.photos_with(sha256)?,
                reader.last_photo_number(anna())?,
            ))
        })
        .unwrap();
    assert_eq!((captures, blob), (Vec::new(), Some(file(&photo(1, 1)))));
    assert_eq!((with.len(), last), (1, 1));
    let op = outbox(&store).pop().unwrap();
    assert_eq!(op.blobs[0].sha256, sha256);
    assert_clean(&store);
}

#[test]
fn the_same_picture_twice_is_two_photos_and_one_file() {
    let store = in_memory();
    commit_one(&store, new_customer(1, "Shop"));
    for tag in 1..=2_u32 {
        store.begin_capture(&slot(tag.into())).unwrap();
        save(&store, tag.into(), &photo(1, tag)).unwrap();
    }
    store
        .mark_blob(Hash::of(b"picture"), BlobState::Missing)
        .unwrap();
    let (of_customer, blobs) = store
        .read(|reader| {
            Ok((
                reader.photos_of_customer(customer_id(1), 9)?,
                reader.blobs()?,
            ))
        })
        .unwrap();
    assert_eq!((of_customer.len(), blobs.len()), (2, 1));
    assert_eq!(blobs[0].state, BlobState::Missing);
}
