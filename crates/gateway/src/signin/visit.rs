//! To the issuer and back: RFC 6749 4.1 with PKCE (RFC 7636) and the issuer's name in the answer (RFC 9207).
//!
//! The `state` is sealed and says for which browser, host and page it was made; so nobody can have somebody else
//! signed in as themselves, nor have them sent anywhere but to that page.

use axum::body::Body;
use doorward_judge::{Refusal, Why};
use doorward_proto::{
    jose::{encode_base64url, sha256_base64url},
    time::Time,
};
use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    CALLBACK, Desk, Site,
    cookie::{self, Jar, Session},
};

/// Seconds in which somebody signs in.
const PATIENCE: i64 = 30 * 60;
/// Where states are opened.
const STATE: &str = "state";
/// A cookie is not kept longer than this, whatever the issuer says.
const LONGEST: i64 = 7 * 24 * 60 * 60;

/// Why it went no further, in words for whoever sits there.
pub(super) struct Failed(pub(super) Refusal);

/// What is sealed in `state`.
#[derive(Serialize, Deserialize)]
struct State {
    /// The host.
    h: String,
    /// The page.
    p: String,
    /// The verifier of PKCE.
    v: String,
    /// The hash of the browser's name.
    b: String,
    /// When it ends.
    e: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

fn unavailable() -> Failed {
    Failed(Why::Unavailable.into())
}

fn wrong(hint: &str) -> Failed {
    Failed(Refusal::new(Why::RequestInvalid).hint(hint))
}

/// Sends a browser to the issuer.
pub(super) async fn begin(
    desk: &Desk,
    site: Site<'_>,
    (headers, page): (&HeaderMap, &str),
    now: Time,
) -> Result<Response<Body>, Failed> {
    let callback = format!("{}{CALLBACK}", site.origin());
    (desk.way.admit)(callback.clone()).await.map_err(|why| {
        tracing::warn!(host = site.host, why, "nobody can be signed in at this host");
        unavailable()
    })?;
    // Several pages may be opened at once: they share what the browser is known by.
    let kept = Jar::Try.read(headers, site).filter(|name| name.len() == 22);
    let name = match kept {
        Some(name) => name.to_owned(),
        None => encode_base64url(&cookie::random::<16>().ok_or_else(unavailable)?),
    };
    let verifier = encode_base64url(&cookie::random::<32>().ok_or_else(unavailable)?);
    let challenge = sha256_base64url(verifier.as_bytes());
    let state = State {
        h: site.origin(),
        p: page.to_owned(),
        v: verifier,
        b: sha256_base64url(name.as_bytes()),
        e: now.as_seconds() + PATIENCE,
    };
    let state = desk.sealer.seal(STATE, &state).ok_or_else(unavailable)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &desk.way.client_id)
        .append_pair("redirect_uri", &callback)
        .append_pair("scope", "openid profile email")
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let mut response =
        super::redirect(&format!("{}?{query}", desk.way.authorization_endpoint)).ok_or_else(unavailable)?;
    let kept = Jar::Try.set(site, &name, PATIENCE).ok_or_else(unavailable)?;
    response.headers_mut().append(header::SET_COOKIE, kept);
    Ok(response)
}

/// Takes the issuer's answer, and sends the browser to its page.
pub(super) async fn finish(
    desk: &Desk,
    site: Site<'_>,
    request: &Parts,
    now: Time,
) -> Result<Response<Body>, Failed> {
    let query = request.uri.query().unwrap_or_default();
    let one = |wanted: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        let value = values.next().map(|(_, value)| value.into_owned());
        value.filter(|_| values.next().is_none())
    };
    let again = "Open the page that you wanted to see again";
    let state: Option<State> = one("state").and_then(|state| desk.sealer.open(STATE, &state));
    let state = state.filter(|state| state.h == site.origin() && now.as_seconds() < state.e);
    let state = state.ok_or_else(|| wrong(again))?;
    let browser = Jar::Try.read(&request.headers, site).map(|name| sha256_base64url(name.as_bytes()));
    if browser.as_deref() != Some(state.b.as_str()) {
        return Err(wrong("It was another browser that was sent to sign in"));
    }
    if one("iss").as_deref() != Some(desk.way.issuer.as_str()) {
        return Err(wrong("The answer is from another issuer"));
    }
    if let Some(error) = one("error") {
        tracing::info!(host = site.host, error, "nobody was signed in");
        return Err(Failed(Refusal::new(Why::Forbidden).hint(again)));
    }
    let code = one("code").ok_or_else(|| wrong(again))?;
    let granted = redeem(desk, site, (&code, &state.v), now).await?;
    let ends_in = granted.expires_in.unwrap_or(600).clamp(1, LONGEST);
    let (since, until) = (now.as_seconds(), now.as_seconds() + ends_in);
    let session = Session { t: granted.access_token, i: since, e: until };
    let sealed = desk.sealer.seal(&cookie::gate(site), &session).ok_or_else(unavailable)?;
    let mut response = super::redirect(&state.p).ok_or_else(|| wrong(again))?;
    *response.status_mut() = StatusCode::SEE_OTHER;
    // What the browser is known by stays: another page of it may still be on its way.
    let kept = Jar::Gate.set(site, &sealed, ends_in).ok_or_else(unavailable)?;
    response.headers_mut().append(header::SET_COOKIE, kept);
    Ok(response)
}

async fn redeem(
    desk: &Desk,
    site: Site<'_>,
    (code, verifier): (&str, &str),
    now: Time,
) -> Result<Granted, Failed> {
    let ours = (desk.way.authenticate)(now).ok_or_else(unavailable)?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &format!("{}{CALLBACK}", site.origin()))
        .append_pair("client_id", &desk.way.client_id)
        .append_pair("code_verifier", verifier)
        .extend_pairs(ours)
        .finish();
    let request = Request::post(&desk.way.token_endpoint)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(form.into_bytes())
        .map_err(|_| unavailable())?;
    let answer = desk.way.http.send(request).await.map_err(|error| {
        tracing::warn!(%error, "the issuer cannot be asked for a token");
        unavailable()
    })?;
    if answer.status() != StatusCode::OK {
        tracing::info!(host = site.host, status = answer.status().as_u16(), "a code was not redeemed");
        return Err(wrong("Open the page that you wanted to see again"));
    }
    serde_json::from_slice(answer.body()).map_err(|_| unavailable())
}

/// Ends the session at this host, and lets the issuer end the one there.
pub(super) fn end(desk: &Desk, site: Site<'_>) -> Response<Body> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &desk.way.client_id)
        .finish();
    let to = format!("{}?{query}", desk.way.end_session_endpoint);
    let mut response = super::redirect(&to).unwrap_or_default();
    if let Some(gone) = Jar::Gate.set(site, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}
