//! The organisation that an authorization is for: the one that the request names, the one that the person
//! chose for this request, or what the application leaves it to.

use doorward_proto::{
    id::{self, Id, Org},
    time::Time,
};

use super::{Progress, Request, View, draft, sql};
use crate::{
    call::Call,
    clients::{self, Client, Organizations},
    orgs::{self, Kind},
    outcome::{Code, Refusal, Result, refuse},
    sessions::Account,
};

/// What stands about the organisation.
pub(super) enum Made {
    /// It is this one.
    For(Id<Org>),
    /// It is this one, of which the person becomes a member by this very sign-in: a team is needed, and they
    /// have none.
    Joining(Id<Org>),
    /// The person has to choose.
    Open,
}

/// The organisation, as far as it stands.
///
/// # Errors
/// `OrganizationUnknown`, also for one that is no team where the application needs one; `OrgAddress`;
/// `RequestInvalid` where two are named.
pub(super) async fn made(
    call: &Call,
    client: &Client,
    (request, progress): (&Request, &Progress),
    account: &Account,
) -> Result<Made> {
    let policy = client.metadata.organizations;
    if let Some(named) = request.organization() {
        let org = named_org(call, Some(&named), account).await?;
        if !is_called(call, org, request).await? {
            let hint = "organization and organization_name are two organizations";
            return Err(Refusal::new(Code::RequestInvalid).field("organization_name").hint(hint).into());
        }
        if policy == Organizations::Team && !is_team(call, org).await? {
            let hint = "The application needs an organization that is a team";
            return Err(Refusal::new(Code::OrganizationUnknown).field("organization").hint(hint).into());
        }
        return admitted(call, org).await.map(|()| Made::For(org));
    }
    let chosen = progress.org.filter(|_| progress.session == Some(account.session.id));
    if let Some(org) = chosen
        && belongs(call, org, account).await?
    {
        return admitted(call, org).await.map(|()| Made::For(org));
    }
    let active = active_org(call, account).await?;
    if let Err(error) = admitted(call, active).await {
        // Whoever is elsewhere may act for another one, and says so: nothing is switched behind their back.
        return if error.code() == Some(Code::OrgAddress) { Ok(Made::Open) } else { Err(error) };
    }
    let is_settled = match policy {
        Organizations::Session => true,
        Organizations::Ask => of_account(call, account).await?.len() < 2,
        Organizations::Team => is_team(call, active).await?,
    };
    if is_settled {
        return Ok(Made::For(active));
    }
    if policy == Organizations::Team
        && let Some(org) = joining(call, client, progress, account).await?
    {
        return admitted(call, org).await.map(|()| Made::Joining(org));
    }
    Ok(Made::Open)
}

/// The organisation that somebody without a team is about to join by the application; the one that was made
/// first, where there are several.
async fn joining(
    call: &Call,
    client: &Client,
    progress: &Progress,
    account: &Account,
) -> Result<Option<Id<Org>>> {
    let own = of_account(call, account).await?;
    if own.iter().any(|one| one.kind == Kind::Team) {
        return Ok(None);
    }
    let ahead = orgs::joins::ahead(call, client.id, account.session.user).await?;
    let first = ahead.into_iter().find(|one| !one.is_asked || one.is_shown(progress.began_at));
    Ok(first.map(|one| one.org))
}

/// Makes the person a member of what is joined by the application, and notes for which of it the authorization
/// is. A yes that was given in this session was given for that one; `agreed` is when the authorization began in which
/// it was.
///
/// # Errors
/// `OrganizationUnknown` where one of them is suspended; `DraftUnknown`.
pub(super) async fn join(
    call: &Call,
    (id, client): (Id<id::Draft>, Id<id::Client>),
    (account, agreed): (&Account, Option<Time>),
    org: Id<Org>,
) -> Result<()> {
    let (user, session) = (account.session.user, account.session.id);
    let ask = (orgs::Welcome::new(call, user)?, (user, session), (client, agreed), (id, org), call.now);
    call.realm
        .db
        .write("drafts.join", ask, |tx, (welcome, (user, session), (client, agreed), (id, org), now)| {
            Box::pin(async move {
                tx.lock_shared(&[&user.to_string()]).await?;
                welcome.by_client(tx, *user, *client, *agreed).await?;
                if sql::join(tx, *id, *session, *org, *now).await? {
                    Ok(())
                } else {
                    refuse(Code::DraftUnknown)
                }
            })
        })
        .await
}

