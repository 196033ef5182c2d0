//! The link by which somebody is written to no more (RFC 8058). It names the reader and the sender under a keyed
//! hash: nothing is kept for it, it works for as long as the mail is read, and it can do nothing else.

use data_encoding::BASE64URL_NOPAD;
use doorward_proto::id::{Id, Org, User};

use super::sql;
use crate::{
    audit::{self, Event},
    call::Call,
    orgs,
    outcome::{Code, Result, refuse},
    users,
};

const PURPOSE: &str = "doorward unsubscribe v1";
/// How long the hash is, in bytes.
const TAG: usize = 20;

fn tag(call: &Call, org: Id<Org>, user: Id<User>) -> String {
    let hash = call.realm.vault.hash_bytes(format!("{PURPOSE}\n{org}\n{user}").as_bytes());
    BASE64URL_NOPAD.encode(hash.0.get(..TAG).unwrap_or_default())
}

/// The address that unsubscribes a reader.
pub(super) fn address(call: &Call, org: Id<Org>, user: Id<User>) -> String {
    format!("{}/unsubscribe?token={org}.{user}.{}", call.realm.issuer, tag(call, org, user))
}

fn read(call: &Call, token: &str) -> Result<(Id<Org>, Id<User>)> {
    let mut parts = token.split('.');
    let (org, user, given) = (parts.next(), parts.next(), parts.next());
    let org = org.and_then(|org| org.parse().ok());
    let user = user.and_then(|user| user.parse().ok());
    let (Some(org), Some(user), Some(given), None) = (org, user, given, parts.next()) else {
        return refuse(Code::LinkInvalid);
    };
    let tag = tag(call, org, user);
    match aws_lc_rs::constant_time::verify_slices_are_equal(tag.as_bytes(), given.as_bytes()) {
        Ok(()) => Ok((org, user)),
        Err(_) => refuse(Code::LinkInvalid),
    }
}

/// Who has written: the name of the organisation, nothing for the instance. Changes nothing.
///
/// # Errors
/// `LinkInvalid`.
pub async fn look(call: &Call, token: &str) -> Result<Option<String>> {
    let (org, _) = read(call, token)?;
    if org == call.realm.instance_org {
        return Ok(None);
    }
    Ok(orgs::find(call, &org.to_string()).await?.map(|org| org.name))
}

/// Writes to its reader no more. What was done before is done again without a trace.
///
/// # Errors
/// `LinkInvalid`.
pub async fn unsubscribe(call: &Call, token: &str) -> Result<()> {
    let (org, user) = read(call, token)?;
    let is_instance = org == call.realm.instance_org;
    let event = Event::new(call, "user.unsubscribed")?.subject(user).org(org);
    call.realm
        .db
        .write("announcements.unsubscribe", (org, user, is_instance, event, call.now), |tx, ask| {
            let (org, user, is_instance, event, now) = ask;
            Box::pin(async move {
                let is_new = if *is_instance {
                    users::withdraw_consent(tx, *user, *now).await?
                } else {
                    sql::leave(tx, *org, *user, *now).await?
                };
                if is_new { audit::record(tx, event).await } else { Ok(()) }
            })
        })
        .await
}
