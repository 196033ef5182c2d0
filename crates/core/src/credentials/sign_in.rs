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
    audit::{self, Event},
    call::{Actor, Call},
    outcome::{Code, Result, refuse},
    principals::{self, Status},
    sessions::{self, Session, Start},
    throttle::{self, Try},
    users,
};

/// Longer ones belong to nobody.
const LONGEST_IDENTIFIER: usize = 320;
const LONGEST_PASSWORD: usize = 1024;

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
    tried: Try,
    /// How long the next try waits if this one is wrong.
    wait: Duration,
}

/// Signs a person in by password.
pub async fn sign_in(call: &Call, ask: PasswordAsk) -> Result<SignedIn> {
    let fits = ask.identifier.len() <= LONGEST_IDENTIFIER && ask.password.expose().len() <= LONGEST_PASSWORD;
    let folded = if fits { users::fold_identifier(&ask.identifier) } else { String::new() };
    let begin = Begin { call: call.clone(), folded: folded.clone(), cookie: ask.cookie.clone() };
    let begun = begin.run().await?;
    let pool = &call.realm.passwords;
    let password = if fits { ask.password } else { SecretText::default() };
    let verified = pool.verify(&password, begun.stored.as_ref().filter(|_| fits)).await?;
    let Some(user) = begun.user.filter(|_| verified.is_right && begun.may_sign_in) else {
        return refused(call, &folded, &begun, verified).await;
    };
    let (start, cookie) = Start::new(call, ask.cookie.as_ref(), ACR, AMR)?;
    let upgrade = match begun.stored.filter(|stored| !stored.is_current()) {
        Some(old) => Some((old, pool.make(&password).await?)),
        None => None,
    };
    let by = call.by(Actor::User { id: user, session: start.id() });
    let event = Event::new(&by, "user.signed_in")?.subject(user).fact("amr", AMR);
    let complete = Complete { user, start, upgrade, tried: begun.tried, event, now: call.now };
    let session = complete.run(call).await?;
    Ok(SignedIn { cookie, session })
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
                    let wait = throttle::take(tx, &tried).await?;
                    let (stored, principal) = match user {
                        Some(user) => (sql::find(tx, user).await?, principals::find(tx, user).await?),
                        None => (None, None),
                    };
                    let may_sign_in = principal.is_some_and(|found| found.status == Status::Active);
                    let examples = sql::examples(tx).await?;
                    Ok(Begun { user, may_sign_in, stored, examples, tried, wait })
                })
            })
            .await
    }
}

/// Records the failure, waits until the slowest verification would have ended, and says no.
async fn refused(call: &Call, folded: &str, begun: &Begun, verified: Verified) -> Result<SignedIn> {
    let pool = &call.realm.passwords;
    let slowest = pool.slowest(&begun.examples).await?;
    let mut event = Event::refused(call, "user.sign_in_refused", Code::SignInFailed)?;
    // What was typed is recorded only where it is an account's name: it may be a password in the wrong
    // field.
    if let Some(user) = begun.user {
        event = event.subject(user).detail("identifier", folded);
    }
    audit::note(call, event.fact("next_try_in", begun.wait.as_secs())).await?;
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
    upgrade: Option<(Hashed, Hashed)>,
    tried: Try,
    event: Event,
    now: Time,
}

impl Complete {
    async fn run(self, call: &Call) -> Result<Session> {
        call.realm
            .db
            .write("sign_in.complete", self, |tx, ask| {
                Box::pin(async move {
                    throttle::give_back(tx, &ask.tried).await?;
                    if let Some((old, new)) = &ask.upgrade {
                        sql::upgrade(tx, ask.user, (old, new), ask.now).await?;
                    }
                    let session = sessions::start(tx, ask.user, &ask.start).await?;
                    let event = ask.event.clone().fact("session", session.id.to_string());
                    audit::record(tx, &event).await?;
                    Ok(session)
                })
            })
            .await
    }
}
