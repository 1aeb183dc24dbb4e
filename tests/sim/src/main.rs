//! `waymark-sim`: runs simulated fleets by the thousand, replays one by its number, and proves that planted bugs are found.
#![expect(clippy::print_stdout, reason = "this is a command line program")]

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use waymark_sim::bugs::Bug;
use waymark_sim::fleet_of_seeds::{hunt, run_checked, run_many};
use waymark_sim::world::{Failure, Options};

#[derive(Parser)]
#[command(about = "Simulated fleets of field devices and their server")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run many seeds; every promise must hold in each.
    Run {
        /// How many.
        #[arg(long, default_value_t = 2000)]
        seeds: u64,
        /// The first.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Threads.
        #[arg(long, default_value_t = 2)]
        jobs: usize,
        /// Stop after this many failures.
        #[arg(long, default_value_t = 1)]
        failures: usize,
        /// Do not ask whether everything worth testing has happened.
        #[arg(long)]
        no_coverage: bool,
        /// Drive every engine at the seam where bugs are planted.
        #[arg(long)]
        direct: bool,
        /// Days this many times as long, for a night.
        #[arg(long, default_value_t = 1)]
        longer: u64,
    },
    /// Run one seed with its whole trace.
    Replay {
        /// Its number.
        seed: u64,
        /// With this bug.
        #[arg(long)]
        bug: Option<String>,
        /// Drive every engine at the seam where bugs are planted.
        #[arg(long)]
        direct: bool,
        /// Days this many times as long.
        #[arg(long, default_value_t = 1)]
        longer: u64,
    },
    /// Plant bugs, one after the other; each must be found, and the same seeds must pass without.
    Sabotage {
        /// Seeds within which each must be found.
        #[arg(long, default_value_t = 2000)]
        seeds: u64,
        /// Threads.
        #[arg(long, default_value_t = 2)]
        jobs: usize,
        /// Only this one.
        #[arg(long)]
        bug: Option<String>,
    },
}

fn main() -> ExitCode {
    let ok = match Cli::parse().command {
        Command::Run {
            seeds,
            from,
            jobs,
            failures,
            no_coverage,
            direct,
            longer,
        } => {
            let options = Options {
                direct,
                longer,
                ..Options::default()
            };
            many(from, seeds, jobs, failures, !no_coverage, options)
        }
        Command::Replay {
            seed,
            bug,
            direct,
            longer,
        } => {
            let bug = bug.as_deref().and_then(named);
            let options = Options {
                bug,
                verbose: true,
                direct,
                longer,
            };
            match run_checked(seed, options) {
                Ok(report) => {
                    println!(
                        "seed {seed} holds: trace {:016x}, {} operations, {} exchanges",
                        report.trace, report.ops, report.exchanges
                    );
                    true
                }
                Err(failure) => {
                    show(&Failure {
                        tail: Vec::new(),
                        ..*failure
                    });
                    false
                }
            }
        }
        Command::Sabotage { seeds, jobs, bug } => sabotage(seeds, jobs, bug.as_deref()),
    };
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn named(name: &str) -> Option<Bug> {
    Bug::ALL
        .iter()
        .copied()
        .find(|bug| format!("{bug:?}").eq_ignore_ascii_case(name))
}

fn many(
    from: u64,
    seeds: u64,
    jobs: usize,
    enough: usize,
    coverage: bool,
    options: Options,
) -> bool {
    let took = Stopwatch::start();
    let runs = run_many(from, seeds, jobs, options, enough);
    let took = took.elapsed();
    for (what, count) in &runs.seen {
        println!("{count:>9}  {what}");
    }
    println!(
        "{} seeds, {} operations, {} exchanges in {:.1} s: {:.1} seeds/s on {jobs} threads",
        runs.seeds,
        runs.ops,
        runs.exchanges,
        took.as_secs_f64(),
        runs.seeds as f64 / took.as_secs_f64()
    );
    runs.failures.iter().for_each(show);
    let missing = runs.missing();
    let covered = !coverage || !runs.failures.is_empty() || missing.is_empty();
    if !covered {
        println!("never happened: {missing:?}");
    }
    if runs.failures.is_empty() && covered {
        println!("lost 0, duplicated 0, diverged 0, stuck 0");
    }
    runs.failures.is_empty() && covered
}

fn sabotage(seeds: u64, jobs: usize, only: Option<&str>) -> bool {
    let only = only.and_then(named);
    let mut last = 0;
    let mut all = true;
    for &bug in Bug::ALL
        .iter()
        .filter(|bug| only.is_none_or(|only| only == **bug))
    {
        match hunt(bug, seeds, jobs) {
            Some(found) => {
                last = last.max(found.seed);
                println!(
                    "found after {:>5} seeds by {:<18} {}",
                    found.seed + 1,
                    found.violation.invariant,
                    bug.text()
                );
            }
            None => {
                all = false;
                println!("NOT found in {seeds} seeds: {}", bug.text());
            }
        }
    }
    let options = Options {
        direct: true,
        ..Options::default()
    };
    println!("control: the same {} seeds without a bug", last + 1);
    many(0, last + 1, jobs, 1, false, options) && all
}

fn show(failure: &Failure) {
    for line in &failure.tail {
        println!("  {line}");
    }
    let violation = &failure.violation;
    println!(
        "seed {} step {}: {} is broken: {}",
        failure.seed, failure.step, violation.invariant, violation.what
    );
    println!("replay with: waymark-sim replay {}", failure.seed);
}

/// How long a run takes: the only real time here, and only to be shown.
struct Stopwatch(std::time::Instant);

impl Stopwatch {
    fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a benchmark figure, not a part of the simulation"
        )]
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
