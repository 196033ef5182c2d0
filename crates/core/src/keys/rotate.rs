//! How keys come and go.

use std::time::Duration;

use doorward_proto::{
    id::{self, Id},
    jose::{Alg, SigningKey},
    time::Time,
};

use super::{Record, State, place, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    env::Env,
    outcome::{Code, Refusal, Result},
};

/// Expired keys are remembered this long, for the audit trail's sake.
const MEMORY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How fast a rotation happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The new key is published now and signs after the wait; the old one stays published.
    Scheduled,
    /// A private key is known to somebody: the new key signs now, the old ones verify nothing from now on.
    Emergency,
}

/// What a rotation writes.
struct Step {
    record: Record,
    urgency: Urgency,
    /// Only if the newest key of the algorithm still became active at this time.
    unless_newer_than: Option<Time>,
    overlap: Duration,
    event: Event,
    /// What is recorded of each key that an emergency takes away.
    withdrawn: Event,
    env: Env,
    now: Time,
}

/// Makes the first key of every algorithm that has none; it signs at once.
pub async fn ensure(call: &Call) -> Result<()> {
    let have = super::list(call).await?;
    for alg in Alg::ALL {
        let has = have
            .iter()
            .any(|key| key.alg == alg && matches!(key.state(call.now), State::Active | State::Waiting));
        if !has {
            let newest = have.iter().filter(|key| key.alg == alg).map(|key| key.active_at).max();
            let known = newest.unwrap_or(Time::from_micros(i64::MIN));
            let step = step(call, alg, Urgency::Scheduled, call.now, Some(known)).await?;
            add(call, step).await?;
        }
    }
    Ok(())
}

/// Starts the rotation of every algorithm whose key will be old enough when a new one may sign.
pub async fn maintain(call: &Call) -> Result<()> {
    let settings = &call.realm.settings.keys;
    for alg in Alg::ALL {
        let have = super::list(call).await?;
        let Some(newest) = have.iter().filter(|key| key.alg == alg).map(|key| key.active_at).max() else {
            continue;
        };
        let due = newest + settings.rotation;
        if call.now + settings.publish_ahead >= due {
            let active = due.max(call.now + settings.publish_ahead);
            let step = step(call, alg, Urgency::Scheduled, active, Some(newest)).await?;
            add(call, step).await?;
        }
    }
    let oldest = call.now - MEMORY;
    call.realm
        .db
        .write("keys.forget", oldest, |tx, oldest| {
            Box::pin(async move { sql::delete_older(tx, *oldest).await })
        })
        .await
}

/// Rotates one algorithm now; answers the new key's id.
pub async fn rotate(call: &Call, alg: Alg, urgency: Urgency) -> Result<Id<id::Key>> {
    let ahead = match urgency {
        Urgency::Scheduled => call.realm.settings.keys.publish_ahead,
        Urgency::Emergency => Duration::ZERO,
    };
    let step = step(call, alg, urgency, call.now + ahead, None).await?;
    let id = step.record.id;
    add(call, step).await?;
    Ok(id)
}

/// Takes a key that does not sign out of the JWKS, before its time.
///
/// # Errors
/// `NotFound`; `KeyState` for a key that signs, or is out of use already.
pub async fn retire(call: &Call, id: Id<id::Key>) -> Result<()> {
    let event = Event::new(call, "key.retired")?.subject(id);
    call.realm
        .db
        .write("keys.retire", (id, call.now, event), |tx, (id, now, event)| {
            Box::pin(async move {
                let keys = sql::all(tx).await?;
                let Some(key) = keys.iter().find(|key| key.id == *id) else {
                    return Err(Refusal::new(Code::NotFound).into());
                };
                match key.state(*now) {
                    State::Waiting => sql::revive_before(tx, key).await?,
                    State::Retired => {}
                    State::Active => {
                        let hint = "This key signs; rotate first";
                        return Err(Refusal::new(Code::KeyState).hint(hint).into());
                    }
                    State::Expired => {
                        return Err(Refusal::new(Code::KeyState).hint("This key is out of use").into());
                    }
                }
                sql::expire(tx, *id, *now).await?;
                audit::record(tx, event).await?;
                tx.raise_changes().await
            })
        })
        .await
}

async fn step(
    call: &Call,
    alg: Alg,
    urgency: Urgency,
    active_at: Time,
    unless_newer_than: Option<Time>,
) -> Result<Step> {
    let id: Id<id::Key> = call.id()?;
    let signing = tokio::task::spawn_blocking(move || SigningKey::generate(alg)).await??;
    let signing = signing.with_kid(&id.to_string());
    let sealed = call.realm.vault.seal(&call.realm.env, &place(id), &signing.to_pkcs8()?)?;
    let event = Event::new(call, "key.created")?
        .subject(id)
        .fact("alg", alg.as_str())
        .fact("urgency", if urgency == Urgency::Emergency { "emergency" } else { "scheduled" });
    let record = Record {
        id,
        alg,
        jwk: signing.jwk().clone(),
        created_at: call.now,
        published_at: call.now,
        active_at,
        retired_at: None,
        expires_at: None,
        sealed,
    };
    let overlap = call.realm.settings.keys.overlap;
    let withdrawn =
        Event::new(call, "key.withdrawn")?.fact("alg", alg.as_str()).fact("successor", id.to_string());
    let env = call.realm.env.clone();
    Ok(Step { record, urgency, unless_newer_than, overlap, event, withdrawn, env, now: call.now })
}

async fn add(call: &Call, step: Step) -> Result<()> {
    call.realm
        .db
        .write("keys.add", step, |tx, step| Box::pin(async move { write_step(tx, step).await }))
        .await
}

async fn write_step(tx: &mut Tx<'_>, step: &Step) -> Result<()> {
    tx.lock_exclusive(&["doorward.keys"]).await?;
    let Step { record, .. } = step;
    let mut known = sql::all(tx).await?;
    known.retain(|key| key.alg == record.alg);
    let newest = known.iter().map(|key| key.active_at).max();
    if step.unless_newer_than.is_some_and(|known| newest.is_some_and(|newest| newest > known)) {
        return Ok(());
    }
    let reason = if step.urgency == Urgency::Emergency { "emergency" } else { "scheduled" };
    sql::insert(tx, record, reason).await?;
    match step.urgency {
        Urgency::Scheduled => {
            let retired = record.active_at;
            sql::retire_others(tx, record.alg, record.id, retired, retired + step.overlap).await?;
        }
        Urgency::Emergency => {
            sql::expire_others(tx, record.alg, record.id, step.now).await?;
            for key in known.iter().filter(|key| key.state(step.now) != State::Expired) {
                audit::record(tx, &step.withdrawn.again(&step.env)?.subject(key.id)).await?;
            }
        }
    }
    audit::record(tx, &step.event).await?;
    tx.raise_changes().await
}
