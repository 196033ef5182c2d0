//! Service tokens as they are presented: judged, counted, and told to the trail.

use std::{net::IpAddr, time::Duration};

use crate::service_tokens::kit::{all, code, key, made, named, rotated, texts, told};
use doorward_core::{
    addresses,
    audit::{self, Filter},
    call::Call,
    env::no_fetch,
    outcome::Code,
    service_tokens::{NewToken, Notes, admit, create, find, flush, may_be, revoke, update, verify},
    settings::Settings,
};
use doorward_world::{Fresh, World, both_engines};

fn from(world: &World, address: &str) -> Call {
    let mut call = world.call();
    call.origin.address = address.parse::<IpAddr>().unwrap();
    call
}

both_engines! {
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
            allowed_addresses: addresses::read(&texts(&["203.0.113.0/24", "2001:db8::/32"])).unwrap(),
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
        let wider = Notes { allowed_addresses: addresses::read(&texts(&["127.0.0.1"])).unwrap(), ..Notes::default() };
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
}

/// A second node of the same database hears of a revocation, and both count.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_agree_on_postgres() {
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

async fn events(world: &World, code: &str) -> Vec<audit::Entry> {
    let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
    audit::list(&world.realm, filter, None, 100).await.unwrap()
}
