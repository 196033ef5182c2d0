//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), by GET and by POST.
//!
//! With a hint that names the session in use the person is signed out at once; without one the person is
//! asked, so that no other site can sign people out.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use doorward_core::{
    logout::{self, Outcome},
    outcome::{Code, Refusal},
};
use doorward_proto::{
    form::Params,
    secret::{Kind, Opaque},
};
use http::{HeaderMap, header};

use super::{
    authorize::signed_in,
    body::Form,
    client::refused,
    refusals::{Whose, noted},
};
use crate::{
    app::{App, Incoming},
    cookies::Cookie,
    surface::Failure,
};

const LIMIT: usize = 32 * 1024;

/// `GET /oauth2/logout`.
pub(super) async fn get(
    State(app): State<App>,
    incoming: Incoming,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let params = Params::parse(query.unwrap_or_default().as_bytes(), LIMIT)
        .map_err(|error| Refusal::new(Code::RequestInvalid).hint(error.to_string()))?;
    run(&app, incoming, &headers, &params).await
}

/// `POST /oauth2/logout`.
pub(super) async fn post(
    State(app): State<App>,
    incoming: Incoming,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, Failure> {
    run(&app, incoming, &headers, &params).await
}

async fn run(
    app: &App,
    Incoming(call): Incoming,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, Failure> {
    let ask = logout::read(params).map_err(|problem| refused(&problem))?;
    let (call, signed) = signed_in(app, call, headers).await?;
    let cookie = Cookie::Browser.read(headers, app.is_https());
    let cookie = cookie.and_then(|text| Opaque::parse(Kind::Browser, text));
    let outcome = logout::begin(&call, ask, signed.as_ref(), cookie.as_ref()).await;
    let outcome = noted(&call, "/oauth2/logout", Whose::default(), outcome).await?;
    Ok(match outcome {
        Outcome::Ask { after: None } => Redirect::to("/sign-out").into_response(),
        Outcome::Ask { after: Some(after) } => {
            Redirect::to(&format!("/sign-out?after={after}")).into_response()
        }
        Outcome::Done { to, cookie } => {
            let mut response = Redirect::to(to.as_deref().unwrap_or("/signed-out")).into_response();
            let lasts = call.realm.settings.session.absolute;
            let set = cookie.and_then(|new| Cookie::Browser.set(app.is_https(), new.expose(), Some(lasts)));
            if let Some(value) = set {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
            response
        }
    })
}
