//! A provider that says what a test wants, and a browser that goes there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use doorward_core::{
    call::Call,
    env::{Fetch, FetchFailure, FetchRequest, FetchResponse},
    outcome::{Code, Result},
    page::PageAsk,
    providers::{self, Finished, Leaving, NewProvider, Provider, Returned, Settings},
    sessions,
    settings::{Settings as RealmSettings, SignUpMode},
    users,
};
use doorward_proto::{
    id::{Id, User},
    id_token::left_hash,
    jose::{Alg, SigningKey, Typ, sha256_base64url},
    secret::{Kind as SecretKind, Opaque, SecretText},
};
use doorward_world::{Fresh, World};
use serde_json::{Value as Json, json};
use url::Url;

pub(crate) const UPSTREAM: &str = "https://login.example";
pub(crate) const SECRET: &str = "our secret there";

/// A provider as it answers now.
#[derive(Clone)]
pub(crate) struct Upstream(pub(crate) Arc<Mutex<Says>>);

pub(crate) struct Says {
    pub(crate) key: SigningKey,
    pub(crate) published: Json,
    /// Claims of the ID token over the right ones; null takes one out.
    pub(crate) claims: Json,
    pub(crate) userinfo: Json,
    pub(crate) discovery: Json,
    /// The answer of the token endpoint, where it is not the right one.
    pub(crate) token: Option<(u16, Json)>,
    /// The whole ID token, where it is not one that is made here.
    pub(crate) id_token: Option<String>,
    /// The bytes of an answer, by the path that is asked, where they are not the right ones.
    pub(crate) raw: Option<(&'static str, Vec<u8>)>,
    pub(crate) is_silent: bool,
    pub(crate) hangs: bool,
    /// How often somebody has asked for the discovery document.
    pub(crate) discovered: usize,
    /// Where it is: its issuer.
    pub(crate) base: String,
    /// How we have proven last who we are, with what we have sent.
    pub(crate) redeemed: (Option<String>, BTreeMap<String, String>),
    /// What authorization requests have asked for.
    pub(crate) asked: BTreeMap<String, String>,
    /// The same of every browser that is away.
    pub(crate) all_asked: Vec<BTreeMap<String, String>>,
    pub(crate) now: i64,
}

pub(crate) fn merged(base: Json, over: &Json) -> Json {
    let mut base = base;
    let members = base.as_object_mut().expect("an object");
    for (name, value) in over.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

/// The right claims with a lie among them.
pub(crate) fn lying(right: &Json, lie: &Json) -> Json {
    let mut claims = right.clone();
    claims.as_object_mut().expect("an object").extend(lie.as_object().expect("an object").clone());
    claims
}

impl Upstream {
    pub(crate) fn new() -> Self {
        let key = SigningKey::generate(Alg::ES256).expect("a key").with_kid("one");
        let published = json!({ "keys": [key.jwk()] });
        let claims = json!({ "email": "ada@login.example", "email_verified": true, "name": "Ada" });
        let says = Says {
            key,
            published,
            claims,
            userinfo: json!({}),
            discovery: json!({}),
            token: None,
            id_token: None,
            raw: None,
            is_silent: false,
            hangs: false,
            discovered: 0,
            base: UPSTREAM.to_owned(),
            redeemed: Default::default(),
            asked: BTreeMap::new(),
            all_asked: Vec::new(),
            now: 0,
        };
        Self(Arc::new(Mutex::new(says)))
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.0.lock().expect("no panic"));
    }

    pub(crate) fn discovered(&self) -> usize {
        self.0.lock().expect("no panic").discovered
    }

    pub(crate) fn fetch(&self) -> Fetch {
        let own = self.clone();
        Arc::new(move |request| {
            let (is_silent, hangs) = {
                let mut says = own.0.lock().expect("no panic");
                says.discovered += usize::from(request.url.path().ends_with("/openid-configuration"));
                (says.is_silent, says.hangs)
            };
            let (status, body) = own.answer(&request);
            let mut body = body.to_string().into_bytes();
            own.set(|says| {
                if let Some((path, bytes)) = &says.raw
                    && request.url.path() == *path
                {
                    body.clone_from(bytes);
                }
            });
            Box::pin(async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                if is_silent {
                    return Err(FetchFailure::NoAnswer("down".to_owned()));
                }
                Ok(FetchResponse { status, headers: Vec::new(), body })
            })
        })
    }

    pub(crate) fn answer(&self, request: &FetchRequest) -> (u16, Json) {
        let mut says = self.0.lock().expect("no panic");
        let base = says.base.clone();
        let place = Url::parse(&base).expect("an address");
        let path = request.url.path();
        let path = path.strip_prefix(place.path().trim_end_matches('/')).unwrap_or(path).to_owned();
        let bearer = request
            .headers
            .iter()
            .any(|(name, value)| *name == "authorization" && value == "Bearer upstream");
        match (request.method, path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => (
                200,
                merged(
                    json!({
                        "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                        "token_endpoint": format!("{base}/token"), "userinfo_endpoint": format!("{base}/userinfo"),
                        "jwks_uri": format!("{base}/keys"),
                    }),
                    &says.discovery,
                ),
            ),
            ("GET", "/keys") => (200, says.published.clone()),
            ("GET", "/userinfo" | "/user") if bearer => (200, says.userinfo.clone()),
            ("GET", "/emails" | "/user/emails") if bearer => (200, says.userinfo["all"].clone()),
            ("POST", "/token" | "/login/oauth/access_token") => says.tokens(request),
            other => (404, json!({ "error": format!("{other:?}") })),
        }
    }
}

