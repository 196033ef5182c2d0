//! Announcements: what an administrator writes to everybody, and who runs an organisation to its members.
//!
//! Only to people who have agreed to be written to, at a proven address, and not any more once they have taken that
//! back: it is looked at when the mails are written to the outbox and once more when each is handed over. Mails are
//! written in batches with a pause between them, which all announcements share, and every other mail goes before
//! them: nobody's link for a new password waits behind thousands.
//!
//! Whoever unsubscribes from the instance's takes the consent back; whoever unsubscribes from an organisation's is
//! left alone by that organisation. The link in the mail is all that is needed (RFC 8058): it names the reader and
//! the sender, under a keyed hash, and can do nothing else.

mod send;
mod sql;
mod unsubscribe;

use doorward_proto::{
    id::{Announcement as Kind, Id, Org, User},
    time::Time,
};

pub(crate) use send::{next_due, send_due, wants};
pub use unsubscribe::{look, unsubscribe};

use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    mail::templates::check_message,
    orgs::{self, OrgScope},
    outcome::{Code, Error, Refusal, Result, refuse},
    page::{Page, PageAsk},
    throttle::{self, Try},
};

/// So many are kept of one sender.
const MOST: i64 = 1000;
/// People are counted so far, and no further.
pub const COUNTED: i64 = 10_000;

/// How far an announcement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Mails are being written.
    Sending,
    /// Every mail was written.
    Sent,
    /// Somebody has stopped it.
    Stopped,
}

impl Status {
    /// `sending`, `sent` or `stopped`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Stopped => "stopped",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Sending => 0,
            Self::Sent => 1,
            Self::Stopped => 2,
        }
    }

    fn from_number(number: i64) -> Result<Self> {
        let found = [Self::Sending, Self::Sent, Self::Stopped].into_iter().find(|one| one.number() == number);
        found.ok_or_else(|| Error::fault(format!("announcement status {number}")))
    }
}

/// An announcement.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Its id.
    pub id: Id<Kind>,
    /// Who says it: an organisation, or the instance's.
    pub org: Id<Org>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// How far it has come.
    pub status: Status,
    /// How many mails were written.
    pub written: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When the last mail was written.
    pub finished_at: Option<Time>,
}

/// Who says something.
#[derive(Debug, Clone)]
pub struct Sender {
    org: Id<Org>,
    is_team: bool,
}

impl Sender {
    /// The instance, by who administers it.
    pub fn instance(call: &Call) -> Self {
        Self { org: call.realm.instance_org, is_team: false }
    }

    /// The organisation that was entered.
    ///
    /// # Errors
    /// `ScopeMissing`; `Conflict` for one that is no team.
    pub fn org(scope: &OrgScope, permission: &'static str) -> Result<Self> {
        scope.must(permission)?;
        if scope.org().kind != orgs::Kind::Team {
            return Err(Refusal::new(Code::Conflict).hint("Only a team announces something").into());
        }
        Ok(Self { org: scope.id(), is_team: true })
    }

    /// The organisation whose members it is for; none for the instance.
    fn members_of(&self) -> Option<Id<Org>> {
        self.is_team.then_some(self.org)
    }
}

/// What is to be said.
#[derive(Debug, Clone, Default)]
pub struct NewAnnouncement {
    /// The subject.
    pub subject: String,
    /// The text, in blocks that empty lines part.
    pub text: String,
}

struct Make {
    call: Call,
    announcement: Announcement,
    tried: Try,
}

