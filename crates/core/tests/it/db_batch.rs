//! One operation over many asks (`Db::batch`), the same on both engines.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorward_core::{
    args,
    db::Db,
    outcome::{Code, Error, refuse},
};
use doorward_world::both_engines;
use tokio::task::JoinSet;

const ADD: &str = "INSERT INTO throttles (key, failures, first_at, last_at, blocked_until)
    VALUES ($1, $2, 0, 0, 0) ON CONFLICT (key) DO NOTHING";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM throttles";

both_engines! {
    async fn a_batch_says_an_outcome_for_each_ask(db: Db) {
        let groups = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&groups);
        let batch = db.batch("adds", move |tx, asks: &[(String, i64)]| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                let mut outcomes = Vec::new();
                for (key, failures) in asks {
                    // A poisoned ask spoils the group, which is then run one by one.
                    if *failures < 0 {
                        return Err(Error::fault("poisoned"));
                    }
                    outcomes.push(match tx.exec(ADD, args![key, *failures]).await? {
                        1 => Ok(key.clone()),
                        _ => refuse(Code::Conflict),
                    });
                }
                Ok(outcomes)
            })
        });
        let mut tasks = JoinSet::new();
        for ask in 0..300_i64 {
            let batch = batch.clone();
            // Every key comes twice, and one ask is poisoned.
            let failures = if ask == 150 { -1 } else { ask };
            tasks.spawn(async move { batch.ask((format!("key{}", ask % 150), failures)).await });
        }
        let (mut granted, mut refused, mut faults) = (0, 0, 0);
        for outcome in tasks.join_all().await {
            match outcome {
                Ok(_) => granted += 1,
                Err(Error::Refused(_)) => refused += 1,
                Err(Error::Fault(_)) => faults += 1,
            }
        }
        assert_eq!((granted, refused, faults), (150, 149, 1));
        let stored = db.read("count", (), |tx, ()| Box::pin(tx.opt(COUNT, &[], |row| row.int(0)))).await;
        assert_eq!(stored.unwrap(), Some(150));
        assert!(groups.load(Ordering::Relaxed) < 300, "asks share transactions");
    }
}
