//! People: who they are, their standard claims, whether they may sign in.
//!
//! A person has a principal (status, epoch), mail addresses, a personal organisation, and one table
//! for each kind of credential. Nothing here tells a stranger whether an address is known; the use
//! cases for administrators do, and say so.

mod account;
pub mod anonymous;
mod create;
mod email;
mod list;
mod manage;
mod picture;
mod profile;
pub mod setup;
mod sign_up;
mod sql;

#[cfg(test)]
mod tests;

use doorward_proto::{
    id::{Id, Org, User as UserKind},
    time::Time,
};

pub use account::{change_email, check_change_email, confirm_email, delete};
pub use create::{NewUser, create};
pub(crate) use create::{Prepared, insert};
pub use email::Email;
pub use list::{ListAsk, list};
pub(crate) use manage::withdraw_consent;
pub use manage::{Change, end, resume, suspend, update};
pub use picture::{PICTURE, PICTURES, picture, set_picture};
pub use profile::{Address, Profile};
pub use sign_up::{Proof, SignUpAsk, SignUpLink, check_sign_up, sign_up, verify};
pub(crate) use sign_up::{check_domain, check_open};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    links,
    orgs::{self, Membership},
    outcome::{Code, Error, Refusal, Result, refuse},
    principals::Status,
};

/// What a person may do to the platform itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlatformRole {
    /// Nothing beyond one's own account.
    #[default]
    User,
    /// Everything.
    Administrator,
}

impl PlatformRole {
    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::User => 0,
            Self::Administrator => 1,
        }
    }
    /// The platform's word in tokens: `user` or `admin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Administrator => "admin",
        }
    }

    pub(crate) fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::User),
            1 => Ok(Self::Administrator),
            other => Err(Error::fault(format!("platform role {other}"))),
        }
    }
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// The subject of tokens.
    pub id: Id<UserKind>,
    /// The personal organisation.
    pub org: Id<Org>,
    /// Whether the person may sign in.
    pub status: Status,
    /// Under which epoch things are issued.
    pub epoch: i64,
    /// The full name.
    pub name: Option<String>,
    /// A name to sign in with besides mail addresses.
    pub username: Option<String>,
    /// The primary mail address.
    pub email: Option<String>,
    /// When that address was proven.
    pub email_verified_at: Option<Time>,
    /// What the person may do to the platform.
    pub platform_role: PlatformRole,
    /// Names of roles, as they appear in tokens.
    pub roles: Vec<String>,
    /// The standard claims.
    pub profile: Profile,
    /// The language (BCP 47).
    pub locale: Option<String>,
    /// The time zone (IANA).
    pub zone: Option<String>,
    /// When the person agreed to be written to, if so.
    pub marketing_consent_at: Option<Time>,
    /// The version of the text that was agreed to.
    pub marketing_consent_text: Option<String>,
    /// Whether there is no account yet: nobody can sign in, and nothing is known of the person.
    pub is_anonymous: bool,
    /// Moves with every change; the entity tag.
    pub version: i64,
    /// When the account was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A person with the organisations: what ID tokens and userinfo are made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The person.
    pub user: User,
    /// The organisations, the personal one first.
    pub orgs: Vec<Membership>,
}

/// Looks a person up inside an operation.
pub async fn find_in(tx: &mut ReadTx<'_>, id: Id<UserKind>) -> Result<Option<User>> {
    sql::find(tx, id).await
}

/// Looks a person up.
pub async fn find(call: &Call, id: Id<UserKind>) -> Result<Option<User>> {
    call.realm.db.read("users.find", id, |tx, id| Box::pin(async move { sql::find(tx, *id).await })).await
}

/// A person who must exist.
pub async fn get(call: &Call, id: Id<UserKind>) -> Result<User> {
    match find(call, id).await? {
        Some(user) => Ok(user),
        None => refuse(Code::NotFound),
    }
}

/// Looks a person up by any of their mail addresses. For administrators: it tells whether one is known.
pub async fn find_by_email(call: &Call, email: &Email) -> Result<Option<User>> {
    call.realm
        .db
        .read("users.find_by_email", email.folded().to_owned(), |tx, folded| {
            Box::pin(async move {
                match sql::owner_of_email(tx, folded).await? {
                    Some(id) => sql::find(tx, id).await,
                    None => Ok(None),
                }
            })
        })
        .await
}

/// Looks up whom an identifier (a mail address or a user name, as typed) means.
pub(crate) async fn find_by_identifier(tx: &mut ReadTx<'_>, folded: &str) -> Result<Option<Id<UserKind>>> {
    if folded.contains('@') {
        sql::owner_of_email(tx, folded).await
    } else {
        sql::owner_of_username(tx, folded).await
    }
}

/// How an identifier is compared: a folded mail address, or a lower-case user name.
pub(crate) fn fold_identifier(text: &str) -> String {
    Email::parse(text).map_or_else(|_| text.trim().to_lowercase(), |email| email.folded().to_owned())
}

/// The person with the organisations, in one operation.
pub async fn facts(call: &Call, id: Id<UserKind>) -> Result<Option<Facts>> {
    call.realm.db.read("users.facts", id, |tx, id| Box::pin(async move { facts_in(tx, *id).await })).await
}

/// The same inside an operation.
pub async fn facts_in(tx: &mut ReadTx<'_>, id: Id<UserKind>) -> Result<Option<Facts>> {
    let Some(user) = sql::find(tx, id).await? else { return Ok(None) };
    let orgs = orgs::of_user(tx, id).await?;
    Ok(Some(Facts { user, orgs }))
}

/// Whether there is one who signs in with more than a password.
pub(crate) async fn has_protected_administrator(tx: &mut ReadTx<'_>) -> Result<bool> {
    sql::has_protected_administrator(tx).await
}

/// Whether there is an administrator who can sign in.
pub async fn has_administrator(tx: &mut ReadTx<'_>) -> Result<bool> {
    sql::has_administrator(tx).await
}

/// Makes an address that was proven the primary one, in the place of the present one. Refuses when it
/// belongs to somebody else.
pub(crate) async fn replace_email(tx: &mut Tx<'_>, id: Id<UserKind>, new: &Email, now: Time) -> Result<()> {
    set_email(tx, id, new, Some(now), now).await?;
    sql::touch(tx, id, now).await
}

/// Makes an address, proven or not, the only one. Links that went to another one end, and what was told
/// before is not told again.
async fn set_email(
    tx: &mut Tx<'_>,
    id: Id<UserKind>,
    new: &Email,
    proven_at: Option<Time>,
    now: Time,
) -> Result<()> {
    sql::remove_emails_except(tx, id, new.folded()).await?;
    if sql::insert_email(tx, id, new, proven_at, now).await? == 0 {
        if sql::owner_of_email(tx, new.folded()).await? != Some(id) {
            return Err(Refusal::new(Code::EmailTaken).field("email").into());
        }
        if proven_at.is_some() {
            sql::prove_email(tx, id, new, now).await?;
        }
    }
    links::end_all_of(tx, id, now).await?;
    tx.raise_changes().await
}

/// Notes that an address was proven by a link sent to it.
pub(crate) async fn prove_email(tx: &mut Tx<'_>, id: Id<UserKind>, email: &Email, now: Time) -> Result<()> {
    sql::prove_email(tx, id, email, now).await
}
