//! A photo on the command line: stamped, given back, refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use waymark_domain::record::Role;

use crate::cli::Terminal;
use crate::support::{Office, root};

struct Desk {
    folder: TempDir,
    terminal: Terminal,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let terminal = Terminal::new(folder.path().join("rep.db"));
        Self { folder, terminal }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> crate::cli::Ran {
        self.terminal.run(args)
    }

    /// The names in the folder, so that nothing is left lying about.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn fixture(name: &str) -> String {
    let path: PathBuf = root().join("tests/fixtures/photos").join(name);
    path.to_str().unwrap().to_owned()
}

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(path)).unwrap()
}

#[test]
fn a_stamped_photo_gives_its_original_back_with_the_key_and_only_with_it() {
    let desk = Desk::new();
    let (key, other, out, back) = (
        desk.path("key"),
        desk.path("other"),
        desk.path("out.jpg"),
        desk.path("back.jpg"),
    );
    desk.terminal.text(&["photo", "key", &key]);
    desk.terminal.text(&["photo", "key", &other]);
    let photo = fixture("nokia_n70_422_iptc.jpg");
    let report = desk.terminal.json(&[
        "stamp",
        &photo,
        &out,
        "--key",
        &key,
        "--set",
        "time=2026-11-22T14:35:08+08:00",
        "--set",
        "time_verified=true",
        "--set",
        "time_plus_minus=2",
        "--set",
        "lat=30.274085",
        "--set",
        "lon=120.15507",
        "--set",
        "accuracy=12",
        "--set",
        "customer=杭州鑫源百货商行",
        "--set",
        "address=?offline",
        "--set",
        "rep=王小明",
        "--set",
        "source=camera",
        "--set",
        "verdict=inside",
    ]);
    assert_eq!(report["not_printed"], serde_json::json!(["verdict"]));
    assert_eq!(report["stamp"]["method"]["how"], "in_place");
    assert_eq!(report["stamp"]["missing_fields"][0]["key"], "address");
    assert_eq!(report["stamp"]["missing_fields"][0]["reason"], "offline");
    assert_eq!(
        report["stamp"]["missing_fields"].as_array().unwrap().len(),
        1
    );
    assert_ne!(read(&photo), read(&out));

    let refused = desk.run(&["photo", "restore", &out, &back, "--key", &other, "--json"]);
    assert_eq!(refused.code, Some(1));
    let error: Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(error["error"]["code"], "wrong_key");
    assert!(!Path::new(&back).exists());

    let restored = desk
        .terminal
        .json(&["photo", "restore", &out, &back, "--key", &key]);
    assert_eq!(read(&photo), read(&back));
    assert_eq!(restored["sha256"], report["stamp"]["original"]);
    assert_eq!(desk.files(), ["back.jpg", "key", "other", "out.jpg"]);
}

#[test]
fn the_photo_itself_is_never_written_over() {
    let desk = Desk::new();
    let photo = desk.path("in.jpg");
    fs::copy(fixture("nokia_n70_422_iptc.jpg"), &photo).unwrap();
    let before = read(&photo);
    let dotted = format!("{}/./in.jpg", desk.folder.path().to_str().unwrap());
    for out in [&photo, &dotted] {
        let refused = desk.run(&["stamp", &photo, out]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("is the photo itself"), "{refused:?}");
    }
    assert_eq!(read(&photo), before);
    assert_eq!(desk.files(), ["in.jpg"]);
}

