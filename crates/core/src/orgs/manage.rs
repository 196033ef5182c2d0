//! Making, changing, suspending and ending organisations.
//!
//! An organisation that ends takes with it what it owns: its people leave it, its applications, tokens and
//! keys stop, its roles and invitations are gone. Its row stays without a name, so that the audit trail
//! still says which one it was.

use doorward_proto::id::{Id, Org as OrgKind, User};
use ipnet::IpNet;

use super::{JoinedBy, Kind, Org, OrgScope, permissions, sql, workspaces};
use crate::{
    addresses, announcements, apis,
    audit::{self, Event},
    branding,
    call::Call,
    claims, clients,
    db::Tx,
    mail::templates,
    outcome::{Code, Error, Refusal, Result, refuse},
    page::{Page, PageAsk},
    principals, providers, throttle, users,
};

/// A page of organisations; personal ones are their people's and in no list.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a prefix of the folded name, a short name, or an id.
    pub page: PageAsk,
    /// Only those that can be used, or only those that cannot.
    pub is_active: Option<bool>,
}

/// An organisation to make.
#[derive(Debug, Clone, Default)]
pub struct NewOrg {
    /// What people see.
    pub name: String,
    /// A short name for addresses, if any.
    pub slug: Option<String>,
    /// Who owns it first; nobody where who administers the instance fills it later.
    pub owner: Option<Id<User>>,
}

/// What shall change; `None` leaves a thing as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Another name.
    pub name: Option<String>,
    /// Another short name.
    pub slug: Option<Option<String>>,
    /// Who belongs to it without being asked; everybody is for who administers the instance to say.
    pub joined_by: Option<JoinedBy>,
    /// From where it may be used.
    pub allowed_addresses: Option<Vec<IpNet>>,
    /// Whether that may be from elsewhere than where the change comes from.
    pub force: bool,
}

struct Create {
    call: Call,
    org: Org,
    owner: Option<Id<User>>,
    tried: Option<throttle::Try>,
}

/// Makes an organisation, for who administers the instance.
///
/// # Errors
/// `RequestInvalid`, `Conflict` when the short name is taken.
pub async fn create(call: &Call, new: NewOrg) -> Result<Org> {
    make(call, new, None).await
}

/// Makes an organisation of one's own. A person may only make so many in a time.
///
/// # Errors
/// As [`create`]; `Forbidden` where only administrators make organisations; `RateLimited`.
pub async fn create_own(call: &Call, owner: Id<User>, new: NewOrg) -> Result<Org> {
    if !call.realm.settings.orgs.people_may_create {
        return Err(Refusal::new(Code::Forbidden).hint("Ask an administrator for an organisation").into());
    }
    let tried = throttle::making_orgs(call, owner);
    make(call, NewOrg { owner: Some(owner), ..new }, Some(tried)).await
}

