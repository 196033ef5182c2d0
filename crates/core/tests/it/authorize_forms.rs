//! Requests that travel otherwise than in the address, and codes that come back without it.

use crate::kit;
use crate::kit::{CALLBACK, alice, application, code_ask, code_for, request};
use doorward_core::{
    authorize::{self, Next, Trusted},
    call::Call,
    clients::{Client, manage::NewClient},
    grants::code,
    outcome::{Code, Result},
    sessions::Signed,
};
use doorward_proto::form::Params;
use doorward_world::{World, both_engines};

async fn posted(call: &Call, params: &Params, signed: Option<&Signed>) -> Result<Next> {
    let query = authorize::store_posted(call, params).await?;
    let kept = Params::parse(query.as_bytes(), 4096).expect("is a form");
    let names: Vec<&str> = kept.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "request_uri"], "nothing of the form is in the address");
    authorize::begin(call, &kept, signed).await
}

fn refused(next: Result<Next>) -> (Trusted, Code) {
    match next.expect("is answered") {
        Next::Refuse { trusted, refusal } => (trusted, refusal.code),
        other => panic!("{other:?}"),
    }
}

fn excused(new: &mut NewClient) {
    new.registration.metadata.require_pkce = false;
}

async fn redeemed(
    call: &Call,
    app: &std::sync::Arc<Client>,
    code: String,
    uri: Option<&str>,
) -> Option<Code> {
    let ask = code::CodeAsk { redirect_uri: uri.map(str::to_owned), verifier: None, ..code_ask(&code) };
    code::redeem(call, app, ask).await.err().and_then(|error| error.code())
}

both_engines! {
    /// An invitation in it is a way in, and whoever reads the database shall find none.
    async fn what_is_kept_of_a_request_cannot_be_read(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let call = world.call();
        let asked = request(&app, &[("invitation", "dw_lk_readable"), ("state", "readable")]);
        authorize::store_posted(&call, &asked).await.unwrap();
        authorize::push(&call, &app, &request(&app, &[("state", "readable")]), None).await.unwrap();
        let stored: Vec<Vec<u8>> = call.realm.db
            .read("stored", (), |tx, ()| Box::pin(async move {
                tx.all("SELECT request FROM pushed_requests", &[], |row| row.bytes(0)).await
            }))
            .await
            .unwrap();
        assert_eq!(stored.len(), 2);
        assert!(stored.iter().all(|one| !one.windows(8).any(|part| part == b"readable")));
    }

    /// A posted form is kept whatever its length, and judged as the same request by GET would be.
    async fn a_posted_request_is_the_same_request(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let long = "x".repeat(6000);
        for state in ["short", long.as_str()] {
            let good = request(&app, &[("state", state), ("login_hint", "alice@example.org")]);
            let next = posted(&call, &good, Some(&signed)).await.expect("is answered");
            let Next::Grant { trusted, .. } = next else { panic!("{next:?}") };
            assert_eq!(trusted.state.as_deref(), Some(state));
            let bad = request(&app, &[("state", state), ("scope", "openid more")]);
            let (trusted, code) = refused(posted(&call, &bad, Some(&signed)).await);
            assert_eq!((trusted.redirect_uri.as_str(), trusted.state.as_deref(), code), (CALLBACK, Some(state), Code::ScopeInvalid));
            let odd = request(&app, &[("state", state), ("max_age", "soon")]);
            assert_eq!(refused(posted(&call, &odd, Some(&signed)).await).1, Code::RequestInvalid);
            let evil = request(&app, &[("state", state), ("redirect_uri", "https://evil.example/")]);
            let page = posted(&call, &evil, Some(&signed)).await.expect_err("goes nowhere");
            assert_eq!(page.code(), Some(Code::RedirectUriUnregistered));
        }
        let nobody = posted(&call, &request(&app, &[("client_id", "nobody")]), None).await.expect_err("unknown");
        assert_eq!(nobody.code(), Some(Code::ClientUnknown));
        let nameless = posted(&call, &request(&app, &[("client_id", "")]), None).await.expect_err("from nobody");
        assert_eq!(nameless.code(), Some(Code::RequestInvalid));
    }

    /// What a browser posts was pushed by nobody; what was pushed may be named in a posted form.
    async fn posting_is_not_pushing(world: World) {
        let alice = alice(&world).await;
        let app = application(&world, "app", |new| {
            new.registration.metadata.require_pushed_authorization_requests = true;
        })
        .await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let long = "x".repeat(6000);
        for state in ["short", long.as_str()] {
            let posted = posted(&call, &request(&app, &[("state", state)]), Some(&signed)).await;
            assert_eq!(refused(posted).1, Code::PushedRequestRequired);
        }
        let pushed = authorize::push(&call, &app, &request(&app, &[]), None).await.expect("is kept");
        let named = request(&app, &[("request_uri", &pushed.request_uri)]);
        let next = posted(&call, &named, Some(&signed)).await.expect("is answered");
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
    }

    /// OpenID Connect Core 3.1.2.6: an application that wants its request fetched is told, at its own address.
    async fn a_request_elsewhere_is_not_fetched(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let call = world.call();
        let elsewhere = [("request_uri", "https://app.example/request.jwt")];
        let (trusted, code) = refused(authorize::begin(&call, &request(&app, &elsewhere), None).await);
        assert_eq!((trusted.redirect_uri.as_str(), code), (CALLBACK, Code::RequestUriUnsupported));
        let evil = [elsewhere[0], ("redirect_uri", "https://evil.example/")];
        let page = authorize::begin(&call, &request(&app, &evil), None).await.expect_err("goes nowhere");
        assert_eq!(page.code(), Some(Code::RedirectUriUnregistered));
    }

    /// RFC 6749 4.1.3: where no challenge binds the code, the address has to.
    async fn a_code_without_a_challenge_needs_its_address(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", excused).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let plain: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];
        let code = code_for(&call, &app, &signed, plain).await;
        assert_eq!(redeemed(&call, &app, code.clone(), None).await, Some(Code::CodeRedirectUri));
        assert_eq!(redeemed(&call, &app, code.clone(), Some("https://evil.example/")).await, Some(Code::CodeRedirectUri));
        assert_eq!(redeemed(&call, &app, code, Some(CALLBACK)).await, None);
        let bound = code_for(&call, &app, &signed, &[]).await;
        let ask = code::CodeAsk { redirect_uri: None, ..code_ask(&bound) };
        code::redeem(&call, &app, ask).await.expect("the challenge binds it");
    }

    /// The operator's own applications act for people, too: they are shown, and can be shut out.
    async fn own_applications_are_connected_while_they_can_come_back(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let code = code_for(&call, &app, &signed, &[("scope", "openid")]).await;
        code::redeem(&call, &app, code_ask(&code)).await.expect("is redeemed");
        assert!(authorize::connected(&call, alice.user.id).await.expect("lists").is_empty(), "cannot come back");
        for _ in 0..2 {
            kit::tokens_for(&call, &app, &signed).await;
        }
        let connected = authorize::connected(&call, alice.user.id).await.expect("lists");
        assert_eq!(connected.len(), 1);
        assert_eq!((connected[0].client, connected[0].scope.contains("offline_access")), (app.id, true));
        authorize::revoke(&call, alice.user.id, app.id).await.expect("is shut out");
        assert!(authorize::connected(&call, alice.user.id).await.expect("lists").is_empty());
    }
}
