//! An exchange while it arrives: every group that is complete is committed, whether or not the rest ever comes.

use std::sync::Arc;

use waymark_domain::ids::{DeviceId, Epoch};
use waymark_domain::time::UnixMs;
use waymark_protocol::PROTO;
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::{MAX_EXPANDED, MAX_LINE};
use waymark_protocol::lines::write_line;
use waymark_protocol::outcome::Outcome;
use waymark_protocol::request::{OpLine, RequestEvent, RequestHeader, RequestParser};
use waymark_protocol::response::{End, Head, Out, ResponseLine, ScopeList};

use crate::access::{caller, scopes_of};
use crate::error::{Error, Result};
use crate::pull::{self, Page};
use crate::push::Push;
use crate::receipt;
use crate::server::{Server, check_echo, schemas};
use crate::storage::{Alarm, DeviceRecord, HeadEvidence, Storage, Tx, View};

/// Most bytes of outcomes in one answer. A device reads answers up to [`MAX_EXPANDED`]; what does not fit is settled all the same and comes
/// with the replay.
const MAX_OUTS: usize = MAX_EXPANDED / 2;

/// How exactly it is kept when a device was last seen, milliseconds: a device that only asks costs no write more often.
const SEEN_MS: i64 = 60_000;

/// Which half of an exchange is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Operations up, changes down.
    Both,
    /// Operations up.
    Push,
    /// Changes down.
    Pull,
}

/// An exchange while it arrives.
pub struct Session<S: Storage> {
    server: Arc<Server<S>>,
    device: DeviceRecord,
    epoch: Epoch,
    half: Half,
    parser: RequestParser,
    header: Option<RequestHeader>,
    outs: Vec<u8>,
    ended: bool,
    failed: bool,
    /// Whether the head's signature is the device's.
    proven: bool,
}

impl<S: Storage> Server<S> {
    /// Begins an exchange.
    ///
    /// # Errors
    /// [`ApiCode::Unauthorised`], [`ApiCode::DeviceRevoked`].
    pub fn begin_exchange(self: &Arc<Self>, token: &str) -> Result<Session<S>> {
        self.begin_half(token, Half::Both)
    }

    /// Begins a half of an exchange.
    ///
    /// # Errors
    /// As for [`Self::begin_exchange`].
    pub fn begin_half(self: &Arc<Self>, token: &str, half: Half) -> Result<Session<S>> {
        let (caller, epoch) = self.storage.read(|view| {
            let identity = view.identity()?;
            let epoch = identity
                .ok_or_else(|| Error::corrupt("the identity"))?
                .epoch;
            Ok((self.authenticate(view, token)?, epoch))
        })?;
        Ok(Session {
            server: Arc::clone(self),
            device: caller.device,
            epoch,
            half,
            parser: RequestParser::default(),
            header: None,
            outs: Vec::new(),
            ended: false,
            failed: false,
            proven: false,
        })
    }
}

impl<S: Storage> Session<S> {
    /// The device that brings it.
    pub const fn device(&self) -> DeviceId {
        self.device.device
    }

