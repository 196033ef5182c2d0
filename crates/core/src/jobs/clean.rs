//! Cleaning away what is over, in small batches, by one node at a time.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Job},
    time::Time,
};

use super::sql;
use crate::{
    analytics, call::Call, credentials, grants, links, mail, outcome::Result, sessions, throttle, usage,
    users,
};

/// The lease is also the rhythm: whoever gets it cleans, and nobody else until it is over.
const EVERY: Duration = Duration::from_mins(5);
const LEASE: &str = "clean";
/// A table with more to clean is taken up again next time: 100,000 rows every five minutes, more than a
/// busy server leaves behind.
const BATCHES: usize = 200;
const BATCH: u64 = 500;
/// People at once: each takes several statements.
const PEOPLE: i64 = 500;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// One kind of row that goes away.
#[derive(Debug, Clone, Copy)]
enum Sweep {
    Links,
    Mails,
    Sessions,
    Throttles,
    Schemes,
    Successors,
    Usage,
    UsageWriters,
    Analytics,
    Anonymous,
    Soon(&'static str),
    Plain(&'static str),
}

/// Cleans when it is this node's turn; answers how many rows went.
pub(super) async fn run(call: &Call) -> Result<u64> {
    let now = call.realm.env.now();
    let holder: Id<Job> = call.realm.env.id(now)?;
    let has_turn = call
        .realm
        .db
        .write("clean.turn", (holder, now), |tx, (holder, now)| {
            Box::pin(async move { sql::take_lease(tx, LEASE, *holder, *now, *now + EVERY).await })
        })
        .await?;
    if !has_turn {
        return Ok(0);
    }
    let mut cleaned = 0;
    let own = [
        Sweep::Links,
        Sweep::Mails,
        Sweep::Sessions,
        Sweep::Throttles,
        Sweep::Schemes,
        Sweep::Successors,
        Sweep::Usage,
        Sweep::UsageWriters,
        Sweep::Analytics,
        Sweep::Anonymous,
    ];
    let soon = sql::SOON.iter().copied().map(Sweep::Soon);
    for sweep in soon.chain(own).chain(sql::SWEEPS.iter().copied().map(Sweep::Plain)) {
        for _ in 0..BATCHES {
            let gone = batch(call, sweep, now).await?;
            cleaned += gone;
            if gone < BATCH {
                break;
            }
        }
    }
    Ok(cleaned)
}

async fn batch(call: &Call, sweep: Sweep, now: Time) -> Result<u64> {
    let settings = &call.realm.settings;
    let kept = (settings.tokens.refresh_reuse_window, settings.usage.retention);
    let people = (call.realm.env.clone(), settings.sign_up.anonymous_kept);
    call.realm
        .db
        .write(
            "clean.batch",
            (sweep, now, kept, people),
            |tx, (sweep, now, (window, kept), (env, unseen))| {
                Box::pin(async move {
                    match sweep {
                        Sweep::Links => links::clean(tx, *now - 7 * DAY).await,
                        Sweep::Mails => mail::clean(tx, *now - 30 * DAY).await,
                        Sweep::Sessions => sessions::clean(tx, *now - 180 * DAY).await,
                        Sweep::Throttles => throttle::clean(tx, *now).await,
                        Sweep::Schemes => credentials::clean(tx).await,
                        Sweep::Successors => grants::sql::forget_successors(tx, *now - *window).await,
                        Sweep::Usage => usage::clean(tx, *now - *kept).await,
                        Sweep::Analytics => analytics::clean(tx, *now, *kept).await,
                        Sweep::Anonymous => {
                            users::anonymous::clean(tx, (env, *now), *now - *unseen, PEOPLE).await
                        }
                        // A batch that is tried again is seconds old, or its process has been cut off for long.
                        Sweep::UsageWriters => usage::forget_writers(tx, *now - 30 * DAY).await,
                        // Consumed codes and refresh tokens are kept a while longer, to recognise reuse.
                        Sweep::Plain(statement) => sql::sweep(tx, statement, *now - HOUR).await,
                        Sweep::Soon(statement) => sql::sweep(tx, statement, *now - MINUTE).await,
                    }
                })
            },
        )
        .await
}
