//! Keys that an issuer publishes: how they are found, and how long they count.

use super::*;

#[tokio::test]
async fn published_keys_are_read_once_and_again_for_an_unknown_one() {
    let web = Arc::new(Web::default());
    let (old, new) = (key(Alg::ES256), key(Alg::ES256));
    let url = "https://id.example.com/keys";
    web.put(url, &jwks(&[&old]));
    let jwks_url = Some(url.to_owned());
    let spec = IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_url, ..IssuerSpec::default() };
    let jwts = open_with(spec, &web);
    for _ in 0..20 {
        assert_eq!(code(&jwts, &signed(&old, &claims())).await, "good");
    }
    assert_eq!(web.asked(), 1);
    let before = jwts.state();

    // A rotation: the next token names a key that is not known yet.
    web.put(url, &jwks(&[&old, &new]));
    let later = NOW + Duration::from_secs(11);
    assert!(seen(&jwts, &signed(&new, &claims()), later).await.is_ok());
    assert_eq!(web.asked(), 2);
    assert_ne!(jwts.state(), before, "what was remembered is asked again");

    // Whoever makes keys up does not make us ask each time.
    let made_up = key(Alg::ES256);
    for _ in 0..20 {
        let refusal = seen(&jwts, &signed(&made_up, &claims()), later).await.unwrap_err();
        assert_eq!(refusal.why, Why::InvalidToken);
    }
    assert_eq!(web.asked(), 2);
    assert!(web.named_by.lock().unwrap().iter().all(|it| *it == NamedBy::Operator));
}

#[tokio::test]
async fn an_issuer_that_is_silent_costs_nobody_the_keys_that_are_known() {
    let web = Arc::new(Web::default());
    let key = key(Alg::ES256);
    let url = "https://id.example.com/keys";
    web.set(url, Err("no answer".to_owned()));
    let jwks_url = Some(url.to_owned());
    let spec = IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_url, ..IssuerSpec::default() };
    let jwts = open_with(spec, &web);
    let long = signed(&key, &with(&json!({ "exp": NOW.as_seconds() + 200_000 })));
    assert_eq!(code(&jwts, &long).await, "auth.key_unavailable");

    web.put(url, &jwks(&[&key]));
    let later = NOW + Duration::from_secs(20);
    assert!(seen(&jwts, &long, later).await.is_ok());

    web.set(url, Err("no answer".to_owned()));
    let hours_later = NOW + Duration::from_hours(3);
    assert!(seen(&jwts, &long, hours_later).await.is_ok());
    let new_key = SigningKey::generate(Alg::ES256).unwrap();
    let other = signed(&new_key, &with(&json!({ "exp": NOW.as_seconds() + 200_000 })));
    assert_eq!(seen(&jwts, &other, hours_later).await.unwrap_err().why, Why::KeyUnavailable);
    let days_later = NOW + Duration::from_hours(30);
    assert_eq!(seen(&jwts, &long, days_later).await.unwrap_err().why, Why::KeyUnavailable);
}

#[tokio::test]
async fn keys_are_used_no_longer_than_their_issuer_says() {
    let web = Arc::new(Web::default());
    let (old, new) = (key(Alg::ES256), key(Alg::ES256));
    let url = "https://id.example.com/keys";
    let body = jwks(&[&old]).to_string().into_bytes();
    web.set(url, Ok(Fetched { status: 200, max_age: Some(Duration::from_secs(30)), body }));
    let jwks_url = Some(url.to_owned());
    let spec =
        IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_url, jwks_cache_ttl: 60, ..IssuerSpec::default() };
    let jwts = open_with(spec, &web);
    assert_eq!(code(&jwts, &signed(&old, &claims())).await, "good");
    web.put(url, &jwks(&[&new]));
    let refused = seen(&jwts, &signed(&old, &claims()), NOW + Duration::from_secs(91)).await;
    assert_eq!(refused.unwrap_err().why, Why::InvalidToken, "the key was withdrawn");
}

#[tokio::test]
async fn keys_are_found_by_discovery() {
    let key = key(Alg::ES256);
    let discovered = |metadata: Value, at: &'static str| {
        let web = Arc::new(Web::default());
        web.put(at, &metadata);
        web.put("https://id.example.com/keys", &jwks(&[&key]));
        web.put("https://keys.example.net/keys", &jwks(&[&key]));
        web
    };
    let spec = || IssuerSpec { issuer: vec![ISSUER.to_owned()], ..IssuerSpec::default() };
    let openid = "https://id.example.com/.well-known/openid-configuration";
    let oauth = "https://id.example.com/.well-known/oauth-authorization-server";
    let own = json!({ "issuer": ISSUER, "jwks_uri": "https://id.example.com/keys" });
    for at in [openid, oauth] {
        let web = discovered(own.clone(), at);
        assert_eq!(code(&open_with(spec(), &web), &signed(&key, &claims())).await, "good");
        assert_eq!(web.named_by.lock().unwrap().last(), Some(&NamedBy::Operator));
    }
    // Keys on another host are the issuer's word, so they do not reach into the operator's network.
    let elsewhere = json!({ "issuer": ISSUER, "jwks_uri": "https://keys.example.net/keys" });
    let web = discovered(elsewhere, openid);
    assert_eq!(code(&open_with(spec(), &web), &signed(&key, &claims())).await, "good");
    assert_eq!(web.named_by.lock().unwrap().last(), Some(&NamedBy::Document));
    // Somebody who speaks for another issuer.
    let another = json!({ "issuer": "https://evil.example", "jwks_uri": "https://id.example.com/keys" });
    let web = discovered(another, openid);
    assert_eq!(code(&open_with(spec(), &web), &signed(&key, &claims())).await, "auth.key_unavailable");
}
