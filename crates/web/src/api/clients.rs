//! Applications: `/api/v1/clients`, and the registration that agent platforms know,
//! `POST /api/admin/clients/register`.

use std::time::Duration;

use axum::extract::Path;
use doorward_core::{
    apis::catalog,
    clients::{
        AuthMethod, Client, Metadata,
        manage::{self, ListAsk, NewClient, Registration},
    },
    outcome::{Code, Refusal, Result},
    principals::Status,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched, typed},
    caller::{Caller, lacks},
    endpoint::Endpoint,
};
use http::StatusCode;

const READ: &str = "admin:clients:read";
const WRITE: &str = "admin:clients:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/clients", list)
            .scope(READ)
            .lists::<ClientView>(&["org_id", "status"])
            .says("Lists applications"),
        Endpoint::post("/api/v1/clients", create)
            .scope(WRITE)
            .takes::<ClientBody>()
            .status(StatusCode::CREATED)
            .answers::<ClientView>()
            .confirmed_where(may_have_secret)
            .says("Registers an application; the secret is told this once"),
        Endpoint::get("/api/v1/clients/{id}", show)
            .scope(READ)
            .answers::<ClientView>()
            .says("Shows an application"),
        Endpoint::patch("/api/v1/clients/{id}", change)
            .scope(WRITE)
            .takes::<ClientBody>()
            .answers::<ClientView>()
            .says("Changes an application"),
        Endpoint::delete("/api/v1/clients/{id}", end)
            .grave()
            .scope(WRITE)
            .says("Ends an application and everything that was issued to it"),
        Endpoint::post("/api/v1/clients/{id}/rotate", rotate)
            .scope(WRITE)
            .guarded()
            .takes::<RotateBody>()
            .answers::<ClientView>()
            .confirmed()
            .says("Makes a new secret; the present one ends after the overlap"),
        Endpoint::post("/api/v1/clients/{id}/suspend", suspend)
            .scope(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Suspends an application"),
        Endpoint::post("/api/v1/clients/{id}/resume", resume)
            .scope(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Lets a suspended application work again"),
    ]
}

/// Whether an application can keep a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientType {
    /// It can.
    Confidential,
    /// It cannot: a browser or native application.
    Public,
}

/// An application as it is registered and changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Client)]
pub(super) struct ClientBody {
    /// The public name: `[A-Za-z0-9._-]{3,64}`, or one of ours. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// What people see.
    name: String,
    /// `confidential` unless set. Cannot be changed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<ClientType>,
    /// The organisation that owns it; the instance's unless set. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    /// Whether people need not consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_party: Option<bool>,
    /// Where codes may be sent; compared exactly, but for the port of loopback addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uris: Option<Vec<String>>,
    /// `authorization_code`, `refresh_token`, `client_credentials`; follows from the rest unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_types: Option<Vec<String>>,
    /// The scopes it may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<String>,
    /// Its public keys (RFC 7517), for `private_key_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Json>,
    /// Where it publishes them itself, in the place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    /// Where people may be sent after signing out; compared exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Where logout tokens go.
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    /// Whether it needs `sid` in logout tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_session_required: Option<bool>,
    /// `RS256` unless set; `ES256` or `EdDSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_signed_response_alg: Option<String>,
    /// Whether refreshing makes a new ID token where `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_on_refresh: Option<bool>,
    /// Only a confidential client may be excused from PKCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pkce: Option<bool>,
    /// Whether its authorization requests must be pushed (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pushed_authorization_requests: Option<bool>,
    /// Whether its access tokens must be bound by DPoP (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_bound_access_tokens: Option<bool>,
    /// `offline_access` or `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_policy: Option<String>,
    /// Where the request names no organisation: `session`, `ask` (whoever has several chooses) or `team`.
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations: Option<String>,
    /// The identity providers that people are offered for it, by name; unset means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<String>>,
    /// `max_age` in seconds where the request names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_max_age: Option<u64>,
    /// The audience where the request names none; else the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_api: Option<String>,
    /// The APIs it may ask for; none named means any of its organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    apis: Option<Vec<String>>,
    /// Lifetime of its access tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_ttl: Option<u64>,
    /// Idle lifetime of its refresh tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_ttl: Option<u64>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
}

