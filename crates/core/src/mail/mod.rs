//! Mail: an outbox of rows, written with the change they tell of, sent afterwards.
//!
//! A mail's parameters hold links, so they are sealed. The words come from the catalogue in the
//! reader's language, as text and as HTML. Sending is the binary's: it hands a [`Transport`] in; without
//! one, mails wait and can be read by an administrator. A mail is claimed by a guarded write, tried
//! again with growing pauses, and given up when it is of no use any more. At most one mail is sent twice
//! when a process dies between sending and saying so.

mod catalogue;
mod deliver;
mod render;
mod sql;
pub mod templates;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use doorward_proto::{
    id::{Client, Id, Mail as MailKind, Org, User},
    time::Time,
};
use futures_util::future::BoxFuture;

pub use catalogue::{LANGUAGES, language_for};
pub(crate) use deliver::{deliver_due, next_due};
pub use render::{LOGO, Rendered};

use crate::{
    audit::{self, Event},
    branding::Picture,
    call::Call,
    db::Tx,
    outcome::{Code, Error, Result, refuse},
    page::{Page, PageAsk},
    users::Email,
};

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Finish signing up.
    VerifySignUp,
    /// Somebody signed up with an address that has an account.
    AlreadySignedUp,
    /// Set a new password.
    ResetPassword,
    /// Prove again who one is.
    SignInAgain,
    /// An administrator asks the reader to set a new password.
    ResetOffered,
    /// Somebody has made an account for the reader, who chooses its password.
    AccountMade,
    /// Prove a new address.
    VerifyEmail,
    /// To the old address: it is not the account's any more.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A sign-in elsewhere was linked with the account.
    SignInLinked,
    /// A sign-in elsewhere was unlinked.
    SignInUnlinked,
    /// The account was deleted.
    AccountDeleted,
    /// A service token that the reader answers for ends soon.
    ServiceTokenEnds,
    /// A service token that the reader answers for was reported as leaked, and ended.
    ServiceTokenLeaked,
    /// A service token that the reader answers for has not been reviewed for long.
    ServiceTokenReview,
    /// One that does not end by itself has not been rotated for long.
    ServiceTokenRotation,
    /// An organisation asks the reader to join.
    Invitation,
    /// A domain of an organisation that the reader owns is not proven any more.
    DomainLost,
    /// Something that is said to many who agreed to hear it.
    Announcement,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 19] = [
        Self::VerifySignUp,
        Self::AlreadySignedUp,
        Self::ResetPassword,
        Self::SignInAgain,
        Self::ResetOffered,
        Self::AccountMade,
        Self::VerifyEmail,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::SignInLinked,
        Self::SignInUnlinked,
        Self::AccountDeleted,
        Self::ServiceTokenEnds,
        Self::ServiceTokenLeaked,
        Self::ServiceTokenReview,
        Self::ServiceTokenRotation,
        Self::Invitation,
        Self::DomainLost,
        Self::Announcement,
    ];

    /// The name in the outbox and in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifySignUp => "verify-sign-up",
            Self::AlreadySignedUp => "already-signed-up",
            Self::ResetPassword => "reset-password",
            Self::SignInAgain => "sign-in-again",
            Self::ResetOffered => "reset-offered",
            Self::AccountMade => "account-made",
            Self::VerifyEmail => "verify-email",
            Self::EmailChanged => "email-changed",
            Self::PasswordChanged => "password-changed",
            Self::SignInLinked => "sign-in-linked",
            Self::SignInUnlinked => "sign-in-unlinked",
            Self::AccountDeleted => "account-deleted",
            Self::ServiceTokenEnds => "service-token-ends",
            Self::ServiceTokenLeaked => "service-token-leaked",
            Self::ServiceTokenReview => "service-token-review",
            Self::ServiceTokenRotation => "service-token-rotation",
            Self::Invitation => "invitation",
            Self::DomainLost => "domain-lost",
            Self::Announcement => "announcement",
        }
    }

    /// What is said to many waits for everything that somebody waits for.
    const fn priority(self) -> i64 {
        let [first, last] = Self::PRIORITIES;
        if matches!(self, Self::Announcement) { last } else { first }
    }

    /// In this order mails are sent.
    const PRIORITIES: [i64; 2] = [0, 1];

    fn from_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|template| template.name() == name);
        found.ok_or_else(|| Error::fault(format!("mail template {name}")))
    }
}

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not sent yet.
    Waiting,
    /// Handed to the mail server.
    Sent,
    /// Not tried any more.
    GivenUp,
}

impl Status {
    /// `waiting`, `sent` or `given_up`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
        }
    }

    fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Waiting),
            1 => Ok(Self::Sent),
            2 => Ok(Self::GivenUp),
            other => Err(Error::fault(format!("mail status {other}"))),
        }
    }
}

/// A mail in the outbox.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its id.
    pub id: Id<MailKind>,
    /// Whose account it is about.
    pub user: Option<Id<User>>,
    /// The organisation in whose name it is sent, if not in the server's.
    pub org: Option<Id<Org>>,
    /// The application whose sign-in it belongs to.
    pub client: Option<Id<Client>>,
    /// The address.
    pub recipient: String,
    /// What it is about.
    pub template: Template,
    /// In which language.
    pub locale: String,
    /// What became of it.
    pub status: Status,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: Time,
    /// When it was sent.
    pub sent_at: Option<Time>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Time,
    /// When it is of no use any more.
    pub expires_at: Option<Time>,
}

