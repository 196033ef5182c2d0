//! A place for one realm's data that belongs to one test.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use doorward_core::db::{EngineName, Place, PostgresSettings};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// Connections per test database.
const POOL: usize = 12;

/// A place that nobody has opened yet, and a temporary folder beside it. On PostgreSQL the database is
/// already migrated (it is a copy of a migrated one), on SQLite there is no file yet.
#[derive(Clone)]
pub struct Fresh(Arc<Inner>);

struct Inner {
    place: Place,
    folder: TempDir,
    database: Option<(&'static Cluster, String)>,
}

impl Fresh {
    /// A fresh place on `engine`.
    ///
    /// # Errors
    /// When PostgreSQL cannot be started, or there is no room for a temporary folder.
    pub async fn new(engine: EngineName) -> Result<Self> {
        match engine {
            EngineName::Sqlite => Self::sqlite(),
            EngineName::Postgres => Self::postgres(true).await,
        }
    }

    /// A SQLite file in a folder of its own.
    ///
    /// # Errors
    /// When there is no room for a temporary folder.
    pub fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = Place::Sqlite(folder.path().join("doorward.db"));
        Ok(Self(Arc::new(Inner { place, folder, database: None })))
    }

    /// A PostgreSQL database of its own: a copy of the migrated one, or an empty one.
    ///
    /// # Errors
    /// When PostgreSQL cannot be started.
    pub async fn postgres(migrated: bool) -> Result<Self> {
        let cluster = Cluster::get()?;
        let name =
            if migrated { cluster.migrated_database().await? } else { cluster.empty_database().await? };
        let settings =
            PostgresSettings { url: cluster.url(&name), pool: POOL, statement_cache: true, direct_url: None };
        let place = Place::Postgres(settings);
        Ok(Self(Arc::new(Inner { place, folder: tempfile::tempdir()?, database: Some((cluster, name)) })))
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// As `database.url` wants it.
    pub fn url(&self) -> String {
        match &self.0.place {
            Place::Sqlite(path) => format!("sqlite://{}", path.display()),
            Place::Postgres(settings) => settings.url.clone(),
        }
    }

    /// Which engine it is on.
    pub fn engine(&self) -> EngineName {
        match &self.0.place {
            Place::Sqlite(_) => EngineName::Sqlite,
            Place::Postgres(_) => EngineName::Postgres,
        }
    }

    /// A folder that goes with the place.
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// Takes the database away, whoever is connected; a SQLite file goes with its folder.
    pub async fn remove(&self) {
        if let Some((cluster, name)) = &self.0.database {
            cluster.drop_database(name).await;
        }
    }
}
