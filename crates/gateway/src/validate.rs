//! `/validate`: a reverse proxy asks about a request that it got.
//!
//! What is judged is the credential that came with the question, under the default rule or, when the request
//! is described, under the rule that is for it. Headers that say who somebody is are answers here, never
//! questions: those of the request are not looked at. No body is ever waited for.

use std::borrow::Cow;

use axum::body::Body;
use doorward_judge::{Refusal, Rule, Why, host};
use doorward_sdk::{dress::REQUEST_ID, server::identity_headers};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri, header, request::Parts};

use crate::{
    Inner, Origin,
    dress::{self, Dress},
    judged::{self, Admitted, Sent},
    profile::{self, Described, Profile},
    proxy::headers::foreign_cookies,
    signin::{self, Site},
    turn_away,
};

const AUTH_REDIRECT: HeaderName = HeaderName::from_static("x-auth-redirect");

/// Where it is asked.
const PATHS: [&str; 2] = ["/validate", "/gateway/validate"];

/// Whether this is a question, whatever host it names: proxies ask under the name that they were asked under,
/// and an application must never be the one who answers.
pub(crate) fn is_question(target: &Uri) -> bool {
    PATHS.contains(&target.path())
}

/// What the address of the question says.
#[derive(Default)]
struct Question<'q> {
    profile: Option<Profile>,
    route: Option<&'q str>,
    /// The host that alone may be described, where the proxy hands on what the client says of it.
    host: Option<&'q str>,
}

pub(crate) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let question = read(request.uri.query().unwrap_or_default());
    let profile = question.as_ref().ok().and_then(|question| question.profile);
    let mut dress = Dress { profile, ..Dress::new(&gateway.issuer, &origin.request_id) };
    let mut response = if matches!(request.method, Method::GET | Method::HEAD | Method::POST) {
        let rules = question.and_then(|question| rules(gateway, request, origin, &question));
        match rules {
            Ok((rules, described)) => {
                let origin = &seen_by(origin, described.as_ref());
                dress.words.resource_metadata = resource_metadata(gateway, &rules, described.as_ref());
                let sent = Sent { request, origin, asked: described.as_ref().map(Described::asked) };
                match judged::all(gateway, &sent, (&rules, &mut dress)).await {
                    Ok(admitted) => told(gateway, request, &admitted).await,
                    Err(response) => {
                        with_way_in(gateway, &sent, (profile, described.as_ref()), (&rules, response))
                    }
                }
            }
            Err(refusal) => turn_away(gateway, &dress, (origin, "", None), &refusal).await,
        }
    } else {
        let mut refused = dress.words.refused(&Why::MethodNotAllowed.into()).map(Body::from);
        dress::allowing(&mut refused, "GET, HEAD, POST");
        refused
    };
    finish(response.headers_mut(), origin);
    response
}

/// Where the client finds out how to get a token: only where it is this server that it asked, for a client takes no
/// metadata of a resource at another host (RFC 9728 3.3).
fn resource_metadata<'g>(
    gateway: &'g Inner,
    rules: &[&Rule],
    described: Option<&Described>,
) -> Option<&'g str> {
    let metadata = gateway.resource_metadata.as_deref()?;
    let own = gateway.issuer.parse::<Uri>().ok()?;
    let is_own = described.is_none_or(|it| host::name(&it.host) == own.host().and_then(host::name));
    let is_for_us = |rule: &&Rule| match rule.audiences() {
        [] => gateway.route(rule).audiences.contains(&gateway.issuer),
        named => named.contains(&gateway.issuer),
    };
    (is_own && rules.iter().all(is_for_us)).then_some(metadata)
}

/// Where the request came from that is asked about: by https or not is known best where it is described.
fn seen_by<'o>(origin: &'o Origin, described: Option<&Described>) -> Cow<'o, Origin> {
    match described.and_then(|described| described.is_https) {
        Some(is_https) if is_https != origin.is_https => Cow::Owned(Origin { is_https, ..origin.clone() }),
        _ => Cow::Borrowed(origin),
    }
}

