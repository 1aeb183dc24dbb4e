//! A process that dies at every point of a photo's way, on a real database and real files.

use std::fs;

use tempfile::TempDir;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Datum;
use waymark_domain::ids::{DeviceId, TenantId, uuid_v7};
use waymark_domain::photo::layer::{Form, Ink, Point as Dot};
use waymark_domain::photo::signals::Sign;
use waymark_domain::record::Role;
use waymark_store::Identity;

use super::*;
use crate::{Config, Lang, NewCustomerRequest};

const PICTURE: &[u8] = include_bytes!("../../../../tests/fixtures/photos/nokia_n70_422_iptc.jpg");
const OTHER: &[u8] = include_bytes!("../../../../tests/fixtures/photos/no_exif.jpg");

struct Phone {
    folder: TempDir,
    waymark: Option<Waymark>,
    shop: CustomerId,
    visit: VisitId,
}

impl Phone {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let waymark = open(&folder);
        let id = |tag| uuid_v7(1, [tag; 10]);
        let me = Identity {
            tenant: TenantId::from_uuid(id(1)),
            user: UserId::from_uuid(id(2)),
            device: DeviceId::from_uuid(id(3)),
            role: Role::Rep,
            user_name: "Anna".to_owned(),
            company: "Acme".to_owned(),
            team: "north".to_owned(),
            server_url: "https://waymark.example".to_owned(),
            server_key: String::new(),
            extra: Body::new(),
        };
        waymark.set_me(me).unwrap();
        let shop = NewCustomerRequest {
            name: "Kiosk".to_owned(),
            owner: None,
            position: None,
            address: None,
            phone: None,
        };
        let shop = waymark.customers().add(shop).unwrap();
        let visit = waymark.visits().start_unplanned(shop).unwrap();
        Self {
            folder,
            waymark: Some(waymark),
            shop,
            visit,
        }
    }

    fn photos(&self) -> Photos {
        self.waymark.as_ref().unwrap().photos()
    }

    fn request(&self) -> CaptureRequest {
        CaptureRequest::of(PhotoOf::Visit(self.visit), "shelf")
    }

    /// The process ends, however it ends, and the next one starts.
    fn again(&mut self) {
        self.waymark = None;
        self.waymark = Some(open(&self.folder));
    }

    fn take(&self, picture: &[u8]) -> PhotoView {
        let slot = self.photos().new_capture(&self.request()).unwrap();
        fs::write(&slot.path, picture).unwrap();
        let facts = PhotoFacts::default();
        self.photos().commit(slot.id, &facts).unwrap()
    }

    fn photo_folder(&self) -> PathBuf {
        self.folder.path().join("waymark.db.photos")
    }

    /// The names of the files in the inbox.
    fn inbox(&self) -> Vec<String> {
        let files = fs::read_dir(self.photo_folder().join("inbox")).unwrap();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn assert_whole(&self, photos: usize) {
        let waymark = self.waymark.as_ref().unwrap();
        let status = waymark.status().unwrap();
        assert!(status.balanced, "{status:?}");
        let report = waymark.photos().reconcile(true).unwrap();
        assert_eq!(report, ReconcileReport::default());
        let all = waymark.photos().list(PhotoOf::Customer(self.shop)).unwrap();
        assert_eq!(all.len(), photos);
        for photo in all {
            let bytes = fs::read(photo.path.unwrap()).unwrap();
            assert_eq!(Hash::of(&bytes), photo.original.file.sha256);
        }
    }
}

fn open(folder: &TempDir) -> Waymark {
    Waymark::open(Config::at(folder.path().join("waymark.db"))).unwrap()
}

fn dying<T>(point: Point, act: impl FnOnce() -> T) -> T {
    DIES_AT.set(Some(point));
    let result = act();
    DIES_AT.set(None);
    result
}

#[test]
fn a_photo_that_the_process_dies_with_is_offered_by_the_next_start_or_is_saved() {
    use Point::{Moved, Moving, Previewed, Saved, Synced};
    for point in [Synced, Moving, Moved, Previewed, Saved] {
        let mut phone = Phone::new();
        let slot = phone.photos().new_capture(&phone.request()).unwrap();
        fs::write(&slot.path, PICTURE).unwrap();
        let died = dying(point, || {
            phone.photos().commit(slot.id, &PhotoFacts::default())
        });
        assert_eq!(died.unwrap_err().code, ErrorCode::Closed, "{point:?}");
        phone.again();
        let offered = phone.photos().slots().unwrap();
        if point == Saved {
            assert!(offered.is_empty());
        } else {
            let [offered] = offered.as_slice() else {
                panic!("{point:?}: {offered:?}")
            };
            let told = (offered.id, offered.len, offered.customer_name.as_str());
            assert_eq!(told, (slot.id, len_of(PICTURE), "Kiosk"), "{point:?}");
            let kept = phone.photos().recover(slot.id, None).unwrap();
            assert_eq!((kept.visit, kept.at.latest), (Some(phone.visit), None));
        }
        let photo = phone.photos().get(slot.id).unwrap();
        assert_eq!(photo.original.file.sha256, Hash::of(PICTURE));
        assert!(photo.preview.is_some(), "{point:?}: {photo:?}");
        assert!(phone.inbox().is_empty(), "{point:?}");
        phone.assert_whole(1);
    }
}

