//! Service tokens: long-lived secrets for programs, with a life cycle.
//!
//! A token has a name that stays and versions that follow one another. Under all versions stands one
//! principal, the *lineage*; a version is made under its epoch, so moving that ends every version. A secret
//! is random and is stored as its keyed hash; [`create()`] and [`rotate()`] tell it once. Whoever makes or
//! replaces a token hands on rights, and never more than the caller's own ([`Rights`]).

mod age;
mod create;
pub mod import;
mod leak;
mod list;
pub mod of_org;
mod remind;
mod revoke;
mod rotate;
mod sql;
mod validate;
mod verify;

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org, ServiceToken},
    rate::Rate,
    scope::ScopeSet,
    secret::Opaque,
    time::Time,
};
use ipnet::IpNet;

pub use age::{remind_of_age, review, review_due};
pub use create::{NewToken, create};
pub use leak::{Reported, report_leak};
pub use list::{ListAsk, list};
pub use remind::remind;
pub use revoke::{Whose, revoke, revoke_all};
pub use rotate::{RotateAsk, rotate};
pub(crate) use validate::check_text;
pub use validate::{SHORTEST, rate, workspaces};
pub use verify::{LiveToken, admit, allowed_addresses, may_be, verify};

use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    orgs::OrgScope,
    outcome::{Code, Result, refuse},
    principals::{self, Status},
    rights::Rights,
};

/// One version of a service token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The id of this version.
    pub id: Id<ServiceToken>,
    /// The id of the first version, and the principal under all of them.
    pub lineage: Id<ServiceToken>,
    /// The organisation that it belongs to.
    pub org: Id<Org>,
    /// The name that every version has.
    pub name: String,
    /// 1, 2, …
    pub version: i64,
    /// The lineage's epoch under which it was made.
    pub epoch: i64,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where it may do it; `*` for everywhere, none for nowhere that asks.
    pub workspace_ids: Vec<String>,
    /// What can be changed of it.
    pub notes: Notes,
    /// How long a version lives; none for ever.
    pub lifetime: Option<Duration>,
    /// When it was made.
    pub issued_at: Time,
    /// When its life is over.
    pub expires_at: Option<Time>,
    /// When the overlap with its successor is over.
    pub ends_at: Option<Time>,
    /// When it was revoked, by whom and why.
    pub revocation: Option<Revocation>,
    /// Who made it, as the audit trail names actors.
    pub created_by: String,
    /// The version that replaced it.
    pub rotated_to: Option<String>,
    /// The version that it replaced.
    pub rotated_from: Option<String>,
    /// When it was last used, as far as that has been written.
    pub last_used_at: Option<Time>,
    /// From where.
    pub last_used_address: Option<String>,
    /// How often, as far as that has been written.
    pub use_count: i64,
    /// When somebody has looked after it last; who made it did.
    pub reviewed_at: Time,
    /// Rises with every change; the entity tag.
    pub revision: i64,
}

/// What can be changed of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// What people should know.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// From where it may be used; anywhere when empty.
    pub allowed_addresses: Vec<IpNet>,
    /// Its own rate at the gateway, in place of those that routes have for an identity.
    pub rate_limit_override: Option<Rate>,
}

/// The end of a version before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Time,
    /// By whom, as the audit trail names actors.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// How a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is the present one, and works.
    Active,
    /// Another has taken its place; it works until the overlap is over.
    Rotated,
    /// Its life is over.
    Expired,
    /// It was ended before its time.
    Revoked,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Active, Self::Rotated, Self::Expired, Self::Revoked];

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rotated => "rotated",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Active => 0,
            Self::Rotated => 1,
            Self::Expired => 2,
            Self::Revoked => 3,
        }
    }
}

impl Token {
    /// When it works no more, as far as that is known.
    pub fn end(&self) -> Option<Time> {
        match (self.expires_at, self.ends_at) {
            (Some(expiry), Some(end)) => Some(expiry.min(end)),
            (expiry, end) => expiry.or(end),
        }
    }

    /// How it stands.
    pub fn state(&self, now: Time) -> State {
        if self.revocation.is_some() {
            State::Revoked
        } else if self.rotated_to.is_some() {
            State::Rotated
        } else if self.expires_at.is_some_and(|expiry| now >= expiry) {
            State::Expired
        } else {
            State::Active
        }
    }

    /// An event of it.
    fn event(&self, call: &Call, code: &'static str) -> Result<Event> {
        Ok(self.named(Event::new(call, code)?))
    }

    fn named(&self, event: Event) -> Event {
        let event = event.subject(self.lineage).org(self.org).fact("token_id", self.id.to_string());
        event.fact("name", self.name.clone()).fact("version", self.version)
    }
}

/// A version with the secret that was made for it.
#[derive(Debug, Clone)]
pub struct WithSecret {
    /// The version.
    pub token: Token,
    /// Told this once.
    pub secret: Opaque,
}

/// What a token is found by.
#[derive(Debug, Clone)]
pub enum Key {
    /// The id of one version.
    Version(Id<ServiceToken>),
    /// The newest version of a name in an organisation.
    Name(Id<Org>, String),
}

