//! The bootstrap token: when it ends, and that every use is counted.

use std::time::Duration;

use doorward_proto::secret::SecretText;
use doorward_world::{World, both_engines};

use doorward_core::bootstrap::{admit, memory};
use doorward_core::outcome::Code;

fn token() -> SecretText {
    SecretText::from("0123456789abcdef0123456789abcdef")
}

both_engines! {
    async fn it_ends_a_day_after_it_was_first_seen(world: World) {
        assert!(admit(&world.call(), &token(), None, &token()).await.unwrap());
        assert!(!admit(&world.call(), &token(), None, &SecretText::from("another")).await.unwrap());
        world.advance(Duration::from_secs(24 * 3600 - 1));
        assert!(admit(&world.call(), &token(), None, &token()).await.unwrap());
        world.advance(Duration::from_secs(1));
        for _ in 0..2 {
            let refused = admit(&world.call(), &token(), None, &token()).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::CredentialExpired));
        }
        let seen = memory(&world.call(), &token()).await.unwrap().unwrap();
        assert_eq!(seen.uses, 4, "refused uses are remembered as well");
    }

    async fn a_set_expiry_counts_instead(world: World) {
        let expiry = Some(world.call().now + Duration::from_secs(48 * 3600));
        assert!(admit(&world.call(), &token(), expiry, &token()).await.unwrap());
        world.advance(Duration::from_secs(47 * 3600));
        assert!(admit(&world.call(), &token(), expiry, &token()).await.unwrap());
        world.advance(Duration::from_secs(3600));
        assert!(admit(&world.call(), &token(), expiry, &token()).await.is_err());
    }
}
