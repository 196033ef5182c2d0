//! Keys: `/api/v1/api-keys` for who administers them, `/api/v1/me/keys` for one's own.

mod verify;
mod wire;

use std::collections::BTreeMap;

use axum::extract::Path;
use doorward_core::{
    api_keys::{
        self, ListAsk, NewKey, State, Whose, create, create_own, find, list, revoke, revoke_own, update,
        update_own,
    },
    outcome::{Code, Refusal, Result},
};
use doorward_proto::{
    id::{ApiKey as ApiKeyKind, Id, User},
    secret::SecretText,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use self::wire::{KeyView, TermsBody, view};
use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
};

const READ: &str = "admin:api-keys:read";
const WRITE: &str = "admin:api-keys:write";
const OWN_READ: &str = "me:read";
const OWN_WRITE: &str = "me:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::get("/api/v1/api-keys", all)
            .scope(READ)
            .lists::<KeyView>(&["org_id", "user_id", "status"])
            .says("Lists keys of people and of organisations, in every state"),
        Endpoint::post("/api/v1/api-keys", make)
            .scope(WRITE)
            .takes::<KeyBody>()
            .status(StatusCode::CREATED)
            .answers::<KeyView>()
            .confirmed()
            .says("Makes a key for an organisation or a person; the secret is told this once"),
        Endpoint::get("/api/v1/api-keys/{id}", show).scope(READ).answers::<KeyView>().says("Shows a key"),
        Endpoint::patch("/api/v1/api-keys/{id}", change)
            .scope(WRITE)
            .takes::<TermsBody>()
            .answers::<KeyView>()
            .says("Changes a key: its name, what it may do, whether it is enabled"),
        Endpoint::post("/api/v1/api-keys/{id}/revoke", end)
            .scope(WRITE)
            .guarded()
            .takes::<RevokeBody>()
            .answers::<KeyView>()
            .says("Revokes a key at once"),
        Endpoint::get("/api/v1/me/keys", own)
            .account(OWN_READ)
            .lists::<KeyView>(&["org_id", "status"])
            .says("Lists one's own keys, in every state"),
        Endpoint::post("/api/v1/me/keys", make_own)
            .account(OWN_WRITE)
            .takes::<OwnKeyBody>()
            .status(StatusCode::CREATED)
            .answers::<KeyView>()
            .says("Makes a key of one's own; the secret is told this once"),
        Endpoint::get("/api/v1/me/keys/{id}", show_own)
            .account(OWN_READ)
            .answers::<KeyView>()
            .says("Shows one of one's own keys"),
        Endpoint::patch("/api/v1/me/keys/{id}", change_own)
            .account(OWN_WRITE)
            .takes::<TermsBody>()
            .answers::<KeyView>()
            .says("Changes one of one's own keys"),
        Endpoint::post("/api/v1/me/keys/{id}/revoke", end_own)
            .account(OWN_WRITE)
            .guarded()
            .takes::<RevokeBody>()
            .answers::<KeyView>()
            .says("Revokes one of one's own keys at once"),
    ];
    all.extend(verify::endpoints());
    all
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
struct KeyBody {
    /// The organisation whose it is, or in which its person acts; the instance's, or the person's own, unless
    /// set.
    org_id: Option<String>,
    /// The person whose it is; an organisation's key unless set. It needs `admin:users:write`, too.
    user_id: Option<String>,
    /// How long it lives, 60 seconds at least; as long as `api_keys.max_lifetime` unless set.
    expires_in_seconds: Option<u64>,
    /// What people call it, 1 to 64 letters.
    name: String,
    /// What it may do, at this server and elsewhere; not more than the caller may.
    #[serde(default)]
    scopes: Vec<String>,
    /// What it may do elsewhere: resources, each with its actions, as `{"code":["execute"]}`.
    #[serde(default)]
    permissions: BTreeMap<String, Vec<String>>,
    /// Where it may do it; `*` for everywhere.
    #[serde(default)]
    workspace_ids: Vec<String>,
    /// Addresses and networks (CIDR) from which it may be used; anywhere unless set.
    #[serde(default)]
    allowed_addresses: Vec<String>,
    /// Whatever you want to find again, 4096 bytes at the most.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Json>,
    /// How often it may be used, as `100/minute`, in place of the rate of a route that has one.
    rate_limit: Option<String>,
}

/// A key of one's own to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOwnApiKey)]
struct OwnKeyBody {
    /// The present password: a key outlives the session.
    #[schema(value_type = String, format = Password)]
    current_password: SecretText,
    /// The organisation in which it acts; one's own unless set.
    org_id: Option<String>,
    /// How long it lives, 60 seconds at least; as long as `api_keys.max_lifetime` unless set.
    expires_in_seconds: Option<u64>,
    /// What people call it, 1 to 64 letters.
    name: String,
    /// What it may do, at this server and elsewhere; not more than the caller may.
    #[serde(default)]
    scopes: Vec<String>,
    /// What it may do elsewhere: resources, each with its actions, as `{"code":["execute"]}`.
    #[serde(default)]
    permissions: BTreeMap<String, Vec<String>>,
    /// Where it may do it; `*` for everywhere.
    #[serde(default)]
    workspace_ids: Vec<String>,
    /// Addresses and networks (CIDR) from which it may be used; anywhere unless set.
    #[serde(default)]
    allowed_addresses: Vec<String>,
    /// Whatever you want to find again, 4096 bytes at the most.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Json>,
    /// How often it may be used, as `100/minute`, in place of the rate of a route that has one.
    rate_limit: Option<String>,
}

