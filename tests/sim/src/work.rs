//! What people do with their devices, through the client's own functions.

use serde_json::Value;
use waymark_client::{
    CheckInRequest, CustomerEdit, ErrorCode, NewCustomerRequest, NoteRequest, PlanRequest, Waymark,
    WaymarkError,
};
use waymark_domain::check_in::Moment;
use waymark_domain::fix::{AccuracySource, Fix};
use waymark_domain::geo::Datum;
use waymark_domain::visit::State;

use crate::oracle::{Checked, broken};
use crate::world::World;

/// What somebody did.
struct Done {
    what: &'static str,
    result: Result<(), WaymarkError>,
    /// What the first operation must say: a field with its new value.
    says: Option<(&'static str, Value)>,
    /// The operation that it settles.
    settles: Option<String>,
}

impl Done {
    fn plain(what: &'static str, result: Result<(), WaymarkError>) -> Self {
        Self {
            what,
            result,
            says: None,
            settles: None,
        }
    }
}

/// What ran out by itself is written before a session's command is answered: the session's end, and positions that have waited long enough.
fn is_tidying(op: &Value) -> bool {
    op["kind"] == "track_segment" || (op["kind"] == "shift" && op["cmd"]["name"] == "end")
}

impl World {
    /// Somebody does something with a device that runs.
    pub(crate) fn somebody_works(&mut self) -> Checked {
        let at = self.rng.index(self.devices.len());
        self.open(at)?;
        let Some(mark) = self.devices[at].mark.clone() else {
            return Ok(());
        };
        let done = self.work(at, &mark);
        drop(mark);
        let Some(done) = done else { return Ok(()) };
        let ops = self.learn_promises(at)?;
        let (what, result) = (done.what, &done.result);
        let died = self.devices[at].switch.is_dead();
        self.trace(|| {
            format!(
                "d{at} {what}: {} operations, {result:?}, dead {died}",
                ops.len()
            )
        });
        match result {
            Ok(()) => {
                self.oracle.resolved.extend(done.settles);
                if let (Some((field, value)), Some(op)) = (&done.says, ops.first())
                    && op["set"][*field][1] != *value
                {
                    return broken(
                        "altered",
                        format!(
                            "d{at} {what}: {field} is {}, not {value}",
                            op["set"][*field][1]
                        ),
                    );
                }
            }
            Err(error) if !ops.iter().all(is_tidying) => {
                return broken(
                    "refused",
                    format!("d{at} {what} failed with {error:?} and left {ops:?}"),
                );
            }
            Err(error) => {
                if error.code == ErrorCode::DiskFull {
                    self.saw("disk full");
                }
                let fair = died
                    || self.devices[at].spare_pages.is_some()
                    || matches!(
                        error.code,
                        ErrorCode::Forbidden
                            | ErrorCode::WrongState
                            | ErrorCode::UnknownReference
                            | ErrorCode::NotFound
                            | ErrorCode::Dependency
                            | ErrorCode::AlreadyExists
                            | ErrorCode::NoShift
                            | ErrorCode::ShiftOpen
                            | ErrorCode::ShiftOver
                            | ErrorCode::ShiftUnconfirmed
                    );
                if !fair {
                    return broken("refused", format!("d{at} {what} failed with {error:?}"));
                }
            }
        }
        if died {
            self.saw("kill mid transaction");
            return self.close(at);
        }
        self.check_ledger(at)?;
        Ok(())
    }

