//! The server itself: its identity, its clock, its chance.

use std::sync::Arc;

use waymark_domain::ambient::{Clock, Entropy};
use waymark_domain::ids::{Epoch, TenantId, UserId};
use waymark_domain::time::UnixMs;
use waymark_protocol::enrol::Hello;
use waymark_protocol::error::ApiCode;
use waymark_protocol::proof::{PublicKey, Signature, Signer as _, SoftwareSigner, time_payload};
use waymark_protocol::{PROTO, SCHEMA};

use crate::auth::{Challenges, Guesses};
use crate::error::{Error, Result};
use crate::storage::{AuditRow, Identity, Storage, Tx};

/// How many older versions of the records' bodies pulls are answered for.
const OLDER_SCHEMAS: u16 = 4;

/// Longest echo: enough for any chance, too short to be a burden.
const MAX_ECHO: usize = 128;

/// One tenant's server. All methods block.
pub struct Server<S: Storage> {
    pub(crate) storage: S,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) tenant: TenantId,
    pub(crate) tickets: [u8; 32],
    pub(crate) challenges: Challenges,
    pub(crate) guesses: Guesses,
    signer: SoftwareSigner,
}

impl<S: Storage> Server<S> {
    /// A server over `storage`. The first start makes its identity.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn new(storage: S, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let fresh = fresh_identity(clock.read().wall_ms, &*entropy)?;
        let identity = storage.write(move |tx| match tx.identity()? {
            Some(identity) => Ok(identity),
            None => {
                tx.put_identity(&fresh)?;
                Ok(fresh)
            }
        })?;
        let signer = SoftwareSigner::from_secret(&identity.key)
            .ok_or_else(|| Error::corrupt("the server's key"))?;
        let mut challenge_key = [0; 32];
        entropy.fill(&mut challenge_key);
        Ok(Self {
            storage,
            clock,
            entropy,
            tenant: identity.tenant,
            tickets: identity.tickets,
            challenges: Challenges::new(challenge_key),
            guesses: Guesses::default(),
            signer,
        })
    }

    /// The database.
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// The company.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The key that signs the time; devices pin it when they enrol.
    pub fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// The key, for what the server states.
    pub(crate) const fn signer(&self) -> &SoftwareSigner {
        &self.signer
    }

    /// The continuity of the log.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn epoch(&self) -> Result<Epoch> {
        self.storage.read(|view| {
            let identity = view.identity()?;
            Ok(identity
                .ok_or_else(|| Error::corrupt("the identity"))?
                .epoch)
        })
    }

    /// Begins a new continuity of the log. Whoever restores a backup calls it before the first request: devices then send again what the
    /// backup lacks, and fetch their copies anew.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn rotate_epoch(&self) -> Result<Epoch> {
        let now = self.now_ms();
        let epoch = Epoch::from_uuid(self.entropy.new_id(now));
        self.storage.write(move |tx| {
            let identity = tx.identity()?;
            let mut identity = identity.ok_or_else(|| Error::corrupt("the identity"))?;
            identity.epoch = epoch;
            tx.put_identity(&identity)?;
            note(tx, now, None, "rotate_epoch", epoch.to_string())?;
            Ok(epoch)
        })
    }

    /// Presents the server. `echo` is the caller's chance.
    ///
    /// # Errors
    /// [`ApiCode::Malformed`] for an echo that no device sends.
    pub fn hello(&self, echo: &str) -> Result<Hello> {
        check_echo(echo)?;
        let epoch = self.epoch()?;
        let (server_ms, sig) = self.signed_time(echo, epoch)?;
        Ok(Hello {
            protocols: (PROTO, PROTO),
            schemas: schemas(),
            epoch,
            echo: echo.to_owned(),
            server_ms,
            sig,
            key: self.signer.public_key(),
            challenge: self.challenges.make(server_ms, &*self.entropy),
        })
    }

    pub(crate) fn now_ms(&self) -> UnixMs {
        self.clock.read().wall_ms
    }

    /// The time, with the server's signature over it.
    pub(crate) fn signed_time(&self, echo: &str, epoch: Epoch) -> Result<(UnixMs, Signature)> {
        let now = self.now_ms();
        let sig = self
            .signer
            .sign(&time_payload(echo, now, epoch))
            .map_err(|error| Error::api(ApiCode::Internal, error.to_string()))?;
        Ok((now, sig))
    }
}

/// Versions of the records' bodies that pulls are answered for.
pub(crate) fn schemas() -> (u16, u16) {
    (SCHEMA.saturating_sub(OLDER_SCHEMAS).max(1), SCHEMA)
}

/// Refuses an echo that would not fit a line or a signature.
pub(crate) fn check_echo(echo: &str) -> Result<()> {
    if echo.len() <= MAX_ECHO && echo.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Error::api(ApiCode::Malformed, "echo"))
    }
}

fn fresh_identity(now: UnixMs, entropy: &dyn Entropy) -> Result<Identity> {
    // the few values that are no P-256 scalar come once in 2^32 tries: a second one means that chance is broken
    let mut keys = (0..8).map(|_| {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        secret
    });
    let key = keys
        .find(|secret| SoftwareSigner::from_secret(secret).is_some())
        .ok_or_else(|| Error::Storage("no entropy for a key".to_owned()))?;
    let mut tickets = [0; 32];
    entropy.fill(&mut tickets);
    Ok(Identity {
        tenant: TenantId::from_uuid(entropy.new_id(now)),
        company: String::new(),
        epoch: Epoch::from_uuid(entropy.new_id(now)),
        key,
        tickets,
    })
}

/// A note for the audit trail.
pub(crate) fn note(
    tx: &mut dyn Tx,
    at_ms: UnixMs,
    by: Option<UserId>,
    what: &str,
    about: String,
) -> Result<()> {
    tx.put_audit(&AuditRow {
        at_ms,
        by,
        what: what.to_owned(),
        about,
    })
}
