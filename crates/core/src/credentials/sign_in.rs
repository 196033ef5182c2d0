//! Signing in with a password (ROWS 2): one answer, and one time, for every failure.
//!
//! An unknown account is verified against nobody's hash; a failed sign-in is answered no sooner than
//! the slowest verification that any account here would need, so neither the words nor the wait tell
//! whether the account exists or how its password is kept. The try is counted before the password is
//! looked at. A suspended person gets the same answer as a wrong password.

use std::{sync::Arc, time::Duration};

use doorward_proto::{
    id::{Id, User},
    secret::{Opaque, SecretText},
    time::Time,
};

use super::{Hashed, Verified, sql};
use crate::{
    audit::{self, Event, Refused},
    call::{Actor, Call},
    outcome::{Code, Error, Refusal, Result, refuse},
    principals::{self, Status},
    sessions::{self, Session, Start},
    throttle::{self, Taken},
    users,
};

/// Longer ones belong to nobody.
const LONGEST_IDENTIFIER: usize = 320;
const LONGEST_PASSWORD: usize = 1024;

/// Every `acr` that a sign-in can reach, for the metadata.
pub const ACR_VALUES: [&str; 1] = [ACR];
/// The `acr` of a sign-in by password alone.
pub(crate) const ACR: &str = "urn:doorward:acr:1";
/// Its `amr` (RFC 8176).
pub(crate) const AMR: &[&str] = &["pwd"];

/// A sign-in by password.
#[derive(Debug, Clone)]
pub struct PasswordAsk {
    /// A mail address or a user name, as typed.
    pub identifier: String,
    /// The password.
    pub password: SecretText,
    /// The cookie that the browser presented.
    pub cookie: Option<Opaque>,
}

/// A sign-in that succeeded.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The browser's new cookie; the one it had is worth nothing any more.
    pub cookie: Opaque,
    /// The session, which is the browser's active one now.
    pub session: Session,
}

struct Begin {
    call: Call,
    folded: String,
    cookie: Option<Opaque>,
}

struct Begun {
    user: Option<Id<User>>,
    may_sign_in: bool,
    stored: Option<Hashed>,
    examples: Vec<Hashed>,
    taken: Taken,
}

/// Signs a person in by password. Once begun it ends, even when the caller has gone: a try that was
/// counted would stay counted otherwise, though the password was right.
pub async fn sign_in(call: &Call, ask: PasswordAsk) -> Result<SignedIn> {
    let call = call.clone();
    tokio::spawn(async move { counted(&call, ask).await }).await?
}

async fn counted(call: &Call, ask: PasswordAsk) -> Result<SignedIn> {
    let outcome = judged(call, ask).await;
    let label = match &outcome {
        Ok(_) => "granted",
        Err(Error::Refused(refusal)) => refusal.code.name(),
        Err(Error::Fault(_)) => "fault",
    };
    metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
    outcome
}

async fn judged(call: &Call, ask: PasswordAsk) -> Result<SignedIn> {
    // The second time is for a hash that another sign-in has just replaced by a newer one.
    for _ in 0..2 {
        if let Some(signed_in) = attempt(call, &ask).await? {
            return Ok(signed_in);
        }
    }
    refuse(Code::SignInFailed)
}

/// `None` when the stored hash changed while it was being verified.
async fn attempt(call: &Call, ask: &PasswordAsk) -> Result<Option<SignedIn>> {
    let fits = ask.identifier.len() <= LONGEST_IDENTIFIER && ask.password.expose().len() <= LONGEST_PASSWORD;
    let folded = if fits { users::fold_identifier(&ask.identifier) } else { String::new() };
    let begin = Begin { call: call.clone(), folded: folded.clone(), cookie: ask.cookie.clone() };
    let begun = match begin.run().await {
        Err(Error::Refused(refusal)) => return slowed_down(call, refusal).await,
        other => other?,
    };
    let pool = &call.realm.passwords;
    let password = if fits { ask.password.clone() } else { SecretText::default() };
    let verified = match pool.verify(&password, begun.stored.as_ref().filter(|_| fits)).await {
        Err(error) => return not_looked_at(call, begun.taken, error).await,
        Ok(verified) => verified,
    };
    let Some(user) = begun.user.filter(|_| verified.is_right && begun.may_sign_in) else {
        return refused(call, &folded, &begun, verified).await;
    };
    let (start, cookie) = Start::new(call, ask.cookie.as_ref(), ACR, AMR)?;
    let Some(stored) = begun.stored else { return refuse(Code::SignInFailed) };
    let better = if stored.is_current() { None } else { Some(pool.make(&password).await?) };
    let by = call.by(Actor::User { id: user, session: start.id() });
    let event = Event::new(&by, "user.signed_in")?.subject(user).fact("amr", AMR);
    let complete = Complete { user, start, stored, better, taken: begun.taken, event, now: call.now };
    let session = complete.run(call).await?;
    Ok(session.map(|session| SignedIn { cookie, session }))
}

