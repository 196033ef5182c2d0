//! The bootstrap token: when it ends, and that every use is counted.

use std::time::Duration;

use doorward_proto::secret::SecretText;
use doorward_world::{World, both_engines};

use doorward_core::{
    args,
    audit::{self, Filter},
    bootstrap::{Terms, admit, memory, notice},
    outcome::Code,
    users::{self, Email, NewUser, PlatformRole},
};

fn token() -> SecretText {
    SecretText::from("0123456789abcdef0123456789abcdef")
}

both_engines! {
    async fn it_ends_a_day_after_it_was_first_seen(world: World) {
        assert!(admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap());
        assert!(!admit(&world.call(), &token(), Terms::default(), &SecretText::from("another")).await.unwrap());
        world.advance(Duration::from_secs(24 * 3600 - 1));
        assert!(admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap());
        world.advance(Duration::from_secs(1));
        for _ in 0..2 {
            let refused = admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::CredentialExpired));
        }
        let seen = memory(&world.call(), &token()).await.unwrap().unwrap();
        assert_eq!(seen.uses, 4, "refused uses are remembered as well");
    }

    /// Who watches the trail sees that it is used at once and how often within a minute: following the
    /// trail with the token itself would tell of nothing else otherwise.
    async fn every_use_is_in_the_audit_trail(world: World) {
        let told = async |code: &str| {
            let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
            let found = audit::list(&world.realm, filter, None, 100).await.unwrap();
            assert!(found.iter().all(|event| event.actor == "bootstrap"));
            let mut uses: Vec<i64> = found.iter().map(|event| event.facts["uses"].as_i64().unwrap()).collect();
            uses.sort_unstable();
            uses
        };
        for _ in 0..5 {
            admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap();
            assert_eq!(told("bootstrap.used").await, [1]);
        }
        world.advance(Duration::from_secs(60));
        admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap();
        assert_eq!(told("bootstrap.used").await, [1, 5]);
        world.advance(Duration::from_secs(24 * 3600));
        admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap_err();
        assert_eq!(told("bootstrap.refused").await, [1]);
        assert_eq!(told("bootstrap.used").await, [1, 5]);
    }

    async fn its_day_begins_when_a_server_starts_with_it(world: World) {
        notice(&world.call(), &token()).await.unwrap();
        let seen = memory(&world.call(), &token()).await.unwrap().unwrap();
        assert_eq!((seen.uses, seen.last_used_at), (0, None));
        world.advance(Duration::from_secs(24 * 3600));
        notice(&world.call(), &token()).await.unwrap();
        let refused = admit(&world.call(), &token(), Terms::default(), &token()).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::CredentialExpired), "a later start begins no new day");
    }

    async fn a_set_expiry_counts_instead(world: World) {
        let expires_at = Some(world.call().now + Duration::from_secs(48 * 3600));
        let expiry = Terms { expires_at, ..Terms::default() };
        assert!(admit(&world.call(), &token(), expiry, &token()).await.unwrap());
        world.advance(Duration::from_secs(47 * 3600));
        assert!(admit(&world.call(), &token(), expiry, &token()).await.unwrap());
        world.advance(Duration::from_secs(3600));
        assert!(admit(&world.call(), &token(), expiry, &token()).await.is_err());
    }

    /// A root key that nobody thinks of any more is worth more to a thief than to its owner.
    async fn it_ends_when_an_administrator_with_a_second_factor_can_take_over(world: World) {
        let (call, any) = (world.call(), Terms::default());
        let mut new = NewUser::new(Email::parse("root@example.org").unwrap());
        new.platform_role = PlatformRole::Administrator;
        let user = users::create(&world.local(), new).await.unwrap();
        let user_id = user.id;
        let enrol = world.realm.db.write("enrol", user_id, |tx, user| {
            Box::pin(async move {
                let sql = "INSERT INTO totps (user_id, sealed, created_at) VALUES ($1, $2, 1)";
                tx.exec(sql, args![*user, vec![1_u8]]).await
            })
        });
        enrol.await.unwrap();
        assert!(admit(&call, &token(), any, &token()).await.unwrap(), "it is not confirmed yet");
        let confirm = world.realm.db.write("confirm", user_id, |tx, user| {
            Box::pin(async move { tx.exec("UPDATE totps SET confirmed_at = 1 WHERE user_id = $1", args![*user]).await })
        });
        confirm.await.unwrap();
        let refused = admit(&call, &token(), any, &token()).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::CredentialRevoked));
        let stays = Terms { stays: true, ..any };
        assert!(admit(&call, &token(), stays, &token()).await.unwrap());
        assert_eq!(memory(&call, &token()).await.unwrap().unwrap().uses, 3);
    }
}
