//! The request of an exchange: a header line, operations verbatim, an end line.

use serde::{Deserialize, Serialize};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, Epoch};
use waymark_domain::op::{MAX_GROUP, Operation};
use waymark_domain::ranges::Ranges;
use waymark_domain::refusal::Refusal;
use waymark_domain::scope::Scope;

use crate::error::{ApiCode, ApiError};
use crate::limits::MAX_OPS;
use crate::lines::{LineCutter, read_line, write_line};
use crate::proof::Signature;
use crate::receipt::Held;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHeader {
    /// [`crate::PROTO`] of the device.
    pub proto: u16,
    /// Chance; the answer repeats it.
    pub echo: String,
    /// The epoch that the device's copy is from; absent before the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The device.
    pub device: DeviceId,
    /// The app's version.
    pub app: String,
    /// [`crate::SCHEMA`] of the device.
    pub schema: u16,
    /// The device's last count.
    pub n_last: u64,
    /// Counts without a terminal outcome so far.
    #[serde(default)]
    pub unacked: Ranges,
    /// Hash of operation `n_last`, the head of the device's chain.
    pub head: Hash,
    /// The device's signature over [`crate::proof::head_payload`]. Evidence, checked by the server; the token is what authorises.
    pub sig: Signature,
    /// The newest receipt that the device holds for this head or before it; see [`crate::receipt::Receipt`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Held>,
    /// What the device holds.
    #[serde(default)]
    pub scopes: Vec<ScopeCursor>,
    /// [`crate::response::ScopeList::hash`] that the device knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_hash: Option<Hash>,
    /// Most bytes of changes in the answer; 0 to push only.
    pub limit_bytes: u32,
}

/// How far a device's copy of one scope goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeCursor {
    /// The scope.
    pub id: Scope,
    /// Everything up to this place in the tenant's order is here.
    pub cursor: u64,
}

/// A whole request, on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRequest {
    /// The first line.
    pub header: RequestHeader,
    /// The operations' exact bytes.
    pub ops: Vec<Vec<u8>>,
}

// an operation of a later version may have a field of this name: only a line with nothing else is the end
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: usize,
}

impl ExchangeRequest {
    /// The lines.
    ///
    /// # Errors
    /// See [`write_line`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::with_capacity(self.ops.iter().map(Vec::len).sum::<usize>() + 1024);
        write_line(&mut bytes, &self.header)?;
        for op in &self.ops {
            bytes.extend_from_slice(op);
            bytes.push(b'\n');
        }
        write_line(
            &mut bytes,
            &EndLine {
                end: self.ops.len(),
            },
        )?;
        Ok(bytes)
    }
}

/// One operation's line, read as far as it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct OpLine {
    /// Its place among the request's operations, from 0.
    pub index: usize,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What it says, or why it does not read.
    pub op: Result<Operation, Refusal>,
}

/// What a request turns out to hold, in this order: one header, groups, one end.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestEvent {
    /// The first line.
    Header(Box<RequestHeader>),
    /// Operations that stand or fall together; most often one.
    Group(Vec<OpLine>),
    /// The last line: nothing was cut off.
    End,
}

/// Reads a request while it arrives, so that a connection that dies has still delivered every group that was complete.
#[derive(Debug, Default)]
pub struct RequestParser {
    cutter: LineCutter,
    state: State,
    group: Vec<OpLine>,
    ops: usize,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Header,
    Ops,
    Ended,
}

