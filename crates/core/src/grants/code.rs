//! Redeeming an authorization code (RFC 6749 4.1.3, RFC 7636 4.6, RFC 9700 4.5).

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id},
    pkce::Verifier,
    scope::ScopeSet,
    secret::{Kind, Opaque},
};

use super::Tokens;
use crate::{
    audit::{self, Event},
    authorize,
    call::Call,
    clients::{Client, RefreshPolicy},
    db::Tx,
    outcome::{Code, Error, Result, refuse},
    tokens::{
        self, Claims, Grant, access_claims,
        issue::{IdTokenFacts, Minting, granted_of, id_token, refresh_expiry},
        sql::{self, CodeRow, NewRefresh},
        target_of,
    },
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
}

struct Redeem {
    code: Opaque,
    redirect_uri: Option<String>,
    verifier: Option<Verifier>,
    minting: Minting,
    refresh: Opaque,
    event: Event,
    reuse: Event,
}

struct Redeemed {
    grant: Grant,
    claims: Claims,
    nonce: Option<String>,
    has_refresh: bool,
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
    let granted = granted_of(call, client, resources_of(call, &code).await?);
    let target = target_of(call, client, &ask.resources, &granted).await?;
    let opaque = target.is_opaque().then(|| call.secret(Kind::Access)).transpose()?;
    let jti: Id<id::Token> = call.id()?;
    let event = Event::new(call, "token.issued")?
        .client(client.id)
        .fact("grant", "authorization_code")
        .fact("aud", target.audience.clone());
    let reuse = Event::refused(call, "code.reused", Code::CodeReused)?.client(client.id);
    let ttl = target.ttl;
    let is_dpop = ask.jkt.is_some();
    let minting =
        Minting { call: call.clone(), client: Arc::clone(client), target, jkt: ask.jkt, jti, opaque };
    let refresh = call.secret(Kind::Refresh)?;
    let (redirect_uri, verifier) = (ask.redirect_uri, ask.verifier);
    let redeem = Redeem {
        code: code.clone(),
        redirect_uri,
        verifier,
        minting,
        refresh: refresh.clone(),
        event,
        reuse,
    };
    let redeemed = call
        .realm
        .db
        .write("code.redeem", redeem, |tx, redeem| Box::pin(async move { run(tx, redeem).await }))
        .await?;
    let Redeemed { grant, claims, nonce, has_refresh } = redeemed;
    let scope = claims.body.scope.clone();
    let access_token = tokens::sign(call, claims).await?;
    let mut id = None;
    if grant.scope.contains("openid") {
        let about = IdTokenFacts { nonce, access_token: Some(&access_token), code: Some(code.expose()) };
        id = Some(id_token(call, client, &grant, &grant.scope, about).await?);
    }
    let refresh_token = has_refresh.then_some(refresh);
    Ok(Tokens { access_token, is_dpop, expires_in: ttl, refresh_token, id_token: id, scope })
}

/// The APIs that the code's grant is for; nothing for an unknown code, which the operation refuses.
async fn resources_of(call: &Call, code: &Opaque) -> Result<Vec<String>> {
    let hash = call.realm.vault.hash(code);
    call.realm
        .db
        .read("code.resources", hash, |tx, hash| {
            Box::pin(async move {
                let Some(row) = sql::find_code(tx, *hash).await? else { return Ok(Vec::new()) };
                Ok(sql::find_grant(tx, row.family).await?.map(|grant| grant.resources).unwrap_or_default())
            })
        })
        .await
}

async fn run(tx: &mut Tx<'_>, redeem: &Redeem) -> Result<Redeemed> {
    let Minting { call, client, .. } = &redeem.minting;
    let hash = call.realm.vault.hash(&redeem.code);
    let row = sql::find_code(tx, hash).await?.filter(|row| row.client == client.id);
    let Some(row) = row else { return refuse(Code::CodeUnknown) };
    if row.consumed_at.is_some() {
        return end_reused(tx, redeem, &row).await;
    }
    check(redeem, &row)?;
    let grant =
        sql::find_grant(tx, row.family).await?.ok_or_else(|| Error::fault("a code without its grant"))?;
    let person = grant.user.to_string();
    tx.lock_shared(&[&person, &client.id.to_string()]).await?;
    if !sql::consume_code(tx, hash, call.now).await? {
        return match sql::find_code(tx, hash).await? {
            Some(row) if row.consumed_at.is_some() => end_reused(tx, redeem, &row).await,
            _ => refuse(Code::CodeExpired),
        };
    }
    if grant.ended_at.is_some() {
        return refuse(Code::GrantEnded);
    }
    if !sql::is_current(tx, &client.id.to_string(), client.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    let scope = redeem.minting.target.scope_of(&grant.scope);
    let event = redeem.event.clone().subject(grant.user).org(grant.org);
    let event = event.fact("jti", redeem.minting.jti_under(row.epoch).to_string());
    let event = event.fact("grant_id", grant.id.to_string()).fact("scope", scope.as_str());
    if !audit::record_under(tx, &event, &person, row.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    let person_now = sql::person(tx, &grant).await?;
    let claims = access_claims(&redeem.minting, &grant, &scope, (&person_now, row.epoch));
    if let Some(opaque) = &claims.opaque {
        let owner = (person.as_str(), client.id, row.epoch);
        sql::insert_access(tx, call.realm.vault.hash(opaque), &claims.body, owner, call.now).await?;
    }
    let has_refresh = gets_refresh(client, &grant.scope);
    if has_refresh {
        let absolute_at = call.now + call.realm.settings.tokens.refresh_absolute;
        let new = NewRefresh {
            hash: call.realm.vault.hash(&redeem.refresh),
            family: grant.id,
            client: client.id,
            principal: person,
            epoch: row.epoch,
            generation: 0,
            cnf: redeem.minting.jkt.clone().filter(|_| !client.is_confidential),
            now: call.now,
            expires_at: refresh_expiry(call, client, absolute_at),
            absolute_at,
        };
        sql::insert_refresh(tx, &new).await?;
    }
    Ok(Redeemed { grant, claims, nonce: row.nonce, has_refresh })
}

async fn end_reused(tx: &mut Tx<'_>, redeem: &Redeem, row: &CodeRow) -> Result<Redeemed> {
    sql::end_grant(tx, row.family, redeem.minting.call.now, "code reused").await?;
    let event = redeem.reuse.clone().fact("grant_id", row.family.to_string());
    audit::record(tx, &event).await?;
    tx.refuse(Code::CodeReused)
}

/// Everything that must fit before the code is used up.
fn check(redeem: &Redeem, row: &CodeRow) -> Result<()> {
    let now = redeem.minting.call.now;
    if now >= row.expires_at {
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
        return refuse(Code::PkceMismatch);
    }
    if row.dpop_jkt.is_some() && row.dpop_jkt != redeem.minting.jkt {
        return refuse(Code::DpopInvalid);
    }
    Ok(())
}

fn gets_refresh(client: &Client, scope: &ScopeSet) -> bool {
    client.metadata.allows_grant("refresh_token")
        && (client.metadata.refresh_policy == RefreshPolicy::Always || scope.contains("offline_access"))
}
