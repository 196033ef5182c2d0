//! The providers of an organisation, kept by who owns it: its connections.
//!
//! Their names in addresses begin with the organisation's id, so that nobody takes a name from the instance or
//! from another organisation. Whom they may sign in is decided in `tenancy`.

use doorward_proto::{
    id::{self, Id},
    secret::SecretText,
};

use super::{NewProvider, Provider, Settings, Tested, Usage, get, manage, sql};
use crate::{
    call::Call,
    orgs::{Kind, OrgScope, permissions},
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

/// What it takes to see them; who changes them also sees them.
pub const READ: &str = "org:connections:read";
/// What it takes to change them: of the built-in roles only owners hold it.
pub const WRITE: &str = permissions::PROVIDERS;

/// How many an organisation may have.
const MOST: usize = 20;

/// A page of an organisation's providers, by id.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope, ask: PageAsk) -> Result<Page<Provider>> {
    scope.must(READ).or_else(|_| scope.must(WRITE))?;
    let ask = (scope.id(), ask);
    let read = call.realm.db.read("providers.list_of", ask, |tx, (org, ask)| {
        Box::pin(async move {
            let rows = sql::list_of(tx, *org, ask).await?;
            Ok(ask.page(rows, |provider| provider.id.to_string()))
        })
    });
    read.await
}

/// One of them, by its id or its name there.
///
/// # Errors
/// `ScopeMissing`; `NotFound`, also for one of another organisation.
pub async fn find(call: &Call, scope: &OrgScope, name: &str) -> Result<Provider> {
    scope.must(READ).or_else(|_| scope.must(WRITE))?;
    let by_id = name.parse::<Id<id::Provider>>().is_ok();
    let name = if by_id { name.to_owned() } else { full(scope, name) };
    let found = get(call, &name).await?;
    if found.org == scope.id() { Ok(found) } else { refuse(Code::NotFound) }
}

fn full(scope: &OrgScope, short: &str) -> String {
    format!("{}.{short}", scope.id())
}

/// How often it is used.
///
/// # Errors
/// As [`find`].
pub async fn usage(call: &Call, scope: &OrgScope, name: &str) -> Result<Usage> {
    let provider = find(call, scope, name).await?;
    manage::usage(call, provider.id).await
}

/// Adds a provider to the organisation.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`; `Conflict` when the name is taken, for a personal organisation, and where
/// there are too many.
pub async fn create(call: &Call, scope: &OrgScope, new: NewProvider) -> Result<Provider> {
    scope.must(WRITE)?;
    let conflict = |hint| Err(Refusal::new(Code::Conflict).hint(hint).into());
    if scope.org().kind != Kind::Team {
        return conflict("Only a team has identity providers of its own");
    }
    let ask = PageAsk { limit: 100, ..PageAsk::default() };
    if list(call, scope, ask).await?.items.len() >= MOST {
        return conflict("An organization has 20 identity providers at most");
    }
    manage::check_slug(&new.slug)?;
    let slug = full(scope, &new.slug);
    manage::add(call, scope.id(), NewProvider { slug, ..new }).await
}

/// Changes one that is still at the version seen; without a secret the present one stays.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, and what [`super::update`] refuses.
pub async fn update(
    call: &Call,
    scope: &OrgScope,
    (name, seen): (&str, i64),
    settings: Settings,
    secret: Option<SecretText>,
) -> Result<Provider> {
    scope.must(WRITE)?;
    let provider = find(call, scope, name).await?;
    manage::update(call, (provider.id, seen), settings, secret).await
}

/// Removes one; who signed in there alone needs another way.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn end(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    scope.must(WRITE)?;
    let provider = find(call, scope, name).await?;
    manage::end(call, provider.id).await
}

/// Asks one what it says of itself. What may not be reached from here is not told apart.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn test(call: &Call, scope: &OrgScope, name: &str) -> Result<Tested> {
    scope.must(WRITE)?;
    let provider = find(call, scope, name).await?;
    manage::test_one(call, &provider).await
}
