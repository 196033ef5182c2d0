//! Authorization requests: what is asked of the person, what the application is told.

use std::time::Duration;

use crate::kit::{Alice, CALLBACK, alice, application, code_for, redeem, request, tokens_for};
use doorward_core::{
    authorize::{self, Consented, Next, Step},
    call::Call,
    clients::{self, Client},
    orgs::manage::{self, NewOrg},
    outcome::Code,
    sessions::Signed,
};
use doorward_proto::id::{Draft, Id};
use doorward_world::{World, both_engines};

async fn begin(call: &Call, client: &Client, changes: &[(&str, &str)], signed: Option<&Signed>) -> Next {
    authorize::begin(call, &request(client, changes), signed).await.expect("is answered")
}

fn refusal(next: Next) -> Code {
    match next {
        Next::Refuse { trusted, refusal } => {
            assert_eq!((trusted.redirect_uri.as_str(), trusted.state.as_deref()), (CALLBACK, Some("s1")));
            refusal.code
        }
        other => panic!("not refused but {other:?}"),
    }
}

fn shown(next: Next) -> (Id<Draft>, Step) {
    match next {
        Next::Show { draft, step } => (draft, step),
        other => panic!("no page but {other:?}"),
    }
}

async fn consent(call: &Call, alice: &Alice, draft: Id<Draft>) {
    let signed = alice.signed(call).await;
    let account = signed.active().expect("signed in");
    authorize::approve(call, &Consented { draft, session: account.session.id, only_once: false }, account)
        .await
        .expect("says yes");
}

