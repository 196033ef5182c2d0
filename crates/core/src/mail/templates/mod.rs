//! What somebody has written in place of our own words for a kind of mail, in one language: for the instance, and
//! by an organisation for the mails that are sent in its name.
//!
//! The words are text with `{{variables}}`, and HTML of a few plain elements where text is not enough. What a mail
//! must say cannot be left out, what stands below it cannot be changed, and a mail is always sent: where a
//! variable has no value, the next words in line are taken, ours at the end.
//!
//! An organisation writes only what is sent in its name ([`Template::is_of_organization`]), never what is about an
//! account: whoever could word "set a new password" could ask for one. Its mails lead where the server's link
//! leads and nowhere else, so that nobody's own address travels in a mail that comes from this server.

mod edited;
mod html;
mod leads;
mod sql;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use doorward_proto::id::{Id, Org, User};

pub use edited::Edited;
pub(super) use edited::Written;
pub(crate) use edited::check_message;
pub(crate) use leads::broken;
pub(super) use words::Words;

use super::{
    LANGUAGES, Mail, Recipient, Rendered, Template, catalogue, enqueue, prepare,
    render::{self, Dress},
};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::Tx,
    orgs::{Kind, OrgScope},
    outcome::{Code, Refusal, Result, refuse},
    throttle, users,
};
use words::mark;

/// Among a mail's parameters: somebody only tries out how it looks.
pub(super) const TEST: &str = "test";

/// Something that a mail can say, and may have to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// What it is called.
    pub name: &'static str,
    /// Whether the mail is of no use without it.
    pub is_required: bool,
}

impl Template {
    /// What a mail of this kind can say.
    pub fn variables(self) -> Vec<Variable> {
        let (required, more): (&[_], &[_]) = match self {
            Self::VerifySignUp
            | Self::ResetPassword
            | Self::SignInAgain
            | Self::ResetOffered
            | Self::AccountMade
            | Self::VerifyEmail => (&["link"], &["minutes"]),
            Self::AlreadySignedUp => (&["link"], &[]),
            Self::EmailChanged => (&["address"], &[]),
            Self::PasswordChanged => (&["link"], &["when"]),
            Self::SignInLinked | Self::SignInUnlinked => (&["link", "name"], &["when"]),
            Self::AccountDeleted => (&[], &["when"]),
            Self::ServiceTokenEnds => (&["name", "when"], &["days"]),
            Self::ServiceTokenLeaked | Self::ServiceTokenReview | Self::ServiceTokenRotation => {
                (&["name"], &["when"])
            }
            Self::Invitation => (&["link", "org"], &["inviter", "role", "when"]),
            Self::Announcement => (&[], &[]),
            Self::DomainLost => (&["domain"], &["record", "value", "link"]),
        };
        let of = |is_required| move |name: &&'static str| Variable { name, is_required };
        let all = required.iter().map(of(true)).chain(more.iter().map(of(false)));
        all.chain([Variable { name: "issuer", is_required: false }]).collect()
    }

    /// Whether mails of this kind are sent in the name of an organisation, which may word them.
    pub const fn is_of_organization(self) -> bool {
        matches!(self, Self::Invitation)
    }

    /// A kind by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }
}

/// What stands for a variable where somebody only looks.
fn sample(call: &Call, name: &str) -> String {
    match name {
        "link" | "issuer" => call.realm.issuer.clone(),
        "minutes" => "60".to_owned(),
        "days" => "14".to_owned(),
        "when" => call.now.to_human(),
        "address" => "new.address@example.com".to_owned(),
        "org" => "Example".to_owned(),
        "inviter" => "Ada Lovelace".to_owned(),
        "role" => "member".to_owned(),
        _ => "example".to_owned(),
    }
}

/// Whose words.
#[derive(Debug, Clone)]
pub struct Place {
    org: Id<Org>,
    /// The organisation's name; nothing for the instance.
    name: Option<String>,
}

impl Place {
    /// The instance's, for who administers it.
    pub fn instance(call: &Call) -> Self {
        Self { org: call.realm.instance_org, name: None }
    }

    /// Those of the organisation that was entered.
    ///
    /// # Errors
    /// `ScopeMissing`; `Conflict` for one that is no team.
    pub fn org(scope: &OrgScope, permission: &'static str) -> Result<Self> {
        scope.must(permission)?;
        if scope.org().kind != Kind::Team {
            return Err(Refusal::new(Code::Conflict).hint("Only a team words its mails").into());
        }
        Ok(Self { org: scope.id(), name: Some(scope.org().name.clone()) })
    }

