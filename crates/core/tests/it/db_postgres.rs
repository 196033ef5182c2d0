//! What only PostgreSQL needs: repeating, poolers, other nodes, lost connections.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorward_core::{
    args,
    db::{Db, Place, PostgresSettings},
    outcome::Error,
};
use doorward_world::Fresh;
use tokio_postgres::NoTls;

const ADD: &str = "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, 0)";
const VALUE: &str = "SELECT value FROM settings WHERE key = $1";
const COUNTER: &str = "SELECT counter FROM changes WHERE id = 1";

fn settings(place: &Fresh) -> PostgresSettings {
    match place.place() {
        Place::Postgres(settings) => settings.clone(),
        Place::Sqlite(_) => panic!("a PostgreSQL place was made"),
    }
}

async fn outside(place: &Fresh) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&settings(place).url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn value(db: &Db) -> Option<String> {
    db.read("value", "x", |tx, key| {
        Box::pin(async move { tx.opt(VALUE, args![*key], |row| row.text(0)).await })
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serialisation_failure_or_deadlock_is_run_again_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    for state in ["40001", "40P01"] {
        let tries = Arc::new(AtomicUsize::new(0));
        let fail: &'static str =
            format!("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{state}'; END $$").leak();
        let counted = Arc::clone(&tries);
        db.write("again", (), move |tx, ()| {
            let attempt = counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tx.exec(ADD, args![state, attempt.to_string()]).await?;
                if attempt < 2 {
                    tx.exec(fail, &[]).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), 3);
        let stored = db
            .read("value", state, |tx, state| {
                Box::pin(async move { tx.opt(VALUE, args![*state], |row| row.text(0)).await })
            })
            .await;
        assert_eq!(stored.unwrap().as_deref(), Some("2"));
    }
    let outcome = db
        .write("never", (), |tx, ()| {
            Box::pin(tx.exec("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$", &[]))
        })
        .await;
    assert!(matches!(outcome, Err(Error::Fault(_))), "it gives up in the end");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_elsewhere_does_not_break_prepared_statements_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    let client = outside(&place).await;
    assert_eq!(value(&db).await, None);
    client.batch_execute("ALTER TABLE settings ALTER COLUMN value TYPE VARCHAR(100)").await.unwrap();
    assert_eq!(value(&db).await, None);
    client.batch_execute("ALTER TABLE settings ALTER COLUMN value TYPE TEXT").await.unwrap();
    let written = db
        .write("value", (), |tx, ()| {
            Box::pin(async move { tx.opt(VALUE, args!["x"], |row| row.text(0)).await })
        })
        .await;
    assert_eq!(written.unwrap(), None);
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_are_replaced_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    let client = outside(&place).await;
    for round in 0..3_i64 {
        assert_eq!(value(&db).await, None);
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query(kill, &[]).await.unwrap();
        let key = round.to_string();
        db.write("add", key, |tx, key| Box::pin(async move { tx.exec(ADD, args![key, ""]).await }))
            .await
            .unwrap();
    }
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_reach_is_said_to_be_unavailable_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    place.remove().await;
    match db.health().await {
        Err(Error::Fault(fault)) => assert!(fault.is_unavailable(), "{fault}"),
        other => panic!("{other:?}"),
    }
    let nowhere = PostgresSettings { url: "postgres://nobody@127.0.0.1:1/x".to_owned(), ..settings(&place) };
    match Db::open(&Place::Postgres(nowhere)).await.err() {
        Some(Error::Fault(fault)) => assert!(fault.is_unavailable(), "{fault}"),
        other => panic!("{other:?}"),
    }
}

/// By `LISTEN` with named statements, by looking once a second without.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_one_node_is_seen_on_the_others_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let node = Db::open(place.place()).await.unwrap();
    let listens = Db::open(place.place()).await.unwrap();
    let unnamed = PostgresSettings { statement_cache: false, ..settings(&place) };
    let looks = Db::open(&Place::Postgres(unnamed)).await.unwrap();
    for other in [&listens, &looks] {
        let before = node.changes();
        node.write("raise", (), |tx, ()| Box::pin(tx.raise_changes())).await.unwrap();
        assert_eq!(node.changes(), before + 1);
        while other.changes() != before + 1 {
            tokio::task::yield_now().await;
        }
    }
    let stored = looks.read("counter", (), |tx, ()| Box::pin(tx.opt(COUNTER, &[], |row| row.int(0)))).await;
    assert_eq!(stored.unwrap(), Some(node.changes()));
    drop((node, listens, looks));
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusive_lock_waits_for_shared_ones_on_postgres() {
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    let turn = Arc::new(AtomicUsize::new(0));
    let (begun, wait) = std::sync::mpsc::channel();
    let shared = {
        let (db, turn) = (db.clone(), Arc::clone(&turn));
        tokio::spawn(async move {
            db.write("shared", (turn, begun), |tx, (turn, begun)| {
                Box::pin(async move {
                    tx.lock_shared(&["b", "a"]).await?;
                    begun.send(()).unwrap();
                    tx.exec("SELECT pg_sleep(0.05)", &[]).await?;
                    turn.store(1, Ordering::SeqCst);
                    Ok(())
                })
            })
            .await
        })
    };
    tokio::task::spawn_blocking(move || wait.recv()).await.unwrap().unwrap();
    let seen = db
        .write("exclusive", Arc::clone(&turn), |tx, turn| {
            Box::pin(async move {
                tx.lock_exclusive(&["a", "b"]).await?;
                Ok(turn.load(Ordering::SeqCst))
            })
        })
        .await;
    assert_eq!(seen.unwrap(), 1, "the shared lock was held until its commit");
    shared.await.unwrap().unwrap();
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_not_compiled_on_postgres() {
    const JIT: &str = "SELECT current_setting('jit')";
    let place = Fresh::postgres(true).await.unwrap();
    let db = Db::open(place.place()).await.unwrap();
    let jit = db.read("jit", (), |tx, ()| Box::pin(tx.opt(JIT, &[], |row| row.text(0)))).await;
    assert_eq!(jit.unwrap().as_deref(), Some("off"));
    drop(db);
    place.remove().await;
}
