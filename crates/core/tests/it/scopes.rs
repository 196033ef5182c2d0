//! Scopes belong to the API that knows them (RFC 8707 2.2, RFC 9068 3).

use std::sync::Arc;

use crate::kit::{alice, api, application, code_ask, code_for, request};
use doorward_core::{
    authorize::{self, Consented, Next, Step},
    call::Call,
    clients::Client,
    grants::{
        client::{self, ClientAsk},
        code::{self, CodeAsk},
        refresh::{self, RefreshAsk},
    },
    outcome::Code,
    sessions::Signed,
    tokens,
};
use doorward_world::{World, both_engines};

const A: &str = "https://a.example";
const B: &str = "https://b.example";
const BOTH: &str = "openid offline_access a:read b:read";

async fn app(world: &World, is_first_party: bool) -> Arc<Client> {
    api(world, A, &["a:read", "a:write"]).await;
    api(world, B, &["b:read"]).await;
    application(world, "app", |new| {
        new.registration.is_first_party = is_first_party;
        let scopes =
            ["openid", "email", "offline_access", "me:read", "a:read", "a:write", "b:read", "c:read"];
        new.registration.metadata.scopes = scopes.map(str::to_owned).to_vec();
    })
    .await
}

/// The scopes of an access token, as it says itself.
async fn inside(call: &Call, token: &str) -> String {
    tokens::verify(call, token).await.expect("is good").claims.scope.to_string()
}

async fn refused(call: &Call, app: &Client, signed: &Signed, changes: &[(&str, &str)]) -> Code {
    match authorize::begin(call, &request(app, changes), Some(signed)).await.expect("is answered") {
        Next::Refuse { refusal, .. } => refusal.code,
        other => panic!("{other:?}"),
    }
}