/// A mail as it goes out.
#[derive(Debug, Clone)]
pub struct OutgoingMail {
    /// Names the mail in `Message-ID`: the same for every try.
    pub id: Id<MailKind>,
    /// The sender, `Name <address>`.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// The logo that the HTML shows as `cid:logo`.
    pub logo: Option<Picture>,
    /// What else its head says.
    pub headers: Vec<(&'static str, String)>,
}

/// Why a mail could not be handed over.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct SendFailure {
    /// Whether another try is pointless (the server refused the recipient for good).
    pub is_final: bool,
    /// For the outbox and the log; no secret.
    pub why: String,
}

/// Hands mails to a mail server.
pub type Transport =
    Arc<dyn Fn(OutgoingMail) -> BoxFuture<'static, std::result::Result<(), SendFailure>> + Send + Sync>;

/// A mail about to be written to the outbox.
#[derive(Debug, Clone)]
pub(crate) struct NewMail {
    id: Id<MailKind>,
    user: Option<Id<User>>,
    org: Option<Id<Org>>,
    client: Option<Id<Client>>,
    recipient: String,
    template: Template,
    locale: String,
    parameters: Vec<u8>,
    now: Time,
    expires_at: Option<Time>,
}

/// Whom a mail goes to.
#[derive(Debug, Clone)]
pub(crate) struct Recipient<'a> {
    /// Whose account it is about.
    pub(crate) user: Option<Id<User>>,
    /// The address.
    pub(crate) email: &'a str,
    /// The language asked for, if any.
    pub(crate) locale: Option<&'a str>,
}

impl<'a> Recipient<'a> {
    /// Somebody who has no account yet.
    pub(crate) fn stranger(email: &'a Email, locale: Option<&'a str>) -> Self {
        Self { user: None, email: email.address(), locale }
    }
}

/// Prepares a mail: picks the language, seals the parameters.
pub(crate) fn prepare(
    call: &Call,
    to: &Recipient<'_>,
    template: Template,
    parameters: &[(&str, &str)],
    expires_at: Option<Time>,
) -> Result<NewMail> {
    let id: Id<MailKind> = call.id()?;
    let map: BTreeMap<&str, &str> = parameters.iter().copied().collect();
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&map)?);
    Ok(NewMail {
        id,
        user: to.user,
        org: None,
        client: call.asked_by,
        recipient: to.email.to_owned(),
        template,
        locale: language_for(to.locale).to_owned(),
        parameters: call.realm.vault.seal(&call.realm.env, &place(id), &plain)?,
        now: call.now,
        expires_at,
    })
}

impl NewMail {
    /// A mail about an account.
    #[must_use]
    pub(crate) fn about(mut self, user: Id<User>) -> Self {
        self.user = Some(user);
        self
    }

    /// A mail in the name of an organisation.
    #[must_use]
    pub(crate) const fn of(mut self, org: Id<Org>) -> Self {
        self.org = Some(org);
        self
    }
}

/// Writes a mail to the outbox, with the change it tells of.
pub(crate) async fn enqueue(tx: &mut Tx<'_>, mail: &NewMail) -> Result<()> {
    sql::insert(tx, mail).await
}

fn place(id: Id<MailKind>) -> String {
    format!("mails/{id}")
}

/// A page of the outbox, the newest first.
pub async fn list(call: &Call, status: Option<Status>, ask: PageAsk) -> Result<Page<Mail>> {
    let rows = call
        .realm
        .db
        .scan("mail.list", (status, ask.clone()), |tx, (status, ask)| {
            Box::pin(async move { sql::list(tx, *status, ask.after.as_deref(), ask.rows()).await })
        })
        .await?;
    Ok(ask.page(rows, |mail| mail.id.to_string()))
}

/// A mail without its words.
///
/// # Errors
/// `NotFound`.
pub async fn find(call: &Call, id: Id<MailKind>) -> Result<Mail> {
    let found = call
        .realm
        .db
        .read("mail.find", id, |tx, id| Box::pin(async move { sql::find(tx, *id).await }))
        .await?;
    found.map_or_else(|| refuse(Code::NotFound), |(mail, _)| Ok(mail))
}

/// A mail with its words. They hold working links, so this is for administrators only, and an event of its
/// own.
///
/// # Errors
/// `NotFound`.
pub async fn show(call: &Call, id: Id<MailKind>) -> Result<(Mail, Rendered)> {
    let event = Event::new(call, "mail.read")?.fact("mail", id.to_string());
    let (mail, sealed) = call
        .realm
        .db
        .write("mail.show", (id, event), |tx, (id, event)| {
            Box::pin(async move {
                let Some((mail, sealed)) = sql::find(tx, *id).await? else { return refuse(Code::NotFound) };
                let event = event.clone().fact("template", mail.template.name());
                let event = match mail.user {
                    Some(user) => event.subject(user),
                    None => event,
                };
                audit::record(tx, &event).await?;
                Ok((mail, sealed))
            })
        })
        .await?;
    let rendered = render::open(call, &mail, &sealed).await?;
    Ok((mail, rendered))
}

/// Tries a mail again now, one that was given up too.
pub async fn retry(call: &Call, id: Id<MailKind>) -> Result<Mail> {
    call.realm
        .db
        .write("mail.retry", (id, call.now), |tx, (id, now)| {
            Box::pin(async move {
                let Some((mail, _)) = sql::find(tx, *id).await? else { return refuse(Code::NotFound) };
                if mail.status == Status::Sent || sql::retry(tx, *id, *now).await? == 0 {
                    return refuse(Code::Conflict);
                }
                let again = sql::find(tx, *id).await?;
                again.map(|(mail, _)| mail).ok_or_else(|| Error::fault("the mail is not there"))
            })
        })
        .await
}

/// Removes the mails about a person who is deleted.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::remove_all_of(tx, user).await
}

/// Removes a batch of mails that were sent or given up long ago; answers how many went.
pub(crate) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    sql::clean(tx, before).await
}
