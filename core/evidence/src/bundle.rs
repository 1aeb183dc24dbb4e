//! Writing a bundle.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_domain::record::{Body, RecordKey};
use waymark_domain::time::UnixMs;
use waymark_protocol::jws;
use waymark_protocol::proof::{PublicKey, Signer};

/// The version of the form.
pub const VERSION: u16 = 1;
/// `typ` of the seal.
pub(crate) const SEAL_TYPE: &str = "waymark-bundle+json";

/// Who sealed a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sealer {
    /// The device whose chain it is.
    Device,
    /// The company's server, from its ledger.
    Company,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub v: u16,
    /// The company.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// The device's key. Only a receipt vouches for it.
    pub device_key: PublicKey,
    /// The company's key. Nobody vouches for it but the one who verifies.
    pub company_key: PublicKey,
    /// The hash that the first operation names as the one before it.
    pub prev: Hash,
    /// Who seals.
    pub sealed_by: Sealer,
}

/// What the last line signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// SHA-256 of every byte before the seal's line.
    pub sha256: Hash,
    /// How many operations there are.
    pub ops: u64,
    /// The count of the first; 0 when there is none.
    pub from: u64,
    /// The count of the last; 0 when there is none.
    pub to: u64,
    /// The hash of the last.
    pub head: Hash,
    /// When it was sealed, by the sealer's best knowledge.
    pub at_ms: UnixMs,
}

#[derive(Serialize)]
pub(crate) struct ContextLine<'a> {
    pub(crate) kind: &'a waymark_domain::record::Kind,
    pub(crate) id: waymark_domain::ids::RecordId,
    pub(crate) body: &'a Body,
}

/// Writes a bundle while its operations come: context first, then operations, heads and receipts in the order of the chain, then the seal.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    seal: Seal,
}

impl<'a> Writer<'a> {
    /// Begins a bundle.
    ///
    /// # Errors
    /// What writing may say.
    pub fn begin(out: &'a mut dyn Write, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            out,
            hash: Sha256::new(),
            seal: Seal {
                sha256: Hash::ZERO,
                ops: 0,
                from: 0,
                to: 0,
                head: header.prev,
                at_ms: 0,
            },
        };
        writer.line("waymark-evidence", &serde_json::to_vec(header)?)?;
        Ok(writer)
    }

    /// A record that verdicts follow from, such as a policy, as it was published.
    ///
    /// # Errors
    /// What writing may say.
    pub fn context(&mut self, key: &RecordKey, body: &Body) -> io::Result<()> {
        let line = ContextLine {
            kind: &key.kind,
            id: key.id,
            body,
        };
        self.line("context", &serde_json::to_vec(&line)?)
    }

    /// The next operation, in its exact bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for bytes with a line feed, which no operation has; what writing may say.
    pub fn op(&mut self, n: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.contains(&b'\n') {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if self.seal.ops == 0 {
            self.seal.from = n;
        }
        self.seal.ops += 1;
        self.seal.to = n;
        self.seal.head = Hash::of(bytes);
        self.line("op", bytes)
    }

    /// A head that the device signed: a JWS. It belongs after the operation that it names.
    ///
    /// # Errors
    /// What writing may say.
    pub fn head(&mut self, jws: &str) -> io::Result<()> {
        self.line("head", jws.as_bytes())
    }

    /// A receipt: a JWS. It belongs after the operation that it names.
    ///
    /// # Errors
    /// What writing may say.
    pub fn receipt(&mut self, jws: &str) -> io::Result<()> {
        self.line("receipt", jws.as_bytes())
    }

    /// Seals the bundle and gives what was sealed.
    ///
    /// # Errors
    /// What writing and signing may say.
    pub fn seal(mut self, signer: &dyn Signer, at_ms: UnixMs) -> io::Result<Seal> {
        let digest = std::mem::take(&mut self.hash).finalize();
        self.seal.sha256 = Hash::from_slice(&digest).unwrap_or(Hash::ZERO);
        self.seal.at_ms = at_ms;
        let payload = serde_json::to_vec(&self.seal)?;
        let jws = jws::sign(signer, SEAL_TYPE, &payload).map_err(io::Error::other)?;
        self.line("seal", jws.as_bytes())?;
        self.out.flush()?;
        Ok(self.seal)
    }

    fn line(&mut self, word: &str, content: &[u8]) -> io::Result<()> {
        let line = [word.as_bytes(), b" ", content, b"\n"].concat();
        self.hash.update(&line);
        self.out.write_all(&line)
    }
}
