//! How an application proves who it is by an assertion, and where its keys come from.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::kit::application;
use doorward_core::{
    addresses,
    call::Call,
    clients::{self, AuthMethod, Client, Metadata},
    env::{Fetch, FetchFailure, FetchResponse, no_fetch},
    outcome::{Code, Result},
    settings::Settings,
};
use doorward_proto::{
    client_auth::{Credentials, Presented},
    jose::{Alg, SigningKey, Typ},
};
use doorward_world::{Fresh, World, both_engines};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Semaphore;

const KEYS: &str = "https://app.example/keys";

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Alg::ES256).expect("a key").with_kid(kid)
}

fn set_of(keys: &[&SigningKey]) -> serde_json::Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

/// The same, from elsewhere.
fn from(world: &World, address: &str) -> Call {
    let mut call = world.call();
    call.origin.address = address.parse().expect("an address");
    call
}

/// A try to prove who one is, with a new assertion.
async fn proves(call: &Call, key: &SigningKey, audience: &str) -> Result<Arc<Client>> {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    let now = call.now.as_seconds();
    let claims = json!({
        "iss": "app", "sub": "app", "aud": audience, "iat": now, "exp": now + 60,
        "jti": TRIES.fetch_add(1, Ordering::SeqCst).to_string(),
    });
    let assertion = key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).expect("signs");
    clients::authenticate(call, Presented::Assertion { client_id: None, assertion }).await
}

async fn registered(world: &World, change: impl FnOnce(&mut Metadata)) {
    application(world, "app", |new| {
        new.registration.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        change(&mut new.registration.metadata);
    })
    .await;
}

type Answer = Arc<Mutex<std::result::Result<Vec<u8>, ()>>>;

/// Somebody's web server, as it answers now, and how often it was asked.
fn server() -> (Fetch, Answer, Arc<AtomicUsize>) {
    let (answer, asked): (Answer, Arc<AtomicUsize>) = (Arc::new(Mutex::new(Err(()))), Arc::default());
    let (says, counts) = (Arc::clone(&answer), Arc::clone(&asked));
    let fetch: Fetch = Arc::new(move |request| {
        counts.fetch_add(1, Ordering::SeqCst);
        assert_eq!((request.method, request.url.as_str()), ("GET", KEYS));
        let body = says.lock().expect("no panic").clone();
        Box::pin(async move {
            let body = body.map_err(|()| FetchFailure::NoAnswer("down".to_owned()))?;
            let headers = vec![("cache-control".to_owned(), "public, max-age=600".to_owned())];
            Ok(FetchResponse { status: 200, headers, body })
        })
    });
    (fetch, answer, asked)
}

/// The same, whose answers wait until they are let go.
fn slow_server() -> (Fetch, Answer, Arc<AtomicUsize>, Arc<Semaphore>) {
    let (fetch, answer, asked) = server();
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let slow: Fetch = Arc::new(move |request| {
        let (answered, waits) = (fetch(request), Arc::clone(&waits));
        Box::pin(async move {
            let _open = waits.acquire().await;
            answered.await
        })
    });
    (slow, answer, asked, gate)
}

async fn world(place: &Fresh, fetch: Fetch) -> World {
    World::new(place, Settings::default(), fetch).await
}

both_engines! {
    /// Whoever has stolen a secret cannot use it from anywhere else, and learns of that only by having the secret.
    async fn a_client_proves_itself_from_where_it_may(world: World) {
        let there = ["203.0.113.0/24", "::ffff:198.51.100.7", "2001:db8::/32"].map(str::to_owned);
        let there = addresses::read(&there).unwrap();
        let call = world.local();
        let registered = application(&world, "fenced", |new| new.registration.metadata.allowed_addresses = there).await;
        let made = clients::manage::rotate_secret(&call, registered.id, Duration::ZERO).await.unwrap();
        let (client, right) = (made.client, made.secret.unwrap());
        let shows = async |address: &str, secret: &str| {
            let client_secret = secret.into();
            let shown = Credentials { client_id: "fenced".to_owned(), client_secret };
            clients::authenticate(&from(&world, address), Presented::Post(shown)).await.map_err(|error| error.code())
        };
        for near in ["203.0.113.7", "::ffff:203.0.113.7", "198.51.100.7", "2001:db8:1::1"] {
            assert!(shows(near, right.expose()).await.is_ok(), "{near}");
        }
        for far in ["203.0.114.7", "198.51.100.8", "2001:db9::1", "127.0.0.1", "::1"] {
            assert_eq!(shows(far, right.expose()).await.err(), Some(Some(Code::ClientAddress)), "{far}");
            assert_eq!(shows(far, "wrong").await.err(), Some(Some(Code::ClientAuthentication)), "{far}");
        }
        let mut wider = clients::manage::Registration {
            name: client.name.clone(), is_confidential: true, is_first_party: true, metadata: client.metadata.clone(),
        };
        wider.metadata.allowed_addresses.clear();
        clients::manage::update(&call, client.id, client.version, wider).await.unwrap();
        assert!(shows("127.0.0.1", right.expose()).await.is_ok(), "at once");
        application(&world, "everywhere", |new| {
            let metadata = &mut new.registration.metadata;
            (new.registration.is_confidential, metadata.token_endpoint_auth_method) = (false, AuthMethod::None);
            metadata.grant_types.truncate(2);
            metadata.allowed_addresses = addresses::read(&["10.0.0.0/8".to_owned()]).unwrap();
        }).await;
        let public = || Presented::None { client_id: Some("everywhere".to_owned()) };
        assert!(clients::authenticate(&from(&world, "10.1.2.3"), public()).await.is_ok());
        let far = clients::authenticate(&from(&world, "11.1.2.3"), public()).await.unwrap_err();
        assert_eq!(far.code(), Some(Code::ClientAddress));
    }
}

