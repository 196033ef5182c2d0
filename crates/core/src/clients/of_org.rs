//! The applications of an organisation, kept by who runs it.
//!
//! What such an application may is what the organisation can give: to sign people in who allow it, and scopes of the
//! organisation's own APIs. Its public name is chosen here, nobody is spared the question, and every address of it is
//! at a domain that the organisation has proven, or on the machine of whoever tries it: so no answer goes where
//! somebody else listens. What the server's administrators have registered beyond that is theirs to change.

use std::time::Duration;

use url::{Host, Url};

use super::{
    Client, Metadata,
    manage::{self, ListAsk, NewClient, Registration, WithSecret},
};
use crate::{
    apis::{self, catalog},
    call::Call,
    grants::ANONYMOUS,
    orgs::{OrgScope, domains},
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
    principals::Status,
};

/// What it takes to see them.
pub const READ: &str = "org:clients:read";
/// What it takes to register, change and end them; who does also sees them.
pub const WRITE: &str = "org:clients:write";

const SEEN_BY: &str = "admin:clients:read";
const CHANGED_BY: &str = "admin:clients:write";

/// How many an organisation may register.
const MOST: usize = 50;

fn see(scope: &OrgScope) -> Result<()> {
    scope.runs(READ, SEEN_BY).or_else(|_| scope.runs(WRITE, SEEN_BY))
}

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::ClientMetadataInvalid).field(field).hint(hint)
}

/// A page of an organisation's applications, by id.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(
    call: &Call,
    scope: &OrgScope,
    (page, status): (PageAsk, Option<Status>),
) -> Result<Page<Client>> {
    see(scope)?;
    manage::list(call, ListAsk { page, org: Some(scope.id()), status }).await
}

/// One of them, by its id or its public name.
///
/// # Errors
/// `ScopeMissing`; `NotFound`, also for one of another organisation.
pub async fn find(call: &Call, scope: &OrgScope, name: &str) -> Result<Client> {
    see(scope)?;
    let found = manage::get(call, name).await?;
    if found.org == scope.id() { Ok(found) } else { refuse(Code::NotFound) }
}

/// Whether who entered decides over an application of the organisation that they may change: over what may more than
/// the organisation can give, the server's administrators do.
///
/// # Errors
/// Faults.
pub async fn decides(call: &Call, scope: &OrgScope, client: &Client) -> Result<bool> {
    if scope.is_platform() {
        return Ok(true);
    }
    let metadata = &client.metadata;
    Ok(!client.is_first_party
        && !metadata.allows_grant(ANONYMOUS)
        && foreign_api(call, scope, metadata).await?.is_none()
        && beyond(call, scope, &metadata.scopes).await?.is_none())
}

/// One that is the organisation's to decide over: whoever decides how it proves itself, and where its codes go, can
/// act as it.
async fn own(call: &Call, scope: &OrgScope, name: &str) -> Result<Client> {
    scope.runs(WRITE, CHANGED_BY)?;
    let found = find(call, scope, name).await?;
    if !decides(call, scope, &found).await? {
        let hint = "It may more than an organization can give, so the server's administrators decide over it";
        return Err(Refusal::new(Code::Forbidden).hint(hint).into());
    }
    Ok(found)
}

/// Registers an application of the organisation.
///
/// # Errors
/// `ScopeMissing`, `ClientMetadataInvalid`, `RedirectUriInvalid`; `Conflict` for a personal organisation, and where
/// there are too many.
pub async fn register(call: &Call, scope: &OrgScope, registration: Registration) -> Result<WithSecret> {
    scope.runs(WRITE, CHANGED_BY)?;
    scope.is_team()?;
    check(call, scope, &registration).await?;
    let new = NewClient { client_id: None, org: Some(scope.id()), registration };
    manage::register_within(call, new, Some(scope.clone())).await
}

/// Whether one more can be registered where there are so many.
pub(super) fn must_have_room(there: usize) -> Result<()> {
    if there >= MOST {
        return Err(Refusal::new(Code::Conflict).hint("An organization has 50 applications at most").into());
    }
    Ok(())
}

/// Changes one that is still at the version seen.
///
/// # Errors
/// As [`register`]; `NotFound`, `Forbidden`, `VersionMismatch`.
pub async fn update(
    call: &Call,
    scope: &OrgScope,
    (name, seen): (&str, i64),
    registration: Registration,
) -> Result<Client> {
    let client = own(call, scope, name).await?;
    check(call, scope, &registration).await?;
    manage::update_within(call, (client.id, seen), registration, Some(scope.clone())).await
}

/// Makes a new secret; the present ones end after `overlap`.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `Forbidden`, `Conflict` where it has none.
pub async fn rotate_secret(
    call: &Call,
    scope: &OrgScope,
    (name, overlap): (&str, Duration),
) -> Result<WithSecret> {
    let client = own(call, scope, name).await?;
    manage::rotate_within(call, client.id, overlap, Some(scope.clone())).await
}

/// Ends the secrets that were replaced and still work.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `Forbidden`.
pub async fn retire_secrets(call: &Call, scope: &OrgScope, name: &str) -> Result<Client> {
    let client = own(call, scope, name).await?;
    manage::retire_within(call, client.id, Some(scope.clone())).await
}

