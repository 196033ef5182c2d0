//! Introspection (RFC 7662) and revocation (RFC 7009).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_core::{
    api_keys::LiveKey,
    call::Call,
    clients::Client,
    outcome::{self, Code, Refusal, refuse},
    service_tokens::{self, LiveToken},
    tokens::{self, Introspection},
};
use doorward_proto::{
    access_token::TokenUse,
    client_auth::{self, Presented},
    form::Params,
    introspect::{IntrospectionRequest, IntrospectionResponse, RefreshResponse, ServiceResponse},
    revoke::RevocationRequest,
    scope::ScopeSet,
    secret::SecretText,
    time::Time,
    token::TokenType,
};
use http::{HeaderMap, StatusCode, header};
use ipnet::IpNet;

use super::{
    body::Form,
    client::{authenticated, refused},
    refusals::{Whose, noted},
    token::{challenged, json, no_store},
};
use crate::app::Incoming;

const INTROSPECT: &str = "/oauth2/introspect";
const REVOKE: &str = "/oauth2/revoke";
/// What a service token needs to introspect for its organisation.
const SCOPE: &str = "tokens:introspect";

/// `POST /oauth2/introspect`.
pub(super) async fn introspect(
    Incoming(call): Incoming,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, Response> {
    let answer = introspected(&call, &headers, &params).await;
    answer.map(no_store).map_err(|error| challenged(&headers, error))
}

async fn introspected(call: &Call, headers: &HeaderMap, params: &Params) -> outcome::Result<Response> {
    if let Some(token) = bearer(headers, params) {
        return for_service(call, &token, params).await;
    }
    let (call, client) = authenticated(call, INTROSPECT, headers, params).await?;
    let ask = IntrospectionRequest::parse(params).map_err(|problem| refused(&problem))?;
    let found = tokens::introspect(&call, &client, ask.token.expose()).await;
    told(&call, noted(&call, INTROSPECT, Whose::of(&client), found).await?, Some(&client))
}

/// A caller's own token, where that and nothing else is presented.
fn bearer(headers: &HeaderMap, params: &Params) -> Option<SecretText> {
    let authorization = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    match client_auth::presented(authorization, params) {
        Ok(Presented::Bearer(token)) => Some(token),
        _ => None,
    }
}

async fn for_service(call: &Call, token: &SecretText, params: &Params) -> outcome::Result<Response> {
    let admitted = noted(call, INTROSPECT, Whose::default(), admitted(call, token).await).await?;
    let call = call.by(admitted.actor());
    let lacks = || Refusal::new(Code::ScopeMissing).hint(format!("Missing required scopes: {SCOPE}"));
    let allowed = if admitted.token.scopes.contains(SCOPE) { Ok(()) } else { Err(lacks().into()) };
    noted(&call, INTROSPECT, Whose::org(admitted.token.org), allowed).await?;
    let ask = IntrospectionRequest::parse(params).map_err(|problem| refused(&problem))?;
    let found = tokens::introspect_for(&call, admitted.token.org, ask.token.expose()).await?;
    told(&call, found, None)
}

async fn admitted(call: &Call, token: &SecretText) -> outcome::Result<std::sync::Arc<LiveToken>> {
    if service_tokens::may_be(call, token.expose()).await? {
        service_tokens::admit(call, token.expose()).await
    } else {
        refuse(Code::CredentialInvalid)
    }
}

fn told(call: &Call, found: Introspection, client: Option<&Client>) -> outcome::Result<Response> {
    let nowhere = || Json(IntrospectionResponse::INACTIVE).into_response();
    Ok(match found {
        Introspection::Inactive => Json(IntrospectionResponse::INACTIVE).into_response(),
        Introspection::Access(live) => json(live.introspection()?),
        Introspection::Service(live) => match live.allowed_addresses() {
            Some(allowed) => Json(of_service(call, &live, &allowed)).into_response(),
            None => nowhere(),
        },
        Introspection::Key(live) => match live.allowed_addresses() {
            Some(allowed) => Json(of_key(call, &live, &allowed)?).into_response(),
            None => nowhere(),
        },
        Introspection::Refresh { grant, issued_at, expires_at } => {
            let answer = RefreshResponse {
                active: true,
                iss: call.realm.issuer.clone(),
                sub: grant.user.to_string(),
                aud: call.realm.issuer.clone(),
                exp: expires_at.as_seconds(),
                iat: issued_at.as_seconds(),
                client_id: client.map(|client| client.client_id.clone()).unwrap_or_default(),
                scope: grant.scope.clone(),
                token_use: TokenUse::User,
                tenant_id: grant.org.to_string(),
                grant_id: grant.id.to_string(),
            };
            Json(answer).into_response()
        }
    })
}

fn of_service(call: &Call, live: &LiveToken, allowed: &[IpNet]) -> ServiceResponse {
    let token = &live.token;
    ServiceResponse {
        active: true,
        token_type: TokenType::Bearer,
        iss: call.realm.issuer.clone(),
        sub: token.lineage.to_string(),
        jti: token.id.to_string(),
        username: token.name.clone(),
        exp: live.end().map(Time::as_seconds),
        iat: token.issued_at.as_seconds(),
        scope: token.scopes.clone(),
        permissions: Vec::new(),
        token_use: TokenUse::Service,
        role: "service",
        tenant_id: token.org.to_string(),
        workspace_ids: token.workspace_ids.clone(),
        allowed_addresses: allowed.iter().map(ToString::to_string).collect(),
    }
}

fn of_key(call: &Call, live: &LiveKey, allowed: &[IpNet]) -> outcome::Result<ServiceResponse> {
    let (key, person) = (&live.key, live.holder.as_ref());
    Ok(ServiceResponse {
        active: true,
        token_type: TokenType::Bearer,
        iss: call.realm.issuer.clone(),
        sub: key.subject(),
        jti: key.id.to_string(),
        username: key.terms.name.clone(),
        exp: Some(key.expires_at.as_seconds()),
        iat: key.created_at.as_seconds(),
        scope: ScopeSet::from_names(live.scopes.iter().map(String::as_str))?,
        permissions: live.permissions.names(),
        token_use: if person.is_some() { TokenUse::User } else { TokenUse::Service },
        role: person.map_or("service", |person| person.platform_role.name()),
        tenant_id: key.org.to_string(),
        workspace_ids: key.terms.workspace_ids.clone(),
        allowed_addresses: allowed.iter().map(ToString::to_string).collect(),
    })
}

/// `POST /oauth2/revoke`: an unknown token, and somebody else's, is answered like one's own.
pub(super) async fn revoke(
    Incoming(call): Incoming,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<StatusCode, Response> {
    let revoked = async {
        let (call, client) = authenticated(&call, REVOKE, &headers, &params).await?;
        let ask = RevocationRequest::parse(&params).map_err(|problem| refused(&problem))?;
        let revoked = tokens::revoke(&call, &client, ask.token.expose()).await;
        noted(&call, REVOKE, Whose::of(&client), revoked).await
    };
    revoked.await.map(|()| StatusCode::OK).map_err(|error| challenged(&headers, error))
}
