//! The application that Doorward brings along: its own command line, so that `doorward login` works
//! against a fresh server.

use super::{
    AuthMethod, Metadata,
    manage::{NewClient, Registration, register},
    sql,
};
use crate::{
    authorize::STANDARD_SCOPES,
    call::Call,
    outcome::{Code, Error, Result},
};

/// Its public name.
pub const COMMAND_LINE: &str = "doorward-cli";

/// Registers it when it never was; whoever has suspended or ended it has meant it.
pub async fn ensure_command_line(call: &Call) -> Result<()> {
    let found = call
        .realm
        .db
        .read("clients.command_line", (), |tx, ()| {
            Box::pin(async move { sql::find_by_client_id(tx, COMMAND_LINE).await })
        })
        .await?;
    if found.is_some() {
        return Ok(());
    }
    let scopes = STANDARD_SCOPES.iter().copied().chain(["me:read", "me:write", "admin:*"]);
    let metadata = Metadata {
        redirect_uris: ["http://127.0.0.1/callback", "http://[::1]/callback"].map(str::to_owned).into(),
        grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).into(),
        scopes: scopes.map(str::to_owned).collect(),
        token_endpoint_auth_method: AuthMethod::None,
        require_pkce: true,
        ..Metadata::default()
    };
    let registration = Registration {
        name: "Doorward command line".to_owned(),
        is_confidential: false,
        is_first_party: false,
        metadata,
    };
    let ask = NewClient { client_id: Some(COMMAND_LINE.to_owned()), org: None, registration };
    match register(call, ask).await {
        // Another node was faster.
        Err(Error::Refused(refusal)) if refusal.code == Code::Conflict => Ok(()),
        other => other.map(|_| ()),
    }
}
