//! The machine that the server runs on: it can be restarted, and it can be down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waymark_protocol::error::CallError;
use waymark_server::Server;
use waymark_server::storage::Storage;

use crate::database::KillSwitch;

type Start<S> = Box<dyn Fn(&Arc<KillSwitch>) -> Arc<Server<S>> + Send + Sync>;

/// The machine that the server runs on.
pub struct Host<S: Storage> {
    running: Mutex<Option<Running<S>>>,
    start: Mutex<Start<S>>,
}

struct Running<S: Storage> {
    server: Arc<Server<S>>,
    switch: Arc<KillSwitch>,
}

impl<S: Storage> std::fmt::Debug for Host<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl<S: Storage> Host<S> {
    /// A machine on which `start` starts the server, now and whenever it is restarted. Each start has a switch of its own to die by.
    pub fn new(
        start: impl Fn(&Arc<KillSwitch>) -> Arc<Server<S>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let host = Arc::new(Self {
            running: Mutex::new(None),
            start: Mutex::new(Box::new(start)),
        });
        host.restart();
        host
    }

    /// The server, as the network sees it.
    ///
    /// # Errors
    /// [`CallError::Unreachable`] while it is down or dead.
    pub fn reach(&self) -> Result<Arc<Server<S>>, CallError> {
        let running = lock(&self.running);
        let alive = running.as_ref().filter(|running| !running.switch.is_dead());
        Ok(Arc::clone(&alive.ok_or(CallError::Unreachable)?.server))
    }

    /// The server, as its operator sees it.
    ///
    /// # Panics
    /// While it is down.
    pub fn server(&self) -> Arc<Server<S>> {
        self.reach().expect("the server is down")
    }

    /// What the running server dies by; `None` while it is down.
    pub fn switch(&self) -> Option<Arc<KillSwitch>> {
        let running = lock(&self.running);
        running.as_ref().map(|running| Arc::clone(&running.switch))
    }

    /// The server stops. What it had in memory is gone.
    pub fn stop(&self) {
        drop(lock(&self.running).take());
    }

    /// The server starts, after having been stopped if need be.
    pub fn restart(&self) {
        self.stop();
        let switch = KillSwitch::new();
        let server = lock(&self.start)(&switch);
        *lock(&self.running) = Some(Running { server, switch });
    }

    /// The server is stopped; from now on another one is started here, as after a restore.
    pub fn replace(
        &self,
        start: impl Fn(&Arc<KillSwitch>) -> Arc<Server<S>> + Send + Sync + 'static,
    ) {
        self.stop();
        *lock(&self.start) = Box::new(start);
        self.restart();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
