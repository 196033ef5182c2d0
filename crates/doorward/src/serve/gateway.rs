//! The gateway of this server: tokens are judged in process, by the rules that made them.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::{Result, anyhow};
use axum::body::Body;
use doorward_core::{
    audit::{self, Event},
    call::{Actor, Call, Origin as CallOrigin},
    env::Env,
    keys,
    outcome::{Code, Error, Result as Outcome},
    realm::Realm,
    service_tokens::{self, LiveToken},
    tokens::{self, Live},
    users,
};
use doorward_gateway::{
    AssertionClaims, Gateway, Hold, Origin, Refused, RouteSpec, Settings, Signer, Witness,
};
use doorward_judge::{
    Confirmation, CredentialKind, Identity, IdentityType, Mode, Principal, Refusal, Rule, Why, Workspaces,
    rule::BadRule, verdict::Class,
};
use doorward_proto::{
    access_token::TokenUse,
    jose::{Alg, Typ, Unverified},
    secret::{Kind, Opaque},
    time::Time,
};
use doorward_sdk::server::{Chain, Credential, Provider, Recognition, Seen};
use doorward_web::{ClientAddress, app::RequestId};
use futures_util::future::BoxFuture;
use http::Request;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::connection::MayDescribe;
use crate::config::{AuthMode, Config, Loaded};

/// The route under which refusals at `/validate` are counted.
const DOOR: &str = "/validate";

/// Compiles the routes, to know whether they make sense.
///
/// # Errors
/// The first route that does not.
pub(crate) fn rules(config: &Config) -> Result<(), BadRule> {
    let own = config.public_url.as_ref().and_then(|url| url.0.host_str()).unwrap_or("localhost");
    for spec in &config.gateway.routes.0 {
        // The pages for signing in must stay reachable.
        if spec.route.upstream.is_some() && Rule::compile(spec.rule.clone())?.is_for_host(own) {
            let what =
                format!("{own} is the server's own host; applications need others, such as app.localhost");
            return Err(BadRule { rule: spec.rule.name.clone(), field: "hosts", what });
        }
    }
    let settings = Settings {
        routes: routes(config),
        mode: mode(config),
        audiences: Vec::new(),
        issuer: String::new(),
        chain: Chain::new(Vec::new()),
        signer: None,
        witness: None,
        clock: Arc::new(Time::default),
        stop: CancellationToken::new(),
    };
    Gateway::new(settings).map(drop)
}

/// The gateway over this realm.
///
/// # Errors
/// A route that makes no sense.
fn open(realm: &Arc<Realm>, config: &Config, stop: CancellationToken) -> Result<Gateway> {
    let audiences = match config.auth.audience.as_slice() {
        [] => vec![realm.issuer.clone()],
        named => named.to_vec(),
    };
    let env = realm.env.clone();
    let settings = Settings {
        routes: routes(config),
        mode: mode(config),
        audiences,
        issuer: realm.issuer.clone(),
        chain: Chain::new(vec![
            Arc::new(OwnTokens(Arc::clone(realm))),
            Arc::new(ServiceTokens(Arc::clone(realm))),
        ]),
        signer: Some(Arc::new(OwnKeys(Arc::clone(realm)))),
        witness: Some(Arc::new(Trail(Arc::clone(realm)))),
        clock: Arc::new(move || env.now()),
        stop,
    };
    Gateway::new(settings).map_err(|wrong| anyhow!("gateway.routes: {wrong}"))
}

/// The gateway that answers now; another takes its place without a request being dropped.
#[derive(Clone)]
pub(super) struct Guard {
    current: Arc<RwLock<Gateway>>,
    stop: CancellationToken,
}

impl Guard {
    /// Opens the first one.
    ///
    /// # Errors
    /// A route that makes no sense.
    pub(super) fn open(realm: &Arc<Realm>, config: &Config, stop: CancellationToken) -> Result<Self> {
        let current = Arc::new(RwLock::new(open(realm, config, stop.clone())?));
        Ok(Self { current, stop })
    }

