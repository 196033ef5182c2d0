//! The gateway as an application of this server: it signs people in at the hosts of the applications that it
//! guards, and keeps what it got in a cookie of that host.
//!
//! It is a confidential one (RFC 7523), so that people need not be asked, and its name is nobody else's to take.

use doorward_proto::jose::{Jwk, Jwks};
use serde_json::Value;

use super::{
    AuthMethod, Client, Metadata, find,
    manage::{NewClient, Registration, register, update},
};
use crate::{
    call::Call,
    outcome::{Code, Error, Refusal, Result},
};

/// Its public name.
pub const GATEWAY: &str = "doorward-gateway";

/// Hosts that it may guard.
const MOST: usize = 500;
/// Its access tokens end with their session, and else after this many seconds.
const LIFETIME: u64 = 12 * 60 * 60;
/// Two nodes may find a new host at once.
const TRIES: usize = 5;

/// Lets the gateway sign people in at a host, which it guards: codes may be sent there.
///
/// # Errors
/// `ClientUnknown` when an administrator has taken it out of use; `RateLimitedAddress` beyond the number of
/// hosts that it may have; `ClientMetadataInvalid` for an address that is no redirect URI.
pub async fn admit_gateway(call: &Call, redirect_uri: &str, key: &Jwk) -> Result<()> {
    let jwks = serde_json::to_value(Jwks { keys: vec![key.clone()] })?;
    for _ in 0..TRIES {
        let done = match find(call, GATEWAY).await? {
            Some(client) if !client.is_active() => return Err(Refusal::new(Code::ClientUnknown).into()),
            Some(client) if knows(&client, redirect_uri, &jwks) => return Ok(()),
            Some(client) => widen(call, &client, (redirect_uri, &jwks)).await,
            None => create(call, redirect_uri, &jwks).await,
        };
        match done {
            // Another node was faster: look again.
            Err(Error::Refused(refusal))
                if matches!(refusal.code, Code::Conflict | Code::VersionMismatch) => {}
            other => return other,
        }
    }
    Err(Refusal::new(Code::Conflict).into())
}

fn knows(client: &Client, redirect_uri: &str, jwks: &Value) -> bool {
    let metadata = &client.metadata;
    metadata.redirect_uris.iter().any(|uri| uri == redirect_uri) && metadata.jwks.as_ref() == Some(jwks)
}

async fn create(call: &Call, redirect_uri: &str, jwks: &Value) -> Result<()> {
    let metadata = Metadata {
        redirect_uris: vec![redirect_uri.to_owned()],
        grant_types: vec!["authorization_code".to_owned()],
        scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
        token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
        jwks: Some(jwks.clone()),
        require_pkce: true,
        access_ttl: Some(LIFETIME),
        ..Metadata::default()
    };
    let registration = Registration {
        name: "Doorward gateway".to_owned(),
        is_confidential: true,
        is_first_party: true,
        metadata,
    };
    let ask = NewClient { client_id: Some(GATEWAY.to_owned()), org: None, registration };
    register(call, ask).await.map(drop)
}

async fn widen(call: &Call, client: &Client, (redirect_uri, jwks): (&str, &Value)) -> Result<()> {
    let mut metadata = client.metadata.clone();
    // Another master key makes another one.
    metadata.jwks = Some(jwks.clone());
    let is_new = !metadata.redirect_uris.iter().any(|uri| uri == redirect_uri);
    if is_new && metadata.redirect_uris.len() >= MOST {
        return Err(Refusal::new(Code::RateLimitedAddress)
            .hint("The gateway signs in at too many hosts")
            .into());
    }
    if is_new {
        metadata.redirect_uris.push(redirect_uri.to_owned());
    }
    let registration = Registration {
        name: client.name.clone(),
        is_confidential: client.is_confidential,
        is_first_party: client.is_first_party,
        metadata,
    };
    update(call, client.id, client.version, registration).await.map(drop)
}
