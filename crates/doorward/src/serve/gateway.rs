//! The gateway of this server: tokens are judged in process, by the rules that made them.

pub(crate) mod abroad;
mod book;
mod decide;
mod desk;
mod foreign;
pub(crate) mod limits;
mod metering;
pub(crate) mod orcheo;
mod providers;
mod tickets;
mod watch;

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use anyhow::{Result, anyhow};
use axum::body::Body;
use doorward_core::{
    audit::{self, Refused as Refusal},
    call::{Actor, Call, Origin as CallOrigin},
    env::Env,
    keys,
    outcome::{Code, Result as Outcome},
    realm::Realm,
};
use doorward_gateway::{
    AssertionClaims, DEFAULT, Decided, Gateway, Hold, Memory, Origin, Refused, RouteSpec, Settings, Signer,
    Witness, is_question,
};
use doorward_judge::{
    Rule, Rules, Why,
    rule::{BadRule, RuleSpec},
    verdict::Class,
};
use doorward_proto::{
    jose::{Alg, Typ},
    time::Time,
};
use doorward_sdk::server::{
    Chain, Provider,
    certificate::{Forwarding, Shown},
    limits::Limiter,
    proof::Proofs,
};
use doorward_web::{ClientAddress, Counters, Edge, app::RequestId};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use tokio_util::sync::CancellationToken;

use self::{
    providers::{ApiKeys, OwnTokens, ServiceTokens},
    tickets::OwnTickets,
    watch::Watch,
};

pub(super) use self::book::Book;
pub(crate) use self::foreign::{believes_anybody, check, notes};
pub(crate) use self::foreign::{mode, providers as foreign};
pub(super) use self::metering::InMemory;
pub(crate) use self::tickets::LocalTickets;
use super::connection::MayDescribe;
use crate::config::{ClientCertHeader, Config, Role};

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
        if config.role != Role::Gateway
            && (spec.route.upstream.is_some() || !spec.route.upstreams.is_empty())
            && Rule::compile(spec.rule.clone())?.is_for_host(own)
        {
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
        is_alone: config.role == Role::Gateway,
        chain: Chain::new(Vec::new()),
        limiter: Arc::default(),
        proofs: None,
        sign_in: None,
        signer: None,
        witness: None,
        meter: None,
        tickets: None,
        clock: Arc::new(Time::default),
        stop: CancellationToken::new(),
    };
    Gateway::new(settings).map(drop)
}

/// Routes that never count, with those that are for all of their requests and come first.
pub(crate) fn idle(config: &Config) -> Vec<(String, String)> {
    let matchers = |spec: &RouteSpec| RuleSpec {
        name: spec.rule.name.clone(),
        hosts: spec.rule.hosts.clone(),
        paths: spec.rule.paths.clone(),
        methods: spec.rule.methods.clone(),
        ..RuleSpec::default()
    };
    let is_for_something = |spec: &&RouteSpec| spec.rule.name != DEFAULT;
    let specs = config.gateway.routes.0.iter().filter(is_for_something).map(matchers).collect();
    // What makes no sense is told elsewhere.
    let rules = Rules::compile(specs).unwrap_or_default();
    rules.idle().map(|(rule, first)| (rule.name().to_owned(), first.name().to_owned())).collect()
}

/// The gateway over this realm.
///
/// # Errors
/// A route that makes no sense.
fn open(realm: &Arc<Realm>, config: &Config, lasting: &Lasting) -> Result<Gateway> {
    let audiences = match config.auth.audience.as_slice() {
        [] => vec![realm.issuer.clone()],
        named => named.to_vec(),
    };
    let env = realm.env.clone();
    let mut providers: Vec<Arc<dyn Provider>> = vec![
        Arc::new(OwnTokens(Arc::clone(realm))),
        Arc::new(ApiKeys(Arc::clone(realm))),
        Arc::new(ServiceTokens(Arc::clone(realm))),
    ];
    // A JWT that nobody here has made is theirs.
    providers.extend(foreign(config, &realm.issuer)?);
    let settings = Settings {
        routes: routes(config),
        mode: mode(config),
        audiences,
        issuer: realm.issuer.clone(),
        is_alone: false,
        chain: Chain::new(providers),
        limiter: Arc::clone(&lasting.limiter),
        proofs: Some(Arc::clone(&lasting.proofs)),
        sign_in: desk::open(realm, (&lasting.edge, &lasting.memory), &config.gateway.ports),
        signer: Some(Arc::new(OwnKeys(Arc::clone(realm)))),
        witness: Some(Arc::new(Trail(Arc::clone(realm)))),
        meter: Some(Arc::new(metering::InDatabase(Arc::clone(realm), Arc::clone(&lasting.watch)))),
        tickets: Some(Arc::new(OwnTickets(Arc::clone(realm)))),
        clock: Arc::new(move || env.now()),
        stop: lasting.stop.clone(),
    };
    Gateway::new(settings).map_err(|wrong| anyhow!("gateway.routes: {wrong}"))
}

/// What stays when the routes are read again: nothing that was counted or seen is forgotten.
#[derive(Clone)]
pub(super) struct Lasting {
    pub(super) limiter: Arc<Limiter>,
    pub(super) proofs: Arc<Proofs>,
    /// This server as an issuer, once it answers.
    edge: Arc<OnceLock<Edge>>,
    /// What signing in and out has used up.
    pub(super) memory: Arc<Memory>,
    /// What was decided, for who looks at it now.
    watch: Arc<Watch>,
    pub(super) stop: CancellationToken,
}

