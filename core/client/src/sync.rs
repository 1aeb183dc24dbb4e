//! Syncing: when there is a network.

use serde::Serialize;
use waymark_protocol::api::SyncApi;
use waymark_protocol::proof::PublicKey;
use waymark_store::Identity;
use waymark_sync::driver::{World, round};
use waymark_sync::engine::{Engine, Event, Trigger, Who};
use waymark_sync::http::HttpApi;

use crate::adapter::DeviceStore;
use crate::enrol::AUTHORITY;
use crate::error::WaymarkError;
use crate::events::ClientEvent;
use crate::waymark::Waymark;

/// Sync.
pub struct Sync(pub(crate) Waymark);

/// What a round of sync did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Operations that the server has spoken about for good.
    pub settled: u64,
    /// Operations still pending.
    pub pending: u64,
    /// Operations that need a person, of all rounds so far.
    pub attention: u64,
    /// Changes fetched.
    pub fetched: u64,
    /// Calls made.
    pub calls: u64,
    /// Bytes sent, compressed.
    pub sent_bytes: u64,
    /// Bytes received, compressed.
    pub received_bytes: u64,
}

impl Sync {
    /// Syncs until nothing is left to send or to fetch. Dropping the future is safe; `watch` sees every step.
    ///
    /// # Errors
    /// What the network, the server or the disk may say. Whatever it is, the work is saved and stays pending.
    pub async fn run(
        &self,
        watch: &(dyn Fn(&Event) + Send + std::marker::Sync),
    ) -> Result<SyncReport, WaymarkError> {
        let api = self.0.http_api()?;
        let report = self.run_over(&api, Trigger::User, watch).await;
        let traffic = api.traffic();
        report.map(|report| SyncReport {
            sent_bytes: traffic.sent,
            received_bytes: traffic.received,
            ..report
        })
    }

    /// [`Self::run`] over any way to the server.
    ///
    /// # Errors
    /// As there.
    pub async fn run_over<A: SyncApi>(
        &self,
        api: &A,
        trigger: Trigger,
        watch: &(dyn Fn(&Event) + Send + std::marker::Sync),
    ) -> Result<SyncReport, WaymarkError> {
        let inner = &self.0.0;
        let me = self.0.me()?;
        // whatever hinders a track hinders nothing else: its points wait where they are, and what is pending goes up
        if !self.0.is_push_only()
            && let Err(error) = self.pack_track()
        {
            inner.events.push(ClientEvent::TrackWaits(error));
        }
        let mut engine = inner.engine.lock().await;
        let engine = engine.get_or_insert_with(|| self.0.new_engine(&me));
        let store = DeviceStore(&inner.store);
        let world = World {
            api,
            store: &store,
            clock: &*inner.parts.clock,
            entropy: &*inner.parts.entropy,
        };
        let watch_and_keep = |event: &Event| {
            inner.events.sync(event);
            watch(event);
        };
        let end = round(engine, &world, trigger, &watch_and_keep).await;
        self.0.learn_role()?;
        let progress = end.result?;
        let ledger = inner.store.ledger()?;
        Ok(SyncReport {
            settled: progress.settled,
            pending: ledger.pending,
            attention: ledger.needs_attention,
            fetched: progress.fetched,
            calls: progress.calls,
            sent_bytes: 0,
            received_bytes: 0,
        })
    }
}

impl Sync {
    /// A session that is over ends, and the last positions go up with this sync: a manager sees them as old as they are.
    fn pack_track(&self) -> Result<(), WaymarkError> {
        self.0.shift().tidy()?;
        let inner = &self.0.0;
        let packed = inner
            .store
            .flush_track(inner.parts.clock.read(), self.0.entropy())?;
        if packed > 0 {
            inner.events.push(ClientEvent::Changed);
        }
        Ok(())
    }
}

impl Waymark {
    /// Sync.
    #[must_use]
    pub fn sync(&self) -> Sync {
        Sync(self.clone())
    }

    /// A fresh engine for this device, as every start makes one.
    #[must_use]
    pub fn new_engine(&self, me: &Identity) -> Engine {
        let who = Who {
            tenant: me.tenant,
            device: me.device,
            server_key: PublicKey::from_text(me.server_key.clone()),
            app: self.0.parts.app.clone(),
        };
        Engine::new(who, self.0.parts.signer.clone())
    }

    /// The HTTP client for this device's server.
    pub(crate) fn http_api(&self) -> Result<HttpApi, WaymarkError> {
        let me = self.me()?;
        let authority = me.extra.get(AUTHORITY).and_then(serde_json::Value::as_str);
        self.http_api_at(&me.server_url, authority)
    }

    pub(crate) fn http_api_at(
        &self,
        url: &str,
        authority: Option<&str>,
    ) -> Result<HttpApi, WaymarkError> {
        let clock = self.0.parts.clock.clone();
        Ok(HttpApi::new(
            url,
            authority.map(str::as_bytes),
            clock,
            self.0.store.anchors()?,
        )?)
    }

    /// Takes over what the server's directory now says of this user: the device judges work by the same role as the server.
    fn learn_role(&self) -> Result<(), WaymarkError> {
        let me = self.me()?;
        let Some(member) = self.read(|reader| reader.member(me.user))? else {
            return Ok(());
        };
        let member = member.record;
        if (me.role, &me.team, &me.user_name) != (member.role, &member.team, &member.name) {
            self.set_me(Identity {
                role: member.role,
                team: member.team,
                user_name: member.name,
                ..me
            })?;
        }
        Ok(())
    }
}
