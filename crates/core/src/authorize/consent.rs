//! What people have allowed applications: asked once, remembered, revocable.

use doorward_proto::{
    authorize::Prompt,
    id::{self, Id, Org},
    scope::ScopeSet,
    time::Time,
};

use super::{Next, Progress, Request, draft, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    outcome::{Code, Refusal, Result, refuse},
    sessions::Account,
    tokens,
};

/// An application that a person has allowed something.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Our own key for it.
    pub client: Id<id::Client>,
    /// Its public name.
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// In which organisation.
    pub org: Id<Org>,
    /// For which API; empty for the issuer itself.
    pub resource: String,
    /// What it may do.
    pub scope: ScopeSet,
    /// Since when.
    pub granted_at: Time,
}

/// What a person says yes to.
#[derive(Debug)]
pub struct Consented {
    /// The authorization in progress.
    pub draft: Id<id::Draft>,
    /// The session that decides.
    pub session: Id<id::Session>,
}

/// The APIs that a consent is remembered for; the issuer itself is the empty text.
fn resources(request: &Request) -> Vec<String> {
    if request.resources.is_empty() { vec![String::new()] } else { request.resources.clone() }
}

/// Whether the person has allowed all this already, or need not be asked.
pub(super) async fn is_there(
    call: &Call,
    client: &Client,
    request: &Request,
    progress: &Progress,
    (account, org): (&Account, Id<Org>),
) -> Result<bool> {
    // A draft's address can be handed on: the yes counts for the session that gave it only.
    if progress.consented_at.is_some() && progress.session == Some(account.session.id) {
        return Ok(true);
    }
    if request.ask.prompt.contains(Prompt::Consent) {
        return Ok(false);
    }
    if client.is_first_party {
        return Ok(true);
    }
    let ask = (account.session.user, client.id, org, resources(request), request.scope.clone());
    call.realm
        .db
        .read("consents.find", ask, |tx, (user, client, org, resources, scope)| {
            Box::pin(async move {
                for resource in resources {
                    match sql::consented(tx, *user, *client, *org, resource).await? {
                        Some(allowed) if scope.is_subset(&allowed) => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            })
        })
        .await
}

/// The person says yes: remembered for good, and for this authorization.
///
/// # Errors
/// `DraftUnknown`; `SignInRequired` when the session is not the one that was asked.
pub async fn approve(call: &Call, yes: &Consented, account: &Account) -> Result<()> {
    let draft = draft::get(call, yes.draft).await?;
    if account.session.id != yes.session {
        return refuse(Code::SignInRequired);
    }
    let request = draft.request;
    let org = super::decide::organisation_of(call, &request, account).await?;
    let event = Event::new(call, "consent.given")?
        .subject(account.session.user)
        .client(request.trusted.client)
        .org(org)
        .fact("scope", request.scope.as_str());
    let write = Approval {
        draft: yes.draft,
        session: yes.session,
        user: account.session.user,
        org,
        request,
        event,
        now: call.now,
    };
    call.realm
        .db
        .write("consents.approve", write, |tx, write| {
            Box::pin(async move {
                let Approval { draft, session, user, org, request, event, now } = write;
                if !sql::mark_consented(tx, *draft, *session, *now).await? {
                    return refuse(Code::DraftUnknown);
                }
                for resource in resources(request) {
                    let before = sql::consented(tx, *user, request.trusted.client, *org, &resource).await?;
                    let scope = before.unwrap_or_default().union(&request.scope);
                    sql::upsert_consent(tx, (*user, request.trusted.client, *org), &resource, &scope, *now)
                        .await?;
                }
                audit::record(tx, event).await
            })
        })
        .await
}

struct Approval {
    draft: Id<id::Draft>,
    session: Id<id::Session>,
    user: Id<id::User>,
    org: Id<Org>,
    request: Request,
    event: Event,
    now: Time,
}

/// The person says no: the authorization is over, and the application is told.
///
/// # Errors
/// `DraftUnknown`.
pub async fn deny(call: &Call, id: Id<id::Draft>) -> Result<Next> {
    let draft = draft::get(call, id).await?;
    let event =
        Event::refused(call, "consent.refused", Code::AccessDenied)?.client(draft.request.trusted.client);
    let ended = call
        .realm
        .db
        .write("drafts.deny", (id, call.now, event), |tx, (id, now, event)| {
            Box::pin(async move {
                let ended = sql::consume(tx, *id, *now).await?;
                if ended {
                    audit::record(tx, event).await?;
                }
                Ok(ended)
            })
        })
        .await?;
    if !ended {
        return refuse(Code::DraftUnknown);
    }
    Ok(Next::Refuse { trusted: draft.request.trusted, refusal: Refusal::new(Code::AccessDenied) })
}

/// What a person has allowed, the newest first.
pub async fn connected(call: &Call, user: Id<id::User>) -> Result<Vec<Connected>> {
    call.realm
        .db
        .read("consents.list", user, |tx, user| Box::pin(async move { sql::connected(tx, *user).await }))
        .await
}

/// Takes back what a person has allowed an application, and ends every token made from it.
///
/// # Errors
/// `NotFound` when there is nothing to take back.
pub async fn revoke(call: &Call, user: Id<id::User>, client: Id<id::Client>) -> Result<()> {
    let event = Event::new(call, "consent.revoked")?.subject(user).client(client);
    let revoked = call
        .realm
        .db
        .write("consents.revoke", (user, client, call.now, event), |tx, (user, client, now, event)| {
            Box::pin(async move {
                let consents = sql::revoke_consents(tx, *user, *client, *now).await?;
                let grants =
                    tokens::sql::end_grants_of_client(tx, *user, *client, *now, "consent revoked").await?;
                if consents + grants > 0 {
                    audit::record(tx, event).await?;
                }
                Ok(consents + grants > 0)
            })
        })
        .await?;
    if revoked { Ok(()) } else { refuse(Code::NotFound) }
}
