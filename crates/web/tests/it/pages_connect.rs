//! Signing in elsewhere, at the pages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::pages_kit::{Browser, PASSWORD, Page, authorize, redeemed};
use doorward_core::{
    env::{Fetch, FetchResponse, Resolve},
    settings::{Settings, SignUpMode},
};
use doorward_proto::jose::{Alg, SigningKey, Typ};
use doorward_world::{Fresh, World, both_engines};
use http::{Request, StatusCode, header};
use serde_json::{Value as Json, json};
use url::Url;

const UPSTREAM: &str = "https://login.example";

/// What a provider says next.
type Claims = Arc<Mutex<Json>>;

fn upstream() -> (Fetch, Claims) {
    let claims: Claims = Arc::new(Mutex::new(json!({})));
    let (says, key) = (Arc::clone(&claims), SigningKey::generate(Alg::ES256).expect("a key").with_kid("one"));
    let fetch: Fetch = Arc::new(move |request| {
        let claims = says.lock().expect("no panic").clone();
        let body = match request.url.path() {
            "/.well-known/openid-configuration" => json!({
                "issuer": UPSTREAM, "authorization_endpoint": format!("{UPSTREAM}/authorize"),
                "token_endpoint": format!("{UPSTREAM}/token"), "jwks_uri": format!("{UPSTREAM}/keys"),
            }),
            "/keys" => json!({ "keys": [key.jwk()] }),
            _ => {
                let token = key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
                json!({ "access_token": "a", "token_type": "bearer", "id_token": token })
            }
        };
        Box::pin(async move {
            Ok(FetchResponse { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() })
        })
    });
    (fetch, claims)
}

async fn browser(place: &Fresh) -> (Browser, Claims) {
    let (fetch, claims) = upstream();
    let mut settings = Settings::default();
    settings.sign_up.mode = SignUpMode::Open;
    let browser = Browser::new(World::new(place, settings, fetch).await);
    let provider = json!({
        "slug": "login", "name": "Login & Co", "issuer": UPSTREAM, "client_id": "us", "client_secret": "s",
    });
    let made = browser.make("providers", provider).await;
    assert!(made["has_secret"] == true && made.get("client_secret").is_none(), "{made}");
    (browser, claims)
}

/// Leaves by a link to the provider; answers with what it was sent there with.
async fn leaves(browser: &mut Browser, path: &str, claims: &Claims, email: &str) -> BTreeMap<String, String> {
    let page = browser.ask("GET", path, None).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    let away = Url::parse(page.header("location")).expect("an address");
    assert_eq!(away.as_str().split('?').next(), Some("https://login.example/authorize"));
    let asked: BTreeMap<String, String> = away.query_pairs().into_owned().collect();
    let now = browser.world.call().now.as_seconds();
    *claims.lock().expect("no panic") = json!({
        "iss": UPSTREAM, "aud": "us", "sub": email, "nonce": asked["nonce"], "iat": now, "exp": now + 60, "auth_time": now,
        "email": email, "email_verified": true, "name": "Ada",
    });
    asked
}

async fn comes_back(browser: &mut Browser, asked: &BTreeMap<String, String>) -> Page {
    browser.open(&format!("/connect/login/callback?code=c&state={}", asked["state"])).await
}

/// An organisation with a proven domain and a provider of its own; answers the name of that.
async fn acme(browser: &Browser) -> String {
    browser.make("orgs", json!({ "name": "Acme", "slug": "acme" })).await;
    let domain = browser.make("orgs/acme/domains", json!({ "domain": "acme.example" })).await;
    let value = domain["value"].as_str().expect("a record").to_owned();
    let resolve: Resolve = Arc::new(move |_| {
        let said = vec![value.clone()];
        Box::pin(async { Ok(said) })
    });
    drop(browser.world.realm.env.clone().resolving_by(resolve));
    for (method, path, body) in [
        ("POST", "orgs/acme/domains/acme.example/verify", json!({})),
        ("PATCH", "orgs/acme", json!({ "joined_by": "domain" })),
    ] {
        let done = browser.manage(method, path, body).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    }
    let provider =
        json!({ "slug": "sso", "name": "Acme", "issuer": UPSTREAM, "client_id": "us", "client_secret": "s" });
    let made = browser.make("orgs/acme/connections", provider).await;
    assert_eq!(made["slug"], "sso");
    made["connection"].as_str().expect("a name").to_owned()
}

/// A form with one more field, as a browser sends it.
fn form(page: &Page, name: &str, value: &str) -> String {
    let token = page.field("form_token").expect("a token");
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("form_token", &token)
        .append_pair(name, value)
        .finish()
}

