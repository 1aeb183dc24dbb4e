//! The exchange over HTTP: bytes are settled while later ones are still on their way.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::task::JoinHandle;
use waymark_protocol::NDJSON;
use waymark_protocol::error::ApiError;
use waymark_protocol::limits::MAX_EXPANDED;

use super::body::Incoming;
use super::reply::{self, Packed, takes_zstd};
use super::{App, calls, panicked};
use crate::error::Result;
use crate::exchange::{Half, Session};
use crate::storage::Storage;

/// Most bytes that wait while earlier ones are settled; the connection is not read beyond.
const MAX_WAITING: usize = 1024 * 1024;

pub(super) async fn both<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    detached(app, request, Half::Both).await
}

pub(super) async fn push<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    detached(app, request, Half::Push).await
}

pub(super) async fn pull<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    detached(app, request, Half::Pull).await
}

/// Runs the exchange apart from its connection: when that dies, what had arrived is settled all the same.
async fn detached<S: Storage>(app: App<S>, request: Request, half: Half) -> Response {
    let handle = app.handle.clone();
    let (parts, body) = request.into_parts();
    let task = handle.spawn(async move {
        let mut incoming = Incoming::new(&parts.headers, body, app.patience.body, MAX_EXPANDED);
        let answer = exchange(&app, &parts.headers, &mut incoming, half).await;
        if answer.is_err() {
            incoming.drain().await;
        }
        reply::of(answer)
    });
    task.await.unwrap_or_else(|_| reply::error(&panicked()))
}

async fn exchange<S: Storage>(
    app: &App<S>,
    headers: &HeaderMap,
    incoming: &mut Incoming,
    half: Half,
) -> std::result::Result<Response, ApiError> {
    let token = calls::bearer(headers)?;
    let server = Arc::clone(&app.server);
    let session = app
        .blocking(move || server.begin_half(&token, half))
        .await?;
    let device = session.device();
    let zstd = takes_zstd(headers);
    let session = feed_all(app, incoming, session).await?;
    let answer = app
        .blocking(move || Ok(Packed::new(session.finish()?, zstd)))
        .await?;
    Ok(answer.answer(NDJSON, Some(device)))
}

type Feeding<S> = JoinHandle<(Session<S>, Result<()>)>;

/// Feeds a session with all that comes. While one piece is settled the next ones gather, so a fast sender costs few commits and a slow one
/// loses nothing.
async fn feed_all<S: Storage>(
    app: &App<S>,
    incoming: &mut Incoming,
    session: Session<S>,
) -> std::result::Result<Session<S>, ApiError> {
    let mut at_rest = Some(session);
    let mut feeding: Option<Feeding<S>> = None;
    let mut waiting = Vec::new();
    let mut ended: Option<std::result::Result<(), ApiError>> = None;
    loop {
        if !waiting.is_empty()
            && let Some(session) = at_rest.take()
        {
            feeding = Some(feed(app, session, std::mem::take(&mut waiting)));
        }
        tokio::select! {
            fed = settled(&mut feeding), if feeding.is_some() => {
                feeding = None;
                let (session, result) = fed.map_err(|_| panicked())?;
                result?;
                at_rest = Some(session);
            }
            piece = incoming.next(), if ended.is_none() && waiting.len() < MAX_WAITING => match piece {
                Ok(Some(piece)) => waiting.extend(piece),
                Ok(None) => ended = Some(Ok(())),
                Err(error) => ended = Some(Err(error)),
            },
            else => break,
        }
    }
    ended.unwrap_or(Ok(()))?;
    at_rest.ok_or_else(panicked)
}

fn feed<S: Storage>(app: &App<S>, mut session: Session<S>, bytes: Vec<u8>) -> Feeding<S> {
    app.handle.spawn_blocking(move || {
        let result = session.feed(&bytes);
        (session, result)
    })
}

async fn settled<S: Storage>(
    feeding: &mut Option<Feeding<S>>,
) -> std::result::Result<(Session<S>, Result<()>), tokio::task::JoinError> {
    match feeding {
        Some(handle) => handle.await,
        None => std::future::pending().await,
    }
}
