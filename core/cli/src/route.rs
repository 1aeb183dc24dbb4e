//! `waymark route …`.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use waymark_client::Lang;
use waymark_client::system::cpu_seconds;
use waymark_route::answer::{Answer, Gives, Measure, Proof};
use waymark_route::json::{Given, Taken};
use waymark_route::{Budget, Cost, Error, Options, solve};

use crate::args::NewFile;
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::words::route as words;

/// A thousand places with ten digits each, and room for names.
const MOST_BYTES: u64 = 32_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Route {
    /// Find the best order, with a proof or how far from one it is; writes JSON
    Solve(Solve),
}

#[derive(Debug, Args)]
pub(crate) struct Solve {
    /// The problem, a JSON file; - or nothing is standard input
    #[arg(value_name = "FILE")]
    pub(crate) problem: Option<PathBuf>,
    /// Seconds of processor time to use at most [default: budget_ms of the problem, or 1]
    #[arg(long, value_parser = seconds)]
    pub(crate) seconds: Option<f64>,
    /// The seed of the search [default: seed of the problem, or 1]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where to write the answer [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| text.to_owned())?;
    (0.0..=3600.0)
        .contains(&seconds)
        .then_some(seconds)
        .ok_or_else(|| text.to_owned())
}

/// Processor time of the process, from its very beginning: reading the problem counts.
struct ProcessorTime {
    seconds: f64,
    prizes: bool,
    trace: Vec<(f64, i64)>,
}

impl Budget for ProcessorTime {
    fn spent(&mut self, _work: u64) -> f64 {
        cpu_seconds() / self.seconds.max(1e-6)
    }

    fn better(&mut self, cost: &Cost, _order: &[usize]) {
        let ms = (cpu_seconds() * 10_000.0).round() / 10.0;
        let value = if self.prizes { cost.lost } else { cost.travel };
        self.trace.push((ms, value));
    }
}

pub(crate) fn run(context: &Context, what: Route) -> Outcome {
    match what {
        Route::Solve(args) => find_order(context, args),
    }
}

fn find_order(context: &Context, args: Solve) -> Outcome {
    let out = args.out.map(|new_file| NewFile {
        new_file,
        force: args.force,
    });
    if let Some(out) = &out {
        out.check()?;
    }
    let given = read(args.problem.as_deref())?;
    let name = |place: usize| given.names.get(place).map(String::as_str);
    let refused = |error: Error| {
        let place = match error {
            Error::Stop { stop, .. } => name(stop),
            _ => None,
        };
        let place = place.map(str::to_owned);
        Own::Route(error, place)
    };
    let problem = given.problem().map_err(refused)?;
    let asked = given.budget_ms.map(|ms| ms / 1000.0);
    let mut time = ProcessorTime {
        seconds: args.seconds.or(asked).unwrap_or(1.0),
        prizes: given.prize.is_some(),
        trace: Vec::new(),
    };
    let options = Options {
        seed: args.seed.or(given.seed).unwrap_or(1),
        ..Options::default()
    };
    let answer = solve(&problem, options, &mut time).map_err(refused)?;
    let json = serde_json::to_string(&Taken::new(&answer, &time.trace)).map_err(io::Error::from)?;
    let told = told(context.lang, &answer, name);
    match out {
        Some(out) => {
            out.write(|file| Ok(writeln!(file, "{json}")?))?;
            context.tell(&words::written(context.lang, out.name()));
        }
        None => {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{json}")?;
            stdout.flush()?;
        }
    }
    if !context.json {
        context.tell(&told.join("\n"));
    }
    Ok(())
}

fn read(path: Option<&Path>) -> Outcome<Given> {
    let mut text = String::new();
    let read = match path.filter(|path| *path != Path::new("-")) {
        None => io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_string(&mut text),
        Some(path) => File::open(path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Own::NoSuchFile(path.display().to_string()).into(),
                _ => crate::failure::Failure::from(error),
            })?
            .take(MOST_BYTES)
            .read_to_string(&mut text),
    };
    match read {
        Ok(bytes) if bytes as u64 >= MOST_BYTES => {
            return Err(Own::ProblemTooLarge(MOST_BYTES / 1_000_000).into());
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Own::NotAProblem(error.to_string()).into());
        }
        Err(error) => return Err(error.into()),
    }
    let given = serde_json::from_str(&text).or_else(|error| {
        // Python writes NaN, which is no JSON: as null it is found at its stop
        let retry = text.contains("NaN").then(|| text.replace("NaN", "null"));
        retry
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or(error)
    });
    Ok(given.map_err(|error| Own::NotAProblem(error.to_string()))?)
}

/// What is said to a person, on standard error: standard output is the answer's.
fn told<'a>(lang: Lang, answer: &Answer, name: impl Fn(usize) -> Option<&'a str>) -> Vec<String> {
    let stop = |place: usize| words::stop(lang, place, name(place));
    let mut told = Vec::new();
    match &answer.proof {
        Proof::Optimal(_) => told.push(words::shortest(lang)),
        Proof::Gap {
            measure, percent, ..
        } => match measure {
            Measure::Travel => {
                // above the bound, said as a share of the order itself
                let below = 100.0 * percent / (100.0 + percent);
                told.push(words::travel_gap(lang, format_args!("{below:.1}")));
            }
            Measure::Lost => told.push(words::lost_gap(lang, format_args!("{percent:.1}"))),
            Measure::Late => {}
        },
    }
    let Some(relaxation) = &answer.relaxation else {
        return told;
    };
    told.push(words::late(lang, answer.cost.late));
    for &(who, seconds) in &relaxation.later {
        told.push(match who {
            Gives::Visit(place) => words::late_visit(lang, stop(place), seconds),
            Gives::Break(number) => words::late_break(lang, number + 1, seconds),
            Gives::End => words::late_end(lang, seconds),
        });
    }
    if !relaxation.without.is_empty() {
        let names: Vec<String> = relaxation.without.iter().map(|&p| stop(p)).collect();
        told.push(words::without(lang, names.join(", ")));
    }
    told
}
