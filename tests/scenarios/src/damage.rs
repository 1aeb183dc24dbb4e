//! Damage: bytes of a closed database change. What is whole reaches the office; nothing panics; the rep is told.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use waymark_client::Waymark;
use waymark_domain::hash::Hash;
use waymark_domain::ids::OpId;
use waymark_testkit::chance::SeededRng;

use crate::support::{Office, Person, wait};

/// An operation that waits, and where in the file its row lies.
struct Waiting {
    op: OpId,
    bytes: Vec<u8>,
    row: Range<usize>,
}

/// Files that are damaged, each in another way.
const FILES: u64 = 120;

/// Bytes before an operation's own in its row: ids, names, and the row's header.
const BEFORE: usize = 160;

fn waiting(person: &Person, file: &[u8]) -> Vec<Waiting> {
    let database = person.look();
    let mut rows = database
        .prepare("SELECT op_id, bytes, sha FROM outbox ORDER BY n")
        .unwrap();
    let rows = rows.query_map([], |row| {
        let op: [u8; 16] = row.get(0)?;
        let (bytes, sha): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        Ok((op, bytes, sha))
    });
    rows.unwrap()
        .map(|row| {
            let (op, bytes, sha) = row.unwrap();
            let content = [bytes.as_slice(), &sha].concat();
            let start = find(file, &content).expect("a row in one piece");
            Waiting {
                op: OpId::from_uuid(uuid::Uuid::from_bytes(op)),
                bytes,
                row: start - BEFORE..start + content.len(),
            }
        })
        .collect()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

struct Case {
    office: Office,
    /// The office's database before anything of what waits was sent.
    before: PathBuf,
    anna: Person,
    whole: Vec<u8>,
    waiting: Vec<Waiting>,
}

/// A database with work of both sorts, closed.
fn case() -> Case {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    let shops: Vec<_> = (0..5)
        .map(|at| anna.add_customer(&format!("Shop {at}")))
        .collect();
    anna.sync().unwrap();
    for at in 0..30 {
        anna.note(shops[at % 5], &format!("note {at}"));
    }
    anna.close();
    let before = office.file().with_extension("before");
    office.server().storage().backup_into(&before).unwrap();
    let whole = std::fs::read(anna.file()).unwrap();
    let waiting = waiting(&anna, &whole);
    assert_eq!(waiting.len(), 30);
    Case {
        office,
        before,
        anna,
        whole,
        waiting,
    }
}

/// Changes bytes of the file; gives where.
fn hurt(rng: &mut SeededRng, file: &mut [u8]) -> Vec<Range<usize>> {
    let mut hurt = Vec::new();
    match rng.below(3) {
        // single bytes
        0 => {
            for _ in 0..=rng.below(16) {
                let at = rng.index(file.len());
                file[at] ^= u8::try_from(1 + rng.below(255)).unwrap();
                hurt.push(at..at + 1);
            }
        }
        // a sector of rubbish
        1 => {
            let at = rng.index(file.len() / 512) * 512;
            rng.fill(&mut file[at..at + 512]);
            hurt.push(at..at + 512);
        }
        // a page of zeros
        _ => {
            let at = rng.index(file.len() / 4096) * 4096;
            file[at..at + 4096].fill(0);
            hurt.push(at..at + 4096);
        }
    }
    hurt
}

#[test]
fn after_random_damage_the_office_has_every_operation_that_was_whole() {
    let (mut rescued, mut unnoticed, mut reenrolled, mut sent, mut destroyed) = (0, 0, 0, 0, 0);
    let mut case = case();
    for seed in 0..FILES {
        // what one damaged phone sent must not stand in for another
        case.office.go_back_to(&case.before);
        let mut rng = SeededRng::new(seed);
        let mut file = case.whole.clone();
        let hurt = hurt(&mut rng, &mut file);
        let touched = |row: &Range<usize>| {
            hurt.iter()
                .any(|hurt| hurt.start < row.end && row.start < hurt.end)
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waymark.db");
        std::fs::write(&path, &file).unwrap();
        let key = crate::support::beside(&case.anna.file(), ".key");
        std::fs::copy(key, crate::support::beside(&path, ".key")).unwrap();

        let mut anna = Waymark::open(case.anna.config(path.clone()))
            .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        let mut was_rescued = false;
        // damage that the open does not meet is met by the first use; the next open deals with it
        for _ in 0..3 {
            let met = [
                anna.status().err().map(|error| error.code),
                anna.today(None).err().map(|error| error.code),
                enrol_if_forgotten(&case.office, &anna, &mut reenrolled)
                    .err()
                    .map(|error| error.code),
                wait(anna.sync().run(&|_| {})).err().map(|error| error.code),
            ];
            if met.iter().all(Option::is_none) {
                break;
            }
            was_rescued |= anna.opened().salvage.is_some() || anna.opened().damaged_ops > 0;
            drop(anna);
            anna = Waymark::open(case.anna.config(path.clone()))
                .unwrap_or_else(|error| panic!("seed {seed}: {error:?} after {met:?}"));
        }
        if let Some(salvage) = &anna.opened().salvage {
            assert!(
                salvage.folder.is_dir(),
                "seed {seed}: the damaged file is kept"
            );
            rescued += 1;
        } else if anna.opened().damaged_ops == 0 {
            unnoticed += 1;
        }
        let told = was_rescued || anna.opened().salvage.is_some() || anna.opened().damaged_ops > 0;
        let there: BTreeSet<Vec<u8>> = case
            .office
            .server()
            .ops()
            .unwrap()
            .into_iter()
            .map(|row| row.bytes)
            .collect();
        for waiting in &case.waiting {
            if there.contains(&waiting.bytes) {
                sent += 1;
            } else {
                destroyed += 1;
                assert!(
                    told,
                    "seed {seed}: {} is gone and nobody was told",
                    waiting.op
                );
                assert!(
                    touched(&waiting.row),
                    "seed {seed}: {} was whole and is not at the office",
                    waiting.op
                );
            }
        }
        let status = anna
            .status()
            .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        assert!(status.balanced, "seed {seed}: {status:?}");
        assert_eq!(status.pending, 0, "seed {seed}: {status:?}");
    }
    eprintln!(
        "{FILES} damaged files: {rescued} rescued, {unnoticed} hurt where nothing lay, {reenrolled} enrolled again; {sent} operations sent, {destroyed} destroyed"
    );
    assert!(rescued > 0);
    for row in case.office.server().ops().unwrap() {
        assert_eq!(row.sha, Hash::of(&row.bytes));
    }
    case.office.assert_sound();
}

/// A file that no longer says whose it is: the rep gets a new code.
fn enrol_if_forgotten(
    office: &Office,
    anna: &Waymark,
    times: &mut u32,
) -> Result<(), waymark_client::WaymarkError> {
    if anna.me().is_ok() {
        return Ok(());
    }
    *times += 1;
    let users = office.server().users().unwrap();
    let user = users.iter().find(|user| user.name == "Anna").unwrap().user;
    let with = waymark_client::EnrolWith {
        server: office.url(),
        code: office.invite_again(user).code,
        device_name: "phone".to_owned(),
        authority: None,
    };
    wait(anna.enrol(&with)).map(drop)
}