/// What is taken from a body that makes a key.
macro_rules! terms_of {
    ($body:ident) => {
        TermsBody {
            name: $body.name,
            scopes: $body.scopes,
            permissions: $body.permissions,
            workspace_ids: $body.workspace_ids,
            allowed_addresses: $body.allowed_addresses,
            metadata: $body.metadata,
            rate_limit: $body.rate_limit,
            enabled: true,
        }
        .into_terms()?
    };
}

/// Why a key is revoked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RevokeApiKey)]
struct RevokeBody {
    /// For the audit trail, and for whoever looks the key up.
    reason: String,
}

fn id<K: doorward_proto::id::Kind>(
    field: &'static str,
    text: Option<String>,
    hint: &'static str,
) -> Result<Option<Id<K>>> {
    let id = text.map(|text| text.parse()).transpose();
    id.map_err(|_| wrong(field, hint).into())
}

fn org(text: Option<String>) -> Result<Option<Id<doorward_proto::id::Org>>> {
    id("org_id", text, "This is not the id of an organisation")
}

fn user(text: Option<String>) -> Result<Option<Id<User>>> {
    id("user_id", text, "This is not the id of a person")
}

fn key(text: &str) -> Result<Id<ApiKeyKind>> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn listed(caller: &Caller, mut listing: Listing, of: Option<Id<User>>) -> Answer {
    let ask = ListAsk {
        org: org(listing.filter("org_id"))?,
        user: match of {
            Some(user) => Some(user),
            None => user(listing.filter("user_id"))?,
        },
        state: listing.one_of("status", State::ALL, State::name)?,
        page: listing.ask()?,
    };
    let found = list(&caller.call, ask).await?;
    page(&found, |key| view(caller, key, None))
}

fn told(caller: &Caller, made: &api_keys::WithSecret, area: &str) -> Answer {
    let secret = Some(made.secret.expose().to_owned());
    let location = format!("{area}/{}", made.key.id);
    created(&location, &view(caller, &made.key, secret)?, Some(made.key.revision))
}

async fn all(caller: Caller, listing: Listing) -> Answer {
    listed(&caller, listing, None).await
}

async fn own(caller: Caller, listing: Listing) -> Answer {
    listed(&caller, listing, Some(caller.user()?)).await
}

async fn make(caller: Caller, Input(body): Input<KeyBody>) -> Answer {
    let org = org(body.org_id)?;
    let whose = match user(body.user_id)? {
        Some(user) => Whose::Person(user, org),
        None => Whose::Org(org),
    };
    let new = NewKey { whose, terms: terms_of!(body), expires_in: body.expires_in_seconds };
    let made = create(&caller.call, new, caller.rights()).await?;
    told(&caller, &made, "/api/v1/api-keys")
}

async fn make_own(caller: Caller, Input(body): Input<OwnKeyBody>) -> Answer {
    let (user, _) = caller.person()?;
    let new = NewKey {
        whose: Whose::Person(user, org(body.org_id)?),
        terms: terms_of!(body),
        expires_in: body.expires_in_seconds,
    };
    let made = create_own(&caller.call, (user, &body.current_password), new).await?;
    told(&caller, &made, "/api/v1/me/keys")
}

async fn show(caller: Caller, Path(text): Path<String>) -> Answer {
    let found = find(&caller.call, key(&text)?, None).await?;
    versioned(&view(&caller, &found, None)?, found.revision)
}

async fn show_own(caller: Caller, Path(text): Path<String>) -> Answer {
    let found = find(&caller.call, key(&text)?, Some(caller.user()?)).await?;
    versioned(&view(&caller, &found, None)?, found.revision)
}

async fn change(caller: Caller, Path(text): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    changed(&caller, (&text, None), &seen, &patch).await
}

async fn change_own(
    caller: Caller,
    Path(text): Path<String>,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    let user = caller.user()?;
    changed(&caller, (&text, Some(user)), &seen, &patch).await
}

async fn changed(
    caller: &Caller,
    (text, of): (&str, Option<Id<User>>),
    seen: &IfMatch,
    patch: &Map<String, Json>,
) -> Answer {
    let id = key(text)?;
    for _ in 0..TRIES {
        let before = find(&caller.call, id, of).await?;
        seen.check(before.revision)?;
        let terms = patched(&TermsBody::of(&before.terms)?, patch)?.into_terms()?;
        let at = (id, before.revision);
        let outcome = match of {
            Some(user) => update_own(&caller.call, user, at, terms).await,
            None => update(&caller.call, at, terms, caller.rights()).await,
        };
        match outcome {
            Ok(key) => return versioned(&view(caller, &key, None)?, key.revision),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(
    caller: Caller,
    Path(text): Path<String>,
    seen: IfMatch,
    Input(body): Input<RevokeBody>,
) -> Answer {
    let found = find(&caller.call, key(&text)?, None).await?;
    seen.check(found.revision)?;
    let ended = revoke(&caller.call, found.id, body.reason, caller.rights()).await?;
    versioned(&view(&caller, &ended, None)?, ended.revision)
}

async fn end_own(
    caller: Caller,
    Path(text): Path<String>,
    seen: IfMatch,
    Input(body): Input<RevokeBody>,
) -> Answer {
    let user = caller.user()?;
    let found = find(&caller.call, key(&text)?, Some(user)).await?;
    seen.check(found.revision)?;
    let ended = revoke_own(&caller.call, user, found.id, body.reason).await?;
    versioned(&view(&caller, &ended, None)?, ended.revision)
}
