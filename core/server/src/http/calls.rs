//! The small calls: JSON in, JSON out.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use waymark_domain::ids::RecordId;
use waymark_domain::record::Kind;
use waymark_domain::scope::Scope;
use waymark_protocol::enrol::{EnrolRequest, InviteRequest, RevokeRequest, TokenRequest};
use waymark_protocol::error::{ApiCode, ApiError};
use waymark_protocol::exchange::{OutcomesRequest, VaultRequest};
use waymark_protocol::limits::PAGE_START;
use waymark_protocol::snapshot::{PageToken, SnapshotRequest};

use super::App;
use super::body::Incoming;
use super::reply::{self, Packed, takes_zstd};
use crate::error::Result;
use crate::server::Server;
use crate::storage::Storage;

/// Largest body of a call with a handful of fields, bytes.
const SMALL: usize = 16 * 1024;

/// Largest question for outcomes: a thousand ids of 39 characters with their commas.
const OUTCOMES: usize = 64 * 1024;

/// Largest body that brings one operation in base64, with its frame.
const VAULT: usize = crate::vault::MAX_VAULTED * 4 / 3 + 1024;

type Answer = std::result::Result<Response, ApiError>;

#[derive(Deserialize)]
struct HelloQuery {
    echo: String,
}

#[derive(Deserialize)]
struct SnapshotQuery {
    scope: Scope,
    pin: Option<u64>,
    kind: Option<Kind>,
    id: Option<RecordId>,
    limit: Option<u32>,
}

pub(super) async fn hello<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let query: std::result::Result<HelloQuery, _> = query(request.uri());
    reply::of(async { answer(&app, query?, |server, query| server.hello(&query.echo)).await }.await)
}

pub(super) async fn enrol<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job = |server: &Server<S>, request: EnrolRequest| server.enrol(&request);
    reply::of(open(&app, request, job).await)
}

pub(super) async fn token<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job = |server: &Server<S>, request: TokenRequest| server.token(&request);
    reply::of(open(&app, request, job).await)
}

pub(super) async fn devices<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let token = bearer(request.headers());
    reply::of(async { answer(&app, token?, |server, token| server.devices(&token)).await }.await)
}

pub(super) async fn invite<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job =
        |server: &Server<S>, token: &str, request: InviteRequest| server.invite(token, &request);
    reply::of(with_token(&app, request, SMALL, job).await)
}

pub(super) async fn revoke<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job =
        |server: &Server<S>, token: &str, request: RevokeRequest| server.revoke(token, &request);
    reply::of(with_token(&app, request, SMALL, job).await)
}

pub(super) async fn outcomes<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job = |server: &Server<S>, token: &str, request: OutcomesRequest| {
        server.outcomes(token, &request)
    };
    reply::of(with_token(&app, request, OUTCOMES, job).await)
}

pub(super) async fn vault<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    let job =
        |server: &Server<S>, token: &str, request: VaultRequest| server.vault(token, &request);
    reply::of(with_token(&app, request, VAULT, job).await)
}

pub(super) async fn snapshot<S: Storage>(State(app): State<App<S>>, request: Request) -> Response {
    reply::of(snapshot_page(app, request.into_parts().0).await)
}

async fn snapshot_page<S: Storage>(app: App<S>, request: Parts) -> Answer {
    let token = bearer(&request.headers)?;
    let asked: SnapshotQuery = query(&request.uri)?;
    let zstd = takes_zstd(&request.headers);
    let asked = SnapshotRequest {
        scope: asked.scope,
        pin: asked.pin,
        after: asked
            .kind
            .zip(asked.id)
            .map(|(kind, id)| PageToken { kind, id }),
        limit_bytes: asked.limit.unwrap_or(PAGE_START),
    };
    let server = Arc::clone(&app.server);
    let (device, page) = app
        .blocking(move || {
            let device = server.token_device(&token)?;
            Ok((device, Packed::new(server.snapshot(&token, &asked)?, zstd)))
        })
        .await?;
    Ok(page.answer("application/json", Some(device)))
}

/// A call that needs no token.
async fn open<S: Storage, Q, A>(
    app: &App<S>,
    request: Request,
    job: impl FnOnce(&Server<S>, Q) -> Result<A> + Send + 'static,
) -> Answer
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::new(&parts.headers, body, app.patience.body, SMALL);
    let asked = read(&mut incoming).await;
    answer(app, drained(incoming, asked).await?, job).await
}

/// A call with a token. One that is not this server's costs no reading.
async fn with_token<S: Storage, Q, A>(
    app: &App<S>,
    request: Request,
    limit: usize,
    job: impl FnOnce(&Server<S>, &str, Q) -> Result<A> + Send + 'static,
) -> Answer
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::new(&parts.headers, body, app.patience.body, limit);
    let asked = async {
        let token = bearer(&parts.headers)?;
        app.server.token_device(&token)?;
        Ok((token, read(&mut incoming).await?))
    };
    let asked = asked.await;
    let (token, asked) = drained(incoming, asked).await?;
    answer(app, asked, move |server, asked| job(server, &token, asked)).await
}

async fn answer<S: Storage, Q, A>(
    app: &App<S>,
    asked: Q,
    job: impl FnOnce(&Server<S>, Q) -> Result<A> + Send + 'static,
) -> Answer
where
    Q: Send + 'static,
    A: Serialize + Send + 'static,
{
    let server = Arc::clone(&app.server);
    let done = app.blocking(move || job(&server, asked)).await?;
    Ok(reply::json(&done))
}

async fn read<Q: DeserializeOwned>(incoming: &mut Incoming) -> std::result::Result<Q, ApiError> {
    waymark_protocol::lines::read_line(&incoming.whole().await?)
}

/// A refusal waits until the body is through.
async fn drained<T>(
    mut incoming: Incoming,
    asked: std::result::Result<T, ApiError>,
) -> std::result::Result<T, ApiError> {
    if asked.is_err() {
        incoming.drain().await;
    }
    asked
}

fn query<Q: DeserializeOwned>(uri: &Uri) -> std::result::Result<Q, ApiError> {
    let query = Query::try_from_uri(uri).map_err(|_| ApiError::new(ApiCode::Malformed, "query"));
    query.map(|Query(query)| query)
}

/// The token of the `authorization` header.
pub(super) fn bearer(headers: &HeaderMap) -> std::result::Result<String, ApiError> {
    let value = headers.get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned())
        .ok_or_else(|| ApiError::new(ApiCode::Unauthorised, "no token"))
}
