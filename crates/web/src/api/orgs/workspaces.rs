//! Parts of an organisation and who works in them: `/api/v1/orgs/{org}/workspaces`; and one's own,
//! `/api/v1/me/workspaces`.

use axum::extract::Path;
use doorward_core::{
    orgs::workspaces::{self, Change, Member, NewWorkspace, Own, Role, Workspace},
    outcome::{Code, Refusal, Result},
    page::Page,
};
use doorward_proto::id::{Id, User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, found, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:workspaces:read";
const WRITE: &str = "org:workspaces:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/workspaces", list)
            .org(READ)
            .lists_all::<WorkspaceView>()
            .says("Lists an organisation's workspaces"),
        Endpoint::post("/api/v1/orgs/{org}/workspaces", create)
            .org(WRITE)
            .takes::<NewWorkspaceBody>()
            .status(StatusCode::CREATED)
            .answers::<WorkspaceView>()
            .says("Creates a workspace"),
        Endpoint::get("/api/v1/orgs/{org}/workspaces/{workspace}", show)
            .org(READ)
            .answers::<WorkspaceView>()
            .says("Shows a workspace, by id or short name"),
        Endpoint::patch("/api/v1/orgs/{org}/workspaces/{workspace}", change)
            .org(WRITE)
            .takes::<WorkspaceBody>()
            .answers::<WorkspaceView>()
            .says("Changes a workspace"),
        Endpoint::delete("/api/v1/orgs/{org}/workspaces/{workspace}", remove)
            .org(WRITE)
            .grave()
            .says("Removes a workspace; access tokens that name it are refused here at once"),
        Endpoint::get("/api/v1/orgs/{org}/workspaces/{workspace}/members", list_members)
            .org(READ)
            .lists::<MemberView>(&[])
            .says("Lists who was made a member of a workspace"),
        Endpoint::post("/api/v1/orgs/{org}/workspaces/{workspace}/members", add)
            .org(WRITE)
            .takes::<NewWorkspaceMember>()
            .status(StatusCode::CREATED)
            .answers::<MemberView>()
            .says("Makes somebody of the organisation a member of a workspace"),
        Endpoint::get("/api/v1/orgs/{org}/workspaces/{workspace}/members/{user}", show_member)
            .org(READ)
            .answers::<MemberView>()
            .says("Shows a member of a workspace"),
        Endpoint::patch("/api/v1/orgs/{org}/workspaces/{workspace}/members/{user}", set_role)
            .org(WRITE)
            .takes::<MemberBody>()
            .answers::<MemberView>()
            .says("Gives a member of a workspace another role"),
        Endpoint::delete("/api/v1/orgs/{org}/workspaces/{workspace}/members/{user}", take_out)
            .org(WRITE)
            .says("Takes a member out of a workspace"),
        Endpoint::get("/api/v1/me/workspaces", own)
            .account("me:read")
            .lists_all::<OwnWorkspace>()
            .says("Lists the workspaces one is in, in every organisation"),
    ]
}

/// What somebody is in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = WorkspaceRole)]
enum RoleWord {
    /// Sees what is in it.
    Viewer,
    /// Changes what is in it.
    Editor,
    /// Runs it.
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Editor => Self::Editor,
            RoleWord::Admin => Self::Admin,
        }
    }
}

impl From<Role> for RoleWord {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Admin => Self::Admin,
        }
    }
}

/// A workspace to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWorkspace)]
struct NewWorkspaceBody {
    /// What tokens call it, `[a-z0-9._-]{2,64}`: for who administers the instance to choose; `ws_…` unless set.
    id: Option<String>,
    /// What people see: 1 to 100 characters.
    name: String,
    /// A short name for addresses inside the organisation: `[a-z0-9-]{2,48}`.
    slug: Option<String>,
    /// What everybody in the organisation is in it; only its members are in it unless set.
    everybody: Option<RoleWord>,
}

/// A workspace as it is changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkspaceBody {
    /// What people see: 1 to 100 characters.
    name: String,
    /// A short name for addresses inside the organisation: `[a-z0-9-]{2,48}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    /// What everybody in the organisation is in it; only its members are in it unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    everybody: Option<RoleWord>,
}

