//! Signing out as an application asks for it (OpenID Connect RP-Initiated Logout 1.0), and telling the
//! other applications of the session (Back-Channel Logout 1.0).
//!
//! An ended session is noticed by the background work, which writes one job for each application that
//! had tokens from it and wants to know; so a session that ends in any way tells, and none is lost.

mod backchannel;
mod sql;

use std::time::Duration;

use doorward_proto::{
    form::Params,
    jose::{Typ, Unverified},
    secret::Opaque,
    time::Time,
};
use serde::Deserialize;

pub use backchannel::notice_ended;
pub(crate) use backchannel::{Notice, deliver, has_ended};

use crate::{
    call::Call,
    clients, keys,
    outcome::{Code, Error, Refusal, Result},
    sessions::{self, Account, Signed, Which},
};

/// Where a sealed return address belongs.
const PLACE: &str = "logout/after";
/// So long the page that asks may be left open.
const AFTER: Duration = Duration::from_hours(1);

/// What an application asks for.
#[derive(Debug, Default)]
pub struct Ask {
    /// An ID token of ours about the session; it may be over.
    pub id_token_hint: Option<String>,
    /// Which application asks.
    pub client_id: Option<String>,
    /// Where the person should end up.
    pub post_logout_redirect_uri: Option<String>,
    /// Given back unchanged.
    pub state: Option<String>,
}

/// What happens.
#[derive(Debug)]
pub enum Outcome {
    /// The person has to say so first.
    Ask {
        /// Where the person ends up afterwards, sealed: see [`open_after`].
        after: Option<String>,
    },
    /// The session has ended, or there was none.
    Done {
        /// Where the person ends up; our own page if nowhere.
        to: Option<String>,
        /// The browser's new cookie.
        cookie: Option<Opaque>,
    },
}

#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: String,
    #[serde(default)]
    sid: Option<String>,
}

/// Signs the person out when a hint proves the session, else asks.
///
/// # Errors
/// `RequestInvalid` for a hint that is not ours, `RedirectUriUnregistered`, `ClientUnknown`: none of
/// them may be redirected.
pub async fn begin(
    call: &Call,
    ask: Ask,
    signed: Option<&Signed>,
    cookie: Option<&Opaque>,
) -> Result<Outcome> {
    let hint = match &ask.id_token_hint {
        Some(hint) => Some(read_hint(call, hint).await?),
        None => None,
    };
    let to = return_address(call, &ask, hint.as_ref()).await?;
    let accounts = signed.map(|signed| signed.accounts.as_slice()).unwrap_or_default();
    let (Some(cookie), false) = (cookie, accounts.is_empty()) else {
        return Ok(Outcome::Done { to, cookie: None });
    };
    match hint.as_ref().map(|hint| accounts.iter().find(|account| is_about(hint, account))) {
        Some(Some(account)) => {
            let new = sessions::sign_out(call, cookie, Which::One(account.session.id)).await?;
            Ok(Outcome::Done { to, cookie: Some(new) })
        }
        // The session of the hint is over already; the others are not the application's business.
        Some(None) => Ok(Outcome::Done { to, cookie: None }),
        None => Ok(Outcome::Ask { after: to.map(|to| seal_after(call, &to)).transpose()? }),
    }
}

fn is_about(hint: &Hint, account: &Account) -> bool {
    match &hint.sid {
        Some(sid) => *sid == account.session.id.to_string(),
        None => hint.sub == account.session.user.to_string(),
    }
}

async fn read_hint(call: &Call, hint: &str) -> Result<Hint> {
    let refused = || {
        Error::from(
            Refusal::new(Code::RequestInvalid).hint("id_token_hint is not ours").field("id_token_hint"),
        )
    };
    let token = Unverified::decode(hint).map_err(|_| refused())?;
    let keys = keys::current(call).await?;
    let verified = keys.verifiers().into_verified(token, Typ::Jwt).map_err(|_| refused())?;
    let hint: Hint = verified.own_claims().map_err(|_| refused())?;
    if hint.iss == call.realm.issuer { Ok(hint) } else { Err(refused()) }
}

/// The return address with `state`, once it is proven to be the application's own.
async fn return_address(call: &Call, ask: &Ask, hint: Option<&Hint>) -> Result<Option<String>> {
    let named = ask.client_id.as_deref();
    if let (Some(named), Some(hint)) = (named, hint)
        && named != hint.aud
    {
        let refusal =
            Refusal::new(Code::RequestInvalid).hint("client_id is not the hint's").field("client_id");
        return Err(refusal.into());
    }
    let Some(uri) = &ask.post_logout_redirect_uri else { return Ok(None) };
    let Some(client_id) = named.or(hint.map(|hint| hint.aud.as_str())) else {
        let refusal =
            Refusal::new(Code::RequestInvalid).hint("Send client_id or id_token_hint").field("client_id");
        return Err(refusal.into());
    };
    let client = clients::get_active(call, client_id).await?;
    if !client.metadata.post_logout_redirect_uris.contains(uri) {
        return Err(Refusal::new(Code::RedirectUriUnregistered).field("post_logout_redirect_uri").into());
    }
    let state = ask.state.as_deref().map(|state| ("state", state));
    Ok(Some(doorward_proto::redirect::with_query(uri, state)))
}

fn seal_after(call: &Call, to: &str) -> Result<String> {
    let dated = format!("{} {to}", call.now.as_seconds());
    let sealed = call.realm.vault.seal(&call.realm.env, PLACE, dated.as_bytes())?;
    Ok(doorward_proto::jose::encode_base64url(&sealed))
}

/// The return address of an [`Outcome::Ask`], when it is one of ours and not kept for long: the
/// application may have been taken away since.
pub fn open_after(call: &Call, after: &str) -> Option<String> {
    let sealed = doorward_proto::jose::decode_base64url(after.as_bytes()).ok()?;
    let opened = call.realm.vault.open(PLACE, &sealed).ok()?;
    let (sealed_at, to) = std::str::from_utf8(&opened).ok()?.split_once(' ')?;
    let sealed_at = Time::from_seconds(sealed_at.parse().ok()?);
    (call.now < sealed_at + AFTER).then(|| to.to_owned())
}

/// Reads the parameters of the endpoint.
pub fn read(params: &Params) -> std::result::Result<Ask, doorward_proto::oauth_error::Problem> {
    let one = |name| params.one(name).map(|value| value.map(str::to_owned));
    Ok(Ask {
        id_token_hint: one("id_token_hint")?,
        client_id: one("client_id")?,
        post_logout_redirect_uri: one("post_logout_redirect_uri")?,
        state: one("state")?,
    })
}
