//! The calls. The HTTP client and the server in process implement the same traits, so every test can run against either.

use std::future::Future;

use crate::enrol::{
    DeviceRow, EnrolRequest, Enrolled, Hello, InviteRequest, Invited, RevokeRequest, Token,
    TokenRequest,
};
use crate::error::CallError;
use crate::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use crate::request::ExchangeRequest;
use crate::response::ExchangeResponse;
use crate::snapshot::{SnapshotPage, SnapshotRequest};

/// What a call brings.
pub type Answer<T> = Result<T, CallError>;

/// The server, as a device sees it.
pub trait SyncApi: Send + Sync {
    /// Who are you, and what time is it? `echo` is chance.
    fn hello(&self, echo: &str) -> impl Future<Output = Answer<Hello>> + Send;

    /// Makes the device known.
    fn enrol(&self, request: &EnrolRequest) -> impl Future<Output = Answer<Enrolled>> + Send;

    /// Proves possession of the device's key.
    fn token(&self, request: &TokenRequest) -> impl Future<Output = Answer<Token>> + Send;

    /// Pushes and pulls.
    fn exchange(
        &self,
        token: &str,
        request: &ExchangeRequest,
    ) -> impl Future<Output = Answer<ExchangeResponse>> + Send;

    /// A page of a scope.
    fn snapshot(
        &self,
        token: &str,
        request: &SnapshotRequest,
    ) -> impl Future<Output = Answer<SnapshotPage>> + Send;

    /// What became of operations sent earlier.
    fn outcomes(
        &self,
        token: &str,
        request: &OutcomesRequest,
    ) -> impl Future<Output = Answer<OutcomesResponse>> + Send;

    /// Takes an operation as raw bytes.
    fn vault(
        &self,
        token: &str,
        request: &VaultRequest,
    ) -> impl Future<Output = Answer<Vaulted>> + Send;
}

/// The server, as an admin sees it.
pub trait AdminApi: Send + Sync {
    /// Makes a one-time enrolment code.
    fn invite(
        &self,
        token: &str,
        request: &InviteRequest,
    ) -> impl Future<Output = Answer<Invited>> + Send;

    /// All devices.
    fn devices(&self, token: &str) -> impl Future<Output = Answer<Vec<DeviceRow>>> + Send;

    /// Shuts a device out.
    fn revoke(
        &self,
        token: &str,
        request: &RevokeRequest,
    ) -> impl Future<Output = Answer<()>> + Send;
}
