//! Client credentials (RFC 6749 4.4): an application acts for itself.
//!
//! Nothing is stored but the audit event, and that write is the gate: it only succeeds while the
//! client is active under the epoch it was read with.

use doorward_proto::scope::ScopeSet;

use super::Tokens;
use crate::{
    audit::{self, Event},
    authorize::STANDARD_SCOPES,
    call::Call,
    claims,
    clients::Client,
    orgs,
    outcome::{Code, Refusal, Result, refuse},
    tokens::{self, sql, target_of},
};

/// What the client asks for.
#[derive(Debug, Default)]
pub struct ClientAsk {
    /// The scopes; the client's own when it names none.
    pub scope: Option<ScopeSet>,
    /// The audience, one at the most.
    pub resources: Vec<String>,
    /// The DPoP key to bind to.
    pub jkt: Option<String>,
}

/// Issues an access token to the application itself.
///
/// # Errors
/// `GrantNotAllowed`, `ScopeInvalid`, `TargetInvalid`, `PrincipalEnded`, `OrgAddress`.
pub async fn issue(call: &Call, client: &Client, ask: ClientAsk) -> Result<Tokens> {
    if !client.is_confidential || !client.metadata.allows_grant("client_credentials") {
        return refuse(Code::GrantNotAllowed);
    }
    let target = target_of(call, client, &ask.resources, &[]).await?;
    let is_named = ask.scope.is_some();
    let scope = scope_of(client, ask.scope)?;
    let scope = tokens::scope::within(std::slice::from_ref(&target), scope, is_named)?;
    let mut made = target.client_claims(call, client, &scope, ask.jkt.as_deref())?;
    made.body.extra = claims::of_client(call, client, target.api.as_ref(), &scope).await?;
    let event = Event::new(call, "token.issued")?
        .subject(client.id)
        .client(client.id)
        .org(client.org)
        .fact("grant", "client_credentials")
        .fact("jti", made.body.jti.clone())
        .fact("aud", made.body.aud.clone())
        .fact("scope", scope.as_str());
    let stored = made.opaque.as_ref().map(|opaque| (call.realm.vault.hash(opaque), made.body.clone()));
    let place = (client.org, call.origin.address);
    let write = ((client.id, place), client.epoch, stored, event, call.now);
    call.realm
        .db
        .write("client_credentials.issue", write, |tx, ((id, (org, from)), epoch, stored, event, now)| {
            Box::pin(async move {
                orgs::must_admit(tx, *org, *from).await?;
                let name = id.to_string();
                tx.lock_shared(&[&name]).await?;
                if !audit::record_under(tx, event, &name, *epoch).await? {
                    return refuse(Code::PrincipalEnded);
                }
                match stored {
                    Some((hash, claims)) => {
                        sql::insert_access(tx, *hash, claims, (&name, *id, *epoch), *now).await
                    }
                    None => Ok(()),
                }
            })
        })
        .await?;
    let access_token = tokens::sign(call, made).await?;
    let is_dpop = ask.jkt.is_some();
    Ok(Tokens { access_token, is_dpop, expires_in: target.ttl, refresh_token: None, id_token: None, scope })
}

/// The scopes about a person mean nothing where no person is.
fn scope_of(client: &Client, asked: Option<ScopeSet>) -> Result<ScopeSet> {
    let own = ScopeSet::from_names(client.metadata.scopes.iter().map(String::as_str))?;
    let own = own.retain(|name| !STANDARD_SCOPES.contains(&name));
    match asked {
        None => Ok(own),
        Some(asked) if asked.is_subset(&own) => Ok(asked),
        Some(asked) => {
            let hint = format!("Not allowed for this client: {}", asked.without(&own));
            Err(Refusal::new(Code::ScopeInvalid).hint(hint).field("scope").into())
        }
    }
}
