//! `/validate`: thirteen headers that say who it is, the last of them signed.
//!
//! A credential that was seen before is found in the map; at first sight its signature is verified. The signed
//! word is made once for each client.

use data_encoding::BASE64URL_NOPAD;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::{
    Response,
    header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue},
};

use super::{
    State, grants,
    routes::{Answer, status},
    store::{Client, Entry, key},
};

/// What is said of everybody.
const SAID: [(HeaderName, HeaderValue); 10] = [
    (HeaderName::from_static("x-user-id"), HeaderValue::from_static("cli_01jdcz7k8m4nqw9v3x2t6r5y1a")),
    (HeaderName::from_static("x-user-email"), HeaderValue::from_static("")),
    (HeaderName::from_static("x-user-roles"), HeaderValue::from_static("reader,writer")),
    (HeaderName::from_static("x-user-scopes"), HeaderValue::from_static("openid email")),
    (HeaderName::from_static("x-user-role"), HeaderValue::from_static("service")),
    (HeaderName::from_static("x-tenant-id"), HeaderValue::from_static("org_01jdcz7k8m4nqw9v3x2t6r5y1a")),
    (HeaderName::from_static("x-workspace-ids"), HeaderValue::from_static("ws-analytics")),
    (HeaderName::from_static("x-auth-type"), HeaderValue::from_static("access_token")),
    (HeaderName::from_static("x-client-id"), HeaderValue::from_static("machine-es256")),
    (HeaderName::from_static("x-request-id"), HeaderValue::from_static("req_01jdcz7k8m4nqw9v3x2t6r5y1a")),
];
const ASSERTION: HeaderName = HeaderName::from_static("x-doorward-assertion");
const TOKEN_ID: HeaderName = HeaderName::from_static("x-token-id");

pub(super) fn answer(state: &State, headers: &HeaderMap) -> Answer {
    let token = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
    let Some(client) = token.and_then(|token| holder(state, token)) else {
        return status(StatusCode::UNAUTHORIZED);
    };
    let mut answer = Response::new(Full::default());
    let headers = answer.headers_mut();
    headers.extend(SAID);
    headers.insert(TOKEN_ID, HeaderValue::from_static(client.id));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ASSERTION, state.assertion.clone());
    answer
}

fn holder(state: &State, token: &str) -> Option<&'static Client> {
    let key = key(token);
    let now = grants::now();
    match state.store.find(&key)? {
        Entry::Seen { client, expires } if expires > now => Some(client),
        Entry::Access { client, expires } if expires > now => {
            let (signed, signature) = token.rsplit_once('.')?;
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
            if !state.signer.verifies_es256(signed.as_bytes(), &signature) {
                return None;
            }
            state.store.insert(key, Entry::Seen { client, expires });
            Some(client)
        }
        _ => None,
    }
}
