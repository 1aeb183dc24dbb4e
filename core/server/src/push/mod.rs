//! Taking operations, group by group. The steps and their order are those of the protocol (design: sync.md §2.7).

mod judge;
mod second_look;
mod unreadable;

use std::collections::BTreeSet;

use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, OpId};
use waymark_domain::op::Operation;
use waymark_domain::ranges::Ranges;
use waymark_domain::record::{Actor, RecordKey};
use waymark_domain::refusal::{Code, Refusal};
use waymark_domain::time::UnixMs;
use waymark_protocol::outcome::{Outcome, Why};
use waymark_protocol::request::OpLine;
use waymark_protocol::response::Out;

use crate::access::{Caller, actor, caller};
use crate::commit;
use crate::error::Result;
use crate::push::judge::{Done, Judged};
use crate::storage::{Alarm, OpRow, Part, Tx, nested};

/// Largest count that is taken for one: JSON numbers are exact up to here on every platform.
const MAX_N: u64 = 1 << 53;

/// Most ranges that are kept of a device's counts. An honest device has one, and a few more while operations wait for others; beyond this
/// the list would outgrow its line.
const MAX_RANGES: usize = 2_048;

/// Takes operations of one device within one transaction.
pub(crate) struct Push {
    pub(crate) caller: Caller,
    actor: Actor,
    now: UnixMs,
    arrived: Vec<u64>,
}

/// One operation of a group.
struct Member<'a> {
    index: usize,
    op: &'a Operation,
    bytes: &'a [u8],
    sha: Hash,
    known: Option<Known>,
}

/// What was known of an operation before.
enum Known {
    /// It is the same.
    Settled(Outcome),
    /// Its id belongs to another.
    Reused,
}

/// What all members have become, or the one with which they fall.
type Attempt = std::result::Result<Vec<Outcome>, Fallen>;

/// The member that a group falls with.
struct Fallen {
    at: usize,
    outcome: Outcome,
}

impl Push {
    /// For the device, as it may act at this moment.
    pub(crate) fn begin(tx: &dyn Tx, device: DeviceId, now: UnixMs) -> Result<Self> {
        let caller = caller(tx, device)?;
        Ok(Self {
            actor: actor(tx, &caller.user)?,
            caller,
            now,
            arrived: Vec::new(),
        })
    }

    /// Takes groups, each with its own fate.
    pub(crate) fn take(&mut self, tx: &mut dyn Tx, groups: &[Vec<OpLine>]) -> Result<Vec<Out>> {
        let ops = groups
            .iter()
            .flatten()
            .filter_map(|line| line.op.as_ref().ok());
        let keys: BTreeSet<RecordKey> = ops.map(Operation::key).collect();
        tx.lock(&Vec::from_iter(keys))?;
        let mut outs = Vec::new();
        for group in groups {
            outs.extend(self.group(tx, group)?);
        }
        Ok(outs)
    }

    /// Notes which counts are here now.
    pub(crate) fn arrive(&mut self) {
        for n in std::mem::take(&mut self.arrived) {
            note_arrival(&mut self.caller.device.have, n);
        }
    }

    /// Writes down which counts are here now, with whatever else has changed about the device.
    pub(crate) fn end(mut self, tx: &mut dyn Tx) -> Result<()> {
        self.arrive();
        tx.put_device(&self.caller.device)
    }

    fn group(&mut self, tx: &mut dyn Tx, lines: &[OpLine]) -> Result<Vec<Out>> {
        let mut members = Vec::with_capacity(lines.len());
        for line in lines {
            let Ok(op) = &line.op else {
                // the parser gives such a line alone
                return Ok(vec![self.unreadable(tx, line)?]);
            };
            let sha = Hash::of(&line.bytes);
            members.push(Member {
                index: line.index,
                op,
                bytes: &line.bytes,
                sha,
                known: self.known(tx, op.op, sha)?,
            });
        }
        let outcomes = match self.fallen_before(tx, &members)? {
            Replay::Whole(outcomes) => outcomes,
            Replay::Broken(fallen) => self.fall(tx, &members, &fallen)?,
            Replay::None => match self.whole_or_nothing(tx, &members)? {
                Ok(outcomes) => outcomes,
                Err(fallen) => self.fall(tx, &members, &fallen)?,
            },
        };
        let outs = members.iter().zip(outcomes);
        Ok(outs
            .map(|(member, outcome)| Out {
                i: member.index,
                op: Some(member.op.op),
                outcome,
            })
            .collect())
    }

