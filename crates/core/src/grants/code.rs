//! Redeeming an authorization code (RFC 6749 4.1.3, RFC 7636 4.6, RFC 9700 4.5).

use std::sync::Arc;

use doorward_proto::{
    pkce::Verifier,
    scope::ScopeSet,
    secret::{Kind, Opaque, TokenHash},
};

use super::{
    Tokens,
    person::{Ask, Issued},
    sql::{self, CodeRow, NewRefresh, Reader},
};
use crate::{
    audit::{self, Event},
    authorize,
    call::Call,
    clients::{Client, RefreshPolicy},
    db::Tx,
    outcome::{Code, Refusal, Result, refuse},
    tokens::{self, issue::refresh_expiry},
};

/// What the client presents.
#[derive(Debug)]
pub struct CodeAsk {
    /// The code.
    pub code: String,
    /// The redirect URI of the authorization request, when it is repeated.
    pub redirect_uri: Option<String>,
    /// The code verifier.
    pub verifier: Option<Verifier>,
    /// The audience, one at the most.
    pub resources: Vec<String>,
    /// The DPoP key to bind to.
    pub jkt: Option<String>,
    /// What the application runs on.
    pub device: Option<String>,
}

struct Redeem {
    ask: Ask,
    redirect_uri: Option<String>,
    verifier: Option<Verifier>,
    device: Option<String>,
    /// The refresh token that begins the family's line, should the grant have one.
    refresh: (Opaque, TokenHash),
}

/// Redeems a code, once. Presented a second time it ends everything that was made from it.
///
/// # Errors
/// `CodeUnknown`, `CodeReused`, `CodeExpired`, `CodeRedirectUri`, `PkceMismatch`, `TargetInvalid`,
/// `GrantEnded`, `PrincipalEnded`.
pub async fn redeem(call: &Call, client: &Arc<Client>, ask: CodeAsk) -> Result<Tokens> {
    if !client.metadata.allows_grant("authorization_code") {
        return refuse(Code::GrantNotAllowed);
    }
    let Some(code) = Opaque::parse(Kind::Code, &ask.code) else { return refuse(Code::CodeUnknown) };
    let vault = &call.realm.vault;
    let refresh = call.secret(Kind::Refresh)?;
    let redeem = Redeem {
        ask: Ask {
            call: call.clone(),
            client: Arc::clone(client),
            hash: vault.hash(&code),
            resources: ask.resources,
            jkt: ask.jkt,
        },
        redirect_uri: ask.redirect_uri,
        verifier: ask.verifier,
        device: ask.device,
        refresh: (refresh.clone(), vault.hash(&refresh)),
    };
    let issued = call
        .realm
        .db
        .write("code.redeem", redeem, |tx, redeem| Box::pin(async move { run(tx, redeem).await }))
        .await?;
    issued.sign(call, client, Some(&code)).await
}

async fn run(tx: &mut Tx<'_>, redeem: &Redeem) -> Result<Issued> {
    let Ask { call, client, hash, .. } = &redeem.ask;
    let found = sql::presented_code(tx, *hash).await?.filter(|found| found.row.client == client.id);
    let Some(found) = found else { return refuse(Code::CodeUnknown) };
    let row = &found.row;
    if row.consumed_at.is_some() {
        return reused(tx, &redeem.ask, row).await;
    }
    check(redeem, row)?;
    redeem.ask.carried(tx, &found.grant).await?;
    let target = redeem.ask.target(tx, &found.grant).await?;
    let scope = target.scope_of(&found.grant.scope);
    let made = redeem.ask.prepare(tx, &found, (&target, &scope), "authorization_code").await?;
    let client_id = client.id.to_string();
    let reader = Reader { id: &client_id, epoch: client.epoch };
    tx.lock_shared(&[&row.principal, reader.id]).await?;
    if !sql::consume_code(tx, *hash, reader, call.now).await? {
        return not_consumed(tx, redeem).await;
    }
    redeem.ask.record(tx, &found, &made).await?;
    if let Some(device) = &redeem.device {
        tokens::sql::name_device(tx, row.family, device).await?;
    }
    let mut refresh = None;
    if gets_refresh(client, &found.grant.scope) {
        sql::insert_refresh(tx, &redeem.first_refresh(row)).await?;
        refresh = Some(redeem.refresh.0.clone());
    }
    let mut issued = redeem.ask.issued(tx, found.grant, (made, target, scope), true).await?;
    (issued.nonce, issued.refresh) = (found.row.nonce, refresh);
    Ok(issued)
}

