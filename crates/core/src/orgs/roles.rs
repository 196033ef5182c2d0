//! Roles that an organisation makes, and what it puts into those that are there from the start.
//!
//! What is about the organisation's administration is within what its maker holds. What applications read is
//! theirs: an organisation gives permissions that are scopes of its own APIs, or that the operator lets
//! organisations give (`orgs.permissions`), so that nobody makes an organisation to be let in elsewhere.

use doorward_proto::{
    id::{Id, Org as OrgKind},
    time::Time,
};

use super::{Kind, OrgScope, manage::conflict, permissions, sql};
use crate::{
    apis,
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Refusal, Result, refuse},
};

/// A role of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, as it stands in tokens.
    pub name: String,
    /// What people should know.
    pub description: String,
    /// What it may, in order; of a built-in one, what the organisation has put into it.
    pub permissions: Vec<String>,
    /// Whether every organisation has it.
    pub is_built_in: bool,
    /// Moves with every change, the entity tag; 0 for a built-in one that nobody changed.
    pub version: i64,
    /// When it was changed last; never for a built-in one that nobody changed.
    pub updated_at: Option<Time>,
}

/// A role to make, or what one shall be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What people should know.
    pub description: String,
    /// What it may.
    pub permissions: Vec<String>,
}

/// How many roles an organisation may make.
const MOST: usize = 100;

/// Every role of an organisation, the built-in ones first.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope) -> Result<Vec<Role>> {
    scope.must("org:roles:read")?;
    all_of(call, scope).await
}

async fn all_of(call: &Call, scope: &OrgScope) -> Result<Vec<Role>> {
    let read = call.realm.db.read("orgs.roles.list", scope.id(), |tx, org| {
        Box::pin(async move { sql::roles::all(tx, *org).await })
    });
    let mut made = read.await?;
    let mut all: Vec<Role> = Vec::with_capacity(made.len() + permissions::BUILT_IN.len());
    for name in permissions::BUILT_IN {
        let place = made.iter().position(|role| role.name == name);
        all.push(place.map_or_else(|| untouched(name), |place| made.remove(place)));
    }
    all.extend(made);
    Ok(all)
}

fn untouched(name: &str) -> Role {
    Role {
        name: name.to_owned(),
        description: String::new(),
        permissions: Vec::new(),
        is_built_in: true,
        version: 0,
        updated_at: None,
    }
}

/// One role; who changes roles also sees them.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn get(call: &Call, scope: &OrgScope, name: &str) -> Result<Role> {
    scope.must("org:roles:write").or_else(|_| scope.must("org:roles:read"))?;
    let all = all_of(call, scope).await?;
    all.into_iter().find(|role| role.name == name).map_or_else(|| refuse(Code::NotFound), Ok)
}

#[derive(Clone)]
struct Ask {
    call: Call,
    scope: OrgScope,
    name: String,
    terms: Terms,
    seen: Option<i64>,
}

/// Makes a role.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `Conflict` where there is one of that name.
pub async fn create(call: &Call, scope: &OrgScope, name: &str, terms: Terms) -> Result<Role> {
    permissions::check_role_name(name)?;
    let ask = Ask::new(call, scope, (name, terms), None)?;
    if permissions::BUILT_IN.contains(&name) {
        return conflict("Every organisation has this role; change it instead");
    }
    call.realm
        .db
        .write("orgs.roles.create", ask, |tx, ask| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                ask.may_give(tx, &ask.terms.permissions).await?;
                if sql::roles::all(tx, org).await?.len() >= MOST {
                    return conflict("An organisation has 100 roles at most");
                }
                if !sql::roles::insert(tx, org, (&ask.name, &ask.terms), ask.call.now).await? {
                    return conflict("There is a role of this name");
                }
                ask.record(tx, "org.role_created").await?;
                ask.present(tx).await
            })
        })
        .await
}

/// Changes a role that is still at the version seen; of a built-in one, what the organisation puts into it.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `NotFound`, `VersionMismatch`.
pub async fn update(call: &Call, scope: &OrgScope, name: &str, seen: i64, terms: Terms) -> Result<Role> {
    let ask = Ask::new(call, scope, (name, terms), Some(seen))?;
    call.realm
        .db
        .write("orgs.roles.update", ask, |tx, ask| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                let before = match sql::roles::find(tx, org, &ask.name).await? {
                    Some(before) => before,
                    None if permissions::BUILT_IN.contains(&ask.name.as_str()) => untouched(&ask.name),
                    None => return refuse(Code::NotFound),
                };
                if ask.seen != Some(before.version) {
                    return refuse(Code::VersionMismatch);
                }
                ask.scope.cover(&before.permissions)?;
                let new = ask.terms.permissions.iter().filter(|one| !before.permissions.contains(one));
                ask.may_give(tx, &new.cloned().collect::<Vec<_>>()).await?;
                if before.is_built_in && ask.terms.permissions.iter().any(|one| one.starts_with("org:")) {
                    let hint = "What a built-in role may do to the organisation stays as it is";
                    return Err(Refusal::new(Code::RequestInvalid).field("permissions").hint(hint).into());
                }
                let is_there = before.version > 0
                    || sql::roles::insert(tx, org, (&ask.name, &ask.terms), ask.call.now).await?;
                if before.version > 0 {
                    sql::roles::update(tx, org, (&ask.name, &ask.terms), ask.call.now).await?;
                }
                if !is_there {
                    return refuse(Code::VersionMismatch);
                }
                tx.raise_changes().await?;
                ask.record(tx, "org.role_redefined").await?;
                ask.present(tx).await
            })
        })
        .await
}

