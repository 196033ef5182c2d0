//! What an authorization needs next: which account, whether to sign in again, which organisation,
//! whether it is told what it asks, whether consent is there (OpenID Connect Core 3.1.2.3 and 3.1.2.4).

use std::time::Duration;

use doorward_proto::{
    authorize::Prompt,
    id::{Id, Org},
};

use super::{
    Progress, Request, Step,
    choice::{self, Made},
    consent,
    whom::{Found, Whom},
};
use crate::{
    call::Call,
    clients::Client,
    orgs,
    outcome::{Code, Result, refuse},
    sessions::{Account, Signed},
};

pub(super) enum Decision<'s> {
    Show(Step),
    Invite,
    /// Everything is there but that the person joins the organisation.
    Join {
        account: &'s Account,
        org: Id<Org>,
    },
    Ready {
        account: &'s Account,
        org: Id<Org>,
    },
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
        && !choice::belongs(call, invited, account).await?
    {
        return if is_silent { refuse(Code::InteractionRequired) } else { Ok(Decision::Invite) };
    }
    let (org, joins) = match choice::made(call, client, (request, progress), account).await? {
        Made::For(org) => (org, false),
        Made::Joining(org) => (org, true),
        Made::Open => {
            let step = Step::ChooseOrganization;
            return if is_silent { refuse(refusal_for(step)) } else { Ok(Decision::Show(step)) };
        }
    };
    // What an organisation asks is for who belongs to it, and nobody joins before they consent.
    if !joins && orgs::fields::is_incomplete(call, org, account.session.user).await? {
        let step = Step::CompleteProfile;
        return if is_silent { refuse(refusal_for(step)) } else { Ok(Decision::Show(step)) };
    }
    if !consent::is_there(call, client, request, progress, (account, org)).await? {
        if is_silent {
            return refuse(Code::ConsentRequired);
        }
        return Ok(Decision::Show(Step::Consent));
    }
    Ok(if joins { Decision::Join { account, org } } else { Decision::Ready { account, org } })
}

const fn refusal_for(step: Step) -> Code {
    match step {
        Step::SignIn | Step::SignUp => Code::LoginRequired,
        Step::ChooseAccount => Code::AccountSelectionRequired,
        Step::ChooseOrganization | Step::CompleteProfile => Code::InteractionRequired,
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
        return Ok(Err(if request.wants_sign_up() { Step::SignUp } else { Step::SignIn }));
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
