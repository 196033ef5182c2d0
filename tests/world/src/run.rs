//! Runs one scenario on one engine: makes what it asks for, and takes it away afterwards.

use std::future::Future;

use doorward_core::db::{Db, EngineName, migrate};
use doorward_proto::time::Time;

use crate::place::Fresh;

/// The instant at which every test begins: 2030-01-01T00:00:00Z.
pub const BEGINNING: Time = Time::from_micros(1_893_456_000_000_000);

/// Something that a scenario can ask for.
pub trait Fixture: Sized {
    /// Makes it over a place of its own.
    fn make(place: &Fresh) -> impl Future<Output = Self> + Send;
}

impl Fixture for Fresh {
    async fn make(place: &Fresh) -> Self {
        place.clone()
    }
}

impl Fixture for Db {
    async fn make(place: &Fresh) -> Self {
        let db = Db::open(place.place()).await.expect("the fresh database opens");
        if place.engine() == EngineName::Sqlite {
            migrate::up(&db, BEGINNING).await.expect("migrations run");
        }
        db
    }
}

/// Runs `scenario` on `engine`. The place goes when the scenario has ended well; after a failure a
/// PostgreSQL database stays for a look, as long as its cluster lives.
pub fn scenario<F, A, B>(engine: EngineName, scenario: F)
where
    F: FnOnce(A) -> B,
    A: Fixture,
    B: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let place = Fresh::new(engine).await.expect("a fresh database");
        let given = A::make(&place).await;
        scenario(given).await;
        place.remove().await;
    });
}
