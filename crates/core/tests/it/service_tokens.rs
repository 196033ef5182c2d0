//! Service tokens as they are kept: made, listed, rotated and revoked, on the moved clock and under races.

pub(crate) mod kit;

use std::time::Duration;

use doorward_core::{
    call::Actor,
    outcome::Code,
    page::PageAsk,
    principals,
    rights::Rights,
    service_tokens::{
        Key, ListAsk, NewToken, Notes, RotateAsk, State, WithSecret, create, find, list, revoke, rotate,
        update, verify,
    },
};
use doorward_proto::id::Org;
use doorward_world::{World, both_engines};
use kit::{all, code, key, made, named, rotated, texts, told};

const DAY: u64 = 24 * 60 * 60;

fn holding(scopes: &[&str]) -> Rights {
    Rights { scopes: texts(scopes), workspaces: None }
}

both_engines! {
    async fn a_token_is_made_shown_and_good(world: World) {
        let new = NewToken {
            name: Some("my-ci-token".to_owned()),
            scopes: texts(&["workflows:read", "workflows:execute", "workflows:read"]),
            workspace_ids: texts(&["WS-Analytics ", "ws-reports"]),
            notes: Notes { owner: Some("Ada".to_owned()), ..Notes::default() },
            expires_in: Some(30 * DAY),
            org: None,
        };
        let call = world.local();
        let made = create(&call, new, &all()).await.unwrap();
        let token = &made.token;
        assert!(made.secret.expose().starts_with("dw_st_"));
        assert_eq!((token.version, token.lineage, token.org), (1, token.id, world.realm.instance_org));
        assert_eq!(token.scopes.as_str(), "workflows:read workflows:execute");
        assert_eq!(token.workspace_ids, ["ws-analytics", "ws-reports"]);
        assert_eq!(token.expires_at, Some(call.now + Duration::from_secs(30 * DAY)));
        assert_eq!((token.created_by.as_str(), token.state(call.now)), ("local", State::Active));
        for text in ["my-ci-token".to_owned(), token.id.to_string()] {
            assert_eq!(find(&call, key(&world, &text)).await.unwrap().id, token.id);
        }
        assert_eq!(code(find(&call, key(&world, "My-CI-Token")).await), Some(Code::TokenNotFound));
        let live = verify(&world.call(), made.secret.expose()).await.unwrap();
        assert_eq!((live.token.id, live.end()), (token.id, token.expires_at));
        let again = verify(&world.call(), made.secret.expose()).await.unwrap();
        assert!(std::sync::Arc::ptr_eq(&live, &again), "warm calls do not look again");
    }

    async fn what_cannot_be_made_is_refused(world: World) {
        let call = world.local();
        made(&world, "first").await;
        let scopes = |names: &[&str]| NewToken { scopes: texts(names), ..NewToken::default() };
        let lives = |seconds| NewToken { expires_in: Some(seconds), ..NewToken::default() };
        let cases = [
            (named("first"), Code::TokenNameTaken),
            (named("ab"), Code::RequestInvalid),
            (named("a b c"), Code::RequestInvalid),
            (named("tok_01jd8zzzzzzzzzzzzzzzzzzzzz"), Code::RequestInvalid),
            (named("TOK_x"), Code::RequestInvalid),
            (named("dw_st_SECRET"), Code::RequestInvalid),
            (named("../../x"), Code::RequestInvalid),
            (named("t\u{f6}ken"), Code::RequestInvalid),
            (named("first\0"), Code::RequestInvalid),
            (scopes(&["two words"]), Code::RequestInvalid),
            (scopes(&[""]), Code::RequestInvalid),
            (lives(0), Code::TokenLifetime),
            (lives(59), Code::TokenLifetime),
            (lives(u64::MAX), Code::TokenLifetime),
            (NewToken { workspace_ids: texts(&["a,b"]), ..NewToken::default() }, Code::RequestInvalid),
            (NewToken { org: Some(call.id::<Org>().unwrap()), ..NewToken::default() }, Code::RequestInvalid),
        ];
        for (new, expected) in cases {
            assert_eq!(code(create(&call, new.clone(), &all()).await), Some(expected), "{new:?}");
        }
        assert!(create(&call, lives(60), &all()).await.is_ok());
        made(&world, "First").await;
        let random = create(&call, NewToken::default(), &all()).await.unwrap();
        assert!(random.token.name.starts_with("token-") && random.token.name.len() == 22);
    }

    async fn nobody_hands_on_what_they_do_not_hold(world: World) {
        let call = world.local();
        let writer = holding(&["admin:tokens:write", "workflows:read"]);
        let asks = |scopes: &[&str]| NewToken { scopes: texts(scopes), ..NewToken::default() };
        for scopes in [&["workflows:write"][..], &["admin:*"], &["admin:users:read"], &["workflows:read", "vault:read"]] {
            assert_eq!(code(create(&call, asks(scopes), &writer).await), Some(Code::ScopeMissing), "{scopes:?}");
        }
        let mine = create(&call, asks(&["workflows:read"]), &writer).await.unwrap();
        let add = |scope: &str| RotateAsk { scopes: texts(&[scope]), ..RotateAsk::default() };
        let by_id = |made: &WithSecret| Key::Version(made.token.id);
        assert_eq!(code(rotate(&call, by_id(&mine), add("admin:*"), writer.clone()).await), Some(Code::ScopeMissing));
        assert_eq!(told(&world, &mine).await, None, "the refused rotation left nothing behind");
        let more = rotate(&call, by_id(&mine), add("admin:tokens:write"), writer.clone()).await.unwrap();
        assert_eq!(more.token.scopes.as_str(), "workflows:read admin:tokens:write");

        // The new secret of a stronger token would be the stronger token.
        let strong = create(&call, asks(&["admin:*"]), &all()).await.unwrap();
        assert_eq!(code(rotate(&call, by_id(&strong), RotateAsk::default(), writer.clone()).await), Some(Code::ScopeMissing));
        assert_eq!(code(revoke(&call, by_id(&strong), "mine".to_owned(), writer.clone()).await), Some(Code::ScopeMissing));
        let notes = Notes { owner: Some("me".to_owned()), ..Notes::default() };
        assert_eq!(code(update(&call, (strong.token.id, 1), notes, writer.clone()).await), Some(Code::ScopeMissing));
        let other = create(&call, asks(&["vault:read"]), &all()).await.unwrap();
        assert_eq!(code(rotate(&call, by_id(&other), RotateAsk::default(), writer.clone()).await), Some(Code::ScopeMissing));
        revoke(&call, by_id(&other), "leaked".to_owned(), writer).await.unwrap();
    }

    async fn a_bound_caller_stays_in_its_workspaces(world: World) {
        let call = world.local();
        let bound = |workspaces: &[&str]| Rights { workspaces: Some(texts(workspaces)), ..holding(&["workflows:read"]) };
        let wants = |workspaces: &[&str]| NewToken { workspace_ids: texts(workspaces), ..NewToken::default() };
        assert!(create(&call, wants(&["ws-a"]), &bound(&["ws-a"])).await.is_ok());
        assert!(create(&call, wants(&["ws-a", "ws-b"]), &bound(&["*"])).await.is_ok());
        for (wanted, held) in [(&["ws-b"][..], &["ws-a"][..]), (&["*"], &["ws-a"]), (&["ws-a"], &[])] {
            assert_eq!(code(create(&call, wants(wanted), &bound(held)).await), Some(Code::WorkspaceForbidden));
        }
    }

    async fn it_ends_to_the_second(world: World) {
        let new = NewToken { expires_in: Some(60), ..named("short") };
        let made = create(&world.local(), new, &all()).await.unwrap();
        world.advance(Duration::from_secs(59));
        assert_eq!(told(&world, &made).await, None);
        world.advance(Duration::from_secs(1));
        assert_eq!(told(&world, &made).await, Some(Code::CredentialExpired), "from memory");
        world.realm.db.write("test.changes", (), |tx, ()| Box::pin(tx.raise_changes())).await.unwrap();
        assert_eq!(told(&world, &made).await, Some(Code::CredentialExpired), "from the database");
        let call = world.local();
        assert_eq!(find(&call, key(&world, "short")).await.unwrap().state(call.now), State::Expired);
        let late = rotate(&call, key(&world, "short"), RotateAsk::default(), all()).await;
        assert_eq!(code(late), Some(Code::TokenEnded));
    }

    async fn an_overlap_ends_to_the_second(world: World) {
        let old = made(&world, "ci-1").await;
        assert_eq!(told(&world, &old).await, None);
        let new = rotated(&world, "ci-1", 300).await;
        assert_eq!((new.token.version, &*new.token.name, new.token.lineage), (2, "ci-1", old.token.id));
        assert_eq!(new.token.rotated_from, Some(old.token.id.to_string()));
        world.advance(Duration::from_secs(299));
        assert_eq!((told(&world, &old).await, told(&world, &new).await), (None, None));
        world.advance(Duration::from_secs(1));
        assert_eq!(told(&world, &old).await, Some(Code::CredentialExpired));
        assert_eq!(told(&world, &new).await, None);
        let call = world.local();
        let first = find(&call, Key::Version(old.token.id)).await.unwrap();
        assert_eq!((first.state(call.now), first.rotated_to), (State::Rotated, Some(new.token.id.to_string())));
        assert_eq!(find(&call, key(&world, "ci-1")).await.unwrap().id, new.token.id, "the name is the newest");
        let again = rotate(&call, Key::Version(old.token.id), RotateAsk::default(), all()).await;
        assert_eq!(code(again), Some(Code::TokenEnded));

        let newest = rotated(&world, "ci-1", 0).await;
        assert_eq!(told(&world, &new).await, Some(Code::CredentialExpired), "no overlap: over with the answer");
        assert_eq!((told(&world, &newest).await, newest.token.version), (None, 3));
    }

    /// What the life of a token is to be is handed on, and an overlap never makes an old version live longer.
    async fn the_policy_is_inherited(world: World) {
        let call = world.local();
        let month = create(&call, NewToken { expires_in: Some(30 * DAY), ..named("month") }, &all()).await.unwrap();
        world.advance(Duration::from_secs(30 * DAY - 100));
        let next = rotated(&world, "month", 300).await;
        assert_eq!(next.token.expires_at, Some(world.call().now + Duration::from_secs(30 * DAY)));
        world.advance(Duration::from_secs(100));
        assert_eq!(told(&world, &month).await, Some(Code::CredentialExpired));
        let ask = RotateAsk { expires_in: Some(90), ..RotateAsk::default() };
        let short = rotate(&world.local(), key(&world, "month"), ask, all()).await.unwrap();
        assert_eq!(short.token.lifetime, Some(Duration::from_secs(90)));
        made(&world, "for-ever").await;
        assert_eq!(rotated(&world, "for-ever", 0).await.token.expires_at, None);
        for ask in [
            RotateAsk { expires_in: Some(59), ..RotateAsk::default() },
            RotateAsk { overlap: 31 * DAY, ..RotateAsk::default() },
            RotateAsk { scopes: texts(&["a b"]), ..RotateAsk::default() },
        ] {
            assert!(rotate(&world.local(), key(&world, "for-ever"), ask, all()).await.is_err());
        }
    }

    async fn of_many_rotations_one_wins(world: World) {
        let first = made(&world, "wanted").await;
        let tries = (0..50).map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let key = Key::Version(first.token.id);
                rotate(&world.local(), key, RotateAsk::default(), all()).await
            })
        });
        let tries: Vec<_> = tries.collect();
        let mut won = Vec::new();
        for one in tries {
            match one.await.unwrap() {
                Ok(made) => won.push(made),
                Err(error) => assert_eq!(error.code(), Some(Code::TokenEnded)),
            }
        }
        assert_eq!((won.len(), won[0].token.version), (1, 2));
        let page = list(&world.local(), ListAsk { page: page(100), ..ListAsk::default() }).await.unwrap();
        assert_eq!(page.items.len(), 2);
    }

    async fn a_revocation_is_in_force_with_its_answer(world: World) {
        let first = made(&world, "leaky").await;
        let second = rotated(&world, "leaky", 300).await;
        assert_eq!((told(&world, &first).await, told(&world, &second).await), (None, None));
        let call = world.local();
        revoke(&call, Key::Version(first.token.id), "old one leaked".to_owned(), all()).await.unwrap();
        assert_eq!(told(&world, &first).await, Some(Code::CredentialRevoked));
        assert_eq!(told(&world, &second).await, None, "by id: that version");
        let twice = revoke(&call, Key::Version(first.token.id), "again".to_owned(), all()).await;
        assert_eq!(code(twice), Some(Code::TokenEnded));

        let third = rotated(&world, "leaky", 300).await;
        let ended = revoke(&call, key(&world, "leaky"), "all of it".to_owned(), all()).await.unwrap();
        assert_eq!((ended.id, ended.state(call.now)), (third.token.id, State::Revoked));
        for made in [&first, &second, &third] {
            assert_eq!(told(&world, made).await, Some(Code::CredentialRevoked));
        }
        let reasons = find(&call, Key::Version(first.token.id)).await.unwrap().revocation.unwrap();
        assert_eq!((reasons.reason.as_str(), reasons.by.as_str()), ("old one leaked", "local"), "the first stays");
        assert_eq!(code(revoke(&call, key(&world, "leaky"), "again".to_owned(), all()).await), Some(Code::TokenEnded));
        assert_eq!(code(rotate(&call, key(&world, "leaky"), RotateAsk::default(), all()).await), Some(Code::TokenEnded));
        assert_eq!(code(create(&call, named("leaky"), &all()).await), Some(Code::TokenNameTaken));
        for wrong in ["", "  ", "a\0b", &"x".repeat(501)] {
            assert_eq!(code(revoke(&call, key(&world, "leaky"), wrong.to_owned(), all()).await), Some(Code::RequestInvalid));
        }
        assert_eq!(code(revoke(&call, key(&world, "none"), "x".to_owned(), all()).await), Some(Code::TokenNotFound));
    }

    /// Whatever ends a principal ends its tokens, without their rows being touched.
    async fn a_moved_epoch_ends_every_version(world: World) {
        let first = made(&world, "under").await;
        let second = rotated(&world, "under", 300).await;
        let (realm, lineage) = (world.realm.clone(), first.token.lineage);
        let moved = world.realm.db.write("test.epoch", (realm, lineage), |tx, (realm, lineage)| {
            Box::pin(principals::move_epoch(tx, &realm.env, *lineage))
        });
        moved.await.unwrap();
        for made in [&first, &second] {
            assert_eq!(told(&world, made).await, Some(Code::CredentialRevoked));
        }
        let third = rotated(&world, "under", 0).await;
        assert_eq!(told(&world, &third).await, None, "under the new epoch");
    }

    async fn lists_show_every_state_and_narrow(world: World) {
        let call = world.local();
        for name in ["alpha", "Alphabet", "beta"] {
            made(&world, name).await;
        }
        rotated(&world, "alpha", 300).await;
        let owned = Notes { owner: Some("Ada".to_owned()), ..Notes::default() };
        let new = NewToken { notes: owned, expires_in: Some(60), ..named("gone") };
        create(&call, new, &all()).await.unwrap();
        revoke(&call, key(&world, "beta"), "x".to_owned(), all()).await.unwrap();
        world.advance(Duration::from_secs(60));
        let names = async |ask: ListAsk| {
            let found = list(&world.local(), ListAsk { page: PageAsk { limit: 100, ..ask.page.clone() }, ..ask }).await.unwrap();
            let mut names: Vec<String> = found.items.iter().map(|token| format!("{} {}", token.name, token.version)).collect();
            names.sort();
            names
        };
        let every = names(ListAsk::default()).await;
        assert_eq!(every, ["Alphabet 1", "alpha 1", "alpha 2", "beta 1", "gone 1"]);
        for (state, expected) in [
            (State::Active, &["Alphabet 1", "alpha 2"][..]),
            (State::Rotated, &["alpha 1"]),
            (State::Expired, &["gone 1"]),
            (State::Revoked, &["beta 1"]),
        ] {
            let ask = ListAsk { state: Some(state), ..ListAsk::default() };
            assert_eq!(names(ask.clone()).await, expected, "{state:?}");
            let org = Some(world.realm.instance_org);
            assert_eq!(names(ListAsk { org, ..ask.clone() }).await, expected, "{state:?} in an organisation");
            let query = PageAsk { query: Some(expected[0][..3].to_owned()), ..PageAsk::default() };
            assert!(!names(ListAsk { page: query, ..ask }).await.is_empty(), "{state:?} searched");
        }
        let works = ListAsk { works: true, ..ListAsk::default() };
        assert_eq!(names(works).await, ["Alphabet 1", "alpha 1", "alpha 2"], "what is accepted now");
        assert_eq!(names(ListAsk { owner: Some("Ada".to_owned()), ..ListAsk::default() }).await, ["gone 1"]);
        assert_eq!(names(ListAsk { name: Some("alpha".to_owned()), ..ListAsk::default() }).await, ["alpha 1", "alpha 2"]);
        let query = PageAsk { query: Some("ALPHA".to_owned()), ..PageAsk::default() };
        assert_eq!(names(ListAsk { page: query, ..ListAsk::default() }).await, ["Alphabet 1", "alpha 1", "alpha 2"]);
        let (mut seen, mut after) = (0, None);
        loop {
            let ask = ListAsk { page: PageAsk { after, limit: 2, query: None }, ..ListAsk::default() };
            let found = list(&world.local(), ask).await.unwrap();
            seen += found.items.len();
            after = found.next;
            if after.is_none() { break }
        }
        assert_eq!(seen, every.len());
    }
}

