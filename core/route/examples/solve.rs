//! Reads one problem as JSON, writes the answer as JSON: the shortest way from a bench to the solver.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

use std::io::Read as _;
use std::time::Instant;
use waymark_route::json::{Given, Taken};
use waymark_route::{Budget, Cost, Options, check, solve};

struct Clock {
    start: Instant,
    seconds: f64,
    trace: Vec<(f64, i64)>,
    prize: bool,
}
impl Budget for Clock {
    fn spent(&mut self, _work: u64) -> f64 {
        self.start.elapsed().as_secs_f64() / self.seconds
    }
    fn better(&mut self, cost: &Cost, _order: &[usize]) {
        let ms = (self.start.elapsed().as_secs_f64() * 10000.0).round() / 10.0;
        self.trace
            .push((ms, if self.prize { -cost.lost } else { cost.travel }));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = {
        #[expect(
            clippy::disallowed_methods,
            reason = "the bench's clock is the process's"
        )]
        Instant::now()
    };
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let given: Given = serde_json::from_str(&text)?;
    let problem = given.problem()?;
    let seconds = given.budget_ms.unwrap_or(1000.0) / 1000.0;
    let mut clock = Clock {
        start,
        seconds,
        trace: Vec::new(),
        prize: given.prize.is_some(),
    };
    let options = Options {
        seed: given.seed.unwrap_or(1),
        ..Options::default()
    };
    let answer = solve(&problem, options, &mut clock)?;
    if std::env::var_os("CHECK").is_some() {
        eprintln!("{:?}", check::check(&problem, &answer));
    }
    let trace = std::mem::take(&mut clock.trace);
    println!("{}", serde_json::to_string(&Taken::new(&answer, &trace))?);
    Ok(())
}
