//! Figures of tracks: simulated days with known truth, and recordings when a folder with `points.csv` is named.
//!
//! `cargo run --release -p waymark-domain --example tracks [FOLDER]`. The columns of `points.csv` are
//! `track_id,seq,time_utc,lat,lon,ele_m,accuracy_m,speed_mps,hdop`. Prints one row for each recording, as CSV.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program that is run by hand"
)]

use std::path::Path;

use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::{Datum, Position};
use waymark_domain::track::distance::distance;
use waymark_domain::track::filter::{Limits, Mark, filter};
use waymark_domain::track::stops::{Params, stops};
use waymark_domain::track::{Entry, HOLE_MS, Track, pack};

#[path = "../tests/track/score.rs"]
mod score;
#[path = "../tests/track/sim.rs"]
mod sim;

/// Given to fixes of recordings that state no accuracy, metres.
const NO_ACCURACY_M: f64 = 10.0;

fn main() {
    for (name, plan) in sim::Plan::KINDS {
        println!("# {name}: {}", score::score(0..200, plan));
        println!(
            "# {name}, packed at 10 m: {}",
            score::score_with(0..200, plan, Some(10.0))
        );
        let days: Vec<_> = (0..20)
            .map(|seed| pack(&sim::day(seed, plan).entries, 10.0).unwrap())
            .collect();
        let sum =
            |f: &dyn Fn(&waymark_domain::track::Packed) -> usize| days.iter().map(f).sum::<usize>();
        println!(
            "# {name}: an 8 h day packs {} fixes to {} points in {} bytes",
            sum(&|p| p.fixes_in) / 20,
            sum(&|p| p.points_out) / 20,
            sum(&|p| p.bytes.len()) / 20
        );
    }
    if let Some(folder) = std::env::args().nth(1) {
        recordings(Path::new(&folder));
    }
}

fn recordings(folder: &Path) {
    println!(
        "track,fixes,untimed,points,bytes,bytes_per_fix,worst_m,rejected,jumps,gaps,stops,km,plus_minus_km,uncounted_km"
    );
    let text = std::fs::read_to_string(folder.join("points.csv")).unwrap();
    let mut lines: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    lines.sort_by(|a, b| a[0].cmp(b[0]));
    for recording in lines.chunk_by(|a, b| a[0] == b[0]) {
        let mut untimed = 0;
        let mut entries = Vec::new();
        for line in recording {
            let Some(at) = chrono::DateTime::parse_from_rfc3339(line[2]).ok() else {
                untimed += 1;
                continue;
            };
            let number = |i: usize| line[i].parse::<f64>().ok();
            let accuracy = number(6)
                .filter(|m| *m > 0.0)
                .or(number(8).map(|hdop| 5.0 * hdop))
                .unwrap_or(NO_ACCURACY_M);
            let position =
                Position::new(Datum::Wgs84, number(3).unwrap(), number(4).unwrap()).unwrap();
            entries.push(Entry::Fix(Fix::new(
                position,
                accuracy,
                AccuracySource::Stated,
                at.timestamp_millis(),
            )));
        }
        let name = recording[0][0];
        if entries.is_empty() {
            println!("{name},0,{untimed},,,,,,,,,,,");
            continue;
        }
        let packed = pack(&entries, 10.0).unwrap();
        let track = Track::new(&entries, HOLE_MS).unwrap();
        let filtered = filter(&track, Limits::default());
        let found = stops(&track, &filtered, &Params::default());
        let way = distance(&track, &filtered, &found);
        let rejected = filtered
            .marks
            .iter()
            .filter(|mark| matches!(mark, Mark::Rejected(_)))
            .count();
        println!(
            "{name},{},{untimed},{},{},{:.2},{:.1},{rejected},{},{},{},{:.3},{:.3},{:.3}",
            entries.len(),
            packed.points_out,
            packed.bytes.len(),
            packed.bytes.len() as f64 / entries.len() as f64,
            packed.worst_error_m,
            filtered.jumps.len(),
            track.gaps().len(),
            found.len(),
            way.metres / 1000.0,
            way.plus_minus_m / 1000.0,
            way.uncounted
                .iter()
                .map(|hole| hole.straight_m)
                .sum::<f64>()
                / 1000.0,
        );
    }
}