impl Key {
    /// Reads an id, or else a name in this organisation (the instance's unless one is named).
    pub fn read(call: &Call, text: &str, org: Option<Id<Org>>) -> Self {
        match text.parse() {
            Ok(id) => Self::Version(id),
            Err(_) => Self::Name(org.unwrap_or(call.realm.instance_org), text.to_owned()),
        }
    }
}

/// What everybody who changes versions holds: shared for one lineage, exclusively for many at once, so that the
/// number of locks does not grow with the number of tokens.
const EVERY: &str = "service_tokens";

/// Holds off whoever else changes the versions of a lineage, or ends many.
async fn lock(tx: &mut Tx<'_>, lineage: Id<ServiceToken>) -> Result<()> {
    tx.lock_shared(&[EVERY]).await?;
    tx.lock_exclusive(&[&lineage.to_string()]).await
}

async fn present(tx: &mut ReadTx<'_>, key: &Key) -> Result<Token> {
    let found = match key {
        Key::Version(id) => sql::find(tx, *id).await?,
        Key::Name(org, name) => sql::find_newest(tx, *org, name).await?,
    };
    found.map_or_else(|| refuse(Code::TokenNotFound), Ok)
}

/// Writes the uses that have been counted since the last time. Run once a second, and before the process
/// ends.
///
/// # Errors
/// A fault when they cannot be written; they are counted still.
pub async fn flush(call: &Call) -> Result<()> {
    call.realm.service_uses.flush(call, "service_tokens.uses", sql::USED).await
}

/// Looks a version up.
///
/// # Errors
/// `TokenNotFound`.
pub async fn find(call: &Call, key: Key) -> Result<Token> {
    call.realm
        .db
        .read("service_tokens.find", key, |tx, key| Box::pin(async move { present(tx, key).await }))
        .await
}

/// The newest versions of a lineage, the newest first, and whether there are more than `most`.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn newest_versions(
    call: &Call,
    lineage: Id<ServiceToken>,
    most: u32,
) -> Result<(Vec<Token>, bool)> {
    let ask = (lineage, most.saturating_add(1));
    let read = call.realm.db.read("service_tokens.versions", ask, |tx, (lineage, rows)| {
        Box::pin(async move { sql::newest_versions(tx, *lineage, *rows).await })
    });
    let mut versions = read.await?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let has_more = versions.len() > most;
    versions.truncate(most);
    Ok((versions, has_more))
}

/// Whether nothing has ended the lineage since this version was made.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn stands(call: &Call, token: &Token) -> Result<bool> {
    let read = call.realm.db.read("service_tokens.stands", token.lineage, |tx, lineage| {
        Box::pin(async move { principals::find(tx, *lineage).await })
    });
    let found = read.await?;
    Ok(found.is_some_and(|it| it.status == Status::Active && it.epoch == token.epoch))
}

struct Update {
    call: Call,
    id: Id<ServiceToken>,
    seen: i64,
    notes: Notes,
    rights: Rights,
    within: Option<OrgScope>,
}

/// Changes a version that is still at the revision seen.
///
/// # Errors
/// `TokenNotFound`, `VersionMismatch`, `ScopeMissing` where the token may do more than the caller.
pub async fn update(
    call: &Call,
    (id, seen): (Id<ServiceToken>, i64),
    notes: Notes,
    rights: Rights,
) -> Result<Token> {
    update_within(call, (id, seen), notes, (rights, None)).await
}

/// The same by who runs an organisation.
async fn update_within(
    call: &Call,
    (id, seen): (Id<ServiceToken>, i64),
    notes: Notes,
    (rights, within): (Rights, Option<OrgScope>),
) -> Result<Token> {
    validate::notes(&notes)?;
    let ask = Update { call: call.clone(), id, seen, notes, rights, within };
    call.realm.db.write("service_tokens.update", ask, |tx, ask| Box::pin(change(tx, ask))).await
}

async fn change(tx: &mut Tx<'_>, ask: &Update) -> Result<Token> {
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
    }
    let before = present(tx, &Key::Version(ask.id)).await?;
    ask.rights.over(before.scopes.iter())?;
    if !sql::update(tx, ask.id, ask.seen, &ask.notes).await? {
        return refuse(Code::VersionMismatch);
    }
    // What is remembered of it knows the addresses.
    tx.raise_changes().await?;
    let (old, new) = (&before.notes, &ask.notes);
    let members = [
        ("description", old.description != new.description),
        ("owner", old.owner != new.owner),
        ("purpose", old.purpose != new.purpose),
        ("allowed_addresses", old.allowed_addresses != new.allowed_addresses),
        ("rate_limit_override", old.rate_limit_override != new.rate_limit_override),
    ];
    let members: Vec<&str> = members.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    let event = before.event(&ask.call, "service_token.changed")?;
    audit::record(tx, &event.fact("members", members)).await?;
    present(tx, &Key::Version(ask.id)).await
}
