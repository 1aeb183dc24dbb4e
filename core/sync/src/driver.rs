//! Carries out what the engine wants, over any [`SyncApi`].

use waymark_domain::ambient::{Clock, Entropy};
use waymark_protocol::api::SyncApi;

use crate::engine::{
    Answered, Call, Context, Effect, Engine, Event, Failure, Input, Progress, Trigger,
};
use crate::store::SyncStore;

/// How a round ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundEnd {
    /// What it did, or why it failed.
    pub result: Result<Progress, Failure>,
    /// When the boot-time clock shows this, the engine wants to be woken.
    pub wake_at: i64,
}

/// What a driver needs besides the engine.
pub struct World<'a, A> {
    /// The server.
    pub api: &'a A,
    /// The device's database.
    pub store: &'a dyn SyncStore,
    /// The clocks.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub entropy: &'a dyn Entropy,
}

/// Wakes the engine and makes its calls, one after the other, until it rests.
///
/// Dropping the future is safe at any point: what was written is written, the rest is pending.
pub async fn round<A: SyncApi>(
    engine: &mut Engine,
    world: &World<'_, A>,
    trigger: Trigger,
    watch: &(dyn Fn(&Event) + Send + Sync),
) -> RoundEnd {
    // a round whose future was dropped leaves its call unanswered
    engine.abandon_call();
    let mut end = RoundEnd {
        result: Ok(Progress::default()),
        wake_at: i64::MIN,
    };
    let mut input = Input::Wake(trigger);
    loop {
        let ctx = Context {
            now: world.clock.read(),
            entropy: world.entropy,
        };
        let mut call = None;
        for effect in engine.handle(input, &ctx, world.store) {
            match effect {
                Effect::Call(wanted) => call = Some(wanted),
                Effect::WakeAt(at) => end.wake_at = at,
                Effect::Tell(event) => {
                    match &event {
                        Event::Rested(progress) => end.result = Ok(*progress),
                        Event::Failed { why, .. } => end.result = Err(why.clone()),
                        _ => {}
                    }
                    watch(&event);
                }
            }
        }
        let Some(call) = call else { return end };
        input = Input::Answered(Box::new(make(world.api, call).await));
    }
}

async fn make<A: SyncApi>(api: &A, call: Call) -> Answered {
    match call {
        Call::Hello { echo } => Answered::Hello(api.hello(&echo).await),
        Call::Token(request) => Answered::Token(api.token(&request).await),
        Call::Exchange { token, request } => {
            Answered::Exchange(api.exchange(&token, &request).await)
        }
        Call::Snapshot { token, request } => {
            Answered::Snapshot(api.snapshot(&token, &request).await)
        }
        Call::Vault { token, request } => Answered::Vault(api.vault(&token, &request).await),
    }
}
