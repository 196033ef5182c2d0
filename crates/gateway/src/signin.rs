//! Browsers are signed in at the hosts of the applications behind: the gateway is an OpenID Connect client of the
//! issuer (code with PKCE), and keeps what it gets in a cookie of that one host ([`cookie`]).
//!
//! A browser that is refused for want of a session is sent to `/.doorward/login` on its own host, from there to the
//! issuer, back to `/.doorward/callback`, and on to the page that it asked for. Machines get 401: they would only
//! parse a page. The session ends with the one at the issuer.

mod ask;
mod cookie;
mod leave;
mod memory;
mod page;
mod visit;
mod way;

use axum::body::Body;
use doorward_judge::{CredentialKind, Refusal, Rule, Why, host, path::NormalPath, verdict::Class};
use doorward_proto::{secret::SecretText, time::Time};
use doorward_sdk::{
    dress::Errors,
    server::{Credential, Scheme},
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header, request::Parts};
use url::form_urlencoded;

use self::{
    cookie::Sealer,
    page::Page,
    visit::{Failed, Visit},
};
use crate::{
    Inner, Origin, Refused,
    dress::{self, Dress},
    proxy::host_of,
    validate,
};

pub use memory::Memory;
pub use way::{Admit, Authenticate, CheckIdToken, Endpoints, Find, IdToken, OnBehalf, Proven, SignIn};

const LOGIN: &str = "/.doorward/login";
const CALLBACK: &str = "/.doorward/callback";
const LOGOUT: &str = "/.doorward/logout";

/// How browsers are signed in, ready.
pub(crate) struct Desk {
    way: SignIn,
    sealer: Sealer,
}

impl Desk {
    pub(crate) fn new(way: SignIn) -> Option<Self> {
        let sealer = Sealer::new(&way.key)?;
        Some(Self { way, sealer })
    }
}

/// A host as browsers name it: scheme, name, port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'r> {
    pub(crate) host: &'r str,
    pub(crate) is_https: bool,
}

impl Site<'_> {
    pub(crate) fn origin(self) -> String {
        format!("{}://{}", if self.is_https { "https" } else { "http" }, self.host)
    }
}

/// Whether this is one of our own pages on the host of an application.
pub(crate) fn is_question(gateway: &Inner, target: &Uri, headers: &HeaderMap) -> bool {
    gateway.desk.is_some()
        && matches!(target.path(), LOGIN | CALLBACK | LOGOUT)
        && host_of(target, headers).is_some_and(|host| is_guarded(gateway, host))
}

/// Whether some route names this very host, in one spelling and at a port of ours. A pattern names nobody: what is
/// below it may be somebody else's, and the issuer would send codes there.
fn is_guarded(gateway: &Inner, asked: &str) -> bool {
    let Some(desk) = &gateway.desk else { return false };
    let (name, port) = match asked.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (asked, None),
    };
    let is_port = port.is_none_or(|text| desk.way.ports.iter().any(|port| port.to_string() == text));
    is_port
        && host::name(asked).is_some_and(|read| read == name)
        && gateway.rules.iter().any(|rule| rule.names_host(name))
}

/// Answers one of our own pages.
pub(crate) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let (Some(desk), Some(host)) = (&gateway.desk, host_of(&request.uri, &request.headers)) else {
        return failed(gateway, origin, &Why::RouteUnknown.into());
    };
    let site = Site { host, is_https: origin.is_https };
    let visit = Visit { gateway, desk, site, request, origin, now: (gateway.clock)() };
    let done = match (request.method.as_str(), request.uri.path()) {
        ("GET", LOGIN) => visit.login().await,
        ("GET", CALLBACK) => visit.finish().await,
        ("GET" | "POST", LOGOUT) => visit.leave().await,
        _ => Err(Failed::new(Why::MethodNotAllowed)),
    };
    let mut response = match done {
        Ok(response) => response,
        Err(why) => told(visit, why).await,
    };
    dress::allowing(&mut response, if request.uri.path() == LOGOUT { "GET, POST" } else { "GET" });
    validate::finish(response.headers_mut(), origin);
    let referrer = response.headers_mut().entry(header::REFERRER_POLICY);
    referrer.or_insert(HeaderValue::from_static("no-referrer"));
    response
}

/// Says why it went no further. A try that failed is held against its address, as one at any other door.
async fn told(visit: Visit<'_>, failed: Failed) -> Response<Body> {
    let Visit { gateway, origin, request, now, .. } = visit;
    let Failed { mut refusal, is_try, page } = failed;
    if is_try {
        let failed = gateway.limiter.failed(None, None, Why::InvalidToken, (origin.address, now)).await;
        refusal = failed.unwrap_or(refusal);
        if let Some(witness) = &gateway.witness {
            let rule = request.uri.path();
            witness.refused(Refused { origin, rule, why: refusal.why, principal: None }).await;
        }
    }
    let mut response = self::failed(gateway, origin, &refusal);
    if is_browser(request.method.as_str(), &request.headers) {
        let text = refusal.message();
        let link = Some(("Open the page", page.as_deref().unwrap_or("/")));
        Page { title: "Nobody was signed in", text: &text, button: None, link, ends_at: None }
            .show(&mut response);
    }
    response
}

