//! Work sessions, tracks, and who may know where a rep is: on virtual clocks, with real clients, SQLite and the real server.
#![expect(clippy::cast_possible_truncation, reason = "degrees times ten million")]

use std::collections::BTreeSet;

use chrono::NaiveDate;
use waymark_client::{
    CheckInRequest, ClientEvent, ErrorCode, LIVE_MS, Stands, TrackDay, Waymark, WaymarkError,
};
use waymark_domain::check_in::CheckIn;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::location_access::What;
use waymark_domain::record::{RecordKey, SyncRecord as _};
use waymark_domain::retention;
use waymark_domain::shift::{EndedBy, Shift, State};
use waymark_domain::track::{Entry, GapReason};
use waymark_domain::track_segment::TrackSegment;
use waymark_testkit::fleet::Fleet;

use crate::support::{Office, wait};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn fix_at(fleet: &Fleet, device: &str, lat: f64, ago: i64) -> Fix {
    let position = Position::new(Datum::Wgs84, lat, 7.42).unwrap();
    let mono = fleet.clock(device).mono_ms() - ago;
    Fix::new(position, 8.0, AccuracySource::Android, mono)
}

fn fix(fleet: &Fleet, device: &str, lat: f64) -> Fix {
    fix_at(fleet, device, lat, 0)
}

fn code<T>(result: Result<T, WaymarkError>) -> ErrorCode {
    result.err().expect("an error").code
}

fn today(device: &Waymark) -> NaiveDate {
    device.today_date().unwrap()
}

/// Latitudes of everything that is kept of a day, in 1e-7 degrees, in the order of time.
fn kept(day: &TrackDay) -> Vec<i64> {
    let fixes = day.pieces.iter().flat_map(|piece| piece.track.fixes());
    fixes
        .map(|fix| (fix.position.lat() * 1e7).round() as i64)
        .collect()
}

fn company() -> Fleet {
    Fleet::new().admin("ada").manager("mia").rep("anna")
}

#[test]
fn no_position_is_kept_outside_a_session_and_an_old_fix_is_left_out() {
    let fleet = company();
    let anna = fleet.device("anna");
    let tracks = anna.tracks();
    assert_eq!(
        code(tracks.record(&[fix(&fleet, "anna", 43.7)])),
        ErrorCode::NoShift
    );
    assert_eq!(code(tracks.gap(GapReason::NoFix)), ErrorCode::NoShift);
    let view = anna.shift().start(None).unwrap();
    assert_eq!((view.stands, view.limit_min), (Stands::Open, 720));
    assert_eq!(code(anna.shift().start(None)), ErrorCode::ShiftOpen);
    fleet.pass(1_000);
    let fixes = [
        fix_at(&fleet, "anna", 43.1, 5_000),
        fix(&fleet, "anna", 43.2),
        fix_at(&fleet, "anna", 43.3, -5_000),
    ];
    let appended = tracks.record(&fixes).unwrap();
    assert_eq!((appended.kept, appended.refused.len()), (1, 2));
    let me = fleet.user("anna");
    let day = today(&anna);
    assert_eq!(kept(&tracks.of(me, day, "").unwrap()), [432_000_000]);
    let ended = anna.shift().end().unwrap();
    assert_eq!(ended.stands, Stands::EndedByRep);
    assert_eq!(
        code(tracks.record(&[fix(&fleet, "anna", 43.4)])),
        ErrorCode::NoShift
    );
    // packed at the end, and still one fix
    let found = tracks.of(me, day, "").unwrap();
    assert_eq!((kept(&found), found.bytes > 0), (vec![432_000_000], true));
    assert_eq!(anna.today(None).unwrap().shifts.len(), 1);
}

