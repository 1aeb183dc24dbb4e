//! Recordings through the files of tracks: `cargo run -p waymark-client --example track_files IN.gpx|DAY OUT_FOLDER`.
//!
//! Reads a GPX file, writes it as GPX, GeoJSON and as a page in both languages, and says what was odd.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that is run by hand"
)]

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use waymark_client::Lang;
use waymark_client::track::replay::{Mark, MarkKind, Outline, Place, Replay, Verdict};
use waymark_client::track::{Recording, geojson, gpx};
use waymark_domain::geo::{Datum, Position, Regions};
use waymark_domain::track::{HOLE_MS, Track};

/// Given to points of recordings that state no accuracy, metres.
const NO_ACCURACY_M: f64 = 10.0;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let input = PathBuf::from(arguments.next().unwrap());
    let folder = PathBuf::from(arguments.next().unwrap());
    let name = input.file_stem().unwrap().to_str().unwrap().to_owned();
    let read = gpx::read(BufReader::new(File::open(&input).unwrap())).unwrap();
    let (entries, untimed) = read.recording.entries(0, NO_ACCURACY_M);
    println!(
        "{name}: {} points, {untimed} without time, {} oddities {:?}",
        read.recording.points().count(),
        read.odd,
        read.oddities.first()
    );
    gpx::write(
        &read.recording,
        &mut File::create(folder.join(format!("{name}.gpx"))).unwrap(),
    )
    .unwrap();
    geojson::write(
        &read.recording,
        &mut File::create(folder.join(format!("{name}.geojson"))).unwrap(),
    )
    .unwrap();
    if entries.is_empty() {
        return;
    }
    let track = Track::new(&entries, HOLE_MS).unwrap();
    let recording = Recording::of(&name, &track, 0, Regions::default());
    gpx::write(
        &recording,
        &mut File::create(folder.join(format!("{name}.track.gpx"))).unwrap(),
    )
    .unwrap();
    let mut replay = Replay {
        title: name.clone(),
        day: "2020-10-29".to_owned(),
        rep: "Amélie / 王小明".to_owned(),
        utc_offset_min: 60,
        ..Replay::of(&track, 0)
    };
    if let Some(stop) = replay.stops.first() {
        replay.fences.push(Place {
            name: "A & B".to_owned(),
            outline: Outline::Circle {
                center: stop.position,
                radius_m: 100.0,
            },
        });
        let (lat, lon) = (stop.position.lat(), stop.position.lon());
        let corner =
            |north: f64, east: f64| Position::new(Datum::Wgs84, lat + north, lon + east).unwrap();
        replay.fences.push(Place {
            name: "Campus".to_owned(),
            outline: Outline::Ring(vec![
                corner(0.0002, 0.0005),
                corner(0.0018, 0.0004),
                corner(0.0016, 0.0034),
                corner(0.0008, 0.0022),
                corner(0.0001, 0.0030),
            ]),
        });
        replay.marks.push(Mark {
            at: stop.from + 60_000,
            position: Some(stop.position),
            label: "A & B".to_owned(),
            kind: MarkKind::CheckIn,
            verdict: Some(Verdict::Inside),
        });
    }
    for (lang, tag) in [(Lang::En, "en"), (Lang::ZhHans, "zh")] {
        std::fs::write(
            folder.join(format!("{name}.{tag}.html")),
            replay.html(lang).unwrap(),
        )
        .unwrap();
    }
}
