//! Refusals in the audit trail: strangers cannot fill the disk with them.

use std::{sync::Arc, time::Duration};

use doorward_core::{
    audit::{self, Filter, Refused},
    outcome::Code,
};
use doorward_proto::time::Time;
use doorward_world::{World, both_engines};

both_engines! {
    async fn of_a_flood_of_refusals_one_is_kept_and_the_rest_counted(world: World) {
        let refuse = |who: &'static str| {
            let call = world.call();
            async move {
                let what = Refused {
                    event: "client.refused",
                    route: "/token",
                    code: Code::ClientAuthentication,
                    org: None,
                    identity: who.to_owned(),
                };
                audit::refused(&call, what, |event| event).await.unwrap();
            }
        };
        for _ in 0..100 {
            refuse("198.51.100.1").await;
        }
        refuse("198.51.100.2").await;
        let found = |code: &str| {
            let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
            let realm = Arc::clone(&world.realm);
            async move { audit::list(&realm, filter, None, 100).await.unwrap() }
        };
        assert_eq!(found("client.refused").await.len(), 2);
        audit::count_refusals(&world.call(), false).await.unwrap();
        assert_eq!(found("refusals.counted").await.len(), 0, "the minute is not over");
        let before = Time::from_seconds(world.call().now.as_seconds() / 60 * 60);
        world.advance(Duration::from_secs(60));
        refuse("198.51.100.1").await;
        assert_eq!(found("client.refused").await.len(), 3);
        let counted = found("refusals.counted").await;
        assert_eq!(counted.len(), 1);
        assert_eq!(counted[0].facts["more"], 99);
        assert_eq!(counted[0].facts["route"], "/token");
        assert_eq!(counted[0].facts["event"], "client.refused");
        let minute = counted[0].facts["minute"].as_str().unwrap();
        assert_eq!(minute.parse::<Time>().unwrap(), before);
        assert_eq!(counted[0].detail.as_ref().unwrap()["identity"], "198.51.100.1");
    }
}
