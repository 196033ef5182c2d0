//! What stands before applications that know nothing of authentication.
//!
//! A reverse proxy asks at `/validate` about each request that it got ([`validate`]), or as Envoy does ([`envoy`]); what it says of that
//! request is read by its [`profile`]; the verdict is `doorward-judge`'s; [`dress`] tells it as that proxy
//! understands it. This crate sees neither the rules of the server nor its database: whose a credential is it
//! learns from the providers that it is given, so it can run beside an application on another machine.

mod assertion;
mod chroma;
mod decision;
mod dress;
mod envoy;
mod judged;
mod metering;
mod profile;
mod proxy;
pub mod route;
mod signin;
mod socket;
mod validate;

use std::{
    any::Any,
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::body::Body;
use doorward_judge::{
    Asked, Mode, Presented, Principal, Refusal, Rule, Rules, Why,
    path::NormalPath,
    rule::{BadRule, RuleSpec},
};
use doorward_proto::time::Time;
use doorward_sdk::server::{Chain, Known, certificate::Shown, limits::Limiter, proof::Proofs};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use tokio_util::sync::CancellationToken;

use self::{
    dress::Dress,
    metering::{Metering, Way, weighed},
    proxy::Upstreams,
    signin::Desk,
};

pub use assertion::{AssertionClaims, Signer};
pub use decision::{Decided, Decision};
pub use metering::{Meter, Metered};
pub use profile::Profile;
pub use proxy::pool::Protocol;
pub use route::{Route, RouteSpec};
pub use signin::{
    Admit, Authenticate, CheckIdToken, Endpoints, Find, IdToken, Memory, OnBehalf, Proven, SignIn,
};
pub use socket::ticket::Tickets;

/// The name of the rule for requests that no route is for. A route of this name takes its place.
pub const DEFAULT: &str = "default";

/// Where a server tells what it is as a resource (RFC 9728 3).
const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// The time, as whoever runs the gateway tells it.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// What the gateway is made of.
pub struct Settings {
    /// The routes, as they are written.
    pub routes: Vec<RouteSpec>,
    /// Whether a credential is needed where no route says so.
    pub mode: Mode,
    /// For whom tokens must have been issued where no route says so; a route's upstream counts as well.
    pub audiences: Vec<String>,
    /// The issuer under whose name assertions are signed.
    pub issuer: String,
    /// Whether nothing but applications is served here: routes without hosts are then for every host.
    pub is_alone: bool,
    /// Who knows credentials.
    pub chain: Chain,
    /// Knows proofs of possession; without it tokens that are bound to a key open nothing.
    pub proofs: Option<Arc<Proofs>>,
    /// Counts requests and failures. It outlives the gateway, so that reading routes again forgives nothing.
    pub limiter: Arc<Limiter>,
    /// Signs browsers in; without it they are refused as machines are.
    pub sign_in: Option<SignIn>,
    /// Signs what is said of somebody; without it nothing is signed.
    pub signer: Option<Arc<dyn Signer>>,
    /// Remembers what happened; without it nobody does.
    pub witness: Option<Arc<dyn Witness>>,
    /// Counts what is judged; without it nobody does.
    pub meter: Option<Arc<dyn Meter>>,
    /// Makes tickets for handshakes; without it there are none.
    pub tickets: Option<Arc<dyn Tickets>>,
    /// The clock.
    pub clock: Clock,
    /// Ends the streams that have no end of their own.
    pub stop: CancellationToken,
}

/// What the listener knows of a request.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's address, decided once from trusted peers.
    pub address: IpAddr,
    /// Whether whoever is at the other end may describe other people's requests.
    pub is_trusted: bool,
    /// Whether it came by https, as far as the peer is believed.
    pub is_https: bool,
    /// The client's certificate, if it showed one: by its connection, or told by a proxy that is trusted. What a
    /// proxy showed for itself is not its clients'.
    pub certificate: Option<Shown>,
    /// The request's reference.
    pub request_id: String,
    /// What its connection takes up, to be kept for as long as a stream that it is turned into.
    pub hold: Option<Hold>,
    /// What is decided on it.
    pub decided: Decided,
}

/// Something to be kept until a stream ends.
#[derive(Clone)]
pub struct Hold(pub Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hold")
    }
}

/// A refusal, for the audit trail.
#[derive(Debug)]
pub struct Refused<'r> {
    /// Where the request came from.
    pub origin: &'r Origin,
    /// The rule that refused it.
    pub rule: &'r str,
    /// Why.
    pub why: Why,
    /// Whose credential it was, when that is known.
    pub principal: Option<&'r Principal>,
}

