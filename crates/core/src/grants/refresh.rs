//! Refreshing (RFC 6749 6, RFC 9700 4.14.2): every refresh token is used once and replaced.
//!
//! For a short window the consumed token answers with the *same* successor, since answers get lost on
//! the way; the successor is kept beside the consumed row, sealed under the presented token. After
//! that, a consumed token means that somebody else has it: its family ends, and that end is remembered.

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id},
    scope::ScopeSet,
    secret::{Kind, Opaque},
};

use super::Tokens;
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    db::Tx,
    outcome::{Code, Error, Refusal, Result, refuse},
    tokens::{
        self, Claims, Grant, access_claims,
        issue::{IdTokenFacts, Minting, granted_of, id_token, refresh_expiry},
        sql::{self, NewRefresh, RefreshRow},
        target_of,
    },
};

/// Where successors are sealed.
const PLACE: &str = "refresh_tokens/successor";

/// What the client presents.
#[derive(Debug)]
pub struct RefreshAsk {
    /// The refresh token.
    pub token: String,
    /// Fewer scopes for the new access token.
    pub scope: Option<ScopeSet>,
    /// The audience, one at the most.
    pub resources: Vec<String>,
    /// The DPoP key of the proof.
    pub jkt: Option<String>,
}

struct Rotate {
    token: Opaque,
    scope: Option<ScopeSet>,
    minting: Minting,
    successor: Opaque,
    sealed: Vec<u8>,
    event: Event,
    reuse: Event,
}

struct Rotated {
    grant: Grant,
    scope: ScopeSet,
    claims: Claims,
    successor: Opaque,
}

/// Rotates a refresh token. A reused one ends its whole family, and that end is remembered.
///
/// # Errors
/// `RefreshUnknown`, `RefreshReused`, `RefreshExpired`, `ScopeInvalid`, `TargetInvalid`, `GrantEnded`,
/// `PrincipalEnded`, `DpopInvalid`.
pub async fn rotate(call: &Call, client: &Arc<Client>, ask: RefreshAsk) -> Result<Tokens> {
    if !client.metadata.allows_grant("refresh_token") {
        return refuse(Code::GrantNotAllowed);
    }
    let Some(token) = Opaque::parse(Kind::Refresh, &ask.token) else { return refuse(Code::RefreshUnknown) };
    let granted = granted_of(call, client, resources_of(call, &token).await?);
    let target = target_of(call, client, &ask.resources, &granted).await?;
    let opaque = target.is_opaque().then(|| call.secret(Kind::Access)).transpose()?;
    let jti: Id<id::Token> = call.id()?;
    let successor = call.secret(Kind::Refresh)?;
    let vault = &call.realm.vault;
    let sealed = vault.seal_under(&call.realm.env, &token, PLACE, successor.expose().as_bytes())?;
    let event = Event::new(call, "token.issued")?
        .client(client.id)
        .fact("grant", "refresh_token")
        .fact("aud", target.audience.clone());
    let reuse = Event::refused(call, "refresh.reused", Code::RefreshReused)?.client(client.id);
    let ttl = target.ttl;
    let is_dpop = ask.jkt.is_some();
    let minting =
        Minting { call: call.clone(), client: Arc::clone(client), target, jkt: ask.jkt, jti, opaque };
    let rotate = Rotate { token, scope: ask.scope, minting, successor, sealed, event, reuse };
    let rotated = call
        .realm
        .db
        .write("refresh.rotate", rotate, |tx, rotate| Box::pin(async move { run(tx, rotate).await }))
        .await?;
    let Rotated { grant, scope, claims, successor } = rotated;
    let access_token = tokens::sign(call, claims).await?;
    let mut id = None;
    if grant.scope.contains("openid") && client.metadata.id_token_on_refresh {
        let about = IdTokenFacts { access_token: Some(&access_token), ..IdTokenFacts::default() };
        id = Some(id_token(call, client, &grant, &grant.scope, about).await?);
    }
    Ok(Tokens { access_token, is_dpop, expires_in: ttl, refresh_token: Some(successor), id_token: id, scope })
}

async fn resources_of(call: &Call, token: &Opaque) -> Result<Vec<String>> {
    let hash = call.realm.vault.hash(token);
    call.realm
        .db
        .read("refresh.resources", hash, |tx, hash| {
            Box::pin(async move {
                let Some(row) = sql::find_refresh(tx, *hash).await? else { return Ok(Vec::new()) };
                Ok(sql::find_grant(tx, row.family).await?.map(|grant| grant.resources).unwrap_or_default())
            })
        })
        .await
}