/// Tells a proxy where its client can sign in: nginx cannot send anybody on by itself, the others hand a redirect
/// through, Traefik after it has read a path as one of ours.
fn with_way_in(
    gateway: &Inner,
    sent: &Sent<'_>,
    (profile, described): (Option<Profile>, Option<&Described>),
    (rules, mut refused): (&[&Rule], Response<Body>),
) -> Response<Body> {
    let (Some(profile), Some(described), [rule]) = (profile, described, rules) else { return refused };
    let Some(to) = judged::way_in(gateway, sent, &described.uri, (rule, &refused)) else { return refused };
    let site = Site { host: &described.host, is_https: sent.origin.is_https };
    match profile {
        Profile::Nginx | Profile::IngressNginx => {}
        Profile::Traefik => {
            return signin::redirect(&format!("{}{to}", site.origin())).unwrap_or(refused);
        }
        Profile::Caddy | Profile::Haproxy | Profile::Apache => {
            return signin::redirect(&to).unwrap_or(refused);
        }
    }
    if let Ok(to) = HeaderValue::from_str(&to) {
        refused.headers_mut().insert(AUTH_REDIRECT, to);
    }
    refused
}

/// What every answer to a question has.
pub(crate) fn finish(headers: &mut HeaderMap, origin: &Origin) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&origin.request_id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// Says who was let through, in headers that a proxy copies, and what of the cookies may go on with them.
pub(crate) async fn told(gateway: &Inner, request: &Parts, admitted: &Admitted<'_>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    *headers = admitted.headers();
    admitted.tell_limits(headers);
    // A proxy that copies these overwrites what the client sent, also where there is nothing to say.
    for name in &identity_headers::COPIED {
        headers.entry(name).or_insert(HeaderValue::from_static(""));
    }
    if request.headers.contains_key(header::COOKIE) {
        let kept = foreign_cookies(&request.headers);
        headers.insert(header::COOKIE, kept.unwrap_or(HeaderValue::from_static("")));
    }
    if let Some(signed) = admitted.assertion(gateway).await {
        response.headers_mut().insert(judged::ASSERTION, signed);
    }
    response
}

/// A parameter that is not known could have been meant to ask for more.
fn read(query: &str) -> Result<Question<'_>, Refusal> {
    let mut question = Question::default();
    let wrong = |hint: String| Refusal::new(Why::RequestNotDescribed).hint(hint);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            // Its `path_prefix` stands before the path that it asks about.
            ("profile", name) if name.split('/').next() == Some("envoy") => {
                let hint = "Envoy describes a request by the path that it asks at: set its path_prefix to \
                            /envoy/check, without a profile, or have it ask by gRPC";
                return Err(wrong(hint.to_owned()));
            }
            ("profile", name) if question.profile.is_none() => {
                let known = Profile::ALL.map(Profile::name).join(", ");
                let profile =
                    Profile::named(name).ok_or_else(|| wrong(format!("profile is one of {known}")))?;
                question.profile = Some(profile);
            }
            ("host", name) if question.host.is_none() => question.host = Some(name),
            ("route", name) if question.route.is_none() => question.route = Some(name),
            (name, _) => return Err(wrong(format!("{name} is not known here, or is said twice"))),
        }
    }
    Ok(question)
}

/// The rules that all have to be met, and what is described.
fn rules<'g>(
    gateway: &'g Inner,
    request: &Parts,
    origin: &Origin,
    question: &Question<'_>,
) -> Result<(Vec<&'g Rule>, Option<Described>), Refusal> {
    let described = match question.profile {
        Some(profile) => Some(profile.read(&request.headers, origin)?),
        None => profile::unasked(&request.headers, origin)?,
    };
    if let Some(only) = question.host {
        let host = described.as_ref().and_then(|it| host::name(&it.host));
        if host.is_none() || host != host::name(only) {
            let hint = "The request is for another host than the question is";
            return Err(Refusal::new(Why::RequestNotDescribed).hint(hint));
        }
    }
    let found = described.as_ref().and_then(|it| gateway.rules.find(&it.host, &it.method, &it.path));
    let base = match question.route {
        Some(name) => Some(gateway.rules.named(name).ok_or(Why::RouteUnknown)?),
        // A profile that was named lets its description stand alone.
        None if question.profile.is_some() => None,
        None => Some(&gateway.default),
    };
    let mut rules: Vec<&Rule> = base.into_iter().chain(found).collect();
    if rules.is_empty() {
        rules.push(&gateway.default);
    }
    Ok((rules, described))
}
