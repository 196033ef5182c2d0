//! What the trail keeps of former master keys.
//!
//! A checkpoint is signed with a key that comes from the master key of its time. When that changes, the
//! public key stays, sealed under the new master key, with the point that the chain had reached: what the
//! former key signs for a later event does not count, nor does a cut that it had not made by then, and the
//! chain must lead through that point. So who has a former master key can write no history with it.

use aws_lc_rs::signature::KeyPair as _;
use doorward_proto::jose::{decode_base64url, encode_base64url};
use serde::{Deserialize, Serialize};

use super::{
    chain::{self, Checkpoint, GENESIS},
    sql,
};
use crate::{
    db::ReadTx,
    env::Env,
    outcome::{Error, Result},
    vault::Vault,
};

const PLACE: &str = "settings/master_key.audit";

/// The keys that signed before, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Predecessors(Vec<Predecessor>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Predecessor {
    key_id: String,
    public: Vec<u8>,
    /// The last event of its time, and its link.
    through: i64,
    link: Vec<u8>,
    /// The last event that was cut off in its time.
    cut: i64,
}

impl Predecessors {
    /// Opens what the master key before has left.
    pub(crate) fn open(vault: &Vault, kept: &str) -> Result<Self> {
        let sealed = decode_base64url(kept.as_bytes())
            .map_err(|_| Error::fault(format!("{PLACE} is not what was written there")))?;
        Ok(serde_json::from_slice(&vault.open(PLACE, &sealed)?)?)
    }

    /// These and the present one, sealed for the next master key.
    pub(crate) async fn hand_on(
        &self,
        tx: &mut ReadTx<'_>,
        env: &Env,
        (present, next): (&Vault, &Vault),
    ) -> Result<String> {
        let (pair, key_id) = chain::key_of(present)?;
        let cut = sql::last_cut(tx).await?.unwrap_or_default();
        let (through, link) = match (sql::last(tx).await?, sql::last_checkpoint(tx).await?) {
            (Some(tip), _) => (tip.seq, tip.link),
            (None, Some(point)) => (point.seq, point.link),
            (None, None) => (0, GENESIS.to_vec()),
        };
        let mut all = self.clone();
        all.0.push(Predecessor { key_id, public: pair.public_key().as_ref().to_vec(), through, link, cut });
        Ok(encode_base64url(&next.seal(env, PLACE, &serde_json::to_vec(&all)?)?))
    }

    /// The public key that signed a checkpoint, or why that does not count.
    pub(super) fn public_key(&self, checkpoint: &Checkpoint) -> std::result::Result<&[u8], &'static str> {
        let Some(key) = self.0.iter().find(|key| key.key_id == checkpoint.key_id) else {
            return Err("the checkpoint was signed under another master key");
        };
        let limit = if checkpoint.reason == "retention" { key.cut } else { key.through };
        if checkpoint.seq > limit {
            return Err("the checkpoint was signed under a master key that had been replaced");
        }
        Ok(&key.public)
    }

    /// Whether the chain may have this link at this event.
    pub(super) fn allow(&self, seq: i64, link: &[u8]) -> bool {
        self.0.iter().all(|key| key.through != seq || key.link == link)
    }

    /// The event that the chain had reached when the master key changed last.
    pub(super) fn reached(&self) -> i64 {
        self.0.iter().map(|key| key.through).max().unwrap_or_default()
    }
}
