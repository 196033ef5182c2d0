//! What tests stand on: a real database, made for one test and gone after it.
//!
//! [`both_engines!`] turns one scenario into two tests, `on_sqlite` and `on_postgres`, so that a run
//! can choose (`cargo test on_postgres`). SQLite gets a file in a temporary folder; PostgreSQL a fresh
//! database in a private cluster (see [`cluster`]). Nothing here replaces a part of Doorward: there are
//! no mocks.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up ends there"
)]

pub mod cluster;
pub mod orcheo;
pub mod place;
pub mod run;
pub mod seed;
pub mod world;

pub use cluster::Cluster;
pub use doorward_core::db::EngineName;
pub use place::Fresh;
pub use world::{ISSUER, World};

/// Turns each async scenario into two tests, one for each engine.
///
/// The scenario takes one thing that [`run::Fixture`] can make: a migrated [`doorward_core::db::Db`],
/// or a [`Fresh`] place that nobody has opened yet.
///
/// ```
/// use doorward_core::db::Db;
/// doorward_world::both_engines! {
///     /// A database answers.
///     async fn a_database_answers(db: Db) {
///         assert_eq!(db.changes(), 0);
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($given:ident: $fixture:ty) $body:block)*) => {$(
        $(#[$meta])*
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "a scenario may need none of them")]
            use super::*;

            async fn scenario($given: $fixture) $body

            #[test]
            fn on_sqlite() {
                $crate::run::scenario($crate::EngineName::Sqlite, scenario);
            }

            #[test]
            fn on_postgres() {
                $crate::run::scenario($crate::EngineName::Postgres, scenario);
            }
        }
    )*};
}