/// A workspace of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
struct WorkspaceView {
    /// What tokens call it, in `workspace_ids`.
    id: String,
    /// What people see.
    name: String,
    /// A short name for addresses inside the organisation.
    slug: Option<String>,
    /// What everybody in the organisation is in it.
    everybody: Option<RoleWord>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Somebody to make a member of a workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWorkspaceMember {
    /// The id of somebody who belongs to the organisation.
    user_id: String,
    /// `viewer` unless set.
    role: Option<RoleWord>,
}

/// What a member of a workspace is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WorkspaceMemberBody)]
struct MemberBody {
    /// What they are in it.
    role: RoleWord,
}

/// A member of a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceMember)]
struct MemberView {
    /// The person's id, the `sub` of tokens.
    user_id: String,
    /// The person's name.
    name: Option<String>,
    /// The primary mail address.
    email: Option<String>,
    /// What they are in it.
    role: RoleWord,
    /// Since when.
    #[schema(format = DateTime)]
    joined_at: String,
}

/// A workspace one is in.
#[derive(Debug, Serialize, ToSchema)]
struct OwnWorkspace {
    /// What tokens call it, in `workspace_ids`.
    id: String,
    /// What people see.
    name: String,
    /// A short name for addresses inside the organisation.
    slug: Option<String>,
    /// What one is in it.
    role: RoleWord,
    /// The organisation.
    org_id: String,
    /// The organisation's name.
    org_name: String,
}

#[expect(clippy::unnecessary_wraps, reason = "what a page shows may fail")]
fn view(workspace: &Workspace) -> Result<WorkspaceView> {
    Ok(WorkspaceView {
        id: workspace.id.clone(),
        name: workspace.name.clone(),
        slug: workspace.slug.clone(),
        everybody: workspace.everybody.map(Into::into),
        created_at: workspace.created_at.to_string(),
        updated_at: workspace.updated_at.to_string(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "what a page shows may fail")]
fn view_member(member: &Member) -> Result<MemberView> {
    Ok(MemberView {
        user_id: member.user.to_string(),
        name: member.name.clone(),
        email: member.email.clone(),
        role: member.role.into(),
        joined_at: member.since.to_string(),
    })
}

/// The third name of a path, behind the organisation's and the workspace's.
type Third = Path<(String, String, String)>;

fn person(text: &str) -> Result<Id<User>> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn list(caller: Caller, Entered(scope): Entered) -> Answer {
    let items = workspaces::list(&caller.call, &scope).await?;
    page(&Page { items, next: None }, view)
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<NewWorkspaceBody>) -> Answer {
    let NewWorkspaceBody { id, name, slug, everybody } = body;
    let new = NewWorkspace { id, name, slug, everybody: everybody.map(Into::into) };
    let made = workspaces::create(&caller.call, &scope, new).await?;
    let place = format!("/api/v1/orgs/{}/workspaces/{}", scope.id(), made.id);
    created(&place, &view(&made)?, Some(made.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let found = workspaces::get(&caller.call, &scope, &name).await?;
    versioned(&view(&found)?, found.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let found = workspaces::get(&caller.call, &scope, &name).await?;
        seen.check(found.version)?;
        let (everybody, version) = (found.everybody.map(Into::into), found.version);
        let before = WorkspaceBody { name: found.name, slug: found.slug, everybody };
        let after = patched(&before, &patch)?;
        let everybody = after.everybody.map(Into::into);
        let change = Change { name: after.name, slug: after.slug, everybody };
        match workspaces::update(&caller.call, &scope, &found.id, version, change).await {
            Ok(found) => return versioned(&view(&found)?, found.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn remove(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    seen.check(workspaces::get(&caller.call, &scope, &name).await?.version)?;
    workspaces::remove(&caller.call, &scope, &name).await?;
    done()
}

async fn list_members(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    listing: Listing,
) -> Answer {
    page(&workspaces::members(&caller.call, &scope, &name, listing.ask()?).await?, view_member)
}

async fn add(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    Input(body): Input<NewWorkspaceMember>,
) -> Answer {
    let user = body.user_id.parse().map_err(|_| wrong("user_id", "No such person"))?;
    let role = body.role.map_or(Role::Viewer, Into::into);
    let member = workspaces::add(&caller.call, &scope, &name, user, role).await?;
    let place = format!("/api/v1/orgs/{}/workspaces/{name}/members/{user}", scope.id());
    created(&place, &view_member(&member)?, None)
}

async fn show_member(caller: Caller, Entered(scope): Entered, Path((_, name, user)): Third) -> Answer {
    found(&view_member(&workspaces::member(&caller.call, &scope, &name, person(&user)?).await?)?)
}

async fn set_role(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name, user)): Third,
    Input(body): Input<MemberBody>,
) -> Answer {
    let role = body.role.into();
    found(&view_member(&workspaces::set_role(&caller.call, &scope, &name, person(&user)?, role).await?)?)
}

async fn take_out(caller: Caller, Entered(scope): Entered, Path((_, name, user)): Third) -> Answer {
    workspaces::take_out(&caller.call, &scope, &name, person(&user)?).await?;
    done()
}

async fn own(caller: Caller) -> Answer {
    let items = workspaces::of_person(&caller.call, caller.user()?).await?;
    page(&Page { items, next: None }, |own: &Own| {
        Ok(OwnWorkspace {
            id: own.id.clone(),
            name: own.name.clone(),
            slug: own.slug.clone(),
            role: own.role.into(),
            org_id: own.org.to_string(),
            org_name: own.org_name.clone(),
        })
    })
}
