//! How an application proves who it is at the token endpoint and its siblings (RFC 6749 2.3, RFC 7523,
//! OpenID Connect Core 9).

use std::sync::Arc;

use doorward_proto::{
    assertion::{self, Expect},
    client_auth::{Credentials, Presented},
    jose::{Jwks, KeySet},
};

use super::{AuthMethod, Client, check_secret, find, remote_keys};
use crate::{
    addresses,
    call::Call,
    outcome::{Code, Refusal, Result, refuse},
    tokens::sql::note_once,
};

/// Proves the client of a request, from where it may.
///
/// # Errors
/// `ClientAuthentication`, always the same for an unknown client, a wrong secret and a wrong method;
/// `ClientAddress` for one that has proven itself from elsewhere.
pub async fn authenticate(call: &Call, presented: Presented) -> Result<Arc<Client>> {
    let client = proven(call, presented).await?;
    if addresses::admit(&client.metadata.allowed_addresses, call.origin.address) {
        return Ok(client);
    }
    refuse(Code::ClientAddress)
}

async fn proven(call: &Call, presented: Presented) -> Result<Arc<Client>> {
    match presented {
        Presented::None { client_id: Some(client_id) } => {
            let client = active(call, &client_id).await?;
            if client.is_confidential {
                return refuse(Code::ClientAuthentication);
            }
            Ok(client)
        }
        Presented::Basic { candidates } => by_secret(call, &candidates).await,
        Presented::Post(credentials) => by_secret(call, &[credentials]).await,
        Presented::Assertion { client_id, assertion } => by_assertion(call, client_id, &assertion).await,
        Presented::None { client_id: None } | Presented::Bearer(_) => refuse(Code::ClientAuthentication),
    }
}

async fn active(call: &Call, client_id: &str) -> Result<Arc<Client>> {
    match find(call, client_id).await? {
        Some(client) if client.is_active() => Ok(client),
        _ => refuse(Code::ClientAuthentication),
    }
}

/// A client that was given a secret may send it in either place: libraries differ, the secret is the same.
async fn by_secret(call: &Call, candidates: &[Credentials]) -> Result<Arc<Client>> {
    for candidate in candidates {
        let Some(client) = find(call, &candidate.client_id).await? else { continue };
        let takes_secrets = matches!(
            client.metadata.token_endpoint_auth_method,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost
        );
        let is_proven = client.is_active()
            && client.is_confidential
            && takes_secrets
            && check_secret(call, &client, candidate.client_secret.expose()).is_ok();
        if is_proven {
            return Ok(client);
        }
    }
    refuse(Code::ClientAuthentication)
}

/// What this server is called in an assertion: the issuer, and every endpoint at which clients prove who
/// they are, whichever of them is called (RFC 9126 2, RFC 7523 3).
fn audiences(issuer: &str) -> Vec<String> {
    let endpoints = ["token", "par", "introspect", "revoke"];
    let addresses =
        endpoints.map(|name| ["/oauth2/", "/api/auth/oauth2/"].map(|path| format!("{issuer}{path}{name}")));
    addresses.into_iter().flatten().chain([issuer.to_owned()]).collect()
}

async fn by_assertion(call: &Call, client_id: Option<String>, text: &str) -> Result<Arc<Client>> {
    let refused = |hint: String| Refusal::new(Code::ClientAuthentication).hint(hint);
    let unverified = assertion::decode(text).map_err(|error| refused(error.to_string()))?;
    let claimed = assertion::claimed_client(&unverified).map_err(|error| refused(error.to_string()))?;
    if client_id.is_some_and(|sent| sent != claimed) {
        return Err(refused("client_id is another client than the assertion's".to_owned()).into());
    }
    let client = active(call, &claimed).await?;
    let metadata = &client.metadata;
    if metadata.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt {
        return refuse(Code::ClientAuthentication);
    }
    let keys = match (&metadata.jwks, &metadata.jwks_uri) {
        (Some(jwks), _) => Arc::new(KeySet::from_jwks(&Jwks::parse(&serde_json::to_vec(jwks)?)?)),
        (None, Some(uri)) => remote_keys::keys(call, uri, &unverified).await?,
        (None, None) => return refuse(Code::ClientAuthentication),
    };
    let audiences = audiences(&call.realm.issuer);
    let audiences: Vec<&str> = audiences.iter().map(String::as_str).collect();
    let expect = Expect { client_id: &client.client_id, audiences: &audiences, now: call.now };
    let proven = assertion::check(&unverified, &keys, &expect).map_err(|error| refused(error.to_string()))?;
    let once = call.realm.vault.hash_bytes(format!("assertion {} {}", client.id, proven.jti).as_bytes());
    let expires = proven.exp + assertion::SKEW;
    let is_first = call
        .realm
        .db
        .write("clients.assertion", (once, expires), |tx, (once, expires)| {
            Box::pin(async move { note_once(tx, *once, *expires).await })
        })
        .await?;
    if is_first { Ok(client) } else { Err(refused("the assertion was used before".to_owned()).into()) }
}