#[test]
fn what_is_there_is_written_over_only_when_that_was_said() {
    let desk = Desk::new();
    let photo = fixture("nokia_n70_422_iptc.jpg");
    let out = desk.path("out.jpg");
    fs::write(&out, "somebody's").unwrap();
    let refused = desk.run(&["stamp", &photo, &out]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(read(&out), b"somebody's");
    desk.terminal.text(&["stamp", &photo, &out, "--force"]);
    assert!(read(&out).starts_with(&[0xFF, 0xD8]));
    assert_eq!(desk.files(), ["out.jpg"]);
}

#[test]
fn what_cannot_be_done_is_said_in_both_languages_with_its_exit_code() {
    let desk = Desk::new();
    let out = desk.path("out.jpg");
    let no_key = desk.path("no_key");
    fs::write(&no_key, "not a key").unwrap();
    let photo = fixture("no_exif.jpg");
    let truncated = fixture("broken/truncated_jpeg.jpg");
    let heif = fixture("hopper.heif");
    for (args, code, english, chinese) in [
        (
            vec!["stamp", heif.as_str(), out.as_str()],
            1,
            "HEIC photos cannot be read",
            "HEIC",
        ),
        (
            vec!["stamp", &truncated, &out],
            1,
            "The photo is damaged",
            "照片已损坏",
        ),
        (
            vec!["stamp", &photo, &out],
            1,
            "too small for the stamp",
            "照片太小",
        ),
        (
            vec!["stamp", "nowhere.jpg", &out],
            3,
            "There is no file",
            "没有文件",
        ),
        (
            vec!["stamp", &photo, &out, "--set", "lat=north"],
            2,
            "That is no value",
            "内容无效",
        ),
        (
            vec!["stamp", &photo, &out, "--set", "lat=91", "--set", "lon=0"],
            1,
            "position is out of range",
            "超出范围",
        ),
        (
            vec!["stamp", &photo, &out, "--key", &no_key],
            1,
            "is no key",
            "不是密钥",
        ),
        (
            vec!["photo", "restore", &photo, &out, "--key", &no_key],
            1,
            "is no key",
            "不是密钥",
        ),
        (
            vec!["photo", "key", &no_key],
            1,
            "is there already",
            "已存在",
        ),
    ] {
        let ran = desk.run(&args);
        assert_eq!(ran.code, Some(code), "{args:?} {ran:?}");
        assert!(ran.err.contains(english), "{args:?} {ran:?}");
        let ran = desk.run(&[args.as_slice(), &["--lang", "zh-Hans"]].concat());
        assert!(ran.err.contains(chinese), "{args:?} {ran:?}");
    }
    assert_eq!(desk.files(), ["no_key"]);
}

#[test]
fn a_copy_a_canvas_and_a_thumbnail_are_written_beside_each_other() {
    let desk = Desk::new();
    let template = desk.path("template.json");
    fs::write(&template, r#"{"language": "zh-Hans", "shape": "block", "fields": [{"key": "rep"}, {"key": "source"}]}"#).unwrap();
    let (out, thumb) = (desk.path("out.jpg"), desk.path("thumb.jpg"));
    let photo = fixture("progressive3.jpg");
    for (mode, height) in [("copy", 470), ("canvas", 518)] {
        let report = desk.terminal.json(&[
            "stamp",
            &photo,
            &out,
            "--mode",
            mode,
            "--template",
            &template,
            "--force",
            "--thumbnail",
            &thumb,
            "--set",
            "source=gallery",
        ]);
        assert_eq!(
            report["stamp"]["size"],
            serde_json::json!([650, height]),
            "{mode}"
        );
        assert_eq!(report["stamp"]["source"], "gallery");
        assert!(read(&thumb).len() <= 30_000);
    }
    let text = desk.terminal.text(&[
        "stamp",
        &photo,
        &out,
        "--force",
        "--template",
        &template,
        "--lang",
        "zh-Hans",
    ]);
    assert!(text.contains("整张照片已重新编码：是渐进式 JPEG"), "{text}");
    assert_eq!(desk.files(), ["out.jpg", "template.json", "thumb.jpg"]);
}

#[test]
fn a_signed_photo_is_verified_without_a_network_by_whoever_has_the_company_s_key() {
    let mut office = Office::open();
    let desk = Desk::new();
    let anna = &desk.terminal;
    let photo = fixture("canon_422_18mp.jpg");
    let (signed, early, small) = (
        desk.path("signed.jpg"),
        desk.path("early.jpg"),
        desk.path("small.jpg"),
    );
    let stamp = |out: &str, more: &[&str]| {
        let time = "time=2026-11-22T14:35:08+08:00";
        let always = [
            "stamp", &photo, out, "--sign", "--set", time, "--set", "rep=Anna", "--json",
        ];
        anna.run(&[&always, more].concat())
    };
    let bounds = ["--set", "time_plus_minus=2"];
    let code = |ran: &crate::cli::Ran| -> Value {
        let error: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
        error["error"]["code"].clone()
    };
    // without bounds, with a word that is no verdict, by nobody
    for (more, exit, why) in [
        (vec![], 2, "no_bounds"),
        (
            vec!["--set", "time_plus_minus=2", "--set", "verdict=fine"],
            2,
            "not_a_verdict",
        ),
        (bounds.to_vec(), 3, "not_enrolled"),
    ] {
        let refused = stamp(&signed, &more);
        assert_eq!(
            (refused.code, code(&refused)),
            (Some(exit), why.into()),
            "{refused:?}"
        );
    }
    let invited = office.invite("Anna", Role::Rep, "north").code;
    anna.json(&["enroll", "--server", &office.url(), "--code", &invited]);
    anna.json(&["sync"]);
    let key = anna.json(&["evidence", "key"])["company_key"]
        .as_str()
        .unwrap()
        .to_owned();
    // before the first receipt nobody vouches
    assert_eq!(stamp(&early, &bounds).code, Some(0));
    anna.json(&["shift", "start"]);
    anna.json(&["sync"]);
    let verdict = [
        "--set",
        "time_plus_minus=2",
        "--set",
        "verdict=met",
        "--thumbnail",
        &small,
    ];
    let made = stamp(&signed, &verdict);
    assert_eq!(made.code, Some(0), "{made:?}");
    let made = made.json();
    assert_eq!(made["stamp"]["code"]["drawn"]["module"], 11);
    assert_eq!(made["not_printed"], serde_json::json!([]));
    office.stop();

    // somebody else, with no database and no network
    let auditor = Terminal::new(desk.folder.path().join("none.db"));
    let auditor = auditor.without_network().unwrap_or(auditor);
    let verify = |file: &str, key: &str| auditor.run(&["verify", file, "--key", key, "--json"]);
    let found = verify(&signed, &key);
    assert_eq!(found.code, Some(0), "{found:?}");
    let found = found.json();
    assert_eq!(
        (&found["picture"]["is"], &found["vouched"]),
        (&"authentic".into(), &"yes".into())
    );
    assert_eq!(found["said"]["verdict"], "met");
    assert_eq!(found["said"]["time"]["from_ms"], 1_795_329_306_000_i64);
    assert_eq!(found["said"]["original"], made["stamp"]["original"]);
    assert!(found["said"]["n"].as_u64().unwrap() > 0, "{found}");

    // a comment more, as many programs write
    let mut commented = read(&signed);
    commented.splice(2..2, *b"\xFF\xFE\0\x05abc");
    let other = desk.path("commented.jpg");
    fs::write(&other, commented).unwrap();
    let found = verify(&other, &key);
    assert_eq!(
        (found.code, found.json()["picture"]["is"].clone()),
        (Some(0), "picture_authentic".into())
    );

    // too small to read; by a company that is another; by nobody
    let found = verify(&small, &key);
    assert_eq!(
        (found.code, found.json()["picture"]["is"].clone()),
        (Some(1), "no_mark".into())
    );
    let stranger = crate::evidence::COMPANY_KEY.trim();
    let found = verify(&signed, stranger);
    assert_eq!(
        (found.code, found.json()["vouched"].clone()),
        (Some(1), "wrong".into())
    );
    let found = verify(&early, &key);
    assert_eq!(
        (found.code, found.json()["vouched"].clone()),
        (Some(1), "not".into())
    );
    let found = verify(&signed, "nonsense");
    assert_eq!((found.code, code(&found)), (Some(1), "company_key".into()));

    // in words
    let english = auditor.text(&["verify", &signed, "--key", &key]);
    for part in [
        "AUTHENTIC.",
        "The company vouches for the device.",
        "2026-11-22 06:35:06.000 UTC",
        "at the customer's",
    ] {
        assert!(english.contains(part), "{part:?} is not in {english}");
    }
    let chinese = auditor.text(&["--lang", "zh-Hans", "verify", &signed, "--key", &key]);
    for part in ["真实。", "公司为此设备担保。", "签到：在客户处"] {
        assert!(chinese.contains(part), "{part:?} is not in {chinese}");
    }
}