    fn work(&mut self, at: usize, mark: &Waymark) -> Option<Done> {
        let customers = mark.customers().page(false, 60, 0).ok()?;
        let choice = self.rng.below(100);
        let customer = self.rng.pick(&customers).cloned();
        match choice {
            0..5 => Some(self.session(mark)),
            5..14 => Some(self.walk(at, mark)),
            14..22 => {
                let customer = customer?.id;
                let day = mark.today_date().ok()?;
                let rep = (self.devices[at].person == 0 && self.rng.chance(700)).then(|| {
                    let people = &self.oracle.people;
                    people[1 + self.rng.index(people.len() - 1)]
                        .user
                        .parse()
                        .expect("an id")
                });
                let request = PlanRequest {
                    customer,
                    day: Some(day),
                    rep,
                };
                Some(Done::plain("plan", mark.visits().plan(&request).map(drop)))
            }
            22..27 => {
                let customer = customer?.id;
                Some(Done::plain(
                    "start unplanned",
                    mark.visits().start_unplanned(customer).map(drop),
                ))
            }
            27..53 => self.visit(mark, &customers),
            53..63 => {
                let text = if self.rng.chance(200) {
                    "long ".repeat(1 + self.rng.index(300))
                } else {
                    format!("note {}", self.rng.below(1000))
                };
                let text = text.trim().to_owned();
                let customer = customer?.id;
                let request = NoteRequest {
                    customer,
                    visit: None,
                    text: text.clone(),
                    corrects: None,
                };
                let result = mark.notes().write(request).map(drop);
                Some(Done {
                    what: "note",
                    result,
                    says: Some(("text", text.into())),
                    settles: None,
                })
            }
            63..66 => {
                let name = format!("new {}", self.rng.below(10_000));
                let request = NewCustomerRequest {
                    name: name.clone(),
                    owner: None,
                    position: None,
                    address: None,
                    phone: None,
                };
                let result = mark.customers().add(request).map(drop);
                Some(Done {
                    what: "add customer",
                    result,
                    says: Some(("name", name.into())),
                    settles: None,
                })
            }
            66..86 => {
                let id = customer?.id;
                let edit = self.edit(at);
                Some(Done::plain(
                    "edit customer",
                    mark.customers().edit(id, edit).map(drop),
                ))
            }
            86..94 => {
                let waiting = mark.attention().list().ok()?;
                let op = self.rng.pick(&waiting)?.op;
                let mut done = if self.rng.chance(500) {
                    self.saw("retry attention");
                    Done::plain("retry", mark.attention().retry(op).map(drop))
                } else {
                    self.saw("dismiss attention");
                    Done::plain("dismiss", mark.attention().dismiss(op))
                };
                done.settles = Some(op.to_string());
                Some(done)
            }
            _ => {
                let _ = mark.today_date().ok()?;
                let found = mark.customers().search("shop", 5);
                Some(Done::plain("look", found.map(drop)))
            }
        }
    }

    /// The working day begins, goes on after a reboot, or ends.
    fn session(&mut self, mark: &Waymark) -> Done {
        match self.rng.below(10) {
            0..5 => {
                // short ones end by themselves within the simulated hours
                let limit = [None, Some(1), Some(20)][self.rng.index(3)];
                Done::plain("start session", mark.shift().start(limit).map(drop))
            }
            5..7 => Done::plain("go on", mark.shift().resume().map(drop)),
            _ => Done::plain("end session", mark.shift().end().map(drop)),
        }
    }

    /// Positions of the last seconds, on the way.
    fn walk(&mut self, at: usize, mark: &Waymark) -> Done {
        let (lat, count) = (
            self.rng.between(-300, 300) as f64 / 4.0,
            self.rng.between(1, 5),
        );
        let fixes: Result<Vec<Fix>, _> = (0..count)
            .rev()
            .map(|n| {
                let place = (lat + n as f64 / 1024.0, 10.25);
                mark.fix(place, Datum::Wgs84, 5.0, AccuracySource::Android, n * 1_000)
            })
            .collect();
        let recorded = fixes.and_then(|fixes| mark.tracks().record(&fixes));
        let dead = self.devices[at].switch.is_dead();
        let (least, most) = &mut self.devices[at].positions;
        match &recorded {
            Ok(appended) => {
                *least += appended.kept as u64;
                *most += appended.kept as u64;
                if appended.kept > 0 {
                    self.saw("positions kept");
                }
            }
            Err(_) if dead => *most += count.unsigned_abs(),
            Err(_) => {}
        }
        Done::plain("walk", recorded.map(drop))
    }

