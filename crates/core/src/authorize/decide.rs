//! What an authorization needs next: which account, whether to sign in again, which organisation,
//! whether consent is there (OpenID Connect Core 3.1.2.3 and 3.1.2.4).

use std::time::Duration;

use doorward_proto::{
    authorize::Prompt,
    id::{Id, Org},
};

use super::{
    Progress, Request, Step, View, consent,
    whom::{Found, Whom},
};
use crate::{
    call::Call,
    clients::Client,
    orgs,
    outcome::{Code, Refusal, Result, refuse},
    sessions::{Account, Signed},
};

pub(super) enum Decision<'s> {
    Show(Step),
    Invite,
    Ready { account: &'s Account, org: Id<Org> },
}

/// Decides from what stands now. Under `prompt=none` a page that is needed is a refusal.
pub(super) async fn decide<'s>(
    call: &Call,
    client: &Client,
    request: &Request,
    progress: &Progress,
    signed: Option<&'s Signed>,
) -> Result<Decision<'s>> {
    let is_silent = request.ask.prompt.contains(Prompt::None);
    let account = match account_of(call, client, request, progress, signed)? {
        Ok(account) => account,
        Err(step) if is_silent => return refuse(refusal_for(step)),
        // Once somebody has signed in for it, or joined by it, what is missing is not the invitation.
        Err(_) if request.invited.is_some() && progress.session.is_none() => return Ok(Decision::Invite),
        Err(step) => return Ok(Decision::Show(step)),
    };
    reaches_acr(request, account)?;
    if let Some(invited) = request.invited
        && !belongs(call, invited, account).await?
    {
        return if is_silent { refuse(Code::InteractionRequired) } else { Ok(Decision::Invite) };
    }
    let org = organisation_of(call, request, account).await?;
    if !consent::is_there(call, client, request, progress, (account, org)).await? {
        if is_silent {
            return refuse(Code::ConsentRequired);
        }
        return Ok(Decision::Show(Step::Consent));
    }
    Ok(Decision::Ready { account, org })
}

const fn refusal_for(step: Step) -> Code {
    match step {
        Step::SignIn | Step::SignUp => Code::LoginRequired,
        Step::ChooseAccount => Code::AccountSelectionRequired,
        Step::Consent => Code::ConsentRequired,
    }
}

/// The account that answers, or the page that finds one.
fn account_of<'s>(
    call: &Call,
    client: &Client,
    request: &Request,
    progress: &Progress,
    signed: Option<&'s Signed>,
) -> Result<std::result::Result<&'s Account, Step>> {
    let prompt = &request.ask.prompt;
    if prompt.contains(Prompt::Create) && progress.login_at.is_none() {
        return Ok(Err(Step::SignUp));
    }
    let whom = Whom::of(request, progress);
    let Some(signed) = signed.filter(|signed| !signed.accounts.is_empty()) else {
        return Ok(Err(Step::SignIn));
    };
    let chosen = whom.chosen(signed);
    if progress.login_at.is_some() && chosen.is_none() && is_here(signed, progress) {
        // Somebody else than the one person accepted has signed in for it: asking again would never end.
        return refuse(Code::LoginRequired);
    }
    if prompt.contains(Prompt::SelectAccount) && chosen.is_none() {
        return Ok(Err(Step::ChooseAccount));
    }
    let account = match whom.find(signed) {
        Found::Account(account) => account,
        Found::Missing => return Ok(Err(Step::SignIn)),
        Found::Several => return Ok(Err(Step::ChooseAccount)),
    };
    let has_just_signed_in = chosen.is_some() && progress.login_at.is_some();
    if !has_just_signed_in && (prompt.contains(Prompt::Login) || is_too_old(call, client, request, account)) {
        return Ok(Err(Step::SignIn));
    }
    Ok(Ok(account))
}

fn is_here(signed: &Signed, progress: &Progress) -> bool {
    signed.accounts.iter().any(|account| Some(account.session.id) == progress.session)
}

fn is_too_old(call: &Call, client: &Client, request: &Request, account: &Account) -> bool {
    let limit = request.ask.max_age.map(u64::from).or(client.metadata.default_max_age);
    limit.is_some_and(|seconds| call.now.since(account.session.auth_time) > Duration::from_secs(seconds))
}

/// An `acr` asked for as essential must be reached (OpenID Connect Core 5.5.1.1).
fn reaches_acr(request: &Request, account: &Account) -> Result<()> {
    let asked = request.ask.claims.as_ref().and_then(|claims| claims.id_token.get("acr"));
    match asked {
        Some(ask) if ask.essential && !ask.accepts(&account.session.acr.clone().into()) => {
            refuse(Code::AuthenticationUnmet)
        }
        _ => Ok(()),
    }
}

/// The organisation that the request names, of which the person must be a member; else the session's.
pub(super) async fn organisation_of(call: &Call, request: &Request, account: &Account) -> Result<Id<Org>> {
    organisation_named(call, request.organization().as_deref(), account).await
}

/// The organisation that the person would act for, by name; `None` for the person's own.
///
/// # Errors
/// `OrganizationUnknown`.
pub async fn on_behalf_of(call: &Call, view: &View, account: &Account) -> Result<Option<String>> {
    let org = organisation_named(call, view.organization.as_deref(), account).await?;
    let org = orgs::get(call, org).await?;
    Ok((org.kind != orgs::Kind::Personal).then_some(org.name))
}

async fn organisation_named(call: &Call, named: Option<&str>, account: &Account) -> Result<Id<Org>> {
    let Some(named) = named else { return active_organisation(call, account).await };
    let refused = || Refusal::new(Code::OrganizationUnknown).field("organization");
    let Some(org) = orgs::find(call, named).await?.filter(|org| org.is_active) else {
        return Err(refused().into());
    };
    if !belongs(call, org.id, account).await? {
        return Err(refused().into());
    }
    Ok(org.id)
}

/// The session's organisation; the person's own while that one is suspended.
async fn active_organisation(call: &Call, account: &Account) -> Result<Id<Org>> {
    let (active, own) = (account.session.org, account.principal.org);
    let is_usable = active == own || belongs(call, active, account).await?;
    Ok(if is_usable { active } else { own })
}

async fn belongs(call: &Call, org: Id<Org>, account: &Account) -> Result<bool> {
    let read = call.realm.db.read("authorize.membership", (org, account.session.user), |tx, (org, user)| {
        Box::pin(async move { orgs::standing(tx, *org, *user).await })
    });
    Ok(read.await?.is_some())
}
