//! The words of mails: the instance's (`/api/v1/mail-templates`), and those of an organisation for what is sent in
//! its name.

use axum::extract::Path;
use doorward_core::{
    mail::{
        Template,
        templates::{self, Edited, Place},
    },
    outcome::{Code, Result, refuse},
    page::Page,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, done, found, page, versioned},
    body::{Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "admin:settings:read";
const WRITE: &str = "admin:settings:write";
const ORG_READ: &str = "org:branding:read";
const ORG_WRITE: &str = "org:branding:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = of_instance();
    all.extend(of_org());
    all
}

fn of_instance() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/mail-templates", list)
            .scope(READ)
            .lists_all::<EntryView>()
            .says("Lists the kinds of mail in every language, with what each can say"),
        Endpoint::get("/api/v1/mail-templates/{template}/{locale}", show)
            .scope(READ)
            .answers::<WordsView>()
            .says("Shows the words of a kind of mail in one language"),
        Endpoint::patch("/api/v1/mail-templates/{template}/{locale}", change)
            .scope(WRITE)
            .takes::<WordsBody>()
            .answers::<WordsView>()
            .says("Writes the words of a kind of mail in one language"),
        Endpoint::delete("/api/v1/mail-templates/{template}/{locale}", reset)
            .scope(WRITE)
            .says("Goes back to the words that the server comes with"),
        Endpoint::post("/api/v1/mail-templates/{template}/{locale}/preview", preview)
            .scope(READ)
            .takes::<WordsBody>()
            .answers::<Previewed>()
            .says("Shows what a mail of these words would look like; nothing is kept"),
        Endpoint::post("/api/v1/mail-templates/{template}/{locale}/test", test)
            .scope(WRITE)
            .answers::<Tested>()
            .says("Mails it to one's own address, with examples for its variables"),
    ]
}

fn of_org() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/mail-templates", list_org)
            .org(ORG_READ)
            .lists_all::<EntryView>()
            .says("Lists the kinds of mail that an organisation words"),
        Endpoint::get("/api/v1/orgs/{org}/mail-templates/{template}/{locale}", show_org)
            .org(ORG_READ)
            .answers::<WordsView>()
            .says("Shows an organisation's words of a kind of mail"),
        Endpoint::patch("/api/v1/orgs/{org}/mail-templates/{template}/{locale}", change_org)
            .org(ORG_WRITE)
            .takes::<WordsBody>()
            .answers::<WordsView>()
            .says("Writes an organisation's words of a kind of mail"),
        Endpoint::delete("/api/v1/orgs/{org}/mail-templates/{template}/{locale}", reset_org)
            .org(ORG_WRITE)
            .says("Goes back to the instance's words"),
        Endpoint::post("/api/v1/orgs/{org}/mail-templates/{template}/{locale}/preview", preview_org)
            .org(ORG_READ)
            .takes::<WordsBody>()
            .answers::<Previewed>()
            .says("Shows what an organisation's mail would look like; nothing is kept"),
        Endpoint::post("/api/v1/orgs/{org}/mail-templates/{template}/{locale}/test", test_org)
            .org(ORG_WRITE)
            .answers::<Tested>()
            .says("Mails an organisation's mail to one's own address"),
    ]
}

/// A kind of mail in a language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTemplate)]
struct EntryView {
    /// What it is about: `reset-password`, …
    template: &'static str,
    /// The language: `en`, `de`.
    locale: &'static str,
    /// Whether somebody has worded it here.
    edited: bool,
    /// What it can say, written `{{name}}`.
    variables: Vec<&'static str>,
    /// What it has to say.
    required: Vec<&'static str>,
}

/// The words of a mail.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailWords)]
struct WordsBody {
    /// The subject: one line of 1 to 150 characters.
    subject: String,
    /// The text: empty lines part its blocks; one that begins with `# ` is a heading, and one of `{{link}}` alone
    /// is the button.
    text: String,
    /// HTML where the text is not enough: `p h1 h2 ul ol li strong em a br hr`, without attributes but `href`.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// The words of a kind of mail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTemplateWords)]
struct WordsView {
    /// What it is about.
    template: &'static str,
    /// The language.
    locale: String,
    /// Whether somebody has worded it here; else these are the words to begin with.
    edited: bool,
    #[serde(flatten)]
    words: WordsBody,
}

/// A mail as it would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailPreview)]
struct Previewed {
    /// The subject.
    subject: String,
    /// The body as text.
    text: String,
    /// The body as HTML; a logo is `cid:logo`.
    html: String,
}

/// Where a test was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailTest)]
struct Tested {
    /// One's own address.
    recipient: String,
}

type Two = Path<(String, String)>;
type Three = Path<(String, String, String)>;

fn kind(name: &str) -> Result<Template> {
    Template::named(name).map_or_else(|| refuse(Code::NotFound), Ok)
}

impl WordsBody {
    fn of(edited: &Edited) -> Self {
        let Edited { subject, text, html, .. } = edited.clone();
        Self { subject, text, html }
    }

