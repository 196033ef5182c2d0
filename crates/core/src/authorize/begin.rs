//! The first look at a request, and every return to it.

use std::sync::Arc;

use doorward_proto::{
    authorize::{AuthorizationRequest, MAX_BYTES, Parsed, Prompt, ResponseMode, parse},
    form::Params,
    id::{self, Id},
    jose::{Typ, Unverified},
    oauth_error::Problem,
    par,
    scope::ScopeSet,
    secret::{Kind, Opaque},
};

use super::{
    Next, Progress, Request, Trusted,
    checks::{self, Seen},
    choice,
    decide::{Decision, decide},
    draft, issue,
    push::{self, Kept},
};
use crate::{
    call::Call,
    clients::{self, Client},
    keys, orgs,
    outcome::{Code, Error, Refusal, Result, refuse},
    sessions::Signed,
    tokens::{self, Target},
    users,
};

/// Answers an authorization request. A refusal of this function itself must not be redirected: nothing
/// has proven yet where it may go.
pub async fn begin(call: &Call, params: &Params, signed: Option<&Signed>) -> Result<Next> {
    let parsed = parse(params);
    let client = clients::get_active(call, client_id_of(&parsed)?).await?;
    let (parsed, is_pushed) = unpacked(call, &client, parsed).await?;
    let trusted = trust(&client, &parsed)?;
    let is_silent = parsed.request.prompt.contains(Prompt::None);
    match checked(call, &client, &trusted, parsed, is_pushed).await {
        Ok(request) => proceed(call, &client, request, Progress::default(), signed).await,
        // A person is told best what to do about a link that is over.
        Err(Error::Refused(refusal)) if refusal.code == Code::LinkInvalid && !is_silent => {
            Err(refusal.into())
        }
        Err(Error::Refused(refusal)) => Ok(Next::Refuse { trusted, refusal }),
        Err(fault) => Err(fault),
    }
}

/// Goes on with an authorization in progress.
///
/// # Errors
/// `DraftUnknown`.
pub async fn resume(call: &Call, id: Id<id::Draft>, signed: Option<&Signed>) -> Result<Next> {
    let draft = draft::get(call, id).await?;
    let client = clients::get_active(call, &draft.request.trusted.client_id).await?;
    proceed(call, &client, draft.request, draft.progress, signed).await
}

/// Who asks, as far as it says.
pub(super) fn client_id_of(parsed: &Parsed) -> Result<&str> {
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.parameter == "client_id") {
        return Err(checks::refusal_of(problem).into());
    }
    match &parsed.request.client_id {
        Some(client_id) => Ok(client_id),
        None => {
            Err(Refusal::new(Code::RequestInvalid).hint("client_id is missing").field("client_id").into())
        }
    }
}

/// The request that was kept, where one is named (RFC 9126 4): what a browser posted, in which a pushed one
/// may be named in turn. An address of somebody else's is left in the request, for a check to refuse.
async fn unpacked(call: &Call, client: &Client, mut parsed: Parsed) -> Result<(Parsed, bool)> {
    // Of what stands beside the name nothing counts, but it must not be there twice.
    let mut beside: Vec<Problem> = Vec::new();
    for _ in 0..2 {
        let Some(name) = parsed.request.request_uri.as_deref().and_then(par::parse_request_uri) else {
            break;
        };
        beside.extend(parsed.problems.iter().filter(|problem| problem.is_repeated()).cloned());
        match push::take(call, client, &name).await? {
            Kept::Pushed(request) => return Ok((Parsed { request: *request, problems: beside }, true)),
            Kept::Posted(form) => {
                let params = Params::parse(form.as_bytes(), MAX_BYTES)
                    .map_err(|_| Error::fault("a kept form cannot be read"))?;
                parsed = parse(&params);
            }
        }
    }
    parsed.problems.extend(beside);
    Ok((parsed, false))
}

