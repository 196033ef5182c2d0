//! Organisations: the tenants inside a realm, who belongs to them, and what they may there.
//!
//! There is one instance organisation, which owns whatever an administrator creates without naming
//! another, and a personal one for every person, so that nothing is ever without a tenant. All others are
//! teams. What an organisation owns is reached through an [`OrgScope`], which [`enter`] alone hands out.
//!
//! A role counts in its own organisation and nowhere else: whoever needs one asks for the [`Standing`] of a
//! person in one organisation, in the operation that depends on it.

pub mod domains;
pub mod fields;
pub mod invitations;
pub mod joins;
pub mod manage;
pub mod members;
pub mod permissions;
mod places;
pub mod roles;
mod scope;
mod sql;
pub mod workspaces;

use std::collections::HashSet;

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};
use ipnet::IpNet;

pub(crate) use domains::Welcome;
pub use permissions::{MEMBER, OWNER};
pub(crate) use places::{allowed, must_admit};
pub use places::{lifts, note_refusal};
pub use scope::{Holder, OrgScope, enter, unentered};

use crate::{
    call::Call,
    db::{Db, ReadTx, Tx},
    env::Env,
    outcome::{Code, Error, Result, refuse},
    principals,
};

/// No name that stands in the address of a page: the page at that place makes a new one.
const TAKEN: &str = "new";

/// What an organisation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one that owns the instance.
    Instance,
    /// One person's own.
    Personal,
    /// A team, a customer, a company.
    Team,
}

impl Kind {
    /// `instance`, `personal` or `team`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Personal => "personal",
            Self::Team => "team",
        }
    }

    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::Instance => 0,
            Self::Personal => 1,
            Self::Team => 2,
        }
    }

    fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Instance),
            1 => Ok(Self::Personal),
            2 => Ok(Self::Team),
            other => Err(Error::fault(format!("organisation kind {other}"))),
        }
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Its id, the `tenant_id` of tokens.
    pub id: Id<OrgKind>,
    /// What it is for.
    pub kind: Kind,
    /// A short name for addresses.
    pub slug: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether its members can use it.
    pub is_active: bool,
    /// Who belongs to it without being asked.
    pub joined_by: JoinedBy,
    /// From where it may be used; anywhere when empty.
    pub allowed_addresses: Vec<IpNet>,
    /// Moves with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Who belongs to an organisation without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JoinedBy {
    /// Nobody: people are invited.
    #[default]
    Invitation,
    /// Whoever proves an address of one of its verified domains, as a member.
    Domain,
    /// Everybody who gets an account, as a member.
    Everybody,
}

impl JoinedBy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Invitation, Self::Domain, Self::Everybody];

    /// `invitation`, `domain` or `everybody`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Domain => "domain",
            Self::Everybody => "everybody",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Invitation => 0,
            Self::Domain => 1,
            Self::Everybody => 2,
        }
    }

    fn from_number(number: i64) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|policy| policy.number() == number);
        found.ok_or_else(|| Error::fault(format!("join policy {number}")))
    }
}

impl Org {
    /// A new one, active.
    pub fn new(id: Id<OrgKind>, kind: Kind, name: &str, now: Time) -> Self {
        let name = name.to_owned();
        let joined_by = JoinedBy::Invitation;
        Self {
            id,
            kind,
            slug: None,
            name,
            is_active: true,
            joined_by,
            allowed_addresses: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether this is its id or its short name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.slug.as_deref() == Some(name) || self.id.to_string() == name
    }
}

/// What a person is in one organisation now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The role.
    pub role: String,
    /// What the role may there, in order.
    pub permissions: Vec<String>,
}

impl Standing {
    /// From what is stored: the role, and what the organisation has put into it.
    pub(crate) fn of(role: String, custom: Option<&str>) -> Self {
        let permissions = permissions::of_role(&role, custom);
        Self { role, permissions }
    }
}

/// One person's place in one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub org: Id<OrgKind>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// `owner`, `member`, or a role of the organisation's own.
    pub role: String,
}

/// Makes the instance organisation where there is none; answers its id.
pub async fn ensure_instance(db: &Db, env: &Env) -> Result<Id<OrgKind>> {
    ensure_instance_as(db, env, env.id(env.now())?).await
}

