//! Asking people to join an organisation: `/api/v1/orgs/{org}/invitations`.

use doorward_core::{
    orgs::{
        MEMBER, OWNER,
        invitations::{self, Invitation, Made, NewInvitation},
    },
    outcome::{Code, Refusal, Result},
    users::Email,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, Listing, created, done, page},
    body::Input,
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:members:read";
const WRITE: &str = "org:members:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/invitations", list)
            .org(READ)
            .lists::<InvitationView>(&[])
            .says("Lists open invitations"),
        Endpoint::post("/api/v1/orgs/{org}/invitations", create)
            .org(WRITE)
            .takes::<NewInvitationBody>()
            .status(StatusCode::CREATED)
            .answers::<InvitationView>()
            .says("Invites an address; an open invitation of it is replaced"),
        Endpoint::delete("/api/v1/orgs/{org}/invitations/{id}", revoke)
            .org(WRITE)
            .says("Takes an invitation back"),
    ]
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInvitation)]
struct NewInvitationBody {
    /// The mail address.
    email: String,
    /// `member` unless set; `owner`, `admin`, or a role of the organisation's own.
    role: Option<String>,
    /// Whether the link goes to the address by mail, as it does unless set; else it is told in the answer,
    /// and works for an account only that has proven the address.
    send_mail: Option<bool>,
    /// The language of the mail.
    locale: Option<String>,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub(super) struct InvitationView {
    /// Its id.
    id: String,
    /// The organisation.
    org_id: String,
    /// Whom it is for.
    email: String,
    /// As what.
    role: String,
    /// Whether the link was mailed.
    mailed: bool,
    /// The link, told this once, where it was not mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it is open.
    #[schema(format = DateTime)]
    expires_at: String,
}

pub(super) fn view(invitation: &Invitation, link: Option<String>) -> InvitationView {
    InvitationView {
        id: invitation.id.to_string(),
        org_id: invitation.org.to_string(),
        email: invitation.email.clone(),
        role: invitation.role.clone(),
        mailed: invitation.is_mailed,
        link,
        created_at: invitation.created_at.to_string(),
        expires_at: invitation.expires_at.to_string(),
    }
}

async fn list(caller: Caller, Entered(scope): Entered, listing: Listing) -> Answer {
    let open = invitations::list(&caller.call, &scope, listing.ask()?).await?;
    page(&open, |invitation| Ok(view(invitation, None)))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<NewInvitationBody>) -> Answer {
    let role = body.role.unwrap_or_else(|| MEMBER.to_owned());
    if role == OWNER {
        caller.must_be_fresh()?;
    }
    let new = NewInvitation {
        email: Email::parse(&body.email)?,
        role,
        is_mailed: body.send_mail.unwrap_or(true),
        locale: body.locale,
    };
    let Made { invitation, link } = invitations::create(&caller.call, &scope, new).await?;
    let place = format!("/api/v1/orgs/{}/invitations/{}", scope.id(), invitation.id);
    created(&place, &view(&invitation, link), None)
}

async fn revoke(caller: Caller, Entered(scope): Entered, axum::extract::Path((_, id)): Second) -> Answer {
    let id: Result<_> = id.parse().map_err(|_| Refusal::new(Code::NotFound).into());
    invitations::revoke(&caller.call, &scope, id?).await?;
    done()
}
