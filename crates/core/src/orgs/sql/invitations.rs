//! Statements on invitations.

use doorward_proto::{
    id::{Id, Invitation as InvitationKind, Org, User},
    secret::TokenHash,
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::invitations::{Invitation, Offer},
    outcome::Result,
    page::PageAsk,
};

const INSERT: &str =
    "INSERT INTO invitations (org_id, id, email, email_folded, role, hash, is_mailed, invited_by,
    created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REPLACE: &str = "UPDATE invitations SET revoked_at = $3
    WHERE org_id = $1 AND email_folded = $2 AND accepted_at IS NULL AND revoked_at IS NULL";
const LIST: &str =
    "SELECT id, org_id, email, role, is_mailed, invited_by, created_at, expires_at FROM invitations
    WHERE org_id = $1 AND id > $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $4
    ORDER BY id LIMIT $3";
// every org: whoever holds the link is told which one it is.
const FIND: &str =
    "SELECT id, org_id, email, role, is_mailed, invited_by, created_at, expires_at FROM invitations
    WHERE hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2";
// every org: those of one address, for its owner.
const OFFERS: &str =
    "SELECT i.id, i.org_id, i.email, i.role, i.is_mailed, i.invited_by, i.created_at, i.expires_at,
        o.id, o.kind, o.slug, o.name, o.status, o.joined_by, o.allowed_addresses, o.version, o.created_at, o.updated_at
    FROM invitations i JOIN orgs o ON o.id = i.org_id
    WHERE i.email_folded = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2
    AND o.status = 0 ORDER BY i.org_id LIMIT 100";
const OPEN_FOR: &str =
    "SELECT id, org_id, email, role, is_mailed, invited_by, created_at, expires_at FROM invitations
    WHERE org_id = $1 AND email_folded = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3";
const ACCEPT: &str = "UPDATE invitations SET accepted_at = $4, accepted_by = $3
    WHERE org_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $4";
const REVOKE: &str = "UPDATE invitations SET revoked_at = $3
    WHERE org_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL";
const REVOKE_BY: &str = "UPDATE invitations SET revoked_at = $3
    WHERE org_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL";
const HAS_ROLE: &str = "SELECT id FROM invitations
    WHERE org_id = $1 AND role = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3 LIMIT 1";
const REMOVE_ALL: &str = "DELETE FROM invitations WHERE org_id = $1";

pub(in crate::orgs) async fn insert(
    tx: &mut Tx<'_>,
    new: &Invitation,
    folded: &str,
    hash: TokenHash,
) -> Result<()> {
    let values = args![
        new.org,
        new.id,
        &new.email,
        folded,
        &new.role,
        hash,
        new.is_mailed,
        &new.invited_by,
        new.created_at,
        new.expires_at
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

/// Ends the open invitations that somebody made.
pub(in crate::orgs) async fn revoke_by(tx: &mut Tx<'_>, org: Id<Org>, by: Id<User>, now: Time) -> Result<()> {
    tx.exec(REVOKE_BY, args![org, by, now]).await?;
    Ok(())
}

/// Ends the open invitation of an address, for another to take its place.
pub(in crate::orgs) async fn replace(tx: &mut Tx<'_>, org: Id<Org>, folded: &str, now: Time) -> Result<()> {
    tx.exec(REPLACE, args![org, folded, now]).await?;
    Ok(())
}

pub(in crate::orgs) async fn list(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    page: &PageAsk,
    now: Time,
) -> Result<Vec<Invitation>> {
    let after = page.after.as_deref().unwrap_or_default();
    tx.all(LIST, args![org, after, page.rows(), now], read).await
}

pub(in crate::orgs) async fn find(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
    now: Time,
) -> Result<Option<Invitation>> {
    tx.opt(FIND, args![hash, now], read).await
}

/// The open invitations of an address, of organisations that are active.
pub(in crate::orgs) async fn offers(tx: &mut ReadTx<'_>, folded: &str, now: Time) -> Result<Vec<Offer>> {
    tx.all(OFFERS, args![folded, now], |row| {
        Ok(Offer { invitation: read(row)?, org: super::read_org(row, 8)?, has_account: true })
    })
    .await
}

/// The open invitation of an address to one organisation.
pub(in crate::orgs) async fn open_for(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    folded: &str,
    now: Time,
) -> Result<Option<Invitation>> {
    tx.opt(OPEN_FOR, args![org, folded, now], read).await
}

/// The one statement that decides who joins by it.
pub(in crate::orgs) async fn accept(
    tx: &mut Tx<'_>,
    invitation: &Invitation,
    user: Id<User>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(ACCEPT, args![invitation.org, invitation.id, user, now]).await? == 1)
}

pub(in crate::orgs) async fn revoke(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    id: Id<InvitationKind>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(REVOKE, args![org, id, now]).await? == 1)
}

/// Whether an open invitation offers the role.
pub(in crate::orgs) async fn has_role(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    role: &str,
    now: Time,
) -> Result<bool> {
    Ok(tx.opt(HAS_ROLE, args![org, role, now], |row| row.text(0)).await?.is_some())
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Invitation> {
    Ok(Invitation {
        id: row.id(0)?,
        org: row.id(1)?,
        email: row.text(2)?,
        role: row.text(3)?,
        is_mailed: row.flag(4)?,
        invited_by: row.text(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
    })
}