impl Says {
    pub(crate) fn tokens(&mut self, request: &FetchRequest) -> (u16, Json) {
        if let Some(answer) = &self.token {
            return answer.clone();
        }
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(&request.body).into_owned().collect();
        // What a provider is to check.
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(form["code"], "the-code");
        let challenge = sha256_base64url(form["code_verifier"].as_bytes());
        let asked = self.all_asked.iter().find(|asked| asked["code_challenge"] == challenge);
        let asked = asked.unwrap_or(&self.asked).clone();
        assert_eq!(challenge, asked["code_challenge"]);
        assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
        let header = request.headers.iter().find(|(name, _)| *name == "authorization");
        let header = header.map(|(_, value)| value.clone());
        assert_ne!(header.is_some(), form.contains_key("client_id"), "one way to prove who we are");
        self.redeemed = (header, form);
        let claims = merged(
            json!({
                "iss": self.base, "sub": "ada-1", "aud": "us", "iat": self.now, "exp": self.now + 300,
                "nonce": asked.get("nonce"), "at_hash": left_hash(Alg::ES256, "upstream"),
            }),
            &self.claims,
        );
        let token = self.key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
        let token = self.id_token.clone().unwrap_or(token);
        (200, json!({ "access_token": "upstream", "token_type": "Bearer", "id_token": token }))
    }
}

pub(crate) async fn world(place: &Fresh, upstream: &Upstream, mode: SignUpMode) -> World {
    let mut settings = RealmSettings::default();
    settings.sign_up.mode = mode;
    let world = World::new(place, settings, upstream.fetch()).await;
    upstream.set(|says| says.now = world.call().now.as_seconds());
    world
}

pub(crate) fn openid() -> NewProvider {
    let settings = Settings {
        name: "Login".to_owned(),
        issuer: Some(UPSTREAM.to_owned()),
        client_id: "us".to_owned(),
        scopes: ["openid", "email"].map(str::to_owned).to_vec(),
        creates_accounts: true,
        is_enabled: true,
        ..Settings::default()
    };
    NewProvider { slug: "login".to_owned(), secret: Some(SecretText::from(SECRET)), settings }
}

pub(crate) async fn added(world: &World, change: impl FnOnce(&mut Settings)) -> Provider {
    let mut new = openid();
    change(&mut new.settings);
    providers::create(&world.local(), new).await.expect("is added")
}

/// A browser.
pub(crate) struct Browser {
    slug: String,
    pub(crate) marker: Opaque,
    pub(crate) away: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn leaves(call: &Call, upstream: &Upstream) -> Self {
        Self::leaves_for(call, upstream, "login").await
    }

    pub(crate) async fn leaves_for(call: &Call, upstream: &Upstream, slug: &str) -> Self {
        Self::try_to_leave(call, upstream, slug).await.expect("leaves")
    }

    pub(crate) async fn try_to_leave(call: &Call, upstream: &Upstream, slug: &str) -> Result<Self> {
        Self::leave_as(call, upstream, slug, None).await
    }

    /// Leaves for a provider, being somebody without an account as yet.
    pub(crate) async fn leave_as(
        call: &Call,
        upstream: &Upstream,
        slug: &str,
        registers: Option<Id<User>>,
    ) -> Result<Self> {
        let marker = call.secret(SecretKind::Link).expect("a secret");
        let leaving = Leaving { next: Some("/account/keys".to_owned()), registers, ..Leaving::default() };
        let address = providers::begin(call, slug, &marker, leaving).await?;
        let away: BTreeMap<String, String> =
            Url::parse(&address).expect("an address").query_pairs().into_owned().collect();
        upstream.set(|says| {
            says.asked = away.clone();
            says.all_asked.push(away.clone());
        });
        Ok(Self { slug: slug.to_owned(), marker, away })
    }

    pub(crate) fn answer(&self) -> Returned {
        Returned {
            slug: self.slug.clone(),
            state: self.away.get("state").cloned(),
            code: Some("the-code".to_owned()),
            ..Returned::default()
        }
    }

    pub(crate) async fn returns(&self, call: &Call) -> Result<Finished> {
        finish(call, self.answer(), Some(&self.marker)).await
    }
}

/// What comes of it: who is turned away is refused, and keeps the way that was being gone.
pub(crate) async fn finish(call: &Call, returned: Returned, marker: Option<&Opaque>) -> Result<Finished> {
    match providers::finish(call, returned, marker, None).await? {
        Finished::TurnedAway { refusal, next } => {
            assert_eq!(next.as_deref(), Some("/account/keys"));
            Err(refusal.into())
        }
        other => Ok(other),
    }
}

pub(crate) async fn goes(call: &Call, upstream: &Upstream) -> Result<Finished> {
    Browser::leaves(call, upstream).await.returns(call).await
}

pub(crate) async fn signed_in(call: &Call, upstream: &Upstream) -> (sessions::Session, Option<String>) {
    match goes(call, upstream).await.expect("comes back") {
        Finished::SignedIn { signed_in, next } => (signed_in.session, next),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn refused(call: &Call, upstream: &Upstream) -> Code {
    goes(call, upstream).await.expect_err("is refused").code().expect("a refusal")
}

pub(crate) async fn people(world: &World) -> usize {
    let ask =
        users::ListAsk { page: PageAsk { limit: 500, ..PageAsk::default() }, ..users::ListAsk::default() };
    users::list(&world.local(), ask).await.expect("a list").items.len()
}
