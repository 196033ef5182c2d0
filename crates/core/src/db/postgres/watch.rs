//! Hearing of changes that other nodes have made: `LISTEN` on a connection of its own where there is a
//! direct way to the server, and a look at the counter every second in any case.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_postgres::{AsyncMessage, Client};

use super::{
    Changes,
    connect::{self, Route},
};
use crate::outcome::Result;

/// The channel of [`super::Session::notify`].
pub(super) const CHANNEL: &str = "doorward_changes";
const LOOK: Duration = Duration::from_secs(1);
/// Looks between two tries to listen again.
const TRY_AGAIN: u32 = 5;
const COUNTER: &str = "SELECT counter FROM changes WHERE id = 1";

/// Ends with the database handle.
pub(super) struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An open ear. Its connection ends with it.
struct Listener {
    _client: Client,
    connection: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

pub(super) fn start(pool: Pool, listen_on: Option<Route>, changes: Arc<Changes>) -> Watch {
    Watch(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut listener, mut wait) = (None, 0);
        loop {
            ticks.tick().await;
            if let Some(route) = &listen_on
                && listener.as_ref().is_none_or(|ear: &Listener| ear.connection.is_finished())
            {
                if wait == 0 {
                    listener = listen(route, &changes).await.inspect_err(unheard).ok();
                    wait = TRY_AGAIN;
                }
                wait -= 1;
            }
            // Silent: a server that is away shows in every answer, not only here.
            if let Ok(counter) = look(&pool).await {
                changes.see(counter);
            }
        }
    }))
}

fn unheard(error: &crate::outcome::Error) {
    tracing::warn!(?error, "changes on other nodes are only seen once a second: LISTEN failed");
}

async fn look(pool: &Pool) -> Result<i64> {
    let client = pool.get().await?;
    let row = client.query_typed_one(COUNTER, &[]).await?;
    Ok(row.try_get(0)?)
}

async fn listen(route: &Route, changes: &Arc<Changes>) -> Result<Listener> {
    let changes = Arc::clone(changes);
    let hear = move |message| {
        if let AsyncMessage::Notification(note) = message
            && let Ok(counter) = note.payload().parse()
        {
            changes.see(counter);
        }
    };
    let (client, connection) = connect::direct(route, hear).await?;
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    Ok(Listener { _client: client, connection })
}
