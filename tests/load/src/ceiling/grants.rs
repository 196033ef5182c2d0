//! Issuing and describing tokens.

use std::{
    borrow::Cow,
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use serde::Deserialize;

use super::{
    State,
    durable::Row,
    sign::Alg,
    store::{Client, Entry, key, secret},
};

/// How long an access token lives, in seconds.
const LIFETIME: i64 = 600;

#[derive(Deserialize)]
struct Ask<'a> {
    #[serde(borrow)]
    grant_type: Cow<'a, str>,
    #[serde(borrow, default)]
    refresh_token: Cow<'a, str>,
    #[serde(borrow, default)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    code_verifier: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Introspect<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

/// What goes into an answer besides the access token.
enum With {
    Nothing,
    RefreshAnd(Option<Alg>),
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Makes an issuance durable, where that is asked for.
pub(super) async fn record(state: &State, subject: &'static str) -> Result<()> {
    match &state.durable {
        Some(writer) => writer.record(Row::new(now(), subject)).await,
        None => Ok(()),
    }
}

/// The token endpoint; `None` is a bad request.
pub(super) async fn issue(state: &State, client: &'static Client, body: &[u8]) -> Result<Option<String>> {
    let ask: Ask<'_> = serde_urlencoded::from_bytes(body)?;
    let with = match &*ask.grant_type {
        "client_credentials" => With::Nothing,
        "refresh_token" => match state.store.consume(&key(&ask.refresh_token)) {
            Some(Entry::Refresh { client: owner }) if owner.id == client.id => {
                With::RefreshAnd(client.id_token)
            }
            _ => return Ok(None),
        },
        "authorization_code" => match state.store.consume(&key(&ask.code)) {
            Some(Entry::Code { client: owner, challenge })
                if owner.id == client.id && challenge == key(&ask.code_verifier) =>
            {
                With::RefreshAnd(client.id_token)
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    respond(state, client, with).await.map(Some)
}

async fn respond(state: &State, client: &'static Client, with: With) -> Result<String> {
    let now = now();
    let expires = now + LIFETIME;
    let id = client.id;
    let (jti, _) = secret();
    let own = format!(
        r#""iss":"http://localhost","sub":"{id}","aud":"http://localhost","exp":{expires},"iat":{now},"nbf":{now},"jti":"{jti}","client_id":"{id}","scope":"openid email""#
    );
    let access = state.signer.token(client.access, "at+jwt", &own)?;
    let (refresh, id_token) = match with {
        With::Nothing => (None, None),
        With::RefreshAnd(alg) => {
            (Some(secret()), alg.map(|alg| state.signer.token(alg, "JWT", &own)).transpose()?)
        }
    };
    record(state, id).await?;
    state.store.insert(key(&access), Entry::Access { client, expires });
    let mut answer = format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{LIFETIME}"#);
    if let Some((refresh, key)) = refresh {
        state.store.insert(key, Entry::Refresh { client });
        write!(answer, r#","refresh_token":"{refresh}""#)?;
    }
    if let Some(id_token) = id_token {
        write!(answer, r#","id_token":"{id_token}""#)?;
    }
    answer.push('}');
    Ok(answer)
}

/// What a token says to whoever may ask.
pub(super) fn introspect(state: &State, body: &[u8]) -> Result<String> {
    let ask: Introspect<'_> = serde_urlencoded::from_bytes(body)?;
    Ok(match state.store.find(&key(&ask.token)) {
        Some(Entry::Access { client, expires }) if expires > now() => {
            let (id, issued) = (client.id, expires - LIFETIME);
            format!(
                r#"{{"active":true,"iss":"http://localhost","sub":"{id}","aud":"http://localhost","client_id":"{id}","scope":"openid email","token_type":"Bearer","exp":{expires},"iat":{issued},"nbf":{issued}}}"#
            )
        }
        _ => r#"{"active":false}"#.to_owned(),
    })
}
