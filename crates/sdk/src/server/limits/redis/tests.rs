use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use doorward_judge::limit::{By, Gcra, Window};

use super::*;
use crate::server::limits::{
    Key, Kind,
    tests::{answers_as_all, is_exact},
};

/// A Redis of the test's own, on a socket in a folder of its own.
const PATIENCE: Duration = Duration::from_secs(5);

struct Redis {
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Redis {
    fn start() -> Self {
        let mut redis = Self { folder: tempfile::tempdir().unwrap(), process: None };
        redis.go_on();
        redis
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn go_on(&mut self) {
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(process.expect("redis-server is installed"));
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A node that shares these counters, once Redis is there.
    async fn node(&self) -> Arc<RedisLimits> {
        let limits = RedisLimits::open(&format!("unix://{}", self.socket().display()), "test", PATIENCE)
            .await
            .unwrap();
        becomes(|| limits.is_shared()).await;
        Arc::new(limits)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn becomes(is_so: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..1_500 {
        ticks.tick().await;
        if is_so() {
            return;
        }
    }
    panic!("waited in vain");
}

fn take() -> [Take; 1] {
    let key =
        Key { kind: Kind::Rate, route: "a".to_owned(), place: 0, by: By::Identity, who: "ada".to_owned() };
    [Take { key, measure: Measure::Rate(Gcra::new("1/day".parse().unwrap(), 1)), cost: 1 }]
}

fn now() -> Time {
    Time::from_seconds(1_800_000_000)
}

async fn fits(limits: &RedisLimits) -> bool {
    limits.take(&take(), now()).await[0].fits
}

#[tokio::test]
async fn answers_are_those_of_memory_on_redis() {
    let redis = Redis::start();
    answers_as_all(redis.node().await.as_ref()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_count_exactly_on_redis() {
    let redis = Redis::start();
    is_exact(&[redis.node().await, redis.node().await]).await;
}

#[tokio::test]
async fn parallel_failures_are_counted_exactly_on_redis() {
    let redis = Redis::start();
    let nodes = [redis.node().await, redis.node().await];
    let failing = Failing {
        key: Key { kind: Kind::Failures, ..take()[0].key.clone() },
        window: Window { limit: 10, length: Duration::from_secs(60) },
    };
    let tries = (0..100).map(|number| {
        let (node, failing) = (Arc::clone(&nodes[number % 2]), failing.clone());
        tokio::spawn(async move { node.fail(&[failing], now()).await[0].is_none() })
    });
    let mut counted = 0;
    for tried in tries.collect::<Vec<_>>() {
        counted += usize::from(tried.await.unwrap());
    }
    assert_eq!(counted, 10);
}

#[tokio::test]
async fn two_names_share_nothing_on_redis() {
    let redis = Redis::start();
    let one = redis.node().await;
    let other =
        RedisLimits::open(&format!("unix://{}", redis.socket().display()), "other", PATIENCE).await.unwrap();
    assert!(fits(&one).await && fits(&other).await);
    assert_eq!(other.clear(&Which::default()).await, 1);
    assert!(!fits(&one).await);
}

#[tokio::test]
async fn each_node_counts_for_itself_while_there_is_no_redis_on_redis() {
    let mut redis = Redis::start();
    let nodes = [redis.node().await, redis.node().await];
    assert!(fits(&nodes[0]).await);
    assert!(!fits(&nodes[1]).await, "they share it");
    redis.kill();
    for node in &nodes {
        assert!(fits(node).await, "in its own memory, at once");
        assert!(!fits(node).await, "and counted");
        assert!(!node.is_shared());
    }
    redis.go_on();
    for node in &nodes {
        becomes(|| node.is_shared()).await;
    }
    assert!(fits(&nodes[1]).await, "that Redis had kept nothing");
    assert!(!fits(&nodes[0]).await, "and they share again");
}

#[tokio::test]
async fn a_node_may_begin_before_its_redis_on_redis() {
    let mut redis = Redis::start();
    redis.kill();
    let limits =
        RedisLimits::open(&format!("unix://{}", redis.socket().display()), "test", PATIENCE).await.unwrap();
    assert!(!limits.is_shared());
    assert!(fits(&limits).await);
    redis.go_on();
    becomes(|| limits.is_shared()).await;
    assert!(fits(&limits).await);
}

/// A Redis that takes connections and says nothing costs one short wait, not one for every request.
#[tokio::test]
async fn a_silent_redis_makes_nobody_wait_on_redis() {
    let mut redis = Redis::start();
    let limits = redis.node().await;
    let process = redis.process.as_mut().unwrap();
    let signal = |name: &str, id: u32| Command::new("kill").args([name, &id.to_string()]).status().unwrap();
    let id = process.id();
    assert!(signal("-STOP", id).success());
    assert!(fits(&limits).await);
    assert!(!limits.is_shared());
    for _ in 0..1_000 {
        assert!(!fits(&limits).await);
    }
    assert!(signal("-CONT", id).success());
    becomes(|| limits.is_shared()).await;
}

#[test]
fn addresses_are_checked() {
    for (address, is_one) in [
        ("redis://127.0.0.1", true),
        ("redis://user:password@cache.internal:6380/2", true),
        ("rediss://cache.internal", true),
        ("unix:///run/redis.sock", true),
        ("http://cache.internal", false),
        ("cache.internal:6379", false),
        ("", false),
    ] {
        assert_eq!(RedisLimits::check(address).is_ok(), is_one, "{address}");
    }
}
