//! Writing the mails of an announcement to the outbox, a batch at a time.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::{Announcement, sql, unsubscribe};
use crate::{
    call::Call,
    db::{ReadTx, Tx},
    mail::{self, Mail, Recipient, Template},
    orgs,
    outcome::Result,
};

/// Mails at once, of all announcements together.
const BATCH: i64 = 100;
/// Announcements that share a batch.
const TOGETHER: i64 = 20;
/// The pause after a whole batch, and in proportion after a smaller one: six thousand mails an hour.
const PAUSE: Duration = Duration::from_mins(1);
/// A mail that could not be sent for so long is no news any more.
const LASTS: Duration = Duration::from_hours(72);

/// What an announcement says to whom in this batch.
#[derive(Debug)]
struct Turn {
    one: Announcement,
    /// The reader who was written to last.
    after: String,
    readers: Vec<sql::Reader>,
    /// Whether there may be more readers.
    has_more: bool,
}

/// Writes a batch if one is due; answers how many mails there are. Who is written to is found without a write
/// waiting for it: that walks everybody who belongs to a sender.
pub(crate) async fn send_due(call: &Call) -> Result<usize> {
    let call = Call { now: call.realm.env.now(), ..call.clone() };
    let db = &call.realm.db;
    if next_due(&call).await?.is_none_or(|due| due > call.now) {
        return Ok(0);
    }
    let turns = db
        .scan("announcements.turns", call.realm.instance_org, |tx, instance| Box::pin(turns(tx, *instance)));
    let ask = (call.clone(), turns.await?);
    db.write("announcements.send", ask, |tx, (call, turns)| Box::pin(batch(tx, call, turns))).await
}

/// Shares a batch out: what one does not need is there for the next.
async fn turns(tx: &mut ReadTx<'_>, instance: Id<Org>) -> Result<Vec<Turn>> {
    let due = sql::turns(tx, TOGETHER).await?;
    let (mut mails_left, mut turns_left) = (BATCH, i64::try_from(due.len()).unwrap_or(TOGETHER));
    let mut turns = Vec::with_capacity(due.len());
    for (one, after) in due {
        let share = mails_left / turns_left.max(1);
        let members_of = (one.org != instance).then_some(one.org);
        let readers = sql::readers(tx, members_of, &after, share).await?;
        let found = i64::try_from(readers.len()).unwrap_or(share);
        mails_left -= found;
        turns_left -= 1;
        turns.push(Turn { one, after, readers, has_more: found == share });
    }
    Ok(turns)
}

async fn batch(tx: &mut Tx<'_>, call: &Call, turns: &[Turn]) -> Result<usize> {
    tx.lock_exclusive(&["doorward.announcements"]).await?;
    // Another node may have been faster.
    if sql::next_due(tx).await?.is_none_or(|due| due > call.now) {
        return Ok(0);
    }
    let mails: i64 = turns.iter().map(|turn| i64::try_from(turn.readers.len()).unwrap_or(BATCH)).sum();
    let pause = PAUSE / u32::try_from(BATCH)? * u32::try_from(mails.max(1))?;
    let mut all = 0;
    for turn in turns {
        all += take(tx, call, turn, call.now + pause).await?;
    }
    Ok(all)
}

/// Writes to those who still want to hear it.
async fn take(tx: &mut Tx<'_>, call: &Call, turn: &Turn, next: Time) -> Result<usize> {
    let one = &turn.one;
    if !orgs::takes(tx, one.org).await? {
        sql::stop(tx, one.org, one.id, call.now).await?;
        return Ok(0);
    }
    let members_of = (one.org != call.realm.instance_org).then_some(one.org);
    let mut readers = Vec::with_capacity(turn.readers.len());
    for reader in &turn.readers {
        if sql::wants(tx, members_of, reader.user, &reader.email).await? {
            readers.push(reader);
        }
    }
    let last = turn.readers.last().map(|reader| reader.user.to_string());
    let advance = sql::Advance {
        from: &turn.after,
        to: last.as_deref().unwrap_or(&turn.after),
        written: i64::try_from(readers.len()).unwrap_or(BATCH),
        next,
        finished: (!turn.has_more).then_some(call.now),
    };
    if !sql::advance(tx, one, &advance).await? {
        return Ok(0);
    }
    for reader in &readers {
        write(tx, call, one, reader).await?;
    }
    Ok(readers.len())
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

/// When the next batch is due; `None` where nothing is to be said.
pub(crate) async fn next_due(call: &Call) -> Result<Option<Time>> {
    call.realm
        .db
        .read("announcements.next_due", (), |tx, ()| Box::pin(async move { sql::next_due(tx).await }))
        .await
}
