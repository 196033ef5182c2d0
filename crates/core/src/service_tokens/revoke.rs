//! The end of a token before its time, in force with the answer.

use super::{Key, Token, present, sql, validate};
use crate::{
    audit,
    call::Call,
    db::Tx,
    outcome::{Code, Error, Refusal, Result},
    principals::{self, Status},
    rights::Rights,
};

struct Revoke {
    call: Call,
    key: Key,
    reason: String,
    rights: Rights,
}

/// Revokes: by name every version, by id that one. Answers the version that was asked for.
///
/// # Errors
/// `TokenNotFound`, `TokenEnded` when it was revoked before (that reason stays), `ScopeMissing` where the
/// token may do more than the caller.
pub async fn revoke(call: &Call, key: Key, reason: String, rights: Rights) -> Result<Token> {
    validate::reason(&reason)?;
    let ask = Revoke { call: call.clone(), key, reason, rights };
    call.realm.db.write("service_tokens.revoke", ask, |tx, ask| Box::pin(end(tx, ask))).await
}

async fn end(tx: &mut Tx<'_>, ask: &Revoke) -> Result<Token> {
    let lineage = present(tx, &ask.key).await?.lineage;
    tx.lock_exclusive(&[&lineage.to_string()]).await?;
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

fn before(token: &Token) -> Error {
    let at = token.revocation.as_ref().map(|revocation| revocation.at.to_string());
    Refusal::new(Code::TokenEnded).hint("It was revoked before").fact("revoked_at", at).into()
}
