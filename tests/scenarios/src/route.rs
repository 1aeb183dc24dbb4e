//! The order of a day on the command line: found, written, refused.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::Terminal;

/// Four visits round the depot; only 1, 2, 3, 4 in this order is short.
fn day() -> Value {
    json!({
        "matrix": [
            [0, 100, 300, 300, 400],
            [100, 0, 100, 300, 300],
            [300, 100, 0, 100, 300],
            [300, 300, 100, 0, 100],
            [100, 300, 300, 100, 0],
        ],
        "service": [0, 600, 600, 600, 600],
        "windows": [[], [], [[0, 90_000]], [], []],
        "start": 0, "end": 0, "depart": 30_000, "latest": 90_000, "prize": null,
        "budget_ms": 100, "seed": 1,
        "names": ["Depot", "Café", "Bakery", "Kiosk", "幸福药店"],
    })
}

#[test]
fn a_day_is_put_in_order_and_what_cannot_be_is_refused_with_the_stops_name() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let terminal = Terminal::new(folder.path().join("rep.db"));
    let write = |name: &str, day: &Value| {
        fs::write(path(name), day.to_string()).unwrap();
        path(name)
    };

    let problem = write("day.json", &day());
    let ran = terminal.run(&["route", "solve", &problem]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["order"], json!([1, 2, 3, 4]));
    assert_eq!(answer["rank"], json!([null, 0, 1, 2, 3]));
    assert_eq!(answer["optimal"], true);
    assert_eq!(answer["arrival"], json!([30_100, 30_800, 31_500, 32_200]));
    assert!(ran.err.contains("it is proven"), "{ran:?}");

    let out = path("answer.json");
    let to_file = ["route", "solve", &problem, "--out", &out];
    assert_eq!(terminal.run(&to_file).code, Some(0));
    assert_eq!(
        serde_json::from_slice::<Value>(&fs::read(&out).unwrap()).unwrap()["travel"],
        500
    );
    let again = terminal.run(&to_file);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("answer.json"), "{again:?}");

    let mut late = day();
    late["windows"][4] = json!([[30_000, 30_100]]);
    let ran = terminal.run(&["route", "solve", &write("late.json", &late)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.err.contains("幸福药店") && ran.err.contains("300 s"),
        "{ran:?}"
    );

    let mut past = day();
    past["windows"][1] = json!([[0, 29_999]]);
    let mut negative = day();
    negative["matrix"][3][1] = json!(-1);
    for (name, day, english, chinese) in [
        (
            "past.json",
            past,
            "too late for stop 1 (Café)",
            "地点 1（Café）已来不及",
        ),
        (
            "negative.json",
            negative,
            "from stop 3 (Kiosk)",
            "从地点 3（Kiosk）出发",
        ),
        (
            "none.json",
            json!({"places": 3}),
            "no day to put in order",
            "不是可排序的一天",
        ),
    ] {
        let problem = write(name, &day);
        let ran = terminal.run(&["route", "solve", &problem]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(english) && ran.out.is_empty(), "{ran:?}");
        let ran = terminal.run(&["route", "solve", &problem, "--lang", "zh-Hans"]);
        assert!(ran.err.contains(chinese), "{ran:?}");
    }
    assert_eq!(
        terminal.run(&["route", "solve", "nowhere.json"]).code,
        Some(3)
    );
    assert_eq!(
        terminal
            .run(&["route", "solve", &problem, "--seconds", "-1"])
            .code,
        Some(2)
    );
}