#[test]
fn a_forgotten_session_ends_at_its_limit_and_nothing_is_kept_after_it() {
    let fleet = company();
    let anna = fleet.device("anna");
    let start = anna.shift().start(Some(60)).unwrap();
    fleet.pass(59 * MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.1)]).unwrap();
    // the wall clock is set back; the session's clock is not
    fleet.clock("anna").shift_wall(-10 * HOUR);
    fleet.pass(2 * MINUTE);
    let late = anna.tracks().record(&[fix(&fleet, "anna", 43.2)]);
    assert_eq!(code(late), ErrorCode::ShiftOver);
    let view = anna.shift().latest().unwrap().unwrap();
    assert_eq!(view.stands, Stands::EndedByLimit);
    let lasted = view.ended.unwrap().best_ms() - start.started.best_ms();
    assert!((lasted - HOUR).abs() < 1_000, "{lasted}");
    assert_eq!(code(anna.shift().resume()), ErrorCode::NoShift);
    // the next session is a new one, and the server took the end
    anna.shift().start(None).unwrap();
    fleet.sync("anna").unwrap();
    let rows = fleet.server().records(&Shift::KIND).unwrap();
    let states: Vec<Shift> = rows
        .iter()
        .map(|row| waymark_domain::record::read(&row.body).unwrap())
        .collect();
    let by_limit = |shift: &&Shift| {
        matches!(
            shift.state,
            State::Ended {
                by: EndedBy::Limit,
                ..
            }
        )
    };
    assert_eq!(
        (states.len(), states.iter().filter(by_limit).count()),
        (2, 1)
    );
    assert_eq!(anna.status().unwrap().needs_attention, 0);
}

#[test]
fn after_a_reboot_without_a_network_the_rep_has_to_say_that_the_work_goes_on() {
    let fleet = company();
    let anna = fleet.device("anna");
    anna.shift().start(Some(120)).unwrap();
    fleet.pass(50 * MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.1)]).unwrap();
    fleet.clock("anna").reboot(1, 5 * MINUTE);
    fleet.restart("anna");
    let anna = fleet.device("anna");
    assert_eq!(
        anna.shift().status().unwrap().unwrap().stands,
        Stands::Unconfirmed
    );
    let refused = anna.tracks().record(&[fix(&fleet, "anna", 43.2)]);
    assert_eq!(code(refused), ErrorCode::ShiftUnconfirmed);
    assert_eq!(anna.shift().resume().unwrap().stands, Stands::Open);
    fleet.pass(1_000);
    anna.tracks().record(&[fix(&fleet, "anna", 43.3)]).unwrap();
    // fifty minutes were used: seventy are left
    fleet.pass(69 * MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.4)]).unwrap();
    fleet.pass(2 * MINUTE);
    let late = anna.tracks().record(&[fix(&fleet, "anna", 43.5)]);
    assert_eq!(code(late), ErrorCode::ShiftOver);
    let found = anna
        .tracks()
        .of(fleet.user("anna"), today(&anna), "")
        .unwrap();
    assert_eq!(kept(&found), [431_000_000, 433_000_000, 434_000_000]);
    let boots: BTreeSet<_> = found.pieces.iter().map(|piece| piece.boot).collect();
    assert_eq!(boots.len(), 2, "a piece is of one boot");
    fleet.sync("anna").unwrap();
    assert_eq!(anna.status().unwrap().needs_attention, 0);
}

#[test]
fn whoever_starts_anew_after_a_reboot_ends_the_session_before_with_its_last_sign_of_life() {
    let fleet = company();
    let anna = fleet.device("anna");
    let first = anna.shift().start(None).unwrap();
    fleet.pass(30 * MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.1)]).unwrap();
    fleet.pass(10 * MINUTE);
    fleet.clock("anna").reboot(1, 14 * HOUR);
    anna.shift().start(None).unwrap();
    let all = anna.shift().of_day(today(&anna)).unwrap();
    let before = all.iter().find(|view| view.id == first.id);
    let before = before.cloned().or_else(|| {
        let day = today(&anna).pred_opt().unwrap();
        let views = anna.shift().of_day(day).unwrap();
        views.into_iter().find(|view| view.id == first.id)
    });
    let before = before.unwrap();
    assert_eq!(before.stands, Stands::EndedByReboot);
    let lasted = before.ended.unwrap().best_ms() - before.started.best_ms();
    assert!((lasted - 30 * MINUTE).abs() < 1_000, "{lasted}");
}

