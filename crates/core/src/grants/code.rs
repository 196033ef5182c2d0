//! Redeeming an authorization code (RFC 6749 4.1.3, RFC 7636 4.6, RFC 9700 4.5).

use std::sync::Arc;

use doorward_proto::{
    access_token::AccessTokenClaims,
    id::{self, Id},
    pkce::Verifier,
    scope::ScopeSet,
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};

use super::{
    Tokens,
    sql::{self, CodeRow, NewRefresh, Presented, Reader},
};
use crate::{
    audit::{self, Event},
    authorize,
    call::Call,
    clients::{Client, RefreshPolicy},
    db::Tx,
    env::Env,
    outcome::{Code, Refusal, Result, refuse},
    tokens::{
        self,
        issue::{self, IdTokenFacts, granted_of, refresh_expiry},
        target_of,
    },
};

/// What is recorded when a code comes back.
const REUSED: &str = "code.reused";

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
}

struct Redeem {
    now: Time,
    hash: TokenHash,
    row: CodeRow,
    client: (String, i64),
    refresh: Option<NewRefresh>,
    event: Event,
    env: Env,
    /// The opaque access token, where the API wants one.
    stored: Option<(TokenHash, AccessTokenClaims)>,
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
    let hash = call.realm.vault.hash(&code);
    let found = presented(call, client, hash).await?;
    let row = &found.row;
    if row.consumed_at.is_some() {
        return end_reused(call, client, row).await;
    }
    check(call, &ask, row)?;
    let granted = granted_of(call, client, found.grant.resources.clone());
    let target = target_of(call, client, &ask.resources, &granted).await?;
    let (scope, jkt) = (target.scope_of(&found.grant.scope), ask.jkt.as_deref());
    let claims = found.access_claims(call, client, (&target, &scope), jkt)?;
    let Presented { row, grant, .. } = found;
    let refresh = gets_refresh(client, &grant.scope).then(|| call.secret(Kind::Refresh)).transpose()?;
    let nonce = row.nonce.clone();
    let redeem = Redeem {
        now: call.now,
        hash,
        client: (client.id.to_string(), client.epoch),
        refresh: refresh.as_ref().map(|token| first_refresh(call, client, &row, (token, &ask))),
        event: claims.event(call, client, &grant)?.fact("grant", "authorization_code"),
        env: call.realm.env.clone(),
        stored: claims.stored(call),
        row,
    };
    call.realm
        .db
        .write("code.redeem", redeem, |tx, redeem| Box::pin(async move { run(tx, redeem).await }))
        .await?;
    let access_token = tokens::sign(call, claims).await?;
    let mut id_token = None;
    if grant.scope.contains("openid") {
        let about = IdTokenFacts { nonce, access_token: Some(&access_token), code: Some(code.expose()) };
        id_token = Some(issue::id_token(call, client, &grant, &grant.scope, about).await?);
    }
    let is_dpop = jkt.is_some();
    Ok(Tokens { access_token, is_dpop, expires_in: target.ttl, refresh_token: refresh, id_token, scope })
}

async fn presented(call: &Call, client: &Client, hash: TokenHash) -> Result<Presented<CodeRow>> {
    let found = call
        .realm
        .db
        .read("code.find", hash, |tx, hash| Box::pin(async move { sql::presented_code(tx, *hash).await }))
        .await?;
    found.filter(|found| found.row.client == client.id).ok_or_else(|| Refusal::new(Code::CodeUnknown).into())
}

/// A used code ends its family, whatever else is presented with it.
async fn end_reused(call: &Call, client: &Client, row: &CodeRow) -> Result<Tokens> {
    let event = Event::refused(call, REUSED, Code::CodeReused)?
        .client(client.id)
        .subject(&row.principal)
        .fact("grant_id", row.family.to_string());
    let ask = (row.family, event, call.now);
    call.realm
        .db
        .write("code.reused", ask, |tx, (family, event, now)| {
            Box::pin(async move { reused(tx, *family, event, *now).await })
        })
        .await
}

