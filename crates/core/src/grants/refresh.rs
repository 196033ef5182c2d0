//! Refreshing (RFC 6749 6, RFC 9700 4.14.2): every refresh token is used once and replaced.
//!
//! For a short window the consumed token answers with the *same* successor, since answers get lost on
//! the way; the successor is kept beside the consumed row, sealed under the presented token. After
//! that, a consumed token means that somebody else has it: its family ends, and that end is remembered.

use std::sync::Arc;

use doorward_proto::{
    access_token::AccessTokenClaims,
    scope::ScopeSet,
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};

use super::{
    Tokens,
    sql::{self, NewRefresh, Presented, Reader, RefreshRow},
};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    db::Tx,
    outcome::{Code, Error, Refusal, Result, refuse},
    realm::Realm,
    sessions,
    tokens::{
        self, Claims, Grant, Target,
        issue::{self, IdTokenFacts, granted_of, refresh_expiry},
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
    realm: Arc<Realm>,
    now: Time,
    token: Opaque,
    hash: TokenHash,
    row: RefreshRow,
    client: (String, i64),
    successor: Opaque,
    next: NewRefresh,
    sealed: Vec<u8>,
    event: Event,
    /// The opaque access token, where the API wants one.
    stored: Option<(TokenHash, AccessTokenClaims)>,
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
    let found = presented(call, client, &token).await?;
    if found.row.cnf.is_some() && found.row.cnf != ask.jkt {
        return Err(Refusal::new(Code::DpopInvalid).hint("The refresh token is bound to another key").into());
    }
    let granted = granted_of(call, client, found.grant.resources.clone());
    let target = target_of(call, client, &ask.resources, &granted).await?;
    let scope = narrowed(ask.scope.as_ref(), &found.grant, &target)?;
    let jkt = ask.jkt.as_deref();
    let claims = found.access_claims(call, client, (&target, &scope), jkt)?;
    let Presented { row, grant, .. } = found;
    let rotate = prepare(call, client, token, row, (&claims, &grant))?;
    let successor = call
        .realm
        .db
        .write("refresh.rotate", rotate, |tx, rotate| Box::pin(async move { run(tx, rotate).await }))
        .await?;
    let access_token = tokens::sign(call, claims).await?;
    let mut id_token = None;
    if grant.scope.contains("openid") && client.metadata.id_token_on_refresh {
        let about = IdTokenFacts { access_token: Some(&access_token), ..IdTokenFacts::default() };
        id_token = Some(issue::id_token(call, client, &grant, &grant.scope, about).await?);
    }
    let refresh_token = Some(successor);
    let is_dpop = jkt.is_some();
    Ok(Tokens { access_token, is_dpop, expires_in: target.ttl, refresh_token, id_token, scope })
}

/// The token with all that it stands on; refused once the session that it may not outlive is over.
async fn presented(call: &Call, client: &Client, token: &Opaque) -> Result<Presented<RefreshRow>> {
    let idle_since = call.now - call.realm.settings.session.idle;
    let ask = (call.realm.vault.hash(token), client.id, (call.now, idle_since));
    call.realm
        .db
        .read("refresh.find", ask, |tx, (hash, client, limits)| {
            Box::pin(async move {
                let found = sql::presented_refresh(tx, *hash).await?;
                let Some(found) = found.filter(|found| found.row.client == *client) else {
                    return refuse(Code::RefreshUnknown);
                };
                let session = found.grant.session.filter(|_| !found.grant.is_offline);
                if let Some(session) = session
                    && found.row.consumed_at.is_none()
                    && !sessions::carries(tx, session, *limits).await?
                {
                    return refuse(Code::GrantEnded);
                }
                Ok(found)
            })
        })
        .await
}

fn prepare(
    call: &Call,
    client: &Client,
    token: Opaque,
    row: RefreshRow,
    (claims, grant): (&Claims, &Grant),
) -> Result<Rotate> {
    let vault = &call.realm.vault;
    let successor = call.secret(Kind::Refresh)?;
    Ok(Rotate {
        realm: Arc::clone(&call.realm),
        now: call.now,
        hash: vault.hash(&token),
        client: (client.id.to_string(), client.epoch),
        next: NewRefresh {
            hash: vault.hash(&successor),
            family: row.family,
            client: row.client,
            principal: row.principal.clone(),
            epoch: row.epoch,
            generation: row.generation + 1,
            cnf: row.cnf.clone(),
            now: call.now,
            expires_at: refresh_expiry(call, client, row.absolute_at),
            absolute_at: row.absolute_at,
        },
        sealed: vault.seal_under(&call.realm.env, &token, PLACE, successor.expose().as_bytes())?,
        event: claims.event(call, client, grant)?.fact("grant", "refresh_token"),
        stored: claims.stored(call),
        token,
        row,
        successor,
    })
}