/// Proves where the answer may go.
pub(super) fn trust(client: &Client, parsed: &Parsed) -> Result<Trusted> {
    if let Some(problem) = parsed.redirect_problem() {
        return Err(checks::refusal_of(&problem).into());
    }
    let redirect_uri = checks::redirect_uri(client, parsed)?;
    let mode = parsed.request.response_mode.filter(|mode| checks::RESPONSE_MODES.contains(mode));
    Ok(Trusted {
        client: client.id,
        client_id: client.client_id.clone(),
        redirect_uri,
        mode: mode.unwrap_or(ResponseMode::Query),
        state: parsed.request.state.clone(),
    })
}

/// Runs every check, those that need to look something up last.
pub(super) async fn checked(
    call: &Call,
    client: &Client,
    trusted: &Trusted,
    mut parsed: Parsed,
    is_pushed: bool,
) -> Result<Request> {
    let seen = Seen { client, ask: &parsed.request, problems: &parsed.problems, is_pushed };
    checks::check(&seen, false)?;
    let (scope, resources) = reach_of(call, client, &parsed.request).await?;
    let (hinted_subject, registers) = subject_wanted(call, client, &parsed.request).await?;
    let invitation = invitation_in(&mut parsed.request)?;
    let invited = match &invitation {
        Some(link) => Some(invited_to(call, link, &parsed.request).await?),
        None => None,
    };
    let (trusted, ask) = (trusted.clone(), parsed.request);
    Ok(Request { trusted, ask, scope, resources, hinted_subject, registers, invited, invitation })
}

/// Takes the invitation out of what will be stored.
fn invitation_in(ask: &mut AuthorizationRequest) -> Result<Option<Opaque>> {
    let Some(text) = ask.invitation.take() else { return Ok(None) };
    match Opaque::parse(Kind::Link, &text) {
        Some(link) => Ok(Some(link)),
        None => refuse(Code::LinkInvalid),
    }
}

/// The organisation that an invitation is to. One that the request names beside it must be the same.
async fn invited_to(call: &Call, link: &Opaque, ask: &AuthorizationRequest) -> Result<Id<id::Org>> {
    let org = orgs::invitations::look(call, link).await?.org;
    if [&ask.organization, &ask.organization_name].into_iter().flatten().all(|name| org.is_called(name)) {
        return Ok(org.id);
    }
    let hint = "The invitation is to another organization";
    Err(Refusal::new(Code::RequestInvalid).hint(hint).field("invitation").into())
}

/// The scopes that may be granted and the audiences asked for by `resource` and `audience`, each of which
/// must be known, and must know what is asked of it (RFC 8707 2).
pub(super) async fn reach_of(
    call: &Call,
    client: &Client,
    ask: &AuthorizationRequest,
) -> Result<(ScopeSet, Vec<String>)> {
    let mut resources: Vec<String> =
        ask.resource.iter().map(|resource| resource.as_str().to_owned()).collect();
    if let Some(audience) = &ask.audience
        && !resources.contains(audience)
    {
        resources.push(audience.clone());
    }
    let scope = checks::scope_of(client, ask.scope.as_ref())?;
    let is_named = ask.scope.as_ref().is_some_and(|named| !named.is_empty());
    let targets = targets_of(call, client, &resources).await?;
    Ok((tokens::scope::within(&targets, scope, is_named)?, resources))
}

/// What tokens of a request would be for: its audiences, or what a request without any means.
pub(super) async fn targets_of(call: &Call, client: &Client, resources: &[String]) -> Result<Vec<Target>> {
    if resources.is_empty() {
        return Ok(vec![tokens::target_of(call, client, &[], &[]).await?]);
    }
    let mut targets = Vec::with_capacity(resources.len());
    for resource in resources {
        targets.push(tokens::target_of(call, client, std::slice::from_ref(resource), &[]).await?);
    }
    Ok(targets)
}

