//! Syncing through a bad network until nothing is left.

use std::collections::BTreeMap;

use waymark_client::{ClientEvent, SyncReport, Waymark, WaymarkError};

use super::cast::Person;
use super::clock::World;
use crate::failure::{Outcome, Own};
use crate::words::demo as words;
use waymark_client::Lang;

/// Most events pulled at a time.
const EVENTS: usize = 64;

/// Most rounds of one person: at two faults in five a round of six calls fails nineteen times in twenty.
const MOST_ROUNDS: u32 = 400;

/// How the rounds went.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds {
    /// All.
    pub(super) rounds: u32,
    /// Those that failed, by code.
    pub(super) failed: BTreeMap<&'static str, u32>,
    /// Back-off waited for by the virtual clock, milliseconds.
    pub(super) waited_ms: i64,
}

/// Syncs once.
pub(super) async fn sync(waymark: &Waymark) -> Result<SyncReport, WaymarkError> {
    waymark.sync().run(&|_| {}).await
}

/// Syncs everybody in turn, until a turn in which nothing was pending and nothing new came for anybody.
pub(super) async fn until_quiet(
    people: &mut [&mut Person],
    world: &World,
    lang: Lang,
) -> Outcome<BTreeMap<&'static str, Rounds>> {
    let mut all: BTreeMap<&'static str, Rounds> = BTreeMap::new();
    loop {
        let mut quiet = true;
        for person in people.iter_mut() {
            let rounds = all.entry(person.name).or_default();
            quiet &= one_success(person, rounds, world, lang).await?;
        }
        if quiet {
            return Ok(all);
        }
    }
}

/// Tries until a round succeeds. Gives whether it found nothing to do.
async fn one_success(
    person: &mut Person,
    rounds: &mut Rounds,
    world: &World,
    lang: Lang,
) -> Outcome<bool> {
    let name = person.name;
    let waymark = person.waymark()?;
    loop {
        rounds.rounds += 1;
        if rounds.rounds > MOST_ROUNDS {
            return Err(Own::Demo(words::stuck(lang, name, MOST_ROUNDS)).into());
        }
        match sync(waymark).await {
            Ok(report) => {
                // what the server put off is asked for again after a moment
                world.advance(1000);
                return Ok(report.pending == 0 && report.settled == 0 && report.fetched == 0);
            }
            Err(error) => {
                *rounds.failed.entry(error.code.wire()).or_default() += 1;
                let wait = retry_ms(waymark).await;
                rounds.waited_ms += wait;
                world.advance(wait);
            }
        }
    }
}

/// How long the engine wants to wait after a failure.
async fn retry_ms(waymark: &Waymark) -> i64 {
    let events = tokio::select! {
        biased;
        events = waymark.next_events(EVENTS) => events,
        () = std::future::ready(()) => Vec::new(),
    };
    let mut waits = events.iter().rev().filter_map(|event| match event {
        ClientEvent::SyncFailed(_, ms) => Some(*ms),
        _ => None,
    });
    waits.next().unwrap_or(1000)
}
