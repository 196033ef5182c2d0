//! Token revocation (RFC 7009): a client ends its own tokens. An unknown token is no error.

use doorward_proto::{
    id::{self, Id},
    secret::{Kind, Opaque},
    time::Time,
};

use super::{sql, verify};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    grants,
    outcome::{Error, Result},
};

/// Ends a token of this client: a refresh token with its whole family, an access token alone.
pub async fn revoke(call: &Call, client: &Client, token: &str) -> Result<()> {
    match Opaque::parse(Kind::Refresh, token) {
        Some(refresh) => revoke_family(call, client.id, &refresh).await,
        None => revoke_access(call, client, token).await,
    }
}

async fn revoke_family(call: &Call, client: Id<id::Client>, token: &Opaque) -> Result<()> {
    let event = Event::new(call, "token.revoked")?.client(client).fact("kind", "refresh_token");
    let ask = (call.realm.vault.hash(token), client, call.now, event);
    call.realm
        .db
        .write("tokens.revoke_family", ask, |tx, (hash, client, now, event)| {
            Box::pin(async move {
                let row = grants::sql::find_refresh(tx, *hash).await?.filter(|row| row.client == *client);
                if let Some(row) = row
                    && sql::end_grant(tx, row.family, *now, "revoked").await?
                {
                    let event =
                        event.clone().subject(&row.principal).fact("grant_id", row.family.to_string());
                    audit::record(tx, &event).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn revoke_access(call: &Call, client: &Client, token: &str) -> Result<()> {
    let live = match verify(call, token).await {
        Ok(live) if live.claims.client_id == client.client_id => live,
        Ok(_) | Err(Error::Refused(_)) => return Ok(()),
        Err(fault) => return Err(fault),
    };
    let event = Event::new(call, "token.revoked")?
        .client(client.id)
        .subject(&live.claims.sub)
        .fact("kind", "access_token")
        .fact("jti", live.claims.jti.clone());
    let ask = (live.opaque, live.claims.jti.clone(), Time::from_seconds(live.claims.exp), call.now, event);
    call.realm
        .db
        .write("tokens.revoke_access", ask, |tx, (opaque, jti, expires, now, event)| {
            Box::pin(async move {
                let revoked = match opaque {
                    Some(hash) => sql::revoke_access(tx, *hash, *now).await?,
                    None => sql::revoke_jti(tx, jti, *now, *expires).await?,
                };
                if revoked {
                    audit::record(tx, event).await?;
                    tx.raise_changes().await?;
                }
                Ok(())
            })
        })
        .await
}
