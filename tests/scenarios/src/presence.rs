//! Tracks that stay on their phone, gaps with their causes, and calls for help: on virtual clocks, with real clients, SQLite and the real server.

use chrono::{NaiveDate, NaiveTime};
use waymark_client::evidence::Stretch;
use waymark_client::{
    CheckInRequest, ErrorCode, Lang, OpeningReport, Sort, SosRequest, TrackDay, Unproven, Waymark,
    WaymarkError, check_opening, thousandths,
};
use waymark_domain::check_in::CheckIn;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::location_access::What;
use waymark_domain::record::SyncRecord as _;
use waymark_domain::sos::sms::Coding;
use waymark_domain::sos::{Origin, Sos};
use waymark_domain::track::GapReason;
use waymark_domain::track_root::TrackRoot;
use waymark_domain::track_root::opening::{NotOpened, Opening};
use waymark_domain::track_segment::TrackSegment;
use waymark_protocol::proof::PublicKey;
use waymark_testkit::fleet::Fleet;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn company(tracks: &str) -> Fleet {
    let fleet = Fleet::new().admin("ada").manager("mia").rep("anna");
    publish(&fleet, tracks);
    fleet
}

fn publish(fleet: &Fleet, tracks: &str) {
    fleet.sync("ada").unwrap();
    let rules = format!(r#"{{"tracks": {tracks}}}"#);
    let admin = fleet.device("ada");
    admin.policies().publish_check_in(&rules, None).unwrap();
    fleet.sync("ada").unwrap();
    fleet.sync("anna").unwrap();
}

fn fix(fleet: &Fleet, lat: f64, lon: f64) -> Fix {
    let position = Position::new(Datum::Wgs84, lat, lon).unwrap();
    let mono = fleet.clock("anna").mono_ms();
    Fix::new(position, 8.0, AccuracySource::Android, mono)
}

/// A fix every half a minute for so many minutes, each some way from the one before; gives where.
fn walk(fleet: &Fleet, minutes: i64, from: f64) -> Vec<(f64, f64)> {
    let anna = fleet.device("anna");
    let mut places = Vec::new();
    for step in 0..minutes * 2 {
        fleet.pass(MINUTE / 2);
        let north = f64::from(i32::try_from(step * step % 17).unwrap()) * 0.000_712_3;
        let (lat, lon) = (from + north, 7.418_36 + north / 3.0);
        anna.tracks().record(&[fix(fleet, lat, lon)]).unwrap();
        places.push((lat, lon));
    }
    places
}

fn code<T>(result: Result<T, WaymarkError>) -> ErrorCode {
    result.err().expect("an error").code
}

fn today(device: &Waymark) -> NaiveDate {
    device.today_date().unwrap()
}

fn points(day: &TrackDay) -> usize {
    day.pieces
        .iter()
        .map(|piece| piece.track.fixes().len())
        .sum()
}

fn check_in(fleet: &Fleet) {
    let anna = fleet.device("anna");
    let kiosk = fleet.customer("Kiosk").owned_by("anna");
    fleet.sync("anna").unwrap();
    anna.visits().start_unplanned(kiosk).unwrap();
    let request = CheckInRequest::arriving(None, fix(fleet, 43.739_5, 7.427_5));
    anna.check_ins().check_in(&request).unwrap();
}

fn local(device: &Waymark, ms: i64) -> NaiveTime {
    let offset = device.time().view().unwrap().utc_offset_min;
    let at = chrono::DateTime::from_timestamp_millis(ms + i64::from(offset) * MINUTE).unwrap();
    at.time()
}

#[test]
fn where_tracks_stay_on_the_phone_no_operation_has_a_position_but_the_check_ins() {
    let fleet = company(r#""device""#);
    let anna = fleet.device("anna");
    anna.shift().start(None).unwrap();
    let places = walk(&fleet, 40, 43.612_34);
    check_in(&fleet);
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    let server = fleet.server();
    let ops = server.ops().unwrap();
    let (mut roots, mut check_ins) = (0, 0);
    for op in ops.iter().filter(|op| op.user == fleet.user("anna")) {
        let text = String::from_utf8(op.bytes.clone()).unwrap();
        for (lat, lon) in &places {
            // the ten metres that it lies in, as any form of the number would begin
            let begins = |degrees: f64| format!("{:.4}", (degrees * 1e4).floor() / 1e4);
            let shown = text.contains(&begins(*lat)) || text.contains(&begins(*lon));
            assert!(!shown, "{text}");
        }
        let kind = op.key.as_ref().unwrap().kind.clone();
        assert_ne!(kind, TrackSegment::KIND);
        check_ins += usize::from(kind == CheckIn::KIND);
        if kind == TrackRoot::KIND {
            roots += 1;
            // nothing in it could hold a position in another form
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let fields: Vec<&String> = value["set"].as_object().unwrap().keys().collect();
            let known = [
                "at",
                "boot",
                "day",
                "first_mono",
                "fixes",
                "i",
                "last_mono",
                "presence",
                "rep",
                "root",
                "shift",
                "until",
            ];
            assert_eq!(fields, known);
        }
    }
    assert!(roots >= 2 && check_ins == 1, "{roots} {check_ins}");
    // everything of it is hers, and at hand
    let own = anna
        .tracks()
        .of(fleet.user("anna"), today(&anna), "")
        .unwrap();
    assert_eq!((own.recorded, own.hidden.len()), (80, 0));
    assert!(points(&own) > 2 && own.bytes > 0);
    anna.tracks()
        .crossings(fleet.user("anna"), today(&anna), "")
        .unwrap();
    assert_eq!(anna.status().unwrap().needs_attention, 0);
}

#[test]
fn a_manager_sees_when_and_how_much_and_that_the_rest_is_hidden() {
    let fleet = company(r#""device""#);
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    anna.shift().start(None).unwrap();
    walk(&fleet, 20, 43.6);
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let user = fleet.user("anna");
    let seen = mia.tracks().of(user, today(&anna), "Late visits").unwrap();
    assert!(seen.pieces.is_empty());
    let fixes: u32 = seen.hidden.iter().map(|piece| piece.fixes).sum();
    assert_eq!(fixes, 40);
    assert_eq!(mia.tracks().latest(user, "Who is near").unwrap(), None);
    // the rep reads what stays on the phone, and how much it is
    let day = today(&anna);
    let view = anna.privacy().collected(day, day).unwrap();
    let kept_back = view
        .collected
        .iter()
        .find(|collected| collected.what == Sort::TracksKeptBack)
        .unwrap();
    let kept = &kept_back.days[0];
    assert_eq!((kept.positions, kept_back.kept_days), (40, Some(30)));
    eprintln!(
        "kept on the phone: {} bytes for {} fixes",
        kept.bytes, kept.positions
    );
}

fn bundle(device: &Waymark) -> Vec<u8> {
    let mut out = Vec::new();
    device
        .evidence()
        .export(Stretch::All, &mut out, &mut |_| {})
        .unwrap();
    out
}

fn checked(device: &Waymark, opening: &Opening, bundle: &[u8]) -> OpeningReport {
    let key = PublicKey::from_text(device.evidence().company_key().unwrap());
    check_opening(opening, &mut &*bundle, Some(&key)).unwrap()
}

#[test]
fn on_dispute_five_minutes_are_opened_and_anybody_can_check_them() {
    let fleet = company(r#""device""#);
    let anna = fleet.device("anna");
    let start = anna.shift().start(None).unwrap().started.best_ms();
    let places = walk(&fleet, 40, 43.6);
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    let at = |minutes: i64| local(&anna, start + minutes * MINUTE + 1_000);
    let opening = anna.tracks().open(today(&anna), at(10), at(15)).unwrap();
    let bundle = bundle(&anna);
    let report = checked(&anna, &opening, &bundle);
    assert!(report.proven(), "{report:?}");
    let opened: Vec<(f64, f64)> = report
        .leaves
        .iter()
        .map(|leaf| leaf.fix.as_ref().unwrap().position)
        .map(|position| (position.lat(), position.lon()))
        .collect();
    // to the last digit: what is packed may be moved, what is opened is what was recorded
    assert_eq!(opened, places[20..30]);
    for leaf in &report.leaves {
        let ms = leaf.at.unwrap().best_ms() - start;
        assert!((10 * MINUTE..=15 * MINUTE + 1_000).contains(&ms), "{ms}");
    }
    // the file shows no other place
    let text = serde_json::to_string(&opening).unwrap();
    for (lat, _) in &places {
        let open = places[20..30].iter().any(|(open, _)| open == lat);
        assert_eq!(text.contains(&format!(":{lat},")), open, "{lat}");
    }
    // without the company's key, of another segment, or touched anywhere, it proves nothing
    let untrusted = check_opening(&opening, &mut &*bundle, None).unwrap();
    assert!(!untrusted.proven());
    let mut moved = opening.clone();
    let leaf = &mut moved.segments[0].leaves[0];
    leaf.fix = leaf.fix.replace("43.", "44.");
    let report = checked(&anna, &moved, &bundle);
    assert_eq!(
        report.leaves[0].why,
        Some(Unproven::Leaf(NotOpened::OtherRoot))
    );
    assert!(!report.proven());
    let mut other = opening.clone();
    other.segments[0].count += 1;
    assert_eq!(
        checked(&anna, &other, &bundle).leaves[0].why,
        Some(Unproven::OtherSegment)
    );
    let mut foreign = opening.clone();
    foreign.segments[0].segment = anna
        .shift()
        .latest()
        .unwrap()
        .unwrap()
        .id
        .as_uuid()
        .to_string()
        .parse()
        .unwrap();
    assert_eq!(
        checked(&anna, &foreign, &bundle).leaves[0].why,
        Some(Unproven::NoSuchSegment)
    );
    let empty = Opening {
        segments: Vec::new(),
        ..opening
    };
    assert!(!checked(&anna, &empty, &bundle).proven());
    // where nothing was recorded there is nothing to open, and nobody opens another's
    let late = anna.tracks().open(today(&anna), at(50), at(55));
    assert_eq!(code(late), ErrorCode::NotFound);
    fleet.sync("mia").unwrap();
    let mia = fleet.device("mia");
    let foreign = mia.tracks().open(today(&anna), at(10), at(15));
    assert_eq!(code(foreign), ErrorCode::NotFound);
}

#[test]
fn what_was_recorded_to_stay_stays_when_the_rules_change() {
    let fleet = company(r#""device""#);
    let anna = fleet.device("anna");
    anna.shift().start(None).unwrap();
    walk(&fleet, 5, 43.6);
    // her next sync seals what waits before it hears of the new rules
    publish(&fleet, "true");
    walk(&fleet, 5, 43.7);
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    let server = fleet.server();
    let sum = |kind, field: &str| -> u64 {
        let rows = server.records(&kind).unwrap();
        rows.iter()
            .map(|row| row.body[field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(sum(TrackRoot::KIND, "fixes"), 10);
    assert_eq!(sum(TrackSegment::KIND, "fixes"), 10);
    // numbered as one, and whole for its rep
    let mut numbers: Vec<u64> = [TrackRoot::KIND, TrackSegment::KIND]
        .iter()
        .flat_map(|kind| server.records(kind).unwrap())
        .map(|row| row.body["i"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1]);
    let own = anna
        .tracks()
        .of(fleet.user("anna"), today(&anna), "")
        .unwrap();
    assert_eq!(own.recorded, 20);
}

#[test]
fn the_phone_lets_go_of_its_track_when_the_period_is_over() {
    let fleet = company(r#""device""#);
    let anna = fleet.device("anna");
    let start = anna.shift().start(None).unwrap().started.best_ms();
    walk(&fleet, 5, 43.6);
    anna.shift().end().unwrap();
    fleet.sync("anna").unwrap();
    let (day, user) = (today(&anna), fleet.user("anna"));
    let (from, to) = (local(&anna, start), local(&anna, start + 10 * MINUTE));
    assert!(anna.tracks().open(day, from, to).is_ok());
    let received = fleet.clock("anna").wall_ms();
    let retired = fleet.server().retire(received + 31 * DAY).unwrap();
    assert_eq!(retired.ops, 1);
    fleet.sync("anna").unwrap();
    assert!(anna.tracks().of(user, day, "").unwrap().pieces.is_empty());
    let gone = anna.tracks().open(day, from, to);
    assert_eq!(code(gone), ErrorCode::NotFound);
    let view = anna.privacy().collected(day, day).unwrap();
    assert!(view.collected.iter().all(|sort| sort.days.is_empty()));
}

/// A session with two gaps that have causes and one that has none. Gives its beginning.
fn gappy(fleet: &Fleet) -> i64 {
    let anna = fleet.device("anna");
    let start = anna.shift().start(None).unwrap().started.best_ms();
    walk(fleet, 20, 43.6);
    anna.tracks().gap(GapReason::PermissionOff).unwrap();
    fleet.pass(13 * MINUTE);
    walk(fleet, 10, 43.6);
    fleet.pass(MINUTE);
    anna.tracks().gap(GapReason::BatterySaver).unwrap();
    fleet.pass(14 * MINUTE);
    walk(fleet, 10, 43.6);
    fleet.pass(9 * MINUTE);
    walk(fleet, 2, 43.6);
    anna.shift().end().unwrap();
    start
}

#[test]
fn each_gap_has_its_recorded_cause_and_the_rep_explains_it_before_the_manager_reads_it() {
    // whether the track is sent or not
    for tracks in ["true", r#""device""#] {
        let fleet = company(tracks);
        let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
        let start = gappy(&fleet);
        let (user, day) = (fleet.user("anna"), today(&anna));
        let own = anna.shift().exceptions(user, day, "").unwrap();
        let [session] = own.sessions.as_slice() else {
            panic!("{own:?}")
        };
        let gaps: Vec<_> = session
            .gaps
            .iter()
            .map(|gap| {
                let minutes = |ms: i64| (ms - start + 15_000).div_euclid(MINUTE);
                (minutes(gap.from), minutes(gap.until), gap.cause)
            })
            .collect();
        assert_eq!(
            gaps,
            [
                (20, 33, Some(GapReason::PermissionOff)),
                (43, 58, Some(GapReason::BatterySaver)),
                (68, 77, None),
            ]
        );
        let minutes = |ms: i64| (ms + 15_000) / MINUTE;
        assert_eq!(
            (minutes(own.observed_ms), minutes(own.session_ms)),
            (40, 79)
        );
        let gap = &session.gaps[0];
        let explained = anna
            .shift()
            .explain(day, local(&anna, gap.from), " In the lift shaft ")
            .unwrap();
        assert_eq!(explained.notes[0].text, "In the lift shaft");
        let nowhere = local(&anna, start + 5 * MINUTE);
        assert_eq!(
            code(anna.shift().explain(day, nowhere, "x")),
            ErrorCode::NotFound
        );
        let empty = anna.shift().explain(day, local(&anna, gap.from), " ");
        assert_eq!(code(empty), ErrorCode::Required);
        fleet.sync("anna").unwrap();
        fleet.sync("mia").unwrap();
        let no_purpose = mia.shift().exceptions(user, day, "");
        assert_eq!(code(no_purpose), ErrorCode::Required);
        let seen = mia.shift().exceptions(user, day, "Month's end").unwrap();
        let theirs = &seen.sessions[0].gaps;
        assert_eq!(theirs[0].notes[0].text, "In the lift shaft");
        let causes = |gaps: &[waymark_client::GapView]| -> Vec<_> {
            gaps.iter().map(|gap| gap.cause).collect()
        };
        assert_eq!(causes(theirs), causes(&session.gaps));
        assert!((seen.observed_ms - own.observed_ms).abs() < 2_000);
        // and the rep reads that somebody looked
        fleet.sync("mia").unwrap();
        fleet.sync("anna").unwrap();
        let looked = anna.privacy().collected(day, day).unwrap().looked;
        assert_eq!(looked[0].what, What::Exceptions);
        // a rep looks at nobody
        let curious = anna.shift().exceptions(fleet.user("mia"), day, "curious");
        assert_eq!(code(curious), ErrorCode::Forbidden);
    }
}

#[test]
fn shares_are_pooled_and_there_is_none_of_nothing() {
    let fleet = company("true");
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    let (user, day) = (fleet.user("anna"), today(&anna));
    let none = anna.shift().exceptions(user, day, "").unwrap();
    assert_eq!(thousandths(none.observed_ms, none.session_ms), None);
    anna.shift().start(None).unwrap();
    walk(&fleet, 30, 43.6);
    anna.shift().end().unwrap();
    // nothing at all for ten minutes, and nobody said why
    anna.shift().start(None).unwrap();
    fleet.pass(10 * MINUTE);
    // what still runs is its rep's alone
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    let running = mia.shift().exceptions(user, day, "Month's end").unwrap();
    assert_eq!(running.sessions.len(), 1);
    anna.shift().end().unwrap();
    let two = anna.shift().exceptions(user, day, "").unwrap();
    assert_eq!(two.sessions.len(), 2);
    assert_eq!(two.sessions[1].gaps[0].cause, None);
    // 30 of 40 minutes, not the mean of 100 % and 0 %
    let share = thousandths(two.observed_ms, two.session_ms).unwrap();
    assert!((740..=760).contains(&share), "{share}");
    // where tracks are off there is nothing to miss
    publish(&fleet, "false");
    fleet.pass(DAY);
    let day = today(&anna);
    anna.shift().start(None).unwrap();
    fleet.pass(10 * MINUTE);
    anna.shift().end().unwrap();
    let off = anna.shift().exceptions(user, day, "").unwrap();
    assert!(!off.sessions[0].tracked && off.sessions[0].gaps.is_empty());
    assert_eq!(thousandths(off.observed_ms, off.session_ms), None);
}

#[test]
fn a_restart_of_the_phone_is_the_cause_of_what_was_missed_around_it() {
    let fleet = company("true");
    let anna = fleet.device("anna");
    anna.shift().start(None).unwrap();
    walk(&fleet, 20, 43.6);
    fleet.clock("anna").reboot(1, 5 * MINUTE);
    fleet.restart("anna");
    let anna = fleet.device("anna");
    anna.shift().resume().unwrap();
    walk(&fleet, 10, 43.6);
    anna.shift().end().unwrap();
    let day = today(&anna);
    let view = anna
        .shift()
        .exceptions(fleet.user("anna"), day, "")
        .unwrap();
    let gaps = &view.sessions[0].gaps;
    let causes: Vec<_> = gaps.iter().map(|gap| gap.cause).collect();
    assert_eq!(causes, [Some(GapReason::PhoneOff)], "{gaps:?}");
}

#[test]
fn a_call_for_help_has_the_last_position_that_may_be_known_or_says_that_there_is_none() {
    let fleet = company(r#""device""#);
    let (anna, mia) = (fleet.device("anna"), fleet.device("mia"));
    let call = |request: &SosRequest| anna.sos(request, Lang::En).unwrap();
    let quiet = SosRequest {
        battery: Some(34),
        to: Some("+377 98 98".to_owned()),
        fix: None,
    };
    let view = call(&quiet);
    assert!(view.text.contains("Position unknown") && view.last.is_none());
    assert!(!view.text.contains("geo:"), "{}", view.text);
    assert!(
        view.uri
            .unwrap()
            .starts_with("sms:+3779898?body=SOS%20anna")
    );
    check_in(&fleet);
    fleet.pass(30 * MINUTE);
    let view = call(&quiet);
    assert_eq!(view.last.unwrap().from, Origin::CheckIn);
    assert!(
        view.text.contains("43.73950,7.42750 WGS-84 +-8m, 3"),
        "{}",
        view.text
    );
    anna.shift().start(None).unwrap();
    walk(&fleet, 2, 43.6);
    fleet.pass(3 * MINUTE);
    let view = call(&quiet);
    assert_eq!(view.last.unwrap().from, Origin::Session);
    assert!(
        view.text.contains("3 min old. Battery 34%. geo:43.6"),
        "{}",
        view.text
    );
    assert_eq!((view.size.coding, view.size.parts), (Coding::Gsm7, 1));
    anna.shift().end().unwrap();
    // the session is over: its track is nobody's business any more
    assert_eq!(call(&quiet).last.unwrap().from, Origin::CheckIn);
    let pressed = SosRequest {
        fix: Some(fix(&fleet, 43.5, 7.5)),
        ..quiet
    };
    let chinese = anna.sos(&pressed, Lang::ZhHans).unwrap();
    assert_eq!(chinese.last.unwrap().from, Origin::Press);
    assert!(chinese.text.contains("0秒前。电量34%"), "{}", chinese.text);
    assert_eq!((chinese.size.coding, chinese.size.parts), (Coding::Ucs2, 2));
    // what is no number or no fix is said before anything is written
    let pending = anna.status().unwrap().pending;
    for wrong in [
        SosRequest {
            to: Some("Anna".to_owned()),
            ..SosRequest::default()
        },
        SosRequest {
            battery: Some(101),
            ..SosRequest::default()
        },
    ] {
        assert_eq!(code(anna.sos(&wrong, Lang::En)), ErrorCode::InvalidInput);
    }
    assert_eq!(anna.status().unwrap().pending, pending);
    fleet.sync("anna").unwrap();
    fleet.sync("mia").unwrap();
    assert_eq!(fleet.server().records(&Sos::KIND).unwrap().len(), 5);
    // those who lead the rep have it, and after its period the place is gone
    let mut out = Vec::new();
    mia.export(&mut out).unwrap();
    let calls = |out: &[u8]| {
        String::from_utf8(out.to_vec())
            .unwrap()
            .matches(r#""sos""#)
            .count()
    };
    assert_eq!(calls(&out), 5);
    let received = fleet.clock("anna").wall_ms();
    fleet.server().retire(received + 31 * DAY).unwrap();
    let rows = fleet.server().records(&Sos::KIND).unwrap();
    assert!(rows.iter().all(|row| row.body.get("last").is_none()));
}
