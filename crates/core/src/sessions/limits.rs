//! The limits of a session: those that are over end as if by hand, with their grants, an event, and
//! word to the applications.
//!
//! The sweep is late by nature, so whatever is renewed out of a session asks for its limits itself
//! ([`carries`]).

use doorward_proto::{
    id::{Id, Session as SessionKind},
    time::Time,
};

use super::sql;
use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    env::Env,
    outcome::Result,
};

/// A limit that a session can be beyond, as the instant that is too early.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// It was to end by then.
    Absolute(Time),
    /// It was not used since.
    Idle(Time),
}

/// Whether what was granted in this session may be renewed: it has not ended and is within its limits.
pub(crate) async fn carries(
    tx: &mut ReadTx<'_>,
    id: Id<SessionKind>,
    (now, idle_since): (Time, Time),
) -> Result<bool> {
    sql::carries(tx, id, now, idle_since).await
}

struct Sweep {
    limit: Limit,
    now: Time,
    event: Event,
    env: Env,
}

/// Ends the sessions that are beyond a limit, batch by batch; answers how many. Safe to call at the
/// same time on every node: each session ends once.
pub async fn end_overdue(call: &Call) -> Result<usize> {
    let mut ended = 0;
    for limit in [Limit::Absolute(call.now), Limit::Idle(call.now - call.realm.settings.session.idle)] {
        while is_any_overdue(call, limit).await? {
            let event = Event::new(call, "session.ended")?;
            let sweep = Sweep { limit, now: call.now, event, env: call.realm.env.clone() };
            ended += call
                .realm
                .db
                .write("sessions.end_overdue", sweep, |tx, sweep| {
                    Box::pin(async move { end(tx, sweep).await })
                })
                .await?;
        }
    }
    Ok(ended)
}

async fn is_any_overdue(call: &Call, limit: Limit) -> Result<bool> {
    call.realm
        .db
        .read("sessions.any_overdue", limit, |tx, limit| {
            Box::pin(async move { sql::is_any_overdue(tx, *limit).await })
        })
        .await
}

async fn end(tx: &mut Tx<'_>, sweep: &Sweep) -> Result<usize> {
    let reason = match sweep.limit {
        Limit::Absolute(_) => "expired",
        Limit::Idle(_) => "idle",
    };
    let ended = sql::end_overdue(tx, sweep.limit, sweep.now).await?;
    for (session, user) in &ended {
        sql::end_grants_of_session(tx, *session, sweep.now, reason).await?;
        let event = sweep.event.again(&sweep.env)?.subject(user).fact("session", session.to_string());
        audit::record(tx, &event.fact("reason", reason)).await?;
    }
    if !ended.is_empty() {
        tx.raise_changes().await?;
    }
    Ok(ended.len())
}
