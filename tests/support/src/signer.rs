//! Device keys for tests.

use std::sync::{Mutex, PoisonError};

use waymark_protocol::proof::{PublicKey, SignError, Signature, Signer, SoftwareSigner};

use crate::chance::SeededRng;

/// Signatures kept: a device signs the head of its chain again with each idle exchange.
const KEPT: usize = 4;

/// A device's key. Signing the same again costs nothing, so that thousands of simulated devices spend their time elsewhere.
#[derive(Debug)]
pub struct TestSigner {
    key: SoftwareSigner,
    public: PublicKey,
    last: Mutex<Vec<(Vec<u8>, Signature)>>,
}

impl TestSigner {
    /// The key of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = SeededRng::fork(seed, 0x5167);
        let key = loop {
            let mut secret = [0; 32];
            rng.fill(&mut secret);
            if let Some(key) = SoftwareSigner::from_secret(&secret) {
                break key;
            }
        };
        Self {
            public: key.public_key(),
            key,
            last: Mutex::default(),
        }
    }
}

impl Signer for TestSigner {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, signature)) = last.iter().find(|(signed, _)| signed == message) {
            return Ok(signature.clone());
        }
        let signature = self.key.sign(message)?;
        last.insert(0, (message.to_vec(), signature.clone()));
        last.truncate(KEPT);
        Ok(signature)
    }
}