    pub(super) fn now(&self) -> Gateway {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the routes again. What makes no sense, or would not be safe to start, changes nothing.
    pub(super) fn reload(&self, realm: &Arc<Realm>, loaded: &Loaded) {
        let read = || -> Result<Gateway> {
            let loaded = loaded.again()?;
            super::refuse_unsafe(&loaded.config)?;
            open(realm, &loaded.config, self.stop.clone())
        };
        match read() {
            Ok(gateway) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                current.give_way_to(&gateway);
                *current = gateway;
                tracing::info!("the routes were read again");
            }
            Err(error) => tracing::error!("the routes stay as they are: {error:#}"),
        }
    }
}

fn routes(config: &Config) -> Vec<RouteSpec> {
    config.gateway.routes.0.clone()
}

fn mode(config: &Config) -> Mode {
    match config.auth.mode {
        AuthMode::Required => Mode::Required,
        AuthMode::Optional => Mode::Optional,
        AuthMode::Disabled => Mode::Disabled,
    }
}

/// What the listener has found out about a request.
pub(super) fn origin(request: &Request<Body>, env: &Env, has_tls: bool) -> Origin {
    let extensions = request.extensions();
    let is_trusted = extensions.get::<MayDescribe>().is_some();
    let said = request.headers().get("x-forwarded-proto").filter(|_| is_trusted);
    let request_id = RequestId::accept(request.headers())
        .unwrap_or_else(|| RequestId::new(env.now(), env.unique().unwrap_or_default()));
    Origin {
        address: extensions.get::<ClientAddress>().map_or(IpAddr::from([127, 0, 0, 1]), |address| address.0),
        is_trusted,
        is_https: has_tls || said.is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https")),
        request_id: request_id.to_string(),
        hold: extensions.get::<super::connection::Hold>().map(|hold| Hold(Arc::clone(&hold.0))),
    }
}

/// Our own access tokens, JWT or opaque.
struct OwnTokens(Arc<Realm>);

impl Provider for OwnTokens {
    fn name(&self) -> &'static str {
        "access-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token().filter(|token| is_ours(token.expose(), &self.0.issuer))
            else {
                return Ok(None);
            };
            let call = Call { now: seen.now, ..Call::system(&self.0) };
            let live = tokens::verify(&call, token.expose()).await.map_err(refusal)?;
            principal(&call, &live).await.map(Some).map_err(refusal)
        })
    }

    fn state(&self) -> i64 {
        self.0.db.changes()
    }
}

/// Service tokens, ours and imported ones.
struct ServiceTokens(Arc<Realm>);

impl Provider for ServiceTokens {
    fn name(&self) -> &'static str {
        "service-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let call = Call { now: seen.now, ..Call::system(&self.0) };
            if !service_tokens::may_be(&call, token.expose()).await.map_err(refusal)? {
                return Ok(None);
            }
            let live = service_tokens::verify(&call, token.expose()).await.map_err(refusal)?;
            Ok(Some(service(live)))
        })
    }

    fn used(&self, principal: &Principal, from: IpAddr, now: Time) {
        let live = principal.attachment.as_ref().and_then(|attached| attached.downcast_ref::<LiveToken>());
        let origin = CallOrigin { address: from, ..CallOrigin::internal() };
        let call = Call { now, origin, ..Call::system(&self.0) };
        if let Some(Err(error)) = live.map(|live| live.note_use(&call)) {
            let error = crate::data::fault(error);
            tracing::error!(%error, "a use could not be counted");
        }
    }

    fn state(&self) -> i64 {
        self.0.db.changes()
    }
}

fn service(live: Arc<LiveToken>) -> Principal {
    let token = &live.token;
    let identity = Identity {
        subject: token.lineage.to_string(),
        kind: IdentityType::Service,
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        workspaces: Workspaces::from_names(token.workspace_ids.iter().map(String::as_str)),
        role: Some("service".to_owned()),
        organization: Some(token.org.to_string()),
        token_id: Some(token.id.to_string()),
        ..Identity::default()
    };
    Principal {
        expires_at: live.end(),
        addresses: token.notes.allowed_addresses.clone(),
        attachment: Some(live),
        ..Principal::new(identity, CredentialKind::ServiceToken)
    }
}

