//! The main job, shown on real data: a day worked without a network, then synced exactly once.
//!
//! Everything is real: SQLite files, the HTTP server, a TCP proxy that fails, a process that is killed. Only the time is virtual, so that a
//! day of ten hours takes seconds.

mod cast;
mod clock;
mod day;
mod folder;
mod kill;
mod ledger;
mod network;
mod office;
mod proof;
mod story;
mod teller;
mod tracks;
pub(crate) mod worker;

use serde_json::json;

use self::teller::Teller;
use crate::args::Demo;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Own};
use crate::words::demo as words;

pub(crate) fn run(context: &Context, args: &Demo) -> Outcome {
    let folder = folder::make(args)?;
    let teller = Teller::new(context, args.quiet);
    teller.always(&words::folder(context.lang, folder.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Own::Runtime(error.to_string()))?;
    let end = runtime.block_on(story::tell(&teller, &folder, args.seed))?;
    let lang = context.lang;
    let seconds = format!("{:.1}", teller.elapsed_s());
    let wrong = end.ledger.wrong();
    let value = json!({
        "folder": folder, "adds_up": wrong.is_empty(), "wrong": wrong, "ledger": end.ledger, "network": end.network,
        "elapsed_ms": teller.elapsed_ms(),
    });
    let text = serde_json::to_string_pretty(&value).map_err(std::io::Error::from)?;
    std::fs::write(folder.join("ledger.json"), text)?;
    if !wrong.is_empty() {
        teller.always(&end.ledger.text(lang))?;
        let failure = Failure::from(Own::Demo(words::does_not_add_up(lang, wrong.join(", "))));
        if context.json {
            context.show(&value, String::new)?;
        }
        return Err(failure);
    }
    context.show(&value, || {
        let parts = [
            end.ledger.text(lang),
            String::new(),
            end.totals,
            words::credit(lang),
            words::folder(lang, folder.display()),
            words::where_to_look(lang, folder.join("anna.db").display()),
            words::adds_up(lang, &seconds),
        ];
        parts.join("\n")
    })
}
