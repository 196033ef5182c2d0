//! Listing, choosing and ending sessions.

use doorward_proto::{
    id::{Browser, Id, Org, Session as SessionKind, User},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};

use super::{OfPerson, Session, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    env::Env,
    orgs,
    outcome::{Code, Result, refuse},
    page::{Page, PageAsk},
    service_tokens::check_text,
};

/// Which sessions of a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(Id<SessionKind>),
    /// Every one.
    All,
}

/// The live sessions of a person, the newest first.
pub async fn list(call: &Call, user: Id<User>) -> Result<Vec<Session>> {
    let ask = (user, call.now, call.now - call.realm.settings.session.idle);
    call.realm
        .db
        .read("sessions.list", ask, |tx, (user, now, idle_since)| {
            Box::pin(async move { sql::of_user(tx, *user, *now, *idle_since).await })
        })
        .await
}

/// A page of all live sessions, or of one person's, for administrators.
pub async fn list_all(call: &Call, user: Option<Id<User>>, ask: PageAsk) -> Result<Page<OfPerson>> {
    let look = (ask.clone(), user, call.now, call.now - call.realm.settings.session.idle);
    let rows = call
        .realm
        .db
        .scan("sessions.list_all", look, |tx, (ask, user, now, idle_since)| {
            Box::pin(async move {
                let after = ask.after.as_deref().unwrap_or_default();
                match user {
                    Some(user) => sql::page_of_user(tx, *user, (after, ask.rows()), *now, *idle_since).await,
                    None => sql::page(tx, (after, ask.rows()), *now, *idle_since).await,
                }
            })
        })
        .await?;
    Ok(ask.page(rows, |one| one.session.id.to_string()))
}

