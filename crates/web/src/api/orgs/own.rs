//! One's own place in organisations: `/api/v1/me/organizations` and `/api/v1/me/invitations`.

use axum::extract::Path;
use doorward_core::{
    orgs::{
        Membership,
        invitations::{self, By, Offer},
        manage::{self, NewOrg},
        members,
    },
    outcome::{Code, Refusal, Result},
    page::Page,
    sessions, users,
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{OrgView, invitations::InvitationView, made, view};
use crate::api::{
    answer::{Answer, done, found, page},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};

const READ: &str = "me:read";
const WRITE: &str = "me:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/me/organizations", list)
            .account(READ)
            .lists_all::<OwnOrganization>()
            .says("Lists the organisations one belongs to"),
        Endpoint::post("/api/v1/me/organizations", create)
            .account(WRITE)
            .takes::<NewOwnOrganization>()
            .status(StatusCode::CREATED)
            .answers::<OrgView>()
            .says("Creates an organisation that one owns"),
        Endpoint::post("/api/v1/me/organizations/{id}/activate", activate)
            .account(WRITE)
            .status(StatusCode::NO_CONTENT)
            .says("Makes an organisation the active one of this session: the next tokens are for it"),
        Endpoint::delete("/api/v1/me/organizations/{id}", leave)
            .account(WRITE)
            .says("Leaves an organisation"),
        Endpoint::get("/api/v1/me/invitations", list_invitations)
            .account(READ)
            .lists_all::<OwnInvitation>()
            .says("Lists the open invitations of one's address"),
        Endpoint::post("/api/v1/me/invitations/{id}/accept", accept)
            .account(WRITE)
            .answers::<OrgView>()
            .says("Accepts an invitation of one's address"),
        Endpoint::post("/api/v1/me/invitations/redeem", accept_link)
            .account(WRITE)
            .takes::<Link>()
            .answers::<OrgView>()
            .says("Accepts an invitation by the token of its link"),
    ]
}

/// An organisation one belongs to.
#[derive(Debug, Serialize, ToSchema)]
struct OwnOrganization {
    /// Its id, the `tenant_id` of tokens.
    id: String,
    /// Its name.
    name: String,
    /// `instance`, `personal` or `team`.
    kind: &'static str,
    /// One's role there.
    role: String,
    /// Whether it is the active one of this session, or the one of this token.
    active: bool,
}

/// An organisation of one's own to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwnOrganization {
    /// What people see: 1 to 100 characters.
    name: String,
    /// A short name for addresses: `[a-z0-9-]{2,48}`.
    slug: Option<String>,
}

/// An invitation and who it comes from.
#[derive(Debug, Serialize, ToSchema)]
struct OwnInvitation {
    #[serde(flatten)]
    invitation: InvitationView,
    /// The organisation's name.
    org_name: String,
}

/// An invitation's link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// The `token` of the link.
    #[schema(value_type = String, format = Password)]
    token: SecretText,
}

async fn list(caller: Caller) -> Answer {
    let facts = users::facts(&caller.call, caller.user()?).await?;
    let orgs = facts.map(|facts| facts.orgs).unwrap_or_default();
    page(&Page { items: orgs, next: None }, |one: &Membership| {
        let id = one.org.to_string();
        Ok(OwnOrganization {
            active: caller.who.tenant_id.as_ref() == Some(&id),
            id,
            name: one.name.clone(),
            kind: one.kind.name(),
            role: one.role.clone(),
        })
    })
}

async fn create(caller: Caller, Input(body): Input<NewOwnOrganization>) -> Answer {
    let (owner, _) = caller.person()?;
    let new = NewOrg { name: body.name, slug: body.slug, owner: None };
    made(&manage::create_own(&caller.call, owner, new).await?)
}

async fn activate(caller: Caller, Path(id): Path<String>) -> Answer {
    let (user, session) = caller.person()?;
    if !caller.is_browser {
        let hint = "Only a signed-in browser has an active organisation; ask for a token of another by \
            the organization parameter";
        return Err(Refusal::new(Code::Forbidden).hint(hint).into());
    }
    sessions::act_for(&caller.call, (session, user), named(&id)?).await?;
    done()
}

fn named<K: doorward_proto::id::Kind>(text: &str) -> Result<doorward_proto::id::Id<K>> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn leave(caller: Caller, Path(id): Path<String>) -> Answer {
    members::leave(&caller.call, named(&id)?, caller.person()?.0).await?;
    done()
}

async fn list_invitations(caller: Caller) -> Answer {
    let offers = invitations::of_person(&caller.call, caller.user()?).await?;
    page(&Page { items: offers, next: None }, |offer: &Offer| {
        let invitation = super::invitations::view(&offer.invitation, None);
        Ok(OwnInvitation { invitation, org_name: offer.org.name.clone() })
    })
}

async fn accept(caller: Caller, Path(id): Path<String>) -> Answer {
    let (user, _) = caller.person()?;
    found(&view(&invitations::accept(&caller.call, By::Account(named(&id)?), user).await?))
}

async fn accept_link(caller: Caller, Input(body): Input<Link>) -> Answer {
    let (user, _) = caller.person()?;
    let link = Opaque::parse(Kind::Link, body.token.expose()).ok_or(Code::LinkInvalid)?;
    found(&view(&invitations::accept(&caller.call, By::Link(link), user).await?))
}
