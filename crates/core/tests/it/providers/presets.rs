//! The well-known providers as they answer, as far as it is known from their documents, and the secrets that we
//! have there.

use super::kit::{Browser, SECRET, Upstream, added, refused, signed_in, world};
use crate::rekey::rekeyed;
use data_encoding::BASE64;
use doorward_core::{
    args,
    call::Call,
    outcome::Code,
    providers::{self, ClientAuth, NewProvider, Settings},
    settings::SignUpMode,
    users,
};
use doorward_proto::{
    jose::{Alg, SigningKey, Unverified},
    secret::SecretText,
};
use doorward_world::{Fresh, World, both_engines};
use serde_json::{Value as Json, json};

const TENANT: &str = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";

/// Adds a provider by its preset, under the name that the kit's browsers leave for.
async fn preset(world: &World, name: &str, secret: &str, change: impl FnOnce(&mut Settings)) {
    let mut settings = providers::preset(name).expect("is known").settings();
    (settings.client_id, settings.creates_accounts, settings.is_enabled) = ("us".to_owned(), true, true);
    change(&mut settings);
    let new = NewProvider { slug: "login".to_owned(), secret: Some(SecretText::from(secret)), settings };
    providers::create(&world.local(), new).await.expect("is added");
}

fn at(upstream: &Upstream, base: &str, claims: Json) {
    upstream.set(|says| (says.base, says.claims) = (base.to_owned(), claims));
}

async fn address(call: &Call, upstream: &Upstream) -> Option<String> {
    let (session, _) = signed_in(call, upstream).await;
    users::get(call, session.user).await.expect("is there").email
}

fn redeemed(upstream: &Upstream, name: &str) -> Option<String> {
    upstream.0.lock().expect("no panic").redeemed.1.get(name).cloned()
}

