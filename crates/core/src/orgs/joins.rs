//! Applications by which people join an organisation: whoever signs in to one is a member from then on.
//!
//! An organisation names its own applications; who administers the instance names any. A person joins an
//! organisation so once: whoever has left, or was taken out, stays out until somebody lets them in again.
//!
//! Anybody may have an organisation, and name an application by which people join it. So nobody joins what an
//! organisation has named by itself unless they were shown it and agreed: an administrator's word counts for all.

use doorward_proto::{
    id::{Client as ClientKind, Id, Org as OrgKind, User},
    time::Time,
};

use super::{Kind, OrgScope, domains::Welcome, manage::conflict, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    clients,
    db::Tx,
    outcome::{Code, Error, Refusal, Result, refuse},
};

/// An application by which people join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinClient {
    /// Its key.
    pub id: Id<ClientKind>,
    /// Its public name.
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// Whether people agree first, as they do where the organisation has named it by itself.
    pub is_asked: bool,
    /// When it was named.
    pub created_at: Time,
}

/// An organisation that somebody would join by an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joining {
    pub(crate) org: Id<OrgKind>,
    /// Its name.
    pub(crate) name: String,
    /// Whether they agree first.
    pub(crate) is_asked: bool,
    /// When the application was named.
    pub(crate) since: Time,
}

impl Joining {
    /// Whether people who began to sign in then are asked: nobody is shown on one page what was named after the
    /// page before it. The next sign-in asks.
    pub(crate) fn is_shown(&self, began: Option<Time>) -> bool {
        self.is_asked && began.is_none_or(|began| self.since <= began)
    }
}

const WRITE: &str = "org:settings:write";
const CHANGED_BY: &str = "admin:orgs:write";

/// How many an organisation may name, and by how many organisations an application may be named.
const MOST: usize = 100;

/// Every application by which people join.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope) -> Result<Vec<JoinClient>> {
    scope.must("org:settings:read")?;
    let read = call.realm.db.read("orgs.joins.list", scope.id(), |tx, org| {
        Box::pin(async move { sql::joins::all(tx, *org).await })
    });
    read.await
}

/// Names one; one that was named before is answered as it is, but that nobody is asked any more once an
/// administrator has named it too.
///
/// # Errors
/// `ScopeMissing`; `RequestInvalid` for one that there is not, or that is another organisation's; `Conflict`
/// for a personal organisation, and beyond the number that one may name and be named by.
pub async fn add(call: &Call, scope: &OrgScope, name: &str) -> Result<JoinClient> {
    scope.runs(WRITE, CHANGED_BY)?;
    if scope.org().kind == Kind::Personal {
        return conflict("Nobody else belongs to a personal organisation");
    }
    let client = match clients::manage::get(call, name).await {
        Ok(client) if scope.is_platform() || client.org == scope.id() => client,
        Err(fault @ Error::Fault(_)) => return Err(fault),
        _ => {
            let hint = "The organisation has no such application";
            return Err(Refusal::new(Code::RequestInvalid).field("client_id").hint(hint).into());
        }
    };
    let event = Event::new(call, "org.join_client_added")?.subject(scope.id()).org(scope.id());
    let is_asked = !scope.is_platform();
    let event = event.client(client.id).fact("is_asked", is_asked);
    let new = JoinClient {
        id: client.id,
        client_id: client.client_id.clone(),
        name: client.name.clone(),
        is_asked,
        created_at: call.now,
    };
    call.realm
        .db
        .write("orgs.joins.add", (scope.clone(), new, event), |tx, (scope, new, event)| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let all = sql::joins::all(tx, scope.id()).await?;
                if let Some(there) = all.iter().find(|there| there.id == new.id) {
                    if new.is_asked || !there.is_asked {
                        return Ok(there.clone());
                    }
                    sql::joins::ask_nobody(tx, scope.id(), there.id).await?;
                    audit::record(tx, event).await?;
                    return Ok(JoinClient { is_asked: false, ..there.clone() });
                }
                if all.len() >= MOST {
                    return conflict("People join by 100 applications at most");
                }
                tx.lock_exclusive(&[&new.id.to_string()]).await?;
                if sql::joins::count_of(tx, new.id).await? >= MOST {
                    return conflict("People join 100 organizations at most by one application");
                }
                sql::joins::insert(tx, scope.id(), new).await?;
                audit::record(tx, event).await?;
                Ok(new.clone())
            })
        })
        .await
}

/// Takes one off; who has joined by it stays.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn remove(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    scope.runs(WRITE, CHANGED_BY)?;
    let event = Event::new(call, "org.join_client_removed")?.subject(scope.id()).org(scope.id());
    call.realm
        .db
        .write("orgs.joins.remove", (scope.clone(), name.to_owned(), event), |tx, (scope, name, event)| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let all = sql::joins::all(tx, scope.id()).await?;
                let is_it = |one: &&JoinClient| one.id.to_string() == *name || one.client_id == *name;
                let Some(found) = all.iter().find(is_it) else { return refuse(Code::NotFound) };
                sql::joins::remove(tx, scope.id(), found.id).await?;
                audit::record(tx, &event.clone().client(found.id)).await
            })
        })
        .await
}

/// What somebody would join by an application.
pub(crate) async fn ahead(call: &Call, client: Id<ClientKind>, user: Id<User>) -> Result<Vec<Joining>> {
    let read = call.realm.db.read("orgs.joins.ahead", (client, user), |tx, (client, user)| {
        Box::pin(async move { sql::joins::ahead(tx, *client, *user).await })
    });
    read.await
}

impl Welcome {
    /// Makes whoever signs in to an application a member of what is joined by it, once: of what an administrator
    /// has named, and of what they were shown on a page of an authorization that began at `agreed`.
    ///
    /// # Errors
    /// `OrganizationUnknown` where somebody would join one that is suspended.
    pub(crate) async fn by_client(
        &self,
        tx: &mut Tx<'_>,
        user: Id<User>,
        client: Id<ClientKind>,
        agreed: Option<Time>,
    ) -> Result<()> {
        for joining in sql::joins::ahead(tx, client, user).await? {
            if !joining.is_asked || (agreed.is_some() && joining.is_shown(agreed)) {
                self.once(tx, user, (joining.org, client)).await?;
            }
        }
        Ok(())
    }

    async fn once(
        &self,
        tx: &mut Tx<'_>,
        user: Id<User>,
        (org, client): (Id<OrgKind>, Id<ClientKind>),
    ) -> Result<()> {
        // Of two sign-ins at once the second waits for the first, and finds that it was done.
        if !sql::joins::note(tx, org, user, (Some(client), self.now())).await? {
            return Ok(());
        }
        if !super::takes(tx, org).await? {
            let hint = "The application makes people members of an organization that is suspended";
            return Err(Refusal::new(Code::OrganizationUnknown).hint(hint).into());
        }
        self.join(tx, user, org, "client").await
    }
}
