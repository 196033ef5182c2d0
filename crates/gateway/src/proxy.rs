//! The reverse proxy: a request that is let through goes on to the application behind, and its answer comes
//! back as it is made.
//!
//! Nothing is buffered. What goes on is what was judged: the path in its normal form, under the headers of
//! [`headers`]. A stream that stays open, either way, ends within two seconds after its credential does
//! ([`standing`]).

mod client;
mod filter;
mod framing;
pub(crate) mod headers;
mod line;
mod names;
pub(crate) mod pool;
mod sending;
mod standing;
mod upgrade;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use doorward_judge::{CredentialKind, Refusal, Rule, Why, host, path::NormalPath};
use doorward_sdk::server::proof::Asked;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts,
    uri::PathAndQuery,
};

pub(crate) use client::Upstreams;
use client::Way;
use pool::{Pool, Protocol};

use crate::{
    Inner, Origin, Route, chroma,
    dress::{self, Dress},
    judged::{self, Admitted, Sent},
    signin,
    socket::{
        self,
        closing::Page,
        presented::{self, Found},
    },
    turn_away,
};

/// A request for an application behind.
pub(crate) struct Passage<'g> {
    rule: &'g Rule,
    route: Arc<Route>,
    pool: Arc<Pool>,
    method: Method,
    path: NormalPath,
    host: HeaderValue,
}

/// Whether a host is one whose application is behind us.
pub(crate) fn is_guarded(gateway: &Inner, target: &Uri, headers: &HeaderMap) -> bool {
    let is_for =
        |host: &str| gateway.hosts.iter().any(|rule| rule.is_for_all_hosts() || rule.is_for_host(host));
    host_of(target, headers).is_some_and(is_for)
}

/// The host that a request is for: of its target, else of its header.
pub(crate) fn host_of<'r>(target: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let named = target.authority().map(http::uri::Authority::as_str);
    named.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Where a request goes.
fn find<'g>(gateway: &'g Inner, request: &Parts) -> Result<Passage<'g>, Refusal> {
    let host = host_of(&request.uri, &request.headers).ok_or(Why::RouteUnknown)?;
    let method = request.method.as_str();
    // An application may read `post` as POST, and TRACE would tell it what was added.
    if matches!(method, "CONNECT" | "TRACE")
        || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        return Err(Why::MethodNotAllowed.into());
    }
    framing::check(&request.headers)?;
    let header = request.headers.get(header::HOST).map(HeaderValue::as_bytes);
    if header.is_some_and(|header| !header.eq_ignore_ascii_case(host.as_bytes())) {
        return Err(Refusal::new(Why::PathAmbiguous).hint("The target and Host name two hosts"));
    }
    let path = NormalPath::read(request.uri.path());
    let path = path.map_err(|trick| Refusal::new(Why::PathAmbiguous).hint(trick.to_string()))?;
    let rule = gateway.rules.find(host, method, &path).ok_or(Why::RouteUnknown)?;
    let route = gateway.route(rule);
    let pool = route.pool.clone().ok_or(Why::RouteUnknown)?;
    // In one spelling, with the port that was asked.
    let named = host::name(host).ok_or(Why::RouteUnknown)?;
    let port =
        host.rsplit_once(':').map(|(_, port)| port).filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let shown =
        port.filter(|port| !port.is_empty()).map_or_else(|| named.clone(), |port| format!("{named}:{port}"));
    let host = HeaderValue::from_str(&shown).map_err(|_| Why::RouteUnknown)?;
    let method = request.method.clone();
    Ok(Passage { rule, route, pool, method, path, host })
}

pub(crate) async fn answer(gateway: &Arc<Inner>, request: Request<Body>, origin: &Origin) -> Response<Body> {
    let page = Page::of(&request);
    let response = passed(gateway, request, origin).await;
    match page {
        Some(page) => page.told(response, origin),
        None => response,
    }
}

async fn passed(gateway: &Arc<Inner>, request: Request<Body>, origin: &Origin) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let mut dress = Dress::new(&gateway.issuer, &origin.request_id);
    let passage = match find(gateway, &parts) {
        Ok(passage) => passage,
        Err(refusal) => {
            let mut refused = turn_away(gateway, &dress, (origin, "", None), &refusal).await;
            dress::allowing(&mut refused, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            return refused;
        }
    };
    let found = if socket::is_asked(&parts.method, &parts.headers) {
        presented::take(gateway, &mut parts, &passage.route, origin).await
    } else {
        Ok(Found::default())
    };
    let found = match found {
        Ok(found) => found,
        Err(refusal) => {
            dress.words.errors = passage.route.errors;
            return turn_away(gateway, &dress, (origin, passage.rule.name(), None), &refusal).await;
        }
    };
    let asked = Asked {
        method: parts.method.as_str(),
        host: host_of(&parts.uri, &parts.headers).unwrap_or_default(),
        path: passage.path.as_str(),
    };
    let sent = Sent { request: &parts, origin, asked: Some(asked) };
    let admitted = match judged::all(gateway, &sent, (&[passage.rule], &mut dress)).await {
        Ok(admitted) => admitted,
        Err(response) => return shown_in(gateway, &sent, passage.rule, response),
    };
    if chroma::asks_who(&passage.route, &parts.method, &passage.path) {
        let mut response = chroma::told((passage.rule, &passage.route), admitted.principal(), origin);
        admitted.tell_limits(response.headers_mut());
        return response;
    }
    match forward(gateway, (parts, body), origin, (&passage, &admitted, found)).await {
        Ok(mut response) => {
            admitted.tell_limits(response.headers_mut());
            standing::watch(gateway, response, origin, (&passage, &admitted))
        }
        Err(refusal) => turn_away(gateway, &dress, (origin, passage.rule.name(), None), &refusal).await,
    }
}

