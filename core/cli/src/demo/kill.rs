//! A part of the day in another process, which is killed in the middle of its work.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use waymark_client::{PhotoOf, Waymark};
use waymark_domain::time::UnixMs;
use waymark_domain::visit::State;

use super::cast::Rep;
use super::clock::World;
use super::day::Saved;
use crate::failure::{Outcome, Own};
use crate::words::demo as words;
use waymark_client::Lang;

/// After so many reports the process is killed: in the middle of a stop.
const KILL_AFTER: usize = 11;

/// What the killed process left.
pub(super) struct Killed {
    /// What it had reported as saved before it died.
    pub(super) reported: Vec<Saved>,
    /// Operations that it had saved in all, reported or not.
    pub(super) saved: u64,
}

/// Lets another process go on from stop `first`, and kills it.
pub(super) fn work_and_kill(
    rep: &mut Rep,
    world: &World,
    first: usize,
    lang: Lang,
) -> Outcome<Killed> {
    let before = rep.person.waymark()?.status()?.created;
    let clock = rep.person.clock.clone();
    // the database belongs to one process at a time
    rep.person.close();
    let program = std::env::current_exe().map_err(|error| Own::Demo(error.to_string()))?;
    let child = Command::new(program)
        .arg("demo-worker")
        .arg("--db")
        .arg(rep.person.path())
        .args([
            "--now-ms",
            &world.now_ms().to_string(),
            "--skew-ms",
            &clock.skew_ms.to_string(),
        ])
        .args([
            "--boot",
            &clock.boot().to_string(),
            "--stop",
            &first.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| Own::Demo(error.to_string()))?;
    let reports = read_and_kill(&mut child);
    let status = child.wait().map_err(|error| Own::Demo(error.to_string()))?;
    let reports = reports?;
    if status.signal() != Some(9) || reports.len() < KILL_AFTER {
        return Err(Own::Demo(words::worker_not_killed(lang, status, reports.len())).into());
    }
    if let Some((at_ms, _)) = reports.last() {
        world.move_to(*at_ms);
    }
    let waymark = rep.person.waymark()?;
    let saved = waymark.status()?.created.saturating_sub(before);
    let reported: Vec<Saved> = reports.into_iter().map(|(_, saved)| saved).collect();
    let missing = reported
        .iter()
        .filter(|saved| !is_there(waymark, **saved, &reported))
        .count();
    if missing > 0 || saved < reported.len() as u64 {
        return Err(Own::Demo(words::worker_lost(lang, missing, reported.len(), saved)).into());
    }
    Ok(Killed { reported, saved })
}

/// Reads what the process reports, kills it after [`KILL_AFTER`], and takes what was in the pipe by then.
fn read_and_kill(child: &mut Child) -> Outcome<Vec<(UnixMs, Saved)>> {
    let pipe = child.stdout.take().ok_or(Own::Demo("no pipe".to_owned()))?;
    let mut pipe = BufReader::new(pipe);
    let mut text = String::new();
    for _ in 0..KILL_AFTER {
        pipe.read_line(&mut text)?;
    }
    // an error means that it is dead already, which its exit status shows
    let _ = child.kill();
    pipe.read_to_string(&mut text)?;
    // the last line may have been cut by the kill
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    Ok(whole
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

/// Whether the database has what was reported.
fn is_there(waymark: &Waymark, saved: Saved, all: &[Saved]) -> bool {
    let times = all.iter().filter(|other| **other == saved).count();
    match saved {
        Saved::Edited(customer) => waymark
            .customers()
            .view(customer)
            .is_ok_and(|view| view.row.pending),
        Saved::Photographed(visit) => waymark
            .photos()
            .list(PhotoOf::Visit(visit))
            .is_ok_and(|photos| photos.len() >= times),
        Saved::Started(visit)
        | Saved::CheckedIn(visit)
        | Saved::Noted(visit)
        | Saved::Finished(visit)
        | Saved::Skipped(visit) => waymark.visits().view(visit).is_ok_and(|view| match saved {
            Saved::Started(_) => !matches!(view.row.state, State::Planned),
            Saved::CheckedIn(_) => view.check_ins.len() >= times,
            Saved::Noted(_) => view.notes.len() >= times,
            Saved::Finished(_) => matches!(view.row.state, State::Done { .. }),
            _ => matches!(view.row.state, State::Skipped { .. }),
        }),
    }
}
