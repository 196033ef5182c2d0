//! Who belongs to an organisation, and as what.
//!
//! Nobody acts on who stands above: to give or to take a role one has to hold what it holds, so owners are
//! made and unmade by owners (and by who administers the instance). A team that has an owner keeps one.

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};

use super::{Kind, OrgScope, Standing, let_go, manage::conflict, permissions, roles, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
    principals::Status,
    users,
};

/// A person in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: Id<User>,
    /// The person's name.
    pub name: Option<String>,
    /// The primary mail address.
    pub email: Option<String>,
    /// The role here.
    pub role: String,
    /// Whether the person may sign in.
    pub status: Status,
    /// Since when.
    pub since: Time,
}

/// A page of members, by the person's id.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a mail address or a person's id.
    pub page: PageAsk,
    /// Only those of this role.
    pub role: Option<String>,
}

/// A page of members.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope, ask: ListAsk) -> Result<Page<Member>> {
    scope.must("org:members:read")?;
    call.realm
        .db
        .read("orgs.members.list", (scope.id(), ask), |tx, (org, ask)| {
            Box::pin(async move {
                let rows = sql::members::list(tx, *org, ask).await?;
                Ok(ask.page.page(rows, |member| member.user.to_string()))
            })
        })
        .await
}

/// One member; who changes members also sees them.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn get(call: &Call, scope: &OrgScope, user: Id<User>) -> Result<Member> {
    scope.must("org:members:write").or_else(|_| scope.must("org:members:read"))?;
    let ask = (scope.id(), user);
    let read = call.realm.db.read("orgs.members.get", ask, |tx, (org, user)| {
        Box::pin(async move { sql::members::find(tx, *org, *user).await })
    });
    read.await?.map_or_else(|| refuse(Code::NotFound), Ok)
}

#[derive(Clone)]
struct Ask {
    call: Call,
    scope: OrgScope,
    user: Id<User>,
    role: String,
}

impl Ask {
    fn new(call: &Call, scope: &OrgScope, user: Id<User>, role: &str) -> Result<Self> {
        scope.must("org:members:write")?;
        if scope.org().kind == Kind::Personal {
            return conflict("A personal organisation has one member; make an organisation for several");
        }
        Ok(Self { call: call.clone(), scope: scope.clone(), user, role: role.to_owned() })
    }

    /// What the role to be given holds; it must be one of the organisation's, within what one holds.
    async fn given(&self, tx: &mut Tx<'_>) -> Result<Vec<String>> {
        let held = roles::permissions_in(tx, self.scope.id(), &self.role).await?;
        self.scope.cover(&held)?;
        Ok(held)
    }

    /// What the person is now, within what one holds.
    async fn taken(&self, tx: &mut Tx<'_>) -> Result<Standing> {
        let Some(role) = sql::members::role(tx, self.scope.id(), self.user).await? else {
            return refuse(Code::NotFound);
        };
        let held = roles::permissions_in(tx, self.scope.id(), &role).await?;
        self.scope.cover(&held)?;
        Ok(Standing { role, permissions: held })
    }

    fn event(&self, code: &'static str) -> Result<Event> {
        Ok(Event::new(&self.call, code)?.subject(self.user).org(self.scope.id()))
    }
}

/// Makes a person a member without being asked: for who administers the instance.
///
/// # Errors
/// `ScopeMissing`, `NotFound` for nobody, `Conflict` for who is one already, `RequestInvalid` for a role
/// that the organisation does not have.
pub async fn add(call: &Call, scope: &OrgScope, user: Id<User>, role: &str) -> Result<Member> {
    let ask = Ask::new(call, scope, user, role)?;
    if !scope.is_platform() {
        return Err(Refusal::new(Code::Forbidden).hint("Invite the person").into());
    }
    call.realm
        .db
        .write("orgs.members.add", ask, |tx, ask| {
            Box::pin(async move {
                let (org, user) = (ask.scope.id(), ask.user);
                ask.scope.lock(tx).await?;
                ask.given(tx).await?;
                if users::find_in(tx, user).await?.is_none_or(|user| user.status == Status::Ended) {
                    return Err(Refusal::new(Code::NotFound).hint("No such person").into());
                }
                users::anonymous::refuse(tx, user).await?;
                if !sql::join(tx, org, user, &ask.role, ask.call.now).await? {
                    return conflict("The person is a member already");
                }
                tx.raise_changes().await?;
                audit::record(tx, &ask.event("org.member_added")?.fact("role", ask.role.clone())).await?;
                present(tx, org, user).await
            })
        })
        .await
}

