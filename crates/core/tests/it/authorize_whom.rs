//! Which of the people at a browser answers an application, and when somebody else must.

use std::sync::Arc;

use crate::kit::{Alice, alice, application, code_for, person, redeem, request, tokens_for};
use doorward_core::{
    authorize::{self, Consented, Found, Next, Step},
    call::Call,
    clients::Client,
    outcome::Code,
    sessions::Signed,
};
use doorward_proto::id::{Draft, Id};
use doorward_world::{World, both_engines};

async fn begin(call: &Call, client: &Client, changes: &[(&str, &str)], signed: &Signed) -> Next {
    authorize::begin(call, &request(client, changes), Some(signed)).await.expect("is answered")
}

fn shown(next: &Next) -> (Id<Draft>, Step) {
    match next {
        Next::Show { draft, step } => (*draft, *step),
        other => panic!("no page but {other:?}"),
    }
}

fn refused(next: &Next) -> Code {
    match next {
        Next::Refuse { refusal, .. } => refusal.code,
        other => panic!("not refused but {other:?}"),
    }
}

/// The account that pages show for a draft.
async fn shown_account(call: &Call, draft: Id<Draft>, signed: &Signed) -> Option<String> {
    match authorize::view(call, draft).await.expect("is there").whom.find(signed) {
        Found::Account(account) => account.email.clone(),
        Found::Missing | Found::Several => None,
    }
}

/// Two people at one browser, the second in use.
async fn two(world: &World) -> (Alice, Signed) {
    let alice = alice(world).await;
    let bob = person(world, "bob@example.org", Some(&alice.signed_in)).await;
    let signed = bob.signed(&world.call()).await;
    assert_eq!(signed.accounts.len(), 2);
    (alice, signed)
}

async fn hint_of(call: &Call, app: &Arc<Client>, signed: &Signed) -> String {
    tokens_for(call, app, signed).await.id_token.expect("openid")
}

both_engines! {
    /// Whoever is expected is asked for by name, not the one who happens to be signed in.
    async fn a_login_hint_of_somebody_else_is_heeded(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let hint: &[(&str, &str)] = &[("login_hint", "bob@example.org")];
        let (draft, step) = shown(&begin(&call, &app, hint, &signed).await);
        assert_eq!(step, Step::SignIn);
        assert_eq!(shown_account(&call, draft, &signed).await, None, "no page speaks of Alice");
        let silent = [("prompt", "none"), hint[0]];
        assert_eq!(refused(&begin(&call, &app, &silent, &signed).await), Code::LoginRequired);
        code_for(&call, &app, &signed, &[("login_hint", "Alice@example.org"), ("prompt", "none")]).await;
    }

    /// With two people at the browser the hint decides whom consent asks.
    async fn the_hinted_one_of_two_is_asked(world: World) {
        let (alice, signed) = two(&world).await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        let call = world.call();
        let own = signed.accounts.iter().find(|account| account.session.user == alice.user.id).expect("is here");
        let mut hint = ("login_hint", "alice@example.org".to_owned());
        for _ in 0..2 {
            let asks: &[(&str, &str)] = &[(hint.0, &hint.1), ("prompt", "consent")];
            let (draft, step) = shown(&begin(&call, &app, asks, &signed).await);
            assert_eq!(step, Step::Consent);
            assert_eq!(shown_account(&call, draft, &signed).await.as_deref(), Some("alice@example.org"));
            let yes = Consented { draft, session: own.session.id, only_once: false };
            authorize::approve(&call, &yes, own).await.expect("says yes");
            let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
            let Next::Grant { code, .. } = next else { panic!("{next:?}") };
            let made = redeem(&call, &app, code.expose()).await.expect("is redeemed");
            hint = ("id_token_hint", made.id_token.expect("openid"));
        }
    }

    /// Somebody else who signs in although one person was asked for ends the request instead of being asked
    /// for ever.
    async fn the_wrong_person_is_told_to_the_application(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let bob = person(&world, "bob@example.org", None).await;
        let call = world.call();
        let (signed, of_bob) = (alice.signed(&call).await, bob.user.id.to_string());
        let hint = hint_of(&call, &app, &bob.signed(&call).await).await;
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{of_bob}"}}}}}}"#);
        for asks in [("id_token_hint", hint.as_str()), ("claims", claims.as_str())] {
            let (draft, step) = shown(&begin(&call, &app, &[asks], &signed).await);
            assert_eq!(step, Step::SignIn, "{asks:?}");
            assert_eq!(shown_account(&call, draft, &signed).await, None, "the page asks who, not for Alice's password");
            authorize::signed_in(&call, draft, alice.signed_in.session.id).await.expect("is noted");
            let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
            assert_eq!(refused(&next), Code::LoginRequired, "{asks:?}");
            let silent = begin(&call, &app, &[asks, ("prompt", "none")], &signed).await;
            assert_eq!(refused(&silent), Code::LoginRequired, "{asks:?}");
            code_for(&call, &app, &bob.signed(&call).await, &[asks]).await;
        }
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, alice.user.id);
        let both = begin(&call, &app, &[("id_token_hint", &hint), ("claims", &claims)], &signed).await;
        assert_eq!(refused(&both), Code::LoginRequired, "two people at once");
    }

    /// A program on the same device can take the port or the scheme of a public client: nobody gets a code
    /// there without a person saying so (RFC 8252 8.6).
    async fn a_program_on_the_device_gets_no_code_silently(world: World) {
        let alice = alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        for (name, uri, is_first_party, is_asked) in [
            ("loopback", "http://127.0.0.1/callback", false, true),
            ("own", "http://127.0.0.1/callback", true, true),
            ("scheme", "com.example.app:/callback", false, true),
            ("claimed", "https://claimed.example/callback", false, false),
        ] {
            let app = application(&world, name, |new| {
                new.registration.is_confidential = false;
                new.registration.is_first_party = is_first_party;
                let metadata = &mut new.registration.metadata;
                metadata.token_endpoint_auth_method = doorward_core::clients::AuthMethod::None;
                metadata.grant_types.retain(|grant| grant != "client_credentials");
                metadata.redirect_uris = vec![uri.to_owned()];
            })
            .await;
            let to: &[(&str, &str)] = &[("redirect_uri", uri)];
            let (draft, step) = shown(&begin(&call, &app, to, &signed).await);
            assert_eq!(step, Step::Consent, "{name}");
            let account = signed.active().expect("signed in");
            let yes = Consented { draft, session: account.session.id, only_once: false };
            authorize::approve(&call, &yes, account).await.expect("says yes");
            let next = authorize::resume(&call, draft, Some(&signed)).await.expect("is answered");
            assert!(matches!(next, Next::Grant { .. }), "{name}: {next:?}");
            let silent = begin(&call, &app, &[to[0], ("prompt", "none")], &signed).await;
            if is_asked {
                assert_eq!(refused(&silent), Code::ConsentRequired, "{name}");
            } else {
                assert!(matches!(silent, Next::Grant { .. }), "{name}: {silent:?}");
            }
        }
    }
}
