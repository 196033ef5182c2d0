//! `POST /api/admin/clients/register`: the registration call of agent platforms, in their words and in
//! those of RFC 7591 at once.

use doorward_core::{
    apis::catalog,
    clients::{
        AuthMethod, Metadata,
        manage::{self, NewClient, Registration},
    },
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, created},
    body::Input,
    caller::Caller,
    clients::ClientType,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/admin/clients/register", register)
            .scope("admin:clients:write")
            .takes::<RegisterBody>()
            .status(StatusCode::CREATED)
            .answers::<Registered>()
            .confirmed_where(asks_for_rights)
            .says("Registers an application, in the words of agent platforms"),
    ]
}

/// The application to register. Each member also has its RFC 7591 name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterBody {
    /// What people see; also `client_name`.
    #[serde(alias = "client_name")]
    name: String,
    /// `confidential` unless set; also `client_type`.
    #[serde(rename = "clientType", alias = "client_type", alias = "type")]
    client_type: Option<ClientType>,
    /// Where codes may be sent; also `redirect_uris`.
    #[serde(rename = "redirectUrls", alias = "redirect_uris", alias = "redirect_urls", default)]
    redirect_urls: Vec<String>,
    /// Unless set it follows from the rest.
    grant_types: Option<Vec<String>>,
    /// Unless set it follows from the type.
    #[schema(value_type = Option<String>)]
    token_endpoint_auth_method: Option<AuthMethod>,
    /// Scopes with spaces between them.
    scope: Option<String>,
}

/// The application as it was registered.
#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    /// Always true.
    success: bool,
    /// The public name.
    client_id: String,
    /// Told this once; `null` for a public application.
    client_secret: Option<String>,
    /// What kind it is.
    client_type: ClientType,
    /// What people see.
    name: String,
    /// Where codes may be sent.
    redirect_uris: Vec<String>,
}

impl RegisterBody {
    fn into_registration(self) -> Registration {
        let is_confidential = self.client_type != Some(ClientType::Public);
        let method = match self.token_endpoint_auth_method {
            Some(method) => method,
            None if is_confidential => AuthMethod::default(),
            None => AuthMethod::None,
        };
        let grants = self.grant_types.unwrap_or_else(|| {
            let mut grants = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
            if is_confidential {
                grants.push("client_credentials".to_owned());
            }
            grants
        });
        let scopes = self.scope.unwrap_or_else(|| "openid profile email offline_access".to_owned());
        let metadata = Metadata {
            redirect_uris: self.redirect_urls,
            grant_types: grants,
            scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            token_endpoint_auth_method: method,
            ..super::clients::defaults()
        };
        Registration { name: self.name, is_confidential, is_first_party: false, metadata }
    }
}

/// Whether it would have rights over this server. The registration that agent platforms send by an
/// administrator's cookie, without a password, has none.
fn asks_for_rights(members: &Map<String, Json>) -> bool {
    let scope = members.get("scope").and_then(Json::as_str).unwrap_or_default();
    scope.split_ascii_whitespace().any(|scope| catalog::is_management(scope) || catalog::is_account(scope))
}

async fn register(caller: Caller, Input(body): Input<RegisterBody>) -> Answer {
    let registration = body.into_registration();
    super::clients::may_hand_on(&caller, &registration.metadata.scopes)?;
    let made = manage::register(&caller.call, NewClient { client_id: None, org: None, registration }).await?;
    let client = made.client;
    let kind = if client.is_confidential { ClientType::Confidential } else { ClientType::Public };
    let location = format!("/api/v1/clients/{}", client.id);
    let answer = Registered {
        success: true,
        client_id: client.client_id,
        client_secret: made.secret.map(|secret| secret.expose().to_owned()),
        client_type: kind,
        name: client.name,
        redirect_uris: client.metadata.redirect_uris,
    };
    created(&location, &answer, None)
}
