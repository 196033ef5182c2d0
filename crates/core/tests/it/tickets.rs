//! Tickets for handshakes: good once, for half a minute.

use std::time::Duration;

use doorward_core::{
    outcome::Code,
    tokens::{TICKET_LIFETIME, TICKET_PREFIX, redeem_ticket, ticket},
};
use doorward_world::{World, both_engines};

async fn told(world: &World, ticket: &str) -> Result<Vec<u8>, Code> {
    redeem_ticket(&world.call(), ticket)
        .await
        .map(|found| found.to_vec())
        .map_err(|error| error.code().unwrap())
}

both_engines! {
    async fn a_ticket_is_good_for_one_of_two_hundred(world: World) {
        let made = ticket(&world.call(), b"Bearer x").unwrap();
        let tries = (0..200).map(|_| {
            let (world, made) = (world.clone(), made.clone());
            tokio::spawn(async move { told(&world, &made).await })
        });
        let mut good = 0;
        for tried in tries.collect::<Vec<_>>() {
            match tried.await.unwrap() {
                Ok(content) => {
                    assert_eq!(content, b"Bearer x");
                    good += 1;
                }
                Err(code) => assert_eq!(code, Code::CredentialExpired),
            }
        }
        assert_eq!(good, 1);
    }

    async fn a_ticket_ends_and_is_not_made_elsewhere(world: World) {
        let in_time = ticket(&world.call(), b"a").unwrap();
        let late = ticket(&world.call(), b"b").unwrap();
        assert_ne!(in_time, late);
        world.advance(TICKET_LIFETIME.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(told(&world, &in_time).await.unwrap(), b"a");
        world.advance(Duration::from_millis(1));
        assert_eq!(told(&world, &late).await, Err(Code::CredentialExpired));
        let mut changed = late.clone();
        changed.replace_range(20..21, if &late[20..21] == "A" { "B" } else { "A" });
        for wrong in ["", "x", TICKET_PREFIX, &late[1..], &late[..late.len() - 4], &changed] {
            assert_eq!(told(&world, wrong).await, Err(Code::CredentialInvalid), "{wrong}");
        }
    }
}
