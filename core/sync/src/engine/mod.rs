//! The engine: what happened goes in, what to do comes out.
//!
//! A round says hello, gets a token, exchanges until nothing is left to send or to fetch, and rests. Whatever goes wrong, the engine rests
//! with a wake-up set: nothing but time is needed to go on (invariant I15). One call is in flight at a time, and nothing about it is
//! persisted: after a crash the operations in it are simply pending again, and their ids make the repetition harmless.

use std::sync::Arc;

use data_encoding::BASE64;
use waymark_domain::ambient::Entropy;
use waymark_domain::ids::Epoch;
use waymark_domain::ranges::Ranges;
use waymark_domain::scope::Scope;
use waymark_domain::time::{Anchor, Reading};
use waymark_protocol::enrol::TokenRequest;
use waymark_protocol::error::{ApiCode, CallError};
use waymark_protocol::exchange::VaultRequest;
use waymark_protocol::jws;
use waymark_protocol::limits::{BATCH_BYTES, BATCH_MAX, BATCH_START, PAGE_MAX, PAGE_START};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::{Signer, head_payload, time_payload, token_payload};
use waymark_protocol::receipt::{HeadStatement, Receipt};
use waymark_protocol::request::{ExchangeRequest, RequestHeader, ScopeCursor};
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::snapshot::SnapshotRequest;
use waymark_protocol::{PROTO, SCHEMA};

use crate::store::{KeptReceipt, Page, PendingOp, Settled, Settlement, SyncState, SyncStore};

/// Failures of an operation sent alone after which its bytes go to the vault.
const SUSPECT_AFTER: u32 = 3;

/// Repairs of digests in one round after which the engine rests: a disagreement that a snapshot does not mend is not mended by haste.
const MOST_REPAIRS: u32 = 3;

mod trouble;
mod types;

pub use types::{Answered, Call, Context, Effect, Event, Failure, Input, Progress, Trigger, Who};

/// See the module.
pub struct Engine {
    who: Who,
    signer: Arc<dyn Signer>,
    phase: Phase,
    token: Option<(String, i64)>,
    /// Challenge of the last hello, to be used once.
    challenge: Option<String>,
    batch_ops: usize,
    page_bytes: u32,
    failures: u32,
    repairs: u32,
    /// Operations left out of this round's batches: they failed alone, or wait for others.
    aside: Ranges,
    upgrade_told: bool,
    progress: Progress,
}

#[derive(Debug)]
enum Phase {
    Resting { wake_at: i64 },
    Greeting { echo: String, sent: Reading },
    Proving,
    Exchanging(Flight),
    Paging { scope: Scope },
    Vaulting { op: PendingOp },
}

type Step<T> = Result<T, Failure>;

/// What an answer says of the operations sent: the terminal outcomes, and the rest.
type Sorted = (Vec<Settled>, Vec<(PendingOp, Outcome)>);

impl Engine {
    /// An engine at rest that is due at once.
    #[must_use]
    pub fn new(who: Who, signer: Arc<dyn Signer>) -> Self {
        Self {
            who,
            signer,
            phase: Phase::Resting { wake_at: i64::MIN },
            token: None,
            challenge: None,
            batch_ops: BATCH_START,
            page_bytes: PAGE_START,
            failures: 0,
            repairs: 0,
            aside: Ranges::default(),
            upgrade_told: false,
            progress: Progress::default(),
        }
    }

