//! Making, changing and removing workspaces.

use doorward_proto::id::{self, PREFIXES};

use super::{MOST, MOST_OF_PERSON, READ, Role, WRITE, Workspace, must_see, present};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    orgs::{
        Kind, OrgScope,
        manage::{checked_name, checked_slug, conflict},
        sql,
    },
    outcome::{Code, Error, Refusal, Result, refuse},
};

/// A workspace to make.
#[derive(Debug, Clone, Default)]
pub struct NewWorkspace {
    /// What tokens shall call it: for who administers the instance to choose.
    pub id: Option<String>,
    /// What people see.
    pub name: String,
    /// A short name for addresses inside the organisation.
    pub slug: Option<String>,
    /// What everybody in the organisation shall be here.
    pub everybody: Option<Role>,
}

/// What a workspace shall be.
#[derive(Debug, Clone)]
pub struct Change {
    /// What people see.
    pub name: String,
    /// A short name for addresses inside the organisation.
    pub slug: Option<String>,
    /// What everybody in the organisation shall be here.
    pub everybody: Option<Role>,
}

/// Every workspace of an organisation, by id.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope) -> Result<Vec<Workspace>> {
    scope.must(READ)?;
    let read = call.realm.db.read("orgs.workspaces.list", scope.id(), |tx, org| {
        Box::pin(async move { sql::workspaces::all(tx, *org).await })
    });
    read.await
}

/// One workspace, by id or short name.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn get(call: &Call, scope: &OrgScope, name: &str) -> Result<Workspace> {
    must_see(scope)?;
    let ask = (scope.id(), name.to_owned());
    let read = call.realm.db.read("orgs.workspaces.get", ask, |tx, (org, name)| {
        Box::pin(async move { present(tx, *org, name).await })
    });
    read.await
}

struct Ask {
    call: Call,
    scope: OrgScope,
    /// Of a new one its id, else an id or short name.
    name: String,
    change: Change,
    seen: i64,
}

/// Makes a workspace.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `Conflict` where id or short name are taken.
pub async fn create(call: &Call, scope: &OrgScope, new: NewWorkspace) -> Result<Workspace> {
    scope.must(WRITE)?;
    if scope.org().kind == Kind::Personal {
        return conflict("A personal organisation has one member; make an organisation for several");
    }
    let id = match new.id {
        Some(id) => chosen(scope, id)?,
        None => call.id::<id::Workspace>()?.to_string(),
    };
    let change = checked(Change { name: new.name, slug: new.slug, everybody: new.everybody })?;
    let ask = Ask { call: call.clone(), scope: scope.clone(), name: id, change, seen: 0 };
    call.realm.db.write("orgs.workspaces.create", ask, |tx, ask| Box::pin(ask.create(tx))).await
}

/// A chosen id stands in tokens of the whole realm, so the organisation itself does not choose it.
fn chosen(scope: &OrgScope, id: String) -> Result<String> {
    let refused = |hint| Err(Refusal::new(Code::RequestInvalid).field("id").hint(hint).into());
    if !scope.is_platform() {
        return refused("Who administers the instance chooses ids; leave it out");
    }
    let is_end = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_id = (2..=64).contains(&id.len())
        && id.starts_with(is_end)
        && id.chars().all(|c| is_end(c) || "._-".contains(c));
    if !is_id || id == crate::orgs::TAKEN {
        return refused("An id has 2 to 64 of a-z 0-9 . _ -, begins with a letter or digit, and is not new");
    }
    if id.split_once('_').is_some_and(|(start, _)| PREFIXES.contains(&start)) {
        return refused("What begins like this is an id that the server has made");
    }
    Ok(id)
}

fn checked(change: Change) -> Result<Change> {
    let Change { name, slug, everybody } = change;
    let slug = slug.filter(|slug| !slug.is_empty()).map(checked_slug).transpose()?;
    Ok(Change { name: checked_name(&name)?.to_owned(), slug, everybody })
}

