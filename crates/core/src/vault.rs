//! The master key and what is derived from it: keyed hashes of secrets, sealed values.
//!
//! Neither the master key nor a derived key is ever stored in the database. A sealed value is
//! AES-256-GCM (NIST SP 800-38D) under a key derived by HKDF (RFC 5869) for its use, with its place
//! (table, row) as associated data, so that a value cannot be moved to another row. The layout is
//! `version 1 | nonce 12 | ciphertext and tag`.

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

/// Keys derived from one master key.
pub struct Vault {
    id: String,
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
        let mark = derive(&root, b"key id")?;
        let id = data_encoding::HEXLOWER.encode(mark.get(..4).unwrap_or_default());
        Ok(Self { id, hash, root, at_rest })
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
        seal(env, &self.at_rest, place, value)
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// A fault when the value was changed, moved, or sealed under another master key.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.at_rest, place, sealed)
    }

    /// Seals a value under a presented secret and the master key: only who presents it again can open.
    pub fn seal_under(&self, env: &Env, secret: &Opaque, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal(env, &self.key_under(secret)?, place, value)
    }

    /// Opens what [`Vault::seal_under`] made.
    pub fn open_under(&self, secret: &Opaque, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.key_under(secret)?, place, sealed)
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
}

fn seal(env: &Env, key: &LessSafeKey, place: &str, value: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = env.bytes()?;
    let mut body = value.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut body)
        .map_err(|_| Error::fault("a value could not be sealed"))?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.append(&mut body);
    Ok(sealed)
}

fn open(key: &LessSafeKey, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let refused =
        || Error::fault(format!("the sealed value of {place} cannot be opened with this master key"));
    let (version, rest) = sealed.split_first().ok_or_else(refused)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| refused())?;
    if *version != VERSION {
        return Err(refused());
    }
    let mut body = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut body)
        .map_err(|_| refused())?
        .len();
    body.truncate(length);
    Ok(body)
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
        assert!(other.open("signing_keys/a", &sealed).is_err());
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