/// Remembers what happened at the gateway.
pub trait Witness: Send + Sync + 'static {
    /// Somebody was refused.
    fn refused<'a>(&'a self, refused: Refused<'a>) -> BoxFuture<'a, ()>;
}

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    rules: Rules,
    default: Rule,
    routes: BTreeMap<String, Arc<Route>>,
    /// The routes whose applications are reached through us.
    hosts: Vec<Rule>,
    upstreams: Upstreams,
    issuer: String,
    /// Where this server tells what it is as a resource, where its own tokens are for it.
    resource_metadata: Option<String>,
    chain: Chain,
    proofs: Option<Arc<Proofs>>,
    desk: Option<Desk>,
    limiter: Arc<Limiter>,
    signer: Option<Arc<dyn Signer>>,
    witness: Option<Arc<dyn Witness>>,
    meter: Option<Arc<dyn Meter>>,
    tickets: Option<Arc<dyn Tickets>>,
    ticket_rule: Rule,
    clock: Clock,
    stop: CancellationToken,
    /// What has taken its place, once something has.
    successor: OnceLock<Arc<Self>>,
}

impl Gateway {
    /// Compiles the routes.
    ///
    /// # Errors
    /// The first route that makes no sense.
    pub fn new(settings: Settings) -> Result<Self, BadRule> {
        let is_resource = !settings.is_alone && settings.audiences.contains(&settings.issuer);
        let resource_metadata = is_resource.then(|| format!("{}{RESOURCE_METADATA}", settings.issuer));
        let mut rules = Vec::with_capacity(settings.routes.len());
        let mut routes = BTreeMap::new();
        let mut hosts = Vec::new();
        let mut default = RuleSpec { name: DEFAULT.to_owned(), mode: settings.mode, ..RuleSpec::default() };
        for RouteSpec { rule, mut route } in settings.routes {
            route.compile(&rule, &settings.audiences)?;
            if rule.name == DEFAULT {
                route::check_default(&rule)?;
                default = rule.clone();
            }
            if route.pool.is_some() && (settings.is_alone || !rule.hosts.is_empty()) {
                hosts.push(Rule::compile(rule.clone())?);
            }
            routes.insert(rule.name.clone(), Arc::new(route));
            rules.push(rule);
        }
        routes
            .entry(DEFAULT.to_owned())
            .or_insert_with(|| Arc::new(Route { audiences: settings.audiences, ..Route::default() }));
        let (rules, default) = (Rules::compile(rules)?, Rule::compile(default)?);
        let named = |rule: &Rule| routes.get(rule.name()).map_or(&[][..], |route| &route.audiences);
        settings.chain.expect(rules.iter().chain([&default]).map(|rule| (rule, named(rule))));
        Ok(Self(Arc::new(Inner {
            rules,
            default,
            routes,
            hosts,
            upstreams: Upstreams::default(),
            issuer: settings.issuer,
            resource_metadata,
            chain: settings.chain,
            proofs: settings.proofs,
            desk: settings.sign_in.and_then(Desk::new),
            limiter: settings.limiter,
            signer: settings.signer,
            witness: settings.witness,
            meter: settings.meter,
            tickets: settings.tickets,
            ticket_rule: Rule::compile(socket::ticket::rule())?,
            clock: settings.clock,
            stop: settings.stop,
            successor: OnceLock::new(),
        })))
    }

    /// Gives way to another: requests that are under way end as they began, and streams that stay open are
    /// judged by its routes from now on.
    pub fn give_way_to(&self, successor: &Self) {
        // Who was replaced before is not asked any more.
        let _ = self.0.successor.set(Arc::clone(&successor.0));
    }

    /// The name of the route for a request; none where it is nobody's.
    pub fn route_for(&self, host: &str, method: &str, path: &NormalPath) -> Option<String> {
        self.0.rules.find(host, method, path).map(|rule| rule.name().to_owned())
    }

    /// The names of the routes as they are held against a request; the last is for what no other is for.
    pub fn order(&self) -> Vec<String> {
        let names = self.0.rules.in_order().into_iter().map(|rule| rule.name().to_owned());
        let mut names: Vec<String> = names.filter(|name| name != DEFAULT).collect();
        names.push(DEFAULT.to_owned());
        names
    }

