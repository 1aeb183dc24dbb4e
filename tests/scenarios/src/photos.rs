//! Photos taken in the app: kept on the phone, known to the office, through kills, damage and updates.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use waymark_client::{
    CaptureRequest, Config, ErrorCode, FileState, PhotoFacts, PhotoOf, PhotoView, Waymark,
};
use waymark_domain::hash::Hash;
use waymark_domain::ids::VisitId;
use waymark_domain::op::Operation;
use waymark_domain::photo::layer::{Form, Ink, Mark, Point};
use waymark_domain::photo::{NoPlace, Photo, Place};
use waymark_domain::record::{Role, SyncRecord as _};
use waymark_testkit::chance::SeededRng;

use crate::cli::Terminal;
use crate::support::{Office, Person, beside, root};

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/photos").join(name)
}

const SHELF: &str = "nokia_n70_422_iptc.jpg";

/// Kills of one test. Most fall between the picture and its record: stamping and the fsyncs are what a save takes.
const KILLS: u32 = 100;

fn take(person: &Person, of: PhotoOf, name: &str) -> PhotoView {
    let photos = person.photos();
    let slot = photos
        .new_capture(&CaptureRequest::of(of, "shelf"))
        .unwrap();
    fs::copy(fixture(name), &slot.path).unwrap();
    photos.commit(slot.id, &PhotoFacts::default()).unwrap()
}

fn folder_of(person: &Person) -> PathBuf {
    beside(&person.file(), ".photos")
}

#[test]
fn the_office_knows_the_photo_before_it_has_the_picture_and_says_so() {
    let office = Office::open();
    let (mut anna, mut mia) = (office.rep("Anna"), office.manager("Mia"));
    let shop = anna.add_customer("Shop");
    let visit = anna.visits().start_unplanned(shop).unwrap();
    let photo = take(&anna, PhotoOf::Visit(visit), SHELF);
    assert_eq!((photo.file, photo.pending), (FileState::Here, true));
    let why = NoPlace::OutsideWork;
    assert_eq!(photo.place, Some(Place::None { why }));
    anna.sync().unwrap();
    assert!(!anna.photos().get(photo.id).unwrap().pending);
    // the operation says which bytes are to come, and waited for none of them
    let ops = office.ops_of(anna.device());
    let op = Operation::from_bytes(&ops.last().unwrap().bytes).unwrap();
    let roles: Vec<&str> = op.blobs.iter().map(|blob| blob.role.as_str()).collect();
    assert_eq!(roles, ["original", "preview"]);
    let picture = fs::read(fixture(SHELF)).unwrap();
    assert_eq!(op.blobs[0].sha256, Hash::of(&picture));
    assert!(op.blobs[1].len <= 30 << 10);

    mia.sync().unwrap();
    let seen = mia.photos().list(PhotoOf::Visit(visit)).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].file, &seen[0].path, &seen[0].place),
        (FileState::Elsewhere, &None, &None)
    );
    let shown = mia.visits().view(visit).unwrap();
    assert_eq!(shown.photos, seen);
    let mut copy = Vec::new();
    mia.export(&mut copy).unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert!(copy.contains("original") && !copy.contains("outside_work"));
    let taken = mia
        .photos()
        .new_capture(&CaptureRequest::of(PhotoOf::Visit(visit), "shelf"));
    assert_eq!(taken.unwrap_err().code, ErrorCode::Forbidden);
    let gone = mia.photos().export(
        photo.id,
        waymark_client::ExportMode::Original,
        &mut Vec::new(),
    );
    assert_eq!(gone.unwrap_err().code, ErrorCode::PictureGone);

    // she draws over it without having it; what was taken is what it was
    let mark = Mark {
        ink: Ink::Yellow,
        width: 40,
        form: Form::Arrow {
            from: Point(100, 100),
            to: Point(5_000, 5_000),
        },
    };
    mia.photos().annotate(photo.id, 0, vec![mark]).unwrap();
    assert_eq!(
        mia.photos().withdraw(photo.id, "no").unwrap_err().code,
        ErrorCode::Forbidden
    );
    mia.sync().unwrap();
    anna.sync().unwrap();
    let drawn = anna.photos().get(photo.id).unwrap();
    assert_eq!(drawn.layer.as_ref().unwrap().by, mia.user());
    assert_eq!(fs::read(drawn.path.unwrap()).unwrap(), picture);
    assert_eq!(office.server().records(&Photo::KIND).unwrap().len(), 1);
    assert!(office.server().alarms().unwrap().is_empty());
    anna.assert_ledger(4, 0, 0);
    anna.assert_same_as(&office);
    mia.assert_same_as(&office);
}

