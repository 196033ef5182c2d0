//! The use cases of the pages, for whose tokens they show.

use doorward_core::{
    call::Call,
    orgs::OrgScope,
    outcome::{Code, Refusal, Result, refuse},
    page::Page,
    rights::Rights,
    service_tokens::{self as all, Key, ListAsk, NewToken, RotateAsk, Token, WithSecret, of_org},
};
use doorward_proto::id::{Id, ServiceToken};

use super::Site;

pub(super) async fn list(call: &Call, site: &Site, ask: ListAsk) -> Result<Page<Token>> {
    match site.org() {
        None => all::list(call, ask).await,
        Some(scope) => of_org::list(call, scope, ask).await,
    }
}

/// The version of an address.
pub(super) async fn find(call: &Call, site: &Site, id: &str) -> Result<Token> {
    let id: Id<ServiceToken> = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    let found = match site.org() {
        None => all::find(call, Key::Version(id)).await,
        Some(scope) => of_org::find(call, scope, &id.to_string()).await,
    };
    if found.as_ref().is_err_and(|error| error.code() == Some(Code::TokenNotFound)) {
        return refuse(Code::NotFound);
    }
    found
}

/// Makes one; `rights` are those of an administrator.
pub(super) async fn create(
    call: &Call,
    org: Option<&OrgScope>,
    (new, rights): (NewToken, &Rights),
) -> Result<WithSecret> {
    match org {
        None => all::create(call, new, rights).await,
        Some(scope) => of_org::create(call, scope, new).await,
    }
}

/// Replaces this version and no other.
pub(super) async fn rotate(
    call: &Call,
    org: Option<&OrgScope>,
    (id, ask, rights): (Id<ServiceToken>, RotateAsk, Rights),
) -> Result<WithSecret> {
    match org {
        None => all::rotate(call, Key::Version(id), ask, rights).await,
        Some(scope) => of_org::rotate(call, scope, &id.to_string(), ask).await,
    }
}

/// Ends every version of a name, or only this one.
pub(super) async fn revoke(
    call: &Call,
    site: &Site,
    (token, only): (&Token, bool),
    (reason, rights): (String, Rights),
) -> Result<Token> {
    match (site.org(), only) {
        (None, true) => all::revoke(call, Key::Version(token.id), reason, rights).await,
        (None, false) => all::revoke(call, Key::Name(token.org, token.name.clone()), reason, rights).await,
        (Some(scope), true) => of_org::revoke(call, scope, &token.id.to_string(), reason).await,
        (Some(scope), false) => of_org::revoke(call, scope, &token.name, reason).await,
    }
}