/// The organisation that the person would act for.
///
/// # Errors
/// `OrganizationUnknown`.
pub async fn acting_for(call: &Call, view: &View, account: &Account) -> Result<Id<Org>> {
    let is_by_them = view.whom.session == Some(account.session.id);
    let chosen = view.chosen_org.filter(|_| is_by_them).map(|org| org.to_string());
    let named = view.organization.clone().or(chosen);
    named_org(call, named.as_deref(), account).await
}

/// The organisation that the person would act for, by name; `None` for the person's own.
///
/// # Errors
/// `OrganizationUnknown`.
pub async fn on_behalf_of(call: &Call, view: &View, account: &Account) -> Result<Option<String>> {
    let org = orgs::get(call, acting_for(call, view, account).await?).await?;
    Ok((org.kind != Kind::Personal).then_some(org.name))
}

/// Notes which organisation the person has chosen for this authorization, and for nothing else.
///
/// # Errors
/// `NotFound` for one that the person does not belong to, or that is no team where one is needed;
/// `OrgAddress`, `DraftUnknown`.
pub async fn choose_organization(
    call: &Call,
    id: Id<id::Draft>,
    account: &Account,
    org: Id<Org>,
) -> Result<()> {
    let request = draft::get(call, id).await?.request;
    let client = clients::get_active(call, &request.trusted.client_id).await?;
    let needs_team = client.metadata.organizations == Organizations::Team;
    let ask =
        ((id, account.session.id), account.session.user, (org, needs_team), (call.now, call.origin.address));
    call.realm
        .db
        .write("drafts.choose_org", ask, |tx, ((id, session), user, (org, needs_team), (now, from))| {
            Box::pin(async move {
                let own = orgs::of_user(tx, *user).await?;
                let fits = |one: &orgs::Membership| !*needs_team || one.kind == Kind::Team;
                if !own.iter().any(|one| one.org == *org && fits(one)) {
                    return refuse(Code::NotFound);
                }
                orgs::must_admit(tx, *org, *from).await?;
                if sql::choose_org(tx, *id, *session, *org, *now).await? {
                    Ok(())
                } else {
                    refuse(Code::DraftUnknown)
                }
            })
        })
        .await
}

async fn named_org(call: &Call, named: Option<&str>, account: &Account) -> Result<Id<Org>> {
    let Some(named) = named else { return active_org(call, account).await };
    let refused = || Refusal::new(Code::OrganizationUnknown).field("organization");
    let Some(org) = orgs::find(call, named).await?.filter(|org| org.is_active) else {
        return Err(refused().into());
    };
    if !belongs(call, org.id, account).await? {
        return Err(refused().into());
    }
    Ok(org.id)
}

/// Whether the request calls the organisation nothing that it is not called. Only who belongs to it is told.
async fn is_called(call: &Call, org: Id<Org>, request: &Request) -> Result<bool> {
    if request.names().nth(1).is_none() {
        return Ok(true);
    }
    let org = orgs::get(call, org).await?;
    Ok(request.names().all(|name| org.is_called(name)))
}

/// The session's organisation; the person's own while that one is suspended.
async fn active_org(call: &Call, account: &Account) -> Result<Id<Org>> {
    let (active, own) = (account.session.org, account.principal.org);
    let is_usable = active == own || belongs(call, active, account).await?;
    Ok(if is_usable { active } else { own })
}

/// Whether the person belongs to an organisation that is active.
pub(super) async fn belongs(call: &Call, org: Id<Org>, account: &Account) -> Result<bool> {
    let read = call.realm.db.read("authorize.membership", (org, account.session.user), |tx, (org, user)| {
        Box::pin(async move { orgs::standing(tx, *org, *user).await })
    });
    Ok(read.await?.is_some())
}

/// Refuses an organisation that may not be used from here.
async fn admitted(call: &Call, org: Id<Org>) -> Result<()> {
    let read = call.realm.db.read("authorize.admitted", (org, call.origin.address), |tx, (org, from)| {
        Box::pin(async move { orgs::must_admit(tx, *org, *from).await })
    });
    read.await
}

async fn of_account(call: &Call, account: &Account) -> Result<Vec<orgs::Membership>> {
    let read = call.realm.db.read("authorize.organizations", account.session.user, |tx, user| {
        Box::pin(async move { orgs::of_user(tx, *user).await })
    });
    read.await
}

async fn is_team(call: &Call, org: Id<Org>) -> Result<bool> {
    Ok(orgs::get(call, org).await?.kind == Kind::Team)
}
