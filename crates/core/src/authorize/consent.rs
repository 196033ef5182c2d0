//! What people have allowed applications: asked once, remembered, revocable.

use doorward_proto::{
    authorize::Prompt,
    id::{self, Id, Org},
    scope::ScopeSet,
    time::Time,
};

use super::{
    Next, Progress, Request, View, begin,
    choice::{self, Made},
    draft, sql,
};
use crate::{
    apis::catalog,
    audit::{self, Event},
    call::Call,
    clients::{self, Client},
    grants::ANONYMOUS,
    orgs,
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
    /// Whether to ask again next time: then the yes counts for this authorization only.
    pub only_once: bool,
}

/// What a consent is remembered as: each API with the scopes that it knows, and for the issuer itself,
/// which is the empty text, what the person tells about themselves.
async fn parts(call: &Call, client: &Client, request: &Request) -> Result<Vec<(String, ScopeSet)>> {
    let mut parts = Vec::new();
    for target in begin::targets_of(call, client, &request.resources).await? {
        let scope = target.scope_of(&request.scope);
        parts.push((if target.api.is_some() { target.audience } else { String::new() }, scope));
    }
    let about = request.scope.retain(catalog::is_standard);
    match parts.iter_mut().find(|(resource, _)| resource.is_empty()) {
        Some((_, scope)) => *scope = scope.union(&about),
        None if !about.is_empty() => parts.push((String::new(), about)),
        None => {}
    }
    Ok(parts)
}

/// Whether whoever answers at the redirect URI can only be the application itself: it proves who it is when
/// it redeems the code, or holds the address on the web. A port of this device or a scheme of one's own can
/// be taken by any program on it (RFC 8252 8.6).
fn is_assured(client: &Client, request: &Request) -> bool {
    client.is_confidential || request.trusted.redirect_uri.starts_with("https://")
}

