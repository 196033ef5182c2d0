//! Inviting: a new invitation with its mail or its link, those that are open, and taking one back.

use doorward_proto::{
    id::{Id, Invitation as InvitationKind},
    secret::{Kind as SecretKind, TokenHash},
};

use super::Invitation;
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::Tx,
    mail::{self, NewMail, Recipient, Template},
    orgs::{Kind, OrgScope, manage::conflict, roles, sql},
    outcome::{Code, Result, refuse},
    page::{Page, PageAsk},
    throttle,
    users::{self, Email},
};

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
        let (inviter, when) = (inviter(call).await?, invitation.expires_at.to_human());
        let parameters = [
            ("link", address.as_str()),
            ("org", scope.org().name.as_str()),
            ("role", invitation.role.as_str()),
            ("inviter", inviter.as_str()),
            ("when", when.as_str()),
        ];
        let to = Recipient::stranger(&new.email, new.locale.as_deref());
        let until = Some(invitation.expires_at);
        Some(mail::prepare(call, &to, Template::Invitation, &parameters, until)?.of(scope.id()))
    } else {
        None
    };
    let ask = Create {
        call: call.clone(),
        scope: scope.clone(),
        tried: throttle::inviting(call, scope.id(), new.is_mailed.then(|| new.email.folded())),
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
        self.scope.lock(tx).await?;
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