impl RequestParser {
    /// Takes the next bytes and adds what they complete to `events`.
    ///
    /// # Errors
    /// [`ApiCode::TooLarge`], [`ApiCode::Malformed`]. What the lines before the bad one completed is in `events` all the same.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<RequestEvent>) -> Result<(), ApiError> {
        // line by line: a line that is too long takes nothing away from those before it
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            for line in self.cutter.push(piece)? {
                self.line(line, events)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: Vec<u8>, events: &mut Vec<RequestEvent>) -> Result<(), ApiError> {
        match self.state {
            State::Header => {
                events.push(RequestEvent::Header(Box::new(read_line(&line)?)));
                self.state = State::Ops;
            }
            State::Ops => match read_line::<EndLine>(&line) {
                Ok(EndLine { end }) => {
                    if end != self.ops || !self.group.is_empty() {
                        return Err(ApiError::new(
                            ApiCode::Malformed,
                            format!("{end} operations announced, {} read", self.ops),
                        ));
                    }
                    events.push(RequestEvent::End);
                    self.state = State::Ended;
                }
                Err(_) => self.op(line, events)?,
            },
            State::Ended => return Err(ApiError::new(ApiCode::Malformed, "a line after the end")),
        }
        Ok(())
    }

    fn op(&mut self, bytes: Vec<u8>, events: &mut Vec<RequestEvent>) -> Result<(), ApiError> {
        if self.ops == MAX_OPS {
            return Err(ApiError::new(
                ApiCode::TooLarge,
                format!("over {MAX_OPS} operations"),
            ));
        }
        let line = OpLine {
            index: self.ops,
            op: Operation::from_bytes(&bytes),
            bytes,
        };
        self.ops += 1;
        let place = line.op.as_ref().ok().and_then(|op| op.group);
        let Some(place) = place.filter(|place| place.of > 1) else {
            if !self.group.is_empty() {
                return Err(ApiError::new(ApiCode::Malformed, "a group was interrupted"));
            }
            events.push(RequestEvent::Group(vec![line]));
            return Ok(());
        };
        let expected = u32::try_from(self.group.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let same_group = self
            .group
            .first()
            .and_then(|first| first.op.as_ref().ok())
            .and_then(|op| op.group);
        if place.i != expected
            || place.of > MAX_GROUP
            || same_group.is_some_and(|first| first.id != place.id || first.of != place.of)
        {
            return Err(ApiError::new(ApiCode::Malformed, "a group is out of order"));
        }
        self.group.push(line);
        if place.i == place.of {
            events.push(RequestEvent::Group(std::mem::take(&mut self.group)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let header = serde_json::json!({
            "proto": 1, "echo": "e", "device": "00000000-0000-7000-8000-000000000000", "app": "t", "schema": 1, "n_last": 0,
            "head": Hash::ZERO, "sig": "", "limit_bytes": 0,
        });
        format!("{header}\n").into_bytes()
    }

    fn parse(bytes: &[u8], piece: usize) -> (Vec<RequestEvent>, Result<(), ApiError>) {
        let mut parser = RequestParser::default();
        let mut events = Vec::new();
        let read = bytes
            .chunks(piece)
            .try_for_each(|piece| parser.push(piece, &mut events));
        (events, read)
    }

    #[test]
    fn what_came_before_a_bad_line_stands_however_the_bytes_were_cut() {
        let mut bytes = header();
        bytes.extend_from_slice(b"{\"unreadable\":1}\n{\"end\":7}\n");
        for piece in [1, 5, bytes.len()] {
            let (events, read) = parse(&bytes, piece);
            assert!(
                matches!(
                    events.as_slice(),
                    [RequestEvent::Header(_), RequestEvent::Group(_)]
                ),
                "{events:?}"
            );
            assert_eq!(read.unwrap_err().code, ApiCode::Malformed);
        }
    }

    #[test]
    fn a_line_is_the_end_only_when_it_says_nothing_else() {
        let mut bytes = header();
        bytes.extend_from_slice(b"{\"end\":0,\"later\":true}\n{\"end\":1}\n");
        let (events, read) = parse(&bytes, 3);
        assert_eq!(read, Ok(()));
        let [
            RequestEvent::Header(_),
            RequestEvent::Group(group),
            RequestEvent::End,
        ] = events.as_slice()
        else {
            panic!("{events:?}");
        };
        assert!(group[0].op.is_err());
    }
}
