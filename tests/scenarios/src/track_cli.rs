//! Work sessions, tracks and privacy as a rep and a manager meet them: the command line, process by process, and the real server.

use std::path::Path;

use serde_json::Value;
use waymark_client::NewCustomerRequest;
use waymark_client::track::gpx;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::{Datum, Position, Wgs84};
use waymark_domain::record::Role;

use crate::cli::Terminal;
use crate::support::{Office, Person, root};

fn enrolled(office: &Office, folder: &Path, name: &str, role: Role) -> Terminal {
    let terminal = Terminal::new(folder.join(format!("{name}.db")));
    let code = office.invite(name, role, "north").code;
    terminal.json(&["enroll", "--server", &office.url(), "--code", &code]);
    terminal.json(&["sync"]);
    terminal
}

/// Latitudes, longitudes and accuracies of a day, as `track show` gives them.
fn points(shown: &Value) -> Vec<String> {
    let pieces = shown["pieces"].as_array().unwrap().iter();
    let points = pieces.flat_map(|piece| piece["points"].as_array().unwrap());
    points
        .map(|point| {
            let at = &point["position"];
            format!("{} {} {}", at["lat"], at["lon"], point["accuracy_m"])
        })
        .collect()
}

fn refused(terminal: &Terminal, args: &[&str], exit: i32, code: &str) {
    let ran = terminal.run(&[args, &["--json"]].concat());
    assert_eq!(ran.code, Some(exit), "{args:?}: {ran:?}");
    let last = ran.err.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(last).unwrap();
    assert_eq!(error["error"]["code"], code, "{args:?}: {ran:?}");
    assert_eq!(error["error"]["work_saved"], true);
}