    /// The kinds of mail that are worded here.
    pub fn templates(&self) -> impl Iterator<Item = Template> {
        let is_team = self.name.is_some();
        let is_worded = |template: &Template| *template != Template::Announcement;
        let all = Template::ALL.into_iter().filter(is_worded);
        all.filter(move |template| !is_team || template.is_of_organization())
    }

    fn check(&self, template: Template, locale: &str) -> Result<()> {
        let is_ours = LANGUAGES.iter().any(|(name, _)| *name == locale);
        if is_ours && self.templates().any(|one| one == template) { Ok(()) } else { refuse(Code::NotFound) }
    }
}

/// A kind of mail in a language, and whether somebody has worded it here.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The kind.
    pub template: Template,
    /// The language.
    pub locale: &'static str,
    /// Its version; 0 for our own words.
    pub version: i64,
}

/// Every kind of mail in every language.
pub async fn list(call: &Call, place: &Place) -> Result<Vec<Entry>> {
    let written = call
        .realm
        .db
        .read("mail_templates.list", place.org, |tx, org| Box::pin(async move { sql::list(tx, *org).await }))
        .await?;
    let version = |template: Template, locale: &str| {
        let found = written.iter().find(|(name, language, _)| name == template.name() && language == locale);
        found.map_or(0, |(_, _, version)| *version)
    };
    let of = |template: Template| LANGUAGES.iter().map(move |(locale, _)| (template, *locale));
    let all = place.templates().flat_map(of);
    Ok(all.map(|(template, locale)| Entry { template, locale, version: version(template, locale) }).collect())
}

/// The words of a kind of mail here: what was written, else our own to begin with.
///
/// # Errors
/// `NotFound` for a language that there is not, and for what is not worded here.
pub async fn find(call: &Call, place: &Place, template: Template, locale: &str) -> Result<Edited> {
    place.check(template, locale)?;
    let ask = (place.org, template, locale.to_owned());
    let found = call
        .realm
        .db
        .read("mail_templates.find", ask, |tx, (org, template, locale)| {
            Box::pin(async move { sql::find(tx, *org, (*template, locale)).await })
        })
        .await?;
    found.map_or_else(|| ours(template, locale), Ok)
}

/// Our own words, as somebody would write them.
fn ours(template: Template, locale: &str) -> Result<Edited> {
    let words = catalogue::Words::of(locale)?;
    let marks: BTreeMap<String, String> = template
        .variables()
        .into_iter()
        .map(|one| (one.name.to_owned(), mark(one.name)))
        .chain([("way".to_owned(), "ask".to_owned())])
        .collect();
    let part = |name: &str| words.find(&format!("{}-{name}", template.name()), &marks);
    let mut blocks: Vec<String> = part("heading").map(|heading| format!("# {heading}")).into_iter().collect();
    blocks.extend(part("body"));
    blocks.extend(marks.get("link").cloned());
    blocks.extend(part("after"));
    Ok(Edited {
        subject: part("subject").unwrap_or_default(),
        text: blocks.join("\n\n"),
        html: None,
        version: 0,
    })
}

struct Save {
    call: Call,
    place: Place,
    template: Template,
    locale: String,
    seen: Option<i64>,
    edited: Edited,
}

