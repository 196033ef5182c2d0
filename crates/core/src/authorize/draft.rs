//! Authorizations in progress.

use std::time::Duration;

use doorward_proto::{
    authorize::Prompt,
    id::{self, Id},
    scope::ScopeSet,
    time::Time,
};

use super::{Progress, Request, sql, whom::Whom};
use crate::{
    apis::{self, catalog},
    call::Call,
    clients::{self, Client, Organizations},
    grants::ANONYMOUS,
    orgs,
    outcome::{Code, Result, refuse},
    throttle,
};

/// How long a person may take.
pub(crate) const TTL: Duration = Duration::from_secs(10 * 60);

/// A stored draft.
pub(super) struct Draft {
    pub(super) request: Request,
    pub(super) progress: Progress,
}

/// What a page may show of an authorization in progress.
#[derive(Debug, Clone)]
pub struct View {
    /// The application.
    pub client: Id<id::Client>,
    /// The application's name.
    pub client_name: String,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// Its terms.
    pub tos_uri: Option<String>,
    /// Whether it is one of the operator's own.
    pub is_first_party: bool,
    /// The organisation that answers for it: one of the operator's own, or a team here.
    pub publisher: Option<String>,
    /// The organisation that the application named, by id or short name.
    pub organization: Option<String>,
    /// The organisation that the person chose for it, in the session that is chosen.
    pub chosen_org: Option<Id<id::Org>>,
    /// What the application leaves the choice of the organisation to.
    pub organizations: Organizations,
    /// Where the answer will go; proven to be the application's own.
    pub redirect_uri: String,
    /// Whom it is about, as far as that is said.
    pub whom: Whom,
    /// Languages the application asked for.
    pub ui_locales: Vec<String>,
    /// The identity providers that it offers, by name; all of them where it names none.
    pub providers: Option<Vec<String>>,
    /// Where it wants people to sign in, by name.
    pub connection: Option<String>,
    /// Whether whoever is signed in has to prove it again.
    pub is_again: bool,
    /// Who registers by it, having been at the application without an account.
    pub registers: Option<Id<id::User>>,
    /// Whether one may go on without an account.
    pub may_skip: bool,
    /// What it asks for: each scope with what an API says about it.
    pub scopes: Vec<(String, String)>,
    /// The APIs that tokens would be for, by name.
    pub apis: Vec<String>,
    /// Whether its access outlives the session.
    pub is_offline: bool,
    /// When the authorization was kept first.
    pub began_at: Option<Time>,
}

/// Keeps an authorization until the person is done, or too late. Anybody may begin one, so an address may
/// only have so many kept, and all together only so much.
pub(super) async fn store(call: &Call, request: Request) -> Result<Id<id::Draft>> {
    let draft: Id<id::Draft> = call.id()?;
    let text = serde_json::to_string(&request)?;
    make_room(call, text.len())?;
    let ask = (draft, (request.trusted.client, text), call.now, throttle::drafting(call));
    call.realm
        .db
        .write("drafts.store", ask, |tx, (draft, request, now, tried)| {
            Box::pin(async move {
                throttle::take(tx, tried).await?;
                sql::insert(tx, *draft, request, (*now, *now + TTL)).await
            })
        })
        .await?;
    Ok(draft)
}

/// Counts what is about to be kept against what all strangers together may have kept.
///
/// # Errors
/// `Overloaded`.
pub(super) fn make_room(call: &Call, bytes: usize) -> Result<()> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    call.realm.rooms.drafts.take("", bytes, (call.now, Code::Overloaded))
}

pub(super) async fn get(call: &Call, id: Id<id::Draft>) -> Result<Draft> {
    let found = call
        .realm
        .db
        .read("drafts.find", (id, call.now), |tx, (id, now)| {
            Box::pin(async move { sql::find(tx, *id, *now).await })
        })
        .await?;
    match found {
        Some(draft) => Ok(draft),
        None => refuse(Code::DraftUnknown),
    }
}

