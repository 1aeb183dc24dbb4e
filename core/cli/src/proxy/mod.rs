//! A TCP proxy for HTTP/1.1 that fails on purpose: by a plan, from a seed, without a sleep.
//!
//! It carries one request per connection: it asks the server to close after the answer, and closes towards the client. So one connection is
//! one decision of the plan, and every fault hits one request. Bytes are not changed beyond that.

mod plan;
mod relay;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

pub use self::plan::{Fault, Plan};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 64;

/// What a proxy did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted. Refused ones are unknown to it: nothing listens then.
    pub connections: u64,
    /// Requests carried without a fault, and their answers.
    pub passed: u64,
    /// Requests lost before the server saw a byte.
    pub lost_requests: u64,
    /// Requests of which the server saw a part.
    pub cut_requests: u64,
    /// Answers lost after the server had done the work.
    pub lost_answers: u64,
    /// Answers of which the client saw a part.
    pub cut_answers: u64,
    /// Requests that reached the server twice.
    pub repeated: u64,
    /// Bytes from clients, heads included.
    pub bytes_up: u64,
    /// Bytes to clients, heads included.
    pub bytes_down: u64,
}

impl Stats {
    /// Faults injected.
    #[must_use]
    pub const fn faults(&self) -> u64 {
        self.lost_requests
            + self.cut_requests
            + self.lost_answers
            + self.cut_answers
            + self.repeated
    }
}

/// Counters that the relays share.
#[derive(Debug, Clone, Default)]
struct Tally(Arc<Mutex<Stats>>);

impl Tally {
    fn add(&self, count: impl FnOnce(&mut Stats)) {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

type Order = (Plan, oneshot::Sender<io::Result<()>>);

/// A running proxy. Stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    tally: Tally,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy on a free port of this machine, in front of `upstream`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub async fn start(upstream: SocketAddr, plan: Plan) -> io::Result<Self> {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let socket = bound(any)?;
        let addr = socket.local_addr()?;
        let (orders, incoming) = mpsc::channel(1);
        let tally = Tally::default();
        let keeper = Keeper {
            addr,
            upstream,
            tally: tally.clone(),
            incoming,
        };
        let task = tokio::runtime::Handle::current().spawn(keeper.run(socket));
        let proxy = Self {
            addr,
            tally,
            orders,
            task,
        };
        proxy.set_plan(plan).await?;
        Ok(proxy)
    }

    /// Where clients connect.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        *self.tally.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the plan. When it returns, the new one is in force and every connection of the old one is cut.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub async fn set_plan(&self, plan: Plan) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        let stopped = || io::Error::other("the proxy has stopped");
        self.orders
            .send((plan, done))
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket that holds its port without listening: connections to it are refused.
fn bound(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

struct Keeper {
    addr: SocketAddr,
    upstream: SocketAddr,
    tally: Tally,
    incoming: mpsc::Receiver<Order>,
}

enum Door {
    Shut(TcpSocket),
    Open(TcpListener),
    /// The port could not be had back.
    Gone,
}

impl Keeper {
    async fn run(mut self, socket: TcpSocket) {
        let mut door = Door::Shut(socket);
        let mut plan = Plan::Refuse;
        let mut relays = JoinSet::new();
        loop {
            let accepted = async {
                match &door {
                    Door::Open(listener) => listener.accept().await,
                    Door::Shut(_) | Door::Gone => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                order = self.incoming.recv() => {
                    let Some((next, done)) = order else { return };
                    relays.shutdown().await;
                    plan = next;
                    let turned;
                    (door, turned) = self.turn(door, &plan);
                    // whoever gave the order may have stopped waiting for it
                    let _ = done.send(turned);
                }
                Ok((client, _)) = accepted => {
                    let fault = plan.next();
                    self.tally.add(|stats| stats.connections += 1);
                    relays.spawn(relay::carry(client, self.upstream, fault, self.tally.clone()));
                }
                Some(_) = relays.join_next() => {}
            }
        }
    }

    /// Opens or shuts the door as the plan wants it. The port stays ours.
    fn turn(&self, door: Door, plan: &Plan) -> (Door, io::Result<()>) {
        let shut = matches!(plan, Plan::Refuse);
        let turned = match door {
            Door::Open(listener) if shut => {
                drop(listener);
                bound(self.addr).map(Door::Shut)
            }
            Door::Shut(socket) if !shut => socket.listen(BACKLOG).map(Door::Open),
            Door::Gone => bound(self.addr).and_then(|socket| {
                if shut {
                    Ok(Door::Shut(socket))
                } else {
                    socket.listen(BACKLOG).map(Door::Open)
                }
            }),
            as_it_is => Ok(as_it_is),
        };
        match turned {
            Ok(door) => (door, Ok(())),
            Err(error) => (Door::Gone, Err(error)),
        }
    }
}

#[cfg(test)]
mod tests;