async fn run(tx: &mut Tx<'_>, rotate: &Rotate) -> Result<Rotated> {
    let Minting { call, client, .. } = &rotate.minting;
    let hash = call.realm.vault.hash(&rotate.token);
    let row = sql::find_refresh(tx, hash).await?.filter(|row| row.client == client.id);
    let Some(row) = row else { return refuse(Code::RefreshUnknown) };
    if row.cnf.is_some() && row.cnf != rotate.minting.jkt {
        return Err(Refusal::new(Code::DpopInvalid).hint("The refresh token is bound to another key").into());
    }
    tx.lock_shared(&[&row.principal, &client.id.to_string()]).await?;
    let grant =
        sql::find_grant(tx, row.family).await?.ok_or_else(|| Error::fault("a token without its grant"))?;
    let scope = narrowed(rotate, &grant)?;
    let successor = if sql::consume_refresh(tx, hash, call.now, &rotate.sealed).await? {
        insert_successor(tx, rotate, &row).await?;
        rotate.successor.clone()
    } else {
        match same_successor(tx, rotate).await? {
            Replay::Same(successor) => successor,
            Replay::Refused(code) => return refuse(code),
            Replay::Theft => {
                sql::end_grant(tx, row.family, call.now, "refresh token reused").await?;
                let event =
                    rotate.reuse.clone().subject(&row.principal).fact("grant_id", row.family.to_string());
                audit::record(tx, &event).await?;
                return tx.refuse(Code::RefreshReused);
            }
        }
    };
    if grant.ended_at.is_some() {
        return refuse(Code::GrantEnded);
    }
    if !sql::is_current(tx, &client.id.to_string(), client.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    let event = rotate.event.clone().subject(grant.user).org(grant.org);
    let event = event.fact("jti", rotate.minting.jti_under(row.epoch).to_string());
    let event = event.fact("grant_id", grant.id.to_string()).fact("scope", scope.as_str());
    if !audit::record_under(tx, &event, &row.principal, row.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    let person_now = sql::person(tx, &grant).await?;
    let claims = access_claims(&rotate.minting, &grant, &scope, (&person_now, row.epoch));
    if let Some(opaque) = &claims.opaque {
        let owner = (row.principal.as_str(), client.id, row.epoch);
        sql::insert_access(tx, call.realm.vault.hash(opaque), &claims.body, owner, call.now).await?;
    }
    Ok(Rotated { grant, scope, claims, successor })
}

/// RFC 6749 6: the same scopes or fewer, as far as they are for this audience.
fn narrowed(rotate: &Rotate, grant: &Grant) -> Result<ScopeSet> {
    let target = &rotate.minting.target;
    match &rotate.scope {
        None => Ok(target.scope_of(&grant.scope)),
        Some(asked) if asked.is_subset(&grant.scope) => Ok(target.scope_named(asked)?),
        Some(_) => Err(Refusal::new(Code::ScopeInvalid).hint("More than was granted").field("scope").into()),
    }
}

async fn insert_successor(tx: &mut Tx<'_>, rotate: &Rotate, row: &RefreshRow) -> Result<()> {
    let Minting { call, client, .. } = &rotate.minting;
    let new = NewRefresh {
        hash: call.realm.vault.hash(&rotate.successor),
        family: row.family,
        client: row.client,
        principal: row.principal.clone(),
        epoch: row.epoch,
        generation: row.generation + 1,
        cnf: row.cnf.clone(),
        now: call.now,
        expires_at: refresh_expiry(call, client, row.absolute_at),
        absolute_at: row.absolute_at,
    };
    sql::insert_refresh(tx, &new).await
}

enum Replay {
    /// Inside the window: the same answer again.
    Same(Opaque),
    /// Never used, but over.
    Refused(Code),
    /// Used before, and the window is over, or the successor was used already.
    Theft,
}

/// What the token that could not be consumed is.
async fn same_successor(tx: &mut Tx<'_>, rotate: &Rotate) -> Result<Replay> {
    let call = &rotate.minting.call;
    let row = sql::find_refresh(tx, call.realm.vault.hash(&rotate.token)).await?;
    let Some(row) = row else { return Ok(Replay::Refused(Code::RefreshUnknown)) };
    let Some(consumed_at) = row.consumed_at else {
        let code = if row.revoked_at.is_some() { Code::GrantEnded } else { Code::RefreshExpired };
        return Ok(Replay::Refused(code));
    };
    let window = call.realm.settings.tokens.refresh_reuse_window;
    let Some(sealed) = row.successor.filter(|_| call.now < consumed_at + window) else {
        return Ok(Replay::Theft);
    };
    let opened = call.realm.vault.open_under(&rotate.token, PLACE, &sealed)?;
    let successor = std::str::from_utf8(&opened).ok().and_then(|text| Opaque::parse(Kind::Refresh, text));
    let successor = successor.ok_or_else(|| Error::fault("a sealed successor is not a refresh token"))?;
    let is_unused = sql::find_refresh(tx, call.realm.vault.hash(&successor))
        .await?
        .is_some_and(|next| next.consumed_at.is_none());
    Ok(if is_unused { Replay::Same(successor) } else { Replay::Theft })
}