/// Whether the person has allowed all this already, or need not be asked.
pub(super) async fn is_there(
    call: &Call,
    client: &Client,
    request: &Request,
    progress: &Progress,
    (account, org): (&Account, Id<Org>),
) -> Result<bool> {
    if progress.is_agreed(account.session.id) {
        return Ok(true);
    }
    let ahead = orgs::joins::ahead(call, client.id, account.session.user).await?;
    if ahead.iter().any(|joining| joining.is_shown(progress.began_at)) {
        return Ok(false);
    }
    if request.ask.prompt.contains(Prompt::Consent) {
        return Ok(false);
    }
    if !is_assured(client, request) {
        return Ok(false);
    }
    if client.is_first_party {
        return Ok(true);
    }
    let ask = (account.session.user, client.id, org, parts(call, client, request).await?);
    call.realm
        .db
        .read("consents.find", ask, |tx, (user, client, org, parts)| {
            Box::pin(async move {
                for (resource, scope) in parts {
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

/// The organisations that the person joins with a yes, by name.
pub async fn would_join(call: &Call, view: &View, account: &Account) -> Result<Vec<String>> {
    let ahead = orgs::joins::ahead(call, view.client, account.session.user).await?;
    let shown = ahead.into_iter().filter(|joining| joining.is_shown(view.began_at));
    Ok(shown.map(|joining| joining.name).collect())
}

/// The person says yes: for this authorization, and unless it is to count once only, for good.
///
/// # Errors
/// `DraftUnknown`; `SignInRequired` when the session is not the one that was asked.
pub async fn approve(call: &Call, yes: &Consented, account: &Account) -> Result<()> {
    let draft = draft::get(call, yes.draft).await?;
    if account.session.id != yes.session {
        return refuse(Code::SignInRequired);
    }
    let request = draft.request;
    let client = clients::get_active(call, &request.trusted.client_id).await?;
    let parts = parts(call, &client, &request).await?;
    let made = choice::made(call, &client, (&request, &draft.progress), account).await?;
    let (Made::For(org) | Made::Joining(org)) = made else { return refuse(Code::InteractionRequired) };
    let event = Event::new(call, "consent.given")?
        .subject(account.session.user)
        .client(request.trusted.client)
        .org(org)
        .fact("scope", request.scope.as_str())
        .fact("remembered", !yes.only_once);
    let write = Approval {
        draft: yes.draft,
        session: yes.session,
        only_once: yes.only_once,
        owner: (account.session.user, client.id, org),
        parts,
        event,
        now: call.now,
    };
    call.realm
        .db
        .write("consents.approve", write, |tx, write| {
            Box::pin(async move {
                let Approval { draft, session, only_once, owner, parts, event, now } = write;
                let (user, client, org) = *owner;
                if !sql::mark_consented(tx, *draft, *session, *now).await? {
                    return refuse(Code::DraftUnknown);
                }
                let remembered = if *only_once { &[][..] } else { parts.as_slice() };
                for (resource, scope) in remembered {
                    let before = sql::consented(tx, user, client, org, resource).await?;
                    let scope = before.unwrap_or_default().union(scope);
                    sql::upsert_consent(tx, *owner, resource, &scope, *now).await?;
                }
                audit::record(tx, event).await
            })
        })
        .await
}

struct Approval {
    draft: Id<id::Draft>,
    session: Id<id::Session>,
    only_once: bool,
    owner: (Id<id::User>, Id<id::Client>, Id<Org>),
    parts: Vec<(String, ScopeSet)>,
    event: Event,
    now: Time,
}

/// The person says no: the authorization is over, and the application is told.
///
/// # Errors
/// `DraftUnknown`; `SignInRequired` when the session is not the one that was asked.
pub async fn deny(
    call: &Call,
    id: Id<id::Draft>,
    session: Id<id::Session>,
    account: &Account,
) -> Result<Next> {
    let draft = draft::get(call, id).await?;
    if account.session.id != session {
        return refuse(Code::SignInRequired);
    }
    let event = Event::refused(call, "consent.refused", Code::AccessDenied)?
        .subject(account.session.user)
        .client(draft.request.trusted.client);
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

/// The person goes on without an account: the authorization is over, and the application is told.
///
/// # Errors
/// `DraftUnknown`; `Forbidden` where the application needs accounts.
pub async fn skip(call: &Call, id: Id<id::Draft>) -> Result<Next> {
    let draft = draft::get(call, id).await?;
    let client = clients::get_active(call, &draft.request.trusted.client_id).await?;
    if !client.metadata.allows_grant(ANONYMOUS) {
        return refuse(Code::Forbidden);
    }
    let ended = call
        .realm
        .db
        .write("drafts.skip", (id, call.now), |tx, (id, now)| {
            Box::pin(async move { sql::consume(tx, *id, *now).await })
        })
        .await?;
    if !ended {
        return refuse(Code::DraftUnknown);
    }
    let refusal = Refusal::new(Code::AccessDenied).hint("The person goes on without an account");
    Ok(Next::Refuse { trusted: draft.request.trusted, refusal })
}

/// Which applications act for a person, the newest first: what the person has allowed for good, and what
/// was allowed once or need not be asked for, as long as it can come back with a refresh token.
pub async fn connected(call: &Call, user: Id<id::User>) -> Result<Vec<Connected>> {
    call.realm
        .db
        .read("consents.list", (user, call.now), |tx, (user, now)| {
            Box::pin(async move {
                let mut all = sql::connected(tx, *user).await?;
                let consented = all.len();
                for held in sql::held(tx, *user, *now).await? {
                    if all.iter().take(consented).any(|known| known.client == held.client) {
                        continue;
                    }
                    let same = |known: &&mut Connected| known.client == held.client && known.org == held.org;
                    match all.iter_mut().find(same) {
                        Some(known) => known.scope = known.scope.union(&held.scope),
                        None => all.push(held),
                    }
                }
                all.sort_by_key(|one| std::cmp::Reverse(one.granted_at));
                Ok(all)
            })
        })
        .await
}

/// What an application was allowed, each scope in words.
pub async fn allowed_in_words(call: &Call, one: &Connected) -> Result<Vec<(String, String)>> {
    let Some(client) = clients::find(call, &one.client_id).await? else { return Ok(Vec::new()) };
    let resources: Vec<String> = one.resource.split_whitespace().map(str::to_owned).collect();
    Ok(draft::in_words(call, &client, &resources, &one.scope).await?.0)
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
