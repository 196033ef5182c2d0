//! Codes, refresh tokens and client credentials: what works once, what ends with what.

use std::time::Duration;

use crate::kit::{alice, application, code_ask, code_for, redeem, tokens_for};
use doorward_core::{
    call::Call,
    clients::manage,
    grants::{
        client::{self, ClientAsk},
        code,
        refresh::{self, RefreshAsk},
    },
    outcome::Code,
    principals::Status,
    sessions,
    tokens::{self, Introspection},
    users,
};
use doorward_world::{World, both_engines};

fn refresh_ask(token: &str) -> RefreshAsk {
    RefreshAsk { token: token.to_owned(), scope: None, resources: Vec::new(), jkt: None }
}

async fn is_live(call: &Call, token: &str) -> bool {
    tokens::verify(call, token).await.is_ok()
}

both_engines! {
    /// A code makes tokens once. Presented again, everything made from it is over.
    async fn a_code_presented_twice_ends_what_it_made(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let code = code_for(&call, &app, &alice.signed(&call).await, &[]).await;
        let tokens = redeem(&call, &app, &code).await.expect("the first time");
        assert!(tokens.id_token.is_some() && tokens.refresh_token.is_some());
        assert!(is_live(&call, &tokens.access_token).await);
        let again = redeem(&call, &app, &code).await.expect_err("the second time");
        assert_eq!(again.code(), Some(Code::CodeReused));
        assert!(!is_live(&call, &tokens.access_token).await);
        let refresh = tokens.refresh_token.expect("offline");
        let refused = refresh::rotate(&call, &app, refresh_ask(refresh.expose())).await.expect_err("is over");
        assert_eq!(refused.code(), Some(Code::GrantEnded));
    }

    /// Two hundred at once: one wins, and since the others prove a theft, its tokens are over too.
    async fn two_hundred_redeem_one_code(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let code = code_for(&call, &app, &alice.signed(&call).await, &[]).await;
        let tries = (0..200).map(|_| {
            let (call, app, code) = (call.clone(), app.clone(), code.clone());
            tokio::spawn(async move { redeem(&call, &app, &code).await })
        });
        let mut won = Vec::new();
        for one in tries.collect::<Vec<_>>() {
            match one.await.expect("ends") {
                Ok(tokens) => won.push(tokens),
                Err(error) => assert_eq!(error.code(), Some(Code::CodeReused)),
            }
        }
        assert_eq!(won.len(), 1);
        assert!(!is_live(&call, &won[0].access_token).await);
    }

    /// A wrong verifier, redirect URI or client is refused and does not use the code up.
    async fn what_does_not_fit_leaves_the_code_alone(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let other = application(&world, "other", |_| {}).await;
        let call = world.call();
        let code = code_for(&call, &app, &alice.signed(&call).await, &[]).await;
        let mut wrong = code_ask(&code);
        wrong.verifier = Some("x".repeat(43).parse().expect("well formed"));
        assert_eq!(code::redeem(&call, &app, wrong).await.expect_err("pkce").code(), Some(Code::PkceMismatch));
        let mut none = code_ask(&code);
        none.verifier = None;
        assert_eq!(code::redeem(&call, &app, none).await.expect_err("pkce").code(), Some(Code::PkceMismatch));
        let mut elsewhere = code_ask(&code);
        elsewhere.redirect_uri = Some("https://evil.example/".to_owned());
        let refused = code::redeem(&call, &app, elsewhere).await.expect_err("uri");
        assert_eq!(refused.code(), Some(Code::CodeRedirectUri));
        let refused = redeem(&call, &other, &code).await.expect_err("another client");
        assert_eq!(refused.code(), Some(Code::CodeUnknown));
        redeem(&call, &app, &code).await.expect("still good");
    }

    async fn a_code_is_good_for_a_minute(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let code = code_for(&world.call(), &app, &alice.signed(&world.call()).await, &[]).await;
        world.advance(Duration::from_secs(60));
        let refused = redeem(&world.call(), &app, &code).await.expect_err("too old");
        assert_eq!(refused.code(), Some(Code::CodeExpired));
    }

    /// A lost answer may be asked for again within the window, and is the same; later it is a theft.
    async fn a_refresh_token_rotates_and_its_reuse_ends_the_family(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let first = tokens_for(&call, &app, &alice.signed(&call).await).await.refresh_token.expect("offline");
        let rotated = refresh::rotate(&call, &app, refresh_ask(first.expose())).await.expect("rotates");
        let second = rotated.refresh_token.expect("a successor");
        assert!(rotated.id_token.is_some() && second != first);
        world.advance(Duration::from_secs(44));
        let again = refresh::rotate(&world.call(), &app, refresh_ask(first.expose())).await.expect("in the window");
        assert_eq!(again.refresh_token.as_ref(), Some(&second));
        world.advance(Duration::from_secs(2));
        let call = world.call();
        let theft = refresh::rotate(&call, &app, refresh_ask(first.expose())).await.expect_err("too late");
        assert_eq!(theft.code(), Some(Code::RefreshReused));
        assert!(!is_live(&call, &again.access_token).await);
        let ended = refresh::rotate(&call, &app, refresh_ask(second.expose())).await.expect_err("the family");
        assert_eq!(ended.code(), Some(Code::GrantEnded));
    }

    /// Once the successor has been used, even the window does not help the old one.
    async fn an_old_token_behind_a_used_successor_is_a_theft(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let first = tokens_for(&call, &app, &alice.signed(&call).await).await.refresh_token.expect("offline");
        let second = refresh::rotate(&call, &app, refresh_ask(first.expose())).await.expect("rotates");
        let second = second.refresh_token.expect("a successor");
        let third = refresh::rotate(&call, &app, refresh_ask(second.expose())).await.expect("rotates");
        let odd = RefreshAsk { resources: vec!["https://nobody.example".to_owned()], ..refresh_ask(first.expose()) };
        let theft = refresh::rotate(&call, &app, odd).await.expect_err("theft, whatever else is wrong with it");
        assert_eq!(theft.code(), Some(Code::RefreshReused));
        let third = third.refresh_token.expect("a successor");
        let ended = refresh::rotate(&call, &app, refresh_ask(third.expose())).await.expect_err("the family");
        assert_eq!(ended.code(), Some(Code::GrantEnded));
    }

    /// Two hundred at once inside the window: one rotation, and everybody learns the same successor.
    async fn two_hundred_refresh_with_one_token(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let first = tokens_for(&call, &app, &alice.signed(&call).await).await.refresh_token.expect("offline");
        let tries = (0..200).map(|_| {
            let (call, app, ask) = (call.clone(), app.clone(), refresh_ask(first.expose()));
            tokio::spawn(async move { refresh::rotate(&call, &app, ask).await })
        });
        let mut successors = std::collections::HashSet::new();
        for one in tries.collect::<Vec<_>>() {
            let tokens = one.await.expect("ends").expect("is inside the window");
            successors.insert(tokens.refresh_token.expect("a successor").expose().to_owned());
        }
        assert_eq!(successors.len(), 1);
    }

    async fn refresh_tokens_end_unused_and_in_any_case(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let mut token =
            tokens_for(&world.call(), &app, &alice.signed(&world.call()).await).await.refresh_token.expect("one");
        for _ in 0..3 {
            world.advance(Duration::from_secs(29 * 24 * 3600));
            let rotated = refresh::rotate(&world.call(), &app, refresh_ask(token.expose())).await.expect("in use");
            token = rotated.refresh_token.expect("a successor");
        }
        world.advance(Duration::from_secs(4 * 24 * 3600));
        let refused = refresh::rotate(&world.call(), &app, refresh_ask(token.expose())).await.expect_err("day 91");
        assert_eq!(refused.code(), Some(Code::RefreshExpired));
    }

    /// What was made in a session ends with it, but for what was asked for offline.
    async fn tokens_end_with_their_session_unless_offline(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let offline = tokens_for(&call, &app, &signed).await;
        let code = code_for(&call, &app, &signed, &[("scope", "openid")]).await;
        let online = redeem(&call, &app, &code).await.expect("is redeemed");
        assert!(online.refresh_token.is_none());
        sessions::end(&call, Some(alice.user.id), alice.signed_in.session.id).await.expect("ends");
        assert!(!is_live(&call, &online.access_token).await);
        assert!(is_live(&call, &offline.access_token).await);
        let refresh = offline.refresh_token.expect("offline");
        refresh::rotate(&call, &app, refresh_ask(refresh.expose())).await.expect("outlives the session");
    }

    /// A suspended person's tokens are over at once, and nothing new is made.
    async fn a_suspended_person_holds_nothing(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let signed = alice.signed(&call).await;
        let tokens = tokens_for(&call, &app, &signed).await;
        let code = code_for(&call, &app, &signed, &[]).await;
        let used = tokens_for(&call, &app, &signed).await.refresh_token.expect("offline");
        refresh::rotate(&call, &app, refresh_ask(used.expose())).await.expect("rotates");
        users::suspend(&world.local(), alice.user.id).await.expect("is suspended");
        assert!(!is_live(&call, &tokens.access_token).await);
        let refused = redeem(&call, &app, &code).await.expect_err("suspended");
        assert!(matches!(refused.code(), Some(Code::PrincipalEnded | Code::GrantEnded)));
        let refresh = tokens.refresh_token.expect("offline");
        let refused = refresh::rotate(&call, &app, refresh_ask(refresh.expose())).await.expect_err("suspended");
        assert!(matches!(refused.code(), Some(Code::PrincipalEnded | Code::GrantEnded)));
        let refused = refresh::rotate(&call, &app, refresh_ask(used.expose())).await.expect_err("in the window");
        assert!(matches!(refused.code(), Some(Code::PrincipalEnded | Code::GrantEnded)));
        users::resume(&world.local(), alice.user.id).await.expect("is back");
        assert!(!is_live(&call, &tokens.access_token).await, "what is over stays over");
    }

    /// An application acts for itself, within its own scopes, until it is suspended.
    async fn client_credentials_work_until_the_client_ends(world: World) {
        let app = application(&world, "robot", |new| new.registration.metadata.scopes.push("me:read".to_owned())).await;
        let call = world.call();
        let tokens = client::issue(&call, &app, ClientAsk::default()).await.expect("is issued");
        assert_eq!(tokens.scope.as_str(), "me:read");
        let live = tokens::verify(&call, &tokens.access_token).await.expect("is good");
        assert_eq!((live.claims.sub.as_str(), live.claims.aud.as_str()), ("robot", call.realm.issuer.as_str()));
        let more = ClientAsk { scope: Some("tasks:write".parse().expect("a scope")), ..ClientAsk::default() };
        let refused = client::issue(&call, &app, more).await.expect_err("not its own");
        assert_eq!(refused.code(), Some(Code::ScopeInvalid));
        let nowhere = ClientAsk { resources: vec!["https://nowhere.example".to_owned()], ..ClientAsk::default() };
        let refused = client::issue(&call, &app, nowhere).await.expect_err("unknown API");
        assert_eq!(refused.code(), Some(Code::TargetInvalid));
        world.advance(Duration::from_millis(1));
        let call = world.call();
        manage::set_status(&world.local(), app.id, Status::Suspended).await.expect("is suspended");
        assert!(!is_live(&call, &tokens.access_token).await);
        let refused = client::issue(&call, &app, ClientAsk::default()).await.expect_err("the write is the gate");
        assert_eq!(refused.code(), Some(Code::PrincipalEnded));
    }

    /// Only its own client and the owner of its API may look at a token; revoking ends it.
    async fn introspection_and_revocation_know_whose_token_it_is(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let other = application(&world, "other", |_| {}).await;
        let call = world.call();
        let tokens = tokens_for(&call, &app, &alice.signed(&call).await).await;
        let refresh = tokens.refresh_token.expect("offline");
        for token in [tokens.access_token.as_str(), refresh.expose()] {
            let own = tokens::introspect(&call, &app, token).await.expect("answers");
            assert!(!matches!(own, Introspection::Inactive));
            let foreign = tokens::introspect(&call, &other, token).await.expect("answers");
            assert!(matches!(foreign, Introspection::Inactive));
            tokens::revoke(&call, &other, token).await.expect("is answered like one's own");
        }
        assert!(is_live(&call, &tokens.access_token).await, "another client's revocation does nothing");
        tokens::revoke(&call, &app, &tokens.access_token).await.expect("is revoked");
        assert!(!is_live(&call, &tokens.access_token).await);
        let next = refresh::rotate(&call, &app, refresh_ask(refresh.expose())).await.expect("the grant stands");
        tokens::revoke(&call, &app, next.refresh_token.expect("one").expose()).await.expect("is revoked");
        assert!(!is_live(&call, &next.access_token).await, "with the refresh token goes the family");
        tokens::revoke(&call, &app, "garbage").await.expect("an unknown token is no error");
    }
}
