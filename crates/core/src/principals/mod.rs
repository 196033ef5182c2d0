//! What stands under everything that can hold a credential: people, applications, agents, services.
//!
//! Whatever is issued is issued under the principal's epoch, in a write that only succeeds while the
//! epoch stands and the principal is active. Moving the epoch therefore ends, at once and everywhere,
//! what was issued before; caches learn of it by the `changes` counter.

mod sql;

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use crate::{
    db::{ReadTx, Tx},
    env::Env,
    outcome::Result,
};

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    User,
    /// An application.
    Client,
    /// An AI agent.
    Agent,
    /// A service that holds tokens.
    Service,
}

/// Whether a principal may be issued anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Active,
    /// Not until it is resumed.
    Suspended,
    /// Never again.
    Ended,
}

/// A principal as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its id: that of the user, client, agent or service.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The organisation it belongs to: a person's personal one, an application's owner.
    pub org: Id<Org>,
    /// Whether it may be issued anything.
    pub status: Status,
    /// Under which epoch.
    pub epoch: i64,
    /// When the epoch moved last, by the clock of the node that moved it: to be shown, not compared.
    pub epoch_at: Time,
}

impl Kind {
    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::User => 0,
            Self::Client => 1,
            Self::Agent => 2,
            Self::Service => 3,
        }
    }
}

impl Status {
    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::Active => 0,
            Self::Suspended => 1,
            Self::Ended => 2,
        }
    }
    /// From the stored number.
    pub(crate) fn from_number(number: i64) -> Result<Self> {
        sql::status(number)
    }
    /// `active`, `suspended` or `ended`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }
}

/// Adds an active principal.
pub async fn insert(tx: &mut Tx<'_>, id: impl ToString, kind: Kind, org: Id<Org>, now: Time) -> Result<()> {
    sql::insert(tx, &id.to_string(), kind, org, now).await
}

/// Looks a principal up.
pub async fn find(tx: &mut ReadTx<'_>, id: impl ToString) -> Result<Option<Principal>> {
    sql::find(tx, &id.to_string()).await
}

/// Ends everything that was issued to the principal before; new things may be issued. The time is read
/// here: the request that ends may have begun long before, and what was issued meanwhile ends too.
pub async fn move_epoch(tx: &mut Tx<'_>, env: &Env, id: impl ToString) -> Result<()> {
    let id = id.to_string();
    tx.lock_exclusive(&[&id]).await?;
    sql::move_epoch(tx, &id, env.now()).await?;
    tx.raise_changes().await
}

/// Suspends, resumes or ends a principal; moves its epoch. An ended one stays ended. Answers whether the
/// status changed.
pub async fn set_status(tx: &mut Tx<'_>, env: &Env, id: impl ToString, status: Status) -> Result<bool> {
    let id = id.to_string();
    tx.lock_exclusive(&[&id]).await?;
    let changed = sql::set_status(tx, &id, status, env.now()).await?;
    if changed {
        tx.raise_changes().await?;
    }
    Ok(changed)
}

/// Ends a principal for good, where the caller holds off by a lock of its own whoever makes something under
/// it, and tells of the change itself.
pub(crate) async fn end_held(tx: &mut Tx<'_>, env: &Env, id: impl ToString) -> Result<bool> {
    sql::set_status(tx, &id.to_string(), Status::Ended, env.now()).await
}

/// Stops every active application, agent and service of an organisation while that is suspended, or lets
/// them go on. What was issued to them is over; one that is held is not resumed by itself.
pub(crate) async fn hold_all_of(tx: &mut Tx<'_>, env: &Env, org: Id<Org>, is_held: bool) -> Result<()> {
    let ids = sql::of_org(tx, org).await?;
    tx.lock_exclusive(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    sql::hold(tx, org, is_held, env.now()).await
}

/// Ends every application, agent and service of an organisation; answers how many.
pub(crate) async fn end_all_of(tx: &mut Tx<'_>, env: &Env, org: Id<Org>) -> Result<u64> {
    let ids = sql::of_org(tx, org).await?;
    tx.lock_exclusive(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    sql::end_all_of(tx, org, env.now()).await
}

/// Reads a stored status.
pub(crate) fn status_from(number: i64) -> Result<Status> {
    sql::status(number)
}
