//! How a command reaches the management API: over the network, through the administration socket, or by
//! opening the database when no server holds it. All three speak to the same router.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use bytes::Bytes;
use doorward_core::{
    audit::Sealer,
    realm::{Attendance, Realm},
};
use doorward_proto::secret::SecretText;
use doorward_web::{ClientAddress, ThroughSocket};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use crate::{
    commands::{Exit, Failure},
    config::PublicUrl,
    data::fault,
};

/// No answer of the API is longer.
const MOST: usize = 16 * 1024 * 1024;
const TIME: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) path: String,
    pub(crate) body: Option<Json>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: Json) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body) }
    }
}

/// A way to the API.
pub(crate) enum Api {
    /// A server somewhere.
    Remote { base: String, token: Option<SecretText>, client: Box<reqwest::Client> },
    /// The server of this machine.
    Socket(PathBuf),
    /// No server: the database is ours for as long as this lives.
    Here {
        router: Router,
        realm: Arc<Realm>,
        /// Keeps the master key as it is until this is closed; none in a server, which says so itself.
        attendance: Option<Attendance>,
    },
}

impl Api {
    /// A server at an address; `plain_http` lets the credential go there by plain http.
    ///
    /// # Errors
    /// When a credential would travel unencrypted beyond this machine.
    pub(crate) fn remote(base: &str, token: Option<SecretText>, plain_http: bool) -> Result<Self> {
        if token.is_some() && !plain_http {
            check_encrypted(base)?;
        }
        let client = client()?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self::Remote { base, token, client: Box::new(client) })
    }

    /// Sends the request and answers the JSON of a granted one.
    ///
    /// # Errors
    /// A [`Failure`] with the exit code: refused, cannot be reached, or not signed in.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Json> {
        let (status, body) = match self {
            Self::Remote { base, token, client } => remotely(base, token.as_ref(), client, ask).await?,
            Self::Socket(path) => by_socket(path, ask).await?,
            Self::Here { router, .. } => here(router, ask).await?,
        };
        let json = match body.is_empty() {
            true => Json::Null,
            false => parsed(status, &body)?,
        };
        granted(status, json)
    }

    /// Sends a request whose answer is lines of JSON, and hands each on as it comes.
    ///
    /// # Errors
    /// A [`Failure`] when it is refused at once, or the answer breaks off.
    pub(crate) async fn follow(&self, ask: Ask, mut line: impl FnMut(Json) -> Result<()>) -> Result<()> {
        let answer = match self {
            Self::Remote { .. } => bail!("this is done on the server's own machine only"),
            Self::Socket(path) => open_socket(path, ask).await?.map(axum::body::Body::new),
            Self::Here { router, .. } => open_here(router, ask).await?,
        };
        let (status, mut body) = (answer.status(), answer.into_body());
        if !status.is_success() {
            let body = axum::body::to_bytes(body, MOST).await?;
            return granted(status, parsed(status, &body)?).map(drop);
        }
        let mut waiting = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreachable(format!("the answer broke off: {error}")))?;
            waiting.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let rest = waiting.split_off(end + 1);
                line(serde_json::from_slice(&waiting).context("the answer is no JSON")?)?;
                waiting = rest;
            }
        }
        Ok(())
    }

    /// Lets the database go: what was written is linked into the audit chain first.
    pub(crate) async fn close(self) -> Result<()> {
        if let Self::Here { realm, attendance, .. } = self {
            let sealer = Sealer::new(&realm).map_err(fault)?;
            sealer.finish().await.map_err(fault)?;
            if let Some(attendance) = attendance {
                attendance.end().await.map_err(fault)?;
            }
        }
        Ok(())
    }
}

/// Whether what is secret may be sent there: by https, or to this machine.
fn check_encrypted(url: &str) -> Result<()> {
    if url::Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !PublicUrl(url).is_loopback()) {
        bail!(
            "{url} is plain http: the credential could be read on the way. Use https://, or allow it with \
             --set allow.plain_http=true"
        );
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the command line talks to the server it is told to")]
fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("doorward-cli/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME)
        .build()
        .context("cannot speak https")
}

fn parsed(status: StatusCode, body: &[u8]) -> Result<Json> {
    let strange = |_| unreachable(format!("the answer (HTTP {status}) is not of a Doorward server"));
    Ok(serde_json::from_slice(body).map_err(strange)?)
}

/// The JSON of a granted answer.
///
/// # Errors
/// A [`Failure`] with the exit code.
pub(crate) fn granted(status: StatusCode, json: Json) -> Result<Json> {
    if status.is_success() { Ok(json) } else { Err(refused(status, &json).into()) }
}

/// Posts a form to an OAuth endpoint.
///
/// # Errors
/// A [`Failure`] when the server cannot be reached, or would be by plain http.
pub(crate) async fn post_form(url: &str, form: &[(&str, &str)]) -> Result<(StatusCode, Json)> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = "application/x-www-form-urlencoded";
    check_encrypted(url)?;
    let request = client()?.post(url).header(header::CONTENT_TYPE, kind).body(body);
    let (status, body) = received(request, url).await?;
    let json = if body.is_empty() { Json::Null } else { parsed(status, &body)? };
    Ok((status, json))
}