both_engines! {
    /// RFC 9126 2: the issuer, the token endpoint and the endpoint that is called all mean this server.
    async fn an_assertion_may_name_the_endpoint_it_is_sent_to(place: Fresh) {
        let world = world(&place, no_fetch()).await;
        let own = key("one");
        registered(&world, |metadata| metadata.jwks = Some(set_of(&[&own]))).await;
        let call = world.call();
        let issuer = call.realm.issuer.clone();
        for path in ["", "/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke", "/api/auth/oauth2/token"] {
            proves(&call, &own, &format!("{issuer}{path}")).await.expect(path);
        }
        for audience in ["https://evil.example", &format!("{issuer}/"), &format!("{issuer}/oauth2/authorize")] {
            let refused = proves(&call, &own, audience).await.expect_err(audience);
            assert_eq!(refused.code(), Some(Code::ClientAuthentication));
        }
    }

    /// Keys that the client publishes are read once while they are fresh, again when a new one is named,
    /// but once a minute at the most, and outlive a place that does not answer for a day.
    async fn published_keys_are_read_and_remembered(place: Fresh) {
        let (fetch, answer, asked) = server();
        let world = world(&place, fetch).await;
        registered(&world, |metadata| metadata.jwks_uri = Some(KEYS.to_owned())).await;
        let says = |keys: &[&SigningKey]| {
            *answer.lock().expect("no panic") = Ok(set_of(keys).to_string().into_bytes());
        };
        let issuer = world.call().realm.issuer.clone();
        let (one, two) = (key("one"), key("two"));
        let down = proves(&world.call(), &one, &issuer).await.expect_err("nobody answers");
        assert_eq!(down.code(), Some(Code::ClientAuthentication));
        says(&[&one]);
        proves(&world.call(), &one, &issuer).await.expect_err("asked a moment ago");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        world.advance(Duration::from_mins(1));
        for _ in 0..3 {
            proves(&world.call(), &one, &issuer).await.expect("is read");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "once while it is fresh");
        says(&[&one, &two]);
        proves(&world.call(), &two, &issuer).await.expect_err("a flood of unknown keys is no flood of requests");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        world.advance(Duration::from_mins(1));
        proves(&world.call(), &two, &issuer).await.expect("the new key is read at once");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        *answer.lock().expect("no panic") = Err(());
        world.advance(Duration::from_hours(23));
        proves(&world.call(), &two, &issuer).await.expect("known keys outlive a failure");
        assert_eq!(asked.load(Ordering::SeqCst), 4);
        world.advance(Duration::from_hours(2));
        proves(&world.call(), &two, &issuer).await.expect_err("but not for ever");
        *answer.lock().expect("no panic") = Ok(b"<html>".to_vec());
        world.advance(Duration::from_mins(1));
        proves(&world.call(), &two, &issuer).await.expect_err("no keys");
    }

    /// However many assertions come at once, and whoever of them goes away.
    async fn published_keys_are_asked_for_once_at_a_time(place: Fresh) {
        let (fetch, answer, asked, gate) = slow_server();
        let world = world(&place, fetch).await;
        registered(&world, |metadata| metadata.jwks_uri = Some(KEYS.to_owned())).await;
        let issuer = world.call().realm.issuer.clone();
        let one = key("one");
        *answer.lock().expect("no panic") = Ok(set_of(&[&one]).to_string().into_bytes());
        let call = world.call();
        let gone = async {
            while asked.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = proves(&call, &one, &issuer) => panic!("nothing is answered yet"),
            () = gone => {}
        }
        let tries = join_all((0..8).map(|_| proves(&call, &one, &issuer)));
        let (tried, ()) = tokio::join!(tries, async { gate.add_permits(Semaphore::MAX_PERMITS / 2) });
        for tried in tried {
            tried.expect("the keys are read for all of them");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
