//! The outbox: `/api/v1/mail`. A mail's words hold working links, so reading one is a write's worth of
//! trust and its own scope: `admin:mail:write`. The words of a mail to an administrator are as good as the
//! account, so only who holds `admin:*` reads them.

use axum::extract::Path;
use doorward_core::{
    mail::{self, Mail, Status},
    outcome::{Code, Refusal, Result},
    users,
};
use doorward_proto::id::{Id, Mail as MailKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, found, page},
    caller::Caller,
    endpoint::Endpoint,
    users::may_touch,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/mail", list)
            .scope("admin:mail:read")
            .lists::<MailView>(&["status"])
            .says("Lists outgoing mail, the newest first"),
        Endpoint::get("/api/v1/mail/{id}", show)
            .scope("admin:mail:write")
            .answers::<FullMail>()
            .says("Shows a mail with its words, which hold working links"),
        Endpoint::post("/api/v1/mail/{id}/retry", retry)
            .scope("admin:mail:write")
            .answers::<MailView>()
            .says("Tries a mail again now"),
    ]
}

/// A mail in the outbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mail)]
struct MailView {
    /// Its id.
    id: String,
    /// The address.
    recipient: String,
    /// Whose account it is about.
    user_id: Option<String>,
    /// What it is about.
    template: &'static str,
    /// In which language.
    locale: String,
    /// What became of it.
    status: &'static str,
    /// How often it was tried.
    attempts: i64,
    /// Why the last try failed.
    last_error: Option<String>,
    /// When it is tried next.
    #[schema(format = DateTime)]
    due_at: String,
    /// When it was sent.
    #[schema(format = DateTime)]
    sent_at: Option<String>,
    /// When it was written.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A mail with its words.
#[derive(Debug, Serialize, ToSchema)]
struct FullMail {
    #[serde(flatten)]
    mail: MailView,
    /// The subject.
    subject: String,
    /// The body as text.
    text: String,
    /// The body as HTML.
    html: String,
}

fn view(mail: &Mail) -> MailView {
    MailView {
        id: mail.id.to_string(),
        recipient: mail.recipient.clone(),
        user_id: mail.user.map(|user| user.to_string()),
        template: mail.template.name(),
        locale: mail.locale.clone(),
        status: mail.status.name(),
        attempts: mail.attempts,
        last_error: mail.last_error.clone(),
        due_at: mail.due_at.to_string(),
        sent_at: mail.sent_at.map(|at| at.to_string()),
        created_at: mail.created_at.to_string(),
    }
}

fn parse(id: &str) -> Result<Id<MailKind>> {
    id.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let all = [Status::Waiting, Status::Sent, Status::GivenUp];
    let status = listing.one_of("status", all, Status::name)?;
    let mails = mail::list(&caller.call, status, listing.ask()?).await?;
    page(&mails, |mail| Ok(view(mail)))
}

async fn show(caller: Caller, Path(id): Path<String>) -> Answer {
    let (mail, words) = mail::show(&caller.call, parse(&id)?).await?;
    if let Some(user) = mail.user
        && let Some(about) = users::find(&caller.call, user).await?
    {
        may_touch(&caller, &about)?;
    }
    found(&FullMail { mail: view(&mail), subject: words.subject, text: words.text, html: words.html })
}

async fn retry(caller: Caller, Path(id): Path<String>) -> Answer {
    found(&view(&mail::retry(&caller.call, parse(&id)?).await?))
}