/// Suspends, resumes or ends one.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `Forbidden`.
pub async fn set_status(call: &Call, scope: &OrgScope, name: &str, status: Status) -> Result<Client> {
    let client = own(call, scope, name).await?;
    manage::set_status_within(call, client.id, status, Some(scope.clone())).await
}

/// The first of some scopes that the organisation cannot give to an application.
async fn beyond(call: &Call, scope: &OrgScope, wanted: &[String]) -> Result<Option<String>> {
    let wanted: Vec<String> = wanted.iter().filter(|name| !catalog::is_standard(name)).cloned().collect();
    let ask = (scope.clone(), wanted);
    let read = call.realm.db.read("clients.beyond", ask, |tx, (scope, wanted)| {
        Box::pin(async move { apis::of_org::foreign_scope(tx, scope, wanted).await })
    });
    read.await
}

/// The member that names an API which is none of the organisation's own.
async fn foreign_api(call: &Call, scope: &OrgScope, metadata: &Metadata) -> Result<Option<&'static str>> {
    let named = metadata.apis.iter().map(|name| ("apis", name));
    for (field, name) in named.chain(metadata.default_api.iter().map(|name| ("default_api", name))) {
        if apis::find(call, name).await?.is_none_or(|api| api.org != scope.id()) {
            return Ok(Some(field));
        }
    }
    Ok(None)
}

/// Refuses what reaches beyond the organisation.
async fn check(call: &Call, scope: &OrgScope, registration: &Registration) -> Result<()> {
    let metadata = &registration.metadata;
    if registration.is_first_party {
        return Err(
            bad("first_party", "People are asked whether they allow an organization's application").into()
        );
    }
    if metadata.allows_grant(ANONYMOUS) {
        return Err(bad("grant_types", "An organization's application begins with somebody's account").into());
    }
    if let Some(name) = beyond(call, scope, &metadata.scopes).await? {
        let hint = format!("{name} is neither a standard scope nor one of the organization's own APIs");
        return Err(Refusal::new(Code::ClientMetadataInvalid).field("scopes").hint(hint).into());
    }
    if let Some(field) = foreign_api(call, scope, metadata).await? {
        return Err(bad(field, "The organization has no such API").into());
    }
    let own = format!("{}.", scope.id());
    let is_foreign = |name: &String| name.starts_with("org_") && !name.starts_with(&own);
    if metadata.providers.iter().flatten().any(is_foreign) {
        return Err(bad("providers", "The organization has no such identity provider").into());
    }
    check_addresses(call, registration, &domains::proven(call, scope.id()).await?)
}

fn check_addresses(call: &Call, registration: &Registration, proven: &[String]) -> Result<()> {
    let metadata = &registration.metadata;
    let back = metadata.redirect_uris.iter().map(|uri| ("redirect_uris", uri));
    let out = metadata.post_logout_redirect_uris.iter().map(|uri| ("post_logout_redirect_uris", uri));
    for (field, uri) in back.chain(out) {
        let place = Url::parse(uri).ok();
        let is_fit =
            place.is_some_and(|url| is_this_machine(&url) || is_at(&url, proven, &call.realm.issuer));
        if !is_fit {
            let hint =
                format!("{uri} is neither at a domain that the organization has proven nor on 127.0.0.1");
            return Err(Refusal::new(Code::RedirectUriInvalid).field(field).hint(hint).into());
        }
    }
    let others = [
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
        ("jwks_uri", &metadata.jwks_uri),
        ("logo_uri", &metadata.logo_uri),
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ];
    for (field, uri) in others {
        let url = uri.as_deref().map(Url::parse);
        if url.is_some_and(|url| !url.is_ok_and(|url| is_at(&url, proven, &call.realm.issuer))) {
            return Err(bad(field, "It has to be https at a domain that the organization has proven").into());
        }
    }
    Ok(())
}

/// The machine of whoever tries the application: no answer leaves it.
fn is_this_machine(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_loopback
}

/// Whether an address is at one of these domains, and not this server's own.
fn is_at(url: &Url, proven: &[String], issuer: &str) -> bool {
    let is_ours = Url::parse(issuer).is_ok_and(|ours| ours.host() == url.host());
    let Some(Host::Domain(host)) = url.host() else { return false };
    let is_below = |domain: &String| {
        host == domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
    };
    url.scheme() == "https" && !is_ours && proven.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_at_a_proven_domain_or_on_this_machine() {
        let proven = ["acme.example".to_owned()];
        let issuer = "https://id.acme.example";
        for (address, is) in [
            ("https://acme.example/cb", true),
            ("https://app.acme.example:8443/cb", true),
            ("http://app.acme.example/cb", false),
            ("https://notacme.example/cb", false),
            ("https://acme.example.evil.example/cb", false),
            ("https://id.acme.example/cb", false),
            ("https://id.acme.example:444/cb", false),
            ("https://192.0.2.1/cb", false),
            ("com.acme.app:/cb", false),
        ] {
            assert_eq!(is_at(&Url::parse(address).unwrap(), &proven, issuer), is, "{address}");
        }
        for (address, is) in [
            ("http://127.0.0.1/cb", true),
            ("http://[::1]:80/cb", true),
            ("http://localhost:3000/cb", true),
            ("https://127.0.0.1/cb", false),
            ("http://127.0.0.1.evil.example/cb", false),
            ("http://evil.localhost.example/cb", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(address).unwrap()), is, "{address}");
        }
    }
}
