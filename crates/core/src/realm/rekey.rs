//! The change of the master key: everything that is sealed at rest is sealed again, in one operation
//! together with the row that names the key in use. So whatever happens, the database belongs to one of
//! the two keys, whole. The new key must be kept for good before this is begun.

use std::sync::Arc;

use doorward_proto::jose::encode_base64url;

use super::{LOCK, Realm, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::{Tx, check},
    outcome::{Code, Error, Refusal, Result},
    vault::Vault,
};

/// Values held at once.
const PAGE: i64 = 200;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// The id of the master key that the database belonged to.
    pub from: String,
    /// The id of the one that it belongs to now.
    pub to: String,
    /// Values that were sealed again.
    pub sealed: u64,
}

struct Change {
    realm: Arc<Realm>,
    next: Vault,
    event: Event,
    call: Call,
}

/// Gives the database to another master key. The realm of `call` is of no use afterwards: open a new one.
///
/// # Errors
/// A refusal when a node is running, or the key is or was in use here; nothing has changed then. After a
/// fault the database itself tells which key it belongs to ([`super::master_key`]).
pub async fn rekey(call: &Call, master: &[u8; 32]) -> Result<Rekeyed> {
    let next = call.realm.vault.followed_by(master)?;
    let (from, to) = (call.realm.vault.id().to_owned(), next.id().to_owned());
    let event = Event::new(call, "master_key.replaced")?
        .subject(call.realm.instance_org)
        .org(call.realm.instance_org)
        .fact("from", from.as_str())
        .fact("to", to.as_str());
    let change = Change { realm: Arc::clone(&call.realm), next, event, call: call.clone() };
    let sealed = call.realm.db.write("realm.rekey", change, |tx, change| Box::pin(run(tx, change))).await?;
    Ok(Rekeyed { from, to, sealed })
}

async fn run(tx: &mut Tx<'_>, change: &Change) -> Result<u64> {
    let Change { realm, next, event, call } = change;
    let (present, env) = (&realm.vault, &realm.env);
    tx.lock_exclusive(&[LOCK]).await?;
    let left = sql::left(tx, next.id()).await?;
    if left.owner.as_deref() != Some(present.id()) {
        return Err(Error::fault("the master key was replaced meanwhile"));
    }
    if present.id() == next.id() || left.replaced_at.is_some() {
        let hint = "This master key is or was in use here; take a new one (`doorward keys generate`)";
        return Err(Refusal::new(Code::Conflict).hint(hint).into());
    }
    if let Some(until) = sql::nodes_until(tx, call.now).await? {
        let hint =
            format!("A node is running on this database; stop it. A node that crashed counts until {until}");
        return Err(Refusal::new(Code::Conflict).hint(hint).into());
    }
    sql::drop_nodes(tx, call.now).await?;
    let mut sealed = 0;
    for column in sql::columns() {
        sealed += seal_again(tx, column, change).await?;
    }
    let lasting = encode_base64url(&next.hand_on(env)?);
    let audit = realm.checkpoint_keys.hand_on(tx, env, (present, next)).await?;
    sql::succeed(tx, (present.id(), next.id()), (&lasting, &audit), call.now).await?;
    audit::record(tx, event).await?;
    tx.raise_changes().await?;
    let forgotten = check::columns_with(tx, &present.at_rest_prefix()).await?;
    if forgotten.is_empty() {
        return Ok(sealed);
    }
    Err(Error::fault(format!("values would be left under the former master key in {}", forgotten.join(", "))))
}

async fn seal_again(tx: &mut Tx<'_>, column: &sql::Column, change: &Change) -> Result<u64> {
    let (realm, next) = (&change.realm, &change.next);
    let (mut after, mut sealed) = (String::new(), 0);
    loop {
        let page = sql::page(tx, column, &mut after, PAGE).await?;
        if page.is_empty() {
            return Ok(sealed);
        }
        let mut values = Vec::with_capacity(page.len());
        for value in page {
            let again =
                next.seal(&realm.env, &value.place, &realm.vault.open(&value.place, &value.sealed)?)?;
            values.push((value, again));
        }
        let replaced = sql::replace(tx, column, &values).await?;
        if usize::try_from(replaced).ok() != Some(values.len()) {
            return Err(Error::fault("a sealed value was changed meanwhile: a server is running"));
        }
        sealed += replaced;
    }
}