impl Redeem {
    /// The refresh token that begins the family's line.
    fn first_refresh(&self, code: &CodeRow) -> NewRefresh {
        let Ask { call, client, jkt, .. } = &self.ask;
        let absolute_at = call.now + call.realm.settings.tokens.refresh_absolute;
        NewRefresh {
            hash: self.refresh.1,
            family: code.family,
            client: client.id,
            principal: code.principal.clone(),
            epoch: code.epoch,
            generation: 0,
            cnf: jkt.clone().filter(|_| !client.is_confidential),
            now: call.now,
            expires_at: refresh_expiry(call, client, absolute_at),
            absolute_at,
        }
    }
}

/// A used code ends its family, whatever else is presented with it.
async fn reused<T>(tx: &mut Tx<'_>, ask: &Ask, row: &CodeRow) -> Result<T> {
    tokens::sql::end_grant(tx, row.family, ask.call.now, "code reused").await?;
    let event = Event::refused(&ask.call, "code.reused", Code::CodeReused)?
        .client(ask.client.id)
        .subject(&row.principal)
        .fact("grant_id", row.family.to_string());
    audit::record(tx, &event).await?;
    tx.refuse(Code::CodeReused)
}

/// Why the code could not be redeemed: one that was used ends everything that was made from it.
async fn not_consumed<T>(tx: &mut Tx<'_>, redeem: &Redeem) -> Result<T> {
    let Some(row) = sql::find_code(tx, redeem.ask.hash).await? else { return refuse(Code::CodeUnknown) };
    if row.consumed_at.is_some() {
        return reused(tx, &redeem.ask, &row).await;
    }
    let grant = tokens::sql::find_grant(tx, row.family).await?;
    refuse(match () {
        () if grant.is_none_or(|grant| grant.ended_at.is_some()) => Code::GrantEnded,
        () if redeem.ask.call.now >= row.expires_at => Code::CodeExpired,
        () => Code::PrincipalEnded,
    })
}

/// Everything that must fit before the code is used up.
fn check(redeem: &Redeem, row: &CodeRow) -> Result<()> {
    if redeem.ask.call.now >= row.expires_at {
        return refuse(Code::CodeExpired);
    }
    let sent = redeem.redirect_uri.as_deref();
    if !authorize::repeats_redirect_uri(&row.redirect_uri, sent, row.challenge.is_some()) {
        return refuse(Code::CodeRedirectUri);
    }
    let fits = match (&row.challenge, &redeem.verifier) {
        (Some(challenge), Some(verifier)) => challenge.accepts(verifier),
        (None, None) => true,
        _ => false,
    };
    if !fits {
        let mismatch = Refusal::new(Code::PkceMismatch);
        return Err(match (&row.challenge, &redeem.verifier) {
            (Some(_), None) => {
                mismatch.hint("The code was asked for with a code_challenge; send its code_verifier")
            }
            (None, Some(_)) => {
                mismatch.hint("The code was asked for without a code_challenge; send no code_verifier")
            }
            _ => mismatch,
        }
        .into());
    }
    if row.dpop_jkt.is_some() && row.dpop_jkt != redeem.ask.jkt {
        return refuse(Code::DpopInvalid);
    }
    Ok(())
}

fn gets_refresh(client: &Client, scope: &ScopeSet) -> bool {
    client.metadata.allows_grant("refresh_token")
        && (client.metadata.refresh_policy == RefreshPolicy::Always || scope.contains("offline_access"))
}
