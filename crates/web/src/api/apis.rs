//! APIs and their scopes: `/api/v1/apis`.

use axum::extract::Path;
use doorward_core::{
    apis::{self, Api, ListAsk, NewApi, Scope, Settings, TokenFormat, catalog},
    outcome::{Code, Refusal, Result},
};
use doorward_proto::jose::Alg;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
};

const READ: &str = "admin:apis:read";
const WRITE: &str = "admin:apis:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/apis", list).scope(READ).lists::<ApiView>(&["org_id"]).says("Lists APIs"),
        Endpoint::post("/api/v1/apis", create)
            .scope(WRITE)
            .takes::<ApiBody>()
            .status(StatusCode::CREATED)
            .answers::<ApiView>()
            .says("Creates an API, with its scopes or with a known set of them"),
        Endpoint::get("/api/v1/apis/{id}", show).scope(READ).answers::<ApiView>().says("Shows an API"),
        Endpoint::patch("/api/v1/apis/{id}", change)
            .scope(WRITE)
            .takes::<ApiBody>()
            .answers::<ApiView>()
            .says("Changes an API"),
        Endpoint::delete("/api/v1/apis/{id}", end).scope(WRITE).says("Ends an API"),
    ]
}

/// A scope of an API: its name alone, or with what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ApiScope)]
pub(super) enum ScopeBody {
    /// The name, as in tokens.
    Name(String),
    /// With a description for the consent page.
    Described(DescribedScope),
}

/// A scope of an API with what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DescribedScope {
    /// Its name, as in tokens.
    name: String,
    /// What it allows, for the consent page.
    #[serde(default)]
    description: String,
}

impl From<ScopeBody> for Scope {
    fn from(body: ScopeBody) -> Self {
        match body {
            ScopeBody::Name(name) => Self { name, description: String::new() },
            ScopeBody::Described(scope) => Self { name: scope.name, description: scope.description },
        }
    }
}

/// An API as it is created and changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Api)]
pub(super) struct ApiBody {
    /// The audience of its tokens: an absolute URI or a plain name; of an organisation's own, what follows its id.
    /// Cannot be changed.
    pub(super) identifier: String,
    /// What people see.
    name: String,
    /// The organisation that owns it; the instance's unless set. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) org_id: Option<String>,
    /// `ES256` unless set; `RS256` or `EdDSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_alg: Option<String>,
    /// `jwt` unless set; `opaque`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_format: Option<String>,
    /// Lifetime of its access tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_ttl: Option<u64>,
    /// The scopes that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<ScopeBody>>,
    /// At creation, instead of `scopes`: a known set: `orcheo`, `mcp`, `chroma` or `prims`.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_set: Option<String>,
}

/// An API as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredApi)]
pub(super) struct ApiView {
    /// Our own key for it.
    id: String,
    #[serde(flatten)]
    body: ApiBody,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl ApiBody {
    pub(super) fn of(api: &Api) -> Self {
        let scope = |scope: &Scope| {
            let (name, description) = (scope.name.clone(), scope.description.clone());
            ScopeBody::Described(DescribedScope { name, description })
        };
        Self {
            identifier: api.identifier.clone(),
            name: api.name.clone(),
            org_id: Some(api.org.to_string()),
            signing_alg: Some(api.signing_alg.to_string()),
            token_format: Some(api.token_format.name().to_owned()),
            access_ttl: api.access_ttl,
            scopes: Some(api.scopes.iter().map(scope).collect()),
            scope_set: None,
        }
    }

    pub(super) fn into_settings(self) -> Result<Settings> {
        let signing_alg = self.signing_alg.map_or(Ok(Alg::ES256), |alg| alg.parse());
        let signing_alg =
            signing_alg.map_err(|_| wrong("signing_alg", "RS256, ES256 and EdDSA are supported"))?;
        let token_format = match self.token_format.as_deref() {
            None | Some("jwt") => TokenFormat::Jwt,
            Some("opaque") => TokenFormat::Opaque,
            Some(_) => return Err(wrong("token_format", "It is jwt or opaque").into()),
        };
        let scopes = match (self.scopes, self.scope_set) {
            (Some(_), Some(_)) => return Err(wrong("scope_set", "Either scopes or a set of them").into()),
            (None, Some(name)) => catalog::set(&name)
                .ok_or_else(|| wrong("scope_set", "The sets are orcheo, mcp, chroma and prims"))?
                .iter()
                .map(|(name, what)| Scope { name: (*name).to_owned(), description: (*what).to_owned() })
                .collect(),
            (scopes, None) => scopes.unwrap_or_default().into_iter().map(Scope::from).collect(),
        };
        Ok(Settings { name: self.name, signing_alg, token_format, access_ttl: self.access_ttl, scopes })
    }
}

/// As the API shows it.
pub(super) fn view(api: &Api) -> ApiView {
    ApiView {
        id: api.id.to_string(),
        body: ApiBody::of(api),
        created_at: api.created_at.to_string(),
        updated_at: api.updated_at.to_string(),
    }
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let org = listing.filter("org_id").map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let found = apis::list(&caller.call, ListAsk { page: listing.ask()?, org }).await?;
    page(&found, |api| Ok(view(api)))
}

async fn create(caller: Caller, Input(body): Input<ApiBody>) -> Answer {
    let org = body.org_id.as_ref().map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let identifier = body.identifier.clone();
    let ask = NewApi { identifier, org, settings: body.into_settings()? };
    let api = apis::create(&caller.call, ask).await?;
    created(&format!("/api/v1/apis/{}", api.id), &view(&api), Some(api.version))
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let api = apis::get(&caller.call, &name).await?;
    versioned(&view(&api), api.version)
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let api = apis::get(&caller.call, &name).await?;
        seen.check(api.version)?;
        let before = ApiBody::of(&api);
        let after = patched(&before, &patch)?;
        if after.identifier != before.identifier || after.org_id != before.org_id {
            return Err(wrong("identifier", "identifier and org_id stay as they are").into());
        }
        match apis::update(&caller.call, api.id, api.version, after.into_settings()?).await {
            Ok(api) => return versioned(&view(&api), api.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let api = apis::get(&caller.call, &name).await?;
    seen.check(api.version)?;
    apis::end(&caller.call, api.id).await?;
    done()
}
