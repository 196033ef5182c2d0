//! Whether a proven domain still says whose it is: looked at once a day. One that has not said so for a week of
//! looks is not proven any more; whoever belongs to the organisation stays.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org as OrgKind},
    time::Time,
};

use super::Domain;
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    mail::{self, NewMail, Recipient, Template},
    orgs::sql,
    outcome::Result,
};

const DAY: Duration = Duration::from_hours(24);
/// For so long a domain may be silent.
const PATIENCE: Duration = Duration::from_hours(7 * 24);
/// And so often, at the least, it has to have been asked.
const LEAST_MISSES: i64 = 5;
/// Domains taken at once.
const AT_ONCE: i64 = 50;

/// A domain that is looked at.
#[derive(Debug, Clone)]
pub(in crate::orgs) struct Due {
    pub(in crate::orgs) org: Id<OrgKind>,
    pub(in crate::orgs) domain: Domain,
}

struct Look {
    call: Call,
    due: Due,
    /// What is written down, and who is told, where it is not proven any more.
    event: Event,
    mails: Vec<NewMail>,
}

/// Looks at the proven domains whose turn it is; answers how many are not proven any more. Run now and then, on every
/// node: each domain is looked at by one of them. A name server that does not answer says nothing about a domain.
///
/// # Errors
/// A fault when the database does not answer; what has been found stays found.
pub async fn recheck(call: &Call) -> Result<usize> {
    let mut lost = 0;
    loop {
        let turn = (call.now, call.now - DAY, AT_ONCE);
        let due = call.realm.db.write("orgs.domains.due", turn, |tx, (now, before, most)| {
            Box::pin(async move { sql::domains::take_due(tx, (*now, *before), *most).await })
        });
        let due = due.await?;
        if due.is_empty() {
            return Ok(lost);
        }
        for due in due {
            let Ok(records) = call.realm.env.txt(&due.domain.record()).await else { continue };
            let is_said = records.iter().any(|record| record.trim() == due.domain.value());
            lost += usize::from(note(call, due, is_said).await?);
        }
    }
}

/// Writes down what was seen; answers whether the domain is not proven any more.
async fn note(call: &Call, due: Due, is_said: bool) -> Result<bool> {
    if is_said {
        let seen = call.realm.db.write("orgs.domains.seen", due, |tx, due| {
            Box::pin(async move { sql::domains::seen(tx, due.org, &due.domain.name).await })
        });
        return seen.await.map(|()| false);
    }
    let owners = call.realm.db.read("orgs.domains.owners", due.org, |tx, org| {
        Box::pin(async move { sql::domains::owners(tx, *org).await })
    });
    let link = format!("{}/console/organizations/{}", call.realm.issuer, due.org);
    let (record, value) = (due.domain.record(), due.domain.value());
    let words = [("domain", &*due.domain.name), ("record", &*record), ("value", &*value), ("link", &*link)];
    let mut mails = Vec::new();
    for (user, email, locale) in owners.await? {
        let to = Recipient { user: Some(user), email: &email, locale: locale.as_deref() };
        mails.push(mail::prepare(call, &to, Template::DomainLost, &words, None)?);
    }
    let event = Event::new(call, "org.domain_lost")?.subject(due.org).org(due.org);
    let event = event.fact("domain", due.domain.name.clone());
    let ask = Look { call: call.clone(), due, event, mails };
    call.realm.db.write("orgs.domains.missed", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Look {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let (org, name, now) = (self.due.org, self.due.domain.name.as_str(), self.call.now);
        tx.lock_exclusive(&[&format!("doorward.domain.{name}")]).await?;
        let Some((misses, since)) = sql::domains::missed(tx, org, name, now).await? else { return Ok(false) };
        if misses < LEAST_MISSES || now.since(since) < PATIENCE {
            return Ok(false);
        }
        sql::domains::lose(tx, org, name).await?;
        tx.raise_changes().await?;
        for mail in &self.mails {
            mail::enqueue(tx, mail).await?;
        }
        audit::record(tx, &self.event).await?;
        Ok(true)
    }
}

/// Whom of an organisation mails go to: id, address, language.
pub(in crate::orgs) type Owner = (Id<doorward_proto::id::User>, String, Option<String>);

/// How often it was missed, and since when.
pub(in crate::orgs) type Missed = (i64, Time);
