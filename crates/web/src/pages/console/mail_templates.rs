//! What mails say, in the console: the instance's words, and those of an organisation for what is sent in its name.
//! Words are looked at, as a mail and in a window of its own in which nothing runs, before they are saved.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use data_encoding::BASE64;
use doorward_core::{
    mail::{
        LOGO, Rendered, Template,
        templates::{self, Edited, Entry, Place},
    },
    outcome::{Code, Refusal, Result as Outcome, refuse},
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use serde::Deserialize;

use super::{
    Area, Operator, Shell,
    part::{
        Cell, Row, Send, Standing, Table,
        detail::{DetailPage, Panel},
        form::{FormPage, version_after},
    },
    said,
    site::{At, Site, address},
    words::some,
};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        text::Text,
        visit::{Nothing, Posted, refusal_of, to},
    },
    surface::Failure,
};

const WRITE: &str = "org:branding:write";
const AREA: Area = Area::MailTemplates;

/// Every page of the area, and the same of one organisation. The address of a form also shows it: to whoever
/// reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    ["/console/mail-templates", "/console/organizations/{org}/mail-templates"]
        .into_iter()
        .fold(Router::new(), |router, list| router.merge(pages(list)))
}

fn pages(at: &str) -> Router<App> {
    let words = format!("{at}/{{template}}/{{locale}}");
    Router::new()
        .route(at, get(list))
        .route(&words, get(show))
        .route(&format!("{words}/edit"), get(edit).post(save))
        .route(&format!("{words}/preview"), get(back).post(preview))
        .route(&format!("{words}/test"), get(back).post(test))
        .route(&format!("{words}/reset"), get(look_reset).post(reset))
}

/// Which words an address is about.
#[derive(Debug, Clone, Deserialize)]
struct Which {
    org: Option<String>,
    template: String,
    locale: String,
}

impl Which {
    fn path(&self) -> String {
        format!("{}/{}/{}", address(AREA, self.org.as_deref()), self.template, self.locale)
    }
}

/// Whose words they are, for who may change them.
async fn place(operator: &Operator, org: Option<&str>) -> Outcome<(Site, Place)> {
    let site = Site::enter(operator, AREA, (org, WRITE)).await?;
    let place = match site.org() {
        None => Place::instance(&operator.visit.call),
        Some(scope) => Place::org(scope, WRITE)?,
    };
    Ok((site, place))
}

fn kind(name: &str) -> Outcome<Template> {
    Template::named(name).map_or_else(|| refuse(Code::NotFound), Ok)
}

fn title(text: Text, template: Template, locale: &str) -> String {
    text.with2("words-of", ("template", template.name()), ("locale", locale))
}

fn standing(text: Text, version: i64) -> Standing {
    if version > 0 {
        Standing::good(text.get("words-edited"))
    } else {
        Standing::plain(text.get("words-ours"))
    }
}

async fn list(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, place) = place(&operator, at.org.as_deref()).await?;
    let found = templates::list(&visit.call, &place).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let row = |entry: &Entry| Row {
        page: Some(format!("{}/{}/{}", site.list(), entry.template.name(), entry.locale)),
        name: entry.template.name().to_owned(),
        detail: entry.locale.to_owned(),
        cells: vec![
            Cell::Badge(standing(frame.text, entry.version)),
            Cell::words(
                entry.template.variables().iter().map(|one| one.name.to_owned()).collect(),
                frame.t("console-none"),
            ),
        ],
    };
    let columns = ["mail-kind", "words-state", "words-variables"];
    let table = Table::new(&frame, "console-mail-templates", &columns, found.iter().map(row).collect());
    let what = if site.org().is_some() { "words-what-org" } else { "words-what" };
    let panel = Panel::new("templates", frame.t("words-kinds")).what(frame.t(what));
    let panel = panel.table(table, frame.t("console-none"));
    let shell = site.shell(&operator, &frame, (frame.t("console-mail-templates"), &errors));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels: vec![panel] }))
}