#[test]
fn the_system_kills_the_app_behind_the_camera_and_the_photo_is_there() {
    let mut phone = Phone::new();
    let slot = phone.photos().new_capture(&phone.request()).unwrap();
    // the app is started anew while the camera is still open: a sync in the background does that
    phone.again();
    assert!(phone.photos().slots().unwrap().is_empty());
    fs::write(&slot.path, PICTURE).unwrap();
    phone.again();
    assert_eq!(phone.photos().slots().unwrap()[0].id, slot.id);
    // and the camera's answer may come to the new process after all
    let facts = PhotoFacts::default();
    let photo = phone.photos().commit(slot.id, &facts).unwrap();
    assert_eq!((photo.file, photo.number), (FileState::Here, 1));
    assert!(phone.photos().slots().unwrap().is_empty());
    phone.assert_whole(1);
}

#[test]
fn a_slot_that_nothing_came_into_is_closed_and_no_photo_comes_of_it() {
    for point in [Point::Reserved, Point::Journaled] {
        let mut phone = Phone::new();
        let died = dying(point, || phone.photos().new_capture(&phone.request()));
        assert_eq!(died.unwrap_err().code, ErrorCode::Closed);
        phone.again();
        assert!(phone.photos().slots().unwrap().is_empty(), "{point:?}");
        phone.assert_whole(0);
    }
    let phone = Phone::new();
    let slot = phone.photos().new_capture(&phone.request()).unwrap();
    let none = phone.photos().commit(slot.id, &PhotoFacts::default());
    assert_eq!(none.unwrap_err().code, ErrorCode::NoPicture);
    assert_eq!(phone.photos().reconcile(false).unwrap().closed, 1);
    phone.photos().discard(slot.id).unwrap();
    assert!(phone.inbox().is_empty());
}

#[test]
fn a_file_that_nobody_knows_becomes_a_slot_and_is_never_deleted() {
    let mut phone = Phone::new();
    phone.take(OTHER);
    fs::write(phone.photo_folder().join("inbox/stray.jpg"), PICTURE).unwrap();
    let hex = Hash::of(PICTURE).to_string();
    let (first, rest) = hex.split_at(2);
    let place = phone.photo_folder().join(first);
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join(format!("{rest}.jpg")), PICTURE).unwrap();
    phone.again();
    let found = phone.photos().slots().unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|slot| slot.found && slot.customer.is_none())
    );

    let nobody = phone.photos().recover(found[0].id, None).unwrap_err();
    assert_eq!(nobody.code, ErrorCode::Required);
    let request = phone.request();
    let kept = phone.photos().recover(found[0].id, Some(&request)).unwrap();
    assert_eq!((kept.source, kept.number), (Source::OtherApp, 2));
    // the other has the same bytes: throwing it away takes nothing from the one that was kept
    phone.photos().discard(found[1].id).unwrap();
    assert!(phone.photos().slots().unwrap().is_empty());
    phone.assert_whole(2);
}

#[test]
fn a_second_commit_gives_the_same_photo_and_the_same_picture_again_says_so() {
    let phone = Phone::new();
    let first = phone.take(PICTURE);
    let facts = PhotoFacts::default();
    let again = phone.photos().commit(first.id, &facts).unwrap();
    assert_eq!(again, first);
    let second = phone.take(PICTURE);
    assert_eq!(second.same_as, [first.id]);
    assert_eq!((second.number, second.path), (2, first.path.clone()));
    assert!(first.same_as.is_empty() && phone.inbox().is_empty());
    let found = phone.photos().find("#2").unwrap();
    assert_eq!(found, second.id);
    phone.assert_whole(2);
}