    /// Whether a request would be let through by a route, or by the one that is for it, and the name of the rule that
    /// says so; nothing is counted and nobody told. The path is in its normal form.
    pub fn would_admit(
        &self,
        presented: Presented<'_>,
        (route, asked): (Option<&str>, Option<Asked<'_>>),
        (address, now): (IpAddr, Time),
    ) -> (String, Result<(), Refusal>) {
        let inner = &self.0;
        let rule = match (route, asked) {
            (Some(DEFAULT), _) => Some(&inner.default),
            (Some(name), _) => match inner.rules.named(name) {
                None => return (name.to_owned(), Err(Why::RouteUnknown.into())),
                found => found,
            },
            (None, Some(asked)) => match NormalPath::read(asked.path) {
                Err(_) => return (String::new(), Err(Why::PathAmbiguous.into())),
                Ok(path) => inner.rules.find(asked.host, asked.method, &path),
            },
            (None, None) => None,
        };
        let rule = rule.unwrap_or(&inner.default);
        let told = judged::would_admit(rule, &inner.route(rule), presented, (asked, (address, now)));
        (rule.name().to_owned(), told)
    }

    /// Whose token it is, as it would stand in `Authorization`; without a scheme before it, as a bearer token. A wrong
    /// one is counted as nobody's try.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub async fn recognise(&self, token: &str, now: Time) -> Result<Arc<Known>, Refusal> {
        let told = if token.contains(' ') { token.to_owned() } else { format!("Bearer {token}") };
        let value = HeaderValue::from_str(&told).map_err(|_| Why::InvalidToken)?;
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        let chain = &self.0.chain;
        let credential = chain.presented(&headers, None, (false, false))?.ok_or(Why::MissingToken)?;
        chain.recognise(&credential, now).await
    }

    /// Whether a request is for an application behind: its body goes on as it comes.
    pub fn forwards(&self, target: &Uri, headers: &HeaderMap) -> bool {
        !self.0.hosts.is_empty()
            && !is_question(target)
            && !signin::is_question(&self.0, target, headers)
            && proxy::is_guarded(&self.0, target, headers)
    }

    /// Whether a request is the gateway's to answer.
    pub fn takes(&self, target: &Uri, headers: &HeaderMap) -> bool {
        is_question(target) || self.forwards(target, headers) || signin::is_question(&self.0, target, headers)
    }

    /// Answers a request that is the gateway's; what was decided goes with the answer, as [`Decided`].
    pub async fn answer(&self, request: Request<Body>, origin: Origin) -> Response<Body> {
        let mut response = match &self.0.meter {
            Some(meter) => self.metered(meter, request, &origin).await,
            None => self.answered(request, &origin).await,
        };
        if origin.decided.get().is_some() {
            response.extensions_mut().insert(origin.decided);
        }
        response
    }

    async fn metered(
        &self,
        meter: &Arc<dyn Meter>,
        request: Request<Body>,
        origin: &Origin,
    ) -> Response<Body> {
        let (clock, decided) = (Arc::clone(&self.0.clock), &origin.decided);
        decided.is_metered(Metering { meter: Arc::clone(meter), began: clock(), clock });
        let response = if self.forwards(request.uri(), request.headers()) {
            let request = request.map(|body| weighed(body, Way::In, decided));
            proxy::answer(&self.0, request, origin).await.map(|body| weighed(body, Way::Out, decided))
        } else {
            self.answered(request, origin).await
        };
        decided.is_answered(response.status());
        response
    }

    async fn answered(&self, request: Request<Body>, origin: &Origin) -> Response<Body> {
        if self.forwards(request.uri(), request.headers()) {
            return proxy::answer(&self.0, request, origin).await;
        }
        if envoy::is_question(request.uri()) {
            return envoy::answer(&self.0, request, origin).await;
        }
        // No question is in a body, and none is waited for.
        let (request, _) = request.into_parts();
        if socket::ticket::is_question(&request.uri) {
            return socket::ticket::answer(&self.0, &request, origin).await;
        }
        if signin::is_question(&self.0, &request.uri, &request.headers) {
            return signin::answer(&self.0, &request, origin).await;
        }
        validate::answer(&self.0, &request, origin).await
    }
}

/// Whether this is a question to us, and never for an application behind.
pub fn is_question(target: &Uri) -> bool {
    validate::is_question(target) || envoy::is_question(target) || socket::ticket::is_question(target)
}

/// Tells a refusal, and has it remembered.
async fn turn_away(
    gateway: &Inner,
    dress: &Dress<'_>,
    (origin, rule, known): (&Origin, &str, Option<&Known>),
    refusal: &Refusal,
) -> Response<Body> {
    let principal = known.map(|known| &known.principal);
    origin.decided.is_refused(rule, principal, refusal.why);
    if let Some(witness) = &gateway.witness {
        witness.refused(Refused { origin, rule, why: refusal.why, principal }).await;
    }
    if let Some(cause) = &refusal.cause {
        tracing::warn!(rule, cause, request_id = origin.request_id, "a policy could not be evaluated");
    }
    tracing::debug!(rule, code = refusal.why.code(), request_id = origin.request_id, "not let through");
    let mut response = dress.refused(refusal);
    response.extensions_mut().insert(refusal.why);
    response
}

impl Inner {
    fn route(&self, rule: &Rule) -> Arc<Route> {
        self.routes.get(rule.name()).cloned().unwrap_or_default()
    }
}
