//! The routes, answered with as little as a client can work with.

use std::{convert::Infallible, sync::Arc};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE,
    },
};
use serde::Deserialize;

use super::{
    State, grants,
    store::{CLIENTS, Client, Entry, Key, key, secret},
    validate,
};

pub(super) type Answer = Response<Full<Bytes>>;

/// What an authorization request must say here.
#[derive(Deserialize)]
struct Authorize {
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
}

#[derive(Deserialize)]
struct SignIn {
    password: String,
}

pub(super) async fn answer(
    state: &Arc<State>,
    request: Request<Incoming>,
) -> std::result::Result<Answer, Infallible> {
    Ok(route(state, request).await.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)))
}

async fn route(state: &State, request: Request<Incoming>) -> Result<Answer> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/healthz") => Ok(plain("ok")),
        (&Method::GET, "/.well-known/jwks.json") => Ok(json(state.signer.jwks().to_owned())),
        (&Method::POST, "/oauth2/token") => {
            let Some(client) = client(state, &head.headers) else {
                return Ok(status(StatusCode::UNAUTHORIZED));
            };
            let body = body.collect().await?.to_bytes();
            let issued = grants::issue(state, client, &body).await?;
            Ok(issued.map_or_else(|| status(StatusCode::BAD_REQUEST), json))
        }
        (&Method::POST, "/oauth2/introspect") => {
            if client(state, &head.headers).is_none() {
                return Ok(status(StatusCode::UNAUTHORIZED));
            }
            let body = body.collect().await?.to_bytes();
            Ok(json(grants::introspect(state, &body)?))
        }
        (&Method::GET, "/oauth2/userinfo") => Ok(userinfo(state, &head.headers)),
        (&Method::GET, "/validate") => Ok(validate::answer(state, &head.headers)),
        (&Method::GET, "/oauth2/authorize") => {
            let session = session(&head.headers).and_then(|key| state.store.find(&key));
            if !matches!(session, Some(Entry::Session)) {
                return Ok(form(head.uri.path_and_query().map_or("/", |p| p.as_str())));
            }
            code(state, head.uri.query().unwrap_or_default()).await
        }
        (&Method::POST, "/oauth2/authorize") => {
            let body = body.collect().await?.to_bytes();
            let Some(cookie) = sign_in(state, &body).await? else {
                return Ok(status(StatusCode::UNAUTHORIZED));
            };
            let mut answer = code(state, head.uri.query().unwrap_or_default()).await?;
            answer.headers_mut().insert(SET_COOKIE, cookie);
            Ok(answer)
        }
        (&Method::GET, "/sign-in") => Ok(form("/sign-in")),
        (&Method::POST, "/sign-in") => {
            let body = body.collect().await?.to_bytes();
            let Some(cookie) = sign_in(state, &body).await? else {
                return Ok(status(StatusCode::UNAUTHORIZED));
            };
            let mut answer = redirect("/");
            answer.headers_mut().insert(SET_COOKIE, cookie);
            Ok(answer)
        }
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

fn client(state: &State, headers: &HeaderMap) -> Option<&'static Client> {
    let credential = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    match state.store.find(&key(credential))? {
        Entry::Client(client) => Some(client),
        _ => None,
    }
}

fn userinfo(state: &State, headers: &HeaderMap) -> Answer {
    let token = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
    match token.and_then(|token| state.store.find(&key(token))) {
        Some(Entry::Access { expires, .. }) if expires > grants::now() => json(
            r#"{"sub":"usr_ceiling","email":"one@example.test","email_verified":true,"name":"One"}"#
                .to_owned(),
        ),
        _ => status(StatusCode::UNAUTHORIZED),
    }
}

fn session(headers: &HeaderMap) -> Option<Key> {
    headers.get(COOKIE)?.to_str().ok()?.strip_prefix("ceiling=").map(key)
}

/// Checks the password; the cookie of a new session when it is right.
async fn sign_in(state: &State, body: &[u8]) -> Result<Option<HeaderValue>> {
    let asked: SignIn = serde_urlencoded::from_bytes(body)?;
    if !state.hasher.verify(asked.password).await? {
        return Ok(None);
    }
    let (cookie, key) = secret();
    grants::record(state, "session").await?;
    state.store.insert(key, Entry::Session);
    Ok(Some(HeaderValue::try_from(format!("ceiling={cookie}; Path=/; HttpOnly; SameSite=Lax"))?))
}

async fn code(state: &State, query: &str) -> Result<Answer> {
    let Ok(asked) = serde_urlencoded::from_str::<Authorize>(query) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let challenge = data_encoding::BASE64URL_NOPAD.decode(asked.code_challenge.as_bytes());
    let challenge = challenge.ok().and_then(|bytes| Key::try_from(bytes).ok());
    let (Some(challenge), Some(client)) = (challenge, CLIENTS.iter().find(|c| c.id == asked.client_id))
    else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let (code, key) = secret();
    grants::record(state, client.id).await?;
    state.store.insert(key, Entry::Code { client, challenge });
    Ok(redirect(&format!("{}?code={code}&state={}", asked.redirect_uri, asked.state)))
}

fn form(action: &str) -> Answer {
    let action = action.replace('&', "&amp;");
    let page = format!(
        "<!doctype html><title>Sign in</title><form method=post action=\"{action}\">\
         <input type=password name=password><button>Sign in</button></form>"
    );
    typed(page, "text/html; charset=utf-8")
}

fn plain(body: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

fn json(body: String) -> Answer {
    typed(body, "application/json")
}

fn typed(body: String, content_type: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn redirect(to: &str) -> Answer {
    let Ok(to) = HeaderValue::try_from(to) else { return status(StatusCode::BAD_REQUEST) };
    let mut answer = status(StatusCode::FOUND);
    answer.headers_mut().insert(LOCATION, to);
    answer
}

pub(super) fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
