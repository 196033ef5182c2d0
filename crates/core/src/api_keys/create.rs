//! A new key.

use std::time::Duration;

use doorward_proto::{
    id::{ApiKey as ApiKeyKind, Id, Org, User},
    secret::{Kind, Opaque, SecretText},
};

use super::{ApiKey, Terms, WithSecret, present, rights_of, sql, validate};
use crate::{
    audit,
    call::Call,
    credentials,
    db::Tx,
    orgs,
    outcome::{Code, Refusal, Result},
    principals,
    rights::Rights,
    users::{self, PlatformRole},
};

/// How much of a secret is shown in lists, behind what all of its kind begin with.
const SHOWN: usize = 6 + 8;

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// An organisation's; the instance's where none is named.
    Org(Option<Id<Org>>),
    /// A person's, for an organisation of theirs; the personal one where none is named.
    Person(Id<User>, Option<Id<Org>>),
}

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose.
    pub whose: Whose,
    /// What it is like.
    pub terms: Terms,
    /// How long it lives, in seconds; as long as the operator lets keys live where nothing is said.
    pub expires_in: Option<u64>,
}

struct Create {
    call: Call,
    id: Id<ApiKeyKind>,
    whose: Whose,
    terms: Terms,
    secret: Opaque,
    lifetime: Duration,
    rights: Option<Rights>,
}

/// Makes a key and tells its secret. A key for a person is for who administers people: it acts as them.
///
/// # Errors
/// `RequestInvalid`, `TokenLifetime`, `ScopeMissing`, `WorkspaceForbidden`.
pub async fn create(call: &Call, new: NewKey, rights: Rights) -> Result<WithSecret> {
    make(call, new, Some(rights)).await
}

/// Makes a key of one's own, which needs the present password: it outlives the session.
///
/// # Errors
/// As [`create`], and `PasswordWrong`.
pub async fn create_own(
    call: &Call,
    (user, password): (Id<User>, &SecretText),
    new: NewKey,
) -> Result<WithSecret> {
    credentials::confirm(call, user, password).await?;
    let org = match new.whose {
        Whose::Person(_, org) | Whose::Org(org) => org,
    };
    make(call, NewKey { whose: Whose::Person(user, org), ..new }, None).await
}

async fn make(call: &Call, new: NewKey, rights: Option<Rights>) -> Result<WithSecret> {
    validate::terms(&new.terms)?;
    let lifetime = validate::lifetime(new.expires_in, call.realm.settings.api_keys.max_lifetime)?;
    let kind = match new.whose {
        Whose::Org(_) => Kind::ApiKey,
        Whose::Person(..) => Kind::PersonalKey,
    };
    let secret = call.secret(kind)?;
    let ask = Create {
        call: call.clone(),
        id: call.id()?,
        whose: new.whose,
        terms: new.terms,
        secret: secret.clone(),
        lifetime,
        rights,
    };
    let key = call.realm.db.write("api_keys.create", ask, |tx, ask| Box::pin(ask.run(tx))).await?;
    Ok(WithSecret { key, secret })
}

impl Create {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<ApiKey> {
        let (org, user, is_own) = match self.whose {
            Whose::Org(org) => (self.for_org(tx, org).await?, None, false),
            Whose::Person(user, org) => {
                let (org, role) = self.for_person(tx, user, org).await?;
                let own = self.rights.is_none().then(|| rights_of(&self.call, role));
                if let Some(own) = &own {
                    cover(own, &self.terms)?;
                }
                (org, Some(user), own.is_some())
            }
        };
        if let Some(rights) = &self.rights {
            cover(rights, &self.terms)?;
        }
        let instance = self.call.realm.instance_org;
        orgs::workspaces::must_be_of(tx, (org, instance), &self.terms.workspace_ids).await?;
        let now = self.call.now;
        let principal = if let Some(user) = user {
            user.to_string()
        } else {
            principals::insert(tx, self.id, principals::Kind::Service, org, now).await?;
            self.id.to_string()
        };
        let row = sql::NewRow {
            id: self.id,
            principal,
            org,
            user,
            shown: self.secret.expose().chars().take(SHOWN).collect(),
            hash: self.call.realm.vault.hash(&self.secret),
            hash_key: self.call.realm.vault.hash_key_id().to_owned(),
            is_own,
            created_by: self.call.actor.name(),
            created_at: now,
            expires_at: now + self.lifetime,
        };
        if !sql::insert(tx, &row, &self.terms).await? {
            return Err(unknown("user_id", "The account cannot be used").into());
        }
        let key = present(tx, self.id, None).await?;
        let event = key.event(&self.call, "api_key.created")?;
        let event = event.fact("may", key.terms.names()).fact("expires_at", key.expires_at.to_string());
        audit::record(tx, &event).await?;
        Ok(key)
    }

    async fn for_org(&self, tx: &mut Tx<'_>, org: Option<Id<Org>>) -> Result<Id<Org>> {
        match org {
            Some(org) if !orgs::takes(tx, org).await? => {
                Err(unknown("org_id", "No such organisation").into())
            }
            org => Ok(org.unwrap_or(self.call.realm.instance_org)),
        }
    }

    /// The organisation in which the person's key acts, and what the person may do to the platform.
    async fn for_person(
        &self,
        tx: &mut Tx<'_>,
        user: Id<User>,
        org: Option<Id<Org>>,
    ) -> Result<(Id<Org>, PlatformRole)> {
        if let Some(rights) = &self.rights {
            rights.must_hold("admin:users:write")?;
        }
        let Some(person) = users::find_in(tx, user).await? else {
            return Err(unknown("user_id", "No such person").into());
        };
        if let Some(rights) =
            self.rights.as_ref().filter(|_| person.platform_role == PlatformRole::Administrator)
        {
            rights.must_hold("admin:*")?;
        }
        let org = org.unwrap_or(person.org);
        if orgs::standing(tx, org, user).await?.is_none() {
            return Err(unknown("org_id", "The person does not belong to the organisation").into());
        }
        Ok((org, person.platform_role))
    }
}

fn unknown(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// Refuses to hand on what is not held.
pub(super) fn cover(rights: &Rights, terms: &Terms) -> Result<()> {
    rights.cover(terms.names().iter().map(String::as_str), &terms.workspace_ids)
}