/// Answers the successor: the new one, or inside the window the one that is there.
async fn run(tx: &mut Tx<'_>, rotate: &Rotate) -> Result<Opaque> {
    let Rotate { row, now, client, .. } = rotate;
    let reader = Reader { id: &client.0, epoch: client.1 };
    tx.lock_shared(&[&row.principal, reader.id]).await?;
    let successor = if sql::consume_refresh(tx, rotate.hash, &rotate.sealed, reader, *now).await? {
        sql::insert_refresh(tx, &rotate.next).await?;
        rotate.successor.clone()
    } else {
        match not_consumed(tx, rotate).await? {
            Replay::Same(successor) => successor,
            Replay::Theft => {
                tokens::sql::end_grant(tx, row.family, *now, "refresh token reused").await?;
                let env = &rotate.realm.env;
                let reuse = rotate.event.refusal(env, "refresh.reused", Code::RefreshReused)?;
                audit::record(tx, &reuse.fact("grant_id", row.family.to_string())).await?;
                return tx.refuse(Code::RefreshReused);
            }
        }
    };
    if !audit::record_under(tx, &rotate.event, &row.principal, row.epoch).await? {
        return refuse(Code::PrincipalEnded);
    }
    if let Some((hash, claims)) = &rotate.stored {
        let owner = (row.principal.as_str(), row.client, row.epoch);
        tokens::sql::insert_access(tx, *hash, claims, owner, *now).await?;
    }
    Ok(successor)
}

/// RFC 6749 6: the same scopes or fewer, as far as they are for this audience.
fn narrowed(asked: Option<&ScopeSet>, grant: &Grant, target: &Target) -> Result<ScopeSet> {
    match asked {
        None => Ok(target.scope_of(&grant.scope)),
        Some(asked) if asked.is_subset(&grant.scope) => Ok(target.scope_named(asked)?),
        Some(_) => Err(Refusal::new(Code::ScopeInvalid).hint("More than was granted").field("scope").into()),
    }
}

enum Replay {
    /// Inside the window: the same answer again.
    Same(Opaque),
    /// Used before, and the window is over, or the successor was used already.
    Theft,
}

/// What the token that could not be consumed is; a refusal when it was never used.
async fn not_consumed(tx: &mut Tx<'_>, rotate: &Rotate) -> Result<Replay> {
    let Rotate { realm, now, client, .. } = rotate;
    let Some(row) = sql::find_refresh(tx, rotate.hash).await? else { return refuse(Code::RefreshUnknown) };
    let is_ended =
        tokens::sql::find_grant(tx, row.family).await?.is_none_or(|grant| grant.ended_at.is_some());
    let Some(consumed_at) = row.consumed_at else {
        return refuse(match () {
            () if is_ended || row.revoked_at.is_some() => Code::GrantEnded,
            () if *now >= row.expires_at => Code::RefreshExpired,
            () => Code::PrincipalEnded,
        });
    };
    let window = realm.settings.tokens.refresh_reuse_window;
    let Some(sealed) = row.successor.filter(|_| *now < consumed_at + window) else {
        return Ok(Replay::Theft);
    };
    let opened = realm.vault.open_under(&rotate.token, PLACE, &sealed)?;
    let successor = std::str::from_utf8(&opened).ok().and_then(|text| Opaque::parse(Kind::Refresh, text));
    let successor = successor.ok_or_else(|| Error::fault("a sealed successor is not a refresh token"))?;
    let next = sql::find_refresh(tx, realm.vault.hash(&successor)).await?;
    if next.is_none_or(|next| next.consumed_at.is_some()) {
        return Ok(Replay::Theft);
    }
    if is_ended {
        return refuse(Code::GrantEnded);
    }
    if !tokens::sql::is_current(tx, &client.0, client.1).await? {
        return refuse(Code::PrincipalEnded);
    }
    Ok(Replay::Same(successor))
}
