//! Every rep command, each a process of its own, on a device whose network is gone.

use serde_json::Value;
use waymark_domain::record::Role;

use crate::cli::Terminal;
use crate::support::{Office, root, skip};

const DAY: &str = "2026-12-01";

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn every_rep_command_works_offline_from_a_cold_start() {
    let mut office = Office::open();
    let folder = tempfile::tempdir().unwrap();
    let online = Terminal::new(folder.path().join("anna.db"));
    let Some(anna) = online.without_network() else {
        return skip(
            "every_rep_command_works_offline_from_a_cold_start",
            "may not make a network namespace",
        );
    };
    let invited = office.invite("Anna", Role::Rep, "north");
    let enrolled = online.run(&[
        "enroll",
        "--server",
        &office.url(),
        "--code",
        &invited.code,
        "--name",
        "phone",
        "--json",
    ]);
    assert_eq!(enrolled.code, Some(0), "{enrolled:?}");
    let mia = office.manager("Mia");
    let bakery = mia.add_customer_of("Bakery", Some(invited.user));
    let kiosk = mia.add_customer_of("Kiosk", Some(invited.user));
    mia.sync().unwrap();
    online.json(&["sync"]);
    // two renames that the office overtakes: something for the attention list
    let (bakery, kiosk) = (bakery.to_string(), kiosk.to_string());
    online.json(&["customer", "edit", &bakery, "--name", "Anna's bakery"]);
    online.json(&["customer", "edit", &kiosk, "--name", "Anna's kiosk"]);
    mia.rename(bakery.parse().unwrap(), "Mia's bakery");
    mia.rename(kiosk.parse().unwrap(), "Mia's kiosk");
    mia.sync().unwrap();
    let synced = online.json(&["sync"]);
    assert_eq!(synced["attention"], 2);
    office.stop();

    // the network is really gone
    let denied = anna.run(&["sync"]);
    assert_eq!(denied.code, Some(4), "{denied:?}");
    for part in [
        "The server cannot be reached",
        "Go on working",
        "Your work is saved.",
    ] {
        assert!(
            denied.err.contains(part),
            "{part:?} is not in {:?}",
            denied.err
        );
    }
    let denied = anna.run(&["--lang", "zh-Hans", "sync"]);
    assert_eq!(denied.code, Some(4));
    for part in ["无法连接服务器", "可继续工作", "您的工作已保存。"] {
        assert!(
            denied.err.contains(part),
            "{part:?} is not in {:?}",
            denied.err
        );
    }
    let denied = anna.run(&["sync", "--json"]);
    assert_eq!(denied.code, Some(4));
    let error: Value = serde_json::from_str(denied.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["work_saved"]),
        (&"offline".into(), &true.into())
    );

    // the customers
    let listed = anna.json(&["customer", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let found = anna.json(&["customer", "search", "mia's", "bake"]);
    assert_eq!(text(&found[0]["id"]), bakery);
    let shown = anna.json(&["customer", "show", &bakery]);
    assert_eq!(text(&shown["name"]), "Mia's bakery");
    let added = anna.json(&[
        "customer",
        "add",
        "Café Neu",
        "--lat",
        "43.73",
        "--lon",
        "7.42",
        "--datum",
        "wgs84",
        "--phone",
        "0123",
    ]);
    let cafe = text(&added["customer"]).to_owned();
    assert_eq!(anna.json(&["customer", "show", &cafe])["name"], "Café Neu");
    let edited = anna.json(&[
        "customer",
        "edit",
        &cafe,
        "--address",
        "Rue 1",
        "--tag",
        "+coffee",
    ]);
    assert_eq!(edited["changed"], true);
    let shown = anna.json(&["customer", "show", "Café Neu"]);
    assert_eq!(
        (&shown["address"], &shown["tags"][0]),
        (&"Rue 1".into(), &"coffee".into())
    );
    assert_eq!(shown["pending"], true);

    // the visits
    let plan = |customer: &str| {
        let planned = anna.json(&["visit", "plan", customer]);
        text(&planned["visit"]).to_owned()
    };
    let (first, second, third) = (plan(&bakery), plan(&kiosk), plan(&cafe));
    let state = |visit: &str| {
        let shown = anna.json(&["visit", "show", visit]);
        text(&shown["state"]["is"]).to_owned()
    };
    assert_eq!(state(&first), "planned");
    anna.json(&["visit", "start", &first]);
    assert_eq!(state(&first), "in_progress");
    let noted = anna.json(&["visit", "note", "Shelf is empty"]);
    let checked = anna.json(&[
        "check-in",
        "--lat",
        "43.7384",
        "--lon",
        "7.4246",
        "--accuracy",
        "12",
        "--datum",
        "wgs84",
    ]);
    assert_eq!(
        (text(&checked["visit"]), &checked["started"]),
        (first.as_str(), &false.into())
    );
    let shown = anna.json(&["visit", "show", &first]);
    assert_eq!(shown["notes"][0]["id"], noted["note"]);
    assert_eq!(shown["check_ins"][0]["id"], checked["check_in"]["id"]);
    anna.json(&["visit", "finish"]);
    assert_eq!(state(&first), "done");
    let begun = anna.json(&[
        "check-in",
        "--visit",
        &second,
        "--lat",
        "43.74",
        "--lon",
        "7.42",
        "--accuracy",
        "8",
        "--datum",
        "wgs84",
    ]);
    assert_eq!(begun["started"], true);
    anna.json(&["visit", "skip", &second, "--reason", "closed"]);
    assert_eq!(state(&second), "skipped");
    let moved = anna.json(&["visit", "move", &third, "--day", DAY]);
    assert_eq!(moved["changed"], true);
    let unplanned = anna.json(&["visit", "start", "Café Neu"]);
    assert_eq!(unplanned["planned"], false);
    anna.json(&["visit", "finish", text(&unplanned["visit"])]);
    let today = anna.json(&["today"]);
    assert_eq!(
        (today["visits"].as_array().unwrap().len(), &today["done"]),
        (3, &3.into())
    );
    let later = anna.json(&["today", "--day", DAY]);
    assert_eq!(text(&later["visits"][0]["id"]), third);

    // what needs her
    let attention = anna.json(&["attention"]);
    let ops: Vec<&str> = attention
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["op"]))
        .collect();
    assert_eq!(ops.len(), 2);
    anna.json(&["attention", "retry", ops[0]]);
    anna.json(&["attention", "dismiss", ops[1]]);
    assert_eq!(anna.json(&["attention", "list"]), Value::Array(vec![]));

    // files
    let rome = root().join("tests/fixtures/pois/rome_osm.csv");
    let rome = rome.to_str().unwrap();
    let looked = anna.json(&[
        "import",
        "customers",
        rome,
        "--datum",
        "wgs84",
        "--owner",
        "Anna",
        "--dry-run",
    ]);
    assert_eq!(looked["imported"], 532);
    let imported = anna.json(&[
        "import",
        "customers",
        rome,
        "--datum",
        "wgs84",
        "--owner",
        "Anna",
    ]);
    assert_eq!(imported["imported"], 532);
    let again = anna.json(&[
        "import",
        "customers",
        rome,
        "--datum",
        "wgs84",
        "--owner",
        "Anna",
    ]);
    assert_eq!(
        (&again["imported"], &again["already_here"]),
        (&0.into(), &532.into())
    );
    let exported = folder.path().join("export.jsonl");
    anna.json(&["export", exported.to_str().unwrap()]);
    let exported = std::fs::read_to_string(exported).unwrap();
    assert!(exported.lines().count() > 532 && exported.contains("Shelf is empty"));
    assert_eq!(anna.text(&["export"]), exported);
    assert_eq!(anna.json(&["track", "visits"])["fences"], 533);
    for (what, name) in [("export", "day.geojson"), ("replay", "day.html")] {
        let path = folder.path().join(name);
        anna.json(&["track", what, path.to_str().unwrap()]);
        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }

    // the ledger
    let status = anna.json(&["status"]);
    let of = |name: &str| status["status"][name].as_u64().unwrap();
    assert_eq!(status["status"]["balanced"], true);
    assert_eq!(of("needs_attention"), 0);
    // 2 renames before, one of them let go: acknowledged. Customer, edit, 3 plans, start, note, check-in, finish, start and check-in, skip,
    // move, plan and start, finish, the rename again, 532 customers
    assert_eq!((of("acknowledged"), of("pending")), (2, 17 + 532));

    // for people, in both languages
    for lang in ["en", "zh-Hans"] {
        for command in [
            &["today"] as &[&str],
            &["customer", "list"],
            &["customer", "show", &cafe],
            &["customer", "search", "caf"],
            &["visit", "show", &first],
            &["status"],
            &["attention"],
        ] {
            anna.text(&[&["--lang", lang], command].concat());
        }
    }
    // what does need the network says so
    for command in [
        &[
            "enroll",
            "--server",
            "http://127.0.0.1:9",
            "--code",
            "AAAA-AAAA-AAAA",
        ] as &[&str],
        &["admin", "devices"],
    ] {
        let failed = anna.run(command);
        assert!(matches!(failed.code, Some(1 | 4)), "{failed:?}");
        assert!(failed.err.contains("Your work is saved."), "{failed:?}");
    }

    // the network is back
    office.start();
    let synced = online.json(&["sync"]);
    assert_eq!(
        (&synced["pending"], &synced["attention"]),
        (&0.into(), &0.into())
    );
    let status = online.json(&["status"]);
    assert_eq!(
        status["status"]["created"],
        status["status"]["acknowledged"]
    );
    assert_eq!(status["status"]["created"], 2 + 17 + 532);
    office.assert_sound();
}
