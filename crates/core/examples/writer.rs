//! How many operations a second the storage contract carries, with 64 callers that wait for each answer.
//!
//! `cargo run --release -p doorward-core --example writer [postgres://…]` prints a line for each kind of
//! operation: rotating a row (one guarded UPDATE, one INSERT), an audited issuance (one INSERT), the same
//! through a batch, and point reads. Without an address it uses a SQLite file in the working directory's
//! temporary folder. It is a measurement for a person to read, not a test.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement")]

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use doorward_core::{
    args,
    db::{Batch, Db, Place, PostgresSettings, migrate},
    outcome::Result,
};
use doorward_proto::time::Time;

const CALLERS: usize = 64;
const SPAN: Duration = Duration::from_secs(4);
const BASE: i64 = 1_000_000;

const ADD: &str = "INSERT INTO refresh_rows (hash, family, consumed_at) VALUES ($1, $2, NULL)";
const TAKE: &str =
    "UPDATE refresh_rows SET consumed_at = $2 WHERE hash = $1 AND consumed_at IS NULL RETURNING family";
const NOTE: &str = "INSERT INTO event_intake
    (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
    VALUES ($1, $2, 'token.issued', 0, 'org_x', 'cli_x', 'cli_x', 'cli_x', 'req-1', '{\"scope\":\"read\"}', $3)";
const DETAIL: &str = "{\"address\":\"203.0.113.7\",\"user_agent\":\"bench/1.0\"}";
const FIND: &str = "SELECT family FROM refresh_rows WHERE hash = $1";

static NEXT: AtomicI64 = AtomicI64::new(BASE);

/// Scattered, as hashes are.
fn hash(number: i64) -> Vec<u8> {
    let number = u64::from_be_bytes(number.to_be_bytes());
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [mixed, mixed.rotate_left(17), mixed.rotate_left(31), number].map(u64::to_be_bytes).concat()
}

async fn rotate(db: Db, caller: usize, round: i64) -> Result<()> {
    let number = i64::try_from(caller).unwrap() * BASE + round;
    db.write("rotate", number, |tx, number| {
        Box::pin(async move {
            let family = tx.opt(TAKE, args![hash(*number), 1_i64], |row| row.text(0)).await?.unwrap();
            tx.exec(ADD, args![hash(*number + 1), family]).await.map(|_| ())
        })
    })
    .await
}

async fn issue(db: Db) -> Result<()> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    db.write_one("issue", number, |tx, number| {
        Box::pin(async move {
            tx.exec(NOTE, args![format!("evt_{number:026}"), *number, DETAIL]).await.map(|_| ())
        })
    })
    .await
}

async fn issue_together(batch: Batch<i64, ()>) -> Result<()> {
    batch.ask(NEXT.fetch_add(1, Ordering::Relaxed)).await
}

async fn find(db: Db, caller: usize, _round: i64) -> Result<()> {
    let number = i64::try_from(caller).unwrap() * BASE;
    db.read("find", number, |tx, number| {
        Box::pin(async move { tx.opt(FIND, args![hash(*number)], |row| row.text(0)).await.map(|_| ()) })
    })
    .await
}

/// Runs `operation` by every caller in a closed loop; prints operations per second and the waits.
async fn measure<F, W>(name: &str, operation: F)
where
    F: Fn(usize, i64) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let operation = Arc::new(operation);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let operation = Arc::clone(&operation);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while begun.elapsed() < SPAN {
                let asked = Instant::now();
                operation(caller, i64::try_from(waits.len()).unwrap()).await.unwrap();
                waits.push(asked.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let took = begun.elapsed();
    waits.sort_unstable();
    let at = |part: usize| waits.get(waits.len() * part / 1000).or(waits.last()).copied().unwrap_or_default();
    println!(
        "{name:<16}{:>9}/s   p50 {:>8.2?}   p99 {:>8.2?}   worst {:>8.2?}",
        waits.len() as u128 * 1000 / took.as_millis().max(1),
        at(500),
        at(990),
        at(1000)
    );
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let place = match std::env::args().nth(1) {
        Some(url) => {
            Place::Postgres(PostgresSettings { url, direct_url: None, pool: 10, statement_cache: true })
        }
        None => Place::Sqlite(folder.path().join("bench.db")),
    };
    let db = Db::open(&place).await.unwrap();
    migrate::up(&db, Time::from_seconds(0)).await.unwrap();
    let create =
        "CREATE TABLE refresh_rows (hash BYTEA PRIMARY KEY, family TEXT NOT NULL, consumed_at BIGINT)";
    db.write("create", (), move |tx, ()| Box::pin(async move { tx.exec(create, &[]).await })).await.unwrap();
    for caller in 0..i64::try_from(CALLERS).unwrap() {
        db.write("seed", caller * BASE, |tx, number| {
            Box::pin(async move { tx.exec(ADD, args![hash(*number), "grt_1"]).await })
        })
        .await
        .unwrap();
    }
    let batch = db.batch("issue", |tx, asks: &[i64]| {
        Box::pin(async move {
            for number in asks {
                tx.exec(NOTE, args![format!("evt_{number:026}"), *number, DETAIL]).await?;
            }
            Ok(asks.iter().map(|_| Ok(())).collect())
        })
    });
    let of = db.clone();
    measure("rotate", move |caller, round| rotate(of.clone(), caller, round)).await;
    let of = db.clone();
    measure("issue", move |_, _| issue(of.clone())).await;
    measure("issue, batched", move |_, _| issue_together(batch.clone())).await;
    let of = db.clone();
    measure("find", move |caller, round| find(of.clone(), caller, round)).await;
}
