//! The client side of the protocol over HTTP.
//!
//! TLS is rustls with Mozilla's roots built in, plus the company's own authority where there is one: the same on every system, and no
//! platform verifier to initialise. Time-outs are about progress, not totals: a slow link is fine, a silent one is not.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Client, Method, Response, StatusCode, header};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use waymark_domain::ambient::Clock;
use waymark_domain::time::{Anchors, place};
use waymark_protocol::api::{AdminApi, Answer, SyncApi};
use waymark_protocol::enrol::{
    DeviceRow, EnrolRequest, Enrolled, Hello, InviteRequest, Invited, RevokeRequest, Token,
    TokenRequest,
};
use waymark_protocol::error::{ApiCode, ApiError, CallError};
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::limits::{MAX_BODY, MAX_EXPANDED, PAGE_MAX};
use waymark_protocol::request::ExchangeRequest;
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};
use waymark_protocol::{HEADER, NDJSON};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest silence within a call.
const SILENCE: Duration = Duration::from_secs(30);
/// Compression of requests: fast enough for a phone, four to one on operations.
const ZSTD_LEVEL: i32 = 3;

/// A server over HTTP.
pub struct HttpApi {
    base: String,
    trust: Trust,
    client: Mutex<Client>,
    traffic: Mutex<Traffic>,
}

/// Bytes of bodies that went over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the server.
    pub sent: u64,
    /// From the server.
    pub received: u64,
}

impl HttpApi {
    /// A server at `base`, such as `https://waymark.example.com`. `authority` is the company's own certificate authority, PEM. Certificates are
    /// judged at the true time, as far as `clock` and `anchors` tell it: a phone whose date is wrong still syncs.
    ///
    /// # Errors
    /// [`CallError::NotSafe`] for plain HTTP to anything but this machine, or when `authority` does not read.
    pub fn new(
        base: &str,
        authority: Option<&[u8]>,
        clock: Arc<dyn Clock>,
        anchors: Anchors,
    ) -> Result<Self, CallError> {
        let base = base.trim_end_matches('/').to_owned();
        if !is_safe(&base) {
            return Err(CallError::NotSafe);
        }
        let mut roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in authority
            .into_iter()
            .flat_map(CertificateDer::pem_slice_iter)
        {
            let certificate = certificate.map_err(|_| CallError::NotSafe)?;
            roots.add(certificate).map_err(|_| CallError::NotSafe)?;
        }
        let trust = Trust {
            roots: Arc::new(roots),
            time: Arc::new(TrueTime { clock, anchors }),
        };
        let client = Mutex::new(build(&trust)?);
        Ok(Self {
            base,
            trust,
            client,
            traffic: Mutex::default(),
        })
    }

    /// Throws the connections away. After a change of network the old ones are dead and do not know it (hyperium/hyper#4186).
    ///
    /// # Errors
    /// [`CallError::NotSafe`] when TLS cannot be set up.
    pub fn reset(&self) -> Result<(), CallError> {
        let client = build(&self.trust)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    /// Bytes of bodies so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let client = self
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request = client
            .request(method, format!("{}{path}", self.base))
            .header(header::ACCEPT_ENCODING, "zstd");
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn get<T: DeserializeOwned, Q: Serialize>(
        &self,
        path: &str,
        token: Option<&str>,
        query: &Q,
    ) -> Answer<T> {
        let query = query_string(query)?;
        json(
            &self
                .send(
                    self.request(Method::GET, &format!("{path}?{query}"), token),
                    0,
                )
                .await?,
        )
    }

    async fn post<T: DeserializeOwned, B: Serialize>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &B,
    ) -> Answer<T> {
        let body =
            serde_json::to_vec(body).map_err(|error| CallError::Malformed(error.to_string()))?;
        let length = body.len();
        let request = self
            .request(Method::POST, path, token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        json(&self.send(request, length).await?)
    }

    /// Sends, and gives the decompressed body of an answer that is a Waymark server's.
    async fn send(&self, request: reqwest::RequestBuilder, length: usize) -> Answer<Vec<u8>> {
        let response = request.send().await.map_err(|error| classify(&error))?;
        let genuine = response
            .headers()
            .get(HEADER)
            .is_some_and(|value| value == "1");
        if !genuine {
            return Err(CallError::NotWaymark);
        }
        let status = response.status();
        let zstd = response
            .headers()
            .get(header::CONTENT_ENCODING)
            .is_some_and(|value| value == "zstd");
        let raw = read_all(response).await?;
        {
            let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
            traffic.sent += length as u64;
            traffic.received += raw.len() as u64;
        }
        let body = if zstd { expand(&raw)? } else { raw };
        if status.is_success() {
            Ok(body)
        } else {
            Err(refused(status, &body).into())
        }
    }
}

/// Whom to trust, and when.
struct Trust {
    roots: Arc<rustls::RootCertStore>,
    time: Arc<TrueTime>,
}

/// The time of the world rather than the one that somebody set.
struct TrueTime {
    clock: Arc<dyn Clock>,
    anchors: Anchors,
}

impl std::fmt::Debug for TrueTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrueTime").finish_non_exhaustive()
    }
}

