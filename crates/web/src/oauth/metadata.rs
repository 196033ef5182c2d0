//! Discovery (RFC 8414, OpenID Connect Discovery), the JWKS, and what the server says of itself as a
//! protected resource (RFC 9728), open to every origin.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{
    apis::{self, catalog},
    authorize::RESPONSE_MODES,
    call::Call,
    clients::AuthMethod,
    credentials, keys,
    outcome::Code,
    tokens,
};
use doorward_proto::{
    authorize::{Display, Prompt},
    jose::Alg,
    metadata::Metadata,
    token::Grant,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery};
use serde_json::json;

use crate::{api::access_metadata, app::App, surface::Failure};

/// The documents, under every path form and alias.
pub(super) fn routes() -> Router<App> {
    let mut router = Router::new();
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/api/auth/.well-known/openid-configuration",
        "/api/auth/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/api/auth",
        "/.well-known/oauth-authorization-server/api/auth",
    ] {
        router = router.route(path, get(metadata));
    }
    router
        .route("/.well-known/jwks.json", get(jwks))
        .route("/api/auth/jwks", get(jwks))
        .route("/.well-known/authzen-configuration", get(decisions))
        .route(PROTECTED_RESOURCE, get(resource))
        .route(&format!("{PROTECTED_RESOURCE}/{{*path}}"), get(resource_below))
}

const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// `realm` and `resource_metadata` of a challenge by the API or userinfo.
pub(crate) fn resource_realm(issuer: &str) -> String {
    format!("realm=\"doorward\", resource_metadata=\"{issuer}{PROTECTED_RESOURCE}\"")
}

/// The API and userinfo as one resource: what tokens for the issuer itself are good for.
async fn resource(State(app): State<App>) -> Response {
    let issuer = &app.realm.issuer;
    let own = catalog::announced().map(|(scope, _)| scope);
    let scopes: Vec<&str> = std::iter::once("openid").chain(own).collect();
    open(Json(json!({
        "resource": issuer,
        "authorization_servers": [issuer],
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "scopes_supported": scopes,
        // In the body at userinfo, in the header everywhere.
        "bearer_methods_supported": ["header", "body"],
        "dpop_signing_alg_values_supported": names(Alg::ALL, Alg::as_str),
        "resource_name": "Doorward",
    })))
}

/// An API that is known by an address below the issuer's (RFC 9728 3.1): where its tokens come from, and its
/// scopes. What else it can do it has to tell itself.
async fn resource_below(State(app): State<App>, uri: Uri) -> Result<Response, Failure> {
    let asked = uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let issuer = &app.realm.issuer;
    let identifier = format!("{issuer}{}", asked.strip_prefix(PROTECTED_RESOURCE).unwrap_or_default());
    let Some(api) = apis::find(&Call::system(&app.realm), &identifier).await? else {
        return Err(Code::NotFound.into());
    };
    let scopes: Vec<&str> = api.scopes.iter().map(|scope| scope.name.as_str()).collect();
    Ok(open(Json(json!({
        "resource": api.identifier,
        "authorization_servers": [issuer],
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
        "resource_name": api.name,
    }))))
}

/// Where it is asked whether the gateway would let somebody do something (Authorization API 1.0).
async fn decisions(State(app): State<App>) -> Result<Response, Failure> {
    if app.settings.routing.is_none() {
        return Err(Code::NotFound.into());
    }
    Ok(open(Json(access_metadata(&app.realm.issuer))))
}

async fn metadata(State(app): State<App>) -> Response {
    open(Json(document(&app.realm.issuer)))
}

/// A document that everybody may read for a while.
fn open(document: impl IntoResponse) -> Response {
    let mut response = document.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn names<T>(all: impl IntoIterator<Item = T>, name: impl Fn(T) -> &'static str) -> Vec<String> {
    all.into_iter().map(|one| name(one).to_owned()).collect()
}

/// What this server can do, and nothing that it cannot.
pub(crate) fn document(issuer: &str) -> Metadata {
    let at = |path: &str| Some(format!("{issuer}{path}"));
    let algs = || names(Alg::ALL, Alg::as_str);
    let methods = || names(AuthMethod::ALL, AuthMethod::name);
    let confidential: Vec<String> = methods().into_iter().filter(|method| method != "none").collect();
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at("/oauth2/authorize"),
        token_endpoint: at("/oauth2/token"),
        jwks_uri: at("/.well-known/jwks.json"),
        userinfo_endpoint: at("/oauth2/userinfo"),
        introspection_endpoint: at("/oauth2/introspect"),
        revocation_endpoint: at("/oauth2/revoke"),
        pushed_authorization_request_endpoint: at("/oauth2/par"),
        end_session_endpoint: at("/oauth2/logout"),
        scopes_supported: names(
            ["openid", "profile", "email", "address", "phone", "offline_access"],
            std::convert::identity,
        ),
        claims_supported: [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "azp",
            "sid",
        ]
        .into_iter()
        .chain(tokens::supported_claims())
        .map(str::to_owned)
        .collect(),
        response_types_supported: vec!["code".to_owned()],
        response_modes_supported: names(RESPONSE_MODES, doorward_proto::authorize::ResponseMode::as_str),
        grant_types_supported: names(Grant::ALL.iter().copied(), Grant::as_str),
        prompt_values_supported: names(Prompt::ALL.iter().copied(), Prompt::as_str),
        display_values_supported: names(Display::ALL.iter().copied(), Display::as_str),
        acr_values_supported: names(credentials::ACR_VALUES, std::convert::identity),
        claim_types_supported: vec!["normal".to_owned()],
        subject_types_supported: vec!["public".to_owned()],
        code_challenge_methods_supported: vec!["S256".to_owned()],
        id_token_signing_alg_values_supported: algs(),
        token_endpoint_auth_methods_supported: methods(),
        token_endpoint_auth_signing_alg_values_supported: algs(),
        introspection_endpoint_auth_methods_supported: confidential.clone(),
        introspection_endpoint_auth_signing_alg_values_supported: algs(),
        revocation_endpoint_auth_methods_supported: methods(),
        revocation_endpoint_auth_signing_alg_values_supported: algs(),
        dpop_signing_alg_values_supported: algs(),
        authorization_response_iss_parameter_supported: true,
        claims_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        ui_locales_supported: vec!["en".to_owned()],
        ..Metadata::default()
    }
}

async fn jwks(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let keys = keys::current(&Call::system(&app.realm)).await?;
    let etag = HeaderValue::from_str(keys.etag()).ok();
    let is_known = etag.is_some() && headers.get(header::IF_NONE_MATCH) == etag.as_ref();
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static("application/jwk-set+json");
        let mut response = keys.jwks().to_string().into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    let headers = response.headers_mut();
    if let Some(etag) = etag {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}
