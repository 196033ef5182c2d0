//! To the issuer and back: RFC 6749 4.1 with PKCE (RFC 7636) and the issuer's name in the answer (RFC 9207).
//!
//! The `state` is sealed and says for which browser, host and page it was made; so nobody can have somebody else
//! signed in as themselves, nor have them sent anywhere but to that page. Each is good for one exchange, and who
//! tries too often from an address has to wait: nothing of ours is signed or written for a guess.

use axum::body::Body;
use doorward_judge::{Refusal, Why, path::NormalPath, verdict::Class};
use doorward_proto::{
    jose::{encode_base64url, sha256_base64url},
    secret::SecretText,
    time::Time,
};
use doorward_sdk::server::{Credential, Scheme};
use http::{Response, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    CALLBACK, Desk, Site, asked_for,
    cookie::{self, Jar, Session},
    way::{Endpoints, IdToken},
};
use crate::{Inner, Origin};

/// Seconds in which somebody signs in.
const PATIENCE: i64 = 30 * 60;
/// Where states are opened.
const STATE: &str = "state";
/// A cookie is not kept longer than this, whatever the issuer says.
pub(super) const LONGEST: i64 = 7 * 24 * 60 * 60;
/// After this a person signs in again, however often the session was renewed.
const ABSOLUTE: i64 = 30 * 24 * 60 * 60;
/// Seconds for which a token is good whose issuer does not say it.
const USUAL: i64 = 600;
const AGAIN: &str = "Open the page that you wanted to see again";

/// A browser at one of our pages.
#[derive(Clone, Copy)]
pub(super) struct Visit<'v> {
    pub(super) gateway: &'v Inner,
    pub(super) desk: &'v Desk,
    pub(super) site: Site<'v>,
    pub(super) request: &'v Parts,
    pub(super) origin: &'v Origin,
    pub(super) now: Time,
}

/// Why it went no further, in words for whoever sits there.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    /// Whether it was a try that counts against its address.
    pub(super) is_try: bool,
    /// The page that it was for.
    pub(super) page: Option<String>,
}

impl Failed {
    pub(super) fn new(refusal: impl Into<Refusal>) -> Self {
        Self { refusal: refusal.into(), is_try: false, page: None }
    }

    fn at(self, page: &str) -> Self {
        Self { page: Some(page.to_owned()), ..self }
    }
}

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

impl State {
    /// What the ID token repeats. Whoever sees it learns nothing of the verifier.
    fn nonce(&self) -> String {
        sha256_base64url(format!("nonce {}", self.v).as_bytes())
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
}

pub(super) fn unavailable() -> Failed {
    Failed::new(Why::Unavailable)
}

fn wrong(hint: &str) -> Failed {
    Failed { is_try: true, ..Failed::new(Refusal::new(Why::RequestInvalid).hint(hint)) }
}

impl Visit<'_> {
    /// Sends a browser to the issuer, or back to its page at once where its session can be renewed.
    pub(super) async fn login(self) -> Result<Response<Body>, Failed> {
        let page = asked_for(self.gateway, self.site, self.request.uri.query().unwrap_or_default());
        let path = page.split(['?', '#']).next().and_then(|path| NormalPath::read(path).ok());
        let rule = path.and_then(|path| self.gateway.rules.find(self.site.host, "GET", &path));
        self.may_come().await?;
        if let Some(rule) = rule {
            let from = (self.origin.address, self.now);
            let taken = self.gateway.limiter.take_for_nobody(rule, from).await;
            taken.map_err(|over| Failed::new(over.refusal))?;
        }
        if let Some(response) = self.renewed(&page).await {
            return Ok(response);
        }
        let mut response = self.begin(page).await?;
        let kept = self.desk.sealer.kept(&self.request.headers, self.site);
        if kept.is_some_and(|session| self.desk.way.memory.is_ended(&session.t)) {
            let gone = Jar::Gate.set(self.site, "", 0).ok_or_else(unavailable)?;
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
        Ok(response)
    }

    async fn may_come(self) -> Result<(), Failed> {
        let from = (self.origin.address, self.now);
        self.gateway.limiter.may_try_from(from).await.map_err(Failed::new)
    }

    pub(super) async fn endpoints(self) -> Result<std::sync::Arc<Endpoints>, Failed> {
        (self.desk.way.find)().await.map_err(|why| {
            tracing::warn!(issuer = self.desk.way.issuer, why, "the issuer cannot be found");
            unavailable()
        })
    }

    async fn begin(self, page: String) -> Result<Response<Body>, Failed> {
        let (way, site) = (&self.desk.way, self.site);
        let callback = format!("{}{CALLBACK}", site.origin());
        (way.admit)(callback.clone()).await.map_err(|why| {
            tracing::warn!(host = site.host, why, "nobody can be signed in at this host");
            unavailable()
        })?;
        let endpoints = self.endpoints().await?;
        // Several pages may be opened at once: they share what the browser is known by.
        let kept = Jar::Try.read(&self.request.headers, site).filter(|name| name.len() == 22);
        let name = match kept {
            Some(name) => name.to_owned(),
            None => encode_base64url(&cookie::random::<16>().ok_or_else(unavailable)?),
        };
        let state = State {
            h: site.origin(),
            p: page,
            v: encode_base64url(&cookie::random::<32>().ok_or_else(unavailable)?),
            b: sha256_base64url(name.as_bytes()),
            e: self.now.as_seconds() + PATIENCE,
        };
        let sealed = self.desk.sealer.seal(STATE, &state).ok_or_else(unavailable)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &way.client_id)
            .append_pair("redirect_uri", &callback)
            .append_pair("scope", &way.scope)
            .append_pair("state", &sealed)
            .append_pair("code_challenge", &sha256_base64url(state.v.as_bytes()))
            .append_pair("code_challenge_method", "S256");
        if way.id_token.is_some() {
            query.append_pair("nonce", &state.nonce());
        }
        let to = with_query(&endpoints.authorization, &query.finish());
        let mut response = super::redirect(&to).ok_or_else(unavailable)?;
        let kept = Jar::Try.set(site, &name, PATIENCE).ok_or_else(unavailable)?;
        response.headers_mut().append(header::SET_COOKIE, kept);
        Ok(response)
    }