#[test]
fn a_check_in_says_where_its_visits_photos_were_taken() {
    let office = Office::open();
    let anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let visit = anna.visits().start_unplanned(shop).unwrap();
    let fix = anna
        .fix(
            (43.73, 7.42),
            waymark_domain::geo::Datum::Wgs84,
            9.0,
            waymark_domain::fix::AccuracySource::Android,
            0,
        )
        .unwrap();
    anna.check_ins()
        .check_in(&waymark_client::CheckInRequest::arriving(Some(visit), fix))
        .unwrap();
    let photo = take(&anna, PhotoOf::Visit(visit), SHELF);
    assert_eq!(photo.place, Some(Place::CheckIn));
    anna.visits().finish(visit).unwrap();
    let later = take(&anna, PhotoOf::Visit(visit), SHELF);
    let why = NoPlace::OutsideWork;
    assert_eq!(later.place, Some(Place::None { why }));
    assert_eq!(later.same_as, [photo.id]);
    anna.sync().unwrap();
    assert!(office.server().alarms().unwrap().is_empty());
    anna.assert_ledger(7, 0, 0);
}

#[test]
fn rows_that_a_damaged_database_lost_are_made_of_the_files() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let photo = take(&anna, PhotoOf::Customer(shop), SHELF);
    let slot = anna
        .photos()
        .new_capture(&CaptureRequest::of(PhotoOf::Customer(shop), "front"))
        .unwrap();
    fs::copy(fixture("no_exif.jpg"), &slot.path).unwrap();
    anna.close();
    anna.look()
        .execute_batch("DELETE FROM blob; DELETE FROM capture;")
        .unwrap();
    anna.start();
    assert_eq!(anna.photos().get(photo.id).unwrap().file, FileState::Here);
    let slots = anna.photos().slots().unwrap();
    assert_eq!(slots.len(), 1);
    assert!(slots[0].found && slots[0].id == slot.id && slots[0].customer.is_none());
    let request = CaptureRequest::of(PhotoOf::Customer(shop), "front");
    let kept = anna.photos().recover(slot.id, Some(&request)).unwrap();
    assert_eq!(kept.number, 2);
    anna.sync().unwrap();
    anna.assert_ledger(3, 0, 0);
}

#[test]
fn a_database_of_the_first_release_takes_photos() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymark.db");
    fs::copy(root().join("tests/fixtures/db/v1-filled.db"), &path).unwrap();
    let waymark = Waymark::open(Config::at(&path)).unwrap();
    assert_eq!(waymark.opened().migrated_from, Some(1));
    let shop = waymark.customers().page(true, 1, 0).unwrap()[0].id;
    let request = CaptureRequest::of(PhotoOf::Customer(shop), "front");
    let slot = waymark.photos().new_capture(&request).unwrap();
    fs::copy(fixture(SHELF), &slot.path).unwrap();
    let facts = PhotoFacts::default();
    let photo = waymark.photos().commit(slot.id, &facts).unwrap();
    drop(waymark);
    let waymark = Waymark::open(Config::at(&path)).unwrap();
    assert_eq!(waymark.opened().migrated_from, None);
    let again = waymark.photos().get(photo.id).unwrap();
    assert_eq!((again.file, again.number), (FileState::Here, 1));
    assert!(waymark.status().unwrap().balanced);
}

#[test]
fn whoever_signs_out_of_the_server_keeps_the_photos() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let photo = take(&anna, PhotoOf::Customer(shop), SHELF);
    anna.sync().unwrap();
    // another may not take the phone's database over, and its own user comes back to everything
    let other = office.invite("Ben", Role::Rep, "north").code;
    let refused = anna.try_enrol(&office.url(), &other, None).unwrap_err();
    assert_eq!(refused.code, ErrorCode::AlreadyEnrolled);
    let again = office.invite_again(anna.user()).code;
    let _ = anna.try_enrol(&office.url(), &again, None);
    anna.close();
    anna.start();
    assert_eq!(anna.photos().get(photo.id).unwrap().file, FileState::Here);
}

