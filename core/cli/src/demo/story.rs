//! The story, step by step.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use serde_json::{Value, json};
use waymark::proxy::{Plan, Proxy};
use waymark_client::system::SystemEntropy;
use waymark_client::{ErrorCode, SyncReport};
use waymark_domain::ambient::Entropy as _;
use waymark_domain::ids::BootId;
use waymark_domain::record::Role;

use super::cast::{Person, Rep};
use super::clock::{MIDNIGHT, MINUTE, OFFSET_MIN, VirtualClock, World};
use super::day::{Worker, itinerary, own_places, plan};
use super::kill::work_and_kill;
use super::ledger::{Ledger, draw_up};
use super::network::{sync, until_quiet};
use super::office::{self, Office};
use super::proof::prove;
use super::teller::Teller;
use super::tracks::Track;
use crate::failure::{Outcome, Own};
use crate::rep;
use crate::words::demo as words;

/// Share of requests that meet a fault.
const FAULT_PERCENT: u8 = 55;

/// The stop at which the process that is killed takes over Anna's day.
const KILL_FROM: usize = 8;

/// Times that the reps look at what needs them: what they do again may need them again.
const ATTENTION_TURNS: usize = 4;

/// Milliseconds of an hour.
const HOUR: i64 = 60 * MINUTE;

/// How it ended.
pub(super) struct End {
    pub(super) ledger: Ledger,
    pub(super) network: Value,
    pub(super) totals: String,
}

/// The world of the story.
struct Stage<'a> {
    teller: &'a Teller,
    folder: &'a Path,
    world: World,
    office: Office,
    proxy: Proxy,
    admin: Person,
    manager: Person,
    anna: Rep,
    boris: Rep,
    /// What the manager's syncs did.
    by_manager: SyncReport,
}

/// Tells it all.
pub(super) async fn tell(teller: &Teller, folder: &Path, seed: u64) -> Outcome<End> {
    let mut stage = set(teller, folder).await?;
    stage.enrol_and_import().await?;
    stage.fetch_and_plan().await?;
    stage.go_offline().await?;
    stage.boris_works()?;
    stage.office_changes().await?;
    stage.anna_works()?;
    stage.sync_badly(seed).await?;
    stage.settle_attention().await?;
    stage.prove()?;
    stage.close(seed).await
}

/// The server and the network.
async fn set<'a>(teller: &'a Teller, folder: &'a Path) -> Outcome<Stage<'a>> {
    let lang = teller.lang;
    teller.step(&words::step_server(lang))?;
    let world = World::at(MIDNIGHT + 6 * HOUR);
    let boot = BootId::from_uuid(SystemEntropy.new_id(world.now_ms()));
    let office = Office::start(folder, VirtualClock::new(world.clone(), boot, 0)).await?;
    let proxy = Proxy::start(office.addr, Plan::PassThrough).await?;
    teller.detail(&words::at_addresses(lang, office.addr, proxy.addr()))?;
    let person = |name, skew_ms| Person::new(name, folder, &world, skew_ms);
    let rep = |person, city, track| Rep {
        person,
        city,
        track,
        stops: Vec::new(),
    };
    Ok(Stage {
        teller,
        folder,
        admin: person("Ada", 0),
        manager: person("Mara", 0),
        // one phone's wall clock is fast, the other's slow: the times that are recorded come from the server's clock all the same
        anna: rep(person("Anna", 4 * MINUTE), "Monaco", Track::zurich()),
        boris: rep(person("Boris", -11 * MINUTE), "Rome", Track::lyon()),
        world,
        office,
        proxy,
        by_manager: SyncReport::default(),
    })
}

