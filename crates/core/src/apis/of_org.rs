//! The APIs of an organisation, kept by who runs it.
//!
//! The identifier of an API is the audience of its tokens, and its scopes are what gateways and services look for:
//! both count on the whole server. So both begin with the organisation's id where the organisation makes them, and
//! nobody becomes the audience, or gives out the scope, of somebody else. What the server's administrators have made
//! for an organisation keeps the names that they chose.

use super::{
    Api, ListAsk, NewApi, Scope, Settings, end as remove, get, list as all, manage::create_within as make,
    update as change,
};
use crate::{
    call::Call,
    clients,
    db::ReadTx,
    orgs::OrgScope,
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

/// What it takes to see them.
pub const READ: &str = "org:apis:read";
/// What it takes to make, change and end them; who does also sees them.
pub const WRITE: &str = "org:apis:write";

/// How many an organisation may make.
const MOST: usize = 50;

/// An API to make.
#[derive(Debug, Clone)]
pub struct New {
    /// Its own part of the identifier.
    pub name: String,
    /// The rest.
    pub settings: Settings,
}

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// With what names of the organisation's own begin.
pub fn prefix(scope: &OrgScope) -> String {
    format!("{}.", scope.id())
}

fn see(scope: &OrgScope) -> Result<()> {
    scope.runs(READ, "admin:apis:read").or_else(|_| scope.runs(WRITE, "admin:apis:read"))
}

/// A page of an organisation's APIs, by id.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope, page: PageAsk) -> Result<Page<Api>> {
    see(scope)?;
    all(call, ListAsk { page, org: Some(scope.id()) }).await
}

/// One of them, by its id, its identifier, or its own part of that.
///
/// # Errors
/// `ScopeMissing`; `NotFound`, also for one of another organisation.
pub async fn find(call: &Call, scope: &OrgScope, name: &str) -> Result<Api> {
    see(scope)?;
    // Its own comes first: anybody's API may be called what is a part of this one's name.
    let found = match get(call, &format!("{}{name}", prefix(scope))).await {
        Err(error) if error.code() == Some(Code::NotFound) => get(call, name).await?,
        found => found?,
    };
    if found.org == scope.id() { Ok(found) } else { refuse(Code::NotFound) }
}

/// Makes an API of the organisation.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`; `Conflict` where the name is taken, for a personal organisation, and where
/// there are too many.
pub async fn create(call: &Call, scope: &OrgScope, new: New) -> Result<Api> {
    scope.runs(WRITE, "admin:apis:write")?;
    scope.is_team()?;
    let is_name = (1..=64).contains(&new.name.len())
        && new.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    if !is_name {
        return Err(bad("identifier", "The identifier's own part has 1 to 64 of a-z 0-9 . _ -").into());
    }
    let settings = own(scope, new.settings, &[])?;
    let identifier = format!("{}{}", prefix(scope), new.name);
    make(call, NewApi { identifier, org: Some(scope.id()), settings }, Some(scope.clone())).await
}

/// Whether one more can be made where there are so many.
pub(super) fn must_have_room(there: usize) -> Result<()> {
    if there >= MOST {
        return Err(Refusal::new(Code::Conflict).hint("An organization has 50 APIs at most").into());
    }
    Ok(())
}

/// Its scopes begin as the organisation's own do, but for those that were there.
fn own(scope: &OrgScope, settings: Settings, before: &[Scope]) -> Result<Settings> {
    let prefix = prefix(scope);
    let is_there = |name: &str| before.iter().any(|one| one.name == name);
    let mut scopes = settings.scopes;
    for one in &mut scopes {
        if !one.name.starts_with(&prefix) && !is_there(&one.name) {
            one.name.insert_str(0, &prefix);
        }
        // It is read on the consent page.
        if !one.description.is_empty() && !clients::is_name(&one.description) {
            let hint = "A scope's description has up to 200 letters, and none that hide";
            return Err(bad("scopes", hint).into());
        }
    }
    Ok(Settings { scopes, ..settings })
}

/// Changes one that is still at the version seen.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `NotFound`, `VersionMismatch`.
pub async fn update(
    call: &Call,
    scope: &OrgScope,
    (name, seen): (&str, i64),
    settings: Settings,
) -> Result<Api> {
    scope.runs(WRITE, "admin:apis:write")?;
    let api = find(call, scope, name).await?;
    change(call, api.id, seen, own(scope, settings, &api.scopes)?).await
}

/// Ends one: no more tokens are made for it.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn end(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    scope.runs(WRITE, "admin:apis:write")?;
    let api = find(call, scope, name).await?;
    remove(call, api.id).await
}

/// The first of some scopes that is none of the organisation's own APIs.
pub(crate) async fn foreign_scope(
    tx: &mut ReadTx<'_>,
    scope: &OrgScope,
    wanted: &[String],
) -> Result<Option<String>> {
    for name in wanted {
        if !super::has_scope(tx, scope.id(), name).await? {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}
