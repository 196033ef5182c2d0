//! What strangers may have kept is bounded, from one address and from all of them.

use std::time::Duration;

use crate::{
    kit::{alice, application, request},
    providers::kit::{Browser, Upstream, added},
};
use doorward_core::{
    args,
    authorize::{self, Next},
    call::{Actor, Call},
    clients::{AuthMethod, Client},
    env::no_fetch,
    outcome::{Code, Error, Refusal},
    realm::Realm,
    settings::{Bounds, Settings},
    tokens::{self, Bound},
};
use doorward_proto::jose::{Alg, SigningKey, sign};
use doorward_world::{Fresh, World, both_engines};
use serde_json::json;

const TEN_MINUTES: Duration = Duration::from_mins(10);

async fn bounded(place: &Fresh, bounds: Bounds) -> World {
    World::new(place, Settings { bounds, ..Settings::default() }, no_fetch()).await
}

/// A request from another network each time.
fn from(world: &World, number: u16) -> Call {
    let mut call = world.call();
    call.origin.address = [0x2001, 0xdb8, number, 0, 0, 0, 0, 1].into();
    call
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Refused(refusal) => refusal,
        Error::Fault(fault) => panic!("{fault}"),
    }
}

/// Begins authorizations until it is refused; answers how many were begun, and why no more.
async fn flood(world: &World, client: &Client) -> (u16, Refusal) {
    let ask = request(client, &[]);
    for number in 0..1000 {
        if let Err(error) = authorize::begin(&from(world, number), &ask, None).await {
            return (number, refusal(error));
        }
    }
    panic!("nobody stops it");
}

async fn stored(world: &World) -> (i64, i64) {
    const SIZE: &str = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(LENGTH(request)), 0) AS BIGINT)
        FROM drafts";
    let read = world.realm.db.read("stored", (), |tx, ()| {
        Box::pin(async move { tx.opt(SIZE, args![], |row| Ok((row.int(0)?, row.int(1)?))).await })
    });
    read.await.expect("reads").expect("a row")
}

/// A good proof by a key of its own.
fn proof(call: &Call, number: usize) -> String {
    let key = SigningKey::generate(Alg::ES256).expect("a key");
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()});
    let claims = json!({
        "jti": number.to_string(), "htm": "POST", "htu": "https://id.example/oauth2/token",
        "iat": call.now.as_seconds(), "nonce": tokens::fresh_nonce(call),
    });
    sign(&key, &header, claims.to_string().as_bytes()).expect("signs")
}

both_engines! {
    /// However many addresses a flood comes from, what it leaves is bounded and goes away by itself.
    async fn authorizations_that_nobody_finishes_are_bounded_in_all(place: Fresh) {
        let world = bounded(&place, Bounds { drafts: 30_000, ..Bounds::default() }).await;
        let app = application(&world, "app", |new| {
            new.registration.is_confidential = false;
            new.registration.metadata.token_endpoint_auth_method = AuthMethod::None;
            new.registration.metadata.grant_types.retain(|grant| grant != "client_credentials");
        })
        .await;
        let alice = alice(&world).await;
        let (begun, refused) = flood(&world, &app).await;
        assert!(begun >= 10, "{begun}");
        assert_eq!(refused.code, Code::Overloaded);
        assert!(refused.retry_after.is_some_and(|seconds| seconds > 0 && seconds < 600), "{refused:?}");
        let (rows, bytes) = stored(&world).await;
        assert!(rows == i64::from(begun) && bytes <= 30_000, "{rows} {bytes}");
        // What is pushed for a public client is kept in the same room; the last of it may still hold some.
        let mut full = None;
        for number in 2000..2010 {
            let pushed = authorize::push(&from(&world, number), &app, &request(&app, &[]), None).await;
            full = full.or(pushed.err().map(refusal));
        }
        assert_eq!(full.expect("the same room").code, Code::Overloaded);
        // Who needs nothing kept is not concerned.
        let signed = alice.signed(&world.call()).await;
        let next = authorize::begin(&world.call(), &request(&app, &[]), Some(&signed)).await.expect("is answered");
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
        // What is over makes room, and is gone with the next cleaning.
        world.advance(TEN_MINUTES + Duration::from_mins(2));
        Realm::run_due_jobs(&world.call()).await.expect("cleans");
        assert_eq!(stored(&world).await.0, 0);
        assert_eq!(flood(&world, &app).await.0, begun);
    }

    /// Whoever leaves for a provider and never comes back leaves something, too: in the same room.
    async fn people_who_leave_and_never_come_back_are_bounded_in_all(place: Fresh) {
        let upstream = Upstream::new();
        let settings = Settings { bounds: Bounds { drafts: 30_000, ..Bounds::default() }, ..Settings::default() };
        let world = World::new(&place, settings, upstream.fetch()).await;
        added(&world, |_| {}).await;
        let leave = async || {
            for number in 0..1000 {
                if let Err(error) = Browser::try_to_leave(&from(&world, number), &upstream, "login").await {
                    return (number, refusal(error));
                }
            }
            panic!("nobody stops it");
        };
        let (left, refused) = leave().await;
        assert!(left >= 10, "{left}");
        assert_eq!(refused.code, Code::Overloaded);
        assert!(refused.retry_after.is_some_and(|seconds| seconds > 0 && seconds < 600), "{refused:?}");
        let app = application(&world, "app", |_| {}).await;
        let (begun, full) = flood(&world, &app).await;
        assert!(begun < 3 && full.code == Code::Overloaded, "the same room: {begun} {full:?}");
        world.advance(TEN_MINUTES + Duration::from_mins(2));
        assert!(leave().await.0 >= left, "what is over makes room");
    }

    /// Proofs are remembered until they are too old to be replayed: of one client no more than a bound.
    async fn one_client_cannot_have_proofs_remembered_without_end(place: Fresh) {
        let world = bounded(&place, Bounds { proofs: 5, ..Bounds::default() }).await;
        let app = application(&world, "app", |_| {}).await;
        let by_client = |call: Call| call.by(Actor::Client(app.id));
        let tries = async |call: Call, number| {
            let proof = proof(&call, number);
            let bound = Bound { method: "POST", url: "https://id.example/oauth2/token", access_token: None };
            tokens::prove(&call, &proof, &bound).await.map_err(refusal)
        };
        for number in 0..5 {
            tries(by_client(world.call()), number).await.expect("is good, with a key of its own each");
        }
        let refused = tries(by_client(world.call()), 5).await.expect_err("enough");
        assert_eq!(refused.code, Code::RateLimitedAddress);
        assert!(refused.retry_after.is_some());
        tries(by_client(from(&world, 1)), 6).await.expect("elsewhere");
        tries(world.call(), 7).await.expect("somebody else behind the same address");
    }
}
