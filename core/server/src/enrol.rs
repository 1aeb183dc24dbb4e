//! How a device becomes known.

use waymark_domain::ambient::Entropy;
use waymark_domain::hash::Hash;
use waymark_domain::ids::DeviceId;
use waymark_domain::ranges::Ranges;
use waymark_domain::refusal::{check_length, check_text};
use waymark_protocol::enrol::{EnrolRequest, Enrolled};
use waymark_protocol::error::ApiCode;
use waymark_protocol::proof::enrol_payload;

use crate::access::caller;
use crate::error::{Error, Result};
use crate::server::{Server, note};
use crate::storage::{DeviceRecord, Storage, Tx};

/// Longest name of a device or version of an app, characters.
const MAX_NAME: usize = 80;

/// Crockford's alphabet: no letter that is read as a digit, no U.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl<S: Storage> Server<S> {
    /// Makes a device known to which somebody gave a code. The same code with the same key gives the same answer.
    ///
    /// # Errors
    /// [`ApiCode::BadSignature`], [`ApiCode::BadCode`], [`ApiCode::DeviceRevoked`], [`ApiCode::Malformed`],
    /// [`ApiCode::Busy`] after too many wrong codes.
    pub fn enrol(&self, request: &EnrolRequest) -> Result<Enrolled> {
        let payload = enrol_payload(&request.code, &request.key);
        if !request.key.verifies(&payload, &request.sig) {
            return Err(Error::api(ApiCode::BadSignature, "enrol"));
        }
        let named = check_text("name", &request.name, MAX_NAME);
        named
            .and_then(|()| check_length("app", &request.app, MAX_NAME))
            .map_err(|refusal| Error::api(ApiCode::Malformed, refusal.to_string()))?;
        let now = self.now_ms();
        self.guesses.check(now)?;
        let fresh = DeviceRecord {
            device: DeviceId::from_uuid(self.entropy.new_id(now)),
            // the invitation says whose it is
            user: waymark_domain::ids::UserId::from_uuid(uuid::Uuid::nil()),
            key: request.key.clone(),
            name: request.name.clone(),
            app: request.app.clone(),
            enrolled_ms: now,
            seen_ms: now,
            revoked: false,
            have: Ranges::default(),
            head: None,
        };
        let (code, server_key) = (code_hash(&request.code), self.public_key());
        let result = self.storage.write(move |tx| {
            let device = admit(tx, code, fresh)?;
            let caller = caller(tx, device)?;
            let identity = tx.identity()?;
            let identity = identity.ok_or_else(|| Error::corrupt("the identity"))?;
            Ok(Enrolled {
                tenant: identity.tenant,
                company: identity.company,
                user: caller.user.user,
                name: caller.user.name,
                role: caller.user.role,
                team: caller.user.team,
                device,
                server_key,
            })
        });
        if let Err(Error::Api(error)) = &result
            && error.code == ApiCode::BadCode
        {
            self.guesses.wrong(now);
        }
        result
    }
}

/// Spends the code on the device, or finds the device that it was spent on.
fn admit(tx: &mut dyn Tx, code: Hash, mut device: DeviceRecord) -> Result<DeviceId> {
    let refused = || Error::api(ApiCode::BadCode, "code");
    let mut invite = tx.invite(code)?.ok_or_else(refused)?;
    if let Some((key, known)) = invite.used {
        return if key == device.key {
            Ok(known)
        } else {
            Err(refused())
        };
    }
    if device.enrolled_ms >= invite.until_ms {
        return Err(refused());
    }
    device.user = invite.user;
    tx.put_device(&device)?;
    invite.used = Some((device.key.clone(), device.device));
    tx.put_invite(&invite)?;
    note(
        tx,
        device.enrolled_ms,
        Some(device.user),
        "enrol",
        device.device.to_string(),
    )?;
    Ok(device.device)
}

/// A new code of 60 random bits, as `XXXX-XXXX-XXXX`, with the hash that is kept.
pub(crate) fn new_code(entropy: &dyn Entropy) -> (String, Hash) {
    let mut random = [0; 12];
    entropy.fill(&mut random);
    let mut code = String::new();
    for (at, byte) in random.into_iter().enumerate() {
        if at == 4 || at == 8 {
            code.push('-');
        }
        // 32 letters: five bits each, and every value has its letter
        code.extend(ALPHABET.chars().nth(usize::from(byte & 31)));
    }
    let hash = code_hash(&code);
    (code, hash)
}

/// The hash of a code, however it was typed: case, hyphens, spaces, and the letters that look like digits make no difference.
fn code_hash(code: &str) -> Hash {
    let typed = code.chars().filter(|letter| letter.is_ascii_alphanumeric());
    let plain: String = typed
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    Hash::of(plain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(at * 29 % 251).unwrap();
            }
        }
    }

    #[test]
    fn a_code_is_three_groups_of_four_letters_that_nobody_mistakes() {
        let (code, _) = new_code(&Fixed);
        let groups: Vec<&str> = code.split('-').collect();
        assert_eq!(groups.len(), 3);
        assert!(groups.iter().all(|group| group.len() == 4));
        assert!(
            code.chars()
                .all(|letter| letter == '-' || ALPHABET.contains(letter))
        );
    }

    #[test]
    fn a_code_typed_carelessly_is_the_same_code() {
        assert_eq!(code_hash("10AB-CDEF-GHJK"), code_hash("io ab cdefghjk"));
        assert_ne!(code_hash("10AB-CDEF-GHJK"), code_hash("10AB-CDEF-GHJM"));
    }
}
