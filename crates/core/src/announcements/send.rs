//! Writing the mails of an announcement to the outbox, a batch at a time.

use std::time::Duration;

use doorward_proto::time::Time;

use super::{Announcement, sql, unsubscribe};
use crate::{
    call::Call,
    db::Tx,
    mail::{self, Mail, Recipient, Template},
    orgs,
    outcome::Result,
};

/// Mails at once.
const BATCH: i64 = 100;
/// The pause between batches: six thousand mails an hour.
const PAUSE: Duration = Duration::from_mins(1);
/// A mail that could not be sent for so long is no news any more.
const LASTS: Duration = Duration::from_hours(72);

/// Writes a batch of each announcement that is due; answers how many mails there are.
pub(crate) async fn send_due(call: &Call) -> Result<usize> {
    let mut all = 0;
    loop {
        let call = Call { now: call.realm.env.now(), ..call.clone() };
        let written = call
            .realm
            .db
            .write("announcements.send", call.clone(), |tx, call| Box::pin(batch(tx, call)))
            .await?;
        let Some(written) = written else { return Ok(all) };
        all += written;
    }
}

/// The next batch of the announcement that has waited longest; `None` where none is due.
async fn batch(tx: &mut Tx<'_>, call: &Call) -> Result<Option<usize>> {
    let Some((one, after)) = sql::claim(tx, call.now, call.now + PAUSE).await? else { return Ok(None) };
    if !orgs::takes(tx, one.org).await? {
        sql::stop(tx, one.org, one.id, call.now).await?;
        return Ok(Some(0));
    }
    let members_of = (one.org != call.realm.instance_org).then_some(one.org);
    let readers = sql::readers(tx, members_of, &after, BATCH).await?;
    for reader in &readers {
        write(tx, call, &one, reader).await?;
    }
    let written = i64::try_from(readers.len()).unwrap_or(BATCH);
    let last = readers.last().map(|reader| reader.user.to_string());
    let finished = (written < BATCH).then_some(call.now);
    sql::advance(tx, &one, (last.as_deref().unwrap_or(&after), written, finished)).await?;
    Ok(Some(readers.len()))
}

async fn write(tx: &mut Tx<'_>, call: &Call, one: &Announcement, reader: &sql::Reader) -> Result<()> {
    let link = unsubscribe::address(call, one.org, reader.user);
    let parameters = [("subject", one.subject.as_str()), ("text", &one.text), ("link", &link)];
    let to = Recipient { user: Some(reader.user), email: &reader.email, locale: reader.locale.as_deref() };
    let mail = mail::prepare(call, &to, Template::Announcement, &parameters, Some(call.now + LASTS))?;
    mail::enqueue(tx, &mail.of(one.org)).await
}

/// Whether its reader still wants this mail of an announcement, at that address.
pub(crate) async fn wants(call: &Call, mail: &Mail) -> Result<bool> {
    let (Some(user), Some(org)) = (mail.user, mail.org) else { return Ok(false) };
    let members_of = (org != call.realm.instance_org).then_some(org);
    call.realm
        .db
        .read("announcements.wants", (members_of, user, mail.recipient.clone()), |tx, (org, user, email)| {
            Box::pin(async move { sql::wants(tx, *org, *user, email).await })
        })
        .await
}

/// When the next batch is due.
pub(crate) async fn next_due(call: &Call) -> Result<Option<Time>> {
    call.realm
        .db
        .read("announcements.next_due", (), |tx, ()| Box::pin(async move { sql::next_due(tx).await }))
        .await
}
