//! What stands before every endpoint of the API: who calls, whether the scope is there, and whether the
//! request was answered before (`Idempotency-Key`).
//!
//! Challenges are those of RFC 6750 3 and 3.1: bare when nothing was presented, `invalid_token` for a bad
//! credential, `insufficient_scope` with the scope for one that may not.

use axum::{
    body::Body,
    extract::{FromRequestParts, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use doorward_core::{
    audit::{self, Refused},
    call::{Actor, Call},
    orgs,
    outcome::{Code, Error, Refusal, Result},
    tokens,
};
use doorward_proto::id::{Id, Org};
use http::{HeaderValue, Method, header, request::Parts};

use super::{
    caller::{self, Caller},
    confirmation::{Confirms, confirm, refuse_stale},
    endpoint::Access,
    idempotency,
};
use crate::{
    app::{App, Incoming},
    oauth::{metadata::resource_realm, proof::DPOP_NONCE},
    surface::{Failure, wire_of},
};

/// What the guard of one route knows.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) app: App,
    pub(super) access: Access,
    pub(super) path: &'static str,
    pub(super) confirms: Option<Confirms>,
    pub(super) is_grave: bool,
    pub(super) graves: Option<Confirms>,
}

/// The layer of every route.
pub(super) async fn admit(State(door): State<Door>, request: Request<Body>, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let uses_dpop = parts.headers.contains_key("dpop");
    let mut response = match check(&door, &mut parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller.clone());
            let request = Request::from_parts(parts, body);
            answer(&door, caller, request, next).await.unwrap_or_else(|error| Failure(error).into_response())
        }
        Err(error) => Failure(error).into_response(),
    };
    if let Some(value) = response
        .extensions()
        .get::<crate::surface::Refused>()
        .and_then(|refused| challenge(&door.app, &refused.0, door.access))
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    if uses_dpop {
        let nonce = tokens::fresh_nonce(&Call::system(&door.app.realm));
        if let Ok(nonce) = HeaderValue::try_from(nonce) {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn answer(door: &Door, caller: Caller, request: Request<Body>, next: Next) -> Result<Response> {
    let request = match door.graves {
        Some(which) if caller.is_stale => refuse_stale(&door.app, &caller, request, which).await?,
        _ => request,
    };
    // Before what is kept: an answer that tells a secret again needs the password again.
    let request = match door.confirms {
        Some(which) => confirm(&door.app, &caller, request, which).await?,
        None => request,
    };
    // Nothing is kept for strangers, who would share each other's keys.
    let is_somebody = !matches!(door.access, Access::Anyone);
    if request.method() == Method::POST && is_somebody {
        Ok(idempotency::answer(caller, request, next).await)
    } else {
        Ok(next.run(request).await)
    }
}

async fn check(door: &Door, parts: &mut Parts) -> Result<Caller> {
    let Incoming(call) = Incoming::from_request_parts(parts, &door.app).await.map_err(|failure| failure.0)?;
    let (call, outcome) = match caller::recognise(&door.app, parts, call.clone()).await {
        Ok(caller) => {
            let mut outcome = allowed(door.access, &caller);
            if let (Ok(()), Access::Org(permission)) = (&outcome, door.access) {
                outcome = entered(parts, &caller, permission).await;
            }
            if outcome.is_ok() && door.is_grave {
                outcome = caller.must_be_fresh();
            }
            (caller.call.clone(), outcome.map_err(|error| (error, caller.org())).map(|()| caller))
        }
        Err(error) => (call, Err((error, None))),
    };
    if let Err((Error::Refused(refusal), org)) = &outcome {
        note(&call, (door.path, *org), refusal.code).await?;
    }
    outcome.map_err(|(error, _)| error)
}

fn allowed(access: Access, caller: &Caller) -> Result<()> {
    match access {
        Access::Scope(_) | Access::Account(_) | Access::Org(_) if caller.is_anonymous() => {
            Err(Refusal::new(Code::CredentialMissing).into())
        }
        Access::Scope(scope) | Access::Account(scope) => caller.must_have(scope),
        // Who may is told when the organisation is entered.
        Access::Anyone | Access::Org(_) => Ok(()),
    }
}

/// Enters the organisation that the path names first.
async fn entered(parts: &mut Parts, caller: &Caller, permission: &'static str) -> Result<()> {
    let places = RawPathParams::from_request_parts(parts, &()).await;
    let places = places.map_err(|_| Refusal::new(Code::NotFound))?;
    let name = places.iter().next().map(|(_, name)| name.to_owned()).unwrap_or_default();
    let scope = orgs::enter(&caller.call, caller.holder(), &name, permission).await?;
    parts.extensions.insert(scope);
    Ok(())
}

/// A credential that was refused is worth knowing, also to the organisation that it is of; a request without one is
/// not. The bootstrap token tells of itself.
async fn note(call: &Call, (route, org): (&'static str, Option<Id<Org>>), code: Code) -> Result<()> {
    let is_bootstrap = call.actor == Actor::Bootstrap && code == Code::CredentialExpired;
    if is_bootstrap
        || matches!(code, Code::CredentialMissing | Code::RequestInvalid | Code::DpopNonceRequired)
    {
        return Ok(());
    }
    let identity = match call.actor {
        Actor::Anonymous => call.origin.network(),
        _ => call.actor.name(),
    };
    let what = Refused { event: "api.refused", route, code, org, identity };
    audit::refused(call, what, |event| event.fact("route", route)).await
}

/// The challenge that goes with a refusal of the credential (RFC 9728 5.1: with the way to a better one).
fn challenge(app: &App, refusal: &Refusal, access: Access) -> Option<HeaderValue> {
    let realm = resource_realm(&app.realm.issuer);
    let scope = match access {
        Access::Scope(scope) | Access::Account(scope) | Access::Org(scope) => format!(", scope=\"{scope}\""),
        Access::Anyone => String::new(),
    };
    let text = match refusal.code {
        Code::CredentialMissing | Code::CredentialScheme => format!("Bearer {realm}{scope}"),
        Code::ScopeMissing => {
            let scope = refusal.facts.iter().find(|(name, _)| *name == "scope");
            let scope = scope.and_then(|(_, value)| value.as_str()).unwrap_or_default();
            format!("Bearer {realm}, error=\"insufficient_scope\", scope=\"{scope}\"")
        }
        Code::DpopInvalid | Code::DpopNonceRequired => {
            let error = wire_of(refusal.code).oauth;
            format!("DPoP {realm}, error=\"{error}\", algs=\"ES256 RS256 EdDSA\"")
        }
        code if wire_of(code).oauth == "invalid_token" => {
            let title = wire_of(code).title;
            format!("Bearer {realm}, error=\"invalid_token\", error_description=\"{title}\"")
        }
        _ => return None,
    };
    HeaderValue::try_from(text).ok()
}