/// The same, with the id that it has when it is made: that of the server that is moved here.
pub async fn ensure_instance_as(db: &Db, env: &Env, id: Id<OrgKind>) -> Result<Id<OrgKind>> {
    let made = Org::new(id, Kind::Instance, "Doorward", env.now());
    db.write("orgs.ensure_instance", made, |tx, made| {
        Box::pin(async move {
            if let Some(id) = sql::instance(tx).await? {
                return Ok(id);
            }
            sql::insert(tx, made).await?;
            sql::instance(tx).await?.ok_or_else(|| Error::fault("the instance organisation vanished"))
        })
    })
    .await
}

/// Adds an organisation.
pub(crate) async fn insert(tx: &mut Tx<'_>, org: &Org) -> Result<()> {
    sql::insert(tx, org).await.map(drop)
}

/// Makes a person a member; an existing membership stays as it is.
pub(crate) async fn join(
    tx: &mut Tx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
    role: &str,
    now: Time,
) -> Result<()> {
    sql::join(tx, org, user, role, now).await.map(drop)
}

/// Whether something can be made in an organisation: there is one, and it is not suspended. It stays so until
/// the operation is over.
pub(crate) async fn takes(tx: &mut Tx<'_>, org: Id<OrgKind>) -> Result<bool> {
    tx.lock_shared(&[&org.to_string()]).await?;
    Ok(sql::find(tx, org).await?.is_some_and(|org| org.is_active))
}

/// The organisations of a person, the personal one first.
pub async fn of_user(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<Membership>> {
    sql::of_user(tx, user).await
}

/// What the person is in one organisation that is active; `None` for who does not belong to it.
pub async fn standing(tx: &mut ReadTx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<Option<Standing>> {
    sql::standing(tx, org, user).await
}

/// The organisations in which a person holds a permission by their role.
pub async fn holding(call: &Call, user: Id<User>, permission: &'static str) -> Result<HashSet<Id<OrgKind>>> {
    let read = call
        .realm
        .db
        .read("orgs.holding", user, |tx, user| Box::pin(async move { sql::standings(tx, *user).await }));
    let holds = |standing: &Standing| permissions::holds(&standing.permissions, permission);
    let found = read.await?.into_iter().filter(|(_, standing)| holds(standing));
    Ok(found.map(|(org, _)| org).collect())
}

/// Ends what a person who leaves an organisation has of it: its workspaces, grants in its name, answers to what
/// it asks, and that it is the active one of sessions. No application makes them a member again.
async fn let_go(tx: &mut Tx<'_>, org: Id<OrgKind>, user: Id<User>, now: Time) -> Result<()> {
    workspaces::leave(tx, org, user).await?;
    sql::end_grants(tx, org, user, now).await?;
    sql::fields::forget(tx, org, user).await?;
    sql::send_home(tx, org, user).await?;
    sql::joins::note(tx, org, user, (None, now)).await?;
    tx.raise_changes().await
}

/// Looks an organisation up by id or short name.
pub async fn find(call: &Call, id_or_slug: &str) -> Result<Option<Org>> {
    call.realm
        .db
        .read("orgs.find", id_or_slug.to_owned(), |tx, name| Box::pin(async move { find_in(tx, name).await }))
        .await
}

/// One that has not ended, by id, inside an operation.
pub(crate) async fn look_up(tx: &mut ReadTx<'_>, org: Id<OrgKind>) -> Result<Option<Org>> {
    sql::find(tx, org).await
}

/// The same inside an operation.
async fn find_in(tx: &mut ReadTx<'_>, id_or_slug: &str) -> Result<Option<Org>> {
    match id_or_slug.parse::<Id<OrgKind>>() {
        Ok(id) => sql::find(tx, id).await,
        Err(_) => sql::find_slug(tx, id_or_slug).await,
    }
}

/// An organisation that must exist.
pub async fn get(call: &Call, id: Id<OrgKind>) -> Result<Org> {
    match find(call, &id.to_string()).await? {
        Some(org) => Ok(org),
        None => refuse(Code::NotFound),
    }
}

/// Takes what is personal out of a person's own organisation, when the person is deleted. Whatever was made in
/// it ends as well.
pub(crate) async fn close_personal(tx: &mut Tx<'_>, env: &Env, user: Id<User>, now: Time) -> Result<()> {
    if let Some(person) = principals::find(tx, user).await? {
        principals::end_all_of(tx, env, person.org).await?;
    }
    sql::close_personal(tx, user, now).await?;
    workspaces::leave_all(tx, user).await?;
    sql::fields::forget_everywhere(tx, user).await?;
    sql::joins::forget(tx, user).await?;
    sql::leave_all(tx, user).await
}
