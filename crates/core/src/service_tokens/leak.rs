//! A secret that was found where it must not be: it ends at once.
//!
//! Whoever holds a secret can use it, so whoever holds it may end it, and nothing else is asked of them. The
//! owner is told, and the trail has from where it came.

use doorward_proto::secret::{Kind, Opaque, SecretText, TokenHash};

use super::{
    Key, Token, lock, present,
    remind::{Owner, owner},
    sql, validate,
    verify::{OURS, has_imported, sha256},
};
use crate::{
    audit,
    call::Call,
    db::{ReadTx, Tx},
    mail::Template,
    outcome::Result,
    throttle::{self, Taken},
};

/// What became of a secret that was reported.
#[derive(Debug, Clone)]
pub enum Reported {
    /// No token of this server has it.
    Unknown,
    /// Its token has been revoked before.
    Before(Token),
    /// Its token is revoked.
    Revoked(Token),
}

struct Report {
    call: Call,
    token: Token,
    taken: Taken,
    found_at: Option<String>,
}

/// Revokes the version that a secret belongs to; `found_at` says where it was found. In force with the answer.
/// Who reports what nobody has is slowed down, by network address; what was found costs nothing.
///
/// # Errors
/// `RequestInvalid` for words about the place that nobody could read, `RateLimitedAddress`.
pub async fn report_leak(call: &Call, presented: &SecretText, found_at: Option<String>) -> Result<Reported> {
    if let Some(place) = &found_at {
        validate::check_text("found_at", place)?;
    }
    let text = presented.expose();
    let is_ours = Opaque::parse(Kind::ServiceToken, text).is_some();
    let tried = throttle::reporting(call);
    let count = call.realm.db.write("service_tokens.count_report", tried, |tx, tried| {
        Box::pin(async move { throttle::take(tx, tried).await })
    });
    let taken = count.await?;
    // Anybody may ask: what cannot be one costs no look.
    if !is_ours && (text.starts_with(OURS) || !has_imported(call).await?) {
        return Ok(Reported::Unknown);
    }
    let hash = call.realm.vault.hash_bytes(text.as_bytes());
    let imported = (!is_ours).then(|| data_encoding::HEXLOWER.encode(&sha256(text)));
    let sought = (hash, imported);
    let read = call.realm.db.read("service_tokens.find_leaked", sought, |tx, sought| {
        Box::pin(async move { find(tx, sought).await })
    });
    let Some(token) = read.await? else { return Ok(Reported::Unknown) };
    let ask = Report { call: call.clone(), token, taken, found_at };
    call.realm.db.write("service_tokens.report_leak", ask, |tx, ask| Box::pin(end(tx, ask))).await
}

async fn find(tx: &mut ReadTx<'_>, (hash, imported): &(TokenHash, Option<String>)) -> Result<Option<Token>> {
    let found = match (sql::find_by_hash(tx, *hash).await?, imported) {
        (None, Some(sha256)) => sql::find_by_sha256(tx, sha256).await?,
        (found, _) => found,
    };
    Ok(found.map(|found| found.token))
}

async fn end(tx: &mut Tx<'_>, ask: &Report) -> Result<Reported> {
    let token = &ask.token;
    lock(tx, token.lineage).await?;
    let by = (ask.call.now, ask.call.actor.name());
    if sql::revoke(tx, token.id, &by, "reported as leaked").await? == 0 {
        return Ok(Reported::Before(present(tx, &Key::Version(token.id)).await?));
    }
    tx.raise_changes().await?;
    throttle::give_back(tx, &ask.taken).await?;
    let mut event = token.event(&ask.call, "service_token.leaked")?;
    if let Some(place) = &ask.found_at {
        event = event.detail("found_at", place.clone());
    }
    audit::record(tx, &event).await?;
    if let Some(owner) = owner(tx, token).await? {
        tell(tx, ask, token, &owner).await?;
    }
    Ok(Reported::Revoked(present(tx, &Key::Version(token.id)).await?))
}

async fn tell(tx: &mut Tx<'_>, ask: &Report, token: &Token, owner: &Owner) -> Result<()> {
    let when = ask.call.now.to_human();
    owner.write(tx, &ask.call, (token, Template::ServiceTokenLeaked, None), &[("when", &when)]).await
}
