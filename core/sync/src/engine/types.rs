//! What goes into the engine and what comes out.

use waymark_domain::ambient::Entropy;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_domain::scope::Scope;
use waymark_domain::time::Reading;
use waymark_protocol::api::Answer;
use waymark_protocol::enrol::{Hello, Token, TokenRequest};
use waymark_protocol::error::CallError;
use waymark_protocol::exchange::{VaultRequest, Vaulted};
use waymark_protocol::proof::PublicKey;
use waymark_protocol::request::ExchangeRequest;
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};

use crate::store::StoreFault;

/// Who syncs.
#[derive(Debug, Clone)]
pub struct Who {
    /// The company.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// The server's key, pinned when the device enrolled.
    pub server_key: PublicKey,
    /// The app's version.
    pub app: String,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Time to look for work.
    Wake(Trigger),
    /// The call that was asked for last brought this.
    Answered(Box<Answered>),
}

/// Why the engine is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The time that the engine had asked for.
    Timer,
    /// There is a new operation.
    NewWork,
    /// The network changed, the app came to the front, or a push message arrived.
    Opportunity,
    /// The user asked.
    User,
}

/// What a call brought.
#[derive(Debug)]
pub enum Answered {
    /// To [`Call::Hello`].
    Hello(Answer<Hello>),
    /// To [`Call::Token`].
    Token(Answer<Token>),
    /// To [`Call::Exchange`].
    Exchange(Answer<ExchangeResponse>),
    /// To [`Call::Snapshot`].
    Snapshot(Answer<SnapshotPage>),
    /// To [`Call::Vault`].
    Vault(Answer<Vaulted>),
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// [`waymark_protocol::api::SyncApi::hello`].
    Hello {
        /// Chance.
        echo: String,
    },
    /// [`waymark_protocol::api::SyncApi::token`].
    Token(TokenRequest),
    /// [`waymark_protocol::api::SyncApi::exchange`].
    Exchange {
        /// Admits the device.
        token: String,
        /// What to say.
        request: Box<ExchangeRequest>,
    },
    /// [`waymark_protocol::api::SyncApi::snapshot`].
    Snapshot {
        /// Admits the device.
        token: String,
        /// Which page.
        request: SnapshotRequest,
    },
    /// [`waymark_protocol::api::SyncApi::vault`].
    Vault {
        /// Admits the device.
        token: String,
        /// The bytes.
        request: VaultRequest,
    },
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make a call and bring back what it brought.
    Call(Call),
    /// Come back when the boot-time clock shows this, milliseconds.
    WakeAt(i64),
    /// Tell whoever watches.
    Tell(Event),
}

/// What the engine tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something moved.
    Progress(Progress),
    /// The round is over: nothing is left to send or to fetch, or what is left has to wait.
    Rested(Progress),
    /// The round failed; the next attempt is this many milliseconds away. All work is kept.
    Failed {
        /// Why.
        why: Failure,
        /// Until the next attempt, milliseconds.
        retry_ms: i64,
    },
    /// Operations need a person.
    Attention(u64),
    /// A scope's content differed from the server's and is fetched anew.
    Repairing(Scope),
    /// The server's log began anew; this many operations are sent again.
    EpochChanged(u64),
    /// The answer's receipt was not the server's or not for this device's chain: it was not kept.
    ReceiptIgnored,
    /// The server speaks a newer language: it takes the work but gives no changes until the app is updated.
    UpgradeNeeded,
}

/// What a round has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations that the server has spoken about for good.
    pub settled: u64,
    /// Operations still pending.
    pub pending: u64,
    /// Changes fetched.
    pub fetched: u64,
    /// Calls made.
    pub calls: u64,
}

/// Why a round failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The network or the server.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The device's database.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The device's key.
    #[error("the device's key cannot be used")]
    Key,
}

/// What the engine is given with each input.
pub struct Context<'a> {
    /// Both clocks.
    pub now: Reading,
    /// Chance.
    pub entropy: &'a dyn Entropy,
}
