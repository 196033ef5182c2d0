//! The master key and what is derived from it: keyed hashes of secrets, sealed values.
//!
//! Neither the master key nor a derived key is ever stored in the database. A sealed value is
//! AES-256-GCM (NIST SP 800-38D) under a key derived by HKDF (RFC 5869) for its use, with its place
//! (table, row) as associated data, so that a value cannot be moved to another row. The layout is
//! `version 1 | master key's id 4 | nonce 12 | ciphertext and tag`.
//!
//! # When the master key changes
//! A sealed value names the key it was sealed under, so it can be opened with that one and sealed again,
//! one by one. A keyed hash cannot be made again without its secret, and needs no column to say which key
//! it is of: `settings` remembers since when each master key is in use (see [`crate::realm`]), so the time at
//! which a row was written names its key. What lives for minutes (codes,
//! links, pushed requests, opaque access tokens, replays) simply ends with its key. What lives for weeks
//! (refresh tokens, browsers) is looked up under the new key and then under the one before, and gets its
//! new hash at that first use. Client secrets, which may have no end, carry `hash_key`.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use doorward_proto::secret::{Opaque, TokenHash};
use zeroize::Zeroizing;

use crate::{
    env::Env,
    outcome::{Error, Result},
};

const VERSION: u8 = 1;
const ID_LEN: usize = 4;

/// Keys derived from one master key.
pub struct Vault {
    id: String,
    mark: [u8; ID_LEN],
    hash: hmac::Key,
    root: hkdf::Prk,
    at_rest: LessSafeKey,
}

struct Bytes32;
impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

fn derive(root: &hkdf::Prk, info: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0_u8; 32]);
    root.expand(&[info], Bytes32)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| Error::fault("a key could not be derived"))?;
    Ok(key)
}

fn aead(key: &[u8; 32]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::fault("an AES-256 key was refused"))?;
    Ok(LessSafeKey::new(key))
}

impl Vault {
    /// Derives the working keys from the master key.
    ///
    /// # Errors
    /// A fault when the cryptographic library refuses.
    pub fn new(master: &[u8; 32]) -> Result<Self> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward master v1").extract(master);
        let hash = hmac::Key::new(hmac::HMAC_SHA256, &*derive(&root, b"token hashes")?);
        let at_rest = aead(&*derive(&root, b"at rest")?)?;
        let [a, b, c, d, ..] = *derive(&root, b"key id")?;
        let mark = [a, b, c, d];
        Ok(Self { id: data_encoding::HEXLOWER.encode(&mark), mark, hash, root, at_rest })
    }

    /// Which master key this is: eight hexadecimal digits, safe to store and to show.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The keyed hash (HMAC-SHA-256) under which a secret is stored and looked up.
    pub fn hash(&self, secret: &Opaque) -> TokenHash {
        self.hash_bytes(secret.expose().as_bytes())
    }

    /// The keyed hash of any high-entropy value.
    pub fn hash_bytes(&self, value: &[u8]) -> TokenHash {
        let tag = hmac::sign(&self.hash, value);
        let mut hash = [0_u8; 32];
        hash.copy_from_slice(tag.as_ref());
        TokenHash(hash)
    }

    /// Seals a value for one place, such as `signing_keys/key_…`.
    pub fn seal(&self, env: &Env, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        self.seal_by(env, &self.at_rest, place, value)
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// A fault when the value was changed, moved, or sealed under another master key.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.open_by(&self.at_rest, place, sealed)
    }

    /// Seals a value under a presented secret and the master key: only who presents it again can open.
    pub fn seal_under(&self, env: &Env, secret: &Opaque, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        self.seal_by(env, &self.key_under(secret)?, place, value)
    }

    /// Opens what [`Vault::seal_under`] made.
    pub fn open_under(&self, secret: &Opaque, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.open_by(&self.key_under(secret)?, place, sealed)
    }

    /// A key for one use, such as signing form tokens.
    pub fn subkey(&self, info: &str) -> Result<Zeroizing<[u8; 32]>> {
        derive(&self.root, format!("use: {info}").as_bytes())
    }

    fn key_under(&self, secret: &Opaque) -> Result<LessSafeKey> {
        let mut info = Zeroizing::new(b"under: ".to_vec());
        info.extend_from_slice(secret.expose().as_bytes());
        aead(&*derive(&self.root, &info)?)
    }

    fn seal_by(&self, env: &Env, key: &LessSafeKey, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = env.bytes()?;
        let mut body = value.to_vec();
        let aad = Aad::from(place.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| Error::fault("a value could not be sealed"))?;
        let mut sealed = Vec::with_capacity(1 + ID_LEN + NONCE_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.mark);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    fn open_by(&self, key: &LessSafeKey, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || Error::fault(format!("the sealed value of {place} was changed or moved"));
        let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (mark, rest) = rest.split_at_checked(ID_LEN).ok_or_else(damaged)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| damaged())?;
        if *version != VERSION {
            return Err(damaged());
        }
        if mark != self.mark {
            let (theirs, ours) = (data_encoding::HEXLOWER.encode(mark), &self.id);
            let what = format!("{place} is sealed under master key {theirs}, and this one is {ours}");
            return Err(Error::fault(what));
        }
        let mut body = Zeroizing::new(body.to_vec());
        let aad = Aad::from(place.as_bytes());
        let length = key
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| damaged())?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_proto::{secret::Kind, time::Time};

    fn env() -> Env {
        Env::fixed(Time::from_seconds(1_800_000_000), 1, crate::env::no_fetch())
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_with_its_key() {
        let (env, vault, other) = (env(), Vault::new(&[1; 32]).unwrap(), Vault::new(&[2; 32]).unwrap());
        let sealed = vault.seal(&env, "signing_keys/a", b"pkcs8").unwrap();
        assert_eq!(&**vault.open("signing_keys/a", &sealed).unwrap(), b"pkcs8");
        assert!(vault.open("signing_keys/b", &sealed).is_err());
        let refused = format!("{:?}", other.open("signing_keys/a", &sealed).unwrap_err());
        assert!(refused.contains(vault.id()) && refused.contains(other.id()), "names both keys: {refused}");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(vault.open("signing_keys/a", &changed).is_err());
        }
        assert_ne!(vault.id(), other.id());
    }

    #[test]
    fn what_is_sealed_under_a_secret_needs_that_secret() {
        let (env, vault) = (env(), Vault::new(&[1; 32]).unwrap());
        let (mine, yours) = (Opaque::new(Kind::Refresh, &[3; 32]), Opaque::new(Kind::Refresh, &[4; 32]));
        let sealed = vault.seal_under(&env, &mine, "x", b"successor").unwrap();
        assert_eq!(&**vault.open_under(&mine, "x", &sealed).unwrap(), b"successor");
        assert!(vault.open_under(&yours, "x", &sealed).is_err());
    }
}
