//! A new application: what it is, then what it is called and where people come back to. A form that is sent
//! twice registers one.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{
        Metadata,
        manage::{self, NewClient, Registration},
    },
    credentials, orgs,
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    PATH,
    kind::Kind,
    secret::{SHOWN, kept},
    trail,
    wrong::wrong,
};
use crate::{
    pages::{
        console::{
            Administrator, Area, Shell,
            part::{
                detail::{DetailPage, Panel},
                form::FormPage,
                once,
            },
            words::{lines, some, words},
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    redirect_uris: String,
    signed_out: String,
    scopes: String,
    org: String,
    client_id: String,
    first_party: String,
    once: String,
    current_password: SecretText,
}

impl Form {
    fn read(&self, kind: Kind) -> Registration {
        let metadata = Metadata {
            redirect_uris: lines(&self.redirect_uris),
            post_logout_redirect_uris: lines(&self.signed_out),
            scopes: words(&self.scopes),
            ..kind.metadata()
        };
        Registration {
            name: self.name.trim().to_owned(),
            is_confidential: kind.is_confidential(),
            is_first_party: !self.first_party.is_empty(),
            metadata,
        }
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, kind: Kind, errors: &Errors) -> Shell<'a> {
    let title = frame.t(kind.new_one());
    let mut shell = administrator.shell(frame, Area::Applications, title, errors);
    shell.trail = vec![trail(administrator), (format!("{PATH}/new"), frame.t("apps-new"))];
    shell
}

fn form<'a>(
    shell: &'a Shell<'a>,
    kind: Kind,
    (typed, once): (&Form, String),
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let mut form = FormPage::new(shell, format!("{PATH}/new/{}", kind.word()), format!("{PATH}/new"), errors)
        .what(frame.t(kind.what()))
        .hidden("once", once)
        .field(field("name", "apps-name", &typed.name).hint(frame.t("apps-name-what")).longest(200));
    if kind.signs_in() {
        let hint = if kind == Kind::Native { "apps-redirects-native" } else { "apps-redirects-what" };
        let redirects = field("redirect_uris", "apps-redirects", &typed.redirect_uris).hint(frame.t(hint));
        let signed_out =
            field("signed_out", "apps-signed-out", &typed.signed_out).hint(frame.t("apps-signed-out-what"));
        form = form
            .field(redirects.rows(3).longest(40_000))
            .field(signed_out.rows(2).longest(40_000).optional());
    }
    let hint = if kind.signs_in() { "apps-scopes-what" } else { "apps-scopes-service" };
    form = form
        .field(field("scopes", "apps-scopes", &typed.scopes).hint(frame.t(hint)).longest(8000).optional())
        .field(field("org", "apps-org", &typed.org).hint(frame.t("apps-org-what")).longest(64).optional())
        .field(
            field("client_id", "apps-client-id", &typed.client_id)
                .hint(frame.t("apps-client-id-what"))
                .longest(64)
                .optional(),
        );
    if kind.signs_in() {
        form = form.tick("first_party", frame.t("apps-first-party-do"), !typed.first_party.is_empty());
    }
    if kind.is_confidential() {
        form = form.password();
    }
    form.button(frame.t("apps-make"))
}

/// What it may be.
pub(super) async fn choose(administrator: Administrator) -> Result<Response, Failure> {
    let (frame, errors) = (administrator.visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Applications, frame.t("apps-new"), &errors);
    shell.trail = vec![trail(&administrator)];
    let panel = |(word, name, what): (&'static str, &str, &str)| {
        let title = frame.t(name);
        let choose = frame.tv("apps-choose", "kind", &title);
        Panel::new(word, title).what(frame.t(what)).link(format!("{PATH}/new/{word}"), choose)
    };
    let kinds = Kind::ALL.map(|kind| (kind.word(), kind.name(), kind.what()));
    let proxy = ("proxy", "apps-kind-proxy", "apps-what-proxy");
    let panels = kinds.into_iter().chain([proxy]).map(panel).collect();
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}

fn kind_of(word: &str) -> Outcome<Kind> {
    Kind::of_word(word).ok_or_else(|| Refusal::new(Code::NotFound).into())
}

pub(super) async fn look(
    Path(word): Path<String>,
    administrator: Administrator,
) -> Result<Response, Failure> {
    let (visit, kind) = (&administrator.visit, kind_of(&word)?);
    let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
    let typed = Form {
        name: kept("name"),
        redirect_uris: kept("redirect_uris"),
        signed_out: kept("signed_out"),
        scopes: visit.typed("scopes").unwrap_or(kind.scopes()).to_owned(),
        org: kept("org"),
        client_id: kept("client_id"),
        ..Form::default()
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, kind, &errors);
    Ok(administrator.show(&form(&shell, kind, (&typed, once::word(visit)?), errors)))
}

pub(super) async fn make(Path(word): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/new/{word}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, kind) = (&administrator.visit, kind_of(&word)?);
    let (call, user, sent) = (visit.call.clone(), administrator.account.session.user, typed.clone());
    let work = async move {
        let org = match some(&sent.org) {
            None => None,
            Some(name) => match orgs::find(&call, &name).await? {
                Some(org) => Some(org.id),
                None => return Err(Refusal::new(Code::RequestInvalid).field("org_id").into()),
            },
        };
        let registration = sent.read(kind);
        if kind.is_confidential() {
            credentials::confirm(&call, user, &sent.current_password).await?;
        }
        let new = NewClient { client_id: some(&sent.client_id), org, registration };
        kept(manage::register(&call, new).await, true)
    };
    let refusal = match once::send(visit, (&typed.once, SHOWN), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let (redirects, signed_out) = (lines(&typed.redirect_uris), lines(&typed.signed_out));
    let addresses: [(&str, &[String]); 2] = [("redirect_uris", &redirects), ("signed_out", &signed_out)];
    let Some(errors) = wrong(visit.text, &refusal, &addresses) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, kind, &errors);
    Ok(visit.show_wrong(&form(&shell, kind, (&typed, once::word(visit)?), errors), &refusal))
}
