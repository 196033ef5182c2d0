//! A realm: one issuer, its database, its keys and its settings. Nothing is global.

use std::sync::Arc;

use crate::{
    cache::Cache, call::Call, clients::Client, db::Db, env::Env, keys, outcome::Result, settings::Settings,
    vault::Vault,
};

/// Applications remembered at the most.
const CLIENTS: usize = 10_000;

/// An issuer and everything that belongs to it.
pub struct Realm {
    /// The issuer identifier, exactly as in tokens: the public URL without a trailing slash.
    pub issuer: String,
    /// Its database.
    pub db: Db,
    /// Clock, randomness, outbound HTTP.
    pub env: Env,
    /// The master key's derivatives.
    pub vault: Vault,
    /// What the operator set.
    pub settings: Settings,
    pub(crate) ring: keys::Ring,
    pub(crate) caches: Caches,
}

/// What a realm remembers between requests.
pub(crate) struct Caches {
    pub(crate) clients: Cache<String, Arc<Client>>,
}

/// What a realm is opened from.
pub struct Parts {
    /// The public URL without a trailing slash.
    pub issuer: String,
    /// An open, migrated database.
    pub db: Db,
    /// Clock, randomness, outbound HTTP.
    pub env: Env,
    /// The master key.
    pub vault: Vault,
    /// What the operator set.
    pub settings: Settings,
}

impl Realm {
    /// Puts a realm together and makes what its first start needs (the instance organisation, keys).
    ///
    /// # Errors
    /// A fault when the database does not answer or was sealed under another master key.
    pub async fn open(parts: Parts) -> Result<Arc<Self>> {
        let Parts { issuer, db, env, vault, settings } = parts;
        let caches = Caches { clients: Cache::new(CLIENTS) };
        let ring = keys::Ring::default();
        let realm = Arc::new(Self { issuer, db, env, vault, settings, ring, caches });
        keys::ensure(&Call::system(&realm)).await?;
        Ok(realm)
    }

    /// Whether requests can be served: the database answers.
    pub async fn check(&self) -> Result<()> {
        self.db.read("realm.check", (), |tx, ()| Box::pin(async move { tx.ping().await })).await
    }
}
