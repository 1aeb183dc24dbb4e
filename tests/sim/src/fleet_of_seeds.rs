//! Many seeds, on some threads. A seed runs on one thread from its first step to its last.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bugs::Bug;
use crate::oracle::Violation;
use crate::world::{Failure, Options, Report, run};

/// Every this many seeds one is run twice, and must do the same.
const TWICE: u64 = 100;

/// What must be seen at least once in a run of thousands of seeds: what never happens is not tested.
pub const REQUIRED: &[&str] = &[
    "applied",
    "merged",
    "review",
    "rejected",
    "vaulted",
    "deferred",
    "group",
    "page more",
    "snapshot",
    "revoke",
    "device revoked",
    "customer moved",
    "epoch change",
    "epoch taken",
    "requeued",
    "departure",
    "positions kept",
    "session",
    "reboot",
    "clock jump",
    "suspend",
    "disk full",
    "partition",
    "kill between",
    "kill mid transaction",
    "server restart",
    "server commit fails",
    "server disk full",
    "server dies",
    "attention",
    "retry attention",
    "dismiss attention",
    "fault LostRequest",
    "fault CutRequest",
    "fault Duplicate",
    "fault Late",
    "fault LostAnswer",
    "fault CutAnswer",
    "fault Portal",
    "fault ServerKilled",
];

/// What many seeds did.
#[derive(Debug, Default)]
pub struct Runs {
    /// How many ran.
    pub seeds: u64,
    /// Operations that devices made.
    pub ops: u64,
    /// Exchanges that the server answered.
    pub exchanges: u64,
    /// How often what was seen.
    pub seen: BTreeMap<String, u64>,
    /// Seeds that broke a promise, the smallest first.
    pub failures: Vec<Failure>,
}

/// Runs one seed; a panic counts as a broken promise, and so does another trace the second time.
///
/// # Errors
/// The first promise that it breaks.
pub fn run_checked(seed: u64, options: Options) -> Result<Report, Box<Failure>> {
    let once = || {
        catch_unwind(AssertUnwindSafe(|| run(seed, options))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(failure(seed, "panic", text.unwrap_or_default()))
        })
    };
    let first = once()?;
    if seed.is_multiple_of(TWICE) {
        let second = once()?;
        if first.trace != second.trace {
            return Err(failure(
                seed,
                "determinism",
                "the same seed did something else".to_owned(),
            ));
        }
    }
    Ok(first)
}

fn failure(seed: u64, invariant: &'static str, what: String) -> Box<Failure> {
    let violation = Violation { invariant, what };
    Box::new(Failure {
        seed,
        step: 0,
        violation,
        tail: Vec::new(),
    })
}

/// Runs the seeds from `from` on, `seeds` of them, on `jobs` threads. Stops early after `enough` failures.
#[must_use]
pub fn run_many(from: u64, seeds: u64, jobs: usize, options: Options, enough: usize) -> Runs {
    let next = AtomicU64::new(from);
    let all = Mutex::new(Runs::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let result = run_checked(seed, options);
                    let mut all = all.lock().unwrap();
                    all.seeds += 1;
                    match result {
                        Ok(report) => all.add(report),
                        Err(failure) => all.failures.push(*failure),
                    }
                    if all.failures.len() >= enough {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap();
    all.failures.sort_by_key(|failure| failure.seed);
    all
}

impl Runs {
    fn add(&mut self, report: Report) {
        self.ops += report.ops;
        self.exchanges += report.exchanges;
        for (what, count) in report.seen {
            *self.seen.entry(what).or_default() += count;
        }
    }

    /// What should have been seen and was not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        REQUIRED
            .iter()
            .copied()
            .filter(|what| !self.seen.contains_key(*what))
            .collect()
    }
}

/// Looks for a bug: how many seeds it took, and what gave it away.
#[must_use]
pub fn hunt(bug: Bug, seeds: u64, jobs: usize) -> Option<Failure> {
    let options = Options {
        bug: Some(bug),
        ..Options::default()
    };
    let found = run_many(0, seeds, jobs, options, 1).failures;
    found.into_iter().next()
}
