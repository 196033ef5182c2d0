//! Accepting: by an account that there is, or by a new one that a mailed link makes.

use std::sync::Arc;

use doorward_proto::{
    id::{Id, Invitation as InvitationKind, Org as OrgKind, User},
    secret::{Opaque, SecretText, TokenHash},
    time::Time,
};

use super::{Invitation, Offer, look, proven_address};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    credentials::{self, ACR, AMR, SignedIn},
    db::{ReadTx, Tx},
    orgs::{Org, permissions::MEMBER, roles, sql},
    outcome::{Code, Error, Refusal, Result, refuse},
    realm::Realm,
    sessions::{self, Session, Start},
    settings::SignUpMode,
    users::{self, Email, NewUser, Prepared},
};

/// By what somebody accepts.
#[derive(Debug, Clone)]
pub enum By {
    /// The link.
    Link(Opaque),
    /// The invitation that was found in the account.
    Account(Id<InvitationKind>),
}

struct Accept {
    call: Call,
    by: Found,
    user: Id<User>,
}

#[derive(Clone, Copy)]
enum Found {
    Hash(TokenHash),
    Id(Id<InvitationKind>),
}

/// Joins by an account that there is.
///
/// # Errors
/// `LinkInvalid`; `InvitationAddress` for an account of another address, or of one that it has not proven.
pub async fn accept(call: &Call, by: By, user: Id<User>) -> Result<Org> {
    let by = match by {
        By::Link(link) => Found::Hash(call.realm.vault.hash(&link)),
        By::Account(id) => Found::Id(id),
    };
    let ask = Accept { call: call.clone(), by, user };
    call.realm.db.write("orgs.invitations.accept", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Accept {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Org> {
        let now = self.call.now;
        let Some(person) = users::find_in(tx, self.user).await? else { return refuse(Code::NotFound) };
        let proven = proven_address(tx, self.user).await?;
        let own = person.email.as_deref().and_then(|address| Email::parse(address).ok());
        let invitation = match self.by {
            Found::Hash(hash) => sql::invitations::find(tx, hash, now).await?,
            Found::Id(id) => {
                let all = match &proven {
                    Some(folded) => sql::invitations::offers(tx, folded, now).await?,
                    None => Vec::new(),
                };
                all.into_iter().map(|offer| offer.invitation).find(|invitation| invitation.id == id)
            }
        };
        let Some(invitation) = invitation else { return refuse(Code::LinkInvalid) };
        let invited = Email::parse(&invitation.email)?;
        let is_proven = proven.as_deref() == Some(invited.folded());
        // Who opens a mailed link holds the address.
        let proves_now = invitation.is_mailed
            && matches!(self.by, Found::Hash(_))
            && own.is_some_and(|own| own.folded() == invited.folded());
        if !is_proven && !proves_now {
            return refuse(Code::InvitationAddress);
        }
        tx.lock_exclusive(&[&invitation.org.to_string()]).await?;
        if !is_proven {
            users::prove_email(tx, self.user, &invited, now).await?;
        }
        join(tx, &self.call, &invitation, self.user).await
    }
}

/// The open invitation of an address to one organisation.
pub(crate) async fn open_for(
    tx: &mut ReadTx<'_>,
    org: Id<OrgKind>,
    email: &Email,
    now: Time,
) -> Result<Option<Invitation>> {
    sql::invitations::open_for(tx, org, email.folded(), now).await
}

/// Joins by an invitation of an address that the person has just proven.
pub(crate) async fn accept_proven(
    tx: &mut Tx<'_>,
    call: &Call,
    invitation: &Invitation,
    user: Id<User>,
) -> Result<()> {
    join(tx, call, invitation, user).await.map(drop)
}

/// Uses the invitation; exactly one caller joins by it.
async fn join(tx: &mut Tx<'_>, call: &Call, invitation: &Invitation, user: Id<User>) -> Result<Org> {
    let org = invitation.org;
    tx.lock_exclusive(&[&org.to_string()]).await?;
    if !sql::invitations::accept(tx, invitation, user, call.now).await? {
        return refuse(Code::LinkInvalid);
    }
    let Some(found) = sql::find(tx, org).await?.filter(|org| org.is_active) else {
        return refuse(Code::LinkInvalid);
    };
    // A role that was removed meanwhile lets nobody in as something else.
    match roles::permissions_in(tx, org, &invitation.role).await {
        Err(Error::Refused(_)) => return refuse(Code::LinkInvalid),
        other => other?,
    };
    // Somebody may have joined unasked before, or with the account that was just made: as a member, no more.
    let has_joined = sql::join(tx, org, user, &invitation.role, call.now).await?;
    let is_member = !has_joined && sql::members::role(tx, org, user).await?.as_deref() == Some(MEMBER);
    if is_member && invitation.role != MEMBER {
        sql::members::set_role(tx, org, user, &invitation.role).await?;
    }
    if has_joined || is_member {
        tx.raise_changes().await?;
        let event = Event::new(call, "org.joined")?.subject(user).org(org);
        let event = event.fact("invitation", invitation.id.to_string());
        audit::record(tx, &event.fact("role", invitation.role.clone())).await?;
    }
    Ok(found)
}

/// Somebody new, by a link that was mailed.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The password.
    pub password: SecretText,
    /// The name, if given.
    pub name: Option<String>,
    /// The language of the page.
    pub locale: Option<String>,
}

struct AcceptNew {
    call: Call,
    realm: Arc<Realm>,
    hash: TokenHash,
    new: Prepared,
    start: Start,
    event: Event,
}

/// Makes an account with the invited address, joins, and signs the person in at this browser (`cookie` is
/// the one it presented).
///
/// # Errors
/// `LinkInvalid`, also where somebody made an account with the address meanwhile; `InvitationAddress` for a
/// link that was not mailed; `SignUpClosed`, `SignUpDomain`; what a password is refused for.
pub async fn accept_new(
    call: &Call,
    link: &Opaque,
    newcomer: Newcomer,
    cookie: Option<&Opaque>,
) -> Result<(SignedIn, Org)> {
    let Offer { invitation, .. } = look(call, link).await?;
    if !invitation.is_mailed {
        return refuse(Code::InvitationAddress);
    }
    if call.realm.settings.sign_up.mode == SignUpMode::Closed {
        return refuse(Code::SignUpClosed);
    }
    let email = Email::parse(&invitation.email)?;
    users::check_domain(call, &email)?;
    let about: Vec<&str> = newcomer.name.as_deref().into_iter().chain([email.address()]).collect();
    credentials::check(call, &newcomer.password, &about).await?;
    let mut new = NewUser::new(email);
    new.email_verified = true;
    new.password = Some(call.realm.passwords.make(&newcomer.password).await?);
    new.name = newcomer.name;
    new.locale = newcomer.locale;
    let (start, new_cookie) = Start::new(call, cookie, ACR, AMR)?;
    let new = Prepared::new(call, new)?;
    let by = call.by(Actor::User { id: new.id(), session: start.id() });
    let event = Event::new(&by, "user.signed_in")?.subject(new.id()).fact("amr", AMR);
    let hash = call.realm.vault.hash(link);
    let ask = AcceptNew { call: by, realm: Arc::clone(&call.realm), hash, new, start, event };
    let (session, org) = ask.run().await?;
    Ok((SignedIn { cookie: new_cookie, session }, org))
}

impl AcceptNew {
    async fn run(self) -> Result<(Session, Org)> {
        let realm = Arc::clone(&self.realm);
        realm
            .db
            .write("orgs.invitations.accept_new", self, |tx, ask| {
                Box::pin(async move {
                    let found = sql::invitations::find(tx, ask.hash, ask.call.now).await?;
                    let Some(invitation) = found else { return refuse(Code::LinkInvalid) };
                    // Whoever is new may belong to it by the address as well, which locks it for reading.
                    tx.lock_exclusive(&[&invitation.org.to_string()]).await?;
                    match users::insert(tx, &ask.new).await {
                        Err(Error::Refused(refusal)) if refusal.code == Code::EmailTaken => {
                            return Err(Refusal::new(Code::LinkInvalid)
                                .hint("There is an account with this address: sign in and accept")
                                .into());
                        }
                        other => other?,
                    }
                    let org = join(tx, &ask.call, &invitation, ask.new.id()).await?;
                    let session = sessions::start(tx, ask.new.id(), &ask.start).await?;
                    audit::record(tx, &ask.event).await?;
                    Ok((session, org))
                })
            })
            .await
    }
}