    /// Step 1: what is known of an operation's id.
    fn known(&mut self, tx: &mut dyn Tx, op: OpId, sha: Hash) -> Result<Option<Known>> {
        let Some(row) = tx.op(op)? else {
            return Ok(None);
        };
        if row.sha != sha || row.user != self.caller.user.user {
            return Ok(Some(Known::Reused));
        }
        if row.device != self.caller.device.device {
            // the user's work came by another device of theirs: this one's count is accounted for as well
            self.arrived.extend(row.n);
        }
        Ok(Some(Known::Settled(row.outcome)))
    }

    fn fallen_before(&self, tx: &mut dyn Tx, members: &[Member<'_>]) -> Result<Replay> {
        let mut settled = Vec::new();
        let mut fallen = None;
        for (at, member) in members.iter().enumerate() {
            match &member.known {
                None => {}
                Some(Known::Settled(outcome)) => {
                    settled.push(outcome.clone());
                    fallen.get_or_insert(Fallen {
                        at,
                        outcome: outcome.clone(),
                    });
                }
                Some(Known::Reused) => {
                    self.alarm(tx, "op_id_reused", member.op.op, "")?;
                    fallen.get_or_insert(Fallen {
                        at,
                        outcome: reused(),
                    });
                }
            }
        }
        Ok(match fallen {
            _ if settled.len() == members.len() => Replay::Whole(settled),
            Some(fallen) => Replay::Broken(fallen),
            None => Replay::None,
        })
    }

    fn whole_or_nothing(&mut self, tx: &mut dyn Tx, members: &[Member<'_>]) -> Result<Attempt> {
        if members.len() > 1 {
            return nested(tx, |tx| self.attempt(tx, members));
        }
        // one alone writes nothing before it is sure to be done: it needs no savepoint, which costs a quarter of the time
        match self.attempt(tx, members)? {
            Part::Keep(attempt) | Part::Undo(attempt) => Ok(attempt),
        }
    }

    /// Steps 2 to 6, for the whole group or not at all.
    fn attempt(&mut self, tx: &mut dyn Tx, members: &[Member<'_>]) -> Result<Part<Attempt>> {
        let mut steps = Vec::with_capacity(members.len());
        let mut earlier = Vec::with_capacity(members.len());
        for (at, member) in members.iter().enumerate() {
            match self.judge(tx, member.op, &earlier)? {
                Judged::Done(done) => steps.push(done),
                Judged::Not(outcome) => return Ok(Part::Undo(Err(Fallen { at, outcome }))),
            }
            earlier.push(member.op.op);
        }
        let count = u64::try_from(steps.len()).unwrap_or(u64::MAX);
        let first = tx.take_seq(count)?;
        let mut outcomes = Vec::with_capacity(steps.len());
        for ((Done { step, lost }, member), seq) in steps.into_iter().zip(members).zip(first..) {
            let rev = step.rev();
            let outcome = match lost {
                None => Outcome::Applied { rev, seq },
                Some(lost) => Outcome::Merged { rev, seq, lost },
            };
            self.look_again(tx, member.op, &step)?;
            commit::publish(tx, step, seq, self.now)?;
            self.store(tx, member, &outcome)?;
            outcomes.push(outcome);
        }
        Ok(Part::Keep(Ok(outcomes)))
    }

    /// Answers every member of a group that cannot stand.
    fn fall(
        &mut self,
        tx: &mut dyn Tx,
        members: &[Member<'_>],
        fallen: &Fallen,
    ) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(members.len());
        for (at, member) in members.iter().enumerate() {
            let outcome = match &member.known {
                Some(Known::Settled(outcome)) => outcome.clone(),
                Some(Known::Reused) => reused(),
                None if at == fallen.at => fallen.outcome.clone(),
                None => dragged(&fallen.outcome),
            };
            if member.known.is_none() && outcome.is_terminal() {
                if outcome == Outcome::Vaulted {
                    self.alarm(tx, "vaulted", member.op.op, "newer than this server")?;
                }
                self.store(tx, member, &outcome)?;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Stores an operation with its outcome, and looks whether it fits its device's chain.
    fn store(&mut self, tx: &mut dyn Tx, member: &Member<'_>, outcome: &Outcome) -> Result<()> {
        let op = member.op;
        let n = Some(op.n).filter(|&n| is_count(n));
        self.store_row(
            tx,
            &OpRow {
                op: op.op,
                sha: member.sha,
                prev: Some(op.prev),
                device: self.caller.device.device,
                user: self.caller.user.user,
                n,
                key: Some(op.key()),
                at_ms: self.now,
                outcome: outcome.clone(),
                bytes: member.bytes.to_vec(),
                erased: None,
            },
        )
    }

    fn store_row(&mut self, tx: &mut dyn Tx, row: &OpRow) -> Result<()> {
        if let Some(n) = row.n {
            self.check_chain(tx, row, n)?;
            self.arrived.push(n);
        }
        tx.put_op(row)
    }

    /// Evidence, never a reason to refuse: a phone restored from its own backup breaks its chain, and its work still counts.
    fn check_chain(&self, tx: &mut dyn Tx, row: &OpRow, n: u64) -> Result<()> {
        let links = tx.links_around(row.device, n)?;
        let at = |n: u64| {
            links
                .iter()
                .filter(move |link| link.n == n && link.op != row.op)
        };
        if at(n).next().is_some() {
            self.alarm(tx, "n_reused", row.op, "")?;
        }
        let before = n - 1;
        let fits = match row.prev {
            Some(prev) if before == 0 => prev == Hash::ZERO,
            Some(prev) => at(before).next().is_none() || at(before).any(|link| link.sha == prev),
            None => true,
        };
        if !fits {
            self.alarm(tx, "chain_broken", row.op, "")?;
        }
        let known = |hash: Hash| hash == row.sha || at(n).any(|link| link.sha == hash);
        for after in at(n + 1).filter(|link| link.prev.is_some_and(|prev| !known(prev))) {
            self.alarm(tx, "chain_broken", after.op, "")?;
        }
        Ok(())
    }

    fn alarm(&self, tx: &mut dyn Tx, code: &str, op: OpId, detail: &str) -> Result<()> {
        let device = Some(self.caller.device.device);
        tx.raise(&Alarm::new(code, self.now, device, Some(op), detail))?;
        Ok(())
    }
}

/// What a group is when it arrives.
enum Replay {
    /// New.
    None,
    /// All of it was settled before.
    Whole(Vec<Outcome>),
    /// Some of it was, or is not what it says: the group can no longer stand as a whole.
    Broken(Fallen),
}

fn reused() -> Outcome {
    Outcome::Rejected {
        refusal: Refusal::new(Code::OpIdReused),
    }
}

/// What becomes of the others when one member falls.
fn dragged(fallen: &Outcome) -> Outcome {
    match fallen {
        Outcome::Deferred { .. } => fallen.clone(),
        Outcome::Review { .. } => Outcome::Review {
            why: Why::Dependency,
            clashes: Vec::new(),
        },
        _ => Outcome::Rejected {
            refusal: Refusal::new(Code::Dependency),
        },
    }
}

/// Whether `n` can be a device's count.
fn is_count(n: u64) -> bool {
    (1..=MAX_N).contains(&n)
}

fn note_arrival(have: &mut Ranges, n: u64) {
    if have.as_slice().len() < MAX_RANGES || have.contains(n.saturating_sub(1)) {
        have.insert(n);
    }
}
