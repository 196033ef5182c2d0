//! Idempotency keys: one of many does the work, its answer is kept for a day.

use std::time::Duration;

use doorward_proto::secret::TokenHash;
use doorward_world::{World, both_engines};

use doorward_core::idempotency::{Begun, Claim, begin, finish, release, sweep};
use doorward_core::outcome::Code;

const CREDENTIAL: TokenHash = TokenHash([5; 32]);

fn claim(world: &World, key: &str, body: &str) -> Claim {
    Claim::new(&world.local(), CREDENTIAL, key, body.as_bytes())
}

async fn is_fresh(world: &World, claim: &Claim) -> bool {
    matches!(begin(&world.local(), claim).await.unwrap(), Begun::Fresh)
}

both_engines! {
    async fn a_repeated_request_gets_the_first_answer_for_a_day(world: World) {
        let first = claim(&world, "k1", "a");
        assert!(is_fresh(&world, &first).await);
        let busy = begin(&world.local(), &first).await.unwrap_err();
        assert_eq!(busy.code(), Some(Code::Conflict), "still being worked on");
        finish(&world.local(), &first, b"answer").await.unwrap();
        match begin(&world.local(), &first).await.unwrap() {
            Begun::Answered(kept) => assert_eq!(&**kept, b"answer"),
            Begun::Fresh => panic!("was answered before"),
        }
        let other = begin(&world.local(), &claim(&world, "k1", "b")).await.unwrap_err();
        assert_eq!(other.code(), Some(Code::IdempotencyConflict));
        world.advance(Duration::from_secs(24 * 3600));
        assert!(is_fresh(&world, &claim(&world, "k1", "b")).await, "a day later the key is free");
    }

    /// A refreshed access token, a second session: the answer is sealed for the first one.
    async fn another_credential_of_the_same_actor_is_a_conflict(world: World) {
        let first = claim(&world, "k1", "a");
        assert!(is_fresh(&world, &first).await);
        finish(&world.local(), &first, b"a secret").await.unwrap();
        let renewed = Claim::new(&world.local(), TokenHash([6; 32]), "k1", b"a");
        let refused = begin(&world.local(), &renewed).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::IdempotencyConflict), "{refused:?}");
        assert!(matches!(begin(&world.local(), &first).await.unwrap(), Begun::Answered(_)), "it is kept");
        let another = Claim::new(&world.local(), TokenHash([6; 32]), "k2", b"a");
        assert!(is_fresh(&world, &another).await);
    }

    async fn a_refused_request_gives_its_key_back(world: World) {
        let first = claim(&world, "k1", "a");
        assert!(is_fresh(&world, &first).await);
        release(&world.local(), &first).await.unwrap();
        assert!(is_fresh(&world, &claim(&world, "k1", "b")).await);
    }

    async fn one_of_fifty_at_once_does_the_work(world: World) {
        let claim = claim(&world, "k1", "a");
        let tries = (0..50).map(|_| {
            let (call, claim) = (world.local(), claim.clone());
            tokio::spawn(async move { begin(&call, &claim).await })
        });
        let mut fresh = 0;
        for one in tries.collect::<Vec<_>>() {
            match one.await.unwrap() {
                Ok(Begun::Fresh) => fresh += 1,
                Ok(Begun::Answered(_)) => panic!("nothing was answered"),
                Err(error) => assert_eq!(error.code(), Some(Code::Conflict)),
            }
        }
        assert_eq!(fresh, 1);
    }

    async fn a_key_is_good_again_when_its_request_was_cut_off(world: World) {
        let first = claim(&world, "k1", "a");
        assert!(is_fresh(&world, &first).await);
        world.advance(Duration::from_mins(2));
        assert!(is_fresh(&world, &claim(&world, "k1", "b")).await);
        finish(&world.local(), &first, b"late").await.unwrap();
        let busy = begin(&world.local(), &claim(&world, "k1", "b")).await.unwrap_err();
        assert_eq!(busy.code(), Some(Code::Conflict), "the late answer is of another request");
    }

    async fn old_answers_are_swept(world: World) {
        for (key, later) in [("k1", Duration::from_hours(1)), ("k2", Duration::ZERO)] {
            let claim = claim(&world, key, "a");
            assert!(is_fresh(&world, &claim).await);
            finish(&world.local(), &claim, b"answer").await.unwrap();
            world.advance(later);
        }
        world.advance(Duration::from_secs(23 * 3600));
        assert_eq!(sweep(&world.local()).await.unwrap(), 1);
    }
}