/// Whether a token looks like one that we have made: only then is it ours to refuse.
fn is_ours(token: &str, issuer: &str) -> bool {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    if Opaque::parse(Kind::Access, token).is_some() {
        return true;
    }
    let claims = Unverified::decode(token).and_then(|token| token.unverified_claims::<Issued>());
    claims.is_ok_and(|claims| claims.iss == issuer)
}

async fn principal(call: &Call, live: &Live) -> Outcome<Principal> {
    let claims = serde_json::to_value(&live.claims)?;
    let mut identity = claims.as_object().map(Identity::of).unwrap_or_default();
    if live.claims.token_use == Some(TokenUse::User)
        && let Ok(person) = live.claims.sub.parse()
    {
        identity.email = users::find(call, person).await?.and_then(|person| person.email);
    }
    let confirmation = live.claims.cnf.as_ref().and_then(|cnf| {
        let key = cnf.jkt.clone().map(Confirmation::Dpop);
        key.or_else(|| cnf.x5t_s256.clone().map(Confirmation::Certificate))
    });
    Ok(Principal {
        audience: vec![live.claims.aud.clone()],
        expires_at: Some(Time::from_seconds(live.claims.exp)),
        confirmation,
        ..Principal::new(identity, CredentialKind::AccessToken)
    })
}

/// What the rules said of a credential, in the words of whoever judges.
fn refusal(error: Error) -> Refusal {
    let code = match error {
        Error::Refused(refusal) => refusal.code,
        Error::Fault(fault) => {
            tracing::error!(%fault, "a credential could not be looked at");
            return Why::Unavailable.into();
        }
    };
    let why = Why::ALL.into_iter().find(|why| why.code() == code.name());
    why.unwrap_or(Why::InvalidToken).into()
}

/// Signs assertions with the key that signs access tokens.
struct OwnKeys(Arc<Realm>);

impl Signer for OwnKeys {
    fn sign<'a>(&'a self, claims: &'a AssertionClaims<'a>) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let signed = self.signed(claims).await;
            signed.inspect_err(|error| tracing::error!(%error, "an assertion could not be signed")).ok()
        })
    }
}

impl OwnKeys {
    async fn signed(&self, claims: &AssertionClaims<'_>) -> Result<String> {
        let call = Call::system(&self.0);
        let keys = keys::current(&call).await.map_err(crate::data::fault)?;
        let key = keys.signer(Alg::ES256, call.now).map_err(crate::data::fault)?;
        Ok(key.sign_jwt(Typ::Assertion, &serde_json::to_vec(claims)?)?)
    }
}

/// The audit trail: the first refusal per identity, code and minute, then a count.
struct Trail(Arc<Realm>);

impl Witness for Trail {
    fn refused<'a>(&'a self, refused: Refused<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.note(refused).await {
                let error = crate::data::fault(error);
                tracing::error!(%error, "a refusal could not be recorded");
            }
        })
    }
}

impl Trail {
    async fn note(&self, refused: Refused<'_>) -> Outcome<()> {
        metrics::counter!("doorward_refusals_total", "code" => refused.why.code()).increment(1);
        // A request without a credential is the first step of most sign-ins, and an application that does not
        // answer has refused nobody; the log tells of it.
        let is_fault =
            matches!(refused.why.class(), Class::BadGateway | Class::GatewayTimeout | Class::Unavailable);
        if is_fault || refused.why == Why::MissingToken {
            return Ok(());
        }
        let Some(code) = Code::ALL.iter().copied().find(|code| code.name() == refused.why.code()) else {
            return Ok(());
        };
        let Origin { address, request_id, .. } = refused.origin;
        let origin =
            CallOrigin { address: *address, request_id: request_id.clone(), user_agent: None, trace: None };
        let now = self.0.env.now();
        let call = Call { realm: Arc::clone(&self.0), now, actor: Actor::Anonymous, origin };
        let subject = refused.principal.map(|principal| principal.identity.subject.clone());
        let identity = subject.clone().unwrap_or_else(|| call.origin.network());
        audit::refused(&call, (DOOR, code), &identity, || {
            let event = Event::refused(&call, "gateway.refused", code)?.fact("route", refused.rule);
            Ok(match subject {
                Some(subject) => event.subject(subject),
                None => event,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests;
