//! Back-channel logout: a signed token for every application that had tokens from the session.

use std::time::Duration;

use doorward_proto::{
    id::{self, Id},
    jose::Typ,
    logout_token::{LogoutTokenClaims, events},
};
use serde::{Deserialize, Serialize};

use super::sql;
use crate::{
    call::Call,
    clients,
    env::FetchRequest,
    jobs::{self, NewJob, Work},
    keys,
    outcome::{Error, Result},
    tokens::issue::id_token_alg,
};

/// A logout token is good for this long (Back-Channel Logout 1.0 2.4).
const LIFE: Duration = Duration::from_secs(120);

/// One application to tell about one session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) session: Id<id::Session>,
    pub(crate) user: Id<id::User>,
    pub(crate) client: Id<id::Client>,
}

/// Whether a session has ended whose applications are not about to be told yet.
pub(crate) async fn has_ended(call: &Call) -> Result<bool> {
    let db = &call.realm.db;
    db.read("logout.any_ended", (), |tx, ()| Box::pin(async move { sql::has_ended(tx).await })).await
}

/// Writes a job for every application of every session that has ended since; answers how many sessions.
pub async fn notice_ended(call: &Call) -> Result<usize> {
    if !has_ended(call).await? {
        return Ok(0);
    }
    let call = call.clone();
    let db = call.realm.db.clone();
    db.write("logout.notice_ended", call, |tx, call| {
        Box::pin(async move {
            let ended = sql::ended(tx).await?;
            for (session, user) in &ended {
                for (client, metadata) in sql::clients_of(tx, *session).await? {
                    if metadata.backchannel_logout_uri.is_some() {
                        let notice = Notice { session: *session, user: *user, client };
                        let job = NewJob::new(call, Work::LogoutNotice(notice), call.now)?;
                        jobs::enqueue(tx, &job).await?;
                    }
                }
                sql::noticed(tx, *session, call.now).await?;
            }
            Ok(ended.len())
        })
    })
    .await
}

/// Tells one application.
pub(crate) async fn deliver(call: &Call, notice: &Notice) -> Result<()> {
    let Some(client) = clients::find_by_id(call, notice.client).await? else { return Ok(()) };
    let Some(uri) = client.metadata.backchannel_logout_uri.as_ref().filter(|_| client.is_active()) else {
        return Ok(());
    };
    let jti: Id<id::Token> = call.id()?;
    let claims = LogoutTokenClaims {
        iss: call.realm.issuer.clone(),
        aud: client.client_id.clone(),
        iat: call.now.as_seconds(),
        exp: (call.now + LIFE).as_seconds(),
        jti: jti.to_string(),
        sub: Some(notice.user.to_string()),
        sid: Some(notice.session.to_string()),
        events: events(),
    };
    let signer = keys::current(call).await?.signer(id_token_alg(&client), call.now)?;
    let token = signer.sign_jwt(Typ::Logout, &serde_json::to_vec(&claims)?)?;
    let request = FetchRequest {
        method: "POST",
        url: url::Url::parse(uri)?,
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: format!("logout_token={token}").into_bytes(),
    };
    let response = call.fetch(request).await?;
    match response.status {
        // 400: the application refuses for good, it does not know the session.
        200 | 204 | 400 => Ok(()),
        status => Err(Error::fault(format!("the application answered {status} to a logout token"))),
    }
}
