//! The secrets of a file: its own key, sealed under a passphrase, and what that key seals.
//!
//! Argon2id (RFC 9106) makes a key of the passphrase; AES-256-GCM under it seals the file's key and the
//! lasting keys of the server that wrote the file. Under the file's key each secret is sealed for its place, and
//! the digest of the whole file is authenticated (HMAC-SHA-256), so that who does not know the passphrase
//! cannot change a file that has secrets.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use doorward_proto::secret::SecretText;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    env::Env,
    outcome::{Code, Error, Refusal, Result},
};

/// 64 MiB and three passes: RFC 9106, the second recommended choice.
const MEMORY: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// No file may make us spend more.
const MOST_MEMORY: u32 = 1_048_576;
const MOST_PASSES: u32 = 16;
const KEY: usize = 32;
const SHORTEST: usize = 12;
const PLACE: &str = "doorward export";

/// What a header says of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// `argon2id`.
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    /// The file's key and the lasting keys.
    sealed: String,
}

/// The keys of a file.
pub(super) struct FileKeys {
    key: Zeroizing<[u8; KEY]>,
    /// Of the server that wrote it.
    pub(super) lasting: Zeroizing<Vec<u8>>,
}

/// Base64url without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// None for what is no base64url.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

impl Envelope {
    /// Makes a key for a new file. Takes a tenth of a second.
    pub(super) fn new(env: &Env, passphrase: &SecretText, lasting: &[u8]) -> Result<(Self, FileKeys)> {
        if passphrase.expose().chars().count() < SHORTEST {
            let hint = "A passphrase has at least 12 characters; `doorward keys generate` prints a good one";
            return Err(Refusal::new(Code::RequestInvalid).field("passphrase").hint(hint).into());
        }
        let (salt, key) = (env.bytes::<16>()?, Zeroizing::new(env.bytes::<KEY>()?));
        let mut envelope = Self {
            kdf: "argon2id".to_owned(),
            memory_kib: MEMORY,
            passes: PASSES,
            lanes: LANES,
            salt: encode(&salt),
            sealed: String::new(),
        };
        let mut inner = Zeroizing::new(key.to_vec());
        inner.extend_from_slice(lasting);
        envelope.sealed = encode(&seal(env, &*envelope.stretch(passphrase)?, PLACE, &inner)?);
        Ok((envelope, FileKeys { key, lasting: Zeroizing::new(lasting.to_vec()) }))
    }

    /// Opens the keys of a file.
    ///
    /// # Errors
    /// Refused when the passphrase is another one.
    pub(super) fn open(&self, passphrase: &SecretText) -> Result<FileKeys> {
        let wrong =
            || Error::from(Refusal::new(Code::RequestInvalid).field("passphrase").hint("It is another one"));
        let sealed = decode(&self.sealed).ok_or_else(wrong)?;
        let inner = open(&*self.stretch(passphrase)?, PLACE, &sealed).ok_or_else(wrong)?;
        let (key, lasting) = inner.split_first_chunk::<KEY>().ok_or_else(wrong)?;
        Ok(FileKeys { key: Zeroizing::new(*key), lasting: Zeroizing::new(lasting.to_vec()) })
    }

    fn stretch(&self, passphrase: &SecretText) -> Result<Zeroizing<[u8; KEY]>> {
        let refused =
            |hint: &'static str| Error::from(Refusal::new(Code::RequestInvalid).field("path").hint(hint));
        let odd = || refused("The file's secrets are sealed in a way that this program does not know");
        if self.kdf != "argon2id" || self.memory_kib > MOST_MEMORY || self.passes > MOST_PASSES {
            return Err(odd());
        }
        let salt = decode(&self.salt).ok_or_else(odd)?;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY)).map_err(|_| odd())?;
        let mut key = Zeroizing::new([0_u8; KEY]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut *key)
            .map_err(|_| odd())?;
        Ok(key)
    }
}

impl FileKeys {
    pub(super) fn seal(&self, env: &Env, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal(env, &self.key, place, value)
    }

    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.key, place, sealed)
    }

    /// Vouches for the digest of the whole file.
    pub(super) fn vouch(&self, digest: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*self.key), digest).as_ref().to_vec()
    }

    pub(super) fn has_vouched(&self, digest: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &*self.key), digest, tag).is_ok()
    }
}

fn aead(key: &[u8; KEY]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::fault("an AES-256 key was refused"))?;
    Ok(LessSafeKey::new(key))
}

fn seal(env: &Env, key: &[u8; KEY], place: &str, value: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = env.bytes()?;
    let mut body = value.to_vec();
    aead(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut body)
        .map_err(|_| Error::fault("a value could not be sealed"))?;
    Ok([nonce.as_slice(), &body].concat())
}

fn open(key: &[u8; KEY], place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = aead(key).ok()?.open_in_place(nonce, Aad::from(place), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}