    /// Takes the issuer's answer, and sends the browser to its page.
    pub(super) async fn finish(self) -> Result<Response<Body>, Failed> {
        self.may_come().await?;
        let query = self.request.uri.query().unwrap_or_default();
        let one = |wanted: &str| {
            let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
            let value = values.next().map(|(_, value)| value.into_owned());
            value.filter(|_| values.next().is_none())
        };
        let (site, way) = (self.site, &self.desk.way);
        let state: Option<State> = one("state").and_then(|state| self.desk.sealer.open(STATE, &state));
        let state = state.filter(|state| state.h == site.origin() && self.now.as_seconds() < state.e);
        let state = state.ok_or_else(|| wrong(AGAIN))?;
        let browser =
            Jar::Try.read(&self.request.headers, site).map(|name| sha256_base64url(name.as_bytes()));
        if browser.as_deref() != Some(state.b.as_str()) {
            return Err(wrong("It was another browser that was sent to sign in"));
        }
        let endpoints = self.endpoints().await?;
        let named = one("iss");
        let is_named = query.split('&').any(|pair| pair.split('=').next() == Some("iss"));
        if named.as_deref() != Some(way.issuer.as_str()) && (endpoints.names_itself || is_named) {
            return Err(wrong("The answer is from another issuer"));
        }
        if let Some(error) = one("error") {
            tracing::info!(host = site.host, error, "nobody was signed in");
            return Err(Failed::new(Refusal::new(Why::Forbidden).hint(AGAIN)).at(&state.p));
        }
        let code = one("code").ok_or_else(|| wrong(AGAIN))?;
        // By what is in it: nobody else can write that in another way.
        if !way.memory.is_first(&state.v, Time::from_seconds(state.e), self.now) {
            return Err(
                wrong("This way back from signing in has been used; nothing was changed").at(&state.p)
            );
        }
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", format!("{}{CALLBACK}", site.origin())),
            ("code_verifier", state.v.clone()),
        ];
        let granted = self.granted(&endpoints, form).await?;
        if way.id_token.is_some() && granted.id_token.is_none() {
            tracing::warn!(issuer = way.issuer, "the issuer sent no ID token");
            return Err(unavailable());
        }
        let whose = self.whose(&granted, Some(state.nonce())).await.map_err(|()| wrong(AGAIN))?;
        self.signed_in(granted, (&state.p, whose, None)).await
    }

    /// The same page with a new token, without a word to the person: once for each session.
    async fn renewed(self, page: &str) -> Option<Response<Body>> {
        let session = self.desk.sealer.kept(&self.request.headers, self.site)?;
        let refresh = session.r.as_ref()?;
        let memory = &self.desk.way.memory;
        let until = Time::from_seconds(self.now.as_seconds() + LONGEST);
        // A copy of a cookie lasts no longer than the cookie.
        let now = self.now.as_seconds();
        if now >= session.i + LONGEST || now >= session.s + ABSOLUTE {
            return None;
        }
        if memory.is_ended(&session.t) || !memory.is_first(&session.t, until, self.now) {
            return None;
        }
        let endpoints = self.endpoints().await.ok()?;
        let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.clone())];
        let granted = self.granted(&endpoints, form).await.ok()?;
        // OpenID Connect Core 12.2 lets it be left out; the access token alone says nothing here.
        if session.d && granted.id_token.is_none() {
            return None;
        }
        // The same person, or nobody: the browser shows a page that was opened as hers.
        let whose = self.whose(&granted, None).await;
        let Some(whose) = whose.ok().filter(|whose| whose.is_none() || *whose == session.u) else {
            tracing::warn!(host = self.site.host, "a session was renewed as another one, and is ended");
            let Granted { access_token: t, refresh_token: r, .. } = granted;
            self.end(Session { t, r, e: until.as_seconds(), ..Session::default() }).await;
            self.end(session).await;
            return None;
        };
        let whose = whose.or_else(|| session.u.clone());
        self.signed_in(granted, (page, whose, Some(session))).await.ok()
    }

    /// Whose ID token came, if one did; an error when it is not good.
    async fn whose(self, granted: &Granted, nonce: Option<String>) -> Result<Option<String>, ()> {
        let (Some(check), Some(token)) = (&self.desk.way.id_token, &granted.id_token) else {
            return Ok(None);
        };
        let checked = check(IdToken { token: token.clone(), nonce, now: self.now }).await;
        checked.map(Some).map_err(|why| {
            tracing::warn!(issuer = self.desk.way.issuer, why, "an ID token was refused");
        })
    }

    async fn granted(
        self,
        endpoints: &Endpoints,
        form: Vec<(&'static str, String)>,
    ) -> Result<Granted, Failed> {
        let answer = self.ask(&endpoints.token, form).await?;
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            tracing::info!(host = self.site.host, status, "the issuer gave no token");
            return Err(if answer.status().is_server_error() { unavailable() } else { wrong(AGAIN) });
        }
        serde_json::from_slice(answer.body()).map_err(|_| unavailable())
    }

    /// Keeps what was got in the browser's cookie for this host, and sends it to its page.
    async fn signed_in(
        self,
        granted: Granted,
        (page, whose, before): (&str, Option<String>, Option<Session>),
    ) -> Result<Response<Body>, Failed> {
        let ends_in = granted.expires_in.unwrap_or(USUAL).clamp(1, LONGEST);
        let (since, until) = (self.now.as_seconds(), self.now.as_seconds() + ends_in);
        let signed_in_at = before.as_ref().map_or(since, |before| before.s);
        let mut session = self.token(granted).await;
        session.r = session.r.or(before.and_then(|before| before.r));
        let session = Session { i: since, e: until, s: signed_in_at, u: whose, ..session };
        let (sealed, lasts) = self.sealed(session, ends_in).ok_or_else(unavailable)?;
        let mut response = super::redirect(page).ok_or_else(|| wrong(AGAIN))?;
        *response.status_mut() = StatusCode::SEE_OTHER;
        // What the browser is known by stays: another page of it may still be on its way.
        let kept = Jar::Gate.set(self.site, &sealed, lasts).ok_or_else(unavailable)?;
        response.headers_mut().append(header::SET_COOKIE, kept);
        Ok(response)
    }

    /// What stands for the person from now on: the access token, or the ID token of an issuer whose access tokens
    /// only it can read.
    async fn token(self, granted: Granted) -> Session {
        let Granted { access_token, id_token, refresh_token, .. } = granted;
        let session = Session { r: refresh_token, ..Session::default() };
        let Some(id_token) = id_token.filter(|_| self.desk.way.id_token.is_some()) else {
            return Session { t: access_token, ..session };
        };
        let token = SecretText::new(access_token.clone());
        let credential = Credential::Token { scheme: Scheme::Session, token };
        match self.gateway.chain.recognise(&credential, self.now).await {
            Err(refusal) if refusal.why.class() != Class::Unavailable => {
                Session { t: id_token, d: true, a: Some(access_token), ..session }
            }
            _ => Session { t: access_token, ..session },
        }
    }

    /// A session as a cookie holds it, and for how long; without what is only there to be ended, and then without
    /// the means to renew it, where not all of it fits.
    fn sealed(self, mut session: Session, ends_in: i64) -> Option<(String, i64)> {
        let place = cookie::gate(self.site);
        let seal = |session: &Session| self.desk.sealer.seal(&place, session);
        let lasts = |session: &Session| if session.r.is_some() { LONGEST } else { ends_in };
        if let Some(sealed) = seal(&session) {
            return Some((sealed, lasts(&session)));
        }
        session.a = None;
        if let Some(sealed) = seal(&session) {
            return Some((sealed, lasts(&session)));
        }
        session.r = None;
        Some((seal(&session)?, ends_in))
    }
}

/// An endpoint may have a query of its own (RFC 6749 3.1).
pub(super) fn with_query(endpoint: &str, query: &str) -> String {
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{joint}{query}")
}
