//! The fixtures themselves: each test has its own database, on both engines.

use doorward_core::{args, db::Db};
use doorward_world::{Fresh, both_engines};

both_engines! {
    /// What a scenario asks for is migrated and its own.
    async fn a_database_of_its_own(db: Db) {
        let steps = db
            .read("count", (), |tx, ()| {
                Box::pin(async move {
                    tx.opt("SELECT COUNT(*) FROM migrations WHERE number = $1", args![1_i64], |row| row.int(0)).await
                })
            })
            .await
            .expect("the read is granted");
        assert_eq!(steps, Some(1));
    }

    async fn a_place_can_be_opened_again(place: Fresh) {
        drop(Db::open(place.place()).await.expect("opens"));
        Db::open(place.place()).await.expect("opens again");
    }
}