impl Lasting {
    /// Has seen nothing, and counted what the nodes of this name have.
    ///
    /// # Errors
    /// When the operating system has no randomness to give, or counters cannot be where they are said to be.
    pub(super) async fn new(config: &Config, name: &str, stop: CancellationToken) -> Result<Self> {
        let proofs = Proofs::new().map_err(|_| anyhow!("there is no randomness"))?;
        Ok(Self {
            limiter: limits::open(config, name).await?,
            proofs: Arc::new(proofs),
            edge: Arc::default(),
            memory: Arc::default(),
            watch: Arc::default(),
            stop,
        })
    }
}

/// The gateway that answers now; another takes its place without a request being dropped.
#[derive(Clone)]
pub(super) struct Guard {
    current: Arc<RwLock<Gateway>>,
    lasting: Lasting,
}

impl Guard {
    /// Opens the first one.
    ///
    /// # Errors
    /// A route that makes no sense.
    pub(super) async fn open(realm: &Arc<Realm>, config: &Config, stop: CancellationToken) -> Result<Self> {
        let lasting = Lasting::new(config, &realm.issuer, stop).await?;
        Ok(Self::over(open(realm, config, &lasting)?, lasting))
    }

    /// Begins with this one.
    pub(super) fn over(gateway: Gateway, lasting: Lasting) -> Self {
        Self { current: Arc::new(RwLock::new(gateway)), lasting }
    }

    /// Signs browsers in at this server, which answers from now on.
    pub(super) fn sign_in_at(&self, edge: Edge) {
        // It answers once.
        let _ = self.lasting.edge.set(edge);
    }

    /// What its limits have counted.
    pub(super) fn counters(&self) -> Counters {
        limits::counters(&self.lasting.limiter)
    }

    /// What it decides, for who looks at it now.
    fn watch(&self) -> &Watch {
        &self.lasting.watch
    }

    pub(super) fn now(&self) -> Gateway {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens another one over the same realm, which answers from now on.
    ///
    /// # Errors
    /// A route that makes no sense; then nothing changes.
    fn reopen(&self, realm: &Arc<Realm>, config: &Config) -> Result<()> {
        self.give_way_to(open(realm, config, &self.lasting)?);
        Ok(())
    }

    fn give_way_to(&self, gateway: Gateway) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.give_way_to(&gateway);
        *current = gateway;
    }

    /// Lets another one answer from now on, if there is one.
    pub(super) fn replace(&self, read: Result<Gateway>) {
        match read {
            Ok(gateway) => {
                self.give_way_to(gateway);
                tracing::info!("the routes were read again");
            }
            Err(error) => tracing::error!("the routes stay as they are: {error:#}"),
        }
    }
}

fn routes(config: &Config) -> Vec<RouteSpec> {
    config.gateway.routes.0.clone()
}

/// What the listeners find out about requests.
pub(super) struct Origins {
    env: Env,
    has_tls: bool,
    /// How trusted proxies tell their clients' certificates.
    forwarding: Option<Forwarding>,
}

impl Origins {
    pub(super) fn new(config: &Config, env: Env, has_tls: bool) -> Self {
        let forwarding = match config.tls.client_cert_header {
            ClientCertHeader::Off => None,
            ClientCertHeader::ClientCert => Some(Forwarding::ClientCert),
            ClientCertHeader::Xfcc => Some(Forwarding::Xfcc),
        };
        Self { env, has_tls, forwarding }
    }

    /// What is known of this one.
    pub(super) fn of(&self, request: &Request<Body>) -> Origin {
        let (extensions, headers) = (request.extensions(), request.headers());
        let is_trusted = extensions.get::<MayDescribe>().is_some();
        let said = headers.get("x-forwarded-proto").filter(|_| is_trusted);
        let request_id = RequestId::accept(headers)
            .unwrap_or_else(|| RequestId::new(self.env.now(), self.env.unique().unwrap_or_default()));
        let certificate = match self.forwarding.filter(|_| is_trusted) {
            Some(forwarding) => forwarding.read(headers),
            // What a proxy shows for itself is not that of the client that it asks about, or sends on.
            None if is_trusted && (is_question(request.uri()) || is_sent_on(headers)) => None,
            None => extensions.get::<Shown>().cloned(),
        };
        Origin {
            address: extensions
                .get::<ClientAddress>()
                .map_or(IpAddr::from([127, 0, 0, 1]), |address| address.0),
            is_trusted,
            is_https: self.has_tls
                || said.is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https")),
            certificate,
            request_id: request_id.to_string(),
            hold: extensions.get::<super::connection::Hold>().map(|hold| Hold(Arc::clone(&hold.0))),
            decided: Decided::default(),
        }
    }
}

/// Whether a request comes from another machine than the one at the other end.
fn is_sent_on(headers: &HeaderMap) -> bool {
    ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name))
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
        let call = Call { realm: Arc::clone(&self.0), now, actor: Actor::Anonymous, origin, asked_by: None };
        let subject = refused.principal.map(|principal| principal.identity.subject.clone());
        let identity = subject.clone().unwrap_or_else(|| call.origin.network());
        let own = refused.principal.filter(|principal| metering::is_own(Some(principal.credential)));
        let org = own.and_then(|principal| principal.identity.organization.as_deref()?.parse().ok());
        let what = Refusal { event: "gateway.refused", route: DOOR, code, org, identity };
        audit::refused(&call, what, |event| {
            let event = event.fact("route", refused.rule);
            match subject {
                Some(subject) => event.subject(subject),
                None => event,
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests;
