//! Organisations: `/api/v1/orgs`, with their members, roles and invitations; and one's own place in them,
//! `/api/v1/me/organizations`.
//!
//! The guard has entered the organisation of the path before a handler runs; whom it does not let in, it
//! tells that there is none.

mod apis;
mod claims;
mod clients;
mod connections;
mod domains;
mod fields;
mod invitations;
mod join_clients;
mod members;
mod own;
mod roles;
mod tokens;
mod workspaces;

use axum::extract::Path;
use doorward_core::{
    addresses,
    orgs::{
        self, JoinedBy, Org,
        manage::{self, Change, ListAsk, NewOrg},
    },
    outcome::{Code, Refusal, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    clients::says_from_where,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::get("/api/v1/orgs", list)
            .scope("admin:orgs:read")
            .lists::<OrgView>(&["status"])
            .says("Lists organisations, but for personal ones"),
        Endpoint::post("/api/v1/orgs", create)
            .scope("admin:orgs:write")
            .takes::<NewOrgBody>()
            .status(StatusCode::CREATED)
            .answers::<OrgView>()
            .says("Creates an organisation"),
        Endpoint::get("/api/v1/orgs/{org}", show)
            .org("org:settings:read")
            .answers::<OrgView>()
            .says("Shows an organisation, by id or short name"),
        Endpoint::patch("/api/v1/orgs/{org}", change)
            .org("org:settings:write")
            .takes::<OrgBody>()
            .answers::<OrgView>()
            .grave_where(says_from_where)
            .says("Changes an organisation"),
        Endpoint::delete("/api/v1/orgs/{org}", end)
            .grave()
            .org("org:settings:end")
            .says("Ends an organisation with everything in it"),
        Endpoint::post("/api/v1/orgs/{org}/suspend", suspend)
            .scope("admin:orgs:write")
            .guarded()
            .answers::<OrgView>()
            .says("Lets nobody use an organisation"),
        Endpoint::post("/api/v1/orgs/{org}/resume", resume)
            .scope("admin:orgs:write")
            .guarded()
            .answers::<OrgView>()
            .says("Lets a suspended organisation be used again"),
    ];
    all.extend(domains::endpoints());
    all.extend(fields::endpoints());
    all.extend(join_clients::endpoints());
    all.extend(connections::endpoints());
    all.extend(members::endpoints());
    all.extend(roles::endpoints());
    all.extend(clients::endpoints());
    all.extend(apis::endpoints());
    all.extend(tokens::endpoints());
    all.extend(workspaces::endpoints());
    all.extend(claims::endpoints());
    all.extend(invitations::endpoints());
    all.extend(own::endpoints());
    all
}

/// An organisation to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrganization)]
pub(super) struct NewOrgBody {
    /// What people see: 1 to 100 characters.
    name: String,
    /// A short name for addresses: `[a-z0-9-]{2,48}`.
    slug: Option<String>,
    /// Who owns it first: a person's id.
    owner: Option<String>,
}

/// An organisation as it is changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Organization)]
pub(super) struct OrgBody {
    /// What people see: 1 to 100 characters.
    name: String,
    /// A short name for addresses: `[a-z0-9-]{2,48}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    /// Who belongs to it without being asked: nobody (`invitation`, as it is unless set), who proves an address
    /// of its verified domains (`domain`), or `everybody` with an account, which is for who administers the
    /// instance to say.
    #[serde(default)]
    joined_by: JoinPolicy,
    /// From where it may be used: addresses and networks (CIDR), 100 at the most; none named means anywhere. It
    /// binds who acts in its name, and not who administers the instance. A browser has to have signed in only
    /// just now to set it.
    #[serde(default)]
    allowed_addresses: Vec<String>,
    /// Whether the list may leave out the address that the change comes from, which locks the caller out.
    #[serde(skip_serializing_if = "Option::is_none")]
    force: Option<bool>,
}

/// Who belongs to an organisation without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum JoinPolicy {
    /// Nobody.
    #[default]
    Invitation,
    /// Who proves an address of a verified domain.
    Domain,
    /// Everybody who gets an account.
    Everybody,
}

