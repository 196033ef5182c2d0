//! Statements on workspaces and who is in them.

use doorward_proto::{
    id::{Id, Org, User},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::workspaces::{Change, Member, Own, Role, Workspace},
    outcome::Result,
    page::PageAsk,
};

const ALL: &str = "SELECT id, slug, name, everybody, version, created_at, updated_at FROM workspaces
    WHERE org_id = $1 ORDER BY id";
const FIND: &str = "SELECT id, slug, name, everybody, version, created_at, updated_at FROM workspaces
    WHERE org_id = $1 AND id = $2";
const FIND_SLUG: &str = "SELECT id, slug, name, everybody, version, created_at, updated_at FROM workspaces
    WHERE org_id = $1 AND slug = $2";
const INSERT: &str = "INSERT INTO workspaces (org_id, id, slug, name, everybody, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE workspaces SET slug = $3, name = $4, everybody = $5, updated_at = $6,
    version = version + 1 WHERE org_id = $1 AND id = $2";
const REMOVE: &str = "DELETE FROM workspaces WHERE org_id = $1 AND id = $2";
const EMPTY: &str = "DELETE FROM workspace_members WHERE org_id = $1 AND workspace_id = $2";
const REMOVE_ALL: &str = "DELETE FROM workspaces WHERE org_id = $1";
const EMPTY_ALL: &str = "DELETE FROM workspace_members WHERE org_id = $1";
const ROLES_OF: &str = "SELECT w.id, w.everybody FROM workspaces w
        WHERE w.org_id = $1 AND w.everybody IS NOT NULL
        AND EXISTS (SELECT 1 FROM memberships b WHERE b.org_id = $1 AND b.user_id = $2)
    UNION ALL SELECT m.workspace_id, m.role FROM workspace_members m WHERE m.org_id = $1 AND m.user_id = $2
    ORDER BY 1";
// every org: those of one person.
const OF_PERSON: &str = "SELECT o.id, o.name, w.id, w.slug, w.name, w.everybody FROM memberships b
        JOIN orgs o ON o.id = b.org_id JOIN workspaces w ON w.org_id = b.org_id
        WHERE b.user_id = $1 AND o.status = 0 AND w.everybody IS NOT NULL
    UNION ALL SELECT o.id, o.name, w.id, w.slug, w.name, m.role FROM workspace_members m
        JOIN orgs o ON o.id = m.org_id JOIN workspaces w ON w.org_id = m.org_id AND w.id = m.workspace_id
        WHERE m.user_id = $1 AND o.status = 0
    ORDER BY 1, 3";
// sort: the people of one organisation, when a workspace is opened to all of them
const MOST_HELD: &str = "SELECT COUNT(*) FROM workspace_members m
    JOIN workspaces w ON w.org_id = m.org_id AND w.id = m.workspace_id
    WHERE m.org_id = $1 AND w.everybody IS NULL GROUP BY m.user_id ORDER BY 1 DESC LIMIT 1";
const MEMBERS: &str = "SELECT m.user_id, u.name, e.address, m.role, m.created_at FROM workspace_members m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.workspace_id = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4";
const MEMBER: &str = "SELECT m.user_id, u.name, e.address, m.role, m.created_at FROM workspace_members m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.workspace_id = $2 AND m.user_id = $3";
const JOIN: &str = "INSERT INTO workspace_members (org_id, workspace_id, user_id, role, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const SET_ROLE: &str = "UPDATE workspace_members SET role = $4
    WHERE org_id = $1 AND workspace_id = $2 AND user_id = $3";
const TAKE_OUT: &str =
    "DELETE FROM workspace_members WHERE org_id = $1 AND workspace_id = $2 AND user_id = $3";
const LEAVE: &str = "DELETE FROM workspace_members WHERE org_id = $1 AND user_id = $2";
// every org: a person who is deleted leaves all.
const LEAVE_ALL: &str = "DELETE FROM workspace_members WHERE user_id = $1";