async fn make(call: &Call, new: NewOrg, tried: Option<throttle::Try>) -> Result<Org> {
    let mut org = Org::new(call.id()?, Kind::Team, checked_name(&new.name)?, call.now);
    org.slug = new.slug.map(checked_slug).transpose()?;
    let ask = Create { call: call.clone(), org, owner: new.owner, tried };
    call.realm.db.write("orgs.create", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Create {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Org> {
        let org = &self.org;
        if let Some(tried) = &self.tried {
            throttle::take(tx, tried).await?;
        }
        take_slug(tx, org).await?;
        if !sql::insert(tx, org).await? {
            return Err(slug_taken());
        }
        if let Some(owner) = self.owner {
            if users::find_in(tx, owner).await?.is_none_or(|user| user.status == principals::Status::Ended) {
                let hint = "No such person";
                return Err(Refusal::new(Code::RequestInvalid).field("owner").hint(hint).into());
            }
            users::anonymous::refuse(tx, owner).await?;
            sql::join(tx, org.id, owner, permissions::OWNER, self.call.now).await?;
        }
        let mut event = Event::new(&self.call, "org.created")?.subject(org.id).org(org.id);
        if let Some(owner) = self.owner {
            event = event.fact("owner", owner.to_string());
        }
        audit::record(tx, &event.detail("name", org.name.clone())).await?;
        Ok(org.clone())
    }
}

/// Whoever wants the same short name at the same time waits, and then finds it taken.
async fn take_slug(tx: &mut Tx<'_>, org: &Org) -> Result<()> {
    let Some(slug) = &org.slug else { return Ok(()) };
    tx.lock_exclusive(&[&format!("doorward.slug.{slug}")]).await?;
    if sql::is_slug_taken(tx, slug, org.id).await? { Err(slug_taken()) } else { Ok(()) }
}

fn slug_taken() -> Error {
    Refusal::new(Code::Conflict).field("slug").hint("The short name is taken").into()
}

/// A page of organisations, by id.
pub async fn list(call: &Call, ask: ListAsk) -> Result<Page<Org>> {
    call.realm
        .db
        .read("orgs.list", ask, |tx, ask| {
            Box::pin(async move {
                let rows = sql::list(tx, ask).await?;
                Ok(ask.page.page(rows, |org| org.id.to_string()))
            })
        })
        .await
}

struct Update {
    call: Call,
    scope: OrgScope,
    seen: i64,
    change: Change,
}

/// Changes an organisation that is still at the version seen.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `Conflict` when the short name is taken, `VersionMismatch`.
pub async fn update(call: &Call, scope: &OrgScope, seen: i64, change: Change) -> Result<Org> {
    scope.must("org:settings:write")?;
    let change = Change {
        name: change.name.map(|name| checked_name(&name).map(str::to_owned)).transpose()?,
        slug: change.slug.map(|slug| slug.map(checked_slug).transpose()).transpose()?,
        joined_by: change.joined_by.filter(|policy| *policy != scope.org().joined_by),
        allowed_addresses: change.allowed_addresses.filter(|list| *list != scope.org().allowed_addresses),
        force: change.force,
    };
    if let Some(allowed) = &change.allowed_addresses {
        // From where the server itself is used is for who runs it.
        scope.runs("org:settings:write", "admin:orgs:write")?;
        check_allowed(call, scope, (allowed, change.force))?;
    }
    if change.joined_by == Some(JoinedBy::Everybody) {
        must_administer(scope)?;
    }
    if scope.org().kind == Kind::Personal && change.joined_by.is_some() {
        return conflict("Nobody else belongs to a personal organisation");
    }
    if scope.org().kind == Kind::Personal && change.slug.as_ref().is_some_and(Option::is_some) {
        let hint = "A personal organisation has no short name";
        return Err(Refusal::new(Code::RequestInvalid).field("slug").hint(hint).into());
    }
    let ask = Update { call: call.clone(), scope: scope.clone(), seen, change };
    call.realm.db.write("orgs.update", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Update {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Org> {
        self.scope.lock(tx).await?;
        let before = present(tx, self.scope.id()).await?;
        let mut after = before.clone();
        after.name = self.change.name.clone().unwrap_or(after.name);
        after.slug = self.change.slug.clone().unwrap_or(after.slug);
        after.joined_by = self.change.joined_by.unwrap_or(after.joined_by);
        after.allowed_addresses = self.change.allowed_addresses.clone().unwrap_or(after.allowed_addresses);
        take_slug(tx, &after).await?;
        if !sql::update(tx, &after, self.seen, self.call.now).await? {
            return refuse(Code::VersionMismatch);
        }
        tx.raise_changes().await?;
        let changed = [
            ("name", before.name != after.name),
            ("slug", before.slug != after.slug),
            ("joined_by", before.joined_by != after.joined_by),
            ("allowed_addresses", before.allowed_addresses != after.allowed_addresses),
        ];
        let changed: Vec<&str> = changed.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
        let event = Event::new(&self.call, "org.changed")?.subject(after.id).org(after.id);
        audit::record(tx, &event.fact("members", changed)).await?;
        present(tx, after.id).await
    }
}

/// Nobody locks themselves out unawares.
fn check_allowed(call: &Call, scope: &OrgScope, (allowed, force): (&[IpNet], bool)) -> Result<()> {
    if scope.org().kind == Kind::Personal {
        return conflict(
            "A personal organisation has no list; service tokens and keys have lists of their own",
        );
    }
    let here = call.origin.address;
    if force || scope.is_platform() || addresses::admit(allowed, here) {
        return Ok(());
    }
    let hint = format!(
        "Your own address, {}, is not among them, and you would be locked out; send `force` if that is meant",
        here.to_canonical()
    );
    Err(Refusal::new(Code::RequestInvalid).field("allowed_addresses").hint(hint).into())
}

pub(super) async fn present(tx: &mut Tx<'_>, org: Id<OrgKind>) -> Result<Org> {
    sql::find(tx, org).await?.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// Lets nobody use a team, or lets them again: for who administers the instance.
///
/// # Errors
/// `ScopeMissing` for others; `Conflict` for an organisation that is no team.
pub async fn set_active(call: &Call, scope: &OrgScope, is_active: bool) -> Result<Org> {
    must_administer(scope)?;
    must_be_team(scope)?;
    let ask = (call.clone(), scope.id(), is_active);
    call.realm
        .db
        .write("orgs.set_active", ask, |tx, (call, org, is_active)| {
            Box::pin(async move {
                tx.lock_exclusive(&[&org.to_string()]).await?;
                if sql::set_status(tx, *org, i64::from(!is_active), call.now).await? {
                    principals::hold_all_of(tx, &call.realm.env, *org, !is_active).await?;
                    tx.raise_changes().await?;
                    let code = if *is_active { "org.resumed" } else { "org.suspended" };
                    audit::record(tx, &Event::new(call, code)?.subject(*org).org(*org)).await?;
                }
                present(tx, *org).await
            })
        })
        .await
}

/// Ends an organisation with everything in it.
///
/// # Errors
/// `ScopeMissing`; `Conflict` for an organisation that is no team.
pub async fn end(call: &Call, scope: &OrgScope) -> Result<()> {
    scope.must(permissions::END)?;
    must_be_team(scope)?;
    let ask = (call.clone(), scope.clone());
    call.realm
        .db
        .write("orgs.end", ask, |tx, (call, scope)| {
            Box::pin(async move {
                let org = scope.id();
                scope.lock(tx).await?;
                if !sql::set_status(tx, org, 2, call.now).await? {
                    return refuse(Code::NotFound);
                }
                let people = sql::members::empty(tx, org, call.now).await?;
                workspaces::remove_all(tx, org).await?;
                sql::roles::remove_all(tx, org).await?;
                sql::invitations::remove_all(tx, org).await?;
                sql::domains::remove_all(tx, org).await?;
                sql::fields::remove_all(tx, org).await?;
                sql::joins::remove_all(tx, org).await?;
                apis::remove_all_of(tx, org).await?;
                providers::forget_org(tx, org).await?;
                branding::remove_all_of(tx, org).await?;
                claims::remove_all_of(tx, org).await?;
                templates::remove_all_of(tx, org).await?;
                announcements::remove_all_of(tx, org).await?;
                let stopped = principals::end_all_of(tx, &call.realm.env, org).await?;
                sql::erase(tx, org).await?;
                tx.raise_changes().await?;
                let event = Event::new(call, "org.ended")?.subject(org).org(org);
                audit::record(tx, &event.fact("people", people).fact("principals", stopped)).await
            })
        })
        .await
}

fn must_administer(scope: &OrgScope) -> Result<()> {
    if scope.is_platform() {
        return Ok(());
    }
    let lacking = Refusal::new(Code::ScopeMissing).hint("Missing required scopes: admin:orgs:write");
    Err(lacking.fact("scope", "admin:orgs:write").into())
}

fn must_be_team(scope: &OrgScope) -> Result<()> {
    match scope.org().kind {
        Kind::Team => Ok(()),
        Kind::Instance => conflict("The instance's own organisation stays"),
        Kind::Personal => conflict("A personal organisation ends with its person's account"),
    }
}

pub(super) fn conflict<T>(hint: &'static str) -> Result<T> {
    Err(Refusal::new(Code::Conflict).hint(hint).into())
}

pub(super) fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    let leads = name.contains("//") || name.contains('@');
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(clients::is_unseen) && !leads {
        return Ok(name);
    }
    let hint = "A name has 1 to 100 characters that can be seen, no // and no @: it stands in mails";
    Err(Refusal::new(Code::RequestInvalid).field("name").hint(hint).into())
}

/// A short name stands in addresses: `[a-z0-9-]{2,48}`, with letters or digits at both ends.
pub(super) fn checked_slug(slug: String) -> Result<String> {
    let is_end = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_slug = (2..=48).contains(&slug.len())
        && slug.starts_with(is_end)
        && slug.ends_with(is_end)
        && slug.chars().all(|c| is_end(c) || c == '-');
    if is_slug && slug != super::TAKEN {
        return Ok(slug);
    }
    let hint = "A short name has 2 to 48 of a-z 0-9 -, no - at its ends, and is not new";
    Err(Refusal::new(Code::RequestInvalid).field("slug").hint(hint).into())
}