/// The one person that the request is about, by `id_token_hint` or by a `sub` asked for in the ID token
/// (OpenID Connect Core 3.1.2.2 and 5.5.1).
///
/// Somebody without an account cannot sign in: a fresh ID token about such a person says who registers, should
/// the person make an account now. Whoever has one signs in to that.
async fn subject_wanted(
    call: &Call,
    client: &Client,
    ask: &AuthorizationRequest,
) -> Result<(Option<String>, Option<Id<id::User>>)> {
    let hint = match &ask.id_token_hint {
        Some(hint) => Some(subject_of(call, client, hint).await?),
        None => None,
    };
    if let Some(hint) = &hint
        && let Ok(person) = hint.sub.parse()
        && users::anonymous::find(call, person).await?.is_some()
    {
        let is_fresh = hint.exp > call.now.as_seconds();
        return Ok((None, is_fresh.then_some(person)));
    }
    let hinted = hint.map(|hint| hint.sub);
    subject_named(hinted, ask).map(|subject| (subject, None))
}

fn subject_named(hinted: Option<String>, ask: &AuthorizationRequest) -> Result<Option<String>> {
    let named = ask.claims.as_ref().and_then(|claims| claims.id_token.get("sub")?.value.as_ref());
    match (hinted, named) {
        (Some(hinted), Some(named)) if *named != hinted => refuse(Code::LoginRequired),
        // A subject is a text: nobody is called by anything else.
        (None, Some(named)) => Ok(Some(named.as_str().unwrap_or_default().to_owned())),
        (hinted, _) => Ok(hinted),
    }
}

/// The subject of one of our own ID tokens for this client; it may be over (OpenID Connect Core 3.1.2.1).
/// One that another application was given would tell this one whether its person is signed in here.
async fn subject_of(call: &Call, client: &Client, hint: &str) -> Result<Hint> {
    let refused =
        || Refusal::new(Code::RequestInvalid).hint("id_token_hint is not ours").field("id_token_hint");
    let token = Unverified::decode(hint).map_err(|_| Error::from(refused()))?;
    let keys = keys::current(call).await?;
    let verified = keys.verifiers().into_verified(token, Typ::Jwt).map_err(|_| Error::from(refused()))?;
    let claims: Hint = verified.own_claims().map_err(|_| Error::from(refused()))?;
    if claims.iss != call.realm.issuer {
        return Err(refused().into());
    }
    if claims.aud != client.client_id {
        let hint = "id_token_hint was issued to another client";
        return Err(Refusal::new(Code::RequestInvalid).hint(hint).field("id_token_hint").into());
    }
    Ok(claims)
}

#[derive(serde::Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

/// Decides what comes next: a page, a code, or a refusal for the application.
async fn proceed(
    call: &Call,
    client: &Arc<Client>,
    request: Request,
    progress: Progress,
    signed: Option<&Signed>,
) -> Result<Next> {
    let decision = decide(call, client, &request, &progress, signed).await;
    match decision {
        Ok(Decision::Join { account, org }) => {
            let trusted = request.trusted.clone();
            let draft = kept(call, request, &progress).await?;
            let agreed = progress.agreed_at(account.session.id);
            match choice::join(call, (draft, client.id), (account, agreed), org).await {
                // Whoever has just joined is asked what its members are asked.
                Ok(()) => Box::pin(resume(call, draft, signed)).await,
                Err(Error::Refused(refusal)) if refusal.code == Code::OrganizationUnknown => {
                    Ok(Next::Refuse { trusted, refusal })
                }
                Err(error) => Err(error),
            }
        }
        Ok(Decision::Ready { account, org }) => {
            let trusted = request.trusted.clone();
            match issue::issue(call, client, request, &progress, (account, org)).await {
                Err(Error::Refused(refusal)) if refusal.code == Code::OrganizationUnknown => {
                    Ok(Next::Refuse { trusted, refusal })
                }
                other => other,
            }
        }
        Ok(Decision::Show(step)) => Ok(Next::Show { draft: kept(call, request, &progress).await?, step }),
        Ok(Decision::Invite) => {
            let link = request.invitation.clone();
            Ok(Next::Invite { draft: kept(call, request, &progress).await?, link })
        }
        Err(Error::Refused(refusal)) => Ok(Next::Refuse { trusted: request.trusted, refusal }),
        Err(fault) => Err(fault),
    }
}

async fn kept(call: &Call, request: Request, progress: &Progress) -> Result<Id<id::Draft>> {
    match progress.draft {
        Some(draft) => Ok(draft),
        None => draft::store(call, request).await,
    }
}
