//! `waymark sync`.

use waymark_client::{ClientEvent, SyncReport, Waymark, WaymarkError};

use crate::context::{Context, wait_for};
use crate::failure::Outcome;
use crate::words::rep as words;

/// Most events pulled at a time.
const EVENTS: usize = 16;

pub(crate) fn run(context: &Context) -> Outcome {
    let waymark = context.open()?;
    let url = waymark.me()?.server_url;
    if !context.json {
        context.tell(&words::syncing_with(context.lang, url));
    }
    let report = wait_for(watched(context, &waymark))??;
    context.show(&report, || {
        let lang = context.lang;
        let mut lines = vec![words::sync_done(lang, report.settled, report.fetched)];
        lines.push(words::sync_traffic(
            lang,
            report.sent_bytes,
            report.received_bytes,
            report.calls,
        ));
        if report.pending > 0 {
            lines.push(words::sync_left(lang, report.pending));
        }
        if report.attention > 0 {
            lines.push(words::attention_left(lang, report.attention));
        }
        lines.join("\n")
    })
}

/// Syncs, and tells every step on standard error while it works.
async fn watched(context: &Context, waymark: &Waymark) -> Result<SyncReport, WaymarkError> {
    let sync = waymark.sync();
    let mut run = std::pin::pin!(sync.run(&|_| {}));
    loop {
        tokio::select! {
            biased;
            events = waymark.next_events(EVENTS) => events.iter().for_each(|event| tell(context, event)),
            report = &mut run => {
                // what was told in the last moment
                let last = tokio::select! {
                    biased;
                    events = waymark.next_events(EVENTS) => events,
                    () = std::future::ready(()) => Vec::new(),
                };
                last.iter().for_each(|event| tell(context, event));
                return report;
            }
        }
    }
}

fn tell(context: &Context, event: &ClientEvent) {
    let lang = context.lang;
    match event {
        ClientEvent::Syncing(progress) if !context.json => {
            let line = words::sync_progress(
                lang,
                progress.settled,
                progress.pending,
                progress.fetched,
                progress.calls,
            );
            context.tell(&line);
        }
        ClientEvent::TrackWaits(error) => {
            context.tell(&words::track_waits(lang, error.message(lang)));
        }
        ClientEvent::UpgradeNeeded => context.tell(&words::upgrade_needed(lang)),
        _ => {}
    }
}