impl Stage<'_> {
    async fn enrol_and_import(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_enrol(lang))?;
        let direct = format!("http://{}", self.office.addr);
        let through = format!("http://{}", self.proxy.addr());
        let first = self
            .office
            .server
            .bootstrap_admin("Waymark Demo", self.admin.name)?;
        let first = first.ok_or_else(|| Own::Demo("bootstrap".to_owned()))?;
        self.admin.enrol(direct.clone(), first.code).await?;
        let admin = self.admin.waymark()?;
        let (_, code) = office::invite(admin, self.manager.name, Role::Manager).await?;
        let (anna, annas_code) = office::invite(admin, self.anna.person.name, Role::Rep).await?;
        let (boris, boriss_code) = office::invite(admin, self.boris.person.name, Role::Rep).await?;
        self.manager.enrol(direct, code).await?;
        self.anna.person.enrol(through.clone(), annas_code).await?;
        self.boris.person.enrol(through, boriss_code).await?;

        self.teller.step(&words::step_import(lang))?;
        self.teller.detail(&words::credit(lang))?;
        // the manager's first round brings the scopes that the import is judged by
        self.manager_syncs().await?;
        let places = [
            ("monaco_osm.csv", office::MONACO, anna, &self.anna),
            ("rome_osm.csv", office::ROME, boris, &self.boris),
        ];
        for (name, bytes, owner, rep) in places {
            let count = office::import(self.manager.waymark()?, self.folder, name, bytes, owner)?;
            self.teller
                .detail(&words::imported(lang, count, rep.city, rep.person.name))?;
        }
        self.manager_syncs().await
    }

    async fn manager_syncs(&mut self) -> Outcome {
        let report = sync(self.manager.waymark()?).await?;
        self.by_manager.sent_bytes += report.sent_bytes;
        self.by_manager.received_bytes += report.received_bytes;
        self.by_manager.calls += report.calls;
        Ok(())
    }

    async fn fetch_and_plan(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_bootstrap(lang))?;
        self.world.move_to(MIDNIGHT + 7 * HOUR);
        for rep in [&mut self.anna, &mut self.boris] {
            let waymark = rep.person.waymark()?;
            sync(waymark).await?;
            let places = own_places(waymark)?;
            let positions: Vec<_> = places.iter().map(|(_, at)| *at).collect();
            rep.track = rep.track.clone().moved_to(&positions);
            rep.stops = itinerary(&places, &rep.track);
            plan(waymark, &rep.stops, waymark.today_date()?, &self.world)?;
            sync(waymark).await?;
            self.teller.detail(&words::bootstrapped(
                lang,
                rep.person.name,
                places.len(),
                rep.stops.len(),
            ))?;
            let (lat, lon) = rep.track.shift;
            let shift = format!("{lat:+.4}° / {lon:+.4}°");
            let track = &rep.track;
            let stretch = format!("{:+.0}", track.stretch_percent());
            let text = words::recording(
                lang,
                rep.person.name,
                track.recorded_in,
                track.recorded_on,
                shift,
                rep.city,
                stretch,
            );
            self.teller.detail(&text)?;
        }
        let day = self.anna.person.waymark()?.today_date()?;
        self.teller.detail(&words::recording_day(lang, day))
    }

    async fn go_offline(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_offline(lang))?;
        self.proxy.set_plan(Plan::Refuse).await?;
        let name = self.anna.person.name;
        match sync(self.anna.person.waymark()?).await {
            Err(error) if error.code == ErrorCode::Offline => self.teller.detail(&words::refused(
                lang,
                name,
                error.message(lang),
                error.reassurance(lang),
            )),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Own::Demo(words::not_offline(lang, name)).into()),
        }
    }

    fn boris_works(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_boris(lang))?;
        work(&mut self.boris, &self.world, 0, usize::MAX)?;
        worked(self.teller, &mut self.boris)
    }

    async fn office_changes(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_office(lang))?;
        self.manager_syncs().await?;
        let other = self.boris.person.waymark()?.me()?.user;
        let manager = self.manager.waymark()?;
        office::meddle(manager, &self.anna.stops, manager.today_date()?, other)?;
        self.manager_syncs().await?;
        self.teller.detail(&words::office_changes(lang))
    }

    fn anna_works(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_kill(lang))?;
        work(&mut self.anna, &self.world, 0, KILL_FROM)?;
        if let Some(stop) = self.anna.stops.get(KILL_FROM) {
            self.world.move_to(stop.at_ms);
        }
        let killed = work_and_kill(&mut self.anna, &self.world, KILL_FROM, lang)?;
        self.teller
            .detail(&words::killed(lang, killed.reported.len(), killed.saved))?;
        self.teller.step(&words::step_anna(lang))?;
        work(&mut self.anna, &self.world, KILL_FROM, usize::MAX)?;
        worked(self.teller, &mut self.anna)
    }

    async fn sync_badly(&mut self, seed: u64) -> Outcome {
        let lang = self.teller.lang;
        self.world.move_to(MIDNIGHT + 21 * HOUR + 40 * MINUTE);
        self.teller
            .step(&words::step_sync(lang, FAULT_PERCENT, seed))?;
        self.proxy
            .set_plan(Plan::random(seed, FAULT_PERCENT))
            .await?;
        self.everybody_syncs().await?;
        let stats = self.proxy.stats();
        let text = words::faults(
            lang,
            stats.lost_requests,
            stats.cut_requests,
            stats.lost_answers,
            stats.cut_answers,
            stats.repeated,
        );
        self.teller.detail(&text)
    }

    async fn everybody_syncs(&mut self) -> Outcome {
        let lang = self.teller.lang;
        let mut people = [
            &mut self.anna.person,
            &mut self.boris.person,
            &mut self.manager,
            &mut self.admin,
        ];
        let rounds = until_quiet(&mut people, &self.world, lang).await?;
        for (name, rounds) in rounds {
            let failed: u32 = rounds.failed.values().sum();
            let codes: Vec<String> = rounds
                .failed
                .iter()
                .map(|(code, count)| format!("{code} {count}"))
                .collect();
            let codes = if codes.is_empty() {
                String::new()
            } else {
                format!(" ({})", codes.join(", "))
            };
            self.teller.detail(&words::rounds(
                lang,
                name,
                rounds.rounds,
                failed,
                rounds.waited_ms / 1000,
                codes,
            ))?;
        }
        Ok(())
    }

    async fn settle_attention(&mut self) -> Outcome {
        let lang = self.teller.lang;
        self.teller.step(&words::step_attention(lang))?;
        for turn in 0..ATTENTION_TURNS {
            let mut open = 0;
            for rep in [&mut self.anna, &mut self.boris] {
                let count = settle(self.teller, rep, turn)?;
                if turn == 0 && count == 0 {
                    self.teller
                        .detail(&words::no_attention(lang, rep.person.name))?;
                }
                open += count;
            }
            if open == 0 {
                return Ok(());
            }
            self.everybody_syncs().await?;
        }
        Ok(())
    }

    fn prove(&mut self) -> Outcome {
        let name = self.anna.person.name;
        prove(self.teller, self.anna.person.waymark()?, name, self.folder)
    }

    async fn close(mut self, seed: u64) -> Outcome<End> {
        let lang = self.teller.lang;
        self.teller.step(&words::step_ledger(lang))?;
        self.write_artefacts()?;
        let mut people = [
            &mut self.admin,
            &mut self.manager,
            &mut self.anna.person,
            &mut self.boris.person,
        ];
        let ledger = draw_up(&mut people, &self.office.server, lang)?;
        std::fs::write(
            self.folder.join("operations.jsonl"),
            self.office.server.export_ledger()?,
        )?;
        let stats = self.proxy.stats();
        let operations: u64 = ledger.devices.iter().map(|device| device.created).sum();
        let by_manager = self.by_manager;
        let network = json!({
            "seed": seed, "fault_percent": FAULT_PERCENT, "requests": stats.connections, "passed": stats.passed,
            "lost_requests": stats.lost_requests, "cut_requests": stats.cut_requests, "lost_answers": stats.lost_answers,
            "cut_answers": stats.cut_answers, "repeated": stats.repeated, "bytes_up": stats.bytes_up, "bytes_down": stats.bytes_down,
            "manager_sent_bytes": by_manager.sent_bytes, "manager_received_bytes": by_manager.received_bytes,
        });
        let totals = [
            words::totals(
                lang,
                operations,
                stats.connections,
                stats.faults(),
                stats.bytes_up,
                stats.bytes_down,
            ),
            words::by_manager(lang, by_manager.sent_bytes, by_manager.received_bytes),
        ];
        self.office.stop().await?;
        Ok(End {
            ledger,
            network,
            totals: totals.join("\n"),
        })
    }

    /// The day of each rep as text, and the office's copy as JSON lines.
    fn write_artefacts(&mut self) -> Outcome {
        for rep in [&mut self.anna, &mut self.boris] {
            let waymark = rep.person.waymark()?;
            let text =
                rep::today::text(waymark, &waymark.today(None)?, OFFSET_MIN, self.teller.lang);
            let name = format!("{}-today.txt", rep.person.name.to_lowercase());
            std::fs::write(self.folder.join(name), format!("{text}\n"))?;
        }
        let mut out = BufWriter::new(File::create(self.folder.join("office.jsonl"))?);
        self.manager.waymark()?.export(&mut out)?;
        Ok(())
    }
}

