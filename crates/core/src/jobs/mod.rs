//! Background work: rows that are claimed by a guarded write, and cleaning on a lease.
//!
//! Work is enqueued with the change that asks for it, so it can neither be lost nor run for something
//! that did not happen. It may run twice when a process dies half-way; what it does must bear that.
//! The binary calls [`run_due`] now and then, on every node; tests call it when time has moved.

mod clean;
mod sql;

use std::time::Duration;

use doorward_proto::{
    id::{Id, Job as JobKind, User},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{announcements, audit, call::Call, db::Tx, logout, mail, outcome::Result, sessions};

/// Longer than any job takes; afterwards another node may try.
const CLAIM: Duration = Duration::from_mins(5);
const FIRST_PAUSE: u64 = 10;
const LONGEST_PAUSE: u64 = 3600;
/// With the pauses: about two days.
const TRIES: i64 = 50;
/// One call does not run for ever, however much is due.
const AT_ONCE: usize = 100;

/// What there is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "about", rename_all = "snake_case")]
pub(crate) enum Work {
    /// Take the personal part out of the events of somebody who was deleted.
    EraseDetails(Id<User>),
    /// Tell an application that a session has ended.
    LogoutNotice(logout::Notice),
}

/// Work about to be kept.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    id: Id<JobKind>,
    work: Work,
    due_at: Time,
    now: Time,
}

impl NewJob {
    /// Work to be done at `due_at`.
    pub(crate) fn new(call: &Call, work: Work, due_at: Time) -> Result<Self> {
        Ok(Self { id: call.id()?, work, due_at, now: call.now })
    }
}

/// Keeps work, with the change that asks for it.
pub(crate) async fn enqueue(tx: &mut Tx<'_>, job: &NewJob) -> Result<()> {
    sql::insert(tx, job).await
}

/// What [`run_due`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ran {
    /// Mails that were tried.
    pub mails: usize,
    /// Jobs that were tried.
    pub jobs: usize,
    /// Rows that were cleaned away.
    pub cleaned: u64,
}

impl Ran {
    /// Whether there is probably more to do at once.
    pub const fn has_more(&self) -> bool {
        self.mails == AT_ONCE || self.jobs == AT_ONCE
    }
}

/// Does what is due: sessions beyond their limits, mails, jobs, cleaning. Safe to call at the same time on every node.
pub async fn run_due(call: &Call) -> Result<Ran> {
    sessions::end_overdue(call).await?;
    logout::notice_ended(call).await?;
    announcements::send_due(call).await?;
    let mails = mail::deliver_due(call, AT_ONCE).await?;
    let mut jobs = 0;
    while jobs < AT_ONCE && run_one(call).await? {
        jobs += 1;
    }
    let cleaned = clean::run(call).await?;
    Ok(Ran { mails, jobs, cleaned })
}

/// When something is due next, apart from cleaning; `None` when nothing waits.
pub async fn next_due(call: &Call) -> Result<Option<Time>> {
    if logout::has_ended(call).await? {
        return Ok(Some(call.now));
    }
    let mail = mail::next_due(call).await?;
    let news = announcements::next_due(call).await?;
    let job = call
        .realm
        .db
        .read("jobs.next_due", (), |tx, ()| Box::pin(async move { sql::next_due(tx).await }))
        .await?;
    Ok([mail, news, job].into_iter().flatten().min())
}

async fn run_one(call: &Call) -> Result<bool> {
    let now = call.realm.env.now();
    let claimed = call
        .realm
        .db
        .write("jobs.claim", now, |tx, now| Box::pin(async move { sql::claim(tx, *now, *now + CLAIM).await }))
        .await?;
    let Some(job) = claimed else { return Ok(false) };
    let outcome = match serde_json::from_str::<Work>(&job.payload) {
        Ok(work) => perform(call, work).await.map_err(|error| format!("{error:?}")),
        Err(error) => Err(format!("unknown work: {error}")),
    };
    if let Err(why) = &outcome {
        tracing::warn!(job = %job.id, attempts = job.attempts, %why, "background work failed");
    }
    let finish = (job.id, job.attempts, outcome, call.realm.env.now());
    call.realm
        .db
        .write("jobs.finish", finish, |tx, (id, attempts, outcome, now)| {
            Box::pin(async move {
                match outcome {
                    Ok(()) => sql::done(tx, *id, *now, None).await,
                    Err(why) if *attempts >= TRIES => sql::done(tx, *id, *now, Some(why)).await,
                    Err(why) => sql::again(tx, *id, *now + pause(*attempts), why).await,
                }
            })
        })
        .await?;
    Ok(true)
}

async fn perform(call: &Call, work: Work) -> Result<()> {
    match work {
        Work::EraseDetails(user) => {
            call.realm
                .db
                .write("jobs.erase_details", (user, call.realm.env.now()), |tx, (user, now)| {
                    Box::pin(async move { audit::erase(tx, *user, *now).await })
                })
                .await
        }
        Work::LogoutNotice(notice) => logout::deliver(call, &notice).await,
    }
}

/// 10 s, then twice as long each time, an hour at most.
fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(20);
    Duration::from_secs((FIRST_PAUSE << doubled).min(LONGEST_PAUSE))
}
