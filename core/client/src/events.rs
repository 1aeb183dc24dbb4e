//! Events are pulled, so that the core never calls up. What nobody has pulled yet is coalesced: a hundred ticks become one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use waymark_sync::engine::{Event, Progress};

use crate::error::WaymarkError;

/// Most events that wait; beyond it the oldest go and [`ClientEvent::Lagged`] says so.
const MOST: usize = 64;

/// Something that a screen may want to show.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientEvent {
    /// Records changed: read what is on the screen again.
    Changed,
    /// Sync moved.
    Syncing(Progress),
    /// Sync rests; nothing is left to do, or what is left waits.
    Synced(Progress),
    /// Sync failed; it tries again in so many milliseconds.
    SyncFailed(WaymarkError, i64),
    /// The positions of the open work session could not be packed, for this reason; they wait, and the sync goes on without them.
    TrackWaits(WaymarkError),
    /// So many operations need a person.
    Attention(u64),
    /// The app is too old to be given changes. What it sends is still taken.
    UpgradeNeeded,
    /// Events were dropped: read everything again.
    Lagged,
}

#[derive(Default)]
pub(crate) struct Events {
    waiting: Mutex<VecDeque<ClientEvent>>,
    arrived: Notify,
}

impl Events {
    pub(crate) fn push(&self, event: ClientEvent) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let same = waiting
            .back_mut()
            .filter(|last| std::mem::discriminant(*last) == std::mem::discriminant(&event));
        match same {
            Some(last) => *last = event,
            None => waiting.push_back(event),
        }
        if waiting.len() > MOST {
            waiting.clear();
            waiting.push_back(ClientEvent::Lagged);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    pub(crate) fn sync(&self, event: &Event) {
        match event {
            Event::Progress(progress) => {
                self.push(ClientEvent::Syncing(*progress));
                self.push(ClientEvent::Changed);
            }
            Event::Rested(progress) => {
                self.push(ClientEvent::Changed);
                self.push(ClientEvent::Synced(*progress));
            }
            Event::Failed { why, retry_ms } => {
                self.push(ClientEvent::SyncFailed(why.clone().into(), *retry_ms))
            }
            Event::Attention(count) => self.push(ClientEvent::Attention(*count)),
            Event::UpgradeNeeded => self.push(ClientEvent::UpgradeNeeded),
            Event::Repairing(_) | Event::EpochChanged(_) | Event::ReceiptIgnored => {}
        }
    }

    pub(crate) async fn next(&self, max: usize) -> Vec<ClientEvent> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if !waiting.is_empty() {
                    let count = max.max(1).min(waiting.len());
                    return waiting.drain(..count).collect();
                }
            }
            arrived.await;
        }
    }
}
