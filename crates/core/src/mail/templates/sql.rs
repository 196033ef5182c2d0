//! Statements on what was written for mails.

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::Edited;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    mail::Template,
    outcome::Result,
};

/// Which mail, and in which language.
pub(super) type Which<'a> = (Template, &'a str);

const FIND: &str = "SELECT subject, body, html, version FROM mail_templates
    WHERE org_id = $1 AND template = $2 AND locale = $3";
const LIST: &str = "SELECT template, locale, version FROM mail_templates WHERE org_id = $1
    ORDER BY template, locale";
const SAVE: &str = "INSERT INTO mail_templates
        (org_id, template, locale, subject, body, html, version, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (org_id, template, locale) DO UPDATE SET subject = excluded.subject, body = excluded.body,
        html = excluded.html, version = excluded.version, updated_at = excluded.updated_at";
const REMOVE: &str = "DELETE FROM mail_templates WHERE org_id = $1 AND template = $2 AND locale = $3";
const REMOVE_ALL: &str = "DELETE FROM mail_templates WHERE org_id = $1";

fn read(row: &Row<'_>) -> Result<Edited> {
    Ok(Edited { subject: row.text(0)?, text: row.text(1)?, html: row.opt_text(2)?, version: row.int(3)? })
}

pub(super) async fn find(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    (template, locale): Which<'_>,
) -> Result<Option<Edited>> {
    tx.opt(FIND, args![org, template.name(), locale], read).await
}

/// Name, language and version of each.
pub(super) async fn list(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<(String, String, i64)>> {
    tx.all(LIST, args![org], |row| Ok((row.text(0)?, row.text(1)?, row.int(2)?))).await
}

pub(super) async fn save(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (template, locale): Which<'_>,
    edited: &Edited,
    now: Time,
) -> Result<()> {
    let values = args![
        org,
        template.name(),
        locale,
        &edited.subject,
        &edited.text,
        edited.html.as_deref(),
        edited.version,
        now
    ];
    tx.exec(SAVE, values).await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, (template, locale): Which<'_>) -> Result<u64> {
    tx.exec(REMOVE, args![org, template.name(), locale]).await
}

pub(super) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}
