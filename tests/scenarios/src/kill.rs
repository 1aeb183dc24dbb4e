//! `kill -9` of the real command line, at random moments of writes and syncs, on a real file and over a real socket.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;
use waymark_client::{Config, Waymark};
use waymark_domain::ids::{DeviceId, RecordId};
use waymark_domain::record::{Kind, Role};
use waymark_testkit::chance::SeededRng;

use crate::cli::Terminal;
use crate::support::Office;

const KILLS: u32 = 200;
const ROWS: usize = 20;
const SEED: u64 = 9;

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Note,
    CheckIn,
    Plan,
    Import,
    Sync,
}

impl What {
    fn draw(rng: &mut SeededRng) -> Self {
        match rng.below(10) {
            0 | 1 => Self::Note,
            2 => Self::CheckIn,
            3 => Self::Plan,
            4 | 5 => Self::Import,
            _ => Self::Sync,
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    runs: u32,
    finished: u32,
    killed_in_writes: u32,
    killed_in_syncs: u32,
    /// Kills that found the work saved, and nothing said of it yet.
    after_the_commit: u32,
    /// Kills of a sync that had settled some of what was pending.
    half_synced: u32,
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
    child.wait().unwrap().signal() == Some(9)
}

/// The records that operations of this database are about, whatever became of them.
fn records(db: &Path) -> BTreeSet<RecordId> {
    let database = rusqlite::Connection::open(db).unwrap();
    let mut rows = database
        .prepare("SELECT rec FROM outbox UNION SELECT rec FROM history")
        .unwrap();
    let rows = rows.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
    rows.map(|id| RecordId::from_uuid(uuid::Uuid::from_bytes(id.unwrap())))
        .collect()
}

/// Imported customers of one file.
fn imported(waymark: &Waymark, mark: &str) -> usize {
    waymark.customers().search(mark, 1_000).unwrap().len()
}

struct Run {
    what: What,
    mark: String,
    args: Vec<String>,
}

struct Scene {
    folder: tempfile::TempDir,
    anna: Terminal,
    shop: String,
    visit: String,
}

impl Scene {
    fn next(&self, rng: &mut SeededRng, number: u32) -> Run {
        let what = What::draw(rng);
        let mark = format!("kill-{number}-");
        let args: Vec<&str> = match what {
            What::Note => vec!["visit", "note", "--visit", &self.visit, &mark],
            What::CheckIn => vec![
                "check-in",
                "--visit",
                &self.visit,
                "--lat",
                "43.7",
                "--lon",
                "7.4",
                "--accuracy",
                "9",
                "--datum",
                "wgs84",
            ],
            What::Plan => vec!["visit", "plan", &self.shop],
            What::Import => {
                let mut rows = "id,name,lat,lon\n".to_owned();
                for row in 0..ROWS {
                    writeln!(rows, "{mark}{row},Place {number}-{row},43.7,7.4").unwrap();
                }
                std::fs::write(self.folder.path().join("import.csv"), rows).unwrap();
                vec![
                    "import",
                    "customers",
                    "import.csv",
                    "--datum",
                    "wgs84",
                    "--owner",
                    "Anna",
                ]
            }
            What::Sync => vec!["sync"],
        };
        let args = args
            .into_iter()
            .chain(["--json"])
            .map(str::to_owned)
            .collect();
        Run { what, mark, args }
    }

    /// How long each sort of command takes when nobody kills it.
    fn durations(&self, rng: &mut SeededRng) -> [Duration; 5] {
        let mut durations = [Duration::ZERO; 5];
        let mut number = 1_000_000;
        while durations.contains(&Duration::ZERO) {
            number += 1;
            let run = self.next(rng, number);
            let began = now();
            let done = self.spawn(&run).wait_with_output().unwrap();
            assert!(done.status.success(), "{done:?}");
            durations[run.what as usize] = began.elapsed();
        }
        durations
    }

    fn spawn(&self, run: &Run) -> Child {
        let args: Vec<&str> = run.args.iter().map(String::as_str).collect();
        let mut command = self.anna.command(&args);
        command.current_dir(self.folder.path());
        command.spawn().unwrap()
    }

    fn reopen(&self) -> Waymark {
        Waymark::open(Config::at(&self.anna.db)).unwrap()
    }
}

fn scene(office: &Office) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let anna = Terminal::new(folder.path().join("anna.db"));
    let code = office.invite("Anna", Role::Rep, "north").code;
    anna.json(&["enroll", "--server", &office.url(), "--code", &code]);
    anna.json(&["sync"]);
    let shop = anna.json(&["customer", "add", "Shop"]);
    let shop = shop["customer"].as_str().unwrap().to_owned();
    let visit = anna.json(&["visit", "start", &shop]);
    let visit = visit["visit"].as_str().unwrap().to_owned();
    Scene {
        folder,
        anna,
        shop,
        visit,
    }
}

/// What a process said is saved: an id, or nothing.
fn reported_id(what: What, printed: &Value) -> Option<RecordId> {
    let id = match what {
        What::Note => &printed["note"],
        What::CheckIn => &printed["check_in"]["id"],
        What::Plan => &printed["visit"],
        What::Import | What::Sync => return None,
    };
    Some(id.as_str().expect("an id").parse().unwrap())
}

#[test]
#[ignore = "slow: run by tests/run"]
fn kill_minus_9_of_the_real_cli_200_times_loses_nothing_and_sends_nothing_twice() {
    let office = Office::open();
    let scene = scene(&office);
    let began = now();
    let mut rng = SeededRng::new(SEED);
    let mut tally = Tally::default();
    let mut reported: BTreeSet<RecordId> = BTreeSet::new();
    let mut typical = scene.durations(&mut rng);
    let mut before = scene.reopen().status().unwrap();
    while tally.killed_in_writes + tally.killed_in_syncs < KILLS {
        tally.runs += 1;
        assert!(
            tally.runs < 20 * KILLS,
            "the processes are too fast to be killed: {tally:?}"
        );
        let run = scene.next(&mut rng, tally.runs);
        let usual = &mut typical[run.what as usize];
        let longest = u64::try_from(usual.as_micros()).unwrap() * 5 / 4;
        let spawned = now();
        let mut child = scene.spawn(&run);
        let killed = kill_after(&mut child, Duration::from_micros(rng.below(longest)));
        let code = child.wait().unwrap().code();
        if killed {
            *(if run.what == What::Sync {
                &mut tally.killed_in_syncs
            } else {
                &mut tally.killed_in_writes
            }) += 1;
        } else {
            assert_eq!(code, Some(0), "{:?}: {}", run.args, stderr(&mut child));
            *usual = (*usual).max(spawned.elapsed());
            tally.finished += 1;
        }

        // whatever was called saved is there, and an import is there wholly or not at all
        let mut out = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        let printed: Option<Value> = out
            .ends_with('\n')
            .then(|| serde_json::from_str(&out).unwrap());
        let waymark = scene.reopen();
        assert!(waymark.opened().salvage.is_none() && waymark.opened().damaged_ops == 0);
        let status = waymark.status().unwrap();
        assert!(status.balanced && status.lost == 0, "{status:?}");
        if run.what == What::Import {
            let rows = imported(&waymark, &run.mark);
            assert!(
                rows == ROWS || (rows == 0 && printed.is_none()),
                "{rows} rows, printed {printed:?}"
            );
        }
        drop(waymark);
        if killed && printed.is_none() {
            tally.after_the_commit += u32::from(status.created > before.created);
            let some = status.pending > 0 && status.pending < before.pending;
            tally.half_synced += u32::from(some);
        }
        before = status;
        if let Some(printed) = &printed {
            reported.extend(reported_id(run.what, printed));
        }
        let there = records(&scene.anna.db);
        assert!(
            reported.is_subset(&there),
            "run {}: {:?}",
            tally.runs,
            run.args
        );
    }

    // to the end, in peace
    for _ in 0..3 {
        scene.anna.json(&["sync"]);
    }
    let waymark = scene.reopen();
    let status = waymark.status().unwrap();
    let me = waymark.me().unwrap();
    assert!(status.balanced, "{status:?}");
    assert_eq!(
        (status.pending, status.needs_attention, status.lost),
        (0, 0, 0),
        "{status:?}"
    );
    server_side(&office, me.device, status.created, &reported);
    let report = waymark.into_store().unwrap().check().unwrap();
    assert!(report.is_clean(), "{report:?}");
    let database = rusqlite::Connection::open(&scene.anna.db).unwrap();
    let quick: String = database
        .query_row("PRAGMA quick_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(quick, "ok");
    eprintln!(
        "{} kills: {} during writes ({} after the commit and before a word of it), {} during syncs ({} half way); {} of {} runs finished",
        tally.killed_in_writes + tally.killed_in_syncs,
        tally.killed_in_writes,
        tally.after_the_commit,
        tally.killed_in_syncs,
        tally.half_synced,
        tally.finished,
        tally.runs,
    );
    eprintln!(
        "{} operations saved here, {} on the server; {} ids reported, all there; {:?} in all",
        status.created,
        office.ops_of(me.device).len(),
        reported.len(),
        began.elapsed(),
    );
    assert!(
        tally.killed_in_writes > KILLS / 5 && tally.killed_in_syncs > KILLS / 5,
        "{tally:?}"
    );
}

/// Each operation once, none missing, nothing that nobody made.
fn server_side(office: &Office, device: DeviceId, created: u64, reported: &BTreeSet<RecordId>) {
    let ops = office.ops_of(device);
    let mut counts: Vec<u64> = ops.iter().map(|op| op.n.expect("a count")).collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        (1..=created).collect::<Vec<u64>>(),
        "each count once"
    );
    let ids: BTreeSet<_> = ops.iter().map(|op| op.op).collect();
    assert_eq!(ids.len(), ops.len());
    assert!(office.on_the_servers_list().is_empty());
    assert!(
        office.server().alarms().unwrap().is_empty(),
        "{:?}",
        office.server().alarms()
    );
    office.assert_sound();
    let mut there = BTreeSet::new();
    let mut externals = BTreeSet::new();
    for kind in ["note", "check_in", "visit", "customer"] {
        for row in office.server().records(&Kind::new(kind)).unwrap() {
            if let Some(external) = row.body.get("external").and_then(Value::as_str) {
                assert!(
                    externals.insert(external.to_owned()),
                    "{external} is there twice"
                );
            }
            assert!(there.insert(row.id));
        }
    }
    assert!(reported.is_subset(&there));
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    let _ = child
        .stderr
        .take()
        .map(|mut err| err.read_to_string(&mut text));
    text
}
