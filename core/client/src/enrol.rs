//! Making the device known to the server.

use waymark_domain::record::Body;
use waymark_domain::time::Anchor;
use waymark_protocol::api::SyncApi;
use waymark_protocol::enrol::{EnrolRequest, Hello};
use waymark_protocol::proof::{enrol_payload, time_payload};
use waymark_store::{Identity, Settlement};

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// Field of [`Identity::extra`] that holds the company's certificate authority, PEM.
pub(crate) const AUTHORITY: &str = "authority";

/// What enrolling needs.
#[derive(Debug, Clone)]
pub struct EnrolWith {
    /// The server's address.
    pub server: String,
    /// The one-time code.
    pub code: String,
    /// What the user calls this device.
    pub device_name: String,
    /// The company's own certificate authority, PEM, where it has one.
    pub authority: Option<String>,
}

impl Waymark {
    /// Enrols this device. A lost answer costs nothing: the same code and the same key give the same device.
    ///
    /// # Errors
    /// [`ErrorCode::AlreadyEnrolled`], [`ErrorCode::BadCode`], and what the network may say.
    pub async fn enrol(&self, with: &EnrolWith) -> Result<Identity, WaymarkError> {
        let api = self.http_api_at(&with.server, with.authority.as_deref())?;
        self.enrol_over(&api, with).await
    }

    /// [`Self::enrol`] over any way to the server.
    ///
    /// # Errors
    /// As there.
    pub async fn enrol_over<A: SyncApi>(
        &self,
        api: &A,
        with: &EnrolWith,
    ) -> Result<Identity, WaymarkError> {
        if self.me().is_ok() {
            return Err(WaymarkError::new(ErrorCode::AlreadyEnrolled, ""));
        }
        let signer = &self.0.parts.signer;
        let key = signer.public_key();
        let code = with.code.trim().to_uppercase();
        let sig = signer
            .sign(&enrol_payload(&code, &key))
            .map_err(|_| WaymarkError::new(ErrorCode::KeyUnavailable, ""))?;
        let name = with.device_name.clone();
        let request = EnrolRequest {
            code,
            key,
            sig,
            name,
            app: self.0.parts.app.clone(),
        };
        // the server's time first: what the user does from now on has a time that can be trusted
        let (hello, anchor) = self.greet(api).await.map_err(before_enrolment)?;
        let enrolled = api
            .enrol(&request)
            .await
            .map_err(|error| before_enrolment(error.into()))?;
        if enrolled.server_key != hello.key {
            return Err(WaymarkError::new(ErrorCode::NotWaymark, ""));
        }
        let mut extra = Body::new();
        if let Some(authority) = &with.authority {
            extra.insert(AUTHORITY.to_owned(), authority.clone().into());
        }
        let identity = Identity {
            tenant: enrolled.tenant,
            user: enrolled.user,
            device: enrolled.device,
            role: enrolled.role,
            user_name: enrolled.name,
            company: enrolled.company,
            team: enrolled.team,
            server_url: with.server.clone(),
            server_key: enrolled.server_key.as_str().to_owned(),
            extra,
        };
        self.set_me(identity.clone())?;
        let at_ms = self.0.parts.clock.read().wall_ms;
        self.0.store.settle(&Settlement {
            anchor: Some(anchor),
            at_ms,
            ..Settlement::default()
        })?;
        Ok(identity)
    }

    /// Who is the server, and what time is it?
    async fn greet<A: SyncApi>(&self, api: &A) -> Result<(Hello, Anchor), WaymarkError> {
        let echo = self.new_id().to_string();
        let sent = self.0.parts.clock.read();
        let hello = api.hello(&echo).await?;
        let payload = time_payload(&echo, hello.server_ms, hello.epoch);
        if hello.echo != echo || !hello.key.verifies(&payload, &hello.sig) {
            return Err(WaymarkError::new(ErrorCode::NotWaymark, ""));
        }
        let anchor = Anchor::of_round_trip(hello.server_ms, sent, self.0.parts.clock.read());
        Ok((hello, anchor))
    }
}

/// Without a user there is no work to go on with: the remedy is another one.
fn before_enrolment(error: WaymarkError) -> WaymarkError {
    match error.code {
        ErrorCode::Offline | ErrorCode::NetworkCut => {
            WaymarkError::new(ErrorCode::EnrolOffline, error.about)
        }
        _ => error,
    }
}