impl Begin {
    /// Counts the try and finds what it must be measured against.
    async fn run(self) -> Result<Begun> {
        let realm = Arc::clone(&self.call.realm);
        realm
            .db
            .write("sign_in.begin", self, |tx, ask| {
                Box::pin(async move {
                    let call = &ask.call;
                    let user = users::find_by_identifier(tx, &ask.folded).await?;
                    let known = match (user, &ask.cookie) {
                        (Some(user), Some(cookie)) => {
                            sessions::is_known_browser(tx, call.realm.vault.hash(cookie), user).await?
                        }
                        _ => None,
                    };
                    let tried = throttle::sign_in(call, &ask.folded, known);
                    let taken = throttle::take(tx, &tried).await?;
                    let (stored, principal) = match user {
                        Some(user) => (sql::find(tx, user).await?, principals::find(tx, user).await?),
                        None => (None, None),
                    };
                    let may_sign_in = principal.is_some_and(|found| found.status == Status::Active);
                    let examples = sql::examples(tx).await?;
                    Ok(Begun { user, may_sign_in, stored, examples, taken })
                })
            })
            .await
    }
}

/// Gives the try back where the server had no time for it: that is nobody's guess.
async fn not_looked_at<T>(call: &Call, taken: Taken, error: Error) -> Result<T> {
    call.realm
        .db
        .write("sign_in.give_back", taken, |tx, taken| {
            Box::pin(async move { throttle::give_back(tx, taken).await })
        })
        .await?;
    Err(error)
}

/// Records that somebody has to wait, once a minute and address.
async fn slowed_down<T>(call: &Call, refusal: Refusal) -> Result<T> {
    let what = Refused {
        event: "user.sign_in_slowed",
        route: "sign_in",
        code: refusal.code,
        org: None,
        identity: call.origin.network(),
    };
    audit::refused(call, what, |event| event).await?;
    Err(refusal.into())
}

/// Records the failure, waits until the slowest verification would have ended, and says no.
async fn refused<T>(call: &Call, folded: &str, begun: &Begun, verified: Verified) -> Result<T> {
    let pool = &call.realm.passwords;
    let slowest = pool.slowest(&begun.examples).await?;
    let mut event = Event::refused(call, "user.sign_in_refused", Code::SignInFailed)?;
    // What was typed is recorded only where it is an account's name: it may be a password in the wrong
    // field.
    if let Some(user) = begun.user {
        event = event.subject(user).detail("identifier", folded);
    }
    audit::note(call, event.fact("next_try_in", begun.taken.wait.as_secs())).await?;
    call.realm.env.pause(remaining(slowest, verified.took)).await;
    refuse(Code::SignInFailed)
}

/// A quarter above the slowest seen, so that an unlucky verification does not stand out.
fn remaining(slowest: Duration, took: Duration) -> Duration {
    (slowest + slowest / 4).saturating_sub(took)
}

struct Complete {
    user: Id<User>,
    start: Start,
    /// The hash that was verified.
    stored: Hashed,
    /// What takes its place, when it is not as new ones are.
    better: Option<Hashed>,
    taken: Taken,
    event: Event,
    now: Time,
}

impl Complete {
    async fn run(self, call: &Call) -> Result<Option<Session>> {
        call.realm
            .db
            .write("sign_in.complete", self, |tx, ask| {
                Box::pin(async move {
                    throttle::give_back(tx, &ask.taken).await?;
                    tx.lock_shared(&[&ask.user.to_string()]).await?;
                    // Replaced while it was being verified: by its owner, who ended every session, or by
                    // another sign-in that found it old.
                    if sql::find(tx, ask.user).await?.as_ref() != Some(&ask.stored) {
                        return Ok(None);
                    }
                    if let Some(better) = &ask.better {
                        sql::upgrade(tx, ask.user, (&ask.stored, better), ask.now).await?;
                    }
                    let session = sessions::start(tx, ask.user, &ask.start).await?;
                    let event = ask.event.clone().fact("session", session.id.to_string());
                    audit::record(tx, &event).await?;
                    Ok(Some(session))
                })
            })
            .await
    }
}
