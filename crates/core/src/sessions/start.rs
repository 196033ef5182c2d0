//! Beginning a session, as the last step of whatever proved who the person is.

use doorward_proto::{
    id::{Browser, Id, Session as SessionKind, User},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};

use super::{Session, sql};
use crate::{
    call::Call,
    db::Tx,
    outcome::{Code, Error, Result, refuse},
    principals::{self, Status},
};

/// A session about to begin: ids and secrets are made outside the operation.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(super) session: Id<SessionKind>,
    pub(super) browser: Id<Browser>,
    pub(super) hash: TokenHash,
    pub(super) old: Option<TokenHash>,
    pub(super) acr: &'static str,
    pub(super) amr: String,
    pub(super) address: String,
    pub(super) user_agent: Option<String>,
    pub(super) now: Time,
    pub(super) idle_since: Time,
    pub(super) expires_at: Time,
}

impl Start {
    /// Prepares a session, and the new cookie of the browser that will hold it. `cookie` is the one that
    /// the browser presented; it is worth nothing afterwards.
    pub(crate) fn new(
        call: &Call,
        cookie: Option<&Opaque>,
        acr: &'static str,
        amr: &[&str],
    ) -> Result<(Self, Opaque)> {
        let (vault, limits) = (&call.realm.vault, &call.realm.settings.session);
        let secret = call.secret(Kind::Browser)?;
        let start = Self {
            session: call.id()?,
            browser: call.id()?,
            hash: vault.hash(&secret),
            old: cookie.map(|cookie| vault.hash(cookie)),
            acr,
            amr: amr.join(" "),
            address: call.origin.address.to_string(),
            user_agent: call.origin.user_agent.clone(),
            now: call.now,
            idle_since: call.now - limits.idle,
            expires_at: call.now + limits.absolute,
        };
        Ok((start, secret))
    }

    /// The session's id, unless a live one of the same person is renewed.
    pub(crate) const fn id(&self) -> Id<SessionKind> {
        self.session
    }
}

/// Begins the session, or proves the live one of the same person at the same browser anew: its id and
/// its grants stay, its times begin again.
pub(crate) async fn start(tx: &mut Tx<'_>, user: Id<User>, start: &Start) -> Result<Session> {
    tx.lock_shared(&[&user.to_string()]).await?;
    let principal = match principals::find(tx, user).await? {
        Some(principal) if principal.status == Status::Active => principal,
        _ => return refuse(Code::SignInFailed),
    };
    let browser = match start.old {
        Some(old) => sql::replace_secret(tx, old, start.hash, start.now).await?,
        None => None,
    };
    let browser = if let Some(browser) = browser {
        browser
    } else {
        sql::insert_browser(tx, start.browser, start.hash, start.now).await?;
        start.browser
    };
    let session = if let Some(session) = sql::renew(tx, browser, user, start).await? {
        session
    } else {
        sql::insert(tx, browser, user, principal.org, start).await?;
        start.session
    };
    sql::activate(tx, browser, session, start.now).await?;
    sql::find(tx, session, start.now).await?.ok_or_else(|| Error::fault("the new session is not there"))
}
