//! Changing and revoking keys: by who administers them, or by the person whose they are.

use doorward_proto::{
    id::{ApiKey as ApiKeyKind, Id, User},
    scope::ScopeSet,
};

use super::{ApiKey, Terms, create::cover, present, rights_of, sql, validate};
use crate::{
    audit,
    call::Call,
    db::Tx,
    orgs,
    outcome::{Code, Refusal, Result, refuse},
    principals::{self, Status},
    rights::Rights,
    users::{self, PlatformRole},
};

/// By what right.
#[derive(Clone)]
enum By {
    /// Holding rights over keys.
    Rights(Rights),
    /// As the person whose key it is.
    Owner(Id<User>),
}

impl By {
    const fn owner(&self) -> Option<Id<User>> {
        match self {
            Self::Owner(user) => Some(*user),
            Self::Rights(_) => None,
        }
    }

    /// What may be handed on, where it may be decided over this key at all.
    async fn over(&self, tx: &mut Tx<'_>, call: &Call, key: &ApiKey) -> Result<Rights> {
        let person = match key.user {
            Some(user) => users::find_in(tx, user).await?,
            None => None,
        };
        let role = person.map(|person| person.platform_role).unwrap_or_default();
        match self {
            Self::Owner(_) => Ok(rights_of(call, role)),
            Self::Rights(rights) => {
                if role == PlatformRole::Administrator {
                    rights.must_hold("admin:*")?;
                }
                rights.over(key.terms.names().iter().map(String::as_str))?;
                Ok(rights.clone())
            }
        }
    }
}

struct Update {
    call: Call,
    id: Id<ApiKeyKind>,
    seen: i64,
    terms: Terms,
    by: By,
}

/// Changes a key that is still at the revision seen.
///
/// # Errors
/// `NotFound`, `VersionMismatch`, `RequestInvalid`; `ScopeMissing` and `WorkspaceForbidden` for what the caller
/// does not hold.
pub async fn update(
    call: &Call,
    (id, seen): (Id<ApiKeyKind>, i64),
    terms: Terms,
    rights: Rights,
) -> Result<ApiKey> {
    change(Update { call: call.clone(), id, seen, terms, by: By::Rights(rights) }).await
}

/// The same of one's own key.
///
/// # Errors
/// As [`update`].
pub async fn update_own(
    call: &Call,
    user: Id<User>,
    (id, seen): (Id<ApiKeyKind>, i64),
    terms: Terms,
) -> Result<ApiKey> {
    change(Update { call: call.clone(), id, seen, terms, by: By::Owner(user) }).await
}

async fn change(ask: Update) -> Result<ApiKey> {
    validate::terms(&ask.terms)?;
    let realm = ask.call.realm.clone();
    realm.db.write("api_keys.update", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Update {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<ApiKey> {
        let before = present(tx, self.id, self.by.owner()).await?;
        let rights = self.by.over(tx, &self.call, &before).await?;
        let added = added(&before.terms, &self.terms)?;
        cover(&rights, &added)?;
        let place = (before.org, self.call.realm.instance_org);
        orgs::workspaces::must_be_of(tx, place, &added.workspace_ids).await?;
        let adds = !added.names().is_empty() || !added.workspace_ids.is_empty();
        let is_own = before.is_own && (!adds || self.by.owner().is_some());
        if !sql::update(tx, (self.id, self.seen), &self.terms, is_own).await? {
            return refuse(Code::VersionMismatch);
        }
        // What is remembered of it says what it may do.
        tx.raise_changes().await?;
        let event = before.event(&self.call, "api_key.changed")?;
        let event = event.fact("members", changed(&before.terms, &self.terms));
        audit::record(tx, &event.fact("may", self.terms.names())).await?;
        present(tx, self.id, None).await
    }
}

/// What is there only now: taking away needs no right to it, and keeping neither.
fn added(before: &Terms, after: &Terms) -> Result<Terms> {
    let (held, permitted) = (&before.scopes, before.permissions.names());
    let scopes = after.scopes.iter().filter(|scope| !held.contains(scope));
    let workspaces = after.workspace_ids.iter().filter(|id| !before.workspace_ids.contains(id));
    Ok(Terms {
        scopes: ScopeSet::from_names(scopes)?,
        permissions: after.permissions.kept(|name| !permitted.iter().any(|held| held == name)),
        workspace_ids: workspaces.cloned().collect(),
        ..Terms::default()
    })
}

fn changed(before: &Terms, after: &Terms) -> Vec<&'static str> {
    let members = [
        ("name", before.name != after.name),
        ("scopes", before.scopes != after.scopes),
        ("permissions", before.permissions != after.permissions),
        ("workspace_ids", before.workspace_ids != after.workspace_ids),
        ("allowed_addresses", before.allowed_addresses != after.allowed_addresses),
        ("metadata", before.metadata != after.metadata),
        ("rate_limit", before.rate_limit != after.rate_limit),
        ("enabled", before.is_enabled != after.is_enabled),
    ];
    members.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

struct Revoke {
    call: Call,
    id: Id<ApiKeyKind>,
    reason: String,
    by: By,
}

/// Revokes a key, in force with the answer.
///
/// # Errors
/// `NotFound`; `Conflict` when it was revoked before (that reason stays); `ScopeMissing` where the key may do
/// more than the caller.
pub async fn revoke(call: &Call, id: Id<ApiKeyKind>, reason: String, rights: Rights) -> Result<ApiKey> {
    end(Revoke { call: call.clone(), id, reason, by: By::Rights(rights) }).await
}

/// Revokes one's own key.
///
/// # Errors
/// As [`revoke`].
pub async fn revoke_own(call: &Call, user: Id<User>, id: Id<ApiKeyKind>, reason: String) -> Result<ApiKey> {
    end(Revoke { call: call.clone(), id, reason, by: By::Owner(user) }).await
}

async fn end(ask: Revoke) -> Result<ApiKey> {
    validate::reason(&ask.reason)?;
    let realm = ask.call.realm.clone();
    realm.db.write("api_keys.revoke", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Revoke {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<ApiKey> {
        let key = present(tx, self.id, self.by.owner()).await?;
        self.by.over(tx, &self.call, &key).await?;
        let by = self.call.actor.name();
        if !sql::revoke(tx, self.id, (self.call.now, &by), &self.reason).await? {
            let at = key.revocation.map(|revocation| revocation.at.to_string());
            let before = Refusal::new(Code::Conflict).hint("It was revoked before").fact("revoked_at", at);
            return Err(before.into());
        }
        if key.user.is_none() {
            principals::set_status(tx, &self.call.realm.env, self.id, Status::Ended).await?;
        }
        tx.raise_changes().await?;
        let event = key.event(&self.call, "api_key.revoked")?.detail("reason", self.reason.clone());
        audit::record(tx, &event).await?;
        present(tx, self.id, None).await
    }
}