#[test]
fn a_manager_s_look_is_written_down_and_the_rep_reads_it_at_the_next_sync() {
    let fleet = company();
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    let user = fleet.user("anna");
    anna.shift().start(None).unwrap();
    fleet.pass(MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.1)]).unwrap();
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let day = today(&anna);
    // without a purpose nothing is shown, and nothing written
    assert_eq!(code(mia.tracks().of(user, day, "  ")), ErrorCode::Required);
    assert_eq!(mia.status().unwrap().pending, 0);
    let seen = mia.tracks().of(user, day, "Customer complaint 17").unwrap();
    assert_eq!(kept(&seen), [431_000_000]);
    assert_eq!(mia.status().unwrap().pending, 1);
    fleet.sync("mia").unwrap();
    fleet.sync("anna").unwrap();
    let view = anna.privacy().collected(day, day).unwrap();
    let [look] = view.looked.as_slice() else {
        panic!("{:?}", view.looked)
    };
    assert_eq!(look.viewer_name.as_deref(), Some("mia"));
    assert_eq!((look.what, look.day), (What::TrackDay, day));
    assert_eq!(look.purpose, "Customer complaint 17");
    assert_eq!(view.collected[1].days[0].positions, 1);
    assert!(
        view.seen_by.contains(&"mia".to_owned()),
        "{:?}",
        view.seen_by
    );
    // the rep's own reading is no look
    anna.tracks().of(user, day, "").unwrap();
    assert_eq!(anna.status().unwrap().pending, 0);
    // a rep looks at nobody
    assert_eq!(
        code(anna.tracks().of(fleet.user("mia"), day, "curious")),
        ErrorCode::Forbidden
    );
}

#[test]
fn a_current_position_has_an_age_and_is_live_for_five_minutes_inside_the_session_alone() {
    let fleet = company();
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    let user = fleet.user("anna");
    assert_eq!(anna.tracks().latest(user, "").unwrap(), None);
    anna.shift().start(None).unwrap();
    fleet.pass(1_000);
    anna.tracks().record(&[fix(&fleet, "anna", 43.1)]).unwrap();
    fleet.pass(MINUTE);
    let own = anna.tracks().latest(user, "").unwrap().unwrap();
    assert!(own.live && own.age_ms.unwrap() >= MINUTE, "{own:?}");
    fleet.pass(LIVE_MS);
    assert!(!anna.tracks().latest(user, "").unwrap().unwrap().live);
    // the manager sees what was packed and sent, and each look within a quarter of an hour is one
    fleet.pass(10 * MINUTE);
    anna.tracks().record(&[fix(&fleet, "anna", 43.2)]).unwrap();
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let seen = mia.tracks().latest(user, "Who is near").unwrap().unwrap();
    assert!(seen.live && seen.accuracy_m >= 8.0, "{seen:?}");
    mia.tracks().latest(user, "Who is near").unwrap();
    assert_eq!(mia.status().unwrap().pending, 1);
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    assert_eq!(mia.tracks().latest(user, "Who is near").unwrap(), None);
}

#[test]
fn a_point_that_the_disk_damaged_is_counted_and_holds_up_nothing() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let day = anna.today_date().unwrap();
    // no text at all, no JSON, another form, and a fix that is none
    let damages = [
        "CAST(x'ff00fe' AS TEXT)",
        "'rubbish'",
        "'{\"entry\":\"fix\"}'",
        "replace(entry, '\"accuracy_m\":8.0', '\"accuracy_m\":-1.0')",
    ];
    for (n, damage) in damages.iter().enumerate() {
        anna.shift().start(None).unwrap();
        let record = |lat| {
            office.pass(MINUTE, &[&anna]);
            let fix = anna.fix((lat, 7.42), Datum::Wgs84, 8.0, AccuracySource::Android, 0);
            anna.tracks().record(&[fix.unwrap()]).unwrap();
        };
        for lat in [43.1, 43.2, 43.3] {
            record(lat);
        }
        anna.close();
        let newest = "(SELECT max(seq) FROM track_point)";
        // the first of a session, the one in its middle or the last, in turn
        let hurt = format!(
            "UPDATE track_point SET entry = {damage} WHERE seq = {newest} - {}",
            n % 3
        );
        assert_eq!(anna.look().execute(&hurt, []).unwrap(), 1, "{damage}");
        anna.start();
        // recording goes on, reading goes on, and both say what is missing
        let fix = anna.fix((43.4, 7.42), Datum::Wgs84, 8.0, AccuracySource::Android, 0);
        office.pass(MINUTE, &[&anna]);
        anna.tracks().record(&[fix.unwrap()]).unwrap();
        let found = anna.tracks().of(anna.user(), day, "").unwrap();
        assert_eq!((found.damaged, kept(&found).len()), (1, 3 * (n + 1)));
        assert_eq!(anna.shift().status().unwrap().unwrap().damaged, 1);
        assert!(
            anna.tracks()
                .latest(anna.user(), "")
                .unwrap()
                .is_some_and(|latest| latest.live)
        );
        // what is due is packed without it, and so is what is left when the session ends
        office.pass(20 * MINUTE, &[&anna]);
        let ended = anna.shift().end().unwrap();
        assert_eq!((ended.stands, ended.damaged), (Stands::EndedByRep, 1));
        let found = anna.tracks().of(anna.user(), day, "").unwrap();
        assert_eq!(
            (kept(&found).len(), found.recorded),
            (3 * (n + 1), 3 * (n as u64 + 1))
        );
        anna.sync().unwrap();
        assert_eq!(anna.status().unwrap().pending, 0);
        let events = wait(anna.next_events(64));
        let waits = |event: &ClientEvent| matches!(event, ClientEvent::TrackWaits(_));
        assert!(!events.iter().any(waits), "{events:?}");
    }
    // nothing that lies there was thrown away, and nothing is tried again and again
    anna.close();
    let left = anna
        .look()
        .query_row("SELECT count(*) FROM track_point", [], |row| {
            row.get::<_, i64>(0)
        });
    assert_eq!(left, Ok(4));
}