/// An application as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredClient)]
pub(super) struct ClientView {
    /// Our own key for it.
    id: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// Told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(flatten)]
    body: ClientBody,
    /// When it was registered.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    /// How many seconds the present secret goes on working; 300 unless set, 0 ends it at once.
    overlap_seconds: Option<u64>,
}

/// Members that are not metadata.
const OWN: [&str; 5] = ["client_id", "name", "type", "org_id", "first_party"];

impl ClientBody {
    fn of(client: &Client) -> Result<Self> {
        let mut value = serde_json::to_value(&client.metadata)?;
        let kind = if client.is_confidential { "confidential" } else { "public" };
        if let Some(members) = value.as_object_mut() {
            members.insert("name".to_owned(), client.name.clone().into());
            members.insert("type".to_owned(), kind.into());
        }
        let body = Self {
            client_id: Some(client.client_id.clone()),
            org_id: Some(client.org.to_string()),
            first_party: Some(client.is_first_party),
            require_pkce: Some(client.metadata.require_pkce),
            id_token_on_refresh: Some(client.metadata.id_token_on_refresh),
            ..serde_json::from_value(value)?
        };
        Ok(body)
    }

    fn into_registration(self) -> Result<Registration> {
        let is_confidential = self.kind != Some(ClientType::Public);
        let (has_method, has_grants) =
            (self.token_endpoint_auth_method.is_some(), self.grant_types.is_some());
        let mut value = serde_json::to_value(&self)?;
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !OWN.contains(&name.as_str()));
        }
        let mut metadata: Metadata = typed(value)?;
        if !has_method && !is_confidential {
            metadata.token_endpoint_auth_method = AuthMethod::None;
        }
        if !has_grants {
            let grants: &[&str] = match (metadata.redirect_uris.is_empty(), is_confidential) {
                (false, _) => &["authorization_code", "refresh_token"],
                (true, true) => &["client_credentials"],
                (true, false) => &[],
            };
            metadata.grant_types = grants.iter().map(ToString::to_string).collect();
        }
        let (name, is_first_party) = (self.name, self.first_party == Some(true));
        Ok(Registration { name, is_confidential, is_first_party, metadata })
    }
}

/// Whether the application that is described has something to prove itself by.
fn may_have_secret(members: &Map<String, Json>) -> bool {
    members.get("type").is_none_or(|kind| kind != "public")
}

fn view(client: &Client, secret: Option<String>) -> Result<ClientView> {
    Ok(ClientView {
        id: client.id.to_string(),
        status: client.status.name(),
        client_secret: secret,
        body: ClientBody::of(client)?,
        created_at: client.created_at.to_string(),
        updated_at: client.updated_at.to_string(),
    })
}

/// Metadata as they are where nothing is said: S256, and an ID token on refresh.
pub(super) fn defaults() -> Metadata {
    Metadata { require_pkce: true, id_token_on_refresh: true, ..Metadata::default() }
}

/// Nobody hands on a right over this server that the caller does not hold. Who changes how an
/// application proves itself, or where its codes go, can act as it.
pub(super) fn may_hand_on(caller: &Caller, scopes: &[String]) -> Result<()> {
    let missing = scopes.iter().find(|scope| catalog::is_management(scope) && !caller.has(scope));
    missing.map_or(Ok(()), |scope| Err(lacks(scope).into()))
}

/// The same, and nobody but an administrator decides over an application that changes people's accounts
/// without asking them: administrators are people, too.
pub(super) fn may_manage(caller: &Caller, is_first_party: bool, scopes: &[String]) -> Result<()> {
    may_hand_on(caller, scopes)?;
    let asks_nobody = is_first_party && scopes.iter().any(|scope| catalog::is_account(scope));
    if asks_nobody { caller.must_have("admin:*") } else { Ok(()) }
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let org = listing.filter("org_id").map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let status = listing.one_of("status", [Status::Active, Status::Suspended], Status::name)?;
    let found = manage::list(&caller.call, ListAsk { page: listing.ask()?, org, status }).await?;
    page(&found, |client| view(client, None))
}