/// Writes the words of a kind of mail; with `seen` only while they are still at that version.
///
/// # Errors
/// `RequestInvalid` for what may not be sent; `NotFound`; `VersionMismatch`.
pub async fn save(
    call: &Call,
    place: &Place,
    (template, locale): (Template, &str),
    (seen, edited): (Option<i64>, Edited),
) -> Result<Edited> {
    place.check(template, locale)?;
    let edited = Edited { text: edited.text.replace("\r\n", "\n"), ..edited };
    edited.check(place, template)?;
    let (call, place, locale) = (call.clone(), place.clone(), locale.to_owned());
    let ask = Save { call, place, template, locale, seen, edited };
    let db = ask.call.realm.db.clone();
    db.write("mail_templates.save", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Save {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Edited> {
        let before = self.lock(tx).await?;
        let version = before.map_or(0, |before| before.version) + 1;
        let edited = Edited { version, ..self.edited.clone() };
        sql::save(tx, self.place.org, (self.template, &self.locale), &edited, self.call.now).await?;
        self.record(tx, "mail_template.changed").await?;
        Ok(edited)
    }

    async fn reset(&self, tx: &mut Tx<'_>) -> Result<()> {
        self.lock(tx).await?;
        if sql::remove(tx, self.place.org, (self.template, &self.locale)).await? > 0 {
            self.record(tx, "mail_template.reset").await?;
        }
        Ok(())
    }

    async fn lock(&self, tx: &mut Tx<'_>) -> Result<Option<Edited>> {
        tx.lock_exclusive(&[&format!("doorward.mail_templates.{}", self.place.org)]).await?;
        let before = sql::find(tx, self.place.org, (self.template, &self.locale)).await?;
        let version = before.as_ref().map_or(0, |before| before.version);
        if self.seen.is_some_and(|seen| seen != version) {
            return refuse(Code::VersionMismatch);
        }
        Ok(before)
    }

    async fn record(&self, tx: &mut Tx<'_>, what: &'static str) -> Result<()> {
        let event = Event::new(&self.call, what)?.subject(self.place.org).org(self.place.org);
        let event = event.fact("template", self.template.name()).fact("locale", self.locale.clone());
        audit::record(tx, &event).await
    }
}

/// Goes back to our own words, or to the instance's.
///
/// # Errors
/// `NotFound`; `VersionMismatch`.
pub async fn reset(
    call: &Call,
    place: &Place,
    (template, locale): (Template, &str),
    seen: Option<i64>,
) -> Result<()> {
    place.check(template, locale)?;
    let (call, place, locale) = (call.clone(), place.clone(), locale.to_owned());
    let ask = Save { call, place, template, locale, seen, edited: Edited::default() };
    let db = ask.call.realm.db.clone();
    db.write("mail_templates.reset", ask, |tx, ask| Box::pin(ask.reset(tx))).await
}

/// What a mail of these words would look like, with examples for its variables. Nothing is kept.
///
/// # Errors
/// As [`save`].
pub async fn preview(
    call: &Call,
    place: &Place,
    (template, locale): (Template, &str),
    edited: &Edited,
) -> Result<Rendered> {
    place.check(template, locale)?;
    let edited = Edited { text: edited.text.replace("\r\n", "\n"), ..edited.clone() };
    let written = edited.check(place, template)?;
    let dress = Dress::of(call, (None, Some(place.org))).await?;
    let words = catalogue::Words::of(locale)?;
    let values = samples(call, template).into_iter().collect();
    render::render(&words, (template, locale), &values, (&dress, &[written]))
}

fn samples(call: &Call, template: Template) -> Vec<(String, String)> {
    let sampled = |one: Variable| (one.name.to_owned(), sample(call, one.name));
    template.variables().into_iter().map(sampled).collect()
}

/// Sends a mail of this kind to whoever asks, with examples for its variables: how it looks where it is read.
///
/// # Errors
/// `Conflict` for who has no proven mail address, `RateLimited`, `NotFound`.
pub async fn test(call: &Call, place: &Place, (template, locale): (Template, &str)) -> Result<String> {
    place.check(template, locale)?;
    let (id, email) = own_address(call).await?;
    let samples = samples(call, template);
    let mut parameters: Vec<(&str, &str)> =
        samples.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.extend([(TEST, "yes"), ("way", "ask")]);
    let to = Recipient { user: Some(id), email: &email, locale: Some(locale) };
    let mail = prepare(call, &to, template, &parameters, None)?.of(place.org);
    let tried = throttle::testing_mail(call);
    let event = Event::new(call, "mail_template.tested")?.subject(place.org).org(place.org);
    let ask = (mail, tried, event.fact("template", template.name()).fact("locale", locale));
    call.realm
        .db
        .write("mail_templates.test", ask, |tx, (mail, tried, event)| {
            Box::pin(async move {
                throttle::take(tx, tried).await?;
                enqueue(tx, mail).await?;
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(email)
}

/// The proven address of whoever asks.
async fn own_address(call: &Call) -> Result<(Id<User>, String)> {
    let nobody =
        || Refusal::new(Code::Conflict).hint("A test goes to your own proven mail address; you have none");
    let (Actor::User { id, .. } | Actor::PersonalKey { user: id, .. }) = &call.actor else {
        return Err(nobody().into());
    };
    let person = users::find(call, *id).await?.filter(|person| person.email_verified_at.is_some());
    let email = person.and_then(|person| person.email).ok_or_else(nobody)?;
    Ok((*id, email))
}

/// What was written for a mail, the most particular first.
pub(super) async fn in_use(call: &Call, mail: &Mail) -> Result<Vec<Written>> {
    let own = mail.org.filter(|_| mail.template.is_of_organization());
    let places: Vec<Id<Org>> = own.into_iter().chain([call.realm.instance_org]).collect();
    let ask = (places, mail.template, mail.locale.clone());
    let found = call
        .realm
        .db
        .read("mail_templates.in_use", ask, |tx, (places, template, locale)| {
            Box::pin(async move {
                let mut found = Vec::new();
                for org in places {
                    found.extend(sql::find(tx, *org, (*template, locale)).await?);
                }
                Ok(found)
            })
        })
        .await?;
    Ok(found.iter().filter_map(|edited| edited.read().ok()).collect())
}

/// Takes the words of an organisation that ends.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    sql::remove_all(tx, org).await
}