#[test]
fn a_day_is_recorded_exported_fed_back_replayed_and_looked_at_and_every_look_is_read() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let anna = enrolled(&office, folder.path(), "Anna", Role::Rep);
    let boris = enrolled(&office, folder.path(), "Boris", Role::Rep);
    let mia = enrolled(&office, folder.path(), "Mia", Role::Manager);
    let recording = root().join("tests/fixtures/tracks/ExampleTrack.gpx");
    let recording = recording.display().to_string();

    // outside a session nothing is taken
    let import = ["track", "import", &recording, "--squeeze"];
    refused(&anna, &import, 1, "no_shift");
    let advise = [
        "track", "advise", "--lat", "45.8", "--lon", "4.8", "--datum", "wgs84",
    ];
    refused(&anna, &advise, 1, "no_shift");
    refused(&anna, &["shift", "end"], 1, "no_shift");
    let started = anna.json(&["shift", "start", "--limit", "480"]);
    assert_eq!(
        (&started["stands"], &started["limit_min"]),
        (&"open".into(), &480.into())
    );
    refused(&anna, &["shift", "start"], 1, "shift_open");

    // GPX is known by its content, needs no datum and has no other
    let other = ["track", "import", &recording, "--datum", "bd09"];
    refused(&anna, &other, 1, "invalid_input");
    let fed = anna.json(&import);
    assert_eq!((&fed["read"], &fed["kept"]), (&1024.into(), &1024.into()));
    let shown = anna.json(&["track", "show"]);
    assert_eq!(points(&shown).len(), 1024);
    assert!(shown["pieces"][0]["points"][0]["simulated"] == true);

    // out again: whole files, and never over another
    let (gpx, geojson) = (file("day.gpx"), file("day.geojson"));
    let exported = anna.json(&["track", "export", &gpx]);
    assert_eq!(
        (&exported["points"], &exported["datum"]),
        (&1024.into(), &"wgs84".into())
    );
    let before = std::fs::read_to_string(&gpx).unwrap();
    assert!(before.contains("<wm:datum>WGS-84</wm:datum>"));
    std::fs::write(&gpx, "mine").unwrap();
    refused(&anna, &["track", "export", &gpx], 1, "file_there");
    assert_eq!(std::fs::read_to_string(&gpx).unwrap(), "mine");
    let text = anna.text(&["track", "export", "--force", "--format", "gpx", &gpx]);
    assert!(text.contains("WGS-84"), "{text}");
    assert_eq!(std::fs::read_to_string(&gpx).unwrap(), before);
    anna.json(&["track", "export", &geojson]);
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&geojson).unwrap()).unwrap();
    assert_eq!(read["datum"], "WGS-84");
    refused(
        &anna,
        &["track", "export", &file("day.txt")],
        2,
        "no_format",
    );
    refused(
        &anna,
        &["track", "export", &file("no/folder/day.gpx")],
        5,
        "io",
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    let parts = left
        .iter()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0, "no half file is left behind");

    // fed into another phone they are the same points
    for (n, exported) in [&gpx, &geojson].into_iter().enumerate() {
        boris.json(&["shift", "start"]);
        boris.json(&["track", "import", exported, "--squeeze"]);
        let again = points(&boris.json(&["track", "show"]));
        if n == 0 {
            assert_eq!(again, points(&shown));
        } else {
            assert!(again.ends_with(&points(&shown)));
        }
        boris.json(&["shift", "end"]);
    }

    // the end, in both languages, and what is left of the day
    let text = anna.text(&["--lang", "zh-Hans", "shift", "end"]);
    assert!(text.contains("由您结束"), "{text}");
    refused(&anna, &import, 1, "no_shift");
    assert_eq!(anna.json(&["shift", "status"])["stands"], "ended_by_rep");
    let page = file("day.html");
    anna.json(&["track", "replay", &page]);
    refused(&anna, &["track", "replay", &page], 1, "file_there");

    // a manager looks, and says what for
    anna.json(&["sync"]);
    mia.json(&["sync"]);
    for what in ["show", "visits"] {
        refused(&mia, &["track", what, "--rep", "Anna"], 1, "required");
    }
    let theirs = file("anna.gpx");
    refused(
        &mia,
        &["track", "export", "--rep", "Anna", &theirs],
        1,
        "required",
    );
    assert!(!Path::new(&theirs).exists());
    refused(
        &boris,
        &["track", "show", "--rep", "Mia", "--purpose", "curious"],
        3,
        "not_found",
    );
    let ask = [
        "track",
        "show",
        "--rep",
        "Anna",
        "--purpose",
        "Complaint 17",
    ];
    let seen = mia.text(&ask);
    assert!(seen.contains("the rep will read it"), "{seen}");
    let ask = [
        "track",
        "export",
        "--rep",
        "Anna",
        "--purpose",
        "Complaint 18",
        &theirs,
    ];
    assert!(mia.json(&ask)["points"].as_u64().unwrap() > 1);
    let page = file("anna.html");
    mia.json(&[
        "track",
        "replay",
        "--rep",
        "Anna",
        "--purpose",
        "Complaint 19",
        &page,
    ]);
    mia.json(&["sync"]);
    anna.json(&["sync"]);
    let view = anna.json(&["privacy"]);
    let looked: Vec<(&str, &str, &str)> = view["looked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| {
            let text = |name: &str| look[name].as_str().unwrap();
            (text("viewer_name"), text("what"), text("purpose"))
        })
        .collect();
    assert_eq!(
        looked,
        [
            ("Mia", "track_day", "Complaint 17"),
            ("Mia", "track_day", "Complaint 18"),
            ("Mia", "track_day", "Complaint 19"),
        ]
    );
    let text = anna.text(&["privacy"]);
    for part in ["Complaint 18", "Kept for 30 days", "May be seen by: Anna"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    office.assert_sound();
}

