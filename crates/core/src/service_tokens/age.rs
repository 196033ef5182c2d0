//! Reviews, and reminders of age: whether a token is needed still is looked at now and then, and one that does
//! not end by itself is rotated now and then.
//!
//! What is due is told to whoever answers for the token, once for each review and each version: what has
//! been told is written with the mail in one operation.

use std::time::Duration;

use doorward_proto::{
    id::{Id, ServiceToken},
    time::Time,
};

use super::{Key, State, Token, lock, present, remind::owner, sql, validate};
use crate::{
    audit,
    call::Call,
    db::Tx,
    mail::Template,
    outcome::{Code, Refusal, Result},
    rights::Rights,
};

/// Of one kind in one run.
const AT_ONCE: i64 = 500;

/// What comes with age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Nobody has looked after it for long.
    Review,
    /// It does not end by itself, and has its secret for long.
    Rotation,
}

impl Age {
    fn every(self, call: &Call) -> Duration {
        let settings = &call.realm.settings.service_tokens;
        match self {
            Self::Review => settings.review_every,
            Self::Rotation => settings.rotate_every,
        }
    }

    const fn words(self) -> (Template, &'static str) {
        match self {
            Self::Review => (Template::ServiceTokenReview, "service_token.review_due"),
            Self::Rotation => (Template::ServiceTokenRotation, "service_token.rotation_due"),
        }
    }
}

/// When a token has to be reviewed; never where reviews are turned off, and not of what has ended.
pub fn review_due(call: &Call, token: &Token) -> Option<Time> {
    let every = Age::Review.every(call);
    let is_live = token.state(call.now) == State::Active;
    (is_live && !every.is_zero()).then(|| token.reviewed_at + every)
}

struct Remind {
    call: Call,
    id: Id<ServiceToken>,
    age: Age,
    until: Time,
}

/// Tells of tokens whose review or rotation is due; answers of how many. Run now and then, on every node.
///
/// # Errors
/// A fault when the database does not answer; what has been told stays told.
pub async fn remind_of_age(call: &Call) -> Result<usize> {
    let mut told = 0;
    for age in [Age::Review, Age::Rotation] {
        let every = age.every(call);
        if every.is_zero() {
            continue;
        }
        let until = call.now - every;
        let due = call.realm.db.read("service_tokens.aged", (age, until), |tx, (age, until)| {
            Box::pin(async move { sql::aged(tx, *age, (*until, AT_ONCE)).await })
        });
        for id in due.await? {
            let ask = Remind { call: call.clone(), id, age, until };
            let is_news =
                call.realm.db.write("service_tokens.remind_of_age", ask, |tx, ask| Box::pin(tell(tx, ask)));
            told += usize::from(is_news.await?);
        }
    }
    Ok(told)
}

async fn tell(tx: &mut Tx<'_>, ask: &Remind) -> Result<bool> {
    if !sql::aged_told(tx, ask.age, (ask.id, ask.until)).await? {
        return Ok(false);
    }
    let token = present(tx, &Key::Version(ask.id)).await?;
    if token.state(ask.call.now) != State::Active {
        return Ok(false);
    }
    let (template, code) = ask.age.words();
    let owner = owner(tx, &token).await?;
    if let Some(owner) = &owner {
        let since = if ask.age == Age::Review { token.reviewed_at } else { token.issued_at };
        let when = since.to_human();
        owner.write(tx, &ask.call, (&token, template, None), &[("when", &when)]).await?;
    }
    let event = token.event(&ask.call, code)?.fact("is_told", owner.is_some());
    audit::record(tx, &event).await?;
    Ok(true)
}

struct Review {
    call: Call,
    key: Key,
    note: Option<String>,
    rights: Rights,
}

/// Notes that somebody has looked whether a token is needed, and with these rights: its newest version, whichever
/// was asked for.
///
/// # Errors
/// `TokenNotFound`, `TokenEnded`, `RequestInvalid` for a note that nobody could read, `ScopeMissing` where the
/// token may do more than the caller.
pub async fn review(call: &Call, key: Key, note: Option<String>, rights: Rights) -> Result<Token> {
    if let Some(note) = &note {
        validate::check_text("note", note)?;
    }
    let ask = Review { call: call.clone(), key, note, rights };
    call.realm.db.write("service_tokens.review", ask, |tx, ask| Box::pin(look(tx, ask))).await
}

async fn look(tx: &mut Tx<'_>, ask: &Review) -> Result<Token> {
    let lineage = present(tx, &ask.key).await?.lineage;
    lock(tx, lineage).await?;
    let newest = sql::newest_versions(tx, lineage, 1).await?.pop();
    let token = newest.ok_or_else(|| Refusal::new(Code::TokenNotFound))?;
    ask.rights.over(token.scopes.iter())?;
    let now = ask.call.now;
    if token.state(now) != State::Active || !sql::review(tx, token.id, now).await? {
        let ended = Refusal::new(Code::TokenEnded).hint("It works no more: there is nothing to review");
        return Err(ended.fact("status", token.state(now).name()).into());
    }
    let mut event = token.event(&ask.call, "service_token.reviewed")?;
    if let Some(note) = &ask.note {
        event = event.detail("note", note.clone());
    }
    audit::record(tx, &event).await?;
    present(tx, &Key::Version(token.id)).await
}
