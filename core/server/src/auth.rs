//! Tickets: challenges that are used once, tokens that admit for a while, and the brake on guessing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;
use waymark_domain::ambient::Entropy;
use waymark_domain::ids::DeviceId;
use waymark_domain::time::UnixMs;
use waymark_protocol::enrol::{Token, TokenRequest};
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::{CHALLENGE_MS, TOKEN_MS};
use waymark_protocol::proof::{mac, mac_matches, token_payload};

use crate::access::{Caller, caller};
use crate::error::{Error, Result};
use crate::server::Server;
use crate::storage::{Storage, View};

/// Most used challenges that are remembered. A challenge lives five minutes: two thousand tokens a minute are far above a fleet's need.
const MAX_USED: usize = 10_000;

/// Wrong enrolment codes a minute before guessing has to wait. At that pace the 2^60 codes last for ever.
const GUESSES_PER_MINUTE: i64 = 10;
const MS_PER_GUESS: i64 = 60_000 / GUESSES_PER_MINUTE;

// each ticket's bytes begin with a word of their own, so that one sort is never taken for another
const CHALLENGE: &[u8] = b"challenge";
const TOKEN: &[u8] = b"token";

/// Makes challenges that need no storage until they are used.
pub(crate) struct Challenges {
    /// New with each start: a restarted server knows of no used challenge, so it accepts none from before.
    key: [u8; 32],
    used: Mutex<HashMap<[u8; 16], UnixMs>>,
}

impl Challenges {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            used: Mutex::default(),
        }
    }

    /// A new challenge: when it ends, chance, and a MAC over both.
    pub(crate) fn make(&self, now: UnixMs, entropy: &dyn Entropy) -> String {
        let mut chance = [0; 16];
        entropy.fill(&mut chance);
        let until = now.saturating_add(CHALLENGE_MS).to_be_bytes();
        seal(&self.key, CHALLENGE, &[&until, &chance])
    }

    /// Uses a challenge, once and for all.
    fn spend(&self, challenge: &str, now: UnixMs) -> Result<()> {
        let refused = || Error::api(ApiCode::BadChallenge, "challenge");
        let body = open(&self.key, CHALLENGE, challenge).ok_or_else(refused)?;
        let (until, chance) = body.split_first_chunk::<8>().ok_or_else(refused)?;
        let until = UnixMs::from_be_bytes(*until);
        let chance = <[u8; 16]>::try_from(chance).map_err(|_| refused())?;
        if now >= until {
            return Err(refused());
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_USED {
            used.retain(|_, until| *until > now);
        }
        if used.len() >= MAX_USED {
            return Err(Error::api(ApiCode::Busy, "too many challenges"));
        }
        match used.insert(chance, until) {
            None => Ok(()),
            Some(_) => Err(refused()),
        }
    }
}

/// A bucket that wrong guesses empty and time fills.
#[derive(Default)]
pub(crate) struct Guesses {
    /// The time up to which guesses are paid for; each one moves it on.
    paid_until: Mutex<UnixMs>,
}

impl Guesses {
    /// Whether a guess may be made now.
    pub(crate) fn check(&self, now: UnixMs) -> Result<()> {
        let mut paid = self.lock();
        // a clock that was set back must not lock the door for longer than a full bucket does
        *paid = (*paid).min(now.saturating_add(GUESSES_PER_MINUTE * MS_PER_GUESS));
        if *paid > now.saturating_add((GUESSES_PER_MINUTE - 1) * MS_PER_GUESS) {
            return Err(Error::api(ApiCode::Busy, "too many wrong codes"));
        }
        Ok(())
    }

    /// Notes a wrong one.
    pub(crate) fn wrong(&self, now: UnixMs) {
        let mut paid = self.lock();
        *paid = (*paid).max(now).saturating_add(MS_PER_GUESS);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, UnixMs> {
        self.paid_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Storage> Server<S> {
    /// Gives a token to a device that proves possession of its key.
    ///
    /// # Errors
    /// [`ApiCode::Unauthorised`] for an unknown device, [`ApiCode::DeviceRevoked`], [`ApiCode::BadSignature`], [`ApiCode::BadChallenge`].
    pub fn token(&self, request: &TokenRequest) -> Result<Token> {
        if request.tenant != self.tenant {
            return Err(Error::api(ApiCode::Unauthorised, "another tenant"));
        }
        let caller = self.storage.read(|view| caller(view, request.device))?;
        let payload = token_payload(request.tenant, request.device, &request.challenge);
        if !caller.device.key.verifies(&payload, &request.sig) {
            return Err(Error::api(ApiCode::BadSignature, "token"));
        }
        let now = self.now_ms();
        self.challenges.spend(&request.challenge, now)?;
        let until = now.saturating_add(TOKEN_MS).to_be_bytes();
        let device = request.device.as_uuid().into_bytes();
        Ok(Token {
            token: seal(&self.tickets, TOKEN, &[&until, &device]),
            lives_ms: TOKEN_MS,
        })
    }

    /// The device that a token was given to.
    pub(crate) fn token_device(&self, token: &str) -> Result<DeviceId> {
        let refused = || Error::api(ApiCode::Unauthorised, "token");
        let body = open(&self.tickets, TOKEN, token).ok_or_else(refused)?;
        let (until, device) = body.split_first_chunk::<8>().ok_or_else(refused)?;
        let device = Uuid::from_slice(device).map_err(|_| refused())?;
        if self.now_ms() >= UnixMs::from_be_bytes(*until) {
            return Err(refused());
        }
        Ok(DeviceId::from_uuid(device))
    }

    /// Who calls, as of this moment.
    pub(crate) fn authenticate(&self, view: &dyn View, token: &str) -> Result<Caller> {
        caller(view, self.token_device(token)?)
    }
}

fn seal(key: &[u8; 32], word: &[u8], parts: &[&[u8]]) -> String {
    let body = parts.concat();
    let mac = mac(key, &[word, &body].concat());
    BASE64URL_NOPAD.encode(&[body.as_slice(), &mac].concat())
}

fn open(key: &[u8; 32], word: &[u8], ticket: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(ticket.as_bytes()).ok()?;
    let (body, mac) = bytes.split_last_chunk::<32>()?;
    mac_matches(key, &[word, body].concat(), mac).then(|| body.to_vec())
}
