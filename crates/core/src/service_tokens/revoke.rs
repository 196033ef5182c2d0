//! The end of a token before its time, and of many at once: in force with the answer.

use doorward_proto::id::{Id, Org};

use super::{EVERY, Key, Token, lock, present, sql, validate};
use crate::{
    audit,
    call::Call,
    db::Tx,
    orgs::OrgScope,
    outcome::{Code, Error, Refusal, Result},
    principals::{self, Status},
    rights::Rights,
};

struct Revoke {
    call: Call,
    key: Key,
    reason: String,
    rights: Rights,
    within: Option<OrgScope>,
}

/// Revokes: by name every version, by id that one. Answers the version that was asked for.
///
/// # Errors
/// `TokenNotFound`, `TokenEnded` when it was revoked before (that reason stays), `ScopeMissing` where the
/// token may do more than the caller.
pub async fn revoke(call: &Call, key: Key, reason: String, rights: Rights) -> Result<Token> {
    revoke_within(call, key, reason, (rights, None)).await
}

/// The same by who runs an organisation.
pub(super) async fn revoke_within(
    call: &Call,
    key: Key,
    reason: String,
    (rights, within): (Rights, Option<OrgScope>),
) -> Result<Token> {
    validate::reason(&reason)?;
    let ask = Revoke { call: call.clone(), key, reason, rights, within };
    call.realm.db.write("service_tokens.revoke", ask, |tx, ask| Box::pin(end(tx, ask))).await
}

async fn end(tx: &mut Tx<'_>, ask: &Revoke) -> Result<Token> {
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
    }
    let lineage = present(tx, &ask.key).await?.lineage;
    lock(tx, lineage).await?;
    let token = present(tx, &ask.key).await?;
    let is_whole = matches!(ask.key, Key::Name(..));
    for version in sql::versions(tx, lineage).await? {
        if is_whole || version.id == token.id {
            ask.rights.over(version.scopes.iter())?;
        }
    }
    let by = (ask.call.now, ask.call.actor.name());
    let revoked = if is_whole {
        sql::revoke_all(tx, lineage, &by, &ask.reason).await?
    } else {
        sql::revoke(tx, token.id, &by, &ask.reason).await?
    };
    if revoked == 0 {
        return Err(before(&token));
    }
    if is_whole {
        principals::set_status(tx, &ask.call.realm.env, lineage, Status::Ended).await?;
    }
    tx.raise_changes().await?;
    let event = token.event(&ask.call, "service_token.revoked")?.fact("versions", revoked);
    audit::record(tx, &event.detail("reason", ask.reason.clone())).await?;
    present(tx, &Key::Version(token.id)).await
}

/// Whose tokens are meant; at least one of both is said.
#[derive(Debug, Clone, Default)]
pub struct Whose {
    /// Only those of this owner: of whoever answers for the newest version.
    pub owner: Option<String>,
    /// Only those of this organisation.
    pub org: Option<Id<Org>>,
}

struct RevokeAll {
    call: Call,
    whose: Whose,
    reason: String,
    rights: Rights,
}

/// Revokes every token of an owner or of an organisation that still works; answers their names.
///
/// # Errors
/// `RequestInvalid` where nobody is named, `ScopeMissing` where one of them may do more than the caller:
/// then none of them ends.
pub async fn revoke_all(call: &Call, whose: Whose, reason: String, rights: Rights) -> Result<Vec<String>> {
    validate::reason(&reason)?;
    if whose.owner.is_none() && whose.org.is_none() {
        let hint = "Say whose tokens end: of an owner, or of an organisation";
        return Err(Refusal::new(Code::RequestInvalid).field("owner").hint(hint).into());
    }
    let ask = RevokeAll { call: call.clone(), whose, reason, rights };
    call.realm.db.write("service_tokens.revoke_all", ask, |tx, ask| Box::pin(end_all(tx, ask))).await
}

async fn end_all(tx: &mut Tx<'_>, ask: &RevokeAll) -> Result<Vec<String>> {
    let (now, by) = (ask.call.now, ask.call.actor.name());
    tx.lock_exclusive(&[EVERY]).await?;
    let lineages = sql::live_lineages(tx, &ask.whose, now).await?;
    let mut names = Vec::with_capacity(lineages.len());
    for lineage in lineages {
        let versions = sql::versions(tx, lineage).await?;
        for version in &versions {
            ask.rights.over(version.scopes.iter())?;
        }
        let revoked = sql::revoke_all(tx, lineage, &(now, by.clone()), &ask.reason).await?;
        principals::end_held(tx, &ask.call.realm.env, lineage).await?;
        let Some(newest) = versions.last().filter(|_| revoked > 0) else { continue };
        let event = newest.event(&ask.call, "service_token.revoked")?.fact("versions", revoked);
        audit::record(tx, &event.detail("reason", ask.reason.clone())).await?;
        names.push(newest.name.clone());
    }
    tx.raise_changes().await?;
    Ok(names)
}

fn before(token: &Token) -> Error {
    let at = token.revocation.as_ref().map(|revocation| revocation.at.to_string());
    Refusal::new(Code::TokenEnded).hint("It was revoked before").fact("revoked_at", at).into()
}