impl rustls::time_provider::TimeProvider for TrueTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = place(self.clock.read(), &self.anchors);
        // a clock that began anew after an empty battery is behind what is known for certain
        let ms = now.best_ms().max(now.earliest.unwrap_or(i64::MIN));
        let ms = u64::try_from(ms).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

fn build(trust: &Trust) -> Result<Client, CallError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let time: Arc<dyn rustls::time_provider::TimeProvider> = Arc::<TrueTime>::clone(&trust.time);
    let tls = rustls::ClientConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()
        .map_err(|_| CallError::NotSafe)?
        .with_root_certificates(Arc::clone(&trust.roots))
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .http2_keep_alive_interval(Duration::from_secs(15))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build()
        .map_err(|_| CallError::NotSafe)
}

/// HTTPS anywhere; plain HTTP only within this machine.
fn is_safe(base: &str) -> bool {
    if base.starts_with("https://") {
        return true;
    }
    let Some(rest) = base.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                host
            } else {
                authority
            }
        });
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

async fn read_all(response: Response) -> Answer<Vec<u8>> {
    let most = usize::try_from(PAGE_MAX).unwrap_or(MAX_BODY) * 2;
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| classify(&error))?;
        if body.len() + chunk.len() > most {
            return Err(CallError::Malformed(format!("answer over {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn expand(raw: &[u8]) -> Answer<Vec<u8>> {
    let decoder = zstd::stream::read::Decoder::new(raw).map_err(|_| CallError::Cut)?;
    let mut body = Vec::new();
    decoder
        .take(MAX_EXPANDED as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|_| CallError::Cut)?;
    if body.len() > MAX_EXPANDED {
        Err(CallError::Malformed("answer expands too far".to_owned()))
    } else {
        Ok(body)
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => CallError::Cut,
        _ => CallError::Malformed(format!("column {}", error.column())),
    })
}

fn refused(status: StatusCode, body: &[u8]) -> ApiError {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let code = if status.is_server_error() {
            ApiCode::Busy
        } else {
            ApiCode::Other
        };
        ApiError::new(code, format!("status {status}"))
    })
}

fn classify(error: &reqwest::Error) -> CallError {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => return CallError::WrongDate,
        Some(rustls::Error::InvalidCertificate(_)) => return CallError::NotSafe,
        _ => {}
    }
    if error.is_timeout() {
        CallError::Silent
    } else if error.is_connect() {
        CallError::Unreachable
    } else {
        CallError::Cut
    }
}

fn tls_error<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // an io::Error gives its payload's source as its own source: the payload itself is to be had only here
        let io = error.downcast_ref::<std::io::Error>();
        error = match io.and_then(std::io::Error::get_ref) {
            Some(payload) => payload,
            None => error.source()?,
        };
    }
}

/// Percent-encodes a flat record as a query (RFC 3986 §3.4).
fn query_string<Q: Serialize>(query: &Q) -> Answer<String> {
    let value =
        serde_json::to_value(query).map_err(|error| CallError::Malformed(error.to_string()))?;
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let plain = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(plain) => plain.clone(),
            other => other.to_string(),
        };
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in plain.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Ok(text)
}

#[derive(Serialize)]
struct HelloQuery<'a> {
    echo: &'a str,
}

#[derive(Serialize)]
struct SnapshotQuery<'a> {
    scope: &'a str,
    pin: Option<u64>,
    kind: Option<&'a str>,
    id: Option<String>,
    limit: u32,
}

#[derive(Serialize)]
struct Nothing {}

