//! The present password, once more, before a secret is told or somebody is given a way in: both outlive the
//! session, and whoever finds a browser signed in shall not leave with one. Only a session cookie is asked; a
//! program proves itself by its own credential.

use axum::{
    body::Body,
    extract::{FromRequest as _, Request},
};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal, Result},
};
use doorward_proto::secret::SecretText;
use http::{header, request::Parts};
use serde::Deserialize as _;
use serde_json::{Map, Value as Json};

use super::{body::Members, caller::Caller};
use crate::app::App;

/// The member of the body.
const MEMBER: &str = "current_password";
/// What the description of the API says of it.
pub(super) const ABOUT: &str = "A signed-in browser adds `current_password`, the present password, to the \
    members where this tells a secret or gives somebody a way in: that outlives the session. Other callers \
    do not.";

/// Which bodies have to be confirmed.
pub(super) type Confirms = fn(&Map<String, Json>) -> bool;

/// Confirms a browser's request and takes the password out of its body; of others nothing is read.
///
/// # Errors
/// `RequestInvalid` without the password, `PasswordWrong` with another one, and what is refused of any body.
pub(super) async fn confirm(
    app: &App,
    caller: &Caller,
    request: Request<Body>,
    which: Confirms,
) -> Result<Request<Body>> {
    if !caller.is_browser {
        return Ok(request);
    }
    let (user, _) = caller.person()?;
    let (parts, mut members) = read(app, request).await?;
    let password = members.remove(MEMBER);
    if which(&members) {
        let wrong = |hint| Refusal::new(Code::RequestInvalid).field(MEMBER).hint(hint);
        let missing = "A browser says the present password again: what this gives outlives the session";
        let password = password.ok_or_else(|| wrong(missing))?;
        let password = SecretText::deserialize(password).map_err(|_| wrong("The member has to be a text"))?;
        credentials::confirm(&caller.call, user, &password).await?;
    }
    whole(parts, &members)
}

/// Refuses the bodies that need a sign-in of just now, from a browser whose own is older.
///
/// # Errors
/// `Forbidden`, and what is refused of any body.
pub(super) async fn refuse_stale(
    app: &App,
    caller: &Caller,
    request: Request<Body>,
    which: Confirms,
) -> Result<Request<Body>> {
    let (parts, members) = read(app, request).await?;
    if which(&members) {
        caller.must_be_fresh()?;
    }
    whole(parts, &members)
}

async fn read(app: &App, request: Request<Body>) -> Result<(Parts, Map<String, Json>)> {
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let Members(members) = Members::from_request(whole, app).await.map_err(|failure| failure.0)?;
    Ok((parts, members))
}

fn whole(mut parts: Parts, members: &Map<String, Json>) -> Result<Request<Body>> {
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(serde_json::to_vec(members)?)))
}
