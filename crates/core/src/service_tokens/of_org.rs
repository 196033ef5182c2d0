//! The service tokens of an organisation, kept by who runs it.
//!
//! Such a token may what the organisation can give and whoever makes it holds there: scopes of the organisation's own
//! APIs, in its own workspaces, and its administration. It has no rate of its own, which is the operator's to give.
//! What the server's administrators have made beyond that is theirs to replace.

use super::{
    Key, ListAsk, NewToken, Notes, RotateAsk, Token, WithSecret, create::create_within as make, find as get,
    list as all, revoke::revoke_within as stop, rotate::rotate_within as replace, update_within as change,
};
use crate::{
    apis,
    call::Call,
    orgs::{self, OrgScope},
    outcome::{Code, Refusal, Result, refuse},
    page::Page,
    rights::Rights,
};

/// What it takes to see them.
pub const READ: &str = "org:tokens:read";
/// What it takes to make, replace and revoke them; who does also sees them.
pub const WRITE: &str = "org:tokens:write";

const SEEN_BY: &str = "admin:tokens:read";
const CHANGED_BY: &str = "admin:tokens:write";

/// How many versions an organisation may keep that still work.
const MOST: usize = 100;

fn see(scope: &OrgScope) -> Result<()> {
    scope.runs(READ, SEEN_BY).or_else(|_| scope.runs(WRITE, SEEN_BY))
}

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// A page of an organisation's service tokens, every version in every state.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope, ask: ListAsk) -> Result<Page<Token>> {
    see(scope)?;
    all(call, ListAsk { org: Some(scope.id()), ..ask }).await
}

/// One of them: by name its newest version, by id that version.
///
/// # Errors
/// `ScopeMissing`; `TokenNotFound`, also for one of another organisation.
pub async fn find(call: &Call, scope: &OrgScope, name: &str) -> Result<Token> {
    see(scope)?;
    let found = get(call, Key::read(call, name, Some(scope.id()))).await?;
    if found.org == scope.id() { Ok(found) } else { refuse(Code::TokenNotFound) }
}

/// What whoever entered hands on with these scopes.
async fn rights(call: &Call, scope: &OrgScope, scopes: &[String]) -> Result<Rights> {
    scope.covers(scopes)?;
    let others: Vec<String> = scopes.iter().filter(|one| !one.starts_with("org:")).cloned().collect();
    let ask = (scope.clone(), others);
    let read = call.realm.db.read("service_tokens.foreign_scope", ask, |tx, (scope, others)| {
        Box::pin(async move { apis::of_org::foreign_scope(tx, scope, others).await })
    });
    if let Some(name) = read.await? {
        let hint = format!("{name} is no scope of the organization's own APIs");
        return Err(Refusal::new(Code::RequestInvalid).field("scopes").hint(hint).into());
    }
    Ok(Rights { scopes: scopes.to_vec(), workspaces: None })
}

/// The rights over one that is there: all that it may has to be the organisation's to give.
async fn rights_over(call: &Call, scope: &OrgScope, token: &Token, more: &[String]) -> Result<Rights> {
    let mut scopes: Vec<String> = token.scopes.iter().map(str::to_owned).collect();
    scopes.extend(more.iter().cloned());
    let places = (token.org, call.realm.instance_org, token.workspace_ids.clone());
    let own = call.realm.db.read("service_tokens.own_workspaces", places, |tx, (org, instance, ids)| {
        Box::pin(async move { orgs::workspaces::must_be_of(tx, (*org, *instance), ids).await })
    });
    own.await?;
    rights(call, scope, &scopes).await
}

/// Makes a token of the organisation and tells its secret.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `TokenLifetime`, `TokenNameTaken`; `Conflict` for a personal organisation, and
/// where there are too many.
pub async fn create(call: &Call, scope: &OrgScope, new: NewToken) -> Result<WithSecret> {
    scope.runs(WRITE, CHANGED_BY)?;
    scope.is_team()?;
    if new.notes.rate_limit_override.is_some() {
        return Err(
            bad("rate_limit_override", "The server's administrators give a token its own rate").into()
        );
    }
    let rights = rights(call, scope, &new.scopes).await?;
    make(call, NewToken { org: Some(scope.id()), ..new }, &rights, Some(scope.clone())).await
}

/// Whether one more can be made where so many work.
pub(super) fn must_have_room(there: usize) -> Result<()> {
    if there >= MOST {
        let full = Refusal::new(Code::Conflict).hint("An organization has 100 service tokens at most");
        return Err(full.into());
    }
    Ok(())
}

/// Changes what is noted of a version that is still at the revision seen; its rate stays.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `TokenNotFound`, `VersionMismatch`.
pub async fn update(call: &Call, scope: &OrgScope, (name, seen): (&str, i64), notes: Notes) -> Result<Token> {
    scope.runs(WRITE, CHANGED_BY)?;
    let token = find(call, scope, name).await?;
    if notes.rate_limit_override != token.notes.rate_limit_override {
        return Err(
            bad("rate_limit_override", "The server's administrators give a token its own rate").into()
        );
    }
    let rights = rights_over(call, scope, &token, &[]).await?;
    change(call, (token.id, seen), notes, (rights, Some(scope.clone()))).await
}

/// Makes the next version and tells its secret.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `TokenNotFound`, and what [`super::rotate()`] refuses.
pub async fn rotate(call: &Call, scope: &OrgScope, name: &str, ask: RotateAsk) -> Result<WithSecret> {
    scope.runs(WRITE, CHANGED_BY)?;
    let token = find(call, scope, name).await?;
    let rights = rights_over(call, scope, &token, &ask.scopes).await?;
    replace(call, Key::Version(token.id), ask, (rights, Some(scope.clone()))).await
}

/// Revokes one at once: by name every version, by id that version. Nobody ends what may more than they do.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `TokenNotFound`.
pub async fn revoke(call: &Call, scope: &OrgScope, name: &str, reason: String) -> Result<Token> {
    scope.runs(WRITE, CHANGED_BY)?;
    let token = find(call, scope, name).await?;
    let held = token.scopes.iter().filter(|one| scope.may(one)).map(str::to_owned).collect();
    let rights = Rights { scopes: held, workspaces: None };
    stop(call, Key::read(call, name, Some(token.org)), reason, (rights, Some(scope.clone()))).await
}
