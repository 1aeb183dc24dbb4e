//! Recovery: what became of operations sent before, and the door for those that nobody can read.

use data_encoding::BASE64;
use waymark_domain::op::MAX_OP_BYTES;
use waymark_protocol::error::ApiCode;
use waymark_protocol::exchange::{OutcomesRequest, OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::limits::MAX_OUTCOMES;

use crate::error::{Error, Result};
use crate::push::Push;
use crate::server::Server;
use crate::storage::Storage;

/// Most bytes of one operation in the vault: twice what any version of the app seals.
pub(crate) const MAX_VAULTED: usize = 2 * MAX_OP_BYTES;

impl<S: Storage> Server<S> {
    /// What became of operations of the caller's own user.
    ///
    /// # Errors
    /// [`ApiCode::TooLarge`] for more than [`MAX_OUTCOMES`].
    pub fn outcomes(&self, token: &str, request: &OutcomesRequest) -> Result<OutcomesResponse> {
        if request.ops.len() > MAX_OUTCOMES {
            return Err(Error::api(ApiCode::TooLarge, "too many operations"));
        }
        self.storage.read(|view| {
            let user = self.authenticate(view, token)?.user.user;
            let ops = request.ops.iter();
            let outcomes = ops.map(|&op| {
                let row = view.op(op)?.filter(|row| row.user == user);
                Ok(row.map(|row| row.outcome))
            });
            Ok(OutcomesResponse {
                outcomes: outcomes.collect::<Result<_>>()?,
            })
        })
    }

    /// Takes an operation as raw bytes, whatever they are. Once is as good as twice.
    ///
    /// # Errors
    /// [`ApiCode::Malformed`] for bytes that are no base64, [`ApiCode::TooLarge`].
    pub fn vault(&self, token: &str, request: &VaultRequest) -> Result<Vaulted> {
        let bytes = BASE64
            .decode(request.bytes.as_bytes())
            .map_err(|_| Error::api(ApiCode::Malformed, "base64"))?;
        if bytes.len() > MAX_VAULTED {
            return Err(Error::api(ApiCode::TooLarge, "an operation"));
        }
        let (device, now) = (self.token_device(token)?, self.now_ms());
        let (op, n) = (request.op, request.n);
        self.storage.write(move |tx| {
            let mut push = Push::begin(tx, device, now)?;
            let outcome = push.vault(tx, op, Some(n), &bytes)?;
            push.end(tx)?;
            Ok(Vaulted { outcome })
        })
    }
}