    /// What is still open of a working day ends, so that every position is on its way.
    pub(crate) fn end_session(&mut self, at: usize) -> Checked {
        let Some(mark) = self.devices[at].mark.clone() else {
            return Ok(());
        };
        match mark.shift().end() {
            Ok(_) => self.saw("session"),
            Err(error) if error.code == ErrorCode::NoShift => {}
            Err(error) if self.oracle.revoked.contains(&at) => {
                self.trace(|| format!("d{at} is shut out and ends nothing: {error:?}"));
            }
            Err(error) => return broken("refused", format!("d{at} end of day: {error:?}")),
        }
        drop(mark);
        self.learn_promises(at).map(drop)
    }

    fn edit(&mut self, at: usize) -> CustomerEdit {
        let number = self.rng.below(4);
        let mut edit = CustomerEdit::default();
        match self.rng.below(10) {
            0..3 => edit.phone = Some(format!("{number}")),
            3..5 => edit.name = Some(format!("name {number}")),
            5..7 => edit.add_tags = vec![format!("tag {number}")],
            7..8 => edit.remove_tags = vec![format!("tag {number}")],
            _ if self.devices[at].person == 0 => {
                let people = &self.oracle.people;
                edit.owner = people[self.rng.index(people.len())].user.parse().ok();
                self.saw("customer moved");
            }
            _ => edit.address = Some(format!("{number} High Street")),
        }
        edit
    }

    fn visit(&mut self, mark: &Waymark, customers: &[waymark_client::CustomerRow]) -> Option<Done> {
        let customer = self.rng.pick(customers)?.id;
        let visits = mark.customers().view(customer).ok()?.visits;
        let row = self.rng.pick(&visits).cloned()?;
        let visits = mark.visits();
        let step = self.rng.below(100);
        Some(match (&row.state, step) {
            (_, 0..12) => {
                let shift = self.rng.between(1, 3);
                let day = row.day + chrono::TimeDelta::days(shift);
                Done::plain("move visit", visits.move_to(row.id, day).map(drop))
            }
            (State::Planned, 12..40) => Done::plain("start", visits.start(row.id)),
            (State::Planned | State::InProgress { .. }, 12..66) => {
                // positions of a quarter degree survive JSON and binary alike
                let lat = self.rng.between(-300, 300) as f64 / 4.0;
                let fix = mark.fix((lat, 10.25), Datum::Wgs84, 5.0, AccuracySource::Android, 0);
                let moment =
                    if matches!(row.state, State::InProgress { .. }) && self.rng.chance(300) {
                        self.saw("departure");
                        Moment::Departure
                    } else {
                        Moment::Arrival
                    };
                let request = fix.map(|fix| CheckInRequest {
                    moment,
                    ..CheckInRequest::arriving(Some(row.id), fix)
                });
                Done::plain(
                    "check in",
                    request.and_then(|request| mark.check_ins().check_in(&request).map(drop)),
                )
            }
            (State::Planned | State::InProgress { .. }, 66..76) => {
                Done::plain("skip", visits.skip(row.id, "closed"))
            }
            (_, 66..80) => Done::plain("finish", visits.finish(row.id)),
            (_, 80..90) => {
                let text = format!("about {}", self.rng.below(1000));
                let request = NoteRequest {
                    customer: row.customer,
                    visit: Some(row.id),
                    text: text.clone(),
                    corrects: None,
                };
                let result = mark.notes().write(request).map(drop);
                Done {
                    what: "visit note",
                    result,
                    says: Some(("text", text.into())),
                    settles: None,
                }
            }
            _ => Done::plain("finish", visits.finish(row.id)),
        })
    }
}
