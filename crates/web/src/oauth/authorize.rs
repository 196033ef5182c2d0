//! The authorization endpoint (RFC 6749 3.1, OpenID Connect Core 3.1.2), by GET and by POST.

use axum::{
    extract::{Query, RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use doorward_core::{
    authorize::{self, Next, Step, Trusted},
    call::{Actor, Call},
    clients,
    outcome::{self, Code, Error, Refusal},
    sessions::{self, Signed},
};
use doorward_proto::{
    authorize::{MAX_BYTES, ResponseMode},
    form::Params,
    id::{Draft, Id},
    redirect::{with_fragment, with_query},
    secret::{Kind, Opaque},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::Url;

use super::{
    body::Form,
    refusals::{Whose, note, noted},
};
use crate::{
    app::{App, Incoming},
    cookies::Cookie,
    pages::{self, complete, frame::Frame, invitation, text::Text},
    surface::{Failure, count_refusal, wire_of},
};

/// `GET /oauth2/authorize`.
pub(super) async fn get(
    State(app): State<App>,
    Incoming(call): Incoming,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let params = Params::parse(query.as_bytes(), MAX_BYTES)
        .map_err(|error| Refusal::new(Code::RequestInvalid).hint(error.to_string()))?;
    let (call, signed) = signed_in(&app, call, &headers).await?;
    let next = authorize::begin(&call, &params, signed.as_ref()).await;
    let next = noted_next(&call, params.all("client_id").next(), next).await?;
    answer(&app, &call, &headers, next)
}

/// `POST /oauth2/authorize`: kept as a pushed request would be, and answered by a redirect to the same by
/// GET, since a cross-site POST comes without our cookie (`SameSite`) and must not be sent twice.
pub(super) async fn post(Incoming(call): Incoming, Form(params): Form) -> Result<Response, Failure> {
    let query = authorize::store_posted(&call, &params).await?;
    Ok(see_other(&format!("/oauth2/authorize?{query}")))
}

#[derive(Deserialize)]
pub(super) struct Resume {
    draft: String,
}

/// `GET /oauth2/authorize/resume`: back from a page.
pub(super) async fn resume(
    State(app): State<App>,
    Incoming(call): Incoming,
    Query(Resume { draft }): Query<Resume>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let draft: Id<Draft> = draft.parse().map_err(|_| Failure::from(Code::DraftUnknown))?;
    let (call, signed) = signed_in(&app, call, &headers).await?;
    let next = authorize::resume(&call, draft, signed.as_ref()).await;
    let next = noted_next(&call, None, next).await?;
    answer(&app, &call, &headers, next)
}

/// Notes what is refused, on a page or at the application, which is named even where it is not believed.
async fn noted_next(
    call: &Call,
    pretended: Option<&str>,
    next: outcome::Result<Next>,
) -> outcome::Result<Next> {
    const ROUTE: &str = "/oauth2/authorize";
    if let Ok(Next::Refuse { trusted, refusal }) = &next {
        note(call, ROUTE, Whose::named(Some(trusted.client)), refusal.code).await?;
    }
    let client = match (&next, pretended) {
        (Err(_), Some(client_id)) => clients::find(call, client_id).await?.map(|client| client.id),
        _ => None,
    };
    noted(call, ROUTE, Whose::named(client), next).await
}

/// Who is signed in at this browser; the call is by the person of the active session.
pub(super) async fn signed_in(
    app: &App,
    call: Call,
    headers: &HeaderMap,
) -> outcome::Result<(Call, Option<Signed>)> {
    let cookie = Cookie::Browser.read(headers, app.is_https());
    let Some(cookie) = cookie.and_then(|text| Opaque::parse(Kind::Browser, text)) else {
        return Ok((call, None));
    };
    let signed = sessions::find(&call, &cookie).await?;
    let active = signed.as_ref().and_then(Signed::active).map(|account| &account.session);
    let call = match active {
        Some(session) => call.by(Actor::User { id: session.user, session: session.id }),
        None => call,
    };
    Ok((call, signed))
}

/// Sends the browser to the next page, or the answer to the application.
pub(crate) fn answer(app: &App, call: &Call, headers: &HeaderMap, next: Next) -> Result<Response, Failure> {
    match next {
        Next::Show { draft, step } => Ok(see_other(&page_of(step, draft))),
        Next::Invite { draft, link } => Ok(invite(app, draft, link.as_ref())),
        Next::Grant { trusted, code } => respond(app, call, headers, &trusted, &[("code", code.expose())]),
        Next::Refuse { trusted, refusal } => {
            count_refusal(refusal.code);
            let wire = wire_of(refusal.code);
            let description = if refusal.hint.is_empty() { wire.title } else { &refusal.hint };
            let description = doorward_proto::oauth_error::describable(description);
            respond(
                app,
                call,
                headers,
                &trusted,
                &[("error", wire.oauth), ("error_description", &description)],
            )
        }
    }
}

fn page_of(step: Step, draft: Id<Draft>) -> String {
    let path = match step {
        Step::SignIn => "/sign-in",
        Step::SignUp => "/sign-up",
        Step::ChooseAccount => "/choose-account",
        Step::ChooseOrganization => "/choose-organization",
        Step::CompleteProfile => complete::PATH,
        Step::Consent => "/consent",
    };
    format!("{path}?draft={draft}")
}

/// To the invitation, whose token goes into a cookie and not into the address.
fn invite(app: &App, draft: Id<Draft>, link: Option<&Opaque>) -> Response {
    let mut response = see_other(&format!("{}?draft={draft}", invitation::PATH));
    let cookie = link.and_then(|link| invitation::cookie(app, link));
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The answer at the redirect URI, always with `state` and `iss` (RFC 9207).
fn respond(
    app: &App,
    call: &Call,
    headers: &HeaderMap,
    trusted: &Trusted,
    pairs: &[(&str, &str)],
) -> Result<Response, Failure> {
    let mut all = pairs.to_vec();
    if let Some(state) = &trusted.state {
        all.push(("state", state));
    }
    all.push(("iss", &call.realm.issuer));
    match trusted.mode {
        ResponseMode::FormPost => {
            let action = Url::parse(&trusted.redirect_uri).map_err(Error::from)?;
            Ok(form_post(app, headers, &action, &all))
        }
        ResponseMode::Fragment => Ok(see_other(&with_fragment(&trusted.redirect_uri, all))),
        _ => Ok(see_other(&with_query(&trusted.redirect_uri, all))),
    }
}

fn form_post(app: &App, headers: &HeaderMap, action: &Url, pairs: &[(&str, &str)]) -> Response {
    let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let frame = Frame::new(&app.realm.issuer, Text::negotiate(None, None, language));
    let mut response = pages::form_post::render(&frame, action, pairs);
    crate::headers::secure(response.headers_mut());
    response
}

/// 303, never stored, never leaking where it came from.
fn see_other(to: &str) -> Response {
    let mut response = match HeaderValue::from_str(to) {
        Ok(_) => Redirect::to(to).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