async fn received(request: reqwest::RequestBuilder, server: &str) -> Result<(StatusCode, Bytes)> {
    let failed = |error: reqwest::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        unreachable(format!("cannot reach {server}{cause}"))
    };
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        anyhow::ensure!(body.len() <= MOST, "the answer is too long");
    }
    Ok((status, body.into()))
}

fn unreachable(line: String) -> Failure {
    Failure { exit: Exit::Unreachable, line }
}

/// One line with the code, as scripts look for it.
fn refused(status: StatusCode, problem: &Json) -> Failure {
    let text = |member: &str| problem.get(member).and_then(Json::as_str).filter(|text| !text.is_empty());
    let what = text("detail").or_else(|| text("title")).or_else(|| text("error_description"));
    let what = what.unwrap_or_else(|| status.canonical_reason().unwrap_or("refused"));
    let code = text("code").or_else(|| text("error")).unwrap_or("http");
    let field = text("field").map(|field| format!(" ({field})")).unwrap_or_default();
    let wait = problem.get("retry_after").map(|wait| format!("; try again in {wait} s")).unwrap_or_default();
    let is_unknown = status == StatusCode::UNAUTHORIZED;
    let is_away = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    let exit = match status {
        _ if is_unknown => Exit::NotSignedIn,
        status if is_away.contains(&status) => Exit::Unreachable,
        _ => Exit::Failed,
    };
    let advice =
        if is_unknown { "; sign in with `doorward login`, or set DOORWARD_SERVICE_TOKEN" } else { "" };
    Failure { exit, line: format!("{code}: {what}{field}{wait}{advice}") }
}

fn request(uri: String, ask: Ask) -> Result<Request<Full<Bytes>>> {
    let kind = if ask.method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let body = match ask.body {
        Some(body) => Bytes::from(serde_json::to_vec(&body)?),
        None => Bytes::new(),
    };
    let mut request = Request::builder().method(ask.method).uri(uri);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    Ok(request.header(header::ACCEPT, "application/json").body(Full::new(body))?)
}

async fn remotely(
    base: &str,
    token: Option<&SecretText>,
    client: &reqwest::Client,
    ask: Ask,
) -> Result<(StatusCode, Bytes)> {
    let request = request(format!("{base}{}", ask.path), ask)?;
    let (mut parts, body) = request.into_parts();
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .context("the credential holds characters that cannot be sent")?;
        value.set_sensitive(true);
        parts.headers.insert(header::AUTHORIZATION, value);
    }
    let body = body.collect().await?.to_bytes();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    received(request, base).await
}

async fn open_socket(path: &PathBuf, ask: Ask) -> Result<http::Response<hyper::body::Incoming>> {
    let failed = |error: &dyn std::fmt::Display| unreachable(format!("{}: {error}", path.display()));
    let stream = UnixStream::connect(path).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = request(ask.path.clone(), ask)?;
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    Ok(sender.send_request(request).await.map_err(|error| failed(&error))?)
}

async fn by_socket(path: &PathBuf, ask: Ask) -> Result<(StatusCode, Bytes)> {
    let answer = open_socket(path, ask).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MOST).collect().await;
    let body = body.map_err(|error| unreachable(format!("{}: {error}", path.display())))?;
    Ok((status, body.to_bytes()))
}

async fn open_here(router: &Router, ask: Ask) -> Result<http::Response<axum::body::Body>> {
    let mut request = request(ask.path.clone(), ask)?.map(axum::body::Body::new);
    request.extensions_mut().insert(ThroughSocket);
    request.extensions_mut().insert(ClientAddress([127, 0, 0, 1].into()));
    Ok(router.clone().oneshot(request).await?)
}

async fn here(router: &Router, ask: Ask) -> Result<(StatusCode, Bytes)> {
    let answer = open_here(router, ask).await?;
    let status = answer.status();
    Ok((status, axum::body::to_bytes(answer.into_body(), MOST).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_leaves_this_machine_encrypted_only() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let token = || Some(SecretText::from("secret"));
        for base in
            ["https://id.example.com", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"]
        {
            assert!(Api::remote(base, token(), false).is_ok(), "{base}");
        }
        for base in ["http://id.example.com", "http://192.0.2.1:8080", "HTTP://id.example.com"] {
            assert!(Api::remote(base, token(), false).is_err(), "{base}");
            assert!(Api::remote(base, None, false).is_ok(), "{base} without a credential");
            assert!(Api::remote(base, token(), true).is_ok(), "{base} where it is allowed");
        }
    }
}