async fn present(tx: &mut Tx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<Member> {
    sql::members::find(tx, org, user).await?.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// Gives a member another role; tokens that say the old one are worth nothing here with the answer.
///
/// # Errors
/// `ScopeMissing` for who does not hold what either role holds, `NotFound`, `RequestInvalid` for an unknown
/// role, `LastOwner`.
pub async fn set_role(call: &Call, scope: &OrgScope, user: Id<User>, role: &str) -> Result<Member> {
    let ask = Ask::new(call, scope, user, role)?;
    call.realm
        .db
        .write("orgs.members.set_role", ask, |tx, ask| {
            Box::pin(async move {
                let (org, user) = (ask.scope.id(), ask.user);
                ask.scope.lock(tx).await?;
                let before = ask.taken(tx).await?;
                ask.given(tx).await?;
                if before.role != ask.role {
                    if before.role == permissions::OWNER {
                        keep_an_owner(tx, org, user).await?;
                    }
                    sql::members::set_role(tx, org, user, &ask.role).await?;
                    sql::invitations::revoke_by(tx, org, user, ask.call.now).await?;
                    tx.raise_changes().await?;
                    let event = ask.event("org.role_changed")?.fact("before", before.role);
                    audit::record(tx, &event.fact("role", ask.role.clone())).await?;
                }
                present(tx, org, user).await
            })
        })
        .await
}

/// Takes a member out: grants in the organisation's name end with the answer.
///
/// # Errors
/// `ScopeMissing` for who does not hold what the member holds, `NotFound`, `LastOwner`.
pub async fn remove(call: &Call, scope: &OrgScope, user: Id<User>) -> Result<()> {
    let ask = Ask::new(call, scope, user, "")?;
    call.realm
        .db
        .write("orgs.members.remove", ask, |tx, ask| {
            Box::pin(async move {
                ask.scope.lock(tx).await?;
                let before = ask.taken(tx).await?;
                take_out(tx, (ask.scope.id(), ask.user), &before.role, ask.call.now).await?;
                sql::invitations::revoke_by(tx, ask.scope.id(), ask.user, ask.call.now).await?;
                audit::record(tx, &ask.event("org.member_removed")?.fact("role", before.role)).await
            })
        })
        .await
}

/// Leaves an organisation by oneself.
///
/// # Errors
/// `NotFound` for who does not belong to it, `LastOwner`, `Conflict` for the personal one.
pub async fn leave(call: &Call, org: Id<OrgKind>, user: Id<User>) -> Result<()> {
    call.realm
        .db
        .write("orgs.members.leave", (call.clone(), org, user), |tx, (call, org, user)| {
            Box::pin(async move {
                tx.lock_exclusive(&[&org.to_string()]).await?;
                let found = sql::find(tx, *org).await?;
                let (Some(found), Some(role)) = (found, sql::members::role(tx, *org, *user).await?) else {
                    return refuse(Code::NotFound);
                };
                if found.kind == Kind::Personal {
                    return conflict("A personal organisation ends with its person's account");
                }
                take_out(tx, (*org, *user), &role, call.now).await?;
                let event = Event::new(call, "org.member_left")?.subject(*user).org(*org);
                audit::record(tx, &event.fact("role", role)).await
            })
        })
        .await
}

async fn take_out(
    tx: &mut Tx<'_>,
    (org, user): (Id<OrgKind>, Id<User>),
    role: &str,
    now: Time,
) -> Result<()> {
    if role == permissions::OWNER {
        keep_an_owner(tx, org, user).await?;
    }
    sql::members::remove(tx, org, user).await?;
    let_go(tx, org, user, now).await
}

/// Refuses to let go of somebody who is the last owner of an organisation. What they own is locked.
///
/// # Errors
/// `LastOwner`, with the name of the organisation.
pub(crate) async fn keep_owners(tx: &mut Tx<'_>, leaving: Id<User>) -> Result<()> {
    let owned = sql::members::owned(tx, leaving).await?;
    let ids: Vec<String> = owned.iter().map(|(org, _)| org.to_string()).collect();
    tx.lock_exclusive(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for (org, name) in owned {
        // Handed over meanwhile, perhaps.
        let is_owner = sql::members::role(tx, org, leaving).await?.as_deref() == Some(permissions::OWNER);
        if is_owner && !sql::members::other_owner(tx, org, leaving).await? {
            let hint = format!("Hand over or delete {name} first: nobody else owns it");
            return Err(Refusal::new(Code::LastOwner).hint(hint).into());
        }
    }
    Ok(())
}

/// Refuses what would leave the organisation without an owner. The organisation is locked.
async fn keep_an_owner(tx: &mut Tx<'_>, org: Id<OrgKind>, leaving: Id<User>) -> Result<()> {
    if sql::members::other_owner(tx, org, leaving).await? { Ok(()) } else { refuse(Code::LastOwner) }
}

struct Transfer {
    call: Call,
    scope: OrgScope,
    from: Id<User>,
    to: Id<User>,
}

/// Hands an organisation over: the other member becomes an owner, oneself an admin, both or none.
///
/// # Errors
/// `ScopeMissing` for who is no owner, `NotFound` where the other is no member who may sign in, `Conflict` to oneself.
pub async fn transfer(call: &Call, scope: &OrgScope, from: Id<User>, to: Id<User>) -> Result<Member> {
    scope.must(permissions::ALL)?;
    if from == to {
        return conflict("It is handed over to somebody else");
    }
    let ask = Transfer { call: call.clone(), scope: scope.clone(), from, to };
    call.realm
        .db
        .write("orgs.members.transfer", ask, |tx, ask| {
            Box::pin(async move {
                let org = ask.scope.id();
                ask.scope.lock(tx).await?;
                let role = sql::members::role(tx, org, ask.from).await?;
                if role.as_deref() != Some(permissions::OWNER) {
                    return Err(Refusal::new(Code::Forbidden).hint("Only an owner hands it over").into());
                }
                let heir = users::find_in(tx, ask.to).await?;
                let is_there = heir.is_some_and(|heir| heir.status == Status::Active);
                if !is_there || sql::members::role(tx, org, ask.to).await?.is_none() {
                    return refuse(Code::NotFound);
                }
                sql::members::set_role(tx, org, ask.to, permissions::OWNER).await?;
                sql::members::set_role(tx, org, ask.from, permissions::ADMIN).await?;
                tx.raise_changes().await?;
                let event = Event::new(&ask.call, "org.transferred")?.subject(ask.to).org(org);
                audit::record(tx, &event.fact("from", ask.from.to_string())).await?;
                present(tx, org, ask.to).await
            })
        })
        .await
}
