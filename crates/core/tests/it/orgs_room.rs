//! What an organisation makes by itself, on both engines: no more than it has room for, however many ask at once, and
//! nothing by who does not run it any more.

use std::{future::Future, time::Duration};

use doorward_core::{
    apis::{self, Settings, TokenFormat},
    call::Call,
    clients::{self, Metadata, manage::Registration},
    orgs::{OrgScope, members, permissions::ADMIN},
    outcome::{Code, Result},
    principals::Status,
    service_tokens::{self, NewToken, RotateAsk},
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

    /// Whoever is taken out while they ask leaves nothing behind that lasts, and changes nothing that is there.
    async fn who_was_taken_out_makes_nothing(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let bob = person(&world, "bob@example.org").await;
        adds(&world, &org, bob, ADMIN).await;
        let call = by(&world, bob);
        let of_clients = enters(&world, bob, &org, clients::of_org::WRITE).await.unwrap();
        let of_apis = enters(&world, bob, &org, apis::of_org::WRITE).await.unwrap();
        let of_tokens = enters(&world, bob, &org, service_tokens::of_org::WRITE).await.unwrap();
        let confidential = Registration {
            is_confidential: true,
            metadata: Metadata { token_endpoint_auth_method: clients::AuthMethod::ClientSecretBasic, ..application().metadata },
            ..application()
        };
        let app = clients::of_org::register(&call, &of_clients, confidential.clone()).await.unwrap().client;
        let there = service_tokens::of_org::create(&call, &of_tokens, NewToken::default()).await.unwrap().token;
        members::remove(&world.local(), &platform(&world, &org).await, bob).await.unwrap();
        assert_eq!(code(clients::of_org::register(&call, &of_clients, application()).await), Some(Code::NotFound));
        assert_eq!(code(apis::of_org::create(&call, &of_apis, api("api".to_owned())).await), Some(Code::NotFound));
        let token = service_tokens::of_org::create(&call, &of_tokens, NewToken::default()).await;
        assert_eq!(code(token), Some(Code::NotFound));

        let (client, token) = (app.id.to_string(), there.id.to_string());
        let (client, token) = (client.as_str(), token.as_str());
        let refused = [
            code(clients::of_org::update(&call, &of_clients, (client, app.version), confidential).await),
            code(clients::of_org::rotate_secret(&call, &of_clients, (client, Duration::ZERO)).await),
            code(clients::of_org::retire_secrets(&call, &of_clients, client).await),
            code(clients::of_org::set_status(&call, &of_clients, client, Status::Ended).await),
            code(service_tokens::of_org::update(&call, &of_tokens, (token, there.revision), there.notes.clone()).await),
            code(service_tokens::of_org::rotate(&call, &of_tokens, token, RotateAsk::default()).await),
            code(service_tokens::of_org::revoke(&call, &of_tokens, token, "x".to_owned()).await),
        ];
        assert_eq!(refused, [Some(Code::NotFound); 7]);
    }
}
