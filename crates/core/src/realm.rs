//! A realm: one issuer, its database, its keys and its settings. Nothing is global.
//!
//! A database belongs to one master key, whose id it holds from the first start on. A realm over it under
//! another key does not open: it could read nothing that is sealed, and every hash that it wrote would be
//! lost to the nodes that hold the right one. [`rekey()`] gives it to another master key.

mod nodes;
mod rekey;
pub(crate) mod sql;

use std::{collections::HashSet, sync::Arc};

use doorward_proto::{
    id::{self, Id, Org},
    jose::{decode_base64url, encode_base64url},
    time::Time,
};

pub use nodes::Attendance;
pub use rekey::{Rekeyed, rekey};

use crate::{
    analytics, api_keys,
    apis::Api,
    audit, authorize,
    branding::{Brand, Wearer},
    cache::Cache,
    call::Call,
    claims,
    clients::{Client, RemoteKeys, Turns},
    credentials,
    db::{Db, Tx},
    env::Env,
    jobs, keys, mail, orgs,
    outcome::{Code, Error, Refusal, Result},
    providers::{Discovered, Wrong},
    room::Room,
    service_tokens,
    settings::Settings,
    tokens,
    usage::Meter,
    uses::Uses,
    vault::Vault,
};

/// Applications remembered at the most.
const CLIENTS: usize = 10_000;
/// APIs remembered at the most.
const APIS: usize = 10_000;
/// Verified access tokens remembered at the most.
const TOKENS: usize = 20_000;
/// Key sets of clients that are remembered.
const REMOTE_KEYS: usize = 1_000;
/// Applications, APIs and organisations whose custom claims are remembered, and failures of these.
const CLAIMS: usize = 20_000;
/// Brands that are remembered.
const BRANDS: usize = 10_000;

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
    /// The organisation that owns whatever an administrator creates without naming another.
    pub instance_org: Id<Org>,
    /// The threads on which passwords are hashed.
    pub passwords: credentials::Pool,
    /// Hands mails to a mail server; without it they wait in the outbox.
    pub(crate) mail_transport: Option<mail::Transport>,
    pub(crate) refusals: audit::Refusals,
    pub(crate) ring: keys::Ring,
    pub(crate) caches: Caches,
    /// Expressions that were read.
    pub(crate) expressions: claims::Engine,
    pub(crate) rooms: Rooms,
    /// Uses of service tokens that are not written yet.
    pub(crate) service_uses: Uses<id::ServiceToken>,
    /// Uses of keys that are not written yet.
    pub(crate) key_uses: Uses<id::ApiKey>,
    /// Usage that is not written yet.
    pub usage: Meter,
    /// Who is known to have been counted as active.
    pub(crate) marked: analytics::Marked,
    /// What signed the audit trail under earlier master keys.
    pub(crate) checkpoint_keys: audit::Predecessors,
}

/// What a realm remembers between requests.
pub(crate) struct Caches {
    pub(crate) clients: Cache<String, Arc<Client>>,
    pub(crate) apis: Cache<String, Arc<Api>>,
    /// What is nothing to an API, by organisation.
    pub(crate) scopes_beside: Cache<(Id<Org>, String), Arc<HashSet<String>>>,
    pub(crate) tokens: Cache<[u8; 32], Arc<tokens::Live>>,
    pub(crate) service_tokens: Cache<[u8; 32], Arc<service_tokens::LiveToken>>,
    pub(crate) api_keys: Cache<[u8; 32], Arc<api_keys::LiveKey>>,
    /// Whether any service token came from elsewhere.
    pub(crate) imported_tokens: Cache<(), bool>,
    pub(crate) remote_keys: Cache<String, RemoteKeys>,
    /// Who reads those keys now.
    pub(crate) turns: Turns,
    /// What identity providers say of themselves.
    pub(crate) discovered: Cache<String, (Time, std::result::Result<Arc<Discovered>, Wrong>)>,
    pub(crate) brands: Cache<Wearer, Arc<Brand>>,
    /// Custom claims by whose they are.
    pub(crate) claims: Cache<(Id<Org>, claims::Owner), Arc<[claims::Mapping]>>,
    /// Which of them were left out, as they are now: said once.
    pub(crate) claims_left_out: Cache<(String, i64, claims::Reason), ()>,
}

/// What may be kept for strangers.
pub(crate) struct Rooms {
    pub(crate) drafts: Room,
    pub(crate) proofs: Room,
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
    /// Hands mails to a mail server; without it they wait in the outbox.
    pub mail_transport: Option<mail::Transport>,
}

