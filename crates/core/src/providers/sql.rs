//! Statements on identity providers and the identities of people there.

use doorward_proto::{
    id::{self, Id, Org, User},
    time::Time,
};

use super::{Connection, Provider, Settings, Usage};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    page::PageAsk,
};

const FIND: &str = "SELECT id, org_id, slug, settings, sealed, version, created_at, updated_at
    FROM providers WHERE id = $1";
const FIND_SLUG: &str = "SELECT id, org_id, slug, settings, sealed, version, created_at, updated_at
    FROM providers WHERE slug = $1";
const LIST: &str = "SELECT id, org_id, slug, settings, sealed, version, created_at, updated_at
    FROM providers WHERE id > $1 ORDER BY id LIMIT $2";
const LIST_OF: &str = "SELECT id, org_id, slug, settings, sealed, version, created_at, updated_at
    FROM providers WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3";
const ENABLED: &str = "SELECT id, org_id, slug, settings, sealed, version, created_at, updated_at
    FROM providers WHERE org_id = $1 AND is_enabled = 1 ORDER BY id LIMIT 100";
const INSERT: &str = "INSERT INTO providers (id, org_id, slug, is_enabled, settings, sealed, created_at,
    updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (slug) DO NOTHING";
const UPDATE: &str = "UPDATE providers SET is_enabled = $3, settings = $4, sealed = $5, updated_at = $6,
    version = version + 1 WHERE id = $1 AND version = $2";
const DELETE: &str = "DELETE FROM providers WHERE id = $1";
const DELETE_IDENTITIES: &str = "DELETE FROM identities WHERE provider_id = $1";
const DELETE_IDENTITIES_OF: &str =
    "DELETE FROM identities WHERE provider_id IN (SELECT id FROM providers WHERE org_id = $1)";
const DELETE_OF: &str = "DELETE FROM providers WHERE org_id = $1";
const USAGE: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(uses), 0) AS BIGINT), MAX(last_used_at)
    FROM identities WHERE provider_id = $1";

const IDENTITY: &str = "SELECT user_id FROM identities WHERE provider_id = $1 AND subject = $2";
const LINK: &str = "INSERT INTO identities (provider_id, subject, user_id, email, linked_at, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
const USE: &str = "UPDATE identities SET email = $3, last_used_at = $4, uses = uses + 1
    WHERE provider_id = $1 AND subject = $2";
// sort: the identities of one person
const OF_USER: &str = "SELECT i.provider_id, p.slug, p.settings, i.email, i.linked_at, i.last_used_at
    FROM identities i JOIN providers p ON p.id = i.provider_id
    WHERE i.user_id = $1 ORDER BY i.provider_id, i.linked_at LIMIT 500";
const UNLINK: &str = "DELETE FROM identities WHERE user_id = $1 AND provider_id = $2";
const FORGET: &str = "DELETE FROM identities WHERE user_id = $1";

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<id::Provider>) -> Result<Option<Provider>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn find_slug(tx: &mut ReadTx<'_>, slug: &str) -> Result<Option<Provider>> {
    tx.opt(FIND_SLUG, args![slug], read).await
}

pub(super) async fn list(tx: &mut ReadTx<'_>, page: &PageAsk) -> Result<Vec<Provider>> {
    tx.all(LIST, args![page.after.as_deref().unwrap_or_default(), page.rows()], read).await
}

pub(super) async fn list_of(tx: &mut ReadTx<'_>, org: Id<Org>, page: &PageAsk) -> Result<Vec<Provider>> {
    tx.all(LIST_OF, args![org, page.after.as_deref().unwrap_or_default(), page.rows()], read).await
}

pub(super) async fn enabled(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Provider>> {
    tx.all(ENABLED, args![org], read).await
}

pub(super) async fn usage(tx: &mut ReadTx<'_>, id: Id<id::Provider>) -> Result<Usage> {
    let read = |row: &Row<'_>| {
        Ok(Usage { people: row.int(0)?, sign_ins: row.int(1)?, last_used_at: row.opt_time(2)? })
    };
    Ok(tx.opt(USAGE, args![id], read).await?.unwrap_or_default())
}

/// Removes every provider of an organisation with what they say of people.
pub(super) async fn delete_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<u64> {
    tx.exec(DELETE_IDENTITIES_OF, args![org]).await?;
    tx.exec(DELETE_OF, args![org]).await
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    (id, org, slug): (Id<id::Provider>, Id<Org>, &str),
    (settings, sealed): (&Settings, &Option<Vec<u8>>),
    now: Time,
) -> Result<bool> {
    let values = args![
        id,
        org,
        slug,
        i64::from(settings.is_enabled),
        serde_json::to_string(settings)?,
        sealed.as_deref(),
        now
    ];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(
    tx: &mut Tx<'_>,
    (id, seen): (Id<id::Provider>, i64),
    (settings, sealed): (&Settings, &Option<Vec<u8>>),
    now: Time,
) -> Result<bool> {
    let values = args![
        id,
        seen,
        i64::from(settings.is_enabled),
        serde_json::to_string(settings)?,
        sealed.as_deref(),
        now
    ];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

/// Removes a provider with what it says of people; answers of how many identities.
pub(super) async fn delete(tx: &mut Tx<'_>, id: Id<id::Provider>) -> Result<u64> {
    let identities = tx.exec(DELETE_IDENTITIES, args![id]).await?;
    tx.exec(DELETE, args![id]).await?;
    Ok(identities)
}

pub(super) async fn identity(
    tx: &mut ReadTx<'_>,
    provider: Id<id::Provider>,
    subject: &str,
) -> Result<Option<Id<User>>> {
    tx.opt(IDENTITY, args![provider, subject], |row| row.id(0)).await
}

pub(super) async fn link(
    tx: &mut Tx<'_>,
    (provider, subject): (Id<id::Provider>, &str),
    (user, email): (Id<User>, Option<&str>),
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(LINK, args![provider, subject, user, email, now]).await? > 0)
}

pub(super) async fn note_use(
    tx: &mut Tx<'_>,
    (provider, subject): (Id<id::Provider>, &str),
    email: Option<&str>,
    now: Time,
) -> Result<()> {
    tx.exec(USE, args![provider, subject, email, now]).await?;
    Ok(())
}

pub(super) async fn of_user(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<Connection>> {
    tx.all(OF_USER, args![user], |row| {
        let settings: Settings = serde_json::from_str(&row.text(2)?)?;
        Ok(Connection {
            provider: row.id(0)?,
            slug: row.text(1)?,
            name: settings.name,
            is_enabled: settings.is_enabled,
            email: row.opt_text(3)?,
            linked_at: row.time(4)?,
            last_used_at: row.time(5)?,
        })
    })
    .await
}

pub(super) async fn unlink(tx: &mut Tx<'_>, user: Id<User>, provider: Id<id::Provider>) -> Result<u64> {
    tx.exec(UNLINK, args![user, provider]).await
}

pub(super) async fn forget(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET, args![user]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Provider> {
    let sealed = row.opt_bytes(4)?;
    Ok(Provider {
        id: row.id(0)?,
        org: row.id(1)?,
        slug: row.text(2)?,
        settings: serde_json::from_str(&row.text(3)?)?,
        has_secret: sealed.is_some(),
        sealed,
        version: row.int(5)?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}
