//! Signing in elsewhere: what a provider says, and what is made of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::kit::{PASSWORD, person};
use doorward_core::{
    audit,
    call::Call,
    env::{Fetch, FetchFailure, FetchRequest, FetchResponse},
    outcome::{Code, Result},
    page::PageAsk,
    providers::{self, Finished, Kind, Leaving, NewProvider, Provider, Returned, Settings},
    sessions,
    settings::{Settings as RealmSettings, SignUpMode},
    users::{self, Email},
};
use doorward_proto::{
    id_token::left_hash,
    jose::{Alg, SigningKey, Typ, encode_base64url, sha256_base64url},
    secret::{Kind as SecretKind, Opaque, SecretText},
};
use doorward_world::{Fresh, World, both_engines};
use serde_json::{Value as Json, json};
use url::Url;

const UPSTREAM: &str = "https://login.example";
const SECRET: &str = "our secret there";

/// A provider as it answers now.
#[derive(Clone)]
struct Upstream(Arc<Mutex<Says>>);

struct Says {
    key: SigningKey,
    published: Json,
    /// Claims of the ID token over the right ones; null takes one out.
    claims: Json,
    userinfo: Json,
    discovery: Json,
    /// The answer of the token endpoint, where it is not the right one.
    token: Option<(u16, Json)>,
    /// The whole ID token, where it is not one that is made here.
    id_token: Option<String>,
    is_silent: bool,
    hangs: bool,
    /// What authorization requests have asked for.
    asked: BTreeMap<String, String>,
    now: i64,
}

fn merged(base: Json, over: &Json) -> Json {
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
fn lying(right: &Json, lie: &Json) -> Json {
    let mut claims = right.clone();
    claims.as_object_mut().expect("an object").extend(lie.as_object().expect("an object").clone());
    claims
}

impl Upstream {
    fn new() -> Self {
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
            is_silent: false,
            hangs: false,
            asked: BTreeMap::new(),
            now: 0,
        };
        Self(Arc::new(Mutex::new(says)))
    }

    fn set(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.0.lock().expect("no panic"));
    }

    fn fetch(&self) -> Fetch {
        let own = self.clone();
        Arc::new(move |request| {
            let (is_silent, hangs) = {
                let says = own.0.lock().expect("no panic");
                (says.is_silent, says.hangs)
            };
            let answer = own.answer(&request);
            Box::pin(async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                if is_silent {
                    return Err(FetchFailure::NoAnswer("down".to_owned()));
                }
                let (status, body) = answer;
                Ok(FetchResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() })
            })
        })
    }

    fn answer(&self, request: &FetchRequest) -> (u16, Json) {
        let says = self.0.lock().expect("no panic");
        let bearer = request
            .headers
            .iter()
            .any(|(name, value)| *name == "authorization" && value == "Bearer upstream");
        match (request.method, request.url.path()) {
            ("GET", "/.well-known/openid-configuration") => (
                200,
                merged(
                    json!({
                        "issuer": UPSTREAM, "authorization_endpoint": format!("{UPSTREAM}/authorize"),
                        "token_endpoint": format!("{UPSTREAM}/token"), "userinfo_endpoint": format!("{UPSTREAM}/userinfo"),
                        "jwks_uri": format!("{UPSTREAM}/keys"),
                    }),
                    &says.discovery,
                ),
            ),
            ("GET", "/keys") => (200, says.published.clone()),
            ("GET", "/userinfo") if bearer => (200, says.userinfo.clone()),
            ("GET", "/emails") if bearer => (200, says.userinfo["all"].clone()),
            ("POST", "/token") => says.tokens(request),
            other => (404, json!({ "error": format!("{other:?}") })),
        }
    }
}

impl Says {
    fn tokens(&self, request: &FetchRequest) -> (u16, Json) {
        if let Some(answer) = &self.token {
            return answer.clone();
        }
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(&request.body).into_owned().collect();
        // What a provider is to check.
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(form["code"], "the-code");
        assert_eq!(sha256_base64url(form["code_verifier"].as_bytes()), self.asked["code_challenge"]);
        assert_eq!(form["redirect_uri"], self.asked["redirect_uri"]);
        assert!(
            request
                .headers
                .iter()
                .any(|(name, value)| *name == "authorization" && value.starts_with("Basic "))
        );
        let claims = merged(
            json!({
                "iss": UPSTREAM, "sub": "ada-1", "aud": "us", "iat": self.now, "exp": self.now + 300,
                "nonce": self.asked.get("nonce"), "at_hash": left_hash(Alg::ES256, "upstream"),
            }),
            &self.claims,
        );
        let token = self.key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
        let token = self.id_token.clone().unwrap_or(token);
        (200, json!({ "access_token": "upstream", "token_type": "Bearer", "id_token": token }))
    }
}

