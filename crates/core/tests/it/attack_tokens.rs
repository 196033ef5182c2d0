//! Attacks on tokens: audiences that nobody allowed, and ends that come late.

use std::time::Duration;

use crate::kit::{alice, application, code_ask, code_for, tokens_for};
use doorward_core::{
    apis::{self, NewApi, Settings, TokenFormat},
    call::{Actor, Call},
    clients::{
        self,
        manage::{self, Registration},
    },
    env::{Env, no_fetch},
    grants::{
        client::{self, ClientAsk},
        code,
        refresh::{self, RefreshAsk},
    },
    outcome::Code,
    principals::Status,
    realm::{Parts, Realm},
    tokens,
    users::{self, Change, PlatformRole},
    vault::Vault,
};
use doorward_proto::{
    id::{Id, Org},
    jose::Alg,
};
use doorward_world::{World, both_engines};

const REPORTS: &str = "https://reports.example";

async fn api(world: &World, org: Option<Id<Org>>) {
    let settings = Settings {
        name: "Reports".to_owned(),
        signing_alg: Alg::ES256,
        token_format: TokenFormat::Jwt,
        access_ttl: None,
        scopes: Vec::new(),
    };
    let new = NewApi { identifier: REPORTS.to_owned(), org, settings };
    apis::create(&world.local(), new).await.expect("is made");
}