async fn create(caller: Caller, Input(body): Input<ClientBody>) -> Answer {
    let org = body.org_id.as_ref().map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let client_id = body.client_id.clone();
    let registration = body.into_registration()?;
    may_manage(&caller, registration.is_first_party, &registration.metadata.scopes)?;
    let made = manage::register(&caller.call, NewClient { client_id, org, registration }).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    let location = format!("/api/v1/clients/{}", made.client.id);
    created(&location, &view(&made.client, secret)?, Some(made.client.version))
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let client = manage::get(&caller.call, &name).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let client = manage::get(&caller.call, &name).await?;
        seen.check(client.version)?;
        let before = ClientBody::of(&client)?;
        let after = patched(&before, &patch)?;
        if after.client_id != before.client_id || after.org_id != before.org_id || after.kind != before.kind {
            return Err(wrong("client_id", "client_id, type and org_id stay as they are").into());
        }
        let registration = after.into_registration()?;
        may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
        may_manage(&caller, registration.is_first_party, &registration.metadata.scopes)?;
        match manage::update(&caller.call, client.id, client.version, registration).await {
            Ok(client) => return versioned(&view(&client, None)?, client.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let client = manage::get(&caller.call, &name).await?;
    may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    seen.check(client.version)?;
    manage::set_status(&caller.call, client.id, Status::Ended).await?;
    done()
}

async fn rotate(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Input(body): Input<RotateBody>,
) -> Answer {
    let seconds = body.overlap_seconds.unwrap_or(300);
    if seconds > 30 * 24 * 60 * 60 {
        return Err(wrong("overlap_seconds", "The overlap is 30 days at most").into());
    }
    let client = manage::get(&caller.call, &name).await?;
    may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    seen.check(client.version)?;
    let made = manage::rotate_secret(&caller.call, client.id, Duration::from_secs(seconds)).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    versioned(&view(&made.client, secret)?, made.client.version)
}

async fn suspend(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_status(&caller, &name, &seen, Status::Suspended).await
}

async fn resume(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_status(&caller, &name, &seen, Status::Active).await
}

async fn set_status(caller: &Caller, name: &str, seen: &IfMatch, status: Status) -> Answer {
    let client = manage::get(&caller.call, name).await?;
    seen.check(client.version)?;
    may_manage(caller, client.is_first_party, &client.metadata.scopes)?;
    let client = manage::set_status(&caller.call, client.id, status).await?;
    versioned(&view(&client, None)?, client.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The API describes every member that core stores, and nothing that core would refuse.
    #[test]
    fn the_body_names_every_metadata_member() {
        let full = Metadata {
            jwks: Some(serde_json::json!({})),
            jwks_uri: Some(String::new()),
            backchannel_logout_uri: Some(String::new()),
            id_token_signed_response_alg: Some(String::new()),
            id_token_on_refresh: false,
            require_pkce: false,
            default_max_age: Some(1),
            default_api: Some(String::new()),
            access_ttl: Some(1),
            refresh_ttl: Some(1),
            logo_uri: Some(String::new()),
            client_uri: Some(String::new()),
            policy_uri: Some(String::new()),
            tos_uri: Some(String::new()),
            ..Metadata::default()
        };
        let mut value = serde_json::to_value(&full).unwrap();
        let stored: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        value["name"] = "x".into();
        let body: ClientBody = serde_json::from_value(value).unwrap();
        let shown = serde_json::to_value(&body).unwrap();
        for name in &stored {
            assert!(shown.get(name).is_some(), "{name}");
        }
        assert_eq!(shown.as_object().unwrap().len(), stored.len() + 1);
    }
}
