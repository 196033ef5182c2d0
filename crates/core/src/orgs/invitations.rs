//! Asking people to join an organisation.
//!
//! An invitation is for one mail address. A link that was mailed proves that its reader holds the address, so
//! somebody new makes an account by it at once. A link that the inviter was told proves nothing: only an
//! account that has proven the address accepts it. Whoever has such an account also finds the invitation
//! there, without a link.

use std::sync::Arc;

use doorward_proto::{
    id::{Id, Invitation as InvitationKind, Org as OrgKind, User},
    secret::{Kind as SecretKind, Opaque, SecretText, TokenHash},
    time::Time,
};

use super::{Kind, Org, OrgScope, manage::conflict, roles, sql};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    credentials::{self, ACR, AMR, SignedIn},
    db::{ReadTx, Tx},
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Error, Refusal, Result, refuse},
    page::{Page, PageAsk},
    realm::Realm,
    sessions::{self, Session, Start},
    settings::SignUpMode,
    throttle,
    users::{self, Email, NewUser, Prepared},
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

/// Whom to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The address.
    pub email: Email,
    /// As what.
    pub role: String,
    /// Whether the link is mailed; else it is told to the inviter.
    pub is_mailed: bool,
    /// The language of the mail.
    pub locale: Option<String>,
}

/// An invitation with its link, where the link is told.
#[derive(Debug, Clone)]
pub struct Made {
    /// The invitation.
    pub invitation: Invitation,
    /// Told this once.
    pub link: Option<String>,
}

struct Create {
    call: Call,
    scope: OrgScope,
    invitation: Invitation,
    folded: String,
    hash: TokenHash,
    tried: throttle::Try,
    mail: Option<NewMail>,
}

/// Invites an address; an open invitation of it is replaced. Whether it has an account is not told.
///
/// # Errors
/// `ScopeMissing` for who does not hold what the role holds, `RequestInvalid` for an unknown role,
/// `Conflict` where the person is a member or the organisation is a personal one, `RateLimited`.
pub async fn create(call: &Call, scope: &OrgScope, new: NewInvitation) -> Result<Made> {
    scope.must("org:members:write")?;
    if scope.org().kind == Kind::Personal {
        return conflict("A personal organisation has one member; make an organisation for several");
    }
    let secret = call.secret(SecretKind::Link)?;
    let address = format!("{}/invitation?token={}", call.realm.issuer, secret.expose());
    let invitation = Invitation {
        id: call.id()?,
        org: scope.id(),
        email: new.email.address().to_owned(),
        role: new.role,
        is_mailed: new.is_mailed,
        invited_by: call.actor.name(),
        created_at: call.now,
        expires_at: call.now + call.realm.settings.orgs.invitation_ttl,
    };
    let mail = if new.is_mailed {
        let (inviter, when) = (inviter(call).await?, invitation.expires_at.to_string());
        let parameters = [
            ("link", address.as_str()),
            ("org", scope.org().name.as_str()),
            ("role", invitation.role.as_str()),
            ("inviter", inviter.as_str()),
            ("when", when.as_str()),
        ];
        let to = Recipient::stranger(&new.email, new.locale.as_deref());
        Some(mail::prepare(call, &to, Template::Invitation, &parameters, Some(invitation.expires_at))?)
    } else {
        None
    };
    let ask = Create {
        call: call.clone(),
        scope: scope.clone(),
        tried: throttle::inviting(call, scope.id(), new.email.folded()),
        folded: new.email.folded().to_owned(),
        hash: call.realm.vault.hash(&secret),
        invitation,
        mail,
    };
    let link = ask.mail.is_none().then_some(address);
    let invitation = call.realm.db.write("orgs.invite", ask, |tx, ask| Box::pin(ask.run(tx))).await?;
    Ok(Made { invitation, link })
}

/// Who invites, in words for the mail.
async fn inviter(call: &Call) -> Result<String> {
    let (Actor::User { id, .. } | Actor::PersonalKey { user: id, .. }) = &call.actor else {
        return Ok("An administrator".to_owned());
    };
    let person = users::find(call, *id).await?;
    let name = person.and_then(|person| person.name.or(person.email));
    Ok(name.unwrap_or_else(|| "A member".to_owned()))
}

impl Create {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Invitation> {
        let (org, invitation) = (self.scope.id(), &self.invitation);
        tx.lock_exclusive(&[&org.to_string()]).await?;
        throttle::take(tx, &self.tried).await?;
        self.scope.cover(&roles::permissions_in(tx, org, &invitation.role).await?)?;
        if let Some(user) = users::find_by_identifier(tx, &self.folded).await?
            && sql::members::role(tx, org, user).await?.is_some()
        {
            return conflict("The person is a member already");
        }
        sql::invitations::replace(tx, org, &self.folded, self.call.now).await?;
        sql::invitations::insert(tx, invitation, &self.folded, self.hash).await?;
        if let Some(mail) = &self.mail {
            mail::enqueue(tx, mail).await?;
        }
        let event = Event::new(&self.call, "org.invited")?.subject(invitation.id).org(org);
        let event = event.fact("role", invitation.role.clone()).fact("mailed", invitation.is_mailed);
        audit::record(tx, &event.detail("email", invitation.email.clone())).await?;
        Ok(invitation.clone())
    }
}

/// A page of open invitations, by id.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope, page: PageAsk) -> Result<Page<Invitation>> {
    scope.must("org:members:read")?;
    call.realm
        .db
        .read("orgs.invitations.list", (scope.id(), page, call.now), |tx, (org, page, now)| {
            Box::pin(async move {
                let rows = sql::invitations::list(tx, *org, page, *now).await?;
                Ok(page.page(rows, |invitation| invitation.id.to_string()))
            })
        })
        .await
}

/// Takes an open invitation back.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn revoke(call: &Call, scope: &OrgScope, id: Id<InvitationKind>) -> Result<()> {
    scope.must("org:members:write")?;
    let event = Event::new(call, "org.invitation_revoked")?.subject(id).org(scope.id());
    call.realm
        .db
        .write("orgs.invitations.revoke", (scope.id(), id, call.now, event), |tx, (org, id, now, event)| {
            Box::pin(async move {
                if !sql::invitations::revoke(tx, *org, *id, *now).await? {
                    return refuse(Code::NotFound);
                }
                audit::record(tx, event).await
            })
        })
        .await
}

/// The open invitations of a person: of the address that the account has proven.
pub async fn of_person(call: &Call, user: Id<User>) -> Result<Vec<Offer>> {
    call.realm
        .db
        .read("orgs.invitations.own", (user, call.now), |tx, (user, now)| {
            Box::pin(async move {
                let Some(folded) = proven_address(tx, *user).await? else { return Ok(Vec::new()) };
                let mut offers = Vec::new();
                for invitation in sql::invitations::of_address(tx, &folded, *now).await? {
                    if let Some(org) = sql::find(tx, invitation.org).await?.filter(|org| org.is_active) {
                        offers.push(Offer { invitation, org, has_account: true });
                    }
                }
                Ok(offers)
            })
        })
        .await
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
                    Some(folded) => sql::invitations::of_address(tx, folded, now).await?,
                    None => Vec::new(),
                };
                all.into_iter().find(|invitation| invitation.id == id)
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
    let all = sql::invitations::of_address(tx, email.folded(), now).await?;
    Ok(all.into_iter().find(|invitation| invitation.org == org))
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
    if sql::join(tx, org, user, &invitation.role, call.now).await? {
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
/// link that was not mailed; `SignUpClosed`; what a password is refused for.
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
