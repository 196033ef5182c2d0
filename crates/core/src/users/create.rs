//! A new person: principal, facts, mail address, personal organisation and membership in one operation.

use doorward_proto::{
    id::{Id, Org as OrgKind, User as UserKind},
    time::Time,
};

use super::{Email, PlatformRole, Profile, User, manage, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    credentials::{self, Hashed},
    db::Tx,
    orgs::{self, Kind as OrgUse, Org},
    outcome::{Code, Error, Refusal, Result, refuse},
    principals,
};

/// The name of everybody's own organisation: applications see it, so it says nothing of the person.
pub(super) const PERSONAL: &str = "Personal";

/// What a person is made of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The primary mail address.
    pub email: Email,
    /// Whether the address has been proven.
    pub email_verified: bool,
    /// The full name.
    pub name: Option<String>,
    /// A name to sign in with besides the mail address.
    pub username: Option<String>,
    /// What the person may do to the platform.
    pub platform_role: PlatformRole,
    /// Names of roles, as they appear in tokens.
    pub roles: Vec<String>,
    /// The standard claims.
    pub profile: Profile,
    /// The language.
    pub locale: Option<String>,
    /// The time zone.
    pub zone: Option<String>,
    /// The password's hash; without one the person sets a password by a link.
    pub password: Option<Hashed>,
    /// The version of the text by which the person agreed to be written to.
    pub marketing_consent: Option<String>,
    /// An organisation to belong to besides the personal one, and the role there.
    pub joins: Option<(Id<OrgKind>, String)>,
}

impl NewUser {
    /// A person of whom only the address is known.
    pub fn new(email: Email) -> Self {
        Self {
            email,
            email_verified: false,
            name: None,
            username: None,
            platform_role: PlatformRole::User,
            roles: Vec::new(),
            profile: Profile::default(),
            locale: None,
            zone: None,
            password: None,
            marketing_consent: None,
            joins: None,
        }
    }
}

/// A person about to be written: ids are made outside the operation.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(super) id: Id<UserKind>,
    org: Id<OrgKind>,
    pub(super) ask: NewUser,
    pub(super) now: Time,
    event: Event,
    welcome: orgs::Welcome,
    /// Whether somebody who was anonymous registers.
    registers: bool,
}

impl Prepared {
    /// Checks what was asked and makes the ids.
    pub(crate) fn new(call: &Call, mut ask: NewUser) -> Result<Self> {
        ask.name = ask.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        manage::check_texts(ask.name.as_deref(), ask.username.as_deref(), &ask.roles)?;
        manage::check_language(ask.locale.as_deref(), ask.zone.as_deref())?;
        ask.profile.check()?;
        let (id, org): (Id<UserKind>, Id<OrgKind>) = (call.id()?, call.id()?);
        let event = Event::new(call, "user.created")?
            .subject(id)
            .org(org)
            .detail("email", ask.email.address())
            .fact("platform_role", ask.platform_role.name());
        let welcome = orgs::Welcome::new(call, id)?;
        Ok(Self { id, org, ask, now: call.now, event, welcome, registers: false })
    }

    /// The same for somebody who has been here without an account: the subject stays.
    pub(crate) fn registering(call: &Call, ask: NewUser, person: &User) -> Result<Self> {
        let new = Self::new(call, ask)?;
        let event = Event::new(call, "user.registered")?
            .subject(person.id)
            .org(person.org)
            .detail("email", new.ask.email.address());
        let welcome = orgs::Welcome::new(call, person.id)?;
        Ok(Self { id: person.id, org: person.org, event, welcome, registers: true, ..new })
    }

    /// The id that the person will have.
    pub(crate) const fn id(&self) -> Id<UserKind> {
        self.id
    }
}

/// Writes a new person; refuses when the address or the user name is taken.
pub(crate) async fn insert(tx: &mut Tx<'_>, new: &Prepared) -> Result<()> {
    if new.registers {
        // By another link meanwhile, or not seen for too long.
        if !sql::register(tx, new).await? {
            return refuse(Code::LinkInvalid);
        }
    } else {
        insert_person(tx, new).await?;
    }
    let verified_at = new.ask.email_verified.then_some(new.now);
    if sql::insert_email(tx, new.id, &new.ask.email, verified_at, new.now).await? == 0 {
        return Err(Refusal::new(Code::EmailTaken).field("email").into());
    }
    if let Some((org, role)) = &new.ask.joins {
        orgs::join(tx, *org, new.id, role, new.now).await?;
    }
    new.welcome.newcomer(tx, new.id).await?;
    if new.ask.email_verified {
        new.welcome.by_address(tx, new.id, &new.ask.email).await?;
    }
    if let Some(password) = &new.ask.password {
        credentials::store(tx, new.id, password, new.now).await?;
    }
    if new.registers {
        tx.raise_changes().await?;
    }
    audit::record(tx, &new.event).await
}

async fn insert_person(tx: &mut Tx<'_>, new: &Prepared) -> Result<()> {
    let personal = Org::new(new.org, OrgUse::Personal, PERSONAL, new.now);
    orgs::insert(tx, &personal).await?;
    principals::insert(tx, new.id, principals::Kind::User, new.org, new.now).await?;
    if sql::insert(tx, new).await? == 0 {
        return Err(Refusal::new(Code::Conflict).field("username").hint("The user name is taken").into());
    }
    orgs::join(tx, new.org, new.id, orgs::OWNER, new.now).await
}

/// Makes a person, for administrators: it says when the address is taken. Without an organisation the
/// person joins the instance's.
pub async fn create(call: &Call, mut ask: NewUser) -> Result<User> {
    if ask.joins.is_none() {
        ask.joins = Some((call.realm.instance_org, orgs::MEMBER.to_owned()));
    }
    let new = Prepared::new(call, ask)?;
    call.realm
        .db
        .write("users.create", new, |tx, new| {
            Box::pin(async move {
                if let Some((org, _)) = &new.ask.joins
                    && !orgs::takes(tx, *org).await?
                {
                    return refuse(Code::NotFound);
                }
                insert(tx, new).await?;
                sql::find(tx, new.id).await?.ok_or_else(|| Error::fault("the new person is not there"))
            })
        })
        .await
}
