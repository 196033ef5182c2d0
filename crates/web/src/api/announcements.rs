//! Announcements: the instance's (`/api/v1/announcements`) to whoever has agreed to be written to, an organisation's
//! to those of its members; and who has agreed.

use axum::extract::Path;
use doorward_core::{
    announcements::{self, Announcement, Consent, NewAnnouncement, Sender},
    outcome::{Code, Refusal, Result},
};
use doorward_proto::id::{Announcement as Kind, Id};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, created, found, page},
    body::Input,
    caller::{Caller, Entered},
    endpoint::Endpoint,
    orgs::Second,
};

const READ: &str = "admin:announcements:read";
const WRITE: &str = "admin:announcements:write";
const ORG_READ: &str = "org:announcements:read";
const ORG_WRITE: &str = "org:announcements:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/announcements", list)
            .scope(READ)
            .lists::<View>(&[])
            .says("Lists what was announced to everybody, the newest first"),
        Endpoint::post("/api/v1/announcements", make)
            .grave()
            .scope(WRITE)
            .takes::<NewBody>()
            .status(StatusCode::CREATED)
            .answers::<View>()
            .says("Writes to everybody who has agreed to be written to"),
        Endpoint::get("/api/v1/announcements/consents", consents)
            .scope(READ)
            .lists::<ConsentView>(&[])
            .says("Lists who has agreed to be written to, when and to which words"),
        Endpoint::get("/api/v1/announcements/{id}", show)
            .scope(READ)
            .answers::<View>()
            .says("Shows an announcement"),
        Endpoint::post("/api/v1/announcements/{id}/stop", stop)
            .scope(WRITE)
            .answers::<View>()
            .says("Writes no more mails of an announcement"),
        Endpoint::get("/api/v1/orgs/{org}/announcements", list_org)
            .org(ORG_READ)
            .lists::<View>(&[])
            .says("Lists what was announced to an organisation, the newest first"),
        Endpoint::post("/api/v1/orgs/{org}/announcements", make_org)
            .grave()
            .org(ORG_WRITE)
            .takes::<NewBody>()
            .status(StatusCode::CREATED)
            .answers::<View>()
            .says("Writes to an organisation's members who have agreed to be written to"),
        Endpoint::get("/api/v1/orgs/{org}/announcements/{announcement}", show_org)
            .org(ORG_READ)
            .answers::<View>()
            .says("Shows an organisation's announcement"),
        Endpoint::post("/api/v1/orgs/{org}/announcements/{announcement}/stop", stop_org)
            .org(ORG_WRITE)
            .answers::<View>()
            .says("Writes no more mails of an organisation's announcement"),
    ]
}

/// What is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAnnouncement)]
struct NewBody {
    /// The subject: one line of 1 to 150 characters.
    subject: String,
    /// The text: empty lines part its blocks, and one that begins with `# ` is a heading.
    text: String,
}

/// An announcement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Announcement)]
struct View {
    /// Its id.
    id: String,
    /// Whose it is.
    org_id: String,
    /// The subject.
    subject: String,
    /// The text.
    text: String,
    /// `sending`, `sent` or `stopped`.
    status: &'static str,
    /// How many mails were written.
    written: i64,
    /// Who made it.
    created_by: String,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the last mail was written.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

/// Somebody's consent to be written to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewsConsent)]
struct ConsentView {
    /// Who.
    user_id: String,
    /// The address.
    email: Option<String>,
    /// Whether it is proven; nobody is written to before.
    email_verified: bool,
    /// When.
    #[schema(format = DateTime)]
    agreed_at: String,
    /// The words that were agreed to, and the language in which they were read.
    words: Option<String>,
}

fn view(one: &Announcement) -> View {
    View {
        id: one.id.to_string(),
        org_id: one.org.to_string(),
        subject: one.subject.clone(),
        text: one.text.clone(),
        status: one.status.name(),
        written: one.written,
        created_by: one.created_by.clone(),
        created_at: one.created_at.to_string(),
        finished_at: one.finished_at.map(|at| at.to_string()),
    }
}

fn view_consent(one: &Consent) -> ConsentView {
    ConsentView {
        user_id: one.user.to_string(),
        email: one.email.clone(),
        email_verified: one.is_verified,
        agreed_at: one.at.to_string(),
        words: one.words.clone(),
    }
}

fn named(id: &str) -> Result<Id<Kind>> {
    id.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn listed(caller: &Caller, sender: &Sender, listing: Listing) -> Answer {
    let found = announcements::list(&caller.call, sender, listing.ask()?).await?;
    page(&found, |one| Ok(view(one)))
}

async fn made(caller: &Caller, sender: &Sender, above: &str, body: NewBody) -> Answer {
    let new = NewAnnouncement { subject: body.subject, text: body.text };
    let one = announcements::make(&caller.call, sender, new).await?;
    created(&format!("{above}/announcements/{}", one.id), &view(&one), None)
}

async fn list(caller: Caller, listing: Listing) -> Answer {
    listed(&caller, &Sender::instance(&caller.call), listing).await
}

async fn make(caller: Caller, Input(body): Input<NewBody>) -> Answer {
    made(&caller, &Sender::instance(&caller.call), "/api/v1", body).await
}

async fn show(caller: Caller, Path(id): Path<String>) -> Answer {
    let sender = Sender::instance(&caller.call);
    found(&view(&announcements::find(&caller.call, &sender, named(&id)?).await?))
}

async fn stop(caller: Caller, Path(id): Path<String>) -> Answer {
    let sender = Sender::instance(&caller.call);
    found(&view(&announcements::stop(&caller.call, &sender, named(&id)?).await?))
}

async fn consents(caller: Caller, listing: Listing) -> Answer {
    page(&announcements::consents(&caller.call, listing.ask()?).await?, |one| Ok(view_consent(one)))
}

async fn list_org(caller: Caller, Entered(scope): Entered, listing: Listing) -> Answer {
    listed(&caller, &Sender::org(&scope, ORG_READ)?, listing).await
}

async fn make_org(caller: Caller, Entered(scope): Entered, Input(body): Input<NewBody>) -> Answer {
    let above = format!("/api/v1/orgs/{}", scope.id());
    made(&caller, &Sender::org(&scope, ORG_WRITE)?, &above, body).await
}

async fn show_org(caller: Caller, Entered(scope): Entered, Path((_, id)): Second) -> Answer {
    let sender = Sender::org(&scope, ORG_READ)?;
    found(&view(&announcements::find(&caller.call, &sender, named(&id)?).await?))
}

async fn stop_org(caller: Caller, Entered(scope): Entered, Path((_, id)): Second) -> Answer {
    let sender = Sender::org(&scope, ORG_WRITE)?;
    found(&view(&announcements::stop(&caller.call, &sender, named(&id)?).await?))
}
