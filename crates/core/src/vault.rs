//! The master key and what is derived from it: keyed hashes of secrets, sealed values.
//!
//! Neither the master key nor a derived key is ever stored in the database. A sealed value is
//! AES-256-GCM (NIST SP 800-38D) under a key derived by HKDF (RFC 5869) for its use, with its place
//! (table, row) as associated data, so that a value cannot be moved to another row. The layout is
//! `kind 1 | master key's id 4 | nonce 12 | ciphertext and tag`.
//!
//! # When the master key changes
//! Two kinds of keys are derived from it. What is *sealed at rest* is opened and sealed again under the new
//! one ([`crate::realm::rekey`]). What depends on a presented secret cannot be made again without that
//! secret: keyed hashes, and values sealed under a secret. Their keys are the *lasting* ones: they come from
//! the first master key, and are handed on from one to the next, sealed. So every secret in use goes on
//! working, and no look-up knows that there ever was another key. Who has a former master key and the
//! database of its time has the lasting keys: that does not help to find a secret (each is 256 random bits),
//! and who could write hashes of his own making into the database could write anything else there as well.

use std::sync::OnceLock;

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

/// Sealed at rest: sealed again when the master key changes.
const AT_REST: u8 = 1;
/// Sealed under a presented secret: stays as it is.
const UNDER_SECRET: u8 = 2;
const ID_LEN: usize = 4;
const LASTING: &str = "settings/master_key.lasting";

/// Keys derived from one master key, and the lasting ones.
pub struct Vault {
    mark: [u8; ID_LEN],
    id: String,
    root: hkdf::Prk,
    at_rest: LessSafeKey,
    lasting: Lasting,
    /// Those that an import has brought since this was opened.
    adopted: OnceLock<Lasting>,
}

/// The keys that outlive a change of the master key; `mark` is the one that they come from.
struct Lasting {
    mark: [u8; ID_LEN],
    id: String,
    seed: Zeroizing<[u8; 64]>,
    hash: hmac::Key,
    under: hkdf::Prk,
}

impl Lasting {
    fn new(mark: [u8; ID_LEN], seed: Zeroizing<[u8; 64]>) -> Self {
        let (hash, under) = seed.split_at(32);
        let (hash, under) =
            (hmac::Key::new(hmac::HMAC_SHA256, hash), hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, under));
        Self { mark, id: name(mark), seed, hash, under }
    }

    fn of(root: &hkdf::Prk, mark: [u8; ID_LEN]) -> Result<Self> {
        let mut seed = Zeroizing::new([0_u8; 64]);
        let (hash, under) = seed.split_at_mut(32);
        hash.copy_from_slice(&*derive(root, b"token hashes")?);
        under.copy_from_slice(&*derive(root, b"under secrets")?);
        Ok(Self::new(mark, seed))
    }

    /// What [`Vault::lasting_keys`] gave.
    fn read(keys: &[u8]) -> Result<Self> {
        let wrong = || Error::fault("the keys that an earlier master key left have another length");
        let (mark, rest) = keys.split_at_checked(ID_LEN).ok_or_else(wrong)?;
        let mut seed = Zeroizing::new([0_u8; 64]);
        if rest.len() != seed.len() {
            return Err(wrong());
        }
        seed.copy_from_slice(rest);
        Ok(Self::new(mark.try_into().map_err(|_| wrong())?, seed))
    }
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

