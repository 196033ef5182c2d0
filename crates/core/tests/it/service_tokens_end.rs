//! The end of service tokens by other ways than their name: a secret that leaked, and many at once.

use crate::service_tokens::kit::{all, code, key, made, named, rotated, told};
use doorward_core::{
    args, audit,
    call::Call,
    db::BulkInto,
    mail,
    outcome::{Code, Error},
    page::PageAsk,
    rights::Rights,
    service_tokens::{
        Key, NewToken, Notes, Reported, State, Whose, create, find, report_leak, revoke, revoke_all, stands,
        update,
    },
};
use doorward_proto::id::{Id, ServiceToken};
use doorward_world::{World, both_engines};

fn of(owner: &str) -> Whose {
    Whose { owner: Some(owner.to_owned()), org: None }
}

fn owned(name: &str, owner: &str) -> NewToken {
    let notes = Notes { owner: Some(owner.to_owned()), ..Notes::default() };
    NewToken { notes, ..named(name) }
}

both_engines! {
    async fn a_leaked_secret_ends_its_version_at_once(world: World) {
        let first = create(&world.local(), owned("nightly", "ada@example.org"), &all()).await.unwrap();
        assert_eq!(told(&world, &first).await, None);
        let second = rotated(&world, "nightly", 3600).await;
        let stranger = world.call();
        let place = Some("https://example.com/a/commit/1".to_owned());
        let secret = first.secret.expose().into();
        let Reported::Revoked(token) = report_leak(&stranger, &secret, place.clone()).await.unwrap() else {
            panic!("it is known")
        };
        assert_eq!((token.id, token.state(stranger.now)), (first.token.id, State::Revoked));
        assert_eq!(told(&world, &first).await, Some(Code::CredentialRevoked), "also where it is remembered");
        assert_eq!(told(&world, &second).await, None, "nobody has seen the other secret");
        assert!(matches!(report_leak(&stranger, &secret, place).await.unwrap(), Reported::Before(_)));
        for unknown in ["", "dw_st_x", "hunter2", &format!("{}x", second.secret.expose())] {
            let reported = report_leak(&stranger, &unknown.into(), None).await.unwrap();
            assert!(matches!(reported, Reported::Unknown), "{unknown}");
        }
        let nonsense = report_leak(&stranger, &second.secret.expose().into(), Some("\u{7}".to_owned())).await;
        assert_eq!(code(nonsense), Some(Code::RequestInvalid));

        let trail = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        let leaks: Vec<_> = trail.iter().filter(|entry| entry.code == "service_token.leaked").collect();
        assert_eq!((leaks.len(), leaks[0].actor.as_str()), (1, "anonymous"));
        assert!(!format!("{leaks:?}").contains(first.secret.expose()));
        let mails = mail::list(&stranger, None, PageAsk { limit: 9, ..PageAsk::default() }).await.unwrap().items;
        assert_eq!((mails.len(), mails[0].recipient.as_str()), (1, "ada@example.org"));
        let (_, words) = mail::show(&stranger, mails[0].id).await.unwrap();
        assert_eq!(words.subject, "The service token nightly was revoked");
        assert!(!words.text.contains("dw_st_"));
        assert!(!words.text.contains("/console/") && words.text.contains("ask an administrator of https://id.example"), "{}", words.text);
    }

    /// Guesses from one address become slow; what was found is always taken.
    async fn who_reports_what_nobody_has_waits(world: World) {
        let found = create(&world.local(), owned("found", "Ada"), &all()).await.unwrap();
        let from = |address: &str| {
            let mut call = world.call();
            call.origin.address = address.parse().unwrap();
            call
        };
        let (guesser, other) = (from("203.0.113.7"), from("203.0.113.8"));
        let report = async |call: &Call, secret: &str| report_leak(call, &secret.into(), None).await;
        let mut refused = None;
        for _ in 0..200 {
            if let Err(error) = report(&guesser, "dw_st_guess").await {
                refused = Some(error);
                break;
            }
        }
        let Some(Error::Refused(refusal)) = refused else { panic!("it is slowed down") };
        assert_eq!((refusal.code, refusal.retry_after), (Code::RateLimitedAddress, Some(1)));
        let Reported::Revoked(_) = report(&other, found.secret.expose()).await.unwrap() else { panic!("from elsewhere") };
        world.advance(std::time::Duration::from_secs(1));
        assert!(matches!(report(&from("203.0.113.7"), "dw_st_guess").await.unwrap(), Reported::Unknown));
        // Whoever finds many is not slowed down by what they found.
        for number in 0..100 {
            let found = create(&world.local(), owned(&format!("found-{number}"), "Ada"), &all()).await.unwrap();
            let Reported::Revoked(_) = report(&from("203.0.113.9"), found.secret.expose()).await.unwrap() else { panic!("known") };
        }
    }

    async fn everything_of_an_owner_ends_at_once(world: World) {
        let mut hers = Vec::new();
        for name in ["one", "two", "three"] {
            hers.push(create(&world.local(), owned(name, "Ada"), &all()).await.unwrap());
        }
        hers.push(rotated(&world, "two", 3600).await);
        let other = made(&world, "other").await;
        for token in &hers {
            assert_eq!(told(&world, token).await, None);
        }
        revoke(&world.local(), key(&world, "three"), "before".to_owned(), all()).await.unwrap();
        let reason = || "she has left".to_owned();
        let nobody = revoke_all(&world.local(), Whose::default(), reason(), all()).await;
        assert_eq!(code(nobody), Some(Code::RequestInvalid));
        let mut names = revoke_all(&world.local(), of("Ada"), reason(), all()).await.unwrap();
        names.sort();
        assert_eq!(names, ["one", "two"]);
        for token in &hers {
            assert_eq!(told(&world, token).await, Some(Code::CredentialRevoked));
        }
        assert_eq!(told(&world, &other).await, None);
        let kept = find(&world.call(), key(&world, "three")).await.unwrap();
        assert_eq!(kept.revocation.unwrap().reason, "before", "the first reason stays");
        assert!(revoke_all(&world.local(), of("Ada"), reason(), all()).await.unwrap().is_empty());
        let org = Whose { owner: None, org: Some(world.realm.instance_org) };
        assert_eq!(revoke_all(&world.local(), org, reason(), all()).await.unwrap(), ["other"]);
        assert_eq!(told(&world, &other).await, Some(Code::CredentialRevoked));
    }

    /// Whoever answers for the newest version answers for the token: nobody ends what was handed over.
    async fn a_token_is_its_present_owners(world: World) {
        let old = create(&world.local(), owned("handed-over", "Ada"), &all()).await.unwrap();
        let new = rotated(&world, "handed-over", 3600).await;
        let notes = Notes { owner: Some("Grace".to_owned()), ..Notes::default() };
        update(&world.local(), (new.token.id, new.token.revision), notes, all()).await.unwrap();
        let end = async |owner| revoke_all(&world.local(), of(owner), "left".to_owned(), all()).await.unwrap();
        assert!(end("Ada").await.is_empty(), "it is hers no more");
        assert_eq!((told(&world, &old).await, told(&world, &new).await), (None, None));
        revoke(&world.local(), Key::Version(new.token.id), "lost".to_owned(), all()).await.unwrap();
        assert_eq!(told(&world, &old).await, None, "it overlaps still");
        assert_eq!(end("Grace").await, ["handed-over"], "what still works of hers is an older version");
        assert_eq!(told(&world, &old).await, Some(Code::CredentialRevoked));
    }

    /// More than the lock table of PostgreSQL holds.
    async fn ten_thousand_tokens_end_in_one_step(world: World) {
        let seed = create(&world.local(), owned("seed", "Ada"), &all()).await.unwrap().token;
        let (now, org, kind, active) = (world.call().now, seed.org, 3_i64, seed.epoch);
        let ids: Vec<Id<ServiceToken>> = (0..10_000).map(|_| world.call().id().unwrap()).collect();
        let rows = ids.iter().map(|id| args![*id, kind, org, active, now].to_vec()).collect();
        let into = BulkInto::new("principals", &["id", "kind", "org_id", "epoch", "created_at"]);
        world.realm.db.bulk("seed", into, rows).await.unwrap();
        let rows = ids.iter().enumerate().map(|(number, id)| {
            let name = format!("many-{number:05}");
            args![*id, *id, org, name.clone(), name, 1_i64, active, "Ada".to_owned(), now, "seed".to_owned()].to_vec()
        });
        let columns = ["id", "lineage", "org_id", "name", "name_folded", "version", "epoch", "owner", "issued_at", "created_by"];
        world.realm.db.bulk("seed", BulkInto::new("service_tokens", &columns), rows.collect()).await.unwrap();
        let names = revoke_all(&world.local(), of("Ada"), "left".to_owned(), all()).await.unwrap();
        assert_eq!(names.len(), 10_001);
        let last = find(&world.call(), key(&world, "many-09999")).await.unwrap();
        assert_eq!(last.state(world.call().now), State::Revoked);
        assert!(!stands(&world.call(), &last).await.unwrap());
    }

    async fn nobody_ends_what_may_do_more_than_they(world: World) {
        let strong = NewToken { scopes: vec!["admin:*".to_owned()], ..owned("strong", "Ada") };
        let strong = create(&world.local(), strong, &all()).await.unwrap();
        let weak = create(&world.local(), owned("weak", "Ada"), &all()).await.unwrap();
        let writer = Rights { scopes: vec!["admin:tokens:write".to_owned()], workspaces: None };
        let refused = revoke_all(&world.local(), of("Ada"), "mine".to_owned(), writer).await;
        assert_eq!(code(refused), Some(Code::ScopeMissing));
        assert_eq!((told(&world, &strong).await, told(&world, &weak).await), (None, None), "all or none");
    }
}
