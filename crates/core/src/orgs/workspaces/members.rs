//! Who works in a workspace, and as what.

use doorward_proto::{
    id::{Id, User},
    time::Time,
};

use super::{
    MOST_OF_PERSON, Role, WRITE, Workspace,
    manage::{event, too_many},
    must_see, present,
};
use crate::{
    audit,
    call::Call,
    db::Tx,
    orgs::{OrgScope, manage::conflict, sql},
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

/// A person in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: Id<User>,
    /// The person's name.
    pub name: Option<String>,
    /// The primary mail address.
    pub email: Option<String>,
    /// The role here.
    pub role: Role,
    /// Since when.
    pub since: Time,
}

/// A page of who was made a member, by the person's id. Where everybody is in it, the others are in no list.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn members(call: &Call, scope: &OrgScope, name: &str, page: PageAsk) -> Result<Page<Member>> {
    must_see(scope)?;
    let ask = (scope.id(), name.to_owned(), page);
    call.realm
        .db
        .read("orgs.workspaces.members", ask, |tx, (org, name, page)| {
            Box::pin(async move {
                let workspace = present(tx, *org, name).await?;
                let rows = sql::workspaces::members(tx, *org, &workspace.id, page).await?;
                Ok(page.page(rows, |member| member.user.to_string()))
            })
        })
        .await
}

/// One member.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn member(call: &Call, scope: &OrgScope, name: &str, user: Id<User>) -> Result<Member> {
    must_see(scope)?;
    let ask = (scope.id(), name.to_owned(), user);
    let read = call.realm.db.read("orgs.workspaces.member", ask, |tx, (org, name, user)| {
        Box::pin(async move {
            let workspace = present(tx, *org, name).await?;
            let found = sql::workspaces::member(tx, *org, &workspace.id, *user).await?;
            found.map_or_else(|| refuse(Code::NotFound), Ok)
        })
    });
    read.await
}

struct Ask {
    call: Call,
    scope: OrgScope,
    name: String,
    user: Id<User>,
    role: Option<Role>,
}

impl Ask {
    fn new(
        call: &Call,
        scope: &OrgScope,
        (name, user): (&str, Id<User>),
        role: Option<Role>,
    ) -> Result<Self> {
        scope.must(WRITE)?;
        Ok(Self { call: call.clone(), scope: scope.clone(), name: name.to_owned(), user, role })
    }

    /// The workspace, and what the person is in it, in an organisation that is locked.
    async fn found(&self, tx: &mut Tx<'_>) -> Result<(Workspace, Option<Member>)> {
        self.scope.lock(tx).await?;
        let workspace = present(tx, self.scope.id(), &self.name).await?;
        let member = sql::workspaces::member(tx, self.scope.id(), &workspace.id, self.user).await?;
        Ok((workspace, member))
    }

    async fn done(&self, tx: &mut Tx<'_>, code: &'static str, workspace: &Workspace) -> Result<()> {
        let event = event(&self.call, &self.scope, code, &workspace.id)?.subject(self.user);
        audit::record(tx, &event.fact("role", self.role.map(Role::name))).await
    }

    async fn present(&self, tx: &mut Tx<'_>, workspace: &Workspace) -> Result<Member> {
        let found = sql::workspaces::member(tx, self.scope.id(), &workspace.id, self.user).await?;
        found.map_or_else(|| refuse(Code::NotFound), Ok)
    }
}

/// Makes somebody of the organisation a member of one of its workspaces.
///
/// # Errors
/// `ScopeMissing`, `NotFound`, `RequestInvalid` for who does not belong to the organisation, `Conflict` for
/// who is one already and for one workspace too many.
pub async fn add(call: &Call, scope: &OrgScope, name: &str, user: Id<User>, role: Role) -> Result<Member> {
    let ask = Ask::new(call, scope, (name, user), Some(role))?;
    call.realm
        .db
        .write("orgs.workspaces.add", (ask, role), |tx, (ask, role)| {
            Box::pin(async move {
                let (org, user) = (ask.scope.id(), ask.user);
                let (workspace, member) = ask.found(tx).await?;
                if sql::members::role(tx, org, user).await?.is_none() {
                    let hint = "Only who belongs to the organisation is in its workspaces";
                    return Err(Refusal::new(Code::RequestInvalid).field("user_id").hint(hint).into());
                }
                if member.is_some() {
                    return conflict("The person is a member already");
                }
                if workspace.everybody.is_none()
                    && super::ids_of(tx, org, user).await?.len() >= MOST_OF_PERSON
                {
                    return Err(too_many());
                }
                sql::workspaces::join(tx, org, (&workspace.id, user, *role), ask.call.now).await?;
                ask.done(tx, "org.workspace_member_added", &workspace).await?;
                ask.present(tx, &workspace).await
            })
        })
        .await
}

/// Gives a member another role.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn set_role(
    call: &Call,
    scope: &OrgScope,
    name: &str,
    user: Id<User>,
    role: Role,
) -> Result<Member> {
    let ask = Ask::new(call, scope, (name, user), Some(role))?;
    call.realm
        .db
        .write("orgs.workspaces.set_role", (ask, role), |tx, (ask, role)| {
            Box::pin(async move {
                let (workspace, member) = ask.found(tx).await?;
                let Some(before) = member else { return refuse(Code::NotFound) };
                if before.role != *role {
                    sql::workspaces::set_role(tx, ask.scope.id(), (&workspace.id, ask.user, *role)).await?;
                    tx.raise_changes().await?;
                    ask.done(tx, "org.workspace_role_changed", &workspace).await?;
                }
                ask.present(tx, &workspace).await
            })
        })
        .await
}

/// Takes a member out. Tokens that say otherwise are refused here with the answer, unless everybody is in it.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn take_out(call: &Call, scope: &OrgScope, name: &str, user: Id<User>) -> Result<()> {
    let ask = Ask::new(call, scope, (name, user), None)?;
    call.realm
        .db
        .write("orgs.workspaces.take_out", ask, |tx, ask| {
            Box::pin(async move {
                let (workspace, member) = ask.found(tx).await?;
                if member.is_none() {
                    return refuse(Code::NotFound);
                }
                sql::workspaces::take_out(tx, ask.scope.id(), (&workspace.id, ask.user)).await?;
                tx.raise_changes().await?;
                ask.done(tx, "org.workspace_member_removed", &workspace).await
            })
        })
        .await
}