/// A live session, for administrators.
///
/// # Errors
/// `NotFound`.
pub async fn live(call: &Call, session: Id<SessionKind>) -> Result<OfPerson> {
    let ask = (session, call.now, call.now - call.realm.settings.session.idle);
    let found = call
        .realm
        .db
        .read("sessions.live", ask, |tx, (session, now, idle_since)| {
            Box::pin(async move { sql::find_named(tx, *session, *now, *idle_since).await })
        })
        .await?;
    found.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// Whose live session it is.
///
/// # Errors
/// `NotFound`.
pub async fn owner(call: &Call, session: Id<SessionKind>) -> Result<Id<User>> {
    let found = call
        .realm
        .db
        .read("sessions.owner", (session, call.now), |tx, (session, now)| {
            Box::pin(async move { sql::find(tx, *session, *now).await })
        })
        .await?;
    found.map_or_else(|| refuse(Code::NotFound), |found| Ok(found.user))
}

struct End {
    user: Option<Id<User>>,
    session: Id<SessionKind>,
    now: Time,
    event: Event,
}

/// Ends one session and its grants. With `owner`, only that person's: another's is not found.
pub async fn end(call: &Call, owner: Option<Id<User>>, session: Id<SessionKind>) -> Result<()> {
    end_for(call, owner, session, None).await
}

/// The same, with the reason that somebody gave who ended what is not theirs.
///
/// # Errors
/// `RequestInvalid` for a reason that is empty or too long, `NotFound`.
pub async fn end_for(
    call: &Call,
    owner: Option<Id<User>>,
    session: Id<SessionKind>,
    reason: Option<&str>,
) -> Result<()> {
    let mut event = Event::new(call, "session.ended")?.fact("session", session.to_string());
    if let Some(reason) = reason {
        check_text("reason", reason)?;
        event = event.detail("reason", reason.trim());
    }
    let ask = End { user: owner, session, now: call.now, event };
    call.realm
        .db
        .write("sessions.end", ask, |tx, ask| {
            Box::pin(async move {
                let found = sql::find(tx, ask.session, ask.now).await?;
                let Some(found) = found.filter(|found| ask.user.is_none_or(|user| user == found.user)) else {
                    return refuse(Code::NotFound);
                };
                end_one(tx, ask.session, ask.now, "ended").await?;
                audit::record(tx, &ask.event.clone().subject(found.user)).await
            })
        })
        .await
}

async fn end_one(tx: &mut Tx<'_>, session: Id<SessionKind>, now: Time, reason: &str) -> Result<()> {
    if sql::end(tx, session, now, reason).await? > 0 {
        sql::end_grants_of_session(tx, session, now, reason).await?;
        tx.raise_changes().await?;
    }
    Ok(())
}

/// Ends every session of a person but one; answers how many there were.
pub async fn end_others(call: &Call, user: Id<User>, keep: Option<Id<SessionKind>>) -> Result<u64> {
    let event = Event::new(call, "session.others_ended")?.subject(user);
    call.realm
        .db
        .write("sessions.end_others", (user, keep, call.now, event), |tx, (user, keep, now, event)| {
            Box::pin(async move {
                let ended = super::end_all_of(tx, *user, *keep, *now, "ended").await?;
                audit::record(tx, &event.clone().fact("count", ended)).await?;
                Ok(ended)
            })
        })
        .await
}

struct AtBrowser {
    old: TokenHash,
    new: TokenHash,
    which: Which,
    now: Time,
    idle_since: Time,
    event: Event,
    env: Env,
}

fn at_browser(call: &Call, cookie: &Opaque, which: Which, code: &'static str) -> Result<(AtBrowser, Opaque)> {
    let secret = call.secret(Kind::Browser)?;
    let vault = &call.realm.vault;
    let ask = AtBrowser {
        old: vault.hash(cookie),
        new: vault.hash(&secret),
        which,
        now: call.now,
        idle_since: call.now - call.realm.settings.session.idle,
        event: Event::new(call, code)?,
        env: call.realm.env.clone(),
    };
    Ok((ask, secret))
}

async fn take_browser(tx: &mut Tx<'_>, ask: &AtBrowser) -> Result<Id<Browser>> {
    match sql::replace_secret(tx, ask.old, ask.new, ask.now).await? {
        Some(browser) => Ok(browser),
        None => refuse(Code::SignInRequired),
    }
}

/// Makes another live session of this browser the active one. Answers the browser's new cookie.
pub async fn choose(call: &Call, cookie: &Opaque, session: Id<SessionKind>) -> Result<Opaque> {
    let (ask, secret) = at_browser(call, cookie, Which::One(session), "session.chosen")?;
    call.realm
        .db
        .write("sessions.choose", ask, |tx, ask| {
            Box::pin(async move {
                let browser = take_browser(tx, ask).await?;
                let Some(signed) = sql::signed(tx, ask.new, ask.now, ask.idle_since).await? else {
                    return refuse(Code::SignInRequired);
                };
                let account = signed.accounts.iter().find(|a| ask.which == Which::One(a.session.id));
                let Some(account) = account else { return refuse(Code::NotFound) };
                sql::activate(tx, browser, account.session.id, ask.now).await?;
                audit::record(tx, &ask.event.clone().subject(account.session.user)).await
            })
        })
        .await?;
    Ok(secret)
}

/// Makes an organisation the active one of a session: what is issued next is for it, what was issued stays
/// for the one before.
///
/// # Errors
/// `NotFound` for an organisation that the person does not belong to, `SignInRequired` when the session has
/// ended.
pub async fn act_for(call: &Call, (session, user): (Id<SessionKind>, Id<User>), org: Id<Org>) -> Result<()> {
    let event = Event::new(call, "session.organization_chosen")?.subject(user).org(org);
    let event = event.fact("session", session.to_string());
    let ask = (session, user, org, (call.now, call.origin.address), event);
    let done = call
        .realm
        .db
        .write("sessions.act_for", ask, |tx, (session, user, org, (now, from), event)| {
            Box::pin(async move {
                tx.lock_shared(&[&org.to_string()]).await?;
                if orgs::standing(tx, *org, *user).await?.is_none() {
                    return refuse(Code::NotFound);
                }
                orgs::must_admit(tx, *org, *from).await?;
                if !sql::act_for(tx, (*session, *user), *org, *now).await? {
                    return refuse(Code::SignInRequired);
                }
                tx.raise_changes().await?;
                audit::record(tx, event).await
            })
        })
        .await;
    if done.as_ref().is_err_and(|error| error.code() == Some(Code::OrgAddress)) {
        orgs::note_refusal(call, org).await?;
    }
    done
}

/// Signs out one or all accounts of this browser. Answers the browser's new cookie; it stays known, so
/// that its people are recognised when they come back.
pub async fn sign_out(call: &Call, cookie: &Opaque, which: Which) -> Result<Opaque> {
    let (ask, secret) = at_browser(call, cookie, which, "user.signed_out")?;
    call.realm
        .db
        .write("sessions.sign_out", ask, |tx, ask| {
            Box::pin(async move {
                let browser = take_browser(tx, ask).await?;
                let Some(signed) = sql::signed(tx, ask.new, ask.now, ask.idle_since).await? else {
                    return Ok(());
                };
                for account in &signed.accounts {
                    let session = account.session.id;
                    if ask.which == Which::All || ask.which == Which::One(session) {
                        end_one(tx, session, ask.now, "signed_out").await?;
                        let event = ask.event.again(&ask.env)?;
                        let event = event.subject(account.session.user).fact("session", session.to_string());
                        audit::record(tx, &event).await?;
                    }
                }
                sql::activate_any(tx, browser, ask.now, ask.idle_since).await
            })
        })
        .await?;
    Ok(secret)
}