/// What a page may show.
///
/// # Errors
/// `DraftUnknown`.
pub async fn view(call: &Call, id: Id<id::Draft>) -> Result<View> {
    let Draft { request, progress } = get(call, id).await?;
    let client = clients::get_active(call, &request.trusted.client_id).await?;
    let (scopes, apis) = in_words(call, &client, &request.resources, &request.scope).await?;
    let publisher = orgs::get(call, client.org).await?;
    let is_answered_for = client.is_first_party || publisher.kind == orgs::Kind::Team;
    let metadata = &client.metadata;
    Ok(View {
        client: client.id,
        client_name: client.name.clone(),
        logo_uri: metadata.logo_uri.clone(),
        client_uri: metadata.client_uri.clone(),
        policy_uri: metadata.policy_uri.clone(),
        tos_uri: metadata.tos_uri.clone(),
        is_first_party: client.is_first_party,
        publisher: is_answered_for.then_some(publisher.name),
        organization: request.organization(),
        chosen_org: progress.org,
        organizations: metadata.organizations,
        redirect_uri: request.trusted.redirect_uri.clone(),
        whom: Whom::of(&request, &progress),
        ui_locales: request.ask.ui_locales.clone(),
        providers: metadata.providers.clone(),
        registers: request.registers,
        may_skip: metadata.allows_grant(ANONYMOUS),
        connection: request.ask.connection.clone(),
        is_again: request.ask.prompt.contains(Prompt::Login) || request.ask.max_age.is_some(),
        scopes,
        apis,
        is_offline: request.scope.contains("offline_access"),
        began_at: progress.began_at,
    })
}

/// Each scope with what it allows, and the names of the APIs: these, or the client's own where none is
/// named, as for the token itself. The words of an API come first, then those that scopes of that name
/// usually have.
pub(super) async fn in_words(
    call: &Call,
    client: &Client,
    resources: &[String],
    scope: &ScopeSet,
) -> Result<(Vec<(String, String)>, Vec<String>)> {
    let (mut known, mut names) = (Vec::new(), Vec::new());
    let own = client.metadata.default_api.as_ref().filter(|_| resources.is_empty());
    for audience in resources.iter().chain(own) {
        if let Some(api) = apis::find(call, audience).await? {
            known.extend(api.scopes.iter().cloned());
            names.push(api.name.clone());
        }
    }
    let describe = |name: &str| {
        let scope = known.iter().find(|scope| scope.name == name && !scope.description.is_empty());
        let words = scope.map(|scope| scope.description.as_str()).or_else(|| catalog::describe(name));
        (name.to_owned(), words.unwrap_or_default().to_owned())
    };
    Ok((scope.iter().map(describe).collect(), names))
}

/// Notes that the person has signed in for this authorization, in this session.
///
/// # Errors
/// `DraftUnknown`.
pub async fn signed_in(call: &Call, id: Id<id::Draft>, session: Id<id::Session>) -> Result<()> {
    mark(call, id, session, true).await
}

/// Notes which of several accounts the person has chosen.
///
/// # Errors
/// `DraftUnknown`.
pub async fn chose_account(call: &Call, id: Id<id::Draft>, session: Id<id::Session>) -> Result<()> {
    mark(call, id, session, false).await
}

async fn mark(call: &Call, id: Id<id::Draft>, session: Id<id::Session>, is_login: bool) -> Result<()> {
    let login_at = is_login.then_some(call.now);
    let ask = (id, session, login_at, call.now, throttle::drafting(call));
    let marked = call
        .realm
        .db
        .write("drafts.mark", ask, |tx, (id, session, login_at, now, tried)| {
            Box::pin(async move {
                let marked = sql::mark(tx, *id, *session, *login_at, *now).await?;
                if marked && login_at.is_some() {
                    // Somebody was there: it does not count against the others behind this address.
                    throttle::forgive(tx, tried).await?;
                }
                Ok(marked)
            })
        })
        .await?;
    if marked { Ok(()) } else { refuse(Code::DraftUnknown) }
}
