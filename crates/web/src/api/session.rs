//! A signed-in browser as a caller of the API: for one's own account, and for administrators.
//!
//! The cookie travels by itself, so a change counts only when the browser says that it comes from our own
//! origin. A program without those headers (curl with a cookie) has to send JSON, which no form of another
//! site can.

use std::sync::Arc;

use doorward_core::{
    call::{Actor, Call},
    outcome::{Code, Error, Refusal, Result},
    sessions::{self, Signed},
    users::PlatformRole,
};
use doorward_proto::secret::{Kind, Opaque};
use http::{Method, header, request::Parts};
use url::Url;

use super::{
    body,
    caller::{Caller, Who},
};
use crate::{app::App, cookies::Cookie, csrf};

/// The person who is signed in at this browser; nobody when there is no live session.
pub(super) async fn recognise(app: &App, parts: &Parts, call: Call) -> Result<Caller> {
    let presented = Cookie::Browser.read(&parts.headers, app.is_https());
    let Some(cookie) = presented.and_then(|text| Opaque::parse(Kind::Browser, text)) else {
        return Ok(Caller::anonymous(call));
    };
    let signed = sessions::find(&call, &cookie).await?;
    let Some(account) = signed.as_ref().and_then(Signed::active) else {
        return Ok(Caller::anonymous(call));
    };
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    if !is_read && !is_ours(&call, parts)? {
        return Err(Refusal::new(Code::FormForged).into());
    }
    let mut scopes = vec!["me:read".to_owned(), "me:write".to_owned()];
    if account.platform_role == PlatformRole::Administrator {
        scopes.push("admin:*".to_owned());
    }
    let session = &account.session;
    let who = Who {
        subject: Some(session.user.to_string()),
        identity_type: "user",
        scopes,
        workspace_ids: Vec::new(),
        token_id: Some(session.id.to_string()),
        tenant_id: Some(session.org.to_string()),
        role: Some(account.platform_role.name().to_owned()),
    };
    let actor = Actor::User { id: session.user, session: session.id };
    let credential = call.realm.vault.hash(&cookie);
    let is_stale = !session.is_fresh(call.now);
    Ok(Caller { call: call.by(actor), who: Arc::new(who), credential, is_browser: true, is_stale })
}

fn is_ours(call: &Call, parts: &Parts) -> Result<bool> {
    let ours = Url::parse(&call.realm.issuer).map_err(|_| Error::fault("the issuer is no URL"))?.origin();
    let is_browser =
        parts.headers.contains_key("sec-fetch-site") || parts.headers.contains_key(header::ORIGIN);
    let may_be_form = parts.method == Method::POST && !body::is_json(&parts.headers);
    Ok(csrf::comes_from_us(&parts.headers, &ours) && (is_browser || !may_be_form))
}