impl SyncApi for HttpApi {
    async fn hello(&self, echo: &str) -> Answer<Hello> {
        self.get("/v1/hello", None, &HelloQuery { echo }).await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Answer<Enrolled> {
        self.post("/v1/devices", None, request).await
    }

    async fn token(&self, request: &TokenRequest) -> Answer<Token> {
        self.post("/v1/token", None, request).await
    }

    async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Answer<ExchangeResponse> {
        let plain = request.to_bytes()?;
        let body = zstd::bulk::compress(&plain, ZSTD_LEVEL)
            .map_err(|error| CallError::Malformed(error.to_string()))?;
        let length = body.len();
        let call = self
            .request(Method::POST, "/v1/exchange", Some(token))
            .header(header::CONTENT_TYPE, NDJSON)
            .header(header::CONTENT_ENCODING, "zstd")
            .body(body);
        ExchangeResponse::from_bytes(&self.send(call, length).await?, &request.header.echo)
    }

    async fn snapshot(&self, token: &str, request: &SnapshotRequest) -> Answer<SnapshotPage> {
        let query = SnapshotQuery {
            scope: request.scope.as_str(),
            pin: request.pin,
            kind: request.after.as_ref().map(|after| after.kind.as_str()),
            id: request.after.as_ref().map(|after| after.id.to_string()),
            limit: request.limit_bytes,
        };
        self.get("/v1/snapshot", Some(token), &query).await
    }

    async fn outcomes(&self, token: &str, request: &OutcomesRequest) -> Answer<OutcomesResponse> {
        self.post("/v1/outcomes", Some(token), request).await
    }

    async fn vault(&self, token: &str, request: &VaultRequest) -> Answer<Vaulted> {
        self.post("/v1/vault", Some(token), request).await
    }
}

impl AdminApi for HttpApi {
    async fn invite(&self, token: &str, request: &InviteRequest) -> Answer<Invited> {
        self.post("/v1/invites", Some(token), request).await
    }

    async fn devices(&self, token: &str) -> Answer<Vec<DeviceRow>> {
        self.get("/v1/devices", Some(token), &Nothing {}).await
    }

    async fn revoke(&self, token: &str, request: &RevokeRequest) -> Answer<()> {
        self.post("/v1/devices/revoke", Some(token), request).await
    }
}

#[cfg(test)]
mod tests {
    use waymark_domain::ids::{BootId, uuid_v7};
    use waymark_domain::time::{Anchor, AnchorSource, Reading};

    use super::*;

    struct Stopped(i64);

    impl Clock for Stopped {
        fn read(&self) -> Reading {
            let boot = BootId::from_uuid(uuid_v7(0, [1; 10]));
            Reading {
                wall_ms: self.0,
                mono_ms: 1_000,
                boot,
                utc_offset_min: 0,
                zone: None,
            }
        }
    }

    fn at(base: &str) -> Result<HttpApi, CallError> {
        HttpApi::new(base, None, Arc::new(Stopped(0)), Anchors::default())
    }

    #[test]
    fn certificates_are_judged_at_the_time_of_the_anchor_not_of_a_wrong_wall_clock() {
        use rustls::time_provider::TimeProvider as _;
        let clock: Arc<dyn Clock> = Arc::new(Stopped(4_000_000_000_000));
        let boot = clock.read().boot;
        let anchor = Anchor {
            utc_ms: 1_795_000_000_000,
            uncertainty_ms: 5,
            mono_ms: 0,
            boot,
            source: AnchorSource::Server,
        };
        let anchored = TrueTime {
            clock: Arc::clone(&clock),
            anchors: anchor.into(),
        };
        assert_eq!(anchored.current_time().unwrap().as_secs(), 1_795_000_001);
        assert_eq!(
            TrueTime {
                clock,
                anchors: Anchors::default()
            }
            .current_time()
            .unwrap()
            .as_secs(),
            4_000_000_000
        );
    }

    #[test]
    fn plain_http_leaves_this_machine_under_no_name() {
        for safe in [
            "https://a.example",
            "http://127.0.0.1:80",
            "http://localhost:1/x",
            "http://[::1]:9",
        ] {
            assert!(at(safe).is_ok(), "{safe}");
        }
        for unsafe_ in [
            "http://a.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "ftp://localhost",
            "x",
        ] {
            assert!(matches!(at(unsafe_), Err(CallError::NotSafe)), "{unsafe_}");
        }
    }

    #[test]
    fn a_query_is_escaped_byte_by_byte() {
        let query = SnapshotQuery {
            scope: "team:北 &a",
            pin: Some(4),
            kind: None,
            id: None,
            limit: 1,
        };
        assert_eq!(
            query_string(&query).unwrap(),
            "limit=1&pin=4&scope=team%3A%E5%8C%97%20%26a"
        );
    }

    #[test]
    fn a_zstd_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; MAX_EXPANDED + 1], 1).unwrap();
        assert!(bomb.len() < MAX_BODY);
        assert!(matches!(expand(&bomb), Err(CallError::Malformed(_))));
    }
}
