//! `cargo xtask`: the checks of this repository that no ready-made tool knows.
//!
//! Exit code 0: nothing found. 1: a rule is broken, one line for each finding. 2: the check could not be made.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool: its findings are its output"
)]
#![expect(
    clippy::print_stderr,
    reason = "a command line tool: why it could not work goes to standard error"
)]

mod graph;
mod shell;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::shell::Trouble;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "House checks of this repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Who may depend on whom: the arrows among our crates, and what the pure ones never see
    CheckGraph,
    /// House rules that are read off the text of the files git knows, and of new ones it does not ignore
    CheckTree,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::CheckGraph => graph::check(),
        Task::CheckTree => tree::check(),
    };
    match outcome {
        Ok(report) => {
            for finding in &report.findings {
                println!("{finding}");
            }
            println!("{}", report.closing());
            if report.findings.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(1)
            }
        }
        Err(trouble) => {
            eprintln!("cargo xtask: {trouble}");
            ExitCode::from(2)
        }
    }
}

/// What one check saw.
struct Report {
    /// What was looked at, for the closing line: a check that looked at nothing must not look like one that passed.
    looked_at: String,
    /// One line for each broken rule.
    findings: Vec<String>,
}

impl Report {
    fn closing(&self) -> String {
        match self.findings.len() {
            0 => format!("{}: every rule holds", self.looked_at),
            1 => format!("{}: 1 finding", self.looked_at),
            several => format!("{}: {several} findings", self.looked_at),
        }
    }
}

/// The result of a check: a report, or why there is none.
type Outcome = Result<Report, Trouble>;