/// The refusal, or the way to sign in for a browser that may find one there.
fn shown_in(gateway: &Inner, sent: &Sent<'_>, rule: &Rule, refused: Response<Body>) -> Response<Body> {
    let page = sent.request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    judged::way_in(gateway, sent, page, (rule, &refused))
        .and_then(|to| signin::redirect(&to))
        .unwrap_or(refused)
}

async fn forward(
    gateway: &Arc<Inner>,
    (mut parts, body): (Parts, Body),
    origin: &Origin,
    (passage, admitted, found): (&Passage<'_>, &Admitted<'_>, Found),
) -> Result<Response<Body>, Refusal> {
    // What lasts has no place in an address.
    if found.was_in_address
        && matches!(admitted.kind(), Some(CredentialKind::ServiceToken | CredentialKind::ApiKey))
    {
        let hint = "Such a token is not taken from an address; ask for a ticket at /api/ws-ticket";
        return Err(Refusal::new(Why::InvalidToken).hint(hint));
    }
    let upgrade = upgrade::asked(&mut parts, &passage.route, found.protocol)?;
    let assertion = admitted.assertion(gateway).await;
    headers::onward(&mut parts.headers, (origin, gateway.chain.fronts()), passage, admitted.identity());
    parts.headers.extend(admitted.quota());
    if let Some(assertion) = assertion {
        parts.headers.insert(judged::ASSERTION, assertion);
    }
    if let Some(upgrade) = &upgrade {
        upgrade.ask(&mut parts.headers);
    }
    filter::prepare(&mut parts.headers, &passage.route);
    let most = passage.route.max_body;
    framing::say(&parts.method, &mut parts.headers, (&body, most))?;
    parts.uri = target(passage, &parts.uri)?;
    parts.version = http::Version::HTTP_11;
    let method = parts.method.clone();
    let (body, sending) =
        sending::watch(body, most, || standing::refused(gateway, origin, passage, admitted));
    let way = way(passage, upgrade.is_some());
    let sent = gateway.upstreams.send(&passage.pool, way, Request::from_parts(parts, body));
    let limit = Duration::from_secs(passage.route.timeout);
    let answered = tokio::select! {
        answered = sending.answered(sent, limit) => answered,
        () = standing::refused(gateway, origin, passage, admitted) => return Err(Why::InvalidToken.into()),
    };
    let mut response = match answered {
        Some(Ok(response)) => response,
        Some(Err(_)) if sending.is_too_long() => return Err(Why::RequestTooLarge.into()),
        Some(Err(_)) if sending.is_refused() => return Err(Why::InvalidToken.into()),
        Some(Err(_)) if sending.is_broken() => return Err(Why::RequestInvalid.into()),
        Some(Err(error)) => {
            tracing::warn!(rule = passage.rule.name(), request_id = origin.request_id, %error, "no answer from the application");
            return Err(Why::UpstreamUnreachable.into());
        }
        None => return Err(Why::UpstreamTimeout.into()),
    };
    let is_switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    *response.version_mut() = http::Version::HTTP_11;
    headers::back(response.headers_mut(), origin);
    match (upgrade, is_switched) {
        (Some(upgrade), true) => Ok(upgrade.join(gateway, response, origin, (passage, admitted))),
        // Nobody asked for another protocol.
        (None, true) => Err(Why::UpstreamUnreachable.into()),
        _ => filter::apply(&passage.route, &method, response).await,
    }
}

/// What is spoken: a `WebSocket` begins with HTTP/1.1, and only there an application has two names.
fn way(passage: &Passage<'_>, is_upgrade: bool) -> Way {
    let keeps_host = passage.route.keep_host;
    let protocol = if is_upgrade || keeps_host { Protocol::Http1 } else { passage.pool.protocol };
    Way { protocol, keeps_host, is_upgrade }
}

/// What the application is asked for: the path that was judged, with the query as it came.
fn target(passage: &Passage<'_>, asked: &Uri) -> Result<Uri, Why> {
    let path = match asked.query() {
        Some(query) => format!("{}?{query}", passage.path),
        None => passage.path.to_string(),
    };
    Ok(PathAndQuery::try_from(path).map_err(|_| Why::PathAmbiguous)?.into())
}
