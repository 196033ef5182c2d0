//! `/validate`: a reverse proxy asks about a request that it got.
//!
//! What is judged is the credential that came with the question, under the default rule or, when the request
//! is described, under the rule that is for it. Headers that say who somebody is are answers here, never
//! questions: those of the request are not looked at. No body is ever waited for.

use std::sync::Arc;

use axum::body::Body;
use doorward_judge::{Ask, Mode, Presented, Proof, Refusal, Rule, Verdict, Why, judge};
use doorward_sdk::server::{Credential, Known, identity_headers};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::{
    Inner, Origin, Refused, assertion,
    dress::{self, Dress},
    profile::{self, Profile},
};

/// Where it is asked.
pub(crate) const PATHS: [&str; 2] = ["/validate", "/gateway/validate"];

const ASSERTION: HeaderName = HeaderName::from_static("x-doorward-assertion");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the address of the question says.
#[derive(Default)]
struct Question<'q> {
    profile: Option<Profile>,
    route: Option<&'q str>,
}

pub(crate) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let question = read(request.uri.query().unwrap_or_default());
    let profile = question.as_ref().ok().and_then(|question| question.profile);
    let mut dress =
        Dress { profile, realm: &gateway.issuer, request_id: &origin.request_id, ..Dress::default() };
    let mut response = if matches!(request.method, Method::GET | Method::HEAD | Method::POST) {
        let rules = question.and_then(|question| rules(gateway, request, origin, &question));
        match rules {
            Ok(rules) => judged(gateway, request, origin, (&rules, &mut dress)).await,
            Err(refusal) => refuse(gateway, &dress, (origin, "", None), &refusal).await,
        }
    } else {
        dress::not_allowed()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&origin.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// A parameter that is not known could have been meant to ask for more.
fn read(query: &str) -> Result<Question<'_>, Refusal> {
    let mut question = Question::default();
    let wrong = |hint: String| Refusal::new(Why::RequestNotDescribed).hint(hint);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("profile", name) if question.profile.is_none() => {
                let known = Profile::ALL.map(Profile::name).join(", ");
                let profile =
                    Profile::named(name).ok_or_else(|| wrong(format!("profile is one of {known}")))?;
                question.profile = Some(profile);
            }
            ("route", name) if question.route.is_none() => question.route = Some(name),
            (name, _) => return Err(wrong(format!("{name} is not known here, or is said twice"))),
        }
    }
    Ok(question)
}

/// The rules that all have to be met.
fn rules<'g>(
    gateway: &'g Inner,
    request: &Parts,
    origin: &Origin,
    question: &Question<'_>,
) -> Result<Vec<&'g Rule>, Refusal> {
    let described = match question.profile {
        Some(profile) => Some(profile.read(&request.headers, origin)?),
        None => profile::unasked(&request.headers, origin)?,
    };
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
    Ok(rules)
}

async fn judged(
    gateway: &Inner,
    request: &Parts,
    origin: &Origin,
    (rules, dress): (&[&Rule], &mut Dress<'_>),
) -> Response<Body> {
    let now = (gateway.clock)();
    let known = if rules.iter().all(|rule| rule.mode() == Mode::Disabled) {
        Ok(None)
    } else {
        recognised(gateway, request, now).await
    };
    let proof = Proof::default();
    let mut admitted = None;
    for rule in rules {
        let route = gateway.route(rule);
        dress.errors = route.errors;
        dress.scopes = rule.scopes().join(" ");
        let presented = match &known {
            Ok(Some(known)) => Presented::Principal(&known.principal),
            Ok(None) => Presented::Nothing,
            Err(refusal) => Presented::Refused(refusal.clone()),
        };
        let ask = Ask { presented, proof: &proof, address: origin.address, now, audiences: &route.audiences };
        match judge(rule, ask) {
            Verdict::Refused(refusal) => {
                let known = known.as_ref().ok().and_then(Option::as_deref);
                return refuse(gateway, dress, (origin, rule.name(), known), &refusal).await;
            }
            Verdict::Allowed(Some(_)) => admitted = Some((*rule, route)),
            Verdict::Allowed(None) => {}
        }
    }
    let mut response = Response::new(Body::empty());
    match (admitted, known) {
        (Some((rule, route)), Ok(Some(known))) => {
            *response.headers_mut() = known.headers().clone();
            let audience = route.upstream.clone().unwrap_or_else(|| format!("route:{}", rule.name()));
            if let Some(signed) = assertion::of(gateway, &known, &audience, now).await {
                response.headers_mut().insert(ASSERTION, signed);
            }
        }
        _ => *response.headers_mut() = identity_headers::of(None),
    }
    response
}

async fn recognised(
    gateway: &Inner,
    request: &Parts,
    now: doorward_proto::time::Time,
) -> Result<Option<Arc<Known>>, Refusal> {
    match Credential::of(&request.headers)? {
        Some(credential) => gateway.chain.recognise(&credential, now).await.map(Some),
        None => Ok(None),
    }
}

async fn refuse(
    gateway: &Inner,
    dress: &Dress<'_>,
    (origin, rule, known): (&Origin, &str, Option<&Known>),
    refusal: &Refusal,
) -> Response<Body> {
    if let Some(witness) = &gateway.witness {
        let principal = known.map(|known| &known.principal);
        witness.refused(Refused { origin, rule, why: refusal.why, principal }).await;
    }
    tracing::debug!(rule, code = refusal.why.code(), request_id = origin.request_id, "not let through");
    let response = dress.refused(refusal);
    debug_assert!(response.status() != StatusCode::OK, "a refusal lets nobody through");
    response
}
