//! Service tokens: made, listed, rotated, revoked, verified; on the moved clock and under races.

use std::{net::IpAddr, time::Duration};

use doorward_core::{
    audit::{self, Filter},
    call::{Actor, Call},
    env::no_fetch,
    outcome::{Code, Result},
    page::PageAsk,
    principals,
    service_tokens::{
        Key, ListAsk, NewToken, Notes, Rights, RotateAsk, State, WithSecret, addresses, admit, create, find,
        flush, list, may_be, revoke, rotate, update, verify,
    },
    settings::Settings,
};
use doorward_proto::id::Org;
use doorward_world::{Fresh, World, both_engines};

const DAY: u64 = 24 * 60 * 60;

fn all() -> Rights {
    Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
}

fn holding(scopes: &[&str]) -> Rights {
    Rights { scopes: texts(scopes), workspaces: None }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn named(name: &str) -> NewToken {
    NewToken { name: Some(name.to_owned()), scopes: texts(&["workflows:read"]), ..NewToken::default() }
}

async fn made(world: &World, name: &str) -> WithSecret {
    create(&world.local(), named(name), &all()).await.unwrap()
}

fn key(world: &World, name: &str) -> Key {
    Key::read(&world.call(), name, None)
}

async fn rotated(world: &World, name: &str, overlap: u64) -> WithSecret {
    let ask = RotateAsk { overlap, ..RotateAsk::default() };
    rotate(&world.local(), key(world, name), ask, all()).await.unwrap()
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

/// What presenting the secret now comes to.
async fn told(world: &World, made: &WithSecret) -> Option<Code> {
    code(verify(&world.call(), made.secret.expose()).await)
}

fn from(world: &World, address: &str) -> Call {
    let mut call = world.call();
    call.origin.address = address.parse::<IpAddr>().unwrap();
    call
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

    async fn a_storm_of_revocations_lets_nothing_through(world: World) {
        let mut all_of_them = Vec::new();
        for n in 0..1000 {
            all_of_them.push(made(&world, &format!("storm-{n}")).await);
        }
        let all_of_them = std::sync::Arc::new(all_of_them);
        let users = (0..4).map(|_| {
            let (world, tokens) = (world.clone(), all_of_them.clone());
            tokio::spawn(async move {
                for made in tokens.iter().chain(tokens.iter()) {
                    let _ = admit(&world.call(), made.secret.expose()).await;
                    tokio::task::yield_now().await;
                }
            })
        });
        let users: Vec<_> = users.collect();
        let enders = (0..4).map(|part| {
            let (world, tokens) = (world.clone(), all_of_them.clone());
            tokio::spawn(async move {
                for made in tokens.iter().skip(part).step_by(4) {
                    let key = key(&world, &made.token.name);
                    revoke(&world.local(), key, "storm".to_owned(), all()).await.unwrap();
                    assert_eq!(told(&world, made).await, Some(Code::CredentialRevoked));
                }
            })
        });
        for work in enders.collect::<Vec<_>>().into_iter().chain(users) {
            work.await.unwrap();
        }
        for made in all_of_them.iter() {
            assert_eq!(told(&world, made).await, Some(Code::CredentialRevoked));
        }
    }

    async fn where_it_comes_from_is_judged_every_time(world: World) {
        let notes = Notes {
            allowed_addresses: addresses(&texts(&["203.0.113.0/24", "2001:db8::/32"])).unwrap(),
            ..Notes::default()
        };
        let new = NewToken { notes, ..named("fenced") };
        let made = create(&world.local(), new, &all()).await.unwrap();
        let secret = made.secret.expose();
        for near in ["203.0.113.7", "::ffff:203.0.113.9", "2001:db8::1"] {
            assert!(admit(&from(&world, near), secret).await.is_ok(), "{near}");
        }
        for far in ["203.0.114.1", "::ffff:10.0.0.1", "2001:db9::1", "::1", "127.0.0.1"] {
            assert_eq!(code(admit(&from(&world, far), secret).await), Some(Code::CredentialAddress), "{far}");
        }
        let wider = Notes { allowed_addresses: addresses(&texts(&["127.0.0.1"])).unwrap(), ..Notes::default() };
        let changed = update(&world.local(), (made.token.id, made.token.revision), wider, all()).await.unwrap();
        assert_eq!(changed.revision, made.token.revision + 1);
        assert!(admit(&from(&world, "127.0.0.1"), secret).await.is_ok());
        assert_eq!(code(admit(&from(&world, "203.0.113.7"), secret).await), Some(Code::CredentialAddress));
        let stale = update(&world.local(), (made.token.id, 1), Notes::default(), all()).await;
        assert_eq!(code(stale), Some(Code::VersionMismatch));
        let next = rotated(&world, "fenced", 0).await;
        assert_eq!(next.token.notes, changed.notes, "the fence is handed on");
    }

    async fn only_what_is_well_formed_is_looked_up(world: World) {
        let made = made(&world, "real").await;
        let secret = made.secret.expose();
        let call = world.call();
        let changed = format!("{}x", &secret[..secret.len() - 1]);
        for wrong in ["", "dw_st_", "dw_st_garbage", "dw_at_x", "x", &secret[1..], &changed, &secret.to_uppercase()] {
            assert_eq!(code(verify(&call, wrong).await), Some(Code::CredentialInvalid), "{wrong}");
        }
        assert!(may_be(&call, secret).await.unwrap() && may_be(&call, "dw_st_x").await.unwrap());
        assert!(!may_be(&call, "dw_at_x").await.unwrap() && !may_be(&call, "eyJ.x.y").await.unwrap());
        let made_up = doorward_core::env::Env::system(doorward_core::env::no_fetch());
        let stranger = made_up.secret(doorward_proto::secret::Kind::ServiceToken).unwrap();
        assert_eq!(code(verify(&call, stranger.expose()).await), Some(Code::CredentialInvalid));
    }

    async fn uses_are_counted_exactly(world: World) {
        let made = made(&world, "busy").await;
        let work = (0..8).map(|n| {
            let (world, secret) = (world.clone(), made.secret.clone());
            tokio::spawn(async move {
                for _ in 0..50 {
                    admit(&from(&world, &format!("203.0.113.{n}")), secret.expose()).await.unwrap();
                }
                flush(&world.call()).await.unwrap();
            })
        });
        for one in work.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        world.advance(Duration::from_secs(5));
        let last = from(&world, "::ffff:198.51.100.4");
        admit(&last, made.secret.expose()).await.unwrap();
        flush(&world.call()).await.unwrap();
        flush(&world.call()).await.unwrap();
        let token = find(&world.local(), key(&world, "busy")).await.unwrap();
        assert_eq!((token.use_count, token.last_used_at), (401, Some(last.now)));
        assert_eq!(token.last_used_address.as_deref(), Some("198.51.100.4"));
        assert_eq!(token.revision, 1, "a use is no change");
        world.advance(Duration::from_secs(3600));
        admit(&world.call(), made.secret.expose()).await.unwrap();
        flush(&world.call()).await.unwrap();
        let told = events(&world, "service_token.used").await;
        assert_eq!(told.len(), 2, "the first of an hour");
        assert_eq!(told[0].actor, made.token.id.to_string());
    }

    async fn the_trail_says_who_what_and_why_and_no_secret(world: World) {
        let made = made(&world, "traced").await;
        admit(&world.call(), made.secret.expose()).await.unwrap();
        let next = rotated(&world, "traced", 0).await;
        revoke(&world.local(), key(&world, "traced"), "Token compromised".to_owned(), all()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(told(&world, &next).await, Some(Code::CredentialRevoked));
        }
        flush(&world.call()).await.unwrap();
        for (code, count) in [("created", 1), ("rotated", 1), ("revoked", 1), ("used", 1), ("refused", 1)] {
            let found = events(&world, &format!("service_token.{code}")).await;
            assert_eq!(found.len(), count, "{code}");
            assert_eq!(found[0].subject, made.token.lineage.to_string(), "{code}");
        }
        let revoked = &events(&world, "service_token.revoked").await[0];
        let told = serde_json::to_string(&revoked.detail).unwrap();
        assert!(told.contains("Token compromised") && told.contains("203.0.113.7"), "{told}");
        assert_eq!(revoked.actor, "local");
        for entry in audit::list(&world.realm, Filter::default(), None, 100).await.unwrap() {
            let told = format!("{entry:?}");
            assert!(!told.contains(made.secret.expose()) && !told.contains(next.secret.expose()));
        }
        assert!(!format!("{made:?}").contains(made.secret.expose()));
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

/// A second node of the same database hears of a revocation, and both count.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_agree() {
    let place = Fresh::postgres(true).await.unwrap();
    let here = World::new(&place, Settings::default(), no_fetch()).await;
    let there = World::new(&place, Settings::default(), no_fetch()).await;
    let made = made(&here, "shared").await;
    for world in [&here, &there, &there] {
        admit(&world.call(), made.secret.expose()).await.unwrap();
    }
    flush(&here.call()).await.unwrap();
    flush(&there.call()).await.unwrap();
    assert_eq!(find(&here.local(), key(&here, "shared")).await.unwrap().use_count, 3);
    revoke(&here.local(), key(&here, "shared"), "leaked".to_owned(), all()).await.unwrap();
    assert_eq!(told(&here, &made).await, Some(Code::CredentialRevoked));
    while told(&there, &made).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&there, &made).await, Some(Code::CredentialRevoked));
    drop((here, there));
    place.remove().await;
}

fn page(limit: u32) -> PageAsk {
    PageAsk { limit, ..PageAsk::default() }
}

async fn events(world: &World, code: &str) -> Vec<audit::Entry> {
    let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
    audit::list(&world.realm, filter, None, 100).await.unwrap()
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
