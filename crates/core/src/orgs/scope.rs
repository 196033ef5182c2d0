//! Who may act in an organisation. An [`OrgScope`] is the only key to what an organisation owns, and
//! [`enter`] the only place that hands one out.

use doorward_proto::id::{Id, Org as OrgKind, User};

use super::{Kind, Org, permissions, places};
use crate::{
    addresses,
    apis::{self, catalog},
    audit,
    call::Call,
    clients,
    db::Tx,
    outcome::{Code, Error, Refusal, Result, refuse},
    service_tokens,
};

/// Who wants to act in an organisation, and by what.
#[derive(Debug, Clone, Default)]
pub struct Holder {
    /// The scopes of the credential.
    pub scopes: Vec<String>,
    /// The organisation that the credential is bound to; none for a signed-in browser and for who
    /// administers the instance.
    pub tenant: Option<Id<OrgKind>>,
    /// The person behind it.
    pub person: Option<Id<User>>,
}

/// One organisation, entered by somebody who may.
#[derive(Debug, Clone)]
pub struct OrgScope {
    org: Org,
    role: Option<String>,
    held: Vec<String>,
    is_platform: bool,
    /// The member who entered, with all that the member might do then.
    member: Option<(Id<User>, Vec<String>)>,
}

impl OrgScope {
    /// The organisation's id.
    pub const fn id(&self) -> Id<OrgKind> {
        self.org.id
    }

    /// The organisation as it was when it was entered.
    pub const fn org(&self) -> &Org {
        &self.org
    }

    /// Whether it was entered by who administers the instance, and not as one of its members.
    pub const fn is_platform(&self) -> bool {
        self.is_platform
    }

    /// The role of who entered, as a member.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Whether who entered holds a permission here.
    pub fn may(&self, permission: &str) -> bool {
        self.is_platform || permissions::holds(&self.held, permission)
    }

    /// Refuses who does not hold a permission here.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub fn must(&self, permission: &str) -> Result<()> {
        if self.may(permission) { Ok(()) } else { Err(lacks(permission).into()) }
    }

    /// Refuses who does not hold a permission here, and in the instance's own organisation, where what belongs to the
    /// server belongs, everybody but who holds the server's right.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub(crate) fn runs(&self, permission: &str, right: &'static str) -> Result<()> {
        self.must(permission)?;
        if self.org.kind == Kind::Instance && !self.is_platform { Err(lacks(right).into()) } else { Ok(()) }
    }

    /// Refuses a personal organisation.
    ///
    /// # Errors
    /// `Conflict`.
    pub(crate) fn is_team(&self) -> Result<()> {
        if self.org.kind == Kind::Personal {
            return Err(Refusal::new(Code::Conflict)
                .hint("A team has these, not a personal organization")
                .into());
        }
        Ok(())
    }

    /// Refuses to hand on what who entered does not hold here, or what is about the server or somebody's account.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub(crate) fn covers(&self, scopes: &[String]) -> Result<()> {
        let is_beyond = |one: &&String| catalog::is_platform(one) || catalog::is_account(one);
        if let Some(beyond) = scopes.iter().find(is_beyond) {
            return Err(lacks(beyond).into());
        }
        match scopes.iter().find(|one| one.starts_with("org:") && !self.may(one)) {
            Some(over) => Err(lacks(over).into()),
            None => Ok(()),
        }
    }

    /// Locks the organisation for a change, and refuses who is not any more what they were when they entered:
    /// the lock may have been waited for behind the very change that took it from them.
    ///
    /// # Errors
    /// `NotFound` for an organisation that has ended or was suspended and for who does not belong to it any
    /// more, `Conflict` for whom another role was given meanwhile.
    pub(crate) async fn lock(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.lock_exclusive(&[&self.org.id.to_string()]).await?;
        let org = super::find_in(tx, &self.org.id.to_string()).await?;
        if org.is_none_or(|org| !org.is_active && !self.is_platform) {
            return refuse(Code::NotFound);
        }
        let Some((person, before)) = &self.member else { return Ok(()) };
        match super::standing(tx, self.org.id, *person).await? {
            None => refuse(Code::NotFound),
            Some(now) if now.permissions == *before => Ok(()),
            Some(_) => Err(Refusal::new(Code::Conflict).hint("Your role has changed; try again").into()),
        }
    }

    /// Refuses to give or to take what who entered does not hold: nobody acts on who stands above.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub(super) fn cover(&self, held: &[String]) -> Result<()> {
        let is_over = |one: &str| one.starts_with("org:") && one != permissions::BELONGING && !self.may(one);
        let over = held.iter().find(|one| is_over(one));
        over.map_or(Ok(()), |one| Err(lacks(one).into()))
    }
}

