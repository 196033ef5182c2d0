//! Providers that lie, hang, or speak for another, and browsers that bring what is not theirs.

use std::time::Duration;

use super::kit::{Browser, UPSTREAM, Upstream, added, finish, lying, openid, people, refused, world};
use doorward_core::{
    audit,
    outcome::{Code, Result},
    providers::{self, Finished, Returned},
    settings::SignUpMode,
    users,
};
use doorward_fuzz::{MAX_INPUT, Mutator};
use doorward_proto::{
    id_token::left_hash,
    jose::{Alg, SigningKey, Typ, encode_base64url},
    secret::Kind as SecretKind,
};
use doorward_world::{Fresh, both_engines};
use serde_json::{Value as Json, json};

/// The right answer of the token endpoint for a browser that is away.
fn token_of(upstream: &Upstream, browser: &Browser) -> Json {
    let says = upstream.0.lock().expect("no panic");
    let claims = json!({
        "iss": UPSTREAM, "sub": "ada-1", "aud": "us", "iat": says.now, "exp": says.now + 300, "nonce": browser.away["nonce"],
        "at_hash": left_hash(Alg::ES256, "upstream"), "email": "ada@login.example", "email_verified": true,
    });
    let token = says.key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
    json!({ "access_token": "upstream", "token_type": "Bearer", "id_token": token })
}

both_engines! {
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

    /// Whatever bytes a provider answers with, they are no fault of ours and sign in nobody but whom it means.
    async fn no_bytes_of_a_provider_break_anything_or_sign_in_somebody_else(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        // What is right, as it goes over the wire.
        let path_of = |path: &str| format!("{UPSTREAM}{path}");
        let discovery = json!({
            "issuer": UPSTREAM, "authorization_endpoint": path_of("/authorize"), "token_endpoint": path_of("/token"),
            "userinfo_endpoint": path_of("/userinfo"), "jwks_uri": path_of("/keys"),
        });
        let keys = upstream.0.lock().expect("no panic").published.clone();
        let userinfo = json!({ "sub": "ada-1", "email": "ada@login.example", "email_verified": true });
        let (mut signed_in, mut refused) = (0, 0);
        for (path, right) in
            [("/.well-known/openid-configuration", discovery), ("/keys", keys), ("/token", json!(null)), ("/userinfo", userinfo)]
        {
            // Of a token that has no address, userinfo is asked.
            upstream.set(|says| says.claims = if path == "/userinfo" { json!({}) } else { says.claims.clone() });
            let mut mutator = Mutator::new(path);
            for round in 0..60 {
                world.advance(Duration::from_hours(25));
                let call = world.call();
                upstream.set(|says| {
                    says.raw = None;
                    says.now = call.now.as_seconds();
                });
                // What is said of the provider is read on the way there.
                let is_first = path == "/.well-known/openid-configuration";
                let mut lie = |upstream: &Upstream, right: &Json| {
                    let bytes = right.to_string().into_bytes();
                    let bytes = if round == 0 { bytes } else { mutator.next(&[bytes], MAX_INPUT) };
                    upstream.set(|says| says.raw = Some((path, bytes.clone())));
                    String::from_utf8_lossy(&bytes).into_owned()
                };
                let mut told = if is_first { lie(&upstream, &right) } else { String::new() };
                let browser = match Browser::try_to_leave(&call, &upstream, "login").await {
                    Ok(browser) => browser,
                    Err(error) => {
                        assert!(error.code().is_some(), "{path}: {told}: {error:?}");
                        refused += 1;
                        continue;
                    }
                };
                if !is_first {
                    let right = if path == "/token" { token_of(&upstream, &browser) } else { right.clone() };
                    told = lie(&upstream, &right);
                }
                match browser.returns(&call).await {
                    Ok(Finished::SignedIn { signed_in: it, .. }) => {
                        signed_in += 1;
                        let user = users::get(&call, it.session.user).await.expect("is there");
                        assert_eq!(user.email.as_deref(), Some("ada@login.example"), "{path}: {told}");
                    }
                    Ok(other) => panic!("{path}: {told}: {other:?}"),
                    Err(error) => {
                        assert!(error.code().is_some(), "{path}: {told}: {error:?}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(signed_in >= 4 && refused >= 60, "{signed_in} {refused}");
        assert_eq!(people(&world).await, 1);
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

    /// Else everybody who comes while it is down waits for it, and it is asked the more the less it can answer.
    async fn a_provider_that_is_down_is_asked_once_in_a_while(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        upstream.set(|says| says.is_silent = true);
        for _ in 0..5 {
            let outcome = Browser::try_to_leave(&world.call(), &upstream, "login").await;
            assert_eq!(outcome.err().and_then(|error| error.code()), Some(Code::ConnectUnreachable));
        }
        assert_eq!(upstream.discovered(), 1);
        upstream.set(|says| says.is_silent = false);
        let early = Browser::try_to_leave(&world.call(), &upstream, "login").await;
        assert!(early.is_err(), "it is not asked again so soon");
        let tested = providers::test(&world.local(), "login").await.expect("is tried");
        assert_eq!((tested.problems.as_slice(), upstream.discovered()), (&[][..], 2), "whoever tries it wants to know");
        Browser::leaves(&world.call(), &upstream).await;
        assert_eq!(upstream.discovered(), 2, "and what came of that holds for all");
        world.advance(Duration::from_mins(11));
        upstream.set(|says| says.is_silent = true);
        assert!(Browser::try_to_leave(&world.call(), &upstream, "login").await.is_err());
        upstream.set(|says| says.is_silent = false);
        world.advance(Duration::from_secs(11));
        Browser::leaves(&world.call(), &upstream).await;
        assert_eq!(upstream.discovered(), 4);
    }

    async fn many_who_come_at_once_ask_a_provider_once(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let calls: Vec<_> = (0..20).map(|_| world.call()).collect();
        let all = calls.iter().map(|call| Browser::try_to_leave(call, &upstream, "login"));
        let left = futures_util::future::join_all(all).await;
        assert!(left.iter().all(Result::is_ok));
        assert_eq!(upstream.discovered(), 1);
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
        is_refused(finish(&call, browser.answer(), Some(&stranger)).await);
        is_refused(finish(&call, browser.answer(), None).await);
        let mixed = Returned { slug: "other".to_owned(), ..browser.answer() };
        is_refused(finish(&call, mixed, Some(&browser.marker)).await);
        let unknown = Returned { state: Some(stranger.expose().to_owned()), ..browser.answer() };
        is_refused(finish(&call, unknown, Some(&browser.marker)).await);
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
            let finished = finish(&call, answer, Some(&browser.marker)).await;
            assert_eq!(finished.err().and_then(|error| error.code()), code, "{iss:?}");
        }
        let browser = Browser::leaves(&call, &upstream).await;
        let no = Returned { error: Some("access_denied".to_owned()), code: None, iss: Some(UPSTREAM.to_owned()), ..browser.answer() };
        let finished = finish(&call, no, Some(&browser.marker)).await;
        assert_eq!(finished.expect_err("is refused").code(), Some(Code::ConnectRefused));
    }

    async fn who_comes_back_from_a_provider_that_was_taken_down_is_told(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        let browser = Browser::leaves(&call, &upstream).await;
        let mut settings = provider.settings.clone();
        settings.is_enabled = false;
        providers::update(&world.local(), (provider.id, provider.version), settings, None).await.expect("is changed");
        assert_eq!(browser.returns(&call).await.expect_err("is refused").code(), Some(Code::ConnectRefused));
        assert_eq!(people(&world).await, 0);
    }
}
