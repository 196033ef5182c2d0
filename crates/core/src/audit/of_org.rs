//! What has happened in one organisation, for its own people. They read the facts; the personal detail (from
//! where somebody came, with which browser) is for who answers for the whole server.

use doorward_proto::id::{self, Id};

use super::query::{self, Entry, Filter};
use crate::{
    call::Call,
    orgs::OrgScope,
    outcome::{Code, Refusal, Result, refuse},
};

/// What it takes to read it.
pub const READ: &str = "org:audit:read";

/// Keeps to the organisation, and to what its people may look for: an address is personal.
fn narrowed(scope: &OrgScope, filter: Filter) -> Result<Filter> {
    scope.runs(READ, "admin:audit:read")?;
    if filter.address.is_some() && !scope.is_platform() {
        let hint = "From where somebody came is for the server's administrators to see";
        return Err(Refusal::new(Code::RequestInvalid).field("address").hint(hint).into());
    }
    Ok(Filter { org: Some(scope.id().to_string()), ..filter })
}

fn shown(scope: &OrgScope, entry: Entry) -> Entry {
    if scope.is_platform() { entry } else { Entry { detail: None, ..entry } }
}

/// The newest events of the organisation first, as [`query::list`] has those of the server.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`.
pub async fn list(
    call: &Call,
    scope: &OrgScope,
    (filter, before, limit): (Filter, Option<String>, usize),
) -> Result<Vec<Entry>> {
    let found = query::list(&call.realm, narrowed(scope, filter)?, before, limit).await?;
    Ok(found.into_iter().map(|entry| shown(scope, entry)).collect())
}

/// The next sealed events of the organisation after number `after`, oldest first.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`.
pub async fn follow(
    call: &Call,
    scope: &OrgScope,
    (filter, after, limit): (Filter, i64, usize),
) -> Result<Vec<Entry>> {
    let found = query::follow(&call.realm, narrowed(scope, filter)?, after, limit).await?;
    Ok(found.into_iter().map(|entry| shown(scope, entry)).collect())
}

/// One event of the organisation.
///
/// # Errors
/// `ScopeMissing`; `NotFound`, also for one of another organisation.
pub async fn find(call: &Call, scope: &OrgScope, id: Id<id::Event>) -> Result<Entry> {
    scope.runs(READ, "admin:audit:read")?;
    match query::find(&call.realm, id).await? {
        Some(entry) if entry.org == scope.id().to_string() => Ok(shown(scope, entry)),
        _ => refuse(Code::NotFound),
    }
}
