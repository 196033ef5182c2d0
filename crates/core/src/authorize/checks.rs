//! The checks of an authorization request, each a pure function, in one table.

use doorward_proto::{
    authorize::{AuthorizationRequest, Parsed, Prompt, ResponseMode},
    oauth_error::{ErrorCode, Problem},
    par,
    redirect::RedirectUri,
    scope::ScopeSet,
};

use crate::{
    clients::Client,
    outcome::{Code, Refusal},
};

/// Scopes that every client may ask for unless it is registered with others.
pub const STANDARD_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];
/// The response modes that work.
pub const RESPONSE_MODES: [ResponseMode; 3] =
    [ResponseMode::Query, ResponseMode::FormPost, ResponseMode::Fragment];

/// What a check sees.
pub(super) struct Seen<'a> {
    pub(super) client: &'a Client,
    pub(super) ask: &'a AuthorizationRequest,
    pub(super) problems: &'a [Problem],
    /// Whether the request came by the pushed-request endpoint.
    pub(super) is_pushed: bool,
}

type Check = fn(&Seen<'_>) -> Result<(), Refusal>;

/// Every check, in order. Columns: its name, whether it holds at authorize, whether at the pushed-request
/// endpoint.
pub(super) const CHECKS: &[(&str, bool, bool, Check)] = &[
    ("well_formed", true, true, well_formed),
    ("no_request_object", true, true, no_request_object),
    ("no_foreign_request", true, true, no_foreign_request),
    ("grant_registered", true, true, grant_registered),
    ("pushed_if_required", true, false, pushed_if_required),
    ("response_type", true, true, response_type),
    ("response_mode", true, true, response_mode),
    ("pkce", true, true, pkce),
    ("prompt", true, true, prompt),
    ("authorization_details", true, true, authorization_details),
];

/// Runs the checks of one column.
pub(super) fn check(seen: &Seen<'_>, at_push: bool) -> Result<(), Refusal> {
    let mut column = CHECKS.iter().filter(|(_, authorize, push, _)| if at_push { *push } else { *authorize });
    column.try_for_each(|(_, _, _, check)| check(seen))
}

/// How a fault of the parser is refused.
pub(super) fn refusal_of(problem: &Problem) -> Refusal {
    let code = match (problem.error, &*problem.parameter) {
        (ErrorCode::InvalidScope, _) => Code::ScopeInvalid,
        (ErrorCode::InvalidTarget, _) => Code::TargetInvalid,
        (_, "prompt") => Code::PromptInvalid,
        (_, "claims") => Code::ClaimsInvalid,
        (_, "response_mode") => Code::ResponseModeUnsupported,
        (_, "code_challenge" | "code_challenge_method") => Code::PkceRequired,
        (_, "authorization_details") => Code::AuthorizationDetailsInvalid,
        _ => Code::RequestInvalid,
    };
    Refusal::new(code).hint(format!("{} {}", problem.parameter, problem.why)).field(problem.parameter.clone())
}

fn well_formed(seen: &Seen<'_>) -> Result<(), Refusal> {
    seen.problems.first().map_or(Ok(()), |problem| Err(refusal_of(problem)))
}

fn no_request_object(seen: &Seen<'_>) -> Result<(), Refusal> {
    if seen.ask.request.is_some() {
        return Err(Refusal::new(Code::RequestObjectUnsupported).field("request"));
    }
    Ok(())
}

/// Requests are fetched from nowhere (OpenID Connect Core 6.2): a `request_uri` is one of our own names.
fn no_foreign_request(seen: &Seen<'_>) -> Result<(), Refusal> {
    let code = match &seen.ask.request_uri {
        None => return Ok(()),
        Some(uri) if uri.starts_with(par::PREFIX) => Code::RequestUriInvalid,
        Some(_) => Code::RequestUriUnsupported,
    };
    Err(Refusal::new(code).field("request_uri"))
}

fn grant_registered(seen: &Seen<'_>) -> Result<(), Refusal> {
    if seen.client.metadata.allows_grant("authorization_code") {
        return Ok(());
    }
    Err(Refusal::new(Code::GrantNotAllowed).hint("The client is not registered for authorization_code"))
}

fn pushed_if_required(seen: &Seen<'_>) -> Result<(), Refusal> {
    if seen.client.metadata.require_pushed_authorization_requests && !seen.is_pushed {
        return Err(Refusal::new(Code::PushedRequestRequired));
    }
    Ok(())
}

fn response_type(seen: &Seen<'_>) -> Result<(), Refusal> {
    match seen.ask.response_type.as_deref() {
        Some("code") => Ok(()),
        None => {
            Err(Refusal::new(Code::RequestInvalid).hint("response_type is missing").field("response_type"))
        }
        Some(_) => Err(Refusal::new(Code::ResponseTypeUnsupported).field("response_type")),
    }
}

fn response_mode(seen: &Seen<'_>) -> Result<(), Refusal> {
    match seen.ask.response_mode {
        Some(mode) if !RESPONSE_MODES.contains(&mode) => {
            Err(Refusal::new(Code::ResponseModeUnsupported).field("response_mode"))
        }
        _ => Ok(()),
    }
}

/// S256 for everybody (RFC 9700 2.1.1); a confidential client may be excused by name.
fn pkce(seen: &Seen<'_>) -> Result<(), Refusal> {
    let is_excused = seen.client.is_confidential && !seen.client.metadata.require_pkce;
    if seen.ask.code_challenge.is_none() && !is_excused {
        return Err(Refusal::new(Code::PkceRequired).field("code_challenge"));
    }
    Ok(())
}

fn prompt(seen: &Seen<'_>) -> Result<(), Refusal> {
    if seen.ask.prompt.contains(Prompt::None) && seen.ask.prompt.iter().count() > 1 {
        return Err(Refusal::new(Code::PromptInvalid).field("prompt"));
    }
    Ok(())
}

/// No type of RFC 9396 is known yet, so any is unknown (RFC 9396 5).
fn authorization_details(seen: &Seen<'_>) -> Result<(), Refusal> {
    if seen.ask.authorization_details.is_some() {
        return Err(Refusal::new(Code::AuthorizationDetailsInvalid).field("authorization_details"));
    }
    Ok(())
}

/// The scopes that may be granted: those asked for, or the client's own.
pub(super) fn scope_of(client: &Client, asked: Option<&ScopeSet>) -> Result<ScopeSet, Refusal> {
    let bad = |_| Refusal::new(Code::ScopeInvalid).field("scope");
    let own = if client.metadata.scopes.is_empty() {
        ScopeSet::from_names(STANDARD_SCOPES.iter().copied()).map_err(bad)?
    } else {
        ScopeSet::from_names(client.metadata.scopes.iter().map(String::as_str)).map_err(bad)?
    };
    match asked {
        Some(asked) if !asked.is_empty() => {
            if asked.is_subset(&own) {
                return Ok(asked.clone());
            }
            let hint = format!("Not allowed for this client: {}", asked.without(&own));
            Err(Refusal::new(Code::ScopeInvalid).hint(hint).field("scope"))
        }
        _ => Ok(own.retain(|name| name != "offline_access")),
    }
}

/// Where the answer may go: the redirect URI sent, when it is registered, or the only registered one.
pub(super) fn redirect_uri(client: &Client, parsed: &Parsed) -> Result<String, Refusal> {
    let registered = &client.metadata.redirect_uris;
    match (&parsed.request.redirect_uri, registered.as_slice()) {
        (Some(sent), all) if all.iter().any(|known| is_match(known, sent)) => Ok(sent.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, _) => {
            Err(Refusal::new(Code::RequestInvalid).hint("redirect_uri is missing").field("redirect_uri"))
        }
        _ => Err(Refusal::new(Code::RedirectUriUnregistered).field("redirect_uri")),
    }
}

/// Whether the token request names the redirect URI as it must: the same one where it repeats it, and it
/// has to where no challenge binds the code (RFC 6749 4.1.3; OAuth 2.1 leaves it out where PKCE does it).
pub(crate) fn repeats_redirect_uri(used: &str, sent: Option<&str>, has_challenge: bool) -> bool {
    sent.map_or(has_challenge, |sent| sent == used)
}

fn is_match(registered: &str, sent: &str) -> bool {
    registered.parse::<RedirectUri>().is_ok_and(|registered| registered.matches(sent))
}
