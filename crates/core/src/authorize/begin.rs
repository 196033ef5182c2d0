//! The first look at a request, and every return to it.

use std::sync::Arc;

use doorward_proto::{
    authorize::{Parsed, ResponseMode, parse},
    form::Params,
    id::{self, Id},
    jose::{Typ, Unverified},
    par,
};

use super::{
    Next, Progress, Request, Step, Trusted,
    checks::{self, Seen},
    decide::{Decision, decide},
    draft, issue, push,
};
use crate::{
    call::Call,
    clients::{self, Client},
    keys,
    outcome::{Code, Error, Refusal, Result, refuse},
    sessions::Signed,
};

/// Answers an authorization request. A refusal of this function itself must not be redirected: nothing
/// has proven yet where it may go.
pub async fn begin(call: &Call, params: &Params, signed: Option<&Signed>) -> Result<Next> {
    let parsed = parse(params);
    let (client, parsed, is_pushed) = load(call, parsed).await?;
    let trusted = trust(&client, &parsed)?;
    match checked(call, &client, &trusted, parsed, is_pushed).await {
        Ok(request) => proceed(call, &client, request, Progress::default(), signed).await,
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

/// The client, and the pushed request where one is named (RFC 9126 4).
async fn load(call: &Call, parsed: Parsed) -> Result<(Arc<Client>, Parsed, bool)> {
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.parameter == "client_id") {
        return Err(checks::refusal_of(problem).into());
    }
    let Some(client_id) = &parsed.request.client_id else {
        return Err(Refusal::new(Code::RequestInvalid)
            .hint("client_id is missing")
            .field("client_id")
            .into());
    };
    let client = clients::get_active(call, client_id).await?;
    let Some(uri) = &parsed.request.request_uri else { return Ok((client, parsed, false)) };
    let name = par::parse_request_uri(uri);
    let Some(name) = name else { return refuse(Code::RequestUriInvalid) };
    let request = push::take(call, &client, &name).await?;
    Ok((client, Parsed { request, problems: Vec::new() }, true))
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
    parsed: Parsed,
    is_pushed: bool,
) -> Result<Request> {
    let seen = Seen { client, ask: &parsed.request, problems: &parsed.problems, is_pushed };
    checks::check(&seen, false)?;
    let scope = checks::scope_of(client, parsed.request.scope.as_ref())?;
    let resources = resources_of(call, client, &parsed).await?;
    let hinted_subject = match &parsed.request.id_token_hint {
        Some(hint) => Some(subject_of(call, hint).await?),
        None => None,
    };
    Ok(Request { trusted: trusted.clone(), ask: parsed.request, scope, resources, hinted_subject })
}

/// The audiences asked for by `resource` and `audience`, each of which must be known.
pub(super) async fn resources_of(call: &Call, client: &Client, parsed: &Parsed) -> Result<Vec<String>> {
    let mut resources: Vec<String> =
        parsed.request.resource.iter().map(|resource| resource.as_str().to_owned()).collect();
    if let Some(audience) = &parsed.request.audience
        && !resources.contains(audience)
    {
        resources.push(audience.clone());
    }
    for resource in &resources {
        crate::tokens::target_of(call, client, std::slice::from_ref(resource), &[]).await?;
    }
    Ok(resources)
}

/// The subject of one of our own ID tokens; it may be over (OpenID Connect Core 3.1.2.1).
pub(crate) async fn subject_of(call: &Call, hint: &str) -> Result<String> {
    let refused =
        || Refusal::new(Code::RequestInvalid).hint("id_token_hint is not ours").field("id_token_hint");
    let token = Unverified::decode(hint).map_err(|_| Error::from(refused()))?;
    let keys = keys::current(call).await?;
    let verified = keys.verifiers().into_verified(token, Typ::Jwt).map_err(|_| Error::from(refused()))?;
    let claims: Hint = verified.own_claims().map_err(|_| Error::from(refused()))?;
    if claims.iss != call.realm.issuer {
        return Err(refused().into());
    }
    Ok(claims.sub)
}

#[derive(serde::Deserialize)]
struct Hint {
    iss: String,
    sub: String,
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
        Ok(Decision::Ready { account, org }) => {
            issue::issue(call, client, request, &progress, (account, org)).await
        }
        Ok(Decision::Show(step)) => show(call, request, progress, step).await,
        Err(Error::Refused(refusal)) => Ok(Next::Refuse { trusted: request.trusted, refusal }),
        Err(fault) => Err(fault),
    }
}

async fn show(call: &Call, request: Request, progress: Progress, step: Step) -> Result<Next> {
    let draft = match progress.draft {
        Some(draft) => draft,
        None => draft::store(call, request).await?,
    };
    Ok(Next::Show { draft, step })
}
