//! The token endpoint (RFC 6749 3.2) and pushed authorization requests (RFC 9126).

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use doorward_core::{
    authorize,
    call::Call,
    clients::Client,
    grants::{self, Tokens},
    outcome::{Code, Error, Refusal, Result},
};
use doorward_proto::{
    form::Params,
    par::PushedResponse,
    token::{Grant, Target, TokenRequest, TokenRequestError, TokenResponse, TokenType},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::{
    body::Form,
    client::{authenticated, refused},
    proof,
    refusals::{Whose, noted},
};
use crate::{
    app::Incoming,
    surface::{Failure, wire_of},
};

const TOKEN: &str = "/oauth2/token";
const PAR: &str = "/oauth2/par";

/// `POST /oauth2/token`.
pub(super) async fn token(
    Incoming(call): Incoming,
    uri: Uri,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let answer = grant(&call, &uri, &headers, &params).await.map(no_store);
    proof::with_nonce(&call, &headers, answer.map_err(|error| challenged(&headers, error)))
}

async fn grant(call: &Call, uri: &Uri, headers: &HeaderMap, params: &Params) -> Result<Json<TokenResponse>> {
    let (call, client) = authenticated(call, TOKEN, headers, params).await?;
    let granted = granted(&call, &client, uri, headers, params).await;
    noted(&call, TOKEN, Whose::of(&client), granted).await
}

async fn granted(
    call: &Call,
    client: &Arc<Client>,
    uri: &Uri,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Json<TokenResponse>> {
    let jkt = proof::proven(call, headers, ("POST", uri), None).await?;
    if jkt.is_none() && client.metadata.dpop_bound_access_tokens {
        return Err(Refusal::new(Code::DpopInvalid).hint("This client must send a DPoP proof").into());
    }
    let request = TokenRequest::parse(params).map_err(|error| match error {
        TokenRequestError::UnsupportedGrant(name) => {
            let hint = format!("Unknown grant type: {name}");
            Refusal::new(Code::GrantUnsupported).hint(hint).field("grant_type").into()
        }
        TokenRequestError::Problem(problem) => refused(&problem),
    })?;
    let kind = grant_of(&request).as_str();
    let tokens = match request {
        TokenRequest::AuthorizationCode(ask) => {
            let ask = grants::code::CodeAsk {
                code: ask.code.expose().to_owned(),
                redirect_uri: ask.redirect_uri,
                verifier: ask.code_verifier,
                device: ask.device_name,
                resources: resources(&ask.target)?,
                jkt,
            };
            grants::code::redeem(call, client, ask).await?
        }
        TokenRequest::RefreshToken(ask) => {
            let ask = grants::refresh::RefreshAsk {
                token: ask.refresh_token.expose().to_owned(),
                resources: resources(&ask.target)?,
                scope: ask.target.scope,
                jkt,
            };
            grants::refresh::rotate(call, client, ask).await?
        }
        TokenRequest::ClientCredentials(ask) => {
            let ask = grants::client::ClientAsk {
                resources: resources(&ask.target)?,
                scope: ask.target.scope,
                jkt,
            };
            grants::client::issue(call, client, ask).await?
        }
        TokenRequest::Anonymous(ask) => {
            let ask = grants::anonymous::AnonymousAsk {
                resources: resources(&ask.target)?,
                scope: ask.target.scope,
                device: ask.device_name,
                jkt,
            };
            grants::anonymous::begin(call, client, ask).await?
        }
    };
    metrics::counter!("doorward_tokens_issued_total", "grant" => kind).increment(1);
    Ok(Json(wire(tokens)))
}

const fn grant_of(request: &TokenRequest) -> Grant {
    match request {
        TokenRequest::AuthorizationCode(_) => Grant::AuthorizationCode,
        TokenRequest::RefreshToken(_) => Grant::RefreshToken,
        TokenRequest::ClientCredentials(_) => Grant::ClientCredentials,
        TokenRequest::Anonymous(_) => Grant::Anonymous,
    }
}

fn resources(target: &Target) -> Result<Vec<String>> {
    if target.authorization_details.is_some() {
        return Err(Refusal::new(Code::AuthorizationDetailsInvalid).field("authorization_details").into());
    }
    let mut resources: Vec<String> =
        target.resource.iter().map(|resource| resource.as_str().to_owned()).collect();
    if let Some(audience) = &target.audience
        && !resources.contains(audience)
    {
        resources.push(audience.clone());
    }
    Ok(resources)
}

fn wire(tokens: Tokens) -> TokenResponse {
    TokenResponse {
        access_token: tokens.access_token,
        token_type: if tokens.is_dpop { TokenType::DPoP } else { TokenType::Bearer },
        expires_in: tokens.expires_in.as_secs(),
        refresh_token: tokens.refresh_token.map(|token| token.expose().to_owned()),
        id_token: tokens.id_token,
        scope: Some(tokens.scope),
        authorization_details: None,
    }
}

/// `POST /oauth2/par`.
pub(super) async fn push(
    Incoming(call): Incoming,
    uri: Uri,
    headers: HeaderMap,
    Form(params): Form,
) -> Response {
    let answer = pushed(&call, &uri, &headers, &params).await.map(no_store);
    proof::with_nonce(&call, &headers, answer.map_err(|error| challenged(&headers, error)))
}

async fn pushed(call: &Call, uri: &Uri, headers: &HeaderMap, params: &Params) -> Result<Response> {
    let (call, client) = authenticated(call, PAR, headers, params).await?;
    let pushed = async {
        let jkt = proof::proven(&call, headers, ("POST", uri), None).await?;
        authorize::push(&call, &client, params, jkt).await
    };
    let pushed = noted(&call, PAR, Whose::of(&client), pushed.await).await?;
    let body = PushedResponse { request_uri: pushed.request_uri, expires_in: pushed.expires_in.as_secs() };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// An answer that was written once and is handed out from memory.
pub(super) fn json(text: Arc<str>) -> Response {
    let mut response = Response::new(Body::from(Bytes::from_owner(SharedText(text))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

struct SharedText(Arc<str>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// RFC 6749 5.1: answers with tokens are never stored.
pub(super) fn no_store(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// RFC 6749 5.2: a client that tried the `Authorization` header is challenged in it.
pub(super) fn challenged(headers: &HeaderMap, error: Error) -> Response {
    let is_client =
        matches!(error.code(), Some(Code::ClientAuthentication | Code::ClientUnknown | Code::ClientAddress));
    // A caller with a token of its own (RFC 6750 3).
    let of_token = error.code().map(|code| wire_of(code).oauth);
    let of_token = of_token.filter(|error| matches!(*error, "invalid_token" | "insufficient_scope"));
    let mut response = Failure::from(error).into_response();
    if is_client && headers.contains_key(header::AUTHORIZATION) {
        let challenge = HeaderValue::from_static("Basic realm=\"doorward\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(error) = of_token {
        let challenge = HeaderValue::try_from(format!("Bearer realm=\"doorward\", error=\"{error}\""));
        challenge.map(|value| response.headers_mut().insert(header::WWW_AUTHENTICATE, value)).ok();
    }
    response
}