/// Works the stops from `first` to before `end` in this process.
fn work(rep: &mut Rep, world: &World, first: usize, end: usize) -> Outcome {
    let stops = rep
        .stops
        .get(first..end.min(rep.stops.len()))
        .unwrap_or_default();
    let waymark = rep.person.waymark()?;
    let mut report = |_| Ok(());
    let day = waymark.today_date()?;
    Worker {
        waymark,
        track: &rep.track,
        world,
        day,
        report: &mut report,
    }
    .work(stops, first)
}

fn worked(teller: &Teller, rep: &mut Rep) -> Outcome {
    let name = rep.person.name;
    let waymark = rep.person.waymark()?;
    let today = waymark.today(None)?;
    teller.detail(&words::worked(
        teller.lang,
        name,
        today.status.pending,
        today.done,
    ))
}

/// A rep decides on everything that needs a person. Gives how much there was.
fn settle(teller: &Teller, rep: &mut Rep, turn: usize) -> Outcome<usize> {
    let lang = teller.lang;
    let name = rep.person.name;
    let waymark = rep.person.waymark()?;
    let rows = waymark.attention().list()?;
    for row in &rows {
        // the rep insists on what was seen at the customer's door; what is no longer the rep's business is let go
        let insists = turn == 0 && row.kind == "customer" && row.values.contains_key("name");
        let again = insists && waymark.attention().retry(row.op).is_ok();
        if !again {
            waymark.attention().dismiss(row.op)?;
        }
        let how = if again {
            words::how_retry(lang)
        } else {
            words::how_dismiss(lang)
        };
        let what = rep::attention::text(row, OFFSET_MIN, lang);
        let what = what.lines().next().unwrap_or_default().to_owned();
        teller.detail(&words::settled(lang, name, what, how))?;
    }
    Ok(rows.len())
}