impl From<JoinPolicy> for JoinedBy {
    fn from(policy: JoinPolicy) -> Self {
        match policy {
            JoinPolicy::Invitation => Self::Invitation,
            JoinPolicy::Domain => Self::Domain,
            JoinPolicy::Everybody => Self::Everybody,
        }
    }
}

impl From<JoinedBy> for JoinPolicy {
    fn from(policy: JoinedBy) -> Self {
        match policy {
            JoinedBy::Invitation => Self::Invitation,
            JoinedBy::Domain => Self::Domain,
            JoinedBy::Everybody => Self::Everybody,
        }
    }
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationView)]
pub(super) struct OrgView {
    /// Its id, the `tenant_id` of tokens.
    id: String,
    /// `instance`, `personal` or `team`.
    kind: &'static str,
    /// What people see.
    name: String,
    /// A short name for addresses.
    slug: Option<String>,
    /// Who belongs to it without being asked.
    joined_by: JoinPolicy,
    /// From where it may be used; anywhere when empty.
    allowed_addresses: Vec<String>,
    /// `active` or `suspended`.
    status: &'static str,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

pub(super) fn view(org: &Org) -> OrgView {
    OrgView {
        id: org.id.to_string(),
        kind: org.kind.name(),
        name: org.name.clone(),
        slug: org.slug.clone(),
        joined_by: org.joined_by.into(),
        allowed_addresses: texts(org),
        status: if org.is_active { "active" } else { "suspended" },
        created_at: org.created_at.to_string(),
        updated_at: org.updated_at.to_string(),
    }
}

fn texts(org: &Org) -> Vec<String> {
    org.allowed_addresses.iter().map(ToString::to_string).collect()
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let name = |is_active| if is_active { "active" } else { "suspended" };
    let is_active = listing.one_of("status", [true, false], name)?;
    let found = manage::list(&caller.call, ListAsk { page: listing.ask()?, is_active }).await?;
    page(&found, |org| Ok(view(org)))
}

async fn create(caller: Caller, Input(body): Input<NewOrgBody>) -> Answer {
    let owner = body.owner.map(|owner| owner.parse().map_err(|_| wrong("owner", "No such person")));
    let new = NewOrg { name: body.name, slug: body.slug, owner: owner.transpose()? };
    made(&manage::create(&caller.call, new).await?)
}

pub(super) fn made(org: &Org) -> Answer {
    created(&format!("/api/v1/orgs/{}", org.id), &view(org), Some(org.version))
}

async fn show(Entered(scope): Entered) -> Answer {
    versioned(&view(scope.org()), scope.org().version)
}

async fn change(caller: Caller, Entered(scope): Entered, seen: IfMatch, Members(patch): Members) -> Answer {
    let mut org = scope.org().clone();
    for _ in 0..TRIES {
        seen.check(org.version)?;
        let (name, slug) = (org.name.clone(), org.slug.clone());
        let joined_by = org.joined_by.into();
        let before = OrgBody { name, slug, joined_by, allowed_addresses: texts(&org), force: None };
        let after = patched(&before, &patch)?;
        let change = Change {
            name: Some(after.name),
            slug: Some(after.slug),
            joined_by: Some(after.joined_by.into()),
            allowed_addresses: Some(addresses::read(&after.allowed_addresses)?),
            force: after.force == Some(true),
        };
        match manage::update(&caller.call, &scope, org.version, change).await {
            Ok(org) => return versioned(&view(&org), org.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
        org = orgs::get(&caller.call, scope.id()).await?;
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Entered(scope): Entered, seen: IfMatch) -> Answer {
    seen.check(scope.org().version)?;
    manage::end(&caller.call, &scope).await?;
    done()
}

async fn suspend(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_active(&caller, &name, &seen, false).await
}

async fn resume(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_active(&caller, &name, &seen, true).await
}

async fn set_active(caller: &Caller, name: &str, seen: &IfMatch, is_active: bool) -> Answer {
    let scope = orgs::enter(&caller.call, caller.holder(), name, "org:settings:write").await?;
    seen.check(scope.org().version)?;
    let org = manage::set_active(&caller.call, &scope, is_active).await?;
    versioned(&view(&org), org.version)
}

/// The second name of a path, behind the organisation's.
pub(super) type Second = Path<(String, String)>;

fn person(Path((_, user)): Second) -> Result<doorward_proto::id::Id<doorward_proto::id::User>> {
    user.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}