both_engines! {
    /// Nothing is ever sent to an address that the client has not registered.
    async fn an_unproven_address_is_never_redirected_to(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let call = world.call();
        for uri in [
            "https://evil.example/",
            "https://app.example/callback/",
            "https://app.example/callback?x=1",
            "https://app.example/Callback",
            "https://app.example/callback#x",
            "https://app.example:443/callback",
            "https://app.example/callback/../evil",
            "https://app.example@evil.example/callback",
            "//app.example/callback",
            "javascript:alert(1)",
        ] {
            let refused = authorize::begin(&call, &request(&app, &[("redirect_uri", uri)]), None).await;
            assert_eq!(refused.expect_err(uri).code(), Some(Code::RedirectUriUnregistered), "{uri}");
        }
        let unknown = authorize::begin(&call, &request(&app, &[("client_id", "nobody")]), None).await;
        assert_eq!(unknown.expect_err("nobody").code(), Some(Code::ClientUnknown));
        let missing = authorize::begin(&call, &request(&app, &[("client_id", "")]), None).await;
        assert_eq!(missing.expect_err("nobody").code(), Some(Code::RequestInvalid));
    }

    /// What is wrong with a request whose address is proven goes to the application.
    async fn a_proven_application_is_told_what_is_wrong(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let call = world.call();
        let cases: &[(&[(&str, &str)], Code)] = &[
            (&[("response_type", "token")], Code::ResponseTypeUnsupported),
            (&[("response_type", "")], Code::RequestInvalid),
            (&[("response_mode", "jwt")], Code::ResponseModeUnsupported),
            (&[("code_challenge", "")], Code::PkceRequired),
            (&[("code_challenge_method", "plain")], Code::PkceRequired),
            (&[("scope", "openid admin:everything")], Code::ScopeInvalid),
            (&[("prompt", "none login")], Code::PromptInvalid),
            (&[("prompt", "dance")], Code::PromptInvalid),
            (&[("resource", "https://unknown.example")], Code::TargetInvalid),
            (&[("claims", "{")], Code::ClaimsInvalid),
            (&[("request", "eyJ")], Code::RequestObjectUnsupported),
            (&[("authorization_details", "[{\"type\":\"x\"}]")], Code::AuthorizationDetailsInvalid),
            (&[("id_token_hint", "eyJ.eyJ.x")], Code::RequestInvalid),
            (&[("max_age", "-1")], Code::RequestInvalid),
        ];
        for (changes, code) in cases {
            assert_eq!(refusal(begin(&call, &app, changes, None).await), *code, "{changes:?}");
        }
    }

    /// An ID token is addressed to one application; in another's request it would tell who is signed in.
    async fn a_hint_that_was_issued_to_another_application_is_refused(world: World) {
        let alice = alice(&world).await;
        let (app, other) = (application(&world, "app", |_| {}).await, application(&world, "other", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let hint = tokens_for(&call, &app, &signed).await.id_token.expect("an ID token");
        let hinted: &[(&str, &str)] = &[("id_token_hint", &hint), ("prompt", "none")];
        let next = begin(&call, &app, hinted, Some(&signed)).await;
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
        assert_eq!(refusal(begin(&call, &other, hinted, Some(&signed)).await), Code::RequestInvalid);
        assert_eq!(refusal(begin(&call, &other, hinted, None).await), Code::RequestInvalid);
    }

    async fn prompt_none_never_shows_a_page(world: World) {
        let alice = alice(&world).await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        let call = world.call();
        let silent: &[(&str, &str)] = &[("prompt", "none")];
        assert_eq!(refusal(begin(&call, &app, silent, None).await), Code::LoginRequired);
        let signed = alice.signed(&call).await;
        assert_eq!(refusal(begin(&call, &app, silent, Some(&signed)).await), Code::ConsentRequired);
        let (draft, step) = shown(begin(&call, &app, &[], Some(&signed)).await);
        assert_eq!(step, Step::Consent);
        consent(&call, &alice, draft).await;
        let next = begin(&call, &app, silent, Some(&signed)).await;
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
        world.advance(Duration::from_secs(61));
        let call = world.call();
        let old: &[(&str, &str)] = &[("prompt", "none"), ("max_age", "60")];
        assert_eq!(refusal(begin(&call, &app, old, Some(&signed)).await), Code::LoginRequired);
    }

    /// Signing in again is asked for where the request wants it, once.
    async fn a_fresh_sign_in_is_asked_for_once(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        world.advance(Duration::from_secs(5));
        let call = Call { now: world.call().now, ..call };
        tokens_for(&call, &app, &signed).await;
        for asks in [("prompt", "login"), ("max_age", "0"), ("login_hint", "bob@example.org")] {
            let (draft, step) = shown(begin(&call, &app, &[asks], Some(&signed)).await);
            assert_eq!(step, Step::SignIn, "{asks:?}");
            let (same, step) = shown(authorize::resume(&call, draft, Some(&signed)).await.expect("is answered"));
            assert_eq!((same, step), (draft, Step::SignIn), "going on without signing in changes nothing");
            authorize::signed_in(&call, draft, alice.signed_in.session.id).await.expect("is noted");
            let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
            assert!(matches!(next, Next::Grant { .. }), "{asks:?}: {next:?}");
            let used = authorize::resume(&call, draft, Some(&signed)).await.expect_err("is used");
            assert_eq!(used.code(), Some(Code::DraftUnknown));
        }
        let (_, step) = shown(begin(&call, &app, &[("prompt", "select_account")], Some(&signed)).await);
        assert_eq!(step, Step::ChooseAccount);
        let (_, step) = shown(begin(&call, &app, &[("prompt", "create")], None).await);
        assert_eq!(step, Step::SignUp);
    }

    /// Consent is remembered for what was asked, asked again for more, and ends every token when taken back.
    async fn consent_is_remembered_and_revocable(world: World) {
        let alice = alice(&world).await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let (draft, _) = shown(begin(&call, &app, &[("scope", "openid")], Some(&signed)).await);
        let account = signed.active().expect("signed in");
        let other = Id::new(call.now, [7; 10]);
        let stranger = authorize::deny(&call, draft, other, account).await.expect_err("is not the one that was asked");
        assert_eq!(stranger.code(), Some(Code::SignInRequired));
        let denied = authorize::deny(&call, draft, account.session.id, account).await.expect("is answered");
        assert_eq!(refusal(denied), Code::AccessDenied);
        let (draft, _) = shown(begin(&call, &app, &[("scope", "openid")], Some(&signed)).await);
        consent(&call, &alice, draft).await;
        let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
        let Next::Grant { code, .. } = next else { panic!("no code but {next:?}") };
        let tokens = redeem(&call, &app, code.expose()).await.expect("is redeemed");
        code_for(&call, &app, &signed, &[("scope", "openid")]).await;
        let (_, step) = shown(begin(&call, &app, &[("scope", "openid email")], Some(&signed)).await);
        assert_eq!(step, Step::Consent, "more than was allowed");
        let (_, step) = shown(begin(&call, &app, &[("scope", "openid"), ("prompt", "consent")], Some(&signed)).await);
        assert_eq!(step, Step::Consent, "asked for by name");
        assert_eq!(authorize::connected(&call, alice.user.id).await.expect("lists").len(), 1);
        authorize::revoke(&call, alice.user.id, app.id).await.expect("is taken back");
        assert!(doorward_core::tokens::verify(&call, &tokens.access_token).await.is_err());
        let again = authorize::revoke(&call, alice.user.id, app.id).await.expect_err("nothing is left");
        assert_eq!(again.code(), Some(Code::NotFound));
        let (_, step) = shown(begin(&call, &app, &[("scope", "openid")], Some(&signed)).await);
        assert_eq!(step, Step::Consent);
    }

    /// The application that Doorward brings along is there, and gets no administration on a former yes.
    async fn the_command_line_asks_for_administration_every_time(world: World) {
        let alice = alice(&world).await;
        let call = world.call();
        for _ in 0..2 {
            clients::ensure_command_line(&call).await.expect("is there");
        }
        let app = clients::get_active(&call, clients::COMMAND_LINE).await.expect("is active");
        let signed = alice.signed(&call).await;
        let at = ("redirect_uri", "http://127.0.0.1:4711/callback");
        let everything = [at, ("scope", "openid admin:*")];
        for _ in 0..2 {
            let (draft, step) = shown(begin(&call, &app, &everything, Some(&signed)).await);
            assert_eq!(step, Step::Consent);
            consent(&call, &alice, draft).await;
            let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
            assert!(matches!(next, Next::Grant { .. }), "allowed, but {next:?}");
        }
    }

    /// A yes that is to count once is not remembered; it shows among the applications while it can come
    /// back, and can be taken back there.
    async fn consent_may_count_once_only(world: World) {
        let alice = alice(&world).await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let asked = [("scope", "openid offline_access")];
        let (draft, _) = shown(begin(&call, &app, &asked, Some(&signed)).await);
        let yes = Consented { draft, session: alice.signed_in.session.id, only_once: true };
        authorize::approve(&call, &yes, signed.active().expect("signed in")).await.expect("says yes");
        let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
        let Next::Grant { code, .. } = next else { panic!("no code but {next:?}") };
        redeem(&call, &app, code.expose()).await.expect("is redeemed");
        let (_, step) = shown(begin(&call, &app, &asked, Some(&signed)).await);
        assert_eq!(step, Step::Consent, "asked again");
        let connected = authorize::connected(&call, alice.user.id).await.expect("lists");
        assert_eq!(connected.iter().map(|one| one.client).collect::<Vec<_>>(), [app.id]);
        authorize::revoke(&call, alice.user.id, app.id).await.expect("is taken back");
        assert!(authorize::connected(&call, alice.user.id).await.expect("lists").is_empty());
    }

    /// A page names who answers for an application and the organisation that the person acts for.
    async fn a_view_names_organisations_and_apis(world: World) {
        let alice = alice(&world).await;
        let call = world.call();
        let new = NewOrg { name: "Analytical Engine".to_owned(), slug: Some("engine".to_owned()), owner: None };
        let team = manage::create_own(&call, alice.user.id, new).await.expect("is made").id;
        let app = application(&world, "app", |new| {
            new.registration.is_first_party = false;
            new.org = Some(team);
        })
        .await;
        let signed = alice.signed(&call).await;
        let account = signed.active().expect("signed in");
        let (draft, _) = shown(begin(&call, &app, &[("scope", "openid offline_access")], Some(&signed)).await);
        let view = authorize::view(&call, draft).await.expect("is there");
        assert_eq!((view.publisher.as_deref(), view.is_offline), (Some("Analytical Engine"), true));
        assert_eq!(authorize::on_behalf_of(&call, &view, account).await.expect("is known"), None);
        let (draft, _) = shown(begin(&call, &app, &[("organization", "engine")], Some(&signed)).await);
        let view = authorize::view(&call, draft).await.expect("is there");
        let org = authorize::on_behalf_of(&call, &view, account).await.expect("is known");
        assert_eq!(org.as_deref(), Some("Analytical Engine"));
    }

    /// A pushed request works once, for its own client, for a minute; a client that must push may do no other.
    async fn a_pushed_request_works_once(world: World) {
        let alice = alice(&world).await;
        let app = application(&world, "app", |new| {
            new.registration.metadata.require_pushed_authorization_requests = true;
        })
        .await;
        let other = application(&world, "other", |_| {}).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        assert_eq!(refusal(begin(&call, &app, &[], Some(&signed)).await), Code::PushedRequestRequired);
        let named = |client: &Client, uri: &str| {
            let empty = ["redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"];
            let mut changes: Vec<(&str, &str)> = empty.iter().map(|name| (*name, "")).collect();
            changes.push(("request_uri", uri));
            request(client, &changes)
        };
        let pushed = authorize::push(&call, &app, &request(&app, &[]), None).await.expect("is kept");
        let foreign = authorize::begin(&call, &named(&other, &pushed.request_uri), Some(&signed)).await;
        assert_eq!(foreign.expect_err("another client's").code(), Some(Code::RequestUriInvalid));
        let next = authorize::begin(&call, &named(&app, &pushed.request_uri), Some(&signed)).await.expect("works");
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
        let again = authorize::begin(&call, &named(&app, &pushed.request_uri), Some(&signed)).await;
        assert_eq!(again.expect_err("used").code(), Some(Code::RequestUriInvalid));
        let late = authorize::push(&call, &app, &request(&app, &[]), None).await.expect("is kept");
        world.advance(Duration::from_secs(60));
        let late = authorize::begin(&world.call(), &named(&app, &late.request_uri), Some(&signed)).await;
        assert_eq!(late.expect_err("too late").code(), Some(Code::RequestUriInvalid));
        let (call, evil) = (world.call(), request(&app, &[("redirect_uri", "https://evil.example/")]));
        let bad = authorize::push(&call, &app, &evil, None).await.expect_err("unregistered");
        assert_eq!(bad.code(), Some(Code::RedirectUriUnregistered));
    }
}
