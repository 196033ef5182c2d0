//! Refreshing (RFC 6749 6, RFC 9700 4.14.2): every refresh token is used once and replaced.
//!
//! For a short window the consumed token answers with the *same* successor, since answers get lost on
//! the way; the successor is kept beside the consumed row, sealed under the presented token. After
//! that, a consumed token means that somebody else has it: its family ends, and that end is remembered.

use std::sync::Arc;

use doorward_proto::{
    scope::ScopeSet,
    secret::{Kind, Opaque, TokenHash},
};

use super::{
    Tokens,
    person::{Ask, Issued},
    sql::{self, NewRefresh, Presented, Reader, RefreshRow},
};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    db::Tx,
    outcome::{Code, Error, Refusal, Result, refuse},
    tokens::{self, Grant, Target, issue::refresh_expiry},
    users,
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
    ask: Ask,
    /// Fewer scopes.
    scope: Option<ScopeSet>,
    token: Opaque,
    successor: Opaque,
    successor_hash: TokenHash,
    sealed: Vec<u8>,
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
    let vault = &call.realm.vault;
    let successor = call.secret(Kind::Refresh)?;
    let rotate = Rotate {
        ask: Ask {
            call: call.clone(),
            client: Arc::clone(client),
            hash: vault.hash(&token),
            resources: ask.resources,
            jkt: ask.jkt,
        },
        scope: ask.scope,
        sealed: vault.seal_under(&call.realm.env, &token, PLACE, successor.expose().as_bytes())?,
        token,
        successor_hash: vault.hash(&successor),
        successor,
    };
    let issued = call
        .realm
        .db
        .write("refresh.rotate", rotate, |tx, rotate| Box::pin(async move { run(tx, rotate).await }))
        .await?;
    issued.sign(call, client, None).await
}

/// The token with all that it stands on.
async fn presented(tx: &mut Tx<'_>, ask: &Ask) -> Result<Presented<RefreshRow>> {
    let found = sql::presented_refresh(tx, ask.hash).await?;
    let Some(found) = found.filter(|found| found.row.client == ask.client.id) else {
        return refuse(Code::RefreshUnknown);
    };
    Ok(found)
}

impl Rotate {
    /// What takes the token's place in its family.
    fn next(&self, row: &RefreshRow) -> NewRefresh {
        let Ask { call, client, .. } = &self.ask;
        NewRefresh {
            hash: self.successor_hash,
            family: row.family,
            client: row.client,
            principal: row.principal.clone(),
            epoch: row.epoch,
            generation: row.generation + 1,
            cnf: row.cnf.clone(),
            now: call.now,
            expires_at: refresh_expiry(call, client, row.absolute_at),
            absolute_at: row.absolute_at,
        }
    }
}

/// Issues with the successor: the new one, or inside the window the one that is there. That a token was
/// stolen is found before anything else that may be wrong with the request.
async fn run(tx: &mut Tx<'_>, rotate: &Rotate) -> Result<Issued> {
    let Ask { call, client, hash, jkt, .. } = &rotate.ask;
    let found = presented(tx, &rotate.ask).await?;
    let (row, client_id) = (&found.row, client.id.to_string());
    let reader = Reader { id: &client_id, epoch: client.epoch };
    tx.lock_shared(&[&row.principal, reader.id]).await?;
    let mut successor = None;
    if row.consumed_at.is_some() {
        successor = Some(not_consumed(tx, rotate, reader).await?);
    }
    rotate.ask.carried(tx, &found.grant).await?;
    if row.cnf.is_some() && row.cnf != *jkt {
        return Err(Refusal::new(Code::DpopInvalid).hint("The refresh token is bound to another key").into());
    }
    let target = rotate.ask.target(tx, &found.grant).await?;
    let scope = narrowed(rotate.scope.as_ref(), &found.grant, &target)?;
    let made = rotate.ask.prepare(tx, &found, (&target, &scope), "refresh_token").await?;
    let successor = match successor {
        Some(successor) => successor,
        None if sql::consume_refresh(tx, *hash, &rotate.sealed, reader, call.now).await? => {
            sql::insert_refresh(tx, &rotate.next(row)).await?;
            rotate.successor.clone()
        }
        None => not_consumed(tx, rotate, reader).await?,
    };
    rotate.ask.record(tx, &found, &made).await?;
    if found.person.is_anonymous {
        users::anonymous::see(tx, found.grant.user, call.now).await?;
    }
    let wants_id_token = client.metadata.id_token_on_refresh;
    let mut issued = rotate.ask.issued(tx, found.grant, (made, target, scope), wants_id_token).await?;
    issued.refresh = Some(successor);
    Ok(issued)
}

/// RFC 6749 6: the same scopes or fewer, as far as they are for this audience.
fn narrowed(asked: Option<&ScopeSet>, grant: &Grant, target: &Target) -> Result<ScopeSet> {
    match asked {
        None => Ok(target.scope_of(&grant.scope)),
        Some(asked) if asked.is_subset(&grant.scope) => Ok(target.scope_named(asked)?),
        Some(_) => Err(Refusal::new(Code::ScopeInvalid).hint("More than was granted").field("scope").into()),
    }
}

/// The successor that is there, inside the window. Used before, and the window is over, or the successor was
/// used already: the token was stolen. A refusal when it was never used.
async fn not_consumed(tx: &mut Tx<'_>, rotate: &Rotate, reader: Reader<'_>) -> Result<Opaque> {
    let Call { realm, now, .. } = &rotate.ask.call;
    let Some(row) = sql::find_refresh(tx, rotate.ask.hash).await? else {
        return refuse(Code::RefreshUnknown);
    };
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
    let Some(sealed) = row.successor.as_ref().filter(|_| *now < consumed_at + window) else {
        return stolen(tx, rotate, &row).await;
    };
    let opened = realm.vault.open_under(&rotate.token, PLACE, sealed)?;
    let successor = std::str::from_utf8(&opened).ok().and_then(|text| Opaque::parse(Kind::Refresh, text));
    let successor = successor.ok_or_else(|| Error::fault("a sealed successor is not a refresh token"))?;
    let next = sql::find_refresh(tx, realm.vault.hash(&successor)).await?;
    if next.is_none_or(|next| next.consumed_at.is_some()) {
        return stolen(tx, rotate, &row).await;
    }
    if is_ended {
        return refuse(Code::GrantEnded);
    }
    for (id, epoch) in [(reader.id, reader.epoch), (&row.principal, row.epoch)] {
        if !tokens::sql::is_current(tx, id, epoch).await? {
            return refuse(Code::PrincipalEnded);
        }
    }
    Ok(successor)
}

/// Two have the token: its family ends, and that is remembered.
async fn stolen<T>(tx: &mut Tx<'_>, rotate: &Rotate, row: &RefreshRow) -> Result<T> {
    let Ask { call, client, .. } = &rotate.ask;
    tokens::sql::end_grant(tx, row.family, call.now, "refresh token reused").await?;
    let event = Event::refused(call, "refresh.reused", Code::RefreshReused)?
        .client(client.id)
        .subject(&row.principal)
        .fact("grant_id", row.family.to_string());
    audit::record(tx, &event).await?;
    tx.refuse(Code::RefreshReused)
}