async fn show(Path(which): Path<Which>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    let words = templates::find(&visit.call, &place, template, &which.locale).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.below(&operator, &frame, (title(frame.text, template, &which.locale), &errors));
    let of = |is_required| {
        let all = template.variables().into_iter().filter(move |one| one.is_required == is_required);
        let marks: Vec<String> = all.map(|one| format!("{{{{{}}}}}", one.name)).collect();
        Cell::words(marks, frame.t("console-none"))
    };
    let facts = vec![
        (frame.t("words-subject"), Cell::Text(words.subject.clone())),
        (frame.t("words-required"), of(true)),
        (frame.t("words-optional"), of(false)),
    ];
    let page = which.path();
    let mut panel = Panel::new("words", frame.t("words-text"))
        .block(words.text.clone())
        .facts(facts)
        .link(format!("{page}/edit"), frame.t("console-edit"))
        .send(Send::new(&frame, format!("{page}/test"), frame.t("words-test")));
    if words.version > 0 {
        panel = panel.danger(format!("{page}/reset"), frame.t("words-reset"));
    }
    let mut panels = vec![panel];
    panels.extend(words.html.map(|html| Panel::new("html", "HTML".to_owned()).block(html)));
    let badge = Some(standing(frame.text, words.version));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Form {
    subject: String,
    text: String,
    html: String,
    version: String,
}

impl Form {
    fn edited(&self) -> Edited {
        let text = self.text.trim().to_owned();
        Edited { subject: self.subject.trim().to_owned(), text, html: some(&self.html), version: 0 }
    }
}

fn form<'a>(
    shell: &'a Shell<'a>,
    (which, template): (&Which, Template),
    typed: &Form,
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let page = which.path();
    let variables = template.variables();
    let all: Vec<String> = variables.iter().map(|one| format!("{{{{{}}}}}", one.name)).collect();
    let field = |id, key: &str, value: &str| Field::new(id, "text", "off", frame.t(key)).value(value);
    let html = field("html", "words-html", &typed.html).hint(frame.t("words-html-what")).rows(8);
    FormPage::new(shell, format!("{page}/edit"), page.clone(), errors)
        .what(frame.tv("words-can", "variables", &all.join(" ")))
        .hidden("version", typed.version.clone())
        .field(field("subject", "words-subject", &typed.subject).longest(150))
        .field(
            field("text", "words-text", &typed.text).hint(frame.t("words-text-what")).rows(14).longest(8000),
        )
        .field(html.longest(16_000).optional())
        .button(frame.t("console-save"))
        .looks(format!("{page}/preview"), frame.t("words-look"))
}

async fn edit(Path(which): Path<Which>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    let words = templates::find(&visit.call, &place, template, &which.locale).await?;
    let typed = Form {
        subject: words.subject,
        text: words.text,
        html: words.html.unwrap_or_default(),
        version: words.version.to_string(),
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.below(&operator, &frame, (title(frame.text, template, &which.locale), &errors));
    Ok(operator.show(&form(&shell, (&which, template), &typed, errors)))
}

/// The form again, with what is wrong.
async fn again(
    operator: &Operator,
    (site, which, template): (&Site, &Which, Template),
    (typed, refusal): (Form, &Refusal),
) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let Some(errors) = wrong(visit.text, refusal) else { return Err(refusal.clone().into()) };
    let (_, place) = place(operator, which.org.as_deref()).await?;
    let present = templates::find(&visit.call, &place, template, &which.locale).await?.version;
    let version = version_after(refusal, typed.version, present);
    let typed = &Form { version, ..typed };
    let frame = visit.frame();
    let shell = site.below(operator, &frame, (title(frame.text, template, &which.locale), &errors));
    Ok(visit.show_wrong(&form(&shell, (which, template), typed, errors), refusal))
}

fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let field = match (refusal.code, refusal.field.as_deref()) {
        (Code::VersionMismatch, _) => return Some(Errors::one("", text.get("console-changed-meanwhile"))),
        (Code::RequestInvalid, Some("subject")) => "subject",
        (Code::RequestInvalid, Some("text")) => "text",
        (Code::RequestInvalid, Some("html")) => "html",
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.with("words-wrong", "why", &refusal.hint)))
}

