//! The server on a socket: HTTP/1.1 and HTTP/2. TLS is the business of whoever stands in front.
//!
//! Every answer, errors included, carries [`waymark_protocol::HEADER`]; every error is an [`ApiError`] in JSON. All work on the database runs
//! on threads of its own.

mod body;
mod calls;
mod exchange;
mod idle;
mod reply;

use std::future::{Future, IntoFuture as _};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use waymark_domain::ids::DeviceId;
use waymark_protocol::HEADER;
use waymark_protocol::error::{ApiCode, ApiError};

use self::idle::PatientListener;
use crate::error::Result;
use crate::server::Server;
use crate::storage::Storage;

/// How often the server looks for what never arrived.
const AUDIT_EVERY: Duration = Duration::from_secs(60 * 60);

/// How long the server waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the next bytes of a body that was announced.
    pub body: Duration,
    /// For anything to happen on a connection.
    pub connection: Duration,
    /// Most connections at the same time; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // the device's own limit for a connection on which nothing moves
            body: Duration::from_secs(30),
            // keeps a phone's connection between two exchanges, and ends one whose phone has gone
            connection: Duration::from_secs(120),
            connections: 4096,
        }
    }
}

/// What handlers share.
struct App<S: Storage> {
    server: Arc<Server<S>>,
    patience: Patience,
    handle: Handle,
}

impl<S: Storage> Clone for App<S> {
    fn clone(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            patience: self.patience,
            handle: self.handle.clone(),
        }
    }
}

/// Which device a request turned out to be from: for the log.
#[derive(Clone, Copy)]
struct From(DeviceId);

/// Serves until `shutdown` is ready, then finishes the requests that are running.
///
/// # Errors
/// What the listener says.
pub async fn serve<S: Storage>(
    listener: TcpListener,
    server: Arc<Server<S>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, server, Patience::default(), shutdown).await
}

/// The same, with limits of the caller's.
///
/// # Errors
/// What the listener says.
pub async fn serve_with<S: Storage>(
    listener: TcpListener,
    server: Arc<Server<S>>,
    patience: Patience,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = App {
        server,
        patience,
        handle: Handle::current(),
    };
    let listener = PatientListener::new(listener, patience);
    let serving = axum::serve(listener, router(app.clone())).with_graceful_shutdown(shutdown);
    tokio::select! {
        ended = serving.into_future() => ended,
        () = audits(app) => Ok(()),
    }
}

fn router<S: Storage>(app: App<S>) -> Router {
    Router::new()
        .route("/v1/hello", get(calls::hello))
        .route("/v1/devices", get(calls::devices).post(calls::enrol))
        .route("/v1/devices/revoke", post(calls::revoke))
        .route("/v1/invites", post(calls::invite))
        .route("/v1/token", post(calls::token))
        .route("/v1/exchange", post(exchange::both))
        .route("/v1/push", post(exchange::push))
        .route("/v1/pull", post(exchange::pull))
        .route("/v1/snapshot", get(calls::snapshot))
        .route("/v1/outcomes", post(calls::outcomes))
        .route("/v1/vault", post(calls::vault))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app)
}

async fn nowhere() -> Response {
    reply::error(&ApiError::new(ApiCode::NotFound, "no such call"))
}

/// Marks every answer as this server's, and logs it: route, status, time, device; nothing that a person wrote.
async fn around<S: Storage>(State(app): State<App<S>>, request: Request, next: Next) -> Response {
    let began = app.server.clock.read().mono_ms;
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map_or("-", MatchedPath::as_str).to_owned();
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(HEADER, HeaderValue::from_static("1"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let ms = app.server.clock.read().mono_ms.saturating_sub(began);
    let device = answer.extensions().get::<From>();
    let device = device.map(|from| from.0.to_string()).unwrap_or_default();
    let status = answer.status().as_u16();
    tracing::info!(route, status, ms, device, "answered");
    answer
}

impl<S: Storage> App<S> {
    /// Runs work on the database on a thread of its own. A panic in it is this request's alone.
    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, ApiError> {
        match self.handle.spawn_blocking(job).await {
            Ok(done) => done.map_err(ApiError::from),
            Err(_) => Err(panicked()),
        }
    }
}

fn panicked() -> ApiError {
    ApiError::new(ApiCode::Internal, "a call broke off")
}

/// Looks every hour for what never arrived.
async fn audits<S: Storage>(app: App<S>) {
    let mut ticks = tokio::time::interval(AUDIT_EVERY);
    loop {
        ticks.tick().await;
        let server = Arc::clone(&app.server);
        let audited = app.blocking(move || server.audit(server.now_ms())).await;
        match audited {
            Ok(alarms) if alarms.is_empty() => {}
            Ok(alarms) => tracing::warn!(alarms = alarms.len(), "operations are missing"),
            Err(error) => tracing::error!(%error, "the audit failed"),
        }
    }
}
