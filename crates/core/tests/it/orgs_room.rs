//! What an organisation makes by itself, on both engines: no more than it has room for, however many ask at once, and
//! nothing by who does not run it any more.

use std::future::Future;

use doorward_core::{
    apis::{self, Settings, TokenFormat},
    call::Call,
    clients::{self, Metadata, manage::Registration},
    orgs::{OrgScope, members, permissions::ADMIN},
    outcome::{Code, Result},
    service_tokens::{self, NewToken},
};
use doorward_proto::jose::Alg;
use doorward_world::{World, both_engines};
use futures_util::future::join_all;

use crate::orgs::{adds, by, code, enters, person, platform, team};

fn application() -> Registration {
    Registration {
        name: "App".to_owned(),
        is_confidential: false,
        is_first_party: false,
        metadata: Metadata {
            redirect_uris: vec!["http://127.0.0.1/cb".to_owned()],
            grant_types: vec!["authorization_code".to_owned()],
            scopes: vec!["openid".to_owned()],
            require_pkce: true,
            token_endpoint_auth_method: clients::AuthMethod::None,
            ..Metadata::default()
        },
    }
}

fn api(name: String) -> apis::of_org::New {
    let settings = Settings {
        name: "API".to_owned(),
        signing_alg: Alg::ES256,
        token_format: TokenFormat::Jwt,
        access_ttl: None,
        scopes: Vec::new(),
    };
    apis::of_org::New { name, settings }
}

/// How many of many that come at once are made; the others are refused for want of room.
async fn made<T>(all: impl Iterator<Item = impl Future<Output = Result<T>>>) -> usize {
    let (good, bad): (Vec<_>, Vec<_>) = join_all(all).await.into_iter().partition(Result::is_ok);
    for refused in bad {
        assert_eq!(code(refused), Some(Code::Conflict));
    }
    good.len()
}

async fn acts(world: &World, permission: &'static str) -> (Call, OrgScope) {
    let owner = person(world, "owner@example.org").await;
    let org = team(world, owner, "Acme").await;
    (by(world, owner), enters(world, owner, &org, permission).await.unwrap())
}

both_engines! {
    async fn applications_beyond_its_room_are_refused(world: World) {
        let (call, scope) = acts(&world, clients::of_org::WRITE).await;
        let all = (0..60).map(|_| clients::of_org::register(&call, &scope, application()));
        assert_eq!(made(all).await, 50);
    }

    async fn apis_beyond_its_room_are_refused(world: World) {
        let (call, scope) = acts(&world, apis::of_org::WRITE).await;
        let all = (0..60).map(|number| apis::of_org::create(&call, &scope, api(format!("api-{number}"))));
        assert_eq!(made(all).await, 50);
    }

    async fn service_tokens_beyond_its_room_are_refused(world: World) {
        let (call, scope) = acts(&world, service_tokens::of_org::WRITE).await;
        let all = (0..110).map(|_| service_tokens::of_org::create(&call, &scope, NewToken::default()));
        assert_eq!(made(all).await, 100);
    }

    /// Whoever is taken out while they ask leaves nothing behind that lasts.
    async fn who_was_taken_out_makes_nothing(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let bob = person(&world, "bob@example.org").await;
        adds(&world, &org, bob, ADMIN).await;
        let call = by(&world, bob);
        let of_clients = enters(&world, bob, &org, clients::of_org::WRITE).await.unwrap();
        let of_apis = enters(&world, bob, &org, apis::of_org::WRITE).await.unwrap();
        let of_tokens = enters(&world, bob, &org, service_tokens::of_org::WRITE).await.unwrap();
        members::remove(&world.local(), &platform(&world, &org).await, bob).await.unwrap();
        assert_eq!(code(clients::of_org::register(&call, &of_clients, application()).await), Some(Code::NotFound));
        assert_eq!(code(apis::of_org::create(&call, &of_apis, api("api".to_owned())).await), Some(Code::NotFound));
        let token = service_tokens::of_org::create(&call, &of_tokens, NewToken::default()).await;
        assert_eq!(code(token), Some(Code::NotFound));
    }
}
