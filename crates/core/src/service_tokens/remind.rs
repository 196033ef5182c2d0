//! Reminders before a token ends: to whoever answers for it, once for each distance.
//!
//! What has been told is written with the mail in one operation, so that neither a restart nor a second node
//! tells it again. A token that lives hardly longer than a distance is not announced at it: whoever made it
//! knows.

use std::time::Duration;

use doorward_proto::{
    id::{Id, ServiceToken, User},
    time::Time,
};

use super::{Key, Token, present, sql};
use crate::{
    audit,
    call::Call,
    db::{ReadTx, Tx},
    mail::{self, Recipient, Template},
    outcome::Result,
    users::{self, Email, PlatformRole},
};

/// How many days before the end, the nearest first: who is told of a day needs no word about a week.
const DISTANCES: [i64; 3] = [1, 7, 14];
const DAY: Duration = Duration::from_hours(24);
/// Of one distance in one run.
const AT_ONCE: i64 = 500;

/// A distance in days, seen from now.
pub(super) struct Distance {
    pub(super) days: i64,
    pub(super) now: Time,
    pub(super) until: Time,
    pub(super) limit: i64,
}

impl Distance {
    fn new(days: i64, now: Time) -> Self {
        let until = now + DAY * u32::try_from(days).unwrap_or(u32::MAX);
        Self { days, now, until, limit: AT_ONCE }
    }
}

struct Remind {
    call: Call,
    id: Id<ServiceToken>,
    days: i64,
}

/// Tells of tokens that end soon; answers of how many. Run now and then, on every node.
///
/// # Errors
/// A fault when the database does not answer; what has been told stays told.
pub async fn remind(call: &Call) -> Result<usize> {
    let mut told = 0;
    for days in DISTANCES {
        let due = call.realm.db.read("service_tokens.due", Distance::new(days, call.now), |tx, distance| {
            Box::pin(async move { sql::due(tx, distance).await })
        });
        for id in due.await? {
            let ask = Remind { call: call.clone(), id, days };
            let is_news =
                call.realm.db.write("service_tokens.remind", ask, |tx, ask| Box::pin(tell(tx, ask)));
            told += usize::from(is_news.await?);
        }
    }
    Ok(told)
}

async fn tell(tx: &mut Tx<'_>, ask: &Remind) -> Result<bool> {
    if !sql::reminded(tx, ask.id, ask.days).await? {
        return Ok(false);
    }
    let token = present(tx, &Key::Version(ask.id)).await?;
    let Some(end) = token.expires_at else { return Ok(false) };
    let owner = owner(tx, &token).await?;
    if let Some(owner) = &owner {
        let left = end.since(ask.call.now).as_secs().div_ceil(DAY.as_secs()).to_string();
        let when = end.to_human();
        let words = [("days", left.as_str()), ("when", &when)];
        owner.write(tx, &ask.call, (&token, Template::ServiceTokenEnds, Some(end)), &words).await?;
    }
    let event = token.event(&ask.call, "service_token.expiring")?;
    let event = event.fact("expires_at", end.to_string()).fact("is_told", owner.is_some());
    audit::record(tx, &event).await?;
    Ok(true)
}

/// Who answers for a token.
pub(super) struct Owner {
    user: Option<Id<User>>,
    email: String,
    locale: Option<String>,
    /// Whether the console opens for this reader.
    may_enter: bool,
}

impl Owner {
    fn known(person: users::User, email: String) -> Self {
        let may_enter = person.platform_role == PlatformRole::Administrator;
        Self { user: Some(person.id), email, locale: person.locale, may_enter }
    }

    /// Writes about a token: with a link to its page where the reader is let in, else with whom to ask.
    pub(super) async fn write(
        &self,
        tx: &mut Tx<'_>,
        call: &Call,
        (token, template, expires_at): (&Token, Template, Option<Time>),
        more: &[(&str, &str)],
    ) -> Result<()> {
        let link = format!("{}/console/service-tokens/{}", call.realm.issuer, token.id);
        let way = if self.may_enter { "link" } else { "ask" };
        let mut words = vec![("name", token.name.as_str()), ("way", way)];
        words.extend(self.may_enter.then_some(("link", link.as_str())));
        words.extend_from_slice(more);
        let to = Recipient { user: self.user, email: &self.email, locale: self.locale.as_deref() };
        mail::enqueue(tx, &mail::prepare(call, &to, template, &words, expires_at)?).await
    }
}

/// Who is named as the owner of the newest version, by mail address or by id; else the person who made it.
pub(super) async fn owner(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<Owner>> {
    let newest = sql::newest_versions(tx, token.lineage, 1).await?.pop();
    let newest = newest.as_ref().unwrap_or(token);
    let named = newest.notes.owner.as_deref().unwrap_or_default().trim();
    if let Ok(address) = Email::parse(named) {
        let email = address.address().to_owned();
        let person = match users::find_by_identifier(tx, address.folded()).await? {
            Some(user) => users::find_in(tx, user).await?,
            None => None,
        };
        return Ok(Some(match person {
            Some(person) => Owner::known(person, email),
            None => Owner { user: None, email, locale: None, may_enter: false },
        }));
    }
    for name in [named, &newest.created_by] {
        let Ok(id) = name.parse() else { continue };
        if let Some(mut person) = users::find_in(tx, id).await?
            && let Some(email) = person.email.take()
        {
            return Ok(Some(Owner::known(person, email)));
        }
    }
    Ok(None)
}