pub(in crate::orgs) async fn all(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Workspace>> {
    tx.all(ALL, args![org], read).await
}

/// By id, else by short name.
pub(in crate::orgs) async fn find(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    name: &str,
) -> Result<Option<Workspace>> {
    match tx.opt(FIND, args![org, name], read).await? {
        Some(found) => Ok(Some(found)),
        None => tx.opt(FIND_SLUG, args![org, name], read).await,
    }
}

pub(in crate::orgs) async fn insert(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (id, new): (&str, &Change),
    now: Time,
) -> Result<bool> {
    let values = args![org, id, &new.slug, &new.name, new.everybody.map(Role::name), now];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(in crate::orgs) async fn update(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (id, change): (&str, &Change),
    now: Time,
) -> Result<()> {
    let values = args![org, id, &change.slug, &change.name, change.everybody.map(Role::name), now];
    tx.exec(UPDATE, values).await?;
    Ok(())
}

/// Removes it with its members; answers how many there were.
pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, id: &str) -> Result<u64> {
    let people = tx.exec(EMPTY, args![org, id]).await?;
    tx.exec(REMOVE, args![org, id]).await?;
    Ok(people)
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(EMPTY_ALL, args![org]).await?;
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}

/// What the person is by being made a member, and by belonging to the organisation: a workspace can be there
/// twice.
pub(in crate::orgs) async fn roles_of(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    user: Id<User>,
) -> Result<Vec<(String, Role)>> {
    tx.all(ROLES_OF, args![org, user], |row| Ok((row.text(0)?, Role::stored(&row.text(1)?)?))).await
}

/// The same in every organisation.
pub(in crate::orgs) async fn of_person(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<Own>> {
    tx.all(OF_PERSON, args![user], |row| {
        Ok(Own {
            org: row.id(0)?,
            org_name: row.text(1)?,
            id: row.text(2)?,
            slug: row.opt_text(3)?,
            name: row.text(4)?,
            role: Role::stored(&row.text(5)?)?,
        })
    })
    .await
}

/// In how many workspaces, beside those that everybody is in, the person is who is in the most.
pub(in crate::orgs) async fn most_held(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<usize> {
    let most = tx.opt(MOST_HELD, args![org], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

pub(in crate::orgs) async fn members(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    workspace: &str,
    page: &PageAsk,
) -> Result<Vec<Member>> {
    let after = page.after.as_deref().unwrap_or_default();
    tx.all(MEMBERS, args![org, workspace, after, page.rows()], read_member).await
}

pub(in crate::orgs) async fn member(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    workspace: &str,
    user: Id<User>,
) -> Result<Option<Member>> {
    tx.opt(MEMBER, args![org, workspace, user], read_member).await
}

pub(in crate::orgs) async fn join(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (workspace, user, role): (&str, Id<User>, Role),
    now: Time,
) -> Result<()> {
    tx.exec(JOIN, args![org, workspace, user, role.name(), now]).await?;
    Ok(())
}

pub(in crate::orgs) async fn set_role(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (workspace, user, role): (&str, Id<User>, Role),
) -> Result<()> {
    tx.exec(SET_ROLE, args![org, workspace, user, role.name()]).await?;
    Ok(())
}

pub(in crate::orgs) async fn take_out(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (workspace, user): (&str, Id<User>),
) -> Result<()> {
    tx.exec(TAKE_OUT, args![org, workspace, user]).await?;
    Ok(())
}

pub(in crate::orgs) async fn leave(tx: &mut Tx<'_>, org: Id<Org>, user: Id<User>) -> Result<()> {
    tx.exec(LEAVE, args![org, user]).await?;
    Ok(())
}

pub(in crate::orgs) async fn leave_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(LEAVE_ALL, args![user]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Workspace> {
    Ok(Workspace {
        id: row.text(0)?,
        slug: row.opt_text(1)?,
        name: row.text(2)?,
        everybody: row.opt_text(3)?.map(|role| Role::stored(&role)).transpose()?,
        version: row.int(4)?,
        created_at: row.time(5)?,
        updated_at: row.time(6)?,
    })
}

fn read_member(row: &Row<'_>) -> Result<Member> {
    Ok(Member {
        user: row.id(0)?,
        name: row.opt_text(1)?,
        email: row.opt_text(2)?,
        role: Role::stored(&row.text(3)?)?,
        since: row.time(4)?,
    })
}
