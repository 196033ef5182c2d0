//! What an organisation asks of its people: adding, changing, ordering and removing fields.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope,
        fields::{self, Change, Field as Asked, Kind, NewField},
    },
    outcome::{Code, Refusal, Result as Outcome},
};
use serde::Deserialize;

use super::{PATH, SETTINGS, enter, page, trail_to};
use crate::{
    pages::{
        console::{
            Area, Operator, Shell,
            part::{
                Cell, Row, Send, Table,
                detail::Panel,
                form::{Choice, FormPage, version_after},
            },
            said,
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Nothing, Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    key: String,
    kind: String,
    label: String,
    options: String,
    required: String,
    told: String,
    version: String,
}

impl Form {
    fn of(field: &Asked) -> Self {
        let tick = |is_ticked: bool| if is_ticked { "yes" } else { "" }.to_owned();
        Self {
            key: field.key.clone(),
            kind: field.kind.name().to_owned(),
            label: field.label.clone(),
            options: field.options.join("\n"),
            required: tick(field.is_required),
            told: tick(field.in_claims),
            version: field.version.to_string(),
        }
    }

    fn change(&self) -> Change {
        let options = self.options.lines().map(str::trim).filter(|line| !line.is_empty());
        Change {
            label: self.label.clone(),
            options: options.map(str::to_owned).collect(),
            is_required: !self.required.is_empty(),
            in_claims: !self.told.is_empty(),
            position: None,
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "org-fields-text",
        Kind::Number => "org-fields-number",
        Kind::Boolean => "org-fields-boolean",
        Kind::Choice => "org-fields-choice",
        Kind::Date => "org-fields-date",
        Kind::Url => "org-fields-url",
    }
}

/// Whether what is asked is for who entered to see.
pub(super) fn are_seen(scope: &OrgScope) -> bool {
    scope.may("org:settings:read") || scope.may(SETTINGS)
}

/// The section on the organisation's page.
pub(super) fn panel(frame: &Frame, scope: &OrgScope, all: &[Asked]) -> Panel {
    let page = page(scope.org());
    let is_mine = scope.may(SETTINGS);
    let row = |(at, field): (usize, &Asked)| {
        let marks = [(field.is_required, "org-fields-is-required"), (field.in_claims, "org-fields-is-told")];
        let marks = marks.into_iter().filter(|(is, _)| *is).map(|(_, key)| frame.t(key)).collect();
        let up = Send::new(frame, format!("{page}/fields/{}/up", field.key), frame.t("org-fields-up"))
            .about(frame.tv("org-fields-up-of", "label", &field.label));
        Row {
            page: is_mine.then(|| format!("{page}/fields/{}", field.key)),
            name: field.label.clone(),
            detail: field.key.clone(),
            cells: vec![
                Cell::Text(frame.t(word(field.kind))),
                Cell::words(marks, frame.t("console-none")),
                if is_mine && at > 0 { Cell::Send(up) } else { Cell::Soft(String::new()) },
            ],
        }
    };
    let columns = ["org-fields-field", "org-fields-kind", "org-fields-marks", "orgs-do"];
    let table = Table::new(frame, "org-fields", &columns, all.iter().enumerate().map(row).collect());
    let panel = Panel::new("fields", frame.t("org-fields")).table(table, frame.t("org-fields-none"));
    if is_mine && scope.org().kind != doorward_core::orgs::Kind::Personal {
        return panel.link(format!("{page}/fields/new"), frame.t("org-fields-new"));
    }
    panel
}

fn shell<'a>(
    operator: &Operator,
    (frame, scope): (&'a Frame, &OrgScope),
    title: String,
    errors: &Errors,
) -> Shell<'a> {
    let mut shell = operator.shell(frame, Area::Organizations, title, errors);
    shell.trail = trail_to(operator, scope.org());
    shell
}

/// What a new field and one that is there have in common.
fn asked<'a>(form: FormPage<'a>, frame: &Frame, typed: &Form, has_options: bool) -> FormPage<'a> {
    let label = Field::new("label", "text", "off", frame.t("org-fields-label")).longest(100);
    let form = form.field(label.hint(frame.t("org-fields-label-what")).value(&typed.label));
    let form = if has_options {
        let options = Field::new("options", "text", "off", frame.t("org-fields-options")).rows(4);
        let options = options.hint(frame.t("org-fields-options-what")).longest(6000).optional();
        form.field(options.value(&typed.options))
    } else {
        form
    };
    form.tick("required", frame.t("org-fields-required"), !typed.required.is_empty()).tick(
        "told",
        frame.t("org-fields-told"),
        !typed.told.is_empty(),
    )
}

fn form_new<'a>(shell: &'a Shell<'a>, page: &str, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let key = Field::new("key", "text", "off", frame.t("org-fields-key")).longest(40);
    let options = Kind::ALL.map(|kind| (kind.name().to_owned(), frame.t(word(kind)))).to_vec();
    let kind = Choice {
        id: "kind",
        label: frame.t("org-fields-kind"),
        hint: frame.t("org-fields-kind-what"),
        value: typed.kind.clone(),
        options,
        error: None,
    };
    let form = FormPage::new(shell, format!("{page}/fields/new"), page.to_owned(), errors)
        .what(frame.t("org-fields-new-what"))
        .field(key.hint(frame.t("org-fields-key-what")).value(&typed.key))
        .choice(kind);
    asked(form, frame, typed, true).button(frame.t("org-fields-make"))
}

pub(super) async fn look_new(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SETTINGS).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&operator, (&frame, &scope), frame.t("org-fields-new"), &errors);
    Ok(operator.show(&form_new(&shell, &page(scope.org()), &Form::default(), errors)))
}