/// Changes a workspace that is still at the version seen.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `NotFound`, `Conflict` where the short name is taken, `VersionMismatch`.
pub async fn update(
    call: &Call,
    scope: &OrgScope,
    name: &str,
    seen: i64,
    change: Change,
) -> Result<Workspace> {
    scope.must(WRITE)?;
    let (name, change) = (name.to_owned(), checked(change)?);
    let ask = Ask { call: call.clone(), scope: scope.clone(), name, change, seen };
    call.realm.db.write("orgs.workspaces.update", ask, |tx, ask| Box::pin(ask.update(tx))).await
}

/// Removes a workspace: nobody is in it any more, and tokens that name it are refused here.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn remove(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    scope.must(WRITE)?;
    let ask = (call.clone(), scope.clone(), name.to_owned());
    call.realm
        .db
        .write("orgs.workspaces.remove", ask, |tx, (call, scope, name)| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let found = present(tx, scope.id(), name).await?;
                let people = sql::workspaces::remove(tx, scope.id(), &found.id).await?;
                tx.raise_changes().await?;
                let event = event(call, scope, "org.workspace_removed", &found.id)?;
                audit::record(tx, &event.fact("people", people)).await
            })
        })
        .await
}

impl Ask {
    async fn create(&self, tx: &mut Tx<'_>) -> Result<Workspace> {
        let (org, id) = (self.scope.id(), &self.name);
        self.scope.lock(tx).await?;
        let all = sql::workspaces::all(tx, org).await?;
        if all.len() >= MOST {
            return conflict("An organisation has 500 workspaces at most");
        }
        self.check_slug(&all)?;
        self.check_room(tx, &all).await?;
        if !sql::workspaces::insert(tx, org, (id, &self.change), self.call.now).await? {
            let taken = Refusal::new(Code::Conflict).field("id");
            return Err(taken.hint("There is a workspace of this id").into());
        }
        self.record(tx, "org.workspace_created", id).await?;
        present(tx, org, id).await
    }

    async fn update(&self, tx: &mut Tx<'_>) -> Result<Workspace> {
        let org = self.scope.id();
        self.scope.lock(tx).await?;
        let before = present(tx, org, &self.name).await?;
        if before.version != self.seen {
            return refuse(Code::VersionMismatch);
        }
        let mut others = sql::workspaces::all(tx, org).await?;
        others.retain(|one| one.id != before.id);
        self.check_slug(&others)?;
        if before.everybody.is_none() {
            self.check_room(tx, &others).await?;
        }
        sql::workspaces::update(tx, org, (&before.id, &self.change), self.call.now).await?;
        tx.raise_changes().await?;
        self.record(tx, "org.workspace_changed", &before.id).await?;
        present(tx, org, &before.id).await
    }

    fn check_slug(&self, others: &[Workspace]) -> Result<()> {
        let Some(slug) = &self.change.slug else { return Ok(()) };
        // An id found under the short name of another would be two workspaces in one address.
        if others.iter().any(|one| one.slug.as_ref() == Some(slug) || one.id == *slug) {
            let taken = Refusal::new(Code::Conflict).field("slug");
            return Err(taken.hint("Another workspace has this short name").into());
        }
        Ok(())
    }

    /// Refuses to open what would be one more for everybody, somebody who has as many as there may be among
    /// them.
    async fn check_room(&self, tx: &mut Tx<'_>, others: &[Workspace]) -> Result<()> {
        if self.change.everybody.is_none() {
            return Ok(());
        }
        let open = others.iter().filter(|one| one.everybody.is_some()).count();
        let held = sql::workspaces::most_held(tx, self.scope.id()).await?;
        if open + held >= MOST_OF_PERSON { Err(too_many()) } else { Ok(()) }
    }

    async fn record(&self, tx: &mut Tx<'_>, code: &'static str, id: &str) -> Result<()> {
        let event = event(&self.call, &self.scope, code, id)?;
        audit::record(tx, &event.fact("everybody", self.change.everybody.map(Role::name))).await
    }
}

pub(super) fn too_many() -> Error {
    let hint = "A person is in 100 workspaces of an organisation at most";
    Refusal::new(Code::Conflict).hint(hint).into()
}

pub(super) fn event(call: &Call, scope: &OrgScope, code: &'static str, id: &str) -> Result<Event> {
    Ok(Event::new(call, code)?.subject(scope.id()).org(scope.id()).fact("workspace", id))
}
