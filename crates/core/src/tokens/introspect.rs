//! Token introspection (RFC 7662): for the token's own client, and for who owns the API it is for. A service
//! token, and a key, is told to whom it concerns.

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id, Org},
    secret::{Kind, Opaque},
    time::Time,
};

use super::{Grant, Live, sql, verify};
use crate::{
    api_keys::{self, LiveKey},
    apis,
    call::Call,
    clients::Client,
    grants,
    outcome::{Code, Error, Result, refuse},
    service_tokens::{self, LiveToken},
    sessions,
};

/// What a token is, as far as the caller may know.
#[derive(Debug)]
pub enum Introspection {
    /// Unknown, over, or none of the caller's business: all look the same.
    Inactive,
    /// A live access token.
    Access(Arc<Live>),
    /// A live service token of the caller's organisation.
    Service(Arc<LiveToken>),
    /// A live key, of the caller's organisation or of a person who belongs to it.
    Key(Arc<LiveKey>),
    /// A live refresh token of the caller.
    Refresh {
        /// What it stands for.
        grant: Box<Grant>,
        /// When it was made.
        issued_at: Time,
        /// When it ends by itself.
        expires_at: Time,
    },
}

/// Introspects for a confidential client.
///
/// # Errors
/// `ClientAuthentication` for a public client: anybody can pretend to be one.
pub async fn introspect(call: &Call, client: &Client, token: &str) -> Result<Introspection> {
    if !client.is_confidential {
        return refuse(Code::ClientAuthentication);
    }
    if let Some(refresh) = Opaque::parse(Kind::Refresh, token) {
        return introspect_refresh(call, client.id, &refresh).await;
    }
    inspect(call, (client.org, Some(&client.client_id)), token).await
}

/// Introspects for an organisation, which a service token with the right to do so speaks for.
pub async fn introspect_for(call: &Call, org: Id<Org>, token: &str) -> Result<Introspection> {
    inspect(call, (org, None), token).await
}

async fn inspect(call: &Call, by: (Id<Org>, Option<&str>), token: &str) -> Result<Introspection> {
    if api_keys::is_key(token) {
        return match api_keys::verify(call, token).await {
            Ok(live) if live.is_known_to(call, by.0) => Ok(Introspection::Key(live)),
            Ok(_) | Err(Error::Refused(_)) => Ok(Introspection::Inactive),
            Err(fault) => Err(fault),
        };
    }
    if service_tokens::may_be(call, token).await? {
        return match service_tokens::verify(call, token).await {
            Ok(live) if live.token.org == by.0 => Ok(Introspection::Service(live)),
            Ok(_) | Err(Error::Refused(_)) => Ok(Introspection::Inactive),
            Err(fault) => Err(fault),
        };
    }
    match verify(call, token).await {
        Ok(live) if may_know(call, by, &live).await? => Ok(Introspection::Access(live)),
        Ok(_) | Err(Error::Refused(_)) => Ok(Introspection::Inactive),
        Err(fault) => Err(fault),
    }
}

async fn may_know(call: &Call, (org, client): (Id<Org>, Option<&str>), live: &Live) -> Result<bool> {
    if client == Some(live.claims.client_id.as_str()) {
        return Ok(true);
    }
    let api = apis::find(call, &live.claims.aud).await?;
    Ok(api.is_some_and(|api| api.org == org))
}

async fn introspect_refresh(call: &Call, client: Id<id::Client>, token: &Opaque) -> Result<Introspection> {
    let idle_since = call.now - call.realm.settings.session.idle;
    let ask = (call.realm.vault.hash(token), client, call.now, idle_since);
    call.realm
        .db
        .read("tokens.introspect_refresh", ask, |tx, (hash, client, now, idle_since)| {
            Box::pin(async move {
                let Some(row) = grants::sql::find_refresh(tx, *hash).await? else {
                    return Ok(Introspection::Inactive);
                };
                let is_live = row.client == *client
                    && row.consumed_at.is_none()
                    && row.revoked_at.is_none()
                    && *now < row.expires_at
                    && sql::is_current(tx, &row.principal, row.epoch).await?;
                let grant = sql::find_grant(tx, row.family).await?.filter(|grant| grant.ended_at.is_none());
                let is_live = is_live
                    && match grant.as_ref().and_then(Grant::needs_session) {
                        Some(session) => sessions::carries(tx, session, (*now, *idle_since)).await?,
                        None => true,
                    };
                match grant {
                    Some(grant) if is_live => Ok(Introspection::Refresh {
                        grant: Box::new(grant),
                        issued_at: row.created_at,
                        expires_at: row.expires_at,
                    }),
                    _ => Ok(Introspection::Inactive),
                }
            })
        })
        .await
}
