//! Bad devices: a clock ten years off, a disk that is full, a device that was shut out.

use std::path::{Path, PathBuf};
use std::process::Command;

use waymark_client::{ErrorCode, Lang, Waymark, WaymarkError};
use waymark_domain::ids::NoteId;
use waymark_domain::record::Role;
use waymark_domain::time::{TimeClass, UnixMs};
use waymark_protocol::enrol::RevokeRequest;

use crate::phone::Phone;
use crate::support::{Office, Person, next_seed, skip, wait};

const TEN_YEARS: i64 = 3_652 * 24 * 60 * 60 * 1000;
const HOUR: i64 = 60 * 60 * 1000;

/// A day in the life of a phone whose wall clock is off by `off` from the beginning.
fn a_day_with_a_clock_that_is_off(off: i64) {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut anna = Person::new(office.clock.wall_ms() + off);
    anna.enrol(&office.url(), &code);
    anna.sync().unwrap();
    let shop = anna.add_customer("Shop");
    let visit = anna.visits().start_unplanned(shop).unwrap();
    office.pass(8 * HOUR, &[&anna]);
    let truth: UnixMs = office.clock.wall_ms();
    let note = anna
        .try_note(shop, Some(visit), "eight hours later")
        .unwrap();
    let at = anna.visits().view(visit).unwrap().notes[0].at;
    assert_eq!((at.class, at.wall), (TimeClass::A, truth + off));
    assert!(
        at.earliest.unwrap() <= truth && truth <= at.latest.unwrap(),
        "{at:?}"
    );
    assert!(at.uncertainty_ms().unwrap() < 5_000, "{at:?}");
    // the day is the office's day, in the phone's zone
    let day = waymark_domain::time::local_day(truth, 480);
    assert_eq!(anna.today_date().unwrap(), day);
    anna.visits().finish(visit).unwrap();
    anna.sync().unwrap();
    anna.assert_ledger(5, 0, 0);

    // somebody corrects the clock, and sets it wrong the other way
    anna.clock.set_wall(truth);
    let shop = anna.add_customer("Second");
    anna.clock.set_wall(truth - off);
    let another: NoteId = anna.note(shop, "on a clock set wrong the other way");
    assert_ne!(another, note);
    anna.sync().unwrap();
    anna.assert_ledger(7, 0, 0);
    // after a reboot only the wall clock is left, and it is not believed where it contradicts the last time that was known
    anna.clock.reboot(1, HOUR);
    office.clock.advance(HOUR);
    let late = anna.note(shop, "after the reboot");
    let at = anna
        .customers()
        .view(shop)
        .unwrap()
        .notes
        .into_iter()
        .find(|note| note.id == late)
        .unwrap()
        .at;
    assert!(
        at.earliest
            .is_some_and(|earliest| earliest <= office.clock.wall_ms()),
        "{at:?}"
    );
    assert!(at.latest.is_none() && at.class > TimeClass::B, "{at:?}");
    anna.sync().unwrap();
    let now = anna.now().unwrap();
    assert_eq!(now.class, TimeClass::A);
    assert!(now.best_ms().abs_diff(office.clock.wall_ms()) < 1_000);
    anna.assert_ledger(8, 0, 0);

    // every id is one of its own, and the office has the order of the device whatever its clock said
    let ops = office.ops_of(anna.device());
    let ids: std::collections::BTreeSet<_> = ops.iter().map(|row| row.op).collect();
    assert_eq!(ids.len(), 8);
    assert!(ids.iter().all(|id| id.as_uuid().get_version_num() == 7));
    assert!(office.server().alarms().unwrap().is_empty());
    anna.assert_same_as(&office);
}

#[test]
fn a_clock_ten_years_fast_changes_nothing() {
    a_day_with_a_clock_that_is_off(TEN_YEARS);
}

#[test]
fn a_clock_ten_years_slow_changes_nothing() {
    a_day_with_a_clock_that_is_off(-TEN_YEARS);
}

#[test]
fn a_clock_before_1970_changes_nothing() {
    a_day_with_a_clock_that_is_off(-60 * TEN_YEARS / 10);
}

#[test]
fn a_device_that_never_heard_the_time_works_and_syncs() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    anna.sync().unwrap();
    anna.clock.shift_wall(-TEN_YEARS);
    anna.clock.reboot(7, 0);
    for at in 0..3 {
        anna.note(shop, &format!("note {at}"));
        anna.clock.shift_wall(TEN_YEARS * at);
    }
    anna.sync().unwrap();
    anna.assert_ledger(4, 0, 0);
    anna.assert_same_as(&office);
}