both_engines! {
    async fn google_and_gitlab_sign_in_by_discovery(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        preset(&world, "google", "s", |_| {}).await;
        let call = world.call();
        at(&upstream, "https://accounts.google.com", json!({ "sub": "1098", "email": "ada@gmail.example", "email_verified": true, "hd": "x" }));
        assert_eq!(address(&call, &upstream).await.as_deref(), Some("ada@gmail.example"));
        let provider = providers::get(&call, "login").await.expect("is there");
        providers::end(&world.local(), provider.id).await.expect("is removed");
        let own = "https://gitlab.example";
        preset(&world, "gitlab", "s", |settings| settings.issuer = Some(own.to_owned())).await;
        // GitLab tells the address at userinfo alone, where nobody has asked for more.
        at(&upstream, own, json!({ "sub": "7" }));
        upstream.set(|says| says.userinfo = json!({ "sub": "7", "email": "bob@gitlab.example", "email_verified": true }));
        assert_eq!(address(&call, &upstream).await.as_deref(), Some("bob@gitlab.example"));
        at(&upstream, own, json!({ "sub": "7", "iss": "https://gitlab.com" }));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid);
    }

    async fn github_is_believed_where_it_has_verified_the_primary_address(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        preset(&world, "github", "a GitHub secret", |_| {}).await;
        let call = world.call();
        let said = |verified: bool| json!({
            "id": 583_231, "login": "octocat", "email": "public@evil.example", "name": null,
            "all": [{ "email": "octo@github.example", "primary": true, "verified": verified, "visibility": "private" },
                { "email": "second@github.example", "primary": false, "verified": true, "visibility": null }],
        });
        upstream.set(|says| (says.base, says.userinfo) = ("https://github.com".to_owned(), said(false)));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified);
        upstream.set(|says| says.userinfo = said(true));
        assert_eq!(address(&call, &upstream).await.as_deref(), Some("octo@github.example"));
        let asked = upstream.0.lock().expect("no panic").asked.clone();
        assert_eq!(asked["scope"], "read:user user:email");
        assert_eq!(redeemed(&upstream, "client_secret").as_deref(), Some("a GitHub secret"));
    }

    /// What is in `email` is whatever an administrator of the tenant has written there.
    async fn microsoft_is_believed_where_it_has_verified_the_domains_owner(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        preset(&world, "microsoft", "s", |settings| settings.issuer = Some(TENANT.to_owned())).await;
        let call = world.call();
        let claims = |more: Json| {
            let mut claims = json!({ "sub": "AAAA", "email": "ada@contoso.example", "name": "Ada" });
            claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            claims
        };
        for unsure in [json!({}), json!({ "email_verified": true }), json!({ "xms_edov": false }), json!({ "xms_edov": 0 })] {
            at(&upstream, TENANT, claims(unsure.clone()));
            assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified, "{unsure}");
        }
        // Another tenant's token, though Microsoft has signed it.
        let other = TENANT.replace("9188040d", "00000000");
        at(&upstream, TENANT, claims(json!({ "xms_edov": true, "iss": other })));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectInvalid);
        at(&upstream, TENANT, claims(json!({ "xms_edov": true })));
        assert_eq!(address(&call, &upstream).await.as_deref(), Some("ada@contoso.example"));
        assert!(redeemed(&upstream, "client_secret").is_some());
    }

    /// `common` and `organizations` name themselves with a place for the tenant: no issuer that anybody has.
    async fn microsoft_takes_a_tenant(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let common = "https://login.microsoftonline.com/common/v2.0";
        preset(&world, "microsoft", "s", |settings| settings.issuer = Some(common.to_owned())).await;
        at(&upstream, common, json!({}));
        upstream.set(|says| says.discovery = json!({ "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0" }));
        let tested = providers::test(&world.local(), "login").await.expect("is tried");
        assert!(tested.problems[0].contains("speaks for https://login.microsoftonline.com/{tenantid}/v2.0"), "{:?}", tested.problems);
    }

    async fn apple_takes_an_assertion_in_the_place_of_a_secret(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let key = SigningKey::generate(Alg::ES256).expect("a key");
        let der = BASE64.encode(&key.to_pkcs8().expect("a key"));
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", &der[..64], &der[64..]);
        let mut settings = providers::preset("apple").expect("is known").settings();
        (settings.client_id, settings.creates_accounts) = ("us".to_owned(), true);
        let new = |settings: &Settings, secret: &str| {
            NewProvider { slug: "login".to_owned(), secret: Some(SecretText::from(secret)), settings: settings.clone() }
        };
        let nameless = providers::create(&world.local(), new(&settings, &pem)).await.expect_err("no team");
        assert_eq!(nameless.code(), Some(Code::RequestInvalid));
        let set = |settings: &mut Settings| {
            (settings.team_id, settings.key_id) = (Some("TEAM123456".to_owned()), Some("KEY1234567".to_owned()));
        };
        set(&mut settings);
        let no_key = providers::create(&world.local(), new(&settings, "a word")).await.expect_err("no key");
        assert_eq!(no_key.code(), Some(Code::RequestInvalid));
        // As a form takes it: in one line.
        preset(&world, "apple", &pem.replace('\n', " "), set).await;
        let call = world.call();
        // Apple writes truths as texts, and relays mail.
        let relay = "x7@privaterelay.appleid.example";
        at(&upstream, "https://appleid.apple.com", json!({ "sub": "0018", "email": relay, "email_verified": "true", "is_private_email": "true" }));
        assert_eq!(address(&call, &upstream).await.as_deref(), Some(relay));
        assert_eq!(upstream.0.lock().expect("no panic").asked["response_mode"], "form_post");
        let assertion = redeemed(&upstream, "client_secret").expect("an assertion");
        let read = Unverified::decode(&assertion).expect("is signed");
        assert_eq!((read.header().alg, read.header().kid.as_deref()), (Alg::ES256, Some("KEY1234567")));
        read.verify(&key.verifying_key().expect("a key")).expect("by the key");
        let claims: Json = read.unverified_claims().expect("claims");
        let now = call.now.as_seconds();
        assert_eq!((&claims["iss"], &claims["sub"], &claims["aud"]), (&json!("TEAM123456"), &json!("us"), &json!("https://appleid.apple.com")));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 300)));
    }

    async fn the_secret_is_sealed_and_outlives_the_master_key(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |settings| settings.client_auth = ClientAuth::Post).await;
        let stored = async || {
            let read = world.realm.db.read("by hand", provider.id, |tx, id| {
                Box::pin(async move { tx.opt("SELECT sealed FROM providers WHERE id = $1", args![*id], |row| row.bytes(0)).await })
            });
            read.await.expect("reads").expect("is there")
        };
        let before = stored().await;
        assert!(!before.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
        let mut realm = world.realm.clone();
        for master in [[8; 32], [9; 32]] {
            realm = rekeyed(&world, &realm, master).await;
            assert_ne!(stored().await, before);
            let call = Call { realm: realm.clone(), ..world.call() };
            let browser = Browser::leaves(&call, &upstream).await;
            browser.returns(&call).await.expect("is signed in");
            assert_eq!(redeemed(&upstream, "client_secret").as_deref(), Some(SECRET));
        }
    }
}