async fn save(Path(which): Path<Which>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/edit", which.path())) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
    let call = &operator.visit.call;
    let ask = (Some(seen), typed.edited());
    match templates::save(call, &place, (template, &which.locale), ask).await {
        Ok(_) => Ok(said::at(&operator.visit, "did-words-saved", &which.path())),
        Err(error) => again(&operator, (&site, &which, template), (typed, &refusal_of(error)?)).await,
    }
}

async fn preview(Path(which): Path<Which>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/edit", which.path())) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    let call = &operator.visit.call;
    match templates::preview(call, &place, (template, &which.locale), &typed.edited()).await {
        Ok(mail) => Ok(as_mail(operator.visit.text, &mail)),
        Err(error) => again(&operator, (&site, &which, template), (typed, &refusal_of(error)?)).await,
    }
}

/// The mail as a page in which nothing runs and from which nothing is loaded, its text below it.
fn as_mail(text: Text, mail: &Rendered) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'; sandbox";
    let html = match &mail.logo {
        Some(logo) => {
            let data = format!("data:{};base64,{}", logo.format.media_type(), BASE64.encode(&logo.bytes));
            mail.html.replace(&format!("cid:{LOGO}"), &data)
        }
        None => mail.html.clone(),
    };
    let (page, end) = html.split_once("</body>").unwrap_or((&html, ""));
    let plain = askama::filters::escape(&mail.text, askama::filters::Html).map(|text| text.to_string());
    let heading = text.get("words-as-text");
    let body = format!(
        "{page}<section style=\"max-width:480px;margin:0 auto;padding:0 24px\"><h2>{heading}</h2>\n<pre \
         style=\"white-space:pre-wrap;overflow-wrap:anywhere\">{}</pre></section>\n</body>{end}",
        plain.unwrap_or_default(),
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

/// The buttons stand on the page of the words.
async fn back(Path(which): Path<Which>, operator: Operator) -> Result<Response, Failure> {
    let (_, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    templates::find(&operator.visit.call, &place, template, &which.locale).await?;
    Ok(to(&which.path()))
}

async fn test(Path(which): Path<Which>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &which.path()) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (_, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    templates::test(&operator.visit.call, &place, (template, &which.locale)).await?;
    Ok(said::at(&operator.visit, "did-words-tested", &which.path()))
}

/// What is typed to take words back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Confirm {
    confirm: String,
}

/// The page that asks whether the words shall go, with the kind of mail typed.
fn ask_reset(
    operator: &Operator,
    (site, which, template): (&Site, &Which, Template),
    is_wrong: bool,
) -> Response {
    let visit = &operator.visit;
    let (frame, page) = (visit.frame(), which.path());
    let errors = match is_wrong {
        true => Errors::one("confirm", frame.t("console-confirm-wrong")),
        false => Errors::none(),
    };
    let shell =
        site.below(operator, &frame, (frame.tv("words-reset-of", "template", template.name()), &errors));
    let form = FormPage::new(&shell, format!("{page}/reset"), page, errors)
        .what(frame.t("words-reset-what"))
        .confirm(template.name())
        .danger(frame.t("words-reset"));
    match is_wrong {
        true => visit.show_wrong(&form, &Refusal::new(Code::RequestInvalid).field("confirm")),
        false => operator.show(&form),
    }
}

async fn look_reset(Path(which): Path<Which>, operator: Operator) -> Result<Response, Failure> {
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    templates::find(&operator.visit.call, &place, template, &which.locale).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/reset", which.path())) {
        return Ok(elsewhere);
    }
    Ok(ask_reset(&operator, (&site, &which, template), false))
}

async fn reset(Path(which): Path<Which>, posted: Posted<Confirm>) -> Result<Response, Failure> {
    let path = format!("{}/reset", which.path());
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (site, place) = place(&operator, which.org.as_deref()).await?;
    let template = kind(&which.template)?;
    templates::find(&operator.visit.call, &place, template, &which.locale).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&path) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != template.name() {
        return Ok(ask_reset(&operator, (&site, &which, template), true));
    }
    templates::reset(&operator.visit.call, &place, (template, &which.locale), None).await?;
    Ok(said::at(&operator.visit, "did-words-reset", &which.path()))
}
