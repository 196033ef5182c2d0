//! Personal keys and API keys: secrets for programs that act as a person, or as an organisation.
//!
//! A personal key is its person's and never does more than the person may now: it stands on the person's
//! principal and epoch and on their membership, and what it may do is looked at again whenever anything
//! changes. An API key is an organisation's and stands on a principal of its own. A secret is random, is told
//! once and stored as its keyed hash. Every key ends by itself.

mod create;
mod manage;
mod permissions;
mod sql;
mod validate;
mod verify;

use doorward_proto::{
    id::{ApiKey as ApiKeyKind, Id, Org, User},
    scope::ScopeSet,
    secret::Opaque,
    time::Time,
};
use ipnet::IpNet;
use serde_json::{Map, Value as Json};

pub use crate::service_tokens::Revocation;
pub use create::{NewKey, Whose, create, create_own};
pub use manage::{revoke, revoke_own, update, update_own};
pub use permissions::Permissions;
pub use verify::{Checked, Holder, LiveKey, admit, check, is_key, verify};

use crate::{
    audit::Event,
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Result, refuse},
    page::{Page, PageAsk},
    rights::Rights,
    users::PlatformRole,
};

/// A key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<ApiKeyKind>,
    /// The organisation whose it is, or in which its person acts.
    pub org: Id<Org>,
    /// The person, when it is a personal key.
    pub user: Option<Id<User>>,
    /// How its secret begins, to tell keys apart.
    pub shown: String,
    /// What can be changed of it.
    pub terms: Terms,
    /// Whether its person alone chose what it may do.
    pub is_own: bool,
    /// Who made it, as the audit trail names actors.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When its life is over.
    pub expires_at: Time,
    /// When it was revoked, by whom and why.
    pub revocation: Option<Revocation>,
    /// When it was last used, as far as that has been written.
    pub last_used_at: Option<Time>,
    /// From where.
    pub last_used_address: Option<String>,
    /// How often, as far as that has been written.
    pub use_count: i64,
    /// Rises with every change; the entity tag.
    pub revision: i64,
    /// Whether whoever it stands for is still what they were when it was made.
    stands: bool,
}

/// What can be changed of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What people call it.
    pub name: String,
    /// What it may do, at this server and elsewhere.
    pub scopes: ScopeSet,
    /// What it may do elsewhere, resource by resource.
    pub permissions: Permissions,
    /// Where; `*` for everywhere, none for nowhere that asks.
    pub workspace_ids: Vec<String>,
    /// From where it may be used; anywhere when empty.
    pub allowed_addresses: Vec<IpNet>,
    /// Whatever whoever made it wants to find again.
    pub metadata: Map<String, Json>,
    /// How often it may be used, as `100/minute`.
    pub rate_limit: Option<String>,
    /// Whether it is accepted now.
    pub is_enabled: bool,
}

impl Terms {
    /// Scopes and permissions by name.
    fn names(&self) -> Vec<String> {
        self.scopes.iter().map(str::to_owned).chain(self.permissions.names()).collect()
    }
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It works.
    Active,
    /// It is switched off.
    Disabled,
    /// Its life is over.
    Expired,
    /// Its person was suspended or has left, changed roles or had to reset the password.
    Ended,
    /// It was ended before its time.
    Revoked,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Active, Self::Disabled, Self::Expired, Self::Ended, Self::Revoked];

    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Revoked => "revoked",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Active => 0,
            Self::Disabled => 1,
            Self::Expired => 2,
            Self::Ended => 3,
            Self::Revoked => 4,
        }
    }
}

impl ApiKey {
    /// How it stands.
    pub fn state(&self, now: Time) -> State {
        if self.revocation.is_some() {
            State::Revoked
        } else if !self.stands {
            State::Ended
        } else if now >= self.expires_at {
            State::Expired
        } else if self.terms.is_enabled {
            State::Active
        } else {
            State::Disabled
        }
    }

    /// Who acts by it: the person, or the key itself.
    pub fn subject(&self) -> String {
        self.user.map_or_else(|| self.id.to_string(), |user| user.to_string())
    }

    fn event(&self, call: &Call, code: &'static str) -> Result<Event> {
        Ok(self.named(Event::new(call, code)?))
    }

    fn named(&self, event: Event) -> Event {
        let event = event.subject(self.subject()).org(self.org).fact("key_id", self.id.to_string());
        event.detail("name", self.terms.name.clone())
    }
}

/// A key with the secret that was made for it.
#[derive(Debug, Clone)]
pub struct WithSecret {
    /// The key.
    pub key: ApiKey,
    /// Told this once.
    pub secret: Opaque,
}

/// A key that must exist, and be this person's where one is named.
async fn present(tx: &mut ReadTx<'_>, id: Id<ApiKeyKind>, of: Option<Id<User>>) -> Result<ApiKey> {
    let found = sql::find(tx, id).await?.filter(|key| of.is_none() || key.user == of);
    found.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// Looks a key up; only among those of a person where one is named.
///
/// # Errors
/// `NotFound`.
pub async fn find(call: &Call, id: Id<ApiKeyKind>, of: Option<Id<User>>) -> Result<ApiKey> {
    call.realm
        .db
        .read("api_keys.find", (id, of), |tx, (id, of)| Box::pin(async move { present(tx, *id, *of).await }))
        .await
}

/// Which keys are listed.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a prefix of the folded name, or an id.
    pub page: PageAsk,
    /// Only those of one organisation.
    pub org: Option<Id<Org>>,
    /// Only those of one person.
    pub user: Option<Id<User>>,
    /// Only those in this state.
    pub state: Option<State>,
}

/// A page of keys, by id: in the order in which they were made.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn list(call: &Call, ask: ListAsk) -> Result<Page<ApiKey>> {
    call.realm
        .db
        .read("api_keys.list", (ask, call.now), |tx, (ask, now)| {
            Box::pin(async move {
                let rows = sql::list(tx, ask, *now).await?;
                Ok(ask.page.page(rows, |key| key.id.to_string()))
            })
        })
        .await
}

/// Writes the uses that have been counted since the last time. Run once a second, and before the process
/// ends.
///
/// # Errors
/// A fault when they cannot be written; they are counted still.
pub async fn flush(call: &Call) -> Result<()> {
    call.realm.key_uses.flush(call, "api_keys.uses", sql::USED).await
}

/// Forgets the keys of a person who is deleted: their names may be personal.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::remove_all_of(tx, user).await
}

/// What a person can hand on to a key of their own: the own account, what the operator lets people choose,
/// and everything if they administer everything.
fn rights_of(call: &Call, role: PlatformRole) -> Rights {
    let mut scopes = vec!["me:read".to_owned(), "me:write".to_owned()];
    scopes.extend(call.realm.settings.api_keys.personal_scopes.iter().cloned());
    if role == PlatformRole::Administrator {
        scopes.push("admin:*".to_owned());
    }
    Rights { scopes, workspaces: Some(Vec::new()) }
}