async fn reused<T>(tx: &mut Tx<'_>, family: Id<id::Grant>, event: &Event, now: Time) -> Result<T> {
    tokens::sql::end_grant(tx, family, now, "code reused").await?;
    audit::record(tx, event).await?;
    tx.refuse(Code::CodeReused)
}

/// The refresh token that begins the family's line.
fn first_refresh(
    call: &Call,
    client: &Client,
    code: &CodeRow,
    (token, ask): (&Opaque, &CodeAsk),
) -> NewRefresh {
    let absolute_at = call.now + call.realm.settings.tokens.refresh_absolute;
    NewRefresh {
        hash: call.realm.vault.hash(token),
        family: code.family,
        client: client.id,
        principal: code.principal.clone(),
        epoch: code.epoch,
        generation: 0,
        cnf: ask.jkt.clone().filter(|_| !client.is_confidential),
        now: call.now,
        expires_at: refresh_expiry(call, client, absolute_at),
        absolute_at,
    }
}

async fn run(tx: &mut Tx<'_>, redeem: &Redeem) -> Result<()> {
    let Redeem { row, now, client, .. } = redeem;
    let reader = Reader { id: &client.0, epoch: client.1 };
    tx.lock_shared(&[&row.principal, reader.id]).await?;
    if !sql::consume_code(tx, redeem.hash, reader, *now).await? {
        return not_consumed(tx, redeem).await;
    }
    if !audit::record_under(tx, &redeem.event, &row.principal, row.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    if let Some((hash, claims)) = &redeem.stored {
        let owner = (row.principal.as_str(), row.client, row.epoch);
        tokens::sql::insert_access(tx, *hash, claims, owner, *now).await?;
    }
    match &redeem.refresh {
        Some(refresh) => sql::insert_refresh(tx, refresh).await,
        None => Ok(()),
    }
}

/// Why the code could not be redeemed: one that was used ends everything that was made from it.
async fn not_consumed(tx: &mut Tx<'_>, redeem: &Redeem) -> Result<()> {
    let now = &redeem.now;
    let Some(row) = sql::find_code(tx, redeem.hash).await? else { return refuse(Code::CodeUnknown) };
    if row.consumed_at.is_some() {
        let event = redeem.event.refusal(&redeem.env, REUSED, Code::CodeReused)?;
        return reused(tx, row.family, &event.fact("grant_id", row.family.to_string()), *now).await;
    }
    let grant = tokens::sql::find_grant(tx, row.family).await?;
    refuse(match () {
        () if grant.is_none_or(|grant| grant.ended_at.is_some()) => Code::GrantEnded,
        () if *now >= row.expires_at => Code::CodeExpired,
        () => Code::PrincipalEnded,
    })
}

/// Everything that must fit before the code is used up.
fn check(call: &Call, ask: &CodeAsk, row: &CodeRow) -> Result<()> {
    if call.now >= row.expires_at {
        return refuse(Code::CodeExpired);
    }
    let sent = ask.redirect_uri.as_deref();
    if !authorize::repeats_redirect_uri(&row.redirect_uri, sent, row.challenge.is_some()) {
        return refuse(Code::CodeRedirectUri);
    }
    let fits = match (&row.challenge, &ask.verifier) {
        (Some(challenge), Some(verifier)) => challenge.accepts(verifier),
        (None, None) => true,
        _ => false,
    };
    if !fits {
        return refuse(Code::PkceMismatch);
    }
    if row.dpop_jkt.is_some() && row.dpop_jkt != ask.jkt {
        return refuse(Code::DpopInvalid);
    }
    Ok(())
}

fn gets_refresh(client: &Client, scope: &ScopeSet) -> bool {
    client.metadata.allows_grant("refresh_token")
        && (client.metadata.refresh_policy == RefreshPolicy::Always || scope.contains("offline_access"))
}
