//! Workspaces: parts of an organisation that some of its people work in.
//!
//! The id is what tokens say (`workspace_ids`) and what routes ask for, so it is nobody else's in the realm:
//! `ws_…`, or a name that who administers the instance has chosen. What an organisation may choose, the name
//! and the short name, is in no token: nobody makes an organisation with a workspace of somebody else's name
//! to be let in there.

mod manage;
mod members;

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};

pub use manage::{Change, NewWorkspace, create, get, list, remove, update};
pub use members::{Member, add, member, members, set_role, take_out};

use super::{OrgScope, sql};
use crate::{
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Error, Refusal, Result, refuse},
};

/// How many workspaces an organisation has at most.
pub const MOST: usize = 500;

/// In how many workspaces of one organisation a person is at most: their ids travel in every token.
pub const MOST_OF_PERSON: usize = 100;

/// What somebody is in a workspace. Applications read it; the organisation's administration does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees what is in it.
    Viewer,
    /// Changes what is in it.
    Editor,
    /// Runs it.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Admin];

    /// `viewer`, `editor` or `admin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    pub(super) fn stored(name: &str) -> Result<Self> {
        Self::from_name(name).ok_or_else(|| Error::fault(format!("workspace role {name}")))
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// What tokens call it.
    pub id: String,
    /// A short name for addresses inside the organisation.
    pub slug: Option<String>,
    /// What people see.
    pub name: String,
    /// What everybody in the organisation is here; nobody is, unless made a member, where it is `None`.
    pub everybody: Option<Role>,
    /// Moves with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A workspace that a person is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The organisation.
    pub org: Id<OrgKind>,
    /// The organisation's name.
    pub org_name: String,
    /// What tokens call it.
    pub id: String,
    /// A short name for addresses inside the organisation.
    pub slug: Option<String>,
    /// What people see.
    pub name: String,
    /// What the person is there: the higher of their own role and everybody's.
    pub role: Role,
}

/// The workspaces of a person in every organisation that is active, by organisation and id.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn of_person(call: &Call, user: Id<User>) -> Result<Vec<Own>> {
    let read = call.realm.db.read("orgs.workspaces.of_person", user, |tx, user| {
        Box::pin(async move {
            let mut all: Vec<Own> = Vec::new();
            for own in sql::workspaces::of_person(tx, *user).await? {
                match all.last_mut().filter(|last| last.id == own.id) {
                    Some(last) => last.role = last.role.max(own.role),
                    None => all.push(own),
                }
            }
            Ok(all)
        })
    });
    read.await
}

/// What the person is in workspaces of one organisation that they belong to, by id.
pub(crate) async fn roles_of(
    tx: &mut ReadTx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
) -> Result<Vec<(String, Role)>> {
    let mut all: Vec<(String, Role)> = Vec::new();
    for (id, role) in sql::workspaces::roles_of(tx, org, user).await? {
        match all.last_mut().filter(|(last, _)| *last == id) {
            Some((_, last)) => *last = role.max(*last),
            None => all.push((id, role)),
        }
    }
    // Engines order letters in ways of their own.
    all.sort_unstable();
    Ok(all)
}

/// The ids of the workspaces that somebody is in, in one organisation, in order; none in one that is suspended.
pub async fn own_in(call: &Call, org: Id<OrgKind>, user: Id<User>) -> Result<Vec<String>> {
    let read = call.realm.db.read("orgs.workspaces.own_in", (org, user), |tx, (org, user)| {
        Box::pin(async move {
            match super::standing(tx, *org, *user).await? {
                Some(_) => ids_of(tx, *org, *user).await,
                None => Ok(Vec::new()),
            }
        })
    });
    read.await
}

/// The ids of the same, in order: what tokens say.
pub(crate) async fn ids_of(tx: &mut ReadTx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<Vec<String>> {
    Ok(roles_of(tx, org, user).await?.into_iter().map(|(id, _)| id).collect())
}

/// Refuses workspaces that are not the organisation's, for a credential of it. What belongs to the instance
/// names what it likes: its operator also guards what has its workspaces elsewhere.
///
/// # Errors
/// `RequestInvalid`, with the name at fault.
pub(crate) async fn must_be_of(
    tx: &mut ReadTx<'_>,
    (org, instance): (Id<OrgKind>, Id<OrgKind>),
    ids: &[String],
) -> Result<()> {
    if org == instance {
        return Ok(());
    }
    for id in ids {
        if sql::workspaces::find(tx, org, id).await?.is_none_or(|found| found.id != *id) {
            let hint = format!("The organisation has no workspace {id}");
            return Err(Refusal::new(Code::RequestInvalid).field("workspace_ids").hint(hint).into());
        }
    }
    Ok(())
}

/// Those of some workspaces that a credential of the organisation still reaches: one that was removed there may be
/// somebody else's by now. What belongs to the instance names what it likes.
pub(crate) async fn still_of(
    tx: &mut ReadTx<'_>,
    (org, instance): (Id<OrgKind>, Id<OrgKind>),
    ids: Vec<String>,
) -> Result<Vec<String>> {
    if org == instance {
        return Ok(ids);
    }
    let mut kept = Vec::with_capacity(ids.len());
    for id in ids {
        if sql::workspaces::find(tx, org, &id).await?.is_some_and(|found| found.id == id) {
            kept.push(id);
        }
    }
    Ok(kept)
}

/// Takes a person out of every workspace of an organisation that they leave.
pub(super) async fn leave(tx: &mut Tx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<()> {
    sql::workspaces::leave(tx, org, user).await
}

/// Takes a person out of every workspace there is.
pub(super) async fn leave_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::workspaces::leave_all(tx, user).await
}

/// Ends every workspace of an organisation.
pub(super) async fn remove_all(tx: &mut Tx<'_>, org: Id<OrgKind>) -> Result<()> {
    sql::workspaces::remove_all(tx, org).await
}

/// One of an organisation's, by id or short name.
async fn present(tx: &mut ReadTx<'_>, org: Id<OrgKind>, name: &str) -> Result<Workspace> {
    sql::workspaces::find(tx, org, name).await?.map_or_else(|| refuse(Code::NotFound), Ok)
}

const READ: &str = "org:workspaces:read";
const WRITE: &str = "org:workspaces:write";

/// Who changes workspaces also sees them.
fn must_see(scope: &OrgScope) -> Result<()> {
    scope.must(WRITE).or_else(|_| scope.must(READ))
}