/// A small disk of its own. `None` where that is not permitted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "waymark-test"])
            .arg(at)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(at.to_owned()))
    }

    /// Takes all the room there is but `left` bytes.
    fn fill(&self, left: u64) -> PathBuf {
        let ballast = self.0.join(format!("ballast-{}", next_seed()));
        let mut file = std::fs::File::create(&ballast).unwrap();
        let mut size = 0;
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {
            size += 4096;
        }
        let file_size = file.metadata().unwrap().len().max(size);
        file.set_len(file_size.saturating_sub(left)).unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn full(error: &WaymarkError) {
    assert_eq!(
        (error.code, error.work_saved),
        (ErrorCode::DiskFull, true),
        "{error:?}"
    );
    assert!(error.remedy(Lang::En).contains("room"));
}

#[test]
fn on_a_full_disk_what_was_saved_stays_and_work_goes_on_once_there_is_room() {
    let office = Office::open();
    let person = office.rep("Anna");
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        return skip("on_a_full_disk_…", "may not mount a tmpfs");
    };
    let config = || person.config(folder.path().join("waymark.db"));
    let anna = Waymark::open(config()).unwrap();
    let code = office.invite_again(person.user()).code;
    let with = waymark_client::EnrolWith {
        server: office.url(),
        code,
        device_name: "small".to_owned(),
        authority: None,
    };
    wait(anna.enrol(&with)).unwrap();
    let sync = |anna: &Waymark| wait(anna.sync().run(&|_| {}));
    sync(&anna).unwrap();
    let add = |anna: &Waymark, name: String| {
        anna.customers().add(waymark_client::NewCustomerRequest {
            name,
            owner: None,
            position: None,
            address: Some("x".repeat(400)),
            phone: None,
        })
    };
    let mut saved = Vec::new();
    for at in 0..20 {
        saved.push(add(&anna, format!("Shop {at}")).unwrap());
    }
    let ballast = disk.fill(64 * 1024);
    let error = loop {
        match add(&anna, format!("Shop {}", saved.len())) {
            Ok(id) => saved.push(id),
            Err(error) => break error,
        }
        assert!(saved.len() < 10_000, "the disk never fills");
    };
    full(&error);
    full(&add(&anna, "again".to_owned()).unwrap_err());
    let all_there = |anna: &Waymark| {
        let status = anna.status().unwrap();
        assert!(status.balanced);
        assert_eq!(status.created, saved.len() as u64, "{status:?}");
        assert!(saved.iter().all(|&id| anna.customers().view(id).is_ok()));
    };
    all_there(&anna);
    // the work goes out as far as the disk lets it; what cannot be noted here is still pending, never lost
    if let Err(error) = sync(&anna) {
        full(&error);
    }
    all_there(&anna);
    // the app is started again on the full disk
    drop(anna);
    let _rest = disk.fill(0);
    match Waymark::open(config()) {
        Ok(anna) => all_there(&anna),
        Err(error) => full(&error),
    }

    std::fs::remove_file(ballast).unwrap();
    let anna = Waymark::open(config()).unwrap();
    assert!(anna.opened().salvage.is_none());
    all_there(&anna);
    add(&anna, "there is room".to_owned()).unwrap();
    sync(&anna).unwrap();
    let status = anna.status().unwrap();
    assert_eq!(
        (status.acknowledged, status.pending),
        (saved.len() as u64 + 1, 0)
    );
    let me = anna.me().unwrap();
    assert_eq!(office.ops_of(me.device).len(), saved.len() + 1);
    let report = anna.into_store().unwrap().check().unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_device_that_was_shut_out_keeps_its_work_and_the_server_takes_nothing_from_it() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    anna.sync().unwrap();
    anna.note(shop, "not sent yet");
    let admin = office.invite("Root", Role::Admin, "office").code;
    let admin = Phone::enrol(&office.url(), &admin, &office.clock);
    let token = admin.token();
    let device = anna.device();
    office
        .server()
        .revoke(&token, &RevokeRequest { device })
        .unwrap();

    // a token that is still good admits nobody any more, and a new process gets none
    for start_again in [false, true] {
        if start_again {
            anna.close();
            anna.start();
        }
        let error = anna.sync().unwrap_err();
        assert_eq!(
            (error.code, error.work_saved),
            (ErrorCode::DeviceRevoked, true)
        );
        assert!(
            error
                .remedy(Lang::En)
                .contains("Your work stays on this device")
        );
        assert_eq!(office.ops_of(device).len(), 1);
        anna.assert_ledger(1, 1, 0);
    }
    // work goes on here, and can be taken out
    anna.note(shop, "after it");
    anna.assert_ledger(1, 2, 0);
    assert_eq!(anna.name_of(shop), "Shop");
    let mut out = Vec::new();
    anna.export(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("not sent yet") && out.contains("after it"));
    anna.sync().unwrap_err();
    assert_eq!(office.ops_of(device).len(), 1);
    anna.assert_ledger(1, 2, 0);
}
