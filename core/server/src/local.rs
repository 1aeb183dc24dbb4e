//! The server in process, behind the traits that the HTTP client implements as well. Requests and answers travel as the same bytes.

use std::future::{Future, ready};
use std::sync::Arc;

use waymark_protocol::api::{AdminApi, Answer, SyncApi};
use waymark_protocol::enrol::{
    DeviceRow, EnrolRequest, Enrolled, Hello, InviteRequest, Invited, RevokeRequest, Token,
    TokenRequest,
};
use waymark_protocol::error::CallError;
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::request::ExchangeRequest;
use waymark_protocol::response::ExchangeResponse;
use waymark_protocol::snapshot::{SnapshotPage, SnapshotRequest};

use crate::server::Server;
use crate::storage::Storage;

/// A server in process. Its futures are ready when they are made.
pub struct LocalApi<S: Storage>(pub Arc<Server<S>>);

impl<S: Storage> Clone for LocalApi<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Storage> LocalApi<S> {
    fn exchange_now(&self, token: &str, request: &ExchangeRequest) -> Answer<ExchangeResponse> {
        let bytes = request.to_bytes()?;
        let mut session = self.0.begin_exchange(token)?;
        session.feed(&bytes)?;
        ExchangeResponse::from_bytes(&session.finish()?, &request.header.echo)
    }

    fn snapshot_now(&self, token: &str, request: &SnapshotRequest) -> Answer<SnapshotPage> {
        let bytes = self.0.snapshot(token, request)?;
        serde_json::from_slice(&bytes).map_err(|error| CallError::Malformed(error.to_string()))
    }
}

impl<S: Storage> SyncApi for LocalApi<S> {
    fn hello(&self, echo: &str) -> impl Future<Output = Answer<Hello>> + Send {
        ready(self.0.hello(echo).map_err(CallError::from))
    }

    fn enrol(&self, request: &EnrolRequest) -> impl Future<Output = Answer<Enrolled>> + Send {
        ready(self.0.enrol(request).map_err(CallError::from))
    }

    fn token(&self, request: &TokenRequest) -> impl Future<Output = Answer<Token>> + Send {
        ready(self.0.token(request).map_err(CallError::from))
    }

    fn exchange(
        &self,
        token: &str,
        request: &ExchangeRequest,
    ) -> impl Future<Output = Answer<ExchangeResponse>> + Send {
        ready(self.exchange_now(token, request))
    }

    fn snapshot(
        &self,
        token: &str,
        request: &SnapshotRequest,
    ) -> impl Future<Output = Answer<SnapshotPage>> + Send {
        ready(self.snapshot_now(token, request))
    }

    fn outcomes(
        &self,
        token: &str,
        request: &OutcomesRequest,
    ) -> impl Future<Output = Answer<OutcomesResponse>> + Send {
        ready(self.0.outcomes(token, request).map_err(CallError::from))
    }

    fn vault(
        &self,
        token: &str,
        request: &VaultRequest,
    ) -> impl Future<Output = Answer<Vaulted>> + Send {
        ready(self.0.vault(token, request).map_err(CallError::from))
    }
}

impl<S: Storage> AdminApi for LocalApi<S> {
    fn invite(
        &self,
        token: &str,
        request: &InviteRequest,
    ) -> impl Future<Output = Answer<Invited>> + Send {
        ready(self.0.invite(token, request).map_err(CallError::from))
    }

    fn devices(&self, token: &str) -> impl Future<Output = Answer<Vec<DeviceRow>>> + Send {
        ready(self.0.devices(token).map_err(CallError::from))
    }

    fn revoke(
        &self,
        token: &str,
        request: &RevokeRequest,
    ) -> impl Future<Output = Answer<()>> + Send {
        ready(self.0.revoke(token, request).map_err(CallError::from))
    }
}