/// Anna's morning on her phone, which the command line then reads: the way of the real recording, at its own times.
fn a_morning(office: &Office) -> Person {
    let mut anna = office.rep("Anna");
    let file = std::fs::read(root().join("tests/fixtures/tracks/ExampleTrack.gpx")).unwrap();
    let recording = gpx::read(file.as_slice()).unwrap().recording;
    let points: Vec<_> = recording.points().copied().collect();
    let at = |n: usize| (points[n].position, points[n].at.unwrap());
    let (begin, _) = at(0);
    let customer = |name: &str, position| {
        let request = NewCustomerRequest {
            name: name.to_owned(),
            owner: None,
            position: Some(Position::Wgs84(position)),
            address: None,
            phone: None,
        };
        anna.customers().add(request).unwrap();
    };
    customer("Boulangerie", begin);
    anna.shift().start(None).unwrap();
    let mut before = at(0).1;
    // a quarter of an hour at the first place, then the way
    for _ in 0..90 {
        office.pass(10_000, &[&anna]);
        record(&anna, begin);
    }
    for n in 1..points.len() {
        let (position, at) = at(n);
        office.pass(at - before, &[&anna]);
        before = at;
        record(&anna, position);
    }
    anna.shift().end().unwrap();
    anna.sync().unwrap();
    anna.close();
    anna
}

fn record(anna: &Person, position: Wgs84) {
    let at = (position.lat(), position.lon());
    let fix = anna.fix(at, Datum::Wgs84, 8.0, AccuracySource::Android, 0);
    assert_eq!(anna.tracks().record(&[fix.unwrap()]).unwrap().kept, 1);
}

