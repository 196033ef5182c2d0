//! Tickets: what a browser shows in place of a credential where it can send no header, such as the handshake
//! of a `WebSocket`.
//!
//! A ticket holds what it stands for, sealed, for half a minute; the row of its one use is what makes it good
//! once on every node. Nothing is stored when one is made, and whoever shows one is judged by what is in it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use doorward_proto::time::Time;
use zeroize::Zeroizing;

use crate::{
    call::Call,
    outcome::{Code, Result, refuse},
    tokens::sql,
};

/// How long a ticket is good.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);
/// How every ticket begins.
pub const TICKET_PREFIX: &str = "dw_ws_";

const PLACE: &str = "tickets";
const UNIQUE: usize = 16;
const HEAD: usize = UNIQUE + 8;

/// A ticket that stands for this.
pub fn ticket(call: &Call, content: &[u8]) -> Result<String> {
    let unique: [u8; UNIQUE] = call.realm.env.bytes()?;
    let end = call.now + TICKET_LIFETIME;
    let mut plain = Zeroizing::new(Vec::with_capacity(HEAD + content.len()));
    plain.extend_from_slice(&unique);
    plain.extend_from_slice(&end.as_micros().to_be_bytes());
    plain.extend_from_slice(content);
    let sealed = call.realm.vault.seal(&call.realm.env, PLACE, &plain)?;
    Ok(format!("{TICKET_PREFIX}{}", BASE64URL_NOPAD.encode(&sealed)))
}

/// What a ticket stands for; it is of no use afterwards.
///
/// # Errors
/// `CredentialInvalid` for what is no ticket of this server; `CredentialExpired`, also when it was used before.
pub async fn redeem_ticket(call: &Call, ticket: &str) -> Result<Zeroizing<Vec<u8>>> {
    let Some(plain) = open(call, ticket) else { return refuse(Code::CredentialInvalid) };
    let Some((unique, end, content)) = parts(&plain) else { return refuse(Code::CredentialInvalid) };
    if call.now >= end {
        return refuse(Code::CredentialExpired);
    }
    let once = call.realm.vault.hash_bytes(unique);
    let is_first = call
        .realm
        .db
        .write("tokens.redeem_ticket", (once, end), |tx, (once, end)| {
            Box::pin(async move { sql::note_once(tx, *once, *end).await })
        })
        .await?;
    if is_first { Ok(Zeroizing::new(content.to_vec())) } else { refuse(Code::CredentialExpired) }
}

/// Whoever changed a ticket, or made it elsewhere, has none.
fn open(call: &Call, ticket: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = BASE64URL_NOPAD.decode(ticket.strip_prefix(TICKET_PREFIX)?.as_bytes()).ok()?;
    call.realm.vault.open(PLACE, &sealed).ok()
}

fn parts(plain: &[u8]) -> Option<(&[u8], Time, &[u8])> {
    let (unique, rest) = plain.split_at_checked(UNIQUE)?;
    let (end, content) = rest.split_at_checked(8)?;
    Some((unique, Time::from_micros(i64::from_be_bytes(end.try_into().ok()?)), content))
}
