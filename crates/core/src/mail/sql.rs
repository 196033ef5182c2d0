//! Statements on the outbox.

use doorward_proto::{
    id::{Id, Mail as MailKind, User},
    time::Time,
};

use super::{Mail, NewMail, Status, Template};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

/// A mail with its sealed parameters.
pub(super) type Sealed = (Mail, Vec<u8>);

const INSERT: &str = "INSERT INTO mails
        (id, user_id, org_id, client_id, recipient, template, locale, parameters, due_at, created_at, expires_at,
        priority)
    VALUES ($1, $2, $9, $10, $3, $4, $5, $6, $7, $7, $8, $11)";
const FIND: &str = "SELECT id, user_id, recipient, template, locale, status, attempts, due_at, sent_at,
        last_error, created_at, expires_at, org_id, client_id, parameters
    FROM mails WHERE id = $1";
const LIST: &str = "SELECT id, user_id, recipient, template, locale, status, attempts, due_at, sent_at,
        last_error, created_at, expires_at, org_id, client_id
    FROM mails WHERE id < $1 ORDER BY id DESC LIMIT $2";
/// Of nearly all of them, along their ids: by an index of the status, all would be sorted first.
const LIST_STATUS: &str =
    "SELECT id, user_id, recipient, template, locale, status, attempts, due_at, sent_at,
        last_error, created_at, expires_at, org_id, client_id
    FROM mails WHERE id < $1 AND status + 0 = $3 ORDER BY id DESC LIMIT $2";
/// Of the few that were not sent, along an index of those alone.
const LIST_UNSENT: &str =
    "SELECT id, user_id, recipient, template, locale, status, attempts, due_at, sent_at,
        last_error, created_at, expires_at, org_id, client_id
    FROM mails WHERE id < $1 AND status <> 1 AND status = $3 ORDER BY id DESC LIMIT $2";
const CLAIM: &str = "UPDATE mails SET claimed_until = $2, attempts = attempts + 1
    WHERE id = (SELECT id FROM mails WHERE status = 0 AND due_at <= $1
            AND (claimed_until IS NULL OR claimed_until <= $1)
        ORDER BY priority, due_at, id LIMIT 1)
        AND status = 0 AND due_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
    RETURNING id, user_id, recipient, template, locale, status, attempts, due_at, sent_at, last_error,
        created_at, expires_at, org_id, client_id, parameters";
const SENT: &str = "UPDATE mails SET status = 1, sent_at = $2, claimed_until = NULL, last_error = NULL
    WHERE id = $1 AND status = 0";
const FAILED: &str = "UPDATE mails SET status = $2, due_at = $3, claimed_until = NULL, last_error = $4
    WHERE id = $1 AND status = 0";
const RETRY: &str = "UPDATE mails SET status = 0, due_at = $2, claimed_until = NULL
    WHERE id = $1 AND status <> 1";
const NEXT_DUE: &str = "SELECT MIN(due_at) FROM mails WHERE status = 0 AND priority = $1";
const REMOVE_ALL_OF: &str = "DELETE FROM mails WHERE user_id = $1";
const CLEAN: &str = "DELETE FROM mails WHERE id IN (
    SELECT id FROM mails WHERE created_at < $1 AND status <> 0 ORDER BY created_at LIMIT 500)";

pub(super) async fn insert(tx: &mut Tx<'_>, mail: &NewMail) -> Result<()> {
    let values = args![
        mail.id,
        mail.user,
        &mail.recipient,
        mail.template.name(),
        &mail.locale,
        &mail.parameters,
        mail.now,
        mail.expires_at,
        mail.org,
        mail.client,
        mail.template.priority()
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Mail> {
    Ok(Mail {
        id: row.id(0)?,
        user: row.opt_id(1)?,
        recipient: row.text(2)?,
        template: Template::from_name(&row.text(3)?)?,
        locale: row.text(4)?,
        status: Status::from_number(row.int(5)?)?,
        attempts: row.int(6)?,
        due_at: row.time(7)?,
        sent_at: row.opt_time(8)?,
        last_error: row.opt_text(9)?,
        created_at: row.time(10)?,
        expires_at: row.opt_time(11)?,
        org: row.opt_id(12)?,
        client: row.opt_id(13)?,
    })
}

fn read_sealed(row: &Row<'_>) -> Result<Sealed> {
    Ok((read(row)?, row.bytes(14)?))
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<MailKind>) -> Result<Option<Sealed>> {
    tx.opt(FIND, args![id], read_sealed).await
}

pub(super) async fn list(
    tx: &mut ReadTx<'_>,
    status: Option<Status>,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<Mail>> {
    // Ids are lower-case letters and digits: every one lies before this.
    let before = after.unwrap_or("~");
    match status {
        None => tx.all(LIST, args![before, rows], read).await,
        Some(status) => {
            let (statement, number): (&str, i64) = match status {
                Status::Waiting => (LIST_UNSENT, 0),
                Status::Sent => (LIST_STATUS, 1),
                Status::GivenUp => (LIST_UNSENT, 2),
            };
            tx.all(statement, args![before, rows, number], read).await
        }
    }
}

pub(super) async fn claim(tx: &mut Tx<'_>, now: Time, until: Time) -> Result<Option<Sealed>> {
    tx.opt(CLAIM, args![now, until], read_sealed).await
}

pub(super) async fn sent(tx: &mut Tx<'_>, id: Id<MailKind>, now: Time) -> Result<()> {
    tx.exec(SENT, args![id, now]).await?;
    Ok(())
}

pub(super) async fn failed(
    tx: &mut Tx<'_>,
    id: Id<MailKind>,
    gives_up: bool,
    due_at: Time,
    why: &str,
) -> Result<()> {
    let status: i64 = if gives_up { 2 } else { 0 };
    tx.exec(FAILED, args![id, status, due_at, why]).await?;
    Ok(())
}

pub(super) async fn retry(tx: &mut Tx<'_>, id: Id<MailKind>, now: Time) -> Result<u64> {
    tx.exec(RETRY, args![id, now]).await
}

pub(super) async fn next_due(tx: &mut ReadTx<'_>) -> Result<Option<Time>> {
    let mut next: Option<Time> = None;
    for priority in Template::PRIORITIES {
        let due = tx.opt(NEXT_DUE, args![priority], |row| row.opt_time(0)).await?.flatten();
        next = next.into_iter().chain(due).min();
    }
    Ok(next)
}

pub(super) async fn remove_all_of(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(REMOVE_ALL_OF, args![user]).await?;
    Ok(())
}

pub(super) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(CLEAN, args![before]).await
}
