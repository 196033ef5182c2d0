//! Introspection (RFC 7662) and revocation (RFC 7009).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use doorward_core::{
    call::Call,
    outcome,
    tokens::{self, Introspection},
};
use doorward_proto::{
    access_token::TokenUse,
    form::Params,
    introspect::{IntrospectionRequest, IntrospectionResponse, RefreshResponse},
    revoke::RevocationRequest,
};
use http::{HeaderMap, StatusCode};

use super::{
    body::Form,
    client::{authenticated, refused},
    refusals::noted,
    token::{challenged, json, no_store},
};
use crate::app::Incoming;

const INTROSPECT: &str = "/oauth2/introspect";
const REVOKE: &str = "/oauth2/revoke";

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
    let (call, client) = authenticated(call, INTROSPECT, headers, params).await?;
    let ask = IntrospectionRequest::parse(params).map_err(|problem| refused(&problem))?;
    let found = tokens::introspect(&call, &client, ask.token.expose()).await;
    Ok(match noted(&call, INTROSPECT, Some(client.id), found).await? {
        Introspection::Inactive => Json(IntrospectionResponse::INACTIVE).into_response(),
        Introspection::Access(live) => json(live.introspection()?),
        Introspection::Refresh { grant, issued_at, expires_at } => {
            let answer = RefreshResponse {
                active: true,
                iss: call.realm.issuer.clone(),
                sub: grant.user.to_string(),
                aud: call.realm.issuer.clone(),
                exp: expires_at.as_seconds(),
                iat: issued_at.as_seconds(),
                client_id: client.client_id.clone(),
                scope: grant.scope.clone(),
                token_use: TokenUse::User,
                tenant_id: grant.org.to_string(),
                grant_id: grant.id.to_string(),
            };
            Json(answer).into_response()
        }
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
        noted(&call, REVOKE, Some(client.id), revoked).await
    };
    revoked.await.map(|()| StatusCode::OK).map_err(|error| challenged(&headers, error))
}