#[test]
fn a_file_that_is_gone_or_altered_is_told_and_the_record_stays() {
    let mut phone = Phone::new();
    let photo = phone.take(PICTURE);
    let path = photo.path.clone().unwrap();
    let mut altered = PICTURE.to_vec();
    altered[5_000] ^= 1;
    fs::write(&path, &altered).unwrap();
    // the length is right; reading tells
    assert_eq!(
        phone.photos().get(photo.id).unwrap().file,
        FileState::Altered
    );
    let mut out = Vec::new();
    let refused = phone
        .photos()
        .export(photo.id, ExportMode::Original, &mut out);
    assert_eq!(refused.unwrap_err().code, ErrorCode::PictureGone);
    assert!(out.is_empty());
    phone.again();
    let report = phone.photos().reconcile(false).unwrap();
    assert_eq!(report.altered, [photo.id]);
    assert_eq!(phone.photos().troubles().unwrap(), [photo.id]);

    fs::remove_file(&path).unwrap();
    phone.again();
    let report = phone.photos().reconcile(false).unwrap();
    assert_eq!(report.missing, [photo.id]);
    assert_eq!(
        phone.photos().list(PhotoOf::Visit(phone.visit)).unwrap()[0].file,
        FileState::Missing
    );

    // somebody puts it back
    fs::write(&path, PICTURE).unwrap();
    phone.again();
    assert!(phone.photos().troubles().unwrap().is_empty());
    phone.assert_whole(1);
}

#[test]
fn drawing_and_exporting_leave_the_original_as_it_was() {
    let phone = Phone::new();
    let photo = phone.take(PICTURE);
    let mark = Mark {
        ink: Ink::Red,
        width: 30,
        form: Form::Rect {
            from: Dot(1_000, 1_000),
            to: Dot(4_000, 4_000),
        },
    };
    phone
        .photos()
        .annotate(photo.id, 0, vec![mark.clone()])
        .unwrap();
    let older = phone.photos().annotate(photo.id, 0, Vec::new());
    assert_eq!(older.unwrap_err().code, ErrorCode::WrongState);
    let drawn = phone.photos().get(photo.id).unwrap();
    let layer = drawn.layer.unwrap();
    assert_eq!((layer.version, layer.marks), (1, vec![mark]));

    for mode in [waymark_photo::Mode::Evidence, waymark_photo::Mode::Copy] {
        let stamped = ExportMode::Stamped {
            mode,
            template: None,
            seal: None,
            lang: Lang::ZhHans,
        };
        let mut out = Vec::new();
        let export = phone.photos().export(photo.id, stamped, &mut out).unwrap();
        assert_eq!(export.bytes, len_of(&out));
        assert_eq!(export.stamp.unwrap().original, Hash::of(PICTURE));
        assert_ne!(out, PICTURE);
    }
    let mut out = Vec::new();
    phone
        .photos()
        .export(photo.id, ExportMode::Original, &mut out)
        .unwrap();
    assert_eq!(out, PICTURE);
    phone.photos().withdraw(photo.id, "wrong shelf").unwrap();
    let withdrawn = phone.photos().get(photo.id).unwrap();
    assert!(matches!(withdrawn.state, State::Withdrawn { .. }));
    phone.assert_whole(1);
}

#[test]
fn no_position_is_recorded_outside_a_work_session() {
    let phone = Phone::new();
    let waymark = phone.waymark.as_ref().unwrap();
    let place = || {
        let fix = waymark
            .fix((43.73, 7.42), Datum::Wgs84, 9.0, AccuracySource::Android, 0)
            .unwrap();
        let slot = phone.photos().new_capture(&phone.request()).unwrap();
        fs::write(&slot.path, PICTURE).unwrap();
        let facts = PhotoFacts {
            fix: Some(fix),
            taken_mono_ms: None,
        };
        phone.photos().commit(slot.id, &facts).unwrap().place
    };
    let why = NoPlace::OutsideWork;
    assert_eq!(place(), Some(Place::None { why }));
    waymark.shift().start(None).unwrap();
    assert!(matches!(place(), Some(Place::Session { .. })));
    waymark.shift().end().unwrap();
    assert_eq!(place(), Some(Place::None { why }));
}

#[test]
fn a_picture_from_the_gallery_says_so_and_its_file_stays() {
    let phone = Phone::new();
    let file = phone.folder.path().join("gallery.jpg");
    fs::write(&file, PICTURE).unwrap();
    let request = CaptureRequest::of(PhotoOf::Customer(phone.shop), "front");
    let photo = phone
        .photos()
        .import(&file, &request, Source::Gallery)
        .unwrap();
    let why = NoPlace::NotTakenHere;
    assert_eq!(photo.place, Some(Place::None { why }));
    assert_eq!((photo.source, photo.visit), (Source::Gallery, None));
    assert_eq!(fs::read(&file).unwrap(), PICTURE);

    fs::write(&file, "no picture").unwrap();
    let refused = phone.photos().import(&file, &request, Source::Gallery);
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAPicture);
    assert!(phone.inbox().is_empty());
    phone.assert_whole(1);
}