fn name(mark: [u8; ID_LEN]) -> String {
    data_encoding::HEXLOWER.encode(&mark)
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
        let at_rest = aead(&*derive(&root, b"at rest")?)?;
        let [a, b, c, d, ..] = *derive(&root, b"key id")?;
        let mark = [a, b, c, d];
        let lasting = Lasting::of(&root, mark)?;
        Ok(Self { mark, id: name(mark), root, at_rest, lasting, adopted: OnceLock::new() })
    }

    /// The vault under the next master key, with the lasting keys of this one.
    ///
    /// # Errors
    /// A fault when the cryptographic library refuses.
    pub fn followed_by(&self, master: &[u8; 32]) -> Result<Self> {
        let lasting = Lasting::new(self.lasting().mark, self.lasting().seed.clone());
        Ok(Self { lasting, ..Self::new(master)? })
    }

    /// The lasting keys, sealed for who opens the database next.
    pub(crate) fn hand_on(&self, env: &Env) -> Result<Vec<u8>> {
        self.seal(env, LASTING, &self.lasting_keys())
    }

    /// This vault with the lasting keys that were handed on to it.
    pub(crate) fn take_over(self, sealed: &[u8]) -> Result<Self> {
        let lasting = Lasting::read(&self.open(LASTING, sealed)?)?;
        Ok(Self { lasting, ..self })
    }

    /// The lasting keys as they are: whoever has them and the keyed hashes of a database can tell whether a
    /// guess at a secret is right.
    pub(crate) fn lasting_keys(&self) -> Zeroizing<Vec<u8>> {
        let mut keys = Zeroizing::new(self.lasting().mark.to_vec());
        keys.extend_from_slice(&*self.lasting().seed);
        keys
    }

    /// Lasting keys of another server, sealed for who opens the database next.
    pub(crate) fn hand_on_from(&self, env: &Env, keys: &[u8]) -> Result<Vec<u8>> {
        Lasting::read(keys)?;
        self.seal(env, LASTING, keys)
    }

    /// Goes on with lasting keys of another server, whose keyed hashes are in the database now.
    ///
    /// # Errors
    /// A fault the second time: until the next start only one other server's can be taken.
    pub(crate) fn adopt(&self, keys: &[u8]) -> Result<()> {
        let taken = self.adopted.set(Lasting::read(keys)?);
        taken.map_err(|_| Error::fault("keys of another server were taken over before; start anew"))
    }

    /// Whether [`Vault::adopt`] was called.
    pub(crate) fn has_adopted(&self) -> bool {
        self.adopted.get().is_some()
    }

    fn lasting(&self) -> &Lasting {
        self.adopted.get().unwrap_or(&self.lasting)
    }

    /// Which master key this is: eight hexadecimal digits, safe to store and to show.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What every value that is sealed at rest under this master key begins with.
    pub(crate) fn at_rest_prefix(&self) -> [u8; 1 + ID_LEN] {
        let [a, b, c, d] = self.mark;
        [AT_REST, a, b, c, d]
    }

    /// The master key that the keyed hashes come from: this one, or the first of its forerunners.
    pub fn hash_key_id(&self) -> &str {
        &self.lasting().id
    }

    /// The keyed hash (HMAC-SHA-256) under which a secret is stored and looked up.
    pub fn hash(&self, secret: &Opaque) -> TokenHash {
        self.hash_bytes(secret.expose().as_bytes())
    }

    /// The keyed hash of any high-entropy value.
    pub fn hash_bytes(&self, value: &[u8]) -> TokenHash {
        let tag = hmac::sign(&self.lasting().hash, value);
        let mut hash = [0_u8; 32];
        hash.copy_from_slice(tag.as_ref());
        TokenHash(hash)
    }

    /// Seals a value for one place, such as `signing_keys/key_…`.
    pub fn seal(&self, env: &Env, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal_by(env, (AT_REST, self.mark), &self.at_rest, (place, value))
    }

    /// Opens what [`Vault::seal`] made for the same place.
    ///
    /// # Errors
    /// A fault when the value was changed, moved, or sealed under another master key.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open_by((AT_REST, self.mark), &self.at_rest, (place, sealed))
    }

    /// Seals a value under a presented secret and a lasting key: only who presents it again can open.
    pub fn seal_under(&self, env: &Env, secret: &Opaque, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal_by(env, (UNDER_SECRET, self.lasting().mark), &self.key_under(secret)?, (place, value))
    }

    /// Opens what [`Vault::seal_under`] made.
    pub fn open_under(&self, secret: &Opaque, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open_by((UNDER_SECRET, self.lasting().mark), &self.key_under(secret)?, (place, sealed))
    }

    /// A key for one use, such as signing form tokens.
    pub fn subkey(&self, info: &str) -> Result<Zeroizing<[u8; 32]>> {
        derive(&self.root, format!("use: {info}").as_bytes())
    }

    fn key_under(&self, secret: &Opaque) -> Result<LessSafeKey> {
        let mut info = Zeroizing::new(b"under: ".to_vec());
        info.extend_from_slice(secret.expose().as_bytes());
        aead(&*derive(&self.lasting().under, &info)?)
    }
}

type Head = (u8, [u8; ID_LEN]);

fn seal_by(env: &Env, head: Head, key: &LessSafeKey, (place, value): (&str, &[u8])) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = env.bytes()?;
    let mut body = value.to_vec();
    let aad = Aad::from(place.as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
        .map_err(|_| Error::fault("a value could not be sealed"))?;
    let (version, mark) = head;
    let mut sealed = Vec::with_capacity(1 + ID_LEN + NONCE_LEN + body.len());
    sealed.push(version);
    sealed.extend_from_slice(&mark);
    sealed.extend_from_slice(&nonce);
    sealed.append(&mut body);
    Ok(sealed)
}

fn open_by(
    (ours_version, ours): Head,
    key: &LessSafeKey,
    (place, sealed): (&str, &[u8]),
) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = || Error::fault(format!("the sealed value of {place} was changed or moved"));
    let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
    let (mark, rest) = rest.split_at_checked(ID_LEN).ok_or_else(damaged)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| damaged())?;
    if *version != ours_version {
        return Err(damaged());
    }
    if mark != ours {
        let (theirs, ours) = (data_encoding::HEXLOWER.encode(mark), name(ours));
        let what = format!("{place} is sealed under master key {theirs}, and this one is {ours}");
        return Err(Error::fault(what));
    }
    let mut body = Zeroizing::new(body.to_vec());
    let aad = Aad::from(place.as_bytes());
    let length =
        key.open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body).map_err(|_| damaged())?.len();
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
    #[test]
    fn the_next_master_key_knows_every_secret_and_opens_nothing_at_rest() {
        let (env, first) = (env(), Vault::new(&[1; 32]).unwrap());
        let secret = Opaque::new(Kind::Refresh, &[3; 32]);
        let (rest, under) =
            (first.seal(&env, "x", b"1").unwrap(), first.seal_under(&env, &secret, "y", b"2").unwrap());
        let second = first.followed_by(&[2; 32]).unwrap();
        let second = Vault::new(&[2; 32]).unwrap().take_over(&second.hand_on(&env).unwrap()).unwrap();
        let third = second.followed_by(&[3; 32]).unwrap();
        let third = Vault::new(&[3; 32]).unwrap().take_over(&third.hand_on(&env).unwrap()).unwrap();
        for later in [second, third] {
            assert_eq!(later.hash(&secret).0, first.hash(&secret).0);
            assert_eq!(&**later.open_under(&secret, "y", &under).unwrap(), b"2");
            assert_eq!(later.hash_key_id(), first.id());
            assert!(later.open("x", &rest).is_err() && later.id() != first.id());
        }
        let foreign = first.followed_by(&[2; 32]).unwrap().hand_on(&env).unwrap();
        assert!(Vault::new(&[4; 32]).unwrap().take_over(&foreign).is_err());
    }
}