fn failed(gateway: &Inner, origin: &Origin, refusal: &Refusal) -> Response<Body> {
    let mut dress = Dress::new(&gateway.issuer, &origin.request_id);
    dress.words.errors = Errors::Plain;
    dress.refused(refusal)
}

/// The page to go back to: one of this host, that a route is for; else its first page.
fn asked_for(gateway: &Inner, site: Site<'_>, query: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let page = pairs.find(|(name, _)| name == "to").map_or_else(|| "/".into(), |(_, page)| page.into_owned());
    let (path, _) = page.split_once(['?', '#']).unwrap_or((&page, ""));
    let is_local = page.starts_with('/') && !page.contains(['\\', '\r', '\n']) && !page.starts_with("//");
    let found = NormalPath::read(path).ok().filter(|_| is_local && page.len() <= 2_048);
    let is_ours = found.is_some_and(|path| {
        !path.as_str().starts_with("/.doorward/") && gateway.rules.find(site.host, "GET", &path).is_some()
    });
    if is_ours { page } else { "/".to_owned() }
}

/// The session of a browser, when it has one at this host.
pub(crate) fn credential(gateway: &Inner, headers: &HeaderMap, site: Site<'_>) -> Option<Credential> {
    let desk = gateway.desk.as_ref().filter(|_| is_guarded(gateway, site.host))?;
    let token = desk.sealer.session(headers, site, (gateway.clock)())?;
    if desk.way.memory.is_ended(token.token.expose()) {
        return None;
    }
    Some(Credential::Token { scheme: token.scheme, token: token.token })
}

/// Refuses what another site could have a browser do in the name of whoever is signed in: also one of the same
/// domain, which `SameSite` lets through.
pub(crate) fn check_page(method: &str, headers: &HeaderMap, site: Site<'_>) -> Result<(), Refusal> {
    // A socket that is opened does whatever is said on it.
    let is_socket = headers.contains_key(header::SEC_WEBSOCKET_KEY) || headers.contains_key(header::UPGRADE);
    if matches!(method, "GET" | "HEAD" | "OPTIONS") && !is_socket {
        return Ok(());
    }
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.as_bytes());
    let is_own = match text(header::ORIGIN) {
        Some(page) => page == site.origin().as_bytes(),
        None => text(header::HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|from| matches!(from, b"same-origin" | b"none")),
    };
    if is_own {
        Ok(())
    } else {
        Err(Refusal::new(Why::Forbidden).hint("The request comes from another site's page"))
    }
}

/// Where a refused browser is to be sent, if that would help: nobody comes back from signing in to be refused for
/// the same reason.
pub(crate) fn way_in(
    gateway: &Inner,
    (method, headers): (&str, &HeaderMap),
    (site, page): (Site<'_>, &str),
    (rule, why): (&Rule, Why),
) -> Option<String> {
    let desk = gateway.desk.as_ref()?;
    let takes_sessions = rule.takes(CredentialKind::Session) && rule.believes(&desk.way.issuer);
    let is_lack = matches!(why.class(), Class::Missing)
        || matches!(why, Why::TokenExpired | Why::TokenRevoked | Why::InvalidToken);
    // One that was made a moment ago and was not taken back will be refused again.
    let is_new = desk.sealer.session(headers, site, (gateway.clock)()).is_some_and(|session| session.is_new);
    let is_stuck = (is_new && why == Why::InvalidToken) || cookie::is_doubled(headers, site);
    let helps = takes_sessions && is_lack && !is_stuck && Credential::header_of(headers).is_none();
    (helps && is_browser(method, headers) && is_guarded(gateway, site.host)).then(|| {
        let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
        format!("{LOGIN}?to={page}")
    })
}

/// Sends a browser on.
pub(crate) fn redirect(to: &str) -> Option<Response<Body>> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(to).ok()?);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// Whether somebody looks at what comes back: a page is opened, not fetched by a script or a machine.
fn is_browser(method: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let wants_page = text("accept").is_some_and(|kinds| {
        kinds.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/html")
    });
    let opens = text("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    matches!(method, "GET" | "HEAD") && wants_page && opens && !headers.contains_key("x-requested-with")
}

/// A token, with what is known of it.
pub(crate) struct Held {
    token: SecretText,
    scheme: Scheme,
    /// Whether it was got within the last seconds.
    is_new: bool,
}

/// Seconds within which a session counts as new.
const NEW: i64 = 10;

impl Held {
    fn new(session: cookie::Session, now: Time) -> Self {
        Self {
            token: SecretText::new(session.t),
            scheme: if session.d { Scheme::IdToken } else { Scheme::Session },
            is_new: now.as_seconds() - session.i < NEW,
        }
    }
}

#[cfg(test)]
mod tests;