    /// Whether no call is in flight.
    #[must_use]
    pub const fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Resting { .. })
    }

    /// Forgets the call in flight: whoever made it is gone and will bring no answer. What was in it is pending as before.
    pub fn abandon_call(&mut self) {
        if !self.is_resting() {
            self.phase = Phase::Resting { wake_at: i64::MIN };
        }
    }

    /// Takes what happened; gives what to do. Exactly one of the effects is a call or a wake-up.
    pub fn handle(
        &mut self,
        input: Input,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let step = match input {
            Input::Wake(trigger) => match self.phase {
                Phase::Resting { wake_at }
                    if trigger == Trigger::Timer && ctx.now.mono_ms < wake_at =>
                {
                    effects.push(Effect::WakeAt(wake_at));
                    return effects;
                }
                Phase::Resting { .. } => {
                    if matches!(trigger, Trigger::Opportunity | Trigger::User) {
                        self.failures = 0;
                    }
                    self.begin_round();
                    self.next_call(ctx, store, &mut effects)
                }
                // a call is in flight; its answer goes on from here and will find the new work
                _ => return effects,
            },
            Input::Answered(answered) => {
                let phase = std::mem::replace(
                    &mut self.phase,
                    Phase::Resting {
                        wake_at: ctx.now.mono_ms,
                    },
                );
                self.answered(phase, *answered, ctx, store, &mut effects)
            }
        };
        if let Err(failure) = step {
            self.rest_after(failure, ctx, &mut effects);
        }
        effects
    }

    fn begin_round(&mut self) {
        self.aside = Ranges::default();
        self.repairs = 0;
        self.progress = Progress::default();
    }

    fn answered(
        &mut self,
        phase: Phase,
        answered: Answered,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        match (phase, answered) {
            (Phase::Greeting { echo, sent }, Answered::Hello(answer)) => {
                let hello = answer?;
                if hello.echo != echo || hello.key != self.who.server_key {
                    return Err(CallError::NotWaymark.into());
                }
                self.check_time(&echo, hello.server_ms, hello.epoch, &hello.sig)?;
                if !(hello.protocols.0..=hello.protocols.1).contains(&PROTO) {
                    let error =
                        waymark_protocol::error::ApiError::new(ApiCode::WrongProtocol, "hello");
                    return Err(CallError::Api(error).into());
                }
                let anchor = Some(Anchor::of_round_trip(hello.server_ms, sent, ctx.now));
                store.settle(&Settlement {
                    outcomes: vec![],
                    scopes: None,
                    epoch: None,
                    anchor,
                    receipt: None,
                    at_ms: ctx.now.wall_ms,
                })?;
                self.challenge = Some(hello.challenge);
                self.next_call(ctx, store, effects)
            }
            (Phase::Proving, Answered::Token(answer)) => {
                let token = answer?;
                // a little early, so that a token does not run out on its way
                let until = ctx
                    .now
                    .mono_ms
                    .saturating_add(token.lives_ms - token.lives_ms / 10);
                self.token = Some((token.token, until));
                self.next_call(ctx, store, effects)
            }
            (Phase::Exchanging(flight), Answered::Exchange(answer)) => match answer {
                Ok(response) => self.exchanged(flight, response, ctx, store, effects),
                Err(error) => self.exchange_failed(&flight.batch, error, ctx, store, effects),
            },
            (Phase::Paging { scope }, Answered::Snapshot(answer)) => {
                let page = self.paged(answer, ctx, store, effects)?;
                let Some(page) = page else { return Ok(()) };
                store.stage_snapshot(&scope, &page)?;
                self.succeeded();
                self.progress.fetched += page.puts.len() as u64;
                effects.push(Effect::Tell(Event::Progress(self.progress)));
                self.next_call(ctx, store, effects)
            }
            (Phase::Vaulting { op }, Answered::Vault(answer)) => {
                let outcome = match answer {
                    Ok(vaulted) => vaulted.outcome,
                    Err(error) => return self.vault_failed(&op, error, ctx, store, effects),
                };
                let outcome = if outcome.is_terminal() {
                    outcome
                } else {
                    Outcome::Vaulted
                };
                let attention = u64::from(outcome.needs_attention());
                let outcomes = vec![Settled {
                    n: op.n,
                    op: op.op,
                    outcome,
                }];
                store.settle(&Settlement {
                    outcomes,
                    scopes: None,
                    epoch: None,
                    anchor: None,
                    receipt: None,
                    at_ms: ctx.now.wall_ms,
                })?;
                self.progress.settled += 1;
                if attention > 0 {
                    effects.push(Effect::Tell(Event::Attention(attention)));
                }
                self.next_call(ctx, store, effects)
            }
            // the driver's fault, mended by starting over
            _ => Err(CallError::Malformed("an answer to nothing that was asked".to_owned()).into()),
        }
    }

    /// What to do next: get admitted, fetch wanted snapshots, else exchange.
    fn next_call(
        &mut self,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        self.progress.calls += 1;
        let token = self
            .token
            .as_ref()
            .filter(|(_, until)| ctx.now.mono_ms < *until)
            .map(|(token, _)| token.clone());
        let Some(token) = token else {
            let call = self.get_admitted(ctx)?;
            effects.push(Effect::Call(call));
            return Ok(());
        };
        let state = store.state()?;
        let wanted = state
            .scopes
            .iter()
            .find_map(|progress| Some((&progress.scope, progress.wanted.as_ref()?)));
        if let Some((scope, next)) = wanted {
            self.phase = Phase::Paging {
                scope: scope.clone(),
            };
            let request = SnapshotRequest {
                scope: scope.clone(),
                pin: next.pin,
                after: next.after.clone(),
                limit_bytes: self.page_bytes,
            };
            effects.push(Effect::Call(Call::Snapshot { token, request }));
            return Ok(());
        }
        let batch = store.batch(self.batch_ops, BATCH_BYTES, &self.aside)?;
        if let [suspect, ..] = batch.as_slice()
            && suspect.attempts >= SUSPECT_AFTER
        {
            let bytes = BASE64.encode(&suspect.bytes);
            let request = VaultRequest {
                op: suspect.op,
                n: suspect.n,
                bytes,
            };
            self.phase = Phase::Vaulting {
                op: suspect.clone(),
            };
            effects.push(Effect::Call(Call::Vault { token, request }));
            return Ok(());
        }
        let echo = chance_text(ctx.entropy);
        let header = self.header(&state, &echo)?;
        // an operation that failed before is sent alone with its group, so that its next failure is known to be its own
        let alone = |op: &PendingOp| op.attempts > 0;
        let keep = match batch.as_slice() {
            [first, rest @ ..] if alone(first) => {
                1 + rest
                    .iter()
                    .take_while(|op| op.group.is_some() && op.group == first.group)
                    .count()
            }
            all => all.iter().take_while(|op| !alone(op)).count(),
        };
        let batch: Vec<PendingOp> = batch.into_iter().take(keep).collect();
        let ops = batch.iter().map(|op| op.bytes.clone()).collect();
        self.phase = Phase::Exchanging(Flight {
            echo,
            sent: ctx.now,
            stated: self.stated(&state),
            batch,
        });
        effects.push(Effect::Call(Call::Exchange {
            token,
            request: Box::new(ExchangeRequest { header, ops }),
        }));
        Ok(())
    }

    fn get_admitted(&mut self, ctx: &Context<'_>) -> Step<Call> {
        let Some(challenge) = self.challenge.take() else {
            let echo = chance_text(ctx.entropy);
            self.phase = Phase::Greeting {
                echo: echo.clone(),
                sent: ctx.now,
            };
            return Ok(Call::Hello { echo });
        };
        let payload = token_payload(self.who.tenant, self.who.device, &challenge);
        let sig = self.signer.sign(&payload).map_err(|_| Failure::Key)?;
        self.phase = Phase::Proving;
        Ok(Call::Token(TokenRequest {
            tenant: self.who.tenant,
            device: self.who.device,
            challenge,
            sig,
        }))
    }

    /// What the device states of its chain.
    const fn stated(&self, state: &SyncState) -> HeadStatement {
        HeadStatement {
            tenant: self.who.tenant,
            device: self.who.device,
            n: state.n_last,
            head: state.head,
        }
    }

    /// The answer's receipt, when it is the server's and for what was stated with this device's key. Any other is told and not kept: the
    /// work goes on without it.
    fn receipt(
        &self,
        stated: &HeadStatement,
        compact: Option<&str>,
        effects: &mut Vec<Effect>,
    ) -> Option<KeptReceipt> {
        let jws = compact?;
        let receipt = Receipt::open(jws, &self.who.server_key.ready()).ok();
        let fitting = receipt.filter(|receipt| {
            let for_head = HeadStatement {
                tenant: receipt.tenant,
                device: receipt.device,
                n: receipt.n,
                head: receipt.head,
            };
            for_head == *stated && receipt.device_key == self.signer.public_key()
        });
        let Some(receipt) = fitting else {
            effects.push(Effect::Tell(Event::ReceiptIgnored));
            return None;
        };
        Some(KeptReceipt {
            n: receipt.n,
            complete: receipt.complete,
            at_ms: receipt.at_ms,
            jws: jws.to_owned(),
        })
    }

    fn header(&self, state: &SyncState, echo: &str) -> Step<RequestHeader> {
        let payload = head_payload(&self.stated(state));
        let sig = jws::sign_low(&*self.signer, &payload).map_err(|_| Failure::Key)?;
        let scopes = state.scopes.iter().filter(|progress| progress.cursor > 0);
        Ok(RequestHeader {
            proto: PROTO,
            echo: echo.to_owned(),
            epoch: state.epoch,
            device: self.who.device,
            app: self.who.app.clone(),
            schema: SCHEMA,
            n_last: state.n_last,
            unacked: state.unacked.clone(),
            head: state.head,
            sig,
            receipt: state.receipt,
            scopes: scopes
                .map(|progress| ScopeCursor {
                    id: progress.scope.clone(),
                    cursor: progress.cursor,
                })
                .collect(),
            scopes_hash: state.scopes_hash,
            limit_bytes: self.page_bytes,
        })
    }

    fn exchanged(
        &mut self,
        flight: Flight,
        response: ExchangeResponse,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        let head = &response.head;
        self.check_time(&flight.echo, head.server_ms, head.epoch, &head.sig)?;
        let before = store.state()?;
        let (settled, open) = sort_outcomes(&flight.batch, &response)?;
        let attention = settled
            .iter()
            .filter(|settled| settled.outcome.needs_attention())
            .count() as u64;
        let first = settled.first().map(|settled| settled.op);
        self.progress.settled += settled.len() as u64;
        let receipt = self.receipt(&flight.stated, head.receipt.as_deref(), effects);
        store.settle(&Settlement {
            outcomes: settled,
            scopes: head.scopes.clone(),
            epoch: Some(head.epoch),
            anchor: Some(Anchor::of_round_trip(head.server_ms, flight.sent, ctx.now)),
            receipt,
            at_ms: ctx.now.wall_ms,
        })?;
        self.put_aside(&open, store)?;
        self.succeeded();
        if attention > 0 {
            effects.push(Effect::Tell(Event::Attention(attention)));
        }
        if head.upgrade && !self.upgrade_told {
            self.upgrade_told = true;
            effects.push(Effect::Tell(Event::UpgradeNeeded));
        }
        if before.epoch.is_some_and(|epoch| epoch != head.epoch) {
            let again = store.begin_epoch(head.epoch, &head.have)?;
            effects.push(Effect::Tell(Event::EpochChanged(again)));
            return self.next_call(ctx, store, effects);
        }
        let pulled = self.pulled(response, store, effects)?;
        let after = store.state()?;
        self.progress.pending = after.unacked.count();
        let wanted = after
            .scopes
            .iter()
            .any(|progress| progress.wanted.is_some());
        // a database that only pushes cannot take outcomes: then nothing moves, and the round ends
        let moved = first.map(|op| store.is_pending(op)).transpose()? == Some(false);
        let sendable = !store.batch(1, BATCH_BYTES, &self.aside)?.is_empty();
        let go_on = pulled == Pulled::More
            || wanted
            || (sendable && (moved || !open.is_empty() || flight.batch.is_empty()));
        if go_on && self.repairs <= MOST_REPAIRS {
            effects.push(Effect::Tell(Event::Progress(self.progress)));
            return self.next_call(ctx, store, effects);
        }
        self.rest(ctx, effects);
        Ok(())
    }

    fn pulled(
        &mut self,
        response: ExchangeResponse,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<Pulled> {
        if response.head.upgrade {
            return Ok(Pulled::All);
        }
        let end = response.end;
        let all = !end.more && end.snapshots.is_empty();
        self.progress.fetched += response.changes.len() as u64;
        store.stage(&Page {
            changes: response.changes,
            next: end.next,
            snapshots: end.snapshots,
        })?;
        if !all {
            return Ok(Pulled::More);
        }
        let differing = store.publish(end.seq, &end.checkpoint)?;
        self.repairs += u32::from(!differing.is_empty());
        effects.extend(
            differing
                .into_iter()
                .map(|scope| Effect::Tell(Event::Repairing(scope))),
        );
        Ok(Pulled::All)
    }

    /// Leaves operations without a terminal outcome out of the rest of the round, and counts it against those that wait for nothing of ours.
    fn put_aside(&mut self, open: &[(PendingOp, Outcome)], store: &dyn SyncStore) -> Step<()> {
        let mut failed = Vec::new();
        for (op, outcome) in open {
            self.aside.insert(op.n);
            let waits_for_ours = match outcome {
                Outcome::Deferred { missing } => {
                    let mut ours = false;
                    for missing in missing {
                        ours |= store.is_pending(*missing)?;
                    }
                    ours
                }
                _ => false,
            };
            if !waits_for_ours {
                failed.push(op.n);
            }
        }
        if !failed.is_empty() {
            store.note_failure(&failed, "not settled")?;
        }
        Ok(())
    }

    fn check_time(
        &self,
        echo: &str,
        server_ms: i64,
        epoch: Epoch,
        sig: &waymark_protocol::proof::Signature,
    ) -> Result<(), CallError> {
        let genuine = self
            .who
            .server_key
            .verifies(&time_payload(echo, server_ms, epoch), sig);
        if genuine {
            Ok(())
        } else {
            Err(CallError::NotWaymark)
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.batch_ops = (self.batch_ops * 2).min(BATCH_MAX);
        self.page_bytes = (self.page_bytes * 2).min(PAGE_MAX);
    }
}

#[derive(Debug)]
struct Flight {
    echo: String,
    sent: Reading,
    stated: HeadStatement,
    batch: Vec<PendingOp>,
}

#[derive(PartialEq)]
enum Pulled {
    All,
    More,
}

/// Matches the answer's outcomes to what was sent: those that are terminal, and those that are not.
fn sort_outcomes(batch: &[PendingOp], response: &ExchangeResponse) -> Result<Sorted, CallError> {
    let (mut settled, mut open) = (Vec::new(), Vec::new());
    for out in &response.outs {
        let Some(sent) = batch.get(out.i) else {
            return Err(CallError::Malformed(
                "an outcome for nothing that was sent".to_owned(),
            ));
        };
        if out.op.is_some_and(|op| op != sent.op) {
            return Err(CallError::Malformed(
                "an outcome for another operation".to_owned(),
            ));
        }
        if out.outcome.is_terminal() && out.op.is_some() {
            settled.push(Settled {
                n: sent.n,
                op: sent.op,
                outcome: out.outcome.clone(),
            });
        } else {
            open.push((sent.clone(), out.outcome.clone()));
        }
    }
    Ok((settled, open))
}

fn chance_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}
