//! Asking people to join an organisation.
//!
//! An invitation is for one mail address. A link that was mailed proves that its reader holds the address, so
//! somebody new makes an account by it at once. A link that the inviter was told proves nothing: only an
//! account that has proven the address accepts it. Whoever has such an account also finds the invitation
//! there, without a link.

mod accept;
mod make;

use doorward_proto::{
    id::{Id, Invitation as InvitationKind, Org as OrgKind, User},
    secret::Opaque,
    time::Time,
};

pub use accept::{By, Newcomer, accept, accept_new};
pub(crate) use accept::{accept_proven, open_for};
pub use make::{Made, NewInvitation, create, list, revoke};

use super::{Org, sql};
use crate::{
    call::Call,
    db::ReadTx,
    outcome::{Code, Result, refuse},
    users::{self, Email},
};

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: Id<InvitationKind>,
    /// The organisation.
    pub org: Id<OrgKind>,
    /// Whom it is for.
    pub email: String,
    /// As what.
    pub role: String,
    /// Whether the link was mailed, and told to nobody else.
    pub is_mailed: bool,
    /// By whom, as the audit trail names actors.
    pub invited_by: String,
    /// When.
    pub created_at: Time,
    /// Until when it is open.
    pub expires_at: Time,
}

/// An invitation as its reader sees it.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The invitation.
    pub invitation: Invitation,
    /// The organisation.
    pub org: Org,
    /// Whether somebody has an account with that address; told to who holds a mailed link only.
    pub has_account: bool,
}

/// The open invitations of a person: of the address that the account has proven.
pub async fn of_person(call: &Call, user: Id<User>) -> Result<Vec<Offer>> {
    let read = call.realm.db.read("orgs.invitations.own", (user, call.now), |tx, (user, now)| {
        Box::pin(async move {
            match proven_address(tx, *user).await? {
                Some(folded) => sql::invitations::offers(tx, &folded, *now).await,
                None => Ok(Vec::new()),
            }
        })
    });
    read.await
}

async fn proven_address(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Option<String>> {
    let person = users::find_in(tx, user).await?;
    let proven = person.filter(|person| person.email_verified_at.is_some()).and_then(|person| person.email);
    Ok(proven.and_then(|address| Email::parse(&address).ok()).map(|email| email.folded().to_owned()))
}

/// What a link offers.
///
/// # Errors
/// `LinkInvalid` for one that is unknown, used, taken back or too old.
pub async fn look(call: &Call, link: &Opaque) -> Result<Offer> {
    let ask = (call.realm.vault.hash(link), call.now);
    call.realm
        .db
        .read("orgs.invitations.look", ask, |tx, (hash, now)| {
            Box::pin(async move {
                let Some(invitation) = sql::invitations::find(tx, *hash, *now).await? else {
                    return refuse(Code::LinkInvalid);
                };
                let Some(org) = sql::find(tx, invitation.org).await?.filter(|org| org.is_active) else {
                    return refuse(Code::LinkInvalid);
                };
                let folded = Email::parse(&invitation.email)?.folded().to_owned();
                let has_account =
                    invitation.is_mailed && users::find_by_identifier(tx, &folded).await?.is_some();
                Ok(Offer { invitation, org, has_account })
            })
        })
        .await
}
