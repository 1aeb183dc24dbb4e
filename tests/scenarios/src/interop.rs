//! Bundles before another verifier, `tests/interop/verify_bundle.py`: written from the format's page alone, with other libraries for all that is
//! signed. And stamped photos before another decoder, `tests/interop/check_stamps.py`. Needs Python, joserfc and Pillow, so it has a lane of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use waymark_evidence::verify;
use waymark_protocol::proof::PublicKey;
use waymark_testkit::chance::SeededRng;

use crate::cli::binary;
use crate::evidence::{COMPANY_KEY, a_day, fixtures};
use crate::support::root;

/// What both verifiers say of a bundle, for as much as the page defines.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    intact: bool,
    proven: bool,
    /// Counts, for what is intact.
    counts: Option<[u64; 5]>,
}

fn ours(bundle: &[u8], key: &str) -> Said {
    let key = PublicKey::from_text(key.to_owned());
    let report = verify(&mut &*bundle, Some(&key)).unwrap();
    Said {
        intact: report.intact,
        proven: report.proven(),
        counts: report.intact.then_some([
            report.ops,
            report.from,
            report.to,
            report.statements,
            report.receipts,
        ]),
    }
}

fn python(script: &str) -> Command {
    let python = std::env::var("WAYMARK_PYTHON").unwrap_or("python3".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop");
    let mut command = Command::new(python);
    command.arg(folder.join(script));
    command
}

fn theirs(files: &[PathBuf], key: &str) -> Vec<Said> {
    let out = python("verify_bundle.py")
        .args(["--json", &format!("--key={key}")])
        .args(files)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let said: Vec<Said> = text
        .lines()
        .map(|line| {
            let said: Value = serde_json::from_str(line).unwrap();
            let intact = said["intact"].as_bool().unwrap();
            let counts = ["ops", "from", "to", "statements", "receipts"];
            Said {
                intact,
                proven: said["proven"].as_bool().unwrap(),
                counts: intact.then(|| counts.map(|field| said[field].as_u64().unwrap())),
            }
        })
        .collect();
    let trouble = String::from_utf8_lossy(&out.stderr);
    assert_eq!(said.len(), files.len(), "{trouble}");
    said
}

fn agree(bundles: &[(String, Vec<u8>)], key: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = bundles
        .iter()
        .enumerate()
        .map(|(n, (_, bytes))| {
            let path = folder.path().join(format!("{n}.txt"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let mut proven = 0;
    for ((name, bytes), theirs) in bundles.iter().zip(theirs(&files, key)) {
        let ours = ours(bytes, key);
        assert_eq!(ours, theirs, "{name}");
        proven += usize::from(ours.proven);
    }
    proven
}

#[test]
#[ignore = "needs Python with joserfc: the lane `interop` of tests/run"]
fn a_verifier_written_from_the_page_alone_says_of_every_bundle_what_ours_says() {
    let day = a_day();
    let whole = [&day.by_device, &day.by_company, &day.middle];
    let mut bundles: Vec<(String, Vec<u8>)> = Vec::new();
    for (which, bytes) in whole.iter().enumerate() {
        bundles.push((format!("bundle {which}"), bytes.to_vec()));
    }
    let mut rng = SeededRng::fork(7, 7);
    for n in 0..600 {
        let mut bytes = whole[rng.index(whole.len())].clone();
        let (at, to) = (rng.index(bytes.len()), rng.index(bytes.len()));
        let what = match rng.below(6) {
            0 => {
                bytes[at] ^= 1 << rng.below(7);
                "a bit"
            }
            1 => {
                bytes.truncate(at);
                "the end"
            }
            2 => {
                bytes.remove(at);
                "a byte less"
            }
            3 => {
                bytes.insert(at, bytes[to]);
                "a byte more"
            }
            other => {
                let mut lines: Vec<Vec<u8>> = bytes
                    .split_inclusive(|&byte| byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let (one, two) = (rng.index(lines.len()), rng.index(lines.len()));
                if other == 4 {
                    lines.remove(one);
                } else {
                    lines.swap(one, two);
                }
                bytes = lines.concat();
                "lines"
            }
        };
        bundles.push((format!("{n}: {what} at {at}"), bytes));
    }
    let proven = agree(&bundles, &day.key);
    // the three, and those whose swap moved a line to where it was
    assert!((3..40).contains(&proven), "{proven}");
}

#[test]
#[ignore = "needs Python with joserfc: the lane `interop` of tests/run"]
fn bundles_of_the_first_version_verify_there_too() {
    let bundles: Vec<(String, Vec<u8>)> = fixtures()
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect();
    assert_eq!(agree(&bundles, COMPANY_KEY.trim()), bundles.len());
}

#[test]
#[ignore = "needs Python with Pillow: the lane `interop` of tests/run"]
fn stamped_photos_are_the_originals_outside_the_band_for_a_decoder_that_is_not_ours() {
    let photos = root().join("tests/fixtures/photos");
    let named = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let mut files: Vec<PathBuf> = named(photos.clone())
        .chain(named(photos.join("broken")))
        .filter(|path| path.extension().is_some_and(|name| name == "jpg"))
        .collect();
    files.sort();
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("short.json");
    let short = r#"{"fields": [{"key": "rep"}], "shape": "block", "text_permille": 15}"#;
    std::fs::write(&template, short).unwrap();
    let out = python("check_stamps.py")
        .arg(binary())
        .args(&files)
        .args(["--turned", "--", "--set", "rep=王小明", "--template"])
        .arg(&template)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let trouble = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}{trouble}");
    assert!(said.matches(": holds").count() >= 50, "{said}");
}