pub(super) async fn make(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/fields/new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SETTINGS).await?;
    let made = async {
        let kind = Kind::from_name(&typed.kind);
        let kind = kind.ok_or_else(|| Refusal::new(Code::RequestInvalid).field("kind"))?;
        let new = NewField { key: typed.key.trim().to_owned(), kind, change: typed.change() };
        fields::create(&visit.call, &scope, new).await
    };
    let refusal = match made.await {
        Ok(_) => return Ok(said::at(visit, "did-field-made", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, (&frame, &scope), frame.t("org-fields-new"), &errors);
    Ok(visit.show_wrong(&form_new(&shell, &page(scope.org()), &typed, errors), &refusal))
}

fn form<'a>(
    shell: &'a Shell<'a>,
    page: &str,
    field: &Asked,
    (typed, errors): (&Form, Errors),
) -> FormPage<'a> {
    let (frame, own) = (shell.frame, format!("{page}/fields/{}", field.key));
    let form = FormPage::new(shell, own.clone(), page.to_owned(), errors)
        .what(frame.t("org-fields-change-what"))
        .hidden("version", typed.version.clone());
    asked(form, frame, typed, field.kind == Kind::Choice)
        .button(frame.t("console-save"))
        .aside(format!("{own}/remove"), frame.t("org-fields-remove"))
}

/// The organisation and the field of an address.
async fn found(operator: &Operator, (org, key): &(String, String)) -> Outcome<(OrgScope, Asked)> {
    let scope = enter(operator, org, SETTINGS).await?;
    let field = fields::get(&operator.visit.call, &scope, key).await?;
    Ok((scope, field))
}

pub(super) async fn look(
    Path(names): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let (scope, field) = found(&operator, &names).await?;
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let shell = shell(&operator, (&frame, &scope), field.label.clone(), &errors);
    let typed = Form::of(&field);
    Ok(operator.show(&form(&shell, &page(scope.org()), &field, (&typed, errors))))
}

pub(super) async fn save(
    Path(names): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let path = format!("{PATH}/{}/fields/{}", names.0, names.1);
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let (scope, field) = found(&operator, &names).await?;
    let saved = async {
        let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
        fields::update(&visit.call, &scope, &field.key, seen, typed.change()).await
    };
    let refusal = match saved.await {
        Ok(_) => return Ok(said::at(visit, "did-field-saved", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, (&frame, &scope), field.label.clone(), &errors);
    let version = version_after(&refusal, typed.version, field.version);
    let typed = Form { version, ..typed };
    Ok(visit.show_wrong(&form(&shell, &page(scope.org()), &field, (&typed, errors)), &refusal))
}

/// Asks for it one place earlier.
pub(super) async fn up(
    Path(names): Path<(String, String)>,
    posted: Posted<Nothing>,
) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &format!("{PATH}/{}", names.0)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (scope, field) = found(&operator, &names).await?;
    let change = Change { position: Some(field.position.saturating_sub(1)), ..Form::of(&field).change() };
    fields::update(&operator.visit.call, &scope, &field.key, field.version, change).await?;
    Ok(said::at(&operator.visit, "did-field-moved", &page(scope.org())))
}

/// What is typed before a field goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Confirm {
    confirm: String,
}

fn ask(operator: &Operator, (scope, field): (&OrgScope, &Asked), errors: Errors) -> Response {
    let visit = &operator.visit;
    let (frame, back) = (visit.frame(), page(scope.org()));
    let is_wrong = !errors.is_empty();
    let title = frame.tv("org-fields-remove-of", "label", &field.label);
    let shell = shell(operator, (&frame, scope), title, &errors);
    let form = FormPage::new(&shell, format!("{back}/fields/{}/remove", field.key), back, errors)
        .what(frame.t("org-fields-remove-what"))
        .confirm(&field.key)
        .danger(frame.t("org-fields-remove"));
    if is_wrong {
        return visit.show_wrong(&form, &Refusal::new(Code::RequestInvalid).field("confirm"));
    }
    operator.show(&form)
}

pub(super) async fn look_remove(
    Path(names): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let (scope, field) = found(&operator, &names).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{PATH}/{}/fields/{}/remove", names.0, names.1)) {
        return Ok(elsewhere);
    }
    Ok(ask(&operator, (&scope, &field), Errors::none()))
}

pub(super) async fn remove(
    Path(names): Path<(String, String)>,
    posted: Posted<Confirm>,
) -> Result<Response, Failure> {
    let path = format!("{PATH}/{}/fields/{}/remove", names.0, names.1);
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let (scope, field) = found(&operator, &names).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&path) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != field.key {
        let errors = Errors::one("confirm", visit.text.get("console-confirm-wrong"));
        return Ok(ask(&operator, (&scope, &field), errors));
    }
    fields::remove(&visit.call, &scope, &field.key).await?;
    Ok(said::at(visit, "did-field-removed", &page(scope.org())))
}

/// What a refusal means for a form about a field.
fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("key")) => ("key", "org-fields-key-wrong"),
        (Code::Conflict, Some("key")) => ("key", "org-fields-key-taken"),
        (Code::RequestInvalid, Some("kind")) => ("kind", "org-fields-kind-wrong"),
        (Code::RequestInvalid, Some("label")) => ("label", "org-fields-label-wrong"),
        (Code::RequestInvalid, Some("options")) => ("options", "org-fields-options-wrong"),
        (Code::Conflict, Some("fields" | "in_claims")) => ("", "org-fields-full"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