/// What an application asks with, and more.
async fn asks(browser: &Browser, more: &str) -> String {
    asks_of(browser, json!({ "first_party": true }), more).await
}

async fn asks_of(browser: &Browser, client: Json, more: &str) -> String {
    let client = browser.client(client).await;
    let client = client["client_id"].as_str().expect("a name");
    format!(
        "/oauth2/authorize?client_id={client}&redirect_uri=https%3A%2F%2Forders.example%2Fcb&response_type=code\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256{more}"
    )
}

both_engines! {
    /// It signs in whoever is signed in there, and asks nobody anything.
    async fn a_return_from_a_provider_is_no_fresh_sign_in(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let email = "root@login.example";
        let root = json!({ "email": email, "email_verified": true, "password": PASSWORD, "role": "admin" });
        browser.make("users", root).await;
        let page = browser.open("/console/keys").await;
        browser.sign_in(&page, email, PASSWORD).await;
        assert_eq!(browser.open("/console/keys/rotate").await.title(), "Make the next key");
        let asked = leaves(&mut browser, "/connect/login", &claims, email).await;
        let page = comes_back(&mut browser, &asked).await;
        browser.submit(&page, "/connect/link", &[]).await;
        browser.world.advance(Duration::from_mins(11));
        let path = "/connect/login?return_to=%2Fconsole%2Fkeys%2Frotate";
        let asked = leaves(&mut browser, path, &claims, email).await;
        let page = comes_back(&mut browser, &asked).await;
        assert_eq!(page.title(), "Enter your password", "{}", page.text);
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(page.title(), "Make the next key", "{}", page.text);
    }

    /// Who has no password is not asked for one: a link to the proven address says who is there, at this browser
    /// and once.
    async fn who_has_no_password_proves_by_mail_who_they_are(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let email = "ada@login.example";
        let asked = leaves(&mut browser, "/connect/login?return_to=%2Faccount%2Fdata", &claims, email).await;
        let page = comes_back(&mut browser, &asked).await;
        assert!(page.path == "/account/data" && page.field("current_password").is_none(), "{}", page.text);
        let page = browser.submit(&page, "/account/data/download", &[]).await;
        assert_eq!(page.title(), "Prove that it is you", "{}", page.text);
        let page = browser.submit(&page, "/sign-in/mail", &[]).await;
        assert!(page.path.starts_with("/sign-in/mail/sent") && page.text.contains("A link is on its way."), "{}", page.text);
        let link = browser.mailed(email).await;
        let elsewhere = browser.another().open(&link).await;
        assert_eq!((elsewhere.status, elsewhere.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));
        let behind = browser.open(&link).await;
        let page = browser.submit(&behind, "/sign-in/mailed", &[]).await;
        assert_eq!(page.path, "/account/data", "{}", page.text);
        let file = browser.submit(&page, "/account/data/download", &[]).await;
        assert_eq!(file.header("content-type"), "application/json", "{}", file.text);
        assert!(file.text.contains("doorward-own-data/1"), "{}", file.text);
        let used = browser.submit(&behind, "/sign-in/mailed", &[]).await;
        assert_eq!((used.status, used.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));

        browser.world.advance(Duration::from_mins(11));
        let late = browser.submit(&page, "/account/delete", &[("confirm", email)]).await;
        assert_eq!(late.title(), "Prove that it is you", "{}", late.text);
        browser.submit(&late, "/sign-in/mail", &[]).await;
        let behind = browser.open(&browser.mailed(email).await).await;
        let page = browser.submit(&behind, "/sign-in/mailed", &[]).await;
        let wrong = browser.submit(&page, "/account/delete", &[("confirm", "bob@login.example")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
        let gone = browser.submit(&page, "/account/delete", &[("confirm", email)]).await;
        assert!(gone.path.starts_with("/sign-out") || gone.text.contains("deleted"), "{} {}", gone.path, gone.text);
        assert_eq!(browser.open("/account").await.title(), "Sign in");
    }

    /// What it holds says nothing of who is there, however fresh the session is that it was given in.
    async fn an_application_deletes_nobody_without_a_password(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let email = "ada@login.example";
        let asked = leaves(&mut browser, "/connect/login?return_to=%2Faccount%2Fdata", &claims, email).await;
        let page = comes_back(&mut browser, &asked).await;
        let page = browser.submit(&page, "/account/data/download", &[]).await;
        browser.submit(&page, "/sign-in/mail", &[]).await;
        let behind = browser.open(&browser.mailed(email).await).await;
        let page = browser.submit(&behind, "/sign-in/mailed", &[]).await;
        assert_eq!(page.path, "/account/data", "{}", page.text);
        let client = browser.client(json!({ "scopes": ["openid", "me:write"] })).await;
        let ask = authorize(&client, &[]).replace("openid+email", "openid+me%3Awrite");
        let consent = browser.open(&ask).await;
        let out = browser.submit(&consent, "/consent", &[("answer", "allow")]).await;
        let token = redeemed(&browser, &client, &out).await;
        let request = Request::post("/api/v1/me/delete")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body("{}".into())
            .unwrap();
        let refused = browser.send(request).await;
        assert!(refused.status == StatusCode::FORBIDDEN && refused.text.contains("auth.forbidden"), "{}", refused.text);
        let gone = browser.submit(&page, "/account/delete", &[("confirm", email)]).await;
        assert!(gone.path.starts_with("/sign-out") || gone.text.contains("deleted"), "{} {}", gone.path, gone.text);
    }

    /// Who has a password proves it by that: whoever reads their mail does not get around it.
    async fn who_has_a_password_is_asked_for_it(place: Fresh) {
        let (mut browser, _) = browser(&place).await;
        let email = "eva@example.com";
        browser.person(email, "Eva").await;
        let page = browser.open("/account/data").await;
        let page = browser.sign_in(&page, email, PASSWORD).await;
        browser.world.advance(Duration::from_mins(11));
        let page = browser.submit(&page, "/account/data/download", &[]).await;
        assert_eq!(page.title(), "Continue as Eva", "{}", page.text);
        let mails = browser.mails().await;
        let around = browser.open("/sign-in/mail").await;
        assert_ne!(around.title(), "Prove that it is you", "{}", around.text);
        assert_eq!(browser.mails().await, mails);
    }

    async fn a_button_leads_to_an_account_and_back_to_the_page(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let page = browser.open("/account/security").await;
        assert!(page.text.contains("Continue with Login &#38; Co"), "{}", page.text);
        let path = "/connect/login?return_to=%2Faccount%2Fsecurity";
        assert!(page.text.contains(path), "{}", page.text);
        let asked = leaves(&mut browser, path, &claims, "ada@login.example").await;
        let page = comes_back(&mut browser, &asked).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/account/security"), "{}", page.text);
        assert!(page.text.contains("Linked sign-ins") && page.text.contains("ada@login.example"));
        // The only way to sign in stays.
        let page = browser.submit(&page, "/account/security/connections/", &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains("This is your only way to sign in"), "{}", page.text);
        // What was used is over, with a page that says so.
        let page = comes_back(&mut browser, &asked).await;
        assert_eq!((page.status, page.title()), (StatusCode::BAD_REQUEST, "This sign-in is over"));
    }

    async fn an_address_that_somebody_has_is_linked_with_the_password(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        browser.person("ada@login.example", "Ada").await;
        let asked = leaves(&mut browser, "/connect/login?return_to=%2Faccount%2Fsecurity", &claims, "ada@login.example").await;
        let page = comes_back(&mut browser, &asked).await;
        assert_eq!((page.path.as_str(), page.title()), ("/connect/link", "You have an account already"));
        let wrong = browser.submit(&page, "/connect/link", &[("password", "not hers")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
        assert!(wrong.text.contains("The email address or the password is wrong"));
        // Another browser has nothing that waits.
        assert_eq!(browser.another().open("/connect/link").await.status, StatusCode::BAD_REQUEST);
        let page = browser.submit(&wrong, "/connect/link", &[("password", PASSWORD)]).await;
        assert_eq!(page.path, "/account/security", "{}", page.text);
        assert!(page.text.contains("ada@login.example"));
        let page = browser.submit(&page, "/account/security/connections/", &[]).await;
        assert!(page.text.contains("It is unlinked."), "{}", page.text);
        // Whoever is signed in to the account already is asked for no password.
        let asked = leaves(&mut browser, "/connect/login", &claims, "ada@login.example").await;
        let page = comes_back(&mut browser, &asked).await;
        assert!(page.text.contains("You are signed in to the account"), "{}", page.text);
        let page = browser.submit(&page, "/connect/link", &[]).await;
        assert_eq!(page.path, "/account", "{}", page.text);
    }

    async fn an_application_may_name_the_provider(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let path = asks(&browser, "&connection=login&login_hint=ada%40login.example&prompt=login").await;
        let page = browser.ask("GET", &path, None).await;
        let page = browser.ask("GET", page.header("location"), None).await;
        assert!(page.header("location").starts_with("/connect/login?draft="), "{}", page.header("location"));
        let mut asked = leaves(&mut browser, page.header("location"), &claims, "ada@login.example").await;
        assert_eq!((asked["login_hint"].as_str(), asked["prompt"].as_str()), ("ada@login.example", "login"));
        assert_eq!(asked["max_age"], "0");
        for proven in [None, Some(300)] {
            // Signed in there already, and asked nothing.
            let mut said = claims.lock().expect("no panic").clone();
            said["auth_time"] = json!(proven.map(|age| said["iat"].as_i64().expect("a time") - age));
            *claims.lock().expect("no panic") = said;
            let page = comes_back(&mut browser, &asked).await;
            assert!(page.path.starts_with("/sign-in?other=yes&draft="), "{} {}", page.path, page.text);
            let draft = page.path.split_once('&').expect("a draft").1.to_owned();
            asked = leaves(&mut browser, &format!("/connect/login?{draft}"), &claims, "ada@login.example").await;
        }
        let page = comes_back(&mut browser, &asked).await;
        let page = if page.path.starts_with("/consent") { browser.submit(&page, "/consent", &[("choice", "allow")]).await } else { page };
        assert!(page.header("location").starts_with("https://orders.example/cb?code="), "{} {}", page.path, page.text);
    }

    async fn who_is_turned_away_goes_on_to_the_same_application_in_another_way(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        browser.person("bob@example.com", "Bob").await;
        let path = asks(&browser, "&connection=login").await;
        let page = browser.ask("GET", &path, None).await;
        let page = browser.ask("GET", page.header("location"), None).await;
        let asked = leaves(&mut browser, page.header("location"), &claims, "ada@login.example").await;
        claims.lock().expect("no panic")["nonce"] = json!("another");
        let page = comes_back(&mut browser, &asked).await;
        assert!(page.path.starts_with("/sign-in?other=yes&draft="), "{}", page.path);
        assert!(page.text.contains("answer cannot be believed") && page.text.contains("Orders"), "{}", page.text);
        // Said once, under the reference of the log.
        assert!(page.text.contains("class=\"reference\"") && !browser.cookies.contains_key("__Host-doorward_done"));
        // Refused there: the same, without having been asked for anything.
        let asked = leaves(&mut browser, &format!("/connect/login?{}", page.path.split_once('&').expect("a draft").1), &claims, "ada@login.example").await;
        let page = browser.open(&format!("/connect/login/callback?error=access_denied&state={}", asked["state"])).await;
        assert!(page.text.contains("you said no there") && page.text.contains("Orders"), "{}", page.text);
        let page = browser.submit(&page, "/sign-in", &[("identifier", "bob@example.com")]).await;
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        let page = if page.path.starts_with("/consent") { browser.submit(&page, "/consent", &[("choice", "allow")]).await } else { page };
        assert!(page.header("location").starts_with("https://orders.example/cb?code="), "{} {}", page.path, page.text);
    }

    async fn people_of_an_organisation_are_led_to_its_provider(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let connection = acme(&browser).await;
        // The organisation that the application means: its button first.
        let path = asks(&browser, "&organization=acme").await;
        let page = browser.open(&path).await;
        let (own, instance) = (page.text.find("Continue with Acme"), page.text.find("Continue with Login"));
        assert!(own.is_some() && own < instance, "{}", page.text);
        assert!(!browser.another().open("/sign-in").await.text.contains("Continue with Acme"));
        // The domain of the address that is typed: there at once, with what was typed.
        let page = browser.ask("POST", &page.action("/sign-in"), Some(form(&page, "identifier", "bob@acme.example"))).await;
        let to = page.header("location").to_owned();
        assert!(to.starts_with(&format!("/connect/{connection}?by=form&draft=")), "{to}");
        // A form may lead to no other site: a page of ours is between, and goes on by itself.
        let between = browser.open(&to).await;
        assert_eq!((between.status, between.title()), (StatusCode::OK, "Going to Acme"));
        assert!(between.text.contains("http-equiv=\"refresh\" content=\"0;url=https://login.example/authorize?"), "{}", between.text);
        assert!(between.text.contains("href=\"https://login.example/authorize?"), "{}", between.text);
        let to = to.replace("by=form&", "");
        let asked = leaves(&mut browser, &to, &claims, "bob@acme.example").await;
        assert_eq!(asked["login_hint"], "bob@acme.example");
        // Turned away, and by the password then, with the button still beside it.
        let page = browser.open(&format!("/connect/{connection}/callback?error=server_error&state={}", asked["state"])).await;
        let page = browser.submit(&page, "/sign-in", &[("identifier", "bob@acme.example")]).await;
        assert!(page.path.starts_with("/sign-in/password") && page.text.contains("Continue with Acme"), "{}", page.text);
        // An address of somebody else's domain is nobody that it may speak for.
        let asked = leaves(&mut browser, &to, &claims, "root@example.com").await;
        let page = browser.open(&format!("/connect/{connection}/callback?code=c&state={}", asked["state"])).await;
        assert!(page.text.contains("for people of one organisation"), "{}", page.text);
        let asked = leaves(&mut browser, &to, &claims, "bob@acme.example").await;
        let page = browser.open(&format!("/connect/{connection}/callback?code=c&state={}", asked["state"])).await;
        let page = if page.path.starts_with("/consent") { browser.submit(&page, "/consent", &[("choice", "allow")]).await } else { page };
        assert!(page.header("location").starts_with("https://orders.example/cb?code="), "{} {}", page.path, page.text);
    }

    /// Nobody is signed in because a page elsewhere wants it. An application has asked for something.
    async fn another_site_sends_nobody_to_a_provider(place: Fresh) {
        let (browser, _) = browser(&place).await;
        let connection = acme(&browser).await;
        let stored = browser.read("orgs/acme/connections/sso").await;
        let by_id = stored["id"].as_str().expect("an id");
        for (path, site, leaves) in [
            ("login", "same-origin", true), ("login", "none", true), ("login", "cross-site", false), ("login", "same-site", false),
            ("nobody", "cross-site", false), (connection.as_str(), "same-origin", true), (connection.as_str(), "none", true),
            (connection.as_str(), "cross-site", false), (connection.as_str(), "same-site", false), (by_id, "cross-site", false),
        ] {
            let request = Request::get(format!("/connect/{path}")).header("sec-fetch-site", site);
            let page = browser.send(request.body(axum::body::Body::empty()).expect("a request")).await;
            let to = page.header("location");
            assert_eq!(to.starts_with("https://login.example/authorize"), leaves, "{path} {site}: {to}");
            assert!(leaves || to == "/sign-in?other=yes", "{path} {site}: {to}");
        }
        for (path, leaves) in [("login", true), (connection.as_str(), true)] {
            let asked = asks(&browser, &format!("&connection={path}")).await;
            let page = browser.clone().ask("GET", &asked, None).await;
            let draft = page.header("location").split_once("draft=").expect("a draft").1.to_owned();
            let request = Request::get(format!("/connect/{path}?draft={draft}")).header("sec-fetch-site", "cross-site");
            let page = browser.send(request.body(axum::body::Body::empty()).expect("a request")).await;
            assert_eq!(page.header("location").starts_with("https://login.example/authorize"), leaves, "{path}: {}", page.header("location"));
        }
    }

    async fn an_application_offers_the_providers_that_it_names(place: Fresh) {
        let (mut browser, _) = browser(&place).await;
        let connection = acme(&browser).await;
        for (providers, has_login, has_acme) in [
            (json!(["login"]), true, false), (json!([connection]), false, true), (json!([]), false, false), (json!(null), true, true),
        ] {
            let path = asks_of(&browser, json!({ "first_party": true, "providers": providers }), "&organization=acme").await;
            let text = browser.open(&path).await.text;
            let offered = (text.contains("Continue with Login"), text.contains("Continue with Acme"));
            assert_eq!(offered, (has_login, has_acme), "{providers}");
        }
        let refused = browser.refused("clients", json!({ "name": "X", "type": "public", "redirect_uris": ["https://x.example/cb"], "providers": ["No/Name"] })).await;
        assert!(refused.text.contains("Up to 50 names of identity providers"), "{}", refused.text);
    }

    /// OAuth 2.0 Form Post Response Mode: the form comes from another site, without cookies of ours.
    async fn an_answer_may_come_as_a_form(place: Fresh) {
        let (mut browser, claims) = browser(&place).await;
        let asked = leaves(&mut browser, "/connect/login", &claims, "ada@login.example").await;
        let request = Request::post("/connect/login/callback")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, UPSTREAM)
            .body(format!("code=c&state={}&user=%7B%7D&evil=1", asked["state"]).into())
            .expect("a request");
        let page = browser.send(request).await;
        let to = format!("/connect/login/callback?state={}&code=c", asked["state"]);
        assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, to.as_str()));
        assert_eq!(browser.open(&to).await.path, "/account");
    }
}
