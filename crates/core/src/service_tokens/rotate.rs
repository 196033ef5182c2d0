//! The next version of a token: another secret under the same name.
//!
//! The old version works until the overlap is over. One guarded write takes it out of use as the newest,
//! so of many who rotate at once one wins.

use doorward_proto::{
    id::{Id, ServiceToken},
    secret::{Kind, Opaque},
    time::Time,
};

use super::{
    Key, Token, WithSecret,
    create::{granted, names},
    lock, present, sql, validate,
};
use crate::{
    audit,
    call::Call,
    db::Tx,
    orgs::OrgScope,
    outcome::{Code, Error, Refusal, Result},
    rights::Rights,
};

/// How a token is replaced.
#[derive(Debug, Clone)]
pub struct RotateAsk {
    /// How many seconds the old version goes on working; 0 ends it with this.
    pub overlap: u64,
    /// How long the new one lives, in seconds; as long as the old one where nothing is said.
    pub expires_in: Option<u64>,
    /// Scopes to add.
    pub scopes: Vec<String>,
}

impl Default for RotateAsk {
    fn default() -> Self {
        Self { overlap: 300, expires_in: None, scopes: Vec::new() }
    }
}

struct Rotate {
    call: Call,
    key: Key,
    id: Id<ServiceToken>,
    secret: Opaque,
    until: Time,
    ask: RotateAsk,
    rights: Rights,
    within: Option<OrgScope>,
}

/// Makes the next version and tells its secret. `seen` is the revision that the caller has looked at.
///
/// # Errors
/// `TokenNotFound`, `VersionMismatch`, `TokenEnded`, `TokenLifetime`, `ScopeMissing`, `WorkspaceForbidden`.
pub async fn rotate(call: &Call, key: Key, ask: RotateAsk, rights: Rights) -> Result<WithSecret> {
    rotate_within(call, key, ask, (rights, None)).await
}

/// The same by who runs an organisation.
pub(super) async fn rotate_within(
    call: &Call,
    key: Key,
    ask: RotateAsk,
    (rights, within): (Rights, Option<OrgScope>),
) -> Result<WithSecret> {
    let until = call.now + validate::overlap(ask.overlap)?;
    validate::lifetime(ask.expires_in)?;
    let secret = call.secret(Kind::ServiceToken)?;
    let (call_too, id) = (call.clone(), call.id()?);
    let work = Rotate { call: call_too, key, id, secret: secret.clone(), until, ask, rights, within };
    let token =
        call.realm.db.write("service_tokens.rotate", work, |tx, work| Box::pin(replace(tx, work))).await?;
    Ok(WithSecret { token, secret })
}

fn ended(token: &Token, now: Time) -> Error {
    let hint = match &token.revocation {
        Some(_) => "It was revoked; make another one",
        None if token.rotated_to.is_some() => "This version was rotated already",
        None if token.expires_at.is_some_and(|expiry| now >= expiry) => "It has expired; make another one",
        None => "It works no more; make another one",
    };
    Refusal::new(Code::TokenEnded).hint(hint).fact("status", token.state(now).name()).into()
}

async fn replace(tx: &mut Tx<'_>, work: &Rotate) -> Result<Token> {
    let (call, now) = (&work.call, work.call.now);
    if let Some(scope) = &work.within {
        scope.lock(tx).await?;
    }
    let lineage = present(tx, &work.key).await?.lineage;
    // A revocation of every version waits, or is seen.
    lock(tx, lineage).await?;
    let old = present(tx, &work.key).await?;
    let added = validate::scopes(&work.ask.scopes)?;
    let scopes = old.scopes.union(&added);
    // Whoever replaces the secret can act as the token.
    work.rights.cover(scopes.iter(), &old.workspace_ids)?;
    if !sql::hand_over(tx, old.id, work.id, (now, work.until)).await? {
        return Err(ended(&old, now));
    }
    let lifetime = validate::lifetime(work.ask.expires_in)?.or(old.lifetime);
    let vault = &call.realm.vault;
    let row = sql::NewRow {
        name: old.name.clone(),
        version: old.version + 1,
        hash: Some(vault.hash(&work.secret)),
        hash_key: vault.hash_key_id().to_owned(),
        scopes,
        workspace_ids: old.workspace_ids.clone(),
        notes: old.notes.clone(),
        lifetime,
        issued_at: now,
        expires_at: lifetime.map(|lifetime| now + lifetime),
        created_by: call.actor.name(),
        rotated_from: Some(old.id),
        // Another secret is no answer to whether it is needed.
        reviewed_at: old.reviewed_at,
    };
    if !sql::insert(tx, (work.id, old.lineage, old.org), &row).await? {
        return Err(ended(&old, now));
    }
    tx.raise_changes().await?;
    let token = present(tx, &Key::Version(work.id)).await?;
    let event = granted(&token, call, "service_token.rotated")?
        .fact("rotated_from", old.id.to_string())
        .fact("old_ends_at", work.until.to_string())
        .fact("added_scopes", names(&added.without(&old.scopes)));
    audit::record(tx, &event).await?;
    Ok(token)
}
