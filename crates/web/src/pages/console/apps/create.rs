//! A new application: what it is, then what it is called and where people come back to. A form that is sent
//! twice registers one.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{Metadata, manage::Registration},
    credentials, orgs,
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    AREA, At, Site, WRITE, address,
    keep::{self, Chosen},
    kind::Kind,
    secret::{kept, shown},
    wrong::wrong,
};
use crate::{
    pages::{
        console::{
            Operator, Shell,
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

/// The address of a form: whose application, and what it is.
#[derive(Debug, Deserialize)]
pub(super) struct New {
    #[serde(default)]
    org: Option<String>,
    kind: String,
}

impl New {
    async fn site(&self, operator: &Operator) -> Outcome<(Site, Kind)> {
        let site = making(operator, self.org.as_deref()).await?;
        let kind = Kind::of_word(&self.kind).ok_or_else(|| Refusal::new(Code::NotFound))?;
        Ok((site, kind))
    }
}

/// Whose applications are made, for who may.
async fn making(operator: &Operator, org: Option<&str>) -> Outcome<Site> {
    let site = Site::enter(operator, AREA, (org, WRITE)).await?;
    if site.may_make(WRITE) { Ok(site) } else { Err(Refusal::new(Code::NotFound).into()) }
}

fn shell<'f>(
    operator: &Operator,
    site: &Site,
    frame: &'f Frame,
    (kind, errors): (Kind, &Errors),
) -> Shell<'f> {
    let mut shell = site.below(operator, frame, (frame.t(kind.new_one()), errors));
    shell.trail.push((format!("{}/new", site.list()), frame.t("apps-new")));
    shell
}

fn form<'a>(
    shell: &'a Shell<'a>,
    (site, kind): (&Site, Kind),
    (typed, once): (&Form, String),
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let new = format!("{}/new", site.list());
    let mut form = FormPage::new(shell, format!("{new}/{}", kind.word()), new, errors)
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
    let scopes = field("scopes", "apps-scopes", &typed.scopes).hint(frame.t(hint));
    form = form.field(scopes.longest(8000).optional());
    if site.org().is_none() {
        let org = field("org", "apps-org", &typed.org).hint(frame.t("apps-org-what"));
        let client_id =
            field("client_id", "apps-client-id", &typed.client_id).hint(frame.t("apps-client-id-what"));
        form = form.field(org.longest(64).optional()).field(client_id.longest(64).optional());
        if kind.signs_in() {
            form = form.tick("first_party", frame.t("apps-first-party-do"), !typed.first_party.is_empty());
        }
    }
    if kind.is_confidential() {
        form = form.password();
    }
    form.button(frame.t("apps-make"))
}

/// What it may be.
pub(super) async fn choose(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let site = making(&operator, at.org.as_deref()).await?;
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let shell = site.below(&operator, &frame, (frame.t("apps-new"), &errors));
    let panel = |(word, name, what): (&'static str, &str, &str)| {
        let title = frame.t(name);
        let choose = frame.tv("apps-choose", "kind", &title);
        Panel::new(word, title).what(frame.t(what)).link(format!("{}/new/{word}", site.list()), choose)
    };
    let kinds = Kind::ALL.map(|kind| (kind.word(), kind.name(), kind.what()));
    // Routes of the gateway are the instance's.
    let proxy = site.org().is_none().then_some(("proxy", "apps-kind-proxy", "apps-what-proxy"));
    let panels = kinds.into_iter().chain(proxy).map(panel).collect();
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}

pub(super) async fn look(Path(new): Path<New>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, kind) = new.site(&operator).await?;
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
    let shell = shell(&operator, &site, &frame, (kind, &errors));
    Ok(operator.show(&form(&shell, (&site, kind), (&typed, once::word(visit)?), errors)))
}

pub(super) async fn make(Path(new): Path<New>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{}/new/{}", address(AREA, new.org.as_deref()), new.kind);
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let (site, kind) = new.site(&operator).await?;
    let (call, user, sent) = (visit.call.clone(), operator.account.session.user, typed.clone());
    let scope = site.org().cloned();
    let work = async move {
        let mut chosen = Chosen::default();
        let mut registration = sent.read(kind);
        if scope.is_some() {
            // Nobody is spared the question by an organisation, whatever is sent.
            registration.is_first_party = false;
        } else {
            chosen.client_id = some(&sent.client_id);
            if let Some(name) = some(&sent.org) {
                let wrong = || Refusal::new(Code::RequestInvalid).field("org_id");
                chosen.org = Some(orgs::find(&call, &name).await?.ok_or_else(wrong)?.id);
            }
        }
        if kind.is_confidential() {
            credentials::confirm(&call, user, &sent.current_password).await?;
        }
        kept(keep::register(&call, scope.as_ref(), (registration, chosen)).await, true)
    };
    let refusal = match once::send(visit, (&typed.once, &shown(&site)), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let (redirects, signed_out) = (lines(&typed.redirect_uris), lines(&typed.signed_out));
    let addresses: [(&str, &[String]); 2] = [("redirect_uris", &redirects), ("signed_out", &signed_out)];
    let Some(errors) = wrong(visit.text, &refusal, (&site, &addresses)) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, &site, &frame, (kind, &errors));
    Ok(visit.show_wrong(&form(&shell, (&site, kind), (&typed, once::word(visit)?), errors), &refusal))
}
