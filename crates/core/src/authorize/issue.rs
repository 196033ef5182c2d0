//! The code: made in the same operation that makes the grant, ends the draft and writes the event.

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id, Org},
    secret::Kind,
    time::Time,
};

use super::{Next, Progress, Request, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::Client,
    db::Tx,
    grants::sql::{NewCode, insert_code},
    orgs,
    outcome::{Code, Result, refuse},
    sessions::Account,
    tokens::{Facts, Grant, sql::insert_grant},
    usage::{self, Counts, Sample},
};

struct Issue {
    grant: Grant,
    epoch: i64,
    code: NewCode,
    draft: Option<Id<id::Draft>>,
    event: Event,
    welcome: orgs::Welcome,
    /// When the authorization began in which the person has said yes.
    agreed: Option<Time>,
}

/// Issues a code to the application, for this account in this organisation.
///
/// # Errors
/// `DraftUnknown` when the draft was used meanwhile, `SignInRequired` when the session has ended,
/// `OrganizationUnknown` where the application makes people members of an organisation that is suspended.
pub(super) async fn issue(
    call: &Call,
    client: &Arc<Client>,
    request: Request,
    progress: &Progress,
    (account, org): (&Account, Id<Org>),
) -> Result<Next> {
    let code = call.secret(Kind::Code)?;
    let grant_id: Id<id::Grant> = call.id()?;
    let session = &account.session;
    let grant = Grant {
        id: grant_id,
        org,
        user: session.user,
        client: client.id,
        session: Some(session.id),
        is_offline: request.scope.contains("offline_access"),
        scope: request.scope,
        resources: request.resources,
        facts: Facts {
            auth_time: session.auth_time.as_seconds(),
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            claims: request.ask.claims,
        },
        ended_at: None,
    };
    let new = NewCode {
        hash: call.realm.vault.hash(&code),
        family: grant_id,
        client: client.id,
        user: session.user,
        epoch: account.principal.epoch,
        redirect_uri: request.trusted.redirect_uri.clone(),
        challenge: request.ask.code_challenge,
        nonce: request.ask.nonce,
        dpop_jkt: request.ask.dpop_jkt,
        now: call.now,
        expires_at: call.now + call.realm.settings.tokens.code_ttl,
    };
    let event = Event::new(call, "grant.created")?
        .subject(session.user)
        .client(client.id)
        .org(org)
        .fact("grant_id", grant_id.to_string())
        .fact("session_id", session.id.to_string())
        .fact("scope", grant.scope.as_str());
    let welcome = orgs::Welcome::new(call, session.user)?;
    let agreed = progress.agreed_at(session.id);
    let (epoch, draft) = (account.principal.epoch, progress.draft);
    let issue = Issue { grant, epoch, code: new, draft, event, welcome, agreed };
    call.realm
        .db
        .write("code.issue", issue, |tx, issue| Box::pin(async move { write(tx, issue).await }))
        .await?;
    let (org, user) = (org.to_string(), session.user.to_string());
    let whose = Sample { org: &org, principal: &user, client: &client.client_id, ..Sample::default() };
    call.realm.usage.count(call.now, &Sample { kind: usage::Kind::SignIn, status: 2, ..whose }, Counts::ONE);
    Ok(Next::Grant { trusted: request.trusted, code })
}

async fn write(tx: &mut Tx<'_>, issue: &Issue) -> Result<()> {
    let Issue { grant, epoch, code, draft, event, welcome, agreed } = issue;
    tx.lock_shared(&[&grant.user.to_string()]).await?;
    if let Some(draft) = draft
        && !sql::consume(tx, *draft, code.now).await?
    {
        return refuse(Code::DraftUnknown);
    }
    if !insert_grant(tx, grant, *epoch, code.now).await? {
        return refuse(Code::SignInRequired);
    }
    insert_code(tx, code).await?;
    welcome.by_client(tx, grant.user, grant.client, *agreed).await?;
    audit::record(tx, event).await
}