/// Says something: its mails are written from now on.
///
/// # Errors
/// `RequestInvalid` for what may not be sent, `RateLimited`, `Conflict` where too many are kept.
pub async fn make(call: &Call, sender: &Sender, new: NewAnnouncement) -> Result<Announcement> {
    let text = new.text.replace("\r\n", "\n").trim().to_owned();
    let subject = new.subject.trim().to_owned();
    check_message(&subject, &text, sender.is_team)?;
    let announcement = Announcement {
        id: call.id()?,
        org: sender.org,
        subject,
        text,
        status: Status::Sending,
        written: 0,
        created_by: call.actor.name(),
        created_at: call.now,
        finished_at: None,
    };
    let ask = Make { call: call.clone(), announcement, tried: throttle::announcing(call, sender.org) };
    call.realm.db.write("announcements.make", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Make {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Announcement> {
        let one = &self.announcement;
        throttle::take(tx, &self.tried).await?;
        if !orgs::takes(tx, one.org).await? {
            return refuse(Code::NotFound);
        }
        if sql::count(tx, one.org).await? >= MOST {
            return Err(Refusal::new(Code::Conflict).hint(format!("{MOST} are kept at most")).into());
        }
        sql::insert(tx, one).await?;
        let event = Event::new(&self.call, "announcement.made")?.subject(one.org).org(one.org);
        audit::record(tx, &event.fact("announcement", one.id.to_string())).await?;
        Ok(one.clone())
    }
}

/// What was said, the newest first.
pub async fn list(call: &Call, sender: &Sender, ask: PageAsk) -> Result<Page<Announcement>> {
    let rows = call
        .realm
        .db
        .read("announcements.list", (sender.org, ask.clone()), |tx, (org, ask)| {
            Box::pin(async move { sql::list(tx, *org, ask.after.as_deref(), ask.rows()).await })
        })
        .await?;
    Ok(ask.page(rows, |one| one.id.to_string()))
}

/// One of them.
///
/// # Errors
/// `NotFound`.
pub async fn find(call: &Call, sender: &Sender, id: Id<Kind>) -> Result<Announcement> {
    let found = call
        .realm
        .db
        .read("announcements.find", (sender.org, id), |tx, (org, id)| {
            Box::pin(async move { sql::find(tx, *org, *id).await })
        })
        .await?;
    found.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// Writes no more mails of it. One that is over stays as it is.
///
/// # Errors
/// `NotFound`.
pub async fn stop(call: &Call, sender: &Sender, id: Id<Kind>) -> Result<Announcement> {
    let event = Event::new(call, "announcement.stopped")?.subject(sender.org).org(sender.org);
    let ask = (sender.org, id, event.fact("announcement", id.to_string()), call.now);
    call.realm
        .db
        .write("announcements.stop", ask, |tx, (org, id, event, now)| {
            Box::pin(async move {
                if sql::stop(tx, *org, *id, *now).await? > 0 {
                    audit::record(tx, event).await?;
                }
                match sql::find(tx, *org, *id).await? {
                    Some(one) => Ok(one),
                    None => refuse(Code::NotFound),
                }
            })
        })
        .await
}

/// How many people would be written to now, counted up to [`COUNTED`].
pub async fn reach(call: &Call, sender: &Sender) -> Result<i64> {
    call.realm
        .db
        .scan("announcements.reach", sender.members_of(), |tx, org| {
            Box::pin(async move { sql::reach(tx, *org, COUNTED).await })
        })
        .await
}

/// Somebody's consent to be written to.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Who.
    pub user: Id<User>,
    /// The address, if there is one.
    pub email: Option<String>,
    /// Whether it is proven.
    pub is_verified: bool,
    /// When.
    pub at: Time,
    /// The words that were agreed to, and their language.
    pub words: Option<String>,
}

/// Who has agreed to be written to, when and to which words.
pub async fn consents(call: &Call, ask: PageAsk) -> Result<Page<Consent>> {
    let rows = call
        .realm
        .db
        .scan("announcements.consents", ask.clone(), |tx, ask| {
            Box::pin(async move { sql::consents(tx, ask.after.as_deref(), ask.rows()).await })
        })
        .await?;
    Ok(ask.page(rows, |one| one.user.to_string()))
}

/// Takes what an organisation that ends has said, and who did not want to hear it.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    sql::remove_all(tx, org).await
}

/// Forgets what a person who is deleted did not want to hear.
pub(crate) async fn forget(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::forget(tx, user).await
}
