//! `waymark demo-worker`: a part of Anna's day in a process of its own, made to be killed.
//!
//! It reports every operation on standard output after it was saved. When its part is done it waits on standard input, so that whoever
//! started it always finds it alive.

use std::io::{self, Read as _, Write as _};

use super::cast::open;
use super::clock::{VirtualClock, World};
use super::day::{Worker, itinerary, own_places};
use super::tracks::Track;
use crate::args::DemoWorker;
use crate::context::Context;
use crate::failure::{Outcome, Own};

pub(crate) fn run(context: &Context, args: &DemoWorker) -> Outcome {
    let world = World::at(args.now_ms);
    let path = context.path()?;
    let waymark = open(
        &path,
        VirtualClock::new(world.clone(), args.boot, args.skew_ms),
    )?;
    let places = own_places(&waymark)?;
    let positions: Vec<_> = places.iter().map(|(_, at)| *at).collect();
    let track = Track::zurich().moved_to(&positions);
    let stops = itinerary(&places, &track);
    let rest = stops.get(args.stop..).unwrap_or_default();
    let day = waymark.today_date()?;
    let mut report = |saved| {
        let line = serde_json::to_string(&(world.now_ms(), saved))
            .map_err(|error| Own::Demo(error.to_string()))?;
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    };
    let mut worker = Worker {
        waymark: &waymark,
        track: &track,
        world: &world,
        day,
        report: &mut report,
    };
    worker.work(rest, args.stop)?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
