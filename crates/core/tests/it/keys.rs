//! Signing keys: published before they sign, kept until their last token is over.

use std::time::Duration;

use doorward_core::{
    audit::{self, Filter},
    call::Call,
    keys::{self, State, Urgency},
    outcome::Code,
};
use doorward_proto::jose::{Alg, Typ, Unverified};
use doorward_world::{World, both_engines};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn states(call: &Call, alg: Alg) -> Vec<State> {
    let keys = keys::list(call).await.unwrap();
    keys.iter().filter(|key| key.alg == alg).map(|key| key.state(call.now)).collect()
}

async fn published(call: &Call) -> usize {
    keys::current(call).await.unwrap().jwks().matches("\"kid\"").count()
}

both_engines! {
    /// The first start makes one key of each algorithm; each signs at once and verifies what it signed.
    async fn the_first_keys_sign_at_once(world: World) {
        let call = world.local();
        assert_eq!(published(&call).await, Alg::ALL.len());
        let keys = keys::current(&call).await.unwrap();
        for alg in Alg::ALL {
            let token = keys.signer(alg, call.now).unwrap().sign_jwt(Typ::AccessToken, b"{}").unwrap();
            let token = Unverified::decode(&token).unwrap();
            assert!(keys.verifiers().into_verified(token, Typ::AccessToken).is_ok());
        }
        keys::ensure(&call).await.unwrap();
        assert_eq!(states(&call, Alg::ES256).await, [State::Active], "a second start makes none");
    }

    /// A new key is in the JWKS a day before it signs; the old one stays for thirty days after.
    async fn rotation_publishes_ahead_and_overlaps(world: World) {
        let call = world.local();
        let first = keys::current(&call).await.unwrap().signer(Alg::ES256, call.now).unwrap();
        world.advance(DAY * 88);
        keys::maintain(&world.local()).await.unwrap();
        assert_eq!(states(&world.local(), Alg::ES256).await, [State::Active]);

        world.advance(DAY);
        for _ in 0..2 {
            keys::maintain(&world.local()).await.unwrap();
        }
        let call = world.local();
        assert_eq!(states(&call, Alg::ES256).await, [State::Waiting, State::Active]);
        assert_eq!(published(&call).await, 2 * Alg::ALL.len());
        let now = keys::current(&call).await.unwrap().signer(Alg::ES256, call.now).unwrap();
        assert_eq!(now.kid(), first.kid());

        world.advance(DAY);
        let call = world.local();
        let second = keys::current(&call).await.unwrap().signer(Alg::ES256, call.now).unwrap();
        assert_ne!(second.kid(), first.kid());
        assert_eq!(states(&call, Alg::ES256).await, [State::Active, State::Retired]);

        world.advance(DAY * 30);
        let call = world.local();
        assert_eq!(states(&call, Alg::ES256).await, [State::Active, State::Expired]);
        assert_eq!(published(&call).await, Alg::ALL.len());
    }

    /// An emergency takes the old key out at once, and what it signed with it.
    async fn an_emergency_leaves_nothing_of_the_old_key(world: World) {
        let call = world.local();
        let before = keys::current(&call).await.unwrap().signer(Alg::ES256, call.now).unwrap();
        let token = before.sign_jwt(Typ::AccessToken, b"{}").unwrap();
        keys::rotate(&call, Alg::ES256, Urgency::Emergency).await.unwrap();
        let keys = keys::current(&call).await.unwrap();
        assert!(keys.verifiers().into_verified(Unverified::decode(&token).unwrap(), Typ::AccessToken).is_err());
        let successor = keys.signer(Alg::ES256, call.now).unwrap();
        assert_ne!(successor.kid(), before.kid());
        assert_eq!(published(&call).await, Alg::ALL.len());
        let withdrawn = Filter { code: Some("key.withdrawn".to_owned()), ..Filter::default() };
        let told = audit::list(&world.realm, withdrawn, None, 10).await.unwrap();
        assert_eq!(told.len(), 1, "the others' keys stay");
        assert_eq!(told[0].subject, before.kid());
        assert_eq!(told[0].facts["successor"], successor.kid());
    }

    /// A key that signs cannot be retired; one that waits can, and the one before it goes on.
    async fn only_a_key_that_does_not_sign_is_retired(world: World) {
        let call = world.local();
        let active = keys::list(&call).await.unwrap()[0].id;
        assert_eq!(keys::retire(&call, active).await.unwrap_err().code(), Some(Code::KeyState));
        let waiting = keys::rotate(&call, Alg::EdDSA, Urgency::Scheduled).await.unwrap();
        keys::retire(&call, waiting).await.unwrap();
        assert_eq!(keys::retire(&call, waiting).await.unwrap_err().code(), Some(Code::KeyState));
        let unknown = call.id().unwrap();
        assert_eq!(keys::retire(&call, unknown).await.unwrap_err().code(), Some(Code::NotFound));
        world.advance(DAY * 2);
        let call = world.local();
        assert!(keys::current(&call).await.unwrap().signer(Alg::EdDSA, call.now).is_ok());
    }
}
