//! What the protocol endpoints refuse, in the audit trail: the first per identity, route, code and
//! minute, then a count, so that a stranger cannot fill the disk. Never what was presented.

use doorward_core::{
    audit::{self, Refused},
    call::{Actor, Call},
    clients::Client,
    outcome::{Code, Error, Result},
};
use doorward_proto::id::{self, Id, Org};

/// Whose request was refused, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whose {
    /// The application that asks, or that the request pretends to come from.
    client: Option<Id<id::Client>>,
    /// The organisation that a proven credential is of: its people see the refusal.
    org: Option<Id<Org>>,
}

impl Whose {
    /// Of an application that the request names, and has not proven to come from.
    pub(super) fn named(client: Option<Id<id::Client>>) -> Self {
        Self { client, org: None }
    }

    /// Of an application that was let in. One without a credential has proven nothing.
    pub(super) fn of(client: &Client) -> Self {
        Self { client: Some(client.id), org: client.is_confidential.then_some(client.org) }
    }

    /// Of another credential of an organisation.
    pub(super) fn org(org: Id<Org>) -> Self {
        Self { client: None, org: Some(org) }
    }
}

/// Notes a refusal and passes the outcome on.
pub(super) async fn noted<T>(
    call: &Call,
    route: &'static str,
    whose: Whose,
    outcome: Result<T>,
) -> Result<T> {
    if let Err(Error::Refused(refusal)) = &outcome {
        note(call, route, whose, refusal.code).await?;
    }
    outcome
}

pub(super) async fn note(
    call: &Call,
    route: &'static str,
    Whose { client, org }: Whose,
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
    let what = Refused { event: "oauth.refused", route, code, org, identity };
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