fn page(limit: u32) -> PageAsk {
    PageAsk { limit, ..PageAsk::default() }
}

/// The names of the same person in two organisations are two tokens.
mod organisations {
    use super::*;

    both_engines! {
        async fn a_name_is_of_one_organisation(world: World) {
            let call = world.local();
            let person = doorward_core::users::NewUser::new(
                doorward_core::users::Email::parse("ada@example.org").unwrap(),
            );
            let ada = doorward_core::users::create(&call, person).await.unwrap();
            let theirs = world.realm.db.read("test.org", ada.id, |tx, id| {
                Box::pin(principals::find(tx, *id))
            });
            let org = theirs.await.unwrap().unwrap().org;
            let ours = made(&world, "shared").await;
            let there = create(&call, NewToken { org: Some(org), ..named("shared") }, &all()).await.unwrap();
            assert_ne!(ours.token.id, there.token.id);
            assert_eq!(find(&call, key(&world, "shared")).await.unwrap().id, ours.token.id);
            assert_eq!(find(&call, Key::read(&call, "shared", Some(org))).await.unwrap().id, there.token.id);
            revoke(&call, key(&world, "shared"), "ours".to_owned(), all()).await.unwrap();
            assert_eq!(told(&world, &there).await, None);
            let found = list(&call, ListAsk { org: Some(org), page: page(10), ..ListAsk::default() }).await.unwrap();
            assert_eq!(found.items.len(), 1);
            let live = verify(&world.call(), there.secret.expose()).await.unwrap();
            assert_eq!((live.token.org, live.actor()), (org, Actor::ServiceToken(there.token.id)));
        }
    }
}