    /// Takes the next bytes, uncompressed. When it returns, every group that they complete is settled and durable.
    ///
    /// # Errors
    /// [`ApiCode::TooLarge`], [`ApiCode::Malformed`], [`ApiCode::WrongProtocol`], [`ApiCode::DeviceRevoked`]. What was settled before stands.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        if self.failed {
            return Err(Error::api(ApiCode::Malformed, "failed before"));
        }
        let (mut events, mut groups) = (Vec::new(), Vec::new());
        let read = self.parser.push(bytes, &mut events).map_err(Error::from);
        let mut events = events.into_iter();
        let read = events
            .try_for_each(|event| self.event(event, &mut groups))
            .and(read);
        let settled = self.settle(groups);
        self.failed = read.is_err() || settled.is_err();
        settled.and(read)
    }

    /// The answer: the lines of an exchange's response.
    ///
    /// # Errors
    /// [`ApiCode::Malformed`] when the request's end never came, [`ApiCode::DeviceRevoked`], [`Error::Storage`].
    pub fn finish(self) -> Result<Vec<u8>> {
        let Some(header) = self.header.as_ref().filter(|_| self.ended && !self.failed) else {
            return Err(Error::api(ApiCode::Malformed, "cut"));
        };
        let (head, page) = self.server.storage.read(|view| self.read(view, header))?;
        if !page.ahead.is_empty() {
            let (now, device) = (self.server.now_ms(), self.device.device);
            let alarm = Alarm::new("cursor_ahead", now, Some(device), None, "");
            self.server
                .storage
                .write(move |tx| tx.raise(&alarm).map(drop))?;
        }
        let mut answer = Vec::with_capacity(self.outs.len() + page.lines.len() + 4096);
        write_line(&mut answer, &ResponseLine::Head(Box::new(head)))?;
        answer.extend(self.outs);
        answer.extend(page.lines);
        write_line(&mut answer, &ResponseLine::End(page.end))?;
        Ok(answer)
    }

    fn event(&mut self, event: RequestEvent, groups: &mut Vec<Vec<OpLine>>) -> Result<()> {
        match event {
            RequestEvent::Header(header) => {
                self.check(&header)?;
                self.header = Some(*header);
            }
            RequestEvent::Group(_) if self.half == Half::Pull => {
                return Err(Error::api(ApiCode::Malformed, "operations in a pull"));
            }
            // a device of another epoch first hears what is missing here: what it sends may build on that
            RequestEvent::Group(_) if self.is_of_another_epoch() => {}
            RequestEvent::Group(group) => groups.push(group),
            RequestEvent::End => self.ended = true,
        }
        Ok(())
    }

    fn is_of_another_epoch(&self) -> bool {
        let known = self.header.as_ref().and_then(|header| header.epoch);
        known.is_some_and(|known| known != self.epoch)
    }

    fn check(&self, header: &RequestHeader) -> Result<()> {
        if header.proto != PROTO {
            return Err(Error::api(ApiCode::WrongProtocol, header.proto.to_string()));
        }
        if header.device != self.device.device {
            return Err(Error::api(ApiCode::Forbidden, "another device's token"));
        }
        if header.app.len() > MAX_APP {
            return Err(Error::api(ApiCode::Malformed, "app"));
        }
        check_echo(&header.echo)
    }

    /// Settles what has arrived, in one write; with the last of it, what the header says about the device.
    fn settle(&mut self, groups: Vec<Vec<OpLine>>) -> Result<()> {
        let (device, now) = (self.device.device, self.server.now_ms());
        let closing = match self.header.as_ref().filter(|_| self.ended) {
            Some(header) => {
                let evidence = HeadEvidence::of(header);
                self.proven = self.is_proven(&evidence);
                let closing = Closing {
                    app: header.app.clone(),
                    now,
                    epoch: self.epoch,
                    head: Some(evidence).filter(|_| self.proven),
                };
                let needed = !groups.is_empty() || self.has_news(&closing)?;
                Some(closing).filter(|_| needed)
            }
            None => None,
        };
        if groups.is_empty() && closing.is_none() {
            return Ok(());
        }
        let outs = self.server.storage.write(move |tx| {
            let mut push = Push::begin(tx, device, now)?;
            let outs = push.take(tx, &groups)?;
            push.arrive();
            if let Some(closing) = &closing {
                closing.note(tx, &mut push.caller.device)?;
            }
            push.end(tx)?;
            Ok(outs)
        })?;
        outs.into_iter().try_for_each(|out| self.write_out(out))
    }

    fn write_out(&mut self, mut out: Out) -> Result<()> {
        let mut line = Vec::new();
        write_line(&mut line, &ResponseLine::Out(out.clone()))?;
        if line.len() > MAX_LINE || self.outs.len() + line.len() > MAX_OUTS {
            line.clear();
            out.outcome = Outcome::Retry { after_ms: 0 };
            write_line(&mut line, &ResponseLine::Out(out))?;
        }
        self.outs.extend(line);
        Ok(())
    }

    fn read(&self, view: &dyn View, header: &RequestHeader) -> Result<(Head, Page)> {
        let caller = caller(view, self.device.device)?;
        let scopes = scopes_of(view, &caller.user)?;
        let identity = view.identity()?;
        let epoch = identity
            .ok_or_else(|| Error::corrupt("the identity"))?
            .epoch;
        let (server_ms, sig) = self.server.signed_time(&header.echo, epoch)?;
        let upgrade = header.schema < schemas().0;
        let another_epoch = header.epoch.is_some_and(|known| known != epoch);
        let page = if another_epoch {
            Page {
                lines: Vec::new(),
                end: End::default(),
                ahead: Vec::new(),
            }
        } else {
            let push_only = upgrade || self.half == Half::Push;
            let limit = if push_only { 0 } else { header.limit_bytes };
            pull::page(view, &scopes, &header.scopes, limit)?
        };
        let list = ScopeList::new(scopes);
        let receipt = match HeadEvidence::of(header) {
            head if self.proven && !receipt::suffices(header.receipt, &head, &caller.device) => {
                receipt::sign(&self.server, view, &caller, &head)?
            }
            _ => None,
        };
        let head = Head {
            proto: PROTO,
            echo: header.echo.clone(),
            epoch,
            server_ms,
            sig,
            have: caller.device.have,
            receipt,
            scopes: Some(list).filter(|list| header.scopes_hash != Some(list.hash)),
            schemas: schemas(),
            upgrade,
        };
        Ok((head, page))
    }
}

