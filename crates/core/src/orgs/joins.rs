//! Applications by which people join an organisation: whoever signs in to one is a member from then on.
//!
//! An organisation names its own applications; who administers the instance names any. A person joins an
//! organisation so once: whoever has left, or was taken out, stays out until somebody lets them in again.

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
    /// When it was named.
    pub created_at: Time,
}

/// How many an organisation may name.
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

/// Names one; one that was named before is answered as it is.
///
/// # Errors
/// `ScopeMissing`; `RequestInvalid` for one that there is not, or that is another organisation's; `Conflict`
/// for a personal organisation, and beyond the number that one may name.
pub async fn add(call: &Call, scope: &OrgScope, name: &str) -> Result<JoinClient> {
    scope.must("org:settings:write")?;
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
    let event = event.client(client.id);
    let new = JoinClient {
        id: client.id,
        client_id: client.client_id.clone(),
        name: client.name.clone(),
        created_at: call.now,
    };
    call.realm
        .db
        .write("orgs.joins.add", (scope.clone(), new, event), |tx, (scope, new, event)| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let all = sql::joins::all(tx, scope.id()).await?;
                if let Some(there) = all.iter().find(|there| there.id == new.id) {
                    return Ok(there.clone());
                }
                if all.len() >= MOST {
                    return conflict("People join by 100 applications at most");
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
    scope.must("org:settings:write")?;
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

/// What somebody would join first by signing in to an application now.
pub(crate) async fn awaiting(
    call: &Call,
    client: Id<ClientKind>,
    user: Id<User>,
) -> Result<Option<Id<OrgKind>>> {
    let read = call.realm.db.read("orgs.joins.awaiting", (client, user), |tx, (client, user)| {
        Box::pin(async move { sql::joins::awaiting(tx, *client, *user).await })
    });
    read.await
}

impl Welcome {
    /// Makes whoever signs in to an application a member of what is joined by it, once.
    ///
    /// # Errors
    /// `OrganizationUnknown` where somebody would join one that is suspended.
    pub(crate) async fn by_client(
        &self,
        tx: &mut Tx<'_>,
        user: Id<User>,
        client: Id<ClientKind>,
    ) -> Result<()> {
        for org in sql::joins::of_client(tx, client).await? {
            self.once(tx, user, (org, client)).await?;
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
        if !sql::joins::note(tx, org, user, (client, self.now())).await? {
            return Ok(());
        }
        if !super::takes(tx, org).await? {
            let hint = "The application makes people members of an organization that is suspended";
            return Err(Refusal::new(Code::OrganizationUnknown).hint(hint).into());
        }
        self.join(tx, user, org, "client").await
    }
}
