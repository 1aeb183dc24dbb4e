//! What an admin does, over the network: invitations and devices.

use waymark_domain::ids::DeviceId;
use waymark_protocol::api::{AdminApi, SyncApi};
use waymark_protocol::enrol::{DeviceRow, InviteRequest, Invited, RevokeRequest, TokenRequest};
use waymark_protocol::proof::token_payload;
use waymark_sync::http::HttpApi;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// Administration. Needs the network, and a role that may.
pub struct Admin(pub(crate) Waymark);

impl Admin {
    /// Makes a one-time code for somebody, or for one more device of somebody.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], and what the network may say.
    pub async fn invite(&self, request: &InviteRequest) -> Result<Invited, WaymarkError> {
        let (api, token) = self.admitted().await?;
        Ok(api.invite(&token, request).await?)
    }

    /// All devices of the company.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], and what the network may say.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, WaymarkError> {
        let (api, token) = self.admitted().await?;
        Ok(api.devices(&token).await?)
    }

    /// Shuts a device out at once. What it has not sent stays on it.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], [`ErrorCode::NotFound`], and what the network may say.
    pub async fn revoke(&self, device: DeviceId) -> Result<(), WaymarkError> {
        let (api, token) = self.admitted().await?;
        Ok(api.revoke(&token, &RevokeRequest { device }).await?)
    }

    async fn admitted(&self) -> Result<(HttpApi, String), WaymarkError> {
        let me = self.0.me()?;
        let api = self.0.http_api()?;
        let challenge = api.hello("admin").await?.challenge;
        let payload = token_payload(me.tenant, me.device, &challenge);
        let sig = self.0.0.parts.signer.sign(&payload);
        let sig = sig.map_err(|_| WaymarkError::new(ErrorCode::KeyUnavailable, ""))?;
        let token = api
            .token(&TokenRequest {
                tenant: me.tenant,
                device: me.device,
                challenge,
                sig,
            })
            .await?;
        Ok((api, token.token))
    }
}

impl Waymark {
    /// Administration.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin(self.clone())
    }
}
