//! The storage contract (`doorward_core::db`), the same on both engines.

use doorward_core::{
    args,
    db::Db,
    outcome::{Code, Error, Result, refuse},
};
use doorward_world::both_engines;
use tokio::task::JoinSet;

const ADD: &str = "INSERT INTO throttles (key, failures, first_at, last_at, blocked_until)
    VALUES ($1, $2, 0, 0, 0) ON CONFLICT (key) DO NOTHING";
const FIND: &str = "SELECT failures FROM throttles WHERE key = $1";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM throttles";
/// The second parameter stands first.
const TAKE: &str = "UPDATE throttles SET failures = $2 WHERE key = $1 AND failures = 0 RETURNING failures";

async fn add(db: &Db, key: &'static str, failures: i64) -> Result<u64> {
    db.write("add", (key, failures), |tx, (key, failures)| {
        Box::pin(async move { tx.exec(ADD, args![*key, *failures]).await })
    })
    .await
}

async fn find(db: &Db, key: &'static str) -> Option<i64> {
    db.read("find", key, |tx, key| Box::pin(async move { tx.opt(FIND, args![*key], |row| row.int(0)).await }))
        .await
        .unwrap()
}

async fn count(db: &Db) -> i64 {
    let found = db.read("count", (), |tx, ()| Box::pin(tx.opt(COUNT, &[], |row| row.int(0)))).await;
    found.unwrap().unwrap()
}

fn fault_text<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Fault(fault)) => fault.to_string(),
        other => panic!("not a fault: {other:?}"),
    }
}

