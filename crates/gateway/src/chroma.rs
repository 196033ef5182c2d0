//! What Chroma does not do itself: it lets everybody whom it lets in into every tenant, and tells nobody theirs.
//!
//! On a route whose refusals are told in its words, the tenant in the path has to be the organisation of whoever asks,
//! unless the route takes any. What another issuer says of organisations counts where the route names its `issuers`, or
//! where no other issuer is believed at all: each could name everybody's. A request that names none there can only ask how the server is: version 1 of the API
//! has its tenant in the query, or nowhere.

use axum::body::Body;
use doorward_judge::{
    Asked, CredentialKind, Identity, Mode, Principal, Refusal, Rule, Why, path::NormalPath,
};
use doorward_sdk::dress::Errors;
use http::{HeaderValue, Method, Response, header};
use serde_json::{Value, json};

use crate::{Origin, Route, validate};

/// Where a client asks who it is.
const IDENTITY: &str = "/api/v2/auth/identity";
/// What is nobody's in particular, when it is read.
const NOBODYS: [&str; 10] = [
    IDENTITY,
    "/api/v2",
    "/api/v2/heartbeat",
    "/api/v2/healthcheck",
    "/api/v2/version",
    "/api/v2/pre-flight-checks",
    "/api/v1",
    "/api/v1/heartbeat",
    "/api/v1/version",
    "/api/v1/pre-flight-checks",
];

/// Whether everybody has to stay in their own tenant.
const fn keeps_tenants(route: &Route) -> bool {
    matches!(route.errors, Errors::Chroma) && !route.any_tenant
}

/// Whether somebody who is let through asks for what is theirs.
///
/// # Errors
/// `Forbidden` for another tenant; `MissingToken` for nobody's; `RequestNotDescribed` when it is not known what is
/// asked for.
pub(crate) fn check(
    (rule, route): (&Rule, &Route),
    principal: Option<&Principal>,
    asked: Option<Asked<'_>>,
) -> Result<(), Refusal> {
    if !keeps_tenants(route) || rule.mode() == Mode::Disabled {
        return Ok(());
    }
    let forbidden = |hint: &str| Err(Refusal::new(Why::Forbidden).hint(hint));
    let Some(Asked { method, path, .. }) = asked else {
        let hint = "The route keeps tenants apart, so the request has to be described";
        return Err(Refusal::new(Why::RequestNotDescribed).hint(hint));
    };
    if matches!(method, "GET" | "HEAD") && NOBODYS.contains(&path) {
        return Ok(());
    }
    let Some(tenant) = path.strip_prefix("/api/v2/tenants/").and_then(|rest| rest.split('/').next()) else {
        return forbidden("The request names no tenant; that takes a route with any_tenant = true");
    };
    let Some(principal) = principal else { return Err(Why::MissingToken.into()) };
    let own = tenant_of((rule, route), principal).and_then(spelled);
    if own.is_some_and(|own| own == tenant) {
        return Ok(());
    }
    forbidden("The tenant is another one than the credential's")
}

/// The organisation of whoever asks, where whoever says so is to be believed in that.
pub(crate) fn tenant_of<'p>((rule, route): (&Rule, &Route), principal: &'p Principal) -> Option<&'p str> {
    let is_foreign = principal.credential == CredentialKind::Jwt;
    let is_believed = !is_foreign || rule.names_issuers() || route.has_one_issuer;
    principal.identity.organization.as_deref().filter(|_| is_believed)
}

/// A name as a path has it in its normal form.
fn spelled(name: &str) -> Option<String> {
    let escaped: Vec<String> = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let path = NormalPath::read(&format!("/{}", escaped.concat())).ok()?;
    path.as_str().strip_prefix('/').filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whether a client asks who it is, which Chroma would not know.
pub(crate) fn asks_who(route: &Route, method: &Method, path: &NormalPath) -> bool {
    keeps_tenants(route) && *method == Method::GET && path.as_str() == IDENTITY
}

/// Tells a client who it is, in Chroma's words.
pub(crate) fn told(of: (&Rule, &Route), principal: Option<&Principal>, origin: &Origin) -> Response<Body> {
    let said = identity(principal.map(|principal| (&principal.identity, tenant_of(of, principal))));
    let mut response = Response::new(Body::from(said.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    validate::finish(response.headers_mut(), origin);
    response
}

fn identity(of: Option<(&Identity, Option<&str>)>) -> Value {
    let Some((identity, tenant)) = of else {
        return json!({ "user_id": "", "tenant": null, "databases": null, "attributes": null });
    };
    let databases: Vec<&str> = identity.workspaces.iter().collect();
    let databases = Some(databases).filter(|names| !names.is_empty());
    let attributes = json!({ "role": identity.role, "scopes": identity.scopes });
    json!({ "user_id": identity.subject, "tenant": tenant, "databases": databases,
        "attributes": attributes })
}

#[cfg(test)]
mod tests;
