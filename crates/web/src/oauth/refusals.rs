//! What the protocol endpoints refuse, in the audit trail: the first per identity, route, code and
//! minute, then a count, so that a stranger cannot fill the disk. Never what was presented.

use doorward_core::{
    audit::{self, Refused},
    call::{Actor, Call},
    outcome::{Code, Error, Result},
};
use doorward_proto::id::{Client, Id};

/// Notes a refusal and passes the outcome on. `client` is the application that is known to ask, or that
/// the request pretends to come from.
pub(super) async fn noted<T>(
    call: &Call,
    route: &'static str,
    client: Option<Id<Client>>,
    outcome: Result<T>,
) -> Result<T> {
    if let Err(Error::Refused(refusal)) = &outcome {
        note(call, route, client, refusal.code).await?;
    }
    outcome
}

pub(super) async fn note(
    call: &Call,
    route: &'static str,
    client: Option<Id<Client>>,
    code: Code,
) -> Result<()> {
    if says_nothing(code) {
        return Ok(());
    }
    let identity = match (&call.actor, client) {
        (Actor::Anonymous, Some(client)) => format!("{} {client}", call.origin.network()),
        (Actor::Anonymous, None) => call.origin.network(),
        _ => call.actor.name(),
    };
    let what = Refused { event: "oauth.refused", route, code, org: None, identity };
    audit::refused(call, what, |event| {
        let event = event.fact("route", route);
        match client {
            Some(client) => event.client(client),
            None => event,
        }
    })
    .await
}

/// Steps of a protocol, what tells of itself where it happens, and the
/// answers that `prompt=none` asks for.
fn says_nothing(code: Code) -> bool {
    matches!(
        code,
        Code::CredentialMissing
            | Code::DpopNonceRequired
            | Code::CodeReused
            | Code::RefreshReused
            | Code::LoginRequired
            | Code::ConsentRequired
            | Code::AccountSelectionRequired
            | Code::InteractionRequired
    )
}