fn lacks(permission: &str) -> Refusal {
    let hint = format!("Missing required permission in the organisation: {permission}");
    Refusal::new(Code::ScopeMissing).hint(hint).fact("scope", permission)
}

/// The right over every organisation that stands for a permission in one.
fn platform_scope(permission: &str) -> &'static str {
    match permission {
        "org:connections:read" => return "admin:providers:read",
        permissions::PROVIDERS => return "admin:providers:write",
        "org:usage:read" => return "admin:usage:read",
        audit::of_org::READ => return "admin:audit:read",
        apis::of_org::READ => return "admin:apis:read",
        apis::of_org::WRITE => return "admin:apis:write",
        clients::of_org::READ => return "admin:clients:read",
        clients::of_org::WRITE => return "admin:clients:write",
        service_tokens::of_org::READ => return "admin:tokens:read",
        service_tokens::of_org::WRITE => return "admin:tokens:write",
        "org:announcements:read" => return "admin:announcements:read",
        "org:announcements:write" => return "admin:announcements:write",
        _ => {}
    }
    if permission.ends_with(":read") { "admin:orgs:read" } else { "admin:orgs:write" }
}

/// Enters an organisation, by id or short name, for what needs this permission. To who does not belong to
/// it, it does not exist.
///
/// # Errors
/// `NotFound`; `ScopeMissing` for one of its own who lacks the permission, `OrgAddress` for one who is
/// elsewhere.
pub async fn enter(call: &Call, holder: Holder, name: &str, permission: &'static str) -> Result<OrgScope> {
    let ask = (holder, name.to_owned(), permission, call.origin.address);
    call.realm
        .db
        .read("orgs.enter", ask, |tx, (holder, name, permission, from)| {
            Box::pin(async move {
                let Some(org) = super::find_in(tx, name).await? else { return refuse(Code::NotFound) };
                let platform = platform_scope(permission);
                if holder.scopes.iter().any(|held| held == "admin:*" || held == platform) {
                    return Ok(OrgScope {
                        org,
                        role: None,
                        held: Vec::new(),
                        is_platform: true,
                        member: None,
                    });
                }
                if !org.is_active || holder.tenant.is_some_and(|tenant| tenant != org.id) {
                    return refuse(Code::NotFound);
                }
                let scoped = holder.scopes.iter().filter(|scope| scope.starts_with("org:"));
                let mut held: Vec<String> = scoped.cloned().collect();
                let (mut role, mut member) = (None, None);
                if let Some(person) = holder.person {
                    let Some(standing) = super::standing(tx, org.id, person).await? else {
                        return refuse(Code::NotFound);
                    };
                    member = Some((person, standing.permissions.clone()));
                    held = match holder.tenant {
                        // A browser acts with all that its person may; a token with what it was allowed.
                        None => standing.permissions,
                        Some(_) => both(&held, &standing.permissions),
                    };
                    role = Some(standing.role);
                } else if holder.tenant.is_none() {
                    return refuse(Code::NotFound);
                }
                let scope = OrgScope { org, role, held, is_platform: false, member };
                scope.must(permission)?;
                if !addresses::admit(&scope.org.allowed_addresses, *from) {
                    return Err(places::elsewhere(*from));
                }
                Ok(scope)
            })
        })
        .await
}

/// What both of two sets hold; `org:*` in one of them holds whatever the other names.
fn both(one: &[String], other: &[String]) -> Vec<String> {
    let from = |set: &[String], by: &[String]| -> Vec<String> {
        set.iter().filter(|name| permissions::holds(by, name)).cloned().collect()
    };
    let mut all = from(one, other);
    all.extend(from(other, one));
    all.sort_unstable();
    all.dedup();
    all
}

/// A fault for a use case that was reached without its scope.
pub fn unentered() -> Error {
    Error::fault("an organisation's use case without its scope")
}