    fn edited(self) -> Edited {
        Edited { subject: self.subject, text: self.text, html: self.html, version: 0 }
    }
}

async fn listed(caller: &Caller, place: &Place) -> Answer {
    let items = templates::list(&caller.call, place).await?;
    page(&Page { items, next: None }, |entry| {
        let all = entry.template.variables();
        Ok(EntryView {
            template: entry.template.name(),
            locale: entry.locale,
            edited: entry.version > 0,
            variables: all.iter().map(|one| one.name).collect(),
            required: all.iter().filter(|one| one.is_required).map(|one| one.name).collect(),
        })
    })
}

fn shown(template: Template, locale: &str, edited: &Edited) -> Answer {
    let view = WordsView {
        template: template.name(),
        locale: locale.to_owned(),
        edited: edited.version > 0,
        words: WordsBody::of(edited),
    };
    versioned(&view, edited.version)
}

async fn read(caller: &Caller, place: &Place, (template, locale): (&str, &str)) -> Answer {
    let template = kind(template)?;
    shown(template, locale, &templates::find(&caller.call, place, template, locale).await?)
}

async fn write(
    caller: &Caller,
    place: &Place,
    (template, locale): (&str, &str),
    (seen, patch): (&IfMatch, &Map<String, Json>),
) -> Answer {
    let template = kind(template)?;
    let before = templates::find(&caller.call, place, template, locale).await?;
    seen.check(before.version)?;
    let edited = patched(&WordsBody::of(&before), patch)?.edited();
    let ask = (Some(before.version), edited);
    shown(template, locale, &templates::save(&caller.call, place, (template, locale), ask).await?)
}

async fn end(caller: &Caller, place: &Place, (template, locale): (&str, &str), seen: &IfMatch) -> Answer {
    let template = kind(template)?;
    let before = templates::find(&caller.call, place, template, locale).await?;
    seen.check(before.version)?;
    templates::reset(&caller.call, place, (template, locale), Some(before.version)).await?;
    done()
}

async fn look(
    caller: &Caller,
    place: &Place,
    (template, locale): (&str, &str),
    patch: &Map<String, Json>,
) -> Answer {
    let template = kind(template)?;
    let before = templates::find(&caller.call, place, template, locale).await?;
    let edited = patched(&WordsBody::of(&before), patch)?.edited();
    let mail = templates::preview(&caller.call, place, (template, locale), &edited).await?;
    found(&Previewed { subject: mail.subject, text: mail.text, html: mail.html })
}

async fn try_out(caller: &Caller, place: &Place, (template, locale): (&str, &str)) -> Answer {
    let recipient = templates::test(&caller.call, place, (kind(template)?, locale)).await?;
    found(&Tested { recipient })
}

async fn list(caller: Caller) -> Answer {
    listed(&caller, &Place::instance(&caller.call)).await
}

async fn show(caller: Caller, Path((template, locale)): Two) -> Answer {
    read(&caller, &Place::instance(&caller.call), (&template, &locale)).await
}

async fn change(
    caller: Caller,
    Path((template, locale)): Two,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    write(&caller, &Place::instance(&caller.call), (&template, &locale), (&seen, &patch)).await
}

async fn reset(caller: Caller, Path((template, locale)): Two, seen: IfMatch) -> Answer {
    end(&caller, &Place::instance(&caller.call), (&template, &locale), &seen).await
}

async fn preview(caller: Caller, Path((template, locale)): Two, Members(patch): Members) -> Answer {
    look(&caller, &Place::instance(&caller.call), (&template, &locale), &patch).await
}

async fn test(caller: Caller, Path((template, locale)): Two) -> Answer {
    try_out(&caller, &Place::instance(&caller.call), (&template, &locale)).await
}

async fn list_org(caller: Caller, Entered(scope): Entered) -> Answer {
    listed(&caller, &Place::org(&scope, ORG_READ)?).await
}

async fn show_org(caller: Caller, Entered(scope): Entered, Path((_, template, locale)): Three) -> Answer {
    read(&caller, &Place::org(&scope, ORG_READ)?, (&template, &locale)).await
}

async fn change_org(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, template, locale)): Three,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    write(&caller, &Place::org(&scope, ORG_WRITE)?, (&template, &locale), (&seen, &patch)).await
}

async fn reset_org(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, template, locale)): Three,
    seen: IfMatch,
) -> Answer {
    end(&caller, &Place::org(&scope, ORG_WRITE)?, (&template, &locale), &seen).await
}

async fn preview_org(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, template, locale)): Three,
    Members(patch): Members,
) -> Answer {
    look(&caller, &Place::org(&scope, ORG_READ)?, (&template, &locale), &patch).await
}

async fn test_org(caller: Caller, Entered(scope): Entered, Path((_, template, locale)): Three) -> Answer {
    try_out(&caller, &Place::org(&scope, ORG_WRITE)?, (&template, &locale)).await
}