impl Realm {
    /// Puts a realm together and makes what its first start needs (the instance organisation, keys).
    ///
    /// # Errors
    /// A fault when the database does not answer or belongs to another master key.
    pub async fn open(parts: Parts) -> Result<Arc<Self>> {
        let Parts { issuer, db, env, vault, settings, mail_transport } = parts;
        let left = claim(&db, &env, &vault).await?;
        let checkpoint_keys = match &left.audit {
            Some(kept) => audit::Predecessors::open(&vault, kept)?,
            None => audit::Predecessors::default(),
        };
        let vault = match &left.lasting {
            Some(sealed) => vault.take_over(&unfold(sealed)?)?,
            None => vault,
        };
        let instance_org = orgs::ensure_instance(&db, &env).await?;
        let passwords = credentials::Pool::start(&env)?;
        let caches = Caches {
            clients: Cache::new(CLIENTS),
            apis: Cache::new(APIS),
            scopes_beside: Cache::new(APIS),
            tokens: Cache::new(TOKENS),
            service_tokens: Cache::new(TOKENS),
            api_keys: Cache::new(TOKENS),
            imported_tokens: Cache::new(1),
            remote_keys: Cache::new(REMOTE_KEYS),
            turns: Turns::default(),
            discovered: Cache::new(REMOTE_KEYS),
            brands: Cache::new(BRANDS),
            claims: Cache::new(CLAIMS),
            claims_left_out: Cache::new(CLAIMS),
        };
        let rooms = Rooms {
            drafts: Room::new(settings.bounds.drafts, authorize::DRAFT_TTL),
            proofs: Room::new(settings.bounds.proofs, tokens::PROOF_MEMORY),
        };
        let ring = keys::Ring::default();
        let usage = Meter::new(&env)?;
        let realm = Arc::new(Self {
            issuer,
            db,
            env,
            vault,
            settings,
            instance_org,
            passwords,
            mail_transport,
            refusals: audit::Refusals::default(),
            ring,
            caches,
            expressions: claims::Engine::default(),
            rooms,
            service_uses: Uses::default(),
            key_uses: Uses::default(),
            usage,
            marked: analytics::Marked::default(),
            checkpoint_keys,
        });
        let call = Call::system(&realm);
        keys::ensure(&call).await?;
        keys::current(&call).await?;
        Ok(realm)
    }

    /// Does the background work that is due: mails, jobs, cleaning. Safe at the same time on every node.
    pub async fn run_due_jobs(call: &Call) -> Result<jobs::Ran> {
        jobs::run_due(call).await
    }

    /// Whether requests can be served: the database answers, and the signing keys are open.
    pub async fn check(self: &Arc<Self>) -> Result<()> {
        self.db.read("realm.check", (), |tx, ()| Box::pin(async move { tx.ping().await })).await?;
        keys::current(&Call::system(self)).await.map(drop)
    }
}

/// The id of the master key that a database belongs to; none before its first start.
pub async fn master_key(db: &Db) -> Result<Option<String>> {
    db.read("realm.master_key", (), |tx, ()| Box::pin(async move { sql::master_key(tx).await })).await
}

/// Goes on with the keys of another server, whose keyed hashes come into this database: for who opens it next.
/// This process takes them by [`Vault::adopt`], once that is committed.
///
/// # Errors
/// Refused while another node would go on with its own.
pub(crate) async fn adopt(tx: &mut Tx<'_>, call: &Call, keys: &[u8]) -> Result<()> {
    tx.lock_exclusive(&[LOCK]).await?;
    let refused = |hint: &'static str| Error::from(Refusal::new(Code::Conflict).hint(hint));
    if call.realm.vault.has_adopted() {
        return Err(refused("This server has taken the keys of another one before; start it anew first"));
    }
    if sql::count_nodes(tx, call.now).await? > 1 {
        return Err(refused("Another node is running, and would not know the secrets of the file; stop it"));
    }
    let sealed = encode_base64url(&call.realm.vault.hand_on_from(&call.realm.env, keys)?);
    sql::store_lasting(tx, &sealed, call.now).await
}

/// The name under which starts and changes of the master key wait for one another.
const LOCK: &str = "doorward.master_key";

/// What the database holds of master keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left {
    /// The id of the one in use.
    pub(crate) owner: Option<String>,
    /// The lasting keys that earlier ones handed on, sealed under it.
    pub(crate) lasting: Option<String>,
    /// The keys that signed the audit trail under earlier ones, sealed under it.
    pub(crate) audit: Option<String>,
    /// When the one that was asked for was replaced.
    pub(crate) replaced_at: Option<Time>,
}

fn unfold(sealed: &str) -> Result<Vec<u8>> {
    decode_base64url(sealed.as_bytes()).map_err(|_| Error::fault("a sealed value in settings was changed"))
}

/// Takes a fresh database for this master key.
///
/// # Errors
/// A fault when it belongs to another one.
async fn claim(db: &Db, env: &Env, vault: &Vault) -> Result<Left> {
    let ask = (vault.id().to_owned(), env.now());
    let left = db
        .write("realm.claim", ask, |tx, (ours, now)| {
            Box::pin(async move {
                tx.lock_exclusive(&[LOCK]).await?;
                let left = sql::left(tx, ours).await?;
                if left.owner.is_some() {
                    return Ok(left);
                }
                sql::insert_master_key(tx, ours, *now).await?;
                Ok(Left { owner: Some(ours.clone()), ..left })
            })
        })
        .await?;
    let owner = left.owner.as_deref().unwrap_or_default();
    if owner == vault.id() {
        return Ok(left);
    }
    let ours = vault.id();
    Err(Error::fault(match left.replaced_at {
        Some(at) => format!(
            "the master key {ours} was replaced at {at}: this database belongs to {owner} now. Use that one"
        ),
        None => format!(
            "the master key is {ours}, and this database belongs to {owner}: nothing in it could be opened. \
             Either the key was replaced or lost: put the one from your backup back. Or database.url names the \
             database of another installation, or of another node: then use that one's master key"
        ),
    }))
}