#[test]
fn a_real_way_is_told_exported_and_drawn_by_the_command_line() {
    let office = Office::open();
    let phone = a_morning(&office);
    let anna = Terminal::new(phone.file());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let day = office.clock.wall_ms();
    let day = waymark_domain::time::local_day(day, 480).to_string();
    let told = anna.json(&["track", "visits", "--day", &day]);
    assert_eq!(told["stays"][0]["customer_name"], "Boulangerie");
    let least = told["stays"][0]["least_ms"].as_i64().unwrap();
    assert!((14 * 60_000..20 * 60_000).contains(&least), "{told}");
    assert_eq!(told["crossings"][0]["way"], "enter");
    assert!(told["way_m"].as_f64().unwrap() > 1_000.0, "{told}");
    let text = anna.text(&["track", "visits", "--day", &day]);
    for part in ["Boulangerie", "Way that was seen", "At customers"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let chinese = anna.text(&["--lang", "zh-Hans", "track", "visits", "--day", &day]);
    assert!(chinese.contains("在客户处"), "{chinese}");

    let (gpx_file, page) = (file("day.gpx"), file("day.html"));
    let exported = anna.json(&["track", "export", "--day", &day, &gpx_file]);
    let bytes = std::fs::read(&gpx_file).unwrap();
    let read = gpx::read(bytes.as_slice()).unwrap();
    assert_eq!(read.odd, 0, "{:?}", read.oddities);
    let shown = points(&anna.json(&["track", "show", "--day", &day]));
    let again: Vec<String> = read
        .recording
        .points()
        .map(|point| {
            let (lat, lon) = (point.position.lat(), point.position.lon());
            let (accuracy, _) = point.accuracy.unwrap();
            format!("{lat:?} {lon:?} {accuracy:?}")
        })
        .collect();
    assert_eq!(again, shown, "the same points, to the last bit");
    assert_eq!(exported["points"], again.len());

    let drawn = anna.json(&["track", "replay", "--day", &day, &page]);
    assert_eq!(drawn["stops"], told["stops"].as_array().unwrap().len());
    let html = std::fs::read_to_string(&page).unwrap();
    for part in [
        "<svg",
        "Content-Security-Policy",
        "Anna",
        "WGS-84",
        "Boulangerie",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "no network"
    );
    let page = file("day.zh.html");
    anna.json(&["--lang", "zh-Hans", "track", "replay", "--day", &day, &page]);
    assert!(
        std::fs::read_to_string(&page)
            .unwrap()
            .contains("已记录里程")
    );
}

#[test]
fn where_the_company_keeps_no_tracks_a_session_takes_none_and_says_so() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let anna = enrolled(&office, folder.path(), "Anna", Role::Rep);
    let ada = enrolled(&office, folder.path(), "Ida", Role::Admin);
    let rules = folder.path().join("rules.json");
    std::fs::write(&rules, r#"{"tracks": false, "shift_limit_min": 60}"#).unwrap();
    let rules = rules.display().to_string();
    ada.json(&["policy", "publish", &rules, "--remark", "local law"]);
    ada.json(&["sync"]);
    anna.json(&["sync"]);
    refused(
        &anna,
        &["shift", "start", "--limit", "61"],
        1,
        "invalid_input",
    );
    assert_eq!(anna.json(&["shift", "start"])["limit_min"], 60);
    let recording = root().join("tests/fixtures/tracks/ExampleTrack.gpx");
    let recording = recording.display().to_string();
    let import = ["track", "import", &recording, "--squeeze"];
    refused(&anna, &import, 1, "tracks_off");
    let advise = [
        "track", "advise", "--lat", "45.8", "--lon", "4.8", "--datum", "wgs84",
    ];
    refused(&anna, &advise, 1, "tracks_off");
    let said = anna.run(&import);
    assert!(
        said.err.contains("visits and check-ins need no track"),
        "{said:?}"
    );
    let shown = anna.json(&["track", "show"]);
    assert_eq!(shown["recorded"], 0);
    anna.json(&["shift", "end"]);
    let view = anna.json(&["privacy"]);
    assert_eq!(view["collected"][1]["days"], serde_json::json!([]));
}

#[test]
fn the_next_customer_says_how_often_to_look() {
    let office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let anna = enrolled(&office, folder.path(), "Anna", Role::Rep);
    let add = |name: &str, lat: &str| {
        let place = ["--lat", lat, "--lon", "7.42", "--datum", "wgs84"];
        anna.json(&[&["customer", "add", name], place.as_slice()].concat());
    };
    add("Kiosk", "43.73");
    anna.json(&["shift", "start"]);
    let advise = |lat: &str, more: &[&str]| {
        let place = [
            "track", "advise", "--lat", lat, "--lon", "7.42", "--datum", "wgs84",
        ];
        [place.as_slice(), more]
            .concat()
            .iter()
            .map(|arg| (*arg).to_owned())
            .collect::<Vec<_>>()
    };
    let ask = |lat: &str, more: &[&str]| {
        let args = advise(lat, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        (anna.json(&args), anna.text(&args))
    };
    let (view, text) = ask("43.83", &["--speed", "20"]);
    assert_eq!(
        (&view["next"]["name"], &view["next"]["planned"]),
        (&"Kiosk".into(), &false.into())
    );
    assert_eq!(view["advice"]["accuracy"], "low");
    assert!(text.contains("Nearest of your customers: Kiosk"), "{text}");
    anna.json(&["visit", "plan", "Kiosk"]);
    let (near, _) = ask("43.733", &["--speed", "1.5"]);
    assert_eq!(
        (&near["next"]["planned"], &near["advice"]["accuracy"]),
        (&true.into(), &"high".into())
    );
    let (tired, _) = ask("43.83", &["--speed", "20", "--battery", "9"]);
    let seconds = |view: &Value| view["advice"]["interval_s"].as_f64().unwrap();
    assert!(seconds(&tired) > 2.0 * seconds(&view) || seconds(&tired) >= 600.0);
    let (_, inside) = ask("43.73", &[]);
    assert!(inside.contains("Inside the fence of Kiosk"), "{inside}");
    let usage = anna.run(&[
        "track",
        "advise",
        "--lat",
        "1",
        "--lon",
        "1",
        "--datum",
        "wgs84",
        "--battery",
        "101",
    ]);
    assert_eq!(usage.code, Some(2));
}