both_engines! {
    async fn of_200_racers_for_a_guarded_write_one_wins(db: Db) {
        add(&db, "prize", 0).await.unwrap();
        let mut racers = JoinSet::new();
        for racer in 1..=200_i64 {
            let db = db.clone();
            racers.spawn(async move {
                db.write("take", racer, |tx, racer| {
                    Box::pin(async move { tx.opt(TAKE, args!["prize", *racer], |row| row.int(0)).await })
                })
                .await
                .unwrap()
            });
        }
        let winners: Vec<i64> = racers.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(find(&db, "prize").await, Some(winners[0]));
    }

    async fn parameters_are_bound_by_their_number(db: Db) {
        const SWAPPED: &str = "INSERT INTO throttles (key, failures, first_at, last_at, blocked_until)
            VALUES ($5, $4, $3, $2, $1)";
        const READ: &str = "SELECT failures, first_at, last_at, blocked_until FROM throttles WHERE key = $1";
        db.write("add", (), |tx, ()| {
            Box::pin(async move { tx.exec(SWAPPED, args![1_i64, 2_i64, 3_i64, 4_i64, "five"]).await })
        })
        .await
        .unwrap();
        let row = db
            .read("find", (), |tx, ()| {
                Box::pin(async move {
                    tx.opt(READ, args!["five"], |row| Ok([row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?])).await
                })
            })
            .await;
        assert_eq!(row.unwrap(), Some([4, 3, 2, 1]));
    }

    async fn a_statement_with_another_number_of_values_is_a_fault(db: Db) {
        let outcome = db.write("few", (), |tx, ()| Box::pin(async move { tx.exec(ADD, args!["few"]).await })).await;
        fault_text(outcome);
    }

    async fn null_is_kept_apart_from_nothing(db: Db) {
        const PUT: &str = "INSERT INTO mails
            (id, user_id, recipient, template, locale, parameters, due_at, sent_at, last_error, created_at)
            VALUES ($1, $2, '', '', '', $3, 0, $4, $5, 0)";
        const GET: &str = "SELECT user_id, sent_at, last_error, parameters FROM mails WHERE id = $1";
        db.write("put", (), |tx, ()| {
            Box::pin(async move {
                let empty: Vec<u8> = Vec::new();
                tx.exec(PUT, args!["null", None::<&str>, &empty, None::<i64>, ""]).await?;
                tx.exec(PUT, args!["set", Some("x"), vec![0_u8, 255], Some(7_i64), None::<String>]).await
            })
        })
        .await
        .unwrap();
        let get = |key: &'static str| {
            let db = db.clone();
            async move {
                db.read("get", key, |tx, key| {
                    Box::pin(async move {
                        tx.opt(GET, args![*key], |row| {
                            Ok((row.opt_text(0)?, row.opt_int(1)?, row.opt_text(2)?, row.bytes(3)?))
                        })
                        .await
                    })
                })
                .await
                .unwrap()
                .unwrap()
            }
        };
        assert_eq!(get("null").await, (None, None, Some(String::new()), vec![]));
        assert_eq!(get("set").await, (Some("x".to_owned()), Some(7), None, vec![0, 255]));
        let strict = db.read("get", (), |tx, ()| Box::pin(async move { tx.opt(GET, args!["null"], |row| row.int(1)).await })).await;
        assert!(fault_text(strict).contains("NULL"));
    }

    async fn a_text_with_nul_is_refused_before_it_is_stored(db: Db) {
        let outcome = db.write("nul", (), |tx, ()| Box::pin(async move { tx.exec(ADD, args!["a\0b", 1_i64]).await })).await;
        assert_eq!(outcome.unwrap_err().code(), Some(Code::RequestInvalid));
        assert_eq!(add(&db, "next", 1).await.unwrap(), 1);
    }

    async fn a_single_statement_needs_no_transaction(db: Db) {
        let one = |key: &'static str| {
            let db = db.clone();
            async move { db.write_one("one", key, |tx, key| Box::pin(async move { tx.exec(ADD, args![*key, 1_i64]).await })).await }
        };
        assert_eq!(one("once").await.unwrap(), 1);
        assert_eq!(one("once").await.unwrap(), 0);
        let two = db
            .write_one("two", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["first", 1_i64]).await?;
                    tx.exec(ADD, args!["second", 1_i64]).await
                })
            })
            .await;
        assert!(fault_text(two).contains("more than one statement"));
        assert_eq!(find(&db, "second").await, None);
        let late = db
            .write_one("late", (), |tx, ()| {
                Box::pin(async move {
                    match tx.exec(ADD, args!["late", 1_i64]).await? {
                        0 => refuse(Code::Conflict),
                        _ => refuse::<()>(Code::Forbidden),
                    }
                })
            })
            .await;
        assert!(fault_text(late).contains("refused after"));
        let none = db
            .write_one("none", (), |tx, ()| {
                Box::pin(async move {
                    match tx.exec(ADD, args!["once", 1_i64]).await? {
                        0 => refuse::<()>(Code::Conflict),
                        _ => Ok(()),
                    }
                })
            })
            .await;
        assert_eq!(none.unwrap_err().code(), Some(Code::Conflict));
    }

    async fn a_change_is_seen_once_it_is_committed(db: Db) {
        let before = db.changes();
        let refused = db
            .write("refused", (), |tx, ()| {
                Box::pin(async move {
                    tx.raise_changes().await?;
                    refuse::<()>(Code::Conflict)
                })
            })
            .await;
        refused.unwrap_err();
        assert_eq!(db.changes(), before);
        db.write("raise", (), |tx, ()| Box::pin(tx.raise_changes())).await.unwrap();
        assert_eq!(db.changes(), before + 1);
    }

    async fn a_scan_sees_one_state(db: Db) {
        add(&db, "before", 1).await.unwrap();
        let (other, handle) = (db.clone(), tokio::runtime::Handle::current());
        let seen = db
            .scan("twice", (other, handle), |tx, (other, handle)| {
                Box::pin(async move {
                    let first = tx.opt(COUNT, &[], |row| row.int(0)).await?;
                    let (other, handle) = (other.clone(), handle.clone());
                    std::thread::spawn(move || handle.block_on(async move { add(&other, "meanwhile", 1).await }))
                        .join()
                        .unwrap()?;
                    Ok((first, tx.opt(COUNT, &[], |row| row.int(0)).await?))
                })
            })
            .await;
        assert_eq!(seen.unwrap(), (Some(1), Some(1)));
        assert_eq!(count(&db).await, 2);
    }

    async fn it_is_healthy(db: Db) {
        db.health().await.unwrap();
    }

    async fn a_refusal_rolls_back(db: Db) {
        let refused = db
            .write("refuse", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["gone", 1_i64]).await?;
                    refuse::<()>(Code::CodeExpired)
                })
            })
            .await;
        assert_eq!(refused.unwrap_err().code(), Some(Code::CodeExpired));
        assert_eq!(find(&db, "gone").await, None);
    }

    async fn a_refusal_that_keeps_commits_its_evidence(db: Db) {
        let refused: Result<()> = db
            .write("keep", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["evidence", 1_i64]).await?;
                    tx.refuse(Code::CodeReused)
                })
            })
            .await;
        assert_eq!(refused.unwrap_err().code(), Some(Code::CodeReused));
        assert_eq!(find(&db, "evidence").await, Some(1));
    }

    async fn nothing_is_written_after_a_refusal_that_keeps(db: Db) {
        let outcome: Result<()> = db
            .write("late", (), |tx, ()| {
                Box::pin(async move {
                    let refused = tx.refuse(Code::CodeReused);
                    tx.exec(ADD, args!["late", 1_i64]).await?;
                    refused
                })
            })
            .await;
        assert!(fault_text(outcome).contains("wrote after it had refused"));
        assert_eq!(find(&db, "late").await, None);
    }

    async fn a_fault_after_a_refusal_that_keeps_rolls_back(db: Db) {
        let outcome: Result<()> = db
            .write("broken", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["broken", 1_i64]).await?;
                    let _: Result<()> = tx.refuse(Code::CodeReused);
                    Err(Error::fault("in the middle"))
                })
            })
            .await;
        assert!(fault_text(outcome).contains("in the middle"));
        assert_eq!(find(&db, "broken").await, None);
    }

    async fn a_panic_is_a_fault_and_the_next_operation_works(db: Db) {
        let outcome: Result<()> = db
            .write("panics", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["panic", 1_i64]).await?;
                    panic!("on purpose")
                })
            })
            .await;
        assert_eq!(fault_text(outcome), "panics: panicked");
        assert_eq!(find(&db, "panic").await, None);
        assert_eq!(add(&db, "next", 1).await.unwrap(), 1);
    }

    async fn awaiting_something_else_is_a_fault(db: Db) {
        let outcome: Result<()> = db
            .write("strays", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["stray", 1_i64]).await?;
                    tokio::task::yield_now().await;
                    Ok(())
                })
            })
            .await;
        assert!(fault_text(outcome).contains("other than SQL"));
        let outcome: Result<()> = db
            .read("strays", (), |_, ()| Box::pin(async { let _: () = tokio::task::yield_now().await;
            Ok(()) }))
            .await;
        assert!(fault_text(outcome).contains("other than SQL"));
        assert_eq!(find(&db, "stray").await, None);
        assert_eq!(add(&db, "next", 1).await.unwrap(), 1);
    }

    async fn an_operation_that_swallows_an_error_does_not_commit(db: Db) {
        let outcome = db
            .write("swallows", (), |tx, ()| {
                Box::pin(async move {
                    tx.exec(ADD, args!["before", 1_i64]).await?;
                    let _ = tx.exec("INSERT INTO throttles (key) VALUES ($1)", args!["broken"]).await;
                    Ok(())
                })
            })
            .await;
        assert!(fault_text(outcome).contains("went on after a statement had failed"));
        assert_eq!(count(&db).await, 0);
    }

    async fn what_a_dropped_caller_began_ends_as_a_whole(db: Db) {
        for round in 0..20_i64 {
            let (key, other) = (format!("a{round}"), format!("b{round}"));
            let operation = db.write("two", (key, other), |tx, (key, other)| {
                Box::pin(async move {
                    tx.exec(ADD, args![key, 1_i64]).await?;
                    tx.exec(ADD, args![other, 1_i64]).await
                })
            });
            // Polled once, then dropped.
            let mut operation = Box::pin(operation);
            assert!(futures_util::poll!(operation.as_mut()).is_pending());
            drop(operation);
        }
        // The writer is past them once this is answered; PostgreSQL's tasks end on their own.
        add(&db, "last", 1).await.unwrap();
        while count(&db).await != 41 {
            tokio::task::yield_now().await;
        }
    }

    async fn readers_see_what_is_committed_and_nothing_else(db: Db) {
        add(&db, "seen", 0).await.unwrap();
        let mut tasks = JoinSet::new();
        for round in 0..50_i64 {
            let other = db.clone();
            tasks.spawn(async move {
                let refused = other
                    .write("dirty", round, |tx, round| {
                        Box::pin(async move {
                            tx.exec("UPDATE throttles SET failures = $1 WHERE key = 'seen'", args![*round + 1])
                                .await?;
                            refuse::<()>(Code::Conflict)
                        })
                    })
                    .await;
                assert_eq!(refused.unwrap_err().code(), Some(Code::Conflict));
            });
            assert_eq!(find(&db, "seen").await, Some(0), "what is not committed is not seen");
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(find(&db, "seen").await, Some(0));
        for round in 1..50_i64 {
            db.write("count", round, |tx, round| {
                Box::pin(async move {
                    tx.exec("UPDATE throttles SET failures = $1 WHERE key = 'seen'", args![*round]).await
                })
            })
            .await
            .unwrap();
            assert_eq!(find(&db, "seen").await, Some(round), "an answer means that it is there");
        }
    }
}
