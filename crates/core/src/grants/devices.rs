//! Where applications act for a person without a browser: each has its own family of refresh tokens, which the
//! person knows by the name of the device and can end.

use doorward_proto::{
    id::{self, Id},
    time::Time,
};

use super::sql;
use crate::{
    audit::{self, Event},
    call::Call,
    outcome::{Code, Result, refuse},
    tokens,
};

/// An application on a device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its grant.
    pub grant: Id<id::Grant>,
    /// The application's name.
    pub client_name: String,
    /// What the application says it runs on.
    pub device: Option<String>,
    /// Since when.
    pub since: Time,
    /// When it last asked for tokens.
    pub seen: Time,
}

/// Everywhere that applications can come back for a person, the last used first.
pub async fn list(call: &Call, user: Id<id::User>) -> Result<Vec<Device>> {
    let found = call.realm.db.read("grants.devices", (user, call.now), |tx, (user, now)| {
        Box::pin(async move { sql::devices(tx, *user, *now).await })
    });
    found.await
}

/// Ends one of a person's.
///
/// # Errors
/// `NotFound`.
pub async fn end(call: &Call, user: Id<id::User>, grant: Id<id::Grant>) -> Result<()> {
    let event = Event::new(call, "grant.ended")?.subject(user).fact("grant_id", grant.to_string());
    call.realm
        .db
        .write("grants.end_device", (user, grant, event, call.now), |tx, (user, grant, event, now)| {
            Box::pin(async move {
                let found = tokens::sql::find_grant(tx, *grant).await?;
                if found.is_none_or(|found| found.user != *user)
                    || !tokens::sql::end_grant(tx, *grant, *now, "ended by the person").await?
                {
                    return refuse(Code::NotFound);
                }
                audit::record(tx, event).await
            })
        })
        .await
}
