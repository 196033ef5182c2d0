//! Providers of an organisation: whom they may sign in.
//!
//! What such a provider says is said by whoever owns the organisation. So it speaks for addresses of the domains
//! that the organisation has proven, for members of the organisation alone, and never for who administers this
//! server. All of it is looked at in the operation that signs somebody in, each time.

use doorward_proto::id::{Id, Org, User};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    orgs::{self, domains, invitations},
    outcome::{Code, Refusal, Result},
    users::{self, Email, PlatformRole},
};

fn outside<T>(why: &'static str) -> Result<T> {
    Err(Refusal::new(Code::ConnectOutside).hint(why).into())
}

/// Refuses an address outside the organisation's proven domains.
pub(super) async fn check_address(tx: &mut ReadTx<'_>, org: Id<Org>, email: &Email) -> Result<()> {
    if domains::has_proven(tx, org, email).await? {
        return Ok(());
    }
    outside("The address is in no domain that the organization has proven")
}

/// Refuses an account that no organisation's provider may be linked with.
pub(super) async fn check_role(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<users::User> {
    match users::find_in(tx, user).await? {
        Some(person) if person.platform_role != PlatformRole::Administrator => Ok(person),
        Some(_) => outside("Who administers this server signs in without an organization's provider"),
        None => outside("The account is gone"),
    }
}

/// Refuses whom the organisation's provider must not speak for, whatever it says.
pub(super) async fn check_person(tx: &mut ReadTx<'_>, org: Id<Org>, user: Id<User>) -> Result<()> {
    let person = check_role(tx, user).await?;
    let email = person.email.filter(|_| person.email_verified_at.is_some());
    match email.as_deref().map(Email::parse) {
        Some(Ok(email)) => check_address(tx, org, &email).await,
        _ => outside("The account has no verified address"),
    }
}

/// Refuses who does not belong to the organisation now.
pub(super) async fn check_member(tx: &mut ReadTx<'_>, org: Id<Org>, user: Id<User>) -> Result<()> {
    match orgs::standing(tx, org, user).await? {
        Some(_) => Ok(()),
        None => outside("The person does not belong to the organization"),
    }
}

/// Makes a person, whose address has just been proven, a member as the organisation lets people join: by an
/// invitation, or by its policy. Who does not belong to it afterwards is refused.
pub(super) async fn join(
    tx: &mut Tx<'_>,
    call: &Call,
    (org, welcome): (Id<Org>, &orgs::Welcome),
    (user, email): (Id<User>, &Email),
) -> Result<()> {
    match invitations::open_for(tx, org, email, call.now).await? {
        Some(invitation) => invitations::accept_proven(tx, call, &invitation, user).await?,
        None => welcome.by_address(tx, user, email).await?,
    }
    check_member(tx, org, user).await
}
