//! Leaving for a provider.

use doorward_proto::{
    id::{self, Id, User},
    jose::{encode_base64url, sha256_base64url},
    secret::Opaque,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{AWAY, ClientAuth, Kind, PATIENCE, Provider, Wrong, discovery, enabled, finish::refused};
use crate::{
    call::Call,
    links::{self, Purpose},
    outcome::{Code, Result},
    throttle::{self, Try},
};

/// Somebody who leaves for a provider.
#[derive(Debug, Clone, Default)]
pub struct Leaving {
    /// Where to go when they are signed in; a path of ours.
    pub next: Option<String>,
    /// Whom the application expects.
    pub login_hint: Option<String>,
    /// Languages that the application asked for.
    pub ui_locales: Vec<String>,
    /// Whether they have to prove anew who they are, signed in there or not.
    pub is_again: bool,
    /// Who registers by it, having been at the application without an account.
    pub registers: Option<Id<User>>,
}

/// What is known of somebody who is away: sealed under the `state` that comes back with them.
#[derive(Serialize, Deserialize)]
pub(super) struct Away {
    pub(super) provider: Id<id::Provider>,
    /// The keyed hash of the browser's cookie.
    pub(super) marker: [u8; 32],
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) next: Option<String>,
    pub(super) registers: Option<Id<User>>,
    /// When somebody left who has to prove anew who they are.
    pub(super) again_since: Option<Time>,
}

/// The address of the provider's page. `marker` is the secret that the browser is given to keep.
///
/// # Errors
/// `NotFound` for a provider that is not offered; `ConnectUnreachable`, `ConnectInvalid`; `RateLimited…`,
/// `Overloaded`.
pub async fn begin(call: &Call, name: &str, marker: &Opaque, leaving: Leaving) -> Result<String> {
    let provider = enabled(call, name).await?;
    if leaving.is_again && provider.settings.kind != Kind::Oidc {
        let wrong = Wrong::invalid("plain OAuth 2 does not say whether anybody was asked who they are");
        return refused(call, &provider, &wrong).await;
    }
    // Anybody may leave: an address may only do so often, before anything is asked for it elsewhere.
    let tried: Try = throttle::drafting(call);
    call.realm
        .db
        .write("providers.begin", tried, |tx, tried| Box::pin(async move { throttle::take(tx, tried).await }))
        .await?;
    let found = tokio::time::timeout(PATIENCE, discovery::find(call, &provider.settings)).await;
    let found = found.unwrap_or_else(|_| Err(Wrong::Unreachable(format!("no answer in {PATIENCE:?}"))));
    let found = match found {
        Ok(found) => found,
        Err(wrong) => return refused(call, &provider, &wrong).await,
    };
    let away = Away {
        provider: provider.id,
        marker: call.realm.vault.hash(marker).0,
        nonce: encode_base64url(&call.realm.env.bytes::<32>()?),
        verifier: encode_base64url(&call.realm.env.bytes::<32>()?),
        next: leaving.next.clone(),
        registers: leaving.registers,
        again_since: leaving.is_again.then_some(call.now),
    };
    let (link, state) = links::make(call, Purpose::Connect, &away, AWAY)?;
    call.realm.rooms.drafts.take("", link.size(), (call.now, Code::Overloaded))?;
    let write = call.realm.db.write("providers.leave", link, |tx, link| Box::pin(links::insert(tx, link)));
    write.await?;
    let mut url = match discovery::parse(&found.authorization_endpoint) {
        Ok(url) => url,
        Err(wrong) => return refused(call, &provider, &wrong).await,
    };
    let redirect_uri = provider.redirect_uri(call);
    {
        let mut query = url.query_pairs_mut();
        let settings = &provider.settings;
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &sha256_base64url(away.verifier.as_bytes()))
            .append_pair("code_challenge_method", "S256");
        for (name, value) in of_openid(&provider, &away, &leaving) {
            query.append_pair(name, &value);
        }
    }
    Ok(url.into())
}

/// What only OpenID Connect knows (Core 3.1.2.1).
fn of_openid(provider: &Provider, away: &Away, leaving: &Leaving) -> Vec<(&'static str, String)> {
    let settings = &provider.settings;
    if settings.kind != Kind::Oidc {
        return Vec::new();
    }
    let mut more = vec![("nonce", away.nonce.clone())];
    more.extend(leaving.login_hint.clone().map(|hint| ("login_hint", hint)));
    if !leaving.ui_locales.is_empty() {
        more.push(("ui_locales", leaving.ui_locales.join(" ")));
    }
    if leaving.is_again {
        more.extend([("prompt", "login".to_owned()), ("max_age", "0".to_owned())]);
    }
    // Apple tells a name only by a form.
    if settings.client_auth == ClientAuth::Apple {
        more.push(("response_mode", "form_post".to_owned()));
    }
    more
}
