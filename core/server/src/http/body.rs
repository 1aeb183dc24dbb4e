//! Request bodies, as they come in: limited as they travel, limited once decompressed, and not waited for without end.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use waymark_protocol::error::{ApiCode, ApiError};
use waymark_protocol::limits::{MAX_BODY, MAX_EXPANDED};
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};
use zstd::zstd_safe::DParameter;

/// Most bytes given at once: what a piece expands to is handed on before the rest of it is expanded.
const PIECE: usize = 256 * 1024;

/// Largest window that a frame may ask for, as a power of two: 8 MiB, what zstd's level 19 uses. A frame may ask for gigabytes.
const MAX_WINDOW_LOG: u32 = 23;

/// A body that is coming in.
pub(super) struct Incoming {
    stream: BodyDataStream,
    patience: Duration,
    /// Arrived and not decompressed yet.
    packed: Bytes,
    coding: Coding,
    travelled: usize,
    expanded: usize,
    limit: usize,
}

enum Coding {
    Plain,
    Zstd(Option<Box<Inflate>>),
    Unknown,
}

struct Inflate {
    decoder: Decoder<'static>,
    /// Whether the last call filled its buffer: there may be more inside.
    full: bool,
}

impl Incoming {
    /// A body of at most `limit` bytes once decompressed.
    pub(super) fn new(headers: &HeaderMap, body: Body, patience: Duration, limit: usize) -> Self {
        let coding = headers.get(header::CONTENT_ENCODING);
        let coding = coding.map(|value| value.to_str().unwrap_or("?").trim());
        Self {
            stream: body.into_data_stream(),
            patience,
            packed: Bytes::new(),
            coding: match coding {
                None | Some("" | "identity") => Coding::Plain,
                Some("zstd") => Coding::Zstd(None),
                Some(_) => Coding::Unknown,
            },
            travelled: 0,
            expanded: 0,
            limit: limit.min(MAX_EXPANDED),
        }
    }

    /// The next bytes, decompressed; `None` at the end. May be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            let piece = self.unpack()?;
            if !piece.is_empty() {
                self.expanded = self.expanded.saturating_add(piece.len());
                if self.expanded > self.limit {
                    return Err(ApiError::new(ApiCode::TooLarge, "body, decompressed"));
                }
                return Ok(Some(piece));
            }
            match self.arrive().await? {
                Some(bytes) => self.packed = bytes,
                None => return Ok(None),
            }
        }
    }

    /// Reads what is left and forgets it. Who refuses a call while its body is on the way closes the connection, and the closing can
    /// overtake the refusal: the device would never learn that its token is over.
    pub(super) async fn drain(&mut self) {
        while let Ok(Some(_)) = self.arrive().await {}
    }

    async fn arrive(&mut self) -> Result<Option<Bytes>, ApiError> {
        match tokio::time::timeout(self.patience, self.stream.next()).await {
            Err(_) => Err(ApiError::new(ApiCode::Busy, "the body went silent")),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(ApiError::new(ApiCode::Malformed, "cut")),
            Ok(Some(Ok(bytes))) => {
                self.travelled = self.travelled.saturating_add(bytes.len());
                if self.travelled > MAX_BODY {
                    return Err(ApiError::new(ApiCode::TooLarge, "body"));
                }
                Ok(Some(bytes))
            }
        }
    }

    /// The whole body.
    pub(super) async fn whole(&mut self) -> Result<Vec<u8>, ApiError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend(piece);
        }
        Ok(whole)
    }

    fn unpack(&mut self) -> Result<Vec<u8>, ApiError> {
        match &mut self.coding {
            Coding::Plain => {
                let size = self.packed.len().min(PIECE);
                Ok(self.packed.split_to(size).to_vec())
            }
            Coding::Zstd(Some(inflate)) => inflate.next(&mut self.packed),
            Coding::Zstd(inflate) => {
                let inflate = inflate.insert(Box::new(Inflate::new()?));
                inflate.next(&mut self.packed)
            }
            Coding::Unknown => Err(ApiError::new(ApiCode::Malformed, "content-encoding")),
        }
    }
}

impl Inflate {
    fn new() -> Result<Self, ApiError> {
        let broken = |_| ApiError::new(ApiCode::Internal, "zstd");
        let mut decoder = Decoder::new().map_err(broken)?;
        let window = DParameter::WindowLogMax(MAX_WINDOW_LOG);
        decoder.set_parameter(window).map_err(broken)?;
        Ok(Self {
            decoder,
            full: false,
        })
    }

    /// Decompresses some of `packed`, and takes it off its front.
    fn next(&mut self, packed: &mut Bytes) -> Result<Vec<u8>, ApiError> {
        if packed.is_empty() && !self.full {
            return Ok(Vec::new());
        }
        let mut piece = vec![0; PIECE];
        let mut from = InBuffer::around(packed);
        let mut into = OutBuffer::around(piece.as_mut_slice());
        while into.pos() < PIECE && (from.pos() < packed.len() || self.full) {
            self.full = false;
            let before = (from.pos(), into.pos());
            self.decoder
                .run(&mut from, &mut into)
                .map_err(|_| ApiError::new(ApiCode::Malformed, "zstd"))?;
            if before == (from.pos(), into.pos()) {
                break;
            }
        }
        let (used, size) = (from.pos(), into.pos());
        self.full = size == PIECE;
        drop(packed.split_to(used));
        piece.truncate(size);
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(packed: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        let mut inflate = Inflate::new()?;
        let mut packed = Bytes::from(packed);
        let mut whole = Vec::new();
        loop {
            let piece = inflate.next(&mut packed)?;
            if piece.is_empty() {
                return Ok(whole);
            }
            assert!(piece.len() <= PIECE);
            whole.extend(piece);
        }
    }

    #[test]
    fn what_was_compressed_comes_back_in_pieces() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE] {
            let plain: Vec<u8> = (0..size)
                .map(|at| u8::try_from(at * at % 251).unwrap())
                .collect();
            let packed = zstd::encode_all(plain.as_slice(), 3).unwrap();
            assert_eq!(inflate(packed).unwrap(), plain, "{size} bytes");
        }
    }

    #[test]
    fn a_frame_that_asks_for_a_huge_window_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, &vec![7; 1 << 20]).unwrap();
        assert!(inflate(encoder.finish().unwrap()).is_err());
    }

    #[test]
    fn what_is_no_zstd_is_refused() {
        assert!(inflate(b"{\"proto\":1}".to_vec()).is_err());
    }
}
