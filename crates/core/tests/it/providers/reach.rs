//! Where a provider may lead us: every address that it names, or that is written for it, is asked by the one
//! fetch, which judges it (`vectors/attacks/ssrf.json`), or by nobody.

use std::sync::{Arc, Mutex};

use super::kit::{Browser, UPSTREAM, Upstream, openid, people};
use doorward_core::{
    env::{Fetch, FetchFailure},
    outcome::Code,
    providers::{self, Endpoints, Kind},
    settings::{Settings as RealmSettings, SignUpMode},
};
use doorward_world::{Fresh, World, both_engines};
use serde_json::{Value as Json, json};
use url::Url;

const CORPUS: &str = include_str!("../../../../../vectors/attacks/ssrf.json");

/// Every address of the corpus that a client may not name.
fn hostile() -> Vec<String> {
    let corpus: Json = serde_json::from_str(CORPUS).expect("is JSON");
    let refused =
        |case: &&Json| case["client"].as_str().is_some_and(|outcome| outcome.starts_with("refused"));
    let urls = corpus["urls"].as_array().expect("a list").iter().filter(refused);
    urls.map(|case| case["url"].as_str().expect("a text").to_owned()).collect()
}

/// What was asked elsewhere than at the provider.
type Asked = Arc<Mutex<Vec<Url>>>;

/// The provider answers; everything else is refused, as the guard refuses it.
fn guarded(upstream: &Upstream) -> (Fetch, Asked) {
    let (asked, answers) = (Asked::default(), upstream.fetch());
    let seen = Arc::clone(&asked);
    let fetch: Fetch = Arc::new(move |request| {
        if request.url.as_str().starts_with(UPSTREAM) {
            return answers(request);
        }
        seen.lock().expect("no panic").push(request.url.clone());
        Box::pin(async move { Err(FetchFailure::Refused("address".to_owned())) })
    });
    (fetch, asked)
}

async fn place_with(place: &Fresh, upstream: &Upstream) -> (World, Asked) {
    let mut settings = RealmSettings::default();
    settings.sign_up.mode = SignUpMode::Open;
    let (fetch, asked) = guarded(upstream);
    let world = World::new(place, settings, fetch).await;
    upstream.set(|says| says.now = world.call().now.as_seconds());
    (world, asked)
}

/// What the fetch was given is what it judges: a web address, without a password for anybody.
fn is_for_the_fetch(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
}

both_engines! {
    async fn what_a_discovery_document_names_is_asked_by_the_fetch_or_not_at_all(place: Fresh) {
        let upstream = Upstream::new();
        let (world, asked) = place_with(&place, &upstream).await;
        let (call, hostile) = (world.call(), hostile());
        assert!(hostile.len() > 50, "{}", hostile.len());
        let mut reached = 0;
        for (number, (member, url)) in ["token_endpoint", "jwks_uri", "userinfo_endpoint"].iter()
            .flat_map(|member| hostile.iter().map(move |url| (member, url))).enumerate()
        {
            // Its own issuer each time: a document is remembered.
            let base = format!("{UPSTREAM}/{number}");
            upstream.set(|says| {
                (says.base, says.discovery, says.claims) = (base.clone(), json!({ *member: url }), json!({}));
            });
            let mut new = openid();
            (new.slug, new.settings.issuer) = (format!("p{number}"), Some(base));
            let provider = providers::create(&world.local(), new).await.expect("is added");
            let code = match Browser::try_to_leave(&call, &upstream, &provider.slug).await {
                Err(error) => error.code(),
                Ok(back) => {
                    reached += 1;
                    back.returns(&call).await.expect_err("is refused").code()
                }
            };
            assert!(matches!(code, Some(Code::ConnectInvalid | Code::ConnectUnreachable)), "{member} {url}: {code:?}");
            providers::end(&world.local(), provider.id).await.expect("is removed");
        }
        assert!(reached > 100, "the fetch has judged {reached}");
        assert_eq!(people(&world).await, 0);
        asked.lock().expect("no panic").iter().for_each(is_for_the_fetch);
    }

    async fn what_is_written_for_a_provider_is_asked_by_the_fetch_or_not_taken(place: Fresh) {
        let upstream = Upstream::new();
        let (world, asked) = place_with(&place, &upstream).await;
        let (mut taken, mut refused) = (0, 0);
        for url in hostile() {
            let mut new = openid();
            new.settings.kind = Kind::OAuth2;
            new.settings.issuer = None;
            let right = || Some(format!("{UPSTREAM}/x"));
            new.settings.endpoints = Endpoints { authorization: right(), token: right(), userinfo: Some(url.clone()), emails: None };
            match providers::create(&world.local(), new).await {
                Ok(provider) => {
                    taken += 1;
                    providers::end(&world.local(), provider.id).await.expect("is removed");
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.code(), Some(Code::RequestInvalid), "{url}");
                }
            }
            let parsed = Url::parse(&url).expect("an address");
            let is_web = matches!(parsed.scheme(), "http" | "https") && parsed.username().is_empty();
            let mut new = openid();
            new.settings.issuer = Some(url.clone());
            let created = providers::create(&world.local(), new).await;
            assert!(is_web || created.is_err(), "{url}");
            if let Ok(provider) = created {
                let tested = providers::test(&world.local(), "login").await.expect("is tried");
                assert!(!tested.problems.is_empty(), "{url}");
                providers::end(&world.local(), provider.id).await.expect("is removed");
            }
        }
        assert!(taken > 20 && refused > 8, "{taken} {refused}");
        asked.lock().expect("no panic").iter().for_each(is_for_the_fetch);
    }
}
