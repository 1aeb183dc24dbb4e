//! What the engine does when something goes wrong: find the operation that is to blame, ask for smaller pieces, rest.

use waymark_protocol::api::Answer;
use waymark_protocol::error::{ApiCode, CallError};
use waymark_protocol::limits::PAGE_MIN;
use waymark_protocol::request::{ExchangeRequest, RequestHeader};
use waymark_protocol::snapshot::SnapshotPage;

use super::types::{Call, Context, Effect, Event, Failure};
use super::{Engine, Flight, MOST_REPAIRS, Phase, Step, chance_text};
use crate::backoff::{LONGEST_MS, wait_ms};
use crate::store::{PendingOp, SyncStore};

impl Engine {
    pub(super) fn exchange_failed(
        &mut self,
        batch: &[PendingOp],
        error: CallError,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        match &error {
            CallError::Api(api) if api.code == ApiCode::Unauthorised => {
                return self.admit_again(error, ctx, store, effects);
            }
            // the server itself fails on something in the batch: find it, and let the rest pass
            CallError::Api(api)
                if matches!(
                    api.code,
                    ApiCode::Internal | ApiCode::Malformed | ApiCode::TooLarge
                ) && !batch.is_empty() =>
            {
                let one = batch.first().is_some_and(|first| {
                    batch.len() == 1
                        || (first.group.is_some() && batch.iter().all(|op| op.group == first.group))
                });
                if one {
                    let ns: Vec<u64> = batch.iter().map(|op| op.n).collect();
                    store.note_failure(&ns, &api.to_string())?;
                    for n in ns {
                        self.aside.insert(n);
                    }
                } else {
                    self.batch_ops = (batch.len() / 2).max(1);
                }
                return self.next_call(ctx, store, effects);
            }
            CallError::Cut | CallError::Silent => {
                self.page_bytes = (self.page_bytes / 2).max(PAGE_MIN)
            }
            _ => {}
        }
        if self.failures >= 1 {
            self.batch_ops = (self.batch_ops / 2).max(1);
        }
        Err(error.into())
    }

    /// Even the vault would not have it now: it waits for another round, and nothing else waits for it.
    pub(super) fn vault_failed(
        &mut self,
        op: &PendingOp,
        error: CallError,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        match &error {
            CallError::Api(api) if api.code == ApiCode::Unauthorised => {
                self.admit_again(error, ctx, store, effects)
            }
            CallError::Api(api) if !matches!(api.code, ApiCode::DeviceRevoked | ApiCode::Busy) => {
                store.note_failure(&[op.n], &api.to_string())?;
                self.aside.insert(op.n);
                self.next_call(ctx, store, effects)
            }
            _ => Err(error.into()),
        }
    }

    pub(super) fn paged(
        &mut self,
        answer: Answer<SnapshotPage>,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<Option<SnapshotPage>> {
        match answer {
            Ok(page) => Ok(Some(page)),
            Err(error) => {
                match &error {
                    CallError::Api(api) if api.code == ApiCode::Unauthorised => {
                        self.admit_again(error, ctx, store, effects)?;
                        return Ok(None);
                    }
                    // the scope was taken away meanwhile: an exchange tells which scopes there are now
                    CallError::Api(api)
                        if matches!(api.code, ApiCode::Forbidden | ApiCode::NotFound) =>
                    {
                        self.exchange_for_scopes(ctx, store, effects)?;
                        return Ok(None);
                    }
                    CallError::Cut | CallError::Silent => {
                        self.page_bytes = (self.page_bytes / 2).max(PAGE_MIN)
                    }
                    _ => {}
                }
                Err(error.into())
            }
        }
    }

    pub(super) fn exchange_for_scopes(
        &mut self,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        let Some((token, _)) = self.token.clone() else {
            return self.next_call(ctx, store, effects);
        };
        let state = store.state()?;
        let echo = chance_text(ctx.entropy);
        let header = RequestHeader {
            scopes_hash: None,
            ..self.header(&state, &echo)?
        };
        self.phase = Phase::Exchanging(Flight {
            echo,
            sent: ctx.now,
            stated: self.stated(&state),
            batch: vec![],
        });
        let request = Box::new(ExchangeRequest {
            header,
            ops: vec![],
        });
        effects.push(Effect::Call(Call::Exchange { token, request }));
        Ok(())
    }

    /// The token is over: get another, but not for ever in one round.
    pub(super) fn admit_again(
        &mut self,
        error: CallError,
        ctx: &Context<'_>,
        store: &dyn SyncStore,
        effects: &mut Vec<Effect>,
    ) -> Step<()> {
        self.token = None;
        if self.failures > 0 {
            return Err(error.into());
        }
        self.failures += 1;
        self.next_call(ctx, store, effects)
    }

    pub(super) fn rest(&mut self, ctx: &Context<'_>, effects: &mut Vec<Effect>) {
        let wait = if self.progress.pending > 0 || self.repairs > MOST_REPAIRS {
            self.failures += 1;
            wait_ms(self.failures, ctx.entropy)
        } else {
            LONGEST_MS
        };
        let wake_at = ctx.now.mono_ms.saturating_add(wait);
        self.phase = Phase::Resting { wake_at };
        effects.push(Effect::Tell(Event::Rested(self.progress)));
        effects.push(Effect::WakeAt(wake_at));
    }

    pub(super) fn rest_after(
        &mut self,
        why: Failure,
        ctx: &Context<'_>,
        effects: &mut Vec<Effect>,
    ) {
        // whatever call was prepared in this step must not be made: the step failed
        effects.retain(|effect| matches!(effect, Effect::Tell(_)));
        self.failures = self.failures.saturating_add(1);
        let hopeless = matches!(
            &why,
            Failure::Call(CallError::Api(api)) if matches!(api.code, ApiCode::DeviceRevoked | ApiCode::WrongProtocol)
        );
        let wait = if hopeless {
            LONGEST_MS
        } else {
            wait_ms(self.failures, ctx.entropy)
        };
        if matches!(&why, Failure::Call(CallError::Api(_))) {
            self.token = None;
        }
        let wake_at = ctx.now.mono_ms.saturating_add(wait);
        self.phase = Phase::Resting { wake_at };
        effects.push(Effect::Tell(Event::Failed {
            why,
            retry_ms: wait,
        }));
        effects.push(Effect::WakeAt(wake_at));
    }
}
