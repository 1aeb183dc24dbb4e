//! What goes wrong: with devices, with the server, and in the office's mind.

use waymark_domain::ids::UserId;
use waymark_domain::record::Role;
use waymark_server::UserChange;
use waymark_testkit::database::Death;

use crate::oracle::{Checked, Oracle};

use super::{Backup, World, server_on};

impl World {
    pub(super) fn device_trouble(&mut self) -> Checked {
        let at = self.rng.index(self.devices.len());
        match self.rng.below(100) {
            0..22 => {
                let how = if self.rng.chance(700) {
                    Death::Within
                } else {
                    Death::After
                };
                let after = self.rng.between(0, 6);
                self.trace(|| format!("d{at} will die {how:?} after {after}"));
                self.devices[at].switch.arm(how, after);
                Ok(())
            }
            22..36 => {
                self.trace(|| format!("d{at} is killed"));
                self.saw("kill between");
                self.close(at)
            }
            36..52 => self.open(at),
            52..62 => {
                let up = !self.devices[at].link.is_up();
                self.trace(|| format!("d{at} network {up}"));
                self.devices[at].link.set_up(up);
                if !up {
                    self.saw("partition");
                }
                Ok(())
            }
            62..70 => {
                for device in &self.devices {
                    device.link.set_up(true);
                }
                Ok(())
            }
            70..76 => {
                let spare = self.rng.between(0, 3);
                self.close(at)?;
                self.devices[at].spare_pages = Some(spare);
                self.trace(|| format!("d{at} has {spare} pages of disk left"));
                self.open(at)
            }
            76..84 => {
                let full: Vec<usize> = (0..self.devices.len())
                    .filter(|&at| self.devices[at].spare_pages.is_some())
                    .collect();
                for at in full {
                    self.close(at)?;
                    self.devices[at].spare_pages = None;
                    self.trace(|| format!("d{at} has room on its disk"));
                    self.open(at)?;
                }
                Ok(())
            }
            84..89 => {
                self.close(at)?;
                let off = self.rng.between(1_000, 3_600_000);
                self.devices[at].boots += 1;
                let boots = self.devices[at].boots;
                self.devices[at].clock.reboot(boots, off);
                self.saw("reboot");
                self.trace(|| format!("d{at} reboots"));
                self.open(at)
            }
            89..95 => {
                let decade = 10 * 365 * 86_400_000;
                let jump = self.rng.between(-decade, decade);
                self.devices[at].clock.shift_wall(jump);
                self.saw("clock jump");
                self.trace(|| format!("d{at} wall clock jumps by {jump}"));
                Ok(())
            }
            _ => {
                if let Some(mark) = &self.devices[at].mark {
                    mark.suspend().expect("suspend");
                    mark.resume().expect("resume");
                }
                let asleep = self.rng.between(1_000, 600_000);
                self.advance(asleep);
                self.trace(|| format!("d{at} sleeps for {asleep}"));
                self.saw("suspend");
                Ok(())
            }
        }
    }

    pub(super) fn server_trouble(&mut self) {
        let Some(switch) = self.host.switch().filter(|switch| !switch.is_dead()) else {
            self.trace(|| "server starts".to_owned());
            self.host.restart();
            return;
        };
        match self.rng.below(100) {
            0..20 => {
                self.trace(|| "server restarts".to_owned());
                self.saw("server restart");
                self.host.restart();
            }
            20..40 => {
                let after = self.rng.between(0, 3);
                let times = [1, 1, 3, 40][self.rng.index(4)];
                self.trace(|| format!("server's disk fails {times} times after {after}"));
                switch.arm_times(Death::Refused, after, times);
                self.saw("server commit fails");
                if times > 3 {
                    self.saw("server disk full");
                }
            }
            40..60 => {
                let how = if self.rng.chance(500) {
                    Death::Within
                } else {
                    Death::After
                };
                let after = self.rng.between(0, 3);
                self.trace(|| format!("server will die {how:?} after {after}"));
                self.saw("server dies");
                switch.arm(how, after);
            }
            60..65 => {
                self.trace(|| "server stops".to_owned());
                self.host.stop();
            }
            _ if !self.plan.restores => {}
            65..85 if self.backup.is_none() => {
                self.trace(|| "backup".to_owned());
                self.backup = Some(Backup {
                    database: self.database.copy(),
                    oracle: self.oracle.clone(),
                });
            }
            _ => self.restore(),
        }
    }

    /// The server is gone; its backup takes its place.
    pub(super) fn restore(&mut self) {
        let Some(backup) = self.backup.take() else {
            return;
        };
        self.host.stop();
        self.database = backup.database.copy();
        let promises = std::mem::take(&mut self.oracle.promises);
        let once = std::mem::take(&mut self.oracle.once);
        let resolved = std::mem::take(&mut self.oracle.resolved);
        self.oracle = Oracle {
            promises,
            once,
            resolved,
            restored: true,
            ..backup.oracle
        };
        self.host.replace(server_on(
            self.database.address().clone(),
            self.server_clock.clone(),
            self.seed ^ 0x7e57 ^ self.step,
            self.options.bug,
            self.plan.poison,
        ));
        let epoch = self.host.server().rotate_epoch().expect("a new epoch");
        self.saw("epoch change");
        self.trace(|| format!("server restored, epoch {epoch}"));
    }

    pub(super) fn office_changes_its_mind(&mut self) {
        let Ok(server) = self.host.reach() else {
            return;
        };
        let people = 1..self.oracle.people.len();
        let who = people.start + self.rng.index(people.len());
        let user = UserId::from_uuid(self.oracle.people[who].user.parse().expect("an id"));
        let mut person = self.oracle.people[who].clone();
        if self.plan.revokes && self.rng.chance(100) {
            let at = self.rng.index(self.devices.len());
            // the operator's own tool: no admin's token is needed to try what happens to the device
            if self.oracle.revoked.is_empty() && at > 0 {
                let device = self.devices[at].id.as_bytes().to_vec();
                let done = self
                    .database
                    .look()
                    .execute("UPDATE device SET revoked = 1 WHERE device = ?1", [device]);
                done.expect("revoked");
                self.oracle.revoked.insert(at);
                self.saw("device revoked");
                self.trace(|| format!("d{at} is shut out"));
            }
            return;
        }
        if self.rng.chance(700) {
            person.team = ["north", "south"][self.rng.index(2)].to_owned();
        } else {
            person.role = if person.role == "rep" {
                "manager"
            } else {
                "rep"
            };
        }
        let change = UserChange {
            role: Some(if person.role == "rep" {
                Role::Rep
            } else {
                Role::Manager
            }),
            team: Some(person.team.clone()),
            ..UserChange::default()
        };
        let done = server.set_user(user, change);
        self.trace(|| {
            format!(
                "{user} is {} of {}: {}",
                person.role,
                person.team,
                done.is_ok()
            )
        });
        if done.is_ok() {
            let before = self.oracle.people.clone();
            self.oracle.people[who] = person;
            let shrunk = before.iter().any(|person| {
                let now = self.oracle.scopes(&person.user);
                let mut was = self.oracle.clone_people(&before).scopes(&person.user);
                was.retain(|scope| !now.contains(scope));
                !was.is_empty()
            });
            if shrunk {
                self.saw("revoke");
            }
            self.oracle.note_sights();
        }
    }
}
