//! Who is at work on this database, a node that serves or a command: a lease for each, so that the master
//! key is not changed under one.
//!
//! Only PostgreSQL has several nodes; a SQLite file belongs to one process, and nothing is written there.

use std::{sync::Arc, time::Duration};

use super::{LOCK, Realm, sql};
use crate::{
    db::EngineName,
    leases,
    outcome::{Error, Result},
};

/// A node that has not said anything for this long is gone.
const TERM: Duration = Duration::from_mins(1);

/// A node that serves, or a command that is at work.
#[derive(Clone)]
pub struct Attendance {
    realm: Arc<Realm>,
    name: String,
}

impl Attendance {
    /// Says that this node serves.
    ///
    /// # Errors
    /// A fault when the master key was changed since the realm was opened.
    pub async fn begin(realm: &Arc<Realm>) -> Result<Self> {
        let name = format!("node/{}", data_encoding::HEXLOWER.encode(&realm.env.bytes::<8>()?));
        let node = Self { realm: Arc::clone(realm), name };
        node.renew().await?;
        Ok(node)
    }

    /// Says so again; more often than once a minute.
    ///
    /// # Errors
    /// A fault when the master key was changed since the realm was opened.
    pub async fn renew(&self) -> Result<()> {
        if self.realm.db.engine() == EngineName::Sqlite {
            return Ok(());
        }
        let ask = (self.name.clone(), self.realm.env.now());
        let owner = self
            .realm
            .db
            .write("realm.attend", ask, |tx, (name, now)| {
                Box::pin(async move {
                    tx.lock_shared(&[LOCK]).await?;
                    leases::hold(tx, name, "serves", (*now, TERM)).await?;
                    sql::drop_nodes(tx, *now).await?;
                    sql::master_key(tx).await
                })
            })
            .await?;
        if owner.as_deref() == Some(self.realm.vault.id()) {
            return Ok(());
        }
        Err(Error::fault("the master key was replaced while this node was running: stop it"))
    }

    /// Says that it does not any more.
    pub async fn end(self) -> Result<()> {
        if self.realm.db.engine() == EngineName::Sqlite {
            return Ok(());
        }
        self.realm
            .db
            .write("realm.leave", self.name, |tx, name| {
                Box::pin(async move { leases::release(tx, name, "serves").await })
            })
            .await
    }
}