/// Longest name of an app's version, bytes.
const MAX_APP: usize = 80;

/// What a header says about its device, to be written with the last operations.
struct Closing {
    app: String,
    now: UnixMs,
    epoch: Epoch,
    /// Absent when the signature is not the device's.
    head: Option<HeadEvidence>,
}

impl<S: Storage> Session<S> {
    fn is_proven(&self, head: &HeadEvidence) -> bool {
        // byte for byte what was verified before needs no second look
        self.device.head.as_ref() == Some(head)
            || receipt::verified(self.server.tenant, &self.device, head)
    }

    /// Whether an exchange without operations says anything that is not written down already.
    fn has_news(&self, closing: &Closing) -> Result<bool> {
        let device = &self.device;
        let seen = (0..SEEN_MS).contains(&closing.now.saturating_sub(device.seen_ms));
        if !seen || device.app != closing.app {
            return Ok(true);
        }
        let Some(head) = &closing.head else {
            return Ok(true);
        };
        let known = device.head.as_ref();
        if known.is_none_or(|known| (known.n, known.head) != (head.n, head.head)) {
            return Ok(true);
        }
        let statement = |view: &dyn View| receipt::stated(view, device, head);
        Ok(head.n > 0 && self.server.storage.read(statement)?.is_none())
    }
}

impl Closing {
    fn note(&self, tx: &mut dyn Tx, device: &mut DeviceRecord) -> Result<()> {
        device.app.clone_from(&self.app);
        device.seen_ms = device.seen_ms.max(self.now);
        let id = Some(device.device);
        let Some(head) = &self.head else {
            tx.raise(&Alarm::new("bad_signature", self.now, id, None, "head"))?;
            return Ok(());
        };
        if !receipt::fits(tx, device.device, head)? {
            tx.raise(&Alarm::new("chain_broken", self.now, id, None, "head"))?;
        } else if head.n > 0 && receipt::stated(tx, device, head)?.is_none() {
            let row = receipt::row(device, head, self.now, self.epoch);
            tx.put_statement(&row)?;
        }
        device.head = Some(head.clone());
        Ok(())
    }
}

impl HeadEvidence {
    fn of(header: &RequestHeader) -> Self {
        Self {
            n: header.n_last,
            head: header.head,
            sig: header.sig.clone(),
        }
    }
}