#[test]
fn a_picture_that_is_too_small_for_a_stamp_on_it_gets_one_beside_it() {
    let small = include_bytes!("../../../../tests/fixtures/photos/flower_444_icc_thumb.jpg");
    let phone = Phone::new();
    let photo = phone.take(small);
    assert_eq!(photo.no_preview, None);
    let preview = fs::read(photo.preview.unwrap()).unwrap();
    assert!(len_of(&preview) <= waymark_domain::photo::MAX_PREVIEW_BYTES);
    let head = picture::head(&preview).unwrap();
    let (original, shown) = (photo.original.height, head.height);
    assert!(shown * photo.original.width > original * head.width);
}

#[test]
fn a_full_disk_is_told_before_the_camera_opens() {
    let phone = Phone::new();
    let request = CaptureRequest {
        expected_bytes: Some(u64::MAX / 2),
        ..phone.request()
    };
    let full = phone.photos().new_capture(&request).unwrap_err();
    assert_eq!((full.code, full.work_saved), (ErrorCode::NoRoom, true));
    assert!(full.about.contains(" MB < "), "{full:?}");
    assert!(phone.inbox().is_empty());
    phone.assert_whole(0);
}

#[test]
fn what_the_camera_wrote_is_kept_until_somebody_throws_it_away() {
    let phone = Phone::new();
    let slot = phone.photos().new_capture(&phone.request()).unwrap();
    fs::write(&slot.path, "half a pict").unwrap();
    let refused = phone.photos().commit(slot.id, &PhotoFacts::default());
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAPicture);
    assert_eq!(phone.photos().slots().unwrap().len(), 1);
    // the camera tries again
    fs::write(&slot.path, PICTURE).unwrap();
    phone
        .photos()
        .commit(slot.id, &PhotoFacts::default())
        .unwrap();
    phone.assert_whole(1);

    // a picture that is cut off is what the rep has: it is kept, and what could not be made of it is told
    let slot = phone.photos().new_capture(&phone.request()).unwrap();
    fs::write(&slot.path, &PICTURE[..PICTURE.len() / 2]).unwrap();
    let cut = phone.photos().commit(slot.id, &PhotoFacts::default());
    let cut = cut.unwrap();
    assert_eq!(cut.no_preview, Some(NoPreview::Damaged));
    phone.assert_whole(2);
}

#[test]
fn a_picture_that_is_used_again_is_noticed_whole_and_smaller_and_kept_all_the_same() {
    let phone = Phone::new();
    let first = phone.take(PICTURE);
    // a telephone of 2006, whose clock says so
    let signs = |view: &PhotoView| view.signals.iter().map(|s| s.sign).collect::<Vec<_>>();
    assert_eq!(signs(&first), [Sign::OtherTime]);
    let other = phone.take(OTHER);
    assert_eq!(signs(&other), [Sign::NoCamera]);

    let again = phone.take(PICTURE);
    assert_eq!(signs(&again), [Sign::UsedBefore, Sign::OtherTime]);
    assert_eq!(again.signals[0].other, Some(first.id));

    let smaller = image::load_from_memory(PICTURE)
        .unwrap()
        .thumbnail(320, 240);
    let mut bytes = std::io::Cursor::new(Vec::new());
    smaller
        .fliph()
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    let smaller = phone.take(bytes.get_ref());
    assert_eq!(
        signs(&smaller),
        [Sign::LooksUsed, Sign::LooksUsed, Sign::NoCamera]
    );
    let seen = &smaller.signals[0];
    assert!(seen.value <= 24 && seen.other.is_some(), "{seen:?}");
    assert!(words::signal(seen, "1", Lang::En).contains("photo 1"));
    phone.assert_whole(4);

    let dark = image::RgbImage::from_pixel(64, 48, image::Rgb([9, 9, 9]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    dark.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let dark = phone.take(bytes.get_ref());
    assert_eq!(signs(&dark), [Sign::NothingToSee, Sign::NoCamera]);
}

#[test]
fn what_a_file_says_of_where_it_was_taken_is_recorded_nowhere() {
    let phone = Phone::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/photos/");
    let mut exported = Vec::new();
    let plain = fs::read(format!("{folder}no_exif.jpg")).unwrap();
    let facts: waymark_photo::Facts =
        serde_json::from_str(r#"{"position": {"lat": 43.730512, "lon": 7.422987}}"#).unwrap();
    let template = waymark_photo::Template::from_json(br#"{"fields": [{"key": "rep"}]}"#).unwrap();
    let order = waymark_photo::Order {
        mode: waymark_photo::Mode::Copy,
        template: &template,
        facts: &facts,
        seal: None,
        device_font: None,
        mark: None,
    };
    let stamped = waymark_photo::stamp(&plain, &order).unwrap();
    stamped.write_to(&mut exported).unwrap();
    let (lat, _) = waymark_photo::camera(&exported).unwrap().place.unwrap();
    assert!((lat - 43.730_512).abs() < 1e-6);
    let photo = phone.take(&exported);
    let record = phone.photos().found(photo.id).unwrap().record;
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("43.73") && !text.contains("7.42"), "{text}");
}