both_engines! {
    async fn a_request_names_scopes_that_its_audience_knows(world: World) {
        let (alice, app) = (alice(&world).await, app(&world, true).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let bad: &[&[(&str, &str)]] = &[
            &[("resource", A), ("scope", "openid b:read")],
            &[("resource", A), ("scope", "a:read c:read")],
            &[("resource", A), ("scope", "a:read me:read")],
            &[("scope", "a:read")],
            &[("audience", B), ("scope", "a:read")],
        ];
        for changes in bad {
            assert_eq!(refused(&call, &app, &signed, changes).await, Code::ScopeInvalid, "{changes:?}");
            let pushed = authorize::push(&call, &app, &request(&app, changes), None).await.expect_err("pushed");
            assert_eq!(pushed.code(), Some(Code::ScopeInvalid), "{changes:?}");
        }
        let good: &[&[(&str, &str)]] = &[
            &[("resource", A), ("scope", "openid email offline_access a:read")],
            &[("resource", A), ("scope", "")],
            &[("scope", "openid me:read")],
            &[("scope", "")],
        ];
        for changes in good {
            code_for(&call, &app, &signed, changes).await;
        }
    }

    /// The application gets what the API knows, whether it names scopes or means all of its own.
    async fn client_credentials_hold_the_scopes_of_the_api(world: World) {
        let app = app(&world, true).await;
        let call = world.call();
        let ask = |scope: Option<&str>, resource: &str| ClientAsk {
            scope: scope.map(|scope| scope.parse().expect("scopes")),
            resources: vec![resource.to_owned()],
            jkt: None,
        };
        let made = client::issue(&call, &app, ask(None, A)).await.expect("is issued");
        assert_eq!((made.scope.as_str(), inside(&call, &made.access_token).await.as_str()), ("a:read a:write", "a:read a:write"));
        let made = client::issue(&call, &app, ask(Some("a:read"), A)).await.expect("is issued");
        assert_eq!(made.scope.as_str(), "a:read");
        let made = client::issue(&call, &app, ask(None, &call.realm.issuer)).await.expect("is issued");
        assert_eq!(made.scope.as_str(), "me:read");
        for (scope, resource) in [("b:read", A), ("a:read b:read", A), ("c:read", B), ("a:read", call.realm.issuer.as_str())] {
            let refused = client::issue(&call, &app, ask(Some(scope), resource)).await.expect_err(scope);
            assert_eq!(refused.code(), Some(Code::ScopeInvalid), "{scope} at {resource}");
        }
    }

    /// What was allowed for one API is not thereby allowed for another.
    async fn a_consent_is_remembered_for_the_api_that_knows_it(world: World) {
        let (alice, app) = (alice(&world).await, app(&world, false).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let both = request(&app, &[("resource", A), ("audience", B), ("scope", BOTH)]);
        let asked = authorize::begin(&call, &both, Some(&signed)).await.expect("is answered");
        let Next::Show { draft, step: Step::Consent } = asked else { panic!("{asked:?}") };
        let account = signed.active().expect("signed in");
        authorize::approve(&call, &Consented { draft, session: account.session.id, only_once: false }, account).await.expect("yes");
        let mut remembered: Vec<(String, String)> = authorize::connected(&call, alice.user.id)
            .await
            .expect("lists")
            .into_iter()
            .map(|one| (one.resource, one.scope.to_string()))
            .collect();
        remembered.sort();
        let expected = [("", "openid offline_access"), (A, "a:read"), (B, "b:read")];
        assert_eq!(remembered, expected.map(|(api, scope)| (api.to_owned(), scope.to_owned())));
        code_for(&call, &app, &signed, &[("resource", A), ("scope", "openid a:read")]).await;
        let more = request(&app, &[("resource", A), ("scope", "openid a:write")]);
        let more = authorize::begin(&call, &more, Some(&signed)).await.expect("is answered");
        assert!(matches!(more, Next::Show { step: Step::Consent, .. }), "{more:?}");
    }

    /// Of a grant for two APIs each token carries its own API's scopes; who is signed in is said beside it.
    async fn a_token_carries_the_scopes_of_its_audience(world: World) {
        let (alice, app) = (alice(&world).await, app(&world, true).await);
        let call = world.call();
        let changes: &[(&str, &str)] = &[("resource", A), ("audience", B), ("scope", BOTH)];
        let code = code_for(&call, &app, &alice.signed(&call).await, changes).await;
        let ask = CodeAsk { resources: vec![A.to_owned()], ..code_ask(&code) };
        let first = code::redeem(&call, &app, ask).await.expect("is redeemed");
        assert_eq!((first.scope.as_str(), inside(&call, &first.access_token).await.as_str()), ("a:read", "a:read"));
        assert!(first.id_token.is_some());
        let mut token = first.refresh_token.expect("offline").expose().to_owned();
        let issuer = call.realm.issuer.clone();
        let cases = [
            (B, None, Some("b:read")),
            (A, Some(BOTH), Some("a:read")),
            (A, Some("b:read"), None),
            (issuer.as_str(), None, Some("openid offline_access")),
        ];
        for (resource, scope, expected) in cases {
            let scope = scope.map(|scope| scope.parse().expect("scopes"));
            let ask = RefreshAsk { token: token.clone(), scope, resources: vec![resource.to_owned()], jkt: None };
            match (refresh::rotate(&call, &app, ask).await, expected) {
                (Ok(made), Some(expected)) => {
                    assert_eq!((made.scope.as_str(), inside(&call, &made.access_token).await.as_str()), (expected, expected));
                    token = made.refresh_token.expect("rotates").expose().to_owned();
                    if resource == issuer {
                        let live = tokens::verify(&call, &made.access_token).await.expect("is good");
                        tokens::userinfo(&call, &live).await.expect("answers");
                    }
                }
                (Err(error), None) => assert_eq!(error.code(), Some(Code::ScopeInvalid)),
                (other, expected) => panic!("{other:?} instead of {expected:?}"),
            }
        }
    }
}
