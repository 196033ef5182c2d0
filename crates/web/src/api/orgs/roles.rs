//! What one can be in an organisation: `/api/v1/orgs/{org}/roles`.

use doorward_core::{
    orgs::roles::{self, Role, Terms},
    outcome::{Code, Refusal, Result},
    page::Page,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, TRIES, created, done, page, versioned},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:roles:read";
const WRITE: &str = "org:roles:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/roles", list)
            .org(READ)
            .lists_all::<RoleView>()
            .says("Lists an organisation's roles, those that each has first"),
        Endpoint::post("/api/v1/orgs/{org}/roles", create)
            .org(WRITE)
            .takes::<NewRole>()
            .status(StatusCode::CREATED)
            .answers::<RoleView>()
            .says("Creates a role"),
        Endpoint::get("/api/v1/orgs/{org}/roles/{role}", show)
            .org(READ)
            .answers::<RoleView>()
            .says("Shows a role"),
        Endpoint::patch("/api/v1/orgs/{org}/roles/{role}", change)
            .org(WRITE)
            .takes::<RoleBody>()
            .answers::<RoleView>()
            .says("Changes a role; tokens that name what it was before are refused here at once"),
        Endpoint::delete("/api/v1/orgs/{org}/roles/{role}", remove)
            .org(WRITE)
            .grave()
            .says("Removes a role that nobody has; of one that each organisation has, what was put into it"),
    ]
}

/// A role to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// Its name, as it stands in tokens: `[a-z0-9._-]{2,64}`, beginning with a letter.
    name: String,
    /// What people should know.
    #[serde(default)]
    description: String,
    /// What it may: `org:…` of the organisation itself, scopes of the organisation's own APIs, and what the
    /// operator lets organisations give.
    #[serde(default)]
    permissions: Vec<String>,
}

/// A role as it is changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganizationRoleBody)]
struct RoleBody {
    /// What people should know.
    #[serde(default)]
    description: String,
    /// What it may.
    #[serde(default)]
    permissions: Vec<String>,
}

/// A role of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationRole)]
struct RoleView {
    /// Its name, as it stands in tokens.
    name: String,
    /// What people should know.
    description: String,
    /// What it may; of a role that each organisation has, what was put into it.
    permissions: Vec<String>,
    /// Whether each organisation has it.
    built_in: bool,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "what a page shows may fail")]
fn view(role: &Role) -> Result<RoleView> {
    Ok(RoleView {
        name: role.name.clone(),
        description: role.description.clone(),
        permissions: role.permissions.clone(),
        built_in: role.is_built_in,
        updated_at: role.updated_at.map(|at| at.to_string()),
    })
}

async fn list(caller: Caller, Entered(scope): Entered) -> Answer {
    let items = roles::list(&caller.call, &scope).await?;
    page(&Page { items, next: None }, view)
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<NewRole>) -> Answer {
    let terms = Terms { description: body.description, permissions: body.permissions };
    let role = roles::create(&caller.call, &scope, &body.name, terms).await?;
    let place = format!("/api/v1/orgs/{}/roles/{}", scope.id(), role.name);
    created(&place, &view(&role)?, Some(role.version))
}

async fn show(caller: Caller, Entered(scope): Entered, axum::extract::Path((_, name)): Second) -> Answer {
    let role = roles::get(&caller.call, &scope, &name).await?;
    versioned(&view(&role)?, role.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    axum::extract::Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let role = roles::get(&caller.call, &scope, &name).await?;
        seen.check(role.version)?;
        let before = RoleBody { description: role.description, permissions: role.permissions };
        let after = patched(&before, &patch)?;
        let terms = Terms { description: after.description, permissions: after.permissions };
        match roles::update(&caller.call, &scope, &name, role.version, terms).await {
            Ok(role) => return versioned(&view(&role)?, role.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn remove(
    caller: Caller,
    Entered(scope): Entered,
    axum::extract::Path((_, name)): Second,
    seen: IfMatch,
) -> Answer {
    seen.check(roles::get(&caller.call, &scope, &name).await?.version)?;
    roles::remove(&caller.call, &scope, &name).await?;
    done()
}
