//! Userinfo (OpenID Connect Core 5.3): by GET, by POST with the token in the header or in the body.

use axum::{
    extract::{FromRequest as _, Request, State},
    response::{IntoResponse, Response},
};
use doorward_core::{
    call::Call,
    outcome::{Code, Error, Refusal, Result, refuse},
    tokens,
};
use doorward_proto::secret::SecretText;
use http::{HeaderMap, HeaderValue, Uri, header};

use super::{
    body::{Form, is_form},
    client::refused,
    metadata::resource_realm,
    proof,
    refusals::{Whose, noted},
};
use crate::{
    app::{App, Incoming},
    presented::{self, Scheme},
    surface::{Failure, wire_of},
};

/// `GET /oauth2/userinfo`.
pub(super) async fn get(Incoming(call): Incoming, uri: Uri, headers: HeaderMap) -> Response {
    answer(&call, ("GET", &uri), &headers, Ok(None)).await
}

/// `POST /oauth2/userinfo`.
pub(super) async fn post(
    State(app): State<App>,
    Incoming(call): Incoming,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let in_body = in_body(&app, &headers, request).await;
    answer(&call, ("POST", &uri), &headers, in_body).await
}

/// The token of a form; a body of any other kind holds none (RFC 6750 2.2), and is not read.
async fn in_body(app: &App, headers: &HeaderMap, request: Request) -> Result<Option<String>> {
    if !is_form(headers) {
        return Ok(None);
    }
    let Form(params) = Form::from_request(request, app).await.map_err(|failure| failure.0)?;
    let token = params.one("access_token").map_err(|problem| refused(&problem))?;
    Ok(token.map(str::to_owned))
}

async fn answer(
    call: &Call,
    request: (&str, &Uri),
    headers: &HeaderMap,
    in_body: Result<Option<String>>,
) -> Response {
    let outcome = userinfo(call, request, headers, in_body).await;
    let answer = match noted(call, "/oauth2/userinfo", Whose::default(), outcome).await {
        Ok(json) => {
            let mut response = super::token::json(json);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => challenged(call, error),
    };
    proof::with_nonce(call, headers, answer)
}

async fn userinfo(
    call: &Call,
    request: (&str, &Uri),
    headers: &HeaderMap,
    in_body: Result<Option<String>>,
) -> Result<std::sync::Arc<str>> {
    let (scheme, token) = credential(headers, in_body?)?;
    let live = tokens::verify(call, token.expose()).await?;
    match (live.jkt(), scheme) {
        (None, Scheme::Bearer) => {}
        (Some(jkt), Scheme::Dpop) => {
            let proven = proof::proven(call, headers, request, Some(token.expose())).await?;
            if proven.as_deref() != Some(jkt) {
                return refuse(Code::DpopInvalid);
            }
        }
        _ => return refuse(Code::CredentialInvalid),
    }
    live.allows(call.origin.address)?;
    tokens::userinfo(call, &live).await
}

/// The one token of a request (RFC 6750 2: never in two ways at once).
fn credential(headers: &HeaderMap, in_body: Option<String>) -> Result<(Scheme, SecretText)> {
    match (headers.contains_key(header::AUTHORIZATION), in_body) {
        (true, Some(_)) => Err(Refusal::new(Code::RequestInvalid).hint("Send one token in one way").into()),
        (false, Some(token)) => Ok((Scheme::Bearer, token.as_str().into())),
        (_, None) => match presented::in_header(headers)? {
            Some(presented) => Ok(presented),
            None => refuse(Code::CredentialMissing),
        },
    }
}

/// RFC 6750 3 and RFC 9449 7.1: the refusal, with the challenge that says how to do better.
fn challenged(call: &Call, error: Error) -> Response {
    let challenge = match &error {
        Error::Refused(refusal) => Some(challenge(&call.realm.issuer, refusal)),
        Error::Fault(_) => None,
    };
    let mut error = error;
    if let Error::Refused(refusal) = &mut error
        && matches!(refusal.code, Code::DpopInvalid | Code::DpopNonceRequired)
    {
        refusal.hint = wire_of(refusal.code).title.into();
    }
    let mut response = Failure::from(error).into_response();
    if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        if let Ok(nonce) = HeaderValue::from_str(&tokens::fresh_nonce(call)) {
            response.headers_mut().insert(proof::DPOP_NONCE, nonce);
        }
    }
    response
}

fn challenge(issuer: &str, refusal: &Refusal) -> String {
    let (error, realm) = (wire_of(refusal.code).oauth, resource_realm(issuer));
    let algs = "algs=\"ES256 RS256 EdDSA\"";
    match refusal.code {
        Code::CredentialMissing | Code::CredentialScheme => {
            format!("Bearer {realm}, scope=\"openid\", DPoP {realm}, {algs}")
        }
        Code::DpopInvalid | Code::DpopNonceRequired => format!("DPoP {realm}, error=\"{error}\", {algs}"),
        Code::ScopeMissing => format!("Bearer {realm}, error=\"{error}\", scope=\"openid\""),
        _ => format!("Bearer {realm}, error=\"{error}\""),
    }
}
