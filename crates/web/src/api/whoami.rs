//! `GET /api/whoami`: what the server makes of a credential.

use doorward_core::{call::Actor, orgs::workspaces};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, found},
    caller::Caller,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/whoami", whoami)
            .open()
            .answers::<Identity>()
            .says("Tells what the server makes of the credential"),
    ]
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
struct Identity {
    /// Whether a credential was presented.
    authenticated: bool,
    /// The subject of the credential.
    subject: Option<String>,
    /// `anonymous`, `user`, `client`, `service`, `agent` or `local`.
    identity_type: &'static str,
    /// What it may do.
    scopes: Vec<String>,
    /// The workspaces it is bound to.
    workspace_ids: Vec<String>,
    /// The credential's public name.
    token_id: Option<String>,
    /// The organisation it acts in.
    tenant_id: Option<String>,
    /// `admin`, `user`, `agent` or `service`.
    role: Option<String>,
}

async fn whoami(caller: Caller) -> Answer {
    let who = &caller.who;
    // A token carries them; of a browser they are looked up for who asks.
    let workspace_ids = match (&caller.call.actor, who.tenant_id.as_deref().and_then(|org| org.parse().ok()))
    {
        (Actor::User { id, .. }, Some(org)) if caller.is_browser => {
            workspaces::own_in(&caller.call, org, *id).await?
        }
        _ => who.workspace_ids.clone(),
    };
    found(&Identity {
        authenticated: !caller.is_anonymous(),
        subject: who.subject.clone(),
        identity_type: who.identity_type,
        scopes: who.scopes.clone(),
        workspace_ids,
        token_id: who.token_id.clone(),
        tenant_id: who.tenant_id.clone(),
        role: who.role.clone(),
    })
}
