//! Sessions: limits, several accounts in one browser, ending them.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::time::Duration;

use doorward_core::{
    call::Call,
    credentials::{self, PasswordAsk, SignedIn},
    outcome::Code,
    page::PageAsk,
    sessions::{self, Which},
    users::{self, Email, NewUser},
};
use doorward_proto::secret::{Kind, Opaque};
use doorward_world::{World, both_engines};

const GOOD: &str = "correct-Horse7-battery";
const DAY: Duration = Duration::from_hours(24);

async fn account(call: &Call, address: &str) -> users::User {
    let mut new = NewUser::new(Email::parse(address).expect("an address"));
    new.password = Some(call.realm.passwords.make(&GOOD.into()).await.expect("hashes"));
    users::create(call, new).await.expect("is made")
}

async fn sign_in(call: &Call, address: &str, cookie: Option<&Opaque>) -> SignedIn {
    let ask = PasswordAsk { identifier: address.to_owned(), password: GOOD.into(), cookie: cookie.cloned() };
    credentials::sign_in(call, ask).await.expect("signs in")
}

async fn live(call: &Call, cookie: &Opaque) -> usize {
    sessions::find(call, cookie).await.expect("reads").map_or(0, |signed| signed.accounts.len())
}

both_engines! {
    async fn the_cookie_changes_with_every_privilege(world: World) {
        let call = world.call();
        account(&call, "alice@example.org").await;
        account(&call, "bob@example.org").await;
        let alice = sign_in(&call, "alice@example.org", None).await;
        let bob = sign_in(&call, "bob@example.org", Some(&alice.cookie)).await;
        assert!(sessions::find(&call, &alice.cookie).await.expect("reads").is_none(), "the old cookie is dead");
        let signed = sessions::find(&call, &bob.cookie).await.expect("reads").expect("known");
        assert_eq!(signed.accounts.len(), 2);
        assert_eq!(signed.active, Some(bob.session.id));
        assert_eq!(signed.active().expect("active").email.as_deref(), Some("bob@example.org"));
        let chosen = sessions::choose(&call, &bob.cookie, alice.session.id).await.expect("chooses");
        assert!(sessions::find(&call, &bob.cookie).await.expect("reads").is_none());
        let signed = sessions::find(&call, &chosen).await.expect("reads").expect("known");
        assert_eq!(signed.active, Some(alice.session.id));
        let one = sessions::sign_out(&call, &chosen, Which::One(alice.session.id)).await.expect("signs out");
        let signed = sessions::find(&call, &one).await.expect("reads").expect("known");
        assert_eq!(signed.active, Some(bob.session.id));
        let none = sessions::sign_out(&call, &one, Which::All).await.expect("signs out");
        let signed = sessions::find(&call, &none).await.expect("reads").expect("the browser stays known");
        assert!(signed.accounts.is_empty() && signed.active.is_none());
        let unknown = call.secret(Kind::Browser).expect("random");
        assert_eq!(
            sessions::choose(&call, &unknown, bob.session.id).await.expect_err("unknown").code(),
            Some(Code::SignInRequired)
        );
    }

    async fn signing_in_again_renews_the_same_session(world: World) {
        let call = world.call();
        account(&call, "alice@example.org").await;
        let first = sign_in(&call, "alice@example.org", None).await;
        world.advance(DAY);
        let second = sign_in(&world.call(), "alice@example.org", Some(&first.cookie)).await;
        assert_eq!(second.session.id, first.session.id);
        assert_eq!(second.session.auth_time, world.call().now);
        let elsewhere = sign_in(&world.call(), "alice@example.org", None).await;
        assert_ne!(elsewhere.session.id, first.session.id);
    }

    async fn a_session_ends_when_it_is_not_used_and_in_any_case(world: World) {
        account(&world.call(), "alice@example.org").await;
        let idle = sign_in(&world.call(), "alice@example.org", None).await;
        world.advance(7 * DAY);
        assert_eq!(live(&world.call(), &idle.cookie).await, 0);
        let busy = sign_in(&world.call(), "alice@example.org", None).await;
        for _ in 0..5 {
            world.advance(Duration::from_secs(6 * 24 * 3600 - 1));
            assert_eq!(live(&world.call(), &busy.cookie).await, 1);
        }
        world.advance(Duration::from_secs(5));
        assert_eq!(live(&world.call(), &busy.cookie).await, 0, "30 days are over");
    }

    async fn one_sees_and_ends_ones_own_sessions_only(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org").await;
        let bob = account(&call, "bob@example.org").await;
        let (here, there) =
            (sign_in(&call, "alice@example.org", None).await, sign_in(&call, "alice@example.org", None).await);
        let third = sign_in(&call, "alice@example.org", None).await;
        assert_eq!(sessions::list(&call, alice.id).await.expect("lists").len(), 3);
        assert_eq!(sessions::list(&call, bob.id).await.expect("lists").len(), 0);
        let foreign = sessions::end(&call, Some(bob.id), there.session.id).await.expect_err("not bob's");
        assert_eq!(foreign.code(), Some(Code::NotFound));
        sessions::end(&call, Some(alice.id), there.session.id).await.expect("ends");
        assert_eq!(live(&call, &there.cookie).await, 0);
        let changes = call.realm.db.changes();
        assert_eq!(sessions::end_others(&call, alice.id, Some(here.session.id)).await.expect("ends"), 1);
        assert!(call.realm.db.changes() > changes);
        assert_eq!((live(&call, &third.cookie).await, live(&call, &here.cookie).await), (0, 1));
        let page = sessions::list_all(&call, None, PageAsk { limit: 10, ..PageAsk::default() }).await;
        assert_eq!(page.expect("lists").items.len(), 1);
    }

    async fn a_password_change_ends_the_other_sessions(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org").await;
        let (here, there) =
            (sign_in(&call, "alice@example.org", None).await, sign_in(&call, "alice@example.org", None).await);
        let who = (alice.id, here.session.id);
        let wrong = credentials::change(&call, who, &"wrong".into(), &"brand-New-phrase-88".into()).await;
        assert_eq!(wrong.expect_err("wrong").code(), Some(Code::PasswordWrong));
        credentials::change(&call, who, &GOOD.into(), &"brand-New-phrase-88".into()).await.expect("changes");
        assert_eq!((live(&call, &here.cookie).await, live(&call, &there.cookie).await), (1, 0));
    }

    async fn whoever_is_suspended_is_out_at_once(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org").await;
        let signed_in = sign_in(&call, "alice@example.org", None).await;
        users::suspend(&world.local(), alice.id).await.expect("is suspended");
        assert_eq!(live(&call, &signed_in.cookie).await, 0);
        users::resume(&world.local(), alice.id).await.expect("is resumed");
        assert_eq!(live(&call, &signed_in.cookie).await, 0, "sessions from before stay over");
        sign_in(&call, "alice@example.org", None).await;
    }

    async fn nobody_slips_in_with_a_password_that_is_being_replaced(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org").await;
        let passwords = [GOOD, "brand-New-phrase-88"];
        for round in 0..10 {
            let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
            let ask = PasswordAsk {
                identifier: "alice@example.org".to_owned(),
                password: old.into(),
                cookie: None,
            };
            let new = new.into();
            let (signed_in, replaced) =
                tokio::join!(credentials::sign_in(&call, ask), credentials::set(&call, alice.id, &new));
            replaced.expect("is replaced");
            if let Ok(signed_in) = signed_in {
                assert_eq!(live(&call, &signed_in.cookie).await, 0, "round {round}");
            }
        }
    }
}
