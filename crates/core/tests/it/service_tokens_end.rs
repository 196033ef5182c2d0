//! The end of service tokens by other ways than their name: a secret that leaked, and many at once.

use crate::service_tokens::kit::{all, code, key, made, named, rotated, told};
use doorward_core::{
    audit, mail,
    outcome::Code,
    page::PageAsk,
    rights::Rights,
    service_tokens::{
        NewToken, Notes, Reported, State, Whose, create, find, report_leak, revoke, revoke_all,
    },
};
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
