//! The chain: what a link is made of, and how a checkpoint is signed.
//!
//! A link is SHA-256 over the link before it and the canonical bytes of an event: every field with its
//! length before it, so that no two events share their bytes. The personal detail enters only as a
//! salted hash, so it can be erased and the chain still verifies.
//!
//! Checkpoints are signed with an Ed25519 key (RFC 8032) of the trail's own, derived from the master
//! key: it outlives every signing key of the realm, and who can write to the database cannot make it. When
//! the master key changes, the public key of the one before is kept (see [`super::succession`]).

use aws_lc_rs::{
    digest::{Context, SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use data_encoding::HEXLOWER;
use doorward_proto::time::Time;

use super::succession::Predecessors;
use crate::{
    outcome::{Error, Result},
    realm::Realm,
    vault::Vault,
};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// What the first event of all is linked to.
pub(super) const GENESIS: Hash = [0; 32];

/// The part of an event that stays for ever, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub code: String,
    /// 0 granted, 1 refused.
    pub outcome: i64,
    /// The organisation, or empty.
    pub org: String,
    /// Who did it.
    pub actor: String,
    /// Whom or what it happened to, or empty.
    pub subject: String,
    /// The application, or empty.
    pub client: String,
    /// The request it happened in.
    pub request_id: String,
    /// What is not personal, as JSON.
    pub facts: String,
}

/// The end of a chain, where the next event is linked.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The number of its last event; 0 before the first.
    pub seq: i64,
    /// The link of that event.
    pub link: Hash,
}

impl Chain {
    /// A chain without an event.
    pub const fn empty() -> Self {
        Self { seq: 0, link: GENESIS }
    }

    /// Links an event and its personal detail under a salt; answers the detail's hash.
    pub fn append(&mut self, body: &Body, salt: &[u8; 16], detail: &str) -> Hash {
        let hash = detail_hash(salt, detail);
        self.seq += 1;
        self.link = link(&self.link, self.seq, body, &hash);
        hash
    }
}

/// The link of an event, after `previous`.
pub(super) fn link(previous: &[u8], seq: i64, body: &Body, detail_hash: &[u8]) -> Hash {
    let mut canonical = Vec::with_capacity(1024);
    let mut field = |bytes: &[u8]| {
        canonical.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        canonical.extend_from_slice(bytes);
    };
    field(b"doorward audit event v1");
    field(previous);
    field(&seq.to_be_bytes());
    field(body.id.as_bytes());
    field(&body.at.as_micros().to_be_bytes());
    field(body.code.as_bytes());
    field(&body.outcome.to_be_bytes());
    field(body.org.as_bytes());
    field(body.actor.as_bytes());
    field(body.subject.as_bytes());
    field(body.client.as_bytes());
    field(body.request_id.as_bytes());
    field(body.facts.as_bytes());
    field(detail_hash);
    to_hash(digest(&SHA256, &canonical).as_ref())
}

/// The hash of a personal detail; the salt keeps a short one from being guessed.
pub(super) fn detail_hash(salt: &[u8], detail: &str) -> Hash {
    let mut hash = Context::new(&SHA256);
    hash.update(&(salt.len() as u64).to_be_bytes());
    hash.update(salt);
    hash.update(detail.as_bytes());
    to_hash(hash.finish().as_ref())
}

fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or(GENESIS)
}

/// A signed statement: up to this event, the chain ends in this link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last event that it covers.
    pub seq: i64,
    /// When it was signed.
    pub at: Time,
    /// The link of that event.
    pub link: Vec<u8>,
    /// Which key signed.
    pub key_id: String,
    /// An Ed25519 signature.
    pub signature: Vec<u8>,
    /// `minute`, `month` or `retention`.
    pub reason: String,
}

/// The key pair that signs the checkpoints of one realm.
pub(super) struct Notary {
    pair: Ed25519KeyPair,
    key_id: String,
    /// What the trail belongs to: the realm's own organisation, which no change of address changes.
    realm: String,
    issuer: String,
    before: Predecessors,
}

/// The key pair that signs under a master key, and its name.
pub(super) fn key_of(vault: &Vault) -> Result<(Ed25519KeyPair, String)> {
    let seed = vault.subkey("audit checkpoints")?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
        .map_err(|_| Error::fault("the key of the audit trail was refused"))?;
    let mark = digest(&SHA256, pair.public_key().as_ref());
    let key_id = HEXLOWER.encode(mark.as_ref().get(..8).unwrap_or_default());
    Ok((pair, key_id))
}

/// The layouts of a statement: the present one, and the one that named the issuer.
#[derive(Debug, Clone, Copy)]
enum Layout {
    OfRealm,
    OfIssuer,
}

impl Notary {
    pub(super) fn of(realm: &Realm) -> Result<Self> {
        let (pair, key_id) = key_of(&realm.vault)?;
        let (issuer, before) = (realm.issuer.clone(), realm.checkpoint_keys.clone());
        Ok(Self { pair, key_id, realm: realm.instance_org.to_string(), issuer, before })
    }

    /// What the earlier master keys left.
    pub(super) const fn before(&self) -> &Predecessors {
        &self.before
    }

    pub(super) fn sign(&self, seq: i64, at: Time, link: &[u8], reason: &str) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            seq,
            at,
            link: link.to_vec(),
            key_id: self.key_id.clone(),
            signature: Vec::new(),
            reason: reason.to_owned(),
        };
        let statement = self.statement(&checkpoint, Layout::OfRealm);
        checkpoint.signature = self.pair.sign(statement.as_bytes()).as_ref().to_vec();
        checkpoint
    }

    /// Says what is wrong with a checkpoint, if anything is.
    pub(super) fn refute(&self, checkpoint: &Checkpoint) -> Option<&'static str> {
        let public = if checkpoint.key_id == self.key_id {
            self.pair.public_key().as_ref()
        } else {
            match self.before.public_key(checkpoint) {
                Ok(key) => key,
                Err(what) => return Some(what),
            }
        };
        let key = UnparsedPublicKey::new(&ED25519, public);
        let is_signed = [Layout::OfRealm, Layout::OfIssuer].into_iter().any(|layout| {
            key.verify(self.statement(checkpoint, layout).as_bytes(), &checkpoint.signature).is_ok()
        });
        (!is_signed).then_some("the checkpoint's signature is wrong")
    }

    fn statement(&self, checkpoint: &Checkpoint, layout: Layout) -> String {
        let (version, of) = match layout {
            Layout::OfRealm => ("v2", &self.realm),
            Layout::OfIssuer => ("v1", &self.issuer),
        };
        format!(
            "doorward audit checkpoint {version}\n{of}\n{}\n{}\n{}\n{}\n",
            checkpoint.seq,
            checkpoint.at.as_micros(),
            HEXLOWER.encode(&checkpoint.link),
            checkpoint.reason
        )
    }
}

#[cfg(test)]
mod tests;
