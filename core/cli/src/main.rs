//! The command line.

mod args;
mod context;
mod demo;
mod failure;
mod office;
mod output;
mod photo;
mod rep;
mod route;
mod stamp;
mod values;
mod when;
mod width;
mod words;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use serde_json::json;
use waymark_client::Lang;
use waymark_domain::check_in::Moment;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::words::{help, rep as sentences};

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let lang = early_lang(&given);
    let command = help::in_lang(Cli::command(), lang);
    let cli = match command
        .try_get_matches_from(&given)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &given, lang),
    };
    let context = Context::new(cli.global);
    match run(&context, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = if context.json {
                failure.json(context.lang).map(|error| error.to_string())
            } else {
                failure.text(context.lang)
            };
            if let Some(text) = text {
                context.tell(&text);
            }
            ExitCode::from(failure.exit())
        }
    }
}

fn run(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Enroll(args) => rep::enrol::run(context, args),
        Command::Today(args) => rep::today::run(context, &args),
        Command::Customer(what) => rep::customer::run(context, what),
        Command::Visit(what) => rep::visit::run(context, what),
        Command::CheckIn(args) => rep::check_in::run(context, &args, Moment::Arrival),
        Command::CheckOut(args) => rep::check_in::run(context, &args, Moment::Departure),
        Command::Policy(what) => rep::policy::run(context, what),
        Command::Shift(what) => rep::shift::run(context, what),
        Command::Track(what) => rep::track::run(context, what),
        Command::Sos(args) => rep::sos::run(context, &args),
        Command::Privacy(args) => rep::privacy::run(context, &args),
        Command::Evidence(what) => rep::evidence::run(context, what),
        Command::Verify(args) => rep::evidence::verify(context, &args),
        Command::Stamp(args) => stamp::run(context, &args),
        Command::Photo(what) => photo::run(context, what),
        Command::Route(what) => route::run(context, what),
        Command::Sync => rep::sync::run(context),
        Command::Status => rep::status::run(context),
        Command::Attention(args) => rep::attention::run(context, args.what),
        Command::Import(args::Import::Customers(args)) => rep::import::run(context, args),
        Command::Export(args) => rep::export::run(context, args.file),
        Command::Serve(args) => office::serve::run(context, args),
        Command::Admin(what) => office::admin::run(context, what),
        Command::Server(what) => office::data::run(context, what),
        Command::Demo(args) => demo::run(context, &args),
        Command::DemoWorker(args) => demo::worker::run(context, &args),
    }
}

/// The language, before the grammar is known to hold: help and usage errors need it.
fn early_lang(given: &[OsString]) -> Lang {
    let texts: Vec<&str> = given.iter().filter_map(|arg| arg.to_str()).collect();
    let after = texts
        .iter()
        .position(|arg| *arg == "--lang")
        .and_then(|at| texts.get(at + 1))
        .copied();
    let joined = texts.iter().find_map(|arg| arg.strip_prefix("--lang="));
    let from_env = std::env::var("WAYMARK_LANG").ok();
    after
        .or(joined)
        .or(from_env.as_deref())
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(context::locale)
}

/// Help and version on standard output; wrong usage on standard error, as JSON when that was asked for.
fn usage(error: &clap::Error, given: &[OsString], lang: Lang) -> ExitCode {
    if !error.use_stderr() {
        // who closed the output does not want the help
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = if given.iter().any(|arg| arg == "--json") {
        let message = error.to_string();
        let message = message
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        let remedy = sentences::usage_remedy(lang);
        format!(
            "{}\n",
            json!({ "error": { "code": "usage", "message": message, "remedy": remedy, "work_saved": true } })
        )
    } else {
        let _ = error.print();
        format!("{}\n", sentences::saved_line(lang))
    };
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(Exit::Usage as u8)
}