both_engines! {
    /// What was not asked for when the person agreed is not to be had at the token endpoint.
    async fn a_grant_is_not_widened_to_another_audience(world: World) {
        api(&world, None).await;
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let wider = || vec![REPORTS.to_owned()];
        let ask = code::CodeAsk { resources: wider(), ..code_ask(&code_for(&call, &app, &signed, &[]).await) };
        let refused = code::redeem(&call, &app, ask).await.expect_err("nobody agreed");
        assert_eq!(refused.code(), Some(Code::TargetInvalid));
        let tokens = tokens_for(&call, &app, &signed).await;
        let token = tokens.refresh_token.expect("was asked for").expose().to_owned();
        let ask = RefreshAsk { token: token.clone(), scope: None, resources: wider(), jkt: None };
        let refused = refresh::rotate(&call, &app, ask).await.expect_err("nobody agreed");
        assert_eq!(refused.code(), Some(Code::TargetInvalid));
        let ask = RefreshAsk { token, scope: None, resources: vec![call.realm.issuer.clone()], jkt: None };
        refresh::rotate(&call, &app, ask).await.expect("the one that was meant");
        let agreed = code_for(&call, &app, &signed, &[("resource", REPORTS)]).await;
        code::redeem(&call, &app, code::CodeAsk { resources: wider(), ..code_ask(&agreed) }).await.expect("agreed");
    }

    /// An application reaches the APIs of its own organisation, and others only where it is allowed by name.
    async fn an_api_of_another_organisation_is_out_of_reach(world: World) {
        let alice = alice(&world).await;
        api(&world, Some(alice.signed_in.session.org)).await;
        let call = world.call();
        let ask = || ClientAsk { resources: vec![REPORTS.to_owned()], ..ClientAsk::default() };
        let app = application(&world, "app", |_| {}).await;
        let refused = client::issue(&call, &app, ask()).await.expect_err("foreign");
        assert_eq!(refused.code(), Some(Code::TargetInvalid));
        let named = application(&world, "named", |new| new.registration.metadata.apis = vec![REPORTS.to_owned()]).await;
        client::issue(&call, &named, ask()).await.expect("allowed by name");
        let usual = application(&world, "usual", |new| {
            new.registration.metadata.default_api = Some(REPORTS.to_owned());
        })
        .await;
        client::issue(&call, &usual, ClientAsk::default()).await.expect("allowed by name");
    }

    /// The request that takes a right away may be slow: what was issued meanwhile ends with the rest.
    async fn what_is_issued_during_a_slow_change_ends_with_it(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let begun = world.local();
        world.advance(Duration::from_secs(2));
        let call = world.call();
        let tokens = tokens_for(&call, &app, &alice.signed(&call).await).await;
        let own = client::issue(&call, &app, ClientAsk::default()).await.expect("is issued");
        tokens::verify(&call, &tokens.access_token).await.expect("is good");
        let change = Change { platform_role: Some(PlatformRole::Administrator), ..Change::default() };
        users::update(&begun, alice.user.id, None, change).await.expect("is changed");
        let after = tokens::verify(&call, &tokens.access_token).await.expect_err("says what was");
        assert_eq!(after.code(), Some(Code::CredentialRevoked));
        let registration = Registration {
            name: app.name.clone(),
            is_confidential: true,
            is_first_party: true,
            metadata: doorward_core::clients::Metadata { scopes: vec!["openid".to_owned()], ..app.metadata.clone() },
        };
        tokens::verify(&call, &own.access_token).await.expect("is good");
        manage::update(&begun, app.id, app.version, registration).await.expect("is changed");
        let after = tokens::verify(&call, &own.access_token).await.expect_err("holds a scope that is gone");
        assert_eq!(after.code(), Some(Code::CredentialRevoked));
    }

    /// What was found good is asked for again after half a minute, even where the news of a change got lost.
    async fn a_verdict_is_remembered_for_half_a_minute(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let token = client::issue(&world.call(), &app, ClientAsk::default()).await.expect("is issued").access_token;
        tokens::verify(&world.call(), &token).await.expect("is good");
        let silently = "UPDATE principals SET epoch = epoch + 1 WHERE id = $1";
        let changed = async |id: String| {
            world.realm.db.write("a change by hand", id, move |tx, id| {
                Box::pin(async move { tx.exec(silently, doorward_core::args![id.as_str()]).await })
            })
            .await
        };
        assert_eq!(changed(app.id.to_string()).await.expect("is changed"), 1);
        world.advance(Duration::from_secs(29));
        tokens::verify(&world.call(), &token).await.expect("is remembered");
        world.advance(Duration::from_secs(1));
        let refused = tokens::verify(&world.call(), &token).await.expect_err("is looked at again");
        assert_eq!(refused.code(), Some(Code::CredentialRevoked));
    }

    /// What is remembered never outlives the token.
    async fn a_verdict_ends_with_its_token(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let made = client::issue(&world.call(), &app, ClientAsk::default()).await.expect("is issued");
        world.advance(world.realm.settings.tokens.access_ttl.saturating_sub(Duration::from_secs(2)));
        tokens::verify(&world.call(), &made.access_token).await.expect("is good");
        world.advance(Duration::from_secs(2));
        let refused = tokens::verify(&world.call(), &made.access_token).await.expect_err("is over");
        assert_eq!(refused.code(), Some(Code::CredentialExpired));
    }

    /// Nodes share a database, not a clock: what ends is told by epochs.
    async fn an_end_on_a_node_that_is_behind_reaches_tokens_of_one_that_is_ahead(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let behind = world.call();
        let signed = alice.signed(&behind).await;
        let parts = Parts {
            issuer: behind.realm.issuer.clone(),
            db: world.realm.db.clone(),
            env: Env::fixed(behind.now + Duration::from_mins(5), 2, no_fetch()),
            vault: Vault::new(&[7; 32]).unwrap(),
            settings: doorward_core::settings::Settings::default(),
            mail_transport: None,
        };
        let ahead = Call::system(&Realm::open(parts).await.unwrap());
        let own = || ClientAsk { scope: None, resources: Vec::new(), jkt: None };
        let person = tokens_for(&ahead, &app, &signed).await;
        let machine = client::issue(&ahead, &app, own()).await.unwrap();
        for call in [&ahead, &behind] {
            tokens::verify(call, &person.access_token).await.expect("is good");
            tokens::verify(call, &machine.access_token).await.expect("is good");
        }
        // The grant and the sessions stay: only the epoch ends the token.
        let change = Change { platform_role: Some(PlatformRole::Administrator), ..Change::default() };
        users::update(&world.local(), alice.user.id, None, change).await.unwrap();
        for call in [&ahead, &behind] {
            let refused = tokens::verify(call, &person.access_token).await.expect_err("the role is another");
            assert_eq!(refused.code(), Some(Code::CredentialRevoked));
            tokens::verify(call, &machine.access_token).await.expect("another principal");
        }
        for status in [Status::Suspended, Status::Active] {
            manage::set_status(&world.local(), app.id, status).await.unwrap();
        }
        for call in [&ahead, &behind] {
            let refused = tokens::verify(call, &machine.access_token).await.expect_err("was suspended");
            assert_eq!(refused.code(), Some(Code::CredentialRevoked));
        }
        // A node ahead ends what was made by one behind, and nothing that is made from then on.
        for status in [Status::Suspended, Status::Active] {
            manage::set_status(&ahead.by(Actor::LocalAdministrator), app.id, status).await.unwrap();
        }
        let app = clients::get_active(&behind, "app").await.unwrap();
        let machine = client::issue(&behind, &app, own()).await.unwrap();
        for call in [&ahead, &behind] {
            tokens::verify(call, &machine.access_token).await.expect("is new");
        }
    }
}
