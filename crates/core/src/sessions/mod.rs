//! Signed-in sessions: one browser holds one cookie and several sessions, of which one is active.
//!
//! The cookie is a random secret of which only the keyed hash is kept; it is replaced at every change
//! of privilege (sign-in, choice of account, sign-out), so a fixed or stolen one is worth nothing
//! afterwards. A session ends when it was not used for the idle limit, at its absolute limit, with its
//! person's status, or by hand; its grants end with it, except those that outlive sessions
//! (`offline_access`). Nothing about a session lives in the cookie.

mod limits;
mod manage;
mod sql;
mod start;

use std::{cmp::Reverse, time::Duration};

use doorward_proto::{
    id::{Browser, Id, Org, Session as SessionKind, User},
    secret::{Opaque, TokenHash},
    time::Time,
};

pub(crate) use limits::carries;
pub use limits::end_overdue;
pub use manage::{Which, act_for, choose, end, end_for, end_others, list, list_all, live, owner, sign_out};
pub(crate) use start::{Start, start};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    outcome::Result,
    principals::Principal,
    providers::FEDERATED,
    users::PlatformRole,
};

/// The last use is written down no more often than this.
const SEEN_EVERY: std::time::Duration = std::time::Duration::from_mins(1);

/// One signed-in session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of tokens.
    pub id: Id<SessionKind>,
    /// Where it lives.
    pub browser: Id<Browser>,
    /// Who is signed in.
    pub user: Id<User>,
    /// The active organisation.
    pub org: Id<Org>,
    /// When the person proved who they are.
    pub auth_time: Time,
    /// How well (`acr`).
    pub acr: String,
    /// By what (`amr`, RFC 8176).
    pub amr: Vec<String>,
    /// The address at sign-in.
    pub address: String,
    /// The browser at sign-in, as it names itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it was used last, to the minute.
    pub seen_at: Time,
    /// When it ends in any case.
    pub expires_at: Time,
}

/// How long ago somebody may have signed in who does what cannot be undone.
const FRESH: Duration = Duration::from_mins(10);

impl Session {
    /// Whether the person has proven only just now, and here, who they are. A provider may sign in again whoever
    /// is signed in there, without asking anybody anything.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.amr.iter().all(|word| word != FEDERATED) && now.since(self.auth_time) <= FRESH
    }
}

/// A session with the name of its person.
#[derive(Debug, Clone)]
pub struct OfPerson {
    /// The session.
    pub session: Session,
    /// The mail address; without one the user name, or the name.
    pub who: Option<String>,
}

/// A live session with what pages and tokens need of its person.
#[derive(Debug, Clone)]
pub struct Account {
    /// The session.
    pub session: Session,
    /// The person's principal: active, since the session is live.
    pub principal: Principal,
    /// The person's name.
    pub name: Option<String>,
    /// The person's primary mail address.
    pub email: Option<String>,
    /// The other name the person signs in with.
    pub username: Option<String>,
    /// What the person may do to the platform.
    pub platform_role: PlatformRole,
    /// The person's language.
    pub locale: Option<String>,
    /// The person's time zone.
    pub zone: Option<String>,
}

impl Account {
    /// Whether this is what the person signs in with.
    pub fn is_called(&self, identifier: &str) -> bool {
        let names = [self.email.as_deref(), self.username.as_deref()];
        names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(identifier.trim()))
    }
}

/// Who is signed in at one browser.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The browser.
    pub browser: Id<Browser>,
    /// Every live session, the oldest first.
    pub accounts: Vec<Account>,
    /// The one in use, if it is live.
    pub active: Option<Id<SessionKind>>,
}

impl Signed {
    /// The account in use.
    pub fn active(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| Some(account.session.id) == self.active)
    }

    /// Every account: the one in use first, then the last used ones, the newest first where the minute
    /// is the same.
    pub fn by_last_use(&self) -> Vec<&Account> {
        let mut accounts: Vec<&Account> = self.accounts.iter().collect();
        accounts.sort_by_key(|account| {
            let session = &account.session;
            Reverse((Some(session.id) == self.active, session.seen_at, session.id))
        });
        accounts
    }
}

struct Look {
    hash: TokenHash,
    now: Time,
    idle_since: Time,
}

/// Who is signed in under this cookie: one read, and a write at most once a minute. `None` when the
/// cookie is unknown.
pub async fn find(call: &Call, cookie: &Opaque) -> Result<Option<Signed>> {
    let idle_since = call.now - call.realm.settings.session.idle;
    let look = Look { hash: call.realm.vault.hash(cookie), now: call.now, idle_since };
    let found = call
        .realm
        .db
        .read("sessions.find", look, |tx, look| {
            Box::pin(async move { sql::signed(tx, look.hash, look.now, look.idle_since).await })
        })
        .await?;
    if let Some(active) = found.as_ref().and_then(Signed::active)
        && active.session.seen_at + SEEN_EVERY <= call.now
    {
        note_seen(call, active.session.id).await?;
    }
    Ok(found)
}

async fn note_seen(call: &Call, id: Id<SessionKind>) -> Result<()> {
    let ask = (id, call.now, call.now - SEEN_EVERY);
    call.realm
        .db
        .write("sessions.seen", ask, |tx, (id, now, before)| {
            Box::pin(async move { sql::seen(tx, *id, *now, *before).await })
        })
        .await
}

/// Whether this person has been signed in at this browser before: then strangers' failures elsewhere
/// do not slow the person down here.
pub(crate) async fn is_known_browser(
    tx: &mut ReadTx<'_>,
    cookie: TokenHash,
    user: Id<User>,
) -> Result<Option<Id<Browser>>> {
    sql::known_browser(tx, cookie, user).await
}

/// Ends the sessions of a person, all but one, and the grants made in them.
pub(crate) async fn end_all_of(
    tx: &mut Tx<'_>,
    user: Id<User>,
    keep: Option<Id<SessionKind>>,
    now: Time,
    reason: &str,
) -> Result<u64> {
    let ended = sql::end_all_of(tx, user, keep, now, reason).await?;
    if ended > 0 {
        tx.raise_changes().await?;
    }
    Ok(ended)
}

/// Ends the grants of a person, those that outlive sessions too, all but what was made in one session.
pub(crate) async fn end_grants_of(
    tx: &mut Tx<'_>,
    user: Id<User>,
    keep: Option<Id<SessionKind>>,
    now: Time,
) -> Result<()> {
    sql::end_grants_of(tx, user, keep, now).await?;
    tx.raise_changes().await
}

/// Takes addresses and browser names out of the sessions of a person who is deleted.
pub(crate) async fn forget_places(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::forget_places(tx, user).await
}

/// Removes what has been over for long, a batch at a time; answers how many rows went.
pub(crate) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    sql::clean(tx, before).await
}