/// A rep at a terminal, in the middle of a visit.
fn at_work(office: &Office) -> (tempfile::TempDir, Terminal) {
    let folder = tempfile::tempdir().unwrap();
    let anna = Terminal::new(folder.path().join("anna.db"));
    let code = office.invite("Anna", Role::Rep, "north").code;
    anna.json(&["enroll", "--server", &office.url(), "--code", &code]);
    anna.json(&["sync"]);
    anna.json(&["customer", "add", "Shop"]);
    anna.json(&["visit", "start", "Shop"]);
    (folder, anna)
}

#[test]
fn a_photo_on_the_command_line_from_the_slot_to_the_export() {
    let office = Office::open();
    let (folder, anna) = at_work(&office);
    let picture = fixture(SHELF);
    let file = picture.to_str().unwrap();
    let taken = anna.json(&[
        "photo",
        "take",
        file,
        "--slot",
        "shelf",
        "--caption",
        "full",
    ]);
    assert_eq!(
        (&taken["number"], &taken["file"]),
        (&1.into(), &"here".into())
    );
    assert_eq!(taken["place"]["why"], "outside_work");
    let listed = anna.json(&["photo", "list", "--customer", "Shop"]);
    assert_eq!(listed["photos"][0]["id"], taken["id"]);
    let told = anna.text(&["photo", "show", "1"]);
    assert!(told.contains("does not send pictures yet"), "{told}");
    let told = anna.text(&["photo", "show", "1", "--lang", "zh-Hans"]);
    assert!(
        told.contains("照片 1") && told.contains("尚不上传"),
        "{told}"
    );

    anna.json(&["photo", "annotate", "1", "--arrow", "10,10,50,50"]);
    let drawn = anna.json(&["photo", "annotate", "1", "--text", "50,50,gap, left"]);
    assert_eq!(
        (
            &drawn["layer"]["version"],
            drawn["layer"]["marks"].as_array().unwrap().len()
        ),
        (&2.into(), 2)
    );
    let wrong = anna.run(&["photo", "annotate", "1", "--rect", "1,2"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");

    let out = folder.path().join("out.jpg");
    let out = out.to_str().unwrap();
    anna.json(&["photo", "export", "1", out]);
    assert_eq!(fs::read(out).unwrap(), fs::read(&picture).unwrap());
    let there = anna.run(&["photo", "export", "1", out, "--mode", "copy"]);
    assert_eq!(there.code, Some(1), "{there:?}");
    let stamped = anna.json(&["photo", "export", "1", out, "--force", "--mode", "evidence"]);
    assert_eq!(
        stamped["export"]["stamp"]["original"],
        taken["original"]["sha256"]
    );
    assert_ne!(fs::read(out).unwrap(), fs::read(&picture).unwrap());

    // a camera that writes by itself, and an app that was killed behind it
    let slot = anna.json(&["photo", "slot", "--slot", "front"]);
    fs::copy(&picture, slot["path"].as_str().unwrap()).unwrap();
    let next = anna.run(&["today"]);
    assert!(next.err.contains("at Shop was not saved"), "{next:?}");
    let offered = anna.json(&["photo", "recover"]);
    assert_eq!(offered["slots"][0]["id"], slot["id"]);
    let id = slot["id"].as_str().unwrap();
    let kept = anna.json(&["photo", "recover", id]);
    assert_eq!(
        (&kept["number"], &kept["slot"]),
        (&2.into(), &"front".into())
    );
    assert_eq!(kept["same_as"][0], taken["id"]);
    let slot = anna.json(&["photo", "slot"]);
    fs::write(slot["path"].as_str().unwrap(), "no picture").unwrap();
    anna.json(&[
        "photo",
        "recover",
        slot["id"].as_str().unwrap(),
        "--discard",
    ]);
    anna.json(&["photo", "withdraw", "2", "--reason", "the same"]);
    assert!(anna.text(&["photo", "list"]).contains("withdrawn"));

    // one bit of the file
    let path = taken["path"].as_str().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[4_000] ^= 1;
    fs::write(path, bytes).unwrap();
    let checked = anna.text(&["photo", "recover", "--check"]);
    assert!(
        checked.contains("Photo 1") && checked.contains("changed"),
        "{checked}"
    );
    let told = anna.run(&["today"]).err;
    assert!(told.contains("gone or altered"), "{told}");
    let shown = anna.text(&["visit", "show", "Shop"]);
    assert!(
        shown.contains("1. ") && shown.contains("file altered"),
        "{shown}"
    );
    let refused = anna.run(&["photo", "export", "1", out, "--force"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let heic = fixture("hopper.heif");
    let heic = anna.run(&["photo", "take", heic.to_str().unwrap()]);
    assert!(
        heic.code == Some(1) && heic.err.contains("HEIC"),
        "{heic:?}"
    );
    anna.json(&["sync"]);
    assert_eq!(office.server().records(&Photo::KIND).unwrap().len(), 2);
    // no word of the picture or of where it lies went to the office
    for row in office.server().ops().unwrap() {
        assert!(!String::from_utf8_lossy(&row.bytes).contains("anna.db"));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a real process has been running is the machine's time"
)]
fn now() -> Instant {
    Instant::now()
}

/// Lets the process run for `time` and kills it. `true` when it was still running.
fn kill_after(child: &mut Child, time: Duration) -> bool {
    let began = now();
    while began.elapsed() < time {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// What is there after a kill: each of the newest photos with exactly its picture. Gives how many photos there are.
fn assert_nothing_lost(waymark: &Waymark, visit: VisitId, picture: &[u8]) -> usize {
    let photos = waymark.photos().list(PhotoOf::Visit(visit)).unwrap();
    for photo in photos.iter().rev().take(3) {
        let bytes = fs::read(photo.path.as_ref().unwrap()).unwrap();
        assert!(bytes == picture, "{photo:?}");
    }
    let status = waymark.status().unwrap();
    assert!(status.balanced && status.lost == 0, "{status:?}");
    photos.len()
}

#[test]
#[ignore = "slow: run by tests/run"]
fn kill_minus_9_of_a_photo_being_saved_100_times_loses_no_picture() {
    let office = Office::open();
    let (_folder, anna) = at_work(&office);
    let picture = fixture(SHELF);
    let bytes = fs::read(&picture).unwrap();
    let args = ["photo", "take", picture.to_str().unwrap(), "--json"];
    let once = || {
        let began = now();
        anna.json(&args[..3]);
        began.elapsed()
    };
    // the quickest of some: on a machine that does other things as well most processes would else be done before their kill
    let usual = (0..5).map(|_| once()).min().unwrap();
    let visit = {
        let waymark = Waymark::open(Config::at(&anna.db)).unwrap();
        waymark.visits().in_progress().unwrap().unwrap().id
    };
    let mut rng = SeededRng::new(4);
    let (mut kills, mut saved, mut whole, mut cut, mut runs) = (0, 5, 0, 0, 0);
    while kills < KILLS {
        runs += 1;
        assert!(runs < 20 * KILLS, "the processes are too fast to be killed");
        let longest = u64::try_from(usual.as_micros()).unwrap() * 5 / 4;
        let mut child = anna.command(&args).spawn().unwrap();
        kills += u32::from(kill_after(
            &mut child,
            Duration::from_micros(rng.below(longest)),
        ));
        let printed = child.wait_with_output().unwrap().stdout;
        let waymark = Waymark::open(Config::at(&anna.db)).unwrap();
        let there = assert_nothing_lost(&waymark, visit, &bytes);
        // what was called saved is
        assert!(there > saved || (there == saved && !printed.ends_with(b"\n")));
        saved = there;
        for slot in waymark.photos().slots().unwrap() {
            // the "camera" may have died as well, half way
            if slot.len == bytes.len() as u64 {
                waymark.photos().recover(slot.id, None).unwrap();
                (whole, saved) = (whole + 1, saved + 1);
            } else {
                waymark.photos().discard(slot.id).unwrap();
                cut += 1;
            }
        }
        assert_nothing_lost(&waymark, visit, &bytes);
    }
    anna.json(&["sync"]);
    assert_eq!(office.server().records(&Photo::KIND).unwrap().len(), saved);
    eprintln!(
        "{kills} kills in {runs} runs: {saved} photos, {whole} of them kept after a kill, {cut} pictures cut off by the kill of what wrote them"
    );
    assert!(whole > 10, "no kill hit between the picture and its record");
}

#[test]
fn nothing_of_a_photo_lies_outside_its_folder() {
    let office = Office::open();
    let anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let photo = take(&anna, PhotoOf::Customer(shop), SHELF);
    let folder = folder_of(&anna);
    for path in [photo.path.unwrap(), photo.preview.unwrap()] {
        assert!(path.starts_with(&folder), "{path:?}");
    }
    let paths: Vec<String> = anna
        .look()
        .prepare("SELECT path FROM blob")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // relative: the container of an app moves with updates
    assert!(paths.iter().all(|path| !path.starts_with('/')), "{paths:?}");
}