async fn world(place: &Fresh, upstream: &Upstream, mode: SignUpMode) -> World {
    let mut settings = RealmSettings::default();
    settings.sign_up.mode = mode;
    let world = World::new(place, settings, upstream.fetch()).await;
    upstream.set(|says| says.now = world.call().now.as_seconds());
    world
}

fn openid() -> NewProvider {
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

async fn added(world: &World, change: impl FnOnce(&mut Settings)) -> Provider {
    let mut new = openid();
    change(&mut new.settings);
    providers::create(&world.local(), new).await.expect("is added")
}

/// A browser.
struct Browser {
    marker: Opaque,
    away: BTreeMap<String, String>,
}

impl Browser {
    async fn leaves(call: &Call, upstream: &Upstream) -> Self {
        let marker = call.secret(SecretKind::Link).expect("a secret");
        let leaving = Leaving { next: Some("/account/keys".to_owned()), ..Leaving::default() };
        let address = providers::begin(call, "login", &marker, leaving).await.expect("leaves");
        let away: BTreeMap<String, String> =
            Url::parse(&address).expect("an address").query_pairs().into_owned().collect();
        upstream.set(|says| says.asked = away.clone());
        Self { marker, away }
    }

    fn answer(&self) -> Returned {
        Returned {
            slug: "login".to_owned(),
            state: self.away.get("state").cloned(),
            code: Some("the-code".to_owned()),
            ..Returned::default()
        }
    }

    async fn returns(&self, call: &Call) -> Result<Finished> {
        providers::finish(call, self.answer(), Some(&self.marker), None).await
    }
}

async fn goes(call: &Call, upstream: &Upstream) -> Result<Finished> {
    Browser::leaves(call, upstream).await.returns(call).await
}

async fn signed_in(call: &Call, upstream: &Upstream) -> (sessions::Session, Option<String>) {
    match goes(call, upstream).await.expect("comes back") {
        Finished::SignedIn { signed_in, next } => (signed_in.session, next),
        Finished::Known { .. } => panic!("somebody has the address"),
    }
}

async fn refused(call: &Call, upstream: &Upstream) -> Code {
    goes(call, upstream).await.expect_err("is refused").code().expect("a refusal")
}

async fn people(world: &World) -> usize {
    let ask =
        users::ListAsk { page: PageAsk { limit: 500, ..PageAsk::default() }, ..users::ListAsk::default() };
    users::list(&world.local(), ask).await.expect("a list").items.len()
}

both_engines! {
    async fn a_newcomer_gets_an_account_and_comes_back_to_it(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        upstream.set(|says| says.claims["amr"] = json!(["otp", "fed", "b a\nd"]));
        let (session, next) = signed_in(&call, &upstream).await;
        assert_eq!(next.as_deref(), Some("/account/keys"));
        assert_eq!(session.amr, ["fed", "otp", "bad"]);
        let asked = upstream.0.lock().expect("no panic").asked.clone();
        assert_eq!(asked["redirect_uri"], format!("{}/connect/login/callback", call.realm.issuer));
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        let user = users::get(&call, session.user).await.expect("is there");
        assert_eq!((user.email.as_deref(), user.name.as_deref()), (Some("ada@login.example"), Some("Ada")));
        assert!(user.email_verified_at.is_some());
        // By the subject alone from now on, whatever address is named, verified or not.
        upstream.set(|says| says.claims = json!({ "email": "other@login.example" }));
        let (again, _) = signed_in(&call, &upstream).await;
        assert_eq!(again.user, session.user);
        let linked = providers::connections(&call, session.user).await.expect("a list");
        assert_eq!(linked.len(), 1);
        assert_eq!((linked[0].provider, linked[0].email.as_deref()), (provider.id, Some("other@login.example")));
        assert_eq!(people(&world).await, 1);
        // The secret is sealed and told to nobody.
        assert!(provider.has_secret && !format!("{provider:?}").contains(SECRET));
    }

    async fn a_known_address_takes_proof_before_it_is_linked(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let (ada, eve) = (person(&world, "ada@login.example", None).await, person(&world, "eve@example.org", None).await);
        let browser = Browser::leaves(&call, &upstream).await;
        let Finished::Known { link } = browser.returns(&call).await.expect("comes back") else { panic!("signed in") };
        assert!(providers::connections(&call, ada.user.id).await.expect("a list").is_empty());
        let other = call.secret(SecretKind::Link).expect("a secret");
        let stolen = providers::linking(&call, &link, &other).await.expect_err("another browser");
        assert_eq!(stolen.code(), Some(Code::ConnectState));
        let waiting = providers::linking(&call, &link, &browser.marker).await.expect("waits");
        assert_eq!((waiting.owner, waiting.email.as_str()), (ada.user.id, "ada@login.example"));
        let not_hers = providers::confirm_link(&call, &link, &browser.marker, &eve.signed_in.session).await;
        assert_eq!(not_hers.expect_err("is refused").code(), Some(Code::Forbidden));
        providers::confirm_link(&call, &link, &browser.marker, &ada.signed_in.session).await.expect("is linked");
        let twice = providers::confirm_link(&call, &link, &browser.marker, &ada.signed_in.session).await;
        assert_eq!(twice.expect_err("once").code(), Some(Code::ConnectState));
        assert!(users::get(&call, ada.user.id).await.expect("is there").email_verified_at.is_some());
        assert_eq!(signed_in(&call, &upstream).await.0.user, ada.user.id);
    }

    async fn what_a_provider_does_not_vouch_for_makes_nothing(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        for claims in [json!({}), json!({ "email": "ada@login.example" }),
            json!({ "email": "ada@login.example", "email_verified": false }),
            json!({ "email": "ada@login.example", "email_verified": "yes" }),
            json!({ "email": "no address", "email_verified": true })] {
            upstream.set(|says| {
                says.userinfo = json!({ "sub": "ada-1" });
                says.claims = claims.clone();
            });
            assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified, "{claims}");
        }
        // Not even where the address is somebody's: nobody is asked to prove anything.
        person(&world, "ada@login.example", None).await;
        upstream.set(|says| says.claims = json!({ "email": "ada@login.example" }));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified);
        // Another domain than the operator's, and a provider whose word counts for the operator's domain.
        let mut settings = provider.settings.clone();
        (settings.allowed_domains, settings.trusts_email) = (vec!["staff.example".to_owned()], true);
        providers::update(&world.local(), (provider.id, provider.version), settings, None).await.expect("is changed");
        upstream.set(|says| says.claims = json!({ "email": "eve@login.example", "email_verified": true }));
        assert_eq!(refused(&call, &upstream).await, Code::SignUpDomain);
        assert_eq!(people(&world).await, 1);
        upstream.set(|says| says.claims = json!({ "email": "bob@staff.example" }));
        let (session, _) = signed_in(&call, &upstream).await;
        assert_ne!(users::find_by_email(&call, &Email::parse("ada@login.example").expect("one")).await.expect("reads").expect("is there").id, session.user);
    }

    async fn nobody_is_made_where_sign_up_is_closed(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Invited).await;
        added(&world, |_| {}).await;
        assert_eq!(refused(&world.call(), &upstream).await, Code::SignUpClosed);
        assert_eq!(people(&world).await, 0);
    }

    async fn a_provider_that_lies_signs_nobody_in(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let (now, right) = (call.now.as_seconds(), upstream.0.lock().expect("no panic").claims.clone());
        let lies = [
            json!({ "nonce": "another" }), json!({ "nonce": null }), json!({ "iss": "https://evil.example" }),
            json!({ "aud": "them" }), json!({ "aud": ["us", "them"] }), json!({ "aud": [] }), json!({ "azp": "them" }),
            json!({ "aud": ["us", "them"], "azp": "them" }), json!({ "exp": now - 61 }), json!({ "exp": null }),
            json!({ "iat": now + 61 }), json!({ "iat": null }), json!({ "nbf": now + 61 }), json!({ "sub": "" }),
            json!({ "sub": null }), json!({ "sub": 7 }), json!({ "at_hash": "AAAA" }),
        ];
        for lie in lies {
            upstream.set(|says| says.claims = lying(&right, &lie));
            assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid, "{lie}");
        }
        upstream.set(|says| says.claims = right.clone());
        // Another key, no signature, the wrong kind of key, and no token at all.
        let forger = SigningKey::generate(Alg::ES256).expect("a key").with_kid("one");
        let claims = json!({ "iss": UPSTREAM, "sub": "ada-1", "aud": "us", "exp": now + 60, "iat": now });
        let part = |json: Json| encode_base64url(json.to_string().as_bytes());
        let none = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims.clone()));
        let shared = format!("{}.{}.AAAA", part(json!({ "alg": "HS256" })), part(claims.clone()));
        let forged = forger.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
        for token in [none, shared, forged, "garbage".to_owned()] {
            upstream.set(|says| says.id_token = Some(token.clone()));
            assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid, "{token}");
        }
        upstream.set(|says| says.id_token = None);
        for answer in [
            (200, json!({ "access_token": "upstream", "token_type": "Bearer" })), (400, json!({ "error": "invalid_grant" })),
            (200, json!({ "error": "bad_verification_code" })), (200, json!({ "access_token": "a", "token_type": "mac" })),
            (200, json!("text")), (500, json!({})),
        ] {
            upstream.set(|says| says.token = Some(answer.clone()));
            assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid, "{answer:?}");
        }
        upstream.set(|says| says.token = None);
        // Userinfo of somebody else, which is asked where the token has no address.
        upstream.set(|says| {
            says.claims = json!({});
            says.userinfo = json!({ "sub": "eve", "email": "eve@login.example", "email_verified": true });
        });
        assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid);
        assert_eq!(people(&world).await, 0);
        let ask = audit::Filter { code: Some("user.connect_refused".to_owned()), ..audit::Filter::default() };
        let told = audit::list(&world.realm, ask, None, 50).await.expect("a list");
        assert!(!told.is_empty());
    }

    async fn a_provider_that_is_silent_or_hangs_is_given_up(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let browser = Browser::leaves(&call, &upstream).await;
        upstream.set(|says| says.is_silent = true);
        assert_eq!(browser.returns(&call).await.expect_err("silent").code(), Some(Code::ConnectUnreachable));
        upstream.set(|says| says.is_silent = false);
        let browser = Browser::leaves(&call, &upstream).await;
        upstream.set(|says| says.hangs = true);
        assert_eq!(browser.returns(&call).await.expect_err("hangs").code(), Some(Code::ConnectUnreachable));
        assert_eq!(people(&world).await, 0);
    }

    async fn a_state_is_for_one_browser_one_provider_and_once(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let mut other = openid();
        other.slug = "other".to_owned();
        providers::create(&world.local(), other).await.expect("is added");
        let call = world.call();
        let browser = Browser::leaves(&call, &upstream).await;
        let is_refused = |result: Result<Finished>| assert_eq!(result.expect_err("is refused").code(), Some(Code::ConnectState));
        let stranger = call.secret(SecretKind::Link).expect("a secret");
        is_refused(providers::finish(&call, browser.answer(), Some(&stranger), None).await);
        is_refused(providers::finish(&call, browser.answer(), None, None).await);
        let mixed = Returned { slug: "other".to_owned(), ..browser.answer() };
        is_refused(providers::finish(&call, mixed, Some(&browser.marker), None).await);
        let unknown = Returned { state: Some(stranger.expose().to_owned()), ..browser.answer() };
        is_refused(providers::finish(&call, unknown, Some(&browser.marker), None).await);
        browser.returns(&call).await.expect("is its own");
        is_refused(browser.returns(&call).await);
        let late = Browser::leaves(&call, &upstream).await;
        world.advance(providers::AWAY);
        is_refused(late.returns(&world.call()).await);
    }

    /// RFC 9207: an answer that names another issuer is for that one's client.
    async fn an_answer_of_another_issuer_is_refused(place: Fresh) {
        let upstream = Upstream::new();
        upstream.set(|says| says.discovery = json!({ "authorization_response_iss_parameter_supported": true }));
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        for (iss, code) in [(Some("https://evil.example"), Some(Code::ConnectInvalid)), (None, Some(Code::ConnectInvalid)), (Some(UPSTREAM), None)] {
            let browser = Browser::leaves(&call, &upstream).await;
            let answer = Returned { iss: iss.map(str::to_owned), ..browser.answer() };
            let finished = providers::finish(&call, answer, Some(&browser.marker), None).await;
            assert_eq!(finished.err().and_then(|error| error.code()), code, "{iss:?}");
        }
        let browser = Browser::leaves(&call, &upstream).await;
        let no = Returned { error: Some("access_denied".to_owned()), code: None, iss: Some(UPSTREAM.to_owned()), ..browser.answer() };
        let finished = providers::finish(&call, no, Some(&browser.marker), None).await;
        assert_eq!(finished.expect_err("is refused").code(), Some(Code::ConnectRefused));
    }

    async fn plain_oauth_is_read_by_its_mapping(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let endpoint = |path: &str| Some(format!("{UPSTREAM}{path}"));
        added(&world, |settings| {
            settings.kind = Kind::OAuth2;
            settings.issuer = None;
            settings.endpoints = providers::Endpoints {
                authorization: endpoint("/authorize"), token: endpoint("/token"), userinfo: endpoint("/userinfo"), emails: endpoint("/emails"),
            };
            settings.mapping = providers::Mapping { subject: "user.id".to_owned(), email_verified: String::new(), ..providers::Mapping::default() };
        })
        .await;
        let call = world.call();
        let said = |verified: bool| json!({
            "user": { "id": 583_231 }, "email": "public@evil.example", "email_verified": true, "name": "Octo",
            "all": [{ "email": "second@login.example", "primary": false, "verified": true },
                { "email": "octo@login.example", "primary": true, "verified": verified }],
        });
        upstream.set(|says| says.userinfo = said(false));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified);
        upstream.set(|says| says.userinfo = said(true));
        let (session, _) = signed_in(&call, &upstream).await;
        let user = users::get(&call, session.user).await.expect("is there");
        assert_eq!((user.email.as_deref(), user.name.as_deref()), (Some("octo@login.example"), Some("Octo")));
        assert!(!upstream.0.lock().expect("no panic").asked.contains_key("nonce"));
    }

    async fn the_last_way_to_sign_in_stays(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        let (session, _) = signed_in(&call, &upstream).await;
        let last = providers::disconnect(&call, session.user, provider.id).await.expect_err("the last one");
        assert_eq!(last.code(), Some(Code::LastSignIn));
        doorward_core::credentials::set(&world.local(), session.user, &PASSWORD.into()).await.expect("is set");
        providers::disconnect(&call, session.user, provider.id).await.expect("is unlinked");
        assert!(providers::connections(&call, session.user).await.expect("a list").is_empty());
        // Unlinked, it is a stranger again whose address somebody has.
        assert!(matches!(goes(&call, &upstream).await, Ok(Finished::Known { .. })));
    }

    /// Whoever may change providers must not become an administrator by it.
    async fn a_provider_cannot_be_pointed_elsewhere(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.local();
        let changes: [fn(&mut Settings); 3] = [
            |settings| settings.issuer = Some("https://evil.example".to_owned()),
            |settings| settings.mapping.subject = "email".to_owned(),
            |settings| settings.kind = Kind::OAuth2,
        ];
        for change in changes {
            let mut settings = provider.settings.clone();
            change(&mut settings);
            let secret = Some(SecretText::from("new"));
            let moved = providers::update(&call, (provider.id, provider.version), settings, secret).await;
            assert_eq!(moved.expect_err("is refused").code(), Some(Code::RequestInvalid));
        }
        let mut settings = provider.settings.clone();
        settings.name = "Another name".to_owned();
        let renamed = providers::update(&call, (provider.id, provider.version), settings, None).await.expect("is changed");
        assert!(renamed.has_secret && renamed.version == provider.version + 1);
    }

    async fn a_try_says_what_is_wrong(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.local();
        let name = provider.id.to_string();
        let fine = providers::test(&call, &name).await.expect("is tried");
        assert_eq!((fine.problems.len(), fine.authorization_endpoint), (0, Some(format!("{UPSTREAM}/authorize"))));
        for (discovery, what) in [
            (json!({ "issuer": "https://evil.example" }), "speaks for https://evil.example"),
            (json!({ "jwks_uri": null }), "names no jwks_uri"),
            (json!({ "token_endpoint": "http://evil.example/token" }), "no https address"),
        ] {
            upstream.set(|says| says.discovery = discovery.clone());
            let tested = providers::test(&call, "login").await.expect("is tried");
            assert!(tested.problems[0].contains(what), "{:?}", tested.problems);
        }
        upstream.set(|says| {
            says.discovery = json!({});
            says.published = json!({ "keys": [] });
        });
        assert!(providers::test(&call, "login").await.expect("is tried").problems[0].contains("no key"));
    }
}