/// Removes a role that nobody has; of a built-in one, what the organisation has put into it.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `Conflict` while somebody has it.
pub async fn remove(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    let ask = Ask::new(call, scope, (name, Terms::default()), None)?;
    call.realm
        .db
        .write("orgs.roles.remove", ask, |tx, ask| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                let Some(before) = sql::roles::find(tx, org, &ask.name).await? else {
                    return refuse(Code::NotFound);
                };
                ask.scope.cover(&before.permissions)?;
                let is_used = sql::members::has_role(tx, org, &ask.name).await?
                    || sql::invitations::has_role(tx, org, &ask.name, ask.call.now).await?;
                if is_used && !before.is_built_in {
                    return conflict("Members or open invitations have this role; give them another first");
                }
                sql::roles::remove(tx, org, &ask.name).await?;
                tx.raise_changes().await?;
                ask.record(tx, "org.role_removed").await
            })
        })
        .await
}

impl Ask {
    fn new(
        call: &Call,
        scope: &OrgScope,
        (name, mut terms): (&str, Terms),
        seen: Option<i64>,
    ) -> Result<Self> {
        scope.must("org:roles:write")?;
        if scope.org().kind == Kind::Personal {
            return conflict("A personal organisation has one member, who owns it");
        }
        permissions::check(&terms.permissions)?;
        terms.permissions.sort_unstable();
        terms.permissions.dedup();
        terms.description = terms.description.trim().to_owned();
        if terms.description.len() > 500 || terms.description.chars().any(char::is_control) {
            let hint = "A description has at most 500 bytes and no control characters";
            return Err(Refusal::new(Code::RequestInvalid).field("description").hint(hint).into());
        }
        Ok(Self { call: call.clone(), scope: scope.clone(), name: name.to_owned(), terms, seen })
    }

    /// Refuses what is not the organisation's to give, and what its maker does not hold.
    async fn may_give(&self, tx: &mut Tx<'_>, given: &[String]) -> Result<()> {
        self.scope.cover(given)?;
        if self.scope.is_platform() {
            return Ok(());
        }
        let allowed = &self.call.realm.settings.orgs.permissions;
        for permission in given.iter().filter(|one| !one.starts_with("org:")) {
            let is_open = allowed.iter().any(|one| matches(one, permission));
            if !is_open && !apis::has_scope(tx, self.scope.id(), permission).await? {
                let hint = format!("{permission} is no scope of the organisation's own APIs");
                return Err(Refusal::new(Code::RequestInvalid).field("permissions").hint(hint).into());
            }
        }
        Ok(())
    }

    async fn record(&self, tx: &mut Tx<'_>, code: &'static str) -> Result<()> {
        let event = Event::new(&self.call, code)?.subject(self.scope.id()).org(self.scope.id());
        let event = event.fact("role", self.name.clone());
        audit::record(tx, &event.fact("permissions", self.terms.permissions.clone())).await
    }

    async fn present(&self, tx: &mut Tx<'_>) -> Result<Role> {
        let found = sql::roles::find(tx, self.scope.id(), &self.name).await?;
        found.map_or_else(|| refuse(Code::NotFound), Ok)
    }
}

/// Whether a name is the pattern, or begins as one that ends in `*` does.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// What a role of an organisation holds.
///
/// # Errors
/// `RequestInvalid` for one that the organisation does not have.
pub(super) async fn permissions_in(tx: &mut ReadTx<'_>, org: Id<OrgKind>, name: &str) -> Result<Vec<String>> {
    let made = sql::roles::find(tx, org, name).await?;
    if made.is_none() && !permissions::BUILT_IN.contains(&name) {
        let hint = "The organisation has no such role";
        return Err(Refusal::new(Code::RequestInvalid).field("role").hint(hint).into());
    }
    let custom = made.map(|role| role.permissions.join(" "));
    Ok(permissions::of_role(name, custom.as_deref()))
}
