//! A database of the size that somebody has after years: people, organisations, applications, credentials,
//! sessions, the audit trail and usage, by the million.
//!
//! The product makes the first of each kind itself ([`first`]); the others are like it but for their names, so a
//! column that is added tomorrow is filled as the product fills it. They go past the product's writer, into
//! tables whose indexes are made afterwards, and the trail is linked by the product's own [`Chain`]: the
//! server starts on the result as on any other, and `audit verify` accepts it.
//!
//! The same sizes and the same end make the same rows.
//!
//! [`Chain`]: doorward_core::audit::Chain

mod credentials;
mod draw;
mod first;
mod people;
mod rooms;
mod store;
mod trail;

use std::{sync::Arc, time::Duration};

use anyhow::{Result, anyhow, bail};
use doorward_core::{
    audit::Sealer,
    call::Call,
    db::{Db, Place, migrate},
    env::{Env, no_fetch},
    outcome::Error,
    realm::{Parts, Realm},
    settings::Settings,
    vault::Vault,
};
use doorward_proto::time::Time;

use first::First;
pub use first::PASSWORD;
use store::Store;

/// For how long there have been people.
const YEARS: Duration = Duration::from_secs(3600 * 24 * 730);
/// For how long things have been written down.
const TRAIL: Duration = Duration::from_secs(3600 * 24 * 150);

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// People with an account, each with a personal organisation.
    pub users: u64,
    /// Organisations that people have made together.
    pub orgs: u64,
    /// Members of the largest of them.
    pub largest: u64,
    /// Organisations that one person belongs to.
    pub many: u64,
    /// Applications.
    pub clients: u64,
    /// Service tokens.
    pub service_tokens: u64,
    /// Keys of people.
    pub api_keys: u64,
    /// Sessions; a third of them have ended.
    pub sessions: u64,
    /// Events of the audit trail.
    pub events: u64,
    /// Days of usage.
    pub usage_days: u64,
    /// Mails that were sent.
    pub mails: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            users: 1_000_000,
            orgs: 100_000,
            largest: 100_000,
            many: 10_000,
            clients: 20_000,
            service_tokens: 20_000,
            api_keys: 20_000,
            sessions: 200_000,
            events: 10_000_000,
            usage_days: 90,
            mails: 20_000,
        }
    }
}

impl Sizes {
    /// So small that a test can have it.
    pub const fn small() -> Self {
        Self {
            users: 400,
            orgs: 60,
            largest: 200,
            many: 50,
            clients: 40,
            service_tokens: 40,
            api_keys: 40,
            sessions: 90,
            events: 3_000,
            usage_days: 2,
            mails: 40,
        }
    }
}

/// What a filled database is asked about.
#[derive(Debug, Clone)]
pub struct Seeded {
    /// The mail address of who administers the instance; all have [`PASSWORD`].
    pub administrator: String,
    /// That of the owner of the largest organisation.
    pub owner: String,
    /// That of who belongs to many.
    pub busy: String,
    /// The instance's own organisation, to which everybody belongs.
    pub instance: String,
    /// The largest organisation that people have made.
    pub largest: String,
    /// An application of the largest organisation.
    pub client: String,
    /// One of the people.
    pub user: String,
    /// Rows that were put in, table by table.
    pub rows: Vec<(&'static str, u64)>,
}

/// Everything that rows are made from.
struct Plan {
    sizes: Sizes,
    until: Time,
    first: First,
}

/// Fills an empty database. Nobody else may have it open.
///
/// # Errors
/// When it is not empty, or cannot be written to.
pub async fn fill(place: &Place, master: [u8; 32], sizes: Sizes, until: Time) -> Result<Seeded> {
    let sizes = Sizes { largest: sizes.largest.min(sizes.users), many: sizes.many.min(sizes.orgs), ..sizes };
    let db = Db::open(place).await.map_err(fault)?;
    migrate::up(&db, until).await.map_err(fault)?;
    let realm = realm(db, master, (until, 1)).await?;
    if !first::is_empty(&realm).await? {
        bail!("the database is not empty; name another, or remove it first");
    }
    let made = first::make(&Call::system(&realm)).await.map_err(fault)?;
    closed(realm).await;

    let store = Store::open(place).await?;
    let first = made.look(&store).await?;
    let plan = Plan { sizes, until, first };
    let indexes = store.drop_indexes().await?;
    let mut rows = people::load(&plan, &store).await?;
    rows.extend(rooms::load(&plan, &store).await?);
    rows.extend(credentials::load(&plan, &store).await?);
    rows.extend(trail::load(&plan, &store).await?);
    for index in indexes {
        store.run(&index).await?;
    }
    store.close().await?;

    // What the product itself has written down by now is linked behind the rest, and the end is signed.
    let realm = self::realm(Db::open(place).await.map_err(fault)?, master, (until, 2)).await?;
    Sealer::new(&realm).map_err(fault)?.finish().await.map_err(fault)?;
    closed(realm).await;
    Ok(Seeded {
        administrator: first::ADMINISTRATOR.to_owned(),
        owner: first::OWNER.to_owned(),
        busy: first::BUSY.to_owned(),
        instance: plan.first.instance.clone(),
        largest: plan.first.largest.clone(),
        client: plan.first.client_id.clone(),
        user: plan.user(plan.sizes.users / 2).to_string(),
        rows,
    })
}

/// A realm over the database, as any server opens it.
///
/// # Errors
/// When the database belongs to another master key.
pub async fn realm(db: Db, master: [u8; 32], (now, seed): (Time, u64)) -> Result<Arc<Realm>> {
    let env = Env::fixed(now, seed, no_fetch());
    let (vault, settings) = (Vault::new(&master).map_err(fault)?, Settings::default());
    let issuer = "http://localhost:8080".to_owned();
    Realm::open(Parts { issuer, db, env, vault, settings, mail_transport: None }).await.map_err(fault)
}

/// Lets go of a realm once nothing that it carries is under way.
async fn closed(realm: Arc<Realm>) {
    while Arc::strong_count(&realm) > 1 {
        tokio::task::yield_now().await;
    }
}

fn fault(error: Error) -> anyhow::Error {
    anyhow!("{error:?}")
}