#[test]
fn the_latest_session_is_the_one_that_was_opened_last_whatever_the_clocks_claimed() {
    let fleet = company();
    let anna = fleet.device("anna");
    let mut opened = Vec::new();
    for nth in 1..=3 {
        opened.push(anna.shift().start(None).unwrap().id);
        fleet.pass(HOUR);
        anna.shift().end().unwrap();
        // the device reboots, so that nothing anchors its clock, which goes back a day each time
        fleet.clock("anna").reboot(nth, MINUTE);
        fleet.clock("anna").shift_wall(-26 * HOUR);
        let latest = anna.shift().latest().unwrap().unwrap();
        assert_eq!(latest.id, *opened.last().unwrap());
        assert_eq!(latest.stands, Stands::EndedByRep);
    }
    // the same from history, once the server has answered
    fleet.sync("anna").unwrap();
    assert_eq!(anna.status().unwrap().pending, 0);
    let latest = anna.shift().latest().unwrap().unwrap();
    assert_eq!(latest.id, opened[2]);
}

#[test]
fn a_manager_sees_where_a_check_in_was_for_a_purpose_alone_and_the_rep_reads_it() {
    let fleet = company();
    let kiosk = fleet.customer("Kiosk").owned_by("anna");
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    let visit = anna.visits().start_unplanned(kiosk).unwrap();
    check_in(&anna);
    anna.visits().finish(visit).unwrap();
    let own = anna.visits().view(visit).unwrap();
    assert!(own.check_ins[0].position.is_some(), "one's own is no look");
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let seen = mia.visits().view(visit).unwrap();
    assert_eq!(seen.check_ins[0].position, None);
    assert!(seen.check_ins[0].verdict.is_some());
    assert_eq!(code(mia.visits().view_for(visit, " ")), ErrorCode::Required);
    assert_eq!(mia.status().unwrap().pending, 0);
    // a copy of everything is no way round that
    let check_in = |device: &Waymark| {
        let mut out = Vec::new();
        device.export(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut found = lines.filter(|line| line["record"] == "check_in");
        let body = found.next().unwrap()["body"].clone();
        (
            body.get("position").is_some(),
            body.get("statement").is_some(),
        )
    };
    assert_eq!(check_in(&mia), (false, false));
    assert_eq!(check_in(&anna), (true, true));
    let seen = mia
        .visits()
        .view_for(visit, "The door is elsewhere")
        .unwrap();
    assert!(seen.check_ins[0].position.is_some());
    fleet.sync("mia").unwrap();
    fleet.sync("anna").unwrap();
    let day = today(&anna);
    let looked = anna.privacy().collected(day, day).unwrap().looked;
    let [look] = looked.as_slice() else {
        panic!("{looked:?}")
    };
    assert_eq!(
        (look.what, look.purpose.as_str()),
        (What::CheckIn, "The door is elsewhere")
    );
}

#[test]
fn where_tracks_are_off_a_visit_is_as_good_as_ever() {
    let fleet = company();
    let kiosk = fleet.customer("Kiosk").owned_by("anna");
    let anna = fleet.device("anna");
    let admin = fleet.device("ada");
    fleet.sync("ada").unwrap();
    admin
        .policies()
        .publish_check_in(r#"{"tracks": false}"#, Some("local law".to_owned()))
        .unwrap();
    fleet.sync("ada").unwrap();
    fleet.sync("anna").unwrap();
    anna.shift().start(None).unwrap();
    fleet.pass(1_000);
    assert_eq!(
        code(anna.tracks().record(&[fix(&fleet, "anna", 43.1)])),
        ErrorCode::TracksOff
    );
    let visit = anna.visits().start_unplanned(kiosk).unwrap();
    check_in(&anna);
    anna.visits().finish(visit).unwrap();
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    let status = anna.status().unwrap();
    assert_eq!((status.pending, status.needs_attention), (0, 0));
    assert_eq!(fleet.server().records(&CheckIn::KIND).unwrap().len(), 1);
    assert!(
        fleet
            .server()
            .records(&TrackSegment::KIND)
            .unwrap()
            .is_empty()
    );
}

fn check_in(device: &Waymark) {
    let fix = device.fix(
        (43.7395, 7.4275),
        Datum::Wgs84,
        12.0,
        AccuracySource::Android,
        0,
    );
    let request = CheckInRequest::arriving(None, fix.unwrap());
    device.check_ins().check_in(&request).unwrap();
}

#[test]
fn positions_go_when_their_period_is_over_and_a_hold_keeps_them() {
    let fleet = company().rep("boris");
    for (name, lat) in [("anna", 43.1), ("boris", 44.1)] {
        let kiosk = fleet.customer("Kiosk").owned_by(name);
        let device = fleet.device(name);
        fleet.sync(name).unwrap();
        device.shift().start(None).unwrap();
        fleet.pass(MINUTE);
        device.tracks().record(&[fix(&fleet, name, lat)]).unwrap();
        device.visits().start_unplanned(kiosk).unwrap();
        check_in(&device);
        device.shift().end().unwrap();
        fleet.sync(name).unwrap();
    }
    let server = fleet.server();
    let (anna, user) = (fleet.device("anna"), fleet.user("anna"));
    let day = today(&anna);
    let received = fleet.clock("anna").wall_ms();
    server
        .set_hold(fleet.user("boris"), Some("Case 4711".to_owned()))
        .unwrap();
    let ops_before = server.ops().unwrap();
    let early = server.retire(received + 29 * DAY).unwrap();
    assert_eq!(early.ops, 0);
    let retired = server.retire(received + 31 * DAY).unwrap();
    assert_eq!((retired.ops, retired.held), (1, 1));
    // hash and chain stay, the bytes are gone, and it says why
    let ops = server.ops().unwrap();
    assert_eq!(ops.len(), ops_before.len());
    let erased: Vec<_> = ops.iter().filter(|op| op.erased.is_some()).collect();
    let [op] = erased.as_slice() else {
        panic!("{erased:?}")
    };
    let before = ops_before.iter().find(|before| before.op == op.op).unwrap();
    assert!(op.bytes.is_empty() && !before.bytes.is_empty());
    assert_eq!((op.sha, op.prev, op.n), (before.sha, before.prev, before.n));
    let rows = server.records(&TrackSegment::KIND).unwrap();
    let of = |user: waymark_domain::ids::UserId| {
        let text = user.to_string();
        rows.iter()
            .find(|row| row.body["rep"] == text.as_str())
            .unwrap()
    };
    assert_eq!(of(user).body["packed"], "");
    assert_ne!(of(fleet.user("boris")).body["packed"], "");
    let key = RecordKey::of::<TrackSegment>(of(user).id);
    let packed = before_packed(&before.bytes);
    for revision in server.history(&key).unwrap() {
        let text = serde_json::to_string(&revision.body).unwrap();
        assert!(!text.contains(&packed), "revision {}", revision.rev);
    }
    assert_eq!(server.digests().unwrap(), server.recount().unwrap());
    assert!(
        server
            .audit_trail()
            .unwrap()
            .iter()
            .any(|row| row.what == "retire")
    );
    // the device lets go of its own at the next sync
    assert_eq!(kept(&anna.tracks().of(user, day, "").unwrap()).len(), 1);
    fleet.sync("anna").unwrap();
    assert!(anna.tracks().of(user, day, "").unwrap().pieces.is_empty());
    let found = anna.privacy().collected(day, day).unwrap();
    assert!(found.collected[1].days.is_empty());
    // a check-in stays, without its place
    server.retire(received + 366 * DAY).unwrap();
    let rows = server.records(&CheckIn::KIND).unwrap();
    let coarse = rows.iter().filter(|row| retention::is_erased(&row.body));
    let coarse: Vec<CheckIn> = coarse
        .map(|row| waymark_domain::record::read(&row.body).unwrap())
        .collect();
    assert_eq!((rows.len(), coarse.len()), (2, 1));
    assert_eq!(
        (coarse[0].position.lat(), coarse[0].accuracy_m),
        (44.0, 100_000.0)
    );
    // the hold ends: nothing is forgotten
    server.set_hold(fleet.user("boris"), None).unwrap();
    let rest = server.retire(received + 366 * DAY).unwrap();
    assert_eq!((rest.ops, rest.held), (2, 0));
    fleet.sync_all();
}

fn before_packed(bytes: &[u8]) -> String {
    let op: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    op["set"]["packed"][1].as_str().unwrap().to_owned()
}

#[test]
fn a_day_of_eight_hours_fits_into_a_small_part_of_150_kilobytes() {
    let fleet = company();
    let anna = fleet.device("anna");
    anna.shift().start(None).unwrap();
    let mut lat = 43.7;
    let mut recorded = 0;
    for step in 0..2_880_u32 {
        fleet.pass(10_000);
        // standing for a quarter of every hour, else at walking and driving pace, with some metres of noise
        let speed = if step % 360 < 90 {
            0.0
        } else {
            f64::from(step % 7) * 1e-4
        };
        lat += speed;
        let noise = f64::from((step * 7_919) % 97) / 97.0 * 6e-5;
        let mut point = fix(&fleet, "anna", lat + noise);
        point.accuracy_m = 6.0 + f64::from(step % 11);
        recorded += anna.tracks().record(&[point]).unwrap().kept;
    }
    anna.shift().end().unwrap();
    let user = fleet.user("anna");
    let days: Vec<TrackDay> = [today(&anna).pred_opt().unwrap(), today(&anna)]
        .into_iter()
        .map(|day| anna.tracks().of(user, day, "").unwrap())
        .collect();
    let bytes: u64 = days.iter().map(|day| day.bytes).sum();
    let pieces: usize = days.iter().map(|day| day.pieces.len()).sum();
    let fixes: u64 = days.iter().map(|day| day.recorded).sum();
    eprintln!("8 h at 10 s: {fixes} fixes, {pieces} segments, {bytes} bytes packed");
    assert_eq!((fixes, recorded), (2_880, 2_880));
    assert!(bytes < 150 * 1024 / 4, "{bytes}");
    fleet.sync("anna").unwrap();
    assert_eq!(anna.status().unwrap().needs_attention, 0);
    // every segment lies within its session
    let server = fleet.server();
    for row in server.records(&TrackSegment::KIND).unwrap() {
        let segment: TrackSegment = waymark_domain::record::read(&row.body).unwrap();
        segment.check().unwrap();
        let find = |key: &RecordKey| {
            let rows = server.records(&key.kind).unwrap();
            let found = rows.into_iter().find(|row| row.id == key.id);
            found.map(|row| row.body).into_iter().collect()
        };
        assert_eq!(segment.second_look(&find), []);
        let longer = TrackSegment {
            last_mono: segment.last_mono + 24 * HOUR,
            ..segment
        };
        assert_eq!(longer.second_look(&find)[0].code, "outside_shift");
    }
}

/// Two thousand sessions through the real client and SQLite: what is kept is what a model says, row for row.
#[test]
fn what_is_kept_is_what_a_model_says_in_two_thousand_schedules() {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |n: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        i64::try_from(dice % n).unwrap()
    };
    let mut tally = [0_usize; 4];
    let mut boots = 0;
    let mut next = 0_i64;
    let mut fleet = company();
    for schedule in 0..2_000 {
        if schedule % 50 == 0 {
            // a new phone: what is compared stays short
            fleet = company();
        }
        let (anna, user) = (fleet.device("anna"), fleet.user("anna"));
        let started = fleet.clock("anna").mono_ms();
        let limit = 1 + below(180);
        let first = anna
            .shift()
            .start(Some(u16::try_from(limit).unwrap()))
            .unwrap();
        let (mut open, mut leg, mut left, mut sure) = (true, started, limit * MINUTE, true);
        let mut expected = Vec::new();
        let mut last = started;
        for _ in 0..2 + below(6) {
            match below(8) {
                0..=3 => fleet.pass(below(25) * MINUTE + 1),
                4 => fleet.clock("anna").shift_wall((below(48) - 24) * HOUR),
                5 => fleet.pass(below(4) * HOUR),
                6 if below(3) == 0 => {
                    boots += 1;
                    fleet.clock("anna").reboot(boots, below(90) * MINUTE);
                    sure = false;
                }
                _ if !sure && open && left > last - leg => {
                    anna.shift().resume().unwrap();
                    tally[3] += 1;
                    left -= last - leg;
                    leg = fleet.clock("anna").mono_ms();
                    (last, sure) = (leg, true);
                }
                _ => {}
            }
            let now = fleet.clock("anna").mono_ms();
            if sure && now - leg >= left {
                open = false;
            }
            next += 1;
            // far from the straight way between its neighbours, so that the packing keeps each
            let lat = 30.0 + f64::from(i32::try_from(next * next * 37 % 1_000).unwrap()) * 0.01;
            let result = anna.tracks().record(&[fix(&fleet, "anna", lat)]);
            if open && sure {
                assert_eq!(result.unwrap().kept, 1, "schedule {schedule}");
                expected.push((lat * 1e7).round() as i64);
                last = now;
                tally[0] += 1;
            } else {
                let code = code(result);
                let fits = if open {
                    code == ErrorCode::ShiftUnconfirmed
                } else {
                    matches!(code, ErrorCode::ShiftOver | ErrorCode::NoShift)
                };
                assert!(fits, "schedule {schedule}: {code:?}, open {open}");
                tally[1] += 1;
            }
        }
        match anna.shift().end() {
            Ok(view) => assert_eq!(view.id, first.id, "schedule {schedule}"),
            // it had ended by itself. Which one is the latest no clock knows after days of jumps and reboots
            Err(error) => {
                assert_eq!(error.code, ErrorCode::NoShift);
                tally[2] += 1;
            }
        }
        let rows = rows_of(&anna, user, first.id);
        assert_eq!(rows, expected, "schedule {schedule}");
        fleet.pass(MINUTE);
    }
    eprintln!(
        "kept {}, refused {}, over by themselves {}, resumed {}",
        tally[0], tally[1], tally[2], tally[3]
    );
    assert!(tally.iter().all(|count| *count > 50), "{tally:?}");
}

/// Latitudes of the fixes of one session, each whole: a bound of ten metres would hide steps of one.
fn rows_of(
    device: &Waymark,
    user: waymark_domain::ids::UserId,
    shift: waymark_domain::ids::ShiftId,
) -> Vec<i64> {
    let mut found = Vec::new();
    let mut out = Vec::new();
    device.export(&mut out).unwrap();
    for line in out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        if line["record"] != "track_segment" || line["body"]["shift"] != shift.to_string().as_str()
        {
            continue;
        }
        let segment: TrackSegment = serde_json::from_value(line["body"].clone()).unwrap();
        assert_eq!(segment.rep, user);
        let track = segment.track().unwrap();
        let entries = track.entries();
        let fixes = entries.iter().filter_map(|entry| match entry {
            Entry::Fix(fix) => Some((fix.position.lat() * 1e7).round() as i64),
            Entry::Gap { .. } => None,
        });
        found.push((segment.i, segment.fixes, fixes.collect::<Vec<i64>>()));
    }
    found.sort();
    found.into_iter().flat_map(|(_, _, fixes)| fixes).collect()
}
