//! Who belongs to an organisation: `/api/v1/orgs/{org}/members`.

use axum::extract::Path;
use doorward_core::{
    orgs::{
        self, MEMBER, OWNER,
        members::{self, ListAsk, Member},
    },
    outcome::Result,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Second, person};
use crate::api::{
    answer::{Answer, Listing, created, done, found, page, wrong},
    body::Input,
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:members:read";
const WRITE: &str = "org:members:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/members", list)
            .org(READ)
            .lists::<MemberView>(&["role"])
            .says("Lists who belongs to an organisation; a query is a mail address or a person's id"),
        Endpoint::post("/api/v1/orgs/{org}/members", add)
            .scope("admin:orgs:write")
            .takes::<NewMember>()
            .status(StatusCode::CREATED)
            .answers::<MemberView>()
            .says("Makes a person a member without being asked; organisations invite people instead"),
        Endpoint::get("/api/v1/orgs/{org}/members/{user}", show)
            .org(READ)
            .answers::<MemberView>()
            .says("Shows a member"),
        Endpoint::patch("/api/v1/orgs/{org}/members/{user}", change)
            .grave()
            .org(WRITE)
            .takes::<MemberBody>()
            .answers::<MemberView>()
            .says("Gives a member another role"),
        Endpoint::delete("/api/v1/orgs/{org}/members/{user}", remove)
            .org(WRITE)
            .says("Takes a member out; grants in the organisation's name end"),
        Endpoint::post("/api/v1/orgs/{org}/transfer", transfer)
            .grave()
            .org("org:*")
            .takes::<Transfer>()
            .answers::<MemberView>()
            .says("Hands an organisation over: another member owns it, oneself is an admin"),
    ]
}

/// A person to make a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    /// The person's id.
    user_id: String,
    /// `member` unless set; `owner`, `admin`, or a role of the organisation's own.
    role: Option<String>,
}

/// What a member is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    /// `owner`, `admin`, `member`, or a role of the organisation's own.
    role: String,
}

/// Who owns an organisation next.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    /// A member's id.
    user_id: String,
}

/// A member of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationMember)]
struct MemberView {
    /// The person's id, the `sub` of tokens.
    user_id: String,
    /// The person's name.
    name: Option<String>,
    /// The primary mail address.
    email: Option<String>,
    /// `owner`, `admin`, `member`, or a role of the organisation's own.
    role: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    joined_at: String,
}

#[expect(clippy::unnecessary_wraps, reason = "what a page shows may fail")]
fn view(member: &Member) -> Result<MemberView> {
    Ok(MemberView {
        user_id: member.user.to_string(),
        name: member.name.clone(),
        email: member.email.clone(),
        role: member.role.clone(),
        status: member.status.name(),
        joined_at: member.since.to_string(),
    })
}

async fn list(caller: Caller, Entered(scope): Entered, mut listing: Listing) -> Answer {
    let role = listing.filter("role");
    let members = members::list(&caller.call, &scope, ListAsk { page: listing.ask()?, role }).await?;
    page(&members, view)
}

async fn add(caller: Caller, Path(name): Path<String>, Input(body): Input<NewMember>) -> Answer {
    let scope = orgs::enter(&caller.call, caller.holder(), &name, WRITE).await?;
    let role = body.role.as_deref().unwrap_or(MEMBER);
    if role == OWNER {
        caller.must_be_fresh()?;
    }
    let user = body.user_id.parse().map_err(|_| wrong("user_id", "No such person"))?;
    let member = members::add(&caller.call, &scope, user, role).await?;
    created(&format!("/api/v1/orgs/{}/members/{user}", scope.id()), &view(&member)?, None)
}

async fn show(caller: Caller, Entered(scope): Entered, names: Second) -> Answer {
    found(&view(&members::get(&caller.call, &scope, person(names)?).await?)?)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    names: Second,
    Input(body): Input<MemberBody>,
) -> Answer {
    found(&view(&members::set_role(&caller.call, &scope, person(names)?, &body.role).await?)?)
}

async fn remove(caller: Caller, Entered(scope): Entered, names: Second) -> Answer {
    members::remove(&caller.call, &scope, person(names)?).await?;
    done()
}

async fn transfer(caller: Caller, Entered(scope): Entered, Input(body): Input<Transfer>) -> Answer {
    let to = body.user_id.parse().map_err(|_| wrong("user_id", "No such person"))?;
    let (from, _) = caller.person()?;
    found(&view(&members::transfer(&caller.call, &scope, from, to).await?)?)
}
