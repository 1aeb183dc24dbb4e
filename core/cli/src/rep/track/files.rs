//! `waymark track export` and `waymark track replay`.

use serde_json::json;
use waymark_client::track::replay::Replay;
use waymark_client::track::{Recording, geojson, gpx};

use super::asked;
use crate::args::{TrackExport, TrackReplay};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::values::TrackFormat;
use crate::words::track as words;

pub(super) fn export(context: &Context, args: &TrackExport) -> Outcome {
    let format = match args.format {
        Some(format) => format,
        None => by_name(&args.to.new_file).ok_or_else(|| Own::NoFormat(args.to.name()))?,
    };
    args.to.check()?;
    let waymark = context.open()?;
    let asked = asked(&waymark, &args.track)?;
    let name = waymark.tracks().name_of(asked.rep)?;
    let title = words::replay_title(context.lang, name, asked.day);
    let found = waymark.tracks().of(asked.rep, asked.day, &asked.purpose)?;
    let recording = Recording::of_day(&title, &found, waymark.regions()?)?;
    args.to.write(|out| {
        match format {
            TrackFormat::Gpx => gpx::write(&recording, out)?,
            TrackFormat::Geojson => geojson::write(&recording, out)?,
        }
        Ok(())
    })?;
    let points = recording.points().count();
    let file = args.to.name();
    let value = json!({
        "file": file, "points": points, "datum": "wgs84", "rep": asked.rep, "day": asked.day,
    });
    context.show(&value, || {
        let lang = context.lang;
        let noted = asked.others.then(|| words::noted(lang));
        let lines = noted
            .into_iter()
            .chain([words::exported(lang, points, &file)]);
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn by_name(path: &std::path::Path) -> Option<TrackFormat> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "gpx" => Some(TrackFormat::Gpx),
        "geojson" | "json" => Some(TrackFormat::Geojson),
        _ => None,
    }
}

pub(super) fn replay(context: &Context, args: &TrackReplay) -> Outcome {
    args.to.check()?;
    let waymark = context.open()?;
    let asked = asked(&waymark, &args.track)?;
    let tracks = waymark.tracks();
    let replay = tracks.replay(asked.rep, asked.day, &asked.purpose)?;
    let lang = context.lang;
    let replay = Replay {
        title: words::replay_title(lang, &replay.rep, &replay.day),
        ..replay
    };
    let page = replay.html(lang)?;
    args.to.write(|out| Ok(out.write_all(page.as_bytes())?))?;
    let file = args.to.name();
    let value = json!({
        "file": file, "points": replay.points.len(), "stops": replay.stops.len(), "gaps": replay.gaps.len(), "rep": asked.rep,
        "day": asked.day,
    });
    context.show(&value, || {
        let noted = asked.others.then(|| words::noted(lang));
        let lines = noted.into_iter().chain([words::replayed(lang, &file)]);
        lines.collect::<Vec<_>>().join("\n")
    })
}
